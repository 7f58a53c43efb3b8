"""Generators that were found in data as text: terms that matter there, in the units of the states, about a centre."""

from __future__ import annotations

import numpy as np

from symdyn.functions.printing import monomial_exponents
from symdyn.lie.chart import Chart
from symdyn.lie.prolongation import affine_parts, is_affine
from symdyn.lie.vectorfields import Generators

__all__ = ["MATTERS", "charted_texts", "common_centre", "gauge_factors"]

MATTERS = 1e-3  # part of the largest term, over the range of the data, above which a term is shown
_NEARLY = 0.1  # part of the largest term, from which on a coefficient may set the scale of a generator
_FAR = 10.0  # spreads from the middle of the data, beyond which a centre says less than constant terms
_FIXED = 1e-6  # what a centre may leave of the field, relative to it


def charted_texts(generators: Generators, chart: Chart, precision: int = 3, tiny: float = MATTERS) -> list[str]:
    """Write each generator as a differential operator, such as `x1 ∂x0 − x0 ∂x1 about (300, 300)`.

    Parameters
    ----------
    generators : Generators
        In the units of the states.
    chart : Chart
        Of the data.
    precision : int
        Significant digits.
    tiny : float
        Terms below this fraction of the largest, over the range of the data, are not shown.
    """
    names = generators.states
    texts, sizes = [], chart.term_sizes(generators)
    centred = Chart((0.0,) * len(chart), chart.scale, chart.time)
    for one in (generators.with_vectors(row[None]) for row in generators.vectors()):
        centre = common_centre(one, chart, sizes)
        if centre is None:
            texts += one.texts(precision, tiny, sizes)
            continue
        linear = one.with_vectors(one.vectors() * _linear_terms(one))
        near = centred.term_sizes(linear)
        text = linear.texts(precision, tiny, near)[0]
        parts = np.abs(linear.vectors()) * near
        shown = linear.with_vectors(linear.vectors() * (parts > tiny * parts.max()))
        read = np.any(affine_parts(shown)[1][0] != 0, axis=0)
        values = [f"{value:.{precision}g}".replace("-", "−") for value in centre]
        where = [f"{name} = {value}" for name, value, used in zip(names, values, read, strict=True) if used]
        about = f"({', '.join(values)})" if read.all() else ", ".join(where)
        texts.append(f"{text} about {about}")
    return texts


def gauge_factors(generators: Generators, chart: Chart) -> np.ndarray:
    """Compute factors `(generator,)` that set the largest coefficient of each generator to 1, first large one positive.

    Only terms that matter on the data count, constant ones aside: far from the origin these are large, and say
    where a centre is. Coefficients that are nearly as large count by their mean, which does not jump where they trade
    places.

    Parameters
    ----------
    generators : Generators
        In the units of the states.
    chart : Chart
    """
    sizes, vectors = chart.term_sizes(generators), generators.vectors()
    constant = np.append(np.tile(_is_constant(generators), len(generators.states)), False)
    factors = np.ones(len(vectors))
    for k, vector in enumerate(vectors):
        weights = np.abs(vector) * sizes
        weights[-1] = 0.0 if np.any(weights[:-1] > _FIXED * np.abs(vector[-1])) else weights[-1]
        varying = np.where(constant, 0.0, weights)
        weights = varying if varying.max(initial=0.0) > _NEARLY * weights.max(initial=0.0) else weights
        chosen = vector[weights > _NEARLY * weights.max(initial=0.0)]
        if chosen.size:
            largest = np.abs(chosen).max()
            near = np.abs(chosen[np.abs(chosen) > 0.9 * largest]).mean()
            factors[k] = np.sign(chosen[np.argmax(np.abs(chosen) > 0.5 * largest)]) / near
    return factors


def _is_constant(generators: Generators) -> np.ndarray:
    """Return which functions `(feature,)` of the components do not depend on the states."""
    exponents = monomial_exponents(generators.features, len(generators.states))
    size = generators.coefficients.shape[2]
    return np.zeros(size, dtype=bool) if exponents is None else exponents.sum(axis=1) == 0


def common_centre(generator: Generators, chart: Chart, sizes: np.ndarray) -> np.ndarray | None:
    """Find the point `(state,)` about which an affine generator is linear, where the data can tell it from 0.

    `sizes` `(coefficient,)` are those of its terms on the data. None for generators without such a point or with one
    far from the data, and for those whose constant terms do not matter there.
    """
    if not is_affine(generator):
        return None
    matrix = affine_parts(generator)[1][0]
    terms = np.abs(generator.coefficients[0]) * sizes[:-1].reshape(len(chart), -1)
    if not np.any(matrix) or terms[:, 0].max(initial=0.0) <= MATTERS * terms[:, 1:].max(initial=0.0):
        return None
    (shift,), (turn,) = affine_parts(chart.generators(generator))
    point = np.linalg.lstsq(turn, -shift, rcond=1e-9)[0]
    left = np.abs(turn @ point + shift).max() / np.abs(np.column_stack([turn, shift])).max()
    if np.abs(point).max() > _FAR or left > _FIXED:
        return None
    return chart.points_back(point)


def _linear_terms(generator: Generators) -> np.ndarray:
    """Return 1 for each coefficient of a generator except those of constant terms."""
    kept = np.ones_like(generator.coefficients[0])
    kept[:, 0] = 0.0
    return np.append(kept.ravel(), 1.0)
