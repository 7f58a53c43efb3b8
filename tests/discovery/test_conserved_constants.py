"""Quantities with one value in all runs, of few runs, and of laws that were found: conserved or not, and why."""

import numpy as np
import pytest

import symdyn as sd
from symdyn.discovery.conservation.left_out_runs import LeftOut
from symdyn.functions.features import Polynomial

FEW = {"n_bootstrap": 50}


def epidemic(n, noise, seed, totals=(1.0, 1.0)):
    """S' = −b S I / N, I' = b S I / N − g I, R' = g I by Runge-Kutta steps, all runs at once."""
    rng = np.random.default_rng(seed)
    total = rng.uniform(*totals, n)
    infected, immune = rng.uniform(0.01, 0.2, n), rng.uniform(0.0, 0.3, n)
    x = np.stack([1 - infected - immune, infected, immune], axis=1) * total[:, None]

    def rates(x):
        flow = 0.5 * x[:, 0] * x[:, 1] / total
        return np.stack([-flow, flow - 0.15 * x[:, 1], 0.15 * x[:, 1]], axis=1)

    return _noisy(rates, x, 0.2, 200, noise, rng)


def _noisy(rates, x, step, count, noise, rng):
    states = [x]
    for _ in range(count - 1):
        for _ in range(4):
            h = step / 4
            one = rates(x)
            two = rates(x + h / 2 * one)
            three = rates(x + h / 2 * two)
            x = x + h / 6 * (one + 2 * two + 2 * three + rates(x + h * three))
        states.append(x)
    runs = np.stack(states, axis=1)
    runs = runs + noise * runs.std(axis=(0, 1)) * rng.standard_normal(runs.shape)
    return list(runs), step


def nearest(found, terms):
    """The quantity that is most nearly the given linear function."""
    row = np.array([terms.get(str(name), 0.0) for name in found.feature.values])
    c = found.coefficients.values
    return found.isel(quantity=int(np.argmax(np.abs(c @ row) / np.linalg.norm(c, axis=1))))


SUM = {"x0": 1.0, "x1": 1.0, "x2": 1.0}


@pytest.mark.parametrize("noise", [0.0, 0.01, 0.05])
@pytest.mark.parametrize("degree", [1, 2])
def test_a_sum_that_is_the_same_in_all_runs_is_conserved_and_its_one_value_is_said(noise, degree):
    for seed in range(2):
        found = sd.conserved_quantities(epidemic(8, noise, seed), Polynomial(degree), **FEW)
        total = nearest(found, SUM)
        assert total.verdict == "conserved" and total.violation <= total.upper_bound < 0.05
        assert (noise > 0 or not total.exact_rejected) and "one value on all the data" in total.reason.item()
        assert list(found.verdict.values).count("conserved") == 1 and found.verdict.values[0] == "conserved"


def test_a_sum_that_differs_between_runs_is_conserved_by_its_own_spread():
    found = sd.conserved_quantities(epidemic(12, 0.01, 0, (0.8, 1.2)), Polynomial(1), **FEW)
    total = nearest(found, SUM)
    assert total.verdict == "conserved" and total.reason == ""


def test_the_unit_and_the_origin_of_states_do_not_change_what_has_one_value():
    runs, step = epidemic(8, 0.01, 0)
    moved = [run * [1e3, 1.0, 1e-3] + [5.0, -1.0, 0.1] for run in runs]
    plain, other = (sd.conserved_quantities((x, step), Polynomial(1), **FEW) for x in (runs, moved))
    np.testing.assert_array_equal(plain.verdict.values, other.verdict.values)
    np.testing.assert_allclose(plain.upper_bound.values, other.upper_bound.values, rtol=1e-5, atol=1e-7)


def test_states_that_move_together_but_not_as_one_conserve_no_difference():
    """x − y swings by a twentieth of x: small against its terms, and not constant at all."""
    times, rng = np.arange(300) * 0.1, np.random.default_rng(0)
    runs = []
    for size, phase in zip(rng.uniform(0.5, 2, 12), rng.uniform(0, 6, 12), strict=True):
        common, apart = size * np.sin(times + phase), 0.05 * np.sin(3.3 * times + 2 * phase)
        noise = 0.01 * rng.standard_normal((300, 2))
        runs.append(np.column_stack([common + apart, common - apart]) + noise)
    found = sd.conserved_quantities((runs, 0.1), Polynomial(1), **FEW)
    assert set(found.verdict.values) == {"broken"}


