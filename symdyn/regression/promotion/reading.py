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
from symdyn.lie.subspace import pivoted_basis
from symdyn.regression.promotion.choice import fold_solutions
from symdyn.regression.promotion.penalty import Penalty
from symdyn.regression.promotion.promote import promotion_path

__all__ = ["Kept", "kept_symmetries", "settled"]

_ROUNDS = 3
_STRENGTH = 0.15  # of the adaptive weights: large singular values are shrunk by less than before, small ones by more
_LEAST = 0.03  # eps, relative to the largest singular value
_KEPT = 1e-3  # singular values below, relative to what the fit could break, are those of kept symmetries


@dataclass(frozen=True)
class Kept:
    """What a fit keeps of `n_candidates` candidates."""

    symmetry: object
    singular_values: np.ndarray
    n_broken: int
    n_candidates: int


def kept_symmetries(maps, found, problem, gamma) -> Kept:
    """The null space of v -> L(v, F), as an algebra with error bars, and the elements that change nothing.

    Parameters
    ----------
    maps : CandidateMaps
    found : Promotion
    problem : tuple
        Penalty, design, target and l1, for the solutions without a fifth of the samples that give error bars.
    gamma : float
    """
    penalty, n = maps.penalty, maps.n_generators
    rows = _rows(penalty, found)
    # What F could break: its size in the metric of all candidates, if it broke one alone.
    scale = max(np.sqrt(np.mean(np.diag(penalty.metric))) * np.linalg.norm(found.coefficients), 1e-300)
    left, values, _ = np.linalg.svd(rows[:n], full_matrices=True)
    values = np.pad(values, (0, n - len(values)))
    null = left[:, values <= _KEPT * scale]
    unchanged = np.linalg.norm(rows[n:], axis=1) <= _KEPT * scale
    parts = []
    if null.shape[1]:
        parts.append(_algebra(maps, null, problem, gamma))
    if unchanged.any():
        parts.append(maps.elements.subset(np.flatnonzero(unchanged)))
    n_broken = penalty.n_maps - null.shape[1] - int(unchanged.sum())
    symmetry = parts[0] if len(parts) == 1 else parts or None
    return Kept(symmetry, values, n_broken, penalty.n_maps)


def settled(problem, found, n_generators: int, gamma: float):
    """The solution with adaptive weights, and the problem with these weights.

    Parameters
    ----------
    problem : tuple
        Penalty, design, target and l1.
    found : Promotion
        Its solution with equal weights.
    n_generators : int
        Rows of the penalty that are generators; the others are elements.
    gamma : float
    """
    penalty, design, target, l1 = problem
    now = penalty
    for _ in range(_ROUNDS):
        weights = _weights(_rows(penalty, found), n_generators)
        mixed = sparse.kron(sparse.csr_array(weights), sparse.eye_array(len(penalty.gram))) @ penalty.stacked
        now = Penalty(sparse.csr_array(mixed), penalty.gram, penalty.blocks)
        found = promotion_path(now, design, target, [gamma], l1=l1)[0]
    return found, (now, design, target, l1)


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
    """The generators of a null space; candidates themselves, without error, where they span it."""
    basis, pivots = pivoted_basis(null)
    n, dim = basis.shape
    given = np.abs(basis).sum(axis=0) < 1 + 1e-2
    generators = maps.generators.combine(np.where(given, np.eye(n)[:, pivots], basis).T)
    if given.all():
        return LieAlgebra(_plain(generators))
    replicates = []
    for one in fold_solutions(*problem, gamma):
        left = np.linalg.svd(_rows(maps.penalty, one)[:n], full_matrices=True)[0]
        near = left[:, -dim:]
        replicates.append(np.linalg.lstsq(near[pivots].T, near.T, rcond=None)[0].T - basis)
    moves = np.stack(replicates) * ~given  # (fold, candidate, generator)
    moves = np.einsum("bkg,kc->bgc", moves, maps.generators.vectors()).reshape(len(replicates), -1)
    covariance = (len(moves) - 1) / len(moves) * moves.T @ moves
    return LieAlgebra(generators, covariance, given)


def _plain(generators):
    """Exact generators with a largest coefficient of 1."""
    vectors = generators.vectors()
    vectors = vectors / np.abs(vectors).max(axis=1)[:, None]
    return generators.with_vectors(np.where(np.abs(vectors - np.round(vectors)) < 1e-12, np.round(vectors), vectors))
