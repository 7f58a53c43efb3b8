"""EquivariantOptimizer: equal to the plain optimizer without symmetry, exact with one, loud about what goes wrong."""

import pickle

import numpy as np
import pysindy as ps
import pytest
from sklearn.base import clone
from sklearn.linear_model import Lasso, LassoCV, LinearRegression, Ridge
from sklearn.model_selection import GridSearchCV

import symdyn as sd
from symdyn.functions.features import from_library
from symdyn.lie.vectorfields import VectorField
from symdyn.regression import EquivariantOptimizer
from symdyn.regression.enforcing.tied_targets import commuting_whitener, tied_targets
from symdyn.testing import assert_symmetric

PLAIN = {
    "STLSQ": ps.STLSQ(threshold=0.3),
    "STLSQ, columns scaled": ps.STLSQ(threshold=3.0, normalize_columns=True),
    "SR3": ps.SR3(reg_weight_lam=0.02, max_iter=2000, tol=1e-10),
    "FROLS": ps.FROLS(max_iter=4),
    "SSR": ps.SSR(max_iter=6),
    "SSR, residual": ps.SSR(max_iter=4, criteria="model_residual"),
    "Ridge": Ridge(alpha=0.3, fit_intercept=False),
    "LinearRegression": LinearRegression(fit_intercept=False),
    "Lasso": Lasso(alpha=0.01, fit_intercept=False),
}
ROTATION = sd.candidates.so(2)
FEATURES = sd.features.Polynomial(3)


def random_problem(seed, n_rows=120, n_features=8, n_targets=3):
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((n_rows, n_features)) * rng.uniform(0.5, 2, n_features)
    truth = rng.uniform(0.6, 2, (n_targets, n_features)) * (rng.random((n_targets, n_features)) < 0.4)
    return rows, rows @ truth.T + 0.05 * rng.standard_normal((n_rows, n_targets))


def hopf_rows(n_rows=300, noise=0.05, seed=0):
    rng = np.random.default_rng(seed)
    points = rng.standard_normal((n_rows, 2))
    radius = np.sum(points**2, axis=1, keepdims=True)
    rates = (0.5 - radius) * points + 1.3 * points @ [[0, 1], [-1, 0]]
    return FEATURES(points), rates + noise * rng.standard_normal(points.shape)


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("compress", ["auto", False])
def test_without_symmetry_it_is_the_plain_optimizer(name, seed, compress):
    rows, targets = random_problem(seed)
    plain = clone(PLAIN[name]).fit(rows, targets)
    identity = EquivariantOptimizer(PLAIN[name], compress=compress).fit(rows, targets)
    full = EquivariantOptimizer(PLAIN[name], sd.Subspace.full((3, 8)), compress=compress).fit(rows, targets)
    assert 0 < np.count_nonzero(plain.coef_)
    np.testing.assert_allclose(identity.coef_, plain.coef_, atol=1e-12)
    np.testing.assert_array_equal(full.coef_, identity.coef_)
    np.testing.assert_allclose(identity.predict(rows), plain.predict(rows), atol=1e-11)


@pytest.mark.parametrize("name", ["STLSQ", "FROLS", "SSR", "Ridge"])
def test_targets_that_share_nothing_are_fitted_apart(name):
    """Under sign flips of single states each equation keeps its own terms: a plain fit of these columns."""
    rng = np.random.default_rng(0)
    points = rng.standard_normal((200, 2))
    rows, units = FEATURES(points), np.array([1.0, 1e4])
    targets = (points * (0.5 - points[:, ::-1] ** 2) + 0.01 * rng.standard_normal(points.shape)) * units
    found = EquivariantOptimizer(PLAIN[name], sd.groups.sign_flips(2), FEATURES).fit(rows, targets)
    allowed = np.any(found.subspace_.basis.reshape(2, 10, -1), axis=2)
    assert [len(group.targets) for group in tied_targets(found.subspace_)] == [1, 1]
    for target in range(2):
        plain = clone(PLAIN[name]).fit(rows[:, allowed[target]], targets[:, [target]])
        size = np.abs(plain.coef_).max()
        np.testing.assert_allclose(found.coef_[target, allowed[target]], np.ravel(plain.coef_), atol=1e-11 * size)
        assert not np.any(found.coef_[target, ~allowed[target]])


