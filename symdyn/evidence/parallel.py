"""Generators that are parallel to the flow: they say nothing, since f commutes with f."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["PARALLEL", "parallel_to_flow", "parallel_violation"]

PARALLEL = 0.02
"""The sine of the angle to the flow below which a generator counts as parallel to it.

It must be small: for a weakly damped oscillator so(2) is 6 degrees from f, and is no trivial symmetry."""

_ROUNDING = 1e-6  # no angle between fields that come from differences is known better


def parallel_to_flow(
    fields: np.ndarray, flows: Sequence[np.ndarray], scales: np.ndarray, resolution: float = PARALLEL
) -> np.ndarray:
    """Tell which generators are parallel to the flow at every point, `(generator,)`: f commutes with f whatever f is.

    Parameters
    ----------
    fields : ndarray, `(sample, state, generator)`
    flows : sequence of ndarray, `(sample, state)`
        The flow, then as it might have come out with the error of its law: what that adds to sin^2 of the angle on
        average is taken off.
    scales : ndarray, `(sample, state)`
        Spread of each state over all data, the units in which angles are measured.
    resolution : float
        Where violations are known to less than `PARALLEL`, angles are, too: then this takes its place. Beside an exact
        function a rotation at half a degree from it is a symmetry of its own.
    """
    seen, *others = (parallel_violation(fields, flow, scales) ** 2 for flow in flows)
    added = np.mean(others, axis=0) - seen if others else 0.0
    return np.sqrt(np.maximum(seen - added, 0.0)) < np.clip(resolution, _ROUNDING, PARALLEL)


def parallel_violation(fields: np.ndarray, flow: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """Compute the sine of the angle between each field and the flow, root mean square over points (wedge test).

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
