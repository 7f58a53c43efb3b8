"""The words that options take, with one line on each."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

from symdyn import datasets
from symdyn.functions.features import CentralForce, Fourier, Polynomial
from symdyn.functions.words import FEATURES
from symdyn.lie import candidates, groups
from symdyn.lie.words import CANDIDATES, ELEMENTS, TIME

__all__ = ["words", "written"]

_HEADS = {
    "candidates": "Candidates (--candidates), joined by +, such as se+scalings or polynomial:3",
    "elements": "Finite elements (--elements), joined by +, such as sign_flips+permutations; none for none",
    "laws": "Function libraries (--law, --conserved), joined by +, such as polynomial:3",
    "systems": "Systems that a sweep may name (system = ...), all functions of symdyn.systems",
    "datasets": "Data sets that ship with symdyn, functions of symdyn.datasets",
}
_LIBRARIES = {"polynomial": Polynomial, "central": CentralForce, "fourier": Fourier}
_WRITTEN = {"polynomial": "polynomial:DEGREE", "central": "central:FIRST-LAST", "fourier": "fourier:ORDER"}
_OF_TIME = {"time_scaling": "the rescaling of time.", "time_translation": "the translation of time."}


def words(kinds: Sequence[str]) -> dict[str, dict[str, str]]:
    """Return `{kind: {word: what it is}}`."""
    return {kind: _FINDERS[kind]() for kind in kinds}


def written(found: dict[str, dict[str, str]]) -> str:
    """Write the lists as text."""
    parts = []
    for kind, entries in found.items():
        width = max(map(len, entries))
        parts.append("\n".join([_HEADS[kind], *(f"  {word:{width}}  {text}" for word, text in entries.items())]))
    return "\n\n".join(parts)


def _candidates() -> dict[str, str]:
    return {word: _first_line(getattr(candidates, word)) for word in CANDIDATES} | {
        word: _OF_TIME[word] for word in TIME
    }


def _elements() -> dict[str, str]:
    return {word: _first_line(getattr(groups, word)) for word in ELEMENTS}


def _laws() -> dict[str, str]:
    return {_WRITTEN[word]: _first_line(_LIBRARIES[word]) for word in FEATURES}


def _systems() -> dict[str, str]:
    import symdyn.systems
    from symdyn.runs.experiments import known_systems

    return {name: _first_line(getattr(symdyn.systems, name)) for name in known_systems()}


def _datasets() -> dict[str, str]:
    return {name: f"{_first_line(getattr(datasets, name))} {datasets.path(name)}" for name in datasets.NAMES}


_FINDERS = {
    "candidates": _candidates,
    "elements": _elements,
    "laws": _laws,
    "systems": _systems,
    "datasets": _datasets,
}


def _first_line(described: Any) -> str:
    text = (inspect.getdoc(described) or "").split("\n\n")[0]
    text = " ".join(text.split()).partition(" See `simulate_field`")[0]
    return text.removeprefix("Build ").removeprefix("Open ")
