"""Words for functions: `polynomial:3`, `fourier:2`, `central:0-5`; and how words are read.

Words are joined by `+`; a number comes after a colon, or in brackets, where `so(3)` may say the number of states, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from functools import reduce
from operator import add
from typing import NamedTuple

from symdyn.functions.fourier import Fourier
from symdyn.functions.monomials import Polynomial
from symdyn.functions.radial import CentralForce
from symdyn.functions.space import Features

__all__ = ["FEATURES", "Word", "did_you_mean", "parse_features", "read_words", "whole_number"]

FEATURES = ("polynomial", "central", "fourier")
_ALIASES = {"aff": "affine", "sp": "symplectic", "poly": "polynomial"}


class Word(NamedTuple):
    """Hold a word, its number (after a colon), and the size in brackets, as texts, empty where absent."""

    name: str
    number: str
    size: str


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean 'planets'?` for the nearest of known words, or nothing."""
    known = list(map(str, known))
    small = {name.lower(): name for name in known}
    near = get_close_matches(word, known, n=1) or get_close_matches(word.lower(), small, n=1)
    return f"; did you mean {small.get(near[0], near[0])!r}?" if near else ""


def read_words(text: str, known: Sequence[str]) -> list[Word]:
    """Split a text into known words.

    Raises
    ------
    ValueError
        For an unknown word; the message names the nearest known one.
    """
    found = []
    for word in text.replace(" ", "").split("+"):
        parts = re.fullmatch(r"([^:(]*)(?:\(([^)]*)\))?(?::([^()]*))?", word)
        name = _ALIASES.get(parts[1].lower(), parts[1].lower()) if parts else word
        if parts is None or name not in known:
            raise ValueError(f"{name!r} in {text!r} is none of {', '.join(known)}{did_you_mean(name, known)}")
        found.append(Word(name, parts[3] or "", parts[2] or ""))
    return found


def whole_number(name: str, argument: str, default: int) -> int:
    """Return the number of a word, or the default if it has none."""
    if not argument:
        return default
    if not argument.isdigit():
        raise ValueError(f"{name}:{argument} does not end in a whole number")
    return int(argument)


def parse_features(text: str, n: int) -> Features:
    """Read functions of n states: `polynomial:3`, `fourier:2`, or `central:0-5` (q |q|^-k on the first half of them).

    Raises
    ------
    ValueError
        For unknown names and invalid numbers; the message lists the known ones.
    """
    return reduce(add, [_feature(term, n) for term in read_words(text, FEATURES)])


def _feature(term: Word, n: int) -> Features:
    number = term.number or term.size
    if term.name == "polynomial":
        return Polynomial(whole_number(term.name, number, 3))
    if term.name == "central":
        low, _, high = (number or "0-5").partition("-")
        first, last = whole_number(term.name, low, 0), whole_number(term.name, high or low, 5)
        return CentralForce(range(first, last + 1), columns=range(n // 2))
    return Fourier(whole_number(term.name, number, 1))