@pytest.mark.parametrize("name", PLAIN)
def test_a_compressed_fit_is_the_fit_of_the_rows(name):
    rows, targets = hopf_rows()
    loose = EquivariantOptimizer(PLAIN[name], ROTATION, FEATURES, compress=False).fit(rows, targets)
    if name == "Lasso":
        with pytest.raises(ValueError, match="Lasso counts or draws rows"):
            EquivariantOptimizer(PLAIN[name], ROTATION, FEATURES, compress=True).fit(rows, targets)
    else:
        tight = EquivariantOptimizer(PLAIN[name], ROTATION, FEATURES, compress=True).fit(rows, targets)
        np.testing.assert_allclose(tight.coef_, loose.coef_, atol=1e-11)
    assert_symmetric(VectorField(FEATURES, loose.coef_, ("x", "y")), ROTATION)


@pytest.mark.filterwarnings("ignore:SR3 did not converge")
def test_optimizers_that_count_rows_are_not_compressed_unasked():
    rows, targets = hopf_rows()
    for optimizer in (
        LassoCV(fit_intercept=False),
        ps.SR3(trimming_fraction=0.1, unbias=False, max_iter=500, tol=1e-2, reg_weight_lam=0.01),
    ):
        auto = EquivariantOptimizer(optimizer, ROTATION, FEATURES).fit(rows, targets)
        loose = EquivariantOptimizer(optimizer, ROTATION, FEATURES, compress=False).fit(rows, targets)
        np.testing.assert_array_equal(auto.coef_, loose.coef_)
        with pytest.raises(ValueError, match="counts or draws rows"):
            EquivariantOptimizer(optimizer, ROTATION, FEATURES, compress=True).fit(rows, targets)


@pytest.mark.parametrize("options", [{"bagging": True}, {"library_ensemble": True, "n_candidates_to_drop": 1}])
def test_ensembles_inside_keep_the_symmetry_for_any_aggregator(options):
    np.random.seed(0)  # noqa: NPY002 (pysindy's ensembles draw from the global state)
    ensemble = ps.EnsembleOptimizer(ps.STLSQ(threshold=0.1), n_models=7, **options)
    rows, targets = hopf_rows()
    found = EquivariantOptimizer(ensemble, ROTATION, FEATURES).fit(rows, targets)
    assert len(found.optimizers_[0].coef_list) == 7 and not ensemble.coef_list
    assert_symmetric(VectorField(FEATURES, found.coef_, ("x", "y")), ROTATION)


def test_an_optimizer_that_cannot_be_cloned_is_copied():
    wrapped = ps.WrappedOptimizer(Lasso(alpha=0.01, fit_intercept=False), unbias=False)
    rows, targets = hopf_rows()
    found = EquivariantOptimizer(wrapped, ROTATION, FEATURES).fit(rows, targets)
    expected = EquivariantOptimizer(Lasso(alpha=0.01, fit_intercept=False), ROTATION, FEATURES).fit(rows, targets)
    np.testing.assert_allclose(found.coef_, expected.coef_, atol=1e-12)
    assert not hasattr(wrapped, "coef_")


def test_parameters_are_those_of_scikit_learn():
    optimizer = EquivariantOptimizer(ps.STLSQ(threshold=0.1), ROTATION, FEATURES)
    assert optimizer.set_params(optimizer__threshold=0.4, whiten=True) is optimizer
    assert optimizer.get_params()["optimizer__threshold"] == 0.4 and clone(optimizer).whiten
    grid = GridSearchCV(optimizer, {"optimizer__threshold": [0.1, 5.0]}, cv=3, scoring="r2")
    rows, targets = hopf_rows()
    with pytest.warns(UserWarning, match="[Ss]parsity parameter is too big"):  # 5.0 leaves no term, as it should
        grid.fit(rows, targets)
    assert grid.best_params_ == {"optimizer__threshold": 0.1}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # both stop at the same step
def test_the_wrapped_optimizers_own_attributes_are_at_hand_where_they_mean_the_columns():
    rows, targets = random_problem(0)
    plain, wrapped = (make(ps.SR3(max_iter=500)) for make in (lambda o: o, EquivariantOptimizer))
    for optimizer in (plain, wrapped):
        optimizer.enable_trimming(trimming_fraction=0.1)
        optimizer.fit(rows, targets)
    np.testing.assert_array_equal(wrapped.trimming_array, plain.trimming_array)
    assert wrapped.trimming_fraction == wrapped.optimizer.trimming_fraction == 0.1
    judged = EquivariantOptimizer(ps.SSR(max_iter=4)).fit(rows, targets)
    assert len(judged.history_) == len(judged.err_history_) > 1
    constrained = EquivariantOptimizer(ps.SSR(max_iter=3), ROTATION, FEATURES).fit(ROWS, TARGETS)
    with pytest.raises(AttributeError, match="in free coordinates is in `optimizers_`"):
        _ = constrained.err_history_
    with pytest.raises(AttributeError, match=r"no attribute 'nonsense'$"):
        _ = EquivariantOptimizer(ps.STLSQ()).nonsense
    with pytest.raises(AttributeError, match="is not fitted yet"):
        _ = EquivariantOptimizer(ps.STLSQ()).complexity


