"""Representations of a symmetry: how its generators and finite elements move a vector of features.

They are built from those of the states by copies, direct sums, tensor products and duals:

    (a + b)(A) = diag(a(A), b(A)),    (a * b)(A) = a(A) (x) 1 + 1 (x) b(A),    (a * b)(g) = a(g) (x) b(g).

All of these are linear in the generators, so errors drawn from error bars transform in the same way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any

import numpy as np
from scipy.linalg import block_diag

from symdyn.functions.display import joined_text, shortened
from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.lie.constraints.intertwiners import intertwiner_rows, intertwiners
from symdyn.lie.constraints.subspace import Subspace, null_space, pivoted_basis
from symdyn.lie.groups import Elements
from symdyn.lie.vectorfields import Generators
from symdyn.neural.checks import check_count, numbers

__all__ = ["Representation", "as_representation", "equivariant_matrices", "invariant_vectors", "matched", "trivial"]

_DRAWS = 20
_Rule = Callable[[np.ndarray, np.ndarray], np.ndarray]  # what a sum or product does to two matrices
_PENALTY = "a weight cannot hold such an action; LieDerivativePenalty asks it of a network by its loss"


@dataclass(frozen=True, eq=False, repr=False)
class Representation:
    """Hold the matrices of generators and finite elements on R^n.

    Parameters
    ----------
    generators : ndarray, `(generator, n, n)`
    elements : ndarray, `(element, n, n)`
    errors : ndarray, `(draw, generator, n, n)`, optional
        Deviations of the generators drawn from their error bars, which set the rank cut; None for exact ones.
    blocks : tuple of int
        Sizes of the known diagonal blocks of the matrices; one block by default.

    Raises
    ------
    ValueError
        For wrong shapes, numbers that are not finite, and elements without an inverse.

    Examples
    --------
    >>> import symdyn as sd
    >>> from symdyn.neural import as_representation, invariant_vectors, trivial
    >>> vector = as_representation(sd.candidates.so(3))
    >>> vector + trivial(2)  # a vector and two scalars
    Representation of dimension 5: 3 generators, 0 elements, blocks: 1 of size 3; 2 of size 1
    >>> invariant_vectors(vector * vector).reshape(3, 3).round(2) + 0.0  # the unit matrix
    array([[1., 0., 0.],
           [0., 1., 0.],
           [0., 0., 1.]])
    """

    generators: np.ndarray
    elements: np.ndarray
    errors: np.ndarray | None = None
    blocks: tuple[int, ...] = field(default=())

    def __post_init__(self):
        for name in ("generators", "elements"):
            matrices = numbers(name, getattr(self, name))
            object.__setattr__(self, name, matrices)
            if matrices.ndim != 3 or matrices.shape[1:] != (self.dim, self.dim):
                raise ValueError(f"{name} must have shape (count, n, n), n the same for both, got {matrices.shape}")
        if len(self.elements) and self.dim and np.linalg.cond(self.elements).max() > 1e12:
            raise ValueError("elements must have an inverse, one of these is singular")
        if self.errors is not None and np.shape(numbers("errors", self.errors))[1:] != self.generators.shape:
            raise ValueError(f"errors must have shape (draw, *{self.generators.shape}), got {np.shape(self.errors)}")
        if not self.blocks:
            object.__setattr__(self, "blocks", (self.dim,))
        if sum(self.blocks) != self.dim:
            raise ValueError(f"blocks {self.blocks} do not add up to the dimension {self.dim}")

    def __repr__(self) -> str:
        sizes = [f"{count} of size {size}" for size, count in Counter(self.blocks).items()]
        blocks = joined_text(", blocks", sizes, len(sizes)) if len(self.blocks) > 1 else ""
        bars = "" if self.errors is None else " with error bars"
        counts = f"{len(self.generators)} generators{bars}, {len(self.elements)} elements"
        return shortened(f"Representation of dimension {self.dim}: {counts}{blocks}")

    @property
    def dim(self) -> int:
        """Dimension of the representation, the number of features."""
        return np.shape(self.generators)[-1]

    @property
    def dual(self) -> Representation:
        """−A^T and g^(-T): the representation on linear functions."""
        elements = np.swapaxes(np.linalg.inv(self.elements), 1, 2)
        errors = None if self.errors is None else -np.swapaxes(self.errors, 2, 3)
        return Representation(-np.swapaxes(self.generators, 1, 2), elements, errors, self.blocks)

    def copies(self, k: int) -> Representation:
        """Put k copies side by side, `k * n` features."""
        check_count("copies", k, least=0)
        return replace(trivial(int(k)) * self, blocks=self.blocks * int(k) or (0,))

    def __add__(self, other: Representation) -> Representation:
        first, second = matched(self, other)
        blocks = tuple(size for size in (*first.blocks, *second.blocks) if size) or (0,)
        generators = _pairwise(block_diag, first.generators, second.generators)
        elements = _pairwise(block_diag, first.elements, second.elements)
        return Representation(generators, elements, _combined(first, second, block_diag), blocks)

    def __mul__(self, other: Representation) -> Representation:
        first, second = matched(self, other)
        generators = _pairwise(_kronecker_sum, first.generators, second.generators)
        elements = _pairwise(np.kron, first.elements, second.elements)
        blocks = tuple(size * second.dim for size in first.blocks)
        return Representation(generators, elements, _combined(first, second, _kronecker_sum), blocks)

    def block(self, start: int, stop: int) -> Representation:
        """Return the part on features `start` to `stop`, which must be a sum of blocks."""
        inside = slice(start, stop)
        errors = None if self.errors is None else self.errors[..., inside, inside]
        return Representation(self.generators[:, inside, inside], self.elements[:, inside, inside], errors)

    def parts(self) -> list[Representation]:
        """Return the blocks, each a representation."""
        ends = np.cumsum(self.blocks)
        return [self.block(end - size, end) for size, end in zip(self.blocks, ends, strict=True)]

    def config(self) -> dict[str, Any]:
        """Return the matrices as lists, ready for JSON."""
        errors = None if self.errors is None else np.asarray(self.errors).tolist()
        found = {
            "dim": self.dim,
            "generators": self.generators.tolist(),
            "elements": self.elements.tolist(),
            "errors": errors,
        }
        return found if len(self.blocks) == 1 else found | {"blocks": list(self.blocks)}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Representation:
        """Build the representation that `config` describes."""
        n = config["dim"]
        matrices = [np.array(config[name], dtype=float).reshape(-1, n, n) for name in ("generators", "elements")]
        errors = None if config["errors"] is None else np.array(config["errors"], dtype=float)
        return cls(*matrices, errors=errors, blocks=tuple(config.get("blocks", ())))

    @property
    def key(self) -> bytes:
        """Equal for representations by equal matrices."""
        arrays = [self.generators, self.elements, np.zeros(0) if self.errors is None else self.errors]
        return b"|".join(str(a.shape).encode() + (a + 0.0).tobytes() for a in arrays)


# Whatever `as_representation` takes.
RepresentationLike = Representation | LieAlgebra | Generators | Elements | np.ndarray | Sequence | str | None


def trivial(n: int) -> Representation:
    """Return the trivial representation on n features, each a block of its own; it is compatible with any symmetry.

    Examples
    --------
    >>> import symdyn as sd
    >>> from symdyn.neural import equivariant_matrices, trivial
    >>> trivial(2)
    Representation of dimension 2: 0 generators, 0 elements, blocks: 2 of size 1
    >>> equivariant_matrices(trivial(2), sd.candidates.so(3)).dim  # no vector
    0
    """
    check_count("n", n, least=0)
    return Representation(np.zeros((0, n, n)), np.zeros((0, n, n)), None, (1,) * n)


def matched(first: Representation, second: Representation) -> tuple[Representation, Representation]:
    """Return both for the same generators and elements; one without any is trivial under those of the other.

    Raises
    ------
    ValueError
        If the numbers of generators or of elements differ otherwise.
    """
    for part in (first, second):
        if not isinstance(part, Representation):
            raise TypeError(f"a Representation goes with a Representation, got {type(part).__name__}")
    counts = [(len(r.generators), len(r.elements)) for r in (first, second)]
    if counts[0] != counts[1] and (0, 0) not in counts:
        names = [f"{g} generators and {e} elements" for g, e in counts]
        raise ValueError(f"the representations hold {names[0]}, and {names[1]}; give one matrix each in both")
    size = counts[0] if counts[1] == (0, 0) else counts[1]
    return _spread(first, size), _spread(second, size)


def as_representation(given, n: int | None = None, name: str = "representation") -> Representation:
    """Convert anything accepted as a symmetry to a `Representation`.

    Parameters
    ----------
    given : Representation, array `(generator, n, n)`, LieAlgebra, Generators, Elements, a list of these, or "invariant"
        A list of matrices is a list of generators. "invariant", or None, stands for n invariant features. The error
        bars of an inexact algebra are kept.
    n : int, optional
        The expected dimension.
    name : str
        Its name in error messages.

    Raises
    ------
    ValueError
        For actions that are not linear on the states (translations, rates of time, time reversal, polynomial fields),
        and for a dimension other than n.
    TypeError
        For anything else.

    Examples
    --------
    >>> import symdyn as sd
    >>> from symdyn.neural import as_representation
    >>> as_representation(sd.candidates.so(3))
    Representation of dimension 3: 3 generators, 0 elements
    >>> as_representation([sd.candidates.so(2), sd.groups.permutation([1, 0])])
    Representation of dimension 2: 1 generators, 1 elements
    >>> as_representation("invariant", 4)
    Representation of dimension 4: 0 generators, 0 elements, blocks: 4 of size 1
    """
    if given is None or (isinstance(given, str) and given == "invariant"):
        if n is None:
            raise ValueError(f"{name}: {given!r} stands for features that nothing moves, and needs their number n")
        return trivial(n)
    found = _converted(given, name)
    if n is not None and found.dim != n:
        raise ValueError(f"{name} moves {found.dim} features, {n} are expected; see Representation.copies")
    return found


def equivariant_matrices(rep_in, rep_out) -> Subspace:
    """Find all W `(out, in)` with W a(A) = b(A) W for all generators and W a(g) = b(g) W for all elements.

    The result is exact where all entries are simple fractions; error bars set the rank cut.

    Raises
    ------
    ValueError
        See `as_representation` and `matched`.

    Examples
    --------
    >>> import symdyn as sd
    >>> from symdyn.neural import equivariant_matrices
    >>> so2, so3 = sd.candidates.so(2), sd.candidates.so(3)
    >>> equivariant_matrices(so2, so2).basis.T.round(3) + 0.0  # the unit matrix and the turn
    array([[ 1.,  0.,  0.,  1.],
           [ 0.,  1., -1.,  0.]])
    >>> equivariant_matrices(so3, so3).dim  # the unit matrix alone
    1
    """
    first, second = matched(as_representation(rep_in, name="rep_in"), as_representation(rep_out, name="rep_out"))
    shape = (second.dim, first.dim)
    pairs = [np.concatenate([r.generators, r.elements]) for r in (first, second)]
    if not len(pairs[0]) or 0 in shape:
        return Subspace.full(shape)
    if first.errors is None and second.errors is None:
        return intertwiners(*pairs)
    n_draws = next(len(r.errors) for r in (first, second) if r.errors is not None)
    moved = [np.concatenate([_errors(r, n_draws), np.zeros((n_draws, *r.elements.shape))], 1) for r in (first, second)]
    rows = intertwiner_rows(*pairs)
    draws = np.stack([rows + intertwiner_rows(a, b) for a, b in zip(*moved, strict=True)])
    basis, pivots = pivoted_basis(null_space(rows, draws))
    return Subspace(basis, shape, pivots)


def invariant_vectors(rep_out) -> np.ndarray:
    """Find a basis `(n, dim)` of the vectors b with b(A) b = 0 and b(g) b = b: the allowed biases.

    Examples
    --------
    >>> import symdyn as sd
    >>> from symdyn.neural import invariant_vectors
    >>> invariant_vectors(sd.groups.permutations(3)).ravel()  # one bias for all three
    array([1., 1., 1.])
    >>> invariant_vectors(sd.candidates.so(3)).shape  # rotations leave none
    (3, 0)
    """
    return equivariant_matrices(trivial(1), rep_out).basis


def _converted(given: RepresentationLike, name: str) -> Representation:
    if isinstance(given, Representation):
        return given
    if isinstance(given, Generators):
        given = LieAlgebra(given)
    if isinstance(given, LieAlgebra):
        return _of_algebra(given, name)
    if isinstance(given, Elements):
        if np.any(given.translations) or np.any(given.reverses_time):
            raise ValueError(f"{name}: elements with translations or time reversal are no matrices; {_PENALTY}")
        return Representation(np.zeros((0, *given.matrices.shape[1:])), given.matrices)
    if isinstance(given, Sequence) and not isinstance(given, str) and len(given):
        parts = [_converted(_as_array(part) if isinstance(part, list | np.ndarray) else part, name) for part in given]
        if len({part.dim for part in parts}) > 1:
            raise ValueError(f"{name}: its parts move {[part.dim for part in parts]} features")
        return reduce(_joined, parts)
    if not isinstance(given, np.ndarray):
        raise TypeError(
            f"{name} must be an array (generator, n, n), a LieAlgebra, finite elements, a list of these, or "
            f"'invariant', got {type(given).__name__}"
        )
    if given.ndim != 3 or given.shape[1] != given.shape[2]:
        raise ValueError(f"{name} must be an array (generator, n, n), got shape {given.shape}")
    return Representation(given, np.zeros((0, *given.shape[1:])))


def _as_array(part: list | np.ndarray) -> list | np.ndarray:
    """Return a matrix as one generator, a list of matrices as several; a list of other things as it is."""
    try:
        matrices = np.asarray(part, dtype=float)
    except (TypeError, ValueError):
        return part
    return matrices[None] if matrices.ndim == 2 else matrices


def _of_algebra(algebra: LieAlgebra, name: str) -> Representation:
    if np.any(algebra.time_scaling):
        raise ValueError(f"{name}: a generator rescales time; {_PENALTY}")
    try:
        translations, matrices = algebra.translations, algebra.matrices
    except ValueError:
        raise ValueError(f"{name}: a generator is not linear in the states; {_PENALTY}") from None
    if np.any(translations):
        raise ValueError(f"{name}: a generator translates the states; {_PENALTY}")
    errors = None
    if algebra.dim and not algebra.exact.all():
        draws = algebra.draw(_DRAWS, np.random.default_rng(12))
        errors = np.stack([draw.matrices - matrices for draw in draws])
    return Representation(matrices, np.zeros((0, *matrices.shape[1:])), errors)


def _joined(first: Representation, second: Representation) -> Representation:
    """Join the generators and elements of both, on the same features."""
    errors = None
    if first.errors is not None or second.errors is not None:
        errors = np.concatenate([_errors(first, _DRAWS), _errors(second, _DRAWS)], axis=1)
    generators = np.concatenate([first.generators, second.generators])
    return Representation(generators, np.concatenate([first.elements, second.elements]), errors)


def _spread(representation: Representation, counts: tuple[int, int]) -> Representation:
    n = representation.dim
    if (len(representation.generators), len(representation.elements)) == counts:
        return representation
    elements = np.broadcast_to(np.eye(n), (counts[1], n, n))
    return Representation(np.zeros((counts[0], n, n)), elements, None, representation.blocks)


def _errors(representation: Representation, n_draws: int) -> np.ndarray:
    given = representation.errors
    return np.zeros((n_draws, *representation.generators.shape)) if given is None else given


def _combined(first: Representation, second: Representation, rule: _Rule) -> np.ndarray | None:
    """Combine the errors of a sum or product, whose rule is linear in the generators."""
    if first.errors is None and second.errors is None:
        return None
    n_draws = len(second.errors if first.errors is None else first.errors)
    pairs = zip(_errors(first, n_draws), _errors(second, n_draws), strict=True)
    return np.stack([_pairwise(rule, a, b) for a, b in pairs])


def _pairwise(rule: _Rule, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    size = rule(np.zeros(first.shape[1:]), np.zeros(second.shape[1:])).shape
    return np.array([rule(a, b) for a, b in zip(first, second, strict=True)]).reshape(len(first), *size)


def _kronecker_sum(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.kron(a, np.eye(len(b))) + np.kron(np.eye(len(a)), b)
