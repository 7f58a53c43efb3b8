"""Devices and precisions: what a module keeps moves with it, and low precision is for products of weights only."""

import copy
from dataclasses import fields, is_dataclass

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

import symdyn as sd  # noqa: E402
from symdyn.neural import (  # noqa: E402
    FNO,
    EquivariantFNO,
    EquivariantMLP,
    FieldScale,
    FrameAveraged,
    InSubspace,
    IntegralOperator,
    LieDerivativePenalty,
    ScaledFields,
    SubequivariantMLP,
    constrain,
    equivariance_error,
    equivariant_kernel_basis,
    flow_along,
    to_torch,
    train,
)
from symdyn.neural.checks import chosen_device  # noqa: E402
from symdyn.neural.training.batches import there  # noqa: E402
from symdyn.neural.training.loop import check_precision  # noqa: E402

SO2, SO3 = sd.candidates.so(2), sd.candidates.so(3)
CIRCLE = np.column_stack([np.cos(np.arange(6)), np.sin(np.arange(6))])
UNITS = FieldScale(("u", "v"), np.array([1.0, 2.0]), np.array([3.0, 3.0]))


def averaged():
    inner = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(10, 4), torch.nn.Tanh())
    return FrameAveraged(inner, "E(2)", degeneracy=None)


def integral():
    return IntegralOperator(equivariant_kernel_basis(SO2, [0, 2]), CIRCLE, CIRCLE, np.full(6, 1 / 6))


def steered():
    return EquivariantFNO(SO2, modes=(3, 3), copies=2, layers=2, space="rotations", joint=True)


# Every public module, and the shape of what it takes.
MODULES = {
    "FNO": (lambda: FNO(2, 2, modes=(4,), width=6, layers=2), (4, 2, 16)),
    "FNO of many modes": (lambda: FNO(2, 2, modes=(40,), width=6, layers=2), (4, 2, 90)),
    "values": (lambda: EquivariantFNO(SO2, modes=(4,), copies=3, layers=2), (4, 2, 16)),
    "turns": (lambda: EquivariantFNO(SO2, modes=(3, 3), copies=1, layers=2, space="quarter_turns"), (4, 2, 8, 8)),
    "rotations": (steered, (4, 2, 8, 8)),
    "MLP": (lambda: EquivariantMLP(SO3, SO3, [8]), (16, 3)),
    "constrained": (lambda: constrain(torch.nn.Linear(2, 2), SO2), (16, 2)),
    "convolution": (lambda: constrain(torch.nn.Conv1d(2, 2, 3), SO2), (4, 2, 8)),
    "subspace": (lambda: InSubspace(SO2, SO2, (2, 2)), (2,)),
    "subequivariant": (lambda: SubequivariantMLP(2, direction=[0.0, 0.0, 1.0], vectors_out=1, hidden=(8,)), (16, 2, 3)),
    "frames": (averaged, (4, 5, 2)),
    "integral": (integral, (4, 1, 6)),
    "scaled": (lambda: ScaledFields(FNO(2, 2, modes=(4,), width=6, layers=2), UNITS), (4, 2, 16)),
    "field": (lambda: to_torch(SO2), (16, 2)),
}
TRAINED = sorted(set(MODULES) - {"subspace", "field"})


def made(name):
    torch.manual_seed(0)
    build, shape = MODULES[name]
    return build(), torch.randn(shape)


def plain_tensors(value, seen):
    """Tensors that attributes hold, and that `.to` cannot see."""
    if id(value) in seen or isinstance(value, torch.nn.Module):
        return []
    seen.add(id(value))
    if isinstance(value, torch.Tensor):
        return [value]
    if is_dataclass(value):
        value = [getattr(value, one.name) for one in fields(value)]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple | set) else ()
    return [tensor for part in parts for tensor in plain_tensors(part, seen)]


