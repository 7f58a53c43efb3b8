"""Least squares to the full precision of the rows, and coordinates in which a penalty keeps its meaning.

Dense solvers cut singular values of the columns as they come: at 1e-6 of the largest scikit-learn's `LinearRegression`,
by which pysindy's optimizers end ("unbias"), at 1e-8 whatever solves normal equations. Columns of different sizes then
lose digits, however many rows there are. Scaling the columns beforehand would change the meaning of a threshold or a
penalty, so it is done afterwards, and only where nothing is penalised any more: the residual of the fit is solved for
again, on columns of size 1.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import pysindy as ps
from sklearn.base import BaseEstimator
from sklearn.linear_model import ElasticNet, Lasso, LinearRegression, Ridge

from symdyn.functions.tolerances import DEPENDENT

__all__ = ["Fitted", "averages_rows", "is_unbiased", "reading", "scaled_ridge", "sharpened", "support"]

_CUT = 1e-6  # singular values, relative to the largest, below which solvers may have left something
_PENALISED = (ps.STLSQ, ps.SR3)


class Fitted(Protocol):
    """Describe a fitted optimizer, with coefficients `(target, feature)`, or `(feature,)` for a single target."""

    coef_: np.ndarray


def is_unbiased(optimizer: BaseEstimator) -> bool:
    """Return whether an optimizer ends by plain least squares on the terms that it keeps."""
    if type(optimizer) is LinearRegression:
        return not optimizer.positive
    if not (isinstance(optimizer, ps.STLSQ | ps.WrappedOptimizer) or type(optimizer) is ps.SR3):
        return False
    return optimizer.unbias and getattr(optimizer, "sparse_ind", None) is None


def averages_rows(optimizer: BaseEstimator) -> bool:
    """Return whether an optimizer weighs its penalty against the mean over rows, not against their sum."""
    return type(optimizer) in (Lasso, ElasticNet)


def support(found: Fitted) -> np.ndarray:
    """Return the terms `(target, feature)` that a fitted optimizer keeps."""
    coefficients = np.atleast_2d(found.coef_)
    if type(found) is LinearRegression:
        return np.ones(coefficients.shape, dtype=bool)
    return coefficients != 0


def sharpened(coefficients: np.ndarray, kept: np.ndarray, rows: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Restore what a solver has cut off least-squares coefficients `(target, feature)`.

    This is a step of iterative refinement: the residuals of the given solution are fitted by columns of size 1. Along
    directions in which the columns are dependent to within 1e-6, only what explains more than the whole remaining
    residual is added.

    Parameters
    ----------
    coefficients : ndarray, `(target, feature)`
    kept : ndarray of bool, `(target, feature)`
        The terms that are fitted; the others stay 0.
    rows : ndarray, `(row, feature)`
    targets : ndarray, `(row, target)`
    """
    result = np.where(kept, coefficients, 0.0)
    for target, terms in enumerate(kept):
        if terms.any():
            columns = rows[:, terms]
            left = targets[:, target] - columns @ result[target, terms]
            result[target, terms] += _correction(columns, left)
    return result


def _correction(columns: np.ndarray, left: np.ndarray) -> np.ndarray:
    sizes = np.linalg.norm(columns, axis=0)
    sizes[sizes == 0] = 1.0
    axes, values, turned = np.linalg.svd(columns / sizes, full_matrices=False)
    along = axes.T @ left
    unexplained = np.linalg.norm(left - axes @ along)
    known = (values > _CUT * values[0]) | ((values > DEPENDENT * values[0]) & (np.abs(along) > unexplained))
    return (turned[known].T @ (along[known] / values[known])) / sizes


def scaled_ridge(rows: np.ndarray, target: np.ndarray, alpha: float) -> np.ndarray:
    """Compute argmin |rows w − target|^2 + alpha |w|^2 by orthogonal transformations of columns of size 1."""
    joint = np.vstack([rows, np.sqrt(alpha) * np.eye(rows.shape[1])])
    sizes = np.linalg.norm(joint, axis=0)
    sizes[sizes == 0] = 1.0
    full = np.concatenate([target, np.zeros(rows.shape[1])])
    return np.linalg.lstsq(joint / sizes, full, rcond=DEPENDENT)[0] / sizes


def reading(optimizer: BaseEstimator, basis: np.ndarray) -> tuple[np.ndarray, float]:
    """Find coordinates in which an optimizer penalises tied terms as if they were not tied.

    A free coefficient stands for several terms of several targets, W = B beta. With beta = C gamma, and rows and
    targets multiplied by a factor, a penalty on gamma equals the one that the optimizer puts on W:

        ridge       |W|^2 = |gamma|^2: C orthonormalises B
        lasso       |W|_1 = |gamma|_1 where terms are tied to one another only: C divides by the 1-norms of columns;
                    the mean is over the rows of all targets, hence the root of their number
        thresholds  act on beta itself, the coefficients that are read: C = 1; penalties beside them weigh against the
                    sums over all targets, hence the root of the mean square of columns

    Parameters
    ----------
    optimizer : estimator
    basis : ndarray, `(target, feature, free)`

    Returns
    -------
    ndarray, `(free, free)`
        C
    float
        The factor.
    """
    if isinstance(optimizer, ps.WrappedOptimizer):
        optimizer = optimizer.optimizer.estimator
    flat = basis.reshape(-1, basis.shape[-1])
    if type(optimizer) is Ridge:
        return np.linalg.inv(np.linalg.qr(flat, mode="r")), 1.0
    if type(optimizer) is Lasso:
        return np.diag(1 / np.abs(flat).sum(axis=0)), float(np.sqrt(len(basis)))
    if not (isinstance(optimizer, _PENALISED) or averages_rows(optimizer)):
        return np.eye(flat.shape[1]), 1.0
    weight = np.mean(np.sum(flat**2, axis=0)) / (len(basis) if averages_rows(optimizer) else 1)
    return np.eye(flat.shape[1]), float(1 / np.sqrt(weight))
