"""Rows of an equation from derivatives of the data, for data without noise.

Such data often solve an equation of differences rather than one of derivatives: spectral derivatives then read wrong
coefficients where the stencil of the solver is exact. So there are several schemes, and the fit decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import factorial

import numpy as np

from symdyn.data.grids import FieldGrid
from symdyn.jets.field_terms import factors_of
from symdyn.rows.field_rows import FieldSums, stretched

__all__ = ["SPACE_SCHEMES", "TIME_SCHEMES", "stencil", "strong_sums"]

SPACE_SCHEMES = ("spectral", "second-order differences", "fourth-order differences", "eighth-order differences")
TIME_SCHEMES = ("eighth-order differences", "second-order differences", "forward differences")
_ACCURACY = {"second-order differences": 2, "fourth-order differences": 4, "eighth-order differences": 8}
_MOST = 4000  # points of a trajectory


def stencil(offsets: Sequence[int], order: int) -> np.ndarray:
    """Compute weights of the `order`-th derivative (at distance 1), exact for polynomials of degree < len(offsets)."""
    powers = np.vander(np.asarray(offsets, dtype=float), increasing=True).T
    right = np.zeros(len(powers))
    right[order] = factorial(order)
    return np.linalg.solve(powers, right)


def strong_sums(
    values: np.ndarray,
    noise: np.ndarray,
    terms: Sequence[str],
    grid: FieldGrid,
    schemes: tuple[str, str],
    time_order: int = 1,
    stretches: int = 1,
) -> FieldSums:
    """Compute means of products of rows (terms, ∂_t^m of each field) at grid points, for each trajectory or stretch.

    Parameters
    ----------
    values : ndarray, `(field, run, time, x[, y])`
    noise : ndarray, `(field, run)`
        Passed on.
    terms : sequence of str
        Products of derivatives, such as `u_x^2`.
    grid : FieldGrid
    schemes : pair of str
        For time and for space, of `TIME_SCHEMES` and `SPACE_SCHEMES`.
    time_order, stretches : int

    Raises
    ------
    ValueError
        For spectral derivatives along an axis that is not periodic.
    """
    margins = [_margin(schemes[0], time_order)]
    margins += [0 if periodic else 6 for periodic in grid.periodic]
    inner = tuple(slice(m, n - m) for m, n in zip(margins, values.shape[2:], strict=True))
    rates = np.stack([_along(v, 1, time_order, schemes[0], grid.steps[0], False) for v in values])
    cache: dict[tuple[int, tuple[int, ...]], np.ndarray] = {}
    rows = []
    for name in terms:
        product = np.ones_like(values[0])
        for field, order, power in factors_of(name, grid.fields, grid.axes):
            if (field, order) not in cache:
                cache[field, order] = _derivative(values[field], order, schemes[1], grid)
            product = product * cache[field, order] ** power
        rows.append(product)
    stacked = np.stack([*rows, *rates])[(slice(None), slice(None), *inner)]
    flat = stacked.reshape(len(stacked), values.shape[1], -1)
    flat = flat[:, :, :: max(flat.shape[2] // _MOST, 1)]
    return FieldSums(stretched(flat, flat, stretches), noise)


def _derivative(values: np.ndarray, order: tuple[int, ...], scheme: str, grid: FieldGrid) -> np.ndarray:
    for place, times in enumerate(order):
        if times:
            values = _along(values, 2 + place, times, scheme, grid.steps[1 + place], grid.periodic[place])
    return values


def _along(values: np.ndarray, axis: int, order: int, scheme: str, step: float, periodic: bool) -> np.ndarray:
    """Compute one derivative; next to ends that are not periodic its values are not to be used."""
    if scheme == "spectral":
        if not periodic:
            raise ValueError("spectral derivatives need a periodic axis: set its attribute period, or use differences")
        waves = 2j * np.pi * np.fft.rfftfreq(values.shape[axis], step)
        shape = [-1 if k == axis else 1 for k in range(values.ndim)]
        spectrum = np.fft.rfft(values, axis=axis) * (waves**order).reshape(shape)
        return np.fft.irfft(spectrum, n=values.shape[axis], axis=axis)
    if scheme == "forward differences":
        offsets = np.arange(order + 1)
    else:
        # An even derivative gains an order of accuracy from the symmetry of the stencil.
        reach = (_ACCURACY[scheme] + 2 * ((order + 1) // 2) - 1) // 2
        offsets = np.arange(-reach, reach + 1)
    weights = stencil(offsets, order) / step**order
    moved = (w * np.roll(values, -offset, axis) for offset, w in zip(offsets, weights, strict=True) if w)
    return np.asarray(sum(moved))


def _margin(scheme: str, order: int) -> int:
    return order if scheme == "forward differences" else (_ACCURACY[scheme] + 2 * ((order + 1) // 2) - 1) // 2
