"""Laws as plain numpy functions: only the non-zero terms, with no bookkeeping per call.

A monomial of degree d is d factors among (x_1 ... x_n, 1), so all terms at once are d look-ups in a table and d − 1
products, for one point or for many.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from symdyn.functions.features import Features, Sum
from symdyn.functions.printing import monomial_exponents
from symdyn.lie.chart import Chart
from symdyn.lie.vectorfields import VectorField

__all__ = ["jacobian_function", "value_function"]

_Function: TypeAlias = Callable[[np.ndarray], np.ndarray]


def value_function(law: VectorField) -> _Function:
    """Compile f to a function of x `(state,)` or `(..., state)`, giving `(output,)` or `(..., output)`.

    Polynomial laws are compiled; others evaluate their features. The points are not checked.
    """
    n = len(law.states)
    if law.inside is not None and any(law.inside.chart.centre):
        return _through_chart(value_function(law.inside.field), law.inside.chart, law.inside.units)
    exponents = polynomial_part(law.features, n)
    if exponents is None:
        return _on_rows(law, n)
    return _terms_function(exponents, law.coefficients)


def jacobian_function(law: VectorField) -> _Function:
    """Compile Df to a function of x `(..., state)`, giving the exact derivatives `(..., output, state)`."""
    n = len(law.states)
    if law.inside is not None and any(law.inside.chart.centre):
        units = law.inside.units[:, None] / np.array(law.inside.chart.scale)
        return _through_chart(jacobian_function(law.inside.field), law.inside.chart, units)
    exponents = polynomial_part(law.features, n)
    if exponents is None:
        return _on_rows(law.jacobian, n)
    lower, weights = _derivatives(exponents, law.coefficients)
    values, shape = _terms_function(lower, weights), (len(law.coefficients), n)

    def jacobian(x: np.ndarray) -> np.ndarray:
        flat = values(x)
        return flat.reshape(*flat.shape[:-1], *shape)

    return jacobian


def polynomial_part(features: Features, n_states: int) -> np.ndarray | None:
    """Return the exponents `(feature, state)` of features that are all monomials; None if any is not."""
    if isinstance(features, Sum):
        parts = [polynomial_part(part, n_states) for part in features.parts]
        known = [part for part in parts if part is not None]
        return np.concatenate(known) if len(known) == len(parts) else None
    return monomial_exponents(features, n_states)


def _terms_function(exponents: np.ndarray, coefficients: np.ndarray) -> _Function:
    """Build x -> sum_k W[:, k] x^a_k, leaving out terms with zero coefficients."""
    used = np.any(coefficients != 0, axis=0)
    table, weights = factor_table(exponents[used]), np.ascontiguousarray(coefficients[:, used].T)
    n = exponents.shape[1]

    def values(x: np.ndarray) -> np.ndarray:
        x = np.asarray(x, dtype=float)
        factors = np.empty((*x.shape[:-1], n + 1))
        factors[..., :n] = x
        factors[..., n] = 1.0
        terms = factors.take(table[0], axis=-1)
        for places in table[1:]:
            terms *= factors.take(places, axis=-1)
        return terms @ weights

    return values


def factor_table(exponents: np.ndarray) -> np.ndarray:
    """Tabulate where each monomial's factors stand among (x_1 ... x_n, 1): `(degree, monomial)`, padded with the 1.

    Parameters
    ----------
    exponents : ndarray of int, `(monomial, state)`
    """
    n_terms, n = exponents.shape
    degree = int(exponents.sum(axis=1).max(initial=1))
    table = np.full((max(degree, 1), n_terms), n)
    for term, powers in enumerate(exponents):
        places = np.repeat(np.arange(n), powers)
        table[: len(places), term] = places
    return table


def _derivatives(exponents: np.ndarray, coefficients: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return monomials `(lower, state)` and weights `(output * state, lower)` of all first derivatives."""
    n_outputs, n = len(coefficients), exponents.shape[1]
    lowered = np.maximum(exponents[:, None] - np.eye(n, dtype=int), 0)
    lower, place = np.unique(lowered.reshape(-1, n), axis=0, return_inverse=True)
    place = place.reshape(len(exponents), n)
    weights = np.zeros((n_outputs, n, len(lower)))
    for term, state in np.argwhere(exponents > 0):
        weights[:, state, place[term, state]] += exponents[term, state] * coefficients[:, term]
    return lower, weights.reshape(n_outputs * n, -1)


def _through_chart(function: _Function, chart: Chart, units: np.ndarray) -> _Function:
    """Turn a function of y = (x − c) / s in units of its own into one of x: far from the origin no digits are lost."""
    centre, scale = np.array(chart.centre), np.array(chart.scale)

    def values(x: np.ndarray) -> np.ndarray:
        return function((np.asarray(x, dtype=float) - centre) / scale) * units

    return values


def _on_rows(function: _Function, n_states: int) -> _Function:
    """Turn a function of points `(sample, state)` into one of `(..., state)`."""

    def values(x: np.ndarray) -> np.ndarray:
        x = np.asarray(x, dtype=float)
        found = function(x.reshape(-1, n_states))
        return found.reshape(*x.shape[:-1], *found.shape[1:])

    return values
