"""A store larger than its workers: `python benchmarks/scale/store.py [--gigabytes 1.6]`.

Ten states in chunks of 4 MB a variable are summed by two workers of 1 GB with the defaults of `open_trajectories`; CPU
is that of both workers, and what numpy takes is `accumulate_block` block by block in one process.
"""

import argparse
import sys
import tempfile
import warnings
from pathlib import Path

from measure import cpu, row

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench_moments import in_turn, on_workers, write_store

from symdyn import open_trajectories
from symdyn.functions.features import Polynomial

CHUNK, N_TIMES = 50, 10_000  # 4 MB of float64


def main():
    """Print the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gigabytes", type=float, default=1.6)
    n_chunks = max(round(parser.parse_args().gigabytes * 1e9 / (10 * 8 * CHUNK * N_TIMES)), 1)
    features = Polynomial(3)
    with tempfile.TemporaryDirectory() as folder:
        path = write_store(Path(folder) / "store.zarr", n_chunks * CHUNK * N_TIMES, CHUNK, N_TIMES)
        data = open_trajectories(path)
        theirs = cpu(lambda: in_turn(data, features), 1)
        work = f"store of 10 states, {data.nbytes / 1e9:.1f} GB, two workers of 1 GB"
        try:
            ours, memory, _ = on_workers(data, features, "1GB")
        except Exception as error:  # a row says so; the others are still to come
            row(work, type(error).__name__, "done, <= 400 MB a worker, <= 1.4", False)
            return
    measured = f"{memory:.0f} MB a worker, {ours / theirs:.2f} times numpy"
    row(work, measured, "<= 400 MB a worker, <= 1.4", memory <= 400 and ours <= 1.4 * theirs)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
