"""A readable basis of a found algebra, exact where an exact algebra lies inside the error bars.

Estimated generators span the algebra in an arbitrary basis and are inexact. Both hide what was found, and an inexact
generator used as exact removes true terms of a model. So: orthonormalise, split by the Killing form, rotate each
block by varimax towards few non-zero coefficients, and round to fractions with small denominators. This is done in
frames that the generators themselves fix, a centre and scales of the states or axes of their own, since in the
coordinates of the data neither the centre of a rotation nor the ratio of two scales is a round number. Rounded
elements that close under brackets are the type; the nearest algebra of that type is taken if it lies inside the error
bars (`symdyn.lie.snapping`), and nothing is changed if none does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import linalg

from symdyn.lie.brackets import bracket_size, closure_error, killing_form, structure_constants
from symdyn.lie.fields import Generators
from symdyn.lie.frames import Frame, FrameGroup, affine_terms, diagonal_frames, linear_frames
from symdyn.lie.normal_frames import balanced_scales, common_centre, eigenframes, form_frame, ratio_scales
from symdyn.lie.printing import monomial_exponents
from symdyn.lie.snapping import Region, Snapped, snap

__all__ = ["ABELIAN", "Canonical", "Ensemble", "canonical_vectors", "varimax"]


# Brackets below this fraction of the products they are made of count as zero in an estimated algebra.
ABELIAN = 0.05


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
        """What of `vector` lies outside the span, `(coefficient,)`, and outside each replicate `(replicate, ...)`."""
        moved = np.stack([vector - _project(vector, rows, self.metric) for rows in self.replicates])
        return vector - _project(vector, self.span, self.metric), moved

    def contains(self, vector: np.ndarray, reference: np.ndarray, level: float) -> bool:
        """Whether `vector` lies inside the confidence ellipsoid of the span, drawn round `reference`."""
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
    """Canonical generators of an estimated span.

    Parameters
    ----------
    basis : Generators
        The span; its features say what the coefficients of the ensemble belong to.
    ensemble : Ensemble
    origin : sequence of float, `(state,)`, optional
        A point where all candidates vanish: the centre. It is found where left out.
    ties : sequence of sequences of int, optional
        Groups of states whose scales are the same, such as those of one unit; each state has its own if left out.
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
    for group, frame in _frames(basis, region, ensemble, point, groups):
        for template in _templates(basis, ensemble, region, frame):
            snapped = snap(template, frame, group, region, basis.features, reach=reach)
            if snapped is not None and (accept is None or accept(snapped.vectors)):
                return _exact(snapped, group)
    readable = np.stack([_gauge(row) for row in _readable_bases(basis, ensemble)[0]])
    return Canonical(readable, np.zeros(len(readable), dtype=bool), _covariance(readable, ensemble))


def _exact(snapped: Snapped, group: FrameGroup) -> Canonical:
    """What was snapped, the scale of each generator fixed, with its errors."""
    gauges = np.stack([_gauge_of(row) for row in snapped.vectors])
    sizes = np.sum(gauges * snapped.vectors, axis=1)[:, None]
    vectors = snapped.vectors / sizes
    # d (v / s) with s = gauge v.
    moves = snapped.moves / sizes
    moves = moves - np.einsum("bgc,gc->bg", moves, gauges)[:, :, None] * vectors
    flat = moves.reshape(len(moves), -1)
    covariance = flat.T @ flat / len(flat)
    centre, error = _centre(snapped, group)
    return Canonical(vectors, np.ones(len(vectors), dtype=bool), covariance, centre, error, snapped.frame.matrix)


def _centre(snapped, group):
    """The centre and its error, infinite along shifts that change nothing; none if no shift does."""
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


