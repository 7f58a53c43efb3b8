"""Laws and candidates that suit data of a given size, and values that look like mistakes."""

from __future__ import annotations

from collections.abc import Sequence
from math import comb, tau

import numpy as np

from symdyn.cli.cost import MOST_FEATURES, ROWS_PER_FEATURE
from symdyn.functions.words import parse_features
from symdyn.jets.pointfields import point_candidates
from symdyn.lie.words import parse_candidates

__all__ = ["candidates_for", "exchanged", "field_candidates_for", "laws_for", "suspected_angle"]

_DEGREES = range(1, 6)
_WORDS = ("translations", "so", "se", "scalings", "gl", "affine", "polynomial:2", "polynomial:3")
_MOST_CANDIDATES = 200
_FULL_TURNS = {"degree": 360.0, "rad": tau}
_SPAN, _JUMP, _USUAL = (0.9, 1.2), (0.8, 1.05), 0.1  # of a full turn: of wrapped angles, where they wrap, elsewhere
_FEW, _MANY = 20, 20  # samples of a run, and runs over samples, from which on runs and times look exchanged


def laws_for(n_rows: int, n_variables: int, *, second_order: bool = False) -> list[dict[str, int | bool | str]]:
    """List laws: their functions, rows for each function, and whether these are enough."""
    sizes = {f"polynomial:{degree}": comb(n_variables + degree, degree) for degree in _DEGREES}
    sizes = {law: size for law, size in sizes.items() if size <= 2 * MOST_FEATURES or law == "polynomial:1"}
    if second_order and n_variables >= 4:
        sizes["central:0-5"] = parse_features("central:0-5", n_variables).size(n_variables)
    return [
        {"law": law, "functions": size, "rows_each": n_rows // size,
         "fits": size <= MOST_FEATURES and n_rows >= ROWS_PER_FEATURE * size}
        for law, size in sizes.items()
    ]  # fmt: skip


def candidates_for(n_moved: int, *, second_order: bool = False) -> dict[str, int]:
    """Return words for candidates on a number of states, with the number of generators of each."""
    words = [*_WORDS, *(["gl+time_scaling"] if second_order else [])]
    bounded = [word for word in words if _n_polynomial(word, n_moved) <= _MOST_CANDIDATES]
    found = {word: len(parse_candidates(word, n_moved)) for word in bounded if n_moved > 1 or word not in ("so", "se")}
    return {word: size for word, size in found.items() if size}


def _n_polynomial(word: str, n: int) -> int:
    name, _, degree = word.partition(":")
    return n * comb(n + int(degree), int(degree)) if name == "polynomial" else n * (n + 1)


def field_candidates_for(coordinates: Sequence[str], fields: Sequence[str]) -> dict[str, int]:
    """Return degrees of point symmetries, as words, with the number of generators of each."""
    return {f"degree {degree}:": len(point_candidates(degree, coordinates, fields)) for degree in (1, 2)}


def suspected_angle(values: np.ndarray, unit: str) -> str:
    """Return the unit of angle that the values of a column `(time,)` suggest but no attribute declares, or nothing.

    Wrapped angles span a full turn, and jump by one between samples that else lie close.
    """
    steps = np.abs(np.diff(values))
    if unit not in ("", "1", "rad", "radian", "radians") or not steps.size:
        return ""
    for name, turn in _FULL_TURNS.items():
        spans = _SPAN[0] <= np.ptp(values) / turn <= _SPAN[1]
        jumps = np.any((steps > _JUMP[0] * turn) & (steps < _JUMP[1] * turn))
        if spans and jumps and np.median(steps) < _USUAL * turn and not (unit.startswith("rad") and name == "rad"):
            return name
    return ""


def exchanged(n_runs: int, longest: int, shortest: int, n_variables: int) -> list[str]:
    """Say which axes of the data look exchanged."""
    if shortest <= n_variables:
        return ["fewer samples than states: are rows and columns exchanged?"]
    if longest <= _FEW and n_runs >= _MANY * longest:
        return [f"{n_runs} trajectories of {longest} samples: are trajectories and times exchanged?"]
    return []
