import numpy as np
import pytest

from symdyn.evidence.parallel import parallel_violation

RNG = np.random.default_rng(0)
POINTS = RNG.standard_normal((200, 3))
FLOW = RNG.standard_normal((200, 3))
ONE = np.ones((200, 3))


def test_any_function_times_the_flow_is_parallel_to_it():
    functions = np.stack([POINTS[:, 0], np.exp(POINTS[:, 1]), np.ones(200)], axis=-1)
    fields = FLOW[:, :, None] * functions[:, None, :]
    np.testing.assert_allclose(parallel_violation(fields, FLOW, ONE), 0, atol=1e-14)


def test_a_field_across_the_flow_is_not_parallel_at_all():
    across = np.cross(FLOW, POINTS)
    np.testing.assert_allclose(parallel_violation(across[:, :, None], FLOW, ONE), 1, rtol=1e-12)


@pytest.mark.parametrize("angle", [1e-6, 0.02, 0.1, 1.0])
def test_the_violation_is_the_sine_of_the_angle(angle):
    across = np.cross(FLOW, POINTS)
    across *= (np.linalg.norm(FLOW, axis=1) / np.linalg.norm(across, axis=1))[:, None]
    tilted = np.cos(angle) * FLOW + np.sin(angle) * across
    assert parallel_violation(tilted[:, :, None], FLOW, ONE)[0] == pytest.approx(np.sin(angle), rel=1e-8)


def test_rotations_are_six_degrees_from_a_weakly_damped_oscillator():
    points = POINTS[:, :2]
    rotation = np.column_stack([-points[:, 1], points[:, 0]])
    found = parallel_violation(rotation[:, :, None], rotation - 0.1 * points, np.ones((200, 2)))
    assert found[0] == pytest.approx(np.sin(np.arctan(0.1)), rel=1e-12)


def test_the_violation_has_no_units():
    fields, scales = RNG.standard_normal((200, 3, 2)), np.array([1.0, 1e3, 1e-3])
    plain = parallel_violation(fields, FLOW, ONE)
    scaled = parallel_violation(1e4 * fields * scales[:, None], 1e-4 * FLOW * scales, ONE * scales)
    np.testing.assert_allclose(scaled, plain, rtol=1e-12)
    assert np.all((plain > 0) & (plain < 1))


def test_points_at_rest_and_fields_that_vanish_make_no_trouble():
    still = np.where(np.arange(200)[:, None] < 10, 0.0, FLOW)
    found = parallel_violation(np.stack([0 * FLOW, still], axis=-1), still, ONE)
    np.testing.assert_allclose(found, 0, atol=1e-14)
