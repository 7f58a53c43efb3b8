"""BLAS has one thread wherever batches are worked on, and afterwards as many as before."""

import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pysindy as ps
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

import symdyn as sd
from symdyn.data.tasks import on_block, on_one_thread, one_blas_thread
from symdyn.regression import PromotedRegressor, SymmetricSINDy, fit_moments
from symdyn.sums.moments import accumulate

DATA = sd.systems.hopf(n_trajectories=6, n_times=200, rng=0)
DATASET = sd.open_trajectories(DATA[0], t=DATA[1])
SEEN: list[int] = []


def threads():
    return max(pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas")


@dataclass(frozen=True)
class Watched(sd.features.Polynomial):
    """Notes how many threads there are while it is evaluated."""

    def __call__(self, points):
        SEEN.append(threads())
        return super().__call__(points)


def watching(values):
    SEEN.append(threads())
    return values


LAW = Watched(3)
SINDY = SymmetricSINDy(ps.STLSQ(threshold=0.1), ps.CustomLibrary([watching]))
POINTS = np.random.default_rng(0).normal(size=(200, 2))
DOORS = {
    "accumulate": lambda: accumulate(DATASET, LAW),
    "accumulate in blocks": lambda: accumulate(DATASET.chunk(trajectory=2), LAW),
    "fit_moments": lambda: fit_moments(DATA, LAW),
    "SymmetryDiscovery": lambda: sd.SymmetryDiscovery(sd.candidates.gl(2), LAW).fit(DATA),
    "conserved_quantities": lambda: sd.conserved_quantities(DATA, LAW),
    "PromotedRegressor": lambda: PromotedRegressor(sd.candidates.so(2), Watched(2)).fit(
        POINTS, (POINTS**2).sum(axis=1)
    ),
    "SymmetricSINDy": lambda: SINDY.fit(*DATA),
    "score": lambda: SINDY.score(*DATA),
    "discover_function": lambda: sd.discover_function(watching, POINTS, sd.candidates.gl(2), output="vector"),
}


@pytest.fixture(autouse=True)
def two_threads():
    SEEN.clear()
    with threadpool_limits(2, user_api="blas"):
        yield


@pytest.mark.parametrize("door", DOORS)
def test_there_is_one_thread_inside_and_two_again_outside(door):
    before = threads()
    DOORS[door]()
    assert SEEN and set(SEEN) == {1} and threads() == before == 2


@on_one_thread
def fails():
    SEEN.append(threads())
    raise ValueError("on purpose")


def test_threads_come_back_after_an_error():
    with pytest.raises(ValueError, match="on purpose"):
        fails()
    assert SEEN == [1] and threads() == 2


def test_a_door_inside_a_door_leaves_the_limit_to_the_outer_one():
    @on_one_thread
    def outer():
        with pytest.raises(ValueError, match="on purpose"):
            fails()
        return threads()

    assert outer() == 1 and threads() == 2


def test_tasks_in_threads_of_a_pool_that_lives_on_are_limited_and_leave_no_limit():
    inside, second_begins = threading.Barrier(2), threading.Event()

    def first():
        with one_blas_thread():
            inside.wait(timeout=10)
            SEEN.append(threads())

    def last():
        with one_blas_thread():
            inside.wait(timeout=10)
            assert second_begins.wait(timeout=10)
            SEEN.append(threads())

    with ThreadPoolExecutor(2) as pool:
        begun, ended = pool.submit(first), pool.submit(last)
        begun.result()
        second_begins.set()  # the thread that set the limit has gone on: another one lifts it
        ended.result()
        assert SEEN == [1, 1] and threads() == 2
        DOORS["accumulate"]()  # in this thread, while those of the pool live
        assert set(SEEN) == {1} and threads() == 2


def test_tasks_travel_to_other_processes_and_are_limited_there():
    task = on_block(size_and_threads, DATASET)
    assert pickle.loads(pickle.dumps(task)).compute(scheduler="synchronous") == (6, 1)
    assert threads() == 2


def size_and_threads(block):
    return block.sizes["trajectory"], threads()
