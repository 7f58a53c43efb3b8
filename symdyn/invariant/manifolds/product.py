"""Products of manifolds."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from functools import reduce

import numpy as np

from symdyn.functions.tolerances import MAPPED
from symdyn.invariant.manifolds.eigenspaces import Eigenspace, Manifold

__all__ = ["Product"]

_SAME = 1e-9


class Product(Manifold):
    """Represent the product of manifolds, with coordinates side by side.

    Eigenfunctions are products, eigenvalues sums. A group may act on all factors at once (rotations of several spheres
    together) and exchange equal factors.

    Parameters
    ----------
    *factors : Manifold

    Examples
    --------
    >>> import numpy as np
    >>> from symdyn.invariant import Product, Sphere, Torus
    >>> rod = Product(Sphere(2), Torus(1))  # a direction, and an angle about it
    >>> rod.dim, rod.n_coordinates, round(rod.volume / np.pi**2, 6)
    (3, 4, 8.0)
    >>> [(space.eigenvalue, space.multiplicity) for space in rod.spectrum(3)]
    [(0.0, 1), (1.0, 2), (2.0, 3), (3.0, 6)]
    """

    def __init__(self, *factors: Manifold):
        if not factors or not all(isinstance(factor, Manifold) for factor in factors):
            raise ValueError(f"Product takes manifolds, got {factors}")
        self.factors = factors
        self.dim = sum(factor.dim for factor in factors)

    def __repr__(self) -> str:
        return f"Product({', '.join(map(repr, self.factors))})"

    def __eq__(self, other) -> bool:
        return isinstance(other, Product) and self.factors == other.factors

    def __hash__(self) -> int:
        return hash(self.factors)

    @property
    def n_coordinates(self) -> int:
        """The sum of those of the factors."""
        return sum(factor.n_coordinates for factor in self.factors)

    @property
    def volume(self) -> float:
        """The product of the volumes."""
        return float(np.prod([factor.volume for factor in self.factors]))

    def eigenspaces(self) -> Iterator[Eigenspace]:
        """Join combinations of eigenspaces of the factors with equal sums of eigenvalues."""
        group: list[tuple[Eigenspace, ...]] = []
        for value, combination in self._combinations():
            if group and value > _sum(group[0]) * (1 + _SAME):
                yield self._joined(group)
                group = []
            group.append(combination)

    def modes(self, space: Eigenspace) -> list[tuple[Eigenspace, ...]]:
        """Return the combinations of eigenspaces of the factors."""
        return space.label

    def basis(self, space: Eigenspace, points: np.ndarray) -> np.ndarray:
        """Multiply the factors' functions, the last factor running fastest."""
        parts = self._split(points)
        known: dict[tuple[int, float], np.ndarray] = {}
        columns = []
        for combination in self.modes(space):
            values = []
            for i, (factor_space, part) in enumerate(zip(combination, parts, strict=True)):
                key = (i, factor_space.eigenvalue)
                if key not in known:
                    known[key] = factor_space(part)
                values.append(known[key])
            columns.append(reduce(_rowwise, values))
        return np.hstack(columns)

    def sample(self, n: int, rng=0) -> np.ndarray:
        """Draw points that are uniform in each factor."""
        generator = np.random.default_rng(rng)
        return np.hstack([factor.sample(n, generator) for factor in self.factors])

    def check(self, points: np.ndarray) -> np.ndarray:
        """Let each factor check its own coordinates."""
        points = np.asarray(points, dtype=float)
        if points.ndim != 2 or points.shape[1] != self.n_coordinates:
            raise ValueError(f"X must have shape (sample, {self.n_coordinates}) on {self}, got {points.shape}")
        parts = zip(self.factors, self._split(points), strict=True)
        return np.hstack([factor.check(part) for factor, part in parts])

    def isometry_flaw(self, matrix: np.ndarray, shift: np.ndarray) -> str | None:
        """Say why a map is no isometry: isometries act on each factor, or exchange equal factors."""
        slices = self._slices()
        reached = []
        for row, factor in zip(slices, self.factors, strict=True):
            used = [j for j, column in enumerate(slices) if np.abs(matrix[row, column]).max() > MAPPED]
            if len(used) != 1 or self.factors[used[0]] != factor:
                return "it mixes factors, or exchanges factors that differ"
            flaw = factor.isometry_flaw(matrix[row, slices[used[0]]], shift[row])
            if flaw:
                return f"on a factor {factor} {flaw}"
            reached += used
        return None if len(set(reached)) == len(reached) else "it takes two factors to one"

    def field_flaw(self, matrix: np.ndarray, shift: np.ndarray) -> str | None:
        """Say why a flow is not by isometries: Killing fields act on each factor."""
        rest = matrix.copy()
        for block, factor in zip(self._slices(), self.factors, strict=True):
            rest[block, block] = 0.0
            flaw = factor.field_flaw(matrix[block, block], shift[block])
            if flaw:
                return f"on a factor {factor} {flaw}"
        return "it mixes factors" if np.abs(rest).max() > MAPPED * np.abs(matrix).max() else None

    def speed(self, matrix: np.ndarray, shift: np.ndarray) -> float:
        """Return the root of the sum of squares over factors."""
        parts = zip(self._slices(), self.factors, strict=True)
        return float(np.linalg.norm([factor.speed(matrix[block, block], shift[block]) for block, factor in parts]))

    def tangent(self, points: np.ndarray, vectors: np.ndarray) -> np.ndarray:
        """Return the tangential part in each factor."""
        parts = zip(self.factors, self._split(points), self._split(vectors), strict=True)
        return np.hstack([factor.tangent(point, vector) for factor, point, vector in parts])

    def _slices(self) -> list[slice]:
        ends = np.cumsum([factor.n_coordinates for factor in self.factors])
        return [slice(end - factor.n_coordinates, end) for end, factor in zip(ends, self.factors, strict=True)]

    def _split(self, points: np.ndarray) -> list[np.ndarray]:
        return [points[:, block] for block in self._slices()]

    def _combinations(self) -> Iterator[tuple[float, tuple[Eigenspace, ...]]]:
        """Yield combinations of eigenspaces of the factors, in order of the sum of eigenvalues."""
        streams = [factor.eigenspaces() for factor in self.factors]
        known = [[next(stream)] for stream in streams]
        start = (0,) * len(streams)
        heap, seen = [(0.0, start)], {start}
        while True:
            value, places = heapq.heappop(heap)
            yield value, tuple(spaces[i] for spaces, i in zip(known, places, strict=True))
            for k, stream in enumerate(streams):
                after = places[:k] + (places[k] + 1,) + places[k + 1 :]
                if after not in seen:
                    seen.add(after)
                    if len(known[k]) == after[k]:
                        known[k].append(next(stream))
                    total = sum(spaces[i].eigenvalue for spaces, i in zip(known, after, strict=True))
                    heapq.heappush(heap, (total, after))

    def _joined(self, group: list[tuple[Eigenspace, ...]]) -> Eigenspace:
        count = sum(int(np.prod([space.multiplicity for space in combination])) for combination in group)
        return Eigenspace(self, _sum(group[0]), count, group)


def _sum(combination: tuple[Eigenspace, ...]) -> float:
    return float(sum(space.eigenvalue for space in combination))


def _rowwise(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return (first[:, :, None] * second[:, None, :]).reshape(len(first), -1)
