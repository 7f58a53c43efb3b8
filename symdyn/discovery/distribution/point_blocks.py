"""Points of an ensemble, piece by piece: each with its block, its class and its weight.

Errors come from blocks that are resampled as wholes. Samples of one trajectory depend on one another, so a block is
made of whole trajectories, or of stretches of one that are long against its memory. Samples that come without
trajectories are dealt to the blocks in turn; where successive ones depend on one another, a block is a stretch of them.
Which block a sample belongs to depends on its place alone, not on how the data are cut into pieces.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from dask.base import is_dask_collection

from symdyn.data.numbers import real_points, refuse_dtype
from symdyn.data.trajectories import each_trajectory, named, state_names
from symdyn.sums.moments import blocks as chunks_of

__all__ = ["PointBlocks", "points_of_array", "points_of_trajectories"]

_MOST_BLOCKS = 400
_FEWEST_BLOCKS = 10
_ENOUGH_RUNS = 40  # fewer trajectories are cut into stretches
_PIECE = 1 << 14  # samples of an array that are read at a time
_LOOKED_AT = 20_000  # points that stand for all where units are chosen
_DEPENDENT = 0.2  # correlation of successive samples from which on they are taken for a trajectory
_MEMORIES = 10.0  # times its memory: length of a stretch


@dataclass(frozen=True)
class Piece:
    """Some of the points `(sample, state)`: their blocks, classes and weights `(sample,)`."""

    points: np.ndarray
    block: np.ndarray
    label: np.ndarray
    weight: np.ndarray


@dataclass(frozen=True)
class PointBlocks:
    """An ensemble of points.

    `states` their names, `count` their number, `n_blocks` and `classes` what they are divided into, `class_counts` the
    samples of each class; `pieces` read some
    of them each; `some` `(sample, state)` are points that stand for all. `notes` say how they were divided.
    """

    states: tuple[str, ...]
    count: int
    n_blocks: int
    classes: tuple[str, ...]
    class_counts: tuple[int, ...]
    pieces: Sequence[Callable[[], Piece]]
    some: np.ndarray
    is_lazy: bool = False
    notes: tuple[str, ...] = ()


def points_of_array(points: Any, labels: Any, trajectory: Any, weights: Any) -> PointBlocks:
    """Divide an array of points.

    Parameters
    ----------
    points : array, table or dask array, `(sample, state)`
    labels, trajectory : array, `(sample,)`, or None
        Class and trajectory of each sample, numbers or texts.
    weights : array, `(sample,)`, or None
        Not negative.

    Raises
    ------
    ValueError
        For points, labels or weights that do not fit one another or are no numbers, and for too few trajectories.
    """
    is_lazy, names = is_dask_collection(points), None
    if is_lazy:
        refuse_dtype(points.dtype, "points")
        points = points.rechunk({1: -1})
    else:
        points, names = real_points(points, "points")
    count = len(points)
    classes, label = _classes(labels, count)
    weight = _weights(weights, count)
    some = points[_evenly(count, _LOOKED_AT)]
    some = np.asarray(some.compute(scheduler="synchronous") if is_lazy else some, dtype=float)
    note: tuple[str, ...] = ()
    if trajectory is not None:
        block = _blocks_of_runs(_codes(trajectory, count, "trajectory"))
    else:
        first = np.asarray(points[: 2 * _LOOKED_AT], dtype=float)
        block, note = _blocks_of_samples(first, label[: len(first)], count)
    states = tuple(names or (f"x{k}" for k in range(points.shape[1])))
    ends = np.cumsum(points.chunks[0]) if is_lazy else np.append(np.arange(_PIECE, count, _PIECE), count)
    starts = np.concatenate([[0], ends[:-1]])
    pieces = [
        partial(_read, points[a:b], block[a:b], label[a:b], weight[a:b]) for a, b in zip(starts, ends, strict=True)
    ]
    counts = tuple(np.bincount(label))
    return PointBlocks(states, count, int(block.max()) + 1, classes, counts, pieces, some, is_lazy, note)


def points_of_trajectories(dataset: xr.Dataset, labels: Any, steps: int, memory: float) -> PointBlocks:
    """Divide the samples of trajectories, or their pairs (x_k, x_(k+steps)) with `steps` > 0.

    Parameters
    ----------
    dataset : xr.Dataset
    labels : str, or array `(trajectory,)`, or None
        A variable or coordinate over `trajectory`, or its values.
    steps : int
    memory : float
        Time after which a trajectory has forgotten its phase, in the unit of `time`.

    Raises
    ------
    ValueError
        For labels that do not fit, and for trajectories that are too few and too short.
    """
    dataset = named(dataset)
    states, n_runs = state_names(dataset), dataset.sizes["trajectory"]
    given = dataset[labels].values if isinstance(labels, str) else labels
    classes, label = _classes(given, n_runs, "one a trajectory")
    times = dataset["time"].values
    duration = float(np.nanmax(times) - np.nanmin(times))
    each = 1
    if n_runs < _ENOUGH_RUNS:
        each = int(np.clip(duration / (_MEMORIES * max(memory, 1e-300)), 1, _MOST_BLOCKS // max(n_runs, 1)))
    n_blocks = min(n_runs * each, _MOST_BLOCKS)
    if n_blocks < _FEWEST_BLOCKS:
        raise ValueError(
            f"{n_runs} trajectories of {duration:.3g} units of time, with a memory of {memory:.2g}, are no more than "
            f"{n_blocks} independent stretches: at least {_FEWEST_BLOCKS} are needed, longer or more trajectories"
        )
    parts, place = [], 0
    for chunk in chunks_of(dataset):
        size = chunk.sizes["trajectory"]
        parts.append(partial(_read_runs, chunk, states, steps, label[place : place + size], (place, n_runs, each)))
        place += size
    names = tuple(states) if not steps else (*states, *(f"next {name}" for name in states))
    sample = np.concatenate([piece.points for piece in _some_runs(dataset, states, steps)])
    some = sample[_evenly(len(sample), _LOOKED_AT)]
    each_run = dataset.sizes["time"] - steps
    counts = tuple(np.bincount(label) * each_run)
    return PointBlocks(names, n_runs * each_run, n_blocks, classes, counts, parts, some, is_dask_collection(dataset))


def _read(points: Any, block: np.ndarray, label: np.ndarray, weight: np.ndarray) -> Piece:
    values = np.asarray(points.compute(scheduler="synchronous") if is_dask_collection(points) else points, dtype=float)
    if not np.isfinite(values).all():
        bad = int((~np.isfinite(values)).any(axis=1).sum())
        raise ValueError(f"points are not finite at {bad} of {len(values)} places: leave these out")
    return Piece(values, block, label, weight)


def _read_runs(
    chunk: xr.Dataset, states: Sequence[str], steps: int, label: np.ndarray, place: tuple[int, int, int]
) -> Piece:
    first, n_runs, each = place
    parts = [[], [], []]
    for k, run in enumerate(each_trajectory(chunk.compute(scheduler="synchronous"), states)):
        values = run.states if not steps else np.concatenate([run.states[:-steps], run.states[steps:]], axis=1)
        stretch = np.arange(len(values)) * each // max(len(values), 1)
        number = ((first + k) * each + stretch) * min(n_runs * each, _MOST_BLOCKS) // (n_runs * each)
        for part, entry in zip(parts, (values, number, np.full(len(values), label[k])), strict=True):
            part.append(entry)
    points, block, classes = (np.concatenate(part) for part in parts)
    return Piece(points, block, classes, np.ones(len(points)))


def _some_runs(dataset: xr.Dataset, states: Sequence[str], steps: int) -> Iterator[Piece]:
    """Read up to 200 trajectories, evenly spaced."""
    n_runs = dataset.sizes["trajectory"]
    numbers = _evenly(n_runs, 200)
    yield _read_runs(dataset.isel(trajectory=numbers), states, steps, np.zeros(len(numbers), int), (0, len(numbers), 1))


def _classes(labels: Any, count: int, each: str = "one a sample") -> tuple[tuple[str, ...], np.ndarray]:
    if labels is None:
        return ("",), np.zeros(count, dtype=int)
    values = np.asarray(labels)
    if values.shape != (count,):
        raise ValueError(f"labels must have shape ({count},), {each}, got {values.shape}")
    if values.dtype.kind in "fc" and not np.isfinite(values).all():
        raise ValueError("labels are not finite: leave these samples out, or give them a label of their own")
    names, codes = np.unique(values.astype(str) if values.dtype == object else values, return_inverse=True)
    if len(names) > max(count // 20, 1):
        raise ValueError(
            f"labels take {len(names)} values in {count} samples, too many for classes: a label that varies like a "
            "state belongs into the points, and into the candidates"
        )
    return tuple(map(str, names)), codes


def _weights(weights: Any, count: int) -> np.ndarray:
    if weights is None:
        return np.ones(count)
    values = np.asarray(weights, dtype=float)
    if values.shape != (count,) or not np.isfinite(values).all() or np.any(values < 0) or not np.any(values > 0):
        raise ValueError(f"weights must be ({count},) numbers that are not negative, got shape {values.shape}")
    return values / values.mean()


def _codes(given: Any, count: int, name: str) -> np.ndarray:
    values = np.asarray(given)
    if values.shape != (count,):
        raise ValueError(f"{name} must have shape ({count},), one a sample, got {values.shape}")
    return np.unique(values, return_inverse=True)[1]


def _blocks_of_runs(runs: np.ndarray) -> np.ndarray:
    n_runs = int(runs.max()) + 1
    if n_runs < _FEWEST_BLOCKS:
        raise ValueError(
            f"{n_runs} trajectories are too few to tell an error from: at least {_FEWEST_BLOCKS} are needed, or one "
            "number for each stretch of them that is long against its memory"
        )
    return runs * min(n_runs, _MOST_BLOCKS) // n_runs


def _blocks_of_samples(first: np.ndarray, label: np.ndarray, count: int) -> tuple[np.ndarray, tuple[str, ...]]:
    """Deal samples to blocks in turn, a few at a time; or in stretches where successive samples look alike."""
    n_blocks = min(_MOST_BLOCKS, count)
    correlation = _correlation_of_successive(first, label)
    if correlation < max(_DEPENDENT, 5 / np.sqrt(len(first))):
        return np.arange(count) // max(count // (8 * n_blocks), 1) % n_blocks, ()
    # exp(−1 / memory) is the correlation after one step.
    memory = 1 / max(-np.log(min(correlation, 1 - 1e-12)), 1e-12)
    n_blocks = int(np.clip(count / (_MEMORIES * memory), _FEWEST_BLOCKS, _MOST_BLOCKS))
    note = (
        f"successive samples are correlated ({correlation:.2g}), so errors are those of {n_blocks} stretches of them: "
        "`trajectory` says which samples belong together; samples that were sorted are better shuffled"
    )
    return np.arange(count) * n_blocks // count, (note,)


def _correlation_of_successive(points: np.ndarray, label: np.ndarray) -> float:
    """Return the largest correlation, over states, of samples with the next one of their class."""
    largest = 0.0
    for code in np.unique(label):
        own = points[label == code]
        own = own - own.mean(axis=0)
        power = np.sum(own**2, axis=0)
        varies = power > 0
        if len(own) > 2 and varies.any():
            largest = max(largest, float(np.max(np.sum(own[1:] * own[:-1], axis=0)[varies] / power[varies])))
    return largest


def _evenly(count: int, most: int) -> np.ndarray:
    return np.unique(np.linspace(0, count - 1, min(count, most)).astype(int))
