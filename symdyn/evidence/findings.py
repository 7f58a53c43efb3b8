"""From evidence to findings: the accepted algebra, what is trivial in it, the verdicts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from symdyn.evidence.evidence import Evidence
from symdyn.evidence.verdicts import verdict_table, verdict_text
from symdyn.functions.features import Features
from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.lie.canonical.canonical_form import Ensemble, canonical_vectors
from symdyn.lie.chart import Chart
from symdyn.lie.chart_texts import charted_texts, gauge_factors
from symdyn.lie.prolongation import fixed_point
from symdyn.lie.structure.brackets import closure_error
from symdyn.lie.vectorfields import Generators

__all__ = ["Findings", "View", "conclude", "findings_text", "flow_among"]

# Closure error of the worst pair above which an estimated span is no algebra: noise leaves some percent, a bracket
# that leaves the span about 1.
_OPEN = 0.3


@dataclass(frozen=True)
class Findings:
    """What a search found: the accepted algebra without its trivial part, that part, verdicts, and all generators.

    `found` is all that was accepted as it came out of the evidence, before it was snapped to an exact algebra.
    """

    algebra: LieAlgebra
    trivial: LieAlgebra
    found: LieAlgebra
    verdicts: xr.Dataset
    generators: Generators


@dataclass(frozen=True)
class View:
    """How findings in a chart are seen in the units of the states.

    `chart` is that of all states that `candidates` act on, which are in the chart; `features` are the functions of the
    candidates as they were given.
    """

    chart: Chart
    features: Features
    candidates: Generators

    def algebra(self, inside: LieAlgebra) -> LieAlgebra:
        """Return an algebra of the chart in the units of the states."""
        found = LieAlgebra.from_chart(inside, self.chart, self._features(inside.basis))
        return found.scaled(gauge_factors(found.basis, self.chart))

    def generators(self, inside: Generators) -> Generators:
        """Return generators of the chart in the units of the states."""
        found = self.chart.generators_back(inside, self._features(inside))
        return found.with_vectors(found.vectors() * gauge_factors(found, self.chart)[:, None])

    def texts(self, inside: Generators, precision: int = 3, tiny: float = 1e-3) -> list[str]:
        """Write generators of the chart as text."""
        return charted_texts(self.generators(inside), self.chart, precision, tiny)

    def _features(self, inside: Generators) -> Features:
        # Unknown actions on outputs widen affine candidates by states of their own.
        return self.features if inside.features == self.candidates.features else inside.features


def conclude(
    candidates: Generators,
    evidence: Evidence,
    alpha: float,
    is_trivial: Callable[[LieAlgebra], np.ndarray],
    flow: np.ndarray | None = None,
    view: View | None = None,
) -> Findings:
    """Derive the canonical algebra and the verdicts from evidence.

    Parameters
    ----------
    candidates : Generators
    evidence : Evidence
        Of combinations of the candidates.
    alpha : float
        Level of the test that calls a generator broken.
    is_trivial : callable
        From the accepted algebra to a mask `(generator,)`.
    flow : ndarray, `(candidate,)`, optional
        The law as a combination of the candidates, see `flow_among`.
    view : View, optional
        Of candidates that are in a chart: what is found comes back in the units of the states.
    """
    view = view or View(Chart.identity(len(candidates.states)), candidates.features, candidates)
    accepted = _canonical_algebra(candidates, evidence, alpha, view.chart.ties)
    if flow is not None and accepted.dim and not accepted.exact.all():
        accepted = _flow_set_apart(candidates, evidence, flow, accepted) or accepted
    weights = accepted.basis.vectors() @ np.linalg.pinv(candidates.vectors())
    trivial = is_trivial(accepted)
    if flow is not None:
        trivial = trivial | (~accepted.exact & _only_the_flow(evidence, weights, flow))
    others, texts = _not_accepted(candidates, evidence, accepted.dim, view)
    texts = view.algebra(accepted).texts() + texts
    return Findings(
        view.algebra(accepted.subset(np.flatnonzero(~trivial))),
        view.algebra(accepted.subset(np.flatnonzero(trivial))),
        view.algebra(_as_it_came_out(candidates, evidence, accepted.dim)),
        verdict_table(evidence, weights, texts, trivial, alpha),
        view.generators(candidates.with_vectors(np.concatenate([accepted.basis.vectors(), others]))),
    )


def flow_among(
    candidates: Generators, law: Callable[[np.ndarray], np.ndarray], points: np.ndarray, within: float = 1e-8
) -> np.ndarray | None:
    """Find weights `(candidate,)` that make the law x' = f(x) out of the candidates; None if it is none of them.

    `within` is the part of f that may be left over: of a law that is only close to one of the candidates.
    """
    values, rates = candidates.values(points), law(points)
    if values.shape[:2] != rates.shape or not np.any(rates):
        return None
    scale = np.sqrt(np.mean(rates**2, axis=0))
    scale = np.where(scale > 0, scale, 1.0)
    rows, target = (values / scale[:, None]).reshape(-1, len(candidates)), (rates / scale).ravel()
    sizes = np.linalg.norm(rows, axis=0)
    sizes = np.where(sizes > 0, sizes, 1.0)
    weights = np.linalg.lstsq(rows / sizes, target, rcond=None)[0]
    left = np.linalg.norm(rows / sizes @ weights - target)
    return weights / sizes if left < within * np.linalg.norm(target) else None


def findings_text(verdicts: xr.Dataset, algebra: LieAlgebra, trivial: LieAlgebra) -> str:
    """Write the verdicts as a table of text, trivial generators named below."""
    below = f"\ntrivial (no more than the flow): {', '.join(trivial.texts())}" if trivial.dim else ""
    # No exact algebra of its kind lies inside the error bars, or the data reject it.
    name = algebra.name if algebra.exact.all() else f"{algebra.name} (approximate)"
    return verdict_text(verdicts, name) + below


def _as_it_came_out(candidates: Generators, evidence: Evidence, rank: int) -> LieAlgebra:
    if rank == 0:
        return LieAlgebra(candidates.combine(np.zeros((0, len(candidates)))))
    ensemble = _ensemble(candidates, evidence, rank)
    rows = _unit_size(ensemble.span)
    moved = np.stack([ensemble.residuals(row)[1] for row in rows], axis=1).reshape(len(ensemble.replicates), -1)
    return LieAlgebra(candidates.with_vectors(rows), moved.T @ moved / len(moved), np.zeros(rank, dtype=bool))


def _not_accepted(candidates: Generators, evidence: Evidence, rank: int, view: View) -> tuple[np.ndarray, list[str]]:
    """Return vectors and texts of the directions after the first `rank`, and of those the data cannot see.

    Terms count in the sizes they have on the data, whatever their units; what vanishes there has none.
    """
    sizes = np.sqrt(np.maximum(np.diag(_metric(candidates.vectors(), evidence)), 0.0))
    parts, texts = [], []
    for weights, size in ((evidence.directions.T[rank:], sizes), (evidence.unseen.T, np.ones_like(sizes))):
        parts.append(_unit_size(weights @ candidates.vectors(), size))
        texts += view.texts(candidates.with_vectors(parts[-1]), precision=2, tiny=0.2)
    return np.concatenate(parts), texts


def _canonical_algebra(
    candidates: Generators, evidence: Evidence, alpha: float, ties: Sequence[Sequence[int]]
) -> LieAlgebra:
    """Find the largest closed span of directions whose bound is below delta, in canonical form.

    The exact symmetries of any law close under brackets; directions that are symmetric only to within delta need not.
    Taking them for symmetries together would force their brackets on a model as well.
    """
    frame = {"origin": fixed_point(candidates), "ties": ties}
    for rank in range(evidence.rank, 0, -1):
        ensemble = _ensemble(candidates, evidence, rank)
        basis = candidates.with_vectors(ensemble.span)
        # With twenty coefficients the error bars have room for exact algebras that are no symmetry.
        found = canonical_vectors(
            basis, ensemble, **frame, accept=lambda vectors: _holds(candidates, evidence, vectors, alpha)
        )
        if not found.exact.all():
            exact = canonical_vectors(basis, replace(ensemble, replicates=ensemble.span[None]), **frame)
            found = replace(found, vectors=exact.vectors, exact=exact.exact)
        if found.exact.all() or closure_error(basis) < _OPEN:
            return LieAlgebra(candidates.with_vectors(found.vectors), found.covariance, found.exact)
    return LieAlgebra(candidates.combine(np.zeros((0, len(candidates)))))


def _holds(candidates: Generators, evidence: Evidence, vectors: np.ndarray, alpha: float) -> bool:
    """Check whether the evidence accepts generators as they stand, and does not reject that they are exact."""
    weights = vectors @ np.linalg.pinv(candidates.vectors())
    return all(
        evidence.upper_bound(row, len(weights)) < evidence.delta and evidence.p_value(row) >= alpha / len(weights)
        for row in weights
    )


def _flow_set_apart(
    candidates: Generators, evidence: Evidence, flow: np.ndarray, accepted: LieAlgebra
) -> LieAlgebra | None:
    """Set the law apart from what is beside it, where the law lies inside the error of what was accepted.

    f commutes with f, so noise mixes f with whatever else was accepted, and the data cannot tell the mixture from f:
    the simpler statement is that f was found, and perhaps something beside it: if the error of its own bracket allows.
    """
    rank = accepted.dim
    ensemble = _ensemble(candidates, evidence, rank)
    vector = _unit_size((flow @ candidates.vectors())[None])[0]
    if not ensemble.contains(vector, vector, 0.95) or evidence.upper_bound(flow, rank) >= evidence.delta:
        return None
    along = ensemble.span @ ensemble.metric @ vector / (vector @ ensemble.metric @ vector)
    beside = ensemble.span - np.outer(along, vector)
    values, turn = np.linalg.eigh(beside @ ensemble.metric @ beside.T)
    rows = np.concatenate([vector[None], _unit_size(turn.T[np.argsort(-values)[: rank - 1]] @ beside)])
    if any(evidence.own_bound(row) >= evidence.delta for row in rows[1:] @ np.linalg.pinv(candidates.vectors())):
        rows = rows[:1]
    moved = np.stack([ensemble.residuals(row)[1] for row in rows], axis=1).reshape(len(ensemble.replicates), -1)
    basis = candidates.with_vectors(rows)
    return LieAlgebra(basis, moved.T @ moved / len(moved), np.zeros(len(rows), dtype=bool))


def _only_the_flow(evidence: Evidence, weights: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """Mask the generators `(generator,)` whose part beside the flow would not be accepted by itself.

    f commutes with f whatever the data say, so a field that is no symmetry looks like one once it is mixed with enough
    of the flow.
    """
    size = evidence.forms.size
    along = (weights @ size @ flow) / (flow @ size @ flow)
    beside = weights - along[:, None] * flow
    return np.array([evidence.upper_bound(row, 1) >= evidence.delta for row in beside], dtype=bool)


def _ensemble(candidates: Generators, evidence: Evidence, rank: int) -> Ensemble:
    span = evidence.directions[:, :rank].T @ candidates.vectors()
    replicates = np.swapaxes(evidence.replicate_directions[:, :, :rank], 1, 2) @ candidates.vectors()
    return Ensemble(span, replicates, _metric(candidates.vectors(), evidence))


def _metric(vectors: np.ndarray, evidence: Evidence) -> np.ndarray:
    """Carry the size D to coefficients `(coefficient, coefficient)`; the identity outside the candidates' span."""
    inverse = np.linalg.pinv(vectors)
    outside = np.eye(vectors.shape[1]) - inverse @ vectors
    size = inverse @ evidence.forms.size @ inverse.T
    return size + outside * max(np.trace(size) / len(vectors), 1e-300)


def _unit_size(vectors: np.ndarray, sizes: np.ndarray | float = 1.0) -> np.ndarray:
    """Scale vectors: the largest term, in `sizes` `(coefficient,)` of terms with coefficient 1, gets coefficient ±1."""
    largest = (
        np.argmax(np.abs(vectors * sizes), axis=1)[:, None] if vectors.shape[1] else np.zeros((len(vectors), 1), int)
    )
    leading = np.abs(np.take_along_axis(vectors, largest, axis=1))
    return vectors / np.where(leading == 0, 1, leading)
