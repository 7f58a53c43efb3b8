"""Systems with known symmetry, for tests, documentation and benchmarks.

`kepler` and its siblings return the Dataset of trajectories, `hopf` and its siblings lists of arrays and a step.
"""

from symdyn.systems.binary import two_body
from symdyn.systems.central import kepler
from symdyn.systems.noise import with_noise
from symdyn.systems.planar import damped_oscillator, hopf

__all__ = ["damped_oscillator", "hopf", "kepler", "two_body", "with_noise"]
