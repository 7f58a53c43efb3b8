"""SINDy inside a symmetry: exact in the coefficients, and a pysindy model in everything else."""

import pickle

import numpy as np
import pysindy as ps
import pytest
from sklearn.base import clone
from sklearn.linear_model import Lasso
from sklearn.model_selection import GridSearchCV

import symdyn as sd
from symdyn.lie.features import from_library
from symdyn.lie.fields import VectorField
from symdyn.regression import EquivariantOptimizer, SymmetricSINDy
from symdyn.regression.holdout import central_strength, compare_left_out, fit_rows, fitted_law, predict_trajectory
from symdyn.testing import assert_symmetric

ROTATION = sd.candidates.so(2)
X, STEP = sd.systems.hopf(noise=0.02, n_trajectories=6, n_times=200)
TRUE = {"x0": 0.5, "x1": -1.3, "x0^3": -1.0, "x0 x1^2": -1.0}


def constrained(optimizer=None, **options):
    optimizer = ps.STLSQ(threshold=0.1) if optimizer is None else optimizer
    return SymmetricSINDy(optimizer, ps.PolynomialLibrary(3), symmetry=options.pop("symmetry", ROTATION), **options)


def law_of(model):
    features = from_library(model.model_.feature_library)
    return VectorField(features, model.coefficients(), ("x0", "x1"))


OPTIMIZERS = {
    "STLSQ": ps.STLSQ(threshold=0.1),
    "SR3": ps.SR3(),
    "FROLS": ps.FROLS(max_iter=3),
    "SSR": ps.SSR(max_iter=3),
    "Lasso": Lasso(alpha=1e-3, fit_intercept=False),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.filterwarnings("ignore::UserWarning:pysindy")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_symmetry_is_exact_in_the_coefficients_of_any_optimizer(name):
    model = constrained(OPTIMIZERS[name]).fit(X, STEP)
    assert np.count_nonzero(model.coefficients()) > 0
    assert_symmetric(law_of(model), ROTATION)


def test_the_law_is_found():
    model = constrained().fit(X, STEP)
    row = dict(zip(model.get_feature_names(), model.coefficients()[0], strict=True))
    assert {name for name, value in row.items() if value} == set(TRUE)
    for name, value in TRUE.items():
        assert row[name] == pytest.approx(value, abs=0.15)


def test_without_symmetry_it_is_plain_sindy():
    plain = ps.SINDy(ps.STLSQ(threshold=0.1), ps.PolynomialLibrary(3))
    plain.fit(X, STEP)
    model = constrained(symmetry=None).fit(X, STEP)
    np.testing.assert_allclose(model.coefficients(), plain.coefficients(), atol=1e-12)
    assert model.equations() == plain.equations()


def test_thresholds_act_on_whole_tuples():
    model = constrained(ps.STLSQ(threshold=1.2)).fit(X, STEP)
    support = model.coefficients() != 0
    for column in model.subspace_.basis.T:
        tied = column.reshape(support.shape) != 0
        assert support[tied].all() or not support[tied].any()
    assert support.any()


def test_fit_leaves_the_users_objects_alone_and_refits_alike():
    optimizer, library = ps.STLSQ(threshold=0.1), ps.PolynomialLibrary(3)
    model = SymmetricSINDy(optimizer, library, symmetry=ROTATION)
    first = model.fit(X, STEP).coefficients()
    assert model.get_params()["optimizer"] is optimizer and not hasattr(optimizer, "coef_")
    assert not hasattr(library, "n_features_in_")
    np.testing.assert_array_equal(model.fit(X, STEP).coefficients(), first)
    np.testing.assert_array_equal(clone(model).fit(X, STEP).coefficients(), first)


def test_pickles_are_small_and_whole():
    model = constrained().fit(X, STEP)
    content = pickle.dumps(model)
    assert len(content) < 20_000
    np.testing.assert_array_equal(pickle.loads(content).coefficients(), model.coefficients())


def test_grid_search_over_trajectories():
    grid = GridSearchCV(
        constrained(),
        {"optimizer__threshold": [0.05, 1.2]},
        scoring=lambda model, x, y=None: model.score(x, t=STEP),
        cv=3,
    )
    grid.fit(X, t=STEP)
    assert grid.best_params_ == {"optimizer__threshold": 0.05}


def test_pysindy_methods_are_the_models_own(capsys):
    model = constrained().fit(X, STEP, feature_names=["x", "y"])
    model.print()
    assert "(x)' = " in capsys.readouterr().out
    assert model.predict(X[0]).shape == X[0].shape
    assert model.simulate(X[0][0], np.linspace(0, 1, 5)).shape == (5, 2)
    assert model.score(X, STEP) == model.model_.score(X, STEP)
    assert model.complexity == np.count_nonzero(model.coefficients())
    assert model.free_terms() == model.subspace_.describe(["x", "y"], model.get_feature_names())


def test_rows_of_weight_zero_do_not_count():
    weights = [np.ones(len(run)) for run in X]
    weights[0][:] = 0
    without = constrained().fit(X[1:], STEP).coefficients()
    np.testing.assert_allclose(constrained().fit(X, STEP, sample_weight=weights).coefficients(), without, atol=1e-12)


def test_runs_of_different_length_go_together():
    ragged = [run[: 100 + 10 * k] for k, run in enumerate(X)]
    assert_symmetric(law_of(constrained().fit(ragged, STEP)), ROTATION)


def test_the_optimizer_works_inside_plain_sindy_and_in_ensembles():
    library = ps.PolynomialLibrary(3).fit(X[0])
    optimizer = EquivariantOptimizer(ps.STLSQ(threshold=0.1), ROTATION, library)
    plain = ps.SINDy(optimizer, ps.PolynomialLibrary(3))
    plain.fit(X, STEP)
    expected = constrained().fit(X, STEP).coefficients()
    np.testing.assert_allclose(plain.coefficients(), expected, atol=1e-12)
    np.random.seed(0)  # noqa: NPY002  pysindy's ensembles draw from the global state
    bagged = ps.SINDy(
        ps.EnsembleOptimizer(optimizer, bagging=True, n_models=5, ensemble_aggregator=lambda c: np.mean(c, axis=0)),
        ps.PolynomialLibrary(3),
    )
    bagged.fit(X, STEP)
    assert_symmetric(VectorField(from_library(library), bagged.coefficients(), ("x0", "x1")), ROTATION)


def test_a_discovered_algebra_constrains_at_its_own_error():
    found = (
        sd.SymmetryDiscovery(sd.candidates.gl(2), sd.features.Polynomial(3), n_bootstrap=100).fit((X, STEP)).algebra_
    )
    assert constrained(symmetry=found).fit(X, STEP).subspace_.dim == 4
    inexact = sd.LieAlgebra(found.basis.with_vectors(found.basis.vectors() + 0.01), 1e-4 * np.eye(7))
    assert constrained(symmetry=inexact).fit(X, STEP).subspace_.dim == 4


def test_a_symmetry_that_leaves_nothing_says_what_each_generator_leaves():
    everything = sd.candidates.translations(2) + sd.candidates.gl(2)
    with pytest.raises(
        ValueError, match=r"leaves no term of the library.* left 4 by .*∂x0.* alone, 0 by all|leaves no term"
    ):
        constrained(symmetry=everything).fit(X, STEP)


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="acts on 3 states, the data have 2"):
        constrained(symmetry=sd.candidates.so(3)).fit(X, STEP)
    with pytest.raises(ValueError, match="control inputs"):
        constrained().fit(X, STEP, u=[run[:, :1] for run in X])
    with pytest.raises(ValueError, match="library is missing"):
        EquivariantOptimizer(ps.STLSQ(), ROTATION).fit(np.ones((5, 3)), np.ones((5, 2)))
    with pytest.raises(ValueError, match="not fitted"):
        EquivariantOptimizer(ps.STLSQ(), ROTATION, ps.PolynomialLibrary(2)).fit(np.ones((5, 6)), np.ones((5, 2)))


