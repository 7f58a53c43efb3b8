"""What point symmetries leave of a library of terms: the laws N = sum w_k T_k with L(v, N) = 0 for given generators."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from symdyn.discovery.point.charted_fields import Frames
from symdyn.jets.evolution import Evolution, conditions
from symdyn.jets.jetchart import rate_units, terms_back, terms_forward
from symdyn.jets.jets import JetSpace
from symdyn.jets.pointfields import parse_generators
from symdyn.laws.fields.field_law import FieldLaw, TermSpace
from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.lie.chart import Chart
from symdyn.lie.constraints.subspace import null_space, pivoted_basis
from symdyn.lie.vectorfields import Generators

__all__ = ["Spaces", "spaces_left", "symmetric_terms"]

_ROUNDING = 1e-9
_DIGITS = 14  # that survive the way into a chart and back


@dataclass(frozen=True)
class Spaces:
    """What symmetries leave of a library, in the chart, and `given` in the units of the data.

    `units` `(free,)` are those of free coefficients of the chart.
    """

    charted: TermSpace
    given: TermSpace
    units: np.ndarray

    def law_in_units(self, law: FieldLaw, chart: Chart) -> FieldLaw:
        """Carry the law of the chart into the units of the data, inside the space to the last digit."""
        free = law.free * self.units
        inside = (self.given.offset + self.given.basis @ free).reshape(law.coefficients.shape)
        return replace(law.in_units(chart), coefficients=inside, free=free)


def spaces_left(symmetry: LieAlgebra | Generators | str | Sequence[str], law: FieldLaw, chart: Chart) -> Spaces:
    """Find what symmetries leave of the terms of a law.

    They are eliminated about the origin of the data, in the scales of the chart, so that neither the choice of free
    coefficients nor what is tied depends on units.

    Parameters
    ----------
    symmetry : LieAlgebra, Generators, str or list of str
        In the units of the data.
    law : FieldLaw
        In the units of the data.
    chart : Chart

    Raises
    ------
    ValueError
        See `symmetric_terms`.
    """
    names, jets = law.terms, law.space
    scales = Chart((0.0,) * len(chart), chart.scale)
    generators = Frames(_generators(symmetry, jets.names), scales, ()).charted
    home = symmetric_terms(names, law.fields, law.coordinates, generators, law.time_order)
    # A law c T of the data is c T / rate in the chart, whose terms are shifted as well.
    shift = Chart(tuple(np.array(chart.centre) / chart.scale), (1.0,) * len(chart))
    shifted = np.kron(np.eye(len(law.fields)), terms_back(names, jets, shift).T)
    charted = TermSpace(shifted @ home.offset, shifted @ home.basis)
    rates = rate_units(jets, chart, law.time_order)[:, None]
    factors = (rates * np.diag(terms_forward(names, jets, scales))).ravel()
    basis = home.basis * factors[:, None]
    units = basis[np.argmax(np.abs(home.basis), axis=0), np.arange(home.dim)]
    given = TermSpace(_digits(home.offset * factors), _digits(basis / units))
    return Spaces(charted, given, units)


def _generators(symmetry: LieAlgebra | Generators | str | Sequence[str], variables: Sequence[str]) -> Generators:
    if isinstance(symmetry, LieAlgebra):
        return symmetry.basis
    if isinstance(symmetry, Generators):
        return symmetry
    return parse_generators([symmetry] if isinstance(symmetry, str) else list(symmetry), variables)


def _digits(numbers: np.ndarray) -> np.ndarray:
    """Round off the last digits of numbers, in which only the way into a chart and back is seen."""
    places = 10.0 ** (_DIGITS - np.ceil(np.log10(np.abs(np.where(numbers == 0, 1.0, numbers)))))
    return np.round(numbers * places) / places


def symmetric_terms(
    terms: Sequence[str], fields: Sequence[str], coordinates: Sequence[str], generators: Generators, time_order: int = 1
) -> TermSpace:
    """Find the laws on the terms that have every generator for a symmetry.

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

    def rows(coefficients: np.ndarray) -> dict[tuple[int, int, int], float]:
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


def _labelled_rows(law: Evolution, generators: Generators) -> dict[tuple[int, int, int], float]:
    """Return coefficients of the determining equations by generator, field and monomial."""
    found = {}
    for k, (moved, linear) in enumerate(zip(*conditions(law, generators), strict=True)):
        for field, (a, b) in enumerate(zip(moved, linear, strict=True)):
            for key in {*a, *b}:
                value = a.get(key, 0.0) - b.get(key, 0.0)
                if value:
                    found[k, field, key] = value
    return found
