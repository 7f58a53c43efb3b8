"""Candidates in the chart of some points: a basis of their span there, and the way back to what the user gave."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from symdyn.evidence.evidence import Evidence, QuadraticForms
from symdyn.evidence.exact_evidence import ExactEvidence
from symdyn.evidence.findings import View
from symdyn.lie.chart import Chart
from symdyn.lie.constraints.gram import Batch, Rows, lie_rows
from symdyn.lie.output_actions import Values
from symdyn.lie.value_units import index_units
from symdyn.lie.vectorfields import Generators, of_size_one

__all__ = ["Posed", "in_given_candidates", "posed"]


@dataclass(frozen=True)
class Posed:
    """What evidence is asked for, in the chart.

    `rows` of the Lie derivative for a basis of the candidates; `moving` the number of these, without unknown actions on
    values that `rows` may have added; `view` takes findings back to the user; `mixture` `(candidate, basis)` gives his
    candidates in terms of the basis.
    """

    rows: Rows
    moving: int
    view: View
    mixture: np.ndarray


def posed(candidates: Generators, output: Values, chart: Chart, units: np.ndarray, first: Batch) -> Posed:
    """Pose the problem of `discover_function`.

    Parameters
    ----------
    candidates : Generators
    output : Values
    chart : Chart
    units : ndarray, `(...)`
        Of the values.
    first : Batch
        Some samples, in the chart.

    Raises
    ------
    ValueError
        For an output that does not fit the values.
    """
    basis, weights = of_size_one(chart.generators(candidates))
    if output.per_candidate:
        lie_rows(candidates, output, first)  # says what does not fit
        output = output.in_units(units).mixed(weights)
    rows = lie_rows(basis, output, first)
    added = rows.candidates.states[len(chart) :]
    sizes = index_units(units.ravel(), units.shape, added)
    mixture = np.eye(len(rows.candidates))
    mixture[: len(basis), : len(basis)] = np.linalg.inv(weights)
    if added:  # a matrix with a single 1 in a row and a column acts on values that have units
        single = rows.candidates.coefficients[len(basis) :, len(chart) :, 1 + len(chart) :]
        mixture[len(basis) :, len(basis) :] = np.diag(np.sum(single / sizes[:, None] * sizes, axis=(1, 2)))
    return Posed(
        rows, len(basis), View(chart + Chart((0.0,) * len(sizes), tuple(sizes)), candidates.features, basis), mixture
    )


def in_given_candidates(evidence: Evidence, mixture: np.ndarray) -> Evidence:
    """Return the same evidence on combinations of other generators, v = mixture b `(generator, basis)`."""
    if np.array_equal(mixture, np.eye(len(mixture))):
        return evidence
    forms = evidence.forms
    parts = (forms.violation, forms.size, forms.cross, forms.error, forms.jackknife)
    moved = QuadraticForms(*(mixture @ part @ mixture.T for part in parts), stretch=forms.stretch)
    changes: dict = {"forms": moved}
    # A combination w of the basis is the combination mixture^-T w of the generators.
    if isinstance(evidence, ExactEvidence):
        changes["spectrum"] = (np.linalg.solve(mixture.T, evidence.spectrum[0]), evidence.spectrum[1])
        if "replicate_directions" in evidence.__dataclass_fields__:
            changes["replicate_directions"] = np.linalg.solve(mixture.T, evidence.replicate_directions)
    return replace(evidence, **changes)
