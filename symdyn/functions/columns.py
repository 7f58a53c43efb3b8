"""Features of many runs at once, features first: the layout in which sums over samples are fastest."""

from __future__ import annotations

import numpy as np

from symdyn.functions.features import Features, Fourier, Monomials, Polynomial, Sum
from symdyn.functions.monomials import monomial_rows, polynomial_exponents
from symdyn.functions.space import InUnits, chosen_columns

__all__ = ["fill_features"]


def fill_features(features: Features, states: np.ndarray, noise: np.ndarray, out: np.ndarray) -> None:
    """Write debiased features `(feature, run, sample)` into `out`.

    Parameters
    ----------
    features : Features
    states : ndarray, `(state, run, sample)`
    noise : ndarray, `(run, state)`
        Standard deviation of the noise on the states of each run.
    out : ndarray, `(feature, run, sample)`

    Raises
    ------
    ValueError
        For states that do not fit the features.
    """
    if isinstance(features, Sum):
        ends = np.cumsum([part.size(len(states)) for part in features.parts])
        for part, end, start in zip(features.parts, ends, [0, *ends[:-1]], strict=True):
            fill_features(part, states, noise, out[start:end])
    elif isinstance(features, Polynomial | Monomials):
        _fill_monomials(features, states, noise, out)
    elif isinstance(features, Fourier):
        _fill_waves(features.rates(len(states)), states, noise, out)
    elif isinstance(features, InUnits):
        scale = np.array(features.scale)
        given = states * scale[:, None, None] + np.array(features.centre)[:, None, None]
        fill_features(features.features, given, noise * scale, out)
        out /= features.sizes[:, None, None]
    elif type(features).debiased is Features.debiased or not np.any(noise):
        values = features(states.reshape(len(states), -1).T)
        out[...] = values.T.reshape(out.shape)
    else:
        for run, level in enumerate(noise):
            out[:, run] = features.debiased(states[:, run].T, level).T


def _fill_monomials(features: Polynomial | Monomials, states: np.ndarray, noise: np.ndarray, out: np.ndarray) -> None:
    if isinstance(features, Polynomial):
        columns = list(features.columns if features.columns is not None else range(len(states)))
        exponents = polynomial_exponents(len(columns), features.degree, features.constant)
    else:
        exponents = np.array(features.exponents, dtype=int)
        columns = list(range(len(states)))
    # Shapes are checked where they are for any points.
    chosen_columns(states[:, 0, :1].T, features.columns if isinstance(features, Polynomial) else None, None)
    if len(columns) != exponents.shape[1]:
        raise ValueError(f"these features read {exponents.shape[1]} states, the points have {len(states)}")
    read = states if columns == list(range(len(states))) else states[columns]
    monomial_rows(read, exponents, np.square(noise.T[columns])[:, :, None], out)


def _fill_waves(rates: np.ndarray, states: np.ndarray, noise: np.ndarray, out: np.ndarray) -> None:
    waves = out.reshape(len(rates), len(states), 2, *states.shape[1:])
    for wave, rate in zip(waves, rates, strict=True):
        # E sin(k (x + e)) = exp(−k^2 s^2 / 2) sin(k x) for normal e of standard deviation s.
        growth = np.exp(np.square(rate[:, None] * noise.T)[:, :, None] / 2)
        angles = states if np.all(rate == 1) else rate[:, None, None] * states
        np.multiply(np.sin(angles), growth, out=wave[:, 0])
        np.multiply(np.cos(angles), growth, out=wave[:, 1])
