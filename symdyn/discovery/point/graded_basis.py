"""A readable basis of polynomial vector fields: by degree, as in books.

The fields of a span V that have degree at most d are a subspace V_d, whatever the origin, and the leading parts of V_d
do not depend on it. So a basis of V_0, completed to one of V_1, and so on, each field with one leading monomial of its
own and nothing of those of the fields before it, is ∂t, ∂x, t ∂x + c ∂u, 2 t ∂t + x ∂x, in every unit, about every
origin.
"""

from __future__ import annotations

import numpy as np
from scipy import linalg

__all__ = ["graded_basis"]

_EARLIER = 0.99  # weight of the last term against the first in the choice of leading ones


def graded_basis(
    rows: np.ndarray, degrees: np.ndarray, to_home: np.ndarray, tolerance: float
) -> tuple[np.ndarray, np.ndarray]:
    """Build the basis, and find the leading coefficient of each of its fields, which is 1.

    Parameters
    ----------
    rows : ndarray, `(generator, coefficient)`
        In a frame where coefficients are of size 1.
    degrees : ndarray, `(coefficient,)`
        Of the monomial of each.
    to_home : ndarray, `(coefficient, coefficient)`
        Rows times this are those about the origin where the basis is to be readable.
    tolerance : float
        Part of a field of norm 1 in higher degrees below which it counts as one of lower degree.

    Returns
    -------
    basis : ndarray, `(generator, coefficient)`
        At home.
    pivots : ndarray of int, `(generator,)`
    """
    frame = np.linalg.qr(rows.T)[0].T
    found, pivots = np.zeros((0, rows.shape[1])), np.zeros(0, dtype=int)
    for degree in range(int(degrees.max()) + 1):
        level = _at_most(frame, degrees > degree, tolerance) @ to_home
        for row, pivot in zip(found[::-1], pivots[::-1], strict=True):  # highest degree first
            level = level - level[:, [pivot]] * row
        leading = np.flatnonzero(degrees == degree)
        turn, values, _ = np.linalg.svd(level[:, leading], full_matrices=False)
        n_new = int(np.sum(values > tolerance))
        if degree == degrees.max() and len(found) + n_new < len(rows):  # what is left leads somewhere
            leading, n_new = np.arange(len(degrees)), len(rows) - len(found)
            turn = np.linalg.svd(level)[0]
        if n_new:
            # What is left of the fields before is rounding, and comes last.
            level = turn.T[:n_new] @ level
            # Of terms that are equally large, as in t ∂t − u ∂u, the first leads.
            weighted = level[:, leading] * np.linspace(1, _EARLIER, len(leading))
            chosen = np.sort(linalg.qr(weighted, mode="r", pivoting=True)[-1][:n_new])
            level = np.linalg.solve(level[:, leading[chosen]], level)
            found, pivots = np.vstack([found, level]), np.append(pivots, leading[chosen])
    return found, pivots


def _at_most(frame: np.ndarray, high: np.ndarray, tolerance: float) -> np.ndarray:
    """Return combinations of orthonormal rows whose high part is small; all of them if nothing is high."""
    if not high.any():
        return frame
    left, values, _ = np.linalg.svd(frame[:, high])
    values = np.append(values, np.zeros(len(frame) - len(values)))
    return left.T[values <= tolerance] @ frame
