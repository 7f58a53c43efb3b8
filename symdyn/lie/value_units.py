"""Units of values with indices: one factor per entry of each index."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["index_units", "products_next_to", "root_mean_square"]


def root_mean_square(values: np.ndarray) -> np.ndarray:
    """Return root mean squares over samples; squares of small numbers must not vanish."""
    largest = np.abs(values).max(axis=0)
    largest = np.where(largest > 0, largest, 1.0)
    return np.sqrt(np.mean((values / largest) ** 2, axis=0)) * largest


def products_next_to(sizes: np.ndarray, present: np.ndarray, free: list[int]) -> np.ndarray:
    """Return products `(...)` of one factor for each entry of the free indices that are next to the sizes `(...)`.

    By least squares of logarithms: they follow the units of the entries, whatever these are. Entries that are not
    `present` `(...)`, because their values vanish, are not used.
    """
    if not free or not sizes.size:
        return np.ones(sizes.shape)
    grid = np.indices(sizes.shape).reshape(sizes.ndim, -1)
    design = np.hstack([np.eye(sizes.shape[index])[grid[index]] for index in free])
    kept = present.ravel()
    logarithms = np.linalg.lstsq(design[kept], np.log(sizes).ravel()[kept], rcond=None)[0]
    return np.exp(design @ logarithms).reshape(sizes.shape)


def index_units(units: np.ndarray, shape: tuple[int, ...], names: Sequence[str]) -> np.ndarray:
    """Return the unit of each extra state of candidates: `out_0 ...` on all values, `out1_0 ...` on one index."""
    table = units.reshape(shape)
    found = []
    for name in names:
        head, entry = name.rsplit("_", 1)
        if head == "out":
            found.append(units[int(entry)])
            continue
        index = int(head.removeprefix("out"))
        others = tuple(k for k in range(len(shape)) if k != index)
        found.append(np.exp(np.mean(np.log(table), axis=others))[int(entry)])
    return np.array(found)
