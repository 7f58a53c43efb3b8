"""The generators that a promoted fit keeps: candidates themselves, or combinations with error bars."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.lie.constraints.subspace import pivoted_basis
from symdyn.lie.vectorfields import Generators
from symdyn.promotion.adaptive import rows_of, settled
from symdyn.promotion.promote import Posed, promotion_path
from symdyn.promotion.promotion_candidates import CandidateMaps
from symdyn.promotion.strength_choice import folds, without

__all__ = ["NullSpace"]

_LOOSE = 1e-4  # certified gap of the solves that give error bars
_INEXACT = 1e-4  # error of a kept generator as a symmetry of the fit, relative to candidates of length 1
_GIVEN = 1e-2  # weight of all other candidates in a kept generator up to which it is taken for a candidate itself


@dataclass(frozen=True, eq=False)
class NullSpace:
    """The null space of v -> L(v, F) of a fit.

    Parameters
    ----------
    maps : CandidateMaps
    null : ndarray, `(frame, generator)`
        Orthonormal columns.
    problem : tuple
        Penalty, design, target and l1.
    gamma : float
    """

    maps: CandidateMaps
    null: np.ndarray
    problem: Posed
    gamma: float

    @cached_property
    def given(self) -> np.ndarray:
        """Which generators are candidates themselves, all but, `(generator,)`."""
        return np.abs(self._basis[0]).sum(axis=0) < 1 + _GIVEN

    @cached_property
    def rounded(self) -> LieAlgebra:
        """With candidates, without error, where generators are all but these; in the units of the user."""
        pivots = self._basis[1]
        if self.given.all():
            plain = _plain(self._candidates.combine(np.eye(len(self._candidates))[pivots]))
            return LieAlgebra(plain, chart=self.maps.chart)
        if not self.given.any():
            return self.estimated
        inside = self._inside
        charted = self.maps.chart.generators(self._candidates).vectors()[pivots]
        vectors = np.where(self.given[:, None], charted, inside.basis.vectors())
        free = np.repeat(~self.given, vectors.shape[1])
        covariance = inside.covariance * free * free[:, None]
        return _carried_back(LieAlgebra(inside.basis.with_vectors(vectors), covariance, self.given), self.maps)

    @cached_property
    def estimated(self) -> LieAlgebra:
        """As it was found, with error bars; in the units of the user."""
        return _carried_back(self._inside, self.maps)

    def as_exact_as_the_fit(self, algebra: LieAlgebra) -> LieAlgebra:
        """Carry an algebra into the chart, its inexact generators off, along the candidates, by the error of the fit.

        Error bars say how far the symmetry of the law may be, and are no licence to break that of the fit.
        """
        inside = algebra.in_chart(self.maps.chart)
        lengths = np.linalg.norm(inside.basis.vectors(), axis=1)
        frame = self._frame.vectors()
        variance = _INEXACT**2 * frame.T @ frame
        sizes = np.where(inside.exact, 0.0, lengths**2)
        return LieAlgebra(inside.basis, np.kron(np.diag(sizes), variance), inside.exact)

    @property
    def _candidates(self) -> Generators:
        assert self.maps.given is not None
        return self.maps.given

    @property
    def _frame(self) -> Generators:
        assert self.maps.frame is not None
        return self.maps.frame

    @cached_property
    def _basis(self) -> tuple[np.ndarray, np.ndarray]:
        """The same in the candidates `(candidate, generator)`, the identity on some of them."""
        return pivoted_basis(self.maps.weights.T @ self.null)

    @cached_property
    def _inside(self) -> LieAlgebra:
        """The estimate in the chart; error bars are those of the jackknife."""
        # Through the frame, not through the candidates: far from the origin these are nearly parallel.
        frame, found = self._frame.vectors(), self._in_gauge(self.null)
        moves = np.stack([self._in_gauge(near) - found for near in self._replicates()])
        moves = np.einsum("bfg,fc->bgc", moves, frame).reshape(len(moves), -1)
        covariance = (len(moves) - 1) / len(moves) * moves.T @ moves
        return LieAlgebra(self._frame.with_vectors(found.T @ frame), covariance, np.zeros(found.shape[1], dtype=bool))

    def _in_gauge(self, null: np.ndarray) -> np.ndarray:
        """Normalise a null space `(frame, generator)` to the identity on the candidates that are pivots."""
        return np.linalg.lstsq((self.maps.weights.T @ null)[self._basis[1]].T, null.T, rcond=None)[0].T

    def without_first(self, k: int) -> NullSpace:
        """Leave out the `k` generators that the fit keeps least."""
        fewer = NullSpace(self.maps, self.null[:, k:], self.problem, self.gamma)
        fewer.__dict__["_axes_of_folds"] = self._axes_of_folds
        return fewer

    def first(self, k: int) -> LieAlgebra:
        """Return the `k` generators that the fit keeps least, without error bars; in the units of the user."""
        basis = self._frame.with_vectors(self.null[:, :k].T @ self._frame.vectors())
        size = basis.vectors().size
        return _carried_back(LieAlgebra(basis, np.zeros((size, size)), np.zeros(k, dtype=bool)), self.maps)

    def _replicates(self) -> list[np.ndarray]:
        """Return null spaces without a fifth of the samples each."""
        return [left[:, -self.null.shape[1] :] for left in self._axes_of_folds]

    @cached_property
    def _axes_of_folds(self) -> list[np.ndarray]:
        """Singular directions `(frame, frame)` of the fits of folds: weights, too, are found again."""
        n, found = len(self.null), []
        for left_out in folds(len(self.problem[1])):
            part, share = without(self.problem, left_out)
            first = promotion_path(*part[:3], [share * self.gamma], l1=part[3], tol=_LOOSE)[0]
            one = settled(part, first, n, share * self.gamma, _LOOSE)
            found.append(np.linalg.svd(rows_of(self.maps.penalty, one)[:n], full_matrices=True)[0])
        return found


def _carried_back(inside: LieAlgebra, maps: CandidateMaps) -> LieAlgebra:
    """Carry an algebra of the chart back to x; make the first term of each generator that is large on the data 1."""
    assert maps.given is not None
    found = maps.chart.generators_back(inside.basis, maps.given.features)
    sizes = np.abs(found.vectors()) * maps.chart.term_sizes(found)
    first = np.argmax(sizes > 0.5 * sizes.max(axis=1, keepdims=True), axis=1)
    factors = 1 / found.vectors()[np.arange(len(found)), first]
    wide = np.repeat(factors, inside.basis.vectors().shape[1])
    scaled = inside.basis.with_vectors(inside.basis.vectors() * factors[:, None])
    algebra = LieAlgebra(scaled, inside.covariance * wide * wide[:, None], inside.exact)
    return LieAlgebra.from_chart(algebra, maps.chart, maps.given.features)


def _plain(generators: Generators) -> Generators:
    """Scale exact generators to a largest coefficient of 1."""
    vectors = generators.vectors()
    vectors = vectors / np.abs(vectors).max(axis=1)[:, None]
    # Lengths of candidates were divided out and come back with rounding; what is small in these units is not 0.
    whole = np.abs(vectors - np.round(vectors)) < 1e-12 * np.abs(vectors)
    return generators.with_vectors(np.where(whole, np.round(vectors), vectors))
