"""Generators that move eigenfunctions onto multiples of eigenfunctions, for numbers and for vectors."""

from __future__ import annotations

import numpy as np

from symdyn.invariant.manifolds.isometries import signed_permutation
from symdyn.invariant.manifolds.orbits import Orbits, orbits

__all__ = ["add_generator", "joined_orbits", "signs_of"]


def signs_of(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (order, signs) of a matrix known to be a signed permutation."""
    parts = signed_permutation(matrix)
    assert parts is not None  # checked by `isometry_flaw`
    return parts


def add_generator(
    targets: list[np.ndarray],
    factors: list[np.ndarray],
    places: np.ndarray,
    phases: np.ndarray,
    components: tuple[np.ndarray, np.ndarray] | None,
) -> None:
    """Append one generator, given by where it takes each function and the multiplier.

    For vectors, whose `components` are (order, signs), component j of the function k goes to component order[j] of its
    image, times signs[j]; numbers have none.
    """
    if components is None:
        targets.append(places)
        factors.append(phases)
    else:
        order, signs = components
        targets.append((places[:, None] * len(order) + order).ravel())
        factors.append((phases[:, None] * signs).ravel())


def joined_orbits(targets: list, factors: list, excluded: np.ndarray) -> Orbits:
    """Find the orbits of all generators together; see `orbits`."""
    shape = (len(targets), len(excluded))
    return orbits(np.array(targets, dtype=int).reshape(shape), np.array(factors).reshape(shape), excluded)
