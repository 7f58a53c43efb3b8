"""A readable basis of a found algebra, exact where an exact algebra lies inside the error bars.

Estimated generators span the algebra in an arbitrary basis and are inexact. Both hide what was found, and an inexact
generator used as exact removes true terms of a model. So: orthonormalise, split by the Killing form, rotate each
block by varimax towards few non-zero coefficients, and round to fractions with small denominators. This is done in
frames that the generators themselves fix, a centre and scales of the states or axes of their own, since in the
coordinates of the data neither the centre of a rotation nor the ratio of two scales is a round number. Rounded
elements that close under brackets are the type; the nearest algebra of that type is taken if it lies inside the error
bars (`symdyn.lie.canonical.snapping`), and nothing is changed if none does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from symdyn.lie.canonical.frames import FrameGroup
from symdyn.lie.canonical.region import Region
from symdyn.lie.canonical.snapping import Snapped, snap
from symdyn.lie.canonical.templates import simple_frames, templates
from symdyn.lie.structure.sparse_basis import ABELIAN, gauge, gauge_weights, readable_bases, varimax
from symdyn.lie.vectorfields import Generators

__all__ = ["ABELIAN", "Canonical", "Ensemble", "canonical_vectors", "varimax"]


@dataclass(frozen=True)
class Ensemble:
    """An estimated span with replicates of it.

    `span` `(generator, coefficient)` and `replicates` `(replicate, generator, coefficient)` hold one generator a row;
    `metric` `(coefficient, coefficient)` is the inner product in which distances are measured.
    """

    span: np.ndarray
    replicates: np.ndarray
    metric: np.ndarray

    def residuals(self, vector: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the part of `vector` outside the span `(coefficient,)` and each replicate `(replicate, ...)`."""
        moved = np.stack([vector - _project(vector, rows, self.metric) for rows in self.replicates])
        return vector - _project(vector, self.span, self.metric), moved

    def contains(self, vector: np.ndarray, reference: np.ndarray, level: float) -> bool:
        """Check whether `vector` lies inside the confidence ellipsoid of the span, drawn about `reference`."""
        _, spread = self.residuals(reference)
        offset, _ = self.residuals(vector)
        precision = _precision(spread)
        distances = np.einsum("bi,ij,bj->b", spread, precision, spread)
        return bool(offset @ precision @ offset <= max(np.quantile(distances, level), 1.0))


@dataclass(frozen=True)
class Canonical:
    """Canonical generators of an estimated span.

    Parameters
    ----------
    vectors : ndarray, `(generator, coefficient)`
        Largest coefficient of each field 1, first large one positive.
    exact : ndarray of bool, `(generator,)`
        Whether they are those of an exact algebra (all or none: a part that is exact does not close with the rest).
    covariance : ndarray, `(generator * coefficient, generator * coefficient)`
        Of exact ones that of the centre and the scales they were found in, 0 where these are given.
    centre : ndarray, `(state,)`, or None
        Where the generators vanish, apart from translations among them; of exact ones only.
    centre_error : ndarray, `(state,)`, or None
        Its standard error; infinite for states in which nothing fixes it.
    frame : ndarray, `(state, state)`, or None
        P of the coordinates u, y = P u + centre, in which the generators are simple fractions.
    """

    vectors: np.ndarray
    exact: np.ndarray
    covariance: np.ndarray
    centre: np.ndarray | None = None
    centre_error: np.ndarray | None = None
    frame: np.ndarray | None = None


