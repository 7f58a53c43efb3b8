"""SINDy inside a symmetry: exact in the coefficients, and a pysindy model in everything else."""

import pickle

import numpy as np
import pysindy as ps
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Lasso
from sklearn.model_selection import GridSearchCV

import symdyn as sd
from symdyn.functions.features import from_library
from symdyn.lie.vectorfields import VectorField
from symdyn.regression import EquivariantOptimizer, SymmetricSINDy
from symdyn.testing import assert_symmetric

ROTATION = sd.LieAlgebra(sd.candidates.so(2))
SHEAR = np.array([[1.0, 0.7], [0.0, 1.0]])
SHEARED = sd.LieAlgebra.from_matrices([SHEAR @ [[0.0, 1.0], [-1.0, 0.0]] @ np.linalg.inv(SHEAR)])
X, STEP = sd.systems.hopf(noise=0.01, rng=0, n_trajectories=6, n_times=300)
RATES = [ps.FiniteDifference()._differentiate(run, STEP) for run in X]

OPTIMIZERS = {
    "STLSQ": ps.STLSQ(threshold=0.1),
    "STLSQ, columns scaled": ps.STLSQ(threshold=0.1, normalize_columns=True),
    "SR3": ps.SR3(reg_weight_lam=0.01, max_iter=1000),
    "FROLS": ps.FROLS(max_iter=3),
    "SSR": ps.SSR(max_iter=2),
    "Lasso": Lasso(alpha=1e-4, fit_intercept=False, max_iter=100_000),
}


def library():
    return ps.PolynomialLibrary(3)


def sindy(optimizer=None, symmetry=ROTATION):
    return SymmetricSINDy(optimizer or ps.STLSQ(threshold=0.1), library(), symmetry=symmetry)


def law_of(coefficients):
    return VectorField(from_library(library().fit(X[0])), coefficients, ("x", "y"))


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("change", [np.eye(2), SHEAR], ids=["rotation", "sheared rotation"])
def test_the_symmetry_is_exact_in_coef_whatever_the_optimizer_does(name, change):
    symmetry = SHEARED if change[0, 1] else ROTATION
    model = sindy(OPTIMIZERS[name], symmetry).fit([run @ change.T for run in X], STEP)
    coefficients = model.coefficients()
    assert np.count_nonzero(coefficients) and model.subspace_.dim == 4
    assert_symmetric(law_of(coefficients), symmetry)
    inside = model.subspace_.expand(model.subspace_.coordinates(coefficients))
    np.testing.assert_allclose(inside, coefficients, atol=1e-12 * np.abs(coefficients).max())
    np.testing.assert_array_equal(coefficients, model.model_.optimizer.coef_)


def test_the_support_of_the_hopf_normal_form_is_found_exactly():
    row = {"x0": 0.5, "x1": -1.3, "x0^3": -1.0, "x0 x1^2": -1.0}, {"x0": 1.3, "x1": 0.5, "x0^2 x1": -1.0, "x1^3": -1.0}
    model = sindy().fit(X, STEP)
    for found, truth in zip(model.coefficients(), row, strict=True):
        terms = {name: value for name, value in zip(model.get_feature_names(), found, strict=True) if value}
        assert terms.keys() == truth.keys()
        # 1 % noise under finite differences biases rates by a few percent.
        assert all(terms[name] == pytest.approx(truth[name], abs=0.1) for name in truth)


@pytest.mark.parametrize("threshold", [0.0, 0.1, 0.7])
def test_without_symmetry_it_is_pysindy(threshold):
    plain = ps.SINDy(ps.STLSQ(threshold=threshold), library())
    plain.fit(X, STEP)
    model = sindy(ps.STLSQ(threshold=threshold), symmetry=None).fit(X, STEP)
    np.testing.assert_allclose(model.coefficients(), plain.coefficients(), atol=1e-12)
    np.testing.assert_allclose(model.predict(X[0]), plain.predict(X[0]), atol=1e-11)
    assert model.subspace_.dim == 20 and model.equations() == plain.equations()


