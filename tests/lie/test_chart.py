"""Generators and laws are carried into a chart and back without loss; functions are in the contract of Features."""

import numpy as np
import pysindy as ps
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import symdyn as sd
from symdyn.functions.monomials import Monomials, has_all_divisors
from symdyn.lie.chart import Chart


def _library():
    library = ps.CustomLibrary([lambda x: np.exp(-x), lambda x, y: np.hypot(x, y)], [str, lambda x, y: f"|{x} {y}|"])
    return sd.features.from_library(library.fit(np.ones((2, 3))))


_SPACES = {
    "polynomial": sd.features.Polynomial(3),
    "of some states": sd.features.Polynomial(2, columns=(2, 0)),
    "without a constant": sd.features.Polynomial(2, constant=False),
    "odd": Monomials(((1, 0, 0), (0, 1, 0), (3, 0, 0), (1, 1, 1))),
    "products": Monomials(((0, 0, 0), (1, 0, 0), (0, 1, 0), (1, 1, 0))),
    "waves": sd.features.Fourier(2),
    "central": sd.features.CentralForce((1, 3)),
    "radial": sd.features.Radial((1, 2)),
    "sum": sd.features.Polynomial(2) + sd.features.CentralForce((3,)),
    "library": _library(),
}
_CHARTS = {
    "unlike": Chart((300.0, -2.0, 0.5), (1e-3, 10.0, 2.0), 60.0),
    "no shift": Chart((0.0, 0.0, 0.0), (1e-6, 3.0, 2.0)),
    "one scale": Chart((0.0, 0.0, 0.0), (3.0, 3.0, 3.0), 1e-3),
    "identity": Chart.identity(3),
}


@pytest.fixture(params=_CHARTS)
def chart(request):
    return _CHARTS[request.param]


@pytest.fixture(params=_SPACES)
def features(request):
    return _SPACES[request.param]


def _points(count=40, seed=0):
    return np.random.default_rng(seed).uniform(0.2, 1.5, (count, 3))


def test_points_go_in_and_come_back(chart):
    np.testing.assert_allclose(chart.points(chart.points_back(_points())), _points(), rtol=1e-6)


def test_generators_go_in_and_come_back(chart):
    given = sd.candidates.polynomial(3, 2, time_scaling=True)
    charted = chart.generators(given)
    y = _points()
    fields = given.values(chart.points_back(y)) / np.array(chart.scale)[:, None]
    np.testing.assert_allclose(charted.values(y), fields, rtol=1e-9, atol=1e-9 * np.abs(fields).max())
    back = chart.generators_back(charted, given.features)
    scale = np.abs(given.vectors()).max()
    np.testing.assert_allclose(back.vectors() / scale, given.vectors() / scale, atol=1e-6)


def test_rows_of_coefficients_map_linearly():
    chart, given = _CHARTS["unlike"], sd.candidates.affine(3, time_scaling=True)
    charted = chart.generators(given)
    np.testing.assert_allclose(charted.vectors() @ chart.vector_map(given.features), given.vectors(), atol=1e-9)


def test_a_law_of_the_chart_has_the_rates_of_the_data(chart, features):
    y = _points()
    inside = np.random.default_rng(1).standard_normal((3, features.size(3)))
    outputs = np.array(chart.scale) / chart.time
    outside = chart.law(inside, features, outputs)
    rates = chart.features(features)(y) @ inside.T * outputs
    size = np.abs(features(chart.points_back(y))) @ np.abs(outside).T
    np.testing.assert_allclose(features(chart.points_back(y)) @ outside.T, rates, atol=1e-12 * size.max())
    again = chart.law_in(outside, features, outputs)
    lost = np.abs(outside) @ np.abs(chart.back(features)) / outputs[:, None]
    np.testing.assert_allclose(again, inside, atol=1e-12 * lost.max())


def test_polynomials_stay_what_they_are_and_others_keep_their_origin():
    chart = _CHARTS["unlike"]
    assert chart.features(_SPACES["polynomial"]) == _SPACES["polynomial"]
    assert chart.features(_SPACES["products"]) == _SPACES["products"]
    assert type(chart.features(_SPACES["odd"])).__name__ == "InUnits"
    assert _CHARTS["one scale"].features(_SPACES["central"]) == _SPACES["central"]
    assert chart.features(_SPACES["odd"]).names(("a", "b", "c")) == _SPACES["odd"].names(("a", "b", "c"))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=8, unique=True))
def test_monomials_map_to_themselves_exactly_when_all_their_divisors_are_there(exponents):
    features = Monomials(tuple(exponents))
    x = np.random.default_rng(0).standard_normal((30, 2))
    moved, here = features(x + [0.7, -1.3]), features(x)
    left = moved - here @ np.linalg.lstsq(here, moved, rcond=None)[0]
    assert has_all_divisors(np.array(exponents)) == bool(np.abs(left).max() < 1e-9)


def test_a_chart_has_positive_scales():
    with pytest.raises(ValueError, match="positive"):
        Chart((0.0,), (0.0,))
    with pytest.raises(ValueError, match="scale for each"):
        Chart((0.0,), (1.0, 1.0))
