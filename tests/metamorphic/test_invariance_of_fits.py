"""Constrained laws know no units and no origin, where no optimizer of the user's acts in his units."""

import warnings

import numpy as np
import pysindy as ps
import pytest
from sklearn.linear_model import LinearRegression

import symdyn as sd
from symdyn.regression import SymmetricSINDy, discover_then_fit, fit_moments

CUBIC = sd.features.Polynomial(3)
UNITS = {"tiny and huge": (1e-9, 1e9), "huge and small": (1e6, 3e-4)}
ORIGINS = {"0": 0.0, "300": 300.0, "1000": 1000.0}


@pytest.fixture(autouse=True)
def _quiet():
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=UserWarning)
        yield


def hopf(seed=0):
    x, step = sd.systems.hopf(noise=0.03, rng=seed, n_trajectories=10, n_times=200)
    return x, step, np.concatenate(x).std(axis=0)


def moved(runs, scale, shift, spread):
    return [(run + shift * spread) * scale for run in runs]


def turn_about(scale, shift, spread):
    """The rotation of the plain states about 0, carried along."""
    scale = np.asarray(scale, dtype=float)
    matrix = np.array([[0.0, 1.0], [-1.0, 0.0]]) * scale[:, None] / scale
    return sd.LieAlgebra(sd.candidates.from_matrices([matrix], [-matrix @ (shift * spread * scale)]))


def assert_same_rates(found, expected, scale, shift, spread, points, tolerance, clock=1.0):
    there = found(moved([points], scale, shift, spread)[0]) / np.asarray(scale) * clock
    here = expected(points)
    np.testing.assert_allclose((there - here) / np.abs(here).max(axis=0), 0, atol=tolerance)


@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("shift", ORIGINS.values(), ids=ORIGINS)
@pytest.mark.parametrize("scale", UNITS.values(), ids=UNITS)
def test_laws_from_sums(scale, shift, symmetric):
    x, step, spread = hopf()

    def fitted(scale, shift, clock):
        symmetry = turn_about(scale, shift, spread) if symmetric else None
        return fit_moments((moved(x, scale, shift, spread), step * clock), CUBIC, symmetry=symmetry)

    plain, found = fitted((1.0, 1.0), 0.0, 1.0), fitted(scale, shift, 1e-5)
    assert_same_rates(found, plain, scale, shift, spread, np.concatenate(x)[::31], 1e-4 if shift else 1e-6, 1e-5)


def test_least_squares_from_sums_keep_their_digits_in_any_unit():
    x, step, spread = hopf()
    optimizer = LinearRegression(fit_intercept=False)
    plain = fit_moments((x, step), CUBIC, optimizer=optimizer)
    for scale in UNITS.values():
        found = fit_moments((moved(x, scale, 0.0, spread), step), CUBIC, optimizer=optimizer)
        assert_same_rates(found, plain, scale, 0.0, spread, np.concatenate(x)[::31], 1e-6)


@pytest.mark.parametrize("optimizer", [None, LinearRegression(fit_intercept=False), ps.STLSQ(threshold=0, alpha=0)])
@pytest.mark.parametrize(("scale", "shift"), [((1e-9, 1e9), 0.0), ((1e5, 1e-3), 0.0), ((1.0, 1e3), 100.0)])
def test_constrained_sindy(scale, shift, optimizer):
    x, step, spread = hopf()

    def fitted(scale, shift):
        model = SymmetricSINDy(optimizer, ps.PolynomialLibrary(3), symmetry=turn_about(scale, shift, spread))
        return model.fit(moved(x, scale, shift, spread), step)

    plain, found = fitted((1.0, 1.0), 0.0), fitted(scale, shift)
    assert found.subspace_.dim == plain.subspace_.dim == 4
    points = np.concatenate(x)[::31]
    there = np.asarray(found.predict(moved([points], scale, shift, spread)[0])) / np.asarray(scale)
    here = np.asarray(plain.predict(points))
    np.testing.assert_allclose(there, here, atol=(1e-4 if shift else 1e-6) * np.abs(here).max())


def test_an_optimizer_that_is_given_acts_in_the_units_of_its_user():
    x, step, spread = hopf()
    optimizer = ps.STLSQ(threshold=1.1, alpha=1e-12)
    small = fit_moments((moved(x, (0.1, 0.1), 0.0, spread), step), CUBIC, optimizer=optimizer)
    plain = fit_moments((x, step), CUBIC, optimizer=optimizer)
    # Cubic coefficients are a hundred times as large in small units, and stay.
    assert np.count_nonzero(small.coefficients[:, 6:]) > np.count_nonzero(plain.coefficients[:, 6:]) == 0


@pytest.mark.parametrize(("scale", "shift"), [((1e-9, 1e9), 0.0), ((1e3, 1.0), 300.0)])
def test_discovered_then_fitted(scale, shift):
    x, step, spread = hopf(seed=1)
    plain, found = (
        discover_then_fit((moved(x, s, c, spread), step), sd.candidates.affine(2), CUBIC, n_bootstrap=60)
        for s, c in (((1.0, 1.0), 0.0), (scale, shift))
    )
    tolerance = 1e-4 if shift else 1e-6
    assert found.search.algebra_.name == plain.search.algebra_.name == "so(2)"
    np.testing.assert_array_equal(found.table.n_free, plain.table.n_free)
    np.testing.assert_allclose(found.table.held_out_error, plain.table.held_out_error, atol=tolerance)
    for one, other in ((found.law, plain.law), (found.free, plain.free)):
        assert_same_rates(one, other, scale, shift, spread, np.concatenate(x)[::31], tolerance)


def test_a_saved_law_far_from_the_origin_keeps_its_digits(tmp_path):
    x, step, spread = hopf()
    law = fit_moments((moved(x, (1.0, 1.0), 1e6, spread), step), CUBIC)
    points = moved([np.concatenate(x)[::31]], (1.0, 1.0), 1e6, spread)[0]
    law.save(tmp_path / "law.nc")
    loaded = type(law).load(tmp_path / "law.nc")
    np.testing.assert_array_equal(loaded(points), law(points))
    np.testing.assert_allclose(law.to_function()(points), law(points), rtol=1e-12)
    plain = fit_moments((x, step), CUBIC)
    assert_same_rates(law, plain, (1.0, 1.0), 1e6, spread, np.concatenate(x)[::31], 1e-3)


def test_what_a_found_symmetry_leaves_free_does_not_depend_on_units():
    """Rotations whose centre and ratio of scales were found leave four numbers of twenty, in any unit."""
    x, step, spread = hopf()
    for scale, shift in (((1.0, 1.0), 0.0), ((1.0, 1000.0), 0.0), ((1e-9, 1e9), 20.0)):
        runs = moved(x, scale, shift, spread)
        found = sd.SymmetryDiscovery(sd.candidates.affine(2), CUBIC, n_bootstrap=60).fit((runs, step))
        assert sd.equivariant_subspace(CUBIC, found.algebra_).dim == 4
        loaded = found.algebra_
        assert loaded.canonical() is loaded and loaded.exact.all()
