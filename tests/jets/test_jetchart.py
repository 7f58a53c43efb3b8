"""Terms of equations for fields are carried into a chart and back without loss."""

import numpy as np
import pytest

from symdyn.jets.jetchart import completed_terms, is_complete, lowered_terms, rate_units, terms_back, terms_forward
from symdyn.jets.jets import JetSpace
from symdyn.lie.chart import Chart

SPACE = JetSpace(("t", "x", "y"), ("u", "v_a"))
CHART = Chart((5.0, -2.0, 0.5, 300.0, -1.0), (3600.0, 1e-3, 10.0, 2.0, 0.1))
TERMS = ("1", "u", "u^2", "v_a", "u v_a", "u_x", "u u_x", "u_xx", "v_a_xy", "u_x^2")


def test_values_of_terms_are_those_of_the_chart():
    """u_J = s / s_x^|J| u'_J, and u = c + s u'."""
    names = ["u", "v_a", "u_x", "u_xx", "v_a_xy"]
    inside = np.random.default_rng(0).standard_normal((20, len(names)))
    outside = inside * [2.0, 0.1, 2.0 / 1e-3, 2.0 / 1e-6, 0.1 / (1e-3 * 10)] + [300.0, -1.0, 0, 0, 0]
    terms = [SPACE.term(name) for name in TERMS]
    charted, given = (SPACE.evaluate(terms, points, names) for points in (inside, outside))
    np.testing.assert_allclose(charted @ terms_back(TERMS, SPACE, CHART).T, given, rtol=1e-12)
    product = terms_forward(TERMS, SPACE, CHART) @ terms_back(TERMS, SPACE, CHART)
    np.testing.assert_allclose(product, np.eye(len(TERMS)), atol=1e-9)


def test_rates_have_the_unit_of_the_field_over_that_of_time():
    assert rate_units(SPACE, CHART, 2) == pytest.approx([2.0 / 3600**2, 0.1 / 3600**2])


def test_a_library_is_complete_when_a_shift_maps_it_to_itself():
    assert is_complete(TERMS, SPACE) and is_complete(["u_x", "u u_x", "u_xx"], SPACE)
    assert not is_complete(["u", "u_xx"], SPACE) and not is_complete(["u u_x"], SPACE)
    assert completed_terms(["u^2 u_x", "u_xx"], SPACE) == ["u^2 u_x", "u_xx", "u_x", "u u_x"]
    assert completed_terms(["u v_a"], SPACE) == ["u v_a", "1", "v_a", "u"]


def test_what_a_shift_makes_of_a_term():
    made = lowered_terms(TERMS, SPACE)
    assert {TERMS[k] for k in np.flatnonzero(made[TERMS.index("u v_a")])} == {"1", "u", "v_a"}
    assert {TERMS[k] for k in np.flatnonzero(made[TERMS.index("u u_x")])} == {"u_x"}
    assert not made[[TERMS.index(name) for name in ("1", "u_xx", "u_x^2")]].any()