FEATURES = sd.features.CentralForce(range(6)) + sd.features.Polynomial(1, columns=(3, 4, 5))
KEPLER = sd.candidates.so(3) + sd.candidates.from_matrices(np.eye(3)[None], time_scaling=[1.5])
STATES = tuple("x y z vx vy vz".split())


def fit_kepler(data, symmetry=KEPLER):
    rows = fit_rows(data)
    sparse = ps.STLSQ(threshold=1.0, alpha=1e-10, normalize_columns=True)
    model = SymmetricSINDy(sparse, FEATURES.to_library(), symmetry=symmetry)
    return model.fit(rows.x, rows.t, x_dot=rows.x_dot, sample_weight=rows.sample_weight)


def test_a_symmetry_of_positions_is_prolonged_to_velocities():
    model = fit_kepler(sd.systems.kepler(5))
    law = fitted_law(model, FEATURES, STATES)
    assert model.subspace_.dim == 2
    assert_symmetric(law, sd.LieAlgebra(KEPLER).prolong(), tolerance=1e-11)
    names = FEATURES.names(STATES)
    assert law.coefficients[3, names.index("x |q|^-3")] == pytest.approx(-1, abs=1e-4)


def test_left_out_orbits_are_predicted():
    data = sd.systems.kepler(4, rng=3)
    found = compare_left_out(data, [0, 2], lambda rest: {"kept": fitted_law(fit_kepler(rest), FEATURES, STATES)})
    assert [p.name for p in found["kept"]] == ["0", "2"]
    assert max(p.error for p in found["kept"]) < 1e-3


def test_a_prediction_that_runs_away_has_infinite_error():
    from symdyn.data.trajectories import each_trajectory

    (run, *_) = each_trajectory(sd.systems.kepler(1))
    runaway = VectorField(sd.features.Polynomial(2), np.eye(6, 28, k=7) + 5 * np.eye(6, 28, k=13), STATES)
    assert predict_trajectory(runaway, run, 100.0).error == np.inf
    assert central_strength(run) == pytest.approx(1, abs=1e-6)
