import numpy as np
import pysindy as ps
import pytest
from sklearn.exceptions import NotFittedError

from symdyn.functions.features import CentralForce, Fourier, Monomials, Polynomial, Sum, from_library

POINTS = np.random.default_rng(0).uniform(0.2, 1.5, (9, 2)) * np.array([1, -1])


def fitted(library, n=2):
    return library.fit(np.ones((2, n)))


def custom(function):
    return from_library(fitted(ps.CustomLibrary([function])))


@pytest.mark.parametrize(
    "library",
    [
        ps.PolynomialLibrary(3),
        ps.PolynomialLibrary(3, include_interaction=False),
        ps.PolynomialLibrary(3, interaction_only=True),
        ps.PolynomialLibrary(2, include_bias=False),
        ps.IdentityLibrary(),
        ps.FourierLibrary(2),
        ps.FourierLibrary(2, include_sin=False),
        ps.PolynomialLibrary(2) + ps.FourierLibrary(1),
        ps.PolynomialLibrary(1) * ps.FourierLibrary(1),
        ps.GeneralizedLibrary([ps.PolynomialLibrary(2), ps.FourierLibrary(1)], inputs_per_library=[[0], [1]]),
    ],
    ids=lambda library: type(library).__name__,
)
def test_library_keeps_its_values_names_and_gets_its_jacobian(library):
    features = from_library(fitted(library))
    np.testing.assert_allclose(features(POINTS), np.asarray(library.transform(POINTS)), rtol=1e-13)
    assert features.names(["a", "b"]) == library.get_feature_names(["a", "b"])
    shifts = 1e-5 * np.eye(2)
    difference = np.stack([(features(POINTS + s) - features(POINTS - s)) / 2e-5 for s in shifts], axis=-1)
    np.testing.assert_allclose(features.jacobian(POINTS), difference, rtol=1e-8, atol=1e-8)


def test_libraries_of_known_form_become_analytic():
    assert isinstance(from_library(fitted(ps.PolynomialLibrary(2))), Monomials)
    mixed = from_library(fitted(ps.PolynomialLibrary(2) + ps.FourierLibrary(1)))
    assert isinstance(mixed, Sum)
    assert [type(part) for part in mixed.parts] == [Monomials, Fourier]


def test_a_fourier_library_becomes_fourier_features_where_they_are_equal():
    assert from_library(fitted(ps.FourierLibrary(3))) == Fourier(3)
    assert not isinstance(from_library(fitted(ps.FourierLibrary(3, include_sin=False))), Fourier)


def test_jacobian_of_analytic_functions_is_exact_to_rounding():
    features = custom(lambda x: np.exp(x) * np.sin(3 * x))
    slope = np.exp(POINTS) * (np.sin(3 * POINTS) + 3 * np.cos(3 * POINTS))
    np.testing.assert_allclose(np.einsum("sii->si", features.jacobian(POINTS)), slope, rtol=1e-13)


def test_complex_step_is_not_trusted_where_it_is_wrong_at_few_points_only():
    """|x| + x^6: far out the wrong part is a millionth of the slope, near 0 it is all of it."""
    points = np.array([[-12.0], [-0.4], [0.3], [10.0]])
    features = from_library(fitted(ps.CustomLibrary([lambda x: np.abs(x) + x**6]), 1))
    slope = np.sign(points) + 6 * points**5
    np.testing.assert_allclose(features.jacobian(points)[:, 0], slope, rtol=1e-4, atol=1e-4)


def test_function_that_drops_the_imaginary_part_is_differentiated_without_a_warning():
    features = custom(lambda x: np.array(x, dtype=float) ** 2)
    np.testing.assert_allclose(np.einsum("sii->si", features.jacobian(POINTS)), 2 * POINTS, rtol=1e-8)


def test_a_general_library_is_one_family():
    for library in (ps.FourierLibrary(2, include_cos=False), ps.PolynomialLibrary(1) * ps.FourierLibrary(1)):
        assert set(from_library(fitted(library)).families(["a", "b"])) == {"library"}


def test_features_as_a_library_keep_leading_axes():
    """pysindy hands over `(..., time, state)`."""
    library = Polynomial(2).to_library()
    stacked = np.stack([POINTS, 2 * POINTS])
    axes = ps.AxesArray(stacked, {"ax_spatial": 0, "ax_time": 1, "ax_coord": 2})
    transformed = np.asarray(library.fit(axes).transform(axes))
    np.testing.assert_array_equal(transformed[1], Polynomial(2)(2 * POINTS))


def test_features_as_a_library_transform_lists_of_trajectories():
    library = CentralForce((3,), columns=(0, 1)).to_library()
    runs = [POINTS, POINTS[:4]]
    transformed = library.fit(runs).transform(runs)
    assert library.n_output_features_ == 2
    for run, values in zip(runs, transformed, strict=True):
        np.testing.assert_array_equal(np.asarray(values), CentralForce((3,), columns=(0, 1))(run))


def test_features_as_a_library_serve_sindy():
    times = np.linspace(0, 5, 200)
    states = np.column_stack([np.cos(times), np.sin(times)])
    model = ps.SINDy(ps.STLSQ(threshold=0.1), Polynomial(2).to_library()).fit(states, t=times[1])
    np.testing.assert_allclose(model.coefficients()[:, 1:3], [[0, -1], [1, 0]], atol=1e-3)


def test_unfitted_libraries_are_refused():
    with pytest.raises(ValueError, match=r"not fitted; call library\.fit"):
        from_library(ps.FourierLibrary())
    with pytest.raises(NotFittedError):
        Polynomial(2).to_library().transform(POINTS)