def canonical_vectors(
    basis: Generators,
    ensemble: Ensemble,
    *,
    origin: Sequence[float] | None = None,
    ties: Sequence[Sequence[int]] | None = None,
    accept: Callable[[np.ndarray], bool] | None = None,
) -> Canonical:
    """Find canonical generators of an estimated span.

    Parameters
    ----------
    basis : Generators
        The span; its features say what the coefficients of the ensemble belong to.
    ensemble : Ensemble
    origin : sequence of float, `(state,)`, optional
        A point where all candidates vanish: the centre. By default it is found from the candidates and their errors.
    ties : sequence of sequences of int, optional
        Groups of states whose scales are the same, such as those of one unit; by default each state has its own.
    accept : callable, optional
        From exact generators `(generator, coefficient)` to whether the data allow them. Replicates of few runs are too
        near to each other, so where data decide as well the error bars are taken twice as wide.
    """
    n = len(basis.states)
    point = None if origin is None else np.asarray(origin, dtype=float)
    groups = [list(group) for group in ties or ()]
    groups += [[state] for state in range(n) if not any(state in group for group in groups)]
    region = Region.of(ensemble.span, ensemble.replicates, ensemble.metric)
    reach = 1.0 if accept is None else 2.0
    for group, frame in simple_frames(basis, region, point, groups):
        for template in templates(basis, region, frame):
            snapped = snap(template, frame, group, region, basis.features, reach=reach)
            if snapped is not None and (accept is None or accept(snapped.vectors)):
                return _exact(snapped, group)
    readable = np.stack([gauge(row) for row in next(readable_bases(basis, ensemble.span, ensemble.metric))])
    return Canonical(readable, np.zeros(len(readable), dtype=bool), _covariance(readable, ensemble))


def _exact(snapped: Snapped, group: FrameGroup) -> Canonical:
    """Return what was snapped, the scale of each generator fixed, with its errors."""
    gauges = np.stack([gauge_weights(row) for row in snapped.vectors])
    sizes = np.sum(gauges * snapped.vectors, axis=1)[:, None]
    vectors = snapped.vectors / sizes
    # d (v / s) with s = gauge v.
    moves = snapped.moves / sizes
    moves = moves - np.einsum("bgc,gc->bg", moves, gauges)[:, :, None] * vectors
    flat = moves.reshape(len(moves), -1)
    covariance = flat.T @ flat / len(flat)
    centre, error = _centre(snapped, group)
    return Canonical(vectors, np.ones(len(vectors), dtype=bool), covariance, centre, error, snapped.frame.matrix)


def _centre(snapped: Snapped, group: FrameGroup) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Return the centre and its error, infinite along shifts that change nothing; None if no shift changes anything."""
    shifts = ~np.any(group.fields[:, :, 1:], axis=(1, 2))
    if not shifts.any():
        return snapped.frame.centre, np.zeros_like(snapped.frame.centre)
    moved = snapped.template @ group.tangents[shifts]
    span = np.linalg.qr(snapped.template.T)[0]
    beside = (moved - moved @ span @ span.T).reshape(len(moved), -1)
    values, axes = np.linalg.eigh(beside @ beside.T)
    seen = values > 1e-18 * max(values[-1], 1.0)
    if not seen.any():
        return None, None
    free = (snapped.frame.matrix @ group.fields[shifts][:, :, 0].T @ axes[:, ~seen] ** 2).sum(axis=1) > 1e-9
    error = np.sqrt(np.mean(snapped.centre_moves**2, axis=0))
    return snapped.frame.centre, np.where(free, np.inf, error)


def _covariance(vectors: np.ndarray, ensemble: Ensemble) -> np.ndarray:
    moved = np.stack([ensemble.residuals(vector)[1] for vector in vectors], axis=1)
    flat = moved.reshape(len(moved), -1)
    # An estimate is off by what the replicates are off: second moments about the estimate, not about their mean.
    return flat.T @ flat / len(flat)


def _project(vector: np.ndarray, rows: np.ndarray, metric: np.ndarray) -> np.ndarray:
    gram = rows @ metric @ rows.T
    try:
        return np.linalg.solve(gram, rows @ metric @ vector) @ rows
    except np.linalg.LinAlgError:  # rows that depend on each other
        return np.linalg.lstsq(gram, rows @ metric @ vector, rcond=None)[0] @ rows


def _precision(spread: np.ndarray, floor: float = 1e-2) -> np.ndarray:
    """Invert the second moment of the replicates; directions they hardly explore get `floor` times the largest one."""
    values, vectors = np.linalg.eigh(spread.T @ spread / len(spread))
    # Coefficients of size 1 are not known to better than some 1e-7, square root of rounding, from sums of squares.
    widened = np.maximum(values, max(floor * values.max(), 1e-14))
    return (vectors / widened) @ vectors.T
