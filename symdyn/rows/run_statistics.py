"""Spread, noise and time scale of many trajectories with the same clock at once; long ones are looked at in places.

The same estimates as `symdyn.rows.rates`. From some ten thousand samples on more of them change an estimate of noise or
of a time scale by less than a per cent, so evenly spaced samples stand for all: cost and memory stay bounded.

Looked at are the data in their own units, handed out are numbers in the chart.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from symdyn.rows.ensembles import Ensemble
from symdyn.rows.workspace import Workspace

__all__ = ["characteristic_lags", "means", "noise_levels", "spreads"]

_N_LOOKED_AT = 1 << 15
_LEAST_SIGNAL = 0.02  # of the variance: what is taken for noise may be motion
_AT_A_TIME = 1 << 16  # samples in a batch of runs
_SHORT = 1 << 10  # numbers in a row that are sorted for their median
_ROUNDING = 1e-9  # of weights of size 1: even clocks have the same at all samples
_SLOWEST = 0.17  # of a run: from this lag on it is one stretch, in windows as wide as they get

# The mean square change (run,) of some runs over a lag.
_Change = Callable[[np.ndarray, int], np.ndarray]


def spreads(ensemble: Ensemble, n_states: int) -> np.ndarray:
    """Compute the standard deviation `(run, state)` of the first variables, over all samples."""
    return _spreads(ensemble.columns[:n_states], ensemble.runs, Workspace()) / ensemble.scale[:n_states]


def means(ensemble: Ensemble, chosen: slice) -> np.ndarray:
    """Compute the means `(run, variable)` of some variables over all samples."""
    columns = [column[_span(ensemble.runs)].mean(axis=1, dtype=float) for column in ensemble.columns[chosen]]
    return (np.stack(columns, axis=1) - ensemble.centre[chosen]) / ensemble.scale[chosen]


def noise_levels(ensemble: Ensemble, n_states: int) -> np.ndarray:
    """Estimate the standard deviation `(run, state)` of white noise on the first variables, see `rates.noise_level`."""
    times = ensemble.times
    found = np.full((len(ensemble.runs), n_states), np.nan)
    if len(times) < 9:
        return found
    starts = np.arange(0, len(times) - 4, max((len(times) - 4) // _N_LOOKED_AT, 1))
    weights, space = _annihilators(times[starts[:, None] + np.arange(5)]), Workspace()
    for part in _parts(len(ensemble.runs), len(starts)):
        span, shape = _span(ensemble.runs[part]), (len(part), len(starts))
        differences, product = space.array("differences", shape), space.array("product", shape)
        for state, column in enumerate(ensemble.columns[:n_states]):
            near = [column[span, shift : starts[-1] + 1 + shift : starts[1]] for shift in range(5)]
            _weighted(near, weights, differences, product)
            found[part, state] = _medians(np.abs(differences, out=differences))
    return found / 0.6744897501960817 / ensemble.scale[:n_states]


def _weighted(near: list[np.ndarray], weights: np.ndarray, out: np.ndarray, product: np.ndarray) -> None:
    """Compute sums `(run, sample)` of five neighbours with their weights `(sample, 5)`."""
    if np.ptp(weights, axis=0).max() > _ROUNDING:
        np.multiply(near[0], weights[:, 0], out=out, dtype=float)
        for shift in range(1, 5):
            out += np.multiply(near[shift], weights[:, shift], out=product, dtype=float)
        return
    outer, inner, middle = weights[0, :3]  # on an even clock they are the same on both sides
    np.multiply(near[2], middle / outer, out=out, dtype=float)
    out += np.add(near[0], near[4], out=product, dtype=float)
    out += np.multiply(np.add(near[1], near[3], out=product, dtype=float), inner / outer, out=product)
    out *= outer


def characteristic_lags(ensemble: Ensemble, noise: np.ndarray) -> np.ndarray:
    """Estimate steps `(run,)` in which the first variables lose their phase, 0 where they do not in a sixth of the run.

    The characteristic time is 3/pi lag dt, see `rates.characteristic_time`: the first lag of a geometric sequence at
    which the structure function reaches the variance, refined by bisection. White noise of variance s^2 adds 2 s^2 to
    the one and s^2 to the other, which is taken off: noise as large as the motion would reach it at once. Slower runs
    are all cut alike: half a window is at most a fifth of a run, and a stretch at least half an oscillation.

    Parameters
    ----------
    ensemble : Ensemble
    noise : ndarray, `(run, state)`
        Standard deviations; unknown ones (NaN) count as none.
    """
    n_states = noise.shape[1]
    squares = (np.nan_to_num(noise) * ensemble.scale[:n_states]) ** 2  # in the units of the columns
    longest = int(np.ceil(_SLOWEST * (len(ensemble.times) - 1)))
    ratios = np.ceil(1.2 ** np.arange(1 + np.log(longest) / np.log(1.2)))
    lags = np.unique(np.minimum(ratios, longest)).astype(int)
    found, space = np.zeros(len(ensemble.runs), dtype=int), Workspace()
    for part in _parts(len(found), min(len(ensemble.times), 2 * _N_LOOKED_AT)):
        runs = ensemble.runs[part]
        scales = _spreads(ensemble.columns[:n_states], runs, space)
        moving = scales > 0
        signal = np.maximum(scales**2 - squares[part], _LEAST_SIGNAL * scales**2)
        weights = np.where(moving, 1 / np.where(moving, signal, 1.0), 0.0)
        weights /= np.maximum(moving.sum(axis=1, keepdims=True), 1)
        wanted = 1.0 + 2 * np.sum(weights * squares[part], axis=1)
        looked_at = _all_changes if len(ensemble.times) <= _N_LOOKED_AT else _some_changes
        change = looked_at(ensemble.columns[:n_states], runs, weights, space)
        found[part] = _first_lags(change, wanted, lags)
    return found


def _first_lags(change: _Change, wanted: np.ndarray, lags: np.ndarray) -> np.ndarray:
    low, high = np.zeros((2, len(wanted)), dtype=int)
    waiting = np.arange(len(wanted))
    for k, lag in enumerate(lags):
        reached = change(waiting, lag) >= wanted[waiting]
        low[waiting[reached]], high[waiting[reached]] = (lags[k - 1] + 1 if k else 1), lag
        waiting = waiting[~reached]
        if not len(waiting):
            break
    # All runs between the same two lags are halved together.
    while np.any(low < high):
        middles = np.where(low < high, (low + high) // 2, 0)
        middle = int(middles[middles > 0][0])
        here = np.flatnonzero(middles == middle)
        reached = change(here, middle) >= wanted[here]
        high[here[reached]] = middle
        low[here[~reached]] = middle + 1
    return low


def _some_changes(columns: tuple[np.ndarray, ...], runs: np.ndarray, weights: np.ndarray, space: Workspace) -> _Change:
    """Return the weighted mean square change `(run,)` of states, as a function of some runs and a lag."""

    def change(some: np.ndarray, lag: int) -> np.ndarray:
        total, span = np.zeros(len(some)), _span(runs[some])
        step = max((columns[0].shape[1] - lag) // _N_LOOKED_AT, 1)
        for column, weight in zip(columns, weights[some].T, strict=True):
            after, before = column[span, lag::step], column[span, : column.shape[1] - lag : step]
            moved = np.subtract(after, before, out=space.array("change", after.shape), dtype=float)
            total += weight * np.einsum("rt,rt->r", moved, moved) / moved.shape[1]
        return total

    return change


def _all_changes(columns: tuple[np.ndarray, ...], runs: np.ndarray, weights: np.ndarray, space: Workspace) -> _Change:
    """Return the same for short runs, by |a − b|^2 = |a|^2 + |b|^2 − 2 a b: sums of squares are known for all lags."""
    n_times, span, n_states = columns[0].shape[1], _span(runs), len(columns)
    points = space.array("points", (len(runs), n_times, n_states))
    sums, centred = space.array("sums", (len(runs), n_times + 1)), space.array("centred", (len(runs), n_times))
    sums[...] = 0.0
    for state, (column, weight) in enumerate(zip(columns, np.sqrt(weights).T, strict=True)):
        np.subtract(column[span], column[span].mean(axis=1, dtype=float, keepdims=True), out=centred)
        centred *= weight[:, None]
        points[:, :, state] = centred
        sums[:, 1:] += np.square(centred, out=centred)
    np.cumsum(sums, axis=1, out=sums)
    flat = points.reshape(len(runs), -1)

    def change(some: np.ndarray, lag: int) -> np.ndarray:
        rows = flat
        if len(some) < len(runs):
            rows = np.take(flat, some, axis=0, out=space.array("rows", (len(some), flat.shape[1])), mode="clip")
        products = np.matmul(rows[:, None, lag * n_states :], rows[:, : -lag * n_states, None])[:, 0, 0]
        return (sums[some, -1] - sums[some, lag] + sums[some, -1 - lag] - 2 * products) / (n_times - lag)

    return change


def _annihilators(windows: np.ndarray) -> np.ndarray:
    """Compute weights `(window, 5)` of unit norm, orthogonal to cubics in the times `(window, 5)`."""
    offsets = (windows - windows[:, 2:3]) / (windows[:, 4:5] - windows[:, :1])
    weights = np.ones(windows.shape)
    for one in range(5):
        for other in range(5):
            if one != other:
                weights[:, one] /= offsets[:, one] - offsets[:, other]
    return weights / np.linalg.norm(weights, axis=1, keepdims=True)


def _spreads(columns: tuple[np.ndarray, ...], runs: np.ndarray, space: Workspace) -> np.ndarray:
    return np.stack([_spread(column, runs, space) for column in columns], axis=1)


def _spread(column: np.ndarray, runs: np.ndarray, space: Workspace) -> np.ndarray:
    result = np.empty(len(runs))
    for part in _parts(len(runs), column.shape[1]):
        rows = column[_span(runs[part])]
        mean = rows.mean(axis=1, dtype=float)
        pieces = range(0, column.shape[1], _AT_A_TIME)
        squares = np.zeros(len(part))
        for start in pieces:
            some = rows[:, start : start + _AT_A_TIME]
            centred = np.subtract(some, mean[:, None], out=space.array("centred", some.shape))
            squares += np.einsum("rt,rt->r", centred, centred)
        result[part] = np.sqrt(squares / column.shape[1])
    return result


def _medians(values: np.ndarray) -> np.ndarray:
    """Compute the medians of rows, which are reordered."""
    middle = values.shape[1] // 2
    if values.shape[1] <= _SHORT:
        values.sort(axis=1)  # of few numbers quicker than what is done in vain to spare it
    else:
        values.partition(middle, axis=1)
    return values[:, middle] if values.shape[1] % 2 else (values[:, :middle].max(axis=1) + values[:, middle]) / 2


def _span(runs: np.ndarray) -> slice | np.ndarray:
    """Return neighbouring runs as a slice, which copies nothing."""
    return slice(runs[0], runs[-1] + 1) if len(runs) == runs[-1] - runs[0] + 1 else runs


def _parts(n_runs: int, n_samples: int) -> list[np.ndarray]:
    """Split runs into batches of a bounded number of samples."""
    step = max(_AT_A_TIME // n_samples, 1)
    return [np.arange(start, min(start + step, n_runs)) for start in range(0, n_runs, step)]
