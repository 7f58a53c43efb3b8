"""How many eigenspaces a model keeps: whole ones, by a rule, by given numbers, or by cross-validation."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from numbers import Real
from typing import NamedTuple

import numpy as np

from symdyn.invariant.manifolds.eigenspaces import Eigenspace, Manifold
from symdyn.invariant.manifolds.isometries import Isometries

__all__ = ["Invariants", "checked_limit", "invariant_spaces", "rule"]

# With a limit on invariants only: a group that leaves nothing more must not be searched for ever.
_CEILING = 300_000


class Invariants(NamedTuple):
    """An eigenspace with the orthonormal coefficients `(multiplicity, dim)` of the functions that a group fixes."""

    space: Eigenspace
    basis: np.ndarray

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """Evaluate the fixed functions `(sample, dim)` at points."""
        return self.space(points) @ self.basis


def rule(manifold: Manifold, n: int, smoothness: float | None) -> float:
    """Return D = n^(1 / (1 + alpha)), alpha = 2 s / dim: the coefficients that n samples determine (arXiv 2502.19758).

    Parameters
    ----------
    manifold : Manifold
    n : int
    smoothness : float, optional
        s, above dim / 2; dim / 2 + 1 by default.

    Raises
    ------
    ValueError
        For s of at most dim / 2, where functions have no values at points.
    """
    if smoothness is None:
        smoothness = manifold.dim / 2 + 1
    if not smoothness > manifold.dim / 2:
        raise ValueError(
            f"smoothness must be above {manifold.dim / 2:g}, half the dimension of {manifold}, got {smoothness}: "
            "below, functions have no values at points"
        )
    return n ** (1 / (1 + 2 * smoothness / manifold.dim))


def invariant_spaces(
    manifold: Manifold,
    group: Isometries,
    limits: tuple[float, float],
    *,
    vector: bool = False,
    tell: bool = False,
) -> Iterator[Invariants]:
    """Yield eigenspaces in order, as long as all their functions, and the fixed ones, do not exceed the two limits.

    An eigenspace that does not fit as a whole ends the list.

    Parameters
    ----------
    manifold : Manifold
    group : Isometries
    limits : tuple of float
        Of all functions and of the fixed ones: `max_eigs_total`, `max_eigs_invariant`.
    vector : bool
        See `Manifold.invariants`.
    tell : bool
        Whether to warn if a limit falls inside an eigenspace.

    Warns
    -----
    UserWarning
        With `tell`; and if three hundred thousand eigenfunctions contain fewer invariant ones than asked for.
    """
    total, fixed = limits
    count = count_fixed = 0
    for space in manifold.eigenspaces():
        if count + space.multiplicity > total:
            _tell(tell and count < total, "max_eigs_total", total, count)
            return
        if count + space.multiplicity > _CEILING and not np.isfinite(total):
            _warn(
                f"{count_fixed} invariant functions among the first {count} eigenfunctions: the search for more ends "
                "here; set max_eigs_total to go on"
            )
            return
        basis = space.invariants(group, vector=vector)
        if count_fixed + basis.shape[1] > fixed:
            _tell(tell and count_fixed < fixed, "max_eigs_invariant", fixed, count_fixed)
            return
        count, count_fixed = count + space.multiplicity, count_fixed + basis.shape[1]
        yield Invariants(space, basis)


def _tell(wanted: bool, name: str, limit: float, kept: int) -> None:
    if wanted:
        _warn(f"{name}={limit:g} falls inside an eigenspace: {kept} are kept, whole eigenspaces only")


def _warn(text: str) -> None:
    warnings.warn(text, UserWarning, stacklevel=5)


def checked_limit(name: str, value) -> float:
    """Return a limit given by a user as a number, infinite for None."""
    if value is None:
        return np.inf
    if isinstance(value, bool) or not isinstance(value, Real) or not float(value) >= 1:
        raise ValueError(f"{name} must be at least 1, None or 'cv' (max_eigs_total only), got {value!r}")
    return float(value)
