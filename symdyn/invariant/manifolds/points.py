"""Checks shared by manifolds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from symdyn.invariant.manifolds.eigenspaces import Manifold

__all__ = ["checked", "whole"]


def checked(manifold: Manifold, points) -> np.ndarray:
    """Return points as an array of floats, finite and of the right shape; raise ValueError otherwise."""
    points = np.asarray(points, dtype=float)
    if points.ndim != 2 or points.shape[1] != manifold.n_coordinates:
        raise ValueError(f"X must have shape (sample, {manifold.n_coordinates}) on {manifold}, got {points.shape}")
    if not np.all(np.isfinite(points)):
        raise ValueError("X holds NaN or infinite values; drop those samples")
    return points


def whole(value, name: str) -> int:
    """Return a whole number of at least 1; raise ValueError otherwise."""
    if not isinstance(value, int | np.integer) or value < 1:
        raise ValueError(f"{name} must be a whole number of at least 1, got {value!r}")
    return int(value)
