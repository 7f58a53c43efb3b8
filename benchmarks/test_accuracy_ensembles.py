"""Ensembles with a parameter as a state, p' = 0: `python -m pytest benchmarks -m accuracy -k ensembles -s`.

Twelve runs that differ in the parameter tell what depends on it; twelve runs with one value, or one run, do not. The
spin of a free body with I = (1, 1.1, 2) is the like that is only nearly conserved. 300 samples a run, cubic law, affine
candidates; noise a fraction of the standard deviation of each state, of the parameter over its range.
"""

import re
from dataclasses import dataclass

import numpy as np
import pytest
from exact_verdicts import DELTA, EXACT, Truth, search
from scipy.integrate import solve_ivp

import symdyn as sd

AFFINE, LAW = sd.candidates.affine(3), sd.features.Polynomial(3)
CASES, NOISES, SEEDS = ("12 values", "one value", "one run"), (0.0, 0.02), range(4000, 4020)
_TURN = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 0]])
_NOTHING = np.zeros((3, 3))


@dataclass(frozen=True)
class Ensemble:
    """A flow of (x, y, p) with starts on a square of half side `box`, p on a range, and the symmetry that it has.

    `exact` is the matrix and the translation of the one affine generator that is exact, None if there is none.
    """

    field: object
    box: float
    range: tuple[float, float]
    exact: tuple | None = None

    def law(self, points):
        """Rates at points `(..., 3)`."""
        return np.stack(np.broadcast_arrays(*self.field(*np.moveaxis(np.asarray(points), -1, 0))), axis=-1)


SYSTEMS = {
    "Hopf, mu": Ensemble(
        lambda x, y, p: (p * x - 2 * y - x * (x**2 + y**2), p * y + 2 * x - y * (x**2 + y**2), 0 * p),
        1.5,
        (0.2, 1.5),
        (_TURN, [0, 0, 0]),
    ),
    "oscillator, centre": Ensemble(
        lambda x, y, p: (y, -(x - p) - 0.5 * (x - p) ** 3 - 0.3 * y, 0 * p), 1.5, (-1, 1), (_NOTHING, [1, 0, 1])
    ),
    "prey, growth": Ensemble(
        lambda x, y, p: (x * (p - y), y * (x - 1), 0 * p), 0.0, (0.5, 1.5)
    ),
    "body, spin": Ensemble(lambda x, y, p: (-0.9 * y * p, p * x, -0.05 * x * y), 1.5, (0.5, 2.0)),
}  # fmt: skip


def simulate(system, case, seed):
    """Clean runs and the step."""
    rng, times = np.random.default_rng(seed), np.linspace(0, 12, 300)
    count = 1 if case == "one run" else 12
    values = rng.uniform(*system.range, count if case == "12 values" else 1)
    planar = rng.uniform(-system.box, system.box, (count, 2)) if system.box else rng.uniform(0.3, 2, (count, 2))
    starts = np.column_stack([planar, np.broadcast_to(values, count)])
    clean = [solve_ivp(lambda _, x: system.law(x), (0, 12), x, t_eval=times, rtol=1e-9, atol=1e-11).y.T for x in starts]
    return clean, times[1]


def noisy(system, clean, noise, seed):
    """White noise; that of the parameter is a fraction of its spread over the range."""
    rng, spread = np.random.default_rng([seed, 1]), np.concatenate(clean).std(axis=0)
    spread[2] = np.ptp(system.range) / np.sqrt(12)
    return [run + noise * spread * rng.standard_normal(run.shape) for run in clean]


