"""Systems with known symmetry, for tests, documentation and benchmarks.

`kepler` and its siblings return the Dataset of trajectories, `hopf` and its siblings return lists of arrays and a step;
`exact_law` gives the law behind those. Fields over space (`burgers` and its siblings) are Datasets, too; `field_law`
and `known_symmetries` give the equation behind them and its point symmetries.
"""

from symdyn.systems.binary import two_body
from symdyn.systems.central import kepler
from symdyn.systems.fieldlaws import field_equations, field_law, known_symmetries
from symdyn.systems.fields import (
    burgers,
    heat,
    kdv,
    kuramoto_sivashinsky,
    lambda_omega,
    random_fields,
    schroedinger,
    simulate_field,
    vorticity,
    wave,
)
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
    "burgers",
    "cubic_spiral",
    "damped_oscillator",
    "duffing",
    "exact_law",
    "field_equations",
    "field_law",
    "heat",
    "hopf",
    "kdv",
    "kepler",
    "known_symmetries",
    "kuramoto_sivashinsky",
    "lambda_omega",
    "lorenz",
    "lotka_volterra",
    "polynomial_law",
    "random_fields",
    "rossler",
    "schroedinger",
    "selkov",
    "simulate",
    "simulate_field",
    "two_body",
    "van_der_pol",
    "vorticity",
    "wave",
    "with_noise",
]
