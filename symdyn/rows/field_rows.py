"""Weak rows of an equation for fields, and their sums over the windows of each trajectory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from symdyn.jets.field_terms import WeakTerm, exponent_rows
from symdyn.rows.field_windows import FieldWindows, checkerboard, powers_of, window_integrals

__all__ = ["FieldSums", "equation_rows", "equation_sums", "stretched"]


@dataclass(frozen=True)
class FieldSums:
    """Sums of products of rows T = (terms, ∂_t^m of each field), one entry per trajectory or stretch of its time.

    `cross` `(part, row, row)` is the mean of even^T odd, symmetrised: free of the bias of noise; `level` `(field, run)`
    the standard deviation of the noise.
    """

    cross: np.ndarray
    level: np.ndarray

    def __add__(self, other: FieldSums) -> FieldSums:
        level = np.concatenate([self.level, other.level], axis=1)
        return FieldSums(np.concatenate([self.cross, other.cross]), level)


def equation_rows(
    values: np.ndarray, noise: np.ndarray, terms: Sequence[WeakTerm], windows: FieldWindows, time_order: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Compute even and odd rows `(row, run, window)`: integrals of the terms, then of ∂_t^m of the fields.

    Parameters
    ----------
    values : ndarray, `(field, run, time, x[, y])`
    noise : ndarray, `(field, run)`
    terms : sequence of WeakTerm
    windows : FieldWindows
    time_order : int
        m.
    """
    n_fields = len(values)
    units = [WeakTerm("", tuple(int(k == f) for k in range(n_fields)), terms[0].order, 1.0) for f in range(n_fields)]
    exponents, which = exponent_rows([*terms, *units])
    plans = [(which[k], (0, *t.order), t.factor * (-1.0) ** sum(t.order)) for k, t in enumerate(terms)]
    still = (time_order, *[0] * (values.ndim - 3))
    plans += [(which[len(terms) + f], still, (-1.0) ** time_order) for f in range(n_fields)]
    powers = powers_of(values, exponents, noise)
    mask = checkerboard(values.shape[2:])
    rows = np.empty((2, len(plans), values.shape[1], windows.n_windows))
    kernels = {
        (axis, order): windows.axes[axis].kernel(order) for _, orders, _ in plans for axis, order in enumerate(orders)
    }
    for parity, weights in enumerate((mask, 2.0 - mask)):
        seen = powers * weights
        for row, (monomial, orders, factor) in enumerate(plans):
            integrals = window_integrals(seen[monomial], [kernels[axis, order] for axis, order in enumerate(orders)])
            rows[parity, row] = factor * integrals.reshape(len(integrals), -1)
    return rows[0], rows[1]


def equation_sums(
    values: np.ndarray,
    noise: np.ndarray,
    terms: Sequence[WeakTerm],
    windows: FieldWindows,
    time_order: int = 1,
    stretches: int = 1,
) -> FieldSums:
    """Sum over the windows of each trajectory, or of each of its stretches of time; else as for `equation_rows`."""
    even, odd = equation_rows(values, noise, terms, windows, time_order)
    return FieldSums(stretched(even, odd, stretches), noise)


def stretched(even: np.ndarray, odd: np.ndarray, stretches: int) -> np.ndarray:
    """Compute means of products `(run * stretch, row, row)` of rows `(row, run, sample)`, samples in order of time."""
    parts = []
    for a, b in zip(*(np.array_split(rows, stretches, axis=2) for rows in (even, odd)), strict=True):
        product = np.einsum("arw,brw->rab", a, b, optimize=True) / a.shape[2]
        parts.append((product + np.swapaxes(product, 1, 2)) / 2)
    return np.stack(parts, axis=1).reshape(-1, len(even), len(even))
