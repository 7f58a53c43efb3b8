"""Trajectories of a chunk by clock: runs with the same times are worked on together, whatever their number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import xarray as xr

from symdyn.data.angles import periods_of, unwrapped
from symdyn.data.trajectories import Trajectory, clocks_of, each_trajectory, label_of, named, state_names
from symdyn.lie.chart import Chart
from symdyn.rows.workspace import Workspace

__all__ = ["Ensemble", "Runs", "ensemble_of", "read_runs"]

_CLOCKS = ("t", "time")
_SAME = 1e-10  # of a step: clocks that differ by no more are the same


class Ensemble(NamedTuple):
    """Runs with the same clock.

    `times` `(time,)`, counted from the start of the first of them, in the unit of the chart; `columns` one array
    `(all runs, time)` a variable, views of the data in their own units and precision; `runs` `(run,)` the rows in them
    that belong here; `chart` that of the variables, in which they are handed out.
    """

    times: np.ndarray
    columns: tuple[np.ndarray, ...]
    runs: np.ndarray
    chart: Chart

    @property
    def centre(self) -> np.ndarray:
        """Of the chart, `(variable,)`."""
        return np.array(self.chart.centre)

    @property
    def scale(self) -> np.ndarray:
        """Of the chart, `(variable,)`."""
        return np.array(self.chart.scale)

    def states(self, runs: np.ndarray, when: slice, space: Workspace) -> np.ndarray:
        """Return variables `(variable, run, time)` of some runs and samples in the chart; the next take their place."""
        span = slice(runs[0], runs[-1] + 1) if len(runs) == runs[-1] - runs[0] + 1 else runs
        found = [column[span, when] for column in self.columns]
        copies = space.array("states", (len(found), *found[0].shape))
        for copy, column, centre, scale in zip(copies, found, *self.chart.numbers, strict=True):
            np.subtract(column, centre, out=copy, dtype=float)
            copy *= 1 / scale
        return copies


class Runs(NamedTuple):
    """A chunk in memory: `labels` of its runs, their `lengths` `(run,)`, and ensembles that hold each run once."""

    labels: tuple[str, ...]
    lengths: np.ndarray
    ensembles: tuple[Ensemble, ...]


def ensemble_of(run: Trajectory) -> Ensemble:
    """Turn a single trajectory into an ensemble, in its own units."""
    columns = tuple(column[None] for column in run.states.T)
    return Ensemble(run.times - run.times[0], columns, np.zeros(1, dtype=int), Chart.identity(len(columns)))


def read_runs(block: xr.Dataset, names: Sequence[str], chart: Chart | None = None) -> Runs:
    """Read the runs of a chunk that is in memory, padding cut off and values checked, without a copy of the data.

    Parameters
    ----------
    block : xr.Dataset
    names : sequence of str
        Variables to read, `t` being the times.
    chart : Chart, optional
        Of these variables; they stay as they are if left out.

    Raises
    ------
    ValueError
        As `each_trajectory`: for NaN inside a run and for times that do not increase.
    """
    block = named(block)
    clocks = clocks_of(block)
    columns = tuple(clocks if name in _CLOCKS else _column(block, name, clocks.shape) for name in names)
    columns = tuple(unwrapped(*pair) for pair in zip(columns, periods_of(block, names), strict=True))
    lengths = np.array([length for part in _few_at_a_time(clocks) for length in _checked(block, names, columns, part)])
    labels = tuple(str(label) for label in block[label_of(block)].values)
    chart = Chart.identity(len(columns)) if chart is None else chart
    return Runs(labels, lengths, tuple(_by_clock(clocks, columns, lengths, chart)))


def _column(block: xr.Dataset, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Return a variable `(trajectory, time)`, which all trajectories may share; not copied where it is a float."""
    variable = block[name]
    if set(variable.dims) - {"trajectory", "time"}:
        variable = variable.broadcast_like(block[state_names(block)[0]])
    values = variable.transpose(*[dim for dim in ("trajectory", "time") if dim in variable.dims]).values
    values = values if values.dtype == np.float32 else np.asarray(values, dtype=float)
    return np.broadcast_to(values[:, None] if variable.dims == ("trajectory",) else values, shape)


def _few_at_a_time(clocks: np.ndarray, n_samples: int = 1 << 18) -> Iterator[np.ndarray]:
    step = max(n_samples // clocks.shape[1], 1)
    for start in range(0, len(clocks), step):
        yield np.arange(start, min(start + step, len(clocks)))


def _checked(block: xr.Dataset, names: Sequence[str], columns: tuple[np.ndarray, ...], part: np.ndarray) -> np.ndarray:
    """Return the lengths of some runs; what is wrong with one is left to `each_trajectory` to say."""
    clocks = clocks_of(block)[part[0] : part[-1] + 1]
    held, whole = np.zeros(clocks.shape, bool), np.isfinite(clocks)
    increasing = clocks[:, 1:] > clocks[:, :-1]
    present = whole.copy()
    for column in columns:
        finite = np.isfinite(column[part[0] : part[-1] + 1])
        held |= finite
        whole &= finite
    present &= held
    lengths = np.where(present.any(axis=1), clocks.shape[1] - np.argmax(present[:, ::-1], axis=1), 0)
    inside = np.arange(clocks.shape[1]) < lengths[:, None]
    wrong = (lengths == 0) | (inside & ~whole).any(axis=1) | (inside[:, 1:] & ~increasing).any(axis=1)
    for run in part[wrong]:
        list(each_trajectory(block.isel(trajectory=[run]), names))
    return lengths


def _by_clock(
    clocks: np.ndarray, columns: tuple[np.ndarray, ...], lengths: np.ndarray, chart: Chart
) -> Iterator[Ensemble]:
    """Yield ensembles in the order of their first runs."""
    shared = clocks.strides[0] == 0
    members: dict[tuple, list[int]] = {}
    for run, length in enumerate(lengths.tolist()):
        alone = shared or len(lengths) == 1
        members.setdefault((length, b"" if alone else _fingerprint(clocks[run, :length])), []).append(run)
    for (length, _), runs in members.items():
        times = (clocks[runs[0], :length] - clocks[runs[0], 0]) / chart.time
        yield Ensemble(times, tuple(column[:, :length] for column in columns), np.array(runs), chart)


def _fingerprint(times: np.ndarray) -> bytes:
    """Return bytes that are the same for clocks with the same steps, from whatever time they start."""
    passed = times - times[0]
    step = passed[-1] / max(len(times) - 1, 1) or 1.0
    return np.round(passed / (_SAME * step)).tobytes() + f"{step:.10e}".encode()
