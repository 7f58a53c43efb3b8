"""CPU and memory of the sums over trajectories: `python benchmarks/bench_moments.py [--store]`.

Every line is a ratio of CPU seconds measured in one run, one BLAS thread; the data are in memory, or in a Zarr store
that is written first. Memory is the peak of a pass above what was there before it, by tracemalloc (which sees what
numpy allocates); of Dask workers, the peak of the whole process. What is compared with what:

    pysindy   SINDy(STLSQ).fit on the same samples, derivatives included (the lesser of two calls)
    dsyrk     BLAS's symmetric product of as many rows of as many terms, ready made
    one run   the same number of samples, in a single trajectory
    numpy     `chosen_axes`, then `accumulate_block` chunk by chunk, in one process; workers' CPU is summed
"""

import argparse
import os
import sys
import tempfile
import time
import tracemalloc
import warnings
from functools import partial
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import xarray as xr
from scipy.linalg.blas import dsyrk

from symdyn import open_trajectories
from symdyn.functions.features import Polynomial
from symdyn.rows.dynamics import Layout
from symdyn.sums.axes import chosen_axes
from symdyn.sums.moments import accumulate, accumulate_block, blocks, joined

STEP = 0.002


def lorenz(n_trajectories, n_times, seed=0):
    """States `(state, trajectory, time)` of the Lorenz system, by the midpoint rule."""
    states = 8 * np.random.default_rng(seed).normal(size=(3, n_trajectories))
    path = np.empty((3, n_trajectories, n_times))
    for k in range(-1000, n_times):
        states = states + STEP * rates(states + STEP / 2 * rates(states))
        if k >= 0:
            path[:, :, k] = states
    return path


def rates(states):
    """The Lorenz field."""
    x, y, z = states
    return np.stack([10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z])


def dataset(path, n_targets=0):
    """Arrays `(state, trajectory, time)` as trajectories; the last of them as targets of pairs."""
    names = [f"x{j}" for j in range(len(path) - n_targets)]
    every = [*names, *(f"y{j}" for j in range(n_targets))]
    variables = {name: (("trajectory", "time"), column) for name, column in zip(every, path, strict=True)}
    return xr.Dataset(variables, {"time": STEP * np.arange(path.shape[2])}, {"states": " ".join(names)})


def cpu(call, repeats=3):
    """Least CPU seconds of some calls, and the last result."""
    spent, results = [], []
    for _ in range(repeats):
        start = time.process_time()
        results[:] = [call()]
        spent.append(time.process_time() - start)
    return min(spent), results[0]


def peak_of(call):
    """Megabytes allocated at the peak, above what was there before."""
    tracemalloc.start()
    call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def line(work, ours, theirs, ratio, target, memory=""):
    """One row of the table."""
    print(f"{work:46s} {ours:8.3f} s  {theirs:26s} {ratio:7.2f} {target:>10s}   {memory}", flush=True)


