"""Trajectories from arrays, before the schema is checked: what each axis means, and which times belong to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from symdyn.data.clocks import times_of
from symdyn.data.numbers import kept_array, real_array

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["from_arrays", "given_times", "joined_names", "stacked_columns", "stacked_runs", "upright_runs"]


def from_arrays(x, t, states: Sequence[str] | None = None) -> xr.Dataset:
    """Build a Dataset from arrays of runs with a step, times or a list of times.

    Runs that lie in one array, one after the other, are not copied: the Dataset shows that array, of float64 or
    float32, in memory or mapped from a file. Other runs are copied once.

    Parameters
    ----------
    x : array `(time, state)`, `(time,)` or `(trajectory, time, state)`, or list of arrays `(time, state)`
        An array `(state, time)` is transposed where the number of times shows that it must be.
    t : float, interval, array `(time,)` or `(trajectory, time)`, or list of these
        Numbers or dates.
    states : sequence of str, optional

    Raises
    ------
    ValueError
        For entries that are not numbers, and for lengths that do not match; the message says what to change.

    Examples
    --------
    >>> import numpy as np
    >>> from symdyn.data.arrays import from_arrays
    >>> runs = [np.zeros((50, 2)), np.zeros((30, 2))]
    >>> data = from_arrays(runs, 0.1, states=["q", "v"])
    >>> dict(data.sizes), int(data.q.isnull().sum())  # the shorter run is padded
    ({'trajectory': 2, 'time': 50}, 20)
    """
    runs = _runs_of(x)
    if t is None:
        raise ValueError("t is missing: give the time step, the times, or a list of times")
    entries = _entries(t, len(runs))
    runs = _all_upright(runs, entries)
    times, attrs = given_times(entries, [len(run) for run in runs])
    return stacked_runs(runs, times, states, attrs)


def upright_runs(x, t):
    """Return runs `(time, state)`, one or a list, turned where the times say that they lie on their sides.

    An array `(trajectory, time, state)` becomes a list; what are no arrays of numbers stays as it is.

    Raises
    ------
    ValueError
        For runs with more states than samples.
    """
    several = isinstance(x, list | tuple)
    shapes = [np.shape(run) for run in x] if several else [np.shape(x)]
    if not several and len(shapes[0]) == 3:
        return upright_runs(list(x), t)
    if any(len(shape) != 2 for shape in shapes):
        return x
    runs = _all_upright(list(x) if several else [x], _entries(t, len(shapes)))
    return runs if several else runs[0]


def given_times(t, lengths: Sequence[int]) -> tuple[list[np.ndarray], dict]:
    """Return times `(time,)` of each run from whatever a user gives as times, and the attributes of the clock.

    Raises
    ------
    ValueError
        If the numbers of times and of samples differ.
    """
    entries = _entries(t, len(lengths))
    if np.ndim(entries[0]) == 0 and all(entry is entries[0] for entry in entries):
        (times,), attrs = times_of([_times_of(entries[0], 0, max(lengths))])
        return [times if length == len(times) else times[:length] for length in lengths], attrs
    return times_of(
        [_times_of(entry, k, length) for k, (entry, length) in enumerate(zip(entries, lengths, strict=True))]
    )


def stacked_runs(runs, times, states: Sequence[str] | None = None, clock: dict | None = None) -> xr.Dataset:
    """Stack runs `(time, state)` and their times `(time,)`, padded to one length, into a Dataset.

    Parameters
    ----------
    runs, times : list of ndarray
    states : sequence of str, optional
        By default `x0, x1, ...`.
    clock : dict, optional
        Attributes of the times.
    """
    names = list(states) if states is not None else [f"x{i}" for i in range(runs[0].shape[1])]
    if len(names) != runs[0].shape[1]:
        raise ValueError(f"states names {len(names)} states, the arrays have {runs[0].shape[1]}")
    return stacked_columns([runs], times, names, clock)


def stacked_columns(
    tables: Sequence[Sequence[np.ndarray]], times: Sequence[np.ndarray], names: Sequence[str], clock: dict | None = None
) -> xr.Dataset:
    """Stack as `stacked_runs` does, runs whose columns come in several tables, such as points and the values there.

    Parameters
    ----------
    tables : list of lists of ndarray `(time, column)`
        Each has all runs.
    times : list of ndarray
    names : sequence of str
        Of the columns of all tables.
    clock : dict, optional
        Attributes of the times.
    """
    dims, stacks = ("trajectory", "time"), [_stacked(runs) for runs in tables]
    columns = [stack[:, :, k] for stack in stacks for k in range(stack.shape[2])]
    shared = all(time is times[0] for time in times)
    clocks = np.broadcast_to(times[0], columns[0].shape) if shared else _stacked(times)
    variables = {name: (dims, column) for name, column in zip(names, columns, strict=True)}
    return xr.Dataset({"t": (dims, clocks, clock or {}), **variables}, attrs={"states": joined_names(names)})


def _stacked(runs: Sequence[np.ndarray]) -> np.ndarray:
    """Return runs in one array `(run, time, ...)`, padded with NaN: a view where they are neighbours in memory."""
    lengths = {len(run) for run in runs}
    if len(lengths) == 1:
        whole = runs[0][None] if len(runs) == 1 else _as_they_lie(runs)
        return np.concatenate(runs).reshape(len(runs), *runs[0].shape) if whole is None else whole
    dtype = np.result_type(*{run.dtype for run in runs})
    stack = np.full((len(runs), max(lengths), *runs[0].shape[1:]), np.nan, dtype)
    for place, run in zip(stack, runs, strict=True):
        place[: len(run)] = run
    return stack


def _as_they_lie(runs: Sequence[np.ndarray]) -> np.ndarray | None:
    """Return runs of one shape that are evenly spaced parts of one array as that array; None if they are not."""
    first, owner = runs[0], _owner(runs[0])
    kind = (first.dtype, first.strides)
    if owner is None or any((run.dtype, run.strides) != kind or _owner(run) is not owner for run in runs):
        return None
    places = [run.__array_interface__["data"][0] for run in runs]
    step = places[1] - places[0]
    if any(place != places[0] + k * step for k, place in enumerate(places)):
        return None
    return np.lib.stride_tricks.as_strided(first, (len(runs), *first.shape), (step, *first.strides))


def _owner(array: np.ndarray) -> np.ndarray | None:
    """Return the array in whose memory this one lies; None if it is its own."""
    if not isinstance(array.base, np.ndarray):
        return None
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def joined_names(names: Sequence[str]) -> str:
    """Join names into the attribute `states`, which separates them by spaces."""
    split = [name for name in names if len(str(name).split()) != 1]
    if split:
        raise ValueError(
            f"state {split[0]!r} has a space in its name; rename it, such as {'_'.join(split[0].split())!r}"
        )
    return " ".join(map(str, names))


def _runs_of(x: ArrayLike | Sequence[ArrayLike]) -> list[np.ndarray]:
    """Return the runs `(time, state)`, whatever dimension they come in."""
    several = isinstance(x, list | tuple)
    arrays = [kept_array(run, "x") for run in (x if several else [x])]
    if len(arrays) == 1 and arrays[0].ndim == 3:
        return list(arrays[0])
    if not several and arrays[0].ndim == 1:
        return [arrays[0][:, None]]
    if not arrays or any(run.ndim != 2 for run in arrays):
        shapes = [run.shape for run in arrays[:4]] + ["..."] * (len(arrays) > 4)
        raise ValueError(
            f"x must be arrays (time, state), one or a list, or one (trajectory, time, state); got shapes "
            f"{', '.join(map(str, shapes))}: make one array of a nested list by np.asarray, one column of (time,) by "
            "x[:, None]"
        )
    return arrays


def _entries(t: ArrayLike | list[ArrayLike] | tuple[ArrayLike, ...], n_runs: int) -> list[ArrayLike]:
    """Return a step or times for each run."""
    if not isinstance(t, list | tuple):
        if np.ndim(t) != 2:
            return [t] * n_runs
        t = list(t)
    if len(t) == n_runs:
        return list(t)
    if any(np.ndim(entry) for entry in t):
        raise ValueError(f"t lists {len(t)} times for {n_runs} trajectories: give one entry a trajectory")
    return [np.asarray(t)] * n_runs  # the times themselves, as a list


def _all_upright(runs: list[np.ndarray], entries: Sequence[ArrayLike]) -> list[np.ndarray]:
    """Return runs `(time, state)` of the same states, or say that they lie on their sides."""
    runs = [_upright(run, entry) for run, entry in zip(runs, entries, strict=True)]
    counts = [np.shape(run)[1] for run in runs]
    if len(set(counts)) > 1:
        raise ValueError(f"trajectories have different numbers of states: {counts}")
    if all(count > len(run) for run, count in zip(runs, counts, strict=True)):
        n, many = len(runs[0]), counts[0]
        raise ValueError(f"x has {many} states of {n} sample{'s' * (n != 1)}: transpose it to (time, state)")
    return runs


def _upright(run: np.ndarray, entry: ArrayLike) -> np.ndarray:
    """Return a run as `(time, state)`: as many times as columns, and not as rows, say that it lies on its side."""
    length = np.size(entry) if np.ndim(entry) else None
    return run.T if length is not None and length == run.shape[1] != len(run) else run


def _times_of(entry: Any, index: int, length: int) -> np.ndarray:
    """Return the times `(time,)` of a run from a step, an interval, or the times themselves."""
    if np.ndim(entry) == 0:
        step = np.asarray(entry)
        interval = np.timedelta64(entry) if step.dtype.kind in "mO" else real_array(step, "t")
        if not interval > interval * 0:
            raise ValueError(f"the time step t must be above 0, got {entry}")
        return np.arange(length) * interval
    times = entry if isinstance(entry, np.ma.MaskedArray) else np.asarray(entry)
    if times.size != length:
        raise ValueError(f"trajectory {index}: {times.size} times for {length} samples")
    return times.ravel()
