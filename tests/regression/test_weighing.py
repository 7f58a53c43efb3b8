"""A penalty means on sums what it means on pysindy's rows, and least squares keeps the digits that rows have."""

from dataclasses import dataclass

import numpy as np
import pysindy as ps
import pytest
from scipy.integrate import solve_ivp
from sklearn.linear_model import ElasticNet, Lasso, LinearRegression, Ridge

import symdyn as sd
from symdyn.functions.features import Features
from symdyn.lie.constraints.equivariance import equivariant_subspace
from symdyn.regression import EquivariantOptimizer, SymmetricSINDy, fit_moments
from symdyn.regression.enforcing.solving import sharpened
from symdyn.regression.weighing import as_samples

CUBIC = sd.features.Polynomial(3)
ROTATION = sd.candidates.so(2)
PENALISED = {
    "STLSQ": ps.STLSQ(threshold=0.1),
    "weak ridge": Ridge(alpha=1.0, fit_intercept=False),
    "ridge": Ridge(alpha=30.0, fit_intercept=False),
    "strong ridge": Ridge(alpha=300.0, fit_intercept=False),
    "Lasso": Lasso(alpha=0.02, fit_intercept=False, max_iter=20000),
    "ElasticNet": ElasticNet(alpha=0.02, fit_intercept=False, max_iter=20000),
    "SR3": ps.SR3(reg_weight_lam=2.0, regularizer="L1", relax_coeff_nu=0.1, max_iter=5000, tol=1e-9),
}


def oscillator(x):
    return np.stack([x[..., 1], 2 * (1 - x[..., 0] ** 2) * x[..., 1] - x[..., 0]], axis=-1)


def runs(count, length, step=0.02):
    rng, times = np.random.default_rng(count), np.arange(0, length, step)
    starts = rng.uniform(-2, 2, (count, 2))
    options = {"rtol": 1e-9, "atol": 1e-9}
    return [solve_ivp(lambda t, y: oscillator(y), (0, length), s, t_eval=times, **options).y.T for s in starts], step


DATA = {"one run": runs(1, 20), "few runs": runs(4, 20), "short runs": runs(12, 8), "a long run": runs(1, 100)}


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("name", PENALISED)
def test_a_penalised_fit_of_sums_is_that_of_pysindys_rows(name, data):
    x, step = DATA[data]
    points = np.concatenate(x)
    rates = oscillator(points)
    there = np.atleast_2d(PENALISED[name].fit(CUBIC(points), rates).coef_)
    here = fit_moments((x, step), CUBIC, optimizer=PENALISED[name]).coefficients
    free = np.linalg.lstsq(CUBIC(points), rates, rcond=None)[0].T
    # To a twentieth of what the penalty changes: weak rows have an error of quadrature.
    assert np.linalg.norm(here - there) < 0.05 * np.linalg.norm(there - free) + 2e-3


def test_a_ridge_that_weighs_nothing_beside_the_samples_leaves_the_law_as_it_is():
    x, step = sd.systems.hopf(noise=0, rng=0, n_trajectories=2)  # 800 samples, 20 windows
    law = fit_moments((x, step), CUBIC, optimizer=ps.STLSQ(threshold=0.1))
    np.testing.assert_allclose(law.coefficients, sd.systems.exact_law("hopf").coefficients, atol=1e-5)


def test_terms_that_are_kept_are_fitted_without_the_bias_of_noise():
    x, step = sd.systems.hopf(noise=0.05, rng=1, n_trajectories=40)
    law = fit_moments((x, step), CUBIC, symmetry=ROTATION, optimizer=ps.STLSQ(threshold=0.2, alpha=5.0))
    truth = sd.systems.exact_law("hopf").coefficients
    np.testing.assert_array_equal(law.coefficients != 0, truth != 0)
    np.testing.assert_allclose(law.coefficients, truth, atol=0.05)


@pytest.mark.parametrize("n_points", [3, 500])
def test_rows_as_samples_keep_their_solution_and_have_the_squares_of_samples(n_points):
    rng = np.random.default_rng(0)
    rows, truth = rng.standard_normal((6, 6)) * [1, 1, 1, 1, 0.01, 100], rng.standard_normal((6, 2))
    values = rng.standard_normal((n_points, 6)) * [9, 9, 9, 9, 0.09, 900]
    there, targets = as_samples(rows, rows @ truth, values, 2.0)
    np.testing.assert_allclose(np.linalg.solve(there, targets), truth, rtol=1e-8)
    if n_points > 100:
        np.testing.assert_allclose(there.T @ there, values.T @ values, rtol=1e-6, atol=1e-6)
    else:  # too few: what they do not see has the squares of the rows that it stands for
        excess = np.linalg.eigvals(np.linalg.solve(rows.T @ rows, there.T @ there)).real
        assert excess.min() > 2 - 1e-6


def hopf_rows(n_rows=300, noise=0.3):
    rng = np.random.default_rng(0)
    points = rng.standard_normal((n_rows, 2))
    rates = (0.5 - np.sum(points**2, axis=1, keepdims=True)) * points + 1.3 * points @ [[0, 1], [-1, 0]]
    return CUBIC(points), rates + noise * rng.standard_normal(points.shape)