def _frames(basis, region, ensemble, origin, ties) -> Iterator[tuple[FrameGroup, Frame]]:
    """Frames to start from, those with the fewest free numbers first, with the group that they may be moved by."""
    features, n = basis.features, len(basis.states)
    exponents = monomial_exponents(features, n)
    if exponents is None:
        yield FrameGroup(np.zeros((0, n, n + 1)), np.zeros((0, len(region.root), len(region.root)))), _unit(n)
        return
    orthonormal = np.linalg.solve(region.root.T, region.span.T).T
    constants, matrices = _affine_parts(basis.with_vectors(orthonormal))
    group = diagonal_frames(features, ties, origin is None)
    errors = np.sqrt(np.mean(np.sum(region.spread(orthonormal) ** 2, axis=1), axis=0))
    _, error_parts = _affine_parts(basis.with_vectors(errors[None]))
    centre = origin
    if centre is None:
        movable = np.any(group.fields[~np.any(group.fields[:, :, 1:], axis=(1, 2)), :, 0], axis=0)
        centre = np.where(movable, common_centre(matrices, constants), 0.0)
    scales = ratio_scales(matrices, error_parts[0], ties)
    frame = Frame(np.diag(scales), centre)
    yield group, frame
    yield group, Frame(np.diag(scales * _balance(basis, region, ensemble, frame, ties)), centre)
    if set(map(tuple, exponents.tolist())) - {(0,) * n} != set(map(tuple, np.eye(n, dtype=int).tolist())):
        return
    group = linear_frames(features, n, origin is None)
    form = form_frame(matrices)
    if form is not None:
        yield group, Frame(form, centre)
    if len(basis) == 1:
        for axes in eigenframes(matrices[0], float(np.linalg.norm(error_parts[0]))):
            yield group, Frame(axes, centre)


def _unit(n):
    return Frame(np.eye(n), np.zeros(n))


def _affine_parts(basis):
    """Constant parts `(generator, n)` and linear parts `(generator, n, n)` of polynomial generators."""
    constant, linear = affine_terms(basis.features, len(basis.states))
    padded = np.concatenate([basis.coefficients, np.zeros((*basis.coefficients.shape[:2], 1))], axis=2)
    return padded[:, :, constant], padded[:, :, linear]


def _balance(basis, region, ensemble, frame, ties):
    """Scales that make the coefficients of each readable generator alike, in a frame."""
    n = len(basis.states)
    readable, errors = _readable_rows(basis, region, ensemble, frame)[0]
    powers = (np.eye(n)[:, None] - monomial_exponents(basis.features, n)).reshape(-1, n)
    seen = (np.abs(readable) > np.maximum(4 * errors, 1e-3))[:, :-1]
    return balanced_scales(powers, readable[:, :-1], seen, ties)


def _readable_rows(basis, region, ensemble, frame):
    """Readable bases in a frame, with the standard errors of their coefficients."""
    carry, back = (each.vector_map(basis.features) for each in (frame, frame.inverse))
    inside = Ensemble(ensemble.span @ back, ensemble.replicates[:0], carry @ ensemble.metric @ carry.T)
    found = []
    for rows in _readable_bases(basis, inside):
        readable = np.stack([_gauge(row) for row in rows])
        errors = np.sqrt(np.mean((region.spread(readable @ carry) @ back) ** 2, axis=0))
        found.append((readable, errors))
    return found


def _templates(basis, ensemble, region, frame) -> Iterator[np.ndarray]:
    """Fractions near readable generators in a frame that close under brackets."""
    before, carry = [], frame.vector_map(basis.features)
    for readable, _ in _readable_rows(basis, region, ensemble, frame):
        template = [_rounded(row, carry, region) for row in readable]
        if any(row is None for row in template):
            continue
        template = np.stack(template)
        if np.linalg.matrix_rank(template) < len(template) or any(np.array_equal(template, one) for one in before):
            continue
        before.append(template)
        if closure_error(basis.with_vectors(template)) < 1e-9:
            yield template


def _rounded(vector, carry, region, denominators=(1, 2, 3, 4)):
    """The fractions with the smallest common denominator that are about as near to the span as its errors, or None."""
    for denominator in denominators:
        rounded = np.round(vector * denominator) / denominator
        if np.any(rounded) and region.is_near(rounded @ carry, vector @ carry):
            return rounded
    return None


