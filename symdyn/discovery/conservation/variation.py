"""How functions of the state scatter within trajectories and between them: what is conserved shows without any law.

Samples are averaged over cells, short against the motion. The mean of a cell is taken twice, over even and over odd
samples (in the order even, odd, odd, even, so that a steady change cancels): half the sum of the two holds the motion
and the noise, half the difference the noise alone. The difference of their mean squares is free of noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import reduce
from operator import add

import numpy as np
import xarray as xr
from dask.base import compute

from symdyn.data.tasks import on_block
from symdyn.data.trajectories import Trajectory, each_trajectory, named, state_names
from symdyn.evidence.evidence import QuadraticForms
from symdyn.functions.features import Features, Sum
from symdyn.functions.space import InUnits
from symdyn.lie.chart import Chart
from symdyn.rows.rates import characteristic_time, noise_level

__all__ = ["Scatter", "Scattering", "accumulate_scatter", "natural_scale", "noise_free", "rounding_of", "scatter_forms"]

MIN_SAMPLES = 16
_CELL = 1 / 3  # length of a cell in characteristic times: a cell must not average the motion out
_MIN_CELLS = 10  # cells in a trajectory, where it has samples enough
_FEW = 10  # trajectories below which stretches of time are resampled
_DIGITS = 1e-14  # of a state, some fifty times the rounding of its last one
_UNSURE = 2.0  # standard errors of a scatter, below which it may be 0
_MANY = 400  # independent parts that are kept apart


@dataclass(frozen=True)
class Scatter:
    """Sums over cells; columns are the features, then the states.

    `motion` and `noise` `(part, column, column)` are sums of squares of the two halves about the mean of each
    trajectory, the trend from end to end included, for each independent part of the data; `count` `(part,)` its cells,
    `run` `(part,)` the number of its trajectory, or of its own where parts are several of these.
    `within` `(1, column, column)` is the sum of even times odd without the trend. `even` and `odd`
    `(trajectory, column)` are means, `cells` `(trajectory,)` their weights. `points` `(sample, state)` are states,
    `offsets` `(sample, state)` their distance from the mean of their trajectory.
    """

    motion: np.ndarray
    noise: np.ndarray
    count: np.ndarray
    run: np.ndarray
    within: np.ndarray
    even: np.ndarray
    odd: np.ndarray
    cells: np.ndarray
    points: np.ndarray
    offsets: np.ndarray

    def __add__(self, other: Scatter) -> Scatter:
        merged = {f.name: np.concatenate([getattr(self, f.name), getattr(other, f.name)]) for f in fields(self)}
        merged["within"] = self.within + other.within
        merged["run"] = np.concatenate([self.run, other.run + self.run.max() + 1])
        for name in ("motion", "noise", "count"):
            merged[name] = _folded(merged[name])
        if len(merged["run"]) > _MANY:
            merged["run"] = np.arange(_MANY)
        return Scatter(**merged)

    def only(self, columns: np.ndarray) -> Scatter:
        """Return the sums for some of the columns."""
        moments = {name: getattr(self, name)[:, columns][:, :, columns] for name in ("motion", "noise", "within")}
        return replace(self, **moments, even=self.even[:, columns], odd=self.odd[:, columns])

    @property
    def n_rows(self) -> int:
        """Independent rows: cells less the mean of each trajectory."""
        return int(self.cells.sum()) - len(self.cells)

    def scatter_within(self) -> np.ndarray:
        """Return the mean square about the mean of the trajectory `(column, column)`, free of noise."""
        return self.within[0] / self.cells.sum()

    def scatter_in_all(self) -> np.ndarray:
        """Return the mean square about the mean of all data `(column, column)`, free of noise."""
        weights = self.cells[:, None] / self.cells.sum()
        even, odd = (means - np.sum(weights * means, axis=0) for means in (self.even, self.odd))
        between = (weights * even).T @ odd
        return self.scatter_within() + (between + between.T) / 2

    def share_without_one(self, functions: np.ndarray) -> np.ndarray:
        """Return the scatter in all without the trajectory that carries most of it, over that with it, `(function,)`.

        Functions are rows `(function, column)`. A function that differs from its mean on a single trajectory has a
        share near 0: whether it is conserved was asked of that trajectory alone.
        """
        even, odd, cells = self.even @ functions.T, self.odd @ functions.T, self.cells[:, None]
        rest = cells.sum() - cells
        products = (cells * even * odd).sum(axis=0) - cells * even * odd
        sums = [(cells * means).sum(axis=0) - cells * means for means in (even, odd)]
        left = products / rest - sums[0] * sums[1] / rest**2
        within, total = (
            np.einsum("qc,cd,qd->q", functions, m, functions) for m in (self.scatter_within(), self.scatter_in_all())
        )
        return np.clip((within + left.min(axis=0)) / np.where(total > 0, total, 1.0), 0.0, 1.0)


def accumulate_scatter(dataset: xr.Dataset, features: Features, chart: Chart, n_points: int = 2000) -> Scatter:
    """Accumulate the scatter in one pass over trajectories.

    Parameters
    ----------
    dataset : xr.Dataset
        Trajectories in the schema; Dask chunks along `trajectory` are the unit of work.
    features : Features
        Of states in the chart.
    chart : Chart
        Of the states, which are carried there as they are read.
    n_points : int
        States kept in all.

    Raises
    ------
    ValueError
        For a trajectory that is too short, and a feature that is not finite on the data.
    """
    n = dataset.sizes["trajectory"]
    per_run = max(n_points // n, 4)
    # A bootstrap needs independent parts: trajectories, or stretches of time where there are few of them.
    stretches = 1 if n >= _FEW else -(-2 * _FEW // n)
    sizes = dataset.chunksizes.get("trajectory", (n,))
    ends, dataset = np.cumsum(sizes), named(dataset)
    blocks = [dataset.isel(trajectory=slice(end - size, end)) for end, size in zip(ends, sizes, strict=True)]
    if len(blocks) == 1:
        return _one_block(blocks[0], features, chart, stretches, per_run)
    parts = [on_block(_one_block, block, features, chart, stretches, per_run) for block in blocks]
    return reduce(add, compute(*parts))


def noise_free(features: Features, points: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Compute features `(sample, feature)` whose mean over white noise is the value without noise.

    Exact where `Features.debiased` is; for other functions to second order in the noise, by symmetric differences:
    theta(x) − sum_i [theta(x + s_i e_i) − 2 theta(x) + theta(x − s_i e_i)] / 2.
    """
    if isinstance(features, Sum):
        return np.concatenate([noise_free(part, points, noise) for part in features.parts], axis=1)
    if isinstance(features, InUnits):
        given = np.asarray(points) * features.scale + features.centre
        return noise_free(features.features, given, np.asarray(noise) * features.scale) / features.sizes
    if type(features).debiased is not Features.debiased:
        return features.debiased(points, noise)
    here = features(points)
    bias = np.zeros_like(here)
    with np.errstate(invalid="ignore"):  # values that are not finite are named later
        for step in np.diag(noise)[np.asarray(noise) > 0]:
            bias += (features(points + step) + features(points - step)) / 2 - here
    return here - bias


