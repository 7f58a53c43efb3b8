"""Laws and generators as text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["equation_lines", "field_text"]


def equation_lines(coefficients: np.ndarray, names: Sequence[str], precision: int = 3) -> list[str]:
    """Right-hand sides, one string an output; terms with coefficient 0 are left out.

    Parameters
    ----------
    coefficients : ndarray, `(output, feature)`
    names : sequence of str
        Names of the features.
    precision : int
        Significant digits.
    """
    return [_sum([(value, name) for value, name in zip(row, names, strict=True)], precision) for row in coefficients]


def field_text(coefficients, names, states, *, time_scaling=0.0, precision=3, tiny=5e-4) -> str:
    """A generator as a differential operator: `y ∂x − x ∂y`, time written `t ∂t`.

    Coefficients below `tiny` times the largest are not shown; if that is above the printed precision, an ellipsis
    stands for them.
    """
    largest = max(np.abs(coefficients).max(initial=0.0), abs(time_scaling))
    terms = [
        (coefficients[i, f], f"{'' if names[f] == '1' else names[f] + ' '}∂{state}")
        for i, state in enumerate(states)
        for f in range(len(names))
    ]
    terms.append((time_scaling, "t ∂t"))
    shown = _sum([(v, n) for v, n in terms if abs(v) > tiny * largest], precision)
    hidden = tiny > 10**-precision and any(10**-precision * largest < abs(v) <= tiny * largest for v, _ in terms)
    return shown + (" + …" if hidden else "")


def _sum(terms, precision):
    pieces = []
    for value, name in terms:
        if value == 0:
            continue
        sign = "−" if value < 0 else "+"
        size = f"{abs(value):.{precision}g}"
        body = size if name == "1" else name if size == "1" else f"{size} {name}"
        pieces.append(f"{sign} {body}" if pieces else f"−{body}" if value < 0 else body)
    return " ".join(pieces) or "0"
