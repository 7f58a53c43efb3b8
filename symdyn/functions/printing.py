"""Laws and generators as text and LaTeX."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from symdyn.functions.features import Features, Monomials, Polynomial, Sum, polynomial_exponents

__all__ = [
    "FUNCTIONS",
    "equation_latex",
    "equation_lines",
    "field_latex",
    "field_text",
    "monomial_exponents",
    "simple_fraction",
    "state_latex",
    "with_states",
]

_GREEK = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi chi psi "
    "omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega"
).split()
FUNCTIONS = ("sinh", "cosh", "tanh", "sin", "cos", "tan", "exp", "log", "sqrt")


def equation_lines(coefficients: np.ndarray, names: Sequence[str], precision: int = 3) -> list[str]:
    """Write right-hand sides, one string per output; terms with coefficient 0 are left out.

    Parameters
    ----------
    coefficients : ndarray, `(output, feature)`
    names : sequence of str
        Names of the features.
    precision : int
        Significant digits.
    """
    return [_sum([(value, name) for value, name in zip(row, names, strict=True)], precision) for row in coefficients]


def equation_latex(
    coefficients: np.ndarray, features: Features, states: Sequence[str], precision: int = 3, most: int | None = None
) -> list[str]:
    r"""Write right-hand sides in LaTeX, one string per output; terms with coefficient 0 are left out.

    Parameters
    ----------
    coefficients : ndarray, `(output, feature)`
    features : Features
    states : sequence of str
    precision : int
        Significant digits.
    most : int, optional
        Number of terms after which dots replace the rest.
    """
    names, lines = _feature_latex(features, states), []
    for row in coefficients:
        pieces, terms = [], [(value, name) for value, name in zip(row, names, strict=True) if value]
        for value, name in terms[:most]:
            size = _latex_number(abs(value), False, precision)
            body = size if name == "1" else name if size == "1" else rf"{size}\,{name}"
            pieces.append(f"{'- ' if value < 0 else '+ '}{body}" if pieces else f"-{body}" if value < 0 else body)
        dots = [r"+ \ldots"] if len(terms) > len(pieces) else []
        lines.append(" ".join([*pieces, *dots]) or "0")
    return lines


def field_text(coefficients, names, states, *, time_scaling=0.0, precision=3, tiny=5e-4, sizes=None) -> str:
    """Write a generator as a differential operator: `y ∂x − x ∂y`, and `t ∂t` for time.

    Terms below `tiny` times the largest are not shown; if that is above the printed precision, an ellipsis stands for
    them. Their size is that of the coefficient, times `sizes` `(coefficient,)`, time last, where these are given.
    """
    values = np.append(np.ravel(coefficients), time_scaling)
    weights = np.abs(values) * (1.0 if sizes is None else sizes)
    largest = weights.max(initial=0.0)
    kept = weights > tiny * largest
    labels = {k: _operator(k, names, states) for k in np.flatnonzero(kept)}  # of many terms few are shown
    shown = _sum([(values[k], label) for k, label in labels.items()], precision)
    hidden = tiny > 10**-precision and np.any(~kept & (weights > 10**-precision * largest))
    return shown + (" + …" if hidden else "")


def _operator(place: int, names: Sequence[str], states: Sequence[str]) -> str:
    """Write the term at a place among those of all states, time last."""
    state, name = divmod(place, len(names))
    if state == len(states):
        return "t ∂t"
    return f"{'' if names[name] == '1' else names[name] + ' '}∂{states[state]}"


def _sum(terms: Sequence[tuple[float, str]], precision: int) -> str:
    pieces = []
    for value, name in terms:
        if value == 0:
            continue
        sign = "−" if value < 0 else "+"
        size = f"{abs(value):.{precision}g}"
        body = size if name == "1" else name if size == "1" else f"{size} {name}"
        pieces.append(f"{sign} {body}" if pieces else f"−{body}" if value < 0 else body)
    return " ".join(pieces) or "0"


def field_latex(
    coefficients, features: Features, states, *, time_scaling=0.0, exact=False, precision=3, tiny=5e-4, sizes=None
):
    r"""Write a generator as a differential operator in LaTeX: `y\,\partial_x - x\,\partial_y`.

    Parameters
    ----------
    coefficients : ndarray, `(state, feature)`
    features : Features
    states : sequence of str
    time_scaling : float
        The rate of time tau, written `\tau\,t\,\partial_t`.
    exact : bool
        Simple fractions are written as fractions.
    precision : int
        Significant digits of other numbers.
    tiny : float
        Coefficients below this fraction of the largest are not shown; of an exact field only rounding is left out.
    sizes : ndarray, `(coefficient,)`, optional
        Sizes on the data of the terms with coefficient 1, time last; terms are then judged small by their size on the
        data, for exact fields too.
    """
    names = _feature_latex(features, states)
    operators = [rf"\partial_{_braced(state_latex(state))}" for state in states]
    terms = [
        (value, operator if name == "1" else rf"{name}\,{operator}")
        for row, operator in zip(coefficients, operators, strict=True)
        for value, name in zip(row, names, strict=True)
    ]
    terms.append((time_scaling, r"t\,\partial_t"))
    sizes_or_one = np.ones(len(terms)) if sizes is None else sizes
    weights = [abs(value) * size for (value, _), size in zip(terms, sizes_or_one, strict=True)]
    least = (1e-12 if exact and sizes is None else tiny) * max(weights)
    pieces = []
    for (value, body), weight in zip(terms, weights, strict=True):
        if weight <= least:
            continue
        size = _latex_number(abs(value), exact, precision)
        sign = ("- " if value < 0 else "+ ") if pieces else ("-" if value < 0 else "")
        pieces.append(sign + (body if size == "1" else rf"{size}\,{body}"))
    return " ".join(pieces) or "0"


def state_latex(name: str) -> str:
    r"""Write the name of a state in LaTeX: `x_{0}` for `x0`, `v_{x}` for `vx`, `\theta`, `u_{xx}`; words upright."""
    if len(name) == 1:
        return name if name.isalnum() else rf"\{name}" if name in "#$%&_{}" else name
    if name in _GREEK:
        return rf"\{name}"
    head, _, index = name.partition("_")
    if head and index:
        return rf"{state_latex(head)}_{{{_upright_escaped(index)}}}"
    numbered = re.fullmatch(r"([A-Za-z]+?)(\d+)", name)
    if numbered:
        base, digits = numbered.groups()
        # `vx0` is the velocity of x0, so both go below v.
        return rf"v_{{{base[1]}{digits}}}" if re.fullmatch("v[a-z]", base) else rf"{state_latex(base)}_{{{digits}}}"
    if re.fullmatch("v[a-z]", name):
        return rf"v_{{{name[1]}}}"
    return rf"\mathrm{{{_upright_escaped(name)}}}"


def _upright_escaped(text: str) -> str:
    return re.sub(r"([#$%&_{}])", r"\\\1", text)


def _braced(text: str) -> str:
    return text if len(text) == 1 else f"{{{text}}}"


def simple_fraction(value: float) -> Fraction | None:
    """Return the simple fraction that a number equals up to rounding, or None."""
    near = Fraction(float(value)).limit_denominator(1000)
    return near if abs(float(near) - value) <= 1e-12 * abs(value) else None


def _latex_number(value: float, exact: bool, precision: int) -> str:
    fraction = simple_fraction(value) if exact else None
    if fraction is not None:
        top, bottom = fraction.numerator, fraction.denominator
        return str(top) if bottom == 1 else rf"\tfrac{{{top}}}{{{bottom}}}"
    mantissa, _, exponent = f"{value:.{precision}g}".partition("e")
    return rf"{mantissa} \times 10^{{{int(exponent)}}}" if exponent else mantissa


def monomial_exponents(features: Features, n_states: int) -> np.ndarray | None:
    """Return the exponents `(feature, state)` of polynomial features, None for any others."""
    if isinstance(features, Monomials):
        return np.array(features.exponents, dtype=int)
    if not isinstance(features, Polynomial):
        return None
    columns = list(range(n_states)) if features.columns is None else list(features.columns)
    inner = polynomial_exponents(len(columns), features.degree, features.constant)
    exponents = np.zeros((len(inner), n_states), dtype=int)
    exponents[:, columns] = inner
    return exponents


def _feature_latex(features: Features, states: Sequence[str]) -> list[str]:
    if isinstance(features, Sum):
        return [name for part in features.parts for name in _feature_latex(part, states)]
    symbols = [state_latex(state) for state in states]
    exponents = monomial_exponents(features, len(states))
    if exponents is None:
        return [_formula_latex(name, states) for name in features.names(states)]
    rows = [[s if a == 1 else f"{s}^{{{a}}}" for s, a in zip(symbols, row, strict=True) if a] for row in exponents]
    return [" ".join(row) or "1" for row in rows]


def _formula_latex(name: str, states: Sequence[str]) -> str:
    """Write the name of a feature, such as `x |q|^-3` or `sin(2 x)`, in LaTeX."""
    text = with_states(name, states, [state_latex(state) for state in states], "|q|")
    text = re.sub(rf"(?<![\\A-Za-z])({'|'.join(FUNCTIONS)})\b", r"\\\1", text)
    text = re.sub(r"(?<![\\\w])pi(?=/)", r"\\pi", text)  # `sin(pi/180 x)`
    text = re.sub(r"(?<![\w.^{])1(?:\.0*)? (?=[A-Za-z\\])", "", text)  # `sin(1 x)`
    return re.sub(r"(?:\^|\*\*)(-?\d+(?:\.\d+)?)", r"^{\1}", text)


def with_states(text: str, states: Sequence[str], replacements: Sequence[str], distance: str) -> str:
    """Rename the states of a formula, all at once, longest names first; |q|, no state, becomes `distance`."""
    table = {"|q|": distance, **dict(zip(states, replacements, strict=True))}
    words = "|".join(re.escape(state) for state in sorted(states, key=len, reverse=True))
    return re.sub(rf"\|q\||(?<!\w)(?:{words})(?!\w)", lambda found: table[found.group()], text)
