import time
import tracemalloc

import numpy as np
import pytest
from dask import config
from hypothesis import given, settings
from hypothesis import strategies as st

import symdyn as sd
from symdyn.data.trajectories import Trajectory
from symdyn.functions.features import Polynomial
from symdyn.rows.ensembles import ensemble_of
from symdyn.rows.run_statistics import characteristic_lags
from symdyn.rows.weak_form import quadrature_weights, weak_batches
from symdyn.rows.windows import windows_of
from symdyn.rows.workspace import Workspace
from symdyn.sums import folds
from symdyn.sums.moments import accumulate, accumulate_block, joined

MATRIX = np.array([[-0.1, -1.0], [1.0, -0.1]])


def spiral(times):
    decay = np.exp(-0.1 * times)
    return np.column_stack([decay * np.cos(times), decay * np.sin(times)])


def weak_rows(times, points, features, noise, n_samples=10**6, clean=None):
    """All weak rows of x' = W theta(x), even and odd, and their stretches; windows as for the motion `clean`."""
    run = ensemble_of(Trajectory("a", times, points if clean is None else clean))
    lag = characteristic_lags(run, np.zeros((1, points.shape[1])))[0]
    windows = windows_of(run.times, 3 / np.pi * lag * (times[-1] - times[0]) / (len(times) - 1), 10**6)

    def values(runs, when):
        return np.vstack([features.debiased(points[when], noise).T, points[when].T])[:, None]

    batches = weak_batches(run.times, windows, np.zeros(1, int), values, points.shape[1], n_samples, Workspace())
    parts = [(even[:, 0].T.copy(), odd[:, 0].T.copy(), stretch) for _, even, odd, stretch in batches]
    return [np.concatenate(part) for part in zip(*parts, strict=True)]


def grids(n=400):
    even = np.linspace(0, 12, n)
    return {"regular": even, "irregular": even + 0.4 * 12 / n * np.sin(11 * np.arange(n))}


@pytest.mark.parametrize("name", ["regular", "irregular"])
def test_weak_rows_hold_on_clean_data(name):
    times = grids()[name]
    even, odd, _ = weak_rows(times, spiral(times), Polynomial(1), np.zeros(2))
    for half in (even, odd):
        left = half[:, 3:] - half[:, 1:3] @ MATRIX.T
        assert np.abs(left).max() < 2e-5 * np.abs(half[:, 3:]).max()
        np.testing.assert_allclose(half[:, 0], 1, atol=1e-12)  # bumps are normalised


def test_products_of_even_and_odd_rows_carry_no_noise_bias():
    times = np.linspace(0, 12, 400)
    rng = np.random.default_rng(0)
    even, odd, _ = weak_rows(times, spiral(times), Polynomial(1), np.zeros(2))
    truth = even[:, 1] @ odd[:, 1]
    crossed, squared = [], []
    for _ in range(800):
        noisy = spiral(times) + rng.standard_normal((400, 2))
        even, odd, _ = weak_rows(times, noisy, Polynomial(1), np.zeros(2), clean=spiral(times))
        crossed.append(even[:, 1] @ odd[:, 1] - truth)
        squared.append(even[:, 1] @ even[:, 1] - truth)
    error = np.std(crossed) / np.sqrt(len(crossed))
    assert abs(np.mean(crossed)) < 3 * error < abs(np.mean(squared)) / 2


def test_integrals_of_powers_of_noisy_states_are_unbiased_when_the_noise_is_known():
    times, noise = np.linspace(0, 12, 400), 0.5
    rng = np.random.default_rng(1)
    clean = weak_rows(times, spiral(times), Polynomial(3), np.zeros(2))[0]
    differences = {}
    for level in (0.0, noise):
        rows = []
        for _ in range(300):
            noisy = spiral(times) + noise * rng.standard_normal((400, 2))
            rows.append(weak_rows(times, noisy, Polynomial(3), np.full(2, level), clean=spiral(times))[0] - clean)
        differences[level] = np.mean(rows, axis=0)[:, 3]  # x^2, whose mean is too large by the variance
    error = noise * 0.03
    assert np.abs(differences[noise]).max() < 4 * error
    np.testing.assert_allclose(differences[0.0], noise**2, atol=4 * error)