@dataclass(frozen=True)
class Scattering:
    """Forms over features in units of their `scale` `(feature,)`.

    `forms` are those of evidence; `runs` `(run, feature, feature)` the changes that each trajectory adds to the
    violation, less noise, of weight `share` `(run,)`; `unsure` `(feature, feature)` what the size may be off by.
    """

    forms: QuadraticForms
    scale: np.ndarray
    runs: np.ndarray
    share: np.ndarray
    unsure: np.ndarray


def scatter_forms(
    scatter: Scatter, rounding: np.ndarray, tolerance: float, n_bootstrap: int, rng: np.random.Generator
) -> Scattering:
    """Compute the forms of eps^2 = (scatter of h within trajectories / scatter of h in all) / (same of the states).

    The states' ratio is that of the state that moves most: where all of the motion is slow or short, nothing is
    conserved for that.

    Parameters
    ----------
    scatter : Scatter
    rounding : ndarray, `(feature,)`
        What the leading columns, the features, vary by at least, see `rounding_of`.
    tolerance : float
        eps below which a change counts as rounding.
    n_bootstrap : int
    rng : numpy Generator

    Raises
    ------
    ValueError
        If no state moves, or there are fewer cells than features.
    """
    n_features = len(rounding)
    if scatter.n_rows < n_features:
        raise ValueError(
            f"{scatter.n_rows} cells of samples cannot decide about {n_features} features: "
            "give longer or more trajectories, or fewer features"
        )
    total, within = scatter.scatter_in_all(), np.diag(scatter.scatter_within())
    moving = _share_of_motion(within[n_features:], np.diag(total)[n_features:])
    chosen = np.ix_(range(n_features), range(n_features))
    scale = natural_scale(np.diag(total)[:n_features], scatter.even.mean(axis=0)[:n_features], rounding)
    units = np.outer(scale, scale)
    size = total[chosen] / units
    counts = rng.multinomial(len(scatter.count), np.full(len(scatter.count), 1 / len(scatter.count)), size=n_bootstrap)
    everything = np.vstack([np.ones(len(scatter.count)), counts])
    weights = everything / (everything @ scatter.count)[:, None] / moving
    parts = [part[:, *chosen] / units for part in (scatter.motion, scatter.noise)]
    motion, noise = (np.tensordot(weights, part, 1) for part in parts)
    share = min(np.sqrt(n_features / scatter.n_rows), 1.0)
    rounding = tolerance**2 * rng.standard_normal(n_bootstrap)[:, None, None] ** 2 * size
    runs = np.zeros((scatter.run[-1] + 1, n_features, n_features))
    np.add.at(runs, scatter.run, (parts[0] - parts[1]) / moving)
    shares = np.bincount(scatter.run, weights=scatter.count)
    # Products of even and odd means, each with the noise of half the samples.
    unsure = 2 * _UNSURE * np.sqrt((n_features + 2) / scatter.n_rows) * moving * noise[0]
    return Scattering(_as_forms(motion, noise, share, rounding, size), scale, runs, shares, unsure)


