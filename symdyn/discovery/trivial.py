"""Generators that are parallel to the flow: they say nothing, since f commutes with f."""

from __future__ import annotations

import numpy as np

__all__ = ["parallel_violation"]


def parallel_violation(fields: np.ndarray, flow: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """The sine of the angle between each field and the flow, root mean square over points (wedge test).

    0 means v = h f with some function h at every point: the generator moves each trajectory along itself.

    Parameters
    ----------
    fields : ndarray, `(sample, state, generator)`
    flow : ndarray, `(sample, state)`
    scales : ndarray, `(sample, state)`
        Sizes of the states, so that angles are free of units.

    Returns
    -------
    ndarray, `(generator,)`, in [0, 1]
    """
    moved = fields / scales[:, :, None]
    along = flow / scales
    along = along / np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-300)
    outside = moved - along[:, :, None] * np.einsum("si,sik->sk", along, moved)[:, None, :]
    total = np.sum(moved**2, axis=(0, 1))
    return np.sqrt(np.sum(outside**2, axis=(0, 1)) / np.where(total == 0, 1, total))
