"""Pairs of arguments and values, y = F(x), as a Dataset in the schema: values have `role = "target"`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from symdyn.data.arrays import stacked_columns
from symdyn.data.clocks import dates_or_numbers
from symdyn.data.files import TABLES
from symdyn.data.mappings import dims_by_size, is_records
from symdyn.data.numbers import kept_array, real_array
from symdyn.data.tables import read_table
from symdyn.data.trajectories import are_tables, open_trajectories, state_names, validate
from symdyn.functions.words import did_you_mean

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["are_pairs", "as_dataset", "as_fields", "column_names", "from_pairs", "open_pairs"]

_N_STRETCHES = 200


def as_dataset(data, t_or_y=None, *, pairs: bool = False, increments: bool = False) -> xr.Dataset:
    """Convert any data that a fit accepts to the schema.

    Parameters
    ----------
    data : xr.Dataset, path, DataFrame, dict, tuple (x, t) of trajectories and times, (X, Y) of pairs, or x or X alone
        As `open_trajectories` takes it, or `from_pairs`.
    t_or_y : optional
        The times, or the values, if they are not in a tuple with `data`: `fit(x, t)` is `fit((x, t))`.
    pairs : bool
        Whether a tuple can only be pairs; otherwise the shapes of its arrays decide.
    increments : bool
        Whether the values of pairs are Y − X, as for maps.

    Raises
    ------
    TypeError
        For anything else.
    ValueError
        For data that break the schema.

    Examples
    --------
    >>> import numpy as np
    >>> from symdyn.data.pairs import as_dataset
    >>> x = np.zeros((100, 2))
    >>> as_dataset(x, 0.1).attrs["states"], as_dataset((x, x)).attrs["target_shape"]
    ('x0 x1', (2,))
    """
    if isinstance(data, xr.Dataset | xr.DataArray):
        if t_or_y is not None:
            raise TypeError(f"a {type(data).__name__} holds its times: leave out the second argument")
        return open_trajectories(data)
    if t_or_y is None and isinstance(data, tuple | list) and len(data) == 2 and (pairs or not are_tables(data)):
        data, t_or_y = data
    if t_or_y is None and not _may_hold_times(data):
        raise TypeError(
            "data must be a Dataset, a tuple (x, t) of trajectories and times, a tuple (X, Y) of pairs, or a file, got "
            f"{_described(data)} alone: give the times or the step, too"
        )
    if t_or_y is not None and (pairs or are_pairs(data, t_or_y)):
        return from_pairs(data, t_or_y, increments=increments)
    return open_trajectories(data, t=t_or_y)


def as_fields(data) -> Any:
    """Convert any data that a search in fields accepts to a Dataset, which is not yet checked.

    Parameters
    ----------
    data : xr.Dataset, DataArray, path, dict, or tuple (u, t, x) or (u, t, x, y)
        In a tuple u is an array over `(time, x[, y])`, or `(trajectory, time, x[, y])`, and the others are the points
        along its axes; a dict names them `t`, `x`, `y`, and the fields.

    Raises
    ------
    ValueError
        For arrays of other shapes than the points.
    """
    if isinstance(data, tuple) and len(data) in (3, 4):
        return _gridded(*data)
    if isinstance(data, xr.DataArray | str | os.PathLike | Mapping):
        return open_trajectories(data)
    return data


def _gridded(u, t, *points) -> xr.Dataset:
    """Build the Dataset of a field u over times and points."""
    field = np.ma.filled(u, np.nan) if isinstance(u, np.ma.MaskedArray) else np.asarray(u)
    grids = {"time": dates_or_numbers(t, "t").ravel()}
    grids |= {axis: real_array(each, axis).ravel() for axis, each in zip(("x", "y"), points, strict=False)}
    shape = tuple(map(len, grids.values()))
    dims: tuple[str, ...] | None = ("trajectory", *grids)[-field.ndim :]
    if field.shape[-len(grids) :] != shape:  # along which axis is what their sizes say, where they differ
        dims = dims_by_size(field.shape, dict(zip(grids, shape, strict=True)), "u")
    if dims is None or len(dims) != field.ndim:
        raise ValueError(
            f"u has shape {field.shape}, {', '.join(grids)} have {', '.join(map(str, shape))} points: give u over "
            f"({', '.join(grids)}), one trajectory or (trajectory, {', '.join(grids)})"
        )
    return xr.Dataset({"u": (dims, field)}, grids)


def _may_hold_times(data: object) -> bool:
    """Return whether the data are of a kind that names its parts: files, tables, dicts, arrays of records."""
    return isinstance(data, str | os.PathLike | Mapping) or is_records(data) or are_tables(data)


def open_pairs(path, targets: Sequence[str], states: Sequence[str] | None = None) -> xr.Dataset:
    """Open points and the values at them from a file that holds both as variables; a table needs no times.

    Parameters
    ----------
    path : path
        As `open_trajectories` takes it.
    targets : sequence of str
        The variables that are values.
    states : sequence of str, optional
        The variables that are coordinates of points; by default all others.

    Raises
    ------
    FileNotFoundError, ValueError
        If the file cannot be used; the message names the file and the variable.
    """
    path, wanted = Path(path), None if states is None else [*states, *targets]
    table = path.exists() and path.suffix in TABLES
    if table:
        dataset = validate(read_table(path, None, wanted, timeless=True))
    else:
        dataset = open_trajectories(path, states=wanted)
    names = state_names(dataset)
    missing = [name for name in targets if name not in names]
    if missing:
        hint = did_you_mean(missing[0], names)
        raise ValueError(f"target {missing[0]!r} is not in {path}; there are {', '.join(names)}{hint}")
    points = [name for name in names if name not in targets]
    if not points:
        raise ValueError(f"all variables of {path} are targets: leave some as states")
    for name in targets:
        dataset[name].attrs["role"] = "target"
    return dataset.assign_attrs(states=" ".join(points))


def _described(data: object) -> str:
    return f"a list of {len(data)}" if isinstance(data, list | tuple) else type(data).__name__


def are_pairs(first, second) -> bool:
    """Return whether two (lists of) arrays are pairs (x, y) of points, not trajectories and their times."""
    if isinstance(first, str | os.PathLike | Mapping):
        return False
    one, other = (entry[0] if isinstance(entry, list | tuple) and len(entry) else entry for entry in (first, second))
    return np.ndim(other) >= 2 and np.shape(one) == np.shape(other)


def from_pairs(x, y, *, increments: bool = False) -> xr.Dataset:
    """Build a Dataset from pairs.

    Parameters
    ----------
    x : array or DataFrame `(sample, state)`, array `(trajectory, sample, state)`, or list of arrays `(sample, state)`
    y : array `(sample, ...)`, or list of such arrays, as x
        Values: scalars, vectors or tensors. The entries of a list are trajectories, the unit of the bootstrap; a single
        array is cut into blocks of neighbouring samples, which may depend on one another.
    increments : bool
        Whether the targets are y − x, as for maps.

    Raises
    ------
    ValueError
        For arrays whose lengths or shapes do not fit, and values that are not finite.

    Examples
    --------
    >>> import numpy as np
    >>> from symdyn.data.pairs import from_pairs
    >>> points = np.random.default_rng(0).normal(size=(100, 3))
    >>> data = from_pairs(points, np.einsum("si,sj->sij", points, points))
    >>> data.attrs["states"], data.attrs["target_shape"]
    ('x0 x1 x2', (3, 3))
    """
    if isinstance(x, list | tuple) != isinstance(y, list | tuple):
        raise ValueError("give x and y alike: both arrays, or both lists of arrays")
    states = column_names(x)
    points, values = _runs_of(x, "x"), _runs_of(y, "y")
    if len(points) == 1 and points[0].ndim == 3:
        points, values = list(points[0]), list(values[0])
    if len(points) != len(values) or any(len(p) != len(v) for p, v in zip(points, values, strict=False)):
        raise ValueError("x and y must hold one value a point: their lengths differ")
    if any(p.ndim != 2 for p in points):
        raise ValueError(f"x must be arrays (sample, state), got shapes {[p.shape for p in points]}")
    shape = values[0].shape[1:]
    if increments:
        values = [value - point for point, value in zip(points, values, strict=True)]
    if len(points) == 1:
        n = max(min(_N_STRETCHES, len(points[0]) // 5), 1)
        points, values = np.array_split(points[0], n), np.array_split(values[0], n)
    flat = [value.reshape(len(value), -1) for value in values]
    n_states, n_targets = points[0].shape[1], flat[0].shape[1]
    states = [f"x{i}" for i in range(n_states)] if states is None else states
    letter = next(letter for letter in ("y", "target_", "value_") if f"{letter}0" not in states)
    names = [*states, *(f"{letter}{i}" for i in range(n_targets))]
    lengths = [len(run) for run in points]
    steps = np.arange(max(lengths), dtype=float)
    times = [steps if length == len(steps) else steps[:length] for length in lengths]
    dataset = stacked_columns([points, flat], times, names)
    if not _are_finite(dataset, names, sum(lengths)):
        raise ValueError("x or y is not finite somewhere; drop these pairs")
    for name in names[n_states:]:
        dataset[name].attrs["role"] = "target"
    return dataset.assign_attrs(states=" ".join(names[:n_states]), target_shape=shape)


def _are_finite(dataset: xr.Dataset, names: Sequence[str], n_samples: int, at_a_time: int = 1 << 18) -> bool:
    """Check that so many values of each variable are finite, a few at a time."""
    step = max(at_a_time // dataset.sizes["time"], 1)
    columns = [dataset[name].values for name in names]
    with np.errstate(invalid="ignore", over="ignore"):
        if n_samples == columns[0].size and all(np.isfinite(column.sum(dtype=float)) for column in columns):
            return True
    starts = range(0, len(columns[0]), step)
    counts = (sum(np.count_nonzero(np.isfinite(column[k : k + step])) for k in starts) for column in columns)
    return all(count == n_samples for count in counts)


def _runs_of(given: ArrayLike | Sequence[ArrayLike], name: str) -> list[np.ndarray]:
    return [kept_array(entry, name) for entry in (given if isinstance(given, list | tuple) else [given])]


def column_names(x) -> list[str] | None:
    """Return the names of the columns of a table, or of the first of a list of these; None where they have none."""
    columns = getattr(x[0] if isinstance(x, list | tuple) and len(x) else x, "columns", None)
    return (
        None if columns is None or any(isinstance(name, int) for name in columns) else [str(name) for name in columns]
    )
