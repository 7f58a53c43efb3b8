"""The law of fields from sums of rows: instrumented, sparse term by term, with its error.

Terms are dropped backwards, always the one least told from zero, until every term left is many standard errors
(jackknife over trajectories) from zero and makes up a visible part of the rates. The whole is repeated on resampled
trajectories: how often a term is chosen is its inclusion probability. The choice is part of the error: replicates put
one rejected term back, since a law that is too small looks too symmetric.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from symdyn.lie.evolution import Evolution

__all__ = ["FieldLaw", "TermSpace", "fit_field_law", "unexplained"]

_LEVEL = 0.01  # of the test that keeps a term, divided by the number of terms (Bonferroni)
_FLOOR = 1e-3  # part of the rates below which a term is not told from errors of quadrature
_SINGULAR = 1e-11
_RESELECTED = 50  # resampled data from which terms are chosen anew


@dataclass(frozen=True)
class FieldLaw:
    """A law ∂_t^m u = W T with its error.

    `coefficients` `(field, term)` with names `terms`; `errors` `(replicate, field, term)`; `inclusion` `(field, term)`
    the share of resampled data from which the term is chosen; `unexplained` the part of the rates left over beyond
    noise, root mean square, and its 99 % lower bound.
    """

    fields: tuple[str, ...]
    coordinates: tuple[str, ...]
    terms: tuple[str, ...]
    coefficients: np.ndarray
    errors: np.ndarray
    inclusion: np.ndarray
    unexplained: tuple[float, float]
    time_order: int = 1

    @property
    def support(self) -> np.ndarray:
        """Mask `(field, term)` of the terms in the law."""
        return self.coefficients != 0

    @property
    def involved(self) -> np.ndarray:
        """Mask `(field, term)` of the terms in the law or in an error of it."""
        return np.any(self.errors != 0, axis=0) | self.support

    @property
    def standard_errors(self) -> np.ndarray:
        """Standard errors `(field, term)`, of the terms in the law."""
        return np.sqrt(np.mean(self.errors**2, axis=0)) * self.support

    @property
    def stability(self) -> float:
        """The smallest inclusion probability of a term in the law, or of the absence of one that is not."""
        return float(np.where(self.support, self.inclusion, 1 - self.inclusion).min(initial=1.0))

    def equations(self) -> dict[str, dict[str, float]]:
        """Coefficients by field and term."""
        rows = zip(self.fields, self.coefficients, strict=True)
        return {u: {n: float(c) for n, c in zip(self.terms, row, strict=True) if c} for u, row in rows}

    def evolution(self) -> Evolution:
        """The law as polynomials in jets."""
        return Evolution.of(self.equations(), self.coordinates, self.time_order)

    def texts(self, precision: int = 3) -> list[str]:
        """One line a field: `u_t = −1 u u_x + 0.2 u_xx`."""
        from symdyn.lie.printing import equation_lines

        lines = equation_lines(self.coefficients, self.terms, precision)
        return [f"{u}_{'t' * self.time_order} = {line}" for u, line in zip(self.fields, lines, strict=True)]


@dataclass(frozen=True)
class TermSpace:
    """Laws W with vec(W) = offset + basis free, `(field * term,)` and `(field * term, free)`.

    What a symmetry leaves of a library: it ties terms, takes some out, and may fix some (a boost the advection).
    """

    offset: np.ndarray
    basis: np.ndarray

    @property
    def dim(self) -> int:
        """Number of free coefficients."""
        return self.basis.shape[1]


@dataclass(frozen=True)
class _Problem:
    """Normal equations: `grams` `(part, term, term)`, `right` `(part, term)`, `power` `(part,)`; the law is
    offset + basis @ free coefficients.
    """

    grams: np.ndarray
    right: np.ndarray
    power: np.ndarray
    space: TermSpace

    def solve(self, counts: np.ndarray, kept: np.ndarray) -> np.ndarray:
        """Free coefficients `(..., free)`, 0 but for the kept ones, for parts counted `(..., part)` times."""
        frame = self.space.basis[:, kept]
        sums = np.tensordot(counts, self.grams, 1)
        grams = frame.T @ sums @ frame
        right = (np.tensordot(counts, self.right, 1) - sums @ self.space.offset) @ frame
        scale = 1 / np.sqrt(np.maximum(np.abs(np.einsum("...ii->...i", grams)), 1e-300))
        scaled = grams * scale[..., :, None] * scale[..., None, :]
        free = scale * np.squeeze(np.linalg.pinv(scaled, rcond=_SINGULAR) @ (scale * right)[..., None], -1)
        full = np.zeros((*free.shape[:-1], self.space.dim))
        full[..., kept] = free
        return full

    def select(self, counts: np.ndarray) -> np.ndarray:
        """The free coefficients that stay: their indices, for parts counted `(part,)` times."""
        present = np.flatnonzero(counts)
        basis, n_free = self.space.basis, self.space.dim
        critical = stats.t.ppf(1 - _LEVEL / max(n_free, 1) / 2, max(len(present) - 1, 1))
        sizes = np.sqrt(np.abs(np.einsum("ti,tu,ui->i", basis, np.tensordot(counts, self.grams, 1), basis)))
        sizes = sizes / np.sqrt(max(counts @ self.power, 1e-300))
        without = counts - np.eye(len(counts))[present]
        kept = np.arange(n_free)
        while len(kept):
            estimate = self.solve(counts, kept)
            left_out = self.solve(without, kept) - estimate
            # A part drawn twice is left out once: the jackknife counts it twice.
            spread = (counts[present, None] * left_out**2).sum(0) * (counts.sum() - 1) / counts.sum()
            told = np.abs(estimate) / np.sqrt(np.maximum(spread, 1e-300))
            weak = np.minimum(told[kept] / critical, np.abs(estimate * sizes)[kept] / _FLOOR)
            worst = int(np.argmin(weak))
            if weak[worst] >= 1:
                break
            kept = np.delete(kept, worst)
        return kept


def fit_field_law(
    cross: np.ndarray,
    terms: tuple[str, ...],
    fields: tuple[str, ...],
    coordinates: tuple[str, ...],
    *,
    time_order: int = 1,
    n_bootstrap: int = 200,
    rng: np.random.Generator,
    space: TermSpace | None = None,
) -> FieldLaw:
    """Select terms, fit, and resample trajectories.

    Parameters
    ----------
    cross : ndarray, `(part, row, row)`
        Sums of products of rows (terms, then targets), one entry a trajectory or stretch of one.
    terms, fields, coordinates : tuple of str
    time_order : int
    n_bootstrap : int
    rng : numpy Generator
    space : TermSpace, optional
        Where to look, each free coefficient with the terms it ties staying or going as a whole; all laws if left out.

    Raises
    ------
    ValueError
        For fewer than four parts: nothing is known of the error then.
    """
    n_parts = len(cross)
    if n_parts < 4:
        raise ValueError(f"{n_parts} trajectories or stretches of time say nothing of errors: give at least four")
    counts = rng.multinomial(n_parts, np.full(n_parts, 1 / n_parts), size=n_bootstrap).astype(float)
    pieces = [_fitted(problem, counts, rng) for problem in _problems(cross, len(terms), space)]
    coefficients, errors, inclusion = (np.concatenate(part, axis=-1) for part in zip(*pieces, strict=True))
    shape = (len(fields), len(terms))
    return FieldLaw(
        fields,
        coordinates,
        terms,
        coefficients.reshape(shape),
        errors.reshape(n_bootstrap, *shape),
        inclusion.reshape(shape),
        unexplained(cross, coefficients.reshape(shape)),
        time_order,
    )


def _problems(cross, n_terms, space):
    """One problem a field; one for all of them where a symmetry ties their equations."""
    n_fields = cross.shape[1] - n_terms
    grams = cross[:, :n_terms, :n_terms]
    targets = [(cross[:, :n_terms, n_terms + f], cross[:, n_terms + f, n_terms + f]) for f in range(n_fields)]
    if space is None:
        free = TermSpace(np.zeros(n_terms), np.eye(n_terms))
        return [_Problem(grams, right, power, free) for right, power in targets]
    weights = [1 / max(power.mean(), 1e-300) for _, power in targets]
    joint = np.zeros((len(cross), n_fields * n_terms, n_fields * n_terms))
    for f, weight in enumerate(weights):
        block = slice(f * n_terms, (f + 1) * n_terms)
        joint[:, block, block] = weight * grams
    right = np.concatenate([w * r for w, (r, _) in zip(weights, targets, strict=True)], axis=1)
    power = sum(w * p for w, (_, p) in zip(weights, targets, strict=True))
    return [_Problem(joint, right, power, space)]


def _fitted(problem, counts, rng):
    """Coefficients `(term,)`, errors `(replicate, term)` and inclusion `(term,)`."""
    n_bootstrap, n_parts = counts.shape
    basis, ones = problem.space.basis, np.ones(n_parts)
    # Resampled few differ less than new ones would.
    widening = np.sqrt(n_parts / (n_parts - 1)) * stats.t.ppf(0.975, n_parts - 1) / stats.norm.ppf(0.975)
    kept = problem.select(ones)
    estimate = problem.solve(ones, kept)
    moves = widening * (problem.solve(counts, kept) - estimate)
    back = [problem.solve(ones, np.append(kept, k)) - estimate for k in range(problem.space.dim) if k not in kept]
    if back:
        signs = rng.choice([-1.0, 1.0], size=n_bootstrap)[:, None]
        moves = moves + np.stack(back)[np.arange(n_bootstrap) % len(back)] * signs
    chosen = np.zeros((min(n_bootstrap, _RESELECTED), problem.space.dim))
    for row, count in zip(chosen, counts, strict=False):
        row[problem.select(count)] = 1.0
    fixed = problem.space.offset != 0
    inclusion = np.maximum(((np.abs(basis) > 0) * chosen.mean(0)).max(axis=1, initial=0.0), fixed)
    coefficients = problem.space.offset + basis @ estimate
    coefficients[np.abs(coefficients) < 1e-12 * np.abs(coefficients).max(initial=0.0)] = 0.0
    return coefficients, moves @ basis.T, inclusion


def unexplained(cross, coefficients):
    """What is left over, relative to the rates, and its 99 % lower bound over parts."""
    left = np.hstack([-coefficients, np.eye(len(coefficients))])
    parts = np.einsum("ft,ptu,fu->pf", left, cross, left)
    power = np.einsum("pii->i", cross[:, coefficients.shape[1] :, coefficients.shape[1] :])
    each = (parts / power).mean(axis=1)
    error = np.sqrt(len(each)) * each.std(ddof=1) * stats.t.ppf(0.99, len(each) - 1)
    return float(np.sqrt(max(each.sum(), 0.0))), float(np.sqrt(max(each.sum() - error, 0.0)))
