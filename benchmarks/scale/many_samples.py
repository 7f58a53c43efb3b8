"""Samples that are simulated as they are summed: `python benchmarks/scale/many_samples.py [--samples 1e9]`.

Three states, degree 3, on two worker processes. Nothing is stored: each block is made where it is summed, of orbits of
the Hopf normal form in closed form, and of a third state that decays. CPU is that of both workers and of this process,
simulation included, for each sample; memory is the peak of the larger worker.
"""

import argparse
import sys
import time
import warnings
from pathlib import Path

import dask.array as da
import numpy as np
import xarray as xr
from measure import row

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench_moments import _worker_facts, in_turn

from symdyn.functions.features import Polynomial
from symdyn.sums.moments import accumulate

N_TIMES, RUNS, STEP = 10_000, 25, 0.002  # samples of a run, runs of a block
NAMES = ("x", "y", "z")


def orbits(block_info=None):
    """States `(run, time, state)` of a block: r' = r (1 − r²), phi' = 1, z' = −z; its number is the seed."""
    number = block_info[None]["chunk-location"][0]
    radius, phase, height = np.random.default_rng(number).uniform([[0.3], [0], [-1]], [[2], [6.283], [1]], (3, RUNS))
    times = STEP * np.arange(N_TIMES)
    r = 1 / np.sqrt(1 + (radius**-2 - 1)[:, None] * np.exp(-2 * times))
    # A phase is turned by that of the time: cos(a + b) needs no cosine of every sample.
    turned = np.exp(1j * phase)[:, None] * np.exp(1j * times)
    return np.stack([r * turned.real, r * turned.imag, height[:, None] * np.exp(-times)], axis=-1)


def simulated(n_samples):
    """Trajectories that are made when they are read."""
    n_blocks = max(round(n_samples / (RUNS * N_TIMES)), 1)
    states = da.map_blocks(orbits, chunks=((RUNS,) * n_blocks, (N_TIMES,), (3,)), dtype=float, meta=np.zeros((0, 0, 0)))
    variables = {name: (("trajectory", "time"), states[..., k]) for k, name in enumerate(NAMES)}
    return xr.Dataset(variables, {"time": STEP * np.arange(N_TIMES)}, {"states": " ".join(NAMES)})


def measured(data, features):
    """CPU seconds of two fresh workers and of this process, and the peak of the larger worker in megabytes."""
    from dask.distributed import Client, LocalCluster

    with (
        LocalCluster(2, threads_per_worker=1, memory_limit="1GB", dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        client.run(in_turn, data.isel(trajectory=slice(0, 2)), features)  # what is loaded on first use does not count
        before = dict(client.run(_worker_facts))
        in_turn(data.isel(trajectory=slice(0, 2)), features)
        start = time.process_time()
        accumulate(data, features)
        here = time.process_time() - start
        after = dict(client.run(_worker_facts))
    return here + sum(after[w][0] - before[w][0] for w in after), max(peak for _, peak in after.values())


def main():
    """Print a row for each size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=float, default=1e7, help="up to so many, in steps of ten (default 1e7)")
    most, features = parser.parse_args().samples, Polynomial(3)
    sizes = [10.0**k for k in range(6, 13) if 10.0**k <= most]
    first = None
    for n in sizes:
        spent, memory = measured(simulated(n), features)
        first = first or (spent / n, memory)
        said = f"{1e9 * spent / n:.0f} ns a sample, {spent:.1f} CPU s, {memory:.0f} MB"
        reached = spent / n <= 1.3 * first[0] and memory <= 1.3 * first[1]
        row(f"{n:.0e} samples, simulated block by block, two workers", said, "as 1e6: 1.3 times at most", reached)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
