"""Evidence about a trained network: exact violations, and error bars of generators from the violation that is left."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import xarray as xr
from scipy.spatial import KDTree

from symdyn.discovery.charted_candidates import Posed
from symdyn.discovery.function import exact_evidence
from symdyn.discovery.sampled_function import Sampled
from symdyn.evidence.evidence import Evidence
from symdyn.evidence.exact_evidence import ExactEvidence
from symdyn.lie.constraints.gram import Batch, Rows

__all__ = ["Differentiated", "NetworkEvidence", "error_text", "network_evidence", "within_error"]

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
        """Return 0 for a violation above delta and above three times the error of the network, else 1.

        No test is made.
        """
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
    """Collect forms in one pass over the points, the spectrum in another, replicates in a third.

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


def within_error(table: xr.Dataset, evidence: Evidence | None, accuracy: float) -> xr.Dataset:
    """Return the verdicts on elements, those undetermined that the error of the network may have broken.

    Parameters
    ----------
    table : xr.Dataset
        From `judge_elements_of_function`, where violations are exact.
    evidence : Evidence, optional
        On generators of the same network, if any were asked for.
    accuracy : float
    """
    accepted = table.violation.values[table.verdict.values == "symmetric"]
    error = max(accuracy, float(accepted.max()) if len(accepted) else table.attrs["delta"])
    if isinstance(evidence, NetworkEvidence) and evidence.rank:
        error = max(error, evidence.error)
    unsure = (table.verdict.values == "broken") & (table.violation.values < _CLEARLY * error)
    changed = {
        "verdict": np.where(unsure, "undetermined", table.verdict.values).astype(object),
        "p_value": np.where(unsure, 1.0, table.p_value.values),
        "exact_rejected": table.exact_rejected.values & ~unsure,
        "reason": np.where(unsure, error_text(error), table.reason.values).astype(object),
    }
    return table.assign({name: ("element", values) for name, values in changed.items()})


def error_text(error: float) -> str:
    """Say what would decide violations that the error of the network may have made."""
    return (
        f"its violation is within three times {error:.1g}, what the network leaves of symmetries it has, or misses its "
        "targets by: a network that is closer to its targets, or a larger delta, would decide"
    )


def _replicates(rows: Rows, samples: Differentiated, frame: np.ndarray) -> np.ndarray:
    """Find directions `(replicate, candidate, direction)` from regions drawn with replacement.

    A bootstrap over space: the violation that the error of a network leaves is a smooth function of x, so neighbours
    are no independent witnesses, and points are drawn by regions, the cells of some of the points.
    """
    n_regions = int(np.clip(samples.sums.count // 4, 1, _REGIONS))
    centres = KDTree(samples.chart.points(samples.sums.chosen[:n_regions]))
    grams = np.zeros((centres.n, frame.shape[1], frame.shape[1]))
    for batch in samples.batches():
        region = centres.query(batch.points)[1]
        for k in np.unique(region):
            inside = region == k
            part = Batch(batch.points[inside], batch.values[inside], batch.slopes[inside], batch.factors)
            grams[k] += len(part) * (frame.T @ rows.forms([part]).violation @ frame)
    weights = np.random.default_rng(0).multinomial(len(grams), np.full(len(grams), 1 / len(grams)), _REPLICATES)
    return frame @ np.linalg.eigh(np.tensordot(weights, grams, axes=1))[1]
