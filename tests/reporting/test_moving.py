"""Solutions moved along generators lie where formulas put them."""

from dataclasses import replace

import numpy as np
import pytest

import symdyn as sd
from symdyn.data.trajectories import Trajectory, each_trajectory
from symdyn.lie.vectorfields import Generators
from symdyn.reporting.moving import Motion, Mover, carried, move_profile, move_trajectory
from symdyn.reporting.slider import drawings


def test_points_are_carried_along_exact_flows():
    rotation = sd.LieAlgebra(sd.candidates.so(2, states=("x", "y"))).generators[0]
    points = np.array([[1.0, 0.0], [0.5, -2.0]])
    amounts = np.linspace(-np.pi, np.pi, 21)
    found = carried(rotation, points, amounts)
    z = points[:, 0] + 1j * points[:, 1]
    exact = np.exp(-1j * amounts)[:, None] * z
    np.testing.assert_allclose(found, np.stack([exact.real, exact.imag], -1), atol=1e-6)


def test_a_motion_that_ends_leaves_gaps():
    square = sd.VectorField(sd.features.Polynomial(2), np.array([[0.0, 0, 1]]), ("x",))  # x' = x^2
    found = carried(square, np.array([[1.0]]), np.array([-1.0, 0.0, 0.5, 400.0]))
    np.testing.assert_allclose(found[:3, 0, 0], [0.5, 1.0, 2.0], rtol=1e-3)
    assert np.isnan(found[3]).all()


def test_the_law_confirms_moved_orbits_in_their_own_time():
    """Kepler orbits, turned and rescaled with t -> s^1.5 t, are what the law makes of their moved start."""
    run = next(each_trajectory(sd.systems.kepler(1, rng=1)))
    features = sd.features.CentralForce((3,))
    law = sd.VectorField(features, -np.eye(3, features.size(6)), tuple("x y z vx vy vz".split()))
    scaling = replace(sd.candidates.from_matrices([np.eye(3)], states=("x", "y", "z")), time_scaling=np.array([1.5]))
    algebra = sd.LieAlgebra(sd.candidates.so(3, states=("x", "y", "z")) + scaling)
    mover = move_trajectory(algebra, law, run, kind="second_order", units=["au"] * 3)
    assert mover.motions[0].amounts[0] == pytest.approx(-np.pi) and mover.motions[0].axes[0].endswith("(au)")
    for motion in mover.motions:
        np.testing.assert_allclose(motion.curves, motion.solutions, atol=2e-3 * np.abs(motion.curves).max())


def test_a_law_that_is_not_symmetric_parts_from_the_moved_curve():
    run = Trajectory("a", *(np.linspace(0, 6, 200), None))
    run = run._replace(states=np.column_stack([np.cos(run.times), -2 * np.sin(run.times)]))
    law = sd.VectorField(sd.features.Polynomial(1), np.array([[0.0, 0, 0.5], [0, -2, 0]]), ("x", "y"))
    mover = move_trajectory(sd.LieAlgebra(sd.candidates.so(2, states=("x", "y"))), law, run, kind="flow")
    motion = mover.motions[0]
    apart = np.abs(motion.curves - motion.solutions).max(axis=(1, 2))
    assert apart[10] < 1e-3 and apart[5] > 0.5


def test_nothing_is_moved_where_no_generator_moves_the_states():
    run = Trajectory("a", np.linspace(0, 1, 50), np.ones((50, 2)))
    law = sd.VectorField(sd.features.Polynomial(1), np.zeros((2, 3)), ("x", "y"))
    assert move_trajectory(sd.LieAlgebra(sd.candidates.so(2, states=("u", "v"))), law, run, kind="flow") is None


def test_a_profile_is_shifted_and_boosted():
    """u(t, x) = sin(x − t): ∂x shifts it, ∂u lifts it."""
    data = sd.systems.heat(n_trajectories=1, n_points=128, n_times=40)
    t, x = data.time.values[:, None], data.x.values
    period = 16.0
    data["u"] = (("trajectory", "time", "x"), np.sin(2 * np.pi / period * (x - t))[None])
    space = sd.features.Polynomial(1)
    fields = sd.VectorField(space, np.zeros((3, 4)), ("t", "x", "u"))
    coefficients = np.stack([_unit(fields.coefficients.shape, row) for row in (1, 2)])
    algebra = sd.LieAlgebra(Generators(space, coefficients, np.zeros(2), fields.states))
    shift, lift = move_profile(data, algebra).motions
    middle = float(data.time[20])
    for motion, moved in (
        (shift, lambda x, a: np.sin(2 * np.pi / period * (x - a - middle))),
        (lift, lambda x, a: np.sin(2 * np.pi / period * (x - middle)) + a),
    ):
        for amount, curve in zip(motion.amounts, motion.curves, strict=True):
            np.testing.assert_allclose(curve[:, 1], moved(curve[:, 0], amount), atol=2e-3)


def _unit(shape, row):
    matrix = np.zeros(shape)
    matrix[row, 0] = 1.0
    return matrix


def test_a_drawing_keeps_lengths_of_one_unit_and_leaves_gaps():
    curve = np.array([[0.0, 0.0], [1.0, 0.0], [np.nan, 1.0], [1.0, 2.0]])
    motion = Motion("∂x", np.linspace(-1, 1, 21), np.tile(curve, (21, 1, 1)), None, ("x", "y"), equal=True)
    (drawing,) = drawings(Mover("", "", (motion,)))
    places = [tuple(map(float, point.split())) for point in drawing.start.replace("M", "L").split("L")[1:]]
    assert drawing.start.count("M") == 2 and len(places) == 3
    across, up = places[1][0] - places[0][0], places[1][1] - places[2][1]
    assert up == pytest.approx(2 * across, rel=0.01)


def test_the_slider_moves_points_as_the_algebra_does():
    algebra = sd.LieAlgebra.from_matrices([[[0.3, 1.0], [-2.0, 0.1]]])
    points = np.array([[1.0, 0.5], [-0.2, 2.0]])
    (found,) = carried(algebra.generators[0], points, np.array([0.4]))
    np.testing.assert_allclose(found, algebra.move(points, 0.4), rtol=1e-5)
