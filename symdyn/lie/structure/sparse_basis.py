"""Readable bases of an estimated span: few coefficients differ from zero, and ideals stay apart."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import linalg

from symdyn.lie.structure.brackets import bracket_size, killing_form, structure_constants
from symdyn.lie.vectorfields import Generators

__all__ = ["ABELIAN", "gauge", "gauge_weights", "readable_bases", "varimax"]


_AS_SPARSE = 1e-6  # of the fourth moment of a row, that local maxima may differ by and be the same
# Brackets below this fraction of the products they are made of count as zero in an estimated algebra.
ABELIAN = 0.05


def readable_bases(basis: Generators, span: np.ndarray, metric: np.ndarray) -> Iterator[np.ndarray]:
    """Yield bases with few non-zero coefficients: first one that respects the Killing form, then the sparsest.

    Blocks of the Killing form keep an ideal or a centre apart that varimax might mix; but its eigenvectors depend on
    the metric, so that rotations and boosts, say, come out a little mixed.
    """
    gram = span @ metric @ span.T
    orthonormal = linalg.solve_triangular(np.linalg.cholesky(gram), span, lower=True)
    if bracket_size(basis.with_vectors(orthonormal)) < ABELIAN:
        yield _sparse_rows(orthonormal)
        return
    form = killing_form(structure_constants(basis.with_vectors(orthonormal)))
    values, vectors = np.linalg.eigh((form + form.T) / 2)
    largest = np.abs(values).max(initial=0.0)
    kinds = np.where(np.abs(values) <= 0.1 * largest, 0, np.sign(values)).astype(int)
    blocks = [vectors[:, kinds == kind].T @ orthonormal for kind in (-1, 1, 0) if np.any(kinds == kind)]
    yield np.concatenate([_sparse_rows(block) for block in blocks])
    yield _sparse_rows(orthonormal)


def varimax(rows: np.ndarray, n_iter: int = 200) -> np.ndarray:
    """Find the orthogonal mixture R of orthonormal rows with the largest fourth moments: returns R rows.

    H. F. Kaiser, Psychometrika 23, 187 (1958); the raw (quartimax) criterion, since rows are coefficients, not
    factor loadings with a common mean.
    """
    n = len(rows)
    rotation = np.eye(n)
    for _ in range(n_iter):
        mixed = rotation @ rows
        left, _, right = np.linalg.svd(mixed**3 @ rows.T)
        update = left @ right
        if np.abs(update - rotation).max(initial=0.0) < 1e-10:
            break
        rotation = update
    return rotation @ rows


def gauge(vector: np.ndarray) -> np.ndarray:
    """Scale the largest coefficient of the field to 1 (the time rate if it vanishes), first large one positive."""
    return vector / (gauge_weights(vector) @ vector)


def gauge_weights(vector: np.ndarray) -> np.ndarray:
    """Return weights `(coefficient,)` whose product with a vector is the number that `gauge` divides it by."""
    part = vector[:-1] if np.any(np.abs(vector[:-1]) > 1e-12 * np.abs(vector).max()) else vector
    large = np.abs(part) > 0.5 * np.abs(part).max()
    # Near-equal entries take turns in being the largest: scaling by their mean keeps the gauge smooth.
    near = np.abs(part) > 0.9 * np.abs(part).max()
    weights = np.zeros_like(vector)
    weights[: len(part)] = near * np.sign(part) / near.sum() * np.sign(part[np.argmax(large)])
    return weights


def _sparse_rows(block: np.ndarray, n_starts: int = 8) -> np.ndarray:
    """Mix rows by varimax from several starts and keep the sparsest: the criterion has local maxima."""
    orthonormal = np.linalg.qr(block.T)[0].T
    rng = np.random.default_rng(0)
    starts = [np.eye(len(block))] + [np.linalg.qr(rng.standard_normal((len(block),) * 2))[0] for _ in range(n_starts)]
    mixed = [varimax(start @ orthonormal) for start in starts]
    sparse = np.array([np.sum(rows**4) for rows in mixed])
    best = mixed[int(np.argmax(sparse > sparse.max() - _AS_SPARSE * len(block)))]
    return best[_reading_order(best)]


def _reading_order(rows: np.ndarray) -> list[int]:
    """Return indices that sort rows by large entries, the first of them first, and by signs where these are the same.

    It does not depend on how the rows were found: starts of varimax reach one basis in any order and with any signs.
    """
    large = np.abs(rows) > 0.3 * np.abs(rows).max(axis=1, keepdims=True)
    first = rows[np.arange(len(rows)), np.argmax(large, axis=1)]
    signs = np.where(large, np.sign(rows * first[:, None]), 0.0)
    return sorted(range(len(rows)), key=lambda k: (tuple(~large[k]), tuple(-signs[k])))
