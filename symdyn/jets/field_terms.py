"""Terms of an equation that can be thrown on test functions: D_J (u^p v^q) up to a factor, by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np

from symdyn.functions.monomials import monomial_name, polynomial_exponents

__all__ = ["WeakTerm", "factors_of", "field_terms", "weak_term"]


@dataclass(frozen=True)
class WeakTerm:
    """factor D_J (product of powers of fields): `exponents` `(field,)`, `order` `(axis of space,)`."""

    name: str
    exponents: tuple[int, ...]
    order: tuple[int, ...]
    factor: float


def weak_term(name: str, fields: Sequence[str], axes: Sequence[str]) -> WeakTerm | None:
    """Parse a term such as `u_xx`, `u u_x` = (u^2)_x / 2 or `u^2 v`; None if it is no derivative of a product.

    Raises
    ------
    ValueError
        For a name that is no term in these fields and axes.

    Examples
    --------
    >>> from symdyn.jets.field_terms import weak_term
    >>> weak_term("u u_x", ["u"], ["x"])  # u u_x = (u^2)_x / 2
    WeakTerm(name='u u_x', exponents=(2,), order=(1,), factor=0.5)
    >>> weak_term("u_x^2", ["u"], ["x"]) is None
    True
    """
    exponents, order, differentiated = [0] * len(fields), (0,) * len(axes), None
    for field, index, power in factors_of(name, fields, axes):
        if not any(index):
            exponents[field] += power
        elif differentiated is not None or power > 1:
            return None
        else:
            differentiated, order = field, index
    if differentiated is None:
        return WeakTerm(name, tuple(exponents), order, 1.0)
    exponents[differentiated] += 1
    if sum(exponents) > 1 and (sum(order) > 1 or exponents[differentiated] != sum(exponents)):
        return None
    return WeakTerm(name, tuple(exponents), order, 1.0 / sum(exponents))


def factors_of(name: str, fields: Sequence[str], axes: Sequence[str]) -> list[tuple[int, tuple[int, ...], int]]:
    """Return the field, the derivatives along each axis and the power of each factor of a term.

    Raises
    ------
    ValueError
        For a factor that is neither a field nor a derivative of one.
    """
    found = []
    for factor in name.split():
        if factor == "1":
            continue
        base, caret, power = factor.partition("^")
        field, _, index = (base, "", "") if base in fields else base.rpartition("_")
        if field not in fields or set(index) - set(axes):
            raise ValueError(
                f"term {name!r} holds {factor!r}, which is neither a field ({', '.join(fields)}) nor a derivative "
                f"of one along {', '.join(axes)}"
            )
        found.append((list(fields).index(field), tuple(index.count(axis) for axis in axes), int(power) if caret else 1))
    return found


def field_terms(
    fields: Sequence[str], axes: Sequence[str], *, order: int | None = None, degree: int = 3, products: bool = False
) -> list[str]:
    """Build a library of terms for each equation, which a shift of the fields maps to itself.

    Monomials of the fields up to `degree`, 1 among them; derivatives of each field up to `order` (4 in one dimension, 2
    in two); u^p u_x up to `degree`. With `products` also those that have no weak form: u_x^2, u u_xx, u v_x.

    Examples
    --------
    >>> from symdyn.jets.field_terms import field_terms
    >>> field_terms(["u"], ["x"], order=2, degree=2)
    ['1', 'u', 'u^2', 'u_x', 'u_xx', 'u u_x']
    """
    order = (4 if len(axes) == 1 else 2) if order is None else order
    names = [monomial_name(row, fields) for row in polynomial_exponents(len(fields), degree)]
    indices = ["".join(c) for k in range(1, order + 1) for c in combinations_with_replacement(axes, k)]
    names += [f"{u}_{index}" for u in fields for index in indices]
    for axis in axes:
        for u in fields:
            names += [f"{u}{'' if p == 1 else f'^{p}'} {u}_{axis}" for p in range(1, degree)]
    if products:
        firsts = [f"{u}_{axis}" for u in fields for axis in axes]
        names += [f"{a}^2" if a == b else f"{a} {b}" for a, b in combinations_with_replacement(firsts, 2)]
        names += [f"{u} {v}_{axis}" for u in fields for v in fields if u != v for axis in axes]
        names += [f"{u} {v}_{2 * axis}" for u in fields for v in fields for axis in axes]
    return list(dict.fromkeys(names))


def exponent_rows(terms: Sequence[WeakTerm]) -> tuple[np.ndarray, list[int]]:
    """Return the distinct exponents `(monomial, field)`, and which of them each term takes."""
    rows = sorted({term.exponents for term in terms})
    return np.array(rows, dtype=int), [rows.index(term.exponents) for term in terms]
