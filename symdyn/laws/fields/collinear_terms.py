"""Laws that explain the data as well as the one that was chosen: what the data cannot tell apart.

A term of a law is told from others if no law with up to two of them in its place leaves as little of the rates over. On
one wave e^(−t) cos x all of u, −u_xx and u_xxxx are the same; along one soliton c u_x is u u_x + u_xxx. A choice of the
shortest law is then a choice, and no finding.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np

__all__ = ["LeastSquares", "agreeing_terms"]

_FLOOR = 1e-3  # part of the rates below which two laws leave the same over
_MOST = 2  # terms in the place of one
_SINGULAR = 1e-10
_FLIPS, _CHANCE = 999, 0.05


@dataclass(frozen=True)
class LeastSquares:
    """Instrumented normal equations: `grams` `(part, term, term)`, `right` `(part, term)`, `power` `(part,)`."""

    grams: np.ndarray
    right: np.ndarray
    power: np.ndarray

    @cached_property
    def total(self) -> np.ndarray:
        """The sum of the Gram matrices over parts."""
        return self.grams.sum(axis=0)

    @cached_property
    def sizes(self) -> np.ndarray:
        """Root mean squares `(term,)` of the terms over that of the rates."""
        return np.sqrt(np.abs(np.diag(self.total)) / max(self.power.sum(), 1e-300))

    def fit(self, terms: np.ndarray) -> np.ndarray:
        """Fit coefficients `(term,)`, zero but for those of the given terms.

        Mixtures of which there is no more than noise stay out: parts would add up to as little by chance.
        """
        found = np.zeros(self.total.shape[0])
        scale = 1 / np.sqrt(np.maximum(np.abs(np.diag(self.total)[terms]), 1e-300))
        values, vectors = np.linalg.eigh(self.total[np.ix_(terms, terms)] * scale[:, None] * scale)
        frame = scale[:, None] * vectors
        each = np.einsum("ik,pij,jk->pk", frame, self.grams[:, terms[:, None], terms], frame, optimize=True)
        chance = np.sqrt(np.sum(each**2, axis=0))
        told = (values > _SINGULAR * values.max(initial=0.0)) & (values >= chance * (1 - 1e-9))
        found[terms] = frame[:, told] @ ((frame[:, told].T @ self.right.sum(axis=0)[terms]) / values[told])
        return found

    def left(self, law: np.ndarray) -> np.ndarray:
        """Return what a law leaves of each part, squared, of the power of all `(part,)`."""
        squares = self.power - 2 * self.right @ law + np.einsum("i,pij,j->p", law, self.grams, law, optimize=True)
        return squares / max(self.power.sum(), 1e-300)

    def is_worse(self, law: np.ndarray, than: np.ndarray) -> bool:
        """Check whether a law leaves more over than another, beyond chance (5 %) and beyond the errors of quadrature.

        Were it noise, what one part has more could as well be less: the sum is compared with those of random signs.
        """
        others = self.left(than)
        more = self.left(law) - others
        if more.sum() <= max(_FLOOR**2, abs(others.sum())):
            return False
        signs = np.random.default_rng(0).choice([-1.0, 1.0], (_FLIPS, len(more)))
        return float(np.mean(signs @ more >= more.sum() * (1 - 1e-9))) < _CHANCE


def agreeing_terms(problem: LeastSquares, law: np.ndarray, judged: np.ndarray) -> list[tuple[int, ...]]:
    """Find groups of terms, the first of each in the law, that the data cannot tell apart.

    Parameters
    ----------
    problem : LeastSquares
    law : ndarray, `(term,)`
    judged : ndarray of int
        Terms of the law that are asked about.
    """
    kept = np.flatnonzero(law)
    others = np.setdiff1d(np.arange(len(law)), kept)
    groups = []
    for term in judged:
        rest = np.setdiff1d(kept, [term])
        found = _in_its_place(problem, law, rest, others)
        if found:
            groups.append((int(term), *found))
    return groups


def _in_its_place(problem: LeastSquares, law: np.ndarray, rest: np.ndarray, others: np.ndarray) -> tuple[int, ...]:
    """Find terms that stand for the one left out of `rest`: all that do so alone, else the best of two together."""
    everything = np.concatenate([rest, others]).astype(int)
    if problem.is_worse(problem.fit(everything), law):
        return ()
    alone = [one for one, fitted in _laws(problem, rest, others, 1) if not problem.is_worse(fitted, law)]
    if alone:
        return tuple(int(k) for (k,) in alone)
    for n in range(2, _MOST + 1):
        rivals = [(some, fitted) for some, fitted in _laws(problem, rest, others, n)]
        equal = [
            (abs(problem.left(fitted).sum()), some) for some, fitted in rivals if not problem.is_worse(fitted, law)
        ]
        if equal:
            return tuple(int(k) for k in min(equal)[1])
    return ()


def _laws(
    problem: LeastSquares, rest: np.ndarray, others: np.ndarray, n: int
) -> Iterator[tuple[tuple[int, ...], np.ndarray]]:
    for some in combinations(others, n):
        yield some, problem.fit(np.concatenate([rest, some]).astype(int))
