"""Laws as plain numpy functions: only the non-zero terms, with no bookkeeping per call.

A monomial of degree d is d factors among (x_1 ... x_n, 1), so all terms at once are d look-ups in a table and d − 1
products, for one point or for many.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from symdyn.functions.features import Features, Sum, as_features
from symdyn.functions.printing import monomial_exponents
from symdyn.lie.chart import Chart
from symdyn.lie.vectorfields import VectorField

if TYPE_CHECKING:
    from pysindy.utils import AxesArray

__all__ = ["CompiledModel", "jacobian_function", "value_function"]

_Function: TypeAlias = Callable[[np.ndarray], np.ndarray]
_BATCH = 8192  # samples whose terms are held at a time
_AXES: dict[str, int | list[int]] = {"ax_sample": 0, "ax_coord": 1}


class CompiledModel:
    """Predict as a fitted pysindy model does, without its checks and labelled arrays on the way.

    Parameters
    ----------
    model : pysindy.SINDy or pysindy.DiscreteSINDy, fitted

    Notes
    -----
    pysindy spends 0.4 to 2 ms on a call, whatever the number of samples. It holds for the model, library and
    coefficients that were compiled: `is_of` compares the numbers themselves, which may be changed in place.
    """

    def __init__(self, model: Any):
        self.model, self.library, self.n_controls = model, model.feature_library, model.n_control_features_
        self.n_inputs, self.law = self.library.n_features_in_, model.optimizer.coef_.tobytes()
        self.function: _Function | None = None
        if _is_known(self.library) and not np.any(getattr(model.optimizer, "intercept_", 0.0)):
            features = as_features(self.library, self.n_inputs)
            states = tuple(f"x{k}" for k in range(self.n_inputs))
            self.function = value_function(VectorField(features, np.array(model.optimizer.coef_, dtype=float), states))

    def is_of(self, model: Any) -> bool:
        """Return whether this is the model that was compiled, with the library and coefficients of then."""
        if self.model is not model or self.library is not model.feature_library:
            return False
        return self.law == model.optimizer.coef_.tobytes()

    def __call__(self, x: Any, u: Any = None) -> AxesArray | list[AxesArray] | None:
        """Predict at x `(sample, state)` and u `(sample, control)`, or lists of these; None leaves it to pysindy."""
        if type(x) is not list or not x:
            return self._predicted(x, u)
        if u is not None and (type(u) is not list or len(u) != len(x)):
            return None
        found = [self._predicted(*pair) for pair in zip(x, [None] * len(x) if u is None else u, strict=True)]
        whole = [one for one in found if one is not None]
        return whole if len(whole) == len(x) else None

    def _predicted(self, x: Any, u: Any) -> AxesArray | None:
        if self.function is None or not _is_table(x) or (u is None) != (self.n_controls == 0):
            return None
        if u is not None:
            if not _is_table(u) or u.shape != (len(x), self.n_controls):
                return None
            x = np.concatenate((x, u), axis=1)
        if x.shape[1] != self.n_inputs or not np.isfinite(x).all():
            return None
        values = self.function(x) if len(x) <= _BATCH else _in_batches(self.function, x)
        return _labelled(values) if np.isfinite(values).all() else None


def value_function(law: VectorField) -> _Function:
    """Compile f to a function of x `(state,)` or `(..., state)`, giving `(output,)` or `(..., output)`.

    Polynomial laws are compiled; others evaluate their features. The points are not checked.
    """
    n = len(law.states)
    if law.inside is not None and any(law.inside.chart.centre):
        return _through_chart(value_function(law.inside.field), law.inside.chart, law.inside.units)
    exponents = polynomial_part(law.features, n)
    if exponents is not None:
        return _terms_function(exponents, law.coefficients)
    if isinstance(law.features, Sum):
        return _sum_function(law.features, law)
    return _on_rows(law, n)


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


def _sum_function(features: Sum, law: VectorField) -> _Function:
    """Build the sum of the functions of each part, so that parts that are polynomials are compiled."""
    ends = np.cumsum([part.size(len(law.states)) for part in features.parts])
    shares = np.split(law.coefficients, ends[:-1], axis=1)
    fields = [VectorField(*pair, law.states) for pair in zip(features.parts, shares, strict=True)]
    first, *others = (value_function(field) for field in fields if np.any(field.coefficients) or field is fields[0])

    def values(x: np.ndarray) -> np.ndarray:
        found = first(x)
        for function in others:
            found = found + function(x)
        return found

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


def _is_known(library: Any) -> bool:
    """Return whether a pysindy library is one of those whose functions are known as formulas."""
    from pysindy.feature_library import ConcatLibrary, FourierLibrary, PolynomialLibrary

    from symdyn.functions.pysindy_bridge import FeaturesLibrary

    if type(library) is ConcatLibrary:
        return all(_is_known(part) for part in library.libraries)
    if type(library) is FourierLibrary:
        return library.include_sin and library.include_cos
    return type(library) in (PolynomialLibrary, FeaturesLibrary)  # a class derived from them may differ


def _is_table(x: Any) -> bool:
    return type(x) is np.ndarray and x.ndim == 2 and len(x) > 0 and x.dtype.kind in "fiu"


def _in_batches(function: _Function, x: np.ndarray) -> np.ndarray:
    return np.concatenate([function(x[k : k + _BATCH]) for k in range(0, len(x), _BATCH)])


def _labelled(values: np.ndarray) -> AxesArray:
    from pysindy.utils import AxesArray

    return AxesArray(values, _AXES)
