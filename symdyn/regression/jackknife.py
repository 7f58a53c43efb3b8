"""Standard errors of the coefficients of a law, by the jackknife over parts of the data."""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator

from symdyn.functions.features import Features
from symdyn.regression.enforcing.enforcement import Enforcement
from symdyn.regression.enforcing.left_out import parts_of_sums
from symdyn.regression.moments_fit import SquareRoot, fit_kept, root_of, square_root
from symdyn.rows.dynamics import Layout
from symdyn.sums.moments import Moments

__all__ = ["jackknife_errors"]


def jackknife_errors(
    moments: Moments, features: Features, enforcement: Enforcement, optimizer: BaseEstimator | None, layout: Layout
) -> np.ndarray:
    """Compute standard errors of the coefficients of a law fitted inside the enforced symmetry.

        error^2 = (n − 1) / n sum_k (W_k − mean W)^2,

    with W_k fitted without part k of n. Parts are trajectories or groups of these; for fewer than five trajectories,
    blocks of time.

    Parameters
    ----------
    moments : Moments
    features : Features
    enforcement : Enforcement
        Which parts of a symmetry the fit enforced.
    optimizer : estimator or None
    layout : Layout

    Returns
    -------
    ndarray, `(output, feature)`
        In the units of the law; they include how often the optimizer drops a term.
    """
    root, parts = root_of(moments, layout), parts_of_sums(moments, layout.kind)
    total, laws = parts.sums.sum(axis=0), []
    for part in parts.sums:
        rows = square_root(total - part, layout.n_outputs, moments.axes)[:2]
        laws.append(fit_kept(SquareRoot(*rows, *root[2:]), features, enforcement, optimizer, layout.action.name))
    found = np.stack([law.coefficients for law in laws])
    return np.sqrt((len(found) - 1) * np.var(found, axis=0))
