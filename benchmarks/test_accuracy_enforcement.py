"""What enforcement costs where a symmetry is broken: `python -m pytest benchmarks/test_accuracy_enforcement.py
-m accuracy -s`.

Six systems whose symmetry is broken by 0, 2, 10 and 30 per cent. The symmetry is handed on as found, however far it is
broken (a search with a generous tolerance accepts it): what is enforced is for `fit_moments` to decide. Errors are root
mean squares of what a law misses of the rates, relative, means over outputs, on fresh clean runs of the true system.
"""

import warnings
from collections.abc import Callable
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pytest

import symdyn as sd
from symdyn.regression import discover_then_fit, fit_moments

SEEDS, N_RUNS, NOISE = range(100, 120), 10, 0.03
BROKEN = (0.0, 0.02, 0.1, 0.3)
QUADRATIC, CUBIC = sd.features.Polynomial(2), sd.features.Polynomial(3)


class System(NamedTuple):
    """Rates `(sample, state)` by how far the symmetry is broken, library, symmetry, where runs start, how long."""

    rates: Callable
    features: object
    symmetry: object
    start: Callable
    length: float
    n_times: int


def halvorsen(b):
    a = 1.4 * np.array([1, 1 + b, 1 - b])

    def rates(x):
        y, z = np.roll(x, -1, axis=-1), np.roll(x, -2, axis=-1)
        return -a * x - 4 * y - 4 * z - y**2

    return rates


def may_leonard(b):
    growth = np.array([1, 1 + b, 1 - b])
    rivalry = np.array([[1, 0.8, 1.6], [1.6, 1, 0.8], [0.8, 1.6, 1]])
    return lambda x: growth * x * (1 - x @ rivalry.T)


def coupled_van_der_pol(b):
    strength = np.array([1, 1 + b])

    def rates(x):
        q, p = x[..., :2], x[..., 2:]
        return np.concatenate([p, strength * (1 - q**2) * p - q + 0.3 * (q[..., ::-1] - q)], axis=-1)

    return rates


def hopf(b):
    def rates(x):
        turned = np.stack([-x[..., 1], x[..., 0]], axis=-1)
        return (0.5 - np.sum(x**2, axis=-1, keepdims=True)) * x + 1.3 * turned + b * x * [1, 0]

    return rates


def swirl(b):
    def rates(x):
        u, v, w = np.moveaxis(x, -1, 0)
        return np.stack([-v + 0.4 * u * (w + b), u + 0.4 * v * w, 0.3 - 0.5 * w - 0.4 * (u**2 + v**2)], axis=-1)

    return rates


def top(b):
    inertia = np.array([1.0, 1.6, 2.4])
    factors = (np.roll(inertia, -1) - np.roll(inertia, -2)) / inertia
    damping = 0.5 * b * np.array([-1, 0.3, -0.6])
    return lambda x: factors * np.roll(x, -1, axis=-1) * np.roll(x, -2, axis=-1) + damping * x


AXIS = np.array([[[0.0, -1, 0], [1, 0, 0], [0, 0, 0]]])
SYSTEMS = {
    "Halvorsen, cyclic": System(
        halvorsen, QUADRATIC, sd.groups.cyclic(3), lambda r: r.uniform(-3, 1, 3), length=4.0, n_times=400
    ),
    "May-Leonard, cyclic": System(
        may_leonard, QUADRATIC, sd.groups.cyclic(3), lambda r: r.uniform(0.05, 1, 3), length=12.0, n_times=300
    ),
    "two van der Pol, permutation": System(
        coupled_van_der_pol,
        CUBIC,
        sd.groups.permutation([1, 0, 3, 2]),
        lambda r: r.uniform(-2, 2, 4),
        length=10.0,
        n_times=300,
    ),
    "Hopf, so(2)": System(hopf, CUBIC, sd.candidates.so(2), lambda r: r.uniform(-1, 1, 2), length=8.0, n_times=300),
    "swirl, so(2)": System(
        swirl, QUADRATIC, sd.candidates.from_matrices(AXIS), lambda r: r.uniform(-1, 1, 3), length=10.0, n_times=300
    ),
    "rigid body, scaling": System(
        top,
        QUADRATIC,
        sd.candidates.from_matrices(np.eye(3)[None], time_scaling=np.array([-1.0])),
        lambda r: 1.5 * r.standard_normal(3),
        length=10.0,
        n_times=300,
    ),
}


