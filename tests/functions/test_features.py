import numpy as np
import pysindy as ps
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symdyn.functions.features import CentralForce, Polynomial, from_library

POINTS = np.random.default_rng(0).uniform(0.5, 1.5, (7, 6)) * np.array([1, -1, 1, 1, -1, 1])


def difference(features, points, step=1e-6):
    shifts = step * np.eye(points.shape[1])
    return np.stack([(features(points + s) - features(points - s)) / (2 * step) for s in shifts], axis=-1)


def fitted(library, n=6):
    return library.fit(np.ones((2, n)))


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
