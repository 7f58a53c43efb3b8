"""What the options of a search mean for the data at hand: arguments, outputs, actions, scales, sizes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from symdyn.data.angles import features_for
from symdyn.data.motion import paired_states
from symdyn.data.trajectories import names_with_role, state_names
from symdyn.data.units import unit_groups
from symdyn.evidence.parallel import parallel_to_flow
from symdyn.functions.features import Features
from symdyn.laws.scales import Scales, find_scales
from symdyn.lie.actions import act
from symdyn.lie.chart import Chart
from symdyn.lie.constraints.matching import matched
from symdyn.lie.derivative import LieDerivative
from symdyn.lie.output_actions import act_on_pairs, index_units, output_in_units
from symdyn.lie.prolongation import first_order, prolong
from symdyn.lie.vectorfields import Generators, VectorField, of_size_one
from symdyn.lie.words import as_candidates
from symdyn.rows.law_rows import Layout, finely_sampled
from symdyn.sums.data_charts import chart_of_layout
from symdyn.sums.moments import Moments

__all__ = ["Setting", "set_up"]

_LAWS = 20  # replicates that tell how far the error of the law turns the flow


@dataclass(frozen=True)
class Setting:
    """A search made definite.

    `layout` says what is read from the data, `kind` how generators act ("flow", "map", "second_order", or "pairs" with
    the action `output` on values of `shape`). Candidates, features and output are in the units of the data, or, of
    `in_chart`, in the chart of the layout.
    """

    candidates: Generators
    features: Features
    layout: Layout
    kind: str
    output: object
    shape: tuple[int, ...]

    def in_chart(self, chart: Chart) -> Setting:
        """The same search in the chart of its sums, of all variables."""
        layout, output = self.layout.in_chart(chart), self.output
        n = len(self.candidates.states)
        candidates, weights = of_size_one(chart.subset(range(n)).generators(self.candidates))
        if self.kind == "pairs" and not (isinstance(output, Generators) and len(output.states) != layout.n_outputs):
            output = output_in_units(output, layout.output_units)
            if isinstance(output, np.ndarray):  # one matrix a candidate
                output = np.tensordot(weights, output, 1)
        return replace(
            self,
            candidates=candidates,
            features=layout.argument_chart.features(self.features),
            layout=layout,
            output=output,
        )

    def candidate_chart(self, candidates: Generators) -> Chart:
        """The chart of what candidates act on; an unknown matrix on outputs acts on these in their units."""
        n = len(self.candidates.states)
        found = self.layout.variables_chart.subset(range(n))
        extra = candidates.states[n:]
        if not extra:
            return found
        sizes = index_units(self.layout.output_units, self.shape, extra)
        return found + Chart((0.0,) * len(extra), tuple(sizes))

    @property
    def element_kind(self) -> str:
        """How finite elements move the outputs: pairs move as scalars, or by the matrix of the element."""
        if self.kind != "pairs":
            return self.kind
        if isinstance(self.output, str) and self.output in ("invariant", "vector"):
            return "invariant" if self.output == "invariant" else "map"
        raise ValueError(f"elements are judged on invariant values and on vectors, not for output={self.output!r}")

    def derivative(self, points: np.ndarray) -> tuple[Generators, LieDerivative]:
        """The Lie derivative along the candidates at `points`; candidates may be joined by unknown output actions."""
        if self.kind == "pairs":
            candidates, action = act_on_pairs(self.candidates, points, self.output, self.shape)
        else:
            n_outputs = None if self.kind == "second_order" else len(self.layout.states)
            candidates, action = self.candidates, act(self.candidates, points, self.kind, n_outputs)
        return candidates, LieDerivative.build(self.features, action, points)

    def scales(self, dataset: xr.Dataset, moments: Moments) -> Scales:
        """Units of states and outputs."""
        if self.kind == "pairs":
            return _pair_scales(moments, self.output)
        kind = "second_order" if self.kind == "second_order" else "flow"
        return find_scales(moments, unit_groups(dataset, self.layout.arguments)[0], kind)

    def displacement(self, moments: Moments, scales: Scales, law: VectorField, n_candidates: int) -> np.ndarray:
        """r_i v_i / s_i `(sample, argument, candidate)`: lets translations of states that the law does not feel in.

        Times the square root of the weight of each point, as all rows are.
        """
        n = len(self.candidates.states)
        moved = self.candidates.values(moments.points[:, :n]) / scales.states[moments.owner][:, :n, None]
        if self.kind == "pairs":  # values in their own unit, over states in theirs
            rates = np.ones(n)
        else:  # an input has no rate of its own: it counts by the mean rate of the states
            squares = (law(moments.points) / scales.outputs[moments.owner]) ** 2
            rates = np.sqrt(np.mean(moments.point_weights[:, None] * squares, axis=0))
            rates = np.append(rates, np.full(n - len(rates), np.sqrt(np.mean(rates**2))))
        moved = moved * rates[None, :, None] * np.sqrt(moments.point_weights)[:, None, None]
        return np.concatenate([moved, np.zeros((*moved.shape[:2], n_candidates - moved.shape[2]))], axis=2)

    def parallel(self, algebra, moments: Moments, scales: Scales, law: VectorField, errors: np.ndarray) -> np.ndarray:
        """Which generators `(generator,)` are parallel to the flow everywhere on the data.

        `errors` `(replicate, output, feature)` are those of the law: they turn the flow away from what is parallel to
        the true one.
        """
        if algebra.dim == 0 or self.kind == "pairs":
            return np.zeros(algebra.dim, dtype=bool)
        points = moments.points
        sizes = scales.states[moments.owner] / np.sqrt(moments.point_weights)[:, None]
        if self.kind == "second_order":
            return parallel_to_flow(prolong(algebra.basis).values(points), [first_order(law)(points)], sizes)
        laws = [law.coefficients, *(law.coefficients + error for error in errors[:_LAWS])]
        values, n = law.features(points), len(self.layout.states)
        flows = [np.pad(values @ coefficients.T, ((0, 0), (0, points.shape[1] - n))) for coefficients in laws]
        # The step of a map is parallel to the flow half-way along it.
        fields = algebra.basis.values(points + flows[0] / 2 if self.kind == "map" else points)
        return parallel_to_flow(fields, flows, sizes)


def set_up(dataset: xr.Dataset, candidates: Generators, law, kind: str, output, inputs) -> Setting:
    """Match options with the data.

    Raises
    ------
    ValueError
        For an unknown kind, inputs that are not in the data, and candidates of another number of states.
    TypeError
        For a law that is no library.
    """
    if kind not in ("flow", "map", "second_order"):
        raise ValueError(f"kind must be 'flow', 'map' or 'second_order', got {kind!r}")
    targets = names_with_role(dataset, "target")
    inputs = _inputs(dataset, candidates.states, inputs)
    states = tuple(name for name in state_names(dataset) if name not in inputs)
    n, n_candidates = len(states) + len(inputs), len(candidates.states)
    if kind == "flow" and not inputs and not targets and n == 2 * n_candidates:
        kind = "second_order"
    if kind == "second_order" and n_candidates == n:
        raise ValueError(
            f"velocities are missing: the candidates act on all of {', '.join((*states, *inputs))}, and kind="
            "'second_order' needs the rates of these beside them; add them, or leave kind out"
        )
    if n_candidates != (n // 2 if kind == "second_order" else n) or (kind == "second_order" and n % 2):
        given = ", ".join((*states, *inputs))
        raise ValueError(f"the candidates act on {n_candidates} states, the data have {n}: {given}")
    if kind == "second_order" and inputs:
        raise ValueError("inputs of second-order systems are not supported: give the flow of positions and velocities")
    if kind == "second_order" and not targets:
        states = paired_states(dataset, states)
    pairs = bool(targets) and not _like_states(output)
    if not pairs and not _like_states(output):
        raise ValueError(f"output={output!r} is for pairs (X, Y); trajectories have output='vector_field'")
    fine = kind == "map" and not targets and finely_sampled(dataset, states)
    layout = Layout("pairs" if targets else kind, states, inputs, targets, fine)
    shape = tuple(dataset.attrs.get("target_shape", (len(targets),)))
    how = ("pairs", output) if pairs else (kind, "vector")
    layout = replace(layout, chart=chart_of_layout(dataset, layout, *how, shape))
    renamed = candidates.renamed((*states, *inputs)[:n_candidates])
    return Setting(
        renamed,
        features_for(law, dataset, (*states, *inputs), "law"),
        layout,
        "pairs" if pairs else kind,
        output,
        shape,
    )


def candidates_on(dataset: xr.Dataset, candidates, kind: str, inputs) -> list:
    """Candidates as a user gives them, on the states of the data.

    Parameters
    ----------
    dataset : xr.Dataset
    candidates : see `symdyn.lie.words.as_candidates`
        Words stand for all states and inputs; for the positions, of a second-order system.
    kind : str
    inputs : sequence of str, optional

    Raises
    ------
    ValueError
        For words that mean nothing, and names of states that the data have not.
    """
    found = _inputs(dataset, ("",), inputs)
    names = tuple(name for name in state_names(dataset) if name not in found)
    if kind == "second_order" and not names_with_role(dataset, "target"):
        names = paired_states(dataset, names)
    names = (*names, *found)
    n = len(names) // 2 if kind == "second_order" else len(names)
    return matched(as_candidates(candidates, n, names[:n]), names)


def _like_states(output):
    return isinstance(output, str) and output == "vector_field"


def _inputs(dataset, moved, inputs):
    """Names of inputs: as given, else those that the data declare; times, if the candidates end with a state `t`."""
    found = (
        names_with_role(dataset, "input") if inputs is None else (inputs,) if isinstance(inputs, str) else tuple(inputs)
    )
    missing = [name for name in found if name not in dataset.variables]
    if missing:
        raise ValueError(f"input {missing[0]!r} is not in the data, which have {sorted(map(str, dataset.data_vars))}")
    states = [name for name in state_names(dataset) if name not in found]
    moves_time = moved[-1] == "t" and "t" not in (*states, *found)
    return (*found, "t") if moves_time and len(moved) == len(states) + len(found) + 1 else found


def _pair_scales(moments, output) -> Scales:
    """One unit for the values of a vector or a tensor, which mix; each its own for invariants, its mean taken out."""
    count = np.bincount(moments.trajectory, weights=moments.count)
    power = np.average(moments.power, axis=0, weights=count)
    spread = np.sqrt(moments.pooled_variance())
    if isinstance(output, str) and output == "invariant":
        sizes = np.sqrt(np.maximum(power - np.average(moments.mean, axis=0, weights=count) ** 2, 0))
    elif isinstance(output, str) and output == "vector":
        units = np.where(spread > 0, spread, 1.0)  # values come in the units of the states
        sizes = units * np.sqrt(np.mean(power / units**2))
    else:
        sizes = np.full(len(power), np.sqrt(np.mean(power)))
    sizes = np.where(sizes > 0, sizes, np.inf)
    states = np.tile(np.where(spread > 0, spread, np.inf), (moments.n_trajectories, 1))
    return Scales(np.ones(len(states)), np.where(np.isfinite(sizes), sizes, 0.0) ** 2, power, sizes, states, False)
