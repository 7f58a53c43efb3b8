"""Sums over trajectories: the only place where big data meet mathematics.

One pass leaves, for each trajectory and stretch of time, the sum of products of its weak rows, and a few points of the
trajectory on which generators are judged later. Rows are made in batches and never kept. Partial results add (`a + b`),
so chunks may come in any split; the number of sums is bounded, however many trajectories there are (see
`symdyn.sums.folds`).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

import numpy as np
import xarray as xr
from dask.base import compute
from dask.delayed import delayed

from symdyn.data.tasks import on_block, on_one_thread
from symdyn.data.trajectories import named, refuse_fields, state_names
from symdyn.functions.features import Features
from symdyn.functions.tolerances import STILL
from symdyn.lie.chart import Chart
from symdyn.rows.dynamics import Layout
from symdyn.rows.ensembles import Ensemble, Runs, read_runs
from symdyn.rows.law_rows import Plan, plan_rows, row_batches
from symdyn.rows.run_statistics import means, spreads
from symdyn.sums.axes import chosen_axes, residual_of, returned
from symdyn.sums.folds import fold_numbers, folded_traits, most_groups, refolded
from symdyn.sums.row_sums import RowSums

__all__ = ["Moments", "accumulate", "accumulate_block", "blocks", "joined"]

_ARITY = 8  # partial results that one task adds: no task waits for all, none holds more than these
_SHARED = ("axes", "centre", "scale", "clock")  # by all parts of the sums
_PLACE, _TOTAL = "first_trajectory", "n_trajectories"  # attributes of a block: where it stands in the data


@dataclass(frozen=True, repr=False)
class Moments:
    """Sums of rows T = (features, targets) of the law, see `symdyn.rows.law_rows`.

    `products` `(group, term, term)` is the symmetrised sum of even^T odd over the rows of a group, a group being a
    stretch of one trajectory; `count` `(group,)` its rows, `trajectory` `(group,)` the index into `labels`. The
    features of these rows are turned to the `axes` `(feature, direction)`, theta' = A^T theta, see `symdyn.sums.axes`;
    or stay as they are, where the axes are `(0, 0)`. `cross` are the sums of the features themselves.
    `power` `(trajectory, output)` is the mean square of targets, `signal` the part of it that even and odd rows
    agree on, `mean` their mean; `location`, `spread` and `noise` `(trajectory, argument)` are the means of the
    arguments of the law (states, then inputs), their standard deviations, and those of their noise, over `samples`
    `(trajectory,)` samples. `points` `(sample, argument)` with `owner` `(sample,)` are points on the trajectories,
    `targets` `(sample, output)` the targets there, where rows are samples (none where they are integrals).
    `instrumented` `(trajectory,)`: whether the noise of even and of odd rows is independent.
    All are numbers in a chart: `centre` and `scale` `(variable,)` are those of arguments and targets, `clock` the unit
    of time; the features are those of the chart (`Chart.features`).
    `fold` `(trajectory,)` is −1; or, where trajectories are too many to be kept apart, the number of the fold: then one
    entry stands for some neighbouring trajectories, added up.
    """

    products: np.ndarray
    count: np.ndarray
    trajectory: np.ndarray
    signal: np.ndarray
    power: np.ndarray
    mean: np.ndarray
    location: np.ndarray
    spread: np.ndarray
    noise: np.ndarray
    samples: np.ndarray
    points: np.ndarray
    owner: np.ndarray
    targets: np.ndarray
    instrumented: np.ndarray
    fold: np.ndarray
    axes: np.ndarray
    centre: np.ndarray
    scale: np.ndarray
    clock: np.ndarray
    labels: tuple[str, ...]

    def __repr__(self) -> str:
        n_outputs, n_terms = self.power.shape[-1], self.products.shape[-1]
        what = "folds of trajectories" if np.any(self.fold >= 0) else "trajectories"
        return (
            f"Moments of {self.n_trajectories} {what}, {self.samples.sum():.0f} samples\n"
            f"  {n_terms - n_outputs} features, {n_outputs} outputs, {self.location.shape[-1]} arguments\n"
            f"  {self.count.sum():.0f} rows in {len(self.count)} groups, {len(self.points)} points kept"
        )

    @property
    def chart(self) -> Chart:
        """The chart of the variables: arguments, then the targets of pairs."""
        return Chart(tuple(self.centre), tuple(self.scale), float(self.clock))

    @property
    def cross(self) -> np.ndarray:
        """Sums `(group, term, term)` over rows of the features as they are: of ill conditioned ones with few digits."""
        if self.axes.size == 0:
            return self.products
        n = len(self.axes)
        turn = np.eye(self.products.shape[-1])
        turn[:n, :n] = returned(self.axes)
        return turn @ self.products @ turn.T

    @property
    def n_trajectories(self) -> int:
        """Number of trajectories summed; of folds, where trajectories are folded."""
        return len(self.labels)

    @property
    def point_weights(self) -> np.ndarray:
        """Weights `(sample,)` of mean 1 with which points stand for all samples, however these are cut into runs."""
        count = np.bincount(self.owner, minlength=self.n_trajectories)
        weights = (self.samples / np.maximum(count, 1))[self.owner]
        return weights / weights.mean()

    def pooled_variance(self) -> np.ndarray:
        """Variance `(argument,)` of the arguments over all samples, however these are cut into runs.

        What varies by no more than the rounding of the data has none.
        """
        share = (self.samples / self.samples.sum())[:, None]
        about = self.location - np.sum(share * self.location, axis=0)
        n = self.location.shape[1]
        digits = STILL * (np.abs(self.centre / self.scale)[:n] + np.abs(self.location).max(axis=0))
        variance = np.sum(share * (self.spread**2 + about**2), axis=0)
        return np.where(variance > digits**2, variance, 0.0)

    def residual_of(self, law: np.ndarray) -> np.ndarray:
        """R `(..., output, term)` of a law `(..., output, feature)`: R P R^T of sums P are those of residuals."""
        return residual_of(law, self.axes)

    def __add__(self, other: Moments) -> Moments:
        return joined([self, other])


def joined(parts: list[Moments]) -> Moments:
    """The sums of all parts, trajectories in the order of the parts; halves of one fold are added.

    Raises
    ------
    ValueError
        For parts that were summed along different axes, or in different charts.
    """
    if any(part.chart != parts[0].chart for part in parts):
        raise ValueError(
            "these sums are in different charts (centres, scales, units of time) and do not add: accumulate the second "
            "with the layout of the first, dataclasses.replace(layout, chart=first.chart)"
        )
    if any(not np.array_equal(part.axes, parts[0].axes) for part in parts):
        raise ValueError(
            "these sums are along different axes and do not add: accumulate with method='gram', or the second with "
            "method=first.axes"
        )
    shifts = np.cumsum([0, *[part.n_trajectories for part in parts]])
    moved = [
        {**vars(part), "trajectory": part.trajectory + shift, "owner": part.owner + shift}
        for part, shift in zip(parts, shifts, strict=False)
    ]
    arrays = [name for name in vars(parts[0]) if name not in ("products", "labels", *_SHARED)]
    labels = tuple(label for part in parts for label in part.labels)
    joint, number = refolded({name: np.concatenate([part[name] for part in moved]) for name in arrays}, labels)
    # These are what is large: they are added where they will stay.
    products = np.zeros((len(joint["count"]), *parts[0].products.shape[1:]))
    for group, product in zip(number, chain.from_iterable(part.products for part in parts), strict=True):
        products[group] += product
    return Moments(products=products, **{name: getattr(parts[0], name) for name in _SHARED}, **joint)


@on_one_thread
def accumulate(
    dataset: xr.Dataset,
    features: Features,
    layout: Layout | str = "flow",
    n_points: int = 2000,
    method: str | np.ndarray = "auto",
) -> Moments:
    """One pass over trajectories.

    Parameters
    ----------
    dataset : xr.Dataset
        Trajectories in the schema; Dask chunks along `trajectory` are the unit of work.
    features : Features
        Functions of the arguments that the law is made of, in their own units: what is summed are those of the chart.
    layout : Layout, or the kind of a system without inputs
        What is summed: x' against theta(x, u), q'' against theta(q, q'), x_{k+1} − x_k against theta(x_k).
    n_points : int
        Points kept in all.
    method : "gram", "qr", "auto", or the `axes` of sums to which these are to be added
        Sums of products of the features as they are; of the features turned to the axes of an R factor, which keeps
        as many digits as least squares on the rows (`symdyn.sums.axes`); or the second where the first would lose more
        than eight digits.

    Returns
    -------
    Moments
        The same to the last bit for the same chunks, whatever runs them and in which order they finish.

    Raises
    ------
    ValueError
        For an unknown kind or method, data that break the schema, and trajectories too short for the layout.
    """
    if isinstance(layout, str):
        layout = Layout(layout, tuple(state_names(dataset)))
    per_run = max(n_points // dataset.sizes["trajectory"], 2)
    dataset = named(dataset)
    chunks, axes = blocks(dataset), chosen_axes(dataset, features, layout, method)
    if len(chunks) == 1:
        return accumulate_block(chunks[0], features, layout, per_run, axes)
    parts = [on_block(accumulate_block, block, features, layout, per_run, axes) for block in chunks]
    while len(parts) > _ARITY:
        parts = [delayed(joined)(parts[k : k + _ARITY]) for k in range(0, len(parts), _ARITY)]
    # The last sums are the largest: they are added where they are wanted, and not in the memory of a worker.
    return joined(list(compute(*parts)))


def blocks(dataset: xr.Dataset) -> list[xr.Dataset]:
    """The chunks along `trajectory`, each of which knows its place among all (in its attributes)."""
    refuse_fields(dataset)
    total = dataset.sizes["trajectory"]
    sizes = dataset.chunksizes.get("trajectory", (total,))
    ends = np.cumsum(sizes)
    return [
        dataset.isel(trajectory=slice(end - size, end)).assign_attrs({_PLACE: int(end - size), _TOTAL: total})
        for end, size in zip(ends, sizes, strict=True)
    ]


def accumulate_block(
    block: xr.Dataset, features: Features, layout: Layout, per_run: int, axes: np.ndarray | None = None
) -> Moments:
    """Sums over one chunk.

    Parameters
    ----------
    block : xr.Dataset
        From `blocks`, or any part of the trajectories.
    features : Features
    layout : Layout
    per_run : int
        Points kept of each trajectory, at least 2.
    axes : ndarray, `(feature, direction)`, optional
        From `symdyn.sums.axes`, the same for all chunks; by default the features are summed as they are.
    """
    axes = np.zeros((0, 0)) if axes is None else axes
    place, total = block.attrs.get(_PLACE, 0), block.attrs.get(_TOTAL, block.sizes["trajectory"])
    features, chart = layout.argument_chart.features(features), layout.variables_chart
    runs = read_runs(block.compute(scheduler="synchronous"), layout.variables, chart)
    n_terms = features.size(len(layout.arguments)) + layout.n_outputs
    most = most_groups(n_terms)
    # Trajectories of a second-order system are weighed one by one, each in units of its own size: they stay apart.
    folds = fold_numbers(place, len(runs.labels), total, total if layout.dynamics.weighs_runs else most)
    plans = [plan_rows(ensemble, layout, runs.labels, max(most // total, 1)) for ensemble in runs.ensembles]
    groups, trajectory = _groups(runs, plans, folds)
    sums = RowSums(groups, len(trajectory), n_terms, layout.n_outputs, axes)
    for ensemble, plan in zip(runs.ensembles, plans, strict=True):
        for batch in row_batches(ensemble, plan, layout, features):
            sums.add(ensemble.runs[batch.places], batch)
    points, owner, targets = _points(runs, layout, per_run)
    traits = {**sums.target_means(), **_traits(runs, plans, layout)}
    whole = {
        "products": sums.symmetrised(),
        "count": sums.count,
        "trajectory": trajectory,
        "axes": axes,
        "centre": np.array(chart.centre),
        "scale": np.array(chart.scale),
        "clock": np.array(chart.time),
    }
    if folds[0] < 0:
        sampled = {"points": points, "owner": owner, "targets": targets}
        return Moments(**whole, **traits, **sampled, fold=folds, labels=runs.labels)
    starts = np.flatnonzero(np.diff(folds, prepend=-1))
    # The first trajectory of a fold gives the points: which one that is does not depend on chunks.
    opens = np.diff(folds, prepend=-1 if place == 0 else (place - 1) * most // total) > 0
    kept = opens[owner]
    return Moments(
        **whole,
        **folded_traits(traits, sums.rows, starts),
        points=points[kept],
        owner=groups[owner[kept]],
        targets=targets[kept] if len(targets) else targets,
        fold=folds[starts],
        labels=tuple(f"fold {number}" for number in folds[starts]),
    )


def _groups(runs: Runs, plans: list[Plan], folds: np.ndarray):
    """The first group of each run, and the entry that each group belongs to: a trajectory, or a fold of them."""
    if folds[0] >= 0:
        entries = folds - folds[0]
        return entries, np.arange(entries[-1] + 1)
    n_stretches = np.empty(len(folds), dtype=int)
    for ensemble, plan in zip(runs.ensembles, plans, strict=True):
        n_stretches[ensemble.runs] = plan.n_stretches
    return np.cumsum(n_stretches) - n_stretches, np.repeat(np.arange(len(folds)), n_stretches)


def _traits(runs: Runs, plans: list[Plan], layout: Layout):
    """Location, spread and noise `(run, argument)`, samples, and whether even and odd rows differ `(run,)`."""
    n_runs, n_arguments = len(runs.labels), len(layout.arguments)
    location, spread, noise = np.empty((3, n_runs, n_arguments))
    for ensemble, plan in zip(runs.ensembles, plans, strict=True):
        location[ensemble.runs] = means(ensemble, slice(0, n_arguments))
        spread[ensemble.runs] = spreads(ensemble, n_arguments)
        noise[ensemble.runs] = plan.noise
    return {
        "location": location,
        "spread": spread,
        "noise": noise,
        "samples": np.asarray(runs.lengths, dtype=float),
        "instrumented": np.full(n_runs, layout.instrumented),
    }


def _points(runs: Runs, layout: Layout, per_run: int):
    """Evenly spaced points `(sample, argument)` of each run, its number `(sample,)`, and targets there, if any."""
    counts = np.zeros(len(runs.labels), dtype=int)
    chosen, ahead = [], layout.dynamics.n_ahead  # a point of a map has a step after it
    for ensemble in runs.ensembles:
        chosen.append(sampled_places(len(ensemble.times) - ahead, per_run))
        counts[ensemble.runs] = len(chosen[-1])
    first, n_arguments = np.cumsum(counts) - counts, len(layout.arguments)
    pointwise = not layout.instrumented
    points = np.empty((counts.sum(), n_arguments))
    targets = np.empty((len(points) if pointwise else 0, layout.n_outputs))
    for ensemble, samples in zip(runs.ensembles, chosen, strict=True):
        places = first[ensemble.runs][:, None] + np.arange(len(samples))
        points[places] = _values_at(ensemble, samples, slice(0, n_arguments))
        if pointwise:
            here, after = (_values_at(ensemble, samples + k, layout.output_columns) for k in (0, ahead))
            targets[places] = layout.dynamics.targets(here, after)
    return points, np.repeat(np.arange(len(counts)), counts), targets


def sampled_places(n_samples: int, per_run: int) -> np.ndarray:
    """Return the places `(point,)` of the points that are kept of a run, evenly spaced."""
    return np.unique(np.linspace(0, n_samples - 1, per_run).astype(int))


def _values_at(ensemble: Ensemble, samples: np.ndarray, columns: slice):
    """Some variables `(run, sample, variable)` at some samples of all runs of an ensemble."""
    values = [column[ensemble.runs[:, None], samples] for column in ensemble.columns[columns]]
    return (np.stack(values, axis=-1) - ensemble.centre[columns]) / ensemble.scale[columns]
