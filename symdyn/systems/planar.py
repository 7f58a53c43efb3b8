"""Planar flows with a rotation symmetry."""

from __future__ import annotations

from symdyn.systems.flows import simulate
from symdyn.systems.laws import exact_law

__all__ = ["damped_oscillator", "hopf"]


def hopf(*, breaking: float = 0.0, length: float = 8.0, **options):
    """Simulate the Hopf normal form x' = (1/2 − r^2) x − 1.3 y, y' = 1.3 x + (1/2 − r^2) y: symmetric under so(2).

    `breaking` subtracts `breaking` x^3 from x', which leaves no affine symmetry. Initial states are uniform on the
    square of side 2. `length` and the other options are those of `simulate`.

    Examples
    --------
    >>> import symdyn as sd
    >>> x, step = sd.systems.hopf(noise=0.02, n_trajectories=3)
    >>> len(x), x[0].shape, round(step, 4)
    (3, (400, 2), 0.0201)
    >>> clean, step = sd.systems.hopf(n_trajectories=3)
    >>> [round(float((run[-1] ** 2).sum()), 2) for run in clean]  # on the limit cycle
    [0.5, 0.5, 0.5]
    """
    return simulate(exact_law("hopf", breaking=breaking), [(-1, 1)] * 2, length=length, **options)


def damped_oscillator(*, length: float = 12.0, **options):
    """Simulate x' = −0.1 x − y, y' = x − 0.1 y: linear, symmetric under so(2), the scaling, and f itself.

    `length` and the other options are those of `simulate`.

    Examples
    --------
    >>> import numpy as np
    >>> import symdyn as sd
    >>> (x,), step = sd.systems.damped_oscillator(n_trajectories=1)
    >>> radius = np.linalg.norm(x, axis=1)
    >>> round(float(np.log(radius[-1] / radius[0])), 3)  # the rate -0.1 times 12 units of time
    -1.2
    """
    return simulate(exact_law("damped_oscillator"), [(-1, 1)] * 2, length=length, **options)
