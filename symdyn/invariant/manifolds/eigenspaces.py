"""Eigenspaces of the Laplace-Beltrami operator, and what a manifold must know to have them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile
from typing import Any

import numpy as np

from symdyn.invariant.manifolds.fixed import fixed_coefficients
from symdyn.invariant.manifolds.isometries import Isometries

__all__ = ["Eigenspace", "Manifold"]


@dataclass(frozen=True, eq=False)
class Eigenspace:
    """Represent all functions on a manifold with −Δφ = eigenvalue φ.

    Called on points `(sample, coordinate)`, it returns a real basis `(sample, multiplicity)`, orthonormal with respect
    to the uniform probability measure.

    Parameters
    ----------
    manifold : Manifold
    eigenvalue : float
    multiplicity : int
        Its dimension.
    label : object
        How the manifold identifies the functions; they are listed when first used.

    Examples
    --------
    >>> import numpy as np
    >>> from symdyn.invariant import Sphere
    >>> constant, dipoles, quadrupoles = Sphere(2).spectrum(cutoff=6)
    >>> quadrupoles
    Eigenspace(manifold=Sphere(dim=2, radius=1.0), eigenvalue=6.0, multiplicity=5, label=2)
    >>> values = quadrupoles(Sphere(2).sample(100_000, rng=0))
    >>> bool(np.allclose(values.T @ values / 100_000, np.eye(5), atol=0.05))  # orthonormal
    True
    """

    manifold: Manifold
    eigenvalue: float
    multiplicity: int
    label: Any

    @cached_property
    def modes(self) -> Any:
        """What the manifold keeps about the functions."""
        return self.manifold.modes(self)

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """Evaluate the basis functions `(sample, multiplicity)` at points."""
        return self.manifold.basis(self, points)

    def invariants(self, group: Isometries, *, vector: bool = False) -> Any:
        """Find orthonormal coefficients `(multiplicity, dim)` of the invariant functions; see `Manifold.invariants`."""
        return self.manifold.invariants(self, group, vector=vector)


class Manifold(ABC):
    """Represent a compact Riemannian manifold whose eigenfunctions are known, in coordinates `(sample, n_coordinates)`.

    Isometries are affine maps of the coordinates.

    Examples
    --------
    >>> from symdyn.invariant import Box, Product, Sphere, Torus
    >>> from symdyn.invariant.manifolds import Manifold
    >>> known = [Torus(2), Sphere(2), Box([0, 0], [1, 1]), Product(Sphere(2), Torus(1))]
    >>> all(isinstance(manifold, Manifold) for manifold in known)
    True
    >>> [(manifold.dim, manifold.n_coordinates, round(manifold.volume, 1)) for manifold in known]
    [(2, 2, 39.5), (2, 3, 12.6), (2, 2, 1.0), (3, 4, 79.0)]
    """

    dim: int

    @property
    @abstractmethod
    def n_coordinates(self) -> int:
        """Length of a point."""

    @property
    @abstractmethod
    def volume(self) -> float:
        """The Riemannian volume."""

    @abstractmethod
    def eigenspaces(self) -> Iterator[Eigenspace]:
        """Yield all eigenspaces in order of eigenvalue, without end; their functions are not built."""

    @abstractmethod
    def modes(self, space: Eigenspace) -> Any:
        """Return what `basis` needs to know about an eigenspace."""

    @abstractmethod
    def basis(self, space: Eigenspace, points: np.ndarray) -> np.ndarray:
        """Evaluate the basis functions `(sample, multiplicity)` of an eigenspace at points."""

    @abstractmethod
    def sample(self, n: int, rng=0) -> np.ndarray:
        """Draw n points `(sample, coordinate)`, independent and uniform."""

    @abstractmethod
    def check(self, points: np.ndarray) -> np.ndarray:
        """Project points that are almost on the manifold exactly onto it.

        Raises
        ------
        ValueError
            If they are not on it.
        """

    @abstractmethod
    def isometry_flaw(self, matrix: np.ndarray, shift: np.ndarray) -> str | None:
        """Say why x -> A x + b is not an isometry of the manifold; None if it is one."""

    @abstractmethod
    def field_flaw(self, matrix: np.ndarray, shift: np.ndarray) -> str | None:
        """Say why the flow of x' = A x + b does not consist of isometries of the manifold; None if it does."""

    @abstractmethod
    def speed(self, matrix: np.ndarray, shift: np.ndarray) -> float:
        """Bound the length of the Killing field A x + b on the manifold."""

    def tangent(self, points: np.ndarray, vectors: np.ndarray) -> np.ndarray:
        """Return the tangential part of vectors `(sample, coordinate)` at points."""
        return vectors

    def spectrum(self, cutoff: float) -> list[Eigenspace]:
        """List the eigenspaces with eigenvalue up to `cutoff`."""
        return list(takewhile(lambda space: space.eigenvalue <= cutoff * (1 + 1e-9), self.eigenspaces()))

    def invariants(self, space: Eigenspace, group: Isometries, *, vector: bool = False) -> Any:
        """Find the functions of an eigenspace that a group fixes.

        A function with coefficients c is invariant if and only if D(g) c = c for the generators g, where
        Phi(g x) = Phi(x) D(g). For vector-valued functions, f(g x) = A f(x) asks D(g) C = C A^T.

        Parameters
        ----------
        space : Eigenspace
        group : Isometries
        vector : bool
            Whether values are vectors in the coordinates, moved by A, rather than invariant numbers.

        Returns
        -------
        ndarray or sparse array, `(multiplicity, dim)`, or `(multiplicity * n_coordinates, dim)` with `vector`
            Orthonormal columns; rows of vectors are in the order (function, coordinate).
        """
        return fixed_coefficients(self, space, group, vector)