def test_blocks_last_at_least_half_an_oscillation():
    times = np.linspace(0, 40, 2000)
    _, _, stretch = weak_rows(times, spiral(times), Polynomial(1), np.zeros(2))
    counts = np.bincount(stretch)
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


@pytest.mark.parametrize("name", ["regular", "irregular"])
def test_rows_do_not_depend_on_the_size_of_batches(name):
    times = grids(3000)[name]
    whole = weak_rows(times, spiral(times), Polynomial(2), np.full(2, 0.1))
    for n_samples in (37, 1000):  # far less than a window, and about one
        rows = weak_rows(times, spiral(times), Polynomial(2), np.full(2, 0.1), n_samples)
        for one, other in zip(whole, rows, strict=True):
            np.testing.assert_allclose(other, one, rtol=1e-12, atol=1e-13)


@settings(max_examples=40, deadline=None)
@given(st.integers(24, 900), st.floats(0.02, 3), st.integers(1, 40), st.integers(20, 3000))
def test_windows_that_share_their_weights_give_the_rows_that_others_give(n_times, scale, n_runs, n_samples):
    times = np.linspace(0, 12, n_times)
    windows = windows_of(times, scale, 10**6)
    points = np.random.default_rng(n_times).standard_normal((3, n_runs, n_times))
    found = []
    for these in (windows, windows._replace(stride=0)):
        rows = np.full((2, 3, n_runs, len(windows.centers)), np.nan)
        done = np.zeros(n_runs, dtype=int)
        values = lambda runs, when: points[:, runs, when].copy()  # noqa: E731
        for places, *halves, stretch in weak_batches(
            times, these, np.arange(n_runs), values, 1, n_samples, Workspace()
        ):
            here = slice(done[places[0]], done[places[0]] + len(stretch))
            rows[:, :, places, here] = halves
            done[places] = here.stop
        found.append(rows)
    np.testing.assert_allclose(*found, rtol=1e-9, atol=1e-10)


def crowd(n=23, n_times=60):
    rng = np.random.default_rng(3)
    times = np.linspace(0, 12, n_times)
    return sd.open_trajectories([spiral(times * w) for w in rng.uniform(0.5, 2, n)], t=times)


def test_many_trajectories_are_folded_alike_in_any_chunks(monkeypatch):
    monkeypatch.setattr(folds, "most_groups", lambda n_terms: 5)
    monkeypatch.setattr("symdyn.sums.moments.most_groups", lambda n_terms: 5)
    data = crowd()
    whole = accumulate(data, Polynomial(2))
    assert whole.n_trajectories == 5 and len(whole.cross) == 5
    for chunk in (1, 3, 10):
        chunked = accumulate(data.chunk({"trajectory": chunk}), Polynomial(2))
        for name in ("count", "trajectory", "fold", "owner", "points", "instrumented"):
            np.testing.assert_array_equal(getattr(chunked, name), getattr(whole, name), err_msg=name)
        for name in ("cross", "signal", "power", "mean", "spread", "noise"):
            np.testing.assert_allclose(getattr(chunked, name), getattr(whole, name), rtol=1e-12, atol=1e-14)


def test_folds_hold_the_same_sums_as_trajectories_apart(monkeypatch):
    apart = accumulate(crowd(), Polynomial(2))
    monkeypatch.setattr("symdyn.sums.moments.most_groups", lambda n_terms: 5)
    folded = accumulate(crowd(), Polynomial(2))
    assert folded.count.sum() == apart.count.sum()
    np.testing.assert_allclose(folded.cross.sum(0), apart.cross.sum(0), rtol=1e-12, atol=1e-12)
    rows = [np.bincount(m.trajectory, weights=m.count) for m in (folded, apart)]
    for name in ("power", "signal", "mean"):
        one, other = (
            np.average(getattr(m, name), axis=0, weights=w) for m, w in zip((folded, apart), rows, strict=True)
        )
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-14)