def natural_scale(variances: np.ndarray, means: np.ndarray, rounding: np.ndarray | float = 0.0) -> np.ndarray:
    """Return the spread of each function `(feature,)`; its size, or 1, where it is constant up to rounding.

    `rounding` `(feature,)` is how much functions may vary because the states do not have more digits.
    """
    spread = np.sqrt(np.maximum(variances, 0))
    sizes = np.abs(means) + spread
    sizes = np.where(sizes > rounding, sizes, 1.0)
    return np.where((spread > 1e-10 * sizes) & (spread > rounding), spread, sizes)


def rounding_of(slopes: np.ndarray, chart: Chart) -> np.ndarray:
    """Return how much functions `(feature,)` with derivatives `(sample, feature, state)` vary by rounding of states."""
    digits = _DIGITS * (np.abs(chart.centre) / chart.scale + 1)
    return np.sqrt(np.mean((slopes * digits) ** 2, axis=0)).sum(axis=1)


def _as_forms(
    motion: np.ndarray, noise: np.ndarray, share: float, rounding: np.ndarray, size: np.ndarray
) -> QuadraticForms:
    """Build forms from all the data (first) and from replicates (the rest).

    The scatter less the noise is not biased, so only a share of the noise need count against a direction: as much as
    chance makes of it, sqrt(unknowns / rows). `error` is what the scatter of a conserved quantity may look like: that
    share of noise, give or take two estimates of the noise, one taken from the other. A replicate as a whole is off by
    as much as it differs from all the data.
    """
    error = share * noise[0] + rounding + np.sqrt(2) * (noise[1:] - noise[1:].mean(axis=0))
    mean = error.mean(axis=0)
    scatter = motion - noise
    shift = scatter[1:] - scatter[0]
    return QuadraticForms(scatter[0] + mean, size, (shift - (error - mean)) / 2, error, mean, np.ones(len(error)))


