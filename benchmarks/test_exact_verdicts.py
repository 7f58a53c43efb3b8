"""The truth that tables compare with is what the library says of an exact law."""

import numpy as np
import pytest
from exact_verdicts import Truth

import symdyn as sd
from symdyn.evidence.elements.element_evidence import LawSample, judge_elements
from symdyn.evidence.forms import exact_forms
from symdyn.laws.law_fit import LawFit
from symdyn.lie.actions import act
from symdyn.lie.derivative import LieDerivative

AFFINE, LAW = sd.candidates.affine(3), sd.features.Polynomial(3)
ELEMENTS = (sd.groups.sign_flips(3) + sd.groups.permutations(3)).searched()


@pytest.fixture(scope="module")
def truth():
    """Of the Lorenz system on six runs."""
    runs, _ = sd.systems.lorenz(n_trajectories=6)
    return Truth(sd.systems.exact_law("lorenz"), runs, most=1000)


def test_generators_are_judged_as_by_the_bracket_of_the_exact_coefficients(truth):
    law = np.linalg.lstsq(LAW(truth.points), truth.values, rcond=None)[0].T
    weights = 1 / truth.spreads[None, :, None]
    derivative = LieDerivative.build(LAW, act(AFFINE, truth.points), truth.points)
    displacement = AFFINE.values(truth.points) * weights * truth.rates[None, :, None]
    pieces = (derivative.transported(law) * weights, [derivative.carried(law) * weights])
    expected, found = exact_forms(*pieces, displacement), truth.forms(AFFINE)
    np.testing.assert_allclose(found.violation, expected.violation, atol=1e-6 * expected.violation.max())
    np.testing.assert_allclose(found.size, expected.size, atol=1e-6 * expected.size.max())


def test_elements_are_judged_as_by_the_difference_of_the_exact_coefficients(truth):
    law = np.linalg.lstsq(LAW(truth.points), truth.values, rcond=None)[0].T
    nothing, spreads = np.zeros((1, *law.shape)), np.broadcast_to(truth.spreads, truth.points.shape)
    fit = LawFit(law, (), [], nothing, np.ones(1), nothing)
    table = judge_elements(ELEMENTS, fit, LawSample(LAW, truth.points, 1 / spreads, spreads))
    np.testing.assert_allclose(truth.element_violations(ELEMENTS), table.violation.values, atol=1e-9)
    np.testing.assert_allclose(truth.outside(ELEMENTS), table.image_outside.values, atol=1e-9)


def test_truth_does_not_depend_on_units_origin_or_how_runs_are_cut(truth):
    scale, offset = np.array([1e3, 1e-2, 7.0]), np.array([5.0, -3.0, 100.0])
    runs = [run * scale + offset for run in truth.runs]
    moved = Truth(lambda x: truth.law((x - offset) / scale) * scale, [np.concatenate(runs)], most=1000)
    flips = sd.groups.sign_flips(3).searched()
    inside = [sd.groups.element(m, (np.eye(3) - m) @ offset) for m in flips.matrices]
    np.testing.assert_allclose(
        moved.element_violations(sd.groups.elements(inside)), truth.element_violations(flips), atol=1e-9
    )
    shifts = sd.candidates.translations(3)
    np.testing.assert_allclose(moved.violations(shifts), truth.violations(shifts), atol=1e-6)


def test_a_polynomial_law_is_left_over_by_a_library_of_lower_degree_only(truth):
    assert truth.left_over(sd.features.Polynomial(2)) < 1e-10
    assert truth.left_over(sd.features.Polynomial(1)) > 0.1
