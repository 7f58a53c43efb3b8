"""Quadratic forms over candidates: what a law says of each combination, and with what error."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from symdyn.evidence.mean_forms import mean_form
from symdyn.evidence.point_rows import RowReducer, row_reducers
from symdyn.laws.law_fit import LawFit
from symdyn.lie.derivative import LieDerivative

__all__ = ["LawForms", "QuadraticForms", "bracket_forms", "exact_forms", "gram_of", "unknown_form"]


_BATCH = 1_000_000  # numbers at a time, for memory
_NOTHING = 1e-11  # of its terms, and below which a sum of features is nothing: far below what violations resolve
_SECOND_MOMENT = 4_000_000  # numbers of a second moment of coefficients that are fewer than those of rows


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


@dataclass(frozen=True)
class LawForms(QuadraticForms):
    """The forms of an estimated law: errors are errors of the rows of its bracket, so a bound can invert a test.

    `floor` is the error of eps that no replicate shows, in bounds, and `test_floor` in p values, if that is larger;
    `rivals` are the forms of other laws that the data allow;
    `unknown` `(candidate, candidate)` is the mean of |L(a, u)|^2 over laws u on which the data say nothing.
    """

    floor: float = field(default=0.0, kw_only=True)
    test_floor: float = field(default=0.0, kw_only=True)
    rivals: tuple[LawForms, ...] = field(default=(), kw_only=True)
    unknown: np.ndarray | float = field(default=0.0, kw_only=True)

    def all_laws(self) -> tuple[LawForms, ...]:
        """Return the forms of this law and of its rivals, each by itself."""
        return (replace(self, rivals=()), *self.rivals)


def bracket_forms(
    derivative: LieDerivative,
    fit: LawFit,
    weights: np.ndarray,
    displacement: np.ndarray,
    unknown: np.ndarray | None = None,
) -> LawForms:
    """Compute the quadratic forms of the bracket.

    Parameters
    ----------
    derivative : LieDerivative
        Of the candidates, at points of the data.
    fit : LawFit
    weights : ndarray, `(sample, output)`
        Weights of the rows: one over the scale of the outputs.
    displacement : ndarray, `(sample, output, candidate)`
        r_i v_i / s_i.
    unknown : ndarray, `(candidate, candidate)`, optional
        The form of what is unknown of the law; by default the mean over the points as they are.
    """
    size = gram_of(displacement.reshape(-1, displacement.shape[-1])) / len(weights)
    del displacement  # as large as all else here together
    for few, scale in _few_points(derivative, weights):
        size += sum(gram_of(_weighted(piece, scale)) for piece in few.pieces(fit.coefficients))
    reducers = row_reducers(derivative, weights, 1 / np.sqrt(np.maximum(np.diag(size), 1e-300)))
    if fit.jackknife[0].size ** 2 < _SECOND_MOMENT:
        jackknife = mean_form(derivative, fit.jackknife, weights)
    else:
        jackknife = _mean_square(reducers, fit.jackknife)

    def forms(law: LawFit, errors: np.ndarray, **others: np.ndarray | tuple[LawForms, ...]) -> LawForms:
        cross, error = np.zeros((2, len(errors), *size.shape))
        _add_errors(cross, error, reducers, law.coefficients, errors)
        violation = np.zeros_like(size)
        for few, scale in _few_points(derivative, weights):
            violation += gram_of(_weighted(few.of(law.coefficients), scale))
        floors = {"floor": fit.floor, "test_floor": fit.test_floor}
        return LawForms(violation, size, cross, error, jackknife, law.stretch, **floors, **others)

    rivals = tuple(forms(rival, rival.errors) for rival in fit.rivals)
    if fit.unknown is None:
        return forms(fit, fit.errors, rivals=rivals)
    unknown = _mean_square(reducers, fit.unknown) if unknown is None else unknown
    return forms(fit, fit.errors - fit.unknown, rivals=rivals, unknown=unknown)


def _few_points(derivative: LieDerivative, weights: np.ndarray) -> Iterator[tuple[LieDerivative, np.ndarray]]:
    """Take a few points at a time, with their weights over the root of the number of all points."""
    step = max(_BATCH // (weights.shape[1] * derivative.n_generators), 1)
    for rows in (slice(k, k + step) for k in range(0, len(weights), step)):
        yield derivative.at(rows), weights[rows] / np.sqrt(len(weights))


def _weighted(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return (values * weights[:, :, None]).reshape(-1, values.shape[-1])


def unknown_form(derivative: LieDerivative, unknown: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Average |L(a, u)|^2 over laws u `(law, output, feature)`, as a form `(candidate, candidate)`.

    The laws are made of few functions, some of which vanish everywhere: features may depend on each other.
    """
    flat, functions = _independent(unknown.reshape(-1, 1, unknown.shape[2]))
    functions = functions[:, 0]
    values, slopes = derivative.values @ functions.T, functions @ derivative.slopes
    some = ~(_vanish(values, derivative.values, functions) & _vanish(slopes, derivative.slopes, functions))
    if not some.any():
        return np.zeros((derivative.n_generators, derivative.n_generators))
    here = replace(derivative, values=values[:, some], slopes=slopes[:, some])
    return mean_form(here, flat.reshape(*unknown.shape[:2], -1)[:, :, some], weights)


