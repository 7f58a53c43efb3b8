"""Runs as a user gave them: checked, and copied nowhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symdyn.data.numbers import real_array, refuse_dtype
from symdyn.functions.tolerances import STILL
from symdyn.lie.chart import Chart

__all__ = ["Irregular", "Record", "chart_of_runs", "check_numbers", "gathered", "recorded", "tall_runs", "uncopied"]

_SAMPLES = 16384  # looked at together


class Irregular(Exception):
    """What was given is for pysindy to read, or to refuse."""


@dataclass(frozen=True)
class Record:
    """Hold runs `(time, column)` of one width, none of them copied.

    Parameters
    ----------
    x : list of ndarray
        States.
    times : list of float or ndarray `(time,)`
        The step of each run, or its times.
    targets : list of ndarray, optional
        Rates, or next states; None where they follow from x.
    inputs : list of ndarray, optional
        Control inputs.
    weights : list of ndarray `(time, 1)`, optional
        Of samples.
    discrete : bool
        Whether the rows without `targets` lead from one sample to the next.
    """

    x: list[np.ndarray]
    times: list[float | np.ndarray]
    targets: list[np.ndarray] | None = None
    inputs: list[np.ndarray] | None = None
    weights: list[np.ndarray] | None = None
    discrete: bool = False

    @property
    def lengths(self) -> list[int]:
        """Rows of each run."""
        last = int(self.discrete and self.targets is None)  # the last sample has no next
        return [len(run) - last for run in self.x]

    @property
    def n_arguments(self) -> int:
        """Number of states and inputs."""
        return self.x[0].shape[1] + (0 if self.inputs is None else self.inputs[0].shape[1])

    @property
    def n_targets(self) -> int:
        """Number of columns to be fitted."""
        return (self.x if self.targets is None else self.targets)[0].shape[1]


def check_numbers(x: Any, **others: Any) -> None:
    """Check that each list has one entry for each trajectory.

    Raises
    ------
    ValueError
    """
    if not isinstance(x, list | tuple) or not any(np.ndim(run) for run in x[:1]):
        return
    for name, given in others.items():
        if isinstance(given, list | tuple) and len(given) != len(x):
            raise ValueError(
                f"{name} lists {len(given)} entries, x {len(x)} trajectories: give one entry for each trajectory"
            )


def uncopied(given: Any, name: str) -> Any:
    """Return an array, or a list of arrays, as `real_runs` does, but with real numbers in the precision they came in.

    Raises
    ------
    ValueError
        For what holds no real numbers.
    """
    if given is None:
        return None
    if isinstance(given, list | tuple) and any(np.ndim(run) for run in given[:1]):
        return [_numbers(run, name) for run in given]
    return _numbers(given, name)


def _numbers(run: Any, name: str) -> np.ndarray:
    if not isinstance(run, np.ndarray) or isinstance(run, np.ma.MaskedArray):
        return real_array(run, name)
    refuse_dtype(run.dtype, name)
    return run if run.dtype.itemsize <= 8 else real_array(run, name)


def tall_runs(given: np.ndarray | Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return runs `(sample, column)` of an array or of a list of arrays, as views."""
    runs = [np.asarray(one) for one in (given if isinstance(given, list | tuple) else [given])]
    return [run if run.ndim == 2 else run.reshape(-1, run.shape[-1] if run.ndim > 1 else 1) for run in runs]


def recorded(x: Any, t: Any, targets: Any, inputs: Any, weights: Any, *, discrete: bool = False) -> Record:
    """Read what `SymmetricSINDy.fit` takes, in the forms that need no further thought.

    Raises
    ------
    Irregular
        For all others, right or wrong.
    """
    several = isinstance(x, list | tuple)
    runs = _columns(x, several, None)
    lengths = [len(run) for run in runs]
    times = _times(t, several, lengths)
    targets, inputs, weights = (
        None if one is None else _columns(one, several, lengths) for one in (targets, inputs, weights)
    )
    if weights is not None and weights[0].shape[1] != 1:
        raise Irregular
    return Record(runs, times, targets, inputs, weights, discrete)


