"""Model selection: sparsity and symmetry against the error on held-out trajectories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import NamedTuple, TypeAlias

import numpy as np
import xarray as xr
from pysindy.feature_library.base import BaseFeatureLibrary
from sklearn.base import BaseEstimator, clone

from symdyn.functions.features import Features, as_features
from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.regression.enforcing.enforcement import SymmetryLike
from symdyn.regression.enforcing.validation import HeldOut, rate_losses
from symdyn.regression.fitted import FittedLaw
from symdyn.regression.moments_fit import RootFit, check_optimizer, fit_root, law_from, root_of
from symdyn.regression.optimizer import default_optimizer
from symdyn.rows.dynamics import Layout
from symdyn.sums.moments import Moments

__all__ = ["Pareto", "pareto", "subalgebras"]

_MOST = 6  # generators whose subsets are tried
_CLOSED = 1e-6

# Name of the symmetry, threshold, numbers that are free, numbers that are not 0, fit and law of a model.
_Row: TypeAlias = tuple[str, float, int, int, RootFit, FittedLaw]


class Pareto(NamedTuple):
    """Hold fitted models in order of the number of free coefficients.

    `table` over `model`: `symmetry`, `threshold`, `n_free` (coefficients that the symmetry leaves free), `n_numbers`
    (the non-zero ones of these), `n_terms` (terms that matter), `held_out_error` (relative error of the rates),
    `excess` over the best and its standard error `excess_error`, `on_front`. `laws[k]` is the law of model k; `chosen`
    is the simplest model within one standard error of the best.

    Examples
    --------
    >>> import symdyn as sd
    >>> from symdyn.regression import discover_then_fit, pareto
    >>> cubic = sd.features.Polynomial(3)
    >>> data = sd.systems.hopf(noise=0.02, n_trajectories=15, rng=0)
    >>> fit = discover_then_fit(data, sd.candidates.gl(2), cubic)
    >>> symmetries = {"none": None, "so(2)": fit.symmetry}
    >>> options = {"symmetries": symmetries, "layout": fit.layout}
    >>> found = pareto(fit.train, fit.held_out, cubic, **options)
    >>> type(found).__name__, len(found.laws), found.table.symmetry.values[found.chosen]
    ('Pareto', 10, 'so(2)')
    >>> found.laws[found.chosen]
    FittedLaw of a flow on (x0, x1)
      x0' = 0.487 x0 − 1.3 x1 − 0.972 x0^3 − 0.973 x0 x1^2
      x1' = 1.3 x0 + 0.487 x1 − 0.972 x0^2 x1 − 0.973 x1^3
    """

    table: xr.Dataset
    laws: list[FittedLaw]
    chosen: int


def pareto(
    train: Moments,
    held_out: Moments,
    features: Features | BaseFeatureLibrary,
    *,
    symmetries: Mapping[str, SymmetryLike | None],
    layout: Layout,
    thresholds: Sequence[float] = (0.02, 0.05, 0.1, 0.2, 0.5),
    optimizer: BaseEstimator | None = None,
) -> Pareto:
    """Fit a law for every threshold and symmetry, and judge the laws on held-out trajectories.

    Parameters
    ----------
    train, held_out : Moments
        Sums over different trajectories, of the same features.
    features : Features or pysindy feature library
    symmetries : mapping of str to symmetry
        By name; None stands for no symmetry. See `subalgebras`.
    layout : Layout
        What the rows of the sums are.
    thresholds : sequence of float
        Values of the optimizer's parameter `threshold` (`reg_weight_lam` of SR3). Without an optimizer they apply in
        the chart of the data.
    optimizer : STLSQ or SR3, optional

    Raises
    ------
    TypeError
        For optimizers that need the rows or have no threshold.
    ValueError
        If there is no symmetry or no threshold to try.

    Examples
    --------
    >>> import symdyn as sd
    >>> from symdyn.regression import discover_then_fit, pareto, subalgebras
    >>> cubic = sd.features.Polynomial(3)
    >>> data = sd.systems.hopf(noise=0.02, n_trajectories=15, rng=0)
    >>> fit = discover_then_fit(data, sd.candidates.gl(2), cubic)
    >>> options = {"symmetries": subalgebras(fit.symmetry), "layout": fit.layout}
    >>> found = pareto(fit.train, fit.held_out, cubic, thresholds=(0.02, 0.1), **options)
    >>> columns = ["symmetry", "threshold", "n_numbers", "held_out_error"]
    >>> found.table[columns].to_dataframe().round(3)
                  symmetry  threshold  n_numbers  held_out_error
    model
    0      x1 ∂x0 − x0 ∂x1       0.02          3           0.004
    1      x1 ∂x0 − x0 ∂x1       0.10          3           0.004
    2                 none       0.10          8           0.084
    3                 none       0.02         13           0.005
    """
    if not symmetries or not len(thresholds):
        raise ValueError("symmetries and thresholds must hold at least one entry each; None stands for no symmetry")
    optimizer = default_optimizer() if optimizer is None else optimizer
    check_optimizer(optimizer)
    name = next((name for name in ("threshold", "reg_weight_lam") if hasattr(optimizer, name)), None)
    if name is None:
        raise TypeError(f"{type(optimizer).__name__} has no threshold to choose: take STLSQ or SR3")
    features, kind = as_features(features, len(layout.arguments)), layout.action.name
    root = root_of(train, layout)
    rows = []
    for label, symmetry in symmetries.items():
        for threshold in sorted(thresholds):
            sparse = clone(optimizer)
            setattr(sparse, name, threshold)  # set_params of pysindy's optimizers returns nothing
            found = fit_root(root, features, symmetry, sparse, kind)
            symmetry = None if symmetry is None else found.subspace  # found once
            law = law_from(found, root, features, layout.arguments, kind)
            rows.append((label, threshold, found.subspace.dim, np.count_nonzero(_free(found)), found, law))
    rows.sort(key=lambda row: (row[3], row[5].n_terms))
    judged = rate_losses(np.stack([row[4].on_sums(held_out, features, layout) for row in rows]), held_out, layout.kind)
    table, chosen = _table(rows, judged)
    return Pareto(table, [row[5] for row in rows], chosen)


def subalgebras(algebra: LieAlgebra) -> dict[str, LieAlgebra | None]:
    """List by name: no symmetry, each subset of the generators that closes under brackets, and all generators.

    For an algebra of more than 6 generators, the only subsets are single generators.

    Examples
    --------
    >>> import symdyn as sd
    >>> from symdyn.regression import subalgebras
    >>> plane = sd.LieAlgebra(sd.candidates.se(2, states=("x", "y")))
    >>> list(subalgebras(plane))  # a rotation and one translation do not close
    ['none', '∂x', '∂y', 'y ∂x − x ∂y', '∂x; ∂y', 'all']
    """
    found: dict[str, LieAlgebra | None] = {"none": None}
    sizes = range(1, algebra.dim) if algebra.dim <= _MOST else [1]
    for indices in (chosen for size in sizes for chosen in combinations(range(algebra.dim), size)):
        part = algebra.subset(list(indices))
        if part.dim == 1 or part.closure_error() < _CLOSED:
            found["; ".join(part.texts())] = part
    if algebra.dim:
        found["all" if algebra.dim > 1 else algebra.texts()[0]] = algebra
    return found


def _free(fit: RootFit) -> np.ndarray:
    """Return the free coefficients of a model: those on the pivots, which determine all others."""
    return np.ravel(fit.charted if fit.in_chart else fit.coefficients)[fit.subspace.pivots]


def _table(rows: list[_Row], judged: HeldOut) -> tuple[xr.Dataset, int]:
    labels, thresholds, n_free, n_numbers, _, laws = zip(*rows, strict=True)
    best = int(np.argmin(judged.loss))
    excess, error = judged.excess(best)
    good = np.flatnonzero(excess <= np.where(np.isfinite(error), error, 0.0))
    before = np.minimum.accumulate(np.append(np.inf, judged.loss[:-1]))
    variables = {
        "symmetry": np.array(labels, dtype=object),
        "threshold": np.array(thresholds),
        "n_free": np.array(n_free),
        "n_numbers": np.array(n_numbers),
        "n_terms": np.array([law.n_terms for law in laws]),
        "held_out_error": judged.error,
        "excess": excess,
        "excess_error": error,
        "on_front": judged.loss < before,
    }
    columns = {name: ("model", value) for name, value in variables.items()}
    table = xr.Dataset(columns, coords={"model": np.arange(len(rows))}, attrs={"chosen": int(good[0])})
    return table, int(good[0])
