"""Thresholds below which numbers are rounding errors: one set for the whole library, in double precision.

A tolerance with another meaning (the error allowed in an answer, a small count, a slow change) is named where it is
used.
"""

from __future__ import annotations

import numpy as np
from scipy import linalg

__all__ = ["DEPENDENT", "DEPENDENT_SQUARES", "MAPPED", "STILL", "without_rounding"]

STILL = 1e-13  # of its size: what varies by less varies by rounding
DEPENDENT = 1e-14  # singular value of rows, relative to the largest, below which columns are dependent
DEPENDENT_SQUARES = 1e-11  # eigenvalue of sums of products, relative to the largest, below which they are
MAPPED = 1e-8  # of its size: what a map of points to points may be off by, and still be exact

_ENTRY = 1e-14  # of the largest entry: one that is rounding, where rows and columns of a matrix are of one size


def without_rounding(matrices: np.ndarray) -> np.ndarray:
    """Replace rounding errors by 0, such as the sine of pi in a half turn.

    An equation made by such an entry alone would count as much as any other, and set coefficients to 0. Entries are
    compared in units of the states that balance rows and columns, so entries that are small because of the units stay.

    Parameters
    ----------
    matrices : ndarray, `(matrix, n, n)`

    Returns
    -------
    ndarray, `(matrix, n, n)`
    """
    sizes = np.abs(matrices)
    largest = sizes.max(axis=(1, 2), initial=0.0)[:, None, None]
    doubtful = np.flatnonzero(
        np.any((sizes > 0) & (sizes <= _ENTRY * largest), axis=(1, 2)) & np.isfinite(largest[:, 0, 0])
    )
    if not len(doubtful):
        return matrices
    cleaned = matrices.copy()
    for k in doubtful:
        balanced = np.abs(linalg.matrix_balance(matrices[k], permute=False)[0])
        cleaned[k][balanced <= _ENTRY * balanced.max()] = 0.0
    return cleaned
