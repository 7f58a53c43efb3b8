"""Boxes with reflecting walls."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from symdyn.functions.tolerances import MAPPED
from symdyn.invariant.manifolds.eigenspaces import Eigenspace, Manifold
from symdyn.invariant.manifolds.isometries import Isometries, signed_permutation
from symdyn.invariant.manifolds.lattice import lattice_points, lattice_spectrum, row_index
from symdyn.invariant.manifolds.monomial_isometries import add_generator, joined_orbits, signs_of
from symdyn.invariant.manifolds.orbits import fixed_columns
from symdyn.invariant.manifolds.points import checked

__all__ = ["Box"]


@dataclass(frozen=True)
class Box(Manifold):
    """Hold the box low <= x <= high with reflecting walls.

    Eigenfunctions are products of cos(pi l (x − low) / (high − low)).

    Points outside, up to a tenth of a side, are reflected at the wall; the boundary makes it a manifold that the
    theory of sample gains covers only to leading order.

    Parameters
    ----------
    low, high : sequence of float
        The corners.

    Examples
    --------
    >>> import numpy as np
    >>> from symdyn.invariant import Box
    >>> box = Box(low=(0, 0), high=(1, 2))
    >>> box.volume
    2.0
    >>> [round(space.eigenvalue / np.pi**2, 2) for space in box.spectrum(20)]  # l² + m²/4
    [0.0, 0.25, 1.0, 1.25, 2.0]
    """

    low: tuple[float, ...]
    high: tuple[float, ...]

    def __post_init__(self):
        low, high = (np.atleast_1d(np.asarray(corner, dtype=float)) for corner in (self.low, self.high))
        if low.ndim != 1 or low.shape != high.shape or not np.all(np.isfinite(low) & np.isfinite(high) & (low < high)):
            raise ValueError(f"low must be below high, in as many directions, got {self.low} and {self.high}")
        object.__setattr__(self, "low", tuple(low.tolist()))
        object.__setattr__(self, "high", tuple(high.tolist()))
        object.__setattr__(self, "dim", len(low))

    @property
    def sides(self) -> np.ndarray:
        """The length of each side `(dim,)`."""
        return np.subtract(self.high, self.low)

    @property
    def n_coordinates(self) -> int:
        """One per dimension."""
        return self.dim

    @property
    def volume(self) -> float:
        """The product of the sides."""
        return float(np.prod(self.sides))

    def eigenspaces(self) -> Iterator[Eigenspace]:
        """Yield all eigenspaces in order of eigenvalue."""
        for value, count in lattice_spectrum(tuple((np.pi / self.sides) ** 2), signed=False):
            yield Eigenspace(self, value, count, None)

    def modes(self, space: Eigenspace) -> np.ndarray:
        """Return the numbers l of half waves `(function, dim)`."""
        return lattice_points(tuple((np.pi / self.sides) ** 2), space.eigenvalue, signed=False)

    def basis(self, space: Eigenspace, points: np.ndarray) -> np.ndarray:
        """Evaluate products of √2 cos, 1 where l = 0."""
        values = np.ones((len(points), len(space.modes)))
        for i, angle in enumerate((np.pi * (points - self.low) / self.sides).T):
            column = space.modes[:, i]
            waves = np.sqrt(2) * np.cos(np.outer(angle, np.arange(column.max() + 1)))
            waves[:, 0] = 1.0
            values *= waves[:, column]
        return values

    def sample(self, n: int, rng=0) -> np.ndarray:
        """Draw uniform points."""
        return np.random.default_rng(rng).uniform(self.low, self.high, (n, self.dim))

    def check(self, points: np.ndarray) -> np.ndarray:
        """Check that points are inside, or outside by less than a tenth of a side."""
        points = checked(self, points)
        beyond = np.maximum(np.subtract(self.low, points), np.subtract(points, self.high)) / self.sides
        if np.any(beyond > 0.1):
            worst = int(np.argmax(beyond.max(axis=1)))
            raise ValueError(f"X leaves {self} at sample {worst}; give a box that holds all points")
        return points

    def isometry_flaw(self, matrix: np.ndarray, shift: np.ndarray) -> str | None:
        """Say why a map is no isometry: isometries permute sides of equal length and flip about the centre."""
        parts = signed_permutation(matrix)
        if parts is None:
            return "its matrix must permute axes and flip signs"
        if not np.allclose(self.sides[parts[0]], self.sides, rtol=MAPPED):
            return "it exchanges sides of different length"
        centre = np.add(self.low, self.high) / 2
        moved = np.abs(matrix @ centre + shift - centre).max()
        return "it moves the centre" if moved > MAPPED * self.sides.max() else None

    def field_flaw(self, matrix: np.ndarray, shift: np.ndarray) -> str | None:
        """Say why a flow is not by isometries: a box has finitely many isometries."""
        return "a box has no continuous symmetry" if np.any(matrix) or np.any(shift) else None

    def speed(self, matrix: np.ndarray, shift: np.ndarray) -> float:
        """Return zero, because nothing moves."""
        return 0.0

    def invariants(self, space: Eigenspace, group: Isometries, *, vector: bool = False):
        """Sum products of cosines over orbits; see `Manifold.invariants`."""
        n_outputs, targets, factors = self.dim if vector else 1, [], []
        for matrix in group.matrices:
            order, signs = signs_of(matrix)
            moved = np.zeros_like(space.modes)
            moved[:, order] = space.modes
            odd = space.modes @ (signs < 0) % 2
            add_generator(
                targets, factors, row_index(space.modes, moved), 1.0 - 2.0 * odd, (order, signs) if vector else None
            )
        excluded = np.zeros(len(space.modes) * n_outputs, dtype=bool)
        return sparse.csc_array(fixed_columns(joined_orbits(targets, factors, excluded)))