def against_pysindy(n_samples):
    """Degree 3, 3 states, one trajectory."""
    import pysindy as ps

    # One long run, put together from pieces of several: the cost does not depend on what the samples say.
    path = np.ascontiguousarray(lorenz(100, n_samples // 100).reshape(3, 1, -1))
    data, features = dataset(path), Polynomial(3)
    ours, _ = cpu(lambda: accumulate(data, features))
    samples = np.ascontiguousarray(path[:, 0].T)
    model = ps.SINDy(ps.STLSQ(), ps.PolynomialLibrary(3))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs, _ = cpu(lambda: model.fit(samples, STEP), 2)
        memory = peak_of(lambda: model.fit(samples, STEP))
    mine = peak_of(lambda: accumulate(data, features))
    work = f"degree 3, 3 states, {n_samples:.0e} samples"
    line(work, ours, f"pysindy {theirs:.2f} s", theirs / ours, ">= 20", f"{mine:.0f} MB (<= 100; pysindy {memory:.0f})")
    return ours


def against_many_runs(n_samples, single):
    """10,000 trajectories of 100 samples for every 1e6."""
    data = dataset(lorenz(n_samples // 100, 100))
    ours, _ = cpu(lambda: accumulate(data, Polynomial(3)))
    memory = peak_of(lambda: accumulate(data, Polynomial(3)))
    work = f"the same in {n_samples // 100} trajectories"
    line(work, ours, f"one run {single:.3f} s", ours / single, "<= 1.5", f"{memory:.0f} MB")


def against_blas(n_samples):
    """Degree 3, 10 states: 286 terms and 10 targets."""
    rng, features = np.random.default_rng(0), Polynomial(3)
    n_terms = features.size(10) + 10
    rows = np.asfortranarray(rng.normal(size=(10_000, n_terms)))
    theirs, _ = cpu(lambda: [dsyrk(1.0, rows, trans=1) for _ in range(n_samples // len(rows))], 2)
    columns = rng.normal(size=(20, 1, n_samples))
    states, targets = tuple(f"x{j}" for j in range(10)), tuple(f"y{j}" for j in range(10))
    pairs = Layout("pairs", states, (), targets)
    motion = np.repeat(lorenz(100, n_samples // 100).reshape(3, 1, -1), 4, axis=0)[:10]
    for name, data, layout in (
        ("pairs", dataset(columns, 10), pairs),
        ("pairs in 200 runs", dataset(columns.reshape(20, 200, -1), 10), pairs),
        ("samples of a flow", dataset(motion), Layout("flow", states)),
    ):
        call = partial(accumulate, data, features, layout)
        ours, _ = cpu(call, 2)
        work = f"degree 3, 10 states, {n_samples:.0e} {name}"
        line(work, ours, f"dsyrk {theirs:.2f} s", ours / theirs, "<= 2.5", f"{peak_of(call):.0f} MB (<= 150)")


def _worker_facts():
    """CPU seconds and peak megabytes of a worker so far."""
    # The peak that getrusage knows counts the parent of the process too.
    lines = Path("/proc/self/status").read_text().splitlines()
    peak = next(line for line in lines if line.startswith("VmHWM"))
    return time.process_time(), int(peak.split()[1]) / 1e3


def on_workers(data, features, memory_limit):
    """CPU seconds of two worker processes, summed, their peaks in megabytes, and the sums."""
    from dask.distributed import Client, LocalCluster

    with (
        LocalCluster(2, threads_per_worker=1, memory_limit=memory_limit, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        client.run(in_turn, data.isel(trajectory=slice(0, 2)), features)  # what is loaded on first use does not count
        before = dict(client.run(_worker_facts))  # pyright: ignore
        result = accumulate(data, features)
        after = dict(client.run(_worker_facts))  # pyright: ignore
    spent = sum(after[worker][0] - before[worker][0] for worker in before if worker in after)
    return spent, max(after[worker][1] for worker in after), result


def in_turn(data, features):
    """The chunks one by one in this process."""
    n = data.sizes["trajectory"]
    layout = Layout("flow", tuple(data.attrs["states"].split()))
    axes = chosen_axes(data, features, layout, "auto")
    return joined([accumulate_block(block, features, layout, max(2000 // n, 2), axes) for block in blocks(data)])


def against_numpy(n_samples, folder, work, memory_limit="2GB", chunk=50):
    """Dask, degree 3, 10 states, from a Zarr store."""
    path = write_store(Path(folder) / "store.zarr", n_samples, chunk)
    data, features = open_trajectories(path, chunks=chunk), Polynomial(3)
    theirs, plain = cpu(lambda: in_turn(data, features), 1)
    ours, memory, found = on_workers(data, features, memory_limit)
    difference = np.abs(found.cross - plain.cross).max() / np.abs(plain.cross).max()
    line(work, ours, f"numpy {theirs:.2f} s", ours / theirs, "<= 1.5", f"{memory:.0f} MB a worker (<= 500)")
    print(f"{'':46s} differs from numpy by {difference:.0e} (<= 1e-13); {data.nbytes / 1e9:.2f} GB")


def write_store(path, n_samples, chunk, n_times=10_000):
    """Ten states, in chunks of some trajectories."""
    for number in range(n_samples // (chunk * n_times)):
        three = lorenz(chunk, n_times, number)
        part = dataset(np.concatenate([three, three[::-1], 0.5 * three, three[:1] - three[1:2]]).reshape(10, chunk, -1))
        part = part.chunk({"trajectory": chunk})
        part.to_zarr(path, **({"append_dim": "trajectory"} if number else {"mode": "w"}), consolidated=False)
    return path


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=float, default=1e6)
    parser.add_argument("--no-dask", action="store_true", help="leave the workers out")
    parser.add_argument("--store", action="store_true", help="a store of 3 GB, workers of 1 GB: some minutes")
    options = parser.parse_args()
    n = int(options.samples)
    accumulate(dataset(lorenz(3, 100)), Polynomial(2))  # what is loaded on first use is not counted
    single = against_pysindy(n)
    against_many_runs(n, single)
    against_blas(n)
    if not options.no_dask:
        with tempfile.TemporaryDirectory() as folder:
            against_numpy(2 * n, folder, "Dask, 10 states, degree 3, 2 workers")
    if options.store:
        with tempfile.TemporaryDirectory() as folder:
            against_numpy(37_500_000, folder, "a store of 3 GB, 2 workers of 1 GB", "1GB")
    return 0


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    sys.exit(main())
