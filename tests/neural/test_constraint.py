import copy

import numpy as np
import pytest

import symdyn as sd
from symdyn.testing import assert_equivariant

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from symdyn.neural import as_representation, constrain, equivariant_matrices, stencil, trivial  # noqa: E402

ROTATION = sd.LieAlgebra(sd.candidates.so(3))
TURN = np.array([[0.0, -1.0], [1.0, 0.0]])
SQUARE = np.stack([TURN, np.diag([1.0, -1.0])])
D2Q9 = [(0, 0), (1, 0), (0, 1), (-1, 0), (0, -1), (1, 1), (-1, 1), (-1, -1), (1, -1)]


def violation(weight, rep_in, rep_out):
    """Largest entry of W A - B W, relative to that of W."""
    weight = weight.detach().double().numpy()
    pairs = [*zip(rep_in.generators, rep_out.generators, strict=True)]
    pairs += [*zip(rep_in.elements, rep_out.elements, strict=True)]
    return max(np.abs(weight @ a - b @ weight).max() for a, b in pairs) / np.abs(weight).max()


def train(module, inputs, steps=20):
    optimizer = torch.optim.Adam(module.parameters(), lr=0.05)
    target = module(inputs).detach().roll(1, 0)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (module(inputs) - target).square().mean()
        loss.backward()
        optimizer.step()
    return module


