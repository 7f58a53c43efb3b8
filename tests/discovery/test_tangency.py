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
    bounds = found.evidence_.span_bounds
    assert bounds[2] < found.evidence_.delta < bounds[3] and bounds[3] > 10 * bounds[2]


@pytest.mark.parametrize("count, noise", [(200, 0.0), (200, 0.01), (1000, 0.05)])
def test_the_tolerance_follows_the_errors_of_tangent_spaces(count, noise):
    points = sphere(count) + noise * np.random.default_rng(1).standard_normal((count, 3))
    coarse, fine = (
        sd.discover_manifold(p, candidates.affine(3), n_bootstrap=30).evidence_ for p in (points, sphere(2000))
    )
    assert coarse.rank == fine.rank == 3
    assert coarse.delta > 1.3 * fine.delta
    # A tolerance that is given is kept.
    assert sd.discover_manifold(points, candidates.so(3), delta=0.3, n_bootstrap=5).evidence_.delta == 0.3


def test_a_surface_without_symmetry_gets_none():
    u, v = np.random.default_rng(0).uniform(-1, 1, (2, 2000))
    bump = np.column_stack([u, v, np.sin(2 * u) * np.cos(1.7 * v) + 0.3 * u**3])
    found = sd.discover_manifold(bump, candidates.affine(3), n_bootstrap=30)
    assert found.algebra_.dim == 0 and set(found.verdicts_.verdict.values) == {"broken"}


def test_a_violation_of_twice_the_errors_is_told_from_a_symmetry():
    nearly = sphere(2000) * [1, 1, 1.05]  # a tenth would pass a fixed tolerance of 0.1 with all three rotations
    found = sd.discover_manifold(nearly, candidates.so(3))
    assert found.algebra_.dim == 1
    np.testing.assert_allclose(np.abs(found.algebra_.matrices[0][2]), 0, atol=0.05)


def test_all_candidates_may_be_symmetries():
    assert sd.discover_manifold(sphere(1000), candidates.so(3), n_bootstrap=30).algebra_.dim == 3


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
