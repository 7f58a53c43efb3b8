"""Generators and laws as sympy expressions; sympy is imported when it is asked for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from types import ModuleType
from typing import TYPE_CHECKING

from symdyn.functions.features import Features, Sum
from symdyn.functions.printing import FUNCTIONS, monomial_exponents, simple_fraction, with_states

if TYPE_CHECKING:
    from sympy import Expr, Number, Symbol

__all__ = ["field_sympy"]


def field_sympy(coefficients, features: Features, states, *, time_scaling=0.0, exact=False):
    """Return a field as a sympy column `(output, 1)` of its components, and its rate of time.

    The symbols have the names of the states. Coefficients of an exact field that are simple fractions become
    rationals, all others floating-point numbers.

    Raises
    ------
    ImportError
        If sympy is missing.
    ValueError
        If a feature has a name that is no formula in the states.
    """
    sympy = _sympy()
    functions = _feature_sympy(features, tuple(states))
    components = [
        sympy.Add(*(_sympy_number(value, exact) * f for value, f in zip(row, functions, strict=True) if value))
        for row in coefficients
    ]
    return sympy.Matrix(len(components), 1, components), _sympy_number(time_scaling, exact)


def _sympy_number(value: float, exact: bool) -> Number:
    sympy = _sympy()
    fraction = simple_fraction(value) if exact or value == 0 else None
    return sympy.Float(float(value)) if fraction is None else sympy.Rational(fraction.numerator, fraction.denominator)


def _feature_sympy(features: Features, states: Sequence[str]) -> list[Expr]:
    if isinstance(features, Sum):
        return [function for part in features.parts for function in _feature_sympy(part, states)]
    sympy = _sympy()
    symbols = [sympy.Symbol(state) for state in states]
    exponents = monomial_exponents(features, len(states))
    if exponents is not None:
        return [sympy.Mul(*(s ** int(a) for s, a in zip(symbols, row, strict=True))) for row in exponents]
    columns = getattr(features, "columns", None)
    distance = None if columns is None else sympy.sqrt(sum(symbols[column] ** 2 for column in columns))
    return [_formula_sympy(name, states, symbols, distance) for name in features.names(states)]


def _formula_sympy(name: str, states: Sequence[str], symbols: Sequence[Symbol], distance: Expr | None) -> Expr:
    """Read the name of a feature as a formula; |q| is the distance, juxtaposition means multiplication."""
    from sympy.parsing import sympy_parser

    places = [f"S{k}" for k in range(len(states))]
    text = with_states(name, states, places, "Q").replace("^", "**")
    # The parser evaluates what it reads: nothing but numbers, states, known functions and arithmetic may reach it.
    words = set(re.findall(r"[^\W\d]\w*", re.sub(r"\d[eE][-+]?\d", "0", text)))
    known = words <= {*places, *FUNCTIONS, "pi", *(["Q"] if distance is not None else [])}
    if not known or re.search(r"[^\w\s.+\-*/()]", text):
        raise ValueError(f"the feature {name!r} is no formula in the states {', '.join(states)}: it has no sympy form")
    values = {**dict(zip(places, symbols, strict=True)), "Q": distance, "pi": _sympy().pi}
    steps = (*sympy_parser.standard_transformations, sympy_parser.implicit_multiplication)
    try:
        return sympy_parser.parse_expr(text, local_dict=values, transformations=steps)
    except (SyntaxError, TypeError) as error:
        raise ValueError(f"the feature {name!r} cannot be read as a formula") from error


def _sympy() -> ModuleType:
    try:
        import sympy
    except ImportError as error:
        raise ImportError("formulas need sympy: pip install 'symdyn-workbench[symbolic]'") from error
    return sympy
