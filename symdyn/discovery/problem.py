"""What the options of a search mean for the data at hand: arguments, outputs, actions, scales, sizes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from symdyn.data.angles import features_for
from symdyn.data.motion import paired_states
from symdyn.data.trajectories import names_with_role, state_names
from symdyn.data.units import unit_groups
from symdyn.evidence.findings import flow_among
from symdyn.evidence.parallel import parallel_to_flow
from symdyn.functions.features import Features
from symdyn.functions.words import did_you_mean
from symdyn.laws.scales import Scales, find_scales
from symdyn.lie.actions import FLOW, MAP, SECOND_ORDER, Action, action_of
from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.lie.chart import Chart
from symdyn.lie.constraints.matching import matched
from symdyn.lie.derivative import LieDerivative
from symdyn.lie.output_actions import Values, value_action
from symdyn.lie.value_units import index_units
from symdyn.lie.vectorfields import Generators, VectorField, of_size_one
from symdyn.lie.words import as_candidates
from symdyn.rows.dynamics import Layout
from symdyn.rows.law_rows import finely_sampled
from symdyn.sums.data_charts import chart_of_layout
from symdyn.sums.moments import Moments

__all__ = ["DynamicsProblem", "PairsProblem", "Problem", "candidates_on", "set_up"]

_SYSTEMS = {action.name: action for action in (FLOW, MAP, SECOND_ORDER)}
_LAWS = 20  # replicates that tell how far the error of the law turns the flow


@dataclass(frozen=True)
class Problem(ABC):
    """A search made definite: what is read from the data, and what moves how.

    `layout` says what is read. Candidates and features are in the units of the data, or, of `in_chart`, in the chart of
    the layout.
    """

    candidates: Generators
    features: Features
    layout: Layout

    @property
    @abstractmethod
    def kind(self) -> str:
        """The word for what the law is of."""

    @property
    @abstractmethod
    def element_action(self) -> Action:
        """How finite elements move the values."""

    @abstractmethod
    def in_chart(self, chart: Chart) -> Problem:
        """Return the same search in the chart of its sums, of all variables."""

    @abstractmethod
    def derivative(self, points: np.ndarray) -> tuple[Generators, LieDerivative]:
        """Return the Lie derivative along the candidates at `points`.

        The candidates come back, joined by unknown actions on values if there are any.
        """

    @abstractmethod
    def scales(self, dataset: xr.Dataset, moments: Moments) -> Scales:
        """Return the units of states and values."""

    @abstractmethod
    def rates(self, moments: Moments, scales: Scales, law: VectorField) -> np.ndarray:
        """Return r_i `(argument,)`, the size of the rate of each argument that candidates act on."""

    @abstractmethod
    def parallel(
        self, algebra: LieAlgebra, moments: Moments, scales: Scales, law: VectorField, errors: np.ndarray
    ) -> np.ndarray:
        """Return which generators `(generator,)` are parallel to the flow everywhere on the data.

        `errors` `(replicate, output, feature)` are those of the law: they turn the flow away from what is parallel to
        the true one.
        """

    def candidate_chart(self, candidates: Generators) -> Chart:
        """Return the chart of what candidates act on."""
        return self.layout.variables_chart.subset(range(len(self.candidates.states)))

    def flow_among(self, candidates: Generators, law: VectorField, points: np.ndarray) -> np.ndarray | None:
        """Return the law as a combination of the candidates, where it is one; see `findings.flow_among`."""
        return None

    def displacement(self, moments: Moments, scales: Scales, law: VectorField, n_candidates: int) -> np.ndarray:
        """Return r_i v_i / s_i `(sample, argument, candidate)`: lets translations that the law does not feel in.

        Times the square root of the weight of each point, as all rows are.
        """
        n = len(self.candidates.states)
        moved = self.candidates.values(moments.points[:, :n])
        weights = self.rates(moments, scales, law) * np.sqrt(moments.point_weights)[:, None]
        moved *= (weights / scales.states[moments.owner][:, :n])[:, :, None]
        return np.pad(moved, ((0, 0), (0, 0), (0, more))) if (more := n_candidates - moved.shape[2]) else moved

    def _in_chart(self, chart: Chart) -> tuple[dict[str, object], np.ndarray]:
        """Return what is common to all problems in a chart, and the candidates there out of those given."""
        layout, n = self.layout.in_chart(chart), len(self.candidates.states)
        candidates, weights = of_size_one(chart.subset(range(n)).generators(self.candidates))
        features = layout.argument_chart.features(self.features)
        return {"candidates": candidates, "features": features, "layout": layout}, weights


@dataclass(frozen=True)
class DynamicsProblem(Problem):
    """The law of a system: values move with the states, by an `Action`."""

    action: Action

    @property
    def kind(self) -> str:
        return self.action.name

    @property
    def element_action(self) -> Action:
        return self.action

    def in_chart(self, chart: Chart) -> Problem:
        return replace(self, **self._in_chart(chart)[0])

    def derivative(self, points: np.ndarray) -> tuple[Generators, LieDerivative]:
        moves = self.action.of_generators(
            self.candidates, points, None if self.action.has_velocities else len(self.layout.states)
        )
        return self.candidates, LieDerivative.build(self.features, moves, points)

    def scales(self, dataset: xr.Dataset, moments: Moments) -> Scales:
        return find_scales(moments, unit_groups(dataset, self.layout.arguments)[0], self.action.name)

    def rates(self, moments: Moments, scales: Scales, law: VectorField) -> np.ndarray:
        n = len(self.candidates.states)
        squares = (law(moments.points) / scales.outputs[moments.owner]) ** 2
        rates = np.sqrt(np.mean(moments.point_weights[:, None] * squares, axis=0))
        # An input has no rate of its own: it counts by the mean rate of the states.
        return np.append(rates, np.full(n - len(rates), np.sqrt(np.mean(rates**2))))

    def flow_among(self, candidates: Generators, law: VectorField, points: np.ndarray) -> np.ndarray | None:
        return flow_among(candidates, law, points) if self.action.conserves else None

    def parallel(
        self, algebra: LieAlgebra, moments: Moments, scales: Scales, law: VectorField, errors: np.ndarray
    ) -> np.ndarray:
        if algebra.dim == 0:
            return np.zeros(0, dtype=bool)
        points = moments.points
        sizes = scales.states[moments.owner] / np.sqrt(moments.point_weights)[:, None]
        laws = [law.coefficients, *(law.coefficients + error for error in errors[:_LAWS])]
        return parallel_to_flow(*self.action.fields_and_flows(algebra.basis, law, laws, points), sizes)


@dataclass(frozen=True)
class PairsProblem(Problem):
    """A function of the states: values of `shape` move by `output`, as in `discover_function`."""

    output: Values
    shape: tuple[int, ...]

    @property
    def kind(self) -> str:
        return "pairs"

    @property
    def element_action(self) -> Action:
        if self.output.element_action is None:
            raise ValueError(f"elements are judged on invariant values and on vectors, not for output={self.output!r}")
        return self.output.element_action

    def in_chart(self, chart: Chart) -> Problem:
        parts, weights = self._in_chart(chart)
        output = self.output.in_units(self.layout.in_chart(chart).output_units).mixed(weights)
        return replace(self, **parts, output=output)

    def candidate_chart(self, candidates: Generators) -> Chart:
        found, extra = super().candidate_chart(candidates), candidates.states[len(self.candidates.states) :]
        if not extra:
            return found
        # An unknown matrix on values acts on these in their units.
        sizes = index_units(self.layout.output_units, self.shape, extra)
        return found + Chart((0.0,) * len(extra), tuple(sizes))

    def derivative(self, points: np.ndarray) -> tuple[Generators, LieDerivative]:
        candidates, moves = self.output.act(self.candidates, points, self.shape)
        return candidates, LieDerivative.build(self.features, moves, points)

    def scales(self, dataset: xr.Dataset, moments: Moments) -> Scales:
        return _pair_scales(moments, self.output)

    def rates(self, moments: Moments, scales: Scales, law: VectorField) -> np.ndarray:
        return np.ones(len(self.candidates.states))  # values in their own unit, over states in theirs

    def parallel(
        self, algebra: LieAlgebra, moments: Moments, scales: Scales, law: VectorField, errors: np.ndarray
    ) -> np.ndarray:
        return np.zeros(algebra.dim, dtype=bool)


def set_up(dataset: xr.Dataset, candidates: Generators, law, kind: str, output, inputs) -> Problem:
    """Match options with the data.

    Raises
    ------
    ValueError
        For an unknown kind, inputs that are not in the data, and candidates of another number of states.
    TypeError
        For a law that is no library.
    """
    action = _system(kind)
    targets = names_with_role(dataset, "target")
    inputs = _inputs(dataset, candidates.states, inputs)
    states = tuple(name for name in state_names(dataset) if name not in inputs)
    n, n_candidates = len(states) + len(inputs), len(candidates.states)
    if action.conserves and not inputs and not targets and n == 2 * n_candidates:
        action = SECOND_ORDER
    _check_states(action, (*states, *inputs), n_candidates, len(inputs))
    if action.has_velocities and not targets:
        states = paired_states(dataset, states)
    pairs = bool(targets) and not _like_states(output)
    if not pairs and not _like_states(output):
        raise ValueError(f"output={output!r} is for pairs (X, Y); trajectories have output='vector_field'")
    fine = action.increments and not targets and finely_sampled(dataset, states)
    layout = Layout("pairs" if targets else action.name, states, inputs, targets, fine)
    shape = tuple(dataset.attrs.get("target_shape", (len(targets),)))
    values = value_action(output if pairs else "vector")
    layout = replace(layout, chart=chart_of_layout(dataset, layout, FLOW if pairs else action, values, shape))
    renamed = candidates.renamed((*states, *inputs)[:n_candidates])
    features = features_for(law, dataset, (*states, *inputs), "law")
    if pairs:
        return PairsProblem(renamed, features, layout, values, shape)
    return DynamicsProblem(renamed, features, layout, action)


def _system(kind: str) -> Action:
    """Return the action of the law of a system."""
    if kind not in _SYSTEMS:
        raise ValueError(f"kind must be 'flow', 'map' or 'second_order', got {kind!r}")
    return _SYSTEMS[kind]


def _check_states(action: Action, names: tuple[str, ...], n_candidates: int, n_inputs: int) -> None:
    """Refuse candidates on another number of states than the data have."""
    n, given = len(names), ", ".join(names)
    if action.has_velocities and n_candidates == n:
        raise ValueError(
            f"velocities are missing: the candidates act on all of {given}, and kind='second_order' needs the rates of "
            "these beside them; add them, or leave kind out"
        )
    if action.n_arguments(n_candidates) != n:
        raise ValueError(f"the candidates act on {n_candidates} states, the data have {n}: {given}")
    if action.has_velocities and n_inputs:
        raise ValueError("inputs of second-order systems are not supported: give the flow of positions and velocities")


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
    has_velocities = action_of(kind).has_velocities
    if has_velocities and not names_with_role(dataset, "target"):
        names = paired_states(dataset, names)
    names = (*names, *found)
    n = len(names) // 2 if has_velocities else len(names)
    return matched(as_candidates(candidates, n, names[:n]), names)


def _like_states(output: str | Sequence | np.ndarray | Generators) -> bool:
    return value_action(output).are_rates


def _inputs(dataset: xr.Dataset, moved: tuple[str, ...], inputs: Sequence[str] | str | None):
    """Names of inputs: as given, else those that the data declare; times, if the candidates end with a state `t`."""
    found = (
        names_with_role(dataset, "input") if inputs is None else (inputs,) if isinstance(inputs, str) else tuple(inputs)
    )
    missing = [name for name in found if name not in dataset.variables]
    if missing:
        known = sorted(map(str, dataset.data_vars))
        hint = did_you_mean(missing[0], known)
        raise ValueError(f"input {missing[0]!r} is not in the data, which have {known}{hint}")
    states = [name for name in state_names(dataset) if name not in found]
    moves_time = moved[-1] == "t" and "t" not in (*states, *found)
    return (*found, "t") if moves_time and len(moved) == len(states) + len(found) + 1 else found


def _pair_scales(moments: Moments, output: Values) -> Scales:
    """One unit for the values of a vector or a tensor, which mix; each its own for invariants, its mean taken out."""
    count = np.bincount(moments.trajectory, weights=moments.count)
    power = np.average(moments.power, axis=0, weights=count)
    spread = np.sqrt(moments.pooled_variance())
    if output.is_invariant:
        sizes = np.sqrt(np.maximum(power - np.average(moments.mean, axis=0, weights=count) ** 2, 0))
    elif output.like_states:
        units = np.where(spread > 0, spread, 1.0)  # values come in the units of the states
        sizes = units * np.sqrt(np.mean(power / units**2))
    else:
        sizes = np.full(len(power), np.sqrt(np.mean(power)))
    sizes = np.where(sizes > 0, sizes, np.inf)
    states = np.tile(np.where(spread > 0, spread, np.inf), (moments.n_trajectories, 1))
    return Scales(np.ones(len(states)), np.where(np.isfinite(sizes), sizes, 0.0) ** 2, power, sizes, states, False)
