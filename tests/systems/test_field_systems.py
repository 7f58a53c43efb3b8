import numpy as np
import pytest

from symdyn.systems import fields
from symdyn.systems.fieldlaws import field_equations
from symdyn.systems.spectral import evolve_periodic

X = np.arange(64) * 2 * np.pi / 64


def test_modes_of_the_heat_equation_decay_at_their_rates():
    start = (np.sin(X) + np.cos(3 * X))[None, None]
    found = evolve_periodic({"u": {"u_xx": 0.5}}, start, [2 * np.pi], np.array([0, 0.7]), largest_step=0.7)
    exact = np.exp(-0.35) * np.sin(X) + np.exp(-0.35 * 9) * np.cos(3 * X)
    np.testing.assert_allclose(found[1, 0, 0], exact, atol=1e-13)


def test_a_soliton_of_kdv_travels_unchanged():
    x = np.arange(256) * 60 / 256 - 30

    def wave(t):
        return (3.0 / np.cosh(0.5 * (x - t)) ** 2)[None, None]  # speed 1

    found = evolve_periodic(field_equations("kdv"), wave(0), [60.0], np.array([0.0, 4.0]), largest_step=0.01)
    np.testing.assert_allclose(found[1], wave(4.0), atol=1e-6)


@pytest.mark.parametrize("name", ["burgers", "schroedinger"])
def test_the_scheme_is_of_fourth_order(name):
    equations = field_equations(name)
    start = np.stack([np.cos(X + k) + 0.5 * np.sin(2 * X) for k in range(len(equations))])[:, None]
    ends = [
        evolve_periodic(equations, start, [2 * np.pi], np.array([0.0, 0.8]), largest_step=h)[1]
        for h in (0.1, 0.05, 0.0125)
    ]
    errors = [np.abs(end - ends[2]).max() for end in ends[:2]]
    assert 11 < errors[0] / errors[1] < 22


def test_differences_approach_derivatives_with_the_square_of_the_step():
    errors = []
    for n in (32, 64):
        x = np.arange(n) * 2 * np.pi / n
        start, times = np.sin(x)[None, None], np.array([0.0, 0.5])
        exact = evolve_periodic(field_equations("burgers"), start, [2 * np.pi], times, largest_step=0.01)
        near = fields.evolve_differences(field_equations("burgers"), start, [2 * np.pi], times, largest_step=0.01)
        errors.append(np.abs(near - exact).max())
    assert 3.5 < errors[0] / errors[1] < 4.6


@pytest.mark.parametrize(
    "make", [fields.heat, fields.burgers, fields.kdv, fields.wave, fields.schroedinger, fields.kuramoto_sivashinsky]
)
def test_fields_come_in_the_schema_with_the_noise_that_was_asked_for(make):
    options = {"n_trajectories": 2, "n_times": 20, "n_points": 64, "rng": 3, "largest_step": 0.05}
    if make is fields.kuramoto_sivashinsky:
        options |= {"transient": 1.0, "largest_step": 0.2}
    clean, noisy = make(**options), make(noise=0.1, **options)
    for name in clean.attrs["states"].split():
        assert clean[name].dims == ("trajectory", "time", "x")
        spread = float((noisy[name] - clean[name]).std() / clean[name].std())
        assert abs(spread - 0.1) < 0.02


def test_a_solution_that_leaves_every_bound_says_so():
    start = np.full((1, 1, 64), 3.0)
    with np.errstate(all="ignore"), pytest.raises(ValueError, match="leaves every bound"):
        evolve_periodic({"u": {"u^3": 5.0}}, start, [1.0], np.array([0.0, 5.0]), largest_step=0.1)


def test_unknown_systems_are_named():
    with pytest.raises(ValueError, match="name must be one of heat"):
        field_equations("ether")
