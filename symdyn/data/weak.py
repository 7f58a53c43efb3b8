"""The weak form: laws tested against bump functions, with even samples as instruments for odd ones.

Multiplying y' = F(x) by a bump phi and integrating by parts gives, with no derivative of data,

    −∫ phi' y dt = W ∫ phi theta(x) dt.

Each integral is taken twice, over even and over odd samples. Noise in the two is independent, so products of an even
row with an odd row carry no noise bias, which least squares on noisy features has (errors in variables).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.interpolate import BSpline
from scipy.sparse.linalg import spsolve

from symdyn.data.rates import characteristic_time
from symdyn.data.trajectories import Trajectory
from symdyn.lie.features import Features

__all__ = ["MIN_SAMPLES", "WeakRows", "quadrature_weights", "weak_rows"]

MIN_SAMPLES = 24
_POWER = 4  # the bump (1 − s^2)^4: three continuous derivatives at the ends of a window
_HALF_WIDTH = 1.5  # of a window, in characteristic times: half an oscillation fits in
_OVERLAP = 4  # windows that cover one sample


class WeakRows(NamedTuple):
    """Integrals over windows: `even` and `odd` `(window, feature + output)`, features first.

    `block` `(window,)` numbers stretches of at least half an oscillation, for the jackknife in time.
    """

    even: np.ndarray
    odd: np.ndarray
    block: np.ndarray


def weak_rows(
    run: Trajectory, points: np.ndarray, targets: np.ndarray, features: Features, noise: np.ndarray
) -> WeakRows:
    """Weak rows of y' = W theta(x) along one trajectory.

    Parameters
    ----------
    run : Trajectory
    points : ndarray, `(time, state)`
        Where the features are evaluated.
    targets : ndarray, `(time, output)`
        y: the states of a flow, the velocities of a second-order system.
    features : Features
    noise : ndarray, `(state,)`
        Standard deviation of the noise on `points`, taken out of the means of polynomial features.

    Raises
    ------
    ValueError
        If the trajectory is shorter than the windows need.
    """
    times = run.times
    if len(times) < MIN_SAMPLES:
        raise ValueError(
            f"trajectory {run.name!r} has {len(times)} samples; the weak form needs at least {MIN_SAMPLES}: "
            "drop it or sample faster"
        )
    scale = characteristic_time(times, run.states)
    half = window_half_width(times, scale)
    centers = np.arange(times[0] + half, times[-1] - half * (1 - 1e-9), 2 * half / _OVERLAP)
    values = features.debiased(points, noise)
    halves = [_integrals(times, values, targets, centers, half, parity) for parity in (0, 1)]
    block = _blocks(centers, np.pi * scale)
    return WeakRows(halves[0], halves[1], block)


def window_half_width(times: np.ndarray, scale: float) -> float:
    """Half the length of a window: 1.5 characteristic times, at most a fifth of the run, at least 8 samples."""
    length = times[-1] - times[0]
    step = length / (len(times) - 1)
    return max(min(_HALF_WIDTH * scale, length / 5), 8 * step)


def quadrature_weights(times: np.ndarray) -> np.ndarray:
    """Weights `(time,)` that integrate the cubic spline through samples at `times`; the step where it is constant.

    Fourth order for any times. Constant weights are right inside a uniform grid for functions that vanish at both
    ends, as bumps do.
    """
    steps = np.diff(times)
    if np.ptp(steps) <= 1e-6 * steps.mean():
        return np.full(len(times), steps.mean())
    knots = np.concatenate([[times[0]] * 4, times[2:-2], [times[-1]] * 4])
    design = BSpline.design_matrix(times, knots, 3).tocsc()
    integrals = (knots[4:] - knots[:-4]) / 4
    return spsolve(design.T.tocsc(), integrals)


def _integrals(times, values, targets, centers, half, parity):
    clock = times[parity::2]
    weights = quadrature_weights(clock)
    bump, slope = _bumps(clock, centers, half)
    norm = 1 / np.maximum(bump @ weights, 1e-300)
    tested = (bump.multiply(weights[None])).tocsr() @ values[parity::2]
    moved = -(slope.multiply(weights[None])).tocsr() @ targets[parity::2]
    return np.hstack([tested, moved]) * norm[:, None]


def _bumps(clock, centers, half):
    """Sparse phi and phi' `(window, time)`."""
    first = np.searchsorted(clock, centers - half)
    last = np.searchsorted(clock, centers + half, side="right")
    counts = last - first
    starts = np.concatenate([[0], np.cumsum(counts)])
    columns = np.arange(starts[-1]) - np.repeat(starts[:-1] - first, counts)
    s = (clock[columns] - np.repeat(centers, counts)) / half
    gap = (1 - s**2).clip(0)
    shape = (len(centers), len(clock))
    bump = sparse.csr_matrix((gap**_POWER, columns, starts), shape)
    slope = sparse.csr_matrix((-2 * _POWER * s * gap ** (_POWER - 1) / half, columns, starts), shape)
    return bump, slope


def _blocks(centers, length):
    n_blocks = max(int((centers[-1] - centers[0]) / length), 1)
    return np.minimum(((centers - centers[0]) / length).astype(int), n_blocks - 1)
