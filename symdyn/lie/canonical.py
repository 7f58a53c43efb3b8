"""A readable basis of a found algebra, rounded to simple numbers only where the error bars allow it.

Estimated generators span the algebra in an arbitrary basis and are inexact. Both hide what was found, and an inexact
generator used as exact removes true terms of a model. So: orthonormalise, split by the Killing form, rotate each
block by varimax towards few non-zero coefficients, then round to fractions with small denominators if the rounded
element lies inside the confidence ellipsoid and the rounded elements close under brackets.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from symdyn.lie.brackets import bracket_size, closure_error, killing_form, structure_constants
from symdyn.lie.fields import Generators

__all__ = ["ABELIAN", "Ensemble", "canonical_vectors", "varimax"]


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


def canonical_vectors(basis: Generators, ensemble: Ensemble) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Canonical generators of an estimated span.

    Returns
    -------
    vectors : ndarray, `(generator, coefficient)`
        Largest coefficient of each field 1, first large one positive.
    exact : ndarray of bool, `(generator,)`
        Which ones were rounded (all or none: a part of an algebra that is rounded does not close with the rest).
    covariance : ndarray, `(generator * coefficient, generator * coefficient)`
        Of the canonical generators before rounding.
    """
    forms = [_canonical_form(basis, ensemble, rows) for rows in _readable_bases(basis, ensemble)]
    return next((form for form in forms if form[1].all()), forms[0])


def _canonical_form(basis, ensemble, rows):
    """Rows with their scale fixed, rounded if all of them can be."""
    readable = np.stack([_gauge(row) for row in rows])
    # All of them must pass, so each is tested at the level that makes 95 % for all (Bonferroni).
    level = 1 - 0.05 / len(readable)
    rounded = [_round_inside(row, ensemble, level) for row in readable]
    covariance = _covariance(readable, ensemble)
    if any(row is None for row in rounded):
        return readable, np.zeros(len(readable), dtype=bool), covariance
    vectors = np.stack(rounded)
    independent = np.linalg.matrix_rank(vectors) == len(vectors)
    if not independent or closure_error(basis.with_vectors(vectors)) > 1e-9:
        return readable, np.zeros(len(readable), dtype=bool), covariance
    return vectors, np.ones(len(vectors), dtype=bool), covariance


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
        if np.allclose(update, rotation, atol=1e-13):
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
    part = vector[:-1] if np.any(np.abs(vector[:-1]) > 1e-12 * np.abs(vector).max()) else vector
    large = np.abs(part) > 0.5 * np.abs(part).max()
    # Near-equal entries take turns in being the largest: scaling by their mean keeps the gauge smooth.
    near = np.abs(part) > 0.9 * np.abs(part).max()
    return vector / (np.abs(part[near]).mean() * np.sign(part[np.argmax(large)]))


def _round_inside(vector, ensemble, level, denominators=(1, 2, 3, 4)):
    """The fraction with the smallest denominator inside the confidence ellipsoid, or None."""
    for denominator in denominators:
        rounded = np.round(vector * denominator) / denominator
        if np.any(rounded) and ensemble.contains(rounded, vector, level):
            return rounded
    return None


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
