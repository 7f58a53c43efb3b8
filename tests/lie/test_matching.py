"""A symmetry and data that both carry names."""

import numpy as np
import pytest

import symdyn as sd
from symdyn.lie.chart import Chart
from symdyn.lie.constraints.matching import matched, reordered

NAMES = ("x", "y", "z")
ORDER = [2, 0, 1]
RNG = np.random.default_rng(0)


def fields(features):
    coefficients = RNG.standard_normal((2, 3, features.size(3)))
    return sd.candidates.from_fields(features, coefficients, time_scaling=[0.5, 0.0], states=NAMES)


@pytest.mark.parametrize(
    "features", [sd.features.Polynomial(3), sd.features.Fourier(2), sd.features.CentralForce([1, 3])]
)
def test_reordered_generators_are_the_same_fields(features):
    given = fields(features)
    turned = reordered(given, ORDER)
    points = RNG.uniform(0.5, 2, (7, 3))
    assert turned.states == ("z", "x", "y")
    np.testing.assert_allclose(turned.values(points[:, ORDER]), given.values(points)[:, ORDER], atol=1e-12)
    np.testing.assert_array_equal(turned.time_scaling, given.time_scaling)


def test_error_bars_move_with_their_coefficients():
    basis = fields(sd.features.Polynomial(2))
    root = RNG.standard_normal((basis.vectors().size, 8))
    algebra = sd.LieAlgebra(basis, root @ root.T)
    turned = reordered(algebra, ORDER)
    moved = reordered(basis.with_vectors(root.T[0].reshape(basis.vectors().shape)), ORDER)
    direct = np.column_stack(
        [reordered(basis.with_vectors(r.reshape(basis.vectors().shape)), ORDER).vectors().ravel() for r in root.T]
    )
    np.testing.assert_allclose(turned.covariance, direct @ direct.T, atol=1e-12)
    assert moved.states == turned.states
    back = reordered(turned, np.argsort(ORDER))
    np.testing.assert_allclose(back.covariance, algebra.covariance)
    np.testing.assert_allclose(back.basis.vectors(), basis.vectors())


def test_what_is_known_of_a_chart_moves_along():
    chart = Chart((1e6, -3.0, 0.0), (2.0, 1e3, 1e-3), 5.0)
    inside = sd.LieAlgebra(sd.candidates.so(3, states=NAMES))
    algebra = sd.LieAlgebra.from_chart(inside, chart, sd.features.Polynomial(1))
    turned = reordered(algebra, ORDER)
    assert turned.chart == chart.subset(ORDER)
    np.testing.assert_array_equal(turned.inside.basis.vectors(), reordered(inside.basis, ORDER).vectors())
    with pytest.warns(UserWarning, match="matched by place, x as x0, y as x1, z as x2"):
        (renamed,) = matched([algebra], ("x0", "x1", "x2"))
    assert renamed.states == renamed.inside.states == ("x0", "x1", "x2") and renamed.chart == chart


def test_elements_and_conserved_quantities_move_with_their_states():
    element = sd.groups.element(RNG.standard_normal((3, 3)), [1.0, 2.0, 3.0], states=NAMES)
    points = RNG.uniform(0.5, 2, (7, 3))
    turned = reordered(element, ORDER)
    np.testing.assert_allclose(turned.images(points[:, ORDER]), element.images(points)[:, ORDER])
    polynomial = sd.features.Polynomial(2)
    kept = sd.conserved(polynomial, RNG.standard_normal((2, polynomial.size(3))), states=NAMES)
    np.testing.assert_allclose(reordered(kept, ORDER).quantities(points[:, ORDER]), kept.quantities(points))


def test_names_of_ones_own_are_matched_and_others_are_not():
    given = fields(sd.features.Polynomial(1))
    (by_name,) = matched([given], ("z", "x", "y"))
    np.testing.assert_array_equal(by_name.vectors(), reordered(given, ORDER).vectors())
    with pytest.warns(UserWarning, match="the data have no names"):
        (by_place,) = matched([given], ("x0", "x1", "x2"))
    np.testing.assert_array_equal(by_place.vectors(), given.vectors())
    assert by_place.states == ("x0", "x1", "x2")
    default = [sd.candidates.se(3), sd.groups.cyclic(3), sd.LieAlgebra(sd.candidates.so(3))]
    for part, found in zip(default, matched(default, ("z", "x", "y")), strict=True):
        assert found.states == ("z", "x", "y") and type(found) is type(part)
    with pytest.raises(ValueError, match="on the states x, y, z, the data hold a, b, c: rename one"):
        matched([given], ("a", "b", "c"))


def test_a_symmetry_of_positions_is_matched_to_positions():
    turn = sd.LieAlgebra(sd.candidates.so(2, states=("x", "y")))
    (found,) = matched([turn], ("y", "x", "vy", "vx"))
    np.testing.assert_allclose(found.matrices, -turn.matrices)
    (found,) = matched([turn.prolong()], ("y", "x", "ydot", "xdot"))
    np.testing.assert_allclose(found.matrices, -turn.prolong().matrices)
    assert found.states == ("y", "x", "ydot", "xdot")
    with pytest.raises(ValueError, match="rename one"):
        matched([turn], ("y", "z", "vy", "vz"))


def test_generators_of_fields_are_no_symmetry_of_trajectories():
    point = sd.candidates.from_matrices(np.zeros((1, 3, 3)), np.eye(3)[:1], states=("t", "x", "u"))
    with pytest.raises(ValueError, match="these generators move t, x, u, the coordinates and fields of an equation"):
        matched([sd.LieAlgebra(point)], ("x", "y", "z"))


def test_functions_of_some_states_only_do_not_change_places():
    given = sd.candidates.from_fields(sd.features.Polynomial(1, columns=(0, 1)), np.ones((1, 3, 3)), states=NAMES)
    with pytest.raises(ValueError, match="do not change places with the states"):
        reordered(given, ORDER)
