"""From evidence to findings: the accepted algebra, what is trivial in it, the verdicts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import xarray as xr

from symdyn.discovery.evidence import Evidence
from symdyn.discovery.verdicts import verdict_table, verdict_text
from symdyn.lie.algebra import LieAlgebra
from symdyn.lie.brackets import closure_error
from symdyn.lie.canonical import Ensemble, canonical_vectors
from symdyn.lie.fields import Generators

__all__ = ["Findings", "conclude", "findings_text"]

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
    candidates: Generators, evidence: Evidence, alpha: float, is_trivial: Callable[[LieAlgebra], np.ndarray]
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
    """
    accepted = _canonical_algebra(candidates, evidence)
    trivial = is_trivial(accepted)
    weights = accepted.basis.vectors() @ np.linalg.pinv(candidates.vectors())
    rest = np.concatenate([evidence.directions.T[accepted.dim :], evidence.unseen.T])
    others = candidates.with_vectors(_unit_size(rest @ candidates.vectors()))
    texts = accepted.texts() + others.texts(precision=2, tiny=0.2)
    return Findings(
        accepted.subset(np.flatnonzero(~trivial)),
        accepted.subset(np.flatnonzero(trivial)),
        verdict_table(evidence, weights, texts, trivial, alpha),
        candidates.with_vectors(np.concatenate([accepted.basis.vectors(), others.vectors()])),
    )


def findings_text(verdicts: xr.Dataset, algebra: LieAlgebra, trivial: LieAlgebra) -> str:
    """The verdicts as a table of text, trivial generators named below."""
    below = f"\ntrivial (parallel to the flow): {', '.join(trivial.texts())}" if trivial.dim else ""
    return verdict_text(verdicts, algebra.name) + below


def _canonical_algebra(candidates, evidence) -> LieAlgebra:
    """The largest closed span of directions whose bound is below delta, in canonical form.

    The exact symmetries of any law close under brackets; directions that are symmetric only to within delta need not.
    Taking them for symmetries together would force their brackets on a model as well.
    """
    for rank in range(evidence.rank, 0, -1):
        span = evidence.directions[:, :rank].T @ candidates.vectors()
        replicates = np.swapaxes(evidence.replicate_directions[:, :, :rank], 1, 2) @ candidates.vectors()
        ensemble = Ensemble(span, replicates, _metric(candidates.vectors(), evidence))
        canonical, exact, covariance = canonical_vectors(candidates.with_vectors(span), ensemble)
        if exact.all() or closure_error(candidates.with_vectors(span)) < _OPEN:
            return LieAlgebra(candidates.with_vectors(canonical), covariance, exact)
    return LieAlgebra(candidates.combine(np.zeros((0, len(candidates)))))


def _metric(vectors, evidence):
    """The size D carried to coefficients `(coefficient, coefficient)`; the identity outside the candidates' span."""
    inverse = np.linalg.pinv(vectors)
    outside = np.eye(vectors.shape[1]) - inverse @ vectors
    size = inverse @ evidence.forms.size @ inverse.T
    return size + outside * max(np.trace(size) / len(vectors), 1e-300)


def _unit_size(vectors):
    largest = np.abs(vectors).max(axis=1, keepdims=True)
    return vectors / np.where(largest == 0, 1, largest)
