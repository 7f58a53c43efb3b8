"""CPU seconds and memory of `SymmetricSINDy.fit` beside those of `pysindy.SINDy`, and of many runs beside one."""

from __future__ import annotations

import numpy as np
import pysindy as ps
from measure import allocated, interleaved, row
from scipy.integrate import odeint

from symdyn.regression import SymmetricSINDy
from symdyn.systems import exact_law

N, STEP = 1_000_000, 0.002


def orbit() -> tuple[np.ndarray, np.ndarray]:
    """One orbit of Lorenz's system with a little noise, and the exact rates at its samples."""
    law, t = exact_law("lorenz"), STEP * np.arange(N)
    x = odeint(lambda x, _: [10 * (x[1] - x[0]), x[0] * (28 - x[2]) - x[1], x[0] * x[1] - 8 / 3 * x[2]], (1, 2, 20), t)
    x += 1e-3 * np.random.default_rng(0).standard_normal(x.shape)
    return x, law(x)


def fits(kind: type, method: ps.FiniteDifference | None = None):
    """A call that fits data by pysindy's class or by ours."""
    return lambda *data, **given: kind(ps.STLSQ(threshold=0.05), ps.PolynomialLibrary(3), method).fit(*data, **given)


def against_pysindy(work: str, target: float, method: ps.FiniteDifference | None, *data, **given) -> None:
    """Compare one fit with pysindy's, and check that both find the same law."""
    ours, theirs = fits(SymmetricSINDy, method), fits(ps.SINDy, method)
    difference = np.abs(ours(*data, **given).coefficients() - theirs(*data, **given).coefficients()).max()
    spent = interleaved({"ours": lambda: ours(*data, **given), "pysindy": lambda: theirs(*data, **given)})
    ratio = spent["pysindy"] / spent["ours"]
    measured = f"{ratio:.1f} times less ({spent['ours']:.2f} s), laws differ by {difference:.0e}"
    row(work, measured, f">= {target:g} times", ratio >= target)


def main():
    x, rates = orbit()
    against_pysindy("SymmetricSINDy, 1e6 samples, rates given, against pysindy", 12, None, x, STEP, x_dot=rates)
    above = allocated(lambda: fits(SymmetricSINDy)(x, STEP, x_dot=rates))
    row("the same: memory above the data", f"{above / 1.048576:.0f} MiB", "<= 100 MiB", above <= 104.8576)
    against_pysindy("the same, data alone, finite differences", 6, None, x, STEP)
    against_pysindy("the same, data alone, smoothed differences", 6, ps.SmoothedFiniteDifference(), x, STEP)
    runs, run_rates = (list(both.reshape(10_000, 100, 3).copy()) for both in (x, rates))
    calls = {
        "one": lambda: fits(SymmetricSINDy)(x, STEP, x_dot=rates),
        "many": lambda: fits(SymmetricSINDy)(runs, STEP, x_dot=run_rates),
        "one, differences": lambda: fits(SymmetricSINDy)(x, STEP),
        "many, differences": lambda: fits(SymmetricSINDy)(list(x.reshape(10_000, 100, 3)), STEP),
    }
    spent = interleaved(calls, 5)
    for name, work in (("", "rates given"), (", differences", "data alone")):
        ratio = spent[f"many{name}"] / spent[f"one{name}"]
        row(f"SymmetricSINDy, 10,000 runs of 100 against one of 1e6, {work}", f"{ratio:.2f}", "<= 2", ratio <= 2)


if __name__ == "__main__":
    main()
