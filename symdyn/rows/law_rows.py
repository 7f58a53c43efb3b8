"""The rows of a law: features of its arguments beside what they must add up to, for every kind of system.

    "flow"          x' = f(x, u): weak form, even samples as instruments for odd ones
    "second_order"  q'' = g(q, q'): the same, with the velocities as targets
    "map"           x_{k+1} − x_k = W theta(x_k, u_k): row k with row k + 2 as its instrument
    "pairs"         y = W theta(x): least squares, all noise in y

Two rows of a finely sampled map that are two steps apart share no sample, so their noise is independent and their
product has no bias, as for even and odd samples of a flow. Where one step changes much (a chaotic map) neighbours are
no instruments: rows are then multiplied with themselves, and noise in x biases the law.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import xarray as xr

from symdyn.data.trajectories import each_trajectory
from symdyn.functions.columns import fill_features
from symdyn.functions.features import Features
from symdyn.lie.chart import Chart
from symdyn.rows.ensembles import Ensemble
from symdyn.rows.rates import characteristic_time
from symdyn.rows.run_statistics import characteristic_lags, means, noise_levels
from symdyn.rows.weak_form import MIN_SAMPLES, weak_batches
from symdyn.rows.windows import Windows, windows_of
from symdyn.rows.workspace import Workspace

__all__ = ["KINDS", "Batch", "Layout", "Plan", "finely_sampled", "plan_rows", "row_batches"]

KINDS = ("flow", "second_order", "map", "pairs")
_FINE = 8  # steps in a characteristic time from which neighbours are instruments
_APART = 2  # steps between two rows of a map that share no sample
_N_LOOKED_AT = 20
_MIN_STEPS = 5
_COARSE_BLOCK = 50  # steps in a stretch of a coarse map, at most
_COARSE_BLOCKS = 12  # stretches that a short run falls into: fewer tell no error
_SHORTEST_BLOCK = 3  # steps: noise of two neighbouring rows is correlated
_BATCH_BYTES = 1 << 24  # of features in a batch
_BATCH_SAMPLES = (1024, 1 << 16)  # at least, at most


@dataclass(frozen=True)
class Layout:
    """What a law maps to what: the names of its states, of inputs beside them, and of the targets of pairs.

    `fine` says whether a map is sampled finely enough for neighbours to be instruments, see `finely_sampled`; `chart`
    is that of the variables, in which they are summed: their own units if it is None.
    """

    kind: str
    states: tuple[str, ...]
    inputs: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    fine: bool = False
    chart: Chart | None = None

    def __post_init__(self):
        if self.kind not in KINDS:
            raise ValueError(f"kind must be one of {KINDS}, got {self.kind!r}")
        if self.chart is not None and len(self.chart) != len(self.variables):
            raise ValueError(f"the chart is of {len(self.chart)} variables, there are {len(self.variables)}")

    def in_chart(self, chart: Chart) -> Layout:
        """The same layout in the chart of sums; values that sums of older files have no chart for stay as they are."""
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
        return scale / self.variables_chart.time if self.kind in ("flow", "second_order") else scale

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
        return self.kind in ("flow", "second_order") or self.fine

    @property
    def output_columns(self) -> slice:
        """Where the targets stand among the variables; those of a map are differences of its states."""
        n, n_all = len(self.states), len(self.variables)
        if self.kind == "pairs":
            return slice(n_all - len(self.targets), n_all)
        return slice(n // 2, n) if self.kind == "second_order" else slice(0, n)

    @property
    def n_outputs(self) -> int:
        """Number of targets of the law."""
        if self.kind == "pairs":
            return len(self.targets)
        return len(self.states) // 2 if self.kind == "second_order" else len(self.states)


class Plan(NamedTuple):
    """What is known of runs with one clock before their rows are made.

    `noise` `(run, argument)`; `origin` `(run, output)`, what targets are counted from where constants do not matter;
    `cuts` says how the runs `(part of the ensemble)` fall into stretches of time: places of runs, and either windows
    or the stretch `(row,)` of each row, of which there are `n_stretches` `(run,)`.
    """

    noise: np.ndarray
    origin: np.ndarray
    cuts: list[tuple[np.ndarray, Windows | np.ndarray]]
    n_stretches: np.ndarray


class Batch(NamedTuple):
    """Some rows of some runs: `even` and `odd` `(feature + output, run, row)`, one array where rows are their own
    instruments; `places` `(run,)` in the ensemble, `stretch` `(row,)`.
    """

    places: np.ndarray
    even: np.ndarray
    odd: np.ndarray
    stretch: np.ndarray


def plan_rows(ensemble: Ensemble, layout: Layout, labels: tuple[str, ...], most: int) -> Plan:
    """Noise and stretches of time of runs with one clock, of which none has more than `most` stretches.

    Raises
    ------
    ValueError
        For trajectories that are too short, and for velocities that are not the rates of the positions.
    """
    _check_lengths(ensemble, layout.kind, labels)
    n_runs, n_arguments = len(ensemble.runs), len(layout.arguments)
    noise, origin = np.zeros((n_runs, n_arguments)), np.zeros((n_runs, layout.n_outputs))
    if layout.kind == "pairs":
        stretch = np.zeros(len(ensemble.times), dtype=int)
        return Plan(noise, origin, [(np.arange(n_runs), stretch)], np.ones(n_runs, dtype=int))
    if layout.kind == "map" and not layout.fine:
        n_steps = len(ensemble.times) - 1
        length = min(_COARSE_BLOCK, max(n_steps // _COARSE_BLOCKS, _SHORTEST_BLOCK))
        stretch = _stretches(n_steps, length, most)
        return Plan(noise, origin, [(np.arange(n_runs), stretch)], np.full(n_runs, stretch[-1] + 1))
    noise = noise_levels(ensemble, n_arguments)
    if layout.kind == "map":
        noise = np.nan_to_num(noise)  # too few steps to tell
    else:
        noise[:, [name in ("t", "time") for name in layout.arguments]] = 0.0
        # The integral of a slope of a bump over samples is not quite 0: 300 K would leave its mark on the rates.
        origin = means(ensemble, layout.output_columns)
    if layout.kind == "second_order":
        _check_velocities(ensemble, layout.states, labels)
    # Inputs may jump: they set no time scale.
    lags = characteristic_lags(ensemble, noise[:, : len(layout.states)])
    cuts, n_stretches = [], np.empty(n_runs, dtype=int)
    for lag in np.unique(lags):
        places = np.flatnonzero(lags == lag)
        cut = _cut(ensemble.times, lag, layout.kind, most)
        stretch = cut.stretch if isinstance(cut, Windows) else cut
        cuts.append((places, cut))
        n_stretches[places] = stretch[-1] + 1
    return Plan(noise, origin, cuts, n_stretches)


def row_batches(ensemble: Ensemble, plan: Plan, layout: Layout, features: Features) -> Iterator[Batch]:
    """Rows of runs with one clock, in batches whose size depends on neither the number nor the length of the runs.

    A batch lives until the next one is asked for: its memory is used again.
    """
    n_features, n_arguments = features.size(len(layout.arguments)), len(layout.arguments)
    n_samples = int(np.clip(_BATCH_BYTES // (8 * (n_features + layout.n_outputs)), *_BATCH_SAMPLES))
    outputs, space = layout.output_columns, Workspace()

    def values(places, when):
        states = ensemble.states(ensemble.runs[places], when, space)
        rows = space.array("rows", (n_features + layout.n_outputs, *states.shape[1:]))
        fill_features(features, states[:n_arguments], plan.noise[places], rows[:n_features])
        np.subtract(states[outputs], plan.origin[places].T[:, :, None], out=rows[n_features:])
        return rows

    for places, cut in plan.cuts:
        if isinstance(cut, Windows):
            batches = weak_batches(ensemble.times, cut, places, values, layout.n_outputs, n_samples, space)
            for here, even, odd, stretch in batches:
                yield Batch(places[here], even, odd, stretch)
        else:
            yield from _sample_batches(places, cut, values, layout, n_samples)


def _sample_batches(places, stretch, values, layout, n_samples):
    """Rows of maps and pairs, one a sample: increments from it to the next, multiplied with the row two steps on."""
    apart = _APART if layout.fine else 0
    length = min(n_samples, len(stretch))
    at_a_time = max(n_samples // length, 1)
    for first in range(0, len(places), at_a_time):
        some = places[first : first + at_a_time]
        for start in range(0, len(stretch), length):
            stop = min(start + length, len(stretch))
            if layout.kind == "pairs":
                rows = values(some, slice(start, stop))
                yield Batch(some, rows, rows, stretch[start:stop])
                continue
            rows = values(some, slice(start, stop + apart + 1))
            here, after = rows[:, :, :-1], rows[-layout.n_outputs :, :, 1:]
            here[-layout.n_outputs :] = after - here[-layout.n_outputs :]
            odd = here[:, :, apart:] if apart else here
            yield Batch(some, here[:, :, : stop - start] if apart else here, odd, stretch[start:stop])


def _cut(times, lag, kind, most):
    length = times[-1] - times[0]
    step = length / (len(times) - 1)
    scale = float(3 / np.pi * lag * length / (len(times) - 1)) if lag else float(length)
    if kind == "map":
        return _stretches(len(times) - 1 - _APART, int(np.pi * scale / step), most)
    return windows_of(times, scale, most)


def finely_sampled(dataset: xr.Dataset, states: tuple[str, ...]) -> bool:
    """Whether steps are small: at least 8 in a characteristic time, in nine of ten trajectories.

    One answer for all trajectories, from some of them: rows with and without instruments do not add.
    """
    every = max(dataset.sizes["trajectory"] // _N_LOOKED_AT, 1)
    some = each_trajectory(dataset.isel(trajectory=slice(None, None, every)), states)
    steps = [characteristic_time(run.times, run.states) / np.diff(run.times).mean() for run in some]
    return bool(np.quantile(steps, 0.1) >= _FINE)


def _stretches(n_rows, length, most):
    """Number `(row,)` of the stretch of each row: at least `length` rows long, and no more than `most` stretches."""
    n_blocks = max(n_rows // length, 1)
    if n_blocks > most:
        n_blocks, length = most, -(-n_rows // most)
    return np.unique(np.minimum(np.arange(n_rows) // length, n_blocks - 1), return_inverse=True)[1]


def _check_lengths(ensemble, kind, labels):
    n, name = len(ensemble.times), labels[ensemble.runs[0]]
    if kind == "map" and n < _MIN_STEPS:
        raise ValueError(
            f"trajectory {name!r} has {n} steps; a map needs at least {_MIN_STEPS}: drop it, or give pairs (X, Y)"
        )
    if kind in ("flow", "second_order") and n < MIN_SAMPLES:
        raise ValueError(
            f"trajectory {name!r} has {n} samples; the weak form needs at least {MIN_SAMPLES}: drop it or sample faster"
        )


def _check_velocities(ensemble, names, labels):
    """Velocities must be the rates of the positions: a wrong unit shows here as a factor."""
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
            moved = (position[ensemble.runs, b] - position[ensemble.runs, a]) / unit
            told = _weighted(velocity, ensemble.runs, slice(a, b + 1), weights) / speed
            product += moved * told
            square += told * told
    factor = product / np.maximum(square, 1e-300)
    for wrong in np.flatnonzero(~((factor > 0.5) & (factor < 2)))[:1]:
        raise ValueError(
            f"trajectory {labels[ensemble.runs[wrong]]!r}: {', '.join(names[n:])} are not the rates of "
            f"{', '.join(names[:n])} (displacements are {factor[wrong]:.3g} times what they imply); check their "
            "units, or the order of the states"
        )


def _weighted(column, runs, when, weights):
    whole = len(runs) == len(column)
    return (column[:, when] if whole else column[runs, when]) @ weights
