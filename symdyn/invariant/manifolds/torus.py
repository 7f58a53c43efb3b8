"""Flat tori of any dimension and periods."""

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
from symdyn.invariant.manifolds.orbits import fixed_columns, real_columns
from symdyn.invariant.manifolds.points import checked, whole

__all__ = ["Torus"]


@dataclass(frozen=True)
class Torus(Manifold):
    """Represent the flat torus R^dim / (period Z)^dim; every real point is on it.

    Eigenfunctions exp(i k.x), k = 2 pi n / period with integer n, eigenvalue |k|^2. An isometry takes one of them to
    a multiple of another, so invariants are sums over orbits of frequencies: no matrix is built.

    Parameters
    ----------
    dim : int
    period : float or sequence of float
        One period for all directions, or one for each.

    Examples
    --------
    >>> import numpy as np
    >>> from symdyn.invariant import Torus
    >>> angles = Torus(2)
    >>> constant, first = angles.spectrum(cutoff=1)
    >>> first.multiplicity, first.modes.tolist()  # sines and cosines of each angle
    (4, [[0, 1], [1, 0]])
    >>> angle, turn = np.array([[0.1, 0.2]]), np.array([[0, 2 * np.pi]])
    >>> bool(np.allclose(first(angle), first(angle + turn)))
    True
    """

    dim: int
    period: float | tuple[float, ...] = 2 * np.pi

    def __post_init__(self):
        object.__setattr__(self, "dim", whole(self.dim, "dim"))
        periods = np.atleast_1d(np.asarray(self.period, dtype=float))
        if periods.shape not in ((1,), (self.dim,)) or not np.all((periods > 0) & np.isfinite(periods)):
            raise ValueError(f"period must be positive, one number or {self.dim} numbers, got {self.period}")
        plain = tuple(periods.tolist()) if np.size(self.period) > 1 else float(periods[0])
        object.__setattr__(self, "period", plain)

    @property
    def periods(self) -> np.ndarray:
        """The period in each direction `(dim,)`."""
        return np.broadcast_to(np.asarray(self.period, dtype=float), (self.dim,))

    @property
    def n_coordinates(self) -> int:
        """Angles or lengths, one per dimension."""
        return self.dim

    @property
    def volume(self) -> float:
        """The product of the periods."""
        return float(np.prod(self.periods))

    def eigenspaces(self) -> Iterator[Eigenspace]:
        """Yield all eigenspaces in order of eigenvalue."""
        for value, count in lattice_spectrum(tuple((2 * np.pi / self.periods) ** 2), signed=True):
            yield Eigenspace(self, value, count, None)

    def modes(self, space: Eigenspace) -> np.ndarray:
        """List integer frequencies n `(frequency, dim)`, of each pair ±n the one with first nonzero entry positive."""
        every = lattice_points(tuple((2 * np.pi / self.periods) ** 2), space.eigenvalue, signed=True)
        leading = every[np.arange(len(every)), np.argmax(every != 0, axis=1)]
        return every[(leading > 0) | (space.eigenvalue == 0)]

    def basis(self, space: Eigenspace, points: np.ndarray) -> np.ndarray:
        """Evaluate √2 cos(k.x) for all frequencies, then √2 sin(k.x)."""
        if space.eigenvalue == 0:
            return np.ones((len(points), 1))
        angles = points @ (2 * np.pi * space.modes / self.periods).T
        values = np.empty((len(points), 2 * angles.shape[1]))
        np.cos(angles, out=values[:, : angles.shape[1]])
        np.sin(angles, out=values[:, angles.shape[1] :])
        values *= np.sqrt(2)
        return values

    def sample(self, n: int, rng=0) -> np.ndarray:
        """Draw uniform points in one cell."""
        return np.random.default_rng(rng).uniform(0, self.periods, (n, self.dim))

    def check(self, points: np.ndarray) -> np.ndarray:
        """Return finite points of the right length as they are: functions are periodic by themselves."""
        return checked(self, points)

    def isometry_flaw(self, matrix: np.ndarray, shift: np.ndarray) -> str | None:
        """Say why a map is no isometry: isometries permute axes of equal period, flip and translate.

        A rectangular lattice has no others.
        """
        parts = signed_permutation(matrix)
        if parts is None:
            return "its matrix must permute axes and flip signs"
        if not np.allclose(self.periods[parts[0]], self.periods, rtol=MAPPED):
            return "it exchanges axes of different period"
        return None

    def field_flaw(self, matrix: np.ndarray, shift: np.ndarray) -> str | None:
        """Say why a flow is not by isometries: Killing fields are translations."""
        return "only translations are" if np.abs(matrix).max() > MAPPED else None

    def speed(self, matrix: np.ndarray, shift: np.ndarray) -> float:
        """Return the length of the translation."""
        return float(np.linalg.norm(shift))

    def invariants(self, space: Eigenspace, group: Isometries, *, vector: bool = False):
        """Sum over orbits of frequencies; see `Manifold.invariants`."""
        half, n_outputs = space.modes, self.dim if vector else 1
        every = half if space.eigenvalue == 0 else np.concatenate([half, -half])
        waves = 2 * np.pi * every / self.periods
        targets, factors = [], []
        for matrix, shift in zip(group.matrices, group.shifts, strict=True):
            order, signs = signs_of(matrix)
            moved = np.zeros_like(every)
            moved[:, order] = every * signs
            phases = np.exp(1j * (waves @ shift)) if np.any(shift) else np.ones(len(every))
            add_generator(targets, factors, row_index(every, moved), phases, (order, signs) if vector else None)
        drift = np.abs(waves @ group.field_shifts.T) > MAPPED * self._scales(waves, group.field_shifts)
        found = joined_orbits(targets, factors, np.repeat(drift.any(axis=1), n_outputs))
        if space.eigenvalue == 0:
            return sparse.csc_array(fixed_columns(found).real)
        size = len(half) * n_outputs
        columns = real_columns(found, np.roll(np.arange(2 * size), size))[:size]
        return sparse.csc_array(np.sqrt(2) * sparse.vstack([columns.real, -columns.imag]))

    def _scales(self, waves: np.ndarray, shifts: np.ndarray) -> np.ndarray:
        return np.linalg.norm(waves, axis=1)[:, None] * np.linalg.norm(shifts, axis=1)
