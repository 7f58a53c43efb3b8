"""The direct route: the linear condition D_t^m Q = N'[Q] tested on the data themselves, in weak form."""

from __future__ import annotations

import numpy as np

from symdyn.evidence.forms import QuadraticForms
from symdyn.functions.printing import monomial_exponents
from symdyn.jets.field_terms import WeakTerm, weak_term
from symdyn.laws.fields.field_law import FieldLaw
from symdyn.lie.vectorfields import Generators
from symdyn.rows.field_conditions import ConditionSums, Elementary, is_weak

__all__ = ["direct_angle", "direct_directions", "direct_forms", "elements_of", "weak_law"]


def weak_law(law: FieldLaw) -> list[list[tuple[WeakTerm, float]]] | None:
    """Return the terms of the law with their coefficients, one list a field; None if one of them has no weak form."""
    found = []
    for row in law.coefficients:
        terms = [
            (weak_term(n, law.fields, law.coordinates[1:]), float(c)) for n, c in zip(law.terms, row, strict=True) if c
        ]
        if any(term is None for term, _ in terms):
            return None
        found.append(terms)
    return found


def elements_of(generators: Generators, n_coordinates: int) -> tuple[list[Elementary], np.ndarray, np.ndarray]:
    """Return monomials of generators, weights `(generator, element)`, and which generators have a weak form."""
    exponents = monomial_exponents(generators.features, len(generators.states))
    assert exponents is not None  # candidates are polynomial, see `Frames`
    n_fields = len(generators.states) - n_coordinates
    elements, columns = [], []
    for component, row in np.argwhere(np.any(generators.coefficients != 0, axis=0)):
        powers = tuple(int(e) for e in exponents[row])
        elements.append(Elementary(int(component), powers[:n_coordinates], powers[n_coordinates:]))
        columns.append(generators.coefficients[:, component, row])
    weak = np.array([is_weak(e, n_fields, n_coordinates) for e in elements])
    weights = np.stack(columns, axis=1)
    usable = ~np.any(weights[:, ~weak] != 0, axis=1)
    kept = np.flatnonzero(weak)
    return [elements[k] for k in kept], weights[:, kept], usable


def direct_forms(
    sums: ConditionSums, weights: np.ndarray, share: float, n_bootstrap: int, rng: np.random.Generator
) -> QuadraticForms:
    """Compute quadratic forms over generators with weights `(generator, element)`; errors from resampled trajectories.

    `share` is the factor on the parts of Q in the size. The noise of the rows is known from the checkerboard: the form
    is debiased already, so noise is added to it as often as `Evidence` takes it off.
    """
    n_runs = len(sums.violation)
    order = np.argsort(np.einsum("rii->r", sums.size), kind="stable")  # resampling does not feel that of the runs

    def turned(form: np.ndarray) -> np.ndarray:
        return weights @ form @ weights.T

    violation, noise = turned(sums.violation.mean(0)), turned(sums.noise.mean(0))
    size = turned((sums.size + share * sums.parts).mean(0))
    size = _positive(size) + noise
    noise = noise + 1e-12 * np.diag(np.diag(size))  # of clean data, what rounding makes
    counts = rng.multinomial(n_runs, np.full(n_runs, 1 / n_runs), size=n_bootstrap) / n_runs
    widening = np.sqrt(n_runs / max(n_runs - 1, 1))
    moved = turned(np.tensordot(counts, sums.violation[order], 1)) - violation
    error = noise + widening * (moved - moved.mean(0))
    nothing = np.zeros_like(error)
    return QuadraticForms(violation + noise, size, nothing, error, np.zeros_like(noise), np.ones(n_bootstrap))


def direct_directions(forms: QuadraticForms) -> np.ndarray:
    """Return combinations `(generator, direction)` in order of signal to noise: the noise Gram is the metric."""
    noise = forms.error.mean(axis=0)
    metric = noise + 1e-6 * forms.size
    scale = 1 / np.sqrt(np.maximum(np.diag(metric), 1e-300))
    values, vectors = np.linalg.eigh(metric * scale[:, None] * scale)
    frame = scale[:, None] * vectors[:, values > 1e-12] / np.sqrt(values[values > 1e-12])
    return frame @ np.linalg.eigh(frame.T @ (forms.violation - noise) @ frame)[1]


def direct_angle(directions: np.ndarray, size: np.ndarray, accepted: np.ndarray) -> float:
    """Compute the largest angle (degrees) between the span of the first directions and as many accepted generators.

    It is that of what they do to the data, in the size of generators, and free of units.

    Parameters
    ----------
    directions : ndarray, `(generator, direction)`
    size : ndarray, `(generator, generator)`
    accepted : ndarray, `(accepted, generator)`
        Combinations of the same generators.
    """
    n = len(accepted)
    if n == 0:
        return 0.0
    values, vectors = np.linalg.eigh(size)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    found = np.linalg.qr(root.T @ directions[:, :n])[0]
    wanted = np.linalg.qr(root.T @ accepted.T)[0]
    outside = wanted - found @ (found.T @ wanted)
    return float(np.degrees(np.arcsin(min(np.linalg.norm(outside, 2), 1.0))))


def _positive(form: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh((form + form.T) / 2)
    return (vectors * np.maximum(values, 1e-14 * values[-1])) @ vectors.T
