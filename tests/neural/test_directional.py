import pytest

torch = pytest.importorskip("torch")

import symdyn as sd  # noqa: E402
from symdyn.neural import EquivariantFNO, EquivariantMLP  # noqa: E402
from symdyn.neural.derivatives.directional import directional_derivatives, value_and_derivative  # noqa: E402
from symdyn.neural.fourier.gridgroup import plane_rotations  # noqa: E402

SO3 = sd.candidates.so(3, copies=2)

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")


class Products(torch.nn.Module):
    """Products of weights and features in every order, and of features with features and weights with weights."""

    def __init__(self):
        super().__init__()
        self.weight, self.linear = torch.nn.Parameter(torch.randn(6, 6)), torch.nn.Linear(6, 6)

    def forward(self, x):
        y = torch.bmm(x[:, None], self.weight.expand(len(x), -1, -1)).squeeze(1)
        z = self.linear(y.reshape(-1, 2, 6)).reshape(-1, 6)
        weights = torch.nn.functional.linear(self.weight, self.weight)
        return torch.addmm(z.sin(), self.weight[: len(x), : len(x)], y) + (x @ x.T) @ self.linear(x) + x @ weights


CASES = {
    "MLP": lambda: torch.nn.Sequential(torch.nn.Linear(6, 5), torch.nn.SiLU(), torch.nn.Linear(5, 6)),
    "products": Products,
    "equivariant MLP": lambda: EquivariantMLP(SO3, SO3, hidden=(4,)),
    "operator": lambda: EquivariantFNO(plane_rotations(2), modes=(3, 3), copies=2, space="rotations"),
}


@pytest.mark.parametrize("case", CASES)
def test_value_derivative_and_their_slopes_are_those_of_func_jvp(case):
    torch.manual_seed(0)
    module = CASES[case]().double()
    shape = (2, 2, 8, 8) if case == "operator" else (4, 6)
    u, w = torch.randn(2, *shape, dtype=torch.float64)
    found, expected = value_and_derivative(module, u, w), torch.func.jvp(module, (u,), (w,))
    parameters = [p for p in module.parameters() if p.numel()]
    slopes = [
        torch.autograd.grad(value.sin().sum() + along.square().sum(), parameters) for value, along in (found, expected)
    ]
    for one, other in zip((*found, *slopes[0]), (*expected, *slopes[1]), strict=True):
        assert torch.allclose(one, other, rtol=1e-11, atol=1e-11)


def test_a_network_that_ignores_its_input_has_derivative_0():
    weight = torch.nn.Parameter(torch.ones(3))
    value, along = value_and_derivative(lambda u: weight.expand(4, 3), torch.zeros(4, 2), torch.ones(4, 2))
    assert value.shape == along.shape == (4, 3) and not along.any()


def test_many_directions_of_states_are_those_of_the_jacobian():
    torch.manual_seed(0)
    module, u = CASES["MLP"]().double(), torch.randn(4, 6, dtype=torch.float64)
    directions = torch.randn(8, 4, 6, dtype=torch.float64)
    value, along = directional_derivatives(module, u, directions)
    jacobians = torch.func.vmap(torch.func.jacrev(module))(u)
    assert torch.allclose(along, torch.einsum("boi,kbi->kbo", jacobians, directions))
    assert torch.allclose(value, module(u))
