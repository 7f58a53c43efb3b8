import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from symdyn.data.trajectories import from_arrays, state_names
from symdyn.data.units import shared_scales
from symdyn.functions.features import CentralForce, Polynomial
from symdyn.laws.law_fit import fit_law, law_families
from symdyn.laws.scales import find_scales
from symdyn.sums.moments import accumulate
from symdyn.systems import hopf, kepler

CENTRAL = CentralForce(range(6))
SHEAR = np.array([[1.0, 0.7], [0.0, 1.0]])


def fitted(dataset, features, kind="flow", n_bootstrap=40):
    names = state_names(dataset)
    moments = accumulate(dataset, features, kind)
    scales = find_scales(moments, shared_scales(dataset, names), kind)
    rng = np.random.default_rng(0)
    return fit_law(moments, law_families(features, names), scales, n_bootstrap=n_bootstrap, rng=rng)


def newtons_coefficients(fit, features, dataset):
    columns = np.flatnonzero(np.array(features.families(state_names(dataset))) == "q |q|^-3")
    return fit.coefficients[:, columns]


def test_clean_kepler_orbits_give_newtons_law_and_nothing_else():
    dataset = kepler(30, rng=0)
    fit = fitted(dataset, CENTRAL, "second_order")
    assert fit.kept == ("q |q|^-3",)
    np.testing.assert_allclose(newtons_coefficients(fit, CENTRAL, dataset), -np.eye(3), atol=1e-4)
    assert np.count_nonzero(fit.coefficients) <= 9


@pytest.mark.parametrize("seed", range(3))
def test_constants_and_velocities_are_rejected_at_one_percent_noise(seed):
    dataset = kepler(30, noise=0.01, rng=seed)
    features = CENTRAL + Polynomial(1, columns=(3, 4, 5))
    fit = fitted(dataset, features, "second_order")
    assert fit.kept == ("q |q|^-3",)
    # Five standard errors of a coefficient, by the fit's own account of them.
    error = 5 * np.sqrt(np.diag(fit.covariance)).max()
    np.testing.assert_allclose(newtons_coefficients(fit, features, dataset), -np.eye(3), atol=error)
    assert error < 0.02


def test_families_stay_or_go_as_a_whole():
    x, step = hopf(noise=0.05, rng=0)
    families = np.array(Polynomial(3).families("xy"))
    fit = fitted(from_arrays([run @ SHEAR.T for run in x], step), Polynomial(3))
    for label in dict.fromkeys(families):
        block = fit.coefficients[:, families == label]
        assert np.all(block != 0) if label in fit.kept else not np.any(block)
    assert fit.kept == ("degree 0", "degree 1", "degree 2", "degree 3")


def test_the_path_of_the_selection_drops_one_family_a_step():
    fit = fitted(kepler(10, noise=0.01, rng=0), CENTRAL, "second_order")
    sizes = [len(families) for families, _, _ in fit.path]
    assert sizes == [6, 5, 4, 3, 2, 1]
    for (more, *_), (fewer, *_) in zip(fit.path, fit.path[1:], strict=False):
        assert set(fewer) < set(more)
    lowest, error = min((mean, error) for _, mean, error in fit.path)
    good = [families for families, mean, _ in fit.path if mean <= lowest + error]
    assert fit.kept == min(good, key=len)


@pytest.mark.parametrize("factor", [1e3, 1e-3])
def test_the_law_of_a_rescaled_state_is_the_rescaled_law(factor):
    """y -> k y multiplies the coefficient of x^a y^b in x' by k^-b, in y' by k^(1 - b)."""
    x, step = hopf(noise=0.05, rng=1)
    runs = [run @ SHEAR.T for run in x]
    plain = fitted(from_arrays(runs, step), Polynomial(3))
    scaled = fitted(from_arrays([run * [1, factor] for run in runs], step), Polynomial(3))
    assert scaled.kept == plain.kept
    powers = np.array([0, 0, 1, 0, 1, 2, 0, 1, 2, 3])
    expected = plain.coefficients * factor**-powers * np.array([[1], [factor]])
    np.testing.assert_allclose(scaled.coefficients, expected, rtol=1e-6)


