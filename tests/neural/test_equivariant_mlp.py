import copy

import numpy as np
import pytest
from scipy.linalg import expm

import symdyn as sd

torch = pytest.importorskip("torch")

from symdyn.neural import EquivariantMLP, as_representation, stencil, trivial  # noqa: E402

SQUARE = np.array([[[0.0, -1.0], [1.0, 0.0]], [[1.0, 0.0], [0.0, -1.0]]])
D2Q9 = [(0, 0), (1, 0), (0, 1), (-1, 0), (0, -1), (1, 1), (-1, 1), (-1, -1), (1, -1)]


def vector(candidates):
    return as_representation(sd.LieAlgebra(candidates))


SO3 = vector(sd.candidates.so(3))
O2 = as_representation([sd.LieAlgebra(sd.candidates.so(2)), sd.groups.sign_flip([1, -1])])
CASES = {
    "so(3), vectors": (SO3.copies(2), SO3 + trivial(1)),
    "so(3), tensor": (SO3.copies(2), SO3 * SO3),
    "so(1, 3)": (vector(sd.candidates.lorentz(1, 3)).copies(2), trivial(2)),
    "o(2)": (O2 + trivial(2), O2.copies(2)),
    "D4, populations": (stencil(SQUARE, D2Q9), stencil(SQUARE, D2Q9)),
}


def elements(rep_in, rep_out, rng):
    """Pairs of matrices of the group: a random one of the identity's component, and the finite elements."""
    pairs = [*zip((rep_in * trivial(1)).elements, (rep_out * trivial(1)).elements, strict=True)]
    if len(rep_in.generators):
        mix = rng.standard_normal(len(rep_in.generators)) / 2
        pairs.append(tuple(expm(np.tensordot(mix, r.generators, 1)) for r in (rep_in, rep_out)))
    return pairs


def equivariance_error(model, rep_in, rep_out, dtype, seed=0):
    from symdyn.neural.representations import matched

    rep_in, rep_out = matched(rep_in, rep_out)
    rng = np.random.default_rng(seed)
    x, errors = rng.standard_normal((50, rep_in.dim)), []
    for a, b in elements(rep_in, rep_out, rng):
        moved = model(torch.as_tensor(x @ a.T, dtype=dtype)).detach().double().numpy()
        expected = model(torch.as_tensor(x, dtype=dtype)).detach().double().numpy() @ b.T
        errors.append(np.abs(moved - expected).max() / np.abs(expected).max())
    return max(errors)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(("dtype", "bound"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
def test_the_network_is_equivariant_before_and_after_training(case, dtype, bound):
    torch.manual_seed(0)
    rep_in, rep_out = CASES[case]
    model = EquivariantMLP(rep_in, rep_out, hidden=(8, 8)).to(dtype)
    assert equivariance_error(model, rep_in, rep_out, dtype) < bound
    before = copy.deepcopy(model)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    x, y = torch.randn(32, rep_in.dim, dtype=dtype), torch.randn(32, rep_out.dim, dtype=dtype)
    for _ in range(20):
        optimizer.zero_grad()
        (model(x) - y).square().mean().backward()
        optimizer.step()
    assert (model(x) - before(x)).abs().max() > 1e-3
    assert equivariance_error(model, rep_in, rep_out, dtype) < bound


def test_an_inertia_tensor_is_learnt_from_positions_and_generalises_to_turned_bodies():
    """I = sum_i |x_i|^2 1 - x_i x_i^T of two points: a product, which no gate alone can make."""
    torch.manual_seed(0)
    model = EquivariantMLP(SO3.copies(2), SO3 * SO3, hidden=(16,))
    points = torch.randn(128, 2, 3)

    def inertia(x):
        return torch.einsum("bik,bik,jl->bjl", x, x, torch.eye(3)) - torch.einsum("bij,bil->bjl", x, x)

    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(400):
        optimizer.zero_grad()
        loss = (model(points.flatten(1)) - inertia(points).flatten(1)).square().mean()
        loss.backward()
        optimizer.step()
    fresh = torch.randn(128, 2, 3) @ torch.linalg.qr(torch.randn(3, 3))[0]
    error = (model(fresh.flatten(1)) - inertia(fresh).flatten(1)).square().mean()
    assert error < 0.02 * inertia(fresh).var()


def test_invariants_of_the_lorentz_group_depend_on_the_interval_only():
    torch.manual_seed(0)
    four = vector(sd.candidates.lorentz(1, 3))
    model = EquivariantMLP(four, trivial(1), hidden=(8, 8)).double()
    # Two spacelike vectors of the interval 1, which no rotation alone joins.
    x = torch.tensor([[0.0, 1, 0, 0], [0.75, 0, 1.25, 0]], dtype=torch.float64)
    assert torch.allclose(*model(x), rtol=1e-12, atol=0)
    assert model(2 * x).sub(model(x)).abs().min() > 1e-6


def test_outputs_start_neither_large_nor_small():
    for case, (rep_in, rep_out) in CASES.items():
        torch.manual_seed(0)
        size = EquivariantMLP(rep_in, rep_out)(torch.randn(200, rep_in.dim)).std()
        assert 0.01 < size < 10, case


def test_the_network_works_under_transforms_and_saves_its_state(tmp_path):
    safetensors = pytest.importorskip("safetensors.torch")
    models = [EquivariantMLP(SO3.copies(2), SO3, hidden=(8,)).double() for _ in range(2)]
    safetensors.save_file(models[0].state_dict(), tmp_path / "weights.safetensors")
    models[1].load_state_dict(safetensors.load_file(tmp_path / "weights.safetensors"))
    x, tangent = torch.randn(2, 5, 6, dtype=torch.float64)
    assert torch.equal(models[0](x), models[1](x))
    moved = torch.func.jvp(models[0], (x,), (tangent,))[1]
    jacobian = torch.func.vmap(torch.func.jacrev(models[0]))(x)
    assert torch.allclose(moved, torch.einsum("boi,bi->bo", jacobian, tangent))
    assert torch.allclose(torch.compile(models[0], backend="eager")(x), models[0](x))


def test_sizes_and_inputs_that_do_not_fit_are_named():
    with pytest.raises(ValueError, match="hidden sizes"):
        EquivariantMLP(SO3, SO3, hidden=(0,))
    with pytest.raises(ValueError, match="3 generators and 0 elements, and 1 generators"):
        EquivariantMLP(SO3, vector(sd.candidates.so(2)))
    with pytest.raises(ValueError, match="LieDerivativePenalty"):
        EquivariantMLP(sd.candidates.se(2), trivial(1))
    with pytest.raises(ValueError, match="3 features last"):
        EquivariantMLP(SO3, SO3)(torch.zeros(4, 2))
