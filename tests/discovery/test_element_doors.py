"""Finite elements of functions and of sets: what is found, what is undetermined and why."""

import dask.array as da
import numpy as np
import pytest

import symdyn as sd
from symdyn import candidates, groups

FLIPS = groups.sign_flips(2)


def points(count=300, n=2, seed=0):
    return np.random.default_rng(seed).standard_normal((count, n))


def even(x):
    return x[:, 0] ** 2 + x[:, 1] ** 4


def duffing(x):
    return np.stack([x[:, 1], x[:, 0] - x[:, 0] ** 3], axis=1)


def verdicts(found):
    table = found.element_verdicts_
    return dict(zip(table.element.values, table.verdict.values, strict=True))


def test_elements_alone_are_a_full_result():
    found = sd.discover_function(even, points(), FLIPS)
    assert found.elements_.texts() == ["x0 -> -x0", "x1 -> -x1", "x0 -> -x0, x1 -> -x1"]
    assert len(found.generators_) == found.algebra_.dim == 0 and found.verdicts_.sizes["generator"] == 0
    assert "symmetric" in found.summary() and "algebra" not in found.summary()


@pytest.mark.parametrize(
    "given",
    [
        candidates.gl(2) + FLIPS + groups.permutations(2),
        [FLIPS, candidates.gl(2), groups.permutations(2)],
        "gl+sign_flips+permutations",
    ],
)
def test_sums_lists_and_words_ask_the_same(given):
    found = sd.discover_function(even, points(), given)
    assert verdicts(found) == {
        "x0 -> -x0": "symmetric",
        "x1 -> -x1": "symmetric",
        "x0 -> -x0, x1 -> -x1": "symmetric",
        "swap x0, x1": "broken",
    }
    assert len(found.generators_) == 4 and "algebra" in found.summary()


def test_elements_by_name_are_put_in_the_order_of_the_generators():
    first = groups.sign_flip([-1, 1], states="yx")
    found = sd.discover_function(lambda x: x[:, 0] + x[:, 1] ** 2, points(), candidates.gl(2, states="xy") + first)
    assert verdicts(found) == {"y -> -y": "symmetric"}


def test_values_move_as_the_output_says():
    assert verdicts(sd.discover_function(duffing, points(), FLIPS, output="vector_field")) == {
        "x0 -> -x0": "broken",
        "x1 -> -x1": "broken",
        "x0 -> -x0, x1 -> -x1": "symmetric",
    }
    back = groups.sign_flip([1, -1], reverses_time=True)
    assert len(sd.discover_function(duffing, points(), back, output="vector_field").elements_) == 1
    metric = lambda x: np.exp(x[:, :1, None]) * np.diag([1.0, 4.0])  # noqa: E731
    assert sd.discover_function(metric, points(), FLIPS, output="metric").elements_.texts() == ["x1 -> -x1"]
    turn = groups.elements([np.array([[0.0, -1.0], [1.0, 0.0]])])
    waves = lambda x: np.stack([x[:, 0] ** 2, x[:, 1] ** 2], axis=1)  # noqa: E731
    swaps = np.array([[[0.0, 1.0], [1.0, 0.0]]])
    assert len(sd.discover_function(waves, points(), turn, output=swaps).elements_) == 1


def test_outputs_that_mean_nothing_for_elements_are_named():
    with pytest.raises(ValueError, match="an unknown matrix can be found for generators only"):
        sd.discover_function(duffing, points(), FLIPS, output=("linear",))
    with pytest.raises(ValueError, match="one for each candidate"):
        sd.discover_function(duffing, points(), FLIPS, output=np.ones((3, 2, 2)))
    with pytest.raises(ValueError, match="time reversal changes the rates"):
        sd.discover_function(even, points(), groups.sign_flip([1, -1], reverses_time=True))
    with pytest.raises(ValueError, match="different numbers of states"):
        sd.discover_function(even, points(), [candidates.gl(2), groups.sign_flips(3)])
    with pytest.raises(TypeError, match="candidates are words"):
        sd.discover_function(even, points(), 3)


def test_what_is_undetermined_says_what_would_decide_it():
    tripled = groups.element(np.diag([-3.0, 1.0]))
    found = sd.discover_function(lambda x: np.log(x[:, 0] + 4), points(), tripled)
    assert verdicts(found) == {"x0 -> -3 x0": "undetermined"}
    assert "give points whose images lie in the domain of f" in found.summary()
    flat = points() * [1.0, 0.0]
    with pytest.warns(UserWarning, match="curve or surface"):
        found = sd.discover_function(even, flat, candidates.gl(2) + FLIPS)
    assert verdicts(found)["x1 -> -x1"] == "undetermined"
    assert "give points that it moves" in found.summary() and "moves nothing at any of the points" in found.summary()


