"""Fitted laws: fast functions, formulas, solutions, files."""

import timeit

import numpy as np
import pysindy as ps
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

import symdyn as sd
from symdyn.lie.vectorfields import VectorField
from symdyn.regression import FittedLaw, SymmetricSINDy, law_of

LORENZ = FittedLaw(**vars(sd.systems.exact_law("lorenz")))
WAVES = FittedLaw(sd.features.Fourier(1) + sd.features.Polynomial(1), np.ones((2, 7)), ("a", "b"))


@given(
    n=st.integers(1, 4), degree=st.integers(0, 5), seed=st.integers(0, 10**6), shape=st.sampled_from([(), (1,), (3, 2)])
)
@settings(max_examples=30, deadline=None)
def test_functions_and_jacobians_are_those_of_the_field(n, degree, seed, shape):
    rng = np.random.default_rng(seed)
    features = sd.features.Polynomial(degree) + sd.features.Monomials(((7,) + (0,) * (n - 1),))
    coefficients = rng.standard_normal((2, features.size(n))) * (rng.random((2, features.size(n))) < 0.5)
    law = FittedLaw(features, coefficients, tuple(f"x{i}" for i in range(n)))
    points = rng.standard_normal((*shape, n))
    flat = points.reshape(-1, n)
    np.testing.assert_allclose(law.to_function()(points), law(flat).reshape(*shape, 2), atol=1e-11)
    np.testing.assert_allclose(law.jacobian_function()(points), law.jacobian(flat).reshape(*shape, 2, n), atol=1e-10)


def test_laws_that_are_no_polynomials_evaluate_their_features():
    points = np.random.default_rng(0).standard_normal((4, 2))
    np.testing.assert_allclose(WAVES.to_function()(points[0]), WAVES(points)[0], atol=1e-14)
    np.testing.assert_allclose(WAVES.jacobian_function()(points), WAVES.jacobian(points), atol=1e-14)


def test_one_sample_is_predicted_within_the_time_that_is_promised():
    function, point = LORENZ.to_function(), np.array([1.0, 2.0, 20.0])
    seconds = min(timeit.repeat(lambda: function(point), number=1000, repeat=5)) / 1000
    assert seconds < 30e-6


def test_formulas_say_what_the_function_says():
    point = [1.0, 2.0, 20.0]
    values = LORENZ.to_sympy().subs(dict(zip(sympy.symbols("x y z"), point, strict=True)))
    np.testing.assert_allclose(np.array(values, dtype=float).ravel(), LORENZ.to_function()(point), rtol=1e-12)
    assert LORENZ.to_latex()[1] == r"\dot{y} = - x z + 28 x - y"
    assert FittedLaw(LORENZ.features, LORENZ.coefficients, LORENZ.states, "map").to_latex()[0].startswith(r"\Delta x")


@pytest.mark.parametrize("method", ["LSODA", "Radau", "DOP853"])
def test_solutions_agree_with_the_flow_of_the_field(method):
    times = np.linspace(0, 1, 5)
    found = LORENZ.simulate([1, 1, 20], times, method=method)
    np.testing.assert_allclose(found, sd.systems.exact_law("lorenz").flow(np.array([1.0, 1, 20]), times), atol=1e-4)


def test_stiff_laws_are_solved_with_the_exact_jacobian(monkeypatch):
    asked = []
    stiff = FittedLaw(sd.features.Polynomial(1), np.array([[0, -1e4, 0.0], [0, 1, -1]]), ("x", "y"))
    monkeypatch.setattr(
        "symdyn.regression.fitted.jacobian_function", lambda law: lambda x: asked.append(1) or law.jacobian(x[None])[0]
    )
    end = stiff.simulate([1, 1], [0.0, 3.0], method="BDF", rtol=1e-6, atol=1e-8)[-1]
    assert asked and end[1] == pytest.approx(np.exp(-3), rel=1e-3)


def test_second_order_laws_and_maps_are_simulated_as_what_they_are():
    spring = FittedLaw(sd.features.Polynomial(1), np.array([[0.0, -1, 0]]), ("q", "v"), "second_order")
    np.testing.assert_allclose(spring.simulate([1, 0], [0, np.pi])[-1], [-1, 0], atol=1e-6)
    halving = FittedLaw(sd.features.Polynomial(1), np.array([[0.0, -0.5]]), ("x",), "map")
    np.testing.assert_array_equal(halving.simulate([8.0], range(4)).ravel(), [8, 4, 2, 1])


@pytest.mark.parametrize("law", [LORENZ, WAVES], ids=["polynomial", "sum"])
def test_laws_come_back_from_disk_as_they_were(law, tmp_path):
    law.save(tmp_path / "law.nc")
    back = FittedLaw.load(tmp_path / "law.nc")
    np.testing.assert_array_equal(back.coefficients, law.coefficients)
    assert (back.features, back.states, back.kind) == (law.features, law.states, law.kind)


@pytest.mark.parametrize("kind", [SymmetricSINDy, ps.SINDy])
def test_the_law_of_a_model_predicts_what_the_model_predicts(kind):
    x, step = sd.systems.hopf(n_trajectories=3)
    model = kind(ps.STLSQ(threshold=0.1), ps.PolynomialLibrary(3))
    model.fit(x, step, feature_names=["x", "y"])
    law = law_of(model)
    np.testing.assert_allclose(law.to_function()(x[0]), model.predict(x[0]), atol=1e-12)
    assert law.states == ("x", "y") and isinstance(law, VectorField)


def test_the_law_of_a_discrete_model_is_its_increment():
    path = np.cumprod(np.full((30, 1), 0.9), axis=0)
    model = ps.DiscreteSINDy(ps.STLSQ(threshold=0.01), ps.PolynomialLibrary(1))
    model.fit(path, 1)
    law = law_of(model)
    assert law.kind == "map"
    np.testing.assert_allclose(law.simulate(path[0], range(30)), path, atol=1e-10)
    fourier = ps.DiscreteSINDy(ps.STLSQ(threshold=0.0), ps.FourierLibrary())
    fourier.fit(path, 1)
    with pytest.raises(ValueError, match="lacks the term x0"):
        law_of(fourier)


def test_bad_input_is_named(tmp_path):
    with pytest.raises(ValueError, match="kind must be one of"):
        FittedLaw(LORENZ.features, LORENZ.coefficients, LORENZ.states, "pde")
    with pytest.raises(ValueError, match="start must hold one value for each of x, y, z"):
        LORENZ.simulate([1, 1], [0, 1])
    with pytest.raises(ValueError, match="a law with inputs"):
        FittedLaw(sd.features.Polynomial(1), np.ones((1, 3)), ("x", "u")).simulate([1, 1], [0, 1])
    with pytest.raises(RuntimeError, match=r"leaves every bound after t = 0\.9"):
        FittedLaw(sd.features.Polynomial(2), np.array([[0.0, 0, 1]]), ("x",)).simulate([1], np.linspace(0, 2, 21))
    with pytest.raises(FileNotFoundError, match="no such file"):
        FittedLaw.load(tmp_path / "nothing.nc")
    sd.LieAlgebra(sd.candidates.so(2)).save(tmp_path / "symmetry.nc")
    with pytest.raises(ValueError, match="holds no law"):
        FittedLaw.load(tmp_path / "symmetry.nc")
    with pytest.raises(ValueError, match="not fitted"):
        law_of(ps.SINDy())
