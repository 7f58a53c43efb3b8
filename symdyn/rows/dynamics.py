"""What one row of a law is, for every kind of system.

    Flow          x' = f(x, u): weak form, even samples as instruments for odd ones
    SecondOrder   q'' = g(q, q'): the same, with the velocities as targets
    Map           x_{k+1} − x_k = W theta(x_k, u_k): row k with row k + 2 as its instrument
    Samples       y = W theta(x): least squares, all noise in y

Two rows of a finely sampled map that are two steps apart share no sample, so their noise is independent and their
product has no bias, as for even and odd samples of a flow. Where one step changes much (a chaotic map) neighbours are
no instruments: rows are then multiplied with themselves, and noise in x biases the law.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import ClassVar

import numpy as np

from symdyn.lie.actions import FLOW, MAP, SECOND_ORDER, Action
from symdyn.lie.chart import Chart
from symdyn.rows.ensembles import Ensemble
from symdyn.rows.run_statistics import means
from symdyn.rows.weak_form import MIN_SAMPLES
from symdyn.rows.windows import Windows, windows_of

__all__ = ["APART", "Dynamics", "Layout", "dynamics_of"]

APART = 2  # steps between two rows of a map that share no sample
_MIN_STEPS = 5
_COARSE_BLOCK = 50  # steps in a stretch of a coarse map, at most
_COARSE_BLOCKS = 12  # stretches that a short run falls into: fewer tell no error
_SHORTEST_BLOCK = 3  # steps: noise of two neighbouring rows is correlated


class Dynamics(ABC):
    """What is measured of a system, and what a row of its law is.

    `action` is how a symmetry moves arguments and values of the law. Where `in_windows`, rows are windows in time and
    targets are rates; else each sample is a row, whose values come from `n_ahead` samples further on as well. Where
    `weighs_runs`, runs are weighed one by one, each in units of its own size. Values of `pairs` are given beside the
    arguments.
    """

    name: ClassVar[str]
    action: ClassVar[Action]
    in_windows: ClassVar[bool] = False
    pairs: ClassVar[bool] = False
    weighs_runs: ClassVar[bool] = False
    n_ahead: ClassVar[int] = 0

    @abstractmethod
    def output_columns(self, layout: Layout) -> slice:
        """Return where the targets stand among the variables; those of a map are differences of its states."""

    @abstractmethod
    def check(self, ensemble: Ensemble, layout: Layout, labels: tuple[str, ...]) -> None:
        """Refuse runs of which no row can be made."""

    def own_stretches(self, n_samples: int, most: int) -> np.ndarray:
        """Return the stretch `(row,)` of each row that is its own instrument."""
        raise NotImplementedError(f"rows of a {self.name} have instruments")

    def noise_of(self, noise: np.ndarray, layout: Layout) -> np.ndarray:
        """Return the noise `(run, argument)` that counts."""
        return np.nan_to_num(noise)  # too few steps to tell

    def origin(self, ensemble: Ensemble, layout: Layout) -> np.ndarray:
        """Return what targets are counted from `(run, output)`, where constants do not matter."""
        return np.zeros((len(ensemble.runs), layout.n_outputs))

    def cut(self, times: np.ndarray, lag: float, most: int) -> Windows | np.ndarray:
        """Return windows, or the stretch `(row,)` of each row, of runs that forget their phase in `lag` samples."""
        raise NotImplementedError(f"{self.name} has no clock")

    def targets(self, values: np.ndarray, after: np.ndarray) -> np.ndarray:
        """Return the values of the law from those of a sample and of the one after it."""
        return values

    def __repr__(self) -> str:
        return self.name


class Flow(Dynamics):
    """Rates x' = f(x, u) by the weak form."""

    name = "flow"
    action = FLOW
    in_windows = True

    def output_columns(self, layout):
        return slice(0, len(layout.states))

    def check(self, ensemble, layout, labels):
        n, name = len(ensemble.times), labels[ensemble.runs[0]]
        if n < MIN_SAMPLES:
            raise ValueError(
                f"trajectory {name!r} has {n} samples; the weak form needs at least {MIN_SAMPLES}: drop it or sample "
                "faster"
            )

    def noise_of(self, noise, layout):
        noise = noise.copy()
        noise[:, [name in ("t", "time") for name in layout.arguments]] = 0.0
        return noise

    def origin(self, ensemble, layout):
        # The integral of a slope of a bump over samples is not quite 0: 300 K would leave its mark on the rates.
        return means(ensemble, layout.output_columns)

    def cut(self, times, lag, most):
        return windows_of(times, _time_scale(times, lag), most)


