"""Fewer generators of the same group: a list of elements is no more than its generating set."""

from __future__ import annotations

import numpy as np

from symdyn.invariant.isometry_groups.group_order import (
    Chain,
    TooManyElements,
    enumerated,
    signed_point_permutations,
    told_apart,
)
from symdyn.invariant.manifolds.eigenspaces import Manifold
from symdyn.invariant.manifolds.isometries import Isometries

__all__ = ["without_redundant"]


def without_redundant(manifold: Manifold, group: Isometries) -> Isometries:
    """Drop the finite generators that are products of those before; keep all fields.

    Each one that is kept at least doubles the group, so at most log2 of the order are left.

    Parameters
    ----------
    manifold : Manifold
    group : Isometries

    Returns
    -------
    Isometries
        The group as it is, if it is too large to be counted.
    """
    permutations = signed_point_permutations(group)
    if permutations is None:
        try:
            return group.subset(_by_enumeration(manifold, group))
        except TooManyElements:
            return group
    kept: list[int] = []
    chain = Chain(permutations.shape[1])
    for k, element in enumerate(permutations):
        if not chain.holds(element):
            kept.append(k)
            chain = Chain.of(permutations[kept])
    return group.subset(kept)


def _by_enumeration(manifold: Manifold, group: Isometries) -> list[int]:
    kept: list[int] = []
    point = manifold.sample(1, 23)[0]
    known = told_apart(manifold, point[None])
    places = told_apart(manifold, group.matrices @ point + group.shifts)
    for k, place in enumerate(places):
        if np.abs(known - place).max(axis=1).min() > 1e-6:
            kept.append(k)
            matrices, shifts = enumerated(manifold, group.subset(kept).finite())
            known = told_apart(manifold, matrices @ point + shifts)
    return kept
