"""Fits from sums alone: equal to fits of the rows, however they were made, and free of the bias of noise."""

import numpy as np
import pysindy as ps
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Lasso, LinearRegression, Ridge

import symdyn as sd
from symdyn.regression import EquivariantOptimizer, fit_moments
from symdyn.regression.moments_fit import square_root, sums_of
from symdyn.rows.dynamics import Layout
from symdyn.sums.moments import accumulate
from symdyn.testing import assert_symmetric

CUBIC = sd.features.Polynomial(3)
ROTATION = sd.LieAlgebra(sd.candidates.so(2))
HOPF = sd.systems.exact_law("hopf")
NOISY = sd.systems.hopf(noise=0.05, rng=0)
OPTIMIZERS = {
    "STLSQ": ps.STLSQ(threshold=0.1, alpha=0.3),
    "STLSQ, columns scaled": ps.STLSQ(threshold=0.05, normalize_columns=True),
    "SR3": ps.SR3(reg_weight_lam=0.01, max_iter=3000),
    "Ridge": Ridge(alpha=2.0, fit_intercept=False),
    "LinearRegression": LinearRegression(fit_intercept=False),
}


def pairs(rng, n=200):
    points = rng.uniform(-1, 1, (n, 2))
    return points, HOPF(points) + 0.05 * rng.standard_normal((n, 2))


@pytest.mark.parametrize("symmetry", [None, ROTATION], ids=["free", "rotation"])
@pytest.mark.parametrize("name", OPTIMIZERS)
@given(seed=st.integers(0, 10**6))
@settings(max_examples=5, deadline=None)
def test_sums_give_the_same_law_as_the_rows(name, symmetry, seed):
    points, rates = pairs(np.random.default_rng(seed))
    law = fit_moments((points, rates), CUBIC, symmetry=symmetry, optimizer=OPTIMIZERS[name], layout="pairs")
    if name == "LinearRegression":  # what penalises nothing is fitted in the chart, where targets weigh alike
        chart, units = law.inside.chart, law.inside.units
        direct = EquivariantOptimizer(OPTIMIZERS[name], symmetry, CUBIC, chart=chart)
        direct.fit(CUBIC(chart.points(points)), rates / units)
        np.testing.assert_allclose(law.coefficients, chart.law(direct.coef_, CUBIC, units), atol=1e-8)
    else:
        direct = EquivariantOptimizer(OPTIMIZERS[name], symmetry, CUBIC).fit(CUBIC(points), rates)
        np.testing.assert_allclose(law.coefficients, direct.coef_, atol=1e-8)


def test_the_symmetry_is_exact_and_the_normal_form_of_hopf_is_found_in_noise():
    law = fit_moments(NOISY, CUBIC, symmetry=ROTATION)
    assert_symmetric(law, ROTATION)
    np.testing.assert_array_equal(law.coefficients != 0, HOPF.coefficients != 0)
    np.testing.assert_allclose(law.coefficients, HOPF.coefficients, atol=0.03)


def test_noise_does_not_bias_the_law_as_it_does_least_squares_on_rows():
    x, step = sd.systems.hopf(noise=0.1, rng=1, n_trajectories=60)
    law = fit_moments((x, step), CUBIC, symmetry=ROTATION)
    rates = [np.gradient(run, step, axis=0) for run in x]
    rows = EquivariantOptimizer(ps.STLSQ(threshold=0.1), ROTATION, CUBIC)
    rows.fit(CUBIC(np.concatenate(x)), np.concatenate(rates))
    errors = [np.linalg.norm(found - HOPF.coefficients) for found in (law.coefficients, rows.coef_)]
    assert errors[0] < 0.2 * errors[1]


def test_a_dataset_its_chunks_and_its_sums_give_one_law():
    dataset = sd.open_trajectories(NOISY[0], t=NOISY[1], states=["x", "y"])
    whole = fit_moments(dataset, CUBIC, symmetry=ROTATION)
    assert whole.states == ("x", "y")
    chunked = fit_moments(dataset.chunk(trajectory=3), CUBIC, symmetry=ROTATION)
    np.testing.assert_allclose(chunked.coefficients, whole.coefficients, atol=1e-11)
    sums, layout = sums_of(dataset, CUBIC)
    np.testing.assert_array_equal(
        fit_moments(sums, CUBIC, symmetry=ROTATION, layout=layout).coefficients, whole.coefficients
    )
    plain = fit_moments(accumulate(dataset, CUBIC), CUBIC, symmetry=ROTATION, layout=Layout("flow", ("x", "y")))
    np.testing.assert_allclose(plain.coefficients, whole.coefficients, atol=0.02)  # without a chart targets weigh alike
    library = fit_moments(dataset, ps.PolynomialLibrary(3), symmetry=ROTATION)
    np.testing.assert_allclose(library.coefficients, whole.coefficients, atol=1e-11)


