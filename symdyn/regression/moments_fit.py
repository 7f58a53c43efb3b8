"""Constrained laws from sums over trajectories alone: one pass over the data, then small matrices.

The sums of weak rows (see `symdyn.sums.moments`) hold all that least squares needs, without the bias of noise. An
optimizer that sees rows only through X^T X and X^T y gives the same law from any square root of the sums as from the
rows themselves. Optimizers that count or split rows cannot be used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pysindy as ps
import xarray as xr
from pysindy.feature_library.base import BaseFeatureLibrary
from sklearn.base import BaseEstimator
from sklearn.linear_model import LinearRegression

from symdyn.data.angles import features_for
from symdyn.data.motion import paired_states
from symdyn.data.pairs import as_dataset
from symdyn.data.tasks import on_one_thread
from symdyn.data.trajectories import names_with_role, state_names
from symdyn.functions.features import Features, as_features
from symdyn.lie.algebras.symmetries import Part
from symdyn.lie.chart import Chart
from symdyn.lie.constraints.subspace import Subspace
from symdyn.lie.vectorfields import Charted, VectorField
from symdyn.regression.enforcing.enforcement import Enforcement, SymmetryLike, enforced_symmetry
from symdyn.regression.enforcing.left_out import add_by_place, group_weights, parts_of_sums
from symdyn.regression.enforcing.solving import averages_rows, is_unbiased
from symdyn.regression.enforcing.tied_targets import refitted
from symdyn.regression.enforcing.trials import RowTrials
from symdyn.regression.fitted import FittedLaw
from symdyn.regression.model_constraint import left_free
from symdyn.regression.optimizer import EquivariantOptimizer, acts_in_chart, counts_rows, default_optimizer
from symdyn.regression.weighing import Samples, as_samples, samples_of
from symdyn.rows.dynamics import Layout, dynamics_of
from symdyn.rows.law_rows import finely_sampled
from symdyn.sums.axes import returned
from symdyn.sums.data_charts import chart_of_layout
from symdyn.sums.moments import Moments, accumulate

__all__ = [
    "RootFit",
    "SquareRoot",
    "check_optimizer",
    "fit_enforced",
    "fit_kept",
    "fit_moments",
    "fit_root",
    "in_chart_of",
    "laid_out",
    "law_from",
    "root_of",
    "square_root",
    "sums_by_trajectory",
    "sums_of",
]

# These weigh what a fit leaves over, part of which the square root of the sums no longer has: y^T y.
_JUDGES = (ps.SSR, ps.FROLS)
_SINGULAR = 1e-13  # relative eigenvalue below which sums of squares know nothing


class SquareRoot(NamedTuple):
    """Hold rows `(row, feature)` and targets `(row, output)` with the sums X^T X and X^T y of all the data.

    They are numbers in the `chart` of the arguments, the targets in their `units` `(output,)`; in the units of the data
    where these are None. `samples` says what rows of single samples would be.
    """

    rows: np.ndarray
    targets: np.ndarray
    chart: Chart | None = None
    units: np.ndarray | None = None
    samples: Samples | None = None


class RootFit(NamedTuple):
    """Hold a law on the functions of the data, `coefficients` `(output, feature)`, and on the chart, `charted`.

    `subspace` is what the symmetry leaves of the coefficients that were fitted; `in_chart` whether these are `charted`;
    `chart` that of the arguments, None for the units of the data.
    """

    coefficients: np.ndarray
    charted: np.ndarray
    subspace: Subspace
    in_chart: bool
    chart: Chart | None

    def mixed(self, other: RootFit, weight: float) -> RootFit:
        """Mix this law, with weight `weight`, with another one in the same Subspace."""
        coefficients = other.coefficients + weight * (self.coefficients - other.coefficients)
        charted = other.charted + weight * (self.charted - other.charted)
        return self._replace(coefficients=coefficients, charted=charted)

    def on_sums(self, moments: Moments, features: Features, layout: Layout) -> np.ndarray:
        """Return the law `(output, feature)` on the functions of the chart of any sums, such as held-out ones."""
        layout = layout.in_chart(moments.chart)
        if self.chart == layout.argument_chart:
            return self.charted
        return layout.argument_chart.law_in(self.coefficients, features, layout.output_units)


@on_one_thread
def fit_moments(
    moments: Moments | xr.Dataset | str | Path | Sequence,
    features: Features | BaseFeatureLibrary | str,
    *,
    symmetry: SymmetryLike | None = None,
    optimizer: BaseEstimator | None = None,
    layout: Layout | str = "flow",
) -> FittedLaw:
    """Fit a sparse law inside a symmetry to sums over trajectories; rows of the data are never seen.

    Parameters
    ----------
    moments : Moments, xr.Dataset, path, tables, tuple (x, t), or tuple (X, Y)
        Sums made with the same features, or trajectories, which are summed in one pass (Dask chunks along `trajectory`
        are never in memory together).
    features : Features, pysindy feature library, or str
    symmetry : optional
        Whatever `EquivariantOptimizer` takes, or a word such as `"so(2)"`, acting on the states (on positions, for a
        second-order system). Named states are matched by name.
    optimizer : STLSQ, SR3 (without trimming), Ridge, Lasso, ElasticNet or LinearRegression, optional
        By default, terms below one hundredth are dropped in the chart of the data, where states, rates and terms are of
        size 1, so that what counts as small depends on neither units nor origin. (The threshold is this low because a
        law that is sparse about its own origin is not sparse about the mean of the data.) An optimizer that is given
        acts in the units of the data, and its penalties are weighed against sums over samples, as in pysindy (see
        `symdyn.regression.weighing`). Optimizers of scikit-learn must not fit an intercept.
    layout : Layout or {"flow", "second_order", "map", "pairs"}
        What the rows of the sums are; a Layout knows the names of the states.

    Returns
    -------
    FittedLaw
        Its coefficients lie in the Subspace of the symmetry that was enforced; `enforced_`, `promoted_` and `dropped_`
        list the parts of the symmetry. What was given as exact is enforced. What was found in data (by a search, or
        inexact) is enforced only where held-out runs do not contradict it. One warning says what was not enforced, and
        where the data contradict what was given.

    Raises
    ------
    TypeError
        For optimizers that need the rows.
    ValueError
        If the sums were made with other features, or the symmetry leaves no term.

    Examples
    --------
    >>> import symdyn as sd
    >>> from symdyn.regression import fit_moments
    >>> data = sd.systems.hopf(noise=0.1, n_trajectories=10, rng=0)
    >>> fit_moments(data, "polynomial:3").n_terms  # noise is taken for terms
    19
    >>> fit_moments(data, "polynomial:3", symmetry="so(2)")
    FittedLaw of a flow on (x0, x1)
      x0' = 0.472 x0 − 1.3 x1 − 0.944 x0^3 − 0.944 x0 x1^2
      x1' = 1.3 x0 + 0.472 x1 − 0.944 x0^2 x1 − 0.944 x1^3
    """
    check_optimizer(optimizer)
    action = dynamics_of(layout).action if isinstance(layout, str) else layout.action
    if not isinstance(moments, Moments):
        dataset, features, layout = laid_out(moments, features, layout)
        moments = accumulate(dataset, features, layout)
    n_arguments = moments.spread.shape[1]
    features = as_features(features, n_arguments)
    if isinstance(layout, str):
        layout = Layout(layout, tuple(f"x{i}" for i in range(n_arguments)))
    _check_sums(moments, features, layout)
    fit, root, enforcement = fit_enforced(moments, features, symmetry, optimizer, layout)
    enforcement.warn()
    law = law_from(fit, root, features, layout.arguments, action.name)
    return replace(law, enforcement=enforcement)


def fit_root(
    root: SquareRoot,
    features: Features,
    symmetry: SymmetryLike | None,
    optimizer: BaseEstimator | None,
    kind: str = "flow",
) -> RootFit:
    """Fit a law to a square root of sums.

    The default optimizer, and one that penalises nothing, solve in the chart of the sums, where nothing depends on
    units. Other optimizers see the rows in the units of the data.
    """
    own, chart, units = default_optimizer() if optimizer is None else optimizer, root.chart, root.units
    if chart is None:
        plain = EquivariantOptimizer(own, symmetry, features, kind=kind).fit(root.rows, root.targets)
        return RootFit(plain.coef_, plain.coef_, plain.subspace_, False, None)
    if acts_in_chart(optimizer):
        inside = EquivariantOptimizer(own, symmetry, features, kind=kind, chart=chart).fit(root.rows, root.targets)
        return RootFit(chart.law(inside.coef_, features, units), inside.coef_, inside.subspace_, True, chart)
    found, subspace = _penalised(root, features, symmetry, own, kind)
    return RootFit(found, chart.law_in(found, features, units), subspace, False, chart)


def _penalised(
    root: SquareRoot, features: Features, symmetry: SymmetryLike | None, optimizer: BaseEstimator, kind: str
) -> tuple[np.ndarray, Subspace]:
    """Fit coefficients `(output, feature)` in the units of the data; return them and the Subspace that they lie in.

    The optimizer acts on rows that have the size and the number of samples, see `symdyn.regression.weighing`. Where it
    ends by least squares on the terms that it keeps, these are fitted to the actual rows.
    """
    assert root.chart is not None
    back, samples = root.chart.back(features), root.samples
    rows, targets = root.rows @ back.T, root.targets * root.units
    free = EquivariantOptimizer(LinearRegression(fit_intercept=False), symmetry, features, kind=kind)
    found = free.fit(rows, targets).coef_
    subspace, given, wanted = free.subspace_, rows, rows @ found.T
    if samples is not None and samples.points is not None:
        values = samples.values(root.chart.features(features)) @ back.T
        given, wanted = as_samples(rows, wanted, values, samples.per_row)
    if samples is not None and averages_rows(optimizer):
        share = np.sqrt(len(given) / samples.number)
        given, wanted = share * given, share * wanted
    found = EquivariantOptimizer(optimizer, subspace, features, kind=kind).fit(given, wanted).coef_
    return refitted(found, subspace, rows, targets) if is_unbiased(optimizer) else found, subspace


def law_from(fit: RootFit, root: SquareRoot, features: Features, states: Sequence[str], kind: str) -> FittedLaw:
    """Return the law of a fit as an object that is evaluated in the chart in which it was fitted."""
    if root.chart is None or not fit.in_chart:
        return FittedLaw(features, fit.coefficients, tuple(states), kind)
    inside = VectorField(root.chart.features(features), fit.charted, tuple(states))
    return FittedLaw.from_chart(Charted(inside, root.chart, root.units), features, kind=kind)


def fit_enforced(
    moments: Moments,
    features: Features,
    symmetry: SymmetryLike | None,
    optimizer: BaseEstimator | None,
    layout: Layout,
) -> tuple[RootFit, SquareRoot, Enforcement]:
    """Fit a law to sums inside the parts of a symmetry that held-out data do not contradict.

    Parameters
    ----------
    moments : Moments
    features : Features
    symmetry : optional
        As for `fit_moments`; parts that were found in data may be dropped.
    optimizer : estimator or None
    layout : Layout

    Returns
    -------
    RootFit
        Of all the data.
    SquareRoot
        Of all the data.
    Enforcement
    """
    kind = layout.action.name
    root, left_out = root_of(moments, layout), parts_of_sums(moments, layout.kind)
    total, chart = left_out.sums.sum(axis=0), root.chart
    shape = (layout.n_outputs, features.size(len(layout.arguments)))

    def rows(part: int) -> tuple[np.ndarray, np.ndarray]:
        return square_root(total - left_out.sums[part], layout.n_outputs, moments.axes)[:2]

    def law(part: int, inside: Subspace | None) -> np.ndarray:
        return fit_root(SquareRoot(*rows(part), *root[2:]), features, inside, optimizer, kind).charted

    def space(parts: list[Part]) -> Subspace:
        return left_free(features, parts, shape, kind, chart if acts_in_chart(optimizer) else None)

    def plain(parts: list[Part]) -> Subspace:
        return left_free(features, parts, shape, kind, chart)

    trials = RowTrials(left_out, rows, law, space, plain)
    n_moved = layout.n_outputs if layout.action.has_velocities else None
    enforcement = enforced_symmetry(symmetry, layout.arguments, trials, n_moved)
    return fit_kept(root, features, enforcement, optimizer, kind), root, enforcement


def fit_kept(
    root: SquareRoot,
    features: Features,
    enforcement: Enforcement,
    optimizer: BaseEstimator | None,
    kind: str = "flow",
) -> RootFit:
    """Fit a law to a square root of sums inside what is enforced, pulled towards what is promoted."""
    fit = fit_root(root, features, enforcement.symmetry, optimizer, kind)
    if not enforcement.promoted:
        return fit
    return fit.mixed(fit_root(root, features, enforcement.together, optimizer, kind), enforcement.weight)


def sums_of(
    data: xr.Dataset | str | Path | Sequence,
    features: Features | BaseFeatureLibrary | str,
    layout: Layout | str = "flow",
) -> tuple[Moments, Layout]:
    """Compute sums over trajectories in one pass; return them and what `laid_out` returns."""
    dataset, features, layout = laid_out(data, features, layout)
    return accumulate(dataset, features, layout), layout


def laid_out(
    data: xr.Dataset | str | Path | Sequence,
    features: Features | BaseFeatureLibrary | str,
    layout: Layout | str = "flow",
) -> tuple[xr.Dataset, Features, Layout]:
    """Bring data into the schema; return them, functions of their states, and the rows to sum, in their chart.

    Parameters
    ----------
    data : xr.Dataset, path, tables, tuple (x, t) of trajectories and times, or tuple (X, Y) of pairs
    features : Features, pysindy feature library, or str
    layout : Layout or str
    """
    dynamics = dynamics_of(layout) if isinstance(layout, str) else layout.dynamics
    dataset = as_dataset(data, pairs=dynamics.pairs, increments=dynamics.action.increments)
    if isinstance(layout, str):
        inputs, targets = names_with_role(dataset, "input"), names_with_role(dataset, "target")
        states = tuple(name for name in state_names(dataset) if name not in inputs)
        states = paired_states(dataset, states) if dynamics.action.has_velocities and not targets else states
        fine = dynamics.action.increments and not targets and finely_sampled(dataset, states)
        layout = Layout("pairs" if targets else layout, states, inputs, targets, fine)
        layout = replace(layout, chart=chart_of_layout(dataset, layout, dynamics.action))
    return dataset, features_for(features, dataset, layout.arguments), layout


def root_of(moments: Moments, layout: Layout) -> SquareRoot:
    """Compute a square root of the sums over all trajectories."""
    total = sums_by_trajectory(moments, layout.kind).sum(axis=0)
    return in_chart_of(moments, layout, square_root(total, layout.n_outputs, moments.axes))


def in_chart_of(moments: Moments, layout: Layout, root: SquareRoot, chosen: np.ndarray | None = None) -> SquareRoot:
    """Attach chart and samples to a square root of the sums, or of those of `chosen` trajectories."""
    layout = layout.in_chart(moments.chart)
    samples = samples_of(moments, layout, chosen)
    return root._replace(chart=layout.argument_chart, units=layout.output_units, samples=samples)


def sums_by_trajectory(moments: Moments, kind: str = "flow") -> np.ndarray:
    """Return the sums `(trajectory, term, term)` of each trajectory, along the axes of the moments.

    Trajectories of a second-order system are weighted by the size of their accelerations, as in discovery, so that the
    fastest does not dominate.
    """
    weights = group_weights(moments, kind)
    sums = np.zeros((moments.n_trajectories, *moments.products.shape[1:]))
    add_by_place(sums, moments.trajectory, moments.products, weights)
    return sums


def square_root(total: np.ndarray, n_outputs: int, axes: np.ndarray | None = None) -> SquareRoot:
    """Compute a few rows with the sums X^T X and X^T y of `total` `(feature + output, feature + output)`.

    With G = S V diag(l) V^T S, features scaled to size 1 by S, the rows are diag(l)^(1/2) V^T S. Even and odd rows have
    independent noise, so sums of their products may have eigenvalues below 0. These measure the uncertainty of all
    eigenvalues: directions with eigenvalues no larger in size are omitted, because the data do not determine them.

    Parameters
    ----------
    total : ndarray
        Sums over the data.
    n_outputs : int
    axes : ndarray, `(feature, direction)`, optional
        Axes along which the sums were made, see `symdyn.sums.axes`; the rows are those of the features themselves.
    """
    n = len(total) - n_outputs
    size = np.sqrt(np.abs(np.diag(total)[:n]))
    size[size == 0] = 1.0
    values, vectors = np.linalg.eigh(total[:n, :n] / size / size[:, None])
    seen = values > max(_SINGULAR * values.max(initial=0.0), -values.min(initial=0.0))
    if not seen.any():
        raise ValueError(
            "no function of the library is told from noise by these data: give longer or more trajectories, or "
            "functions that vary more slowly"
        )
    root = np.sqrt(values[seen])[:, None]
    targets = vectors[:, seen].T @ (total[:n, n:] / size[:, None])
    rows = root * vectors[:, seen].T * size
    return SquareRoot(rows if axes is None or axes.size == 0 else rows @ returned(axes).T, targets / root)


def check_optimizer(optimizer: BaseEstimator | None) -> None:
    """Refuse optimizers that need more than the sums of the rows; None stands for the default one.

    Raises
    ------
    TypeError
    """
    if optimizer is None:
        return
    if isinstance(optimizer, _JUDGES) or (counts_rows(optimizer) and not averages_rows(optimizer)):
        raise TypeError(
            f"{type(optimizer).__name__} needs the rows of the data, which sums over trajectories no longer have: take "
            "STLSQ, SR3 without trimming, Ridge, Lasso or LinearRegression, or fit rows by SymmetricSINDy"
        )
    if getattr(optimizer, "fit_intercept", False):
        raise TypeError(
            f"{type(optimizer).__name__} fits an intercept: set fit_intercept=False, and a constant feature"
        )


def _check_sums(moments: Moments, features: Features, layout: Layout) -> None:
    n_summed, n_arguments = moments.products.shape[1] - moments.power.shape[1], moments.spread.shape[1]
    n_features = features.size(len(layout.arguments))
    if (n_summed, n_arguments, moments.power.shape[1]) != (n_features, len(layout.arguments), layout.n_outputs):
        raise ValueError(
            f"the sums are of {n_summed} features of {n_arguments} arguments and {moments.power.shape[1]} outputs, "
            f"these features are {n_features} of {len(layout.arguments)}, with {layout.n_outputs} outputs: make the "
            "sums with the same features and layout"
        )
