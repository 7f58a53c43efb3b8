"""What a user asks a search for: generators and finite elements, each in a set of its own."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import TYPE_CHECKING

import numpy as np

from symdyn.lie import groups
from symdyn.lie.candidates import translations
from symdyn.lie.constraints.matching import matched
from symdyn.lie.groups import Elements
from symdyn.lie.vectorfields import Generators
from symdyn.lie.words import as_candidates

if TYPE_CHECKING:
    import dask.array as da

__all__ = ["asked_at_points", "split"]

_MANY = 20  # states; more than there are samples of them lie on their side


def split(candidates: Sequence[Generators | Elements]) -> tuple[Generators, Elements]:
    """Split candidates into generators and finite elements, either of which may be none.

    Raises
    ------
    ValueError
        For no candidates at all.
    """
    parts = list(candidates)
    if not parts:
        raise ValueError("candidates are empty: give generators, elements, or both")
    n = len(parts[0].states)
    nothing = translations(n).combine(np.zeros((0, n)))
    generators = reduce(add, [part for part in parts if isinstance(part, Generators)] or [nothing])
    elements = [part for part in parts if isinstance(part, Elements)]
    return generators, reduce(add, elements) if elements else groups.element(np.eye(n)).subset([])


def asked_at_points(
    candidates, points: np.ndarray | da.Array, name: str = "points", states: Sequence[str] | None = None
) -> tuple[Generators, Elements]:
    """Split the candidates of a search at points `(sample, state)`, elements with the generators' names of states.

    Parameters
    ----------
    candidates : str, Generators, Elements, LieAlgebra, or a list of these
        Words stand for as many states as the points have.
    points : ndarray or dask array
    name : str
        What the points are called.
    states : sequence of str, optional
        The names of the columns of the points, where they have any: candidates are matched by them.

    Raises
    ------
    TypeError
        For candidates that are none.
    ValueError
        For words that mean nothing, and points with another number of states.
    """
    shape = points.shape
    if len(shape) == 2 and shape[1] > max(_MANY, shape[0]):
        raise ValueError(f"{name} hold {shape[1]} states of {shape[0]} samples: transpose them to (sample, state)")
    parts = as_candidates(candidates, shape[1] if len(shape) == 2 else 1, states)
    if states is not None:
        parts = matched(parts, states)
    generators, elements = split(parts)
    sizes = {len(part.states) for part in parts}
    if len(sizes) > 1:
        raise ValueError(f"the candidates act on different numbers of states: {sorted(sizes)}")
    n = sizes.pop()
    if len(shape) != 2 or shape[1] != n or not shape[0] > 0:
        raise ValueError(f"{name} must have shape (sample, {n}), got {tuple(shape)}")
    if len(generators):
        elements = matched([elements], generators.states)[0]
    return generators, elements