def test_maps_and_second_order_systems():
    points = [np.random.default_rng(k).uniform(-1, 1, (40, 2)) for k in range(5)]
    turn = np.array([[0.8, -0.6], [0.6, 0.8]])
    law = fit_moments(
        (points, [p @ turn.T for p in points]), sd.features.Polynomial(2), symmetry=ROTATION, layout="map"
    )
    assert law.kind == "map"
    np.testing.assert_allclose(law.simulate([1, 0], range(2))[1], [0.8, 0.6], atol=1e-9)
    features = sd.features.CentralForce(range(6))
    optimizer = ps.STLSQ(threshold=0.3, alpha=1e-10)
    for symmetry in (None, sd.LieAlgebra(sd.candidates.so(3))):
        kepler = fit_moments(
            sd.systems.kepler(6, rng=0), features, symmetry=symmetry, layout="second_order", optimizer=optimizer
        )
        assert kepler.kind == "second_order" and kepler.coefficients.shape == (3, features.size(6))
        assert [line.count("|q|") for line in kepler.equations()] == [1, 1, 1]
        period = kepler.simulate([1.0, 0, 0, 0, 1, 0], [0, 2 * np.pi])
        np.testing.assert_allclose(period[-1], period[0], atol=1e-3)


def test_ill_conditioned_features_keep_their_digits():
    """Around 300 the monomials up to degree 3 have singular values over many decades."""
    rng = np.random.default_rng(0)
    points = 300 + rng.uniform(-10, 10, (400, 1))
    truth = np.array([[2e4, -150.0, 0.3, 1e-3]])
    values = CUBIC(points) @ truth.T
    optimizer = LinearRegression(fit_intercept=False, tol=1e-15)
    law = fit_moments((points, values), CUBIC, optimizer=optimizer, layout="pairs")
    np.testing.assert_allclose(law(points), values, rtol=1e-11)
    np.testing.assert_allclose(law.coefficients, truth, rtol=1e-5)


def test_sums_with_eigenvalues_below_zero_leave_out_what_is_not_known():
    root = square_root(np.array([[2.0, 0, 0, 4], [0, 1, 1.0001, 1], [0, 1.0001, 1, 1], [4, 1, 1, 0]]), 1)
    assert len(root.rows) == 2
    found = np.linalg.lstsq(root.rows, root.targets, rcond=None)[0]
    np.testing.assert_allclose(found.ravel(), [2, 0.5, 0.5], atol=1e-3)


@pytest.mark.parametrize(
    "optimizer", [Lasso(alpha=0.1), ps.FROLS(), ps.SSR(), Ridge(), ps.EnsembleOptimizer(ps.STLSQ(), bagging=True)]
)
def test_optimizers_that_need_the_rows_are_refused(optimizer):
    with pytest.raises(TypeError, match=r"needs the rows|fits an intercept"):
        fit_moments(NOISY, CUBIC, optimizer=optimizer)


def test_bad_input_is_named():
    sums, layout = sums_of(NOISY, CUBIC)
    with pytest.raises(ValueError, match="with 2 outputs"):
        fit_moments(sums, sd.features.Polynomial(2), layout=layout)
    with pytest.raises(ValueError, match="with 1 outputs: make the"):
        fit_moments(sums, CUBIC, layout=Layout("second_order", ("x", "y")))
    with pytest.raises(ValueError, match="leaves no"):
        fit_moments(NOISY, sd.features.Monomials(((2, 0), (0, 2))), symmetry=ROTATION)
    with pytest.raises(TypeError, match="must be a Dataset, a tuple"):
        fit_moments(np.zeros(3), CUBIC)
    with pytest.raises(TypeError, match="features must be Features or a pysindy"):
        fit_moments(NOISY, 3)
