"""Which terms a law of fields needs: backwards, always the one least told from zero.

A term is told from zero where it is many standard errors (jackknife over trajectories) away, and the part of it that
the other terms do not hold makes up a visible part of the rates: on one wave u and u_xx are the same, and one of them
goes, of equals the one with more derivatives.

A shift of u makes u and 1 of u^2. So u stays as long as u^2 does, and what is chosen does not depend on the origin.
Only then are those of the lower terms dropped that are not told from zero about the origin of the data: at 300 K none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import linalg, stats

from symdyn.functions.tolerances import DEPENDENT_SQUARES
from symdyn.jets.jetchart import is_complete, lowered_terms, terms_back, terms_forward
from symdyn.jets.jets import JetSpace
from symdyn.laws.fields.collinear_terms import LeastSquares
from symdyn.laws.fields.field_law import TermSpace
from symdyn.lie.chart import Chart

__all__ = ["NormalEquations", "Origin"]

_LEVEL = 0.01  # of the test that keeps a term, divided by the number of terms (Bonferroni)
_FLOOR = 1e-3  # part of the rates below which a term is not told from errors of quadrature
_ALIKE = 1e-2  # part of a term that others do not hold, below which the choice among them is one of order


@dataclass(frozen=True)
class Origin:
    """What a shift of the fields does to terms.

    `lowered` `(term, term)` masks what it makes of the term of each row; `home` `(term, term)` turns coefficients on
    the terms of the chart to those about the origin of the data, up to one factor for each equation; `terms`
    `(term, term)` are the terms of the data from those of the chart.
    """

    lowered: np.ndarray
    home: np.ndarray
    terms: np.ndarray

    @classmethod
    def of(cls, names: Sequence[str], space: JetSpace, chart: Chart) -> Origin:
        """Build the origin of data in a chart; terms with gaps have an origin of their own, and no shift moves them."""
        if not is_complete(names, space):
            return cls.none(len(names))
        home, terms = terms_forward(names, space, chart).T, terms_back(names, space, chart)
        return cls(lowered_terms(names, space), home, terms)

    @classmethod
    def none(cls, n_terms: int) -> Origin:
        """Let each term stand for itself."""
        return cls(np.zeros((n_terms, n_terms), dtype=bool), np.eye(n_terms), np.eye(n_terms))


@dataclass(frozen=True)
class NormalEquations:
    """`grams` `(part, term, term)`, `right` `(part, term)`, `power` `(part,)`; the law is
    offset + basis @ free coefficients.
    """

    grams: np.ndarray
    right: np.ndarray
    power: np.ndarray
    space: TermSpace
    origin: Origin

    def solve(self, counts: np.ndarray, frame: np.ndarray) -> np.ndarray:
        """Compute coefficients `(..., free)` on a frame `(term, free)`, with parts counted `(..., part)` times."""
        sums = np.tensordot(counts, self.grams, 1)
        grams = frame.T @ sums @ frame
        right = (np.tensordot(counts, self.right, 1) - sums @ self.space.offset) @ frame
        scale = 1 / np.sqrt(np.maximum(np.abs(np.einsum("...ii->...i", grams)), 1e-300))
        scaled = grams * scale[..., :, None] * scale[..., None, :]
        return scale * np.squeeze(np.linalg.pinv(scaled, rcond=DEPENDENT_SQUARES) @ (scale * right)[..., None], -1)

    def frame(self, kept: np.ndarray, dropped: Sequence[int] = ()) -> np.ndarray:
        """Return laws `(term, free)` of the kept terms, those `dropped` being zero about the origin of the data."""
        if not len(dropped):
            return self.space.basis[:, kept]
        sizes = self._sizes(np.ones(len(self.grams)), self.space.basis[:, kept])
        rows = self.origin.home[np.ix_(np.asarray(dropped), kept)] / np.maximum(sizes, 1e-300)
        turn = linalg.null_space(rows / np.linalg.norm(rows, axis=1, keepdims=True))
        frame = np.zeros((len(self.space.basis), turn.shape[1]))
        frame[kept] = turn / np.maximum(sizes, 1e-300)[:, None]
        return frame

    def select(self, counts: np.ndarray) -> tuple[np.ndarray, list[int]]:
        """Select what stays, for parts counted `(part,)` times: indices of free coefficients, and which of those are
        zero about the origin of the data.
        """
        needed, sizes = self.origin.lowered, self._sizes(counts, self.space.basis)
        kept = np.arange(self.space.dim)
        while len(kept):
            alone = self._alone(counts, kept)
            weak = self._told(counts, self.frame(kept), np.eye(len(kept)), sizes[kept] * alone)
            weak[needed[np.ix_(kept, kept)].any(axis=0)] = np.inf
            if weak.min() >= 1:
                break
            alike = np.flatnonzero((weak < 1) & (alone < _ALIKE))
            kept = np.delete(kept, alike[-1] if len(alike) else int(np.argmin(weak)))
        lower = kept[needed[np.ix_(kept, kept)].any(axis=0)]
        dropped: list[int] = []
        sizes = self._sizes(counts, self.origin.terms.T) if len(lower) else sizes
        while len(lower):
            frame = self.frame(kept, dropped)
            weak = self._told(counts, frame, self.origin.home[lower] @ frame, sizes[lower])
            worst = int(np.argmin(weak))
            if weak[worst] >= 1:
                break
            dropped.append(int(lower[worst]))
            lower = np.delete(lower, worst)
        return kept, dropped

    def free(self) -> LeastSquares:
        """Return the normal equations of the free coefficients."""
        basis, offset = self.space.basis, self.space.offset
        pulled = self.grams @ offset
        power = self.power - 2 * self.right @ offset + pulled @ offset
        return LeastSquares(basis.T @ self.grams @ basis, (self.right - pulled) @ basis, power)

    def sizes(self) -> np.ndarray:
        """Return root mean squares `(term,)` of the terms over that of the rates."""
        return self._sizes(np.ones(len(self.grams)), np.eye(len(self.space.basis)))

    def _sizes(self, counts: np.ndarray, laws: np.ndarray) -> np.ndarray:
        """Return root mean squares of laws `(term, law)` over that of the rates."""
        squares = np.sum(laws * (np.tensordot(counts, self.grams, 1) @ laws), axis=0)
        return np.sqrt(np.abs(squares) / max(counts @ self.power, 1e-300))

    def _alone(self, counts: np.ndarray, kept: np.ndarray) -> np.ndarray:
        """Return the part `(kept,)` of each term, root mean square, that mixtures of the other kept do not hold."""
        gram = self.space.basis[:, kept].T @ np.tensordot(counts, self.grams, 1) @ self.space.basis[:, kept]
        scale = 1 / np.sqrt(np.maximum(np.abs(np.diag(gram)), 1e-300))
        values, vectors = np.linalg.eigh(gram * scale[:, None] * scale)
        return 1 / np.sqrt(np.sum(vectors**2 / np.maximum(np.abs(values), DEPENDENT_SQUARES), axis=1))

    def _told(self, counts: np.ndarray, frame: np.ndarray, numbers: np.ndarray, sizes: np.ndarray) -> np.ndarray:
        """Measure numbers `(number, free)` of a law, with terms of some size, in units of what is not told from 0."""
        present = np.flatnonzero(counts)
        without = counts - np.eye(len(counts))[present]
        free = self.solve(np.vstack([counts, without]), frame) @ numbers.T
        estimate, left_out = free[0], free[1:] - free[0]
        # A part drawn twice is left out once: the jackknife counts it twice.
        spread = (counts[present, None] * left_out**2).sum(0) * (counts.sum() - 1) / counts.sum()
        critical = stats.t.ppf(1 - _LEVEL / max(self.space.dim, 1) / 2, max(len(present) - 1, 1))
        told = np.abs(estimate) / np.sqrt(np.maximum(spread, 1e-300))
        return np.minimum(told / critical, np.abs(estimate) * sizes / _FLOOR)