@pytest.mark.parametrize(("dtype", "bound"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
def test_a_constrained_linear_layer_stays_equivariant_in_training(dtype, bound):
    torch.manual_seed(0)
    vector = as_representation(ROTATION)
    rep_in, rep_out = vector.copies(2) + trivial(2), trivial(3) + vector.copies(4)
    layer = constrain(nn.Linear(8, 15), rep_in, rep_out).to(dtype)
    before = layer.weight.detach().clone()
    train(layer, torch.randn(32, 8, dtype=dtype))
    assert (layer.weight - before).abs().max() > 0.01
    rep_in, rep_out = (as_representation(r.generators) for r in (rep_in + trivial(0), rep_out + trivial(0)))
    assert violation(layer.weight, rep_in, rep_out) < bound
    assert np.abs(rep_out.generators @ layer.bias.detach().double().numpy()).max() < bound
    assert layer.bias.detach().abs()[:3].min() > 0


def test_the_square_leaves_15_and_3_weights_of_a_lattice_stencil():
    populations = stencil(SQUARE, D2Q9)
    layer = constrain(nn.Linear(9, 9).double(), populations)
    assert [p.numel() for p in layer.parameters()] == [15, 3]
    train(layer, torch.randn(16, 9, dtype=torch.float64))
    assert violation(layer.weight, populations, populations) < 1e-12
    for element in populations.elements:
        assert_equivariant(numpy_of(layer), element, element, np.random.default_rng(0).standard_normal((5, 9)))


def numpy_of(module):
    return lambda points: module(torch.as_tensor(points)).detach().numpy()


@pytest.mark.parametrize("kind", [nn.Conv2d, nn.ConvTranspose2d])
@pytest.mark.parametrize("size", [3, 4])
def test_a_convolution_commutes_with_motions_of_the_grid(kind, size):
    torch.manual_seed(1)
    value = as_representation(sd.groups.elements(SQUARE))
    rep_in, rep_out = value.copies(2) + trivial(1), trivial(2) + value
    layer = constrain(kind(5, 4, size, padding=1).double(), rep_in, rep_out, space=SQUARE)
    fields = torch.randn(2, 5, 8, 8, dtype=torch.float64)
    train(layer, fields, 5)
    turns = [lambda u: torch.rot90(u, 1, (2, 3)), lambda u: u.flip(3)]
    for turn, a, b in zip(turns, (rep_in + trivial(0)).elements, (rep_out + trivial(0)).elements, strict=True):
        moved = layer(torch.einsum("ij,bjxy->bixy", torch.as_tensor(a), turn(fields)))
        expected = torch.einsum("ij,bjxy->bixy", torch.as_tensor(b), turn(layer(fields)))
        assert (moved - expected).abs().max() < 1e-12 * expected.abs().max()


def test_grid_symmetry_alone_keeps_channels_free():
    layer = constrain(nn.Conv2d(4, 3, 3), None, space=SQUARE)
    assert [p.numel() for p in layer.parameters()] == [4 * 3 * 3, 3]  # centre, edges, corners


@pytest.mark.parametrize(
    ("layer", "shape"),
    [(nn.Conv1d, (10,)), (nn.Conv2d, (6, 5)), (nn.Conv3d, (4, 5, 4)), (nn.ConvTranspose1d, (9,))],
)
def test_a_convolution_keeps_the_action_on_channels(layer, shape):
    vector = as_representation(ROTATION)
    module = constrain(layer(6, 9, 3).double(), vector.copies(2), vector.copies(3))
    fields = torch.randn(2, 6, *shape, dtype=torch.float64)
    train(module, fields, 3)
    for a, b in zip(vector.copies(2).generators, vector.copies(3).generators, strict=True):
        moved = module(torch.einsum("ij,bj...->bi...", torch.as_tensor(a), fields))
        moved = moved - module(torch.zeros_like(fields))
        expected = torch.einsum("ij,bj...->bi...", torch.as_tensor(b), module(fields))
        assert (moved - expected).abs().max() < 1e-12 * expected.abs().max()


def test_an_equivariant_weight_is_left_as_it_is():
    layer = nn.Linear(3, 3).double()
    with torch.no_grad():
        layer.weight.copy_(2.5 * torch.eye(3))
        layer.bias.zero_()
    constrain(layer, ROTATION)
    assert torch.allclose(layer.weight, 2.5 * torch.eye(3, dtype=torch.float64), atol=1e-14)
    layer.weight = torch.diag(torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64))
    assert torch.allclose(layer.weight, 2.0 * torch.eye(3, dtype=torch.float64), atol=1e-14)


def test_outputs_keep_the_variance_of_the_unconstrained_layer():
    torch.manual_seed(2)
    vector = as_representation(ROTATION)
    plain = nn.Linear(3 * 32, 3 * 64, bias=False)
    layer = constrain(copy.deepcopy(plain), vector.copies(32), vector.copies(64))
    inputs = torch.randn(1000, 96)
    assert 0.9 < (layer(inputs).var() / plain(inputs).var()).item() < 1.1


def test_a_layer_made_double_is_exact_again():
    layer = constrain(nn.Linear(6, 6), as_representation(ROTATION).copies(2)).float().double()
    rep = as_representation(ROTATION).copies(2)
    assert violation(layer.weight, rep, rep) < 1e-14


def test_state_is_saved_and_read_without_pickle(tmp_path):
    safetensors = pytest.importorskip("safetensors.torch")
    rep = as_representation(ROTATION).copies(2)
    layer, other = (constrain(nn.Linear(6, 6), rep) for _ in range(2))
    safetensors.save_file(layer.state_dict(), tmp_path / "weights.safetensors")
    other.load_state_dict(safetensors.load_file(tmp_path / "weights.safetensors"))
    assert torch.equal(layer.weight, other.weight) and torch.equal(copy.deepcopy(layer).weight, layer.weight)


def test_constrained_layers_work_under_transforms():
    rep = as_representation(ROTATION).copies(2)
    layer = constrain(nn.Linear(6, 6).double(), rep)
    x, tangent = torch.randn(2, 4, 6, dtype=torch.float64)
    value, moved = torch.func.jvp(layer, (x,), (tangent,))
    assert torch.allclose(moved, tangent @ layer.weight.T) and torch.allclose(value, layer(x))
    jacobian = torch.func.vmap(torch.func.jacrev(layer))(x)
    assert torch.allclose(jacobian[0], layer.weight)
    parameters = dict(layer.named_parameters())
    gradient = torch.func.grad(lambda p: torch.func.functional_call(layer, p, (x,)).square().sum())(parameters)
    assert all(torch.isfinite(g).all() for g in gradient.values())
    compiled = torch.compile(layer, backend="eager", fullgraph=True)
    assert torch.allclose(compiled(x), layer(x))


def test_error_bars_of_a_discovered_generator_set_what_is_kept():
    noisy = sd.LieAlgebra.from_matrices([[[0.004, -1.01], [1.0, -0.003]]], errors=0.02)
    rep = as_representation(noisy)
    square = rep * rep
    exact = as_representation(noisy.matrices) * as_representation(noisy.matrices)
    assert equivariant_matrices(square, trivial(1)).dim == 2  # |x|^2 and the area form
    assert equivariant_matrices(exact, trivial(1)).dim == 0
    layer = constrain(nn.Linear(4, 1), square, trivial(1))
    assert layer.parametrizations.weight.original.numel() == 2


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: constrain(nn.Linear(3, 3), sd.candidates.se(3)), ValueError, "LieDerivativePenalty"),
        (lambda: constrain(nn.Linear(2, 2), sd.candidates.polynomial(2, 2)), ValueError, "LieDerivativePenalty"),
        (lambda: constrain(nn.Linear(4, 4), ROTATION), ValueError, "rep_in moves 3 features, 4 are expected"),
        (lambda: constrain(nn.Linear(3, 6), ROTATION), ValueError, "rep_out is left out"),
        (lambda: constrain(nn.ReLU(), ROTATION), TypeError, "got ReLU"),
        (lambda: constrain(nn.Conv2d(4, 4, 3, groups=2), None, space=SQUARE), ValueError, "groups=1"),
        (lambda: constrain(nn.Conv2d(4, 4, 3, stride=2), None, space=SQUARE), ValueError, "stride 1"),
        (lambda: constrain(nn.Conv2d(4, 4, (3, 5)), None, space=SQUARE), ValueError, "none of the others"),
        (lambda: constrain(nn.Conv2d(4, 4, 3, padding=(1, 0)), None, space=SQUARE), ValueError, "padding"),
        (lambda: constrain(nn.Conv3d(4, 4, 3), None, space=SQUARE), ValueError, "2 axes, the convolution has 3"),
        (lambda: constrain(nn.Conv2d(4, 4, 3), None, space=0.5 * SQUARE), ValueError, "signed permutations"),
        (lambda: constrain(nn.Conv2d(3, 3, 3), ROTATION, space=SQUARE), ValueError, "3 generators and 0 elements"),
        (lambda: constrain(nn.Linear(3, 3), None, space=SQUARE), ValueError, "does not have"),
        (lambda: constrain(constrain(nn.Linear(3, 3), ROTATION), ROTATION), ValueError, "already"),
    ],
)
def test_layers_and_actions_that_do_not_fit_are_named(make, error, text):
    with pytest.raises(error, match=text):
        make()
