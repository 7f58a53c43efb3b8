"""Units of the values of a function, so that none of them outweighs another for the unit it comes in.

A vector is measured in the scales of the states, a covector in one over them. An index that is not tied to the states
has a scale for each of its entries, from the values themselves; where nothing moves, values have an origin of their
own as well, since f and f + 1 have the same symmetries.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from symdyn.lie.outputs import index_actions

__all__ = ["ValueUnits", "value_units"]

_STILL = 1e-13  # of its size: what varies by less varies by rounding


@dataclass(frozen=True)
class ValueUnits:
    """What values `(sample, ...)` are measured in.

    `offset` and `scale` `(...)` turn values f into (f − offset) / scale; `indices` holds the scale of each index, whose
    products are `scale`.
    """

    offset: np.ndarray
    scale: np.ndarray
    indices: tuple[np.ndarray, ...]

    def values(self, given: np.ndarray) -> np.ndarray:
        """Values `(sample, ...)` without units."""
        return (given - self.offset) / self.scale

    def differences(self, given: np.ndarray) -> np.ndarray:
        """Differences of values `(sample, ...)` without units."""
        return given / self.scale


def value_units(values: np.ndarray, output, scale: np.ndarray) -> ValueUnits:
    """Units from some values `(sample, ...)`, what they do (see `discover_function`), and the scales `(state,)`."""
    if isinstance(output, np.ndarray):
        return _product([_size(values.reshape(-1, values.shape[-1]))] if values.ndim > 1 else [])
    if isinstance(output, str) and output == "density":
        sizes = _size(values)
        return ValueUnits(np.zeros_like(sizes), sizes, ())
    actions = index_actions(output, values.ndim - 1)
    if all(action == "invariant" for action in actions):
        return _about_means(values)
    units = [np.ones(size) for size in values.shape[1:]]
    for index, action in enumerate(actions):
        if action in ("vector", "covector") and len(units[index]) == len(scale):
            units[index] = scale if action == "vector" else 1 / scale
    free = [index for index, action in enumerate(actions) if action in ("linear", "invariant")]
    for index, found in zip(free, _of_entries(_size(values / _product(units).scale), free), strict=True):
        units[index] = found
    return _product(units)


def _about_means(values):
    means, sizes, spread = values.mean(axis=0), _size(values), values.std(axis=0)
    varies = spread > _STILL * np.abs(values).max(axis=0)
    units = ValueUnits(np.where(varies, means, 0.0), np.where(varies, spread, sizes), ())
    return units


def _size(values):
    """Root mean square over samples, 1 where all is 0."""
    largest = np.abs(values).max(axis=0)
    largest = np.where(largest > 0, largest, 1.0)  # squares of small numbers must not vanish
    size = np.sqrt(np.mean((values / largest) ** 2, axis=0)) * largest
    return np.where(size > 0, size, 1.0)


def _of_entries(sizes, free):
    """Scales of the entries of free indices whose products are next to the sizes `(...)`, by least squares of logarithms.

    They change with the units of the entries, whatever these are.
    """
    if not free:
        return []
    grid = np.indices(sizes.shape).reshape(sizes.ndim, -1)
    columns = [np.eye(sizes.shape[index])[grid[index]] for index in free]
    logarithms = np.linalg.lstsq(np.hstack(columns), np.log(sizes).ravel(), rcond=None)[0]
    ends = np.cumsum([sizes.shape[index] for index in free])[:-1]
    return [np.exp(part) for part in np.split(logarithms, ends)]


def _product(indices):
    scale = np.ones(())
    for part in indices:
        scale = np.multiply.outer(scale, part)
    return ValueUnits(np.zeros_like(scale), scale, tuple(indices))
