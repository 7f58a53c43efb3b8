"""The weight of the nuclear norm: by cross-validation, or by the noise level."""

from __future__ import annotations

import warnings

import numpy as np

from symdyn.promotion.promote import Posed, promotion_path
from symdyn.promotion.solver.nuclear_penalty import Penalty

__all__ = ["CLEAR", "ROUNDING", "chosen_gamma", "folds", "gamma_grid", "left_out_squares", "without"]

_LOOSE = 1e-4  # certified gap of the solves that only choose
ROUNDING = 1e-20  # of the mean square of the data: mean squares of errors below are as good as one another
CLEAR = 1.5  # standard errors from which a fit counts as worse than another


def gamma_grid(penalty: Penalty, design: np.ndarray, target: np.ndarray, n: int = 20) -> np.ndarray:
    """Return weights `(n,)`, descending over five decades.

    The largest makes the penalty of the least-squares fit as large as the variance of the data. Fits that break next
    to nothing count as if they broke a hundredth of what functions of this size can.
    """
    free = np.linalg.lstsq(design, target, rcond=None)[0]
    total, varied = np.sum(target**2), np.sum((target - target.mean(axis=0)) ** 2)
    loss = 0.5 * (varied if varied > 1e-20 * total else total or 1.0)  # of constants, rounding varies
    value = max(penalty.value(free.T.ravel()), 0.01 * np.sqrt(2 * loss / len(target)))
    return loss / value * np.logspace(0.5, -4.5, n)


def folds(n_samples: int, n_folds: int = 5) -> list[np.ndarray]:
    """Return the samples that are left out together, fold by fold."""
    order = np.random.default_rng(0).permutation(n_samples)
    return [part for part in np.array_split(order, min(n_folds, n_samples)) if part.size]


def chosen_gamma(
    penalty: Penalty,
    design: np.ndarray,
    target: np.ndarray,
    l1: float,
    grid: np.ndarray,
    noise: np.ndarray | None = None,
) -> tuple[float, np.ndarray, np.ndarray | None]:
    """Choose a weight from the grid; return it, the mean square error of each, and its own squares `(sample,)`.

    Parameters
    ----------
    penalty : Penalty
    design : ndarray, `(sample, feature)`
    target : ndarray, `(sample, output)`
    l1 : float
    grid : ndarray
        Descending.
    noise : ndarray, `(output,)`, optional
        The largest weight with residuals of this size at most; then no sample is left out, and there are no squares. If
        not given, the largest with an error of the folds that is not clearly above the least: by 1.5 standard errors of
        the difference, sample by sample.
    """
    if noise is not None:
        found = promotion_path(penalty, design, target, grid, l1=l1, tol=_LOOSE)
        errors = np.array([np.mean((design @ one.coefficients.T - target) ** 2) for one in found])
        # Residuals of the true law are this large but for their own scatter.
        small = np.flatnonzero(errors <= np.mean(noise**2) * (1 + np.sqrt(2 / target.size)))
        if not small.size:
            ratio = np.sqrt(errors.min() / np.mean(noise**2))
            warnings.warn(
                f"no weight has residuals as small as the noise: the least are {ratio:.2g} times as large. Give more "
                "features, or the noise of these samples",
                stacklevel=6,
            )
        return float(grid[small[0] if small.size else -1]), errors, None
    squares = left_out_squares((penalty, design, target, l1), grid)
    mean = squares.mean(axis=1)
    # The samples are the same for all weights: their differences scatter less than the errors themselves.
    excess = squares - squares[np.argmin(mean)]
    allowed = np.maximum(CLEAR * excess.std(axis=1, ddof=1) / np.sqrt(excess.shape[1]), ROUNDING * np.mean(target**2))
    best = np.flatnonzero(excess.mean(axis=1) <= allowed)[0]
    return float(grid[best]), mean, squares[best]


def left_out_squares(problem: Posed, gammas: np.ndarray) -> np.ndarray:
    """Compute squares of errors `(weight, sample)` of samples left out by folds, in their order, means over outputs."""
    _, design, target, _ = problem
    squares = []
    for left_out in folds(len(design)):
        part, share = without(problem, left_out)
        found = promotion_path(*part[:3], share * gammas, l1=part[3], tol=_LOOSE)
        errors = [design[left_out] @ one.coefficients.T - target[left_out] for one in found]
        squares.append([np.mean(error**2, axis=1) for error in errors])
    return np.concatenate(squares, axis=1)


def without(problem: Posed, left_out: np.ndarray) -> tuple[Posed, float]:
    """Leave out some samples; return penalty, design, target and l1, and the share left: weights belong to sums."""
    penalty, design, target, l1 = problem
    kept = np.setdiff1d(np.arange(len(design)), left_out)
    share = len(kept) / len(design)
    return (penalty, design[kept], target[kept], share * l1), share
