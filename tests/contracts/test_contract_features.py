"""What every space of functions keeps: a new one is tested by being listed in SPACES."""

import pickle
import re
from importlib import import_module
from pkgutil import iter_modules

import numpy as np
import pysindy as ps
import pytest
from sklearn.base import clone

import symdyn.functions
from symdyn.functions.columns import fill_features
from symdyn.functions.features import (
    CentralForce,
    Features,
    Fourier,
    Monomials,
    Polynomial,
    Radial,
    Waves,
    from_library,
)
from symdyn.functions.space import InUnits
from symdyn.functions.symbolic import field_sympy
from symdyn.lie.chart import Chart
from symdyn.lie.vectorfields import VectorField
from symdyn.sums.store import dataset_to_law, law_to_dataset

STATES = ("x", "y", "z", "vx", "vy", "vz")


def fitted(library):
    return from_library(library.fit(np.ones((2, 6))))


def decay(x):
    return np.exp(-x)


def ratio(x, y):
    return x / y


def named(*states):
    return " over ".join(states)


SPACES = {
    "polynomial": Polynomial(2),
    "polynomial without constant": Polynomial(2, constant=False),
    "polynomial of some columns": Polynomial(4, columns=(4, 1)),
    "monomials": Monomials(((0, 0, 0, 0, 0, 0), (2, 0, 1, 0, 0, 3))),
    "products without squares": Monomials(((0,) * 6, (1, 0, 0, 0, 0, 0), (0, 1, 0, 0, 0, 0), (1, 1, 0, 0, 0, 0))),
    "waves": Fourier(2),
    "plane waves": Waves(((0.7, -0.3, 0, 0, 0.2, 0), (0, 0, 1.2, 0.5, 0, -1))),
    "waves of degrees": Fourier(1, radians=(np.pi / 180, 1, 1, 1, 1, 1e-3)),
    "central force": CentralForce(range(6)),
    "central force in the plane": CentralForce((1, 3), columns=(2, 5)),
    "central force by numpy": CentralForce(np.arange(3), columns=np.array([0, 1, 2])),
    "radial": Radial((1, 2, -2), columns=(0, 2)),
    "sum": CentralForce((3,)) + Polynomial(1, columns=(3, 4, 5)) + Fourier(1),
    "in units": InUnits(Fourier(1), (0.1, 0, 0, 0, 0, 1), (2, 1, 1, 1, 1, 1)),
    "pysindy sum": fitted(ps.PolynomialLibrary(1) + ps.FourierLibrary(1)),
    "pysindy functions": fitted(ps.CustomLibrary([decay, ratio], [named, named])),
}
# Exceptions, by the name in the list: most spaces need none.
NOT_STORED = {"in units", "pysindy functions"}  # saving is refused
NO_FORMULAS = {"in units", "pysindy functions"}  # names leave units out, or are no formulas
# Values that keep the bias of noise, see `Features.debiased`.
NOISY = {"central force", "central force in the plane", "central force by numpy", "radial", "sum", "pysindy functions"}
OPAQUE = {"pysindy functions"}  # two libraries of pysindy are never equal

CHARTS = {
    "shift and scale": Chart((300.0, -2.0, 0.5, 20.0, 1.0, -3.0), (1e-3, 10.0, 2.0, 1.0, 0.1, 5.0), 60.0),
    "scale": Chart((0.0,) * 6, (1e-6, 3.0, 2.0, 1.0, 10.0, 0.2)),
    "one scale": Chart((0.0,) * 6, (3.0,) * 6, 1e-3),
    "identity": Chart.identity(6),
}
POINTS = np.random.default_rng(0).uniform(0.5, 1.5, (7, 6)) * np.array([1, -1, 1, 1, -1, 1])
CHARTED = np.random.default_rng(1).uniform(0.2, 1.5, (20, 6))


@pytest.fixture(params=SPACES)
def name(request):
    return request.param


@pytest.fixture
def features(name):
    return SPACES[name]


@pytest.fixture(params=CHARTS)
def chart(request):
    return CHARTS[request.param]


def kinds(features):
    """The classes of a space and of what it is made of."""
    inner = getattr(features, "parts", ()) or [getattr(features, "features", None)]
    return {type(features)}.union(*(kinds(part) for part in inner if part is not None))


def test_every_class_is_listed():
    for module in iter_modules(symdyn.functions.__path__):
        import_module(f"symdyn.functions.{module.name}")
    known, found = [Features], set()
    while known:
        known += (subclasses := known.pop().__subclasses__())
        found |= {kind for kind in subclasses if kind.__module__.startswith("symdyn.functions.")}
    assert found == set().union(*map(kinds, SPACES.values()))


def test_the_jacobian_is_the_derivative(features):
    step = 1e-6 * np.eye(6)
    difference = np.stack([(features(POINTS + h) - features(POINTS - h)) / 2e-6 for h in step], axis=-1)
    found = features.jacobian(POINTS)
    assert found.shape == (*features(POINTS).shape, 6)
    np.testing.assert_allclose(found, difference, rtol=1e-6, atol=1e-7)


def test_values_at_a_point_do_not_depend_on_the_points_beside_it(features):
    np.testing.assert_allclose(features(POINTS)[2:3], features(POINTS[2:3]), rtol=1e-14)
    np.testing.assert_allclose(features.jacobian(POINTS)[2:3], features.jacobian(POINTS[2:3]), rtol=1e-13, atol=1e-13)


def test_names_and_families_are_one_a_feature(features):
    n_features = features(POINTS).shape[1]
    assert len(features.names(STATES)) == len(features.families(STATES)) == features.size(6) == n_features
    assert len(set(features.names(STATES))) == n_features


