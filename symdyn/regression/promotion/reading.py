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
from symdyn.lie.printing import monomial_exponents
from symdyn.lie.subspace import pivoted_basis
from symdyn.regression.promotion.choice import folds, without
from symdyn.regression.promotion.penalty import Penalty
from symdyn.regression.promotion.promote import promotion_path

__all__ = ["Kept", "kept_symmetries", "settled"]

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

    `to_enforce` is `symmetry` as exact as the fit it is read off, in `units` of the states: error bars say how far
    the law's symmetry may be, and are no licence to break this one.
    """

    symmetry: object
    to_enforce: object
    units: np.ndarray
    singular_values: np.ndarray
    n_broken: int
    n_candidates: int


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
    unchanged = lengths <= _KEPT * scale
    parts, enforced, units = [], [], np.ones(len(maps.units))
    if null.shape[1]:
        algebra = _algebra(maps, null, problem, gamma)
        parts.append(algebra)
        units = units if algebra.exact.all() else maps.units
        enforced.append(algebra if algebra.exact.all() else _as_exact_as_the_fit(algebra, maps))
    if unchanged.any():
        parts.append(maps.elements.subset(np.flatnonzero(unchanged)))
        enforced.append(parts[-1])
    n_broken = penalty.n_maps - null.shape[1] - int(unchanged.sum())
    return Kept(parts[0] if len(parts) == 1 else parts or None, enforced, units, values, n_broken, penalty.n_maps)


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
    """The generators of a null space; candidates themselves, without error, where they span it.

    Error bars are those of the jackknife: weights, too, are found again without a fifth of the samples.
    """
    basis, pivots = pivoted_basis(null)
    n, dim = basis.shape
    given = np.abs(basis).sum(axis=0) < 1 + 1e-2
    generators = maps.generators.combine(np.where(given, np.eye(n)[:, pivots], basis).T)
    if given.all():
        return LieAlgebra(_plain(generators))
    replicates = []
    for left_out in folds(len(problem[1])):
        part, share = without(problem, left_out)
        first = promotion_path(*part[:3], [share * gamma], l1=part[3], tol=_LOOSE)[0]
        one = settled(part, first, n, share * gamma, _LOOSE)
        left = np.linalg.svd(_rows(maps.penalty, one)[:n], full_matrices=True)[0]
        near = left[:, -dim:]
        replicates.append(np.linalg.lstsq(near[pivots].T, near.T, rcond=None)[0].T - basis)
    moves = np.stack(replicates) * ~given  # (fold, candidate, generator)
    moves = np.einsum("bkg,kc->bgc", moves, maps.generators.vectors()).reshape(len(replicates), -1)
    covariance = (len(moves) - 1) / len(moves) * moves.T @ moves
    return LieAlgebra(generators, covariance, given)


def _as_exact_as_the_fit(algebra, maps):
    """The algebra in the units of `maps`, with an error of `_INEXACT` in all inexact generators."""
    exponents = monomial_exponents(algebra.basis.features, len(maps.units))
    # x_i = d_i y_i turns the coefficient of x^a in component i by d^a / d_i.
    turned = np.ones(algebra.basis.vectors().shape[1])
    if exponents is not None:
        powers = (exponents - np.eye(len(maps.units))[:, None]).reshape(-1, len(maps.units))
        turned = np.append(np.exp(powers @ np.log(maps.units)), 1.0)
    vectors = maps.generators.vectors() * turned
    variance = _INEXACT**2 * vectors.T @ vectors
    covariance = np.kron(np.diag(np.where(algebra.exact, 0.0, 1.0)), variance)
    return LieAlgebra(algebra.basis.with_vectors(algebra.basis.vectors() * turned), covariance, algebra.exact)


def _plain(generators):
    """Exact generators with a largest coefficient of 1."""
    vectors = generators.vectors()
    vectors = vectors / np.abs(vectors).max(axis=1)[:, None]
    return generators.with_vectors(np.where(np.abs(vectors - np.round(vectors)) < 1e-12, np.round(vectors), vectors))
