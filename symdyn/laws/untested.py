"""Directions of the library that the data do not test: what a law may have along them, nobody knows.

Families that do not help to predict are dropped from a law. That is evidence against a family only as far as the data
would have shown it: where its functions, less what the kept ones make of them, have no signal, as r^2 − 1 has none on a
circle of noisy points, the coefficient is untested, and so is every symmetry that depends on it.
"""

from __future__ import annotations

import numpy as np

from symdyn.functions.tolerances import DEPENDENT_SQUARES

__all__ = ["untested_directions"]

_UNTESTED = 1.0  # standard error of a coefficient, in units of the rates over the size of its family
_LEVEL = 1.645  # standard errors by which a signal is surely there
_LARGEST = 3.0  # what an untested coefficient may be, in the same units


def untested_directions(
    parts: np.ndarray, sizes: np.ndarray, kept: np.ndarray, residuals: np.ndarray, rate: float
) -> tuple[np.ndarray, np.ndarray]:
    """Find combinations of features along which dropped ones may enter the law unseen, and how much.

    With S the Schur complement of the sums of dropped features, sqrt(sum of squared pulls) / lambda is the standard
    error of the coefficient of an eigenvector of S with eigenvalue lambda, which is taken at its lower bound.

    Parameters
    ----------
    parts : ndarray, `(part, feature, feature)`
        Sums of products of even and odd features over independent parts of the data.
    sizes : ndarray, `(feature,)`
        Of the families of the features.
    kept : ndarray of bool, `(feature,)`
    residuals : ndarray, `(part, output, feature)`
        Sums of residuals times features, outputs in the units of the violation.
    rate : float
        Root mean square of all outputs, in the same units.

    Returns
    -------
    directions : ndarray, `(feature, direction)`
        Coefficients of size 1: of functions as large as their families, but for the kept ones.
    largest : ndarray, `(direction,)`
        What their coefficients may be, in units of the rates.
    """
    dropped, n_parts = np.flatnonzero(~kept), len(parts)
    if len(dropped) == 0 or n_parts < 2 or not rate > 0:
        return np.zeros((len(kept), 0)), np.zeros(0)
    scaled = parts / sizes[:, None] / sizes
    total, held = scaled.sum(axis=0), np.flatnonzero(kept)
    beside = np.zeros((len(kept), len(dropped)))
    beside[dropped] = np.eye(len(dropped))
    inner = total[np.ix_(held, held)]
    beside[held] = -np.linalg.pinv(inner, rcond=DEPENDENT_SQUARES, hermitian=True) @ total[np.ix_(held, dropped)]
    left = beside.T @ total @ beside
    directions = beside @ np.linalg.eigh((left + left.T) / 2)[1]
    signal = np.einsum("fd,pfg,gd->pd", directions, scaled, directions, optimize=True)
    # Noise of even and odd rows makes parts below 0 as often as above; a signal makes none.
    chance = _LEVEL * np.sqrt(2 * np.sum(np.minimum(signal, 0.0) ** 2, axis=0))
    surely = np.maximum(signal.sum(axis=0) - chance, 0.0)
    pulls = np.tensordot(residuals / sizes, directions, 1)
    error = np.sqrt(np.sum(pulls**2, axis=(0, 1)))
    largest = np.where(surely > 0, error / np.where(surely > 0, surely, 1.0), np.inf) / rate
    untested = largest > _UNTESTED
    return (directions / sizes[:, None])[:, untested], np.minimum(largest[untested], _LARGEST)
