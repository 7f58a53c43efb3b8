"""Candidates in the chart of some points: a basis of their span there, and the way back to what the user gave.

Next to a centre that is far from the origin candidates look alike: x ∂x and ∂x differ by a part in c / s. Evidence needs
a basis whose members differ, so the span is brought to reduced form first, its highest functions, which no shift mixes
into others, eliminated first. That is exact where spans are closed under shifts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from symdyn.discovery.evidence import Evidence, QuadraticForms
from symdyn.discovery.exact import ExactEvidence
from symdyn.discovery.valueunits import ValueUnits
from symdyn.lie.chart import Chart
from symdyn.lie.features import Polynomial
from symdyn.lie.fields import Generators
from symdyn.lie.gram import Batch, Rows, lie_rows

__all__ = ["Posed", "common_zero", "in_given_candidates", "posed", "reduced_span"]

_CERTAIN = 100.0  # times its rounding: an entry that is not 0


@dataclass(frozen=True)
class Posed:
    """What evidence is asked for, in the chart.

    `rows` of the Lie derivative for a basis of the candidates; `moving` the number of these, without unknown actions on
    values that `rows` may have added; `chart` of all states of `rows`; `mixture` `(candidate, basis)` gives the
    candidates of the user in terms of the basis.
    """

    rows: Rows
    moving: int
    chart: Chart
    mixture: np.ndarray


def posed(candidates: Generators, output, chart: Chart, units: ValueUnits, first: Batch) -> Posed:
    """The problem of `discover_function`, from `first`, some samples in the chart.

    Raises
    ------
    ValueError
        For an output that does not fit the values.
    """
    basis, mixture = reduced_span(chart.generators(candidates))
    if isinstance(output, np.ndarray):
        lie_rows(candidates, output, first)  # says what does not fit
        output = np.linalg.solve(mixture, (output * units.scale / units.scale[:, None]).reshape(len(mixture), -1))
        output = output.reshape(len(mixture), *units.scale.shape, -1)
    rows = lie_rows(basis, output, first)
    scales = _scales_of_added(rows.candidates.states[len(chart) :], units)
    added = (scales[0] / scales[1])[None] if len(scales[0]) else np.zeros((1, 0))
    full = np.zeros((len(rows.candidates),) * 2)
    full[: len(basis), : len(basis)] = mixture
    full[len(basis) :, len(basis) :] = np.diag(added[0])
    states = chart + Chart((0.0,) * len(scales[2]), tuple(scales[2]))
    return Posed(rows, len(basis), states, full)


def in_given_candidates(evidence: Evidence, mixture: np.ndarray) -> Evidence:
    """The same evidence on combinations of other generators, v = mixture b `(generator, basis)`."""
    if np.array_equal(mixture, np.eye(len(mixture))):
        return evidence
    forms = evidence.forms
    parts = (forms.violation, forms.size, forms.cross, forms.error, forms.jackknife)
    moved = QuadraticForms(*(mixture @ part @ mixture.T for part in parts), forms.stretch)
    changes: dict = {"forms": moved}
    # A combination w of the basis is the combination mixture^-T w of the generators.
    if isinstance(evidence, ExactEvidence):
        changes["spectrum"] = (np.linalg.solve(mixture.T, evidence.spectrum[0]), evidence.spectrum[1])
        if "replicate_directions" in evidence.__dataclass_fields__:
            changes["replicate_directions"] = np.linalg.solve(mixture.T, evidence.replicate_directions)
    return replace(evidence, **changes)


def reduced_span(charted: Generators) -> tuple[Generators, np.ndarray]:
    """The basis of a span in reduced form, and the matrix `(generator, basis)` that makes the generators of it.

    Generators that depend on each other are left as they are.
    """
    vectors = charted.vectors()
    reduced, pivots = _eliminated(vectors, _order(charted))
    if len(pivots) < len(vectors):
        return charted, np.eye(len(vectors))
    return charted.with_vectors(reduced), vectors[:, pivots]


def common_zero(charted: Generators) -> np.ndarray | None:
    """The point `(state,)` where all affine candidates vanish, None if there is none within ten scales of the centre."""
    if charted.features != Polynomial(1) or not len(charted):
        return None
    shifts, slopes = charted.coefficients[:, :, 0].ravel(), charted.coefficients[:, :, 1:].reshape(-1, len(charted.states))
    point = np.linalg.lstsq(slopes, -shifts, rcond=1e-9)[0]
    left = np.abs(slopes @ point + shifts).max()
    inside = np.abs(point).max() < 10 and left <= 1e-9 * (np.abs(shifts).max() + np.abs(slopes).max())
    return point if inside else None


def _order(generators):
    """Columns of the vectors: the rate of time, which no shift changes, then the functions from the last to the first."""
    n, width = generators.coefficients.shape[1:]
    return [n * width, *(state * width + function for function in reversed(range(width)) for state in range(n))]


def _eliminated(vectors, order):
    """Gauss and Jordan, with a bound on the rounding of each entry: what is below it counts as 0."""
    rows, noise = vectors.copy(), np.finfo(float).eps * np.abs(vectors)
    pivots: list[int] = []
    for column in order:
        done = len(pivots)
        if done == len(rows):
            break
        clear = np.abs(rows[done:, column]) > _CERTAIN * noise[done:, column]
        rows[done:, column] = np.where(clear, rows[done:, column], 0.0)
        if not clear.any():
            continue
        best = done + int(np.argmax(np.abs(rows[done:, column])))
        pivot = rows[best, column]
        rows[[done, best]], noise[[done, best]] = rows[[best, done]], noise[[best, done]]
        rows[done], noise[done] = rows[done] / pivot, noise[done] / abs(pivot)
        pivots.append(column)
        others = np.arange(len(rows)) != done
        factors = np.where(others, rows[:, column], 0.0)[:, None]
        noise += np.abs(factors) * noise[done] + np.finfo(float).eps * np.abs(factors * rows[done])
        rows -= factors * rows[done]
        rows[others, column], noise[others, column] = 0.0, 0.0
    return rows, pivots


def _scales_of_added(names, units: ValueUnits):
    """Scales of the row and of the column of each matrix with a single 1, and of each added state.

    An unknown matrix M on values of scale r is r^-1 M r in the chart.
    """
    indices = list(dict.fromkeys(int(name.removeprefix("out").split("_")[0]) for name in names))
    parts = [units.indices[index] for index in indices]
    columns = [np.tile(part, len(part)) for part in parts]
    rows = [np.repeat(part, len(part)) for part in parts]
    none = [np.zeros(0)]
    return tuple(np.concatenate(each or none) for each in (columns, rows, parts))
