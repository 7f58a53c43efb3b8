"""Finite symmetries: reflections, permutations, cyclic shifts, and any given affine maps.

Every function returns `Elements`. `sign_flips(n)`, `permutations(n)` and `cyclic(n)` are groups given by generators: a
model has the symmetry if its coefficients satisfy the equations of the generators, and a search decides a large group
by them. `+` joins elements.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, overload

import numpy as np
from scipy import linalg

from symdyn.functions.display import MOST_LINES, joined_text, states_text
from symdyn.functions.equality import ComparedByNumbers
from symdyn.functions.printing import equation_lines
from symdyn.functions.tolerances import without_rounding
from symdyn.lie.prolongation import velocity_names

if TYPE_CHECKING:
    from symdyn.lie.algebras.algebra import LieAlgebra
    from symdyn.lie.vectorfields import Generators

__all__ = [
    "Elements",
    "cyclic",
    "element",
    "elements",
    "permutation",
    "permutations",
    "sign_flip",
    "sign_flips",
]

# Two maps are one if no entry differs by more; products of rotations lose some digits.
_SAME = 1e-8


@dataclass(frozen=True, eq=False, repr=False)
class Elements(ComparedByNumbers):
    """Represent affine maps g_k(x) = A_k x + b_k of the states, each perhaps with t -> −t.

    Parameters
    ----------
    matrices : ndarray, `(element, n, n)`
    translations : ndarray, `(element, n)`
        In the units of the states.
    reverses_time : ndarray of bool, `(element,)`
        Whether g takes x(t) to A x(−t) + b.
    states : tuple of str
        Names of the states.
    group : ndarray of int, `(element,)`
        Elements with the same number generate one group; −1 marks an element that stands for itself.

    Examples
    --------
    >>> import symdyn as sd
    >>> corners = sd.groups.elements([[[0, 1], [-1, 0]], [[-1, 0], [0, 1]]], states=("x", "y"))
    >>> corners
    Elements(2) on (x, y): x -> y, y -> -x; x -> -x
    >>> len(corners.generate()), corners.orders()
    (8, array([4, 2]))
    """

    matrices: np.ndarray
    translations: np.ndarray
    reverses_time: np.ndarray
    states: tuple[str, ...]
    group: np.ndarray

    def __post_init__(self):
        n, count = len(self.states), len(self.matrices)
        shapes = {"matrices": (count, n, n), "translations": (count, n), "reverses_time": (count,), "group": (count,)}
        for name, shape in shapes.items():
            if np.shape(getattr(self, name)) != shape:
                raise ValueError(f"{name} must have shape {shape}, got {np.shape(getattr(self, name))}")
        object.__setattr__(self, "matrices", without_rounding(self.matrices))

    def __len__(self) -> int:
        return len(self.matrices)

    @property
    def dim(self) -> int:
        """Number of elements, named like the number of generators of a `LieAlgebra`."""
        return len(self)

    def __getitem__(self, index: int | slice | Sequence[int] | np.ndarray) -> Elements:
        """Return the element at an index, or those of a slice or list, each of which stands for itself."""
        if isinstance(index, int | np.integer) and not -len(self) <= index < len(self):
            raise IndexError(f"there are {len(self)} elements, index {index} is out of range")
        return self.subset(np.arange(len(self))[index])

    def __iter__(self) -> Iterator[Elements]:
        return (self[k] for k in range(len(self)))

    def __repr__(self) -> str:
        n_groups = len(np.unique(self.group[self.group >= 0]))
        of = "" if not n_groups else ", generators of a group" if n_groups == 1 else f", of {n_groups} groups"
        return joined_text(
            f"Elements({len(self)}) on {states_text(self.states)}{of}", self[:MOST_LINES].texts(), len(self)
        )

    def subset(self, indices) -> Elements:
        """Return the elements with the given indices, each of which stands for itself.

        Examples
        --------
        >>> import symdyn as sd
        >>> sd.groups.sign_flips(3, states=("x", "y", "z")).generate().subset([1, 4]).texts()
        ['x -> -x', 'x -> -x, y -> -y']
        """
        chosen = np.atleast_1d(np.asarray(indices, dtype=int))
        parts = (self.matrices[chosen], self.translations[chosen], self.reverses_time[chosen])
        return Elements(*parts, self.states, np.full(len(chosen), -1))

    def renamed(self, states: Sequence[str]) -> Elements:
        """Return the same elements with new names of the states.

        Raises
        ------
        ValueError
            If the number of names differs from that of the states.

        Examples
        --------
        >>> import symdyn as sd
        >>> sd.groups.cyclic(3).renamed(("x", "y", "z")).texts()
        ['cycle x -> y -> z']
        """
        if len(tuple(states)) != len(self.states):
            raise ValueError(f"states names {len(tuple(states))} states, the elements act on {len(self.states)}")
        return replace(self, states=tuple(states))

    @overload
    def __add__(self, other: Elements) -> Elements: ...
    @overload
    def __add__(self, other: Generators | LieAlgebra | list) -> list: ...
    def __add__(self, other):
        """Join the elements of both; a list if the other is not `Elements`, such as candidate generators."""
        if not isinstance(other, Elements):
            return [self, *other] if isinstance(other, list) else [self, other]
        self._check_same_states(other)
        shift = self.group.max(initial=-1) + 1
        labels = np.concatenate([self.group, np.where(other.group < 0, -1, other.group + shift)])
        return replace(_joined(self, other), group=labels)

    def __radd__(self, other):
        return [*other, self] if isinstance(other, list) else [other, self]

    def __matmul__(self, other: Elements) -> Elements:
        """Return all products x -> g(h(x)), g of this and h of the other, h running fastest."""
        self._check_same_states(other)
        n, count = len(self.states), len(self) * len(other)
        matrices = np.einsum("gij,hjk->ghik", self.matrices, other.matrices).reshape(count, n, n)
        shifts = np.einsum("gij,hj->ghi", self.matrices, other.translations) + self.translations[:, None]
        reverses = self.reverses_time[:, None] != other.reverses_time
        return Elements(matrices, shifts.reshape(count, n), reverses.ravel(), self.states, np.full(count, -1))

    def inverse(self) -> Elements:
        """Return the inverse of each element.

        Examples
        --------
        >>> import symdyn as sd
        >>> shift = sd.groups.cyclic(3, states=("x", "y", "z"))
        >>> shift.inverse().texts()
        ['cycle x -> z -> y']
        >>> (shift @ shift.inverse()).is_identity()
        array([ True])
        """
        inverses = np.linalg.inv(self.matrices) if len(self) else self.matrices
        return replace(self, matrices=inverses, translations=-np.einsum("gij,gj->gi", inverses, self.translations))

    def images(self, points: np.ndarray) -> np.ndarray:
        """Compute g_k(x) `(sample, state, element)` at points `(sample, state)`.

        Raises
        ------
        ValueError
            For points of the wrong shape.

        Examples
        --------
        >>> import symdyn as sd
        >>> sd.groups.permutation([1, 0]).images([[1.0, 2.0]])[:, :, 0]
        array([[2., 1.]])
        """
        points = np.asarray(points, dtype=float)
        if points.ndim != 2 or points.shape[1] != len(self.states):
            raise ValueError(f"points must have shape (sample, {len(self.states)}), got {points.shape}")
        return np.einsum("kij,sj->sik", self.matrices, points) + self.translations.T

    def is_identity(self) -> np.ndarray:
        """Return a mask `(element,)` of the elements that equal the identity.

        Examples
        --------
        >>> import symdyn as sd
        >>> sd.groups.sign_flips(2).generate().is_identity()
        array([ True, False, False, False])
        """
        unchanged = np.abs(self.matrices - np.eye(len(self.states))).max(axis=(1, 2), initial=0.0) < _SAME
        return unchanged & (np.abs(self.translations).max(axis=1, initial=0.0) < _SAME) & ~self.reverses_time

    def index(self, other: Elements) -> np.ndarray:
        """Return, for each element of the other, the index of the same element here, or −1.

        Examples
        --------
        >>> import symdyn as sd
        >>> group = sd.groups.permutations(3).generate()
        >>> group.index(sd.groups.permutation([2, 1, 0])), group.index(sd.groups.sign_flip([-1, 1, 1]))
        (array([3]), array([-1]))
        """
        mine, theirs = _entries(self), _entries(other)
        size = np.maximum(np.abs(theirs).max(axis=1, initial=1.0), 1.0)
        found = np.full(len(other), -1)
        for k, row in enumerate(theirs):
            same = np.flatnonzero(np.abs(mine - row).max(axis=1, initial=0.0) < _SAME * size[k])
            found[k] = same[0] if len(same) else -1
        return found

    def unique(self) -> Elements:
        """Return each element once, in the order of first appearance.

        Examples
        --------
        >>> import symdyn as sd
        >>> flips = sd.groups.sign_flips(2, states=("x", "y"))
        >>> (flips @ flips).unique().texts()
        ['identity', 'x -> -x, y -> -y']
        """
        return self.subset(np.flatnonzero(self.index(self) == np.arange(len(self))))

    def generate(self, cap: int = 2000) -> Elements:
        """Generate the whole group from these elements, identity first.

        Raises
        ------
        ValueError
            If the group has more than `cap` elements; groups with translations are infinite.

        Examples
        --------
        >>> import symdyn as sd
        >>> [len(sd.groups.permutations(n).generate()) for n in (2, 3, 4)]
        [2, 6, 24]
        """
        found = element(np.eye(len(self.states)), states=self.states)
        fresh = found
        while len(fresh):
            products = (fresh @ self).unique()
            fresh = products.subset(np.flatnonzero(found.index(products) < 0))
            found = _joined(found, fresh)
            if len(found) > cap:
                raise ValueError(f"these elements generate more than {cap} elements; list those that are wanted")
        return found

    def searched(self, cap: int = 2000) -> Elements:
        """Return the elements that a search among these candidates tests one by one.

        Of each group, these are all elements but the identity, and only one of g and its inverse (both are symmetries
        or neither is); elements that stand for themselves are kept as they are. Products across groups are not tested:
        `(sign_flips(3) + permutations(3)).generate()` lists them. A search decides groups of more than 100 elements by
        their generators where it can (`symdyn.evidence.elements.group_table`).

        Examples
        --------
        >>> import symdyn as sd
        >>> sd.groups.cyclic(3, states=("x", "y", "z")).searched().texts()
        ['cycle x -> y -> z']
        """
        parts = [self.subset(np.flatnonzero(self.group < 0))]
        for label in np.unique(self.group[self.group >= 0]):
            whole = self.subset(np.flatnonzero(self.group == label)).generate(cap)
            parts.append(whole.subset(np.flatnonzero(whole.index(whole.inverse()) >= np.arange(len(whole)))))
        found = _joined(*parts).unique()
        return found.subset(np.flatnonzero(~found.is_identity()))

    def orders(self, cap: int = 1000) -> np.ndarray:
        """Return, for each element `(element,)`, the smallest m > 0 with g^m = 1, or 0 if there is none up to `cap`.

        Examples
        --------
        >>> import symdyn as sd
        >>> sd.groups.permutations(4, states="abcd").orders()
        array([2, 4])
        """
        return np.array([_order(self.subset(k), cap) for k in range(len(self))], dtype=int)

    def prolong(self) -> Elements:
        """Prolong to positions and velocities: q -> A q + b, q' -> A q', or −A q' where time is reversed.

        Examples
        --------
        >>> import symdyn as sd
        >>> sd.groups.element([[1]], reverses_time=True, states=("q",)).prolong().texts()
        ['vq -> -vq, t -> -t']
        """
        n = len(self.states)
        matrices = np.zeros((len(self), 2 * n, 2 * n))
        matrices[:, :n, :n] = self.matrices
        matrices[:, n:, n:] = np.where(self.reverses_time, -1.0, 1.0)[:, None, None] * self.matrices
        shifts = np.hstack([self.translations, np.zeros_like(self.translations)])
        return Elements(matrices, shifts, self.reverses_time, self.states + velocity_names(self.states), self.group)

    def representation(self, copies: int = 1) -> np.ndarray:
        """Return matrices `(element, copies * n, copies * n)` on blocks of the state; no translations, no reversal.

        Raises
        ------
        ValueError
            For elements that translate or reverse time, which no matrix on the states represents.

        Examples
        --------
        >>> import symdyn as sd
        >>> sd.groups.permutation([1, 0]).representation(copies=2)[0].astype(int)
        array([[0, 1, 0, 0],
               [1, 0, 0, 0],
               [0, 0, 0, 1],
               [0, 0, 1, 0]])
        """
        if np.any(self.translations) or np.any(self.reverses_time):
            raise ValueError("elements with translations or time reversal have no linear representation on the states")
        return np.array([np.kron(np.eye(copies), matrix) for matrix in self.matrices])

    def texts(self, precision: int = 3) -> list[str]:
        """Write each element in words, such as `x -> -x, y -> -y`, `swap x, y` or `cycle x -> y -> z`.

        Examples
        --------
        >>> import symdyn as sd
        >>> sd.groups.sign_flips(2, states=("x", "y")).generate().texts()
        ['identity', 'x -> -x', 'y -> -y', 'x -> -x, y -> -y']
        >>> sd.groups.cyclic(3, states=("x", "y", "z")).texts()
        ['cycle x -> y -> z']
        """
        parts = zip(self.matrices, self.translations, self.reverses_time, strict=True)
        return [_text(matrix, shift, reverses, self.states, precision) for matrix, shift, reverses in parts]

    def _check_same_states(self, other: Elements) -> None:
        if len(self.states) != len(other.states):
            raise ValueError(f"the elements act on {len(self.states)} and on {len(other.states)} states")


def element(matrix, translation=None, *, reverses_time: bool = False, states=None) -> Elements:
    """Build the map x -> A x + b.

    Parameters
    ----------
    matrix : array_like, `(n, n)`
    translation : array_like, `(n,)`, optional
    reverses_time : bool
        Whether the map also reverses time, t -> −t: f(g x) = −A f(x) for a flow x' = f(x).
    states : sequence of str, optional
        Names of the states; `x0, x1, ...` by default.

    Raises
    ------
    ValueError
        For a matrix that is not square, finite and invertible, and for a translation of the wrong length.

    Examples
    --------
    >>> import symdyn as sd
    >>> sd.groups.element([[0, 1], [-1, 0]], translation=[1, 0], states=("x", "y")).texts()
    ['x -> 1 + y, y -> -x']
    >>> sd.groups.element([[1, 0], [0, -1]], reverses_time=True, states=("q", "v")).texts()
    ['v -> -v, t -> -t']
    """
    matrix = np.asarray(matrix, dtype=float)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or matrix.size == 0:
        raise ValueError(f"matrix must have shape (n, n), got {matrix.shape}")
    n = len(matrix)
    shift = np.zeros(n) if translation is None else np.asarray(translation, dtype=float)
    if shift.shape != (n,):
        raise ValueError(f"translation must have shape ({n},), got {shift.shape}")
    if not (np.all(np.isfinite(matrix)) and np.all(np.isfinite(shift))):
        raise ValueError("matrix and translation must be finite")
    # In other units of the states an element is S A S^-1: these alone make none singular.
    if np.linalg.cond(linalg.matrix_balance(matrix, permute=False)[0]) > 1e12:
        raise ValueError("matrix is singular: an element of a group has an inverse")
    names = tuple(f"x{i}" for i in range(n))
    alone = Elements(matrix[None], shift[None], np.array([bool(reverses_time)]), names, np.array([-1]))
    return alone if states is None else alone.renamed(states)


def permutation(order: Sequence[int], **options) -> Elements:
    """Build the map x -> (x[order[0]], x[order[1]], ...); options as for `element`.

    Raises
    ------
    ValueError
        For an order that does not hold each of 0 ... n − 1 once.

    Examples
    --------
    >>> import symdyn as sd
    >>> sd.groups.permutation([1, 0, 2], states=("x", "y", "z"))
    Elements(1) on (x, y, z): swap x, y
    """
    places = np.asarray(order)
    if places.ndim != 1 or sorted(places.tolist()) != list(range(len(places))):
        raise ValueError(f"order must hold each of 0 ... n-1 once, got {places.tolist()}")
    return element(np.eye(len(places))[places.astype(int)], **options)


def sign_flip(signs: Sequence[int], **options) -> Elements:
    """Build the map x -> (s_0 x_0, s_1 x_1, ...) with signs +1 and −1; options as for `element`.

    Raises
    ------
    ValueError
        For entries other than +1 and −1.

    Examples
    --------
    >>> import symdyn as sd
    >>> flip = sd.groups.sign_flip([-1, -1, 1], states=("x", "y", "z"))  # of the Lorenz system
    >>> flip.texts()
    ['x -> -x, y -> -y']
    """
    diagonal = np.asarray(signs, dtype=float)
    if diagonal.ndim != 1 or not np.all(np.abs(diagonal) == 1):
        raise ValueError(f"signs must be +1 or -1, one a state, got {diagonal.tolist()}")
    return element(np.diag(diagonal), **options)


def sign_flips(n: int, *, states=None) -> Elements:
    """Build the 2^n sign changes of n states, generated by those of single states.

    Examples
    --------
    >>> import symdyn as sd
    >>> flips = sd.groups.sign_flips(3, states=("x", "y", "z"))
    >>> flips
    Elements(3) on (x, y, z), generators of a group: x -> -x; y -> -y; z -> -z
    >>> len(flips.generate())
    8
    """
    _check_size(n, "sign_flips", 1)
    return _group([sign_flip(np.where(np.arange(n) == i, -1, 1), states=states) for i in range(n)])


def permutations(n: int, *, states=None) -> Elements:
    """Build all permutations of n states, generated by the swap of the first two and the shift of all.

    Examples
    --------
    >>> import symdyn as sd
    >>> sd.groups.permutations(4, states="abcd")
    Elements(2) on (a, b, c, d), generators of a group: swap a, b; cycle a -> b -> c -> d
    """
    _check_size(n, "permutations", 2)
    swap = permutation([1, 0, *range(2, n)], states=states)
    return _group([swap] if n == 2 else [swap, _shift(n, states)])


def cyclic(n: int, *, states=None) -> Elements:
    """Build the n shifts x_i -> x_(i+1), indices modulo n, generated by one.

    Examples
    --------
    >>> import symdyn as sd
    >>> sd.groups.cyclic(4, states="abcd").generate().texts()
    ['identity', 'cycle a -> b -> c -> d', 'swap a, c; swap b, d', 'cycle a -> d -> c -> b']
    """
    _check_size(n, "cyclic", 2)
    return _group([_shift(n, states)])


def elements(members, *, states=None) -> Elements:
    """Collect given elements, each standing for itself.

    Parameters
    ----------
    members : Elements, array `(element, n, n)`, or a list of Elements and matrices `(n, n)`
    states : sequence of str, optional

    Raises
    ------
    ValueError
        For no elements, and for elements on different numbers of states.

    Examples
    --------
    >>> import symdyn as sd
    >>> quarter = [[0, 1], [-1, 0]]
    >>> sd.groups.elements([quarter, sd.groups.sign_flip([1, -1])], states=("x", "y"))
    Elements(2) on (x, y): x -> y, y -> -x; y -> -y
    """
    if isinstance(members, Elements):
        parts = [members]
    else:
        parts = [member if isinstance(member, Elements) else element(member) for member in members]
    if not parts:
        raise ValueError("elements needs at least one element")
    sizes = {len(part.states) for part in parts}
    if len(sizes) > 1:
        raise ValueError(f"the elements act on different numbers of states: {sorted(sizes)}")
    joined = _joined(*parts)
    return joined if states is None else joined.renamed(states)


def _joined(*parts: Elements) -> Elements:
    names = ("matrices", "translations", "reverses_time")
    arrays = [np.concatenate([getattr(part, name) for part in parts]) for name in names]
    return Elements(*arrays, states=parts[0].states, group=np.full(len(arrays[0]), -1))


def _group(generators: Sequence[Elements]) -> Elements:
    joined = elements(generators)
    return replace(joined, group=np.zeros(len(joined), dtype=int))


def _shift(n: int, states: Sequence[str] | None) -> Elements:
    return permutation([*range(1, n), 0], states=states)


def _check_size(n: int, name: str, least: int) -> None:
    if n < least:
        raise ValueError(f"{name} needs at least {least} states, got {n}")


def _order(member: Elements, cap: int) -> int:
    power = member
    for order in range(1, cap + 1):
        if power.is_identity()[0]:
            return order
        power = power @ member
    return 0


def _entries(members: Elements) -> np.ndarray:
    """Return all numbers that tell elements apart, one row per element."""
    flat = members.matrices.reshape(len(members), len(members.states) ** 2)
    return np.hstack([flat, members.translations, members.reverses_time[:, None].astype(float)])


def _text(matrix: np.ndarray, shift: np.ndarray, reverses: bool, states: Sequence[str], precision: int) -> str:
    order = np.argmax(np.abs(matrix), axis=1)
    if not np.any(shift) and np.array_equal(matrix, np.eye(len(states))[order]):
        text = _cycles(order, states)
    else:
        # Rounding left by products is no part of a name.
        rows = np.column_stack([shift, matrix])
        lines = equation_lines(np.where(np.abs(rows) < _SAME, 0.0, rows), ["1", *states], precision)
        lines = [line.replace("−", "-") for line in lines]
        text = ", ".join(f"{s} -> {line}" for s, line in zip(states, lines, strict=True) if line != s)
    return ", ".join(part for part in (text, "t -> -t" if reverses else "") if part) or "identity"


def _cycles(order: np.ndarray, states: Sequence[str]) -> str:
    """Write a permutation in cycles; `x -> y` reads: y is put where x was."""
    pieces, seen = [], set()
    for start in range(len(order)):
        cycle = [start]
        while start not in seen and order[cycle[-1]] != start:
            cycle.append(int(order[cycle[-1]]))
        if start not in seen and len(cycle) > 1:
            names = [states[i] for i in cycle]
            pieces.append(f"swap {names[0]}, {names[1]}" if len(cycle) == 2 else f"cycle {' -> '.join(names)}")
        seen.update(cycle)
    return "; ".join(pieces)
