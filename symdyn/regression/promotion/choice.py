"""The weight of the nuclear norm: by cross-validation, or by the noise level."""

from __future__ import annotations

import numpy as np

from symdyn.regression.promotion.penalty import Penalty
from symdyn.regression.promotion.promote import promotion_path

__all__ = ["chosen_gamma", "fold_solutions", "folds", "gamma_grid"]

_LOOSE = 1e-4  # certified gap of the solves that only choose
_CLEAR = 1.5  # standard errors from which a weight counts as worse than the best


def gamma_grid(penalty: Penalty, design: np.ndarray, target: np.ndarray, n: int = 20) -> np.ndarray:
    """Weights `(n,)`, descending over five decades.

    The largest makes the penalty of the least-squares fit as large as the variance of the data.
    """
    free = np.linalg.lstsq(design, target, rcond=None)[0]
    value = penalty.value(free.T.ravel())
    loss = 0.5 * np.sum((target - target.mean(axis=0)) ** 2) or 1.0
    return loss / (value or 1.0) * np.logspace(0.5, -4.5, n)


def folds(n_samples: int, n_folds: int = 5) -> list[np.ndarray]:
    """Samples that are left out together."""
    order = np.random.default_rng(0).permutation(n_samples)
    return [part for part in np.array_split(order, min(n_folds, n_samples)) if part.size]


def chosen_gamma(penalty, design, target, l1, grid, noise=None) -> tuple[float, np.ndarray]:
    """A weight out of the grid, and the mean square error of each.

    Parameters
    ----------
    penalty : Penalty
    design : ndarray, `(sample, feature)`
    target : ndarray, `(sample, output)`
    l1 : float
    grid : ndarray
        Descending.
    noise : ndarray, `(output,)`, optional
        The largest weight with residuals of this size at most. If left out, the largest with an error of the folds
        that is not clearly above the least: by 1.5 standard errors of the difference, sample by sample.
    """
    if noise is not None:
        found = promotion_path(penalty, design, target, grid, l1=l1, tol=_LOOSE)
        errors = np.array([np.mean((design @ one.coefficients.T - target) ** 2) for one in found])
        # Residuals of the true law are this large but for their own scatter.
        small = np.flatnonzero(errors <= np.mean(noise**2) * (1 + np.sqrt(2 / target.size)))
        return float(grid[small[0] if small.size else -1]), errors
    squares = []
    for left_out in folds(len(design)):
        kept = np.setdiff1d(np.arange(len(design)), left_out)
        # Weights belong to sums over samples.
        share = len(kept) / len(design)
        found = promotion_path(penalty, design[kept], target[kept], share * grid, l1=share * l1, tol=_LOOSE)
        left = [np.mean((design[left_out] @ one.coefficients.T - target[left_out]) ** 2, axis=1) for one in found]
        squares.append(left)
    squares = np.concatenate(squares, axis=1)
    mean = squares.mean(axis=1)
    # The samples are the same for all weights: their differences scatter less than the errors themselves.
    excess = squares - squares[np.argmin(mean)]
    allowed = _CLEAR * excess.std(axis=1, ddof=1) / np.sqrt(excess.shape[1])
    return float(grid[np.flatnonzero(excess.mean(axis=1) <= allowed)[0]]), mean


def fold_solutions(penalty, design, target, l1, gamma) -> list:
    """The solutions at one weight, each without a fifth of the samples."""
    found = []
    for left_out in folds(len(design)):
        kept = np.setdiff1d(np.arange(len(design)), left_out)
        share = len(kept) / len(design)
        found += promotion_path(penalty, design[kept], target[kept], [share * gamma], l1=share * l1, tol=_LOOSE)
    return found
