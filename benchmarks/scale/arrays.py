"""Arrays in memory: a law from a million samples with their rates, as one run, as many, and against pysindy."""

from __future__ import annotations

import numpy as np
import pysindy as ps
from measure import allocated, interleaved, row

import symdyn as sd
from symdyn.regression import fit_moments

SAMPLES, RUNS = 1_000_000, 10_000


def main() -> None:
    points = np.random.default_rng(0).normal(size=(SAMPLES, 3))
    rates = sd.systems.exact_law("lorenz")(points)
    many = [list(np.ascontiguousarray(each).reshape(RUNS, -1, 3)) for each in (points, rates)]
    apart = [[run.copy() for run in runs] for runs in many]
    x, t = points.reshape(RUNS, -1, 3), 0.01
    calls = {
        "rates": lambda: fit_moments((points, rates), "polynomial:3"),
        "many": lambda: fit_moments(tuple(many), "polynomial:3"),
        "apart": lambda: fit_moments(tuple(apart), "polynomial:3"),
        "times": lambda: fit_moments((points, t), "polynomial:3"),
        "many times": lambda: fit_moments((list(x), t), "polynomial:3"),
    }
    pysindy = {"pysindy": lambda: ps.SINDy(ps.STLSQ(0.1), ps.PolynomialLibrary(3)).fit(points, 1.0, x_dot=rates)}
    calls["rates"]()
    seconds = interleaved(calls, 7) | interleaved({**pysindy, "rates": calls["rates"]}, 3)
    ratio = seconds["pysindy"] / seconds["rates"]
    row("fit_moments on arrays: CPU of pysindy over ours", f"{ratio:.1f}", ">= 25", ratio >= 25)
    memory = allocated(calls["rates"]) * 1e6 / 2**20
    row("fit_moments on arrays: memory above the data", f"{memory:.0f} MiB", "<= 40 MiB", memory <= 40)
    for name, alone, what in (
        ("many", "rates", "parts of one array, rates given"),
        ("apart", "rates", "arrays of their own, rates given"),
        ("many times", "times", "parts of one array, times given"),
    ):
        ratio = seconds[name] / seconds[alone]
        row(f"{RUNS} runs against one: {what}", f"{ratio:.2f} times", "<= 1.5 times", ratio <= 1.5)
    single = points.astype("f4"), rates.astype("f4")
    memory = allocated(lambda: fit_moments(single, "polynomial:3")) * 1e6 / 2**20
    row("fit_moments on float32: memory above the data", f"{memory:.0f} MiB", "<= 40 MiB", memory <= 40)


if __name__ == "__main__":
    main()
