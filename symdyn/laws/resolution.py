"""What noise hides: directions of the feature space in which noisy points differ by their noise only.

Least squares on noisy arguments takes the noise of x for motion. Along a combination c of features whose variance
c^T G c is no more than the noise puts there, c^T N c with N = mean D theta S D theta^T, the points do not move: the
coefficient fitted there is an artefact of the noise, and nothing is known of the true one. (814 circular orbits of one
sense lie on a two-dimensional sheet; 10 % noise fills the eight states around it.) Rows with instruments do not need
this: there such a direction has no signal, and its coefficient no bound.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy.optimize import nnls

from symdyn.functions.features import Features
from symdyn.laws.law_fit import LawFit
from symdyn.laws.scales import Scales
from symdyn.lie.vectorfields import VectorField
from symdyn.sums.moments import Moments

__all__ = ["argument_noise", "with_unresolved", "without_noise"]

_CONSTANT = 1e-8
_PURE_NOISE = 1.1  # variance over variance of noise up to which a direction holds no motion


def argument_noise(moments: Moments, law: VectorField, n_states: int) -> np.ndarray:
    """Estimate the noise `(argument,)` (standard deviation) of points of a map, if it is all that its law leaves over.

    The residual x_{k+1} − F(x_k) has variance s_i^2 + sum_j (DF_ij)^2 s_j^2, averaged over points: linear equations
    in s^2 >= 0. Inputs are taken to be exact.
    """
    gram = moments.products.sum(0) / moments.count.sum()
    left = moments.residual_of(law.coefficients)
    residual = np.maximum(np.diag(left @ gram @ left.T), 0.0)
    slopes = law.jacobian(moments.points)[:, :, :n_states] + np.eye(n_states)
    squares, _ = nnls(np.eye(n_states) + np.mean(slopes**2, axis=0), residual)
    return np.sqrt(np.append(squares, np.zeros(moments.points.shape[1] - n_states)))


def without_noise(form: Callable[[np.ndarray], np.ndarray], points: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Take what noise adds off a mean square over points, given as a quadratic form of them.

    F(x) − sum_i [F(x + s_i e_i) + F(x − s_i e_i) − 2 F(x)] / 2 is the mean over x without noise, to second order. A
    function that vanishes on the curve or surface along which the states move does not vanish beside it.

    Parameters
    ----------
    form : callable
        From points `(sample, argument)` to the form `(k, k)`.
    points : ndarray, `(sample, argument)`
    noise : ndarray, `(argument,)`
        Standard deviations.
    """
    here = form(points)
    found = here.copy()
    for step in np.diag(noise)[noise > 0]:
        found -= (form(points + step) + form(points - step)) / 2 - here
    values, vectors = np.linalg.eigh((found + found.T) / 2)
    return (vectors * np.maximum(values, 0.0)) @ vectors.T


def with_unresolved(
    fit: LawFit,
    moments: Moments,
    law: VectorField,
    families: list[str],
    scales: Scales,
    noise: np.ndarray,
    rng: np.random.Generator,
) -> LawFit:
    """Return the fit with coefficients unknown, up to the power of the outputs, along what is noise only.

    Parameters
    ----------
    fit : LawFit
    moments : Moments
    law : VectorField
    families : list of str
        Of the features.
    scales : Scales
    noise : ndarray, `(argument,)`
    rng : numpy Generator
    """
    kept = np.flatnonzero(np.isin(families, fit.kept))
    hidden = _noise_directions(law.features, moments.points, noise, kept)
    if hidden.shape[1] == 0:
        return fit
    rates = np.sqrt(np.where(np.isfinite(scales.output_power), scales.output_power, 0.0))

    draws = rng.standard_normal((len(fit.errors), len(rates), hidden.shape[1])) * rates[:, None]
    unknown = np.zeros_like(fit.errors)
    unknown[:, :, kept] = draws @ hidden.T
    before = 0.0 if fit.unknown is None else fit.unknown
    return replace(fit, errors=fit.errors + unknown, unknown=before + unknown)


def _noise_directions(features: Features, points: np.ndarray, noise: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Find combinations `(feature, direction)` of unit variance over the points that vary by the noise only."""
    values = features(points)[:, kept]
    slopes = features.jacobian(points)[:, kept]
    scale = values.std(axis=0)
    moving = scale > 1e-12 * np.abs(values).max(axis=0)
    if not moving.any():
        return np.zeros((len(kept), 0))
    centred = (values - values.mean(axis=0))[:, moving] / scale[moving]
    moved = np.einsum("sfi,i->sfi", slopes[:, moving] / scale[moving, None], noise)
    gram = centred.T @ centred / len(points)
    jitter = np.einsum("sfi,sgi->fg", moved, moved, optimize=True) / len(points)
    values, vectors = np.linalg.eigh(gram)
    seen = values > _CONSTANT * values[-1]  # a combination that never changes moves with neither signal nor noise
    frame = vectors[:, seen] / np.sqrt(values[seen])
    share, mixed = np.linalg.eigh(frame.T @ jitter @ frame)
    hidden = (frame @ mixed)[:, share > 1 / _PURE_NOISE]
    directions = np.zeros((len(kept), hidden.shape[1]))
    directions[moving] = hidden / scale[moving, None]
    return directions
