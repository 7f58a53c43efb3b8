"""Polynomials in jets: coordinates, fields and their derivatives u, u_x, u_xx, u_t, ..., with exact total derivatives.

A polynomial is a dict from packed exponents to coefficients: exponent e of variable k is `e << (8 k)`, so that keys of
products add. Coordinates come first, then jets by order: numbers do not depend on the highest order in use.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations_with_replacement

import numpy as np
from scipy.sparse import csr_matrix

from symdyn.functions.monomials import monomials

__all__ = ["JetPolynomial", "JetSpace", "add", "factors", "multiply", "packed", "partial", "weights_on"]

JetPolynomial = dict[int, float]

_BITS = 8
_MASK = (1 << _BITS) - 1


@dataclass(frozen=True)
class JetSpace:
    """Name coordinates (t first), fields and their derivatives.

    Parameters
    ----------
    coordinates : tuple of str
        The time first, then space: `("t", "x")`.
    fields : tuple of str

    Examples
    --------
    >>> from symdyn.jets.jets import JetSpace
    >>> space = JetSpace(("t", "x"), ("u",))
    >>> flux = space.term("u^2")
    >>> [space.name(k) for k in range(6)]
    ['t', 'x', 'u', 'u_t', 'u_x', 'u_tt']
    >>> space.total(flux, coordinate=1) == {key: 2.0 for key in space.term("u u_x")}
    True
    """

    coordinates: tuple[str, ...]
    fields: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of coordinates and fields: the variables that point transformations act on."""
        return self.coordinates + self.fields

    def jet(self, field: int, order: tuple[int, ...]) -> int:
        """Return the variable number of a field's derivative, `order` `(coordinate,)` times along each coordinate."""
        total = sum(order)
        before, rank = _place(order)
        n = len(self.fields)
        return len(self.coordinates) + n * before + field * _count(len(order), total) + rank

    def key(self, field: int, order: tuple[int, ...]) -> int:
        """Return the packed monomial of a jet by itself."""
        return 1 << (_BITS * self.jet(field, order))

    def describe(self, variable: int) -> tuple[int, tuple[int, ...]] | None:
        """Return the field and order of a jet variable, None for coordinates."""
        place = variable - len(self.coordinates)
        if place < 0:
            return None
        total, n = 0, len(self.coordinates)
        while place >= len(self.fields) * _count(n, total):
            place -= len(self.fields) * _count(n, total)
            total += 1
        field, rank = divmod(place, _count(n, total))
        return field, _orders(n, total)[rank]

    def name(self, variable: int) -> str:
        """Return the name of a variable, such as `t`, `u` or `u_xx`."""
        found = self.describe(variable)
        if found is None:
            return self.coordinates[variable]
        field, order = found
        index = "".join(c * k for c, k in zip(self.coordinates, order, strict=True))
        return f"{self.fields[field]}_{index}" if index else self.fields[field]

    def variable(self, name: str) -> int:
        """Return the variable number of a coordinate, a field or a derivative such as `u_txx`.

        Raises
        ------
        ValueError
            For a name that is none of these.
        """
        if name in self.coordinates:
            return self.coordinates.index(name)
        field, _, index = (name, "", "") if name in self.fields else name.rpartition("_")
        if field not in self.fields or any(c not in self.coordinates for c in index):
            raise ValueError(
                f"{name!r} is neither a coordinate ({', '.join(self.coordinates)}), nor a field "
                f"({', '.join(self.fields)}) or a derivative of one such as {self.fields[0]}_{self.coordinates[-1]}"
            )
        return self.jet(self.fields.index(field), tuple(index.count(c) for c in self.coordinates))

    def term(self, name: str) -> JetPolynomial:
        """Build the monomial with a name such as `u^2 u_x`, `u_xx`, `x u` or `1`."""
        key = 0
        for factor in name.split():
            if factor == "1":
                continue
            base, _, power = factor.partition("^")
            key += (int(power) if power else 1) << (_BITS * self.variable(base))
        return {key: 1.0}

    def total(self, polynomial: JetPolynomial, coordinate: int) -> JetPolynomial:
        """Compute the total derivative D_i P = ∂P/∂x_i + sum u_(J+i) ∂P/∂u_J."""
        result: JetPolynomial = {}
        for key, value in polynomial.items():
            for variable, power in factors(key):
                change = _raised(self, variable, coordinate)
                if change is not None:
                    result[key + change] = result.get(key + change, 0.0) + power * value
        return result

    def totals(self, polynomial: JetPolynomial, order: tuple[int, ...]) -> JetPolynomial:
        """Take repeated total derivatives, `order` `(coordinate,)` times each."""
        for coordinate, times in enumerate(order):
            for _ in range(times):
                polynomial = self.total(polynomial, coordinate)
        return polynomial

    def evaluate(self, polynomials: list[JetPolynomial], points: np.ndarray, names: list[str]) -> np.ndarray:
        """Compute values `(sample, polynomial)` at points `(sample, variable)`, columns named as variables."""
        keys = sorted({key for polynomial in polynomials for key in polynomial})
        if not keys:
            return np.zeros((len(points), len(polynomials)))
        places = {key: row for row, key in enumerate(keys)}
        return monomials(points, self.exponents(keys, names)) @ weights_on(places, polynomials).toarray().T

    def exponents(self, keys: Sequence[int], names: Sequence[str]) -> np.ndarray:
        """Return the powers `(monomial, variable)` of packed monomials, columns named as variables."""
        column = {self.variable(name): place for place, name in enumerate(names)}
        exponents = np.zeros((len(keys), len(names)), dtype=int)
        for row, key in enumerate(keys):
            for variable, power in factors(key):
                exponents[row, column[variable]] = power
        return exponents


