"""From evidence to findings: the accepted algebra, what is trivial in it, the verdicts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from symdyn.discovery.evidence import Evidence
from symdyn.discovery.verdicts import verdict_table, verdict_text
from symdyn.lie.algebra import LieAlgebra
from symdyn.lie.brackets import closure_error
from symdyn.lie.canonical import Ensemble, canonical_vectors
from symdyn.lie.chart import Chart
from symdyn.lie.fields import Generators, VectorField
from symdyn.lie.space import InUnits, Sum

__all__ = ["Findings", "conclude", "findings_text", "flow_among"]

# Closure error of the worst pair above which an estimated span is no algebra: noise leaves some percent, a bracket
# that leaves the span about 1.
_OPEN = 0.3


@dataclass(frozen=True)
class Findings:
    """What a search found: the accepted algebra without its trivial part, that part, verdicts, and all generators."""

    algebra: LieAlgebra
    trivial: LieAlgebra
    verdicts: xr.Dataset
    generators: Generators


def conclude(
    candidates: Generators,
    evidence: Evidence,
    alpha: float,
    is_trivial: Callable[[LieAlgebra], np.ndarray],
    flow: np.ndarray | None = None,
    *,
    chart: Chart | None = None,
) -> Findings:
    """Canonical algebra and verdicts from evidence.

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
    chart : Chart, optional
        What the candidates are in; findings are carried back from there.
    """
    accepted = _canonical_algebra(candidates, evidence, alpha, chart)
    if flow is not None and accepted.dim == 1 and not accepted.exact.all():
        accepted = _flow_itself(candidates, evidence, flow) or accepted
    weights = accepted.basis.vectors() @ np.linalg.pinv(candidates.vectors())
    trivial = is_trivial(accepted)
    if flow is not None:
        trivial = trivial | (~accepted.exact & _only_the_flow(evidence, weights, flow))
    others, texts = _not_accepted(candidates, evidence, accepted.dim, chart)
    generators = candidates.with_vectors(np.concatenate([accepted.basis.vectors(), others]))
    if chart is not None:
        accepted, generators = _algebra_back(accepted, chart), _generators_back(generators, chart)
    texts = accepted.basis.texts(sizes=_sizes_on_data(generators, chart)) + texts
    return Findings(
        accepted.subset(np.flatnonzero(~trivial)),
        accepted.subset(np.flatnonzero(trivial)),
        verdict_table(evidence, weights, texts, trivial, alpha),
        generators,
    )


def _given_features(features):
    if isinstance(features, InUnits):
        return features.features
    return Sum(tuple(_given_features(part) for part in features.parts)) if isinstance(features, Sum) else features


def _generators_back(generators, chart):
    return chart.generators_back(generators, _given_features(generators.features))


def _algebra_back(algebra, chart):
    basis = _generators_back(algebra.basis, chart)
    carry = np.kron(np.eye(algebra.dim), chart.vector_map(basis.features))
    vectors = basis.vectors()
    near = np.round(12 * vectors) / 12
    snapped = algebra.exact[:, None] & (np.abs(near - vectors) < 1e-9 * np.abs(vectors).max(initial=0.0))
    basis = basis.with_vectors(np.where(snapped, near, vectors))
    return LieAlgebra(basis, carry.T @ algebra.covariance @ carry, algebra.exact)


def _sizes_on_data(generators, chart):
    """What terms with coefficient 1 make of the states, in units of their spread `(coefficient,)`, time last."""
    if chart is None:
        return None
    points = chart.points_back(np.random.default_rng(6).standard_normal((200, len(chart))))
    with np.errstate(all="ignore"):
        size = np.nan_to_num(np.sqrt(np.mean(_given_features(generators.features)(points) ** 2, axis=0)), nan=1.0)
    return np.append(np.outer(1 / np.array(chart.scale), size), 1.0)


def flow_among(candidates: Generators, law: VectorField, points: np.ndarray) -> np.ndarray | None:
    """Weights `(candidate,)` that make the law x' = f(x) out of the candidates; None if it is none of them."""
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
    return weights / sizes if left < 1e-8 * np.linalg.norm(target) else None


def findings_text(verdicts: xr.Dataset, algebra: LieAlgebra, trivial: LieAlgebra) -> str:
    """The verdicts as a table of text, trivial generators named below."""
    below = f"\ntrivial (no more than the flow): {', '.join(trivial.texts())}" if trivial.dim else ""
    return verdict_text(verdicts, algebra.name) + below


def _not_accepted(candidates, evidence, rank, chart=None):
    """Vectors and texts of the directions after the first `rank`, and of those the data cannot see.

    Terms count in the sizes they have on the data, whatever their units; what vanishes there has none.
    """
    sizes = np.sqrt(np.maximum(np.diag(_metric(candidates.vectors(), evidence)), 0.0))
    parts, texts = [], []
    for weights, size in ((evidence.directions.T[rank:], sizes), (evidence.unseen.T, np.ones_like(sizes))):
        parts.append(_unit_size(weights @ candidates.vectors(), size))
        found = candidates.with_vectors(parts[-1])
        if chart is not None:
            found = _generators_back(found, chart)
            size = _sizes_on_data(found, chart)
            found = found.with_vectors(_unit_size(found.vectors(), size))
        texts += found.texts(precision=2, tiny=0.2, sizes=size)
    return np.concatenate(parts), texts