def _vanish(found: np.ndarray, features: np.ndarray, functions: np.ndarray) -> np.ndarray:
    """Tell which combinations of features, or their slopes, are nothing but rounding `(function,)`."""
    over = tuple({*range(features.ndim)} - {1})
    return np.abs(found).max(axis=over) <= _NOTHING * (np.abs(functions) @ np.abs(features).max(axis=over))


def _add_errors(
    cross: np.ndarray, error: np.ndarray, reducers: list[RowReducer], law: np.ndarray, errors: np.ndarray
) -> None:
    """Add L(a, f)^T L(a, e_b) and |L(a, e_b)|^2 `(error, candidate, candidate)` of a law f and its errors e_b."""
    mixtures, basis = _independent(errors)
    for reduced in reducers:
        here, start = next(reduced(law[None]))[0], 0
        for moved in reduced(errors) if len(basis) >= len(errors) // 2 else _mixed(reduced, mixtures, basis):
            batch = slice(start, start := start + len(moved))
            cross[batch] += here.T @ moved
            for gram, rows in zip(error[batch], moved, strict=True):
                gram += gram_of(rows)


def _mixed(reduced: RowReducer, mixtures: np.ndarray, basis: np.ndarray) -> Iterator[np.ndarray]:
    """Compute rows `(error, row, candidate)` of mixtures of few laws, a few errors at a time."""
    moved = np.concatenate(list(reduced(basis)))
    for some in np.array_split(mixtures, max(len(mixtures) // len(basis), 1)):
        yield np.tensordot(some, moved, axes=1)


def _mean_square(reducers: list[RowReducer], errors: np.ndarray) -> np.ndarray:
    """Average the Gram matrix of the rows over errors."""
    mixtures, basis = _independent(errors)
    _, factor = np.linalg.qr(mixtures / np.sqrt(len(errors)))
    mixed = factor @ basis.reshape(len(basis), basis.shape[1] * basis.shape[2])
    mixed = mixed.reshape(len(factor), *basis.shape[1:])
    moved = (rows for reduced in reducers for rows in reduced(mixed))
    return np.sum([gram_of(rows.reshape(-1, rows.shape[-1])) for rows in moved], axis=0)


def _independent(errors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Write errors `(error, output, feature)` as weights `(error, k)` times k independent ones, to rounding."""
    flat = errors.reshape(len(errors), -1)
    sizes = np.linalg.norm(flat, axis=0)  # coefficients in units of their own: small ones count as much as large ones
    left, values, right = np.linalg.svd(flat / np.where(sizes > 0, sizes, 1.0), full_matrices=False)
    kept = values > 1e-12 * values[0]
    kept[0] = True
    return left[:, kept] * values[kept], (right[kept] * sizes).reshape(-1, *errors.shape[1:])


def exact_forms(transported: np.ndarray, carried: list[np.ndarray], displacement: np.ndarray) -> QuadraticForms:
    """Compute the quadratic forms of an exact bracket: transported − sum of carried, `(sample, ..., candidate)` each.

    Each part of what is carried counts for the size by itself: parts that cancel one another are still seen.
    """

    def rows(values: np.ndarray) -> np.ndarray:
        return values.reshape(-1, values.shape[-1]) / np.sqrt(len(values))

    size = gram_of(rows(transported)) + gram_of(rows(displacement)) + sum(gram_of(rows(part)) for part in carried)
    nothing = np.zeros((1, *size.shape))
    return QuadraticForms(gram_of(rows(transported - sum(carried))), size, nothing, nothing, nothing[0], np.ones(1))


def gram_of(rows: np.ndarray) -> np.ndarray:
    """Compute R^T R for rows R `(row, candidate)`."""
    return rows.T @ rows
