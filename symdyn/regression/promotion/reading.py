"""Reading off the symmetries that a promoted fit keeps, with error bars.

With noise the nuclear norm leaves small singular values behind where the law has none. Solved again with generators
weighed by the inverse of what they showed (v -> L(v, F) rotated to its singular directions, direction i divided by
s_i + eps), it sets these to zero and leaves the large ones alone: the adaptive nuclear norm (Chen, Dong and Chan,
Biometrika 100, 2013).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from symdyn.lie.algebra import LieAlgebra
from symdyn.lie.fields import Generators
from symdyn.lie.groups import Elements
from symdyn.lie.subspace import pivoted_basis
from symdyn.regression.promotion.choice import folds, without
from symdyn.regression.promotion.penalty import Penalty
from symdyn.regression.promotion.promote import promotion_path

__all__ = ["Kept", "as_exact_as_the_fit", "kept_symmetries", "settled"]

_ROUNDS = 3
_LOOSE = 1e-4  # certified gap of the solves that give error bars
_INEXACT = 1e-4  # error of a kept generator as a symmetry of the fit, relative to candidates of length 1
_STRENGTH = 0.15  # of the adaptive weights: large singular values are shrunk by less than before, small ones by more
_LEAST = 0.03  # eps, relative to the largest singular value
_KEPT = 1e-3  # singular values below, relative to the largest or to the size of the fit, are of kept symmetries
_ROUNDING = 1e-8  # size of what varies of a fit, relative to the data with their mean, below which it is rounding
_CONSTANT = 1e-3  # size of a fit, relative to that of the data, below which it counts as no larger


@dataclass(frozen=True)
class Kept:
    """What a fit keeps of `n_candidates` candidates.

    Parameters
    ----------
    algebra : LieAlgebra or None
        In the units of the states: candidates themselves, without error, or generators with error bars.
    inside : LieAlgebra or None
        The same in the chart of the data.
    elements : Elements or None
    singular_values : ndarray, `(generator,)`
    n_broken, n_candidates : int
    """

    algebra: LieAlgebra | None
    inside: LieAlgebra | None
    elements: Elements | None
    singular_values: np.ndarray
    n_broken: int
    n_candidates: int

    def symmetry(self, algebra: LieAlgebra | None):
        """An algebra and the elements that are kept: one of them, a list of both, or None."""
        parts = [part for part in (algebra, self.elements) if part is not None]
        return parts[0] if len(parts) == 1 else parts or None


def kept_symmetries(maps, found, problem, gamma, output) -> Kept:
    """The null space of v -> L(v, F), as an algebra with error bars, and the elements that change nothing.

    Parameters
    ----------
    maps : CandidateMaps
    found : Promotion
    problem : tuple
        Penalty, design, target and l1.
    gamma : float
    output : {"invariant", "vector_field", "map", "second_order"}
    """
    penalty, n = maps.penalty, maps.n_generators
    rows = _rows(penalty, found)
    left, values, _ = np.linalg.svd(rows[:n], full_matrices=True)
    values = np.pad(values, (0, n - len(values)))
    lengths = np.linalg.norm(rows[n:], axis=1)
    # The largest is measured by the product of functions that the others are.
    scale = max(values.max(initial=0.0), lengths.max(initial=0.0), _size(problem, found, output))
    null = left[:, values <= _KEPT * scale]
    unchanged = np.flatnonzero(lengths <= _KEPT * scale)
    outside, inside = _algebra(maps, null, problem, gamma) if null.shape[1] else (None, None)
    elements = maps.elements.subset(unchanged) if unchanged.size else None
    n_broken = penalty.n_maps - null.shape[1] - unchanged.size
    return Kept(outside, inside, elements, values, n_broken, penalty.n_maps)


def as_exact_as_the_fit(inside: LieAlgebra, frame: Generators) -> LieAlgebra:
    """An algebra of the chart whose inexact generators are off, along the frame, by what the fit leaves of error.

    Error bars say how far the symmetry of the law may be, and are no licence to break that of the fit.
    """
    vectors = frame.vectors()
    variance = _INEXACT**2 * vectors.T @ vectors
    return LieAlgebra(inside.basis, np.kron(np.diag(np.where(inside.exact, 0.0, 1.0)), variance), inside.exact)


def settled(problem, found, n_generators: int, gamma: float, tol: float, max_iter: int = 10000):
    """The solution with adaptive weights.

    Parameters
    ----------
    problem : tuple
        Penalty, design, target and l1.
    found : Promotion
        Its solution with equal weights.
    n_generators : int
        Rows of the penalty that are generators; the others are elements.
    gamma, tol, max_iter
        As for `promote`.
    """
    penalty, design, target, l1 = problem
    for _ in range(_ROUNDS):
        weights = _weights(_rows(penalty, found), n_generators)
        mixed = sparse.kron(sparse.csr_array(weights), sparse.eye_array(len(penalty.gram))) @ penalty.stacked
        now = Penalty(sparse.csr_array(mixed), penalty.gram, penalty.blocks)
        found = promotion_path(now, design, target, [gamma], l1=l1, tol=tol, max_iter=max_iter)[0]
    return found


def _size(problem, found, output):
    """Root mean square of F over the samples, of invariants without their means."""
    _, design, target, _ = problem
    rounding = _ROUNDING * np.linalg.norm(target)
    fitted = design @ found.coefficients.T
    if output == "invariant":
        fitted, target = fitted - fitted.mean(axis=0), target - target.mean(axis=0)
    return max(np.linalg.norm(fitted), _CONSTANT * np.linalg.norm(target), rounding, 1e-300) / np.sqrt(len(target))


def _weights(rows, n):
    """The matrix `(row, row)` by which rows of M are mixed."""
    left, values, _ = np.linalg.svd(rows[:n], full_matrices=True)
    values = np.concatenate([values, np.zeros(n - len(values))])
    lengths = np.linalg.norm(rows[n:], axis=1)
    largest = max(values.max(initial=0.0), lengths.max(initial=0.0)) or 1.0
    weights = np.zeros((len(rows), len(rows)))
    weights[:n, :n] = left.T / (values / largest + _LEAST)[:, None]
    weights[n:, n:] = np.diag(1 / (lengths / largest + _LEAST))
    return _STRENGTH * weights


def _rows(penalty, found):
    return penalty.apply(found.coefficients.ravel())


def _algebra(maps, null, problem, gamma):
    """The generators of a null space `(frame, generator)`, over x and over y.

    Where they are candidates, these are taken, without error. Error bars of others are those of the jackknife: weights,
    too, are found again without a fifth of the samples.
    """
    basis, pivots = pivoted_basis(maps.weights.T @ null)
    given = np.abs(basis).sum(axis=0) < 1 + 1e-2
    if given.all():
        outside = LieAlgebra(_plain(maps.given.combine(np.eye(len(basis))[pivots])))
        return outside, outside.in_chart(maps.chart)
    frame, charted = maps.frame.vectors(), maps.chart.generators(maps.given).vectors()
    # Through the frame, not through the candidates: far from the origin these are nearly parallel, and digits are lost.
    found = _in_gauge(maps, null, pivots)
    vectors = np.where(given[:, None], charted[pivots], found.T @ frame)
    moves = np.stack([_in_gauge(maps, near, pivots) - found for near in _replicates(maps, null, problem, gamma)])
    moves = np.einsum("bfg,fc->bgc", moves * ~given, frame).reshape(len(moves), -1)
    covariance = (len(moves) - 1) / len(moves) * moves.T @ moves
    inside = LieAlgebra(maps.frame.with_vectors(vectors), covariance, given)
    return _carried_back(inside, maps), inside


def _in_gauge(maps, null, pivots):
    """The same null space `(frame, generator)` with the identity on the candidates `pivots`."""
    return np.linalg.lstsq((maps.weights.T @ null)[pivots].T, null.T, rcond=None)[0].T


def _replicates(maps, null, problem, gamma):
    """Null spaces `(frame, generator)` of as many generators without a fifth of the samples each."""
    n = maps.n_generators
    for left_out in folds(len(problem[1])):
        part, share = without(problem, left_out)
        first = promotion_path(*part[:3], [share * gamma], l1=part[3], tol=_LOOSE)[0]
        one = settled(part, first, n, share * gamma, _LOOSE)
        left = np.linalg.svd(_rows(maps.penalty, one)[:n], full_matrices=True)[0]
        yield left[:, -null.shape[1] :]


def _carried_back(inside, maps):
    """An algebra of the chart over x, the first large term of each generator, by its size on the data, with coefficient 1."""
    found = maps.chart.generators_back(inside.basis, maps.given.features)
    sizes = np.abs(found.vectors()) * maps.chart.term_sizes(found)
    first = np.argmax(sizes > 0.5 * sizes.max(axis=1, keepdims=True), axis=1)
    factors = 1 / found.vectors()[np.arange(len(found)), first]
    wide = np.repeat(factors, inside.basis.vectors().shape[1])
    scaled = inside.basis.with_vectors(inside.basis.vectors() * factors[:, None])
    algebra = LieAlgebra(scaled, inside.covariance * wide * wide[:, None], inside.exact)
    return LieAlgebra.from_chart(algebra, maps.chart, maps.given.features)


def _plain(generators):
    """Exact generators with a largest coefficient of 1."""
    vectors = generators.vectors()
    vectors = vectors / np.abs(vectors).max(axis=1)[:, None]
    return generators.with_vectors(np.where(np.abs(vectors - np.round(vectors)) < 1e-12, np.round(vectors), vectors))
