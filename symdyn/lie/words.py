"""Candidates, elements and symmetries in words: `se+scalings`, `polynomial:3`, `so(3)`.

The same words on the command line and wherever Python takes one of these. Words are joined by `+`; a number comes after
a colon, or in brackets, where `so(3)` may say the number of states, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add

import numpy as np

from symdyn.functions.words import Word, read_words, whole_number
from symdyn.lie import candidates, groups
from symdyn.lie.groups import Elements
from symdyn.lie.vectorfields import Generators, VectorField

__all__ = ["CANDIDATES", "ELEMENTS", "TIME", "as_candidates", "parse_candidates", "parse_elements", "parse_symmetry"]

CANDIDATES = ("translations", "so", "se", "gl", "affine", "scalings", "symplectic", "polynomial", "lorentz")
TIME = ("time_scaling", "time_translation")
ELEMENTS = ("sign_flips", "permutations", "cyclic")


def parse_candidates(text: str, n: int, *, time_scaling: bool = False, time_translation: bool = False) -> Generators:
    """Read generators on n states, such as `affine`, `translations+so`, `polynomial:3`, `lorentz:1`, `gl+time_scaling`.

    Parameters
    ----------
    text : str
        Names joined by `+`; after a colon the degree of `polynomial`, or the number of minus signs of `lorentz`.
    n : int
    time_scaling, time_translation : bool
        Whether time may be rescaled, and moved, too.

    Raises
    ------
    ValueError
        For names and numbers that mean nothing, saying which do.
    """
    return _generators(read_words(text, (*CANDIDATES, *TIME)), text, n, time_scaling, time_translation)


def parse_elements(text: str, n: int) -> Elements | None:
    """Read finite groups on n states, such as `sign_flips+permutations`; None for `none`."""
    if text == "none":
        return None
    return _elements(read_words(text, ELEMENTS), n)


def parse_symmetry(text: str, n: int) -> list[Generators | Elements]:
    """Read generators and finite groups on n states, such as `so(2)`, `so+sign_flips`: each kind at most once."""
    terms = read_words(text, (*CANDIDATES, *ELEMENTS, *TIME))
    moving, finite = ([t for t in terms if (t.name in ELEMENTS) == is_finite] for is_finite in (False, True))
    found: list[Generators | Elements] = [_generators(moving, text, n, False, False)] if moving else []
    return found + ([_elements(finite, len(found[0].states) if found else n)] if finite else [])


def as_candidates(given, n_states: int, names: Sequence[str] | None = None) -> list[Generators | Elements]:
    """Convert whatever a user gives as candidates to a list of generators and finite elements.

    Parameters
    ----------
    given : str, Generators, Elements, LieAlgebra, VectorField, matrices `(generator, n, n)`, fitted search, or a list
    n_states : int
        How many states words stand for.
    names : sequence of str, optional
        Their names, for what is given in words.

    Raises
    ------
    ValueError
        For words that mean nothing.
    TypeError
        For anything else.
    """
    if isinstance(given, str):
        parts = parse_symmetry(given, n_states)
        # Words may append the time as a state, which keeps its name.
        return [p.renamed((*names, *p.states[n_states:])) for p in parts] if names is not None else parts
    if isinstance(given, Generators | Elements):
        return [given]
    if isinstance(given, VectorField):
        return [Generators(given.features, given.coefficients[None], np.array([given.time_scaling]), given.states)]
    if isinstance(getattr(given, "basis", None), Generators):
        return [given.basis]
    if hasattr(given, "algebra_"):  # a fitted search: what it found
        found = [given.algebra_.basis, getattr(given, "elements_", None)]
        return [part for part in found if part is not None and len(part)]
    if isinstance(given, np.ndarray) and given.dtype.kind in "fiu" and given.ndim in (2, 3):
        return [candidates.from_matrices(given.reshape(-1, *given.shape[-2:]))]
    if isinstance(given, list | tuple):
        matrices = as_matrices(given)
        if matrices is not None:
            return as_candidates(matrices, n_states)
        return [part for member in given for part in as_candidates(member, n_states, names)]
    raise TypeError(
        "candidates are words such as 'affine', come from symdyn.candidates or symdyn.groups, or are matrices, got "
        f"{type(given).__name__}"
    )


def as_matrices(given) -> np.ndarray | None:
    """Convert a nested list of numbers to matrices `(generator, n, n)` or `(n, n)`; None if it is something else."""
    if not isinstance(given, np.ndarray) and not all(isinstance(row, list | tuple | np.ndarray) for row in given):
        return None
    try:
        matrices = np.array(given)
    except (ValueError, TypeError):
        return None
    square = matrices.ndim in (2, 3) and matrices.shape[-1] == matrices.shape[-2]
    return matrices.astype(float) if square and matrices.dtype.kind in "fiu" else None


def _generators(terms: Sequence[Word], text: str, n: int, time_scaling: bool, time_translation: bool) -> Generators:
    names = {term.name for term in terms}
    parts = [_candidate(term, n) for term in terms if term.name not in TIME]
    if not parts:
        raise ValueError(f"{text!r} moves no state: add candidates such as gl, or leave time out")
    rescaled, translated = time_scaling or TIME[0] in names, time_translation or TIME[1] in names
    spatial = reduce(add, parts)
    return (
        candidates.with_time(spatial, rescaled=rescaled, translated=translated) if rescaled or translated else spatial
    )


def _elements(terms: Sequence[Word], n: int) -> Elements:
    for term in terms:
        _check_size(term, n)
    return reduce(add, [getattr(groups, term.name)(n) for term in terms])


def _candidate(term: Word, n: int) -> Generators:
    if term.name == "polynomial":
        return candidates.polynomial(n, whole_number(term.name, term.number or term.size, 3))
    if term.name == "lorentz" or (term.name == "so" and "," in term.size):
        return _lorentz(term, n)
    _check_size(term, n)
    return getattr(candidates, term.name)(n)


def _lorentz(term: Word, n: int) -> Generators:
    """Build so(p, q), from `lorentz:1` or from both numbers in brackets."""
    numbers = term.size.split(",") if term.size else [term.number]
    minus = whole_number(term.name, numbers[0], 1)
    if (len(numbers) == 2 and minus + whole_number(term.name, numbers[1], 0) != n) or minus > n:
        raise ValueError(f"{term.name}({term.size or term.number}) does not act on {n} states")
    return candidates.lorentz(minus, n - minus)


def _check_size(term: Word, n: int) -> None:
    """Check that what is in brackets is the number of states."""
    if term.number:
        raise ValueError(f"{term.name} takes no number, got {term.number!r}")
    if term.size and whole_number(term.name, term.size, n) != n:
        raise ValueError(f"{term.name}({term.size}) acts on {term.size} states, there are {n}")