def test_a_limit_cycle_conserves_nothing():
    """x^2 + y^2 has one value there, and none else where the motion is attracted by it."""
    times = np.arange(400) * 0.1
    runs = [np.column_stack([np.cos(times + k), np.sin(times + k)]) for k in range(12)]
    for noise in (0.0, 0.02):
        rng = np.random.default_rng(0)
        noisy = [run + noise * rng.standard_normal(run.shape) for run in runs]
        found = sd.conserved_quantities((noisy, 0.1), Polynomial(2), **FEW)
        assert "conserved" not in found.verdict.values
        undecided = found.reason.values[found.verdict.values == "undetermined"]
        assert noise > 0 or any("trajectories that differ in it would decide" in reason for reason in undecided)


def pendula(n, seed, noise=0.005):
    """Two coupled, weakly damped pendula that start at rest: no polynomial of degree 3 is conserved."""
    rng = np.random.default_rng(seed)
    start = np.hstack([rng.uniform(-1, 1, (n, 2)), np.zeros((n, 2))])

    def rates(x):
        a, b, u, v = x.T
        d = a - b
        below = 2 - np.cos(d) ** 2
        du = -np.sin(d) * np.cos(d) * u**2 - np.sin(d) * v**2 + np.sin(b) * np.cos(d) - 2 * np.sin(a)
        dv = 2 * np.sin(d) * u**2 + np.sin(d) * np.cos(d) * v**2 + 2 * np.sin(a) * np.cos(d) - 2 * np.sin(b)
        return np.stack([u, v, du / below - 0.02 * u, dv / below - 0.02 * v], axis=1)

    return _noisy(rates, start, 0.05, 240, noise, rng)


@pytest.mark.parametrize("n_runs", [2, 3])
def test_few_runs_show_no_polynomial_of_many_terms_conserved(n_runs):
    for seed in range(3):
        found = sd.conserved_quantities(pendula(n_runs, seed), Polynomial(2), **FEW)
        assert "conserved" not in found.verdict.values
        assert found.attrs["n_trajectories"] == n_runs and found.attrs["n_parts"] >= 20
        open_rows = found.verdict.values == "undetermined"
        assert all(found.reason.values[open_rows]) and not any(found.reason.values[~open_rows])


def test_what_is_conserved_is_conserved_on_runs_left_out_and_what_was_fitted_to_each_is_not():
    rng = np.random.default_rng(0)
    frame, _ = np.linalg.qr(rng.standard_normal((6, 6)))
    kept = frame[:, 0]
    inside = [frame[:, 1:] @ rng.standard_normal((5, 20)) for _ in range(4)]
    runs = np.array([part @ part.T for part in inside])
    others = LeftOut.of(runs, np.full(4, 20.0), 1e-6 * np.eye(6), np.eye(6))
    assert others.violations(kept[None])[0] < 1e-3
    assert others.violations(frame[:, 1][None])[0] > 0.5


def oscillator(damping, noise, library, seed=0):
    rng = np.random.default_rng(seed)

    def rates(x):
        return np.stack([x[:, 1], -x[:, 0] - damping * x[:, 1]], axis=1)

    data = _noisy(rates, rng.uniform(-1.5, 1.5, (12, 2)), 0.1, 200, noise, rng)
    return sd.SymmetryDiscovery("gl", library, n_bootstrap=40).fit(data)


def test_quantities_of_a_law_that_was_found_pay_for_its_error():
    clean = sd.conserved_quantities(oscillator(0.0, 0.0, "polynomial:1"), Polynomial(2))
    assert clean.verdict.values[0] == "conserved" and clean.upper_bound.values[0] < 0.1
    noisy = sd.conserved_quantities(oscillator(0.0, 0.1, "polynomial:1"), Polynomial(2))
    assert "conserved" not in noisy.verdict.values and "of the rates over" in noisy.reason.values[0]
    damped = sd.conserved_quantities(oscillator(0.1, 0.0, "polynomial:1"), Polynomial(2))
    assert set(damped.verdict.values) == {"broken"}
