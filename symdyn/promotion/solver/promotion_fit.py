"""The data's side of promotion: coefficients nearest to a given matrix among those that fit.

Douglas-Rachford needs, again and again, the w that minimises f(w) + (H-distance of w to a given point). With f = 0 on
{w : Theta w = y} and infinity elsewhere, or f = t |Theta w − y|^2 / 2, this is affine, w = offset + B h.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import linalg

__all__ = ["Fit", "Interpolation", "LeastSquares", "Metric", "NestedSamples", "interpolation"]

_FLAT = 1e-5  # a pivot of Cholesky's factor, relative to its diagonal, below which a direction may be undetermined
_NULL = 1e-11  # eigenvalues of the metric at unit diagonal that count as zero
_FARTHEST = 2.0  # how far a dual point is scaled up at most
_AGREE = 1e-8  # how far equations may contradict each other, relative to the target


@dataclass(frozen=True)
class Interpolation:
    """Coefficients with Theta w = y exactly: w = offset + B h.

    Parameters
    ----------
    offset : ndarray, `(unknown,)`
        The interpolant that is shortest in the metric.
    inverse : ndarray, `(unknown, unknown)`
        B = N (N^T H N)^-1 N^T, N a basis of the null space of Theta.
    """

    offset: np.ndarray
    inverse: np.ndarray

    def nearest(self, gradient: np.ndarray) -> np.ndarray:
        """Return the feasible w with N^T (H w − h) = 0."""
        return self.offset + self.inverse @ gradient

    def loss(self, coefficients: np.ndarray) -> float:
        """Return 0: every w is an interpolant."""
        return 0.0

    @property
    def size(self) -> float:
        """Losses do not count."""
        return np.inf

    def bound(self, coefficients: np.ndarray, pairing: float, largest: float) -> float:
        """Return the dual value: <U, M(w)> is the same for all interpolants; U may be scaled up to `largest`."""
        return pairing * largest if np.isfinite(largest) else 0.0


@dataclass(frozen=True)
class LeastSquares:
    """Coefficients that fit in the mean square: w = B (t Theta^T y + h), B = (t Theta^T Theta + H)^-1.

    Parameters
    ----------
    products : ndarray, `(unknown, unknown)`
        Theta^T Theta.
    moment : ndarray, `(unknown,)`
        Theta^T y.
    square : float
        y^T y.
    metric : ndarray, `(unknown, unknown)`
        H.
    weight : float
        t.
    """

    products: np.ndarray
    moment: np.ndarray
    square: float
    metric: np.ndarray
    weight: float

    @cached_property
    def inverse(self) -> np.ndarray:
        """B `(unknown, unknown)`."""
        return _inverse(linalg.cholesky(self.weight * self.products + self.metric, lower=True))

    @cached_property
    def offset(self) -> np.ndarray:
        """The w of h = 0."""
        return self.inverse @ (self.weight * self.moment)

    def nearest(self, gradient: np.ndarray) -> np.ndarray:
        """Return the minimiser of t |Theta w − y|^2 / 2 + w^T H w / 2 − h^T w."""
        return self.offset + self.inverse @ gradient

    def weighing(self, weight: float) -> LeastSquares:
        """Return the same data with another t."""
        return LeastSquares(self.products, self.moment, self.square, self.metric, weight)

    def loss(self, coefficients: np.ndarray) -> float:
        """Compute |Theta w − y|^2 / 2."""
        square = coefficients @ (self.products @ coefficients - 2 * self.moment) + self.square
        return 0.5 * max(float(square), 0.0)

    @property
    def size(self) -> float:
        """The loss of w = 0, |y|^2 / 2."""
        return 0.5 * self.square

    def bound(self, coefficients: np.ndarray, pairing: float, largest: float) -> float:
        """Compute the dual value −c^2 |p|^2 / 2 − c <p, y>, p = Theta w − y, at the best c up to `largest`."""
        residual, along = 2 * self.loss(coefficients), coefficients @ self.moment - self.square
        # c = 1 at the minimum; of residuals that are rounding the best c is any number.
        best = min(largest, _FARTHEST, -along / residual) if residual > 0 else min(largest, 1.0)
        return float(-best * (best * residual / 2 + along)) if best > 0 else 0.0


Fit = Interpolation | LeastSquares


@dataclass(frozen=True)
class NestedSamples:
    """One factorisation for the interpolants of the first k samples, whatever k.

    With H = L L^T, V = L^-1 Theta^T and V = Q T, the first k columns of Q belong to the first k samples:
    B = L^-T (I − Q_k Q_k^T) L^-1 = H^-1 − Y_k Y_k^T, Y = L^-T Q.

    Parameters
    ----------
    inverse : ndarray, `(unknown, unknown)`
        H^-1.
    spread : ndarray, `(unknown, sample)`
        Y.
    triangle : ndarray, `(sample, sample)`
        T.
    """

    inverse: np.ndarray
    spread: np.ndarray
    triangle: np.ndarray

    @classmethod
    def build(cls, metric: Metric, design: np.ndarray) -> NestedSamples:
        """Factorise rows `(sample, unknown)`, at most as many as unknowns."""
        whitened = linalg.solve_triangular(metric.factor, design.T, lower=True, check_finite=False)
        basis, triangle = np.linalg.qr(whitened)
        spread = linalg.solve_triangular(metric.factor, basis, lower=True, trans="T", check_finite=False)
        return cls(_inverse(metric.factor), spread, triangle)

    def first(self, target: np.ndarray) -> Interpolation | None:
        """Return the interpolants of the first len(target) samples; None if these are dependent."""
        k = len(target)
        triangle, spread = self.triangle[:k, :k], self.spread[:, :k]
        pivots = np.abs(np.diag(triangle))
        if k > self.spread.shape[1] or pivots.min() < 1e-9 * pivots.max():
            return None
        offset = spread @ linalg.solve_triangular(triangle, target, trans="T", check_finite=False)
        return Interpolation(offset, self.inverse - spread @ spread.T)


@dataclass(frozen=True)
class Metric:
    """The metric of coefficients, made definite.

    Parameters
    ----------
    matrix : ndarray, `(unknown, unknown)`
        H, with what neither H nor the design sees given a length of its own, so that the answer has none of it.
    factor : ndarray, `(unknown, unknown)`
        Cholesky's lower factor of that plus a multiple of Theta^T Theta, which changes nothing where the design is met.
    undetermined : ndarray, `(unknown, dim)`
        Orthonormal basis of {w : H w = 0, Theta w = 0}.
    """

    matrix: np.ndarray
    factor: np.ndarray
    undetermined: np.ndarray

    @classmethod
    def build(cls, metric: np.ndarray, design: np.ndarray) -> Metric:
        """Build from H and rows `(sample, unknown)`."""
        for rows in (design[:1], design):
            seen = rows.T @ rows
            complete = metric + _size(metric) / _size(seen) * seen
            factor = _definite_factor(complete)
            if factor is not None:
                return cls(metric, factor, np.zeros((len(metric), 0)))
        scale = np.sqrt(np.maximum(np.diag(complete), 1e-14 * max(np.diag(complete).max(), 1e-300)))
        values, vectors = np.linalg.eigh(complete / scale / scale[:, None])
        null = vectors[:, values < _NULL * max(values[-1], 1e-300)]
        length = (null * scale[:, None]) @ (null * scale[:, None]).T
        undetermined = np.linalg.qr(null / scale[:, None])[0] if null.size else null
        return cls(metric + length, linalg.cholesky(complete + length, lower=True), undetermined)


def interpolation(metric: Metric, design: np.ndarray, target: np.ndarray) -> Interpolation:
    """Find the interpolants of all samples, which may depend on each other but must not contradict each other.

    Raises
    ------
    ValueError
        If no w has design @ w = target.
    """
    n, largest, missed = design.shape[1], np.abs(target).max(initial=0.0), 0.0
    if len(design) > n:
        # An array, whatever numpy's types say of this mode.
        joint = np.asarray(np.linalg.qr(np.column_stack([design, target]), mode="r"))
        design, target, missed = joint[:n, :n], joint[:n, n], abs(joint[n, n])
    found = NestedSamples.build(metric, design).first(target)
    if found is None:
        found, more = _dependent(metric, design, target)
        missed = max(missed, more)
    if missed > _AGREE * largest:
        raise ValueError(
            f"design and target contradict each other: no coefficients come closer to all samples than {missed:.2g}. "
            "Give gamma, the weight of the penalty, for data with noise, or a larger library"
        )
    return found


def _dependent(metric: Metric, design: np.ndarray, target: np.ndarray) -> tuple[Interpolation, float]:
    """Find interpolants of samples that depend on each other, and by how much they are missed."""
    whitened = linalg.solve_triangular(metric.factor, design.T, lower=True)
    left, values, right = linalg.svd(whitened, full_matrices=False)
    rank = int(np.sum(values > 1e-11 * values[0]))
    inside = right[:rank] @ target
    spread = linalg.solve_triangular(metric.factor, left[:, :rank], lower=True, trans="T")
    found = Interpolation(spread @ (inside / values[:rank]), _inverse(metric.factor) - spread @ spread.T)
    return found, np.abs(target - right[:rank].T @ inside).max()


def _size(matrix: np.ndarray) -> float:
    return float(np.trace(matrix)) or 1.0


def _definite_factor(matrix: np.ndarray) -> np.ndarray | None:
    """Return Cholesky's lower factor, or None where a direction may be undetermined."""
    # scipy does not declare its compiled functions.
    factor, failed = linalg.lapack.dpotrf(matrix, lower=1)  # pyright: ignore[reportAttributeAccessIssue]
    diagonal = np.diag(matrix)
    definite = failed == 0 and np.all(diagonal > 0) and np.all(np.diag(factor) > _FLAT * np.sqrt(diagonal))
    return factor if definite else None


def _inverse(factor: np.ndarray) -> np.ndarray:
    """Compute (L L^T)^-1 from L."""
    # scipy does not declare its compiled functions.
    lower = np.tril(linalg.lapack.dpotri(factor, lower=1)[0])  # pyright: ignore[reportAttributeAccessIssue]
    return lower + np.tril(lower, -1).T
