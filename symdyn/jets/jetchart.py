"""Terms of an equation for fields carried into a chart of coordinates and fields, and back.

With t = c_t + s_t t', x = c_x + s_x x', u = c + s u' a derivative is u_J = s / s_x^|J| u'_J, and only undifferentiated
fields feel the shift. So terms map to terms as monomials do, in variables of which most have no centre:

    T_k(u) = sum_j B_kj T_j(u'),      u_t^(m) = (s / s_t^m) u'_t'^(m).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np

from symdyn.functions.monomials import substituted
from symdyn.jets.jets import JetSpace, factors
from symdyn.lie.chart import Chart

__all__ = ["completed_terms", "is_complete", "lowered_terms", "rate_units", "terms_back", "terms_forward"]


def terms_back(terms: Sequence[str], space: JetSpace, chart: Chart) -> np.ndarray:
    """Compute B `(term, term)`: the terms of the data are B times those of the chart.

    Parameters
    ----------
    terms : sequence of str
        Complete (see `is_complete`) where the chart shifts a field.
    space : JetSpace
    chart : Chart
        Of coordinates and fields, as `space.names`.
    """
    exponents, centre, scale = _variables(terms, space, chart)
    return substituted(exponents, centre, scale)


def terms_forward(terms: Sequence[str], space: JetSpace, chart: Chart) -> np.ndarray:
    """Compute the inverse of `terms_back`: terms of the chart from those of the data."""
    exponents, centre, scale = _variables(terms, space, chart)
    return substituted(exponents, -centre / scale, 1 / scale)


def rate_units(space: JetSpace, chart: Chart, time_order: int) -> np.ndarray:
    """Return the unit `(field,)` of ∂_t^m u of the chart in the units of the data."""
    return np.array(chart.scale[len(space.coordinates) :]) / chart.scale[0] ** time_order


def lowered_terms(terms: Sequence[str], space: JetSpace) -> np.ndarray:
    """Return a mask `(term, term)`: column j is what a shift of the fields makes of row k, beside term k itself."""
    exponents, plain = _exponents(terms, space)
    below = np.all(exponents[None, :, plain] <= exponents[:, None, plain], axis=2)
    same = np.all(exponents[None, :, ~plain] == exponents[:, None, ~plain], axis=2)
    return below & same & ~np.eye(len(exponents), dtype=bool)


def is_complete(terms: Sequence[str], space: JetSpace) -> bool:
    """Check whether shifts of fields map the span of the terms to itself: 1, u, u^2 or u_x, u u_x, not u^2 alone."""
    return len(completed_terms(terms, space)) == len(terms)


def completed_terms(terms: Sequence[str], space: JetSpace) -> list[str]:
    """Return the terms with those that a shift of the fields makes of them, which come last."""
    found = list(terms)
    known = {tuple(space.term(name)) for name in terms}
    for name in terms:
        (key,) = space.term(name)
        parts = factors(key)
        ranges = [range(power + 1) if _is_plain(space, variable) else (power,) for variable, power in parts]
        for powers in product(*ranges):
            lower = " ".join(_power(space.name(v), p) for (v, _), p in zip(parts, powers, strict=True) if p) or "1"
            if tuple(space.term(lower)) not in known:
                known.add(tuple(space.term(lower)))
                found.append(lower)
    return found


def _variables(terms: Sequence[str], space: JetSpace, chart: Chart) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the exponents `(term, variable)` of the variables that occur, with the centre and scale of each."""
    exponents, plain = _exponents(terms, space)
    scale, centre = np.array(chart.scale), np.array(chart.centre)
    n = len(space.coordinates)
    used = sorted({v for name in terms for key in space.term(name) for v, _ in factors(key)})
    sizes, centres = np.ones(len(used)), np.zeros(len(used))
    for column, variable in enumerate(used):
        found = space.describe(variable)
        if found is None:
            sizes[column], centres[column] = scale[variable], centre[variable]
        else:
            field, order = found
            sizes[column] = scale[n + field] / np.prod(scale[:n] ** np.array(order))
            centres[column] = centre[n + field] if plain[column] else 0.0
    return exponents, centres, sizes


def _exponents(terms: Sequence[str], space: JetSpace) -> tuple[np.ndarray, np.ndarray]:
    keys = [key for name in terms for key in space.term(name)]
    used = sorted({v for key in keys for v, _ in factors(key)})
    exponents = np.zeros((len(keys), len(used)), dtype=int)
    for row, key in enumerate(keys):
        for variable, power in factors(key):
            exponents[row, used.index(variable)] = power
    return exponents, np.array([_is_plain(space, variable) for variable in used], dtype=bool)


def _is_plain(space: JetSpace, variable: int) -> bool:
    """Return whether a variable is a field itself, which a shift moves."""
    found = space.describe(variable)
    return found is not None and not any(found[1])


def _power(name: str, power: int) -> str:
    return name if power == 1 else f"{name}^{power}"
