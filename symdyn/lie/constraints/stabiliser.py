"""The part of a symmetry that keeps a direction: what gravity leaves of rotations (subequivariance).

J. Han et al., Learning physical dynamics with subequivariant graph neural networks (NeurIPS 2022, arXiv 2210.06876).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

import numpy as np

from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.lie.algebras.covariances import mapped
from symdyn.lie.algebras.symmetries import as_group
from symdyn.lie.constraints.subspace import pivoted_basis
from symdyn.lie.groups import Elements
from symdyn.lie.vectorfields import Generators

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["stabiliser"]

_SAME = 1e-9


@overload
def stabiliser(symmetry: LieAlgebra | Generators, direction: ArrayLike) -> LieAlgebra: ...
@overload
def stabiliser(symmetry: Elements, direction: ArrayLike) -> Elements: ...
def stabiliser(symmetry, direction):
    """Find the generators with A g = 0, or the elements with A g = g, for a known direction g.

    Parameters
    ----------
    symmetry : LieAlgebra, Generators, Elements, matrices, str, or fitted search
        Words such as `"so"`. Of elements that generate a group, the whole group is searched.
    direction : array_like, `(state,)`
        A direction in the states, such as (0, 0, -9.81); zero in the velocities, where the states hold these.

    Returns
    -------
    LieAlgebra or Elements
        Translations stay: they move points, and no direction.

    Raises
    ------
    ValueError
        For a direction of another length or of length 0, and if nothing but the identity keeps it.

    Examples
    --------
    >>> import symdyn as sd
    >>> sd.stabiliser(sd.candidates.so(3, states=("x", "y", "z")), [0, 0, -9.81])
    LieAlgebra so(2) on (x, y, z)
      y ∂x − x ∂y
    """
    direction = np.asarray(direction, dtype=float)
    parts = as_group(symmetry, direction.size)
    if len(parts) > 1:
        raise TypeError("stabiliser takes one algebra or one set of elements at a time: call it for each")
    symmetry = parts[0]
    if direction.shape != (len(symmetry.states),):
        raise ValueError(f"direction must have shape ({len(symmetry.states)},), got {direction.shape}")
    size = np.linalg.norm(direction)
    if not 0 < size < np.inf:
        raise ValueError(f"direction must be finite and different from 0, got {direction.tolist()}")
    unit = direction / size
    kept = _fixing_elements(symmetry, unit) if isinstance(symmetry, Elements) else _fixing_algebra(symmetry, unit)
    if not kept.dim:
        raise ValueError(f"nothing in {', '.join(symmetry.texts())} keeps the direction {direction.tolist()}")
    return kept


def _fixing_elements(members: Elements, unit: np.ndarray) -> Elements:
    labelled = [members.subset(np.flatnonzero(members.group < 0))]
    for label in np.unique(members.group[members.group >= 0]):
        labelled.append(members.subset(np.flatnonzero(members.group == label)).generate())
    kept = []
    for part in labelled:
        moved = np.abs(part.matrices @ unit - unit).max(axis=1, initial=0.0)
        kept += [part.subset(k) for k in np.flatnonzero((moved < _SAME) & ~part.is_identity())]
    return sum(kept[1:], kept[0]) if kept else members.subset([])


def _fixing_algebra(algebra: LieAlgebra, unit: np.ndarray) -> LieAlgebra:
    """Find combinations of generators that keep the direction, those that do so by themselves as they are."""
    moved = algebra.matrices @ unit
    alone = np.abs(moved).max(axis=1, initial=0.0) <= _SAME * np.maximum(np.abs(algebra.matrices).max((1, 2)), 1e-300)
    moving = np.flatnonzero(~alone)
    left, values, _ = np.linalg.svd(moved[moving])
    rank = int(np.sum(values > _SAME * values.max(initial=1e-300)))
    weights = np.zeros((len(moving) - rank, algebra.dim))
    weights[:, moving] = pivoted_basis(left[:, rank:])[0].T
    return _combined(algebra, np.vstack([np.eye(algebra.dim)[alone], weights]))


def _combined(algebra: LieAlgebra, weights: np.ndarray) -> LieAlgebra:
    """Combine generators to sum_k w_mk v_k, with the error bars that follow."""
    exact = ~np.any(weights[:, ~algebra.exact], axis=1)
    return LieAlgebra(algebra.basis.combine(weights), mapped(algebra.covariance, algebra.dim, weights=weights), exact)
