"""Shrinkage of singular values, the step that all problems with a nuclear norm share.

The nuclear norm |A|_* is the sum of singular values, the largest convex function below the rank on matrices of norm at
most 1. With A = U diag(s) V^T, its proximal map

    argmin_Z  t |Z|_* + |Z − A|^2 / 2  =  U diag((s − t)_+) V^T  =  F A,      F = U diag((1 − t / s)_+) U^T,

needs of A only its Gram matrix A A^T, whatever inner product the rows have (Cai, Candes and Shen, SIAM J. Optim. 20,
2010).
"""

from __future__ import annotations

import numpy as np

__all__ = ["SubspaceTracker", "nuclear_norm", "shrink", "shrinkage", "singular_values", "spectral_norm"]


def nuclear_norm(matrix: np.ndarray) -> float:
    """Sum the singular values of a matrix `(row, column)`."""
    return float(np.linalg.svd(matrix, compute_uv=False).sum())


def singular_values(gram: np.ndarray) -> np.ndarray:
    """Compute the singular values of A, ascending, from A A^T `(row, row)`: right to 1e-8 of the largest."""
    return np.sqrt(np.maximum(np.linalg.eigvalsh(gram), 0.0))


def spectral_norm(gram: np.ndarray) -> float:
    """Compute the largest singular value of A, from A A^T."""
    return float(singular_values(gram)[-1])


def shrinkage(gram: np.ndarray, threshold: float) -> tuple[np.ndarray, np.ndarray]:
    """Compute the matrix F with F A the shrunk A, as orthonormal columns and weights: F = V diag(f) V^T.

    Parameters
    ----------
    gram : ndarray, `(row, row)`
        A A^T.
    threshold : float
        t, in units of singular values.

    Returns
    -------
    vectors : ndarray, `(row, rank)`
        Left singular vectors of the singular values above t.
    weights : ndarray, `(rank,)`
        1 − t / s.
    """
    values, vectors = np.linalg.eigh(gram)
    first = int(np.searchsorted(values, threshold**2, side="right"))
    return vectors[:, first:], 1.0 - threshold / np.sqrt(values[first:])


class SubspaceTracker:
    """`shrinkage` of a sequence of Gram matrices that change little, of few singular values above the threshold.

    The subspace of the last matrix, and a few directions more, is multiplied by the present one, and the small
    eigenproblem in the result is solved (Rayleigh and Ritz). If residuals are too large, or no singular value below the
    threshold is seen, the whole eigenproblem is solved instead.
    """

    _EXTRA = 8  # directions beyond the rank
    _SMALLEST = 100  # rows from which tracking is cheaper than LAPACK

    def __init__(self):
        self.basis = None

    def shrinkage(self, gram: np.ndarray, threshold: float, error: float) -> tuple[np.ndarray, np.ndarray]:
        """Do as the function, with F A in error by about `error` in the Frobenius norm, at most."""
        found = self._tracked(gram, threshold, error) if self.basis is not None else None
        if found is not None:
            return found
        values, vectors = np.linalg.eigh(gram)
        first = int(np.searchsorted(values, threshold**2, side="right"))
        width = len(values) - first + self._EXTRA
        worthwhile = len(gram) >= self._SMALLEST and width <= len(gram) // 4
        self.basis = vectors[:, -width:] if worthwhile else None
        return vectors[:, first:], 1.0 - threshold / np.sqrt(values[first:])

    def _tracked(self, gram: np.ndarray, threshold: float, error: float) -> tuple[np.ndarray, np.ndarray] | None:
        image, basis = gram @ self.basis, None
        for _ in range(3):
            basis = np.linalg.qr(image)[0]
            image = gram @ basis
            values, turn = np.linalg.eigh(basis.T @ image)
            first = int(np.searchsorted(values, threshold**2, side="right"))
            if first == 0:
                return None
            vectors, weights = basis @ turn, 1.0 - threshold / np.sqrt(values[first:])
            rest = (image @ turn[:, first:] - vectors[:, first:] * values[first:]) * weights
            if np.linalg.norm(rest) <= error * threshold:
                self.basis = vectors[:, max(first - self._EXTRA, 0) :]
                if first < self._EXTRA // 2:  # the rank grows: let the next basis be wider
                    self.basis = None
                return vectors[:, first:], weights
        return None


def shrink(matrix: np.ndarray, threshold: float) -> np.ndarray:
    """Apply the proximal map of t |.|_* to a matrix `(row, column)`: singular values less t, those below 0 set to 0.

    Raises
    ------
    ValueError
        For a negative threshold.
    """
    if not threshold >= 0:
        raise ValueError(f"threshold must be at least 0, got {threshold}")
    left, values, right = np.linalg.svd(matrix, full_matrices=False)
    return (left * np.maximum(values - threshold, 0.0)) @ right
