"""Assertions about symmetry, for the tests of users and our own."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from symdyn.lie.fields import VectorField
from symdyn.lie.symmetries import as_symmetries
from symdyn.lie.violation import relative_violations

__all__ = ["assert_equivariant", "assert_symmetric"]


def assert_symmetric(law: VectorField, symmetry, *, kind: str = "flow", tolerance: float = 1e-12, rng=0) -> None:
    """Assert that generators, elements and conserved quantities are symmetries: L = 0, f(g x) = A f(x), Dh . f = 0.

    Relative to the terms that the violation is the difference of.

    Parameters
    ----------
    law : VectorField
    symmetry : LieAlgebra, Generators, VectorField, matrices, Elements, Conserved or a list of these
    kind : {"flow", "map", "second_order", "invariant"}
    tolerance : float
        Largest relative violation.
    rng : int or numpy Generator
        Seed of the generic points.
    """
    __tracebackhide__ = True
    points = np.random.default_rng(rng).standard_normal((200, len(law.states)))
    for part in as_symmetries(symmetry):
        found = relative_violations(law.features, law.coefficients, part, points, kind)
        for text, value in zip(part.texts(), found, strict=True):
            if not value <= tolerance:  # NaN is no symmetry either
                raise AssertionError(f"violation {value:.2g} > {tolerance:g} under {text}")


def assert_equivariant(
    function: Callable, element_in: np.ndarray, element_out: np.ndarray, points: np.ndarray, *, tolerance=1e-12
) -> None:
    """Assert F(g x) = g' F(x) for matrices g, g' at points `(sample, state)`, relative to the largest value."""
    __tracebackhide__ = True
    moved = np.asarray(function(points @ np.asarray(element_in).T))
    expected = np.asarray(function(points)) @ np.asarray(element_out).T
    error = np.abs(moved - expected).max() / max(np.abs(expected).max(), 1e-300)
    if not error <= tolerance:  # NaN is no equivariance either
        raise AssertionError(f"equivariance error {error:.2g} > {tolerance:g}")