def _canonical_algebra(candidates, evidence, alpha, chart=None) -> LieAlgebra:
    """The largest closed span of directions whose bound is below delta, in canonical form.

    The exact symmetries of any law close under brackets; directions that are symmetric only to within delta need not.
    Taking them for symmetries together would force their brackets on a model as well.
    """
    for rank in range(evidence.rank, 0, -1):
        ensemble = _ensemble(candidates, evidence, rank)
        basis = candidates.with_vectors(ensemble.span)
        canonical, exact, covariance = _readable(basis, ensemble, chart)
        if exact.all() and not _holds(candidates, evidence, canonical, alpha):
            # With twenty coefficients the ellipsoid has room for fractions that are no symmetry.
            canonical, exact, _ = _readable(basis, replace(ensemble, replicates=ensemble.span[None]), chart)
            moved = np.hstack([ensemble.residuals(vector)[1] for vector in canonical])
            covariance = moved.T @ moved / len(moved)
        if exact.all() or closure_error(basis) < _OPEN:
            return LieAlgebra(candidates.with_vectors(canonical), covariance, exact)
    return LieAlgebra(candidates.combine(np.zeros((0, len(candidates)))))


def _readable(basis, ensemble, chart):
    """Canonical vectors, rounded in the units of the user where these are ordinary, else in the chart."""
    if chart is not None and max(*chart.scale, *(1 / s for s in chart.scale)) < 1e3 > max(np.abs(chart.centre)):
        carry = chart.vector_map(basis.features)
        back = np.linalg.inv(carry)
        given = Ensemble(ensemble.span @ carry, ensemble.replicates @ carry, back @ ensemble.metric @ back.T)
        vectors, exact, covariance = canonical_vectors(_generators_back(basis, chart), given)
        inside = np.kron(np.eye(len(vectors)), back)
        if exact.all():
            return vectors @ back, exact, inside.T @ covariance @ inside
    return canonical_vectors(basis, ensemble)


def _holds(candidates, evidence, vectors, alpha):
    """Whether the evidence accepts generators as they stand, and does not reject that they are exact."""
    weights = vectors @ np.linalg.pinv(candidates.vectors())
    return all(
        evidence.upper_bound(row, len(weights)) < evidence.delta and evidence.p_value(row) >= alpha / len(weights)
        for row in weights
    )


def _flow_itself(candidates, evidence, flow) -> LieAlgebra | None:
    """The law, where it lies inside the error of what was accepted: one generator that noise mixed with others.

    f commutes with f, so the data cannot tell the two apart, and the simpler statement is that nothing but f was found.
    """
    ensemble = _ensemble(candidates, evidence, evidence.rank)
    vector = _unit_size((flow @ candidates.vectors())[None])[0]
    if not ensemble.contains(vector, vector, 0.95) or evidence.upper_bound(flow, evidence.rank) >= evidence.delta:
        return None
    _, moved = ensemble.residuals(vector)
    return LieAlgebra(candidates.with_vectors(vector[None]), moved.T @ moved / len(moved), np.zeros(1, dtype=bool))


def _only_the_flow(evidence, weights, flow):
    """Mask `(generator,)` of those whose part beside the flow would not be accepted by itself.

    f commutes with f whatever the data say, so a field that is no symmetry looks like one once it is mixed with enough
    of the flow.
    """
    size = evidence.forms.size
    along = (weights @ size @ flow) / (flow @ size @ flow)
    beside = weights - along[:, None] * flow
    return np.array([evidence.upper_bound(row, 1) >= evidence.delta for row in beside], dtype=bool)


def _ensemble(candidates, evidence, rank) -> Ensemble:
    span = evidence.directions[:, :rank].T @ candidates.vectors()
    replicates = np.swapaxes(evidence.replicate_directions[:, :, :rank], 1, 2) @ candidates.vectors()
    return Ensemble(span, replicates, _metric(candidates.vectors(), evidence))


def _metric(vectors, evidence):
    """The size D carried to coefficients `(coefficient, coefficient)`; the identity outside the candidates' span."""
    inverse = np.linalg.pinv(vectors)
    outside = np.eye(vectors.shape[1]) - inverse @ vectors
    size = inverse @ evidence.forms.size @ inverse.T
    return size + outside * max(np.trace(size) / len(vectors), 1e-300)


def _unit_size(vectors, sizes=1.0):
    """Vectors whose largest term, in the sizes `(coefficient,)` of terms with coefficient 1, has coefficient ±1."""
    largest = (
        np.argmax(np.abs(vectors * sizes), axis=1)[:, None] if vectors.shape[1] else np.zeros((len(vectors), 1), int)
    )
    leading = np.abs(np.take_along_axis(vectors, largest, axis=1))
    return vectors / np.where(leading == 0, 1, leading)
