"""Spheres and their harmonics, by a recursion over dimensions that uses polynomials only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from math import comb

import numpy as np
from scipy.special import betaln, gammaln

from symdyn.functions.tolerances import MAPPED
from symdyn.invariant.manifolds.eigenspaces import Eigenspace, Manifold
from symdyn.invariant.manifolds.points import checked, whole

__all__ = ["Sphere", "harmonics"]


@dataclass(frozen=True)
class Sphere(Manifold):
    """Represent the sphere of the given radius in dim + 1 coordinates; `Sphere(2)` is the surface of a ball.

    Eigenfunctions are the harmonic polynomials of degree l, eigenvalue l (l + dim − 1) / radius^2.

    Parameters
    ----------
    dim : int
        Dimension of the sphere itself.
    radius : float

    Examples
    --------
    >>> import numpy as np
    >>> from symdyn.invariant import Sphere
    >>> spaces = Sphere(2).spectrum(12)
    >>> [(space.eigenvalue, space.multiplicity) for space in spaces]  # l (l + 1), 2 l + 1
    [(0.0, 1), (2.0, 3), (6.0, 5), (12.0, 7)]
    >>> Sphere(2, radius=6371).check(np.array([[0, 0, 6371.001]]))  # put exactly onto it
    array([[   0.,    0., 6371.]])
    """

    dim: int
    radius: float = 1.0

    def __post_init__(self):
        object.__setattr__(self, "dim", whole(self.dim, "dim"))
        if not (np.isfinite(self.radius) and self.radius > 0):
            raise ValueError(f"radius must be positive, got {self.radius}")

    @property
    def n_coordinates(self) -> int:
        """Those of the surrounding space."""
        return self.dim + 1

    @property
    def volume(self) -> float:
        """2 pi^((dim + 1) / 2) / Gamma((dim + 1) / 2) radius^dim."""
        half = (self.dim + 1) / 2
        return float(2 * np.exp(half * np.log(np.pi) - gammaln(half)) * self.radius**self.dim)

    def eigenspaces(self) -> Iterator[Eigenspace]:
        """Yield one eigenspace for each degree."""
        n = self.dim + 1
        for degree in count():
            lower = comb(n + degree - 3, n - 1) if degree >= 2 else 0
            value = degree * (degree + self.dim - 1) / self.radius**2
            yield Eigenspace(self, value, comb(n + degree - 1, n - 1) - lower, degree)

    def modes(self, space: Eigenspace) -> int:
        """Return the degree."""
        return space.label

    def basis(self, space: Eigenspace, points: np.ndarray) -> np.ndarray:
        """Evaluate the harmonics of the degree."""
        return harmonics(points / self.radius, space.label)

    def sample(self, n: int, rng=0) -> np.ndarray:
        """Draw normal vectors, scaled to the radius."""
        points = np.random.default_rng(rng).standard_normal((n, self.dim + 1))
        return self.radius * points / np.linalg.norm(points, axis=1, keepdims=True)

    def check(self, points: np.ndarray) -> np.ndarray:
        """Scale points within 1e-6 of the sphere onto it."""
        points = checked(self, points)
        lengths = np.linalg.norm(points, axis=1)
        off = np.abs(lengths / self.radius - 1)
        if np.any(off > 1e-6):
            worst = int(np.argmax(off))
            raise ValueError(
                f"X is not on {self}: sample {worst} has length {lengths[worst]:.6g}; divide by the lengths, or give "
                "another manifold"
            )
        return points * (self.radius / lengths)[:, None]

    def isometry_flaw(self, matrix: np.ndarray, shift: np.ndarray) -> str | None:
        """Say why a map is no isometry: isometries are orthogonal matrices."""
        if np.abs(shift).max() > MAPPED * self.radius:
            return "it moves the centre"
        off = np.abs(matrix.T @ matrix - np.eye(len(matrix))).max()
        return "its matrix is not orthogonal" if off > MAPPED else None

    def field_flaw(self, matrix: np.ndarray, shift: np.ndarray) -> str | None:
        """Say why a flow is not by isometries: Killing fields are antisymmetric matrices."""
        if np.abs(shift).max() > MAPPED * self.radius * max(np.abs(matrix).max(), 1e-300):
            return "it moves the centre"
        off = np.abs(matrix + matrix.T).max()
        return "its matrix is not antisymmetric" if off > MAPPED * np.abs(matrix).max() else None

    def speed(self, matrix: np.ndarray, shift: np.ndarray) -> float:
        """Return the largest rate of rotation times the radius."""
        return float(np.linalg.norm(matrix, 2)) * self.radius

    def tangent(self, points: np.ndarray, vectors: np.ndarray) -> np.ndarray:
        """Remove the part along the radius."""
        along = np.sum(points * vectors, axis=1, keepdims=True) / self.radius**2
        return vectors - along * points


def harmonics(points: np.ndarray, degree: int) -> np.ndarray:
    """Evaluate harmonic polynomials of one degree, orthonormal on the unit sphere with uniform probability measure.

    In N coordinates with r^2 = |x|^2 and x' = all but the last: r^(l-j) C(x_N / r) h_j(x') for j = 0 ... l, where C is
    the Gegenbauer polynomial of degree l − j and order j + N/2 − 1, and h_j the harmonics of degree j in N − 1
    coordinates.

    Parameters
    ----------
    points : ndarray, `(sample, N)`, N >= 2
    degree : int

    Returns
    -------
    ndarray, `(sample, function)`
    """
    planar = (points[:, 0] + 1j * points[:, 1])[:, None] ** np.arange(degree + 1)
    lower = [np.ones((len(points), 1))]
    lower += [np.sqrt(2) * np.column_stack([planar[:, j].real, planar[:, j].imag]) for j in range(1, degree + 1)]
    square = np.sum(points[:, :2] ** 2, axis=1)
    for n in range(3, points.shape[1] + 1):
        last = points[:, n - 1]
        square = square + last**2
        wanted = range(degree + 1) if n < points.shape[1] else [degree]
        parts: list[list[np.ndarray]] = [[] for _ in range(degree + 1)]
        for j, inner in enumerate(lower):
            scaled = inner * np.exp(0.5 * (betaln((n - 1) / 2, 0.5) - betaln(j + (n - 1) / 2, 0.5)))
            for k, factor in enumerate(_gegenbauer(last, square, degree - j, j + n / 2 - 1)):
                if j + k in wanted:
                    parts[j + k].append(factor[:, None] * scaled)
        lower = [np.hstack(part) if part else np.zeros((len(points), 0)) for part in parts]
    return lower[degree]


def _gegenbauer(last: np.ndarray, square: np.ndarray, degree: int, order: float) -> list[np.ndarray]:
    """Compute r^k C_k(x / r), k = 0 ... degree, orthonormal for the weight (1 − t^2)^(order − 1/2) on [−1, 1]."""
    values, before, link = [np.ones_like(last)], np.zeros_like(last), 0.0
    for k in range(1, degree + 1):
        below, link = link, 0.5 * np.sqrt(k * (k + 2 * order - 1) / ((k + order) * (k + order - 1)))
        values.append((last * values[-1] - below * square * before) / link)
        before = values[-2]
    return values
