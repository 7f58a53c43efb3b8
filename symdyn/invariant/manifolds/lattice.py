"""Points of rectangular lattices by the value of a quadratic form, listed one value at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

__all__ = ["lattice_points", "lattice_spectrum", "row_index"]

# Values closer than this (relative) are one. Joining two that differ is harmless, splitting one is not.
_SAME = 1e-9


def lattice_spectrum(weights: Sequence[float], *, signed: bool) -> Iterator[tuple[float, int]]:
    """Yield all values of q(n) = sum_i w_i n_i^2 with the number of n that take them, ascending and without end.

    Numbers are counted one dimension after another (a product of theta series): no n is listed.

    Parameters
    ----------
    weights : sequence of float
        The w_i > 0.
    signed : bool
        Whether n runs over all integers, or over 0, 1, 2, ...
    """
    cutoff, told = min(weights), -1.0
    while True:
        values, counts = _counted(weights, cutoff, signed)
        for value, count in zip(values, counts, strict=True):
            if value > told * (1 + _SAME):
                yield float(value), int(count)
        told, cutoff = cutoff, 2 * cutoff


def lattice_points(weights: Sequence[float], value: float, *, signed: bool) -> np.ndarray:
    """List the integer vectors n `(point, dim)` with sum_i w_i n_i^2 = value; arguments as for `lattice_spectrum`."""
    tiny = 3 * _SAME * max(value, min(weights))
    points, rest = np.zeros((1, 0), dtype=int), np.array([value])
    for weight in weights[:-1]:
        top = int(np.sqrt((value + tiny) / weight))
        steps = np.arange(-top if signed else 0, top + 1)
        left = rest[:, None] - weight * steps**2
        rows, columns = np.nonzero(left >= -tiny)
        points, rest = np.column_stack([points[rows], steps[columns]]), left[rows, columns]
    last = np.rint(np.sqrt(rest.clip(0) / weights[-1])).astype(int)
    fits = np.abs(weights[-1] * last**2 - rest) <= tiny
    points = np.column_stack([points, last])[fits]
    if not signed:
        return points
    mirrored = points[points[:, -1] > 0] * np.where(np.arange(len(weights)) == len(weights) - 1, -1, 1)
    return np.concatenate([points, mirrored])


def row_index(rows: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Find where each row of `wanted` stands among the distinct integer `rows`.

    Raises
    ------
    ValueError
        If one of them is not there.
    """
    width = rows.shape[1]
    code = np.random.default_rng(5).integers(-(2**31), 2**31, width) | 1
    keys = rows @ code
    order = np.argsort(keys)
    found = order[np.searchsorted(keys[order], wanted @ code).clip(max=len(rows) - 1)]
    if not np.array_equal(rows[found], wanted):
        raise ValueError("the group does not map the eigenspace to itself")
    return found


def _counted(weights: Sequence[float], cutoff: float, signed: bool) -> tuple[np.ndarray, np.ndarray]:
    values, counts = np.zeros(1), np.ones(1, dtype=np.int64)
    for weight in weights:
        steps = np.arange(int(np.sqrt(cutoff * (1 + _SAME) / weight)) + 1)
        copies = np.where((steps > 0) & signed, 2, 1)
        sums = (values[:, None] + weight * steps**2).ravel()
        products = (counts[:, None] * copies).ravel()
        kept = sums <= cutoff * (1 + _SAME)
        values, counts = _merged(sums[kept], products[kept])
    return values, counts


def _merged(values: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    order = np.argsort(values, kind="stable")
    values, counts = values[order], counts[order]
    first = np.concatenate([[True], np.diff(values) > _SAME * values[1:]])
    return values[first], np.add.reduceat(counts, np.flatnonzero(first))
