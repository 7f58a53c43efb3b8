"""Compiled predictions: what the library and the coefficients say, however and whenever they were set."""

import copy
import pickle

import numpy as np
import pysindy as ps
import pytest
from pysindy.utils import AxesArray
from sklearn.base import clone

import symdyn as sd
from symdyn.regression import SymmetricSINDy

X, STEP = sd.systems.hopf(noise=0.01, rng=0, n_trajectories=2, n_times=200)
LIBRARIES = {
    "polynomial": ps.PolynomialLibrary(3),
    "no constant": ps.PolynomialLibrary(2, include_bias=False),
    "interactions": ps.PolynomialLibrary(2, include_interaction=False),
    "fourier": ps.FourierLibrary(2),
    "sines": ps.FourierLibrary(1, include_cos=False),
    "sum": ps.PolynomialLibrary(2) + ps.FourierLibrary(1),
    "product": ps.PolynomialLibrary(1) * ps.FourierLibrary(1),
    "words": "polynomial:2 + fourier:1",
    "custom": ps.CustomLibrary([lambda x: x, lambda x: np.sin(x)]),
    "some columns": ps.GeneralizedLibrary(
        [ps.PolynomialLibrary(2), ps.FourierLibrary(1)], inputs_per_library=[[0, 1], [1]]
    ),
    "identity": ps.IdentityLibrary(),
}


def fitted(library="polynomial:3", **options):
    return SymmetricSINDy(ps.STLSQ(threshold=0.05), library, **options).fit(X, STEP)


def by_hand(model, x):
    return np.asarray(model.model_.feature_library.transform(x)) @ model.coefficients().T


@pytest.mark.parametrize("name", LIBRARIES)
@pytest.mark.parametrize("kind", ["flow", "map"])
def test_a_prediction_is_the_functions_of_the_library_times_the_coefficients(name, kind):
    model = fitted(LIBRARIES[name], kind=kind)
    for x in (X[0][:1], X[0], np.asfortranarray(X[1][::3]), np.array([[1, -2], [3, 0]])):
        found, wanted = model.predict(x), model.model_.predict(x.astype(float))
        assert (
            type(found) is AxesArray
            and type(wanted) is AxesArray
            and found.axes == wanted.axes
            and found.dtype == wanted.dtype
        )
        scale = np.abs(wanted).max() + 1
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-13 * scale)
        np.testing.assert_allclose(found, by_hand(model, x.astype(float)), rtol=0, atol=1e-13 * scale)


def test_single_precision_goes_in_and_double_precision_comes_out():
    model, rounded = fitted(), X[0].astype("f4")
    np.testing.assert_allclose(model.predict(rounded), by_hand(model, rounded.astype(float)), rtol=0, atol=1e-13)


def test_many_samples_are_predicted_as_each_alone():
    model, many = fitted(), np.random.default_rng(0).normal(size=(20_001, 2))
    together = model.predict(many)
    for k in (0, 8191, 8192, 20_000):
        np.testing.assert_allclose(together[k : k + 1], model.predict(many[k : k + 1]), rtol=0, atol=1e-12)


def test_a_list_of_runs_gives_a_list():
    model = fitted()
    found = model.predict(list(X))
    assert isinstance(found, list) and len(found) == len(X)
    for one, run in zip(found, X, strict=True):
        np.testing.assert_array_equal(one, model.predict(run))


def test_control_inputs_are_taken_as_pysindy_takes_them():
    controls = [np.sin(np.arange(len(run)) * 0.3)[:, None] for run in X]
    model = SymmetricSINDy(ps.STLSQ(threshold=0.01), "polynomial:2").fit(X, STEP, u=controls)
    inner = model.model_
    np.testing.assert_allclose(model.predict(X[0], controls[0]), inner.predict(X[0], controls[0]), atol=1e-13)
    np.testing.assert_allclose(model.predict(X[0], controls[0][:, 0]), inner.predict(X[0], controls[0]), atol=1e-13)
    for one, other in zip(model.predict(list(X), controls), inner.predict(list(X), controls), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-13)
    with pytest.raises(TypeError, match="u is required"):
        model.predict(X[0])
    with pytest.warns(UserWarning, match="were ignored"):
        fitted().predict(X[0], controls[0])


def refit(model):
    model.fit([2 * run for run in X], STEP)


def set_one(model):
    model.optimizer_.coef_[0, 1] += 1.0


def set_all(model):
    model.optimizer_.coef_ = 2 * model.optimizer_.coef_


def take_over(model):
    model.model_ = fitted("fourier:1").model_


@pytest.mark.parametrize("change", [refit, set_one, set_all, take_over])
def test_no_prediction_is_of_the_law_before_a_change(change):
    model = fitted()
    before = np.array(model.predict(X[0]))
    change(model)
    after = model.predict(X[0])
    np.testing.assert_allclose(after, by_hand(model, X[0]), rtol=0, atol=1e-12)
    assert not np.allclose(before, after, atol=1e-3)


@pytest.mark.parametrize("copied", [copy.deepcopy, copy.copy, lambda model: pickle.loads(pickle.dumps(model))])
def test_copies_predict_alike_and_on_their_own(copied):
    model = fitted()
    small, before = len(pickle.dumps(model)), np.array(model.predict(X[0]))
    assert len(pickle.dumps(model)) == small
    other = copied(model)
    np.testing.assert_array_equal(other.predict(X[0]), before)
    other.fit([2 * run for run in X], STEP)
    np.testing.assert_array_equal(model.predict(X[0]), before)


def test_a_clone_predicts_what_it_is_fitted_to():
    model = fitted()
    model.predict(X[0])
    again = clone(model)
    assert isinstance(again, SymmetricSINDy)
    found = again.fit([2 * run for run in X], STEP).predict(X[0])
    np.testing.assert_allclose(found, by_hand(again, X[0]), rtol=0, atol=1e-13)


@pytest.mark.parametrize("x", [np.full((1, 2), np.nan), np.zeros((1, 3)), np.zeros((0, 2)), 1j * X[0]])
def test_what_pysindy_refuses_is_refused_after_a_prediction(x):
    model = fitted()
    model.predict(X[0])
    with pytest.raises(ValueError):
        model.predict(x)


@pytest.mark.parametrize("kind", ["flow", "map"])
def test_solutions_are_those_of_pysindy(kind):
    model = fitted(kind=kind)
    t = np.linspace(0, 2, 9) if kind == "flow" else 9
    found, wanted = model.simulate(X[0][0], t), model.model_.simulate(X[0][0], t)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-10)
