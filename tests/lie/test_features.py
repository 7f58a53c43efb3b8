import pickle

import numpy as np
import pysindy as ps
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from symdyn.functions.features import CentralForce, Monomials, Polynomial, from_library

POINTS = np.random.default_rng(0).uniform(0.5, 1.5, (7, 6)) * np.array([1, -1, 1, 1, -1, 1])
STATES = ["x", "y", "z", "vx", "vy", "vz"]


def difference(features, points, step=1e-6):
    shifts = step * np.eye(points.shape[1])
    return np.stack([(features(points + s) - features(points - s)) / (2 * step) for s in shifts], axis=-1)


def fitted(library, n=6):
    return library.fit(np.ones((2, n)))


SPACES = {
    "polynomial": Polynomial(3),
    "polynomial without constant": Polynomial(2, constant=False),
    "polynomial of some columns": Polynomial(2, columns=(4, 1)),
    "monomials": Monomials(((0, 0, 0, 0, 0, 0), (2, 0, 1, 0, 0, 3))),
    "central force": CentralForce(range(6)),
    "central force in the plane": CentralForce((1, 3), columns=(2, 5)),
    "sum": CentralForce((3,)) + Polynomial(1, columns=(3, 4, 5)),
    "pysindy polynomial": from_library(fitted(ps.PolynomialLibrary(2))),
    "pysindy Fourier": from_library(fitted(ps.FourierLibrary(2))),
    "pysindy sum": from_library(fitted(ps.PolynomialLibrary(1) + ps.FourierLibrary(1))),
    "pysindy custom": from_library(fitted(ps.CustomLibrary([lambda x: np.exp(x), lambda x, y: x / y]))),
}


@pytest.mark.parametrize("features", SPACES.values(), ids=SPACES)
def test_jacobian_is_the_derivative(features):
    exact = features.jacobian(POINTS)
    assert exact.shape == (*features(POINTS).shape, 6)
    np.testing.assert_allclose(exact, difference(features, POINTS), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("features", SPACES.values(), ids=SPACES)
def test_names_and_families_are_one_a_feature(features):
    n_features = features(POINTS).shape[1]
    assert len(features.names(STATES)) == len(features.families(STATES)) == features.size(6) == n_features
    assert len(set(features.names(STATES))) == n_features


@pytest.mark.parametrize("function", [lambda x: np.abs(x), lambda x: np.sign(x) * x**2], ids=["abs", "sign"])
def test_jacobian_is_right_where_the_complex_step_is_silently_wrong(function):
    features = from_library(fitted(ps.CustomLibrary([function]), 6))
    np.testing.assert_allclose(features.jacobian(POINTS), difference(features, POINTS), rtol=1e-5, atol=1e-6)


def test_jacobian_is_right_where_complex_numbers_are_refused():
    features = from_library(fitted(ps.CustomLibrary([lambda x, y: np.hypot(x, y)]), 6))
    np.testing.assert_allclose(features.jacobian(POINTS), difference(features, POINTS), rtol=1e-5, atol=1e-6)


@settings(max_examples=20, deadline=None)
@given(n=st.integers(1, 4), degree=st.integers(0, 4))
def test_polynomials_are_those_of_pysindy(n, degree):
    points = np.random.default_rng(n).standard_normal((5, n))
    library = ps.PolynomialLibrary(degree).fit(points)
    names = [f"x{i}" for i in range(n)]
    assert Polynomial(degree).names(names) == library.get_feature_names(names)
    np.testing.assert_allclose(Polynomial(degree)(points), np.asarray(library.transform(points)), rtol=1e-13)


def test_families_of_a_rotated_polynomial_do_not_mix():
    turn = np.linalg.qr(np.random.default_rng(1).standard_normal((3, 3)))[0]
    points = np.random.default_rng(2).standard_normal((80, 3))
    features = Polynomial(3)
    mixed = np.linalg.lstsq(features(points), features(points @ turn.T), rcond=None)[0]
    labels = np.array(features.families(list("xyz")))
    assert np.abs(mixed[labels[:, None] != labels[None, :]]).max() < 1e-10


def test_central_force_is_isotropic_newton():
    values = CentralForce((3,))(POINTS)
    np.testing.assert_allclose(np.linalg.norm(values, axis=1), np.linalg.norm(POINTS[:, :3], axis=1) ** -2.0)


@pytest.mark.parametrize("features", [SPACES["sum"], SPACES["polynomial"]], ids=["sum", "polynomial"])
def test_library_of_features_is_the_same_functions(features):
    library = features.to_library()
    for copy in (clone(library), pickle.loads(pickle.dumps(library))):
        transformed = np.asarray(copy.fit(POINTS).transform(POINTS))
        np.testing.assert_array_equal(transformed, features(POINTS))
        assert copy.get_feature_names(STATES) == features.names(STATES)
        assert from_library(copy) == features


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="degree must be at least 0"):
        Polynomial(-1)
    with pytest.raises(ValueError, match="at least one power"):
        CentralForce(())
    with pytest.raises(ValueError, match=r"array \(sample, state\)"):
        Polynomial(2)(np.ones(3))
    with pytest.raises(ValueError, match="origin"):
        CentralForce((3,))(np.zeros((1, 3)))
    with pytest.raises(ValueError, match="columns"):
        CentralForce((3,))(np.ones((2, 2)))
    with pytest.raises(ValueError, match="not fitted"):
        from_library(ps.PolynomialLibrary(2))


@pytest.mark.parametrize("features", [Polynomial(4), SPACES["polynomial of some columns"], SPACES["sum"]])
def test_debiased_values_have_the_clean_values_for_their_mean(features):
    """Gauss-Hermite quadrature over the noise, exact for polynomials."""
    noise = np.array([0.3, 0.1, 0.0, 0.2, 0.4, 0.05])
    nodes, weights = np.polynomial.hermite_e.hermegauss(5)
    state = np.array([1.2, -0.7, 0.9, 0.4, -1.1, 0.3])
    grid = np.stack(np.meshgrid(*[nodes] * 6, indexing="ij"), axis=-1).reshape(-1, 6)
    mass = np.prod(np.stack(np.meshgrid(*[weights] * 6, indexing="ij"), axis=-1).reshape(-1, 6), axis=1)
    found = mass @ features.debiased(state + noise * grid, noise) / mass.sum()
    polynomial = [index for index, name in enumerate(features.names(STATES)) if "|q|" not in name]
    np.testing.assert_allclose(found[polynomial], features(state[None])[0][polynomial], rtol=1e-10)


def test_without_noise_nothing_is_debiased():
    for features in SPACES.values():
        np.testing.assert_array_equal(features.debiased(POINTS, np.zeros(6)), features(POINTS))