@pytest.mark.parametrize("noise", [0.0, 0.02])
def test_the_law_of_rotated_orbits_is_the_rotated_law(noise):
    dataset = kepler(15, noise=noise, rng=2)
    turn = Rotation.random(rng=0).as_matrix()
    rotated = dataset.copy(deep=True)
    for names in (list("xyz"), ["vx", "vy", "vz"]):
        moved = np.einsum("ij,jbt->ibt", turn, np.stack([dataset[name].values for name in names]))
        for name, values in zip(names, moved, strict=True):
            rotated[name].values[:] = values
    plain, turned = (fitted(data, CENTRAL, "second_order") for data in (dataset, rotated))
    assert turned.kept == plain.kept
    blocks = plain.coefficients.reshape(3, -1, 3)
    expected = np.einsum("ij,jkl,ml->ikm", turn, blocks, turn).reshape(3, -1)
    np.testing.assert_allclose(turned.coefficients, expected, atol=1e-9)
    for (first, mean, _), (second, other, _) in zip(plain.path, turned.path, strict=True):
        assert first == second
        # Sums over 15 orbits, solved with a condition number of up to 1e6 for all six powers together.
        assert other == pytest.approx(mean, rel=1e-6, abs=1e-10)


@pytest.mark.parametrize("n_bodies", [1, 2])
def test_one_or_two_orbits_are_enough_for_a_law(n_bodies):
    """Folds are then stretches of time; an orbit in one plane says nothing about the direction across."""
    dataset = kepler(n_bodies, rng=3, n_periods=6, n_times=1200)
    features = CentralForce((0, 3))
    fit = fitted(dataset, features, "second_order")
    assert fit.kept == ("q |q|^-3",)
    law = newtons_coefficients(fit, features, dataset)
    position = np.stack([dataset[name].values[0] for name in "xyz"])
    np.testing.assert_allclose(law @ position, -position, atol=1e-4 * np.abs(position).max())


def test_bootstrap_errors_cover_the_truth():
    """The z-scores of coefficients over 20 data sets have mean square about 1 (chi-square: 0.5 to 2.1 at 5 sigma)."""
    truth = -np.eye(3)
    squares = []
    for seed in range(20):
        dataset = kepler(20, noise=0.02, rng=seed, n_times=200)
        fit = fitted(dataset, CentralForce((3,)), "second_order", n_bootstrap=100)
        bars = np.sqrt(np.diag(fit.covariance)).reshape(3, 3)
        squares.append(((fit.coefficients - truth) / bars) ** 2)
    assert 0.5 < np.mean(squares) < 2.1


def test_features_that_vanish_on_the_data_have_no_known_coefficient(planar_orbits):
    """Motion in the plane z = 0: coefficients of z are 0, with errors larger than any other coefficient."""
    fit = fitted(planar_orbits, CentralForce((3,)), "second_order")
    bars = np.sqrt(np.diag(fit.covariance)).reshape(3, 3)
    np.testing.assert_allclose(fit.coefficients[:, :2], -np.eye(3)[:, :2], atol=1e-4)
    assert not fit.coefficients[:, 2].any() and np.all(bars[:, 2] > 1)
    assert bars[:, :2].max() < 1e-4


def test_covariance_is_that_of_the_replicates():
    fit = fitted(from_arrays(*hopf(noise=0.05, rng=2)), Polynomial(3))
    assert fit.errors.shape == (40, 2, 10) and fit.stretch.shape == (40,)
    flat = fit.errors.reshape(40, -1)
    np.testing.assert_allclose(fit.covariance, flat.T @ flat / 40, rtol=1e-12)
    assert np.all(fit.stretch > 0)
