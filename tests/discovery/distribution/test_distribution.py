"""Symmetries of distributions: what is kept is found, what is broken is refused, and units do not matter."""

import dask.array as da
import numpy as np
import pytest
import xarray as xr

import symdyn as sd

SO2 = sd.candidates.so(2)


def of_elements(found):
    """The verdicts on elements."""
    assert found.element_verdicts_ is not None
    return found.element_verdicts_


def turned(angle):
    """The rotation by an angle, as an element."""
    return sd.groups.element([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def ring(n, seed, *, arc=1.0, folds=0, clump=0.2):
    """Points on a ring of radius 1: all round, on a part of it, or in clumps."""
    rng = np.random.default_rng(seed)
    angles = 2 * np.pi * arc * rng.uniform(size=n)
    if folds:
        angles = 2 * np.pi / folds * rng.integers(folds, size=n) + clump * rng.standard_normal(n)
    radii = 1 + 0.1 * rng.standard_normal(n)
    return radii[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)


def embedded(points, n_states, seed):
    """The same points beside normal numbers."""
    others = np.random.default_rng(seed).standard_normal((len(points), n_states - 2))
    return np.concatenate([points, others], axis=1)


def plane_rotation(n_states):
    """The rotation of the first two states."""
    matrix = np.zeros((n_states, n_states))
    matrix[0, 1], matrix[1, 0] = 1, -1
    return sd.LieAlgebra.from_matrices([matrix])


def test_a_full_ring_is_kept_by_rotations_and_nothing_else():
    found = sd.discover_distribution(ring(20_000, 1), "gl")
    assert found.algebra_.name == "so(2)"
    assert list(found.verdicts_.verdict.values) == ["symmetric", "broken", "broken", "broken"]


@pytest.mark.parametrize("n_states", [2, 4])
@pytest.mark.parametrize("how", [{"arc": 0.95}, {"arc": 0.3}, {"folds": 7}, {"folds": 12, "clump": 0.1}])
def test_a_ring_with_a_gap_or_in_clumps_is_not_kept(n_states, how):
    points = embedded(ring(20_000, 2, **how), n_states, 3)
    assert sd.discover_distribution(points, plane_rotation(n_states)).verdicts_.verdict.item() == "broken"


def test_a_sheared_ring_with_one_weak_harmonic_is_not_kept():
    rng, shear = np.random.default_rng(4), np.array([[1.0, 0.999], [0.0, 0.01]])
    angles = rng.uniform(0, 2 * np.pi, 40_000)
    angles = angles[rng.uniform(size=len(angles)) < (1 + np.sin(angles)) / 2]
    points = (1 + 0.1 * rng.standard_normal(len(angles)))[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    generator = shear.T @ np.array([[0.0, 1.0], [-1.0, 0.0]]) @ np.linalg.inv(shear.T)
    found = sd.discover_distribution(points @ shear, sd.LieAlgebra.from_matrices([generator]))
    assert found.verdicts_.verdict.item() == "broken"


def test_clumps_are_kept_by_their_own_turns_alone():
    points = ring(20_000, 5, folds=7)
    elements = [turned(2 * np.pi / 7), turned(4 * np.pi / 7), turned(2 * np.pi / 5), turned(np.pi / 7)]
    found = sd.discover_distribution(points, [SO2, *elements])
    assert found.verdicts_.verdict.item() == "broken"
    assert list(of_elements(found).verdict.values) == ["symmetric", "symmetric", "broken", "broken"]


def test_few_samples_decide_nothing_about_a_symmetry():
    found = sd.discover_distribution(ring(600, 6), SO2)
    assert found.verdicts_.verdict.item() == "undetermined"
    assert "more samples would decide" in found.summary()


def test_each_class_is_asked_by_itself():
    left, right = ring(8000, 7), ring(8000, 8, arc=0.4)
    labels = np.repeat(["whole", "part"], 8000)
    shuffled = np.random.default_rng(0).permutation(16_000)
    points = np.concatenate([left, right])[shuffled]
    assert sd.discover_distribution(points, SO2, labels=labels[shuffled]).verdicts_.verdict.item() == "broken"
    # Two halves of a ring, a class each, make a whole ring: only the labels tell them apart.
    whole = ring(20_000, 9)
    assert sd.discover_distribution(whole, SO2).verdicts_.verdict.item() == "symmetric"
    halves = np.where(whole[:, 0] > 0, "right", "left")
    assert sd.discover_distribution(whole, SO2, labels=halves).verdicts_.verdict.item() == "broken"


def test_units_origin_and_order_of_states_do_not_matter():
    points = embedded(ring(6000, 10, arc=0.9), 3, 11)
    generators, scale, shift = sd.candidates.affine(3), np.array([1e-3, 1e-3, 1e4]), np.array([5.0, -2.0, 1e6])
    first = sd.discover_distribution(points, "affine")
    # All affine fields are the same space in any units; the order is that of evidence.
    again = sd.discover_distribution(points * scale + shift, generators)
    np.testing.assert_allclose(again.verdicts_.violation, first.verdicts_.violation, rtol=1e-5)
    np.testing.assert_array_equal(again.verdicts_.verdict, first.verdicts_.verdict)
    other = sd.discover_distribution(points[:, [2, 0, 1]], "affine")
    np.testing.assert_allclose(other.verdicts_.violation, first.verdicts_.violation, rtol=1e-5)


def test_chunks_do_not_matter():
    points = embedded(ring(5000, 12), 3, 13)
    asked = ["so", sd.groups.sign_flip([1, 1, -1])]
    first = sd.discover_distribution(points, asked)
    for chunks in ((5000, 3), (701, 2)):
        again = sd.discover_distribution(da.from_array(points, chunks=chunks), asked)
        np.testing.assert_allclose(again.verdicts_.upper_bound, first.verdicts_.upper_bound, rtol=1e-8)
        np.testing.assert_allclose(of_elements(again).upper_bound, of_elements(first).upper_bound, rtol=1e-8)


def test_a_weight_counts_as_so_many_samples():
    points = ring(4000, 14)
    weights = np.random.default_rng(15).integers(0, 3, 4000)
    owner = np.repeat(np.arange(4000), weights) % 400
    repeated = sd.discover_distribution(np.repeat(points, weights, axis=0), SO2, trajectory=owner)
    weighted = sd.discover_distribution(points, SO2, weights=weights, trajectory=np.arange(4000) % 400)
    np.testing.assert_allclose(weighted.verdicts_.violation, repeated.verdicts_.violation, atol=0.05)


def test_given_tests_are_functions_of_the_points_as_given():
    points = 100 + 5 * ring(20_000, 16)
    about = sd.groups.element([[0, -1], [1, 0]], [200, 0])
    tests = sd.features.Polynomial(3, constant=False)
    found = sd.discover_distribution(points, about, tests=tests)
    assert of_elements(found).verdict.item() == "symmetric"
    shifted = sd.discover_distribution(points, sd.candidates.translations(2), tests=tests)
    assert list(shifted.verdicts_.verdict.values) == ["broken", "broken"]


def test_samples_of_one_trajectory_are_no_independent_samples():
    rng, runs = np.random.default_rng(20), np.repeat(np.arange(24), 100)  # each run stays near where it starts
    angles = rng.uniform(0, 2 * np.pi, 24)[runs] + 0.1 * rng.standard_normal(2400)
    points = (1 + 0.1 * rng.standard_normal(2400))[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    by_runs = sd.discover_distribution(points, SO2, trajectory=runs)
    unsaid = sd.discover_distribution(points, SO2)
    assert any("successive samples are correlated" in note for note in unsaid.notes_)
    shuffled = sd.discover_distribution(rng.permutation(points), SO2)
    assert by_runs.verdicts_.verdict.item() == "undetermined"
    assert [found.verdicts_.p_value.item() < 1e-6 for found in (by_runs, unsaid, shuffled)] == [False, False, True]


def pairs_of_orbits(n_runs, seed):
    runs, step = sd.systems.two_body(n_trajectories=n_runs, noise=0.05, rng=seed)
    values = np.stack(runs)[:, :, :4]
    variables = {name: (("trajectory", "time"), values[:, :, k]) for k, name in enumerate(("x", "y", "vx", "vy"))}
    return xr.Dataset(variables, {"time": step * np.arange(values.shape[1])})


def test_pairs_of_steps_of_orbits_are_kept_by_the_joint_rotation():
    data = pairs_of_orbits(400, 17)
    found = sd.discover_distribution(data, sd.candidates.gl(2, copies=4), steps=1)
    turn = np.kron(np.eye(4), [[0, 1], [-1, 0]]).ravel()
    generator = found.algebra_.basis.coefficients[0, :, 1:].ravel()
    assert found.algebra_.dim == 1
    assert abs(generator @ turn) / np.linalg.norm(generator) / np.linalg.norm(turn) > np.cos(np.radians(1))
    chunked = sd.discover_distribution(data.chunk(trajectory=77), sd.candidates.gl(2, copies=4), steps=1)
    np.testing.assert_allclose(chunked.verdicts_.upper_bound, found.verdicts_.upper_bound, rtol=1e-6)


def test_what_is_parallel_to_the_flow_is_set_apart():
    rng = np.random.default_rng(18)
    points = rng.standard_normal((20_000, 2))  # a stationary density of x' = y, y' = −x
    law = sd.VectorField(sd.features.Polynomial(1), np.array([[0.0, 0, 1], [0, -1, 0]]), ("x0", "x1"))
    found = sd.discover_distribution(points, SO2, law=law)
    assert (found.algebra_.dim, found.trivial_.dim) == (0, 1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"points": ring(200, 0)[:40]}, "too few for"),
        ({"points": np.ones((500, 2))}, "x0, x1 does not vary"),
        ({"points": ring(500, 0) @ [[1.0, 2.0], [0.0, 0.0]]}, "x0 − 0.5 x1 = 0.*discover_manifold"),
        ({"points": np.where(np.arange(500)[:, None] == 3, np.nan, ring(500, 0))}, "not finite at 1 of 500"),
        ({"labels": np.zeros(3)}, r"labels must have shape \(500,\)"),
        ({"labels": np.arange(500.0)}, "too many for classes"),
        ({"labels": np.where(np.arange(500) < 30, "few", "many")}, "class 'few' has 30 samples"),
        ({"weights": np.full(500, -1.0)}, "not negative"),
        ({"trajectory": np.zeros(500)}, "1 trajectories are too few"),
        ({"steps": 1}, "steps are for trajectories"),
        ({"candidates": sd.candidates.so(3)}, r"\(sample, 3\)"),
        ({"candidates": sd.groups.sign_flip([1, -1], reverses_time=True)}, "knows no time"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_a_line(change, message):
    arguments = {"points": ring(500, 0), "candidates": SO2, **change}
    with pytest.raises(ValueError, match=message):
        sd.discover_distribution(**arguments)


def test_points_on_a_circle_have_no_density():
    angles = np.linspace(0, 6, 500)
    with pytest.raises(ValueError, match="discover_manifold"):
        sd.discover_distribution(np.stack([np.cos(angles), np.sin(angles)], axis=1), SO2)
