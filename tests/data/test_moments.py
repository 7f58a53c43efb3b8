import numpy as np
import pytest

import symdyn as sd
from symdyn.data.moments import accumulate
from symdyn.data.trajectories import Trajectory
from symdyn.data.weak import quadrature_weights, weak_rows
from symdyn.lie.features import CentralForce, Polynomial

MATRIX = np.array([[-0.1, -1.0], [1.0, -0.1]])


def spiral(times):
    decay = np.exp(-0.1 * times)
    return np.column_stack([decay * np.cos(times), decay * np.sin(times)])


def grids(n=400):
    even = np.linspace(0, 12, n)
    return {"regular": even, "irregular": even + 0.4 * 12 / n * np.sin(11 * np.arange(n))}


@pytest.mark.parametrize("name", ["regular", "irregular"])
def test_weak_rows_hold_on_clean_data(name):
    times = grids()[name]
    rows = weak_rows(Trajectory("a", times, spiral(times)), spiral(times), spiral(times), Polynomial(1), np.zeros(2))
    for half in (rows.even, rows.odd):
        left = half[:, 3:] - half[:, 1:3] @ MATRIX.T
        assert np.abs(left).max() < 2e-5 * np.abs(half[:, 3:]).max()
        np.testing.assert_allclose(half[:, 0], 1, atol=1e-12)  # bumps are normalised


def test_products_of_even_and_odd_rows_carry_no_noise_bias():
    times = np.linspace(0, 12, 400)
    rng = np.random.default_rng(0)
    clean = weak_rows(Trajectory("a", times, spiral(times)), spiral(times), spiral(times), Polynomial(1), np.zeros(2))
    truth = clean.even[:, 1].T @ clean.odd[:, 1]
    crossed, squared = [], []
    for _ in range(800):
        noisy = spiral(times) + rng.standard_normal((400, 2))
        rows = weak_rows(Trajectory("a", times, spiral(times)), noisy, noisy, Polynomial(1), np.zeros(2))
        crossed.append(rows.even[:, 1] @ rows.odd[:, 1] - truth)
        squared.append(rows.even[:, 1] @ rows.even[:, 1] - truth)
    error = np.std(crossed) / np.sqrt(len(crossed))
    assert abs(np.mean(crossed)) < 3 * error < abs(np.mean(squared)) / 2


def test_integrals_of_powers_of_noisy_states_are_unbiased_when_the_noise_is_known():
    times, noise = np.linspace(0, 12, 400), 0.5
    rng = np.random.default_rng(1)
    clean = weak_rows(Trajectory("a", times, spiral(times)), spiral(times), spiral(times), Polynomial(3), np.zeros(2))
    differences = {}
    for level in (0.0, noise):
        rows = []
        for _ in range(300):
            noisy = spiral(times) + noise * rng.standard_normal((400, 2))
            run = Trajectory("a", times, spiral(times))
            rows.append(weak_rows(run, noisy, noisy, Polynomial(3), np.full(2, level)).even - clean.even)
        differences[level] = np.mean(rows, axis=0)[:, 3]  # x^2, whose mean is too large by the variance
    error = noise * 0.03
    assert np.abs(differences[noise]).max() < 4 * error
    np.testing.assert_allclose(differences[0.0], noise**2, atol=4 * error)


def test_blocks_last_at_least_half_an_oscillation():
    times = np.linspace(0, 40, 2000)
    rows = weak_rows(Trajectory("a", times, spiral(times)), spiral(times), spiral(times), Polynomial(1), np.zeros(2))
    counts = np.bincount(rows.block)
    half_width = 1.5
    windows_in_half = np.pi / (half_width / 2)
    assert counts.min() >= np.floor(0.9 * windows_in_half)


def test_quadrature_of_irregular_samples_is_of_fourth_order():
    """Root mean square over sets of times: a single coarse error may be small by chance."""
    squares = np.zeros(2)
    for shape in np.random.default_rng(0).uniform(-0.3, 0.3, (40, 320)):
        for k, n in enumerate((80, 320)):
            times = np.linspace(0, 3, n) + 3 / n * shape[:n]
            error = quadrature_weights(times) @ np.exp(-times) - (np.exp(-times[0]) - np.exp(-times[-1]))
            squares[k] += error**2
    assert squares[1] < squares[0] / 4 ** (2 * 3.5)


@pytest.mark.parametrize("features", [Polynomial(2), CentralForce((1, 3)) + Polynomial(1, columns=(3, 4, 5))])
def test_moments_do_not_depend_on_chunks(features):
    data = sd.systems.kepler(5, n_times=100)
    whole = accumulate(data, features, "second_order")
    for chunks in ({"trajectory": 1}, {"trajectory": 2, "time": 30}, {"trajectory": -1}):
        chunked = accumulate(data.chunk(chunks), features, "second_order")
        for name, value in vars(whole).items():
            np.testing.assert_array_equal(getattr(chunked, name), value, err_msg=name)


def test_partial_results_add():
    data = sd.systems.kepler(5, n_times=100)
    whole = accumulate(data, Polynomial(1), n_points=500)
    parts = [
        accumulate(data.isel(trajectory=part), Polynomial(1), n_points=100 * n)
        for part, n in ((slice(0, 2), 2), (slice(2, 5), 3))
    ]
    total = parts[0] + parts[1]
    for name in ("cross", "count", "trajectory", "signal", "points", "owner"):
        np.testing.assert_array_equal(getattr(total, name), getattr(whole, name), err_msg=name)
    assert total.n_trajectories == 5


def test_runs_of_any_length_and_step_go_through():
    times = [np.linspace(0, 12, 300), np.sort(np.random.default_rng(0).uniform(0, 9, 200)), np.linspace(0, 5, 50)]
    data = sd.open_trajectories([spiral(t) for t in times], t=times)
    moments = accumulate(data, Polynomial(1))
    assert moments.n_trajectories == 3 and set(moments.trajectory) == {0, 1, 2}
    gram = moments.cross.sum(axis=0)
    found = np.linalg.solve(gram[:3, :3], gram[:3, 3:]).T
    np.testing.assert_allclose(found[:, 1:], MATRIX, atol=2e-3)
