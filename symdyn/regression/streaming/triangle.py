"""The triangular factor of rows that come in blocks."""

from __future__ import annotations

import numpy as np
from scipy.linalg import get_lapack_funcs

__all__ = ["Triangle"]

_FEWEST = 2048  # rows of a block: it stays in the cache with its columns


class Triangle:
    """Update R of the QR decomposition of rows, block by block; R^T R = sum over rows of row^T row.

    A block is appended below R, and both are factored anew by Householder reflections. So no digit is lost, whatever
    the sizes of the columns and however nearly they depend on each other, unlike in sums of products.

    Parameters
    ----------
    width : int
        Number of columns.
    """

    def __init__(self, width: int):
        self.width, self.room = width, max(_FEWEST, 4 * width)
        (self._factored,) = get_lapack_funcs(("geqrf",), dtype=np.float64)
        # One row of memory a column, as LAPACK has it; R comes first.
        self._memory = np.zeros((width, width + self.room))

    def block(self, n: int) -> np.ndarray:
        """Return the place `(column, row)` of the next n rows, of any content; `add` takes them in."""
        return self._memory[:, self.width : self.width + n]

    def add(self, n: int) -> None:
        """Take in the first n rows of the block."""
        stacked = self._memory[:, : self.width + n]
        factored = self._factored(stacked.T, lwork=32 * self.width, overwrite_a=1)[0]
        self._memory[:, : self.width] = np.triu(factored[: self.width]).T

    @property
    def factor(self) -> np.ndarray:
        """R `(column, column)`, with rows of 0 where there were fewer rows."""
        return self._memory[:, : self.width].T.copy()
