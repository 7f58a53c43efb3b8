"""Fields that solve an equation of second-order differences exactly, as many published data sets do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

__all__ = ["STENCILS", "central_difference", "evolve_differences"]

# Weights at offsets −2 ... 2, in units of the step to the power of the order.
STENCILS = {
    1: np.array([0.0, -0.5, 0.0, 0.5, 0.0]),
    2: np.array([0.0, 1.0, -2.0, 1.0, 0.0]),
    3: np.array([-0.5, 1.0, 0.0, -1.0, 0.5]),
    4: np.array([1.0, -4.0, 6.0, -4.0, 1.0]),
}


def central_difference(values: np.ndarray, axis: int, order: int, step: float) -> np.ndarray:
    """Take the central difference of second order of accuracy along a periodic axis."""
    weights = STENCILS[order] / step**order
    moved = (w * np.roll(values, -offset, axis) for offset, w in zip(range(-2, 3), weights, strict=True) if w)
    return np.asarray(sum(moved))


def evolve_differences(
    equations: Mapping[str, Mapping[str, float]],
    start: np.ndarray,
    periods: Sequence[float],
    times: np.ndarray,
    *,
    largest_step: float,
    axes: Sequence[str] = ("x", "y"),
) -> np.ndarray:
    """Solve the equation of `evolve_periodic` with central differences in place of derivatives along space.

    The classical Runge-Kutta scheme in time, so steps must be small: some dx^2 / (3 viscosity).

    Raises
    ------
    ValueError
        If a field diverges.
    """
    fields, axes = list(equations), list(axes)[: start.ndim - 2]
    steps = [p / n for p, n in zip(periods, start.shape[2:], strict=True)]

    def rates(state: np.ndarray) -> np.ndarray:
        values, cache = np.zeros_like(state), {}
        for row, terms in enumerate(equations.values()):
            for name, value in terms.items():
                product = value
                for factor in name.split():
                    base, caret, power = factor.partition("^")
                    if base not in cache:
                        cache[base] = _derivative(state, base, fields, axes, steps)
                    product = product * cache[base] ** (int(power) if caret else 1)
                values[row] += product
        return values

    frames, state = [start], start
    for before, after in pairwise(times):
        n = max(int(np.ceil((after - before) / largest_step - 1e-9)), 1)
        h = (after - before) / n
        for _ in range(n):
            first = rates(state)
            second = rates(state + h / 2 * first)
            third = rates(state + h / 2 * second)
            state = state + h / 6 * (first + 2 * second + 2 * third + rates(state + h * third))
        if not np.all(np.isfinite(state)):
            raise ValueError(f"the field leaves every bound before t = {after:.3g}; take a smaller largest_step")
        frames.append(state)
    return np.stack(frames)


def _derivative(
    state: np.ndarray, base: str, fields: Sequence[str], axes: Sequence[str], steps: Sequence[float]
) -> np.ndarray:
    field, _, index = base.partition("_")
    values = state[fields.index(field)]
    for place, axis in enumerate(axes):
        if axis in index:
            values = central_difference(values, place - len(axes), index.count(axis), steps[place])
    return values
