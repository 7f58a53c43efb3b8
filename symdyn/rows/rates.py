"""Rates, time scales, noise and derivatives of single trajectories, irregular times included."""

from __future__ import annotations

import numpy as np
from scipy.interpolate import make_interp_spline, make_lsq_spline

__all__ = ["characteristic_time", "differentiate", "noise_level", "spline_derivative"]


def characteristic_time(times: np.ndarray, states: np.ndarray) -> float:
    """Estimate the time in which a trajectory forgets its phase, 1/omega for an oscillation.

    From the structure function D(lag) = mean |x(t + lag) − x(t)|^2, which for a sine is 2 var (1 − cos omega lag):
    it reaches the variance at omega lag = pi/3. Noise of variance s^2 only adds 2 s^2 to it, so no derivative of noisy
    data is taken. Each state counts in units of its own spread.

    Parameters
    ----------
    times : ndarray, `(time,)`
    states : ndarray, `(time, state)`

    Returns
    -------
    float
        In the units of `times`; the whole length if the trajectory never varies that much.
    """
    spread = states.std(axis=0)
    moving = spread > 1e-13 * np.abs(states).max(axis=0)  # a state at rest varies by rounding
    scaled = states[:, moving] / spread[moving]
    length = times[-1] - times[0]
    if scaled.shape[1] == 0:
        return float(length)
    longest = len(times) - 1
    lags = np.unique(np.minimum(np.ceil(1.2 ** np.arange(1 + np.log(longest) / np.log(1.2))), longest)).astype(int)
    reached = next((k for k, lag in enumerate(lags) if _structure(scaled, lag) >= 1.0), None)
    if reached is None:
        return float(length)
    low, high = (lags[reached - 1] + 1, lags[reached]) if reached else (1, 1)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if _structure(scaled, middle) >= 1.0 else (middle + 1, high)
    return float(3 / np.pi * low * length / longest)


def noise_level(times: np.ndarray, states: np.ndarray) -> np.ndarray:
    """Estimate the standard deviation `(state,)` of white noise from fourth divided differences.

    Five neighbours of a smooth curve satisfy sum_j w_j x_j = 0 up to x'''' dt^4, with w orthogonal to cubics; noise
    does not. Weights follow the actual times and have unit norm. The median over samples keeps fast episodes of the
    motion from being taken for noise.
    """
    if len(times) < 9:
        return np.full(states.shape[1], np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(times, 5)
    offsets = (windows - windows[:, 2:3]) / (windows[:, 4:5] - windows[:, :1])
    gaps = offsets[:, :, None] - offsets[:, None, :]
    gaps[:, range(5), range(5)] = 1.0
    weights = 1.0 / gaps.prod(axis=2)
    weights /= np.linalg.norm(weights, axis=1, keepdims=True)
    samples = np.lib.stride_tricks.sliding_window_view(states, 5, axis=0)
    differences = np.einsum("tw,tsw->ts", weights, samples)
    return np.median(np.abs(differences), axis=0) / 0.6744897501960817


def spline_derivative(times: np.ndarray, values: np.ndarray, degree: int = 5) -> np.ndarray:
    """Compute d/dt of the interpolating spline through `values` `(time, ...)`; for data without noise.

    Fourth to sixth order in the step, any times. For noisy data use the weak form instead.
    """
    if len(times) <= degree:
        raise ValueError(f"a derivative needs more than {degree} samples, the trajectory has {len(times)}")
    return make_interp_spline(times, values, k=degree).derivative()(times)


def differentiate(times: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Compute smoothed values and their rates `(time, state)`, for any times.

    A quintic spline by least squares, with the fewest knots that leave no more than the noise (Morozov's discrepancy
    principle): from one knot a characteristic time, halved until the residual reaches `noise_level`. Values without
    noise end up interpolated.
    """
    noise = np.maximum(noise_level(times, values), 1e-12 * np.abs(values).max(axis=0))
    gap = characteristic_time(times, values)
    step = (times[-1] - times[0]) / (len(times) - 1)
    while gap > 4 * step:
        spline = make_lsq_spline(times, values, _knots(times, gap), k=5)
        left = np.sqrt(np.mean((values - spline(times)) ** 2, axis=0))
        if np.all(left <= 1.1 * noise):
            return spline(times), spline.derivative()(times)
        gap /= 2
    return values, spline_derivative(times, values)


def _knots(times: np.ndarray, gap: float) -> np.ndarray:
    """Place knots of a quintic spline about `gap` apart, at sample times so that no stretch goes without samples."""
    n_inner = max(int((times[-1] - times[0]) / gap) - 1, 0)
    inner = times[np.linspace(0, len(times) - 1, n_inner + 2).astype(int)[1:-1]]
    return np.concatenate([[times[0]] * 6, inner, [times[-1]] * 6])


def _structure(scaled: np.ndarray, lag: int) -> float:
    return float(np.mean((scaled[lag:] - scaled[:-lag]) ** 2))
