"""Traits of many runs at once, and what they decide; single runs are in test_rates.py."""

import dask.array as da
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from symdyn.data.tasks import on_block
from symdyn.lie.chart import Chart
from symdyn.rows.ensembles import Ensemble
from symdyn.rows.even_windows import even_batches
from symdyn.rows.rates import characteristic_time, noise_level
from symdyn.rows.run_statistics import _SLOWEST, _all_changes, _some_changes, characteristic_lags, noise_levels
from symdyn.rows.windows import windows_of
from symdyn.rows.workspace import Workspace


def waves(n_runs, times, noise=0.0, seed=0):
    """Oscillations `(2, run, time)` of several frequencies around 300."""
    rng = np.random.default_rng(seed)
    phase = np.linspace(2.0, 5.0, n_runs)[:, None] * times
    clean = np.stack([np.cos(phase), 7 * np.sin(phase)])
    return 300 + clean + noise * clean.std(axis=2, keepdims=True) * rng.standard_normal(clean.shape)


def ensemble(columns, times):
    return Ensemble(times, tuple(columns), np.arange(len(columns[0])), Chart.identity(len(columns)))


@settings(max_examples=30, deadline=None)
@given(st.integers(24, 3000), st.floats(0.0, 1.0), st.integers(1, 50))
def test_runs_that_are_slow_are_cut_alike_however_slow(n_times, slower, most):
    times = 0.1 * np.arange(n_times)
    length = times[-1]
    scale = 3 / np.pi * np.ceil(_SLOWEST * (n_times - 1)) * 0.1
    one, other = (windows_of(times, s, most) for s in (scale + slower * max(length - scale, 0.0), length))
    assert np.array_equal(one.centers, other.centers) and one.half == other.half
    assert np.array_equal(one.stretch, other.stretch) and one.stride == other.stride


@pytest.mark.parametrize("noise", [0.0, 0.3])
@pytest.mark.parametrize("n_times", [600, 1500])
def test_lags_and_noise_of_many_runs_are_those_of_each(n_times, noise):
    times = 0.03 * np.arange(n_times)
    columns = waves(9, times, noise)
    together = ensemble(columns, times)
    levels = noise_levels(together, 2)
    found = 3 / np.pi * characteristic_lags(together, levels) * 0.03
    for run in range(9):
        points = columns[:, run].T
        assert levels[run] == pytest.approx(noise_level(times, points), rel=1e-6, abs=1e-12)
        if not noise:
            assert found[run] == pytest.approx(characteristic_time(times, points), abs=0.03)
    assert found == pytest.approx(1 / np.linspace(2.0, 5.0, 9), rel=0.15)


def test_a_clock_that_is_even_but_for_a_trifle_gives_the_same_noise():
    times = 0.03 * np.arange(400)
    columns = waves(3, times, 0.1)
    moved = times + 1e-9 * np.sin(np.arange(400.0))
    even, uneven = (noise_levels(ensemble(columns, clock), 2) for clock in (times, moved))
    assert even == pytest.approx(uneven, rel=1e-5) and not np.array_equal(even, uneven)


def test_changes_over_a_lag_are_the_same_by_products_and_by_differences():
    times = 0.05 * np.arange(200)
    columns, runs = tuple(waves(6, times, 0.1)), np.arange(6)
    weights = np.random.default_rng(1).uniform(0.1, 2.0, (6, 2))
    products, differences = (f(columns, runs, weights, Workspace()) for f in (_all_changes, _some_changes))
    for some in (runs, runs[[0, 2, 5]]):
        for lag in (1, 7, 199):
            assert products(some, lag) == pytest.approx(differences(some, lag), rel=1e-10)


@pytest.mark.parametrize("n_times", [41, 100, 173])
def test_short_runs_give_the_rows_together_that_they_give_alone(n_times):
    times = 0.1 * np.arange(n_times)
    windows = windows_of(times, times[-1], 1)
    assert 0 < len(windows.centers) <= 14
    rows = np.random.default_rng(2).normal(size=(5, 40, n_times))

    def batch(runs):
        some = even_batches(times, windows, runs, lambda r, when: rows[:, r, when], 2, 1 << 20, Workspace())
        return [
            np.concatenate(part, axis=1) for part in zip(*[(e.copy(), o.copy()) for _, e, o, _ in some], strict=True)
        ]

    together = batch(np.arange(40))
    for run in (0, 39):
        for whole, alone in zip(together, batch(np.array([run])), strict=True):
            assert whole[:, [run]] == pytest.approx(alone, rel=1e-10, abs=1e-12)


def test_a_block_is_read_by_the_task_that_works_on_it():
    dataset = xr.Dataset({"x": (("trajectory", "time"), da.ones((8, 5), chunks=(2, 5)))})
    piece = on_block(_total, dataset.isel(trajectory=slice(2, 4)), 3.0)
    assert len(dict(piece.__dask_graph__())) == 1
    assert piece.compute(scheduler="synchronous") == 30.0


def test_arrays_that_arrive_at_any_byte_of_a_message_are_worked_on_as_others():
    dataset = xr.Dataset({"x": (("trajectory", "time"), da.ones((2, 5), chunks=(2, 5)))})
    shifted = np.frombuffer(b"." + np.ones(5).tobytes(), dtype=float, count=5, offset=1)
    assert not shifted.flags.aligned
    assert on_block(_are_aligned, dataset, shifted).compute(scheduler="synchronous")


def _are_aligned(block, array):
    return array.flags.aligned


def _total(block, factor):
    assert block.chunks and len(dict(block.__dask_graph__())) <= 3  # what other blocks need stays behind
    return factor * float(block.compute(scheduler="synchronous")["x"].sum())