@pytest.mark.parametrize("alpha", [1.0, 100.0])
def test_a_ridge_inside_a_symmetry_penalises_the_coefficients_of_the_law(alpha):
    """min |Theta W^T − Y|^2 + alpha |W|^2 over the laws W = B beta that keep the symmetry."""
    rows, targets = hopf_rows()
    found = EquivariantOptimizer(Ridge(alpha=alpha, fit_intercept=False), ROTATION, CUBIC).fit(rows, targets)
    basis = equivariant_subspace(CUBIC, ROTATION, output="vector_field").basis
    block = np.kron(np.eye(2), rows) @ basis
    free = np.linalg.solve(block.T @ block + alpha * basis.T @ basis, block.T @ targets.T.ravel())
    np.testing.assert_allclose(found.coef_.ravel(), basis @ free, atol=1e-9)


def test_a_lasso_inside_a_symmetry_penalises_the_coefficients_of_the_law():
    """The minimum of |Theta W^T − Y|^2 / 2 N + alpha |W|_1, as of each target by itself: no step lowers it."""
    rows, targets = hopf_rows()
    lasso = Lasso(alpha=0.1, fit_intercept=False, tol=1e-12, max_iter=100_000)
    found = EquivariantOptimizer(lasso, ROTATION, CUBIC).fit(rows, targets)

    def cost(free):
        law = found.subspace_.expand(free)
        return np.sum((rows @ law.T - targets) ** 2) / (2 * len(rows)) + 0.1 * np.abs(law).sum()

    free = found.subspace_.coordinates(found.coef_)
    for step in np.vstack([np.eye(len(free)), -np.eye(len(free))]) * 1e-3:
        assert cost(free + step) > cost(free)


@dataclass(frozen=True)
class OverDensity(Features):
    """f_i f_j / rho, rho = sum of f: nearly dependent where f is close to what it is on average."""

    n: int = 4

    def __call__(self, points):
        i, j = np.triu_indices(self.n)
        return points[:, i] * points[:, j] / points.sum(axis=1, keepdims=True)

    def jacobian(self, points):
        i, j = np.triu_indices(self.n)
        rho, k = points.sum(axis=1)[:, None, None], np.arange(len(i))
        slopes = np.zeros((len(points), len(i), self.n))
        slopes[:, k, i] += points[:, j]
        slopes[:, k, j] += points[:, i]
        return slopes / rho - self(points)[:, :, None] / rho

    def size(self, n_inputs):
        return self.n * (self.n + 1) // 2

    def names(self, states):
        return [f"{states[i]} {states[j]}/rho" for i, j in zip(*np.triu_indices(self.n), strict=True)]

    def families(self, states):
        return ["f f/rho"] * self.size(len(states))


CYCLIC = sd.groups.cyclic(4)
UNPENALISED = {
    "own": None,
    "LinearRegression": LinearRegression(fit_intercept=False),
    "STLSQ, no threshold": ps.STLSQ(threshold=0.0),
    "STLSQ, no ridge": ps.STLSQ(threshold=0.0, alpha=0.0),
}


@pytest.fixture(scope="module")
def ill_conditioned():
    """Points, outputs of an exact law that keeps the cyclic permutations, and the same at new points."""
    rng, library = np.random.default_rng(0), OverDensity()
    basis = equivariant_subspace(library, CYCLIC, output="vector_field").basis
    law = (basis @ (basis.T @ rng.uniform(1, 2, len(basis)))).reshape(4, -1)  # whatever basis: no small coefficient
    points, fresh = (1 + spread * rng.standard_normal((300, 4)) for spread in (1e-3, 3e-3))
    values = library(points)
    assert np.linalg.cond(values / np.linalg.norm(values, axis=0)) > 1e6
    return points, values @ law.T, fresh, library(fresh) @ law.T


@pytest.mark.parametrize("name", UNPENALISED)
@pytest.mark.parametrize("symmetry", [None, CYCLIC], ids=["free", "cyclic"])
def test_a_clean_ill_conditioned_fit_keeps_its_digits(name, symmetry, ill_conditioned):
    points, values, fresh, truth = ill_conditioned
    library, optimizer = OverDensity(), UNPENALISED[name]
    size = np.abs(truth - truth.mean(axis=0)).max()
    laws = [fit_moments((points, values), library, symmetry=symmetry, optimizer=optimizer, layout="pairs")(fresh)]
    if optimizer is not None:
        wrapped = EquivariantOptimizer(optimizer, symmetry, library).fit(library(points), values)
        laws.append(library(fresh) @ wrapped.coef_.T)
        model = SymmetricSINDy(optimizer, library.to_library(), symmetry=symmetry)
        laws.append(model.fit(points, 1.0, x_dot=values).predict(fresh))
    for found in laws:
        assert np.abs(found - truth).max() < 1e-8 * size


def test_directions_that_are_there_by_rounding_alone_get_no_coefficients():
    """Single precision makes dependent columns look independent: what fits their rounding says nothing."""
    rng = np.random.default_rng(0)
    angles = rng.uniform(0, 6, 400)
    points = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype("f4").astype(float)
    rows = np.column_stack([np.ones(400), points**2])  # x^2 + y^2 = 1 but for rounding
    targets = points[:, :1] ** 2 + 1e-6 * rng.standard_normal((400, 1))
    cut = np.linalg.lstsq(rows, targets, rcond=1e-6)[0].T
    np.testing.assert_allclose(sharpened(cut, np.ones((1, 3), dtype=bool), rows, targets), cut, atol=1e-5)
