"""Numbers, names and sentences as figures and pages write them."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

__all__ = [
    "approximately",
    "element_text",
    "listing",
    "number",
    "output_names",
    "percent",
    "plural",
    "sentence",
    "shorten",
    "unit_text",
    "with_error",
]

_MARKS = {"flow": "'", "second_order": "''", "map": " step"}
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_PLAIN = (-4, 6)  # powers of ten from which on, and below which, a number is written without a power
_MOST_STATES = 6  # that an element is written out for


def number(value: float, digits: int = 3) -> str:
    """Write a number with three significant digits; integers, and numbers that are shorter, as they are.

    A dash stands for what is not known.
    """
    if isinstance(value, int | np.integer):
        return str(value).replace("-", "−")
    value = float(value)
    if not np.isfinite(value):
        return "–" if np.isnan(value) else "−∞" if value < 0 else "∞"
    if value == 0:
        return "0"
    mantissa, power = f"{value:.{digits - 1}e}".split("e")
    short = float(f"{value:.{max(digits - 1, 1)}g}") == value  # 0.1 was given, 0.100 was measured
    if _PLAIN[0] <= int(power) < _PLAIN[1]:
        plain = f"{float(f'{mantissa}e{power}'):.{max(digits - 1 - int(power), 0)}f}"
        return (f"{value:g}" if short and value == float(f"{value:g}") else plain).replace("-", "−")
    head = f"{float(mantissa):g}" if short else mantissa
    return f"10{_raised(int(power))}" if head == "1" else head.replace("-", "−") + f"×10{_raised(int(power))}"


def with_error(value: float, error: float) -> str:
    """Write a number with its standard error in units of its last digit, such as `1.500(3)`.

    The error has one digit, two where the first is a 1.
    """
    if not (np.isfinite(value) and np.isfinite(error) and error > 0):
        return number(value)
    place = int(np.floor(np.log10(error)))
    place -= error / 10.0**place < 1.95
    size = int(np.floor(np.log10(max(abs(value), error))))
    power = 0 if _PLAIN[0] <= size < _PLAIN[1] and place <= 0 else size
    text = f"{value / 10.0**power:.{max(power - place, 0)}f}({round(error / 10.0**place)})"
    return text.replace("-", "−") + (f"×10{_raised(power)}" if power else "")


def _raised(power: int) -> str:
    return str(power).translate(_SUPERSCRIPTS)


def output_names(states: Sequence[str], n_outputs: int, kind: str) -> list[str]:
    """Name what a law gives: rates `x'`, accelerations `x''`, increments `x step` of the first `n_outputs` states."""
    return [f"{state}{_MARKS[kind]}" for state in states[:n_outputs]]


def percent(error: float) -> str:
    """Write a relative error in percent; of a prediction ten times as far away as the truth is large, say so."""
    return f"{100 * error:.2g} %" if error < 1 else f"{100 * error:.0f} %" if error < 10 else "diverges"


def shorten(text: str, width: int, n_words: int = 1) -> str:
    """Cut a text to `width` characters, between words, without the last `n_words` that fit."""
    return text if len(text) <= width else text[: width - 2].rsplit(" ", n_words)[0] + " …"


def approximately(generator: str) -> str:
    """Mark a generator of which only the leading terms are written: `−∂x + …` becomes `≈ ∂x`.

    Its direction is free, so the first term gets a positive sign. Numbers with powers of ten are written as `number`
    writes them.
    """
    generator = re.sub(r"\b\d+(\.\d+)?e[+−-]\d+\b", _shorter, generator)
    if " + …" not in generator:
        return generator
    text = generator.partition(" about ")[0].replace(" + …", "")
    if text.startswith("−"):
        swapped = {" + ": " − ", " − ": " + "}
        text = re.sub(r" [+−] ", lambda found: swapped[found.group()], text[1:])
    return f"≈ {text}"


def _shorter(found: re.Match[str]) -> str:
    return number(float(found.group().replace("−", "-")), 2)


def element_text(element: str, states: Sequence[str]) -> str:
    """Write a finite element as one map: `x -> -x, y -> -y` of the states x, y, z as `(x, y, z) → (−x, −y, z)`."""
    images = dict(part.split(" -> ", 1) for part in element.split(", ") if part.count(" -> ") == 1)
    text = element.replace("->", "→").replace("-", "−")
    if not images or len(images) != element.count(" -> ") or not set(images) <= {*states, "t"}:
        return text
    names = [*(states if len(states) <= _MOST_STATES else [s for s in states if s in images]), *({"t"} & set(images))]
    if len(names) < 2:
        return text
    return f"({', '.join(names)}) → ({', '.join(images.get(s, s) for s in names).replace('-', '−')})"


def listing(texts: Sequence[str], most: int = 8) -> str:
    """Join texts by semicolons; of more than `most` say how many are left out."""
    rest = len(texts) - most
    return "; ".join([*texts[:most], *([f"and {rest} more"] if rest > 0 else [])])


def unit_text(unit: str) -> str:
    """Write a unit as it is read: `au^3/day^2` as `au³/day²`, nothing for pure numbers."""
    return "" if unit == "1" else re.sub(r"\^(-?\d+)", lambda found: found.group(1).translate(_SUPERSCRIPTS), unit)


def plural(count: int, noun: str) -> str:
    """Write a number of things: `1 element`, `3 elements`, `2 trajectories`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun[:-1]}ies" if noun.endswith("y") else f"{count} {noun}s"


def sentence(note: str) -> str:
    """Make a sentence of a note: a capital in front, a full stop behind, and minus signs before numbers."""
    note = re.sub(r"(?<![\w)])-(?=\d)", "−", note)
    return note[0].upper() + note[1:] + "."
