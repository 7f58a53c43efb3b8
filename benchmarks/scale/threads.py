"""What default BLAS threads cost on a busy machine: each core has one more process to run."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from multiprocessing import get_context

from measure import row

REPEATS = 2
WORK = """
import time
import numpy as np, pysindy as ps, symdyn as sd
from symdyn.regression import PromotedRegressor, SymmetricSINDy, fit_moments
from symdyn.sums.moments import accumulate
x, t = sd.systems.lorenz(n_trajectories=40, n_times=500, rng=0)
data, law = sd.open_trajectories(x, t=t), sd.features.Polynomial(3)
rates = [sd.systems.exact_law("lorenz")(run) for run in x]
sindy = SymmetricSINDy(ps.STLSQ(threshold=0.1), ps.PolynomialLibrary(3))
call = lambda: {call}
call()
start = time.process_time()
for _ in range(3):
    call()
print(time.process_time() - start)
"""
CALLS = {
    "accumulate": "accumulate(data, law)",
    "accumulate in blocks": "accumulate(data.chunk(trajectory=10), law)",
    "fit_moments": "fit_moments((x, rates), law)",
    "SymmetricSINDy": "sindy.fit(list(x), t, x_dot=rates)",
    "SymmetryDiscovery": "sd.SymmetryDiscovery(sd.candidates.gl(3), law).fit((x, t))",
    "PromotedRegressor": "PromotedRegressor(sd.candidates.so(3), 'polynomial:2').fit(x[0], (x[0]**2).sum(1))",
}


def main() -> None:
    with busy():
        for name, call in CALLS.items():
            spent = [(cpu(call, "1"), cpu(call, None)) for _ in range(REPEATS)]
            one, default = (min(each) for each in zip(*spent, strict=True))
            ratio = default / one
            row(f"{name} on a busy machine: default threads against one", f"{ratio:.2f} times", "<= 1.3", ratio <= 1.3)


def cpu(call: str, n_threads: str | None) -> float:
    """Give the CPU seconds of a call in a fresh process, which reads the number of threads when it starts."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    env = {name: value for name, value in os.environ.items() if name not in names}
    env |= dict.fromkeys(names, n_threads) if n_threads else {}
    code = [sys.executable, "-W", "ignore", "-c", WORK.replace("{call}", call)]
    return float(subprocess.run(code, env=env, capture_output=True, text=True, check=True).stdout)


@contextmanager
def busy():
    """Keep each core busy with one more process."""
    processes = [get_context("spawn").Process(target=spin, daemon=True) for _ in range(os.cpu_count() or 1)]
    for process in processes:
        process.start()
    try:
        yield
    finally:
        for process in processes:
            process.terminate()


def spin() -> None:
    while True:
        sum(range(1000))


if __name__ == "__main__":
    main()
