"""The law of fields from sums of rows: instrumented, sparse term by term, with its error.

Terms are dropped backwards, always the one least told from zero, until every term left is many standard errors
(jackknife over trajectories) from zero and makes up a visible part of the rates. The whole is repeated on resampled
trajectories: how often a term is chosen is its inclusion probability. The choice is part of the error: replicates put
one rejected term back, since a law that is too small looks too symmetric.

A shift of u makes u and 1 of u^2. So u stays as long as u^2 does, and what is chosen does not depend on the origin.
Only then are those of the lower terms dropped that are not told from zero about the origin of the data: at 300 K none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import linalg, stats

from symdyn.lie.chart import Chart
from symdyn.lie.evolution import Evolution
from symdyn.lie.jetchart import is_complete, lowered_terms, rate_units, terms_back, terms_forward
from symdyn.lie.jets import JetSpace

__all__ = ["FieldLaw", "Origin", "TermSpace", "fit_field_law", "unexplained"]

_LEVEL = 0.01  # of the test that keeps a term, divided by the number of terms (Bonferroni)
_FLOOR = 1e-3  # part of the rates below which a term is not told from errors of quadrature
_SINGULAR = 1e-11
_ROUNDING = 1e-12  # part of the largest term below which a term is there by rounding only
_RESELECTED = 50  # resampled data from which terms are chosen anew


@dataclass(frozen=True)
class FieldLaw:
    """A law ∂_t^m u = W T with its error.

    `coefficients` `(field, term)` with names `terms`; `errors` `(replicate, field, term)`; `inclusion` `(field, term)`
    the share of resampled data from which the term is chosen; `unexplained` the part of the rates left over beyond
    noise, root mean square, and its 99 % lower bound. `free` are the coefficients of what was chosen among, with exact
    zeros: of the terms about the origin of the data `(field * term,)`, or those that a symmetry leaves `(free,)`.
    """

    fields: tuple[str, ...]
    coordinates: tuple[str, ...]
    terms: tuple[str, ...]
    coefficients: np.ndarray
    errors: np.ndarray
    inclusion: np.ndarray
    unexplained: tuple[float, float]
    time_order: int = 1
    free: np.ndarray | None = None

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

    @property
    def space(self) -> JetSpace:
        """The jets that its terms are made of."""
        return JetSpace(tuple(self.coordinates), tuple(self.fields))

    def in_units(self, chart: Chart) -> FieldLaw:
        """The law of the chart in the units of the data."""
        back = terms_forward(self.terms, self.space, chart)
        rates = rate_units(self.space, chart, self.time_order)[:, None]
        whole = rates * (self.coefficients @ back)
        if self.free is not None and self.free.size == whole.size:
            whole = np.where(self.free.reshape(whole.shape) != 0, whole, 0.0)
        return replace(self, coefficients=whole, errors=rates * (self.errors @ back), free=whole.ravel())

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
        """The origin of data in a chart; terms with gaps have an origin of their own, and no shift moves them."""
        if not is_complete(names, space):
            return cls.none(len(names))
        home, terms = terms_forward(names, space, chart).T, terms_back(names, space, chart)
        return cls(lowered_terms(names, space), home, terms)

    @classmethod
    def none(cls, n_terms: int) -> Origin:
        """Each term stands for itself."""
        return cls(np.zeros((n_terms, n_terms), dtype=bool), np.eye(n_terms), np.eye(n_terms))


@dataclass(frozen=True)
class _Problem:
    """Normal equations: `grams` `(part, term, term)`, `right` `(part, term)`, `power` `(part,)`; the law is
    offset + basis @ free coefficients.
    """

    grams: np.ndarray
    right: np.ndarray
    power: np.ndarray
    space: TermSpace
    origin: Origin

    def solve(self, counts: np.ndarray, frame: np.ndarray) -> np.ndarray:
        """Coefficients `(..., free)` on the columns of a frame `(term, free)`; parts counted `(..., part)` times."""
        sums = np.tensordot(counts, self.grams, 1)
        grams = frame.T @ sums @ frame
        right = (np.tensordot(counts, self.right, 1) - sums @ self.space.offset) @ frame
        scale = 1 / np.sqrt(np.maximum(np.abs(np.einsum("...ii->...i", grams)), 1e-300))
        scaled = grams * scale[..., :, None] * scale[..., None, :]
        return scale * np.squeeze(np.linalg.pinv(scaled, rcond=_SINGULAR) @ (scale * right)[..., None], -1)

    def frame(self, kept: np.ndarray, dropped: Sequence[int] = ()) -> np.ndarray:
        """Laws `(term, free)` of the kept terms, those `dropped` being zero about the origin of the data."""
        if not len(dropped):
            return self.space.basis[:, kept]
        sizes = self._sizes(np.ones(len(self.grams)), self.space.basis[:, kept])
        rows = self.origin.home[np.ix_(dropped, kept)] / np.maximum(sizes, 1e-300)
        turn = linalg.null_space(rows / np.linalg.norm(rows, axis=1, keepdims=True))
        frame = np.zeros((len(self.space.basis), turn.shape[1]))
        frame[kept] = turn / np.maximum(sizes, 1e-300)[:, None]
        return frame

    def select(self, counts: np.ndarray) -> tuple[np.ndarray, list[int]]:
        """What stays, for parts counted `(part,)` times: indices of free coefficients, and which of those are zero
        about the origin of the data.
        """
        needed, sizes = self.origin.lowered, self._sizes(counts, self.space.basis)
        kept = np.arange(self.space.dim)
        while len(kept):
            weak = self._told(counts, self.frame(kept), np.eye(len(kept)), sizes[kept])
            weak[needed[np.ix_(kept, kept)].any(axis=0)] = np.inf
            worst = int(np.argmin(weak))
            if weak[worst] >= 1:
                break
            kept = np.delete(kept, worst)
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

    def sizes(self) -> np.ndarray:
        """Root mean squares `(term,)` of the terms over that of the rates."""
        return self._sizes(np.ones(len(self.grams)), np.eye(len(self.space.basis)))

    def _sizes(self, counts, laws):
        """Root mean squares of laws `(term, law)` over that of the rates."""
        squares = np.sum(laws * (np.tensordot(counts, self.grams, 1) @ laws), axis=0)
        return np.sqrt(np.abs(squares) / max(counts @ self.power, 1e-300))

    def _told(self, counts, frame, numbers, sizes):
        """How far numbers `(number, free)` of a law, of terms of some size, are above what is not told from zero: 1."""
        present = np.flatnonzero(counts)
        without = counts - np.eye(len(counts))[present]
        free = self.solve(np.vstack([counts, without]), frame) @ numbers.T
        estimate, left_out = free[0], free[1:] - free[0]
        # A part drawn twice is left out once: the jackknife counts it twice.
        spread = (counts[present, None] * left_out**2).sum(0) * (counts.sum() - 1) / counts.sum()
        critical = stats.t.ppf(1 - _LEVEL / max(self.space.dim, 1) / 2, max(len(present) - 1, 1))
        told = np.abs(estimate) / np.sqrt(np.maximum(spread, 1e-300))
        return np.minimum(told / critical, np.abs(estimate) * sizes / _FLOOR)


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
    origin: Origin | None = None,
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
    origin : Origin, optional
        What a shift of the fields does to the terms; each stands for itself if left out.

    Raises
    ------
    ValueError
        For fewer than four parts: nothing is known of the error then.
    """
    n_parts = len(cross)
    if n_parts < 4:
        raise ValueError(f"{n_parts} trajectories or stretches of time say nothing of errors: give at least four")
    # In an order of their own: what is resampled does not depend on the order of the trajectories.
    cross = cross[np.argsort(np.einsum("pii->p", cross[:, len(terms) :, len(terms) :]), kind="stable")]
    counts = rng.multinomial(n_parts, np.full(n_parts, 1 / n_parts), size=n_bootstrap).astype(float)
    signs = rng.choice([-1.0, 1.0], size=n_bootstrap)
    problems = _problems(cross, len(terms), space, Origin.none(len(terms)) if origin is None else origin)
    pieces = [_fitted(problem, counts, signs) for problem in problems]
    coefficients, errors, inclusion, free = (np.concatenate(part, axis=-1) for part in zip(*pieces, strict=True))
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
        free,
    )


