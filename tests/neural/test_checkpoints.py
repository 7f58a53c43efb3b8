import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")
safetensors_torch = pytest.importorskip("safetensors.torch")

import symdyn as sd  # noqa: E402
from symdyn.neural.checkpoints import load_module, save_module  # noqa: E402
from symdyn.neural.fourier.fno import FNO, EquivariantFNO  # noqa: E402
from symdyn.neural.mlp import EquivariantMLP  # noqa: E402
from symdyn.neural.representations import as_representation, trivial  # noqa: E402

TURN = np.array([[[0.0, -1.0], [1.0, 0.0]]])


def operator(**options):
    torch.manual_seed(0)
    return EquivariantFNO(TURN, **{"modes": (3, 3), "copies": 2, "layers": 2, "space": "quarter_turns", **options})


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("kind", ["equivariant", "joint", "elements", "plain"])
def test_a_saved_operator_is_built_anew_with_the_same_values(kind, dtype, tmp_path):
    module = {
        "equivariant": operator,
        "joint": lambda: operator(space="rotations", joint=True),
        "elements": lambda: EquivariantFNO(sd.groups.permutations(3), modes=(3, 2), copies=2, space="reflections"),
        "plain": lambda: FNO(2, 2, modes=(3, 3), width=4),
    }[kind]().to(dtype)
    save_module(module, tmp_path / "weights.safetensors")
    other = load_module(tmp_path / "weights.safetensors")
    u = torch.randn(1, module.in_channels, 8, 8, dtype=dtype)
    assert type(other) is type(module)
    assert other.config() == module.config()
    assert torch.equal(other(u), module(u))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_saved_network_on_states_is_built_anew_with_the_same_values(dtype, tmp_path):
    rotations = as_representation([sd.LieAlgebra(sd.candidates.so(3)), sd.groups.sign_flip([-1, -1, -1])])
    noisy = sd.LieAlgebra.from_matrices(TURN * 1.001, errors=np.full((1, 2, 2), 1e-3))
    for module in (
        EquivariantMLP(rotations.copies(2), rotations + trivial(1), hidden=(8, rotations.copies(3) + trivial(4))),
        EquivariantMLP(noisy, noisy, hidden=(4,)),
    ):
        save_module(module.to(dtype), tmp_path / "weights.safetensors")
        other = load_module(tmp_path / "weights.safetensors")
        x = torch.randn(5, module.n_in, dtype=dtype)
        assert torch.equal(other(x), module(x))
        with pytest.raises(ValueError, match="another config: hidden is"):
            load_module(tmp_path / "weights.safetensors", EquivariantMLP(module.rep_in, module.rep_out, hidden=(5,)))


def test_error_bars_of_an_algebra_are_kept(tmp_path):
    algebra = sd.LieAlgebra.from_matrices(TURN * 1.001, errors=np.full((1, 2, 2), 1e-3))
    module = EquivariantFNO(algebra, modes=(3,), copies=2)
    save_module(module, tmp_path / "weights.safetensors")
    other = load_module(tmp_path / "weights.safetensors")
    assert np.array_equal(other.values.errors, module.values.errors)


def test_loading_into_another_config_names_what_differs(tmp_path):
    save_module(operator(), tmp_path / "weights.safetensors")
    with pytest.raises(ValueError, match="copies is 2, not 3") as caught:
        load_module(tmp_path / "weights.safetensors", operator(copies=3))
    assert "modes" not in str(caught.value)
    with pytest.raises(ValueError, match="it is a EquivariantFNO, the module given a FNO"):
        load_module(tmp_path / "weights.safetensors", operator().plain())


def test_a_refused_load_changes_no_weight(tmp_path):
    save_module(operator(), tmp_path / "weights.safetensors")
    other = operator(copies=3)
    before = [p.detach().clone() for p in other.parameters()]
    with pytest.raises(ValueError, match="another config"):
        load_module(tmp_path / "weights.safetensors", other)
    assert all(torch.equal(a, b) for a, b in zip(before, other.parameters(), strict=True))


def test_any_module_is_loaded_into_one_of_its_kind(tmp_path):
    module, other = torch.nn.Linear(2, 3), torch.nn.Linear(2, 3)
    save_module(module, tmp_path / "weights.safetensors")
    assert torch.equal(load_module(tmp_path / "weights.safetensors", other).weight, module.weight)
    with pytest.raises(ValueError, match="no config: give the module to load into"):
        load_module(tmp_path / "weights.safetensors")
    with pytest.raises(ValueError, match="do not fit the module"):
        load_module(tmp_path / "weights.safetensors", torch.nn.Linear(2, 4))


def test_weights_that_are_not_finite_do_not_replace_a_good_checkpoint(tmp_path):
    module, path = operator(), tmp_path / "weights.safetensors"
    save_module(module, path)
    good = path.read_bytes()
    with torch.no_grad():
        module.lift.weight[0] = float("nan")
    with pytest.raises(ValueError, match=r"NaN or infinity in lift\.weight"):
        save_module(module, path)
    assert path.read_bytes() == good
    assert list(tmp_path.iterdir()) == [path]


def test_files_of_another_kind_are_named(tmp_path):
    path = tmp_path / "weights.safetensors"
    with pytest.raises(FileNotFoundError, match="there is no file"):
        load_module(path)
    path.write_bytes(b"no weights")
    with pytest.raises(ValueError, match="no safetensors file, or is cut short"):
        load_module(path)
    safetensors_torch.save_file({"weight": torch.zeros(2)}, path)
    with pytest.raises(ValueError, match="save_module did not write it"):
        load_module(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [({"format": 99}, "format 99"), ({"class": "os:system", "config": {}}, r"os\.system, which is not of symdyn")],
)
def test_a_file_of_a_later_format_or_foreign_class_is_refused(change, message, tmp_path):
    path = tmp_path / "weights.safetensors"
    known = {"format": 1, "class": "symdyn.neural.fourier.fno:FNO", "config": {}}
    safetensors_torch.save_file({}, path, metadata={"symdyn": json.dumps(known | change)})
    with pytest.raises(ValueError, match=message):
        load_module(path)
