"""Sparse arrays of scipy, which come without types."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from scipy import sparse

__all__ = ["shape_of"]


def shape_of(matrix: sparse.csr_array | sparse.csc_array) -> tuple[int, int]:
    """Return the numbers of rows and columns; a type checker reads from scipy's code that these might be None."""
    return cast("tuple[int, int]", matrix.shape)