def test_least_squares_inside_a_symmetry_is_the_constrained_least_squares_solution():
    """Against the normal equations B^T (1 x G) B of the Subspace, written down directly."""
    theta = np.asarray(library().fit_transform(np.concatenate(X)))
    rates = np.concatenate(RATES)
    optimizer = EquivariantOptimizer(ps.STLSQ(threshold=0, alpha=0), ROTATION, library().fit(X[0]))
    optimizer.fit(theta, rates)
    basis = optimizer.subspace_.basis
    gram = basis.T @ np.kron(np.eye(2), theta.T @ theta) @ basis
    expected = basis @ np.linalg.solve(gram, basis.T @ (rates.T @ theta).ravel())
    np.testing.assert_allclose(optimizer.coef_.ravel(), expected, atol=1e-10)


@pytest.mark.parametrize(("threshold", "n_tuples"), [(0.05, 3), (0.3, 3), (1.2, 1)])
def test_thresholds_keep_or_drop_whole_tuples(threshold, n_tuples):
    """The truth has tuples of size 0.5, 1.3 and 1; with 0.3 or less all stay, with 1.2 the rotation only."""
    model = sindy(ps.STLSQ(threshold=threshold)).fit(X, STEP)
    support = model.coefficients() != 0
    tuples = [column.reshape(support.shape) != 0 for column in model.subspace_.basis.T]
    for tied in tuples:
        assert support[tied].all() or not support[tied].any()
    assert sum(support[tied].all() for tied in tuples) == n_tuples


def test_fit_changes_none_of_the_users_objects():
    optimizer, terms, difference = ps.STLSQ(threshold=0.1), library(), ps.SmoothedFiniteDifference()
    model = SymmetricSINDy(optimizer, terms, difference, symmetry=ROTATION)
    before = {name: dict(getattr(value, "__dict__", {})) for name, value in model.get_params(deep=False).items()}
    model.fit(X, STEP)
    after = model.get_params(deep=False)
    assert after["optimizer"] is optimizer and after["feature_library"] is terms and after["symmetry"] is ROTATION
    for name, value in after.items():
        assert getattr(value, "__dict__", {}).keys() - {"name"} == before[name].keys() - {"name"}, name
    assert not hasattr(optimizer, "coef_") and not hasattr(terms, "n_features_in_")


def test_two_models_may_share_an_optimizer_and_a_library():
    optimizer, terms = ps.STLSQ(threshold=0.1), library()
    first = SymmetricSINDy(optimizer, terms, symmetry=ROTATION).fit(X, STEP)
    coefficients = first.coefficients().copy()
    SymmetricSINDy(optimizer, terms, symmetry=None).fit([-2 * run for run in X], STEP)
    np.testing.assert_array_equal(first.coefficients(), coefficients)


def test_a_second_fit_forgets_the_first():
    model = sindy().fit(X, STEP)
    first = model.coefficients().copy()
    changed = model.fit([2 * run for run in X], STEP).coefficients().copy()
    assert not np.allclose(changed, first)
    np.testing.assert_array_equal(model.fit(X, STEP).coefficients(), first)
    np.testing.assert_array_equal(clone(model).fit(X, STEP).coefficients(), first)


def test_a_pickle_is_small_and_predicts_the_same():
    model = sindy().fit(X, STEP)
    content = pickle.dumps(model)
    assert len(content) < 20_000
    again = pickle.loads(content)
    np.testing.assert_array_equal(again.predict(X[0]), model.predict(X[0]))
    np.testing.assert_array_equal(again.fit(X, STEP).coefficients(), model.coefficients())


def test_grid_search_folds_over_trajectories():
    def score(model, x, y=None):
        return model.score(x, t=STEP)

    grid = GridSearchCV(sindy(), {"optimizer__threshold": [0.05, 0.1, 0.8, 2.0]}, scoring=score, cv=3)
    with pytest.warns(UserWarning, match="[Ss]parsity parameter is too big"):  # 2.0 leaves no term, as it should
        grid.fit(X, t=STEP)
    assert grid.best_params_["optimizer__threshold"] <= 0.1
    assert grid.best_estimator_.subspace_.dim == 4
    assert_symmetric(law_of(grid.best_estimator_.coefficients()), ROTATION)


