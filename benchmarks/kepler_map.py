"""The exact map of `sd.systems.two_body` from one sample to the next, for truths about its symmetries."""

import numpy as np

__all__ = ["increments"]

_STEPS = 64


def increments(points, step=0.2):
    """F(x) - x at points `(sample, 4)` of the first body, or `(sample, 8)` of both, the second opposite to the first.

    Each body moves like a test particle about a mass of 1/4 at the centre; Runge and Kutta in 64 steps, right to 1e-8.
    """
    first = np.asarray(points, dtype=float)[:, :4]
    moved, h = first, step / _STEPS
    for _ in range(_STEPS):
        k1 = _field(moved)
        k2 = _field(moved + h / 2 * k1)
        k3 = _field(moved + h / 2 * k2)
        moved = moved + h / 6 * (k1 + 2 * k2 + 2 * k3 + _field(moved + h * k3))
    change = moved - first
    return change if np.shape(points)[1] == 4 else np.concatenate([change, -change], axis=1)


def _field(points):
    position = points[:, :2]
    distance = np.linalg.norm(position, axis=1, keepdims=True)
    return np.concatenate([points[:, 2:], -0.25 * position / distance**3], axis=1)
