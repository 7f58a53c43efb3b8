import numpy as np
import pytest

from symdyn.rows.rates import spline_derivative
from symdyn.systems import damped_oscillator, hopf, kepler, with_noise

POSITIONS, VELOCITIES = list("xyz"), ["vx", "vy", "vz"]


def stacked(dataset, names):
    """`(trajectory, time, component)`."""
    return np.stack([dataset[name].values for name in names], axis=-1)


def momenta_and_energies(dataset):
    position, velocity = stacked(dataset, POSITIONS), stacked(dataset, VELOCITIES)
    energy = np.sum(velocity**2, axis=-1) / 2 - 1 / np.linalg.norm(position, axis=-1)
    return np.cross(position, velocity), energy


def test_kepler_solves_newtons_law():
    dataset = kepler(8, rng=0, n_times=2000)
    position, velocity = stacked(dataset, POSITIONS), stacked(dataset, VELOCITIES)
    pull = -position / np.linalg.norm(position, axis=-1, keepdims=True) ** 3
    for times, q, v, g in zip(dataset.t.values, position, velocity, pull, strict=True):
        # The spline's own error: fifth order, 1000 samples a period.
        assert np.abs(spline_derivative(times, q) - v).max() < 1e-7 * np.abs(v).max()
        assert np.abs(spline_derivative(times, v) - g).max() < 1e-6 * np.abs(g).max()


def test_kepler_orbits_keep_energy_and_angular_momentum():
    momentum, energy = momenta_and_energies(kepler(20, rng=1))
    np.testing.assert_allclose(energy, energy[:, :1] * np.ones(energy.shape[1]), rtol=1e-12)
    drift = np.abs(momentum - momentum[:, :1]).max(axis=(1, 2))
    assert np.all(drift < 1e-12 * np.linalg.norm(momentum[:, 0], axis=-1))


def test_kepler_orbits_close_after_the_period_of_the_third_law():
    dataset = kepler(10, rng=2, n_times=401, n_periods=2.0)
    _, energy = momenta_and_energies(dataset)
    axis = -1 / (2 * energy[:, 0])
    assert 0.4 <= axis.min() and axis.max() <= 4.0
    np.testing.assert_allclose(dataset.t.values[:, 200], 2 * np.pi * axis**1.5, rtol=1e-12)
    for names in (POSITIONS, VELOCITIES):
        states = stacked(dataset, names)
        np.testing.assert_allclose(states[:, 200:], states[:, :201], atol=1e-10 * np.abs(states).max())


def test_kepler_eccentricities_are_as_documented():
    dataset = kepler(200, rng=3, n_times=30)
    momentum, energy = momenta_and_energies(dataset)
    squared = 1 + 2 * energy[:, 0] * np.sum(momentum[:, 0] ** 2, axis=-1)
    assert squared.min() > -1e-12 and squared.max() <= 0.36 + 1e-12
    assert np.sqrt(squared.max()) > 0.55


def tilts(dataset):
    momentum = momenta_and_energies(dataset)[0][:, 0]
    return np.arccos(momentum[:, 2] / np.linalg.norm(momentum, axis=-1))


def test_orbits_are_isotropic_or_nearly_planar():
    """cos of the tilt is uniform on [-1, 1] for isotropic orientations; else the tilt is normal with spread 0.05."""
    n = 400
    cosines = np.cos(tilts(kepler(n, rng=4, n_times=30)))
    assert abs(cosines.mean()) < 4 / np.sqrt(3 * n)
    assert abs(np.mean(cosines**2) - 1 / 3) < 4 * np.sqrt(4 / 45 / n)
    planar = tilts(kepler(n, isotropic=False, rng=4, n_times=30))
    assert planar.max() < 0.25
    assert abs(np.sqrt(np.mean(planar**2)) - 0.05) < 4 * 0.05 / np.sqrt(2 * n)


@pytest.mark.parametrize("names", [POSITIONS, VELOCITIES])
def test_noise_is_a_fraction_of_the_size_of_each_body(names):
    clean, noisy = (stacked(kepler(20, noise=level, rng=5), names) for level in (0.0, 0.1))
    size = np.sqrt(np.mean(np.sum(clean**2, axis=-1), axis=-1))
    relative = (noisy - clean) / size[:, None, None]
    # 1200 normal numbers a body know their standard deviation to 2 %; four standard errors.
    np.testing.assert_allclose(relative.std(axis=(1, 2)), 0.1, rtol=4 / np.sqrt(2 * 1200))
    pairs = np.corrcoef(relative.reshape(-1, 3).T)
    assert np.abs(pairs - np.eye(3)).max() < 4 / np.sqrt(len(relative) * 400)


def test_noise_keeps_attributes_times_and_the_clean_trajectories():
    clean = kepler(3, rng=6)
    before = clean.copy(deep=True)
    noisy = with_noise(clean, 0.05, rng=0)
    assert clean.identical(before)
    assert noisy.attrs == clean.attrs and noisy.t.identical(clean.t)
    for name in clean.data_vars:
        assert noisy[name].attrs == clean[name].attrs and noisy[name].dims == clean[name].dims
    assert noisy.vx.attrs["derivative_of"] == "x"
    assert with_noise(clean, 0.0).identical(clean)


def test_one_seed_gives_one_data_set():
    assert kepler(3, noise=0.01, rng=7).identical(kepler(3, noise=0.01, rng=7))
    assert not kepler(3, noise=0.01, rng=7).equals(kepler(3, noise=0.01, rng=8))
    np.testing.assert_array_equal(hopf(noise=0.1, rng=7)[0], hopf(noise=0.1, rng=7)[0])


def hopf_field(x):
    growth = 0.5 - np.sum(x**2, axis=1, keepdims=True)
    return growth * x + 1.3 * np.column_stack([-x[:, 1], x[:, 0]])


def damped_field(x):
    return -0.1 * x + np.column_stack([-x[:, 1], x[:, 0]])


@pytest.mark.parametrize(("system", "field"), [(hopf, hopf_field), (damped_oscillator, damped_field)])
def test_planar_trajectories_solve_their_equation(system, field):
    x, step = system(rng=0, n_trajectories=5, n_times=2000)
    assert len(x) == 5 and x[0].shape == (2000, 2)
    assert np.abs([run[0] for run in x]).max() <= 1
    for run in x:
        rates = spline_derivative(step * np.arange(2000), run)
        # Quintic splines end with an error of the order of step^5: 1e-8 for the fast start of a Hopf trajectory.
        assert np.abs(rates - field(run)).max() < 1e-7


@pytest.mark.parametrize("system", [hopf, damped_oscillator])
def test_planar_noise_is_a_fraction_of_the_spread_of_each_state(system):
    clean, noisy = (np.concatenate(system(noise=level, rng=1)[0]) for level in (0.0, 0.2))
    relative = (noisy - clean).std(axis=0) / clean.std(axis=0)
    np.testing.assert_allclose(relative, 0.2, rtol=4 / np.sqrt(2 * len(clean)))