@pytest.mark.parametrize("name", MODULES)
def test_all_tensors_of_a_module_move_with_it(name):
    module, u = made(name)
    u = u.double() if name == "field" else u
    shape = module(u).shape
    module.to("meta")
    own = {"_parameters", "_buffers", "_modules"}
    for part in module.modules():
        tensors = plain_tensors({key: value for key, value in vars(part).items() if key not in own}, set())
        assert all(tensor.is_meta for tensor in tensors)
        assert all(tensor.is_meta for tensor in (*part.parameters(), *part.buffers()))
    there = module(u.to("meta"))
    assert there.is_meta and there.shape == shape


@pytest.mark.parametrize("name", MODULES)
def test_a_module_gives_the_same_on_every_device(name, device):
    module, u = made(name)
    module, u = module.double(), u.double()
    here = module(u)
    assert torch.allclose(module.to(device)(u.to(device)).cpu(), here, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", TRAINED)
def test_training_in_low_precision_lowers_the_loss(name, device):
    module, u = made(name)
    target = made(name)[0](u).detach() * 0.3
    found = train(module, (u, target), epochs=20, batch=len(u), rate=2e-2, device=device, precision="bf16")
    losses = found.history.train.values
    assert losses[-1] < 0.7 * losses[0]
    assert {p.dtype for p in found.module.parameters()} == {torch.float32}


def turned(u):
    """Turn a vector field by a quarter, places and arrows alike."""
    quarter = torch.tensor([[0.0, -1.0], [1.0, 0.0]], dtype=u.dtype)
    return torch.einsum("ij,bjxy->bixy", quarter, torch.rot90(u, 1, (2, 3)))


@pytest.mark.parametrize("name", ["MLP", "values", "turns", "rotations"])
def test_training_in_low_precision_keeps_the_symmetry(name, device):
    module, u = made(name)
    found = train(module, (u, u.roll(1, -1)), epochs=3, batch=2, rate=1e-2, device=device, precision="bf16")
    if name == "rotations":
        exact, wide = found.module.double().cpu(), u.double()
        with torch.no_grad():
            turned_before, turned_after = exact(turned(wide)), turned(exact(wide))
        assert torch.allclose(turned_before, turned_after, rtol=0, atol=1e-12)
    else:
        errors = equivariance_error(found.module, u, SO3 if name == "MLP" else SO2, device=device, dtype=torch.float64)
        assert float(errors.max()) < 1e-12


@pytest.mark.parametrize("name", ["values", "turns", "rotations", "integral"])
def test_transforms_stay_in_single_precision(name, device):
    module, u = made(name)
    module, u = module.to(device), u.to(device)
    spectral = module.spectral[0] if hasattr(module, "spectral") else module
    u = u if spectral is module else module.lift(u)
    with torch.autocast(device, torch.bfloat16):
        low = spectral(u)
    assert low.dtype == torch.float32 and torch.equal(low, spectral(u))


def test_low_precision_rounds_and_single_precision_does_not():
    histories = []
    for precision in ("float32", "bf16", "bf16"):
        module, u = made("FNO")
        histories.append(train(module, (u, 0.5 * u), epochs=2, precision=precision).history.train.values)
    assert not np.array_equal(histories[0], histories[1]) and np.array_equal(histories[1], histories[2])
    assert np.allclose(histories[0], histories[1], rtol=0.05)


def test_a_penalty_and_its_violations_are_not_rounded(device):
    penalty = LieDerivativePenalty(SO2, output="map", device=device)
    module, u = made("values")
    module, u = module.to(device), u.to(device)
    with torch.autocast(device, torch.bfloat16):
        low = penalty(module, u)
    assert low.dtype == torch.float32 and torch.equal(low, penalty(module, u)) and low < 1e-10
    some = (u.cpu(), 0.5 * u.cpu())
    options = {"epochs": 1, "penalty": penalty, "device": device, "precision": "bf16"}
    assert float(train(module, some, some, **options).history.violation.max()) < 1e-12


def test_modules_in_half_precision_are_checked_in_double():
    module, u = made("MLP")
    errors = equivariance_error(copy.deepcopy(module).bfloat16(), u, SO3)
    assert float(errors.max()) < 1e-12
    single = equivariance_error(module, u, SO3)
    assert 1e-12 < float(single.max()) < 1e-5
    with torch.autocast("cpu", torch.bfloat16):
        assert equivariance_error(module, u, SO3).identical(single)


def test_a_check_leaves_the_module_where_it_is():
    module, u = made("MLP")
    equivariance_error(module, u, SO3, device="cpu", dtype=torch.float64)
    assert {p.dtype for p in module.parameters()} == {torch.float32}


def test_a_training_is_resumed_on_another_device_and_refused_in_another_precision(device, tmp_path):
    module, u = made("FNO")
    pairs = (u, 0.5 * u)
    train(module, pairs, epochs=3, checkpoint=tmp_path, device=device)
    again = train(made("FNO")[0], pairs, epochs=3, checkpoint=tmp_path, resume=True, device="cpu:0")
    weights = zip(module.state_dict().values(), again.module.state_dict().values(), strict=True)
    assert all(torch.equal(a.cpu(), b) for a, b in weights)
    with pytest.raises(ValueError, match=r'"precision": null}, not {"precision": "bf16"}'):
        train(made("FNO")[0], pairs, epochs=3, checkpoint=tmp_path, resume=True, precision="bf16")


def test_fields_are_moved_alike_on_every_device(device):
    data = sd.systems.burgers(n_trajectories=2, n_points=64, n_times=10)
    boost = sd.candidates.from_matrices([[[0, 0, 0], [1, 0, 0], [0, 0, 0]]], [[0, 0, 1]], states=("t", "x", "u"))
    moved, expected = flow_along(data, boost, [0.5], device=device), flow_along(data, boost, [0.5])
    assert np.allclose(moved.u, expected.u, rtol=0, atol=1e-12)


def test_batches_arrive_on_the_device(device):
    u = torch.arange(6.0).reshape(2, 3)
    moved = there(u, torch.device(device), torch.float64)
    assert moved.device.type == device and moved.dtype == torch.float64 and torch.equal(moved.cpu(), u.double())


def test_gpus_are_counted(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert chosen_device("cuda:1") == torch.device("cuda", 1)
    with pytest.raises(ValueError, match="no cuda device of number 2; devices: cpu, cuda:0, cuda:1"):
        chosen_device("cuda:2")


@pytest.mark.parametrize("name", ["cuda:99", "mps:7"])
def test_a_device_that_is_not_here_is_refused_everywhere(name):
    module, u = made("MLP")
    data = sd.systems.burgers(n_trajectories=1, n_points=64, n_times=4)
    for work in (
        lambda: train(module, (u, u), device=name),
        lambda: equivariance_error(module, u, SO3, device=name),
        lambda: LieDerivativePenalty(SO2, device=name),
        lambda: flow_along(data, None, [1.0], device=name),
    ):
        with pytest.raises(ValueError, match=f"^{name} is not available here: .*; devices: cpu") as refused:
            work()
        assert "\n" not in str(refused.value)


def test_what_is_not_single_precision_is_not_rounded():
    module, u = made("MLP")
    with pytest.raises(ValueError, match=r"module\.float\(\)"):
        train(module.double(), (u, u), precision="bf16")


def test_what_needs_double_precision_is_refused_on_a_device_without_it():
    none = torch.device("mps")
    with pytest.raises(ValueError, match=r"^mps has no double precision, in which the module keeps .*basis"):
        check_precision(made("MLP")[0], "float32", none)
    with pytest.raises(ValueError, match=r"^mps has no double precision, which a penalty needs"):
        LieDerivativePenalty(SO2).to(none)
    check_precision(made("FNO")[0], "bf16", none)