def test_names_follow_the_names_of_the_states(features):
    others = {state: f"s{k}" for k, state in enumerate(STATES)}
    for labels in (features.names, features.families):
        renamed = [re.sub(r"[a-z]+", lambda word: others.get(word[0], word[0]), text) for text in labels(STATES)]
        assert renamed == labels(tuple(others.values()))


def test_points_are_an_array_over_samples_and_states(name, features):
    if name not in OPAQUE:
        with pytest.raises(ValueError, match="point"):
            features(POINTS[0])


def test_wider_and_narrower_spaces_contain_one_another(features):
    points = np.random.default_rng(2).uniform(0.5, 1.5, (300, 6))
    for small, large in ((features, features.wider()), (features.narrower(), features)):
        if small is not None and large is not None:
            assert small.size(6) < large.size(6)
            values, basis = small(points), large(points)
            left = values - basis @ np.linalg.lstsq(basis, values, rcond=None)[0]
            assert np.abs(left).max() < 1e-9 * np.abs(values).max()


def test_functions_of_a_chart_span_what_the_given_ones_span(features, chart):
    charted, back = chart.features(features), chart.back(features)
    points = chart.points_back(CHARTED)
    np.testing.assert_allclose(charted(CHARTED) @ back.T, features(points), rtol=1e-7, atol=1e-300)
    slopes = np.einsum("fg,sgi->sfi", back, charted.jacobian(CHARTED)) / chart.scale
    room = 1e-9 * np.abs(slopes).max(axis=(0, 2))[:, None]
    assert np.all(np.abs(slopes - features.jacobian(points)) <= 1e-7 * np.abs(slopes) + room)


def test_the_way_into_a_chart_and_back_leaves_all_as_it_was(features):
    for chart in CHARTS.values():
        forward, back = chart.forward(features), chart.back(features)
        size = np.abs(forward) @ np.abs(back)
        np.testing.assert_allclose(forward @ back, np.eye(len(back)), atol=1e-12 * size.max())
        assert chart.features(features).names(STATES) == features.names(STATES)
        assert chart.features(features).families(STATES) == features.families(STATES)


def test_noise_is_taken_out_alike_in_a_chart_and_in_the_units_of_the_data(features, chart):
    noise = np.array([0.01, 0.02, 0.0, 0.01, 0.03, 0.0])
    charted = chart.features(features).debiased(CHARTED, noise) @ chart.back(features).T
    given = features.debiased(chart.points_back(CHARTED), noise * chart.scale)
    np.testing.assert_allclose(charted, given, rtol=1e-7, atol=1e-12 * np.abs(given).max())


def test_debiased_values_have_the_clean_ones_for_their_mean_or_are_left_as_they_are(name, features):
    """By Gauss-Hermite quadrature over the noise of three states."""
    noise = np.array([0.3, 0.1, 0.0, 0.0, 0.1, 0.0])
    nodes, weights = np.polynomial.hermite_e.hermegauss(10)
    drawn = np.zeros((1000, 6))
    drawn[:, noise > 0] = np.stack(np.meshgrid(nodes, nodes, nodes, indexing="ij"), axis=-1).reshape(-1, 3)
    points = POINTS[0] + noise * drawn
    mean = np.kron(np.kron(weights, weights), weights) @ features.debiased(points, noise) / weights.sum() ** 3
    clean = np.isclose(mean, features(POINTS[:1])[0], rtol=1e-9, atol=1e-12)
    untouched = np.all(features.debiased(points, noise) == features(points), axis=0)
    assert np.all(clean | untouched) if name in NOISY else np.all(clean)


def test_without_noise_nothing_is_debiased(features):
    np.testing.assert_array_equal(features.debiased(POINTS, np.zeros(6)), features(POINTS))


def test_values_of_many_runs_at_once_are_those_of_each_point(features):
    rng = np.random.default_rng(3)
    states, noise = rng.uniform(0.5, 1.5, (6, 3, 5)), np.outer([0.0, 0.1, 0.2], np.linspace(0, 1, 6))
    out = np.full((features.size(6), 3, 5), np.nan)
    fill_features(features, states, noise, out)
    for run, level in enumerate(noise):
        np.testing.assert_allclose(out[:, run].T, features.debiased(states[:, run].T, level), rtol=1e-12, atol=1e-12)


def test_a_stored_law_is_the_same_function(name, features):
    law = VectorField(features, np.random.default_rng(4).standard_normal((3, features.size(6))), STATES)
    if name in NOT_STORED:
        with pytest.raises(ValueError, match=r"features of type \w+ have no form on disk"):
            law_to_dataset(law, ["ax", "ay", "az"])
        return
    stored = dataset_to_law(law_to_dataset(law, ["ax", "ay", "az"]))
    np.testing.assert_array_equal(stored(POINTS), law(POINTS))
    assert stored.states == STATES and stored.features == features


def test_as_a_library_of_pysindy_they_are_the_same_functions(name, features):
    library = features.to_library()
    for copy in (clone(library), pickle.loads(pickle.dumps(library))):
        np.testing.assert_array_equal(np.asarray(copy.fit(POINTS).transform(POINTS)), features(POINTS))
        assert copy.get_feature_names(list(STATES)) == features.names(STATES)
        assert name in OPAQUE or from_library(copy) == features


def test_their_names_are_formulas_with_their_values(name, features):
    sympy = pytest.importorskip("sympy")
    if name in NO_FORMULAS:
        return
    column, _ = field_sympy(np.eye(features.size(6)), features, STATES)
    function = sympy.lambdify(sympy.symbols(STATES), list(column))
    np.testing.assert_allclose(function(*POINTS[0]), features(POINTS[:1])[0], rtol=1e-12)