def _problems(cross, n_terms, space, origin):
    """One problem a field; one for all of them where a symmetry ties their equations."""
    n_fields = cross.shape[1] - n_terms
    grams = cross[:, :n_terms, :n_terms]
    targets = [(cross[:, :n_terms, n_terms + f], cross[:, n_terms + f, n_terms + f]) for f in range(n_fields)]
    if space is None:
        free = TermSpace(np.zeros(n_terms), np.eye(n_terms))
        return [_Problem(grams, right, power, free, origin) for right, power in targets]
    weights = [1 / max(power.mean(), 1e-300) for _, power in targets]
    joint = np.zeros((len(cross), n_fields * n_terms, n_fields * n_terms))
    for f, weight in enumerate(weights):
        block = slice(f * n_terms, (f + 1) * n_terms)
        joint[:, block, block] = weight * grams
    right = np.concatenate([w * r for w, (r, _) in zip(weights, targets, strict=True)], axis=1)
    power = sum(w * p for w, (_, p) in zip(weights, targets, strict=True))
    return [_Problem(joint, right, power, space, Origin.none(space.dim))]


def _fitted(problem, counts, signs):
    """Coefficients `(term,)`, errors `(replicate, term)` and inclusion `(term,)` of a law, and what was free in it."""
    n_bootstrap, n_parts = counts.shape
    basis, ones, dim = problem.space.basis, np.ones(n_parts), problem.space.dim
    # Resampled few differ less than new ones would.
    widening = np.sqrt(n_parts / (n_parts - 1)) * stats.t.ppf(0.975, n_parts - 1) / stats.norm.ppf(0.975)
    kept, dropped = problem.select(ones)
    frame = problem.frame(kept, dropped)
    estimate = problem.solve(ones, frame)
    moves = widening * (problem.solve(counts, frame) - estimate) @ frame.T
    coefficients = frame @ estimate
    wider = [np.column_stack([frame, basis[:, k]]) for k in range(dim) if k not in kept]
    wider += [problem.frame(kept, [d for d in dropped if d != k]) for k in dropped]
    if wider:
        back = np.stack([other @ problem.solve(ones, other) - coefficients for other in wider])
        moves = moves + back[np.arange(n_bootstrap) % len(back)] * signs[:, None]
    chosen = np.zeros((min(n_bootstrap, _RESELECTED), dim))
    for row, count in zip(chosen, counts, strict=False):
        again, zero = problem.select(count)
        row[again] = 1.0
        row[zero] = 0.0
    free = np.zeros(dim)
    free[kept] = problem.origin.home[np.ix_(kept, kept)] @ coefficients[kept] if dim == len(basis) else estimate
    free[dropped] = 0.0
    fixed = problem.space.offset != 0
    inclusion = np.maximum(((np.abs(basis) > 0) * chosen.mean(0)).max(axis=1, initial=0.0), fixed)
    coefficients = problem.space.offset + coefficients
    sizes = np.abs(coefficients) * problem.sizes()
    coefficients[sizes < _ROUNDING * sizes.max(initial=0.0)] = 0.0
    return coefficients, moves, inclusion, free


def unexplained(cross, coefficients):
    """What is left over, relative to the rates, and its 99 % lower bound over parts."""
    left = np.hstack([-coefficients, np.eye(len(coefficients))])
    parts = np.einsum("ft,ptu,fu->pf", left, cross, left)
    power = np.einsum("pii->i", cross[:, coefficients.shape[1] :, coefficients.shape[1] :])
    each = (parts / power).mean(axis=1)
    if len(each) < 2:  # nothing is known of the error
        return float(np.sqrt(max(each.sum(), 0.0))), 0.0
    error = np.sqrt(len(each)) * each.std(ddof=1) * stats.t.ppf(0.99, len(each) - 1)
    return float(np.sqrt(max(each.sum(), 0.0))), float(np.sqrt(max(each.sum() - error, 0.0)))
