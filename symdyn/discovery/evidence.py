"""Evidence: from a law with its error to violations, bounds and verdicts.

The violation of a generator v is free of units and of the basis,

    eps(v)^2 = |L(v, f)|^2 / (|Df v|^2 + |psi f|^2 + sum_i (r_i v_i / s_i)^2),

with s_i the spread of state i, r_i its own rate, norms taken over points of the data; it lies in [0, sqrt 2]. The law
is an estimate, so |L(v, f)|^2 is too large by the noise Gram N(v), and its error is that of the replicates. A symmetry
is accepted when the 95 % upper bound of eps is below delta (a test of equivalence), and called broken when eps = 0 is
rejected. All else is undetermined.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import stats

from symdyn.discovery.law import LawFit
from symdyn.lie.derivative import LieDerivative

__all__ = ["Evidence", "QuadraticForms", "bracket_forms", "exact_forms", "gram_of", "holm"]


@dataclass(frozen=True)
class QuadraticForms:
    """Forms over combinations a of the candidates, `(candidate, candidate)` each.

    `violation` a^T M a = |L(a, f)|^2 and `size` a^T D a its normaliser; `cross` and `error` `(replicate, ...)` with the
    errors e_b of the law: L(a, f)^T L(a, e_b) and |L(a, e_b)|^2; `jackknife` the mean of the latter over stretches of
    time left out; `stretch` `(replicate,)` the bootstrap-t factors.
    """

    violation: np.ndarray
    size: np.ndarray
    cross: np.ndarray
    error: np.ndarray
    jackknife: np.ndarray
    stretch: np.ndarray


def bracket_forms(derivative: LieDerivative, fit: LawFit, weights: np.ndarray, displacement: np.ndarray):
    """The quadratic forms of the bracket.

    Parameters
    ----------
    derivative : LieDerivative
        Of the candidates, at points of the data.
    fit : LawFit
    weights : ndarray, `(sample, output)`
        Weights of the rows: one over the scale of the outputs.
    displacement : ndarray, `(sample, output, candidate)`
        r_i v_i / s_i.
    """
    scaled = weights[:, :, None] / np.sqrt(len(weights))

    def rows(values):
        return (values * scaled).reshape(-1, values.shape[-1])

    here = rows(derivative.of(fit.coefficients))
    size = sum(gram_of(rows(piece)) for piece in derivative.pieces(fit.coefficients))
    size = size + gram_of((displacement / np.sqrt(len(displacement))).reshape(-1, displacement.shape[-1]))
    moved = [rows(derivative.of(error)) for error in fit.errors]
    cross = np.stack([here.T @ there for there in moved])
    error = np.stack([gram_of(there) for there in moved])
    jackknife = np.mean([gram_of(rows(derivative.of(e))) for e in fit.jackknife], axis=0)
    return QuadraticForms(gram_of(here), size, cross, error, jackknife, fit.stretch)


def exact_forms(transported: np.ndarray, carried: list[np.ndarray], displacement: np.ndarray) -> QuadraticForms:
    """The quadratic forms of an exact bracket: transported − sum of carried, `(sample, ..., candidate)` each.

    Each part of what is carried counts for the size by itself: parts that cancel one another are still seen.
    """

    def rows(values):
        return values.reshape(-1, values.shape[-1]) / np.sqrt(len(values))

    size = gram_of(rows(transported)) + gram_of(rows(displacement)) + sum(gram_of(rows(part)) for part in carried)
    nothing = np.zeros((1, *size.shape))
    return QuadraticForms(gram_of(rows(transported - sum(carried))), size, nothing, nothing, nothing[0], np.ones(1))


@dataclass(frozen=True)
class Evidence:
    """Directions of the candidate space in order of evidence, with bounds.

    Built from quadratic forms; `directions` `(candidate, direction)` are orthonormal in the size D, most symmetric
    first. Directions that move nothing on the data have no violation: they are `unseen` `(candidate, direction)`.
    """

    forms: QuadraticForms
    delta: float
    level: float = 0.95

    @cached_property
    def noise(self) -> np.ndarray:
        """N: mean square of the error of the bracket, `(candidate, candidate)`."""
        return self.forms.error.mean(axis=0)

    @cached_property
    def _visible(self):
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
        total = frame.T @ (self._replicates(self.forms.stretch) + self.noise) @ frame
        return frame @ np.linalg.eigh(total)[1]

    def ratio(self, vector: np.ndarray) -> float:
        """|L|^2 over its mean square error: about 1 and below for a symmetry, to the resolution of the data."""
        return float((vector @ self.forms.violation @ vector) / max(vector @ self.noise @ vector, 1e-300))

    def violation(self, vector: np.ndarray) -> float:
        """eps of a combination `(candidate,)`, the bias from the error of the law removed."""
        unit = self._unit(vector)
        return float(np.sqrt(max(unit @ (self.forms.violation - self.noise) @ unit, 0.0)))

    def upper_bound(self, vector: np.ndarray, rank: int) -> float:
        """The 95 % upper bound of eps for a generator found as one of `rank`.

        Each replicate finds its own version of the generator (the projection on its own most symmetric `rank`
        directions), and is compared with what the law says of it: so the bound pays for having searched.
        """
        unit = self._unit(vector)
        apparent = unit @ (self.forms.violation - self.noise) @ unit
        return float(np.sqrt(max(apparent, 0.0) + self._spread(unit, rank)))

    def p_value(self, vector: np.ndarray) -> float:
        """Probability of so large a bracket if eps were 0.

        The share of replicates whose error alone is larger; where hardly any is, the tail of the scaled chi-square with
        the same mean and variance (Satterthwaite), since a share cannot get below one over the number of replicates.
        """
        unit = self._unit(vector)
        errors = np.einsum("i,bij,j->b", unit, self.forms.error, unit) * self._widening(unit) ** 2
        observed = unit @ self.forms.violation @ unit
        if not errors.any():  # an exact law: no error makes a bracket
            return 1.0 if observed < self.delta**2 else 0.0
        larger = int(np.sum(errors >= observed))
        if larger >= 5 or errors.var() == 0:
            return (1 + larger) / (1 + len(errors))
        mean, variance = errors.mean(), errors.var()
        tail = stats.gamma.sf(observed, mean**2 / variance, scale=variance / mean)
        return float(min(max(tail, 1e-300), (1 + larger) / (1 + len(errors))))

    @cached_property
    def rank(self) -> int:
        """The largest k for which every combination of the first k directions has its bound below delta."""
        bounds = self.span_bounds
        return int(np.argmax(bounds >= self.delta)) if np.any(bounds >= self.delta) else len(bounds)

    @cached_property
    def span_bounds(self) -> np.ndarray:
        """Worst upper bound over the span of the first k directions, for k = 1, 2, ..."""
        n = self.directions.shape[1]
        apparent = self.directions.T @ (self.forms.violation - self.noise) @ self.directions
        noise = self.directions.T @ self.noise @ self.directions
        near = int(np.sum(self._along(self.forms.violation + self.noise) < self.delta**2))
        spreads = np.array([self._spread(v, max(near, k + 1)) for k, v in enumerate(self.directions.T)])
        # Errors of two directions are as correlated as the noise Gram says.
        scale = np.sqrt(spreads / np.maximum(np.diag(noise), 1e-300))
        widened = noise * scale[:, None] * scale
        # Below 0 what is left of the violation is chance, as in `upper_bound`: it must not cancel the errors.
        bounds = [np.linalg.eigvalsh(_positive(apparent[:k, :k]) + widened[:k, :k])[-1] for k in range(1, n + 1)]
        return np.sqrt(np.maximum.accumulate(np.maximum(bounds, 0.0)))

    def _spread(self, unit, rank):
        """How much |L|^2 may be larger than it looks: 95 % quantile over replicates."""
        found = self.replicate_directions[:, :, : max(rank, 1)]
        weights = np.swapaxes(found, 1, 2) @ (self.forms.size @ unit)
        own = (found @ weights[:, :, None])[:, :, 0]
        lengths = np.sqrt(np.maximum(np.einsum("bi,ij,bj->b", own, self.forms.size, own), 1e-300))
        own = own / lengths[:, None]
        truth = self.forms.violation + self.noise
        gaps = np.einsum("bi,bij,bj->b", own, truth - self._replicates(self._widening(unit)), own)
        return max(float(np.quantile(gaps, self.level)), 0.0)

    def _replicates(self, factor):
        """|L(a, f + factor e_b)|^2 `(replicate, candidate, candidate)`."""
        factor = np.broadcast_to(factor, len(self.forms.stretch))[:, None, None]
        symmetric = self.forms.cross + np.swapaxes(self.forms.cross, 1, 2)
        return self.forms.violation + factor * symmetric + factor**2 * self.forms.error

    def _widening(self, unit):
        """Factor on each replicate's error: bootstrap-t, and the jackknife in time where it sees larger errors."""
        ratio = (unit @ self.forms.jackknife @ unit) / max(unit @ self.noise @ unit, 1e-300)
        return self.forms.stretch * np.sqrt(max(ratio, 1.0) if np.isfinite(ratio) else 1.0)

    def _along(self, form):
        return np.einsum("id,ij,jd->d", self.directions, form, self.directions)

    def _unit(self, vector):
        return vector / np.sqrt(max(vector @ self.forms.size @ vector, 1e-300))


def holm(p_values: np.ndarray) -> np.ndarray:
    """p values adjusted for their number (Holm, Scand. J. Statist. 6, 65, 1979)."""
    order = np.argsort(p_values)
    factors = np.arange(len(p_values), 0, -1)
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(np.maximum.accumulate(p_values[order] * factors), 1.0)
    return adjusted


def _positive(form):
    """The form with its negative eigenvalues set to 0."""
    values, vectors = np.linalg.eigh(form)
    return (vectors * np.maximum(values, 0.0)) @ vectors.T


def gram_of(rows: np.ndarray) -> np.ndarray:
    """R^T R for rows R `(row, candidate)`."""
    return rows.T @ rows
