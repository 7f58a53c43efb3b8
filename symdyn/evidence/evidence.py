"""Evidence: from a law with its error to violations, bounds and verdicts.

The violation of a generator v is free of units and of the basis,

    eps(v)^2 = |L(v, f)|^2 / (|Df v|^2 + |psi f|^2 + sum_i (r_i v_i / s_i)^2),

with s_i the spread of state i, r_i its own rate, norms taken over points of the data; it lies in [0, sqrt 2]. The law
is an estimate, so |L(v, f)|^2 is too large by the noise Gram N(v), and its error is that of the replicates. A symmetry
is accepted when the 95 % upper bound of eps is below delta (a test of equivalence), and called broken when eps = 0 is
rejected. All else is undetermined.

For a law the bound inverts a test. Were eps the true violation, with the bracket along the direction that is seen,
replicates would find |eps r + L(v, e_b)|^2, its part along brackets of other candidates taken out by their search. The
bound is the largest eps for which 5 % of them look as symmetric as the data do. (To add the 95 % quantile of their
error to what is seen is too short: where the error makes a violation look small, it makes itself look small as well.)
Forms that were estimated as such, and are no squares of rows, have that simpler bound
(`symdyn.evidence.additive_bounds`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import stats

from symdyn.evidence.additive_bounds import additive_bound, additive_span_bounds
from symdyn.evidence.forms import LawForms, QuadraticForms, bracket_forms, exact_forms, gram_of
from symdyn.evidence.inverted_bounds import LARGEST, ROUNDING, Search, largest_hidden

__all__ = ["Evidence", "LawForms", "QuadraticForms", "bracket_forms", "exact_forms", "gram_of", "holm"]

_BATCH = 500_000  # numbers at a time


@dataclass(frozen=True, repr=False)
class Evidence:
    """Order directions of the candidate space by evidence, with bounds.

    Built from quadratic forms; `directions` `(candidate, direction)` are orthonormal in the size D, most symmetric
    first. Directions that move nothing on the data have no violation: they are `unseen` `(candidate, direction)`.

    Examples
    --------
    >>> import numpy as np
    >>> import symdyn as sd
    >>> data = sd.systems.hopf(noise=0.02, n_trajectories=10)
    >>> search = sd.SymmetryDiscovery("gl", "polynomial:3").fit(data)
    >>> search.evidence_
    Evidence on 4 candidates, delta = 0.1
    >>> most_symmetric = search.evidence_.directions[:, 0]  # on x ∂x, y ∂x, x ∂y, y ∂y
    >>> np.abs(most_symmetric / np.abs(most_symmetric).max()).round(1)
    array([0., 1., 1., 0.])
    """

    forms: QuadraticForms
    delta: float
    level: float = 0.95

    def __repr__(self) -> str:
        return f"{type(self).__name__} on {len(self.forms.size)} candidates, delta = {self.delta:g}"

    @cached_property
    def noise(self) -> np.ndarray:
        """N: mean square of the error of the bracket, and of what is unknown of it, `(candidate, candidate)`."""
        return self._mean_error + self._unknown

    @property
    def _unknown(self) -> np.ndarray | float:
        return self.forms.unknown if isinstance(self.forms, LawForms) else 0.0

    @cached_property
    def _visible(self) -> tuple[np.ndarray, np.ndarray]:
        """Columns that make D the identity, and the rest."""
        scale = 1 / np.sqrt(np.maximum(np.diag(self.forms.size), 1e-300))
        silent = np.diag(self.forms.size) <= 1e-20 * np.diag(self.forms.size).max(initial=0)
        scale[silent] = 1 / np.sqrt(np.diag(self.forms.size).max(initial=1e-300))
        values, vectors = np.linalg.eigh(self.forms.size * scale[:, None] * scale)
        seen = values > 1e-10 * values[-1]
        return scale[:, None] * vectors[:, seen] / np.sqrt(values[seen]), scale[:, None] * vectors[:, ~seen]

    @property
    def unseen(self) -> np.ndarray:
        """Combinations `(candidate, direction)` that vanish on all the data."""
        return self._visible[1]

    @cached_property
    def directions(self) -> np.ndarray:
        """Combinations `(candidate, direction)`, most symmetric first."""
        frame = self._visible[0]
        return frame @ np.linalg.eigh(frame.T @ (self.forms.violation + self.noise) @ frame)[1]

    @cached_property
    def replicate_directions(self) -> np.ndarray:
        """The same from each (bootstrap-t) replicate of the law, `(replicate, candidate, direction)`."""
        frame = self._visible[0]
        found = np.empty((len(self.forms.stretch), *frame.shape))
        for few in _few_replicates(self.forms):
            found[few] = frame @ np.linalg.eigh(frame.T @ (self._replicates(few) + self.noise) @ frame)[1]
        return found

    def is_unseen(self, vector: np.ndarray) -> bool:
        """Check whether a combination moves nothing on the data, so that they say nothing about it."""
        largest = np.diag(self.forms.size).max(initial=0.0)
        return bool(vector @ self.forms.size @ vector <= 1e-20 * largest * (vector @ vector))

    def ratio(self, vector: np.ndarray) -> float:
        """Return |L|^2 over its mean square error: about 1 and below for a symmetry, to the resolution of the data."""
        return float((vector @ self.forms.violation @ vector) / max(vector @ self.noise @ vector, 1e-300))

    def violation(self, vector: np.ndarray) -> float:
        """Return eps of a combination `(candidate,)`, the bias from the error of the law removed."""
        unit = self._unit(vector)
        return float(np.sqrt(max(unit @ (self.forms.violation - self.noise) @ unit, 0.0)))

    def upper_bound(self, vector: np.ndarray, rank: int) -> float:
        """Return the 95 % upper bound of eps for a generator found as one of `rank`.

        Replicates search as well: they mix in every direction beyond the first `rank` that makes the bracket smaller.
        """
        unit = self._unit(vector)
        coordinates = self.directions.T @ self.forms.size @ unit
        if isinstance(self.forms, LawForms):
            return self._inverted(coordinates[:, None], rank)
        return additive_bound(self._searches[0], coordinates, rank, self._frames, self._widening(unit), self.level)

    def own_bound(self, vector: np.ndarray) -> float:
        """Return the bound of eps for a generator as it stands: its bracket, and the error of that at the level.

        `upper_bound` is about the most symmetric generator near by. What was mixed in to make a bracket small fits its
        error too, which is then not seen.
        """
        unit = self._unit(vector)
        errors = self.forms.error @ unit @ unit * self._widening(unit) ** 2
        return float(np.sqrt(unit @ self.forms.violation @ unit + np.quantile(errors, self.level)))

    def p_value(self, vector: np.ndarray) -> float:
        """Return the probability of a bracket at least this large if eps were 0.

        The share of replicates whose error alone is larger; where hardly any is, the tail of the scaled chi-square with
        the same mean and variance (Satterthwaite), since a share cannot get below one over the number of replicates. A
        bracket no larger than the mean of its error rejects nothing: replicates of few runs have heavy tails, and the
        most of them may be smaller.
        """
        unit = self._unit(vector)
        errors = self.forms.error @ unit @ unit * self._widening(unit) ** 2
        observed = unit @ self.forms.violation @ unit
        hidden = max(self._hidden(unit[:, None]), getattr(self.forms, "test_floor", 0.0))
        if not errors.any():  # no error makes a bracket
            return 1.0 if observed < max(self.delta, hidden) ** 2 else 0.0
        errors = (np.sqrt(errors.clip(0)) + hidden) ** 2
        if observed <= max(errors.mean(), unit @ self.noise @ unit):
            return max(0.5, float(np.mean(errors >= observed)))
        larger = int(np.sum(errors >= observed))
        if larger >= 5 or errors.var() == 0:
            return (1 + larger) / (1 + len(errors))
        mean, variance = errors.mean(), errors.var()
        tail = stats.gamma.sf(observed, mean**2 / variance, scale=variance / mean)
        return float(min(max(tail, 1e-300), (1 + larger) / (1 + len(errors))))

    @cached_property
    def rank(self) -> int:
        """The largest k for which every combination of the first k directions has its bound below delta."""
        n = self.directions.shape[1]
        return next((k for k in range(n) if self._span_bound(k + 1) >= self.delta), n)

    @cached_property
    def span_bounds(self) -> np.ndarray:
        """Worst upper bound over the span of the first k directions, for k = 1, 2, ..."""
        return np.maximum.accumulate([self._span_bound(k + 1) for k in range(self.directions.shape[1])])

    def _span_bound(self, k: int) -> float:
        if isinstance(self.forms, LawForms):
            return self._inverted(np.eye(self.directions.shape[1])[:, :k], k)
        return self._additive[k - 1]

    @cached_property
    def _additive(self) -> np.ndarray:
        widening = [self._widening(v) for v in self.directions.T]
        return additive_span_bounds(self._searches[0], self.delta, self._frames, widening, self.level)

    @cached_property
    def _frames(self) -> np.ndarray:
        """`replicate_directions` in coordinates of the directions."""
        return self.directions.T @ self.forms.size @ self.replicate_directions

    @cached_property
    def _searches(self) -> list[Search]:
        """Forms over directions, of the law and of its rivals."""
        frame = self.directions

        def turned(forms: QuadraticForms) -> Search:
            cross, error = np.empty((2, len(forms.error), frame.shape[1], frame.shape[1]))
            for few in _few_replicates(forms):
                cross[few], error[few] = frame.T @ forms.cross[few] @ frame, frame.T @ forms.error[few] @ frame
            return Search(frame.T @ forms.violation @ frame, error.mean(axis=0), cross, error)

        return [turned(forms) for forms in (self.forms, *getattr(self.forms, "rivals", ()))]

    def _inverted(self, near: np.ndarray, rank: int) -> float:
        """Bound eps from above on the span of `near` `(direction, k)`, found as one of `rank`, for all laws allowed."""
        unit = self.directions @ near[:, -1]
        if not np.any(self.forms.error):
            seen = np.sqrt(max(np.linalg.eigvalsh(near.T @ self._searches[0].violation @ near)[-1], 0.0))
            return float(min(seen + self._hidden(self.directions @ near), max(LARGEST, seen)))
        n = self.directions.shape[1]
        # With and without a search, which may only make the bound larger.
        widening = self._widening(unit)
        hidden = [
            largest_hidden(search, near, beyond, widening, 1 - self.level)
            for search in self._searches
            for beyond in {rank, n}
        ]
        # Replicates with a rejected family put back are few: nor is the bound below the mean error.
        error = np.sqrt(np.linalg.eigvalsh(near.T @ self._searches[0].noise @ near)[-1].clip(0))
        bound = max(*hidden, error, self.violation(unit)) + self._hidden(self.directions @ near)
        return float(min(bound, max(LARGEST, self.violation(unit))))

    def _hidden(self, span: np.ndarray) -> float:
        """Return what no replicate shows of eps over a span of unit vectors `(candidate, k)`: floor, twice the unknown.

        The floor holds what the law leaves over of the rates: if g is what f has beside its law, |L(v, g)| is taken to
        be no larger than the size of v times |g|, and adds to the bracket in the worst case.
        """
        if not isinstance(self.forms, LawForms):
            return 0.0
        unknown = np.linalg.eigvalsh(span.T @ np.broadcast_to(self._unknown, self.forms.size.shape) @ span)[-1]
        return max(self.forms.floor, ROUNDING) + 2 * np.sqrt(max(unknown, 0.0))

    def _replicates(self, few: slice) -> np.ndarray:
        """Return |L(a, f + stretch e_b)|^2 `(replicate, candidate, candidate)` of a few replicates."""
        factor, cross = self.forms.stretch[few, None, None], self.forms.cross[few]
        return self.forms.violation + factor * (cross + np.swapaxes(cross, 1, 2)) + factor**2 * self.forms.error[few]

    @cached_property
    def _mean_error(self) -> np.ndarray:
        return self.forms.error.mean(axis=0)

    def _widening(self, unit: np.ndarray) -> np.ndarray:
        """Return the factor on each replicate's error: bootstrap-t, and the jackknife in time where it sees more."""
        error = max(unit @ self._mean_error @ unit, ROUNDING**2)  # a ratio of roundings says nothing
        return self.forms.stretch * np.sqrt(max((unit @ self.forms.jackknife @ unit) / error, 1.0))

    def _unit(self, vector: np.ndarray) -> np.ndarray:
        return vector / np.sqrt(max(vector @ self.forms.size @ vector, 1e-300))


def _few_replicates(forms: QuadraticForms) -> list[slice]:
    """Take a few replicates at a time, for memory."""
    step = max(_BATCH // max(forms.size.size, 1), 1)
    return [slice(k, k + step) for k in range(0, len(forms.error), step)]


def holm(p_values: np.ndarray) -> np.ndarray:
    """Adjust p values for their number (Holm, Scand. J. Statist. 6, 65, 1979)."""
    order = np.argsort(p_values)
    factors = np.arange(len(p_values), 0, -1)
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(np.maximum.accumulate(p_values[order] * factors), 1.0)
    return adjusted
