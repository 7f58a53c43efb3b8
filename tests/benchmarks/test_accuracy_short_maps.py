"""Maps of one short run: `python -m pytest tests/benchmarks -m accuracy -k short_maps -s`.

x' = (1.1 - 0.1 |x|^2) R x with kicks of 0.1, and the chaotic x' = (2.4 - |x|^2) R x without kicks, observed with 1 %
noise: both have the rotation. Broken ones have it to a true violation of 0.5 (mean over data sets). Candidates gl(2),
cubic law, one run.
"""

from dataclasses import dataclass

import numpy as np
import pytest
from exact_verdicts import Truth, search

import symdyn as sd

LENGTHS, SEEDS = (15, 21, 35, 50, 100), range(5000, 5040)
GL2, LAW = sd.candidates.gl(2), sd.features.Polynomial(3)
ROTATION = sd.candidates.so(2)
_TURN = np.array([[0.8, -0.6], [0.6, 0.8]])


@dataclass(frozen=True)
class Map:
    """x' = (a - b |x|^2) R x - c (x_0, 0); kicks and the noise of what is observed, of each spread."""

    a: float
    b: float
    c: float
    kick: float
    noise: float

    def law(self, points):
        """Increments at points `(sample, 2)`."""
        points = np.asarray(points, dtype=float)
        radial = self.a - self.b * np.sum(points**2, axis=1, keepdims=True)
        return radial * (points @ _TURN.T) - points - self.c * points * np.array([1.0, 0.0])

    def simulate(self, seed, length):
        """The true states `(time, 2)` and what is observed of them."""
        rng = np.random.default_rng([seed, length])
        x = [rng.standard_normal(2) if self.kick else rng.uniform(0.3, 0.8, 2)]
        for _ in range(20 + length if not self.kick else length - 1):
            x.append(x[-1] + self.law(x[-1][None])[0] + self.kick * rng.standard_normal(2))
        clean = np.array(x)[-length:]
        return clean, clean + self.noise * clean.std(axis=0) * rng.standard_normal(clean.shape)


MAPS = {
    "kicked, exact": Map(1.1, 0.1, 0.0, 0.1, 0.0),
    "kicked, exact, 1 % noise": Map(1.1, 0.1, 0.0, 0.1, 0.01),
    "kicked, broken, 1 % noise": Map(1.1, 0.1, 0.0, 0.1, 0.01),
    "chaotic, exact, 1 % noise": Map(2.4, 1.0, 0.0, 0.0, 0.01),
    "chaotic, broken, 1 % noise": Map(2.4, 1.0, 0.0, 0.0, 0.01),
}