def weights_on(places: dict[int, int], polynomials: Sequence[JetPolynomial]) -> csr_matrix:
    """Return the coefficients `(polynomial, monomial)` of polynomials in monomials at given places."""
    columns = [places[key] for polynomial in polynomials for key in polynomial]
    values = [value for polynomial in polynomials for value in polynomial.values()]
    ends = np.cumsum([0, *(len(polynomial) for polynomial in polynomials)])
    return csr_matrix((values, columns, ends), shape=(len(polynomials), len(places)))


def factors(key: int) -> list[tuple[int, int]]:
    """Unpack a monomial into variables and powers."""
    found, variable = [], 0
    while key:
        power = key & _MASK
        if power:
            found.append((variable, power))
        key >>= _BITS
        variable += 1
    return found


def add(first: JetPolynomial, second: JetPolynomial, scale: float = 1.0) -> JetPolynomial:
    """Compute first + scale second; what cancels to rounding is left out."""
    result = dict(first)
    for key, value in second.items():
        total = result.get(key, 0.0) + scale * value
        if abs(total) <= 1e-13 * (abs(scale * value) + abs(result.get(key, 0.0))):
            result.pop(key, None)
        else:
            result[key] = total
    return result


def multiply(first: JetPolynomial, second: JetPolynomial) -> JetPolynomial:
    """Multiply two polynomials."""
    result: JetPolynomial = {}
    for a, x in first.items():
        for b, y in second.items():
            result[a + b] = result.get(a + b, 0.0) + x * y
    return result


def packed(variables: Sequence[int], powers: Sequence[int]) -> int:
    """Pack a monomial, given by a power for each of some variables, into its key."""
    return sum(int(power) << (_BITS * variable) for variable, power in zip(variables, powers, strict=True))


def partial(polynomial: JetPolynomial, variable: int) -> JetPolynomial:
    """Compute ∂P/∂(variable)."""
    unit, shift = 1 << (_BITS * variable), _BITS * variable
    return {key - unit: ((key >> shift) & _MASK) * value for key, value in polynomial.items() if (key >> shift) & _MASK}


@cache
def _raised(space: JetSpace, variable: int, coordinate: int) -> int | None:
    """Return what D_i adds to the key of a monomial for one of its variables; None where it does not depend on x_i."""
    found = space.describe(variable)
    if found is not None:
        field, order = found
        higher = tuple(k + (i == coordinate) for i, k in enumerate(order))
        return space.key(field, higher) - (1 << (_BITS * variable))
    return -(1 << (_BITS * variable)) if variable == coordinate else None


@cache
def _orders(n: int, total: int) -> tuple[tuple[int, ...], ...]:
    choices = combinations_with_replacement(range(n), total)
    return tuple(tuple(choice.count(i) for i in range(n)) for choice in choices)


def _count(n: int, total: int) -> int:
    return len(_orders(n, total))


@cache
def _place(order: tuple[int, ...]) -> tuple[int, int]:
    """Return the number of multi-indices of lower order, and the rank among those of the same."""
    n, total = len(order), sum(order)
    return sum(_count(n, k) for k in range(total)), _orders(n, total).index(order)