class SecondOrder(Flow):
    """Accelerations q'' = g(q, q') by the weak form of the velocities."""

    name = "second_order"
    action = SECOND_ORDER
    weighs_runs = True

    def output_columns(self, layout):
        n = len(layout.states)
        return slice(n // 2, n)

    def check(self, ensemble, layout, labels):
        super().check(ensemble, layout, labels)
        _check_velocities(ensemble, layout.states, labels)


class Map(Dynamics):
    """Steps x_{k+1} − x_k from sample to sample."""

    name = "map"
    action = MAP
    n_ahead = 1

    def output_columns(self, layout):
        return slice(0, len(layout.states))

    def check(self, ensemble, layout, labels):
        n, name = len(ensemble.times), labels[ensemble.runs[0]]
        if n < _MIN_STEPS:
            raise ValueError(
                f"trajectory {name!r} has {n} samples; a map needs at least {_MIN_STEPS}: drop it, or give pairs (X, Y)"
            )

    def own_stretches(self, n_samples, most):
        n_steps = n_samples - 1
        length = min(_COARSE_BLOCK, max(n_steps // _COARSE_BLOCKS, _SHORTEST_BLOCK))
        return _stretches(n_steps, length, most)

    def cut(self, times, lag, most):
        step = (times[-1] - times[0]) / (len(times) - 1)
        return _stretches(len(times) - 1 - APART, int(np.pi * _time_scale(times, lag) / step), most)

    def targets(self, values, after):
        return after - values


class Samples(Dynamics):
    """Values y = F(x) at single points."""

    name = "pairs"
    action = FLOW
    pairs = True

    def output_columns(self, layout):
        n = len(layout.variables)
        return slice(n - len(layout.targets), n)

    def check(self, ensemble, layout, labels):
        """Take any: each sample is a row."""

    def own_stretches(self, n_samples, most):
        return np.zeros(n_samples, dtype=int)


_KNOWN: dict[str, Dynamics] = {one.name: one for one in (Flow(), SecondOrder(), Map(), Samples())}
KINDS = tuple(_KNOWN)


def dynamics_of(kind: str | Dynamics) -> Dynamics:
    """Return the dynamics that a word stands for; dynamics as they are.

    Raises
    ------
    ValueError
        For another word.
    """
    if isinstance(kind, Dynamics):
        return kind
    if kind not in _KNOWN:
        raise ValueError(f"kind must be one of {KINDS}, got {kind!r}")
    return _KNOWN[kind]


@dataclass(frozen=True)
class Layout:
    """What a law maps to what: the names of its states, of inputs beside them, and of the targets of pairs.

    `kind` names the dynamics; `fine` says whether a map is sampled finely enough for neighbours to be instruments, see
    `finely_sampled`; `chart` is that of the variables, in which they are summed: their own units if it is None.
    """

    kind: str
    states: tuple[str, ...]
    inputs: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    fine: bool = False
    chart: Chart | None = None

    def __post_init__(self):
        dynamics_of(self.kind)
        if self.chart is not None and len(self.chart) != len(self.variables):
            raise ValueError(f"the chart is of {len(self.chart)} variables, there are {len(self.variables)}")

    @property
    def dynamics(self) -> Dynamics:
        """What a row is."""
        return _KNOWN[self.kind]

    @property
    def action(self) -> Action:
        """How a symmetry moves arguments and values; that of rates for pairs, whose values may be anything."""
        return self.dynamics.action

    def in_chart(self, chart: Chart) -> Layout:
        """Return the same layout in the chart of sums; values that older sums have no chart for stay as they are."""
        missing = len(self.variables) - len(chart)
        return replace(self, chart=chart + Chart.identity(missing) if missing > 0 else chart)

    @property
    def variables_chart(self) -> Chart:
        """The chart of all variables, targets last."""
        return Chart.identity(len(self.variables)) if self.chart is None else self.chart

    @property
    def argument_chart(self) -> Chart:
        """The chart of what the features read."""
        return self.variables_chart.subset(range(len(self.arguments)))

    @property
    def output_units(self) -> np.ndarray:
        """The unit `(output,)` in which the chart counts each output: of rates, of steps, of values."""
        scale = np.array(self.variables_chart.scale)[self.output_columns]
        return scale / self.variables_chart.time if self.dynamics.in_windows else scale

    @property
    def arguments(self) -> tuple[str, ...]:
        """What the features read: states, then inputs."""
        return self.states + self.inputs

    @property
    def variables(self) -> tuple[str, ...]:
        """All variables that are read, targets last."""
        return self.arguments + self.targets

    @property
    def instrumented(self) -> bool:
        """Whether rows come twice, with independent noise."""
        return self.dynamics.in_windows or self.fine

    @property
    def coarse(self) -> bool:
        """Whether rows are steps of a map that are their own instruments."""
        return self.dynamics.n_ahead > 0 and not self.fine

    @property
    def output_columns(self) -> slice:
        """Where the targets stand among the variables."""
        return self.dynamics.output_columns(self)

    @property
    def n_outputs(self) -> int:
        """Number of targets of the law."""
        columns = self.output_columns
        return columns.stop - columns.start


def _time_scale(times: np.ndarray, lag: float) -> float:
    """Return the time in which runs forget their phase, from the number of samples in it; all of it without one."""
    length = times[-1] - times[0]
    return float(3 / np.pi * lag * length / (len(times) - 1)) if lag else float(length)


def _stretches(n_rows: int, length: int, most: int) -> np.ndarray:
    """Return the stretch `(row,)` of each row: at least `length` rows long, and no more than `most` stretches."""
    n_blocks = max(n_rows // length, 1)
    if n_blocks > most:
        n_blocks, length = most, -(-n_rows // most)
    return np.unique(np.minimum(np.arange(n_rows) // length, n_blocks - 1), return_inverse=True)[1]


def _check_velocities(ensemble: Ensemble, names: tuple[str, ...], labels: tuple[str, ...]) -> None:
    """Refuse velocities that are not the rates of the positions: a wrong unit shows here as a factor."""
    if len(names) % 2:
        raise ValueError(f"a second-order system has a velocity for each position, the states are {', '.join(names)}")
    n = len(names) // 2
    # Totals over a tenth of the run: noise of single steps averages out, a factor does not.
    edges = np.unique(np.linspace(0, len(ensemble.times) - 1, 11).astype(int))
    product, square = np.zeros((2, len(ensemble.runs)))
    for a, b in pairwise(edges):
        weights = np.zeros(b - a + 1)  # of the trapezoidal rule
        weights[1:] = weights[:-1] = np.diff(ensemble.times[a : b + 1]) / 2
        weights[1:-1] = (ensemble.times[a + 2 : b + 1] - ensemble.times[a : b - 1]) / 2
        for k in range(n):
            (position, velocity), (unit, speed) = ensemble.columns[k::n][:2], ensemble.chart.scale[k::n][:2]
            moved = np.subtract(position[ensemble.runs, b], position[ensemble.runs, a], dtype=float) / unit
            told = _weighted(velocity, ensemble.runs, slice(a, b + 1), weights) / speed
            product += moved * told
            square += told * told
    factor = product / np.maximum(square, 1e-300)
    for wrong in np.flatnonzero(~((factor > 0.5) & (factor < 2)))[:1]:
        raise ValueError(
            f"trajectory {labels[ensemble.runs[wrong]]!r}: {', '.join(names[n:])} are not the rates of "
            f"{', '.join(names[:n])} (displacements are {factor[wrong]:.3g} times what they imply); check their "
            "units, or the order of the states, and that they are velocities"
        )


def _weighted(column: np.ndarray, runs: np.ndarray, when: slice, weights: np.ndarray) -> np.ndarray:
    whole = len(runs) == len(column)
    return (column[:, when] if whole else column[runs, when]) @ weights
