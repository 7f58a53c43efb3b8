"""Rows of maps and pairs; the weak form of flows is tested with the moments."""

import numpy as np
import pytest

import symdyn as sd
from symdyn.data.pairs import are_pairs, from_pairs
from symdyn.data.trajectories import Trajectory, each_trajectory
from symdyn.functions.features import Polynomial
from symdyn.rows.dynamics import Layout
from symdyn.rows.ensembles import ensemble_of
from symdyn.rows.law_rows import finely_sampled, plan_rows, row_batches
from symdyn.sums.moments import accumulate

STEP = np.array([[0.99, -0.1], [0.1, 0.98]])  # finely sampled: ten steps in a characteristic time
MAP = Layout("map", ("x", "y"), fine=True)


def law_rows(run, layout, features):
    """Even and odd rows of one trajectory `(row, term)`."""
    ensemble = ensemble_of(run)
    batches = row_batches(ensemble, plan_rows(ensemble, layout, (run.name,), 10**6), layout, features)
    parts = [(batch.even[:, 0].T.copy(), batch.odd[:, 0].T.copy()) for batch in batches]
    return [np.concatenate(part) for part in zip(*parts, strict=True)]


def orbit(matrix, n=300, start=(1.0, 0.3)):
    points = [np.array(start)]
    for _ in range(n):
        points.append(matrix @ points[-1])
    return Trajectory("a", np.arange(n + 1.0), np.array(points))


def logistic(n=300):
    x = [0.3]
    for _ in range(n):
        x.append(3.9 * x[-1] * (1 - x[-1]))
    return Trajectory("a", np.arange(n + 1.0), np.array(x)[:, None])


def test_products_of_rows_two_steps_apart_carry_no_noise_bias():
    rng = np.random.default_rng(0)
    clean = orbit(STEP)
    truth = law_rows(clean, MAP, Polynomial(1))
    crossed, even = [], truth[0]
    for _ in range(400):
        noisy = clean._replace(states=clean.states + 0.1 * rng.standard_normal(clean.states.shape))
        even, odd = law_rows(noisy, MAP, Polynomial(1))
        crossed.append(even.T @ odd - truth[0].T @ truth[1])
    error = np.std(crossed, axis=0) / np.sqrt(len(crossed))
    assert np.all(np.abs(np.mean(crossed, axis=0)) < 4 * error + 1e-9)
    squared = even[:, 1] @ even[:, 1] - truth[0][:, 1] @ truth[0][:, 1]
    assert squared > 1  # 300 samples of variance 0.01 would add 3


def test_neighbours_are_no_instruments_where_one_step_changes_much():
    for run, states, fine in ((logistic(), ("x",), False), (orbit(STEP), ("x", "y"), True)):
        dataset = sd.open_trajectories(run.states, t=1.0, states=states)
        assert finely_sampled(dataset, states) is fine
        even, odd = law_rows(run, Layout("map", states, fine=fine), Polynomial(2))
        assert np.array_equal(even, odd) != fine
        assert accumulate(dataset, Polynomial(2), Layout("map", states, fine=fine)).instrumented.all() == fine


def test_pairs_keep_their_values_and_their_trajectories():
    rng = np.random.default_rng(1)
    x, y = [rng.normal(size=(n, 2)) for n in (7, 4)], [rng.normal(size=(n, 3)) for n in (7, 4)]
    dataset = from_pairs(x, y)
    runs = list(each_trajectory(dataset, ["x0", "x1", "y0", "y1", "y2"]))
    for run, points, values in zip(runs, x, y, strict=True):
        np.testing.assert_array_equal(run.states, np.hstack([points, values]))
    increments = from_pairs(x, x, increments=True)
    assert np.nanmax(np.abs(increments.y0)) == 0


def test_sums_over_pairs_are_their_gram_matrix():
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(1000, 2)), rng.normal(size=1000)
    moments = accumulate(from_pairs(x, y), Polynomial(2), Layout("pairs", ("x0", "x1"), (), ("y0",)))
    rows = np.column_stack([Polynomial(2)(x), y])
    np.testing.assert_allclose(moments.cross.sum(0), rows.T @ rows, rtol=1e-12, atol=1e-9)
    assert moments.n_trajectories == 200 and not moments.instrumented.any()


def test_pairs_are_told_from_trajectories_and_their_times():
    x = np.zeros((50, 2))
    assert are_pairs(x, x) and are_pairs([x, x], [x, x])
    assert not are_pairs(x, 0.1) and not are_pairs(x, np.arange(50.0)) and not are_pairs([x], [np.arange(50.0)])


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (np.zeros((5, 2)), np.zeros((4, 2)), "lengths differ"),
        ([np.zeros((5, 2))], np.zeros((5, 2)), "give x and y alike"),
        (np.zeros(5), np.zeros(5), "x must be arrays"),
        (np.full((5, 2), np.nan), np.zeros((5, 1)), "not finite"),
    ],
)
def test_pairs_that_do_not_fit_are_refused(x, y, message):
    with pytest.raises(ValueError, match=message):
        from_pairs(x, y)


def test_inputs_are_read_after_the_states_and_may_be_shared_by_all_trajectories():
    x, step = sd.systems.hopf(n_trajectories=3, n_times=60)
    dataset = sd.open_trajectories(x, t=step)
    dataset["u"] = ("time", np.arange(60.0))
    (first, *_) = each_trajectory(dataset, ["x0", "x1", "u", "t"])
    np.testing.assert_array_equal(first.states[:, 2], np.arange(60.0))
    np.testing.assert_array_equal(first.states[:, 3], first.times)


def test_unknown_kinds_are_refused():
    with pytest.raises(ValueError, match="kind must be one of"):
        Layout("sideways", ("x",))