def test_the_number_of_stretches_is_bounded(monkeypatch):
    times = np.linspace(0, 400, 8000)
    data = sd.open_trajectories(spiral(times), t=times)
    many = accumulate(data, Polynomial(1))
    monkeypatch.setattr("symdyn.sums.moments.most_groups", lambda n_terms: 12)
    few = accumulate(data, Polynomial(1))
    assert len(few.cross) == 12 < len(many.cross)
    assert few.count.min() > 0.9 * few.count.mean()
    np.testing.assert_allclose(few.cross.sum(0), many.cross.sum(0), rtol=1e-12, atol=1e-12)


def test_sums_kept_take_a_bounded_share_of_memory():
    for n_terms in (5, 23, 296):
        n = folds.most_groups(n_terms)
        assert 64 <= n <= 2000 and (n == 64 or n * 8 * n_terms**2 <= 64e6)
    assert folds.most_groups(5) == 2000 and folds.most_groups(2000) == 64


def test_results_are_the_same_bits_in_whatever_order_chunks_finish(monkeypatch):
    monkeypatch.setattr("symdyn.sums.moments.most_groups", lambda n_terms: 5)
    data = crowd().chunk({"trajectory": 2})
    first = accumulate(data, Polynomial(2))
    finished, delays = [], np.zeros(23)

    def late(block, *rest):
        time.sleep(delays[int(block.trajectory[0])])
        finished.append(int(block.trajectory[0]))
        return accumulate_block(block, *rest)

    monkeypatch.setattr("symdyn.sums.moments.accumulate_block", late)
    orders = set()
    for seed in (0, 1):
        delays[:] = np.random.default_rng(seed).uniform(0, 0.02, 23)
        with config.set(scheduler="threads", num_workers=6):
            again = accumulate(data, Polynomial(2))
        orders.add(tuple(finished[-12:]))
        for name, value in vars(first).items():
            np.testing.assert_array_equal(getattr(again, name), value, err_msg=name)
    assert len(orders) == 2


def test_sums_of_many_chunks_are_merged_by_a_tree(monkeypatch):
    """No task waits for more than eight others, so that messages are merged while other chunks are still worked on."""
    merged = []

    def watched(parts):
        merged.append(len(parts))
        return joined(parts)

    monkeypatch.setattr("symdyn.sums.moments.joined", watched)
    data = crowd(70, 30).chunk({"trajectory": 1})
    with config.set(scheduler="sync"):
        accumulate(data, Polynomial(1))
    assert max(merged) <= 8 and sum(merged) == 70 + 9 + 2


def test_memory_does_not_grow_with_the_length_of_a_trajectory():
    peaks = []
    for n in (100_000, 400_000):
        times = np.linspace(0, n / 100, n)
        data = sd.open_trajectories(spiral(times * 1e-2), t=times)
        accumulate(data.isel(time=slice(0, 1000)), Polynomial(5))
        tracemalloc.start()
        accumulate(data, Polynomial(5))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 30e6 and peaks[1] - peaks[0] < 300_000 * 8 * 4  # an array or so of times; 23 columns are 55 MB


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda x: np.where(np.arange(len(x))[:, None] == 7, np.nan, x),
            "variable 'x0' of trajectory '1' is not finite",
        ),
        (lambda x: x * np.nan, "trajectory '1' holds no data"),
    ],
)
def test_a_bad_trajectory_among_good_ones_is_named(change, message):
    times = np.linspace(0, 12, 60)
    runs = [spiral(times), change(spiral(times)), spiral(times)]
    data = sd.open_trajectories(runs, t=[times[: len(run)] for run in runs])
    with pytest.raises(ValueError, match=message):
        accumulate(data, Polynomial(1))


def test_times_that_do_not_increase_are_named():
    times = np.linspace(0, 12, 60)
    wrong = times.copy()
    wrong[30] = wrong[29]
    data = sd.open_trajectories([spiral(times)] * 2, t=[times, wrong])
    with pytest.raises(ValueError, match="times of trajectory '1' do not increase after sample 29"):
        accumulate(data, Polynomial(1))