def test_ragged_trajectories_are_their_rows_put_together():
    ragged, rates = [X[0][:50], X[1][:170], X[2]], [RATES[0][:50], RATES[1][:170], RATES[2]]
    together = sindy().fit(np.concatenate(ragged), STEP, x_dot=np.concatenate(rates))
    listed = sindy().fit(ragged, STEP, x_dot=rates)
    np.testing.assert_allclose(listed.coefficients(), together.coefficients(), atol=1e-12)


def test_a_weight_of_zero_drops_a_row_and_an_integer_weight_repeats_it():
    weights = [np.random.default_rng(k).integers(0, 3, len(run)) for k, run in enumerate(X)]
    weighted = sindy().fit(X, STEP, x_dot=RATES, sample_weight=weights)
    repeated, rates = ([np.repeat(run, w, axis=0) for run, w in zip(rows, weights, strict=True)] for rows in (X, RATES))
    times = [np.arange(len(run)) * STEP for run in repeated]
    expected = sindy().fit(repeated, times, x_dot=rates).coefficients()
    np.testing.assert_allclose(weighted.coefficients(), expected, atol=1e-11)
    assert not np.allclose(expected, sindy().fit(X, STEP, x_dot=RATES).coefficients(), atol=1e-6)


def test_weights_of_one_array_and_of_a_list_of_one_are_the_same():
    weight = np.linspace(0, 1, len(X[0]))
    one = sindy().fit(X[0], STEP, sample_weight=weight).coefficients()
    np.testing.assert_array_equal(sindy().fit([X[0]], STEP, sample_weight=[weight]).coefficients(), one)


def test_a_symmetry_that_leaves_nothing_names_what_each_generator_leaves():
    """∂x0 leaves functions of x1, 2 times 4; so(2) four tuples; x0 ∂x0 leaves x0 {1, x1, x1^2} and {1 ... x1^3}."""
    shrink = sd.candidates.from_matrices([np.diag([1.0, 0.0])])
    with pytest.raises(ValueError, match="the symmetry leaves no term of the library") as caught:
        sindy(symmetry=sd.candidates.se(2) + shrink).fit(X, STEP)
    counts = "8 by ∂x0, 8 by ∂x1, 4 by x1 ∂x0 − x0 ∂x1, 7 by x0 ∂x0 alone, 0 by all"
    assert str(caught.value).endswith(counts)


def test_a_symmetry_of_positions_is_prolonged_to_velocities():
    """Kepler with q |q|^-k for k = 0 ... 5 and velocities: 126 coefficients, 2 of them free."""
    features = sd.features.CentralForce(range(6)) + sd.features.Polynomial(1, constant=False, columns=(3, 4, 5))
    dataset = sd.systems.kepler(6, rng=0, n_times=800)
    runs = [np.stack([dataset[name].values[k] for name in dataset.attrs["states"].split()], -1) for k in range(6)]
    symmetry = sd.LieAlgebra(sd.candidates.so(3) + sd.candidates.from_matrices(np.eye(3)[None], time_scaling=[1.5]))
    model = SymmetricSINDy(ps.STLSQ(threshold=0.1), features.to_library(), symmetry=symmetry)
    model.fit(runs, list(dataset.t.values))
    states = tuple(dataset.attrs["states"].split())
    assert model.subspace_.shape == (6, 21) and model.subspace_.dim == 2
    law = VectorField(features, model.coefficients(), states)
    assert_symmetric(law, symmetry.prolong())
    names = features.names(states)
    # Second-order differences at 400 samples a period, on orbits of eccentricity up to 0.6.
    assert law.coefficients[0, names.index("vx")] == pytest.approx(1, abs=2e-3)
    assert law.coefficients[3, names.index("x |q|^-3")] == pytest.approx(-1, abs=2e-2)
    assert np.count_nonzero(law.coefficients) == 6


