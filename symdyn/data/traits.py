"""Spread, noise and time scale of many trajectories with the same clock at once; long ones are looked at in places.

The same estimates as `symdyn.data.rates`. From some ten thousand samples on more of them change an estimate of noise or
of a time scale by less than a per cent, so evenly spaced samples stand for all: cost and memory stay bounded.
"""

from __future__ import annotations

import numpy as np

from symdyn.data.ensembles import Ensemble
from symdyn.data.workspace import Workspace

__all__ = ["characteristic_lags", "means", "noise_levels", "spreads"]

_N_LOOKED_AT = 1 << 15
_LEAST_SIGNAL = 0.02  # of the variance: what is taken for noise may be motion
_AT_A_TIME = 1 << 16  # samples in a batch of runs


def spreads(ensemble: Ensemble, n_states: int) -> np.ndarray:
    """Standard deviation `(run, state)` of the first variables, over all samples."""
    return np.stack([_spread(column, ensemble.runs) for column in ensemble.columns[:n_states]], axis=1)


def means(ensemble: Ensemble, chosen: slice) -> np.ndarray:
    """Means `(run, variable)` of some variables over all samples."""
    columns = [column[_span(ensemble.runs)].mean(axis=1) for column in ensemble.columns[chosen]]
    return np.stack(columns, axis=1)


def noise_levels(ensemble: Ensemble, n_states: int) -> np.ndarray:
    """Standard deviation `(run, state)` of white noise on the first variables, see `rates.noise_level`."""
    times = ensemble.times
    found = np.full((len(ensemble.runs), n_states), np.nan)
    if len(times) < 9:
        return found
    starts = np.arange(0, len(times) - 4, max((len(times) - 4) // _N_LOOKED_AT, 1))
    weights, space = _annihilators(times[starts[:, None] + np.arange(5)]), Workspace()
    for part in _parts(len(ensemble.runs), len(starts)):
        for state, column in enumerate(ensemble.columns[:n_states]):
            every = slice(starts[0], starts[-1] + 1, starts[1] - starts[0])
            runs = ensemble.runs[part]
            differences = space.array("differences", (len(runs), len(starts)))
            product = space.array("product", differences.shape)
            differences[...] = 0.0
            for shift in range(5):
                moved = slice(every.start + shift, every.stop + shift, every.step)
                differences += np.multiply(column[_span(runs), moved], weights[:, shift], out=product)
            found[part, state] = _medians(np.abs(differences, out=differences))
    return found / 0.6744897501960817


def characteristic_lags(ensemble: Ensemble, noise: np.ndarray) -> np.ndarray:
    """Steps `(run,)` after which the first variables have lost their phase, 0 for never.

    The characteristic time is 3/pi lag dt, see `rates.characteristic_time`: the first lag of a geometric sequence at
    which the structure function reaches the variance, refined by bisection. White noise of variance s^2 adds 2 s^2 to
    the one and s^2 to the other, which is taken off: noise as large as the motion would reach it at once.

    Parameters
    ----------
    ensemble : Ensemble
    noise : ndarray, `(run, state)`
        Standard deviations; unknown ones (NaN) count as none.
    """
    n_states, squares = noise.shape[1], np.nan_to_num(noise) ** 2
    longest = len(ensemble.times) - 1
    ratios = np.ceil(1.2 ** np.arange(1 + np.log(longest) / np.log(1.2)))
    lags = np.unique(np.minimum(ratios, longest)).astype(int)
    found, space = np.zeros(len(ensemble.runs), dtype=int), Workspace()
    for part in _parts(len(found), min(longest + 1, 2 * _N_LOOKED_AT)):
        runs = ensemble.runs[part]
        scales = np.stack([_spread(column, runs) for column in ensemble.columns[:n_states]], axis=1)
        moving = scales > 0
        signal = np.maximum(scales**2 - squares[part], _LEAST_SIGNAL * scales**2)
        weights = np.where(moving, 1 / np.where(moving, signal, 1.0), 0.0)
        weights /= np.maximum(moving.sum(axis=1, keepdims=True), 1)
        wanted = 1.0 + 2 * np.sum(weights * squares[part], axis=1)
        found[part] = _first_lags(ensemble.columns[:n_states], runs, weights, wanted, lags, space)
    return found


def _first_lags(columns, runs, weights, wanted, lags, space):
    low, high = np.zeros((2, len(runs)), dtype=int)
    waiting = np.arange(len(runs))
    for k, lag in enumerate(lags):
        reached = _structure(columns, runs[waiting], weights[waiting], lag, space) >= wanted[waiting]
        low[waiting[reached]], high[waiting[reached]] = (lags[k - 1] + 1 if k else 1), lag
        waiting = waiting[~reached]
        if not len(waiting):
            break
    # All runs between the same two lags are halved together.
    while np.any(low < high):
        middles = np.where(low < high, (low + high) // 2, 0)
        middle = int(middles[middles > 0][0])
        here = np.flatnonzero(middles == middle)
        reached = _structure(columns, runs[here], weights[here], middle, space) >= wanted[here]
        high[here[reached]] = middle
        low[here[~reached]] = middle + 1
    return low


def _structure(columns, runs, weights, lag, space):
    """Weighted mean square change `(run,)` of the states over a lag."""
    total = np.zeros(len(runs))
    step = max((columns[0].shape[1] - lag) // _N_LOOKED_AT, 1)
    span = _span(runs)
    for column, weight in zip(columns, weights.T, strict=True):
        after, before = column[span, lag::step], column[span, : column.shape[1] - lag : step]
        change = np.subtract(after, before, out=space.array("change", after.shape))
        total += weight * np.einsum("rt,rt->r", change, change) / change.shape[1]
    return total


def _annihilators(windows):
    """Weights `(window, 5)` of unit norm, orthogonal to cubics in the times `(window, 5)`."""
    offsets = (windows - windows[:, 2:3]) / (windows[:, 4:5] - windows[:, :1])
    weights = np.ones(windows.shape)
    for one in range(5):
        for other in range(5):
            if one != other:
                weights[:, one] /= offsets[:, one] - offsets[:, other]
    return weights / np.linalg.norm(weights, axis=1, keepdims=True)


def _spread(column, runs):
    result, space = np.empty(len(runs)), Workspace()
    for part in _parts(len(runs), column.shape[1]):
        rows = column[_span(runs[part])]
        mean = rows.mean(axis=1)
        pieces = range(0, column.shape[1], _AT_A_TIME)
        squares = np.zeros(len(part))
        for start in pieces:
            some = rows[:, start : start + _AT_A_TIME]
            centred = np.subtract(some, mean[:, None], out=space.array("centred", some.shape))
            squares += np.einsum("rt,rt->r", centred, centred)
        result[part] = np.sqrt(squares / column.shape[1])
    return result


def _medians(values):
    """Medians of rows, which are reordered."""
    middle = values.shape[1] // 2
    places = [middle] if values.shape[1] % 2 else [middle - 1, middle]
    values.partition(places, axis=1)
    return values[:, places].mean(axis=1)


def _span(runs):
    """Neighbouring runs as a slice, which copies nothing."""
    return slice(runs[0], runs[-1] + 1) if len(runs) == runs[-1] - runs[0] + 1 else runs


def _parts(n_runs, n_samples):
    """Runs in batches of a bounded number of samples."""
    step = max(_AT_A_TIME // n_samples, 1)
    return [np.arange(start, min(start + step, n_runs)) for start in range(0, n_runs, step)]
