"""What point symmetries leave of a library of terms: the laws N = sum w_k T_k with L(v, N) = 0 for given generators."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from symdyn.discovery.fields.law import TermSpace
from symdyn.lie.evolution import Evolution, conditions
from symdyn.lie.fields import Generators
from symdyn.lie.jets import JetSpace
from symdyn.lie.subspace import null_space, pivoted_basis

__all__ = ["symmetric_terms"]

_ROUNDING = 1e-9


def symmetric_terms(
    terms: Sequence[str], fields: Sequence[str], coordinates: Sequence[str], generators: Generators, time_order: int = 1
) -> TermSpace:
    """Laws on the terms that have every generator for a symmetry.

    For motions of space and time that depend on neither fields (nor, of time, on space) the condition is affine in the
    coefficients: translations and rotations tie them, a boost a t ∂x + ∂u fixes that of u u_x to −a.

    Parameters
    ----------
    terms, fields, coordinates : sequence of str
    generators : Generators
        On (coordinates, fields), taken as exact.
    time_order : int

    Raises
    ------
    ValueError
        For generators for which the condition is not affine, and if no law on these terms has them all.
    """
    space = JetSpace(tuple(coordinates), tuple(fields))
    n = len(fields) * len(terms)

    def rows(coefficients):
        right = []
        for row in coefficients.reshape(len(fields), len(terms)):
            side = {}
            for name, value in zip(terms, row, strict=True):
                for key, factor in space.term(name).items():
                    if value:
                        side[key] = side.get(key, 0.0) + float(value) * factor
            right.append(side)
        return _labelled_rows(Evolution(space, tuple(right), time_order), generators)

    constant = rows(np.zeros(n))
    units = [rows(unit) for unit in np.eye(n)]
    mixed = np.random.default_rng(0).standard_normal(n)
    keys = sorted({key for column in (constant, *units) for key in column})
    offset = np.array([constant.get(key, 0.0) for key in keys])
    slopes = np.array([[unit.get(key, 0.0) for unit in units] for key in keys]).reshape(len(keys), n)
    slopes = slopes - offset[:, None]
    check = rows(mixed)
    expected = dict(zip(keys, offset + slopes @ mixed, strict=True))
    wrong = max((abs(check.get(k, 0.0) - expected.get(k, 0.0)) for k in {*check, *expected}), default=0.0)
    if wrong > 1e-6:
        raise ValueError(
            "the coefficients of ∂t and ∂x depend on the fields: laws with such symmetries are no linear space; leave "
            "these generators out of the constraint"
        )
    if not keys:
        return TermSpace(np.zeros(n), np.eye(n))
    start = np.linalg.lstsq(slopes, -offset, rcond=None)[0]
    if np.linalg.norm(slopes @ start + offset) > _ROUNDING * max(np.linalg.norm(offset), 1.0):
        raise ValueError("no law on these terms has all these symmetries: widen the library, or give fewer generators")
    basis = pivoted_basis(null_space(slopes), 1e-10)[0]
    start[np.abs(start) < _ROUNDING * max(np.abs(start).max(), 1e-300)] = 0.0
    return TermSpace(start, basis)


def _labelled_rows(law, generators):
    """Coefficients of the determining equations by generator, field and monomial."""
    found = {}
    for k, (moved, linear) in enumerate(zip(*conditions(law, generators), strict=True)):
        for field, (a, b) in enumerate(zip(moved, linear, strict=True)):
            for key in {*a, *b}:
                value = a.get(key, 0.0) - b.get(key, 0.0)
                if value:
                    found[k, field, key] = value
    return found