@pytest.mark.filterwarnings("ignore:the data contradict the given symmetry")  # they have no scaling, which one adds
@pytest.mark.parametrize(
    ("symmetry", "dim"),
    [
        (ROTATION, 4),
        (ROTATION.basis, 4),
        (ROTATION.matrices, 4),
        ([ROTATION, sd.candidates.scalings(2).combine([[1, 1]])], 2),
        (sd.equivariant_subspace(sd.features.Polynomial(3), ROTATION), 4),
    ],
    ids=["algebra", "generators", "matrices", "list", "subspace"],
)
def test_a_symmetry_may_be_given_in_any_form(symmetry, dim):
    model = sindy(symmetry=symmetry).fit(X, STEP)
    assert model.subspace_.dim == dim
    assert_symmetric(law_of(model.coefficients()), ROTATION)


def test_a_discovered_generator_leaves_the_terms_of_the_truth():
    """The matrices as they came out, used as if exact, leave 2 of the 4 free coefficients: the cubic terms are lost."""
    x, step = sd.systems.hopf(rng=0)
    rng, clean = np.random.default_rng(1), [run @ SHEAR.T for run in x]
    spread = np.concatenate(clean).std(axis=0)
    data = [run + 0.05 * spread * rng.standard_normal(run.shape) for run in clean], step
    search = sd.SymmetryDiscovery(sd.candidates.gl(2), sd.features.Polynomial(3)).fit(data)
    assert search.algebra_.exact.all() and not search.found_.exact.any()
    for algebra in (search.algebra_, search.found_):
        assert sindy(symmetry=algebra).fit(*data).subspace_.dim == 4
    with pytest.warns(UserWarning, match="the data contradict the given symmetry"):
        assert sindy(symmetry=search.found_.matrices).fit(*data).subspace_.dim == 2


def engine(**options):
    return EquivariantOptimizer(ps.STLSQ(threshold=0.1), ROTATION, library().fit(X[0]), **options)


def test_the_optimizer_inside_plain_pysindy_gives_the_same_model():
    plain = ps.SINDy(engine(), library())
    plain.fit(X, STEP)
    np.testing.assert_allclose(plain.coefficients(), sindy().fit(X, STEP).coefficients(), atol=1e-12)
    assert plain.simulate(X[0][0], np.linspace(0, 1, 5)).shape == (5, 2)


def test_means_over_ensembles_keep_the_symmetry():
    np.random.seed(0)  # noqa: NPY002 (pysindy's ensembles draw from the global state)
    ensemble = ps.EnsembleOptimizer(
        engine(), bagging=True, n_models=5, ensemble_aggregator=lambda coefficients: np.mean(coefficients, axis=0)
    )
    model = ps.SINDy(ensemble, library())
    model.fit(X, STEP)
    assert len(ensemble.coef_list) == 5 and np.ptp([c[0, 1] for c in ensemble.coef_list]) > 0
    for coefficients in (*ensemble.coef_list, model.coefficients()):
        assert_symmetric(law_of(coefficients), ROTATION)


def test_the_optimizer_clones_with_features_and_drops_incomplete_rows():
    theta, rates = np.asarray(library().fit_transform(np.concatenate(X))), np.concatenate(RATES)
    gappy = rates.copy()
    gappy[::7, 0] = np.nan
    weights, kept = np.linspace(0.5, 1.5, len(rates)), np.isfinite(gappy[:, 0])
    optimizer = EquivariantOptimizer(ps.STLSQ(threshold=0.1), ROTATION, sd.features.Polynomial(3))
    found = clone(optimizer).fit(theta, gappy, sample_weight=weights)
    expected = engine().fit(theta[kept], rates[kept], sample_weight=weights[kept])
    np.testing.assert_array_equal(found.coef_, expected.coef_)
    assert not hasattr(optimizer, "coef_")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: sindy(symmetry=sd.candidates.so(3)).fit(X, STEP), "symmetry acts on 3 states, the data have 2"),
        (lambda: sindy().fit(X, STEP, u=X), "control inputs"),
        (
            lambda: engine().fit(np.ones((30, 6)), np.ones((30, 2))),
            r"on 2 states \(x0, x1\), on which the library has 10 functions, but the data have 6",
        ),
        (
            lambda: EquivariantOptimizer(ps.STLSQ(), ROTATION).fit(np.ones((5, 3)), np.ones((5, 2))),
            "library is missing",
        ),
        (lambda: engine(kind="sideways").fit(np.ones((30, 10)), np.ones((30, 2))), "kind must be one of"),
    ],
)
def test_what_cannot_be_fitted_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_model_that_was_not_fitted_says_so():
    for method in ("coefficients", "equations", "free_terms", "get_feature_names", "print"):
        with pytest.raises(NotFittedError):
            getattr(sindy(), method)()
    for call in (
        lambda: sindy().predict(X[0]),
        lambda: sindy().score(X, STEP),
        lambda: sindy().simulate(X[0][0], [0, 1]),
    ):
        with pytest.raises(NotFittedError):
            call()


