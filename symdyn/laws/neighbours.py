"""The unexplained fraction of the law of a map or of pairs, from neighbouring points.

Rows of coarse maps and of pairs are their own instruments: the mean square of their residuals holds the noise as well.
Neighbours are instruments for each other: two points x_k, x_l close by, of different runs or steps apart, have the same
misfit g(x) but independent noise, so the mean of e_k . e_l is that of |g(x)|^2 less what g changes on the way. That
grows with the square of the distance: the mean is extrapolated to distance 0.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.spatial import KDTree

from symdyn.laws.residual import Residual, residual_from_parts
from symdyn.laws.scales import Scales
from symdyn.sums.moments import Moments

__all__ = ["neighbour_residual"]

_N_NEAR = 6  # neighbours of a point
_STEPS_APART = 2  # rows of one run that are nearer in time share noise
_STRETCHES = 20  # of fewer than three runs: these are the independent parts
_FEWEST_PAIRS = 10


def neighbour_residual(moments: Moments, misfit: np.ndarray, scales: Scales, total: Residual) -> Residual:
    """Estimate what is left over beyond noise.

    Parameters
    ----------
    moments : Moments
        Of a coarse map or of pairs.
    misfit : ndarray, `(sample, output)`
        e, the targets less the law, at the points of the moments.
    scales : Scales
    total : Residual
        What is left over with the noise, from all rows: no more than that is without it.
    """
    first, second, distance = _neighbours(moments, scales)
    n_runs = moments.n_trajectories
    part = moments.owner[first] if n_runs >= 3 else first * min(_STRETCHES, len(misfit)) // max(len(misfit), 1)
    if len(first) < _FEWEST_PAIRS:
        return Residual(np.nan, 0.0, total.upper, n_runs, False, total.by_output)
    products = misfit[first] * misfit[second]
    parts = _at_distance_zero(products, distance**2, np.unique(part, return_inverse=True)[1])
    found = residual_from_parts(parts, scales.output_power, scales.output_units)
    return replace(found, upper=min(found.upper, total.upper), aliased=False)


def _neighbours(moments: Moments, scales: Scales) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find pairs `(pair,)` of near points that share no noise, and their distances in spreads."""
    sizes = scales.states[moments.owner][:, : moments.points.shape[1]]
    points = moments.points / sizes
    n_near = min(_N_NEAR + 2 * _STEPS_APART + 1, len(points))
    distance, near = KDTree(points).query(points, k=n_near)
    distance, near = distance.reshape(len(points), -1), near.reshape(len(points), -1)
    first = np.broadcast_to(np.arange(len(points))[:, None], near.shape)
    place = _places(moments)
    apart = (moments.owner[first] != moments.owner[near]) | (np.abs(place[first] - place[near]) > _STEPS_APART)
    apart &= np.cumsum(apart, axis=1) <= _N_NEAR
    return first[apart], near[apart], distance[apart]


def _places(moments: Moments) -> np.ndarray:
    """Return the step `(sample,)` of its run at which each point lies."""
    count = np.bincount(moments.owner, minlength=moments.n_trajectories)
    start = np.cumsum(count) - count
    rank = np.arange(len(moments.owner)) - start[moments.owner]
    length = moments.samples[moments.owner]
    return np.floor(rank * np.maximum(length - 1, 0) / np.maximum(count[moments.owner] - 1, 1))


def _at_distance_zero(products: np.ndarray, squares: np.ndarray, part: np.ndarray) -> np.ndarray:
    """Extrapolate products `(pair, output)` to d^2 = 0 by a straight line: parts `(part, output)` of the intercept.

    Near pairs count more: the line need hold only for them.
    """
    weights = 1 / (1 + squares / max(np.median(squares), 1e-300)) ** 2
    rows = np.stack([np.ones_like(squares), squares / max(np.median(squares), 1e-300)], axis=1)
    gram = (rows * weights[:, None]).T @ rows
    smoother = np.linalg.pinv(gram)[0] @ (rows * weights[:, None]).T
    return np.stack([np.bincount(part, weights=column) for column in (smoother[:, None] * products).T], axis=1)