def test_a_pickle_holds_no_rows():
    rows, targets = hopf_rows(20_000)
    for compress in (True, False):
        found = EquivariantOptimizer(ps.STLSQ(threshold=0.1), ROTATION, FEATURES, compress=compress).fit(rows, targets)
        assert len(pickle.dumps(found)) < 15_000
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(found)).predict(rows), found.predict(rows))


def test_whitening_commutes_with_the_symmetry_and_with_a_change_of_axes():
    """Swapping two targets leaves a multiple of the identity and of the swap; a rotation only the identity."""
    rng = np.random.default_rng(0)
    residuals = rng.standard_normal((500, 2)) @ np.array([[2.0, 0.6], [0.0, 0.5]])
    swap, turn = np.array([[[0.0, 1.0], [1.0, 0.0]]]), sd.LieAlgebra(ROTATION).matrices
    whitener = commuting_whitener(residuals, swap)
    np.testing.assert_allclose(whitener @ swap[0], swap[0] @ whitener, atol=1e-12)
    white = residuals @ whitener
    assert np.mean((white @ [1, 1]) ** 2) == pytest.approx(np.mean((white @ [1, -1]) ** 2))
    np.testing.assert_allclose(commuting_whitener(residuals, turn), whitener_of_one(residuals), atol=1e-12)
    angle = 0.4
    rotated = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    moved = commuting_whitener(residuals @ rotated.T, rotated @ swap @ rotated.T)
    np.testing.assert_allclose(moved, rotated @ whitener @ rotated.T, atol=1e-10)
    np.testing.assert_array_equal(commuting_whitener(np.zeros((5, 2)), swap), np.eye(2))


def whitener_of_one(residuals):
    return np.eye(2) / np.sqrt(np.mean(residuals**2))


def test_a_whitened_fit_does_not_depend_on_the_axes():
    """Targets mixed by a rotation of the copies: the fit moves along, for the symmetry that moves along."""
    rows, targets = hopf_rows(noise=0.3)
    swap = sd.groups.permutation([1, 0])
    ridge = Ridge(alpha=1e-8, fit_intercept=False)
    whitened = EquivariantOptimizer(ridge, swap, FEATURES, whiten=True).fit(rows, targets)
    assert_symmetric(VectorField(FEATURES, whitened.coef_, ("x", "y")), swap)
    plain = EquivariantOptimizer(ridge, swap, FEATURES).fit(rows, targets)
    assert 0 < np.abs(whitened.coef_ - plain.coef_).max() < 0.2


def test_error_bars_are_rounded_away_first_and_violations_reported():
    rows, targets = hopf_rows()
    near = sd.LieAlgebra.from_matrices([[[0.01, 1.008], [-0.992, -0.006]]], errors=0.01)
    found = EquivariantOptimizer(ps.STLSQ(threshold=0.1), near, FEATURES).fit(rows, targets)
    assert found.subspace_.dim == 4 and found.symmetries_[0].exact.all() and found.violations_ == []
    assert_symmetric(VectorField(FEATURES, found.coef_, ("x", "y")), ROTATION)
    shear = np.array([[1.0, 0.731], [0.0, 1.0]])
    slant = shear @ [[0.0, 1.0], [-1.0, 0.0]] @ np.linalg.inv(shear)
    off = slant + 1e-3 * np.array([[0.3, -1.0], [0.5, 0.7]])
    near = sd.LieAlgebra.from_matrices([off], errors=1e-3)
    found = EquivariantOptimizer(ps.STLSQ(threshold=0.1), near, FEATURES).fit(rows, targets)
    assert found.subspace_.dim == 4 and found.symmetries_[0].exact.all() and found.violations_ == []
    inexact = sd.LieAlgebra.from_matrices([off], errors=2e-4)  # no rotation lies inside these
    kept = EquivariantOptimizer(ps.STLSQ(threshold=0.1), inexact, FEATURES).fit(rows, targets)
    (violation,) = kept.violations_
    assert kept.subspace_.dim == 4 and 1e-6 < violation.violation < 4 * violation.explained
    inside = kept.subspace_.expand(kept.subspace_.coordinates(kept.coef_))
    np.testing.assert_allclose(inside, kept.coef_, atol=1e-12)


