"""The nuclear norm of xi -> L(xi, F) as a function of coefficients: its linear map, inner product and metric."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from scipy import linalg, sparse

from symdyn.functions.sparse_arrays import shape_of
from symdyn.promotion.solver.lie_maps import LieMaps
from symdyn.promotion.solver.shrinkage import nuclear_norm

__all__ = ["LieMapsLike", "Penalty", "as_penalty"]

_DENSE = 200  # active columns up to which a map is multiplied as a dense block

_Matrix: TypeAlias = np.ndarray | sparse.sparray
LieMapsLike: TypeAlias = "Penalty | LieMaps | Sequence[_Matrix | LieMaps | Sequence[_Matrix]]"


@dataclass(frozen=True)
class Penalty:
    """w -> M(w), row k of which is S_k w, with the inner product <a, b> = a G b^T on rows; R(w) = |M(w)|_*.

    Parameters
    ----------
    stacked : sparse array, `(map * row, unknown)`
    gram : ndarray, `(row, row)`
        G.
    blocks : ndarray of int, `(map,)`
        Maps of different blocks have a nuclear norm each, which add; that of a block of one map is its length.
    """

    stacked: sparse.csr_array
    gram: np.ndarray
    blocks: np.ndarray

    @property
    def n_maps(self) -> int:
        """Number of rows of M."""
        return len(self.blocks)

    @property
    def n_unknowns(self) -> int:
        """Number of coefficients."""
        return shape_of(self.stacked)[1]

    @cached_property
    def mask(self) -> np.ndarray | None:
        """Which maps share a block `(map, map)`; None if all do."""
        same = self.blocks[:, None] == self.blocks
        return None if same.all() else same

    @cached_property
    def _transposed(self) -> sparse.csr_array:
        return self.stacked.T.tocsr()

    def apply(self, coefficients: np.ndarray) -> np.ndarray:
        """Compute M(w) C `(map, row)`: rows in the units of the inner product, which are plain vectors from here on."""
        return self._weighed((self.stacked @ coefficients).reshape(self.n_maps, -1), False)

    def adjoint(self, rows: np.ndarray) -> np.ndarray:
        """Compute sum_k S_k^T C (row k) `(unknown,)`: the gradient of <., M(w) C>."""
        return self._transposed @ self._weighed(rows, True).reshape(-1)

    def gram_of(self, rows: np.ndarray) -> np.ndarray:
        """Compute products of rows `(map, map)`, 0 between blocks."""
        product = rows @ rows.T
        return product if self.mask is None else np.where(self.mask, product, 0.0)

    def value(self, coefficients: np.ndarray) -> float:
        """Compute |M(w)|_* by singular values of M(w) C."""
        rows = self.apply(coefficients)
        return sum(nuclear_norm(rows[self.blocks == block]) for block in np.unique(self.blocks))

    @cached_property
    def root(self) -> np.ndarray:
        """C `(row, row)` with C C^T = G, lower triangular where G is definite."""
        try:
            return np.linalg.cholesky(self.gram)
        except np.linalg.LinAlgError:
            values, vectors = np.linalg.eigh(self.gram)
            if values[0] < -1e-10 * max(values[-1], 1e-300):
                raise ValueError(
                    f"gram has the eigenvalue {values[0]:.2g}: an inner product has none below 0"
                ) from None
            return vectors * np.sqrt(np.maximum(values, 0.0))

    @cached_property
    def _shape_of_root(self) -> str:
        """What products with C can leave out."""
        if np.array_equal(self.root, np.eye(len(self.root))):
            return "identity"
        return "triangle" if not np.triu(self.root, 1).any() else "full"

    def _weighed(self, rows: np.ndarray, transposed: bool) -> np.ndarray:
        """Multiply rows by C, or by C^T."""
        if self._shape_of_root == "identity":
            return rows
        if self._shape_of_root == "full":
            return rows @ (self.root.T if transposed else self.root)
        # BLAS counts along columns, as the transpose lies in memory: (rows C)^T = C^T rows^T, half of a product's work.
        # scipy does not declare its compiled functions.
        multiply = linalg.blas.dtrmm  # pyright: ignore[reportAttributeAccessIssue]
        return multiply(1.0, self.root.T, rows.T, lower=0, trans_a=transposed).T

    @cached_property
    def metric(self) -> np.ndarray:
        """H = sum_k S_k^T G S_k `(unknown, unknown)`: |M(w)|^2 = w^T H w."""
        total = np.zeros((self.n_unknowns, self.n_unknowns))
        height = len(self.gram)
        pointers, columns, values = self.stacked.indptr, self.stacked.indices, self.stacked.data
        for k in range(self.n_maps):
            counts = np.diff(pointers[k * height : (k + 1) * height + 1])
            here = slice(pointers[k * height], pointers[(k + 1) * height])
            rows, active = np.flatnonzero(counts), np.unique(columns[here])
            if not rows.size:
                continue
            place = np.searchsorted(active, columns[here])
            inner = self.gram if rows.size == height else self.gram[np.ix_(rows, rows)]
            block = _congruence(inner, np.repeat(np.arange(len(rows)), counts[rows]), place, values[here], len(active))
            if active.size == self.n_unknowns:
                total += block
            else:
                total[np.ix_(active, active)] += block
        return total


def _congruence(
    gram: np.ndarray, rows: np.ndarray, columns: np.ndarray, values: np.ndarray, n_columns: int
) -> np.ndarray:
    """Compute S^T G S for S given by its entries."""
    if n_columns <= _DENSE or len(values) > 0.05 * n_columns * len(gram):
        dense = np.zeros((n_columns, len(gram)))
        dense[columns, rows] = values
        return dense @ gram @ dense.T
    matrix = sparse.csr_array((values, (columns, rows)), shape=(n_columns, len(gram)))  # S^T
    return matrix @ (matrix @ gram).T


def as_penalty(lie_maps: LieMapsLike, gram: np.ndarray | None = None) -> Penalty:
    """Check what `promote` takes as maps and inner product, and build the penalty.

    Parameters
    ----------
    lie_maps : LieMaps, list of matrices `(row, unknown)`, or list of such lists
        Sparse or dense. Of a list of lists, each member has a nuclear norm of its own, and these add.
    gram : ndarray, `(row, row)`, optional
        A matrix that is smaller by a whole number is used for each output.

    Raises
    ------
    ValueError
        For shapes that do not fit, values that are not finite, and a Gram matrix that is not symmetric or not definite.
    """
    if isinstance(lie_maps, Penalty):
        return lie_maps
    stacked, blocks = _stacked(lie_maps)
    height = shape_of(stacked)[0] // len(blocks)
    if not np.all(np.isfinite(stacked.data)):
        raise ValueError("lie_maps hold values that are not finite")
    if gram is None:
        return Penalty(stacked, np.eye(height), blocks)
    gram = np.asarray(gram, dtype=float)
    if gram.ndim != 2 or gram.shape[0] != gram.shape[1] or not len(gram) or height % len(gram):
        raise ValueError(f"gram must have shape {(height, height)}, one row for each of lie_maps, got {gram.shape}")
    if not np.all(np.isfinite(gram)):
        raise ValueError("gram holds values that are not finite")
    if np.abs(gram - gram.T).max() > 1e-10 * np.abs(gram).max():
        raise ValueError("gram must be symmetric: it is an inner product")
    if len(gram) < height:
        gram = np.kron(np.eye(height // len(gram)), gram)
    found = Penalty(stacked, gram, blocks)
    _ = found.root  # checks it
    return found


def _stacked(
    lie_maps: LieMaps | Sequence[_Matrix | LieMaps | Sequence[_Matrix]],
) -> tuple[sparse.csr_array, np.ndarray]:
    if isinstance(lie_maps, LieMaps):
        return lie_maps.stacked, np.zeros(len(lie_maps), dtype=int)
    members = list(lie_maps)
    if not members:
        raise ValueError("lie_maps is empty: give one matrix (row, unknown) for each candidate generator")
    nested = [isinstance(member, list | tuple | LieMaps) for member in members]
    groups = [_matrices(group) for group in members] if any(nested) else [_matrices(members)]
    matrices = [matrix for group in groups for matrix in group]
    shapes = {matrix.shape for matrix in matrices}
    if len(shapes) != 1 or len(next(iter(shapes), ())) != 2:
        raise ValueError(f"lie_maps must be matrices (row, unknown) of one shape, got {sorted(shapes)}")
    blocks = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
    return sparse.csr_array(sparse.vstack([sparse.csr_array(matrix) for matrix in matrices], format="csr")), blocks


def _matrices(group: LieMaps | _Matrix | Sequence[_Matrix]) -> list[Any]:
    """Return the matrices, sparse or dense, of which scipy declares no common type."""
    if isinstance(group, LieMaps):
        return [group[k] for k in range(len(group))]
    members = list(group) if isinstance(group, list | tuple) else [group]
    return [matrix if sparse.issparse(matrix) else np.asarray(matrix, dtype=float) for matrix in members]