def runs(system, broken, seed, n=N_RUNS, noise=NOISE):
    """Runs by the Runge-Kutta rule of fourth order, those that stay; noise relative to the spread over all of them."""
    rates, rng = system.rates(broken), np.random.default_rng(seed)
    step = system.length / (system.n_times - 1)
    x, inner = np.stack([system.start(rng) for _ in range(4 * n)]), step / 4
    path = [x]
    with np.errstate(all="ignore"):
        for _ in range(system.n_times - 1):
            for _ in range(4):
                a = rates(x)
                b = rates(x + inner / 2 * a)
                c = rates(x + inner / 2 * b)
                x = x + inner / 6 * (a + 2 * b + 2 * c + rates(x + inner * c))
            path.append(x)
        paths = np.stack(path, axis=1)
        found = paths[np.all(np.abs(paths) < 60, axis=(1, 2))][:n]
    spread = found.std(axis=(0, 1))
    return [run + noise * spread * rng.standard_normal(run.shape) for run in found], step


def error(law, system, broken, seed):
    points = np.concatenate(runs(system, broken, 10_000 + seed, n=6, noise=0.0)[0])
    rates = system.rates(broken)(points)
    missed = np.mean((law(points) - rates) ** 2, axis=0) / np.mean(rates**2, axis=0)
    return np.sqrt(missed.mean())


def as_found(symmetry):
    """What a search hands on that has accepted the symmetry."""
    nothing = sd.LieAlgebra(sd.candidates.translations(len(symmetry.states))).subset([])
    if hasattr(symmetry, "searched"):
        return SimpleNamespace(algebra_=nothing, elements_=symmetry.searched())
    return SimpleNamespace(algebra_=sd.LieAlgebra(symmetry), elements_=None)


def _row(system, broken, seed):
    data = runs(system, broken, seed)
    symmetry = as_found(system.symmetry)
    free, law = (fit_moments(data, system.features, symmetry=s) for s in (None, symmetry))
    inside = fit_moments(data, system.features, symmetry=system.symmetry)
    what = "enforced" if law.enforced_ else "promoted" if law.promoted_ else "dropped"
    assert law.n_terms > 0 or free.n_terms == 0
    return [error(one, system, broken, seed) for one in (free, inside, law)], what


@pytest.mark.accuracy
@pytest.mark.parametrize("name", SYSTEMS)
def test_a_symmetry_that_is_broken_costs_nothing_and_one_that_is_exact_pays(name):
    """10 runs, 3 % noise, 20 seeds: medians of errors over those of the free law, and what was decided."""
    system = SYSTEMS[name]
    whole = len(system.symmetry.states) * system.features.size(len(system.symmetry.states))
    share = np.sqrt(sd.equivariant_subspace(system.features, system.symmetry).dim / whole)
    reached = {}
    for broken in BROKEN:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            rows = [_row(system, broken, seed) for seed in SEEDS]
        errors = np.array([row for row, _ in rows])
        inside, law = (errors[:, k] / errors[:, 0] for k in (1, 2))
        decided = [sum(what == one for _, what in rows) for one in ("enforced", "promoted", "dropped")]
        print(
            f"\n{name}, broken by {broken:.0%}: free {np.median(errors[:, 0]):.4f}; over it, constrained "
            f"{np.median(inside):.2f}, returned {np.median(law):.2f} (largest {law.max():.2f}); enforced, promoted, "
            f"dropped {decided}" + ("" if broken else f"; sqrt of free coefficients {share:.2f}")
        )
        reached[broken] = np.median(law) <= (1.1 if broken else 1.2 * share)
    assert all(reached.values()), reached


@pytest.mark.accuracy
@pytest.mark.parametrize("broken", [0.0, 0.02, 0.3])
def test_discover_then_fit_returns_what_predicts_best(broken):
    """Halvorsen's cycle, searched on 4 of 10 runs with delta = 0.1; 3 % noise, 5 seeds: the law over the free one."""
    system, ratios = SYSTEMS["Halvorsen, cyclic"], []
    for seed in SEEDS[:5]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fit = discover_then_fit(runs(system, broken, seed), system.symmetry, system.features, n_bootstrap=60)
        ratios.append(error(fit.law, system, broken, seed) / error(fit.free, system, broken, seed))
    print(f"\ndiscover_then_fit, Halvorsen broken by {broken:.0%}: returned over free {np.round(ratios, 2)}")
    assert np.median(ratios) <= (1.1 if broken else 0.9)  # of 4 runs the search does not find all
