import numpy as np
import pytest

from symdyn import systems
from symdyn.rows.rates import spline_derivative

NAMES = ["cubic_spiral", "duffing", "lorenz", "lotka_volterra", "rossler", "selkov", "van_der_pol"]


@pytest.mark.parametrize("name", [*NAMES, "hopf", "damped_oscillator"])
def test_trajectories_solve_the_exact_law(name):
    x, step = getattr(systems, name)(rng=0, n_trajectories=4, n_times=8000)
    law = systems.exact_law(name)
    assert len(x) == 4 and x[0].shape == (8000, len(law.states))
    for run in x:
        rates = law(run)
        gap = spline_derivative(step * np.arange(8000), run) - rates
        assert np.abs(gap[20:-20]).max() < 1e-6 * np.abs(rates).max()


@pytest.mark.parametrize("name", NAMES)
def test_noise_is_a_fraction_of_the_spread_of_each_state(name):
    clean, noisy = (np.concatenate(getattr(systems, name)(noise=level, rng=1)[0]) for level in (0.0, 0.2))
    relative = (noisy - clean).std(axis=0) / clean.std(axis=0)
    np.testing.assert_allclose(relative, 0.2, rtol=4 / np.sqrt(2 * len(clean)))


@pytest.mark.parametrize("name", ["hopf", "cubic_spiral"])
def test_spirals_commute_with_rotations_until_they_are_broken(name):
    points, angle = np.random.default_rng(0).uniform(-1, 1, (20, 2)), 0.3
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    law, broken = systems.exact_law(name), systems.exact_law(name, breaking=0.5)
    np.testing.assert_allclose(law(points @ turn.T), law(points) @ turn.T, atol=1e-12)
    assert np.abs(broken(points @ turn.T) - broken(points) @ turn.T).max() > 0.01
    np.testing.assert_allclose(law(points)[:, 0] - broken(points)[:, 0], 0.5 * points[:, 0] ** 3, atol=1e-12)


def test_duffing_keeps_its_energy():
    for run in systems.duffing(rng=0)[0]:
        energy = run[:, 1] ** 2 / 2 - run[:, 0] ** 2 / 2 + run[:, 0] ** 4 / 4
        np.testing.assert_allclose(energy, energy[0], atol=1e-8)


def test_lotka_volterra_keeps_its_invariant():
    for run in systems.lotka_volterra(rng=0)[0]:
        kept = run[:, 0] - np.log(run[:, 0]) + 4 / 3 * run[:, 1] - 2 / 3 * np.log(run[:, 1])
        np.testing.assert_allclose(kept, kept[0], atol=1e-8)


def test_unknown_systems_and_terms_are_named():
    with pytest.raises(ValueError, match="unknown system 'lorentz'; known are hopf"):
        systems.exact_law("lorentz")
    with pytest.raises(ValueError, match="unknown term 'x z'; the terms are 1, x, y"):
        systems.polynomial_law([{"x z": 1.0}, {}], "xy")


def test_a_solution_that_blows_up_is_an_error():
    law = systems.polynomial_law([{"x^2": 1.0}], "x")
    with pytest.raises(RuntimeError, match="stops before t = 5"):
        systems.simulate(law, [(1, 2)], length=5.0)
