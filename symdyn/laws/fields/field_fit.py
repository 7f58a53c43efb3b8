"""The law of fields from sums of rows: terms selected, fitted, and resampled.

The whole is repeated on resampled trajectories: how often a term is chosen is its inclusion probability. The choice is
part of the error: replicates put one rejected term back, since a law that is too small looks too symmetric.

A term that hardly any resampled data choose goes as well, where the law is no worse without it. What then is not told
from other laws (`collinear_terms`), or hangs on few of the data, is a doubt: the law is not determined.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from symdyn.laws.fields.collinear_terms import agreeing_terms
from symdyn.laws.fields.field_law import FieldLaw, TermSpace, unexplained
from symdyn.laws.fields.field_selection import NormalEquations, Origin

__all__ = ["fit_field_law"]

_ROUNDING = 1e-12  # part of the largest term below which a term is there by rounding only
_RESELECTED = 50  # resampled data from which terms are chosen anew
_COPY = 1e-12  # of the largest sum, by which copies may differ
_FEWEST = 4  # parts
_STABLE = 0.5  # of them that choose a term of the law, at least


@dataclass(frozen=True)
class _Piece:
    """The law of one field: `coefficients` and `inclusion` `(term,)`, `moves` `(replicate, term)`, `free` `(free,)`."""

    coefficients: np.ndarray
    moves: np.ndarray
    inclusion: np.ndarray
    free: np.ndarray
    doubts: tuple[str, ...]


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
    if n_parts < _FEWEST:
        raise ValueError(f"{n_parts} trajectories or stretches of time say nothing of errors: give at least four")
    # In an order of their own: what is resampled does not depend on the order of the trajectories.
    cross = cross[np.argsort(np.einsum("pii->p", cross[:, len(terms) :, len(terms) :]), kind="stable")]
    counts = rng.multinomial(n_parts, np.full(n_parts, 1 / n_parts), size=n_bootstrap).astype(float)
    signs = rng.choice([-1.0, 1.0], size=n_bootstrap)
    problems = _problems(cross, len(terms), space, Origin.none(len(terms)) if origin is None else origin)
    labels = list(terms) if space is None else _labels(space, terms)
    pieces = [_fitted(problem, counts, signs, labels) for problem in problems]
    shape = (len(fields), len(terms))
    coefficients = np.concatenate([piece.coefficients for piece in pieces]).reshape(shape)
    return FieldLaw(
        fields,
        coordinates,
        terms,
        coefficients,
        np.concatenate([piece.moves for piece in pieces], axis=1).reshape(n_bootstrap, *shape),
        np.concatenate([piece.inclusion for piece in pieces]).reshape(shape),
        unexplained(cross, coefficients),
        time_order,
        np.concatenate([piece.free for piece in pieces]),
        tuple(doubt for piece in pieces for doubt in piece.doubts) + _of_copies(cross),
        n_parts,
    )


def _of_copies(cross: np.ndarray) -> tuple[str, ...]:
    """Doubt the errors where most of the parts are copies of others: their scatter is no error."""
    sizes = np.einsum("pii->p", cross)
    n = 1 + int(np.sum(np.diff(np.sort(sizes)) > _COPY * np.abs(sizes).max(initial=0.0)))
    if n >= max(_FEWEST, len(cross) // 2):
        return ()
    return (
        f"only {n} of {len(cross)} parts of the data differ, which says nothing of errors; give other trajectories",
    )


def _labels(space: TermSpace, terms: Sequence[str]) -> list[str]:
    """Name what each free coefficient multiplies."""
    which = [(np.flatnonzero(column) % len(terms)).tolist() for column in space.basis.T]
    return [" + ".join(dict.fromkeys(terms[k] for k in rows)) for rows in which]


def _problems(cross: np.ndarray, n_terms: int, space: TermSpace | None, origin: Origin) -> list[NormalEquations]:
    """Pose one problem a field; one for all of them where a symmetry ties their equations."""
    n_fields = cross.shape[1] - n_terms
    grams = cross[:, :n_terms, :n_terms]
    targets = [(cross[:, :n_terms, n_terms + f], cross[:, n_terms + f, n_terms + f]) for f in range(n_fields)]
    if space is None:
        free = TermSpace(np.zeros(n_terms), np.eye(n_terms))
        return [NormalEquations(grams, right, power, free, origin) for right, power in targets]
    weights = [1 / max(power.mean(), 1e-300) for _, power in targets]
    joint = np.zeros((len(cross), n_fields * n_terms, n_fields * n_terms))
    for f, weight in enumerate(weights):
        block = slice(f * n_terms, (f + 1) * n_terms)
        joint[:, block, block] = weight * grams
    right = np.concatenate([w * r for w, (r, _) in zip(weights, targets, strict=True)], axis=1)
    power = sum(w * p for w, (_, p) in zip(weights, targets, strict=True))
    return [NormalEquations(joint, right, power, space, Origin.none(space.dim))]


def _fitted(problem: NormalEquations, counts: np.ndarray, signs: np.ndarray, names: Sequence[str]) -> _Piece:
    """Fit the law of one problem, with its errors and its doubts."""
    ones, dim = np.ones(counts.shape[1]), problem.space.dim
    chosen = np.zeros((min(len(counts), _RESELECTED), dim))
    for row, count in zip(chosen, counts, strict=False):
        again, zero = problem.select(count)
        row[again] = 1.0
        row[zero] = 0.0
    share = chosen.mean(0)
    kept, dropped = _without_chance(problem, *problem.select(ones), share)
    frame = problem.frame(kept, dropped)
    estimate = problem.solve(ones, frame)
    coefficients = frame @ estimate
    moves = _moves(problem, counts, signs, kept, dropped)
    free, at_home = np.zeros(dim), dim == len(problem.space.basis)
    free[kept] = coefficients[kept] if at_home else estimate
    doubts = _doubts(problem, free, np.setdiff1d(kept, dropped), share, names)
    free[kept] = problem.origin.home[np.ix_(kept, kept)] @ free[kept] if at_home else estimate
    free[dropped] = 0.0
    fixed = problem.space.offset != 0
    inclusion = np.maximum(((np.abs(problem.space.basis) > 0) * share).max(axis=1, initial=0.0), fixed)
    coefficients = problem.space.offset + coefficients
    sizes = np.abs(coefficients) * problem.sizes()
    coefficients[sizes < _ROUNDING * sizes.max(initial=0.0)] = 0.0
    return _Piece(coefficients, moves, inclusion, free, doubts)


def _moves(
    problem: NormalEquations, counts: np.ndarray, signs: np.ndarray, kept: np.ndarray, dropped: list[int]
) -> np.ndarray:
    """Compute errors `(replicate, term)` of a law: resampled, and with one rejected term put back."""
    n_bootstrap, n_parts = counts.shape
    basis, ones = problem.space.basis, np.ones(n_parts)
    # Resampled few differ less than new ones would.
    widening = np.sqrt(n_parts / (n_parts - 1)) * stats.t.ppf(0.975, n_parts - 1) / stats.norm.ppf(0.975)
    frame = problem.frame(kept, dropped)
    estimate = problem.solve(ones, frame)
    moves = widening * (problem.solve(counts, frame) - estimate) @ frame.T
    wider = [np.column_stack([frame, basis[:, k]]) for k in range(problem.space.dim) if k not in kept]
    wider += [problem.frame(kept, [d for d in dropped if d != k]) for k in dropped]
    if wider:
        back = np.stack([other @ problem.solve(ones, other) - frame @ estimate for other in wider])
        moves = moves + back[np.arange(n_bootstrap) % len(back)] * signs[:, None]
    return moves


def _without_chance(
    problem: NormalEquations, kept: np.ndarray, dropped: list[int], share: np.ndarray
) -> tuple[np.ndarray, list[int]]:
    """Drop from what is kept the terms that few resampled data choose, where the law is no worse without them."""
    squares = problem.free()
    while len(kept) > 1:
        needed = problem.origin.lowered[np.ix_(kept, kept)].any(axis=0)
        rare = kept[~needed & (share[kept] < _STABLE)]
        if not len(rare):
            break
        rarest = rare[np.argmin(share[rare])]
        rest = kept[kept != rarest]
        if squares.is_worse(squares.fit(rest), squares.fit(kept)):
            break
        kept = rest
    return kept, [d for d in dropped if d in kept]


def _doubts(
    problem: NormalEquations, free: np.ndarray, judged: np.ndarray, share: np.ndarray, names: Sequence[str]
) -> tuple[str, ...]:
    """Say why the data do not determine a law, one sentence each."""
    judged = (
        judged[~problem.origin.lowered[np.ix_(np.flatnonzero(free), judged)].any(axis=0)] if len(judged) else judged
    )
    found = [
        f"{names[k]} is chosen from {share[k]:.0%} of resampled data only; more trajectories, longer ones or less "
        "noise would decide"
        for k in judged
        if share[k] < _STABLE
    ]
    for term, *others in agreeing_terms(problem.free(), free, judged):
        *first, last = (names[k] for k in (term, *others))
        found.append(
            f"{', '.join(first)} and {last} agree on these data; initial conditions with other wave numbers and "
            "amplitudes would tell them apart"
        )
    return tuple(dict.fromkeys(found))
