import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symdyn.functions.features import CentralForce, Polynomial
from symdyn.lie import candidates
from symdyn.lie.actions import act
from symdyn.lie.derivative import LieDerivative
from symdyn.lie.vectorfields import VectorField

RNG = np.random.default_rng(3)


def derivative_of(features, generators, points, kind, n_outputs=None):
    return LieDerivative.build(features, act(generators, points, kind, n_outputs), points)


def test_a_law_commutes_with_itself():
    coefficients = RNG.standard_normal((2, 6))
    generators = candidates.polynomial(2, 2).combine(coefficients.reshape(1, -1))
    points = RNG.standard_normal((9, 2))
    np.testing.assert_allclose(derivative_of(Polynomial(2), generators, points, "flow").of(coefficients), 0, atol=1e-12)


def test_keplers_law_is_symmetric_under_rotations_and_the_third_law():
    generators = candidates.so(3) + candidates.from_matrices(np.eye(3)[None], time_scaling=[1.5])
    points = RNG.standard_normal((9, 6))
    derivative = derivative_of(CentralForce((3,)), generators, points, "second_order")
    np.testing.assert_allclose(derivative.of(-np.eye(3)), 0, atol=1e-10)


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="kind must be one of"):
        act(candidates.so(2), np.ones((3, 2)), "sideways")
    with pytest.raises(ValueError, match="not affine"):
        act(candidates.polynomial(2, 2), np.ones((3, 4)), "second_order")


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**31))
def test_derivative_along_a_nonlinear_generator_is_that_along_its_flow(seed):
    """d/ds at 0 of (D phi_s)^-1 f(phi_s(x)) for a field, and of F(phi_s(x)) for an invariant."""
    rng = np.random.default_rng(seed)
    features, step, nudge = Polynomial(2), 1e-3, 1e-4
    generator = candidates.polynomial(2, 2).combine(0.3 * rng.standard_normal((1, 12)))
    point, weights = rng.uniform(-1, 1, 2), rng.standard_normal((2, 6))
    law = VectorField(features, weights, ("x", "y"))

    def moved(start, s):
        return generator[0].flow(start, np.array([0.0, s]), rtol=1e-13, atol=1e-14)[-1]

    def pulled_back(s):
        slope = [(moved(point + e, s) - moved(point - e, s)) / (2 * nudge) for e in nudge * np.eye(2)]
        return np.linalg.solve(np.transpose(slope), law(moved(point, s)[None])[0])

    field = derivative_of(features, generator, point[None], "flow").of(weights)[0, :, 0]
    np.testing.assert_allclose((pulled_back(step) - pulled_back(-step)) / (2 * step), field, rtol=1e-4, atol=1e-4)
    scalars = (law(moved(point, step)[None]) - law(moved(point, -step)[None]))[0] / (2 * step)
    invariant = derivative_of(features, generator, point[None], "invariant", 2).of(weights)[0, :, 0]
    np.testing.assert_allclose(scalars, invariant, rtol=1e-4, atol=1e-4)
