"""What a law of fields says of candidate point symmetries: rows of D_t^m Q − N'[Q] at points in jet space."""

from __future__ import annotations

import numpy as np

from symdyn.discovery.point.jet_samples import JetSample
from symdyn.evidence.forms import LawForms, gram_of
from symdyn.jets.evolution import Evolution, component_polynomials, conditions
from symdyn.jets.jets import JetPolynomial, add
from symdyn.laws.fields.field_law import FieldLaw
from symdyn.lie.vectorfields import Generators

__all__ = ["SHARE", "characteristic_parts", "law_forms"]

SHARE = 0.3  # of the parts of Q in the size of a generator


def law_forms(law: FieldLaw, generators: Generators, sample: JetSample) -> LawForms:
    """Compute the quadratic forms of L(v, N) over the generators, with the error of the law.

    The size of a generator is |D_t^m Q|^2 + |N'[Q]|^2, plus r^2 times the squares of the parts phi, xi u_x, tau u_t of
    Q with r the rate of the field: parts that cancel one another, and shifts the law does not feel, still have a size.
    """
    evolution = law.evolution()
    moved, linear = _condition_rows(evolution, generators, sample)
    parts = [sample.averages(evolution.space, part) for part in characteristic_parts(evolution, generators)]
    rates = sample.rate / np.maximum(sample.scale, 1e-300)
    size = (
        gram_of(moved) + gram_of(linear) + sum(gram_of(_flat(SHARE * part * rates[:, None], sample)) for part in parts)
    )
    here = moved - linear
    # Sums of squares know a violation to rounding only; an exact zero would make later systems singular.
    violation = gram_of(here) + 1e-16 * np.diag(np.diag(size))
    slopes, moves = [], []
    nothing_moves = _violation(_law_of_one(law), generators, sample) if law.involved.any() else here
    for field, term in np.argwhere(law.involved):
        step = max(np.abs(law.coefficients[field]).max(), 1.0)
        # L is of second degree in the law: L(N + e) = L(N) + slope + Q(e), and Q(e) is known from e and -e alone.
        alone = sum(_violation(_law_of_one(law, field, term, s * step), generators, sample) for s in (1, -1)) / 2
        moved = _violation(_shifted(law, field, term, step), generators, sample)
        slopes.append((moved - here - (alone - nothing_moves)) / step)
        moves.append(law.errors[:, field, term])
    n = len(generators)
    if not slopes:
        nothing = np.zeros((1, n, n))
        return LawForms(violation, size, nothing, nothing, nothing[0], np.ones(1))
    stacked, weights = np.stack(slopes), np.stack(moves, axis=1)
    cross = np.tensordot(weights, np.einsum("ra,krb->kab", here, stacked, optimize=True), 1)
    joint = np.einsum("kra,lrb->klab", stacked, stacked, optimize=True)
    error = np.einsum("bk,bl,klij->bij", weights, weights, joint, optimize=True)
    return LawForms(violation, size, cross, error, np.zeros((n, n)), np.ones(len(weights)))


def characteristic_parts(evolution: Evolution, generators: Generators) -> list[list[list[JetPolynomial]]]:
    """Return phi, and −xi u_x, −tau u_t for each coordinate: parts of Q, `[part][generator][field]`."""
    n = len(evolution.space.coordinates)
    everything = component_polynomials(evolution.space, generators)
    empty: list[JetPolynomial] = [{} for _ in range(n + len(evolution.space.fields))]
    parts = []
    for chosen in [range(n, len(empty)), *([i] for i in range(n))]:
        only = [[p if k in chosen else {} for k, p in enumerate(components)] for components in everything]
        parts.append([evolution.characteristic(components) for components in only])
    return parts


def _condition_rows(evolution: Evolution, generators: Generators, sample: JetSample) -> tuple[np.ndarray, np.ndarray]:
    left, right = (sample.averages(evolution.space, side) for side in conditions(evolution, generators))
    return _flat(left, sample), _flat(right, sample)


def _flat(averaged: np.ndarray, sample: JetSample) -> np.ndarray:
    """Flatten to rows `(row * field, generator)`, each field in units of its spread, mean over rows."""
    weighted = averaged / np.maximum(sample.scale, 1e-300)[:, None] / np.sqrt(len(averaged))
    return weighted.reshape(-1, averaged.shape[-1])


def _violation(evolution: Evolution, generators: Generators, sample: JetSample) -> np.ndarray:
    moved, linear = _condition_rows(evolution, generators, sample)
    return moved - linear


def _law_of_one(law: FieldLaw, field: int = 0, term: int = 0, value: float = 0.0) -> Evolution:
    """Build the law of a single term, of none if its coefficient is 0."""
    evolution = law.evolution()
    right = [{} for _ in law.fields]
    right[field] = {key: value for key in evolution.space.term(law.terms[term])} if value else {}
    return Evolution(evolution.space, tuple(right), law.time_order)


def _shifted(law: FieldLaw, field: int, term: int, step: float) -> Evolution:
    evolution = law.evolution()
    right = list(evolution.right)
    right[field] = add(right[field], evolution.space.term(law.terms[term]), step)
    return Evolution(evolution.space, tuple(right), law.time_order)
