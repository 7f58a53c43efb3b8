"""Pairs of arguments and values, y = F(x), as a Dataset in the schema: values have `role = "target"`."""

from __future__ import annotations

import numpy as np
import xarray as xr

from symdyn.data.files import from_arrays
from symdyn.data.trajectories import open_trajectories

__all__ = ["are_pairs", "as_dataset", "from_pairs"]

_N_STRETCHES = 200


def as_dataset(data, *, pairs: bool = False, increments: bool = False) -> xr.Dataset:
    """Whatever a fit takes as data, in the schema.

    Parameters
    ----------
    data : xr.Dataset, tuple (x, t) of trajectories and times, or tuple (X, Y) of pairs
    pairs : bool
        Whether a tuple can only be pairs; else its shapes tell.
    increments : bool
        Whether Y − X are the values of pairs, as for maps.

    Raises
    ------
    TypeError
        For anything else.
    ValueError
        For data that break the schema.
    """
    if isinstance(data, xr.Dataset):
        return open_trajectories(data)
    if not (isinstance(data, tuple | list) and len(data) == 2):
        raise TypeError(
            "data must be a Dataset, a tuple (x, t) of trajectories and times, or a tuple (X, Y) of pairs, got "
            f"{type(data).__name__}"
        )
    first, second = data
    if pairs or are_pairs(first, second):
        return from_pairs(first, second, increments=increments)
    return open_trajectories(first, t=second)


def are_pairs(first, second) -> bool:
    """Whether two (lists of) arrays are pairs (x, y) of points, not trajectories and their times."""
    one, other = (entry[0] if isinstance(entry, list | tuple) and len(entry) else entry for entry in (first, second))
    return np.ndim(other) >= 2 and np.shape(one) == np.shape(other)


def from_pairs(x, y, *, increments: bool = False) -> xr.Dataset:
    """Pairs as a Dataset.

    Parameters
    ----------
    x : array `(sample, state)`, or list of such arrays
    y : array `(sample, ...)`, or list of such arrays
        Values: scalars, vectors or tensors. The entries of a list are trajectories, the unit of the bootstrap; a single
        array is cut into stretches of neighbours, which may depend on one another.
    increments : bool
        Whether the targets are y − x, as for maps.

    Raises
    ------
    ValueError
        For arrays whose lengths or shapes do not fit, and values that are not finite.
    """
    if isinstance(x, list | tuple) != isinstance(y, list | tuple):
        raise ValueError("give x and y alike: both arrays, or both lists of arrays")
    points, values = ([np.asarray(e, dtype=float) for e in (v if isinstance(v, list | tuple) else [v])] for v in (x, y))
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
    if not all(np.all(np.isfinite(part)) for part in (*points, *flat)):
        raise ValueError("x or y is not finite somewhere; drop these pairs")
    n_states, n_targets = points[0].shape[1], flat[0].shape[1]
    names = [*(f"x{i}" for i in range(n_states)), *(f"y{i}" for i in range(n_targets))]
    dataset = from_arrays([np.hstack(part) for part in zip(points, flat, strict=True)], 1.0, names)
    for name in names[n_states:]:
        dataset[name].attrs["role"] = "target"
    return dataset.assign_attrs(states=" ".join(names[:n_states]), target_shape=shape)