def _columns(given: Any, several: bool, lengths: list[int] | None) -> list[np.ndarray]:
    """Return runs `(time, column)` of one width, each of its length."""
    if isinstance(given, list | tuple) != several:
        raise Irregular
    runs = [np.asarray(run) for run in (given if several else [given])]
    if any(run.ndim == 1 for run in runs):
        runs = [run[:, None] if run.ndim == 1 else run for run in runs]
    if not runs or runs[0].ndim != 2 or runs[0].shape[1] == 0:
        raise Irregular
    width = runs[0].shape[1]
    if any(run.ndim != 2 or run.shape[1] != width or len(run) < 2 for run in runs):
        raise Irregular
    if lengths is not None and [len(run) for run in runs] != lengths:
        raise Irregular
    return runs


def _times(t: Any, several: bool, lengths: list[int]) -> list[float | np.ndarray]:
    """Return the step or the times of each run."""
    listed = isinstance(t, list | tuple)
    given = list(t) if listed else [t] * len(lengths)
    if (listed and not several) or len(given) != len(lengths):
        raise Irregular
    found: list[float | np.ndarray] = []
    for k, (entry, length) in enumerate(zip(given, lengths, strict=True)):
        # Runs often share one array of times, which is looked at once.
        same = k > 0 and entry is given[k - 1] and length == lengths[k - 1]
        found.append(found[-1] if same else _clock(entry, length))
    return found


def _clock(entry: Any, length: int) -> float | np.ndarray:
    if isinstance(entry, int | float | np.integer | np.floating) and not isinstance(entry, bool):
        if not entry > 0 or not np.isfinite(entry):
            raise Irregular
        return float(entry)
    times = np.asarray(entry)
    if times.dtype.kind not in "fiu" or times.shape != (length,) or not np.all(np.diff(times) > 0):
        raise Irregular
    return times.astype(float, copy=False)


def gathered(runs: list[np.ndarray], chosen: Sequence[int], first: int, last: int) -> np.ndarray:
    """Copy samples `first` to `last` of some runs of one length into an array `(column, run, time)` of float64."""
    found = np.empty((runs[0].shape[1], len(chosen), last - first))
    for place, run in enumerate(chosen):
        found[:, place] = runs[run][first:last].T
    return found


def chart_of_runs(*given: list[np.ndarray]) -> Chart:
    """Return the chart of columns that are given in several lists of runs: mean and spread of each, over all samples.

    It is `chart_of_points` of all samples, from one pass over them.

    Raises
    ------
    ValueError
        Where there is no sample, or one that is not finite.
    """
    centre, scale = np.concatenate([_centre_and_scale(runs) for runs in given], axis=1)
    return Chart(centre, scale)


def _centre_and_scale(runs: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    samples = next((run for run in runs if len(run)), None)
    if samples is None:
        raise ValueError("the trajectories hold no samples")
    start = np.array(samples[0], dtype=float)
    number, mean, squares, largest = 0, np.zeros_like(start), np.zeros_like(start), np.zeros_like(start)
    for block in _blocks(runs):
        n, here = block.shape[1], block.mean(axis=1)
        # Sums about the mean of each block lose no digits to a far origin.
        gap, total = here - mean, number + n
        squares += np.square(block - here[:, None]).sum(axis=1) + gap**2 * (number * n / total)
        mean, number = mean + gap * (n / total), total
        np.maximum(largest, np.abs(block).max(axis=1), out=largest)
    if not np.isfinite(squares).all():
        raise ValueError("the samples hold NaN or infinity: leave these samples out, and split the trajectory there")
    spread = np.sqrt(squares / number)
    still = spread <= STILL * largest
    return np.where(still, start, mean), np.where(still | (spread == 0), 1.0, spread)


def _blocks(runs: list[np.ndarray]):
    """Give all samples `(column, sample)`, some at a time, as float64."""
    held: list[np.ndarray] = []
    size = 0
    for run in runs:
        for start in range(0, len(run), _SAMPLES):
            held.append(run[start : start + _SAMPLES])
            size += len(held[-1])
            if size >= _SAMPLES:
                yield np.concatenate(held).T.astype(float, order="C")
                held, size = [], 0
    if held:
        yield np.concatenate(held).T.astype(float, order="C")
