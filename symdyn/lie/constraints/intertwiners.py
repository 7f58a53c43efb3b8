"""Linear maps between two representations of the same symmetry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeGuard

import numpy as np
from numpy.typing import ArrayLike

from symdyn.functions.tolerances import without_rounding
from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.lie.algebras.symmetries import as_group
from symdyn.lie.constraints.invariants import shared_null_space
from symdyn.lie.constraints.monomial_action import Images, coefficient_equations, exact_numbers
from symdyn.lie.constraints.subspace import Subspace, null_space, pivoted_basis
from symdyn.lie.groups import Elements
from symdyn.lie.vectorfields import Generators

__all__ = ["intertwiner_rows", "intertwiners", "representation_matrices"]

_Part = ArrayLike | LieAlgebra | Generators | Elements
_Representation = _Part | Sequence[_Part]


def intertwiners(rep_in, rep_out) -> Subspace:
    """Find the matrices W with W rep_in = rep_out W for every generator, and for every finite element.

    Exact where all entries are simple fractions, in floating point otherwise; the error bars of an algebra that is
    not exact set the rank cut.

    Parameters
    ----------
    rep_in, rep_out : array `(generator, n, n)`, LieAlgebra, Generators, Elements, str, fitted search, or a list
        How the same generators, in the same order, move inputs and outputs. A list of matrices is a list of
        generators. Words say on how many states, as `"so(3)"`.

    Returns
    -------
    Subspace
        Of matrices `(n_out, n_in)`; its `dim` is 0 if only the zero matrix is left.

    Raises
    ------
    ValueError
        For representations of different numbers of generators, and for generators that translate or rescale time:
        neither is a matrix on the states.

    Examples
    --------
    >>> import symdyn as sd
    >>> turns, swaps = sd.candidates.so(3), sd.groups.permutations(3)
    >>> sd.intertwiners(turns, turns).dim, sd.intertwiners(swaps, swaps).dim
    (1, 2)
    >>> sd.intertwiners(swaps, swaps).expand([1.0, 0.5])
    array([[1. , 0.5, 0.5],
           [0.5, 1. , 0.5],
           [0.5, 0.5, 1. ]])
    """
    rep_in, rep_out = _of_words(rep_in), _of_words(rep_out)
    inputs, outputs = representation_matrices(rep_in), representation_matrices(rep_out)
    if len(inputs) != len(outputs):
        raise ValueError(
            f"rep_in holds {len(inputs)} generators, rep_out {len(outputs)}; give one matrix a generator in both"
        )
    shape = (outputs.shape[1], inputs.shape[1])
    if not len(inputs):
        return Subspace.full(shape)
    if _is_inexact(rep_in) or _is_inexact(rep_out):
        draws = [intertwiner_rows(*pair) for pair in _drawn_pairs(rep_in, rep_out)]
        return Subspace(
            *_with_shape(pivoted_basis(null_space(intertwiner_rows(inputs, outputs), np.stack(draws))), shape)
        )
    equations = [coefficient_equations(_images(a), b) for a, b in zip(inputs, outputs, strict=True)]
    return Subspace(*_with_shape(shared_null_space(equations), shape))


def _of_words(representation):
    """Return what words or a search stand for; anything else as it is."""
    if isinstance(representation, str) or hasattr(representation, "algebra_"):
        return as_group(representation)
    return representation


def representation_matrices(representation) -> np.ndarray:
    """Return the matrices `(generator, n, n)` of a representation; see `intertwiners`.

    Raises
    ------
    ValueError
        For translations, rates of time, and arrays of another shape.
    """
    if isinstance(representation, Generators):
        representation = LieAlgebra(representation)
    if isinstance(representation, LieAlgebra):
        if np.any(representation.time_scaling):
            raise ValueError("a generator rescales time, which no matrix on the states does: leave it out")
        return representation.representation()
    if isinstance(representation, Elements):
        return representation.representation()
    if isinstance(representation, Sequence) and any(not np.isscalar(part) for part in representation):
        parts = [_one_part(part) for part in representation]
        if len({part.shape[1:] for part in parts}) > 1:
            raise ValueError(f"the representations have different sizes: {[part.shape[1] for part in parts]}")
        return np.concatenate(parts)
    matrices = np.asarray(representation, dtype=float)
    if matrices.ndim != 3 or matrices.shape[1] != matrices.shape[2]:
        raise ValueError(f"a representation is an array (generator, n, n), got shape {matrices.shape}")
    if not np.all(np.isfinite(matrices)):
        raise ValueError("a representation must be finite, this one holds NaN or infinity")
    return without_rounding(matrices)


def _one_part(part: _Part) -> np.ndarray:
    if isinstance(part, LieAlgebra | Generators | Elements):
        return representation_matrices(part)
    matrices = np.asarray(part, dtype=float)
    return representation_matrices(matrices[None] if matrices.ndim == 2 else matrices)


def _images(matrix: np.ndarray) -> Images:
    """Write one matrix in the form of `Images`."""
    rows, columns = np.nonzero(matrix)
    return Images(exact_numbers(matrix)[rows, columns], rows, columns, matrix.shape)


def intertwiner_rows(inputs: np.ndarray, outputs: np.ndarray) -> np.ndarray:
    """Build the matrix C with C vec(W) = 0 iff W A = B W for all pairs A, B, `(row, output * input)`.

    Parameters
    ----------
    inputs, outputs : ndarray, `(pair, n_in, n_in)` and `(pair, n_out, n_out)`
        At least one pair.
    """
    n_in, n_out = inputs.shape[1], outputs.shape[1]
    pairs = zip(inputs, outputs, strict=True)
    return np.concatenate([np.kron(np.eye(n_out), a.T) - np.kron(b, np.eye(n_in)) for a, b in pairs])


def _is_inexact(representation: _Representation) -> TypeGuard[LieAlgebra]:
    return isinstance(representation, LieAlgebra) and not representation.exact.all()


def _drawn_pairs(
    rep_in: _Representation, rep_out: _Representation, n_draws: int = 20
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Draw pairs of representations from the error bars, the same draw on both sides where both are one algebra."""
    drawn = {}
    for representation in (rep_in, rep_out):
        if id(representation) not in drawn:
            drawn[id(representation)] = [representation_matrices(representation)] * n_draws
            if _is_inexact(representation):
                # Translations and rates of time may be 0 and uncertain: draws of theirs are no part of a matrix.
                draws = representation.draw(n_draws, np.random.default_rng(12))
                drawn[id(representation)] = [draw.matrices for draw in draws]
    return list(zip(drawn[id(rep_in)], drawn[id(rep_out)], strict=True))


def _with_shape(
    solution: tuple[np.ndarray, np.ndarray], shape: tuple[int, int]
) -> tuple[np.ndarray, tuple[int, int], np.ndarray]:
    basis, pivots = solution
    return basis, shape, pivots
