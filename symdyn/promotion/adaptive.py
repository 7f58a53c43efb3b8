"""The adaptive nuclear norm: what a law breaks is shrunk by less than what noise breaks.

With noise the nuclear norm leaves small singular values behind where the law has none. Solved again with generators
weighed by the inverse of what they showed (v -> L(v, F) rotated to its singular directions, direction i divided by
s_i + eps), it sets these to zero and leaves the large ones alone: the adaptive nuclear norm (Chen, Dong and Chan,
Biometrika 100, 2013).
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from symdyn.promotion.promote import Posed, Promotion, promotion_path
from symdyn.promotion.solver.nuclear_penalty import Penalty

__all__ = ["rows_of", "settled"]

_ROUNDS = 3
_STRENGTH = 0.15  # of the adaptive weights: large singular values are shrunk by less than before, small ones by more
_LEAST = 0.03  # eps, relative to the largest singular value


def settled(
    problem: Posed, found: Promotion, n_generators: int, gamma: float, tol: float, max_iter: int = 10000
) -> Promotion:
    """Solve again with adaptive weights.

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
        weights = _weights(rows_of(penalty, found), n_generators)
        mixed = sparse.kron(sparse.csr_array(weights), sparse.eye_array(len(penalty.gram))) @ penalty.stacked
        now = Penalty(sparse.csr_array(mixed), penalty.gram, penalty.blocks)
        found = promotion_path(now, design, target, [gamma], l1=l1, tol=tol, max_iter=max_iter)[0]
    return found


def _weights(rows: np.ndarray, n: int) -> np.ndarray:
    """Compute the matrix `(row, row)` by which rows of M are mixed."""
    left, values, _ = np.linalg.svd(rows[:n], full_matrices=True)
    values = np.concatenate([values, np.zeros(n - len(values))])
    lengths = np.linalg.norm(rows[n:], axis=1)
    largest = max(values.max(initial=0.0), lengths.max(initial=0.0)) or 1.0
    weights = np.zeros((len(rows), len(rows)))
    weights[:n, :n] = left.T / (values / largest + _LEAST)[:, None]
    weights[n:, n:] = np.diag(1 / (lengths / largest + _LEAST))
    return _STRENGTH * weights


def rows_of(penalty: Penalty, found: Promotion) -> np.ndarray:
    """Return v_k -> L(v_k, F) of a fit, `(map, row)`, in the units of the inner product."""
    return penalty.apply(found.coefficients.ravel())
