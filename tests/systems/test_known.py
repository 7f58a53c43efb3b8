import numpy as np
import pytest

from symdyn import systems
from symdyn.data.rates import spline_derivative
from symdyn.data.trajectories import each_trajectory


def test_kepler_orbits_solve_newtons_equation():
    for run in each_trajectory(systems.kepler(5, n_times=4000)):
        acceleration = spline_derivative(run.times, run.states[:, 3:])[20:-20]
        position = run.states[20:-20, :3]
        pull = -position / np.linalg.norm(position, axis=1, keepdims=True) ** 3
        np.testing.assert_allclose(acceleration, pull, atol=1e-6 * np.abs(pull).max())


def test_kepler_orbits_keep_energy_and_close():
    for run in each_trajectory(systems.kepler(5, n_periods=1)):
        energy = np.sum(run.states[:, 3:] ** 2, axis=1) / 2 - 1 / np.linalg.norm(run.states[:, :3], axis=1)
        np.testing.assert_allclose(energy, energy[0], rtol=1e-9)
        np.testing.assert_allclose(run.states[-1], run.states[0], atol=1e-9)


def test_orbits_point_in_all_directions_or_share_a_plane():
    normals = {}
    for isotropic in (True, False):
        runs = each_trajectory(systems.kepler(200, isotropic=isotropic, n_times=30))
        angular = np.array([np.cross(run.states[0, :3], run.states[0, 3:]) for run in runs])
        normals[isotropic] = angular / np.linalg.norm(angular, axis=1, keepdims=True)
    assert np.linalg.norm(normals[True].mean(axis=0)) < 0.2
    assert np.linalg.norm(normals[False].mean(axis=0)) > 0.99


@pytest.mark.parametrize("noise", [0.01, 0.2])
def test_noise_is_a_fraction_of_distance_and_speed(noise):
    clean, noisy = systems.kepler(4, rng=1, n_times=4000), systems.kepler(4, noise=noise, rng=1, n_times=4000)
    for names in (("x", "y", "z"), ("vx", "vy", "vz")):
        size = np.sqrt(sum((clean[n] ** 2).mean("time") for n in names))
        for name in names:
            np.testing.assert_allclose((noisy[name] - clean[name]).std("time") / size, noise, rtol=0.05)
            assert noisy[name].attrs == clean[name].attrs


def test_hopf_settles_on_its_circle_and_the_oscillator_decays():
    x, step = systems.hopf(length=30.0, n_times=1500)
    np.testing.assert_allclose([np.linalg.norm(run[-1]) for run in x], np.sqrt(0.5), rtol=1e-5)
    y, step = systems.damped_oscillator()
    times = step * (len(y[0]) - 1)
    for run in y:
        np.testing.assert_allclose(np.linalg.norm(run[-1]) / np.linalg.norm(run[0]), np.exp(-0.1 * times), rtol=1e-7)
