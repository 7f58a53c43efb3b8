"""From evidence on point symmetries to findings: a span that is accepted, as an algebra in a readable basis.

What is accepted is made exact in one of two ways, which no change of units or origin changes. If the exact symmetries
of the identified law are as many, and the same span within the errors, they are taken, with the numbers of the law in
them: a t ∂x + ∂u has the a of u_t = −a u u_x + .... Else numbers that carry no units, such as the 2 in x ∂x + 2 t ∂t,
are rounded to simple fractions, and others to zero, if the evidence accepts that and the generators then close.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr

from symdyn.discovery.point.charted_fields import Frames
from symdyn.discovery.point.evidence_routes import PointEvidence
from symdyn.discovery.point.graded_basis import graded_basis
from symdyn.evidence.verdicts import verdict_table
from symdyn.jets.evolution import determining_rows
from symdyn.laws.fields.field_law import FieldLaw
from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.lie.canonical.canonical_form import Ensemble
from symdyn.lie.chart_texts import charted_texts, gauge_factors
from symdyn.lie.constraints.subspace import null_space
from symdyn.lie.structure.brackets import closure_error
from symdyn.lie.vectorfields import Generators

__all__ = ["PointFindings", "point_findings"]

_DENOMINATORS = (1, 2, 3, 4, 6, 8)
_NEAR = 0.01  # of a fraction, or of zero where a term of coefficient 1 is of size 1
_CLOSED = 1e-9
_OPEN = 0.3  # closure error above which an estimated span is no algebra: noise leaves percents, an open bracket 1
_SAME = 0.1  # sine of the angle between what is accepted and the exact symmetries of the law
_DIGITS = 1e-7  # to which exact symmetries of a law are computed


@dataclass(frozen=True)
class PointFindings:
    """What a search found, in the units of the data; `charted` are all generators in the chart, in the same order."""

    algebra: LieAlgebra
    trivial: LieAlgebra
    verdicts: xr.Dataset
    generators: Generators
    charted: Generators


@dataclass(frozen=True)
class _Basis:
    """Rows `(generator, coefficient)` at home, the leading one of each, and whether they are exact."""

    rows: np.ndarray
    pivots: np.ndarray
    exact: bool


def point_findings(
    law: FieldLaw,
    frames: Frames,
    near: np.ndarray,
    evidence: PointEvidence,
    alpha: float,
    is_trivial: Callable[[Generators], np.ndarray],
) -> PointFindings:
    """Return the accepted algebra with its verdicts.

    Parameters
    ----------
    law : FieldLaw
        In the chart.
    frames : Frames
        Of the candidates.
    near : ndarray, `(candidate, direction)`
        The combinations that the evidence is about.
    evidence : PointEvidence
    alpha : float
    is_trivial : callable
        From generators in the chart to a mask `(generator,)`.
    """
    pool = near.T @ frames.charted.vectors()
    judge = _Judge(pool, evidence, alpha)
    basis = _accepted(law, frames, judge)
    charted = frames.charted.with_vectors(basis.rows @ frames.from_home)
    weights, covariance = judge.weights(charted.vectors()), judge.covariance(charted.vectors(), frames.to_home)
    # One number of each generator is 1 in the units of the data.
    leading = frames.units[basis.pivots]
    size = np.repeat(leading, basis.rows.shape[1])
    rows, covariance = basis.rows / leading[:, None], covariance / size[:, None] / size
    trivial = is_trivial(charted)
    whole = frames.algebra(rows, covariance, np.full(len(rows), basis.exact))
    others = np.concatenate([evidence.directions.T[len(rows) :], evidence.unseen.T]) @ pool
    beyond = frames.in_units(others @ frames.to_home)
    beyond = beyond.with_vectors(beyond.vectors() * gauge_factors(beyond, frames.chart)[:, None])
    texts = whole.texts() + charted_texts(beyond, frames.chart, precision=2, tiny=0.2)
    return PointFindings(
        whole.subset(np.flatnonzero(~trivial)),
        whole.subset(np.flatnonzero(trivial)),
        verdict_table(evidence, weights, texts, trivial, alpha),
        whole.basis.with_vectors(np.concatenate([whole.basis.vectors(), beyond.vectors()])),
        frames.charted.with_vectors(np.concatenate([charted.vectors(), others])),
    )


class _Judge:
    """The evidence on generators in the chart, given by their coefficients."""

    def __init__(self, pool: np.ndarray, evidence: PointEvidence, alpha: float):
        self.pool, self.evidence, self.alpha = pool, evidence, alpha
        self.inverse = np.linalg.pinv(pool)
        outside = np.eye(pool.shape[1]) - self.inverse @ pool
        size = self.inverse @ evidence.forms.size @ self.inverse.T
        self.metric = size + outside * max(np.trace(size) / len(pool), 1e-300)

    def weights(self, vectors: np.ndarray) -> np.ndarray:
        """Write generators as combinations `(generator, direction)` of the pool."""
        return vectors @ self.inverse

    def span(self, rank: int) -> np.ndarray:
        """Return the first directions as rows of coefficients."""
        return self.evidence.directions[:, :rank].T @ self.pool

    def holds(self, vectors: np.ndarray) -> bool:
        """Check whether generators lie in the pool, are accepted as they stand, and are not rejected as exact."""
        weights = self.weights(vectors)
        inside = np.linalg.norm(weights @ self.pool - vectors, axis=1) < _NEAR * np.linalg.norm(vectors, axis=1)
        n, evidence = len(vectors), self.evidence
        return bool(inside.all()) and all(
            evidence.upper_bound(row, n) < evidence.delta and evidence.exact_p_value(row) >= self.alpha / n
            for row in weights
        )

    def distance(self, vectors: np.ndarray, others: np.ndarray) -> float:
        """Compute the sine of the largest angle between two spans, in the size of generators."""
        root = np.linalg.cholesky(
            self.metric + 1e-14 * np.trace(self.metric) / len(self.metric) * np.eye(len(self.metric))
        )
        first, second = (np.linalg.qr((rows @ root).T)[0] for rows in (vectors, others))
        return float(np.linalg.norm(first - second @ (second.T @ first), 2))

    def moved(self, vectors: np.ndarray) -> np.ndarray:
        """Return what of generators lies outside the span of each replicate, `(replicate, generator, coefficient)`."""
        rank = len(vectors)
        replicates = np.swapaxes(self.evidence.replicate_directions[:, :, :rank], 1, 2) @ self.pool
        ensemble = Ensemble(vectors, replicates, self.metric)
        return np.stack([ensemble.residuals(vector)[1] for vector in vectors], axis=1)

    def covariance(self, vectors: np.ndarray, turn: np.ndarray) -> np.ndarray:
        """Return the covariance of the coefficients of generators after a change of frame."""
        size = vectors.size
        if not len(vectors) or not np.any(self.evidence.forms.error):  # an exact law
            return np.zeros((size, size))
        flat = (self.moved(vectors) @ turn).reshape(-1, size)
        return flat.T @ flat / len(flat)


def _accepted(law: FieldLaw, frames: Frames, judge: _Judge) -> _Basis:
    """Find the largest span of directions with bounds below delta that is an algebra."""
    exact = _symmetries_of(law, frames)
    for rank in range(judge.evidence.rank, 0, -1):
        span = judge.span(rank)
        if len(exact) == rank and judge.distance(span, exact) < _SAME and judge.holds(exact):
            rows, pivots = graded_basis(exact, frames.degrees, frames.to_home, _DIGITS)
            return _Basis(_without_rounding(rows, pivots, frames), pivots, True)
        spread = np.sqrt(np.mean(np.sum(judge.moved(span) ** 2, axis=2), axis=0)) / np.linalg.norm(span, axis=1)
        rows, pivots = graded_basis(span, frames.degrees, frames.to_home, max(5 * float(spread.max()), _DIGITS))
        errors = np.sqrt(np.diag(judge.covariance(rows @ frames.from_home, frames.to_home))).reshape(rows.shape)
        for rounded in _rounded(rows, pivots, errors, frames):
            charted = rounded @ frames.from_home
            if closure_error(frames.charted.with_vectors(charted)) < _CLOSED and judge.holds(charted):
                return _Basis(rounded, pivots, True)
        if closure_error(frames.charted.with_vectors(span)) < _OPEN:
            told = np.abs(rows) >= np.maximum(3 * errors, 1e-6)
            told[np.arange(len(rows)), pivots] = True  # leads, however large its error: no generator is zero
            return _Basis(np.where(told, rows, 0.0), pivots, False)
    return _Basis(np.zeros((0, len(frames.units))), np.zeros(0, dtype=int), True)


def _symmetries_of(law: FieldLaw, frames: Frames) -> np.ndarray:
    """Compute the exact symmetries of the law among the candidates, as rows of coefficients in the chart."""
    rows = determining_rows(law.evolution(), frames.charted)
    weights = null_space(rows).T if len(rows) else np.eye(len(frames.charted))
    return weights @ frames.charted.vectors()


def _without_rounding(rows: np.ndarray, pivots: np.ndarray, frames: Frames) -> np.ndarray:
    """Remove what rounding left in exact generators; ratios without units that are nearly simple become simple."""
    cleaned = np.where(np.abs(rows) < _DIGITS * np.abs(rows).max(axis=1, keepdims=True), 0.0, rows)
    return _fractions(cleaned, _pure(pivots, frames), _DIGITS)


def _rounded(rows: np.ndarray, pivots: np.ndarray, errors: np.ndarray, frames: Frames) -> Iterator[np.ndarray]:
    """Round ratios of like units to simple fractions and others to zero, if near: by size, then by error."""
    pure = _pure(pivots, frames)
    for near in (np.full(rows.shape, _NEAR), np.minimum(3 * errors, _NEAR)):
        yield _fractions(np.where(~pure & (np.abs(rows) < near), 0.0, rows), pure, near)


def _pure(pivots: np.ndarray, frames: Frames) -> np.ndarray:
    """Mask the coefficients that are numbers in any units, that of the leading term being 1."""
    dimensions = frames.dimensions
    return np.all(dimensions[None, :] == dimensions[pivots][:, None], axis=2)


def _fractions(rows: np.ndarray, pure: np.ndarray, near: np.ndarray | float) -> np.ndarray:
    """Replace pure numbers by the fraction with the smallest denominator that is near, if there is one."""
    result, near = rows.copy(), np.broadcast_to(near, rows.shape)
    for place in zip(*np.nonzero(pure & (rows != 0)), strict=True):
        for denominator in _DENOMINATORS:
            fraction = np.round(rows[place] * denominator) / denominator
            if abs(fraction - rows[place]) < near[place]:
                result[place] = fraction
                break
    return result