def varimax(rows: np.ndarray, n_iter: int = 200) -> np.ndarray:
    """The orthogonal mixture R of orthonormal rows with the largest fourth moments: returns R rows.

    H. F. Kaiser, Psychometrika 23, 187 (1958); the raw (quartimax) criterion, since rows are coefficients, not
    factor loadings with a common mean.
    """
    n = len(rows)
    rotation = np.eye(n)
    for _ in range(n_iter):
        mixed = rotation @ rows
        left, _, right = np.linalg.svd(mixed**3 @ rows.T)
        update = left @ right
        if np.all(
            np.abs(update - rotation) <= 1e-13 + 1e-5 * np.abs(rotation)
        ):  # np.allclose takes longer than the SVD
            break
        rotation = update
    return rotation @ rows


def _readable_bases(basis, ensemble):
    """The span in bases with few non-zero coefficients: first one that respects the Killing form, then the sparsest.

    Blocks of the Killing form keep an ideal or a centre apart that varimax might mix; but its eigenvectors depend on
    the metric, so that rotations and boosts, say, come out a little mixed.
    """
    gram = ensemble.span @ ensemble.metric @ ensemble.span.T
    orthonormal = linalg.solve_triangular(np.linalg.cholesky(gram), ensemble.span, lower=True)
    if bracket_size(basis.with_vectors(orthonormal)) < ABELIAN:
        return [_sparse_rows(orthonormal)]
    form = killing_form(structure_constants(basis.with_vectors(orthonormal)))
    values, vectors = np.linalg.eigh((form + form.T) / 2)
    largest = np.abs(values).max(initial=0.0)
    kinds = np.where(np.abs(values) <= 0.1 * largest, 0, np.sign(values)).astype(int)
    blocks = [vectors[:, kinds == kind].T @ orthonormal for kind in (-1, 1, 0) if np.any(kinds == kind)]
    return [np.concatenate([_sparse_rows(block) for block in blocks]), _sparse_rows(orthonormal)]


def _sparse_rows(block, n_starts=8):
    """Rows mixed by varimax from several starts, the sparsest kept: the criterion has local maxima."""
    orthonormal = np.linalg.qr(block.T)[0].T
    rng = np.random.default_rng(0)
    starts = [np.eye(len(block))] + [np.linalg.qr(rng.standard_normal((len(block),) * 2))[0] for _ in range(n_starts)]
    mixed = [varimax(start @ orthonormal) for start in starts]
    best = max(mixed, key=lambda rows: np.sum(rows**4))
    return best[np.argsort(np.argmax(np.abs(best) > 0.3 * np.abs(best).max(1, keepdims=True), axis=1), kind="stable")]


def _gauge(vector):
    """Largest coefficient of the field 1 (of the time rate if the field vanishes), first large one positive."""
    return vector / (_gauge_of(vector) @ vector)


def _gauge_of(vector):
    """Weights `(coefficient,)` whose product with a vector is what it is divided by."""
    part = vector[:-1] if np.any(np.abs(vector[:-1]) > 1e-12 * np.abs(vector).max()) else vector
    large = np.abs(part) > 0.5 * np.abs(part).max()
    # Near-equal entries take turns in being the largest: scaling by their mean keeps the gauge smooth.
    near = np.abs(part) > 0.9 * np.abs(part).max()
    weights = np.zeros_like(vector)
    weights[: len(part)] = near * np.sign(part) / near.sum() * np.sign(part[np.argmax(large)])
    return weights


def _covariance(vectors, ensemble):
    moved = np.stack([ensemble.residuals(vector)[1] for vector in vectors], axis=1)
    flat = moved.reshape(len(moved), -1)
    # An estimate is off by what the replicates are off: second moments about the estimate, not about their mean.
    return flat.T @ flat / len(flat)


def _project(vector, rows, metric):
    gram = rows @ metric @ rows.T
    return np.linalg.solve(gram, rows @ metric @ vector) @ rows


def _precision(spread, floor=1e-2):
    """Inverse second moment of the replicates; directions they hardly explore get `floor` times the largest one."""
    values, vectors = np.linalg.eigh(spread.T @ spread / len(spread))
    # Coefficients of size 1 are not known to better than some 1e-7, square root of rounding, from sums of squares.
    widened = np.maximum(values, max(floor * values.max(), 1e-14))
    return (vectors / widened) @ vectors.T
