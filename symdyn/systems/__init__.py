"""Systems with known symmetry, for tests, documentation and benchmarks.

`kepler` and its siblings return the Dataset of trajectories, `hopf` and its siblings lists of arrays and a step;
`exact_law` gives the law behind those.
"""

from symdyn.systems.binary import two_body
from symdyn.systems.central import kepler
from symdyn.systems.flows import (
    cubic_spiral,
    duffing,
    lorenz,
    lotka_volterra,
    rossler,
    selkov,
    simulate,
    van_der_pol,
)
from symdyn.systems.laws import exact_law, polynomial_law
from symdyn.systems.noise import with_noise
from symdyn.systems.planar import damped_oscillator, hopf

__all__ = [
    "cubic_spiral",
    "damped_oscillator",
    "duffing",
    "exact_law",
    "hopf",
    "kepler",
    "lorenz",
    "lotka_volterra",
    "polynomial_law",
    "rossler",
    "selkov",
    "simulate",
    "two_body",
    "van_der_pol",
    "with_noise",
]
