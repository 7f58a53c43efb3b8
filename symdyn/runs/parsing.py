"""Candidates, elements and features as the command line writes them: `se+scalings`, `polynomial:3`, `central:0-5`."""

from __future__ import annotations

from functools import reduce
from operator import add

from symdyn.lie import candidates, features, groups
from symdyn.lie.features import Features
from symdyn.lie.fields import Generators
from symdyn.lie.groups import Elements

__all__ = ["parse_candidates", "parse_elements", "parse_features"]

_CANDIDATES = ("translations", "so", "se", "gl", "affine", "scalings", "symplectic", "polynomial", "lorentz")
_ELEMENTS = ("sign_flips", "permutations", "cyclic")
_FEATURES = ("polynomial", "central", "fourier")


def parse_candidates(text: str, n: int, *, time_scaling: bool = False, time_translation: bool = False) -> Generators:
    """Generators on n states, such as `affine`, `translations+so`, `polynomial:3`, `lorentz:1`.

    Parameters
    ----------
    text : str
        Names joined by `+`; after a colon the degree of `polynomial`, or the number of minus signs of `lorentz`.
    n : int
    time_scaling, time_translation : bool
        Whether time may be rescaled, and moved, too.
    """
    parts = [_candidate(name, argument, n) for name, argument in _terms(text, _CANDIDATES)]
    spatial = reduce(add, parts)
    if not (time_scaling or time_translation):
        return spatial
    return candidates.with_time(spatial, rescaled=time_scaling, translated=time_translation)


def parse_elements(text: str, n: int) -> Elements | None:
    """Finite groups on n states, such as `sign_flips+permutations`; None for `none`."""
    if text == "none":
        return None
    return reduce(add, [getattr(groups, name)(n) for name, _ in _terms(text, _ELEMENTS)])


def parse_features(text: str, n: int) -> Features:
    """Functions of n states: `polynomial:3`, `fourier:2`, or `central:0-5` (q |q|^-k on the first half of them).

    Raises
    ------
    ValueError
        For names and numbers that mean nothing, saying which do.
    """
    return reduce(add, [_feature(name, argument, n) for name, argument in _terms(text, _FEATURES)])


def _terms(text, known):
    for term in text.replace(" ", "").split("+"):
        name, _, argument = term.partition(":")
        if name not in known:
            raise ValueError(f"{name!r} in {text!r} is none of {', '.join(known)}")
        yield name, argument


def _candidate(name, argument, n):
    if name == "polynomial":
        return candidates.polynomial(n, _number(name, argument, 3))
    if name == "lorentz":
        minus = _number(name, argument, 1)
        return candidates.lorentz(minus, n - minus)
    if argument:
        raise ValueError(f"{name} takes no number, got {argument!r}")
    return getattr(candidates, name)(n)


def _feature(name, argument, n):
    if name == "polynomial":
        return features.Polynomial(_number(name, argument, 3))
    if name == "central":
        low, _, high = (argument or "0-5").partition("-")
        first, last = _number(name, low, 0), _number(name, high or low, 5)
        return features.CentralForce(range(first, last + 1), columns=range(n // 2))
    return features.Fourier(_number(name, argument, 1))


def _number(name, argument, default):
    if not argument:
        return default
    if not argument.isdigit():
        raise ValueError(f"{name}:{argument} does not end in a whole number")
    return int(argument)
