"""Points of a manifold as points of a Euclidean space in which its isometries are isometries."""

from __future__ import annotations

import numpy as np

from symdyn.invariant.manifolds import Product, Torus
from symdyn.invariant.manifolds.eigenspaces import Manifold

__all__ = ["embedded"]


def embedded(manifold: Manifold | None, points: np.ndarray) -> np.ndarray:
    """Return the coordinates `(sample, axis)` between which kernels measure distances.

    Angles of a torus become points on circles of the right circumference, so that kernels are periodic; other
    coordinates stay as they are.
    """
    if isinstance(manifold, Torus):
        radii = manifold.periods / (2 * np.pi)
        angles = points / radii
        return np.hstack([radii * np.cos(angles), radii * np.sin(angles)])
    if isinstance(manifold, Product):
        ends = np.cumsum([factor.n_coordinates for factor in manifold.factors])
        parts = np.split(points, ends[:-1], axis=1)
        return np.hstack([embedded(factor, part) for factor, part in zip(manifold.factors, parts, strict=True)])
    return points
