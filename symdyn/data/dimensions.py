"""What a unit measures, and how much of it: `km/h` is a length over a time, 1/3.6 m/s.

Metres, seconds, grams, kelvins, amperes, moles, candelas and radians with SI prefixes, the other units in common use,
and their products, quotients and integer powers. Unknown words (`counts`, `degC`, `time unit`) are units of a dimension
of their own: they cancel and can be compared, but cannot be converted.
"""

from __future__ import annotations

import re
from functools import lru_cache
from math import pi
from typing import NamedTuple

__all__ = ["ANGLE", "TIME", "Unit", "unit_of"]

_PREFIXES = {"da": 1e1, "h": 1e2, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15}
_PREFIXES |= {"d": 1e-1, "c": 1e-2, "m": 1e-3, "u": 1e-6, "n": 1e-9, "p": 1e-12, "f": 1e-15}
_SPELLED = {"kilo": 1e3, "mega": 1e6, "giga": 1e9, "centi": 1e-2, "milli": 1e-3, "micro": 1e-6, "nano": 1e-9}
# In metres, grams, seconds, kelvins, amperes, moles, candelas and radians.
_BASE = ("m", "g", "s", "K", "A", "mol", "cd", "rad")
_PREFIXED = {
    **{name: (1.0, name) for name in _BASE},
    "N": (1e3, "g m s-2"),
    "Pa": (1e3, "g m-1 s-2"),
    "J": (1e3, "g m2 s-2"),
    "W": (1e3, "g m2 s-3"),
    "V": (1e3, "g m2 s-3 A-1"),
    "C": (1.0, "A s"),
    "F": (1e-3, "A2 s4 g-1 m-2"),
    "Hz": (1.0, "s-1"),
    "L": (1e-3, "m3"),
    "l": (1e-3, "m3"),
    "bar": (1e8, "g m-1 s-2"),
    "eV": (1.602176634e-16, "g m2 s-2"),
    "pc": (3.0856775814913673e16, "m"),
    "yr": (31557600.0, "s"),
}
_ALONE = {
    "min": (60.0, "s"),
    "h": (3600.0, "s"),
    "day": (86400.0, "s"),
    "week": (604800.0, "s"),
    "month": (2629800.0, "s"),
    "au": (149597870700.0, "m"),
    "ly": (9460730472580800.0, "m"),
    "in": (0.0254, "m"),
    "ft": (0.3048, "m"),
    "mi": (1609.344, "m"),
    "deg": (pi / 180, "rad"),
    "arcmin": (pi / 10800, "rad"),
    "arcsec": (pi / 648000, "rad"),
    "mas": (pi / 648e6, "rad"),
    "turn": (2 * pi, "rad"),
    "atm": (1.01325e8, "g m-1 s-2"),
}
_WORDS = {"metre": "m", "meter": "m", "second": "s", "sec": "s", "gram": "g", "radian": "rad", "parsec": "pc"}
_WORDS |= {"minute": "min", "hour": "h", "hr": "h", "d": "day", "year": "yr", "a": "yr", "annum": "yr", "wk": "week"}
_WORDS |= {"kelvin": "K", "ampere": "A", "mole": "mol", "newton": "N", "pascal": "Pa", "joule": "J", "watt": "W"}
_WORDS |= {"volt": "V", "hertz": "Hz", "litre": "L", "liter": "L", "foot": "ft", "feet": "ft", "inch": "in"}
_WORDS |= {"mile": "mi", "degree": "deg", "°": "deg", "degree_north": "deg", "degree_east": "deg"}
_WORDS |= {"degrees_north": "deg", "degrees_east": "deg", "rev": "turn", "revolution": "turn"}
_SIGNS = {"**": "^", "*": " ", "·": " ", "⋅": " ", "µ": "u", "μ": "u", "⁻": "-"}
_SIGNS |= dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789", strict=True))


class Unit(NamedTuple):
    """`factor` times the base units of a `dimension`: pairs of a base unit and its power, sorted.

    `angle` is the part of the factor that is due to angles: pi/180 of `deg/min`.
    """

    factor: float
    dimension: tuple[tuple[str, int], ...]
    angle: float = 1.0


ANGLE = (("rad", 1),)
TIME = (("s", 1),)