def test_an_exact_generator_with_wide_error_bars_is_doubted():
    matrices = sd.LieAlgebra(ROTATION).matrices
    wide = sd.LieAlgebra.from_matrices(matrices, errors=0.3)
    doubtful = sd.LieAlgebra(wide.basis, wide.covariance, np.array([True]))
    with pytest.warns(UserWarning, match=r"used as exact, but its error bar is 30% of its size"):
        EquivariantOptimizer(ps.STLSQ(), doubtful, FEATURES).fit(*hopf_rows())


def test_terms_that_fall_out_of_an_open_library_are_named():
    library = ps.PolynomialLibrary(2, include_interaction=False)
    points = np.random.default_rng(0).standard_normal((50, 2))
    rows = np.asarray(library.fit_transform(points))
    with pytest.warns(UserWarning, match=r"not closed under the symmetry.* fall out: x0\^2, x1\^2"):
        found = EquivariantOptimizer(ps.STLSQ(), ROTATION, library).fit(rows, points)
    assert found.fallen_terms_ == ["x0^2", "x1^2"] and found.subspace_.dim == 2


def test_conserved_quantities_and_vector_fields_constrain_a_fit():
    energy = sd.conserved(sd.features.Polynomial(2), [0, 0, 0, 1, 0, 1])
    rows, targets = hopf_rows()
    found = EquivariantOptimizer(ps.STLSQ(threshold=0.1), [energy, ROTATION[0]], FEATURES).fit(rows, targets)
    assert found.subspace_.dim == 2
    assert_symmetric(VectorField(FEATURES, found.coef_, ("x", "y")), [energy, ROTATION])


def fit(optimizer=None, symmetry=ROTATION, library=FEATURES, data=None, **options):
    weight = options.pop("sample_weight", None)
    return EquivariantOptimizer(optimizer, symmetry, library, **options).fit(*(data or hopf_rows()), weight)


CONTRADICTION = [sd.candidates.so(2), sd.candidates.translations(2), sd.candidates.from_matrices([np.diag([1.0, 0])])]
ROWS, TARGETS = hopf_rows()


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: fit("STLSQ"), TypeError, "optimizer must have a fit method"),
        (lambda: fit(Lasso()), ValueError, "fit_intercept=False"),
        (lambda: fit(compress="yes"), ValueError, "compress must be"),
        (lambda: fit(ps.STLSQ(sparse_ind=[0])), ValueError, "one coefficient a column"),
        (lambda: fit(library=None), ValueError, "library is missing"),
        (lambda: fit(library=3), TypeError, "library must be Features or"),
        (lambda: fit(kind="sideways"), ValueError, "kind must be one of"),
        (lambda: fit(library=ps.PolynomialLibrary(3).fit(np.ones((2, 3)))), ValueError, "fitted to 3 states, not to 2"),
        (lambda: fit(symmetry=CONTRADICTION), ValueError, "∂x0 removes the last 4; .* 0 by all"),
        (lambda: fit(symmetry=sd.Subspace.full((2, 3))), ValueError, "Subspace is of coefficients"),
        (lambda: fit(symmetry=sd.Subspace(np.zeros((20, 0)), (2, 10), [])), ValueError, "nothing but zero"),
        (lambda: fit(data=(ROWS[:5], TARGETS)), ValueError, "y as long"),
        (lambda: fit(data=(np.full_like(ROWS, np.nan), TARGETS)), ValueError, "no row is complete"),
        (lambda: fit(data=(ROWS / 0.0, TARGETS)), ValueError, "infinities|no row is complete"),
        (lambda: fit(sample_weight=np.ones(3)), ValueError, "one number a row"),
        (lambda: fit(sample_weight=-np.ones(300)), ValueError, "not negative"),
        (
            lambda: fit(symmetry=sd.conserved(FEATURES, np.eye(10)[3]), whiten=True),
            ValueError,
            "conserved quantities do not",
        ),
        (lambda: fit(symmetry=sd.Subspace.full((2, 10)), whiten=True), ValueError, "needs the symmetry itself"),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_what_cannot_be_fitted_is_named(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_features_of_a_weak_library_are_those_it_integrates():
    times = np.linspace(0, 5, 200)
    weak = ps.WeakPDELibrary(
        function_library=ps.PolynomialLibrary(3, include_bias=False), spatiotemporal_grid=times, K=30
    )
    from symdyn.regression.model_constraint import library_features

    assert library_features(weak, 2).names(["x", "y"]) == from_library(
        ps.PolynomialLibrary(3, include_bias=False).fit(np.ones((2, 2)))
    ).names(["x", "y"])
