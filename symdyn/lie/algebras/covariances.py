"""Covariances of the coefficients of generators, and what linear maps make of them."""

from __future__ import annotations

import numpy as np

__all__ = ["is_nothing", "mapped", "nothing"]


def nothing(size: int) -> np.ndarray:
    """Return a covariance `(size, size)` of zeros that takes no memory: that of exact generators."""
    return np.broadcast_to(0.0, (size, size))


def is_nothing(covariance: np.ndarray) -> bool:
    """Check whether a covariance is zero by one entry, which a view shows at all places; True for no generators."""
    return covariance.size == 0 or (not any(covariance.strides) and covariance[0, 0] == 0)


def mapped(
    covariance: np.ndarray, dim: int, *, turn: np.ndarray | None = None, weights: np.ndarray | None = None
) -> np.ndarray:
    """Return the covariance of weights @ V @ turn, from that of rows V `(generator, coefficient)`.

    Parameters
    ----------
    covariance : ndarray, `(dim * coefficient, dim * coefficient)`
        Of the rows of V, one after the other.
    dim : int
        The number of rows of V.
    turn : ndarray, `(coefficient, new coefficient)`, optional
    weights : ndarray, `(new generator, dim)`, optional

    Returns
    -------
    ndarray, `(new generator * new coefficient, new generator * new coefficient)`
    """
    width = len(covariance) // max(dim, 1)
    turn = np.eye(width) if turn is None else turn
    weights = np.eye(dim) if weights is None else weights
    size = len(weights) * turn.shape[1]
    if is_nothing(covariance):
        return nothing(size)
    blocks = covariance.reshape(dim, width, dim, width)
    for matrix in (weights.T, turn) * 2:  # the first axis each time, which then comes last
        blocks = np.tensordot(blocks, matrix, axes=(0, 0))
    return blocks.reshape(size, size)
