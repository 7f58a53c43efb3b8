"""Finite groups that permute states and change their signs, from generators alone: no list of their elements.

A chain of stabilisers (Sims 1970) writes each element in exactly one way as a product u_1 u_2 ..., one u_k from each of
a few short lists. These give the order of the group, elements drawn with equal chances, and the mean over the group of
anything it acts on: the mean over one list after the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import prod

import numpy as np

from symdyn.lie.groups import Elements

__all__ = ["Chain", "acts_on_signed_states"]

_Signed = tuple[int, ...]  # images of the points +0, -0, +1, -1, ...: 2 j for x_j, 2 j + 1 for -x_j


@dataclass(frozen=True)
class Chain:
    """Hold a group of signed permutations as lists of representatives, one list for each stabiliser.

    `levels` the lists, outermost first, the identity first in each; `bases` the points that tell the representatives
    of each apart; `states` their names; `generators` as given.

    Examples
    --------
    >>> import symdyn as sd
    >>> from symdyn.lie.chains import Chain
    >>> group = Chain.of(sd.groups.permutations(8))
    >>> group.order, sum(len(level) for level in group.levels)
    (40320, 35)
    """

    levels: tuple[tuple[_Signed, ...], ...]
    bases: tuple[int, ...]
    states: tuple[str, ...]
    generators: Elements

    @classmethod
    def of(cls, generators: Elements) -> Chain:
        """Build the chain of the group that elements generate.

        Raises
        ------
        ValueError
            For elements that are no signed permutations, see `acts_on_signed_states`.
        """
        if not np.all(acts_on_signed_states(generators)):
            raise ValueError("a chain is for permutations and changes of sign: list the elements of other groups")
        n = len(generators.states)
        builder = _Builder(2 * n)
        for signed in _signed(generators):
            builder.add(signed, 0)
        long = [k for k, orbit in enumerate(builder.orbits) if len(orbit) > 1]
        levels = tuple(tuple(builder.orbits[k].values()) for k in long)
        return cls(levels, tuple(builder.bases[k] for k in long), generators.states, generators)

    @property
    def order(self) -> int:
        """The number of elements of the group."""
        return prod(len(level) for level in self.levels)

    def contains(self, elements: Elements) -> np.ndarray:
        """Return a mask `(element,)` of those that belong to the group."""
        inside, identity = acts_on_signed_states(elements), tuple(range(2 * len(self.states)))
        tables = [{u[base]: u for u in level} for base, level in zip(self.bases, self.levels, strict=True)]
        for k in np.flatnonzero(inside):
            signed = _signed(elements[int(k)])[0]
            for base, table in zip(self.bases, tables, strict=True):
                found = table.get(signed[base])
                signed = signed if found is None else _after(_inverse(found), signed)
            inside[k] = signed == identity
        return inside

    def searched(self) -> Elements:
        """Return all elements but the identity, and only one of each and its inverse."""
        found: dict[_Signed, None] = {}
        for parts in product(*self.levels):
            signed = _product(iter(parts))
            if _inverse(signed) not in found:
                found[signed] = None
        del found[tuple(range(2 * len(self.states)))]
        return _elements(list(found), self.states)

    def draw(self, count: int, rng: np.random.Generator) -> Elements:
        """Draw elements, each with the same chance."""
        drawn = [_product(level[rng.integers(len(level))] for level in self.levels) for _ in range(count)]
        return _elements(drawn, self.states)

    @cached_property
    def as_elements(self) -> list[Elements]:
        """The lists as elements."""
        return [_elements(level, self.states) for level in self.levels]

    @cached_property
    def reached(self) -> np.ndarray:
        """Whether an element takes x_i to x_j, or to −x_j, `(state, state, 2)`."""
        n, moves = len(self.states), _signed(self.generators)
        links = np.eye(2 * n, dtype=bool)
        for move in moves:
            links[np.arange(2 * n), list(move)] = True
        for middle in range(2 * n):  # Warshall; a finite group goes back by going on
            links |= np.outer(links[:, middle], links[middle])
        return links[::2].reshape(n, n, 2)


class _Builder:
    """Schreier and Sims: orbits of points with representatives, closed under products with the generators."""

    def __init__(self, n_points: int):
        self.identity = tuple(range(n_points))
        self.bases = range(0, n_points, 2)
        self.orbits: list[dict[int, _Signed]] = [{base: self.identity} for base in self.bases]
        self.moves: list[list[_Signed]] = [[] for _ in self.bases]

    def contains(self, signed: _Signed, level: int) -> bool:
        """Check whether an element that keeps all bases before `level` is among the products."""
        for k in range(level, len(self.bases)):
            found = self.orbits[k].get(signed[self.bases[k]])
            if found is None:
                return False
            signed = _after(_inverse(found), signed)
        return signed == self.identity

    def add(self, signed: _Signed, level: int) -> None:
        """Add a generator of the stabiliser of all bases before `level`."""
        if level == len(self.bases) or self.contains(signed, level):
            return
        self.moves[level].append(signed)
        for found in list(self.orbits[level].values()):
            self._extend(_after(signed, found), level)

    def _extend(self, first: _Signed, level: int) -> None:
        """Take representatives along the orbit, and what they leave over to the next stabiliser."""
        waiting, base, orbit = [first], self.bases[level], self.orbits[level]
        while waiting:
            signed = waiting.pop()
            known = orbit.get(signed[base])
            if known is None:
                orbit[signed[base]] = signed
                waiting += [_after(move, signed) for move in self.moves[level]]
            else:
                self.add(_after(_inverse(known), signed), level + 1)


def acts_on_signed_states(elements: Elements) -> np.ndarray:
    """Return a mask `(element,)` of those that permute the states, change signs, and do nothing else.

    Examples
    --------
    >>> import symdyn as sd
    >>> from symdyn.lie.chains import acts_on_signed_states
    >>> acts_on_signed_states(sd.groups.elements([sd.groups.sign_flip([-1, 1]), [[1, 1], [0, 1]]]))
    array([ True, False])
    """
    places = np.abs(elements.matrices)
    alone = np.all(np.isin(places, (0.0, 1.0)), axis=(1, 2))
    once = np.all(places.sum(axis=1) == 1, axis=1) & np.all(places.sum(axis=2) == 1, axis=1)
    still = ~np.any(elements.translations, axis=1) & ~elements.reverses_time
    return alone & once & still


def _signed(elements: Elements) -> list[_Signed]:
    """Write A e_j = s e_i as what the points +j and -j become; products of maps are those of matrices."""
    found = []
    for matrix in elements.matrices:
        place = np.argmax(np.abs(matrix), axis=0)
        minus = matrix[place, np.arange(len(matrix))] < 0
        found.append(tuple((2 * place[:, None] + (minus[:, None] ^ np.array([False, True]))).ravel().tolist()))
    return found


def _elements(members: Iterator[_Signed] | list[_Signed] | tuple[_Signed, ...], states: tuple[str, ...]) -> Elements:
    points = np.array(list(members))[:, ::2]
    count, n = points.shape
    matrices = np.zeros((count, n, n))
    matrices[np.arange(count)[:, None], points // 2, np.arange(n)] = np.where(points % 2, -1.0, 1.0)
    return Elements(matrices, np.zeros((count, n)), np.zeros(count, dtype=bool), states, np.full(count, -1))


def _after(one: _Signed, other: _Signed) -> _Signed:
    """Map each point by `other`, then by `one`."""
    return tuple(one[point] for point in other)


def _inverse(signed: _Signed) -> _Signed:
    found = [0] * len(signed)
    for point, image in enumerate(signed):
        found[image] = point
    return tuple(found)


def _product(parts: Iterator[_Signed]) -> _Signed:
    total = None
    for part in parts:
        total = part if total is None else _after(total, part)
    assert total is not None
    return total
