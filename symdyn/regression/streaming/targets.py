"""States and targets of some rows of a record: given, the next states, or rates by differences."""

from __future__ import annotations

import copy
from typing import Any, Protocol

import numpy as np
from pysindy.differentiation import FiniteDifference
from pysindy.differentiation.base import BaseDifferentiation
from pysindy.utils import AxesArray

from symdyn.regression.streaming.differences import Differences, differences_like
from symdyn.regression.streaming.record import Record, gathered

__all__ = ["Targets", "targets_of"]


class Targets(Protocol):
    """Describe where states and targets of a record come from."""

    def keys(self) -> list:
        """Return for each run what it must share with others to be taken together with them."""
        ...

    def columns(self, runs: list[int], first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
        """Compute states and targets `(column, run, row)` of rows `first` to `last` of some runs."""
        ...


class _Given:
    """Targets that came with the states, or are the states one sample later."""

    def __init__(self, record: Record):
        self.record = record

    def keys(self) -> list:
        return [0] * len(self.record.x)

    def columns(self, runs: list[int], first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
        x, targets = self.record.x, self.record.targets
        if targets is None:
            both = gathered(x, runs, first, last + 1)
            return both[..., :-1], both[..., 1:]
        return gathered(x, runs, first, last), gathered(targets, runs, first, last)


class _Differenced:
    """Rates by finite differences, from the rows and as many samples on both sides as they depend on."""

    def __init__(self, record: Record, differences: Differences):
        self.record, self.differences = record, differences

    def keys(self) -> list:
        return [
            (len(run), isinstance(clock, float)) for run, clock in zip(self.record.x, self.record.times, strict=True)
        ]

    def columns(self, runs: list[int], first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
        reach, length = self.differences.reach, len(self.record.x[runs[0]])
        low, high = max(0, first - reach), min(length, last + reach)
        step, times = self._clock(runs, low, high)
        found = self.differences(gathered(self.record.x, runs, low, high), step, times)
        states, rates = (one[..., first - low : last - low] for one in found)
        return states, rates

    def _clock(self, runs: list[int], low: int, high: int) -> tuple[np.ndarray, np.ndarray | None]:
        """Return the first step and the times `(run, time)` of runs, only one where all share them."""
        clocks = [self.record.times[run] for run in runs]
        if all(clock is clocks[0] for clock in clocks):
            clocks = clocks[:1]
        times = [clock for clock in clocks if isinstance(clock, np.ndarray)]
        if not times:
            return np.array(clocks, dtype=float), None
        step, stretch = np.array([clock[1] - clock[0] for clock in times]), np.stack([one[low:high] for one in times])
        if np.all(step == step[0]) and np.all(stretch == stretch[0]):
            return step[:1], stretch[:1]
        return step, stretch


class _Foreign:
    """Rates by a method of pysindy's, which gets one whole run at a time."""

    def __init__(self, record: Record, method: BaseDifferentiation):
        self.record = record
        self.method: Any = copy.deepcopy(method)
        self._last: tuple[int, np.ndarray, np.ndarray] | None = None

    def keys(self) -> list:
        return list(range(len(self.record.x)))

    def columns(self, runs: list[int], first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
        (run,) = runs
        if self._last is None or self._last[0] != run:
            x = AxesArray(np.array(self.record.x[run], dtype=float), {"ax_time": 0, "ax_coord": 1})
            rates = np.asarray(self.method(x, t=self.record.times[run]), dtype=float)
            self._last = run, np.asarray(self.method.smoothed_x_, dtype=float), rates
        _, states, rates = self._last
        return states[first:last].T[:, None], rates[first:last].T[:, None]


def targets_of(record: Record, method: BaseDifferentiation | None) -> Targets:
    """Return where states and targets of a record come from.

    Parameters
    ----------
    record : Record
    method : BaseDifferentiation, optional
        Of pysindy; by default central differences.
    """
    if record.targets is not None or record.discrete:
        return _Given(record)
    differences = differences_like(method)
    if differences is not None and min(map(len, record.x)) >= differences.fewest:
        return _Differenced(record, differences)
    return _Foreign(record, FiniteDifference(axis=-2) if method is None else method)
