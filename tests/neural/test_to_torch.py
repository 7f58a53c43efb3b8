import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import symdyn as sd
from symdyn.functions.features import Monomials

torch = pytest.importorskip("torch")

from symdyn.neural import to_torch  # noqa: E402


def random_field(features, n_states, n_outputs, seed=0):
    rng = np.random.default_rng(seed)
    coefficients = rng.standard_normal((n_outputs, features.size(n_states)))
    return sd.VectorField(features, coefficients, tuple(f"x{i}" for i in range(n_states)))


@given(st.integers(1, 4), st.integers(0, 4), st.integers(1, 3), st.integers(0, 100))
@settings(max_examples=25, deadline=None)
def test_values_and_jacobians_of_polynomials_are_those_of_the_field(n_states, degree, n_outputs, seed):
    field = random_field(sd.features.Polynomial(degree), n_states, n_outputs, seed)
    module, points = to_torch(field), np.random.default_rng(seed).standard_normal((5, n_states))
    found = module(torch.from_numpy(points)).detach().numpy()
    np.testing.assert_allclose(found, field(points), rtol=1e-12, atol=1e-12)
    jacobian = torch.func.vmap(torch.func.jacrev(module))(torch.from_numpy(points)).detach().numpy()
    np.testing.assert_allclose(jacobian, field.jacobian(points), rtol=1e-12, atol=1e-12)


FEATURES = [
    sd.features.CentralForce(powers=range(3)),
    sd.features.Fourier(2),
    sd.features.Polynomial(2) + sd.features.Fourier(1),
    sd.features.Polynomial(2, columns=(1,)),
    Monomials(((1, 2), (0, 3))),
]


@pytest.mark.parametrize("features", FEATURES, ids=lambda f: type(f).__name__)
def test_other_features_have_their_values_and_first_derivatives(features):
    n = 3 if isinstance(features, sd.features.CentralForce) else 2
    field = random_field(features, n, 2)
    points = np.random.default_rng(1).standard_normal((6, n)) + 2
    module, inputs = to_torch(field), torch.from_numpy(points)
    np.testing.assert_allclose(module(inputs).detach().numpy(), field(points), rtol=1e-12)
    tangent = np.random.default_rng(2).standard_normal((6, n))
    moved = torch.func.jvp(module, (inputs,), (torch.from_numpy(tangent),))[1].detach().numpy()
    expected = np.einsum("soi,si->so", field.jacobian(points), tangent)
    np.testing.assert_allclose(moved, expected, rtol=1e-11, atol=1e-12)
    jacobian = torch.func.vmap(torch.func.jacrev(module))(inputs).detach().numpy()
    np.testing.assert_allclose(jacobian, field.jacobian(points), rtol=1e-11, atol=1e-12)


def test_points_may_have_any_leading_axes_and_the_origin_is_no_trouble():
    field = random_field(sd.features.Polynomial(3), 2, 2)
    module = to_torch(field)
    points = torch.zeros(3, 4, 2, dtype=torch.float64, requires_grad=True)
    module(points).sum().backward()
    assert points.grad is not None and torch.isfinite(points.grad).all() and points.grad.abs().max() > 0


def test_generators_become_one_module():
    generators = sd.candidates.se(2)
    points = np.random.default_rng(0).standard_normal((4, 2))
    np.testing.assert_allclose(to_torch(generators)(torch.from_numpy(points)).detach(), generators.values(points))


def test_a_law_can_be_fitted_on_in_float32():
    module = to_torch(random_field(sd.features.Polynomial(2), 2, 2)).float()
    points = torch.randn(8, 2)
    before = module.coefficients.detach().clone()
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    module(points).square().mean().backward()
    optimizer.step()
    assert module(points).dtype == torch.float32 and not torch.equal(before, module.coefficients)


def test_what_is_no_field_is_refused():
    with pytest.raises(TypeError, match="got ndarray"):
        to_torch(np.eye(2))
    module = to_torch(random_field(sd.features.Polynomial(2), 2, 2))
    with pytest.raises(ValueError, match="2 states last"):
        module(torch.zeros(4, 3))


def test_a_second_derivative_of_numpy_features_is_refused():
    module = to_torch(random_field(sd.features.Fourier(1), 2, 2))
    points = torch.ones(3, 2, dtype=torch.float64, requires_grad=True)
    (first,) = torch.autograd.grad(module(points).sum(), points, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        first.sum().backward()
