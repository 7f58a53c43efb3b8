"""Kernels averaged over a group: k(x, y) = mean_g exp(−gamma |x − g y|^2), block by block."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

__all__ = ["averaged_gaussian"]

_BLOCK = 512  # rows and columns at a time: two such blocks stay in cache
_HELD = 4_000_000  # numbers of images held at a time


def averaged_gaussian(
    points: np.ndarray,
    image: Callable[[int], np.ndarray],
    weights: np.ndarray,
    gamma: float,
    *,
    symmetric: bool = False,
) -> np.ndarray:
    """Compute K `(sample, other)` = sum_g w_g exp(−gamma |x_i − (g y)_j|^2).

    Averaging over one argument is enough: the kernel does not change when both are moved.

    Parameters
    ----------
    points : ndarray, `(sample, axis)`
    image : callable
        Returns the other points `(other, axis)` under element number k; only a few images are held at a time.
    weights : ndarray, `(element,)`
    gamma : float
        One over the square of a length.
    symmetric : bool
        The others are the points: only the blocks on and below the diagonal are computed, those above are left 0.
    """
    first = image(0)
    kernel = np.zeros((len(points), len(first)))
    # exp(-gamma (|x|^2 + |y|^2 - 2 x.y)) by one product of matrices, the squares as two more columns.
    left = np.column_stack([points, np.sum(points**2, axis=1), np.ones(len(points))])
    step = max(1, _HELD // first.size)
    for start in range(0, len(weights), step):
        members = range(start, min(start + step, len(weights)))
        rights = [_with_squares(image(k), gamma) for k in members]
        _add_blocks(kernel, left, rights, weights[members.start : members.stop], symmetric)
    return kernel


def _add_blocks(
    kernel: np.ndarray, left: np.ndarray, rights: Sequence[np.ndarray], weights: np.ndarray, symmetric: bool
) -> None:
    work = np.empty((_BLOCK, _BLOCK))
    for top in range(0, len(kernel), _BLOCK):
        rows = slice(top, min(top + _BLOCK, len(kernel)))
        for start in range(0, top + 1 if symmetric else kernel.shape[1], _BLOCK):
            columns = slice(start, min(start + _BLOCK, kernel.shape[1]))
            block = kernel[rows, columns]
            part = work[: block.shape[0], : block.shape[1]]
            for right, weight in zip(rights, weights, strict=True):
                np.matmul(left[rows], right[columns].T, out=part)
                np.minimum(part, 0.0, out=part)
                np.exp(part, out=part)
                part *= weight
                block += part


def _with_squares(points: np.ndarray, gamma: float) -> np.ndarray:
    return np.column_stack([2 * gamma * points, np.full(len(points), -gamma), -gamma * np.sum(points**2, axis=1)])
