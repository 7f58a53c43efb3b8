"""Finite symmetries of well-known flows: `python -m pytest benchmarks -m accuracy -s` prints the tables."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pysindy as ps
import pytest
from scipy.integrate import solve_ivp

import symdyn as sd
from symdyn.discovery.exact_elements import judge_elements_of_function
from symdyn.evidence.elements.element_evidence import LawSample, judge_elements
from symdyn.laws.law_fit import LawFit

DELTA, ALPHA = 0.1, 0.05
NOISES, SEEDS = (0.0, 0.01, 0.05), range(3)


@dataclass(frozen=True)
class Flow:
    """A flow x' = f(x), a box of starts, a length of time, the degree of its law, and the symmetries it is known for.

    The symmetries are those among changes of sign and permutations of its states; of g and its inverse one is listed.
    """

    field: object
    box: tuple
    length: float
    degree: int
    known: tuple[str, ...] = ()


def inversion(n):
    return ", ".join(f"{s} -> -{s}" for s in "xyz"[:n])


TURN_Z = "x -> -x, y -> -y"  # by half a turn about the z axis
CYCLE = "cycle x -> y -> z"
CUBE = ((-1, 1), (-1, 1), (-1, 1))
# Equations and parameters as in the literature: Sprott, Elegant Chaos (2010), and the `dysts` collection.
FLOWS = {
    "Lorenz": Flow(
        lambda x, y, z: (10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z),
        ((-15, 15), (-15, 15), (5, 40)),
        5.0,
        2,
        (TURN_Z,),
    ),
    "Rossler": Flow(lambda x, y, z: (-y - z, x + 0.2 * y, 0.2 + z * (x - 5.7)), ((-8, 8), (-8, 8), (0, 2)), 20.0, 2),
    "Thomas": Flow(
        lambda x, y, z: (np.sin(y) - 0.2 * x, np.sin(z) - 0.2 * y, np.sin(x) - 0.2 * z),
        ((-3, 3), (-3, 3), (-3, 3)),
        30.0,
        0,
        (CYCLE, inversion(3)),
    ),
    "Halvorsen": Flow(
        lambda x, y, z: (
            -1.4 * x - 4 * y - 4 * z - y**2,
            -1.4 * y - 4 * z - 4 * x - z**2,
            -1.4 * z - 4 * x - 4 * y - x**2,
        ),
        ((-4, 1), (-4, 1), (-4, 1)),
        6.0,
        2,
        (CYCLE,),
    ),
    "Rabinovich-Fabrikant": Flow(
        lambda x, y, z: (y * (z - 1 + x**2) + 0.1 * x, x * (3 * z + 1 - x**2) + 0.1 * y, -2 * z * (0.98 + x * y)),
        ((-1, 1), (-1, 1), (0.1, 0.5)),
        10.0,
        3,
        (TURN_Z,),
    ),
    "Chua, cubic": Flow(
        lambda x, y, z: (10 * (y + (x - 2 * x**3) / 7), x - y + z, -100 / 7 * y),
        ((-1, 1), (-0.3, 0.3), (-1, 1)),
        10.0,
        3,
        (inversion(3),),
    ),
    "Sprott A": Flow(lambda x, y, z: (y, -x + y * z, 1 - y**2), ((-2, 2), (-2, 2), (-2, 2)), 15.0, 2, (TURN_Z,)),
    "Sprott B": Flow(lambda x, y, z: (y * z, x - y, 1 - x * y), CUBE, 15.0, 2, (TURN_Z,)),
    "Sprott E": Flow(lambda x, y, z: (y * z, x**2 - y, 1 - 4 * x), ((-0.5, 1), (-0.5, 0.5), (-0.5, 0.5)), 10.0, 2),
    "Lorenz 84": Flow(
        lambda x, y, z: (-(y**2) - z**2 - 0.25 * x + 2, x * y - 4 * x * z - y + 1, 4 * x * y + x * z - z),
        ((0, 2), (-2, 2), (-2, 2)),
        10.0,
        2,
    ),
    "Shimizu-Morioka": Flow(
        lambda x, y, z: (y, x * (1 - z) - 0.75 * y, -0.45 * z + x**2), ((-1, 1), (-1, 1), (0, 1.5)), 15.0, 2, (TURN_Z,)
    ),
    "Rucklidge": Flow(
        lambda x, y, z: (-2 * x + 6.7 * y - y * z, x, -z + y**2), ((-3, 3), (-3, 3), (2, 10)), 10.0, 2, (TURN_Z,)
    ),
    "Burke-Shaw": Flow(lambda x, y, z: (-10 * (x + y), -y - 10 * x * z, 10 * x * y + 4.272), CUBE, 5.0, 2, (TURN_Z,)),
    "Free rigid body": Flow(
        lambda x, y, z: (-0.5 * y * z, 0.8 * z * x, -0.3 * x * y),
        ((-2, 2), (-2, 2), (-2, 2)),
        10.0,
        2,
        (TURN_Z, "x -> -x, z -> -z", "y -> -y, z -> -z"),
    ),
    "May-Leonard": Flow(
        lambda x, y, z: (
            x * (1 - x - 0.8 * y - 1.3 * z),
            y * (1 - y - 0.8 * z - 1.3 * x),
            z * (1 - z - 0.8 * x - 1.3 * y),
        ),
        ((0.05, 1), (0.05, 1), (0.05, 1)),
        20.0,
        2,
        (CYCLE,),
    ),
    "Duffing, unforced": Flow(lambda x, y: (y, x - x**3 - 0.2 * y), ((-2, 2), (-2, 2)), 10.0, 3, (inversion(2),)),
    "Van der Pol": Flow(lambda x, y: (y, (1 - x**2) * y - x), ((-3, 3), (-3, 3)), 8.0, 3, (inversion(2),)),
    "Lotka-Volterra": Flow(lambda x, y: (x * (1 - y), y * (x - 1)), ((0.3, 2), (0.3, 2)), 8.0, 2),
    "Equal competitors": Flow(
        lambda x, y: (x * (1 - x - 0.5 * y), y * (1 - y - 0.5 * x)), ((0.05, 1.5), (0.05, 1.5)), 8.0, 2, ("swap x, y",)
    ),
    "Nearly equal competitors": Flow(
        lambda x, y: (x * (1 - x - 0.5 * y), y * (1.05 - y - 0.5 * x)), ((0.05, 1.5), (0.05, 1.5)), 8.0, 2
    ),
}


def values(flow, points):
    return np.stack(np.broadcast_arrays(*flow.field(*points.T)), axis=-1).astype(float)


def candidates(flow):
    n = len(flow.box)
    states = "xyz"[:n]
    return (sd.groups.sign_flips(n, states=states) + sd.groups.permutations(n, states=states)).searched()


def truth(flow):
    """Which candidates are symmetries, by evaluation of f(g x) = A f(x) at random points of all orthants."""
    points = 3 * np.random.default_rng(0).standard_normal((200, len(flow.box)))
    here = values(flow, points)
    gaps = []
    for member in candidates(flow):
        matrix = member.matrices[0]
        gaps.append(np.abs(values(flow, points @ matrix.T) - here @ matrix.T).max())
    return np.array(gaps) < 1e-9 * np.abs(here).max()


def library(flow):
    if flow.degree:
        return sd.features.Polynomial(flow.degree)
    trigonometric = ps.PolynomialLibrary(1) + ps.FourierLibrary(1)
    return sd.features.from_library(trigonometric.fit(np.zeros((2, len(flow.box)))))


def simulate(flow, noise, seed, n_trajectories=12, n_times=400):
    """Trajectories from starts uniform in the box, white noise as a fraction of the spread of each state."""
    rng = np.random.default_rng(seed)
    times = np.linspace(0, flow.length, n_times)
    low, high = np.transpose(flow.box)
    clean = [
        solve_ivp(
            lambda _, x: np.array(flow.field(*x)),
            (0, flow.length),
            rng.uniform(low, high),
            t_eval=times,
            rtol=1e-9,
            atol=1e-11,
            method="DOP853",
        ).y.T
        for _ in range(n_trajectories)
    ]
    spread = np.concatenate(clean).std(axis=0)
    return [run + noise * spread * rng.standard_normal(run.shape) for run in clean], times[1]


def sample_of(flow, runs):
    points = np.concatenate([run[:: max(len(runs) * len(run) // 2000, 1)] for run in runs])
    spreads = np.broadcast_to(np.concatenate(runs).std(axis=0), points.shape)
    return LawSample(library(flow), points, 1 / spreads, spreads)


def exact_fit(flow):
    """The law itself, its coefficients from values at random points."""
    points = np.random.default_rng(1).uniform(-2, 2, (400, len(flow.box)))
    coefficients = np.linalg.lstsq(library(flow)(points), values(flow, points), rcond=None)[0].T
    nothing = np.zeros((1, *coefficients.shape))
    return LawFit(coefficients, (), [], nothing, np.ones(1), nothing)


@pytest.mark.parametrize("name", FLOWS)
def test_the_literature_and_evaluation_agree_on_the_symmetries_of_a_flow(name):
    members, true = candidates(FLOWS[name]), truth(FLOWS[name])
    assert sorted(np.array(members.texts())[true]) == sorted(FLOWS[name].known)


@pytest.mark.parametrize("name", FLOWS)
def test_verdicts_on_an_exact_law_are_exact(name):
    flow = FLOWS[name]
    low, high = np.transpose(flow.box)
    points = np.random.default_rng(2).uniform(low, high, (300, len(flow.box)))
    found = judge_elements_of_function(lambda x: values(flow, x), points, candidates(flow), "vector_field")
    np.testing.assert_array_equal(found.verdict.values, np.where(truth(flow), "symmetric", "broken"))


@pytest.mark.filterwarnings("ignore:the law leaves more than")
@pytest.mark.accuracy
def test_verdicts_on_simulated_flows():
    """Target: nothing broken by more than delta called symmetric, nothing true called broken or exact wrongly.

    Two of the data sets (Rabinovich-Fabrikant, 5 % noise, whose bursts the windows do not resolve) are warned of.
    """
    confusion = Counter()
    print(f"\nsign flips and permutations, 12 trajectories of 400 points, delta {DELTA}, alpha {ALPHA}, seeds {SEEDS}")
    for name, flow in FLOWS.items():
        for noise in NOISES:
            line = Counter()
            for seed in SEEDS:
                verdicts, true, eps = one_data_set(flow, noise, seed)
                kinds = np.where(true, "true", np.where(eps < DELTA, "broken within delta", "broken"))
                line.update(zip(kinds, verdicts.verdict.values, strict=True))
                exact = (verdicts.verdict.values == "symmetric") & ~verdicts.exact_rejected.values
                line[("broken", "symmetric and not rejected as exact")] += int(np.sum(exact & ~true))
                line[("true", "rejected as exact")] += int(np.sum(verdicts.exact_rejected.values & true))
            confusion.update({(noise, *key): count for key, count in line.items()})
            shown = ", ".join(f"{kind} -> {verdict}: {n}" for (kind, verdict), n in sorted(line.items()) if n)
            print(f"{name:<26}{100 * noise:3.0f} %  {shown}")
    print("all flows")
    for (noise, kind, verdict), count in sorted(confusion.items()):
        print(f"  {100 * noise:3.0f} % noise: {kind:<20} -> {verdict:<36}{count:5d}")
    assert all(
        count == 0 for (_, kind, verdict), count in confusion.items() if (kind, verdict) == ("broken", "symmetric")
    )
    n_true = sum(c for (_, kind, v), c in confusion.items() if kind == "true" and v != "rejected as exact")
    n_false = sum(c for (_, kind, v), c in confusion.items() if kind == "true" and v == "broken")
    assert n_false <= ALPHA * n_true


def one_data_set(flow, noise, seed):
    """Verdicts, which candidates are true, and their eps by the exact law at the same points."""
    runs, step = simulate(flow, noise, seed)
    n = len(flow.box)
    search = sd.SymmetryDiscovery(sd.candidates.gl(n), library(flow)).fit((runs, step))
    sample = sample_of(flow, runs)
    verdicts = judge_elements(candidates(flow), search.law_fit_, sample, delta=DELTA, alpha=ALPHA)
    exact = judge_elements(candidates(flow), exact_fit(flow), sample, delta=DELTA)
    return verdicts, truth(flow), exact.violation.values
