"""Planar flows with a rotation symmetry."""

from __future__ import annotations

import numpy as np
from scipy.integrate import solve_ivp

__all__ = ["damped_oscillator", "hopf"]


def hopf(*, noise: float = 0.0, rng=0, n_trajectories: int = 20, n_times: int = 400, length: float = 8.0):
    """The Hopf normal form x' = (1/2 − r^2) x − 1.3 y, y' = 1.3 x + (1/2 − r^2) y: symmetric under so(2).

    Starts are uniform on the square of side 2. See `_trajectories` for the other arguments.
    """

    def field(_, x):
        growth = 0.5 - x[0] ** 2 - x[1] ** 2
        return np.stack([growth * x[0] - 1.3 * x[1], 1.3 * x[0] + growth * x[1]])

    return _trajectories(field, noise, rng, n_trajectories, n_times, length)


def damped_oscillator(*, noise: float = 0.0, rng=0, n_trajectories: int = 20, n_times: int = 400, length: float = 12.0):
    """x' = −0.1 x − y, y' = x − 0.1 y: linear, symmetric under so(2) and the scaling, and under f itself."""

    def field(_, x):
        return np.stack([-0.1 * x[0] - x[1], x[0] - 0.1 * x[1]])

    return _trajectories(field, noise, rng, n_trajectories, n_times, length)


def _trajectories(field, noise, rng, n_trajectories, n_times, length):
    """Trajectories of a planar flow from random starts.

    Parameters
    ----------
    noise : float
        Standard deviation of white noise, as a fraction of the standard deviation of each state over all data.
    rng : int or numpy Generator

    Returns
    -------
    x : list of ndarray, `(time, 2)`
    step : float
    """
    rng = np.random.default_rng(rng)
    times = np.linspace(0, length, n_times)
    starts = rng.uniform(-1, 1, (n_trajectories, 2))
    clean = [
        solve_ivp(field, (0, length), start, t_eval=times, rtol=1e-10, atol=1e-12, method="DOP853").y.T
        for start in starts
    ]
    spread = np.concatenate(clean).std(axis=0)
    return [x + noise * spread * rng.standard_normal(x.shape) for x in clean], float(times[1])