def test_everything_else_is_pysindys_own(capsys):
    model = sindy().fit(X, STEP, feature_names=["x", "y"])
    inner = model.model_
    times = np.linspace(0, 1, 11)
    np.testing.assert_allclose(
        model.predict(X[0]), inner.predict(X[0]), rtol=0, atol=1e-14
    )  # compiled: but for rounding
    np.testing.assert_allclose(model.simulate(X[0][0], times), inner.simulate(X[0][0], times), rtol=0, atol=1e-11)
    assert model.score(X, STEP) == inner.score(X, STEP) > 0.8
    assert model.equations(2) == inner.equations(2) and model.complexity == 8
    assert model.get_feature_names()[:3] == ["1", "x", "y"] and model.feature_names == ["x", "y"]
    model.print(precision=2)
    printed = capsys.readouterr().out
    inner.print(precision=2)
    assert printed == capsys.readouterr().out and printed.startswith("(x)' = ")
    terms = model.free_terms()
    assert len(terms) == 4 and "x in x', y in y'" in terms and "x^3 + x y^2 in x', x^2 y + y^3 in y'" in terms


def test_a_cloned_optimizer_with_a_pysindy_library_fits_alike():
    library = ps.PolynomialLibrary(3).fit(X[0])
    optimizer = EquivariantOptimizer(ps.STLSQ(threshold=0.1), sd.candidates.so(2), library)
    rows, targets = np.asarray(library.transform(X[0])), X[0]
    copied = clone(optimizer)
    assert not hasattr(copied.library, "n_features_in_")
    np.testing.assert_array_equal(copied.fit(rows, targets).coef_, optimizer.fit(rows, targets).coef_)


def test_finite_elements_constrain_a_model_as_algebras_do():
    """The inversion leaves the odd terms; with the turn by a quarter, those of the cyclic group of order four."""
    x, step = sd.systems.hopf(noise=0.01)
    inversion = SymmetricSINDy(ps.STLSQ(threshold=0.1), ps.PolynomialLibrary(3), symmetry=sd.groups.sign_flip((-1, -1)))
    inversion.fit(x, step)
    assert inversion.subspace_.dim == 12
    coefficients = inversion.coefficients()
    even = [0, 3, 4, 5]  # 1, x^2, x y, y^2 in the order of PolynomialLibrary
    assert np.all(coefficients[:, even] == 0)
    quarter = sd.groups.element(np.array([[0.0, -1.0], [1.0, 0.0]]))
    turned = SymmetricSINDy(ps.STLSQ(threshold=0.1), ps.PolynomialLibrary(3), symmetry=quarter).fit(x, step)
    assert turned.subspace_.dim == 6
    both = SymmetricSINDy(ps.STLSQ(threshold=0.1), ps.PolynomialLibrary(3), symmetry=[sd.candidates.so(2), quarter])
    assert both.fit(x, step).subspace_.dim == 4


def test_an_element_that_leaves_nothing_is_named():
    x, step = sd.systems.hopf(n_trajectories=3)
    library = ps.PolynomialLibrary(2, include_bias=False, include_interaction=True)
    with pytest.raises(ValueError, match="the symmetry leaves no term"):
        SymmetricSINDy(ps.STLSQ(), library, symmetry=[sd.candidates.translations(2), sd.candidates.gl(2)]).fit(x, step)
