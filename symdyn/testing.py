"""Assertions about symmetry, for users' tests and our own."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from symdyn.functions.printing import monomial_exponents
from symdyn.lie.actions import Action, action_of
from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.lie.algebras.conserved import Conserved
from symdyn.lie.algebras.symmetries import as_symmetries
from symdyn.lie.chart import Chart
from symdyn.lie.constraints.violation import relative_violations
from symdyn.lie.groups import Elements
from symdyn.lie.vectorfields import VectorField

__all__ = ["assert_equivariant", "assert_symmetric"]


def assert_symmetric(law: VectorField, symmetry, *, kind: str = "flow", tolerance: float = 1e-12, rng=0) -> None:
    """Assert that generators, elements and conserved quantities are symmetries: L = 0, f(g x) = A f(x), Dh . f = 0.

    A violation is measured relative to the terms whose difference it is. Polynomial laws are checked in units in which
    their coefficients are of similar size, because in the units of the states a part that matters may be a small
    number.

    Parameters
    ----------
    law : VectorField
    symmetry : LieAlgebra, Generators, VectorField, matrices, Elements, Conserved or a list of these
    kind : {"flow", "map", "second_order", "invariant"}
    tolerance : float
        Largest relative violation.
    rng : int or numpy Generator
        Seed of the generic points.

    Raises
    ------
    AssertionError
        With the violation and the symmetry, where the law breaks it.

    Examples
    --------
    >>> import symdyn as sd
    >>> from symdyn.testing import assert_symmetric
    >>> assert_symmetric(sd.systems.exact_law("hopf"), sd.candidates.so(2))
    >>> assert_symmetric(sd.systems.exact_law("hopf", breaking=0.1), sd.candidates.so(2))
    Traceback (most recent call last):
        ...
    AssertionError: violation 0.06 > 1e-12 under x1 ∂x0 − x0 ∂x1
    """
    __tracebackhide__ = True
    points = np.random.default_rng(rng).standard_normal((200, len(law.states)))
    chart, units = _natural_chart(law, action_of(kind))
    features, coefficients = chart.features(law.features), chart.law_in(law.coefficients, law.features, units)
    for part in as_symmetries(symmetry):
        found = relative_violations(features, coefficients, _in_chart(part, chart), points, kind)
        for text, value in zip(part.texts(), found, strict=True):
            if not value <= tolerance:  # NaN is no symmetry either
                raise AssertionError(f"violation {value:.2g} > {tolerance:g} under {text}")


def assert_equivariant(
    function: Callable, element_in: np.ndarray, element_out: np.ndarray, points: np.ndarray, *, tolerance=1e-12
) -> None:
    """Assert F(g x) = g' F(x) for matrices g, g' at points `(sample, state)`, relative to the largest value.

    Parameters
    ----------
    function : callable
        F, from points `(sample, input)` to values `(sample, output)`.
    element_in, element_out : ndarray
        The matrices g and g' on inputs and outputs.
    points : ndarray, `(sample, input)`
    tolerance : float
        Largest error, over the largest value.

    Raises
    ------
    AssertionError
        With the error, where the function is not equivariant.

    Examples
    --------
    >>> import numpy as np
    >>> from symdyn.testing import assert_equivariant
    >>> swap, points = np.eye(2)[[1, 0]], np.array([[1.0, 2.0], [3.0, 5.0]])
    >>> assert_equivariant(lambda x: x**2, swap, swap, points)
    >>> assert_equivariant(lambda x: x * [1, 2], swap, swap, points)
    Traceback (most recent call last):
        ...
    AssertionError: equivariance error 0.5 > 1e-12
    """
    __tracebackhide__ = True
    moved = np.asarray(function(points @ np.asarray(element_in).T))
    expected = np.asarray(function(points)) @ np.asarray(element_out).T
    error = np.abs(moved - expected).max() / max(np.abs(expected).max(), 1e-300)
    if not error <= tolerance:  # NaN is no equivariance either
        raise AssertionError(f"equivariance error {error:.2g} > {tolerance:g}")


def _natural_chart(law: VectorField, action: Action) -> tuple[Chart, np.ndarray]:
    """Find input scales and output units in which the coefficients of a polynomial law are of similar size.

    They fit log |W_of| = log u_o − sum_j a_fj log s_j over the non-zero coefficients, with a_f the exponents of the
    functions; u_o = s_o / T of a flow. Other laws stay in the units they have.
    """
    n, n_outputs = len(law.states), len(law.coefficients)
    exponents = monomial_exponents(law.features, n)
    outputs, functions = np.nonzero(np.isfinite(law.coefficients) & (law.coefficients != 0))
    if exponents is None or not len(outputs):
        return Chart.identity(n), np.ones(n_outputs)
    inputs, units = _unknowns(n, n_outputs, action)
    design = units[outputs] - exponents[functions] @ inputs
    logarithms = _fitted(design, np.log(np.abs(law.coefficients[outputs, functions])))
    return Chart((0.0,) * n, tuple(np.exp(inputs @ logarithms))), np.exp(units @ logarithms)


def _fitted(design, targets):
    """Solve robust least squares (weights of one over the residual): rounding leaves a few outliers."""
    found = np.linalg.lstsq(design, targets, rcond=1e-9)[0]
    for _ in range(30):
        weights = 1 / np.sqrt(np.maximum(np.abs(targets - design @ found), 1.0))
        found = np.linalg.lstsq(design * weights[:, None], targets * weights, rcond=1e-9)[0]
    return found


def _unknowns(n: int, n_outputs: int, action: Action) -> tuple[np.ndarray, np.ndarray]:
    """Logarithms of the scales of inputs and of the units of outputs as rows over unknowns: scales, time, and units."""
    unknown = np.eye(n + 1 + n_outputs)
    inputs, time, units = unknown[:n], unknown[n], unknown[n + 1 :]
    if action.has_velocities:
        half = n // 2
        return np.vstack([inputs[:half], inputs[:half] - time]), inputs[:half] - action.time_power * time
    if action.moves_values and n_outputs <= n:
        return inputs, inputs[:n_outputs] - action.time_power * time
    return inputs, units


def _in_chart(part, chart: Chart):
    """Carry a symmetry that acts on the first states of a chart, or on all of them, into that chart."""
    inside = chart.subset(range(len(part.states)))
    if isinstance(part, Elements):
        return inside.elements(part)
    if isinstance(part, Conserved):
        functions = part.quantities
        rows = functions.coefficients @ inside.back(functions.features)
        return Conserved(VectorField(inside.features(functions.features), rows, functions.states))
    return LieAlgebra(inside.generators(part.basis))