def test_rounding_breaks_nothing():
    """A reflection about a centre a billion spreads away from the origin, where x has seven digits after the point."""
    centre, x = 1e9, points(400, 1)
    about = groups.element([[-1.0]], [2 * centre])
    found = sd.discover_function(lambda x: (x[:, 0] - centre) ** 2, x + centre, about, delta=1e-9)
    assert "broken" not in verdicts(found).values()
    tilted = sd.discover_function(lambda x: (x[:, 0] - centre) ** 2 + x[:, 0] - centre, x + centre, about, delta=1e-9)
    assert set(verdicts(tilted).values()) == {"broken"}


def test_elements_of_many_points_do_not_depend_on_chunks_in_kind():
    x = points(5000)
    whole = sd.discover_function(even, x, FLIPS + groups.permutations(2))
    chunked = sd.discover_function(even, da.from_array(x, chunks=700), FLIPS + groups.permutations(2))
    assert verdicts(whole) == verdicts(chunked)


@pytest.mark.parametrize("damping", [0.1, 0.05, 1e-3])
def test_a_rotation_beside_the_flow_is_not_trivial_and_the_flow_is(damping):
    field = lambda x: np.stack([x[:, 1] - damping * x[:, 0], -x[:, 0] - damping * x[:, 1]], axis=1)  # noqa: E731
    found = sd.discover_function(field, points(), candidates.so(2), output="vector_field")
    assert (found.algebra_.dim, found.trivial_.dim) == (1, 0)
    itself = candidates.from_matrices(np.array([[[-damping, 1.0], [-1.0, -damping]]]))
    found = sd.discover_function(field, points(), itself, output="vector_field")
    assert (found.algebra_.dim, found.trivial_.dim) == (0, 1)


def test_trajectories_of_a_weakly_damped_oscillator_keep_the_rotation_apart():
    times, runs = np.linspace(0, 12, 240), []
    for size, phase in zip(np.linspace(0.5, 2, 8), range(8), strict=True):
        decay = size * np.exp(-0.1 * times)
        runs.append(np.column_stack([decay * np.cos(times + phase), -decay * np.sin(times + phase)]))
    found = sd.SymmetryDiscovery(candidates.so(2), "polynomial:1", n_bootstrap=30).fit((runs, times[1]))
    assert (found.algebra_.dim, found.trivial_.dim) == (1, 0)


def sphere(count, seed=0):
    found = np.random.default_rng(seed).standard_normal((count, 3))
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def round_or_not(squash):
    return lambda x: np.sum((x / [1, 1, squash]) ** 2, axis=1) - 1


def test_elements_of_a_level_set():
    flips, cycles = groups.sign_flips(3), groups.permutations(3)
    found = sd.discover_manifold(sphere(200), candidates.so(3) + flips, level_set=round_or_not(1.0))
    assert found.algebra_.name == "so(3)" and len(found.elements_) == 7
    found = sd.discover_manifold(sphere(200) * [1, 1, 1.5], flips + cycles, level_set=round_or_not(1.5))
    assert set(found.elements_.texts()) == {*flips.searched().texts(), "swap x0, x1"}
    assert list(verdicts(found).values()).count("broken") == 3
    with pytest.raises(ValueError, match="a set knows no time"):
        sd.discover_manifold(sphere(200), groups.sign_flip([1, 1, -1], reverses_time=True), level_set=round_or_not(1))


def test_near_the_identity_an_element_of_a_set_is_judged_as_its_generator():
    turn = np.array([[1.0, 0, -1e-5], [0, 1, 0], [1e-5, 0, 1]])
    generator = candidates.from_matrices(np.array([[[0.0, 0, -1], [0, 0, 0], [1, 0, 0]]]))
    x, level_set = sphere(300) * [1, 1, 1.5], round_or_not(1.5)
    of_element = sd.discover_manifold(x, groups.element(turn), level_set=level_set).element_verdicts_.violation.item()
    of_generator = sd.discover_manifold(x, generator, level_set=level_set).verdicts_.violation.item()
    assert of_element == pytest.approx(of_generator, rel=1e-3)


@pytest.mark.parametrize("count, noise", [(200, 0.01), (1500, 0.0), (1500, 0.05)])
def test_elements_of_a_point_cloud(count, noise):
    rng = np.random.default_rng(1)
    x = sphere(count) + noise * rng.standard_normal((count, 3))
    found = sd.discover_manifold(x, groups.sign_flips(3))
    assert len(found.elements_) == 7
    assert np.all(found.element_verdicts_.violation < found.element_verdicts_.upper_bound)
    shifted = sd.discover_manifold(x + [0, 0, 0.3], groups.sign_flips(3))
    assert {text for text, verdict in verdicts(shifted).items() if verdict != "broken"} == {
        "x0 -> -x0",
        "x1 -> -x1",
        "x0 -> -x0, x1 -> -x1",
    }


def test_images_beside_the_points_of_a_set_say_nothing():
    half = sphere(3000)
    half = half[half[:, 2] > 0]
    found = sd.discover_manifold(half, groups.sign_flips(3))
    for text, verdict in verdicts(found).items():
        assert verdict == ("undetermined" if "x2" in text else "symmetric")
    assert "only points there could decide" in found.summary()
    far = sd.discover_manifold(half, groups.element(np.eye(3), [0, 0, 4.0]))
    assert set(verdicts(far).values()) == {"broken"}