@dataclass(frozen=True)
class Cell:
    """One search: what it says of the exact generator and of the shift of the parameter, and whether that is right."""

    name: str
    case: str
    noise: float
    seed: int
    failure: str
    exact: str = "none"
    shift: str = ""
    worst: float = 0.0
    true_shift: float = np.nan
    judged_false: int = 0
    reason: bool = False
    ranged: bool = False

    @property
    def false(self) -> bool:
        """Whether anything was called symmetric whose violation over the data is above delta."""
        return self.worst > DELTA or self.judged_false > 0

    @property
    def right(self) -> bool:
        """As the case asks: decided where the parameter differs, else undetermined with the reason."""
        if self.failure:  # too few data for the library is the reason; a library that is called too small is not
            return self.case != "12 values" and "cannot decide" in self.failure
        if self.false:
            return False
        if self.true_shift <= DELTA:  # a parameter that hardly moves: what is small on its range is said with the range
            return self.shift != "broken" and (self.ranged or self.shift == "undetermined")
        if self.case == "12 values":
            return self.exact in ("none", "symmetric") and self.shift == "broken"
        return self.exact != "broken" and self.shift == "undetermined" and self.reason


def cells(seeds, systems=None, cases=CASES, noises=NOISES):
    """Yield a `Cell` for each search."""
    for name in systems or SYSTEMS:
        system = SYSTEMS[name]
        for case in cases:
            for seed in seeds:
                clean, step = simulate(system, case, seed)
                truth = Truth(system.law, clean, most=2000)
                for noise in noises:
                    runs = noisy(system, clean, noise, seed)
                    data = sd.open_trajectories(runs, t=step, states=("x", "y", "p"))
                    yield _cell(truth, system, data, name, case, noise, seed)


def _cell(truth, system, data, name, case, noise, seed):
    found = search(truth, data, None, AFFINE, LAW)
    if found.failure:
        return Cell(name, case, noise, seed, found.failure)
    judge, shift = found.fitted.judge, sd.candidates.from_matrices([_NOTHING], [[0, 0, 1.0]])
    exact = "none"
    if system.exact:
        generator = sd.candidates.from_matrices(system.exact[0][None], [system.exact[1]])
        assert truth.violations(generator)[0] < EXACT
        exact = judge(generator).verdict.item()
    wrong = (judge(AFFINE).verdict.values == "symmetric") & ~(truth.violations(AFFINE) <= DELTA)
    text = found.fitted.summary()
    return Cell(
        name, case, noise, seed, "", exact, judge(shift).verdict.item(), max(found.worst),
        float(truth.violations(shift)[0]), int(wrong.sum()),
        reason=any(re.search(r"\bp\b", note) for note in found.notes), ranged=bool(re.search(r"over .*\bp in ", text)),
    )  # fmt: skip


def line(done):
    """The counts of one cell of the table."""
    first, n = done[0], len(done)

    def several(values):
        return ", ".join(f"{value or 'failed'} {sum(one == value for one in values)}" for value in sorted(set(values)))

    shifts = [cell.true_shift for cell in done if np.isfinite(cell.true_shift)]
    failures = sorted({cell.failure for cell in done if cell.failure})
    return (
        f"{first.name:<20}{first.case:<10} noise {first.noise:.0%} of {n}: right {sum(cell.right for cell in done)}, "
        f"false {sum(cell.false for cell in done)}; exact generator: {several([cell.exact for cell in done])}; shift "
        f"of the parameter (true {np.median(shifts) if shifts else np.nan:.2f}): "
        f"{several([cell.shift for cell in done])}; reason given {sum(cell.reason for cell in done)}, range given "
        f"{sum(cell.ranged for cell in done)} {'; '.join(failures)}"
    )


@pytest.mark.accuracy
@pytest.mark.parametrize("name", SYSTEMS)
def test_ensembles_with_a_parameter_as_a_state(name):
    """Right in 16 of 20 where 12 runs differ in the parameter; else nothing false, and undetermined with the reason.

    At 2 % noise nothing wrong is asked for; the price in power is printed (Hopf: on its limit cycle a linear law does).
    """
    print("\nA parameter as a state, affine candidates, cubic law")
    every = list(cells(SEEDS, (name,)))
    for case, noise in dict.fromkeys((cell.case, cell.noise) for cell in every):
        done = [cell for cell in every if (cell.case, cell.noise) == (case, noise)]
        print(line(done))
        assert not any(cell.false for cell in done)
        assert not any(cell.failure.startswith("crash") for cell in done)
        if case == "12 values" and noise:
            assert not any(cell.shift == "symmetric" or cell.exact == "broken" for cell in done)
        else:
            assert sum(cell.right for cell in done) >= 16
