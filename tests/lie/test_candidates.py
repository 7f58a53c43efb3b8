import numpy as np
import pytest

from symdyn.functions.features import CentralForce, Polynomial
from symdyn.lie import candidates
from symdyn.lie.algebras.algebra import LieAlgebra


def test_a_line_has_no_rotations():
    assert len(candidates.so(1)) == 0
    assert LieAlgebra(candidates.so(1)).name == "0"
    np.testing.assert_array_equal(candidates.se(1).vectors(), candidates.translations(1).vectors())
    np.testing.assert_array_equal(candidates.so(1, time_scaling=True).vectors(), [[0, 0, 1]])


def test_euclidean_algebra_is_translations_and_rotations():
    np.testing.assert_array_equal(candidates.se(3).vectors(), (candidates.translations(3) + candidates.so(3)).vectors())


def test_combination_of_candidates_is_linear_in_fields_and_in_time():
    generators = candidates.gl(2, time_scaling=True)
    weights = np.random.default_rng(0).standard_normal((3, 5))
    combined, points = generators.combine(weights), np.random.default_rng(1).standard_normal((4, 2))
    np.testing.assert_allclose(combined.values(points), generators.values(points) @ weights.T, atol=1e-14)
    np.testing.assert_array_equal(combined.time_scaling, weights[:, 4])


def test_coefficients_survive_the_way_to_vectors_and_back():
    generators = candidates.affine(2, time_scaling=True)
    back = generators.with_vectors(generators.vectors())
    np.testing.assert_array_equal(back.coefficients, generators.coefficients)
    np.testing.assert_array_equal(back.time_scaling, generators.time_scaling)


def test_bad_matrices_are_named():
    with pytest.raises(ValueError, match=r"matrices must have shape \(generator, n, n\), got \(2, 2\)"):
        candidates.from_matrices(np.eye(2))
    with pytest.raises(ValueError, match="states names 3 states, the candidates act on 4"):
        candidates.so(2, copies=2, states=["x", "y", "z"])
    with pytest.raises(ValueError, match="degree must be at least 0"):
        candidates.polynomial(2, -1)


def test_a_mask_keeps_the_generators_inside_it():
    mask = np.kron(np.eye(2), np.ones((2, 2)))
    assert len(candidates.gl(4, mask=mask)) == 8 and len(candidates.so(4, mask=mask)) == 2
    np.testing.assert_array_equal(candidates.gl(4, mask=np.eye(4)).vectors(), candidates.scalings(4).vectors())
    for bad, message in ((np.ones((2, 2)), "mask must have shape"), (np.zeros((4, 4)), "leaves no candidate")):
        with pytest.raises(ValueError, match=message):
            candidates.gl(4, mask=bad)


def test_time_as_a_state_moves_by_its_translation_and_with_every_rate():
    found = candidates.gl(1, time_scaling=True, time_translation=True, states=["x"])
    assert found.states == ("x", "t")
    assert found.texts() == ["x ∂x", "t ∂t", "∂t"]
    point = np.array([[2.0, 3.0]])
    np.testing.assert_array_equal(found.values(point)[0].T, [[2, 0], [0, 3], [0, 1]])
    cubic = candidates.polynomial(1, 2, time_translation=True, states=["x"])
    np.testing.assert_array_equal(cubic.values(point)[0].T, [[1, 0], [2, 0], [4, 0], [0, 1]])


def test_fields_of_ones_own_are_candidates():
    """The Moebius fields 1, x, x^2 on the line close to sl(2), on any features that hold them."""
    moebius = candidates.from_fields(Polynomial(2), np.eye(3)[:, None, :], states=["x"])
    assert moebius.texts() == ["∂x", "x ∂x", "x^2 ∂x"]
    assert LieAlgebra(moebius).name == "sl(2)"
    with pytest.raises(ValueError, match="coefficients must have shape"):
        candidates.from_fields(Polynomial(2), np.eye(3))


def test_generators_on_different_features_add():
    central = candidates.from_fields(CentralForce((3,), columns=(0, 1)), np.eye(2)[None])
    both = candidates.so(2) + central
    points = np.random.default_rng(0).normal(size=(5, 2))
    expected = np.concatenate([candidates.so(2).values(points), central.values(points)], axis=2)
    np.testing.assert_allclose(both.values(points), expected, rtol=1e-14)
