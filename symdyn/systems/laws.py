"""Laws of flows as exact vector fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from symdyn.functions.features import Polynomial
from symdyn.lie.vectorfields import VectorField

__all__ = ["LAWS", "exact_law", "polynomial_law"]


def polynomial_law(terms: Sequence[Mapping[str, float]], states: Sequence[str]) -> VectorField:
    """Build the field with given terms, one mapping per state, such as `{"x": 0.5, "x^2 y": -1}`, on `Polynomial(3)`.

    Raises
    ------
    ValueError
        For a term that is not a monomial of these states up to degree 3.

    Examples
    --------
    >>> import symdyn as sd
    >>> sd.systems.polynomial_law([{"x": 1, "x y": -1}, {"y": -1, "x y": 1}], ("x", "y"))
    VectorField on (x, y)
      f_x = x − x y
      f_y = −y + x y
    """
    features = Polynomial(3)
    names = features.names(states)
    coefficients = np.zeros((len(terms), len(names)))
    for row, line in zip(coefficients, terms, strict=True):
        for name, value in line.items():
            if name not in names:
                raise ValueError(f"unknown term {name!r}; the terms are {', '.join(names)}")
            row[names.index(name)] = value
    return VectorField(features, coefficients, tuple(states))


def _spiral(growth: tuple[float, float], rotation: tuple[float, float], breaking: float = 0.0) -> VectorField:
    """Build (a + b r^2) x + (w + c r^2) J x for growth (a, b) and rotation (w, c), and −breaking x^3 in x'."""
    (a, b), (w, c) = growth, rotation
    first = {"x": a, "y": -w, "x^3": b - breaking, "x y^2": b, "x^2 y": -c, "y^3": -c}
    second = {"x": w, "y": a, "x^3": c, "x y^2": c, "x^2 y": b, "y^3": b}
    return polynomial_law([first, second], "xy")


LAWS = {
    "hopf": lambda breaking=0.0: _spiral((0.5, -1.0), (1.3, 0.0), breaking),
    "cubic_spiral": lambda breaking=0.0: _spiral((-0.1, -0.2), (1.0, 1.0), breaking),
    "damped_oscillator": lambda: polynomial_law([{"x": -0.1, "y": -1}, {"x": 1, "y": -0.1}], "xy"),
    "lotka_volterra": lambda: polynomial_law([{"x": 2 / 3, "x y": -4 / 3}, {"y": -1, "x y": 1}], "xy"),
    "van_der_pol": lambda: polynomial_law([{"y": 1}, {"x": -1, "y": 1, "x^2 y": -1}], "xy"),
    "selkov": lambda: polynomial_law([{"x": -1, "y": 0.08, "x^2 y": 1}, {"1": 0.6, "y": -0.08, "x^2 y": -1}], "xy"),
    "duffing": lambda: polynomial_law([{"y": 1}, {"x": 1, "x^3": -1}], "xy"),
    "lorenz": lambda: polynomial_law(
        [{"x": -10, "y": 10}, {"x": 28, "y": -1, "x z": -1}, {"x y": 1, "z": -8 / 3}], "xyz"
    ),
    "rossler": lambda: polynomial_law([{"y": -1, "z": -1}, {"x": 1, "y": 0.2}, {"1": 0.2, "x z": 1, "z": -5.7}], "xyz"),
}


def exact_law(name: str, **options) -> VectorField:
    """Return the law behind the trajectories of the system of that name.

    Parameters
    ----------
    name : str
        One of `hopf`, `cubic_spiral`, `damped_oscillator`, `lotka_volterra`, `van_der_pol`, `selkov`, `duffing`,
        `lorenz`, `rossler`.
    options
        `breaking` of `hopf` and `cubic_spiral`.

    Raises
    ------
    ValueError
        For an unknown name.

    Examples
    --------
    >>> import symdyn as sd
    >>> sd.systems.exact_law("van_der_pol")
    VectorField on (x, y)
      f_x = y
      f_y = −x + y − x^2 y
    >>> sd.systems.exact_law("hopf", breaking=0.2).equations()[0]
    '0.5 x − 1.3 y − 1.2 x^3 − x y^2'
    """
    if name not in LAWS:
        raise ValueError(f"unknown system {name!r}; known are {', '.join(LAWS)}")
    return LAWS[name](**options)
