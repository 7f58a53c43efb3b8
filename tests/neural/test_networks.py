"""Symmetries read off networks, and how far networks are from them."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from symdyn import candidates, groups  # noqa: E402
from symdyn.discovery.function import discover_function  # noqa: E402
from symdyn.lie.algebras.algebra import LieAlgebra  # noqa: E402
from symdyn.neural.derivatives.networks import as_function, discover_network  # noqa: E402
from symdyn.neural.equivariance import equivariance_error, layer_errors  # noqa: E402
from symdyn.neural.representations import as_representation  # noqa: E402

TURN = np.array([[0.0, -1.0], [1.0, 0.0]])


def mlp(n_in, n_out, width=48, activation=torch.nn.Tanh, seed=0):
    torch.manual_seed(seed)
    layers = [torch.nn.Linear(n_in, width), activation(), torch.nn.Linear(width, width), activation()]
    return torch.nn.Sequential(*layers, torch.nn.Linear(width, n_out))


def trained(function, n_in, n_out, steps=500):
    """A network in single precision, its samples left out, and the values there."""
    net = mlp(n_in, n_out)
    x = torch.randn(3000, n_in)
    y = function(x)
    optimizer = torch.optim.Adam(net.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-2, total_steps=steps)
    for _ in range(steps):
        chosen = torch.randint(2500, (256,))
        optimizer.zero_grad()
        (net(x[chosen]) - y[chosen]).pow(2).mean().backward()
        optimizer.step()
        schedule.step()
    return net, x[2500:], y[2500:]


@pytest.fixture(scope="module")
def round_network():
    return trained(lambda x: torch.exp(-x.pow(2).sum(dim=1, keepdim=True) / 2), 2, 1)


def unit(vector):
    return vector / np.linalg.norm(vector)


def test_the_rotation_is_read_off_a_trained_network_and_all_else_is_broken(round_network):
    net, x, y = round_network
    found = discover_network(net, x, candidates.gl(2), targets=y)
    assert found.algebra_.name == "so(2)" and found.algebra_.exact.all()
    assert list(found.verdicts_.verdict.values) == ["symmetric"] + 3 * ["broken"]
    assert 1e-4 < found.verdicts_.violation.values[0] < 0.1  # the network is not symmetric, its function is


def test_error_bars_of_a_generator_cover_the_true_one(round_network):
    net, x, _ = round_network
    evidence = discover_network(net, x, candidates.gl(2)).evidence_
    truth, estimate = unit(TURN.ravel()), unit(evidence.directions[:, 0])
    off = np.sqrt(1 - (estimate @ truth) ** 2)
    drawn = np.array([unit(directions[:, 0]) for directions in evidence.replicate_directions])
    spread = np.sqrt(np.mean(1 - (drawn @ estimate) ** 2))
    assert 0 < off < 3 * spread < 0.1


def test_a_generator_beside_simple_numbers_is_not_rounded_to_them():
    """exp(−(x^2 + 1.2 y^2) / 2) keeps y 1.2 ∂x − x ∂y; the rotation violates it by less than delta."""
    net, x, _ = trained(lambda x: torch.exp(-(x[:, :1] ** 2 + 1.2 * x[:, 1:] ** 2) / 2), 2, 1)
    assert discover_network(net, x, candidates.so(2)).algebra_.dim == 1
    found = discover_network(net, x, candidates.gl(2)).algebra_
    (matrix,), errors = found.matrices, found.errors[0]
    assert abs(matrix[0, 1] / matrix[1, 0]) == pytest.approx(1.2, abs=6 * errors.max())
    assert 1e-3 < errors.max() < 0.03


def test_a_delta_near_rounding_finds_nothing_in_a_trained_network(round_network):
    net, x, _ = round_network
    found = discover_network(net, x, candidates.gl(2), delta=1e-6)
    assert found.algebra_.dim == 0


def test_violations_near_delta_are_undetermined(round_network):
    net, x, _ = round_network
    violation = float(discover_network(net, x, candidates.so(2)).verdicts_.violation[0])
    found = discover_network(net, x, candidates.so(2), delta=violation / 2)
    assert list(found.verdicts_.verdict.values) == ["undetermined"]
    assert list(discover_network(net, x, candidates.so(2), delta=violation / 4).verdicts_.verdict) == ["broken"]


def test_an_exact_module_gives_what_its_function_gives():
    module = lambda x: (x**2).sum(dim=1) - 3 * x[:, 0] ** 2  # noqa: E731
    x = np.random.default_rng(0).standard_normal((300, 3))
    given = discover_network(module, x, candidates.affine(3))
    exact = discover_function(lambda x: np.sum(x**2, axis=1) - 3 * x[:, 0] ** 2, x, candidates.affine(3))
    assert given.algebra_.name == exact.algebra_.name == "sl(2)"  # so(1,2)
    np.testing.assert_allclose(given.verdicts_.violation[3:], exact.verdicts_.violation[3:], rtol=1e-6)


def test_the_inertia_tensor_of_a_network_has_five_generators():
    class Inertia(torch.nn.Module):
        def forward(self, x):
            square = x.pow(2).sum(dim=1)[:, None, None] * torch.eye(3, dtype=x.dtype)
            return square - x[:, :, None] * x[:, None, :]

    found = discover_network(Inertia(), torch.randn(300, 3), candidates.gl(3), output=("linear", "linear"))
    assert found.algebra_.dim == 5 and found.algebra_.name == "so(3) + R^2"


def test_a_map_of_short_steps_is_judged_by_its_increments():
    step = 0.01
    drift = lambda x: torch.stack([x[:, 1], x[:, 0] - x[:, 0] ** 3], dim=1)  # noqa: E731
    x = torch.randn(400, 2, dtype=torch.float64)
    whole = discover_network(lambda x: x + step * drift(x), x, candidates.gl(2), output="vector")
    assert whole.algebra_.dim == 4  # next to the identity all looks symmetric
    parts = discover_network(lambda x: x + step * drift(x), x, candidates.gl(2), output="vector", increments=True)
    assert parts.algebra_.dim == 0


def test_a_network_as_a_field_commutes_with_itself_and_that_is_trivial():
    field = lambda x: torch.stack([x[:, 1], x[:, 0] - x[:, 0] ** 3], dim=1)  # noqa: E731
    found = discover_network(field, torch.randn(300, 2), candidates.polynomial(2, 3), output="vector_field", delta=1e-6)
    assert (found.algebra_.dim, found.trivial_.dim) == (0, 1)


@pytest.mark.parametrize("n_in, n_out", [(2, 5), (5, 2), (3, 1)])
@pytest.mark.parametrize("activation", [torch.nn.Tanh, torch.nn.ReLU])
def test_derivatives_are_those_of_one_sample_at_a_time(n_in, n_out, activation):
    net = mlp(n_in, n_out, activation=activation)
    function, jacobian = as_function(net)
    x = np.random.default_rng(0).standard_normal((7, n_in))
    double = mlp(n_in, n_out, activation=activation).double()
    expected = [torch.autograd.functional.jacobian(double, torch.as_tensor(row)).numpy() for row in x]
    np.testing.assert_allclose(jacobian(x), expected, atol=1e-13)
    assert function(x).shape == (7, n_out) and next(net.parameters()).dtype == torch.float32


def test_networks_with_kinks_are_looked_at_as_well():
    found = discover_network(mlp(2, 1, activation=torch.nn.ReLU), torch.randn(400, 2), candidates.gl(2))
    assert found.algebra_.dim == 0


def test_a_network_that_misses_its_targets_is_warned_of():
    x = torch.randn(200, 2)
    with pytest.warns(UserWarning, match="misses its targets by"):
        found = discover_network(mlp(2, 1), x, candidates.gl(2), targets=x.pow(2).sum(dim=1, keepdim=True))
    assert "broken" not in found.verdicts_.verdict.values


def test_points_that_cannot_decide_are_warned_of():
    square = lambda x: (x**2).sum(dim=1)  # noqa: E731
    with pytest.warns(UserWarning, match="3 values cannot decide about 9 candidates"):
        discover_network(square, torch.randn(3, 3), candidates.gl(3))
    flat = torch.randn(300, 3) * torch.tensor([1.0, 1.0, 0.0])
    with pytest.warns(UserWarning, match="x lie on a curve or surface of degree 1"):
        discover_network(square, flat, candidates.gl(3))


def test_bad_input_of_a_search_is_named():
    net, x, fields = mlp(2, 1), torch.randn(50, 2), candidates.gl(2)
    with pytest.raises(TypeError, match="module must be an nn"):
        discover_network("network.pt", x, fields)
    with pytest.raises(ValueError, match=r"x must have shape \(sample, 2\)"):
        discover_network(net, x[:, :1], fields)
    with pytest.raises(ValueError, match="delta must be positive"):
        discover_network(net, x, fields, delta=0.0)
    with pytest.raises(ValueError, match="targets must have the shape of the values"):
        discover_network(net, x, fields, targets=x)
    with pytest.raises(ValueError, match="increments=True is for maps of states"):
        discover_network(net, x, fields, increments=True)
    with pytest.raises(ValueError, match="output must be one of"):
        discover_network(net, x, fields, output="spinor")
    with pytest.raises(ValueError, match="not finite"):
        discover_network(lambda x: torch.log(-x.abs()), x, fields, output=("linear",))


def equivariant_layer():
    """W = a + b J on two copies of the plane: commutes with rotations."""
    layer = torch.nn.Linear(4, 4, bias=False).double()
    weights = np.kron([[1.0, 2.0], [0.3, -1.0]], np.eye(2)) + np.kron([[0.5, 0.0], [1.0, 1.0]], TURN)
    layer.weight.data = torch.as_tensor(weights)
    return layer


def test_the_error_of_an_equivariant_layer_is_rounding_and_that_of_another_is_not():
    rotation = LieAlgebra.from_matrices(TURN[None])
    quarter = groups.element(TURN)
    both = as_representation([rotation, quarter]).copies(2)
    x = torch.randn(50, 4, dtype=torch.float64)
    found = equivariance_error(equivariant_layer(), x, both, both)
    assert list(found.symmetry.values) == ["generator 0", "element 0"]
    np.testing.assert_allclose(found, 0, atol=1e-14)
    assert np.all(equivariance_error(torch.nn.Linear(4, 4).double(), x, both, both) > 0.1)
    np.testing.assert_array_equal(equivariance_error(equivariant_layer(), x, both), found)  # as in `constrain`
    assert np.all(equivariance_error(equivariant_layer(), x, both, "invariant") > 0.1)


def test_errors_of_invariants_and_of_fields_over_a_grid():
    x = torch.randn(10, 2, 8, 8, dtype=torch.float64)
    norm = lambda u: u.pow(2).sum(dim=1, keepdim=True)  # noqa: E731
    assert equivariance_error(norm, x, TURN[None], "invariant")[0] < 1e-14
    assert equivariance_error(lambda u: u * norm(u), x, TURN[None], TURN[None])[0] < 1e-14
    assert equivariance_error(lambda u: u[:, :1], x, TURN[None], "invariant")[0] > 0.3


def test_the_error_of_a_generator_is_the_violation_of_discovery(round_network):
    net, x, _ = round_network
    double = mlp(2, 1).double()
    double.load_state_dict(net.state_dict())
    mean = double(torch.as_tensor(x, dtype=torch.float64)).mean()  # what is invariant has an origin of its own
    given = torch.as_tensor(x, dtype=torch.float64)
    error = equivariance_error(lambda points: double(points) - mean, given, TURN[None], "invariant")
    violation = discover_network(net, x, candidates.so(2)).verdicts_.violation
    assert float(error[0]) == pytest.approx(float(violation[0]), rel=0.2)


class Norms(torch.nn.Module):
    """Vectors scaled by a function of their norms."""

    def forward(self, x):
        pairs = x.reshape(len(x), 2, 2)
        return (pairs * torch.tanh(pairs.norm(dim=2, keepdim=True))).reshape(len(x), 4)


def test_the_layer_that_breaks_a_symmetry_is_seen():
    net = torch.nn.Sequential(equivariant_layer(), Norms(), torch.nn.Tanh(), torch.nn.Linear(4, 2).double())
    rotation = as_representation([LieAlgebra.from_matrices(TURN[None]), groups.element(TURN)]).copies(2)
    x = torch.randn(200, 4, dtype=torch.float64)
    found = layer_errors(net, x, rotation)
    assert list(found.layer.values) == ["0", "1", "2", "3", ""]
    np.testing.assert_allclose(found.sel(layer=["0", "1"]), 0, atol=1e-10)
    assert np.all(found.sel(layer=["2", "3", ""], symmetry="generator 0") > 0.01)
    known = layer_errors(net, x, rotation, {"1": rotation}, layers=["1"])
    np.testing.assert_allclose(known, 0, atol=1e-13)
    assert np.all(layer_errors(net, x, rotation, {"1": None}, layers=["1"]) > 0.1)


def test_too_few_samples_for_a_fit_leave_no_error():
    found = layer_errors(mlp(2, 1), torch.randn(40, 2), TURN[None], layers=["0", "4"])
    assert np.isnan(found.sel(layer="0")).all() and np.isfinite(found.sel(layer="4")).all()


def test_bad_input_of_errors_is_named():
    net, x = mlp(2, 1), torch.randn(40, 2)
    with pytest.raises(ValueError, match="the module has no layer 'head'"):
        layer_errors(net, x, TURN[None], layers=["head"])
    with pytest.raises(ValueError, match=r"x must have shape \(batch, in\)"):
        layer_errors(net, x[:, :, None], TURN[None])
    with pytest.raises(ValueError, match=r"x must have shape \(batch, in, ...\)"):
        equivariance_error(net, x[:, 0], TURN[None])
    with pytest.raises(ValueError, match="representation_in moves 2 features"):
        equivariance_error(mlp(3, 1), torch.randn(5, 3), TURN[None], "invariant")
    with pytest.raises(ValueError, match="as many values as inputs, not 1 and 2; give it, such as 'invariant'"):
        equivariance_error(mlp(2, 1), torch.randn(5, 2), TURN[None])
    with pytest.raises(TypeError, match="or 'invariant', got str"):
        equivariance_error(mlp(2, 1), torch.randn(5, 2), TURN[None], "scalar")
    with pytest.raises(ValueError, match="values of the module at x are not finite"):
        equivariance_error(lambda u: u / 0, x, TURN[None])
    twice = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 2))
    twice[1] = twice[0]
    with pytest.raises(ValueError, match="is called more than once"):
        layer_errors(twice, x, TURN[None])
