"""Arrays in memory and mapped from files: read where they lie, and the same sums however they are handed over."""

import tracemalloc

import numpy as np
import pytest

import symdyn as sd
from symdyn.data.arrays import from_arrays
from symdyn.data.pairs import from_pairs
from symdyn.regression import fit_moments
from symdyn.rows.ensembles import read_runs

RNG = np.random.default_rng(0)
RUNS = RNG.normal(size=(40, 50, 3))
TIMES = np.arange(50) * 0.1


def law(x, t=0.1, **options):
    return fit_moments((x, t), "polynomial:2", **options).coefficients


@pytest.fixture(scope="module")
def solutions():
    start, times = RNG.uniform(-8, 8, size=(30, 3)), np.arange(120) * 0.01
    return np.stack([sd.systems.exact_law("lorenz").flow(one, times) for one in start])


FORMS = {
    "list of views": list,
    "list of copies": lambda x: [run.copy() for run in x],
    "columns first": lambda x: [np.asfortranarray(run) for run in x],
    "every other sample": lambda x: list(np.repeat(x, 2, axis=1)[:, ::2]),
    "nested lists": lambda x: x.tolist(),
    "reversed twice": lambda x: list(x[::-1])[::-1],
    "parts of a wider array": lambda x: list(np.concatenate([x, x], axis=2)[..., :3]),
    "big endian": lambda x: [run.astype(">f8") for run in x],
}


@pytest.mark.parametrize("form", FORMS)
def test_the_law_does_not_depend_on_how_runs_lie_in_memory(form, solutions):
    given = FORMS[form](solutions)
    given = [np.array(run) for run in given] if form == "nested lists" else given
    np.testing.assert_allclose(law(given, 0.01), law(solutions, 0.01), rtol=0, atol=1e-10)


def test_single_precision_counts_as_the_same_numbers_in_double(solutions):
    single = solutions.astype("f4")
    np.testing.assert_allclose(law(single, 0.01), law(single.astype(float), 0.01), rtol=0, atol=1e-9)
    rates = sd.systems.exact_law("lorenz")(single.reshape(-1, 3).astype(float))
    both = [law(points, rates) for points in (single.reshape(-1, 3), single.reshape(-1, 3).astype(float))]
    np.testing.assert_allclose(*both, rtol=0, atol=1e-9)


@pytest.mark.parametrize("t", [0.1, TIMES, [0.1] * 40, [TIMES] * 40, np.timedelta64(100, "ms")])
def test_times_are_the_same_in_any_form(t):
    data = from_arrays(list(RUNS), t)
    np.testing.assert_allclose(data.t, np.broadcast_to(TIMES, (40, 50)), atol=1e-12)
    assert data.t.dims == ("trajectory", "time")


@pytest.mark.parametrize("t", [0.1, None])
def test_runs_of_unlike_length_are_padded(t):
    runs = [run[: 50 - k] for k, run in enumerate(RUNS)]
    data = from_arrays(runs, [TIMES[: len(run)] for run in runs] if t is None else t)
    for k, run in enumerate(runs):
        np.testing.assert_array_equal(data.x1[k, : len(run)], run[:, 1])
        np.testing.assert_array_equal(data.t[k, : len(run)], TIMES[: len(run)])
        assert np.isnan(data.x1[k, len(run) :]).all() and np.isnan(data.t[k, len(run) :]).all()


def test_runs_that_only_look_like_neighbours_are_told_apart():
    first, second = RNG.normal(size=(2, 30, 2))
    for runs in ([first, second, first], [first, first], [first[::-1], first], [first[:10], first[10:20], first[5:15]]):
        data = from_arrays(runs, 1.0)
        for k, run in enumerate(runs):
            np.testing.assert_array_equal(np.stack([data.x0[k], data.x1[k]], axis=1), run)


def peak(call):
    call()  # what is loaded on first use does not count
    tracemalloc.start()
    call()
    found = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return found


@pytest.mark.parametrize("form", [np.asarray, list], ids=["array", "list"])
def test_runs_in_one_array_are_not_copied(form):
    large = np.zeros((100, 5_000, 3))
    data = from_arrays(form(large), 0.1)
    assert all(np.shares_memory(data[name].values, large) for name in ("x0", "x1", "x2"))
    assert peak(lambda: from_arrays(form(large), 0.1)) < large.nbytes / 20


def test_other_runs_are_copied_once():
    separate = [np.zeros((5_000, 3)) for _ in range(100)]
    size = sum(run.nbytes for run in separate)
    assert peak(lambda: from_arrays(separate, 0.1)) < 1.1 * size
    separate[0] = separate[0][:-1]
    assert peak(lambda: from_arrays(separate, 0.1)) < 1.1 * size + 5_000 * 100 * 8  # and times of their own


def test_pairs_in_one_array_are_not_copied():
    points = np.zeros((200_000, 3))
    data = from_pairs(points, points + 1)
    assert np.shares_memory(data.x0.values, points)
    assert peak(lambda: from_pairs(points, points)) < points.nbytes / 4


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("n_runs", [1, 400])
def test_a_mapped_file_is_read_where_it_lies(tmp_path, dtype, n_runs):
    path = tmp_path / "runs.npy"
    t = np.arange(800_000 // n_runs) * 0.01
    runs = np.stack([np.stack([np.cos(t + k), -np.sin(t + k)], axis=1) for k in range(n_runs)])
    np.save(path, runs.astype(dtype))
    mapped, whole = np.load(path, mmap_mode="r"), 8 * runs.size
    assert np.shares_memory(from_arrays(mapped, 0.01).x0.values, mapped)
    read = read_runs(from_arrays(mapped, 0.01), ["x0", "x1"])
    assert all(np.shares_memory(column, mapped) for column in read.ensembles[0].columns)
    in_memory = peak(lambda: fit_moments((runs, 0.01), "polynomial:1"))
    assert peak(lambda: fit_moments((mapped, 0.01), "polynomial:1")) < in_memory + 0.05 * whole
    found, wanted = (fit_moments((x, 0.01), "polynomial:1").coefficients for x in (mapped, np.array(mapped, float)))
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-9)


def test_values_that_are_not_finite_are_refused_in_pairs():
    for bad in (np.nan, np.inf):
        x, y = RNG.normal(size=(2, 1000, 2))
        y[437, 1] = bad
        with pytest.raises(ValueError, match="not finite"):
            from_pairs(x, y)
        with pytest.raises(ValueError, match="not finite"):
            from_pairs([x[:500], x[500:]], [y[:500], y[500:]])
    large = np.full((1000, 2), 1e306)  # the sum of which is not finite
    assert from_pairs(large, large).sizes["trajectory"] == 200
