"""How many trajectories laws need: fits to parts of the data, judged on others."""

from __future__ import annotations

import warnings

import numpy as np
import xarray as xr
from sklearn.base import BaseEstimator

from symdyn.functions.features import Features
from symdyn.regression.enforcing.enforcement import SymmetryLike
from symdyn.regression.enforcing.validation import rate_losses
from symdyn.regression.moments_fit import fit_root, in_chart_of, square_root, sums_by_trajectory
from symdyn.rows.dynamics import Layout
from symdyn.sums.moments import Moments

__all__ = ["enough", "learning_curve"]

_SIZES = 8
_REPEATS = 11


def learning_curve(
    train: Moments,
    held_out: Moments,
    features: Features,
    *,
    models: dict[str, tuple[SymmetryLike | None, BaseEstimator | None]],
    layout: Layout,
    rng: np.random.Generator,
) -> xr.Dataset:
    """Compute the median error of models on held-out trajectories, for fits to increasingly many trajectories.

    Parameters
    ----------
    train, held_out : Moments
        Of the same features.
    features : Features
    models : dict of str to (symmetry or None, optimizer)
    layout : Layout
    rng : numpy Generator
        Draws the trajectories, 11 times for each number of them, the same for all models.

    Returns
    -------
    xr.Dataset
        Over `trajectories`, one variable per model.
    """
    n, each = train.n_trajectories, sums_by_trajectory(train, layout.kind)
    sizes = np.unique(np.geomspace(1, n, _SIZES).round().astype(int))
    kind = layout.action.name
    losses = {name: np.empty((len(sizes), _REPEATS)) for name in models}
    for row, size in enumerate(sizes):
        for repeat in range(_REPEATS):
            chosen = rng.permutation(n)[:size]
            root = square_root(each[chosen].sum(axis=0), layout.n_outputs, train.axes)
            root = in_chart_of(train, layout, root, chosen)
            for name, (symmetry, optimizer) in models.items():
                with warnings.catch_warnings():  # too few data may well leave no term
                    warnings.filterwarnings("ignore", message="Sparsity parameter is too big")
                    found = fit_root(root, features, symmetry, optimizer, kind)
                losses[name][row, repeat] = rate_losses(
                    found.on_sums(held_out, features, layout)[None], held_out, layout.kind
                ).loss[0]
    errors = {name: ("trajectories", np.sqrt(np.median(loss, axis=1).clip(0))) for name, loss in losses.items()}
    return xr.Dataset(errors, coords={"trajectories": sizes})


def enough(sizes: np.ndarray, errors: np.ndarray, error: float) -> int | None:
    """Return the first of `sizes` from which on `errors` stay at or below `error`; None if they do not."""
    good = np.logical_and.accumulate((errors <= error)[::-1])[::-1]
    return int(sizes[np.argmax(good)]) if good.any() else None
