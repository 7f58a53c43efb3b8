"""Symmetries of functions that can be called: counts and names that theory knows."""

import numpy as np
import pytest

import symdyn as sd
from symdyn import candidates
from symdyn.discovery.function import discover_function

RNG = np.random.default_rng(0)
MINKOWSKI = np.diag([-1.0, 1.0, 1.0, 1.0])


def inner(p, q):
    return np.einsum("si,ij,sj->s", p, MINKOWSKI, q)


def inertia(x):
    """Moment of inertia of a unit mass at x."""
    return np.sum(x**2, axis=1)[:, None, None] * np.eye(3) - x[:, :, None] * x[:, None, :]


def duffing(x):
    return np.column_stack([x[:, 1], x[:, 0] - x[:, 0] ** 3])


def points(n, count=300):
    return RNG.standard_normal((count, n))


def test_a_sphere_function_has_the_rotations():
    found = discover_function(lambda x: np.sum(x**2, axis=1), points(3), candidates.affine(3))
    assert found.algebra_.name == "so(3)" and found.algebra_.exact.all()
    assert list(found.verdicts_.verdict.values) == ["symmetric"] * 3 + ["broken"] * 9


def test_the_moment_of_inertia_has_five_generators_when_rows_and_columns_may_move_as_they_like():
    found = discover_function(inertia, points(3), candidates.gl(3), output=("linear", "linear"))
    assert found.algebra_.name == "so(3) + R^2" and found.algebra_.exact.all()


def test_the_moment_of_inertia_as_a_tensor_has_the_rotations_and_a_scaling():
    # x -> s x gives s^2 I, and a tensor of two vectors scales by s^2 as well
    found = discover_function(inertia, points(3), candidates.gl(3), output=("vector", "vector"))
    assert found.algebra_.name == "so(3) + R"


def test_the_minkowski_norm_has_the_lorentz_group():
    found = discover_function(lambda p: inner(p, p), points(4), candidates.gl(4))
    assert found.algebra_.name == "so(1,3)" and found.algebra_.exact.all()
    for matrix in found.algebra_.matrices:
        np.testing.assert_allclose(matrix.T @ MINKOWSKI + MINKOWSKI @ matrix, 0, atol=1e-12)


def test_a_ratio_of_minkowski_products_gains_the_scaling():
    def ratio(p):
        first, second = p[:, :4], p[:, 4:]
        return inner(first, second) / (inner(first, first) ** 2 + inner(second, second) ** 2) ** 0.5

    found = discover_function(ratio, points(8), candidates.gl(4, copies=2))
    assert found.algebra_.dim == 7 and found.algebra_.name == "so(1,3) + R"


def test_a_field_commutes_with_itself_and_that_is_trivial():
    found = discover_function(duffing, points(2), candidates.polynomial(2, 3), output="vector_field")
    assert found.algebra_.dim == 0 and found.trivial_.dim == 1
    np.testing.assert_allclose(found.trivial_.generators[0](points(2)[:5]).shape, (5, 2))
    ratio = found.trivial_.basis.values(points(2))[:, :, 0]
    assert "trivial (parallel to the flow)" in found.summary() and np.isfinite(ratio).all()


def test_isometries_of_the_hyperbolic_plane():
    metric = lambda x: np.eye(2) / x[:, 1, None, None] ** 2  # noqa: E731
    half_plane = RNG.uniform(0.5, 2, (300, 2))
    found = discover_function(metric, half_plane, candidates.polynomial(2, 2), output="metric")
    assert found.algebra_.name == "sl(2)" and found.algebra_.exact.all()


def test_a_density_is_kept_by_what_keeps_the_mass_in_place():
    gauss = lambda x: np.exp(-np.sum(x**2, axis=1) / 2)  # noqa: E731
    found = discover_function(gauss, points(2), candidates.affine(2), output="density")
    assert found.algebra_.name == "so(2)"
    uniform = lambda x: np.ones(len(x))  # noqa: E731
    assert discover_function(uniform, points(2), candidates.gl(2), output="density").algebra_.name == "sl(2)"


def test_a_given_representation_of_the_output_is_used():
    rotations = candidates.so(3)
    matrices = rotations.coefficients[:, :, 1:]
    cross = lambda x: np.cross(x[:, :3], x[:, 3:])  # noqa: E731
    found = discover_function(cross, points(6), candidates.so(3, copies=2), output=matrices)
    assert found.algebra_.name == "so(3)"
    assert discover_function(cross, points(6), candidates.so(3, copies=2), output=0 * matrices).algebra_.dim == 0


def test_an_exact_jacobian_is_taken_and_a_wrong_one_noticed():
    square = lambda x: np.sum(x**2, axis=1)  # noqa: E731
    right = discover_function(square, points(2), candidates.gl(2), jacobian=lambda x: 2 * x)
    assert right.algebra_.name == "so(2)"
    with pytest.raises(ValueError, match="jacobian disagrees with central differences"):
        discover_function(square, points(2), candidates.gl(2), jacobian=lambda x: 2.1 * x)
    with pytest.raises(ValueError, match="jacobian must return shape"):
        discover_function(square, points(2), candidates.gl(2), jacobian=lambda x: 2 * x[:, :1])


def test_no_symmetry_is_an_answer():
    found = discover_function(lambda x: np.sum(np.sin(3 * x) + x**3, axis=1), points(2), candidates.affine(2))
    assert found.algebra_.dim == 0 and set(found.verdicts_.verdict.values) == {"broken"}


def test_too_few_points_are_warned_of():
    with pytest.warns(UserWarning, match="3 values cannot decide about 9 candidates"):
        discover_function(lambda x: np.sum(x**2, axis=1), points(3, 3), candidates.gl(3))


def test_bad_input_is_named():
    square = lambda x: np.sum(x**2, axis=1)  # noqa: E731
    with pytest.raises(ValueError, match=r"points must have shape \(sample, 3\)"):
        discover_function(square, points(2), candidates.gl(3))
    with pytest.raises(ValueError, match="one value a point"):
        discover_function(lambda x: 1.0, points(2), candidates.gl(2))
    with pytest.raises(ValueError, match="not finite at 300 points"), np.errstate(all="ignore"):
        discover_function(lambda x: np.log(-np.abs(x[:, 0])), points(2), candidates.gl(2))
    with pytest.raises(ValueError, match="output must be one of"):
        discover_function(square, points(2), candidates.gl(2), output="spinor")
    with pytest.raises(ValueError, match="with 1 indices, they have 0"):
        discover_function(square, points(2), candidates.gl(2), output="vector")
    with pytest.raises(ValueError, match="has size 3, the state 2"):
        discover_function(lambda x: np.ones((len(x), 3)), points(2), candidates.gl(2), output="vector")
    with pytest.raises(ValueError, match="output matrices must have shape"):
        discover_function(duffing, points(2), candidates.gl(2), output=np.ones((4, 3, 3)))
    with pytest.raises(ValueError, match="needs affine candidates"):
        discover_function(duffing, points(2), candidates.polynomial(2, 2), output=("linear",))


def test_the_public_name_is_this_function():
    assert sd.discover_function is discover_function
