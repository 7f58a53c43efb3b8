"""Symmetries of level sets and point clouds."""

import numpy as np
import pytest

import symdyn as sd
from symdyn import candidates


def sphere(count, n=3, seed=0):
    points = np.random.default_rng(seed).standard_normal((count, n))
    return points / np.linalg.norm(points, axis=1, keepdims=True)


def test_a_sphere_known_as_a_level_set_has_the_rotations():
    found = sd.discover_manifold(sphere(200), candidates.affine(3), level_set=lambda x: np.sum(x**2, axis=1) - 1)
    assert found.algebra_.name == "so(3)" and found.algebra_.exact.all()


@pytest.mark.parametrize("seed", range(3))
def test_a_sphere_known_by_its_points_has_the_rotations(seed):
    found = sd.discover_manifold(sphere(2000, seed=seed), candidates.affine(3))
    assert found.algebra_.name == "so(3)"
    assert found.evidence_.span_bounds[2] < 0.1 < 0.25 < found.evidence_.span_bounds[3]


def test_a_circle_in_space_is_the_set_of_two_equations():
    angle = np.linspace(0, 2 * np.pi, 100)[:-1]
    circle = np.column_stack([np.cos(angle), np.sin(angle), 0 * angle])
    equations = lambda x: np.column_stack([np.sum(x[:, :2] ** 2, axis=1) - 1, x[:, 2]])  # noqa: E731
    found = sd.discover_manifold(circle, candidates.so(3), level_set=equations)
    assert found.algebra_.dim == 1
    np.testing.assert_allclose(np.abs(found.algebra_.matrices[0]), [[0, 1, 0], [1, 0, 0], [0, 0, 0]], atol=1e-6)


def test_an_ellipsoid_is_no_sphere():
    points = sphere(2000) * [1, 1, 1.5]
    found = sd.discover_manifold(points, candidates.so(3))
    assert found.algebra_.dim == 1


def test_noise_on_a_sphere_is_part_of_the_bound():
    points = sphere(3000) + 0.01 * np.random.default_rng(1).standard_normal((3000, 3))
    clean = sd.discover_manifold(sphere(3000), candidates.so(3)).evidence_.span_bounds[-1]
    noisy = sd.discover_manifold(points, candidates.so(3)).evidence_.span_bounds[-1]
    assert noisy > clean


def test_bad_input_is_named():
    level = lambda x: np.sum(x**2, axis=1) - 1  # noqa: E731
    with pytest.raises(ValueError, match=r"points must have shape \(sample, 2\)"):
        sd.discover_manifold(sphere(100), candidates.so(2))
    with pytest.raises(ValueError, match="100 of 100 points lie off the level set"):
        sd.discover_manifold(1.1 * sphere(100), candidates.so(3), level_set=level)
    with pytest.raises(ValueError, match="too few for tangent spaces"):
        sd.discover_manifold(sphere(50), candidates.so(3))
    with pytest.raises(ValueError, match="dim must lie between 1 and 2"):
        sd.discover_manifold(sphere(500), candidates.so(3), dim=3)
    with pytest.raises(ValueError, match="all points are the same"):
        sd.discover_manifold(np.ones((200, 3)), candidates.so(3))
