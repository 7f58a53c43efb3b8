"""Evidence about a trained network: exact violations, and error bars of generators from the violation that is left."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from scipy.spatial import cKDTree

from symdyn.discovery.evidence import Evidence
from symdyn.discovery.exact import ExactEvidence
from symdyn.discovery.function import exact_evidence
from symdyn.discovery.posed import Posed
from symdyn.discovery.sampling import Sampled
from symdyn.lie.gram import Batch

__all__ = ["Differentiated", "NetworkEvidence", "network_evidence"]

_REPLICATES = 200
_REGIONS = 32
_CLEARLY = 3.0  # times the error of the network: a violation that this error does not make


@dataclass(frozen=True)
class NetworkEvidence(ExactEvidence):
    """Evidence about a network that approximates a function.

    Violations are those of the network, known to rounding. What they say of the function behind it is limited by the
    error of the network, and the best witness of that is what the network leaves of the symmetries it has: a true
    symmetry would have violation 0. So the error e is the largest violation accepted (delta, if none is), or
    `accuracy`, if that is larger. That error differs from place to place, which gives the error of directions:
    replicates weigh regions of the points at random (bootstrap).

    Parameters
    ----------
    forms, delta, level, spectrum : see `ExactEvidence`
    replicate_directions : ndarray, `(replicate, candidate, direction)`
        Directions that replicates find.
    accuracy : float
        Error of the network's values, relative to their spread.
    """

    replicate_directions: np.ndarray = field(kw_only=True)  # type: ignore[assignment]
    accuracy: float = field(default=0.0, kw_only=True)

    @cached_property
    def rank(self) -> int:
        """The number of violations below delta: they are known to rounding."""
        return int(np.searchsorted(self.spectrum[1], self.delta))

    @cached_property
    def error(self) -> float:
        """e, in the units of violations."""
        return max(float(self.span_bounds[self.rank - 1]) if self.rank else self.delta, self.accuracy)

    def p_value(self, vector: np.ndarray) -> float:
        """0 for a violation above delta that is over three times the error of the network, else 1: no test is made."""
        return 1.0 if self.violation(vector) < max(self.delta, _CLEARLY * self.error) else 0.0


@dataclass(frozen=True)
class Differentiated(Sampled):
    """Points of a function whose derivatives are exact: differences, which kinks of a network spoil, are not asked."""

    @cached_property
    def first(self) -> Batch:
        """The first points, checked."""
        batch = self.at(self.sums.chosen[:1000])
        self.check([batch])
        return batch


def network_evidence(problem: Posed, samples: Differentiated, delta: float, accuracy: float) -> NetworkEvidence:
    """Forms from one pass over the points, the spectrum from another, replicates from a third.

    Parameters
    ----------
    problem : Posed
    samples : Differentiated
    delta, accuracy : float

    Raises
    ------
    ValueError
        For values or derivatives that are not finite.
    """
    exact, _ = exact_evidence(problem, samples, delta)
    replicates = _replicates(problem.rows, samples, Evidence(exact.forms, delta).directions)
    return NetworkEvidence(
        exact.forms, delta, spectrum=exact.spectrum, replicate_directions=replicates, accuracy=accuracy
    )


def _replicates(rows, samples, frame):
    """Directions `(replicate, candidate, direction)` from regions drawn with replacement (a bootstrap over space).

    The violation that the error of a network leaves is a smooth function of x, so neighbours are no independent
    witnesses: points are drawn by regions, the cells of some of the points.
    """
    n_regions = int(np.clip(samples.sums.count // 4, 1, _REGIONS))
    centres = cKDTree(samples.chart.points(samples.sums.chosen[:n_regions]))
    grams = np.zeros((centres.n, frame.shape[1], frame.shape[1]))
    for batch in samples.batches():
        region = centres.query(batch.points)[1]
        for k in np.unique(region):
            inside = region == k
            part = Batch(batch.points[inside], batch.values[inside], batch.slopes[inside])
            grams[k] += len(part) * (frame.T @ rows.forms([part]).violation @ frame)
    weights = np.random.default_rng(0).multinomial(len(grams), np.full(len(grams), 1 / len(grams)), _REPLICATES)
    return frame @ np.linalg.eigh(np.tensordot(weights, grams, axes=1))[1]
