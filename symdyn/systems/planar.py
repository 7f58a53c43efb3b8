"""Planar flows with a rotation symmetry."""

from __future__ import annotations

from symdyn.systems.flows import simulate
from symdyn.systems.laws import exact_law

__all__ = ["damped_oscillator", "hopf"]


def hopf(*, breaking: float = 0.0, length: float = 8.0, **options):
    """Simulate the Hopf normal form x' = (1/2 − r^2) x − 1.3 y, y' = 1.3 x + (1/2 − r^2) y: symmetric under so(2).

    `breaking` takes `breaking` x^3 from x', which leaves no affine symmetry. Starts are uniform on the square of side
    2. See `simulate` for `noise`, `rng`, `n_trajectories` and `n_times`.
    """
    return simulate(exact_law("hopf", breaking=breaking), [(-1, 1)] * 2, length=length, **options)


def damped_oscillator(*, length: float = 12.0, **options):
    """Simulate x' = −0.1 x − y, y' = x − 0.1 y: linear, symmetric under so(2), the scaling, and f itself."""
    return simulate(exact_law("damped_oscillator"), [(-1, 1)] * 2, length=length, **options)