@lru_cache(maxsize=1024)
def unit_of(text: str) -> Unit | None:
    """Parse the unit in a text such as `m s-1`, `km/h`, `kg m^2/s^2`, `days since 2000-01-01`; None for an empty one.

    Each `/` divides by the one factor, or the bracket, that follows it.

    Examples
    --------
    >>> from symdyn.data.dimensions import unit_of
    >>> speed = unit_of("km/h")
    >>> round(speed.factor, 4), speed.dimension
    (0.2778, (('m', 1), ('s', -1)))
    """
    text = text.partition(" since ")[0].strip()
    for sign, meaning in _SIGNS.items():
        text = text.replace(sign, meaning)
    tokens = re.findall(r"[()/]|[^\s()/]+", text)
    try:
        found = _product(tokens, 0)[0] if tokens else None
    except OverflowError:
        found = Unit(0.0, ())
    # A number in a name, such as `km2020`, was read as a power.
    return Unit(1.0, ((text.lower(), 1),)) if found is not None and found.factor == 0 else found


def _product(tokens: list[str], start: int) -> tuple[Unit, int]:
    """Return the unit of the tokens from `start` to the bracket that closes, and where that is."""
    found, unknown, place, sign = [], "", start, 1
    while place < len(tokens) and tokens[place] != ")":
        token = tokens[place]
        if token == "/":
            sign, unknown = -1, ""
        elif token == "(":
            inner, place = _product(tokens, place + 1)
            found.append((inner, sign))
            sign, unknown = 1, ""
        else:
            name, power = _name_and_power(token)
            known = _known(name)
            if known is None and unknown not in ("", name):  # a unit of several words
                sign = found.pop()[1]
                name = f"{unknown} {name}"
            found.append((known or Unit(1.0, ((name.lower(), 1),)), sign * power))
            unknown = name if known is None and power == 1 else ""
            sign = 1
        place += 1
    return _joined(found), place


def _joined(parts: list[tuple[Unit, int]]) -> Unit:
    factor, angle, powers = 1.0, 1.0, {}
    for unit, power in parts:
        factor, angle = factor * unit.factor**power, angle * unit.angle**power
        for base, exponent in unit.dimension:
            powers[base] = powers.get(base, 0) + exponent * power
    return Unit(factor, tuple(sorted((base, power) for base, power in powers.items() if power)), angle)


def _name_and_power(token: str) -> tuple[str, int]:
    """Split `m-2` or `m^-2` into `m` and −2; return the whole as a name where it is no unit with a whole power."""
    found = re.fullmatch(r"([^\W\d]+|°|%)(?:\^?([+-]?\d+))?", token)
    return (found[1], int(found[2] or 1)) if found else (token, 1)


def _known(name: str) -> Unit | None:
    if re.fullmatch(r"\d+(\.\d+)?(e[+-]?\d+)?", name) and float(name) > 0:
        return Unit(float(name), ())
    tries = (name, name.lower()) if len(name) > 1 else (name,)
    return next((unit for unit in map(_prefixed, tries) if unit is not None), None)


def _prefixed(name: str) -> Unit | None:
    """Look up a unit of the tables, in the singular or plural, with or without a prefix."""
    short = _short(name)
    if short is not None:
        return _entry(*(_ALONE.get(short) or _PREFIXED[short]))
    for prefixes, table in ((_SPELLED, _WORDS), (_PREFIXES, _PREFIXED)):
        for prefix, size in prefixes.items():
            rest = name.removeprefix(prefix)
            if rest != name and (rest in table or (table is _WORDS and rest.removesuffix("s") in table)):
                short = _WORDS[rest if rest in table else rest.removesuffix("s")] if table is _WORDS else rest
                if short in _PREFIXED:
                    factor, bases = _PREFIXED[short]
                    return _entry(factor * size, bases)
    return None


def _short(name: str) -> str | None:
    singular = name.removesuffix("s") if len(name) > 2 else name
    for spelled in (name, singular):
        short = _WORDS.get(spelled, spelled)
        if short in _ALONE or short in _PREFIXED:
            return short
    return None


def _entry(factor: float, bases: str) -> Unit:
    powers = dict(_name_and_power(part) for part in bases.split())
    return Unit(factor, tuple(sorted(powers.items())), factor if set(powers) == {"rad"} else 1.0)
