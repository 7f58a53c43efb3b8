"""Generators and laws carried to velocities."""

from __future__ import annotations

import numpy as np

from symdyn.functions.features import Polynomial
from symdyn.lie.vectorfields import Charted, Generators, VectorField

__all__ = ["affine_parts", "first_order", "fixed_point", "is_affine", "prolong", "velocity_names"]


def velocity_names(positions: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of the velocities that belong to positions: `vx` for `x`."""
    return tuple(f"v{name}" for name in positions)


def prolong(generators: Generators) -> Generators:
    """Prolong affine generators (A q + b, tau) on positions to generators on positions and velocities.

    A point moves by A q + b and time by tau t, so a velocity moves by (A − tau) q'.

    Raises
    ------
    ValueError
        For generators of degree above 1, whose action on velocities is not linear.

    Examples
    --------
    >>> import symdyn as sd
    >>> from symdyn.lie.prolongation import prolong
    >>> prolong(sd.candidates.so(2, states=("x", "y"))).texts()
    ['y ∂x − x ∂y + vy ∂vx − vx ∂vy']
    >>> prolong(sd.candidates.translations(1, states=("q",))).texts()
    ['∂q']
    """
    n = len(generators.states)
    constant, linear = affine_parts(generators)
    coefficients = np.zeros((len(generators), 2 * n, 1 + 2 * n))
    coefficients[:, :n, 0] = constant
    coefficients[:, :n, 1 : n + 1] = linear
    coefficients[:, n:, n + 1 :] = linear - generators.time_scaling[:, None, None] * np.eye(n)
    states = generators.states + velocity_names(generators.states)
    return Generators(Polynomial(1), coefficients, generators.time_scaling, states)


def affine_parts(generators: Generators) -> tuple[np.ndarray, np.ndarray]:
    """Return the constants `(generator, state)` and matrices `(generator, state, state)` of affine generators.

    Raises
    ------
    ValueError
        For generators of degree above 1.
    """
    origin = np.zeros((1, len(generators.states)))
    coefficients = generators.coefficients
    size = 1 + len(generators.states)
    if not isinstance(generators.features, Polynomial) or np.any(coefficients[:, :, size:]):
        raise ValueError("these generators are not affine: they have no matrix")
    if generators.features.constant and generators.features.columns is None and coefficients.shape[2] >= size:
        return coefficients[:, :, 0], coefficients[:, :, 1:size]
    return generators.values(origin)[0].T, np.moveaxis(generators.jacobians(origin)[0], -1, 0)


def is_affine(generators: Generators) -> bool:
    """Check whether generators have a matrix and a constant part, and nothing else."""
    try:
        affine_parts(generators)
    except ValueError:
        return False
    return True


def fixed_point(generators: Generators) -> np.ndarray | None:
    """Find the point `(state,)` at which affine generators all vanish: the one that linear candidates are about.

    None where there is none, and for other generators. Directions in which nothing moves stay at 0.
    """
    if len(generators) == 0 or not is_affine(generators):
        return None
    constant, linear = affine_parts(generators)
    sizes = np.maximum(np.abs(linear).max(axis=(1, 2)), np.abs(constant).max(axis=1))
    rows = (linear / np.where(sizes > 0, sizes, 1.0)[:, None, None]).reshape(-1, len(generators.states))
    target = -(constant / np.where(sizes > 0, sizes, 1.0)[:, None]).ravel()
    point = np.linalg.lstsq(rows, target, rcond=1e-12)[0]
    return point if np.abs(rows @ point - target).max(initial=0.0) < 1e-9 else None


def first_order(law: VectorField) -> VectorField:
    """Rewrite a second-order law q'' = g(q, q') as the flow (q', g) on positions and velocities.

    Raises
    ------
    ValueError
        If the law does not have half as many outputs as states.

    Examples
    --------
    >>> import numpy as np
    >>> import symdyn as sd
    >>> from symdyn.lie.prolongation import first_order
    >>> coefficients = np.array([[0.0, -4, -0.1]])
    >>> spring = sd.VectorField(sd.features.Polynomial(1), coefficients, ("q", "vq"))
    >>> first_order(spring)
    VectorField on (q, vq)
      f_q = vq
      f_vq = −4 q − 0.1 vq
    """
    n, states = len(law.coefficients), law.states
    if 2 * n != len(states):
        raise ValueError(f"a second-order law has half as many outputs as states, got {n} of {len(states)}")
    velocities = Polynomial(1, constant=False, columns=tuple(range(n, 2 * n)))
    size = law.coefficients.shape[1]
    coefficients = np.zeros((2 * n, size + n))
    coefficients[:n, size:] = np.eye(n)
    coefficients[n:, :size] = law.coefficients
    if law.inside is None:
        return VectorField(law.features + velocities, coefficients, states)
    chart, units = law.inside.chart, law.inside.units
    both = np.append(np.array(chart.scale[:n]) / chart.time, units)
    return VectorField.from_chart(Charted(first_order(law.inside.field), chart, both), law.features + velocities)