def _share_of_motion(within: np.ndarray, total: np.ndarray) -> float:
    moved = np.where(total > 0, within / np.where(total > 0, total, 1.0), 0.0).max(initial=0.0)
    if moved <= 0:
        raise ValueError("no state moves along any trajectory: nothing can be told about what is conserved")
    return min(moved, 1.0)


def _one_block(block: xr.Dataset, features: Features, chart: Chart, stretches: int, per_run: int) -> Scatter:
    block = block.compute(scheduler="synchronous")
    names = state_names(block)
    runs = (run._replace(states=chart.points(run.states)) for run in each_trajectory(block))
    return reduce(add, [_one_run(run, names, features, stretches, per_run) for run in runs])


def _one_run(run: Trajectory, names: Sequence[str], features: Features, stretches: int, per_run: int) -> Scatter:
    if len(run.times) < MIN_SAMPLES:
        raise ValueError(
            f"trajectory {run.name!r} has {len(run.times)} samples; at least {MIN_SAMPLES} are needed: "
            "drop it or sample faster"
        )
    values = noise_free(features, run.states, noise_level(run.times, run.states))
    bad = np.flatnonzero(~np.isfinite(values).all(axis=0))
    if bad.size:
        raise ValueError(f"feature {features.names(names)[bad[0]]!r} is not finite on trajectory {run.name!r}")
    even, odd, clock = _cells(run, np.hstack([values, run.states]))
    means = even.mean(axis=0), odd.mean(axis=0)
    even, odd = even - means[0], odd - means[1]
    product = even.T @ odd
    motion, noise, count = _parts((even + odd) / 2, (even - odd) / 2, clock, stretches)
    chosen = np.unique(np.linspace(0, len(run.times) - 1, per_run).astype(int))
    return Scatter(
        motion=motion,
        noise=noise,
        count=count,
        run=np.zeros(len(count), dtype=int),
        within=(product + product.T)[None] / 2,
        even=means[0][None],
        odd=means[1][None],
        cells=np.array([len(even)]),
        points=run.states[chosen],
        offsets=(run.states - run.states.mean(axis=0))[chosen],
    )


def _cells(run: Trajectory, values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return means of cells over even and over odd samples `(cell, column)`, and their times, from −1/2 to 1/2."""
    n = len(values)
    step = (run.times[-1] - run.times[0]) / (n - 1)
    wanted = _CELL * characteristic_time(run.times, run.states) / step
    size = 4 * max(int(min(wanted, n / _MIN_CELLS) / 4), 1)
    n_cells = n // size
    split = values[: n_cells * size].reshape(n_cells, size, -1)
    is_even = (np.arange(size) + 1) // 2 % 2 == 0
    clock = run.times[: n_cells * size].reshape(n_cells, size).mean(axis=1)
    clock = (clock - clock.mean()) / (run.times[-1] - run.times[0])
    return split[:, is_even].mean(axis=1), split[:, ~is_even].mean(axis=1), clock


def _parts(
    motion: np.ndarray, noise: np.ndarray, clock: np.ndarray, stretches: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sum squares over stretches of the trajectory, with one row more in the last: the trend from end to end.

    A drift adds up, so a quantity that only drifts is judged by all of its change, not by its scatter.
    """
    owner = np.arange(len(clock)) * min(stretches, len(clock)) // len(clock)
    trend = np.sqrt(len(clock)) * clock / np.sum(clock**2)
    sums = []
    for half in (motion, noise):
        parts = np.stack([half[owner == k].T @ half[owner == k] for k in range(owner[-1] + 1)])
        slope = trend @ half
        # In one of them: shared among stretches it would look as if each of them had seen it.
        parts[-1] += np.outer(slope, slope)
        sums.append(parts)
    return *sums, np.bincount(owner).astype(float)


def _folded(parts: np.ndarray) -> np.ndarray:
    """Add up neighbours in turn where there are more parts than a bootstrap needs: memory stays bounded."""
    if len(parts) <= _MANY:
        return parts
    folded = parts[:_MANY].copy()
    np.add.at(folded, np.arange(len(parts) - _MANY) % _MANY, parts[_MANY:])
    return folded
