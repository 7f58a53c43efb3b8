"""Coefficients of series of invariant functions: sums over samples, solved for every cut of the series."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from symdyn.invariant.spectral_cut import Invariants

__all__ = ["Fold", "column_means", "cut_errors", "evaluate", "folds_of", "least_squares"]

_BLOCK = 4_000_000  # numbers held at a time


class Fold(NamedTuple):
    """Sums over some samples: R of QR of [Z, y], Z `(equation, coefficient)` the invariant functions; Z^T (w y); n."""

    triangle: np.ndarray
    moments: np.ndarray
    size: int


def column_means(terms: Sequence[Invariants], points: np.ndarray, targets: np.ndarray, *, vector: bool) -> np.ndarray:
    """Compute projected means: Q^T mean_i(phi(x_i) y_i) over all eigenspaces.

    Parameters
    ----------
    terms : sequence of Invariants
    points : ndarray, `(sample, coordinate)`
    targets : ndarray, `(sample, target)`
    vector : bool
        Whether the targets are the components of one vector.

    Returns
    -------
    ndarray, `(coefficient, target)`, or `(coefficient, 1)` for vectors
    """
    parts = []
    for term in terms:
        sums = np.zeros((term.space.multiplicity, targets.shape[1]))
        if term.basis.shape[1]:
            for rows in _blocks(len(points), term.space.multiplicity):
                sums += term.space(points[rows]).T @ targets[rows]
        parts.append(term.basis.T @ (sums.reshape(-1, 1) if vector else sums))
    return np.concatenate(parts) / len(points)


def evaluate(
    terms: Sequence[Invariants], points: np.ndarray, coefficients: np.ndarray, *, vector: bool, n_outputs: int
) -> np.ndarray:
    """Compute values `(sample, output)` of the series with coefficients `(coefficient, target)`."""
    values, used = np.zeros((len(points), n_outputs)), 0
    for term in terms:
        size = term.basis.shape[1]
        weights = term.basis @ coefficients[used : used + size]
        used += size
        if size:
            weights = weights.reshape(term.space.multiplicity, n_outputs)
            for rows in _blocks(len(points), term.space.multiplicity):
                values[rows] += term.space(points[rows]) @ weights
    return values


def folds_of(
    terms: Sequence[Invariants],
    points: np.ndarray,
    targets: np.ndarray,
    weights: np.ndarray | None = None,
    *,
    vector: bool,
    n_folds: int = 1,
) -> list[Fold]:
    """Sum over samples, dealt at random into folds; no matrix of all samples is built."""
    width = max(sum(np.prod(term.basis.shape) // term.space.multiplicity for term in terms), 1)
    largest = max(term.space.multiplicity for term in terms)
    order = np.random.default_rng(0).permutation(len(points)) if n_folds > 1 else np.arange(len(points))
    found = []
    for members in np.array_split(order, n_folds):
        triangle, moments = None, 0.0
        for rows in _blocks(len(members), max(width, largest)):
            chosen = members[rows]
            design = _design(terms, points[chosen], targets.shape[1] if vector else 1)
            wanted = targets[chosen].reshape(len(design), -1)
            scale = 1.0 if weights is None else np.repeat(weights[chosen], len(design) // len(chosen))[:, None]
            moments = moments + design.T @ (scale * wanted)
            rows_of = np.hstack([design, wanted])
            triangle = np.linalg.qr(rows_of if triangle is None else np.vstack([triangle, rows_of]), mode="r")
        found.append(Fold(triangle, moments, len(members)))
    return found


def least_squares(folds: Sequence[Fold], width: int | None = None) -> np.ndarray:
    """Compute the coefficients `(coefficient, target)` of least squares on the first `width` functions."""
    size = len(folds[0].moments)
    width = size if width is None else width
    rows = np.vstack([fold.triangle for fold in folds])
    return np.linalg.lstsq(rows[:, :width], rows[:, size:], rcond=None)[0]


def cut_errors(folds: Sequence[Fold], widths: Sequence[int], *, mean: bool) -> np.ndarray:
    """Compute mean squared errors `(cut,)` on held-out folds of the series cut after each of `widths` coefficients."""
    size, errors = len(folds[0].moments), np.zeros(len(widths))
    total = sum(fold.size for fold in folds)
    for k, left_out in enumerate(folds):
        rest = [fold for i, fold in enumerate(folds) if i != k]
        means = np.asarray(sum(fold.moments for fold in rest)) / sum(fold.size for fold in rest)
        for i, width in enumerate(widths):
            fitted = means[:width] if mean else least_squares(rest, width)
            residual = left_out.triangle[:, :width] @ fitted - left_out.triangle[:, size:]
            errors[i] += np.sum(residual**2) / total
    return errors


def _design(terms: Sequence[Invariants], points: np.ndarray, n_outputs: int) -> np.ndarray:
    """Build Z `(sample * output, coefficient)`, outputs running fastest."""
    columns = []
    for term in terms:
        wide = term.basis.reshape((term.space.multiplicity, -1))
        columns.append((term.space(points) @ wide).reshape(len(points) * n_outputs, -1))
    return np.hstack(columns)


def _blocks(n: int, width: int) -> Iterator[slice]:
    step = max(1, _BLOCK // max(width, 1))
    return (slice(start, min(start + step, n)) for start in range(0, n, step))
