"""Generators on coordinates and fields, by name or as text: the candidates of point symmetries."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from symdyn.functions.features import Polynomial, polynomial_exponents
from symdyn.lie.vectorfields import Generators

__all__ = ["NAMED", "named_generators", "parse_generator", "parse_generators", "point_candidates"]

NAMED = ("translations", "rotation", "galilean", "scalings", "phase", "projective", "shifts", "lorentz")


def parse_generator(text: str, variables: Sequence[str]) -> dict[tuple[str, tuple[int, ...]], float]:
    """Parse a generator such as `2 t ∂t + x ∂x − u ∂u` into coefficients by component and exponents.

    Raises
    ------
    ValueError
        For a part that is no term, naming it.

    Examples
    --------
    >>> from symdyn.jets.pointfields import parse_generator
    >>> parse_generator("2 t ∂t + x ∂x − u ∂u", ["t", "x", "u"])
    {('t', (1, 0, 0)): 2.0, ('x', (0, 1, 0)): 1.0, ('u', (0, 0, 1)): -1.0}
    """
    found: dict[tuple[str, tuple[int, ...]], float] = {}
    for sign, body in re.findall(r"([+−-]?)\s*((?:[^+−\-∂]|(?<=[\d.]e)[-+])*∂\w+)", text):
        factors, _, component = body.partition("∂")
        value, exponents = -1.0 if sign in ("−", "-") else 1.0, np.zeros(len(variables), dtype=int)
        for factor in factors.split():
            base, _, power = factor.partition("^")
            if base in variables:
                exponents[list(variables).index(base)] += int(power) if power else 1
            else:
                value *= _number(factor, text)
        if component not in variables:
            raise ValueError(f"{text!r} moves {component!r}, which is none of {', '.join(variables)}")
        key = (component, tuple(int(e) for e in exponents))
        found[key] = found.get(key, 0.0) + value
    if not found:
        raise ValueError(f"{text!r} is no generator: write it as `2 t ∂t + x ∂x`")
    return found


def parse_generators(texts: Sequence[str], variables: Sequence[str], degree: int | None = None) -> Generators:
    """Parse generators with polynomial coefficients from texts, up to `degree` (by default as high as needed).

    Examples
    --------
    >>> from symdyn.jets.pointfields import parse_generators
    >>> parse_generators(["∂t", "t ∂x + ∂u"], ["t", "x", "u"])
    Generators(2) on (t, x, u): ∂t; t ∂x + ∂u
    """
    parsed = [parse_generator(text, variables) for text in texts]
    highest = max((sum(exponents) for terms in parsed for _, exponents in terms), default=0)
    degree = highest if degree is None else max(degree, highest)
    rows = [tuple(row) for row in polynomial_exponents(len(variables), degree)]
    coefficients = np.zeros((len(texts), len(variables), len(rows)))
    for k, terms in enumerate(parsed):
        for (component, exponents), value in terms.items():
            coefficients[k, list(variables).index(component), rows.index(exponents)] += value
    return Generators(Polynomial(degree), coefficients, np.zeros(len(texts)), tuple(variables))


def named_generators(name: str, coordinates: Sequence[str], fields: Sequence[str]) -> list[str]:
    """Return the texts of a family of candidates, each with coefficients of its own.

    `translations` of t and space; `shifts` ∂u; `rotation` of space and of the values of two fields apart; `galilean`
    t ∂x and what may go with it (∂u, x u ∂v, x u ∂u); `scalings` of each coordinate and field; `phase` u ∂v, v ∂u;
    `projective` t^2 ∂t, t x ∂x and what may go with them; `lorentz` x ∂t, t ∂x.

    Raises
    ------
    ValueError
        For another name, or one that these coordinates and fields do not have.

    Examples
    --------
    >>> from symdyn.jets.pointfields import named_generators
    >>> named_generators("galilean", ["t", "x"], ["u"])
    ['t ∂x', '∂u', 'x u ∂u', 'x ∂u']
    """
    space = list(coordinates)[1:]
    pairs = [(a, b) for a in fields for b in fields if a != b]
    families = {
        "translations": [f"∂{c}" for c in coordinates],
        "shifts": [f"∂{u}" for u in fields],
        "rotation": [f"{a} ∂{b}" for a in space for b in space if a != b],
        "galilean": [f"t ∂{x}" for x in space]
        + [f"∂{u}" for u in fields]
        + [f"{x} {a} ∂{b}" for x in space for a in fields for b in fields]
        + [f"{x} ∂{u}" for x in space for u in fields],
        "scalings": [f"{c} ∂{c}" for c in (*coordinates, *fields)],
        "phase": [f"{a} ∂{b}" for a, b in pairs],
        "projective": ["t^2 ∂t"]
        + [f"t {x} ∂{x}" for x in space]
        + [f"t {u} ∂{u}" for u in fields]
        + [f"{x} ∂{u}" for x in space for u in fields]
        + [f"{x}^2 ∂{u}" for x in space for u in fields]
        + [f"t ∂{u}" for u in fields],
        "lorentz": [text for x in space for text in (f"{x} ∂t", f"t ∂{x}")],
    }
    if name not in families:
        raise ValueError(f"candidates are a degree, Generators, or names among {', '.join(NAMED)}; got {name!r}")
    if not families[name]:
        raise ValueError(f"{name!r} needs two of what it mixes; the data have {', '.join((*coordinates, *fields))}")
    return families[name]


def point_candidates(candidates, coordinates: Sequence[str], fields: Sequence[str]) -> Generators:
    """Build candidates for point symmetries from a degree, names, texts or Generators.

    Parameters
    ----------
    candidates : int, str, list of str, or Generators
        A polynomial degree: every coefficient up to it; names as in `named_generators`; texts as in `parse_generator`.
    coordinates, fields : sequence of str

    Raises
    ------
    ValueError
        For a negative degree, unknown names, and Generators on other variables.

    Examples
    --------
    >>> from symdyn.jets.pointfields import point_candidates
    >>> point_candidates(["translations", "t ∂x + ∂u"], ["t", "x"], ["u"]).texts()
    ['∂t', '∂x', 't ∂x + ∂u']
    >>> len(point_candidates(2, ["t", "x"], ["u"]))
    30
    """
    variables = (*coordinates, *fields)
    if isinstance(candidates, Generators):
        if tuple(candidates.states) != variables:
            raise ValueError(f"candidates act on {candidates.states}, the data call for {variables}")
        return candidates
    if isinstance(candidates, int | np.integer):
        if candidates < 0:
            raise ValueError(f"candidates must be a degree of at least 0, got {candidates}")
        n_functions = len(polynomial_exponents(len(variables), int(candidates)))
        size = len(variables) * n_functions
        coefficients = np.eye(size).reshape(size, len(variables), n_functions)
        return Generators(Polynomial(int(candidates)), coefficients, np.zeros(size), variables)
    texts: list[str] = []
    for entry in [candidates] if isinstance(candidates, str) else list(candidates):
        if not isinstance(entry, str):
            raise TypeError(f"candidates are a degree, Generators, names or texts; got {type(entry).__name__}")
        texts += [entry] if "∂" in entry else named_generators(entry, coordinates, fields)
    if not texts:
        raise ValueError("candidates are empty: give a degree, names or generators")
    return parse_generators(list(dict.fromkeys(texts)), variables)


def _number(factor: str, text: str) -> float:
    try:
        return float(factor)
    except ValueError:
        raise ValueError(f"{factor!r} in {text!r} is neither a number nor a variable") from None
