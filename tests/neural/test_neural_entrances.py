"""Every public entrance of symdyn.neural names the argument that is wrong."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import symdyn as sd  # noqa: E402
from symdyn import neural  # noqa: E402

TURN = np.array([[[0.0, -1.0], [1.0, 0.0]]])
GL2 = sd.candidates.gl(2)
X = torch.randn(20, 2, generator=torch.Generator().manual_seed(0))


def linear(n_in=2, n_out=2):
    return torch.nn.Linear(n_in, n_out)


CASES = {
    "FNO, channels": (lambda: neural.FNO("a", 1, modes=(3,)), ValueError, "in_channels must be a whole number"),
    "FNO, modes": (lambda: neural.FNO(1, 1, modes=None), ValueError, "modes must be 1, 2 or 3"),
    "FNO, array": (lambda: neural.FNO(1, 1, modes=(3,))(np.zeros((2, 1, 8))), TypeError, "u must be a tensor"),
    "FNO, whole numbers": (
        lambda: neural.FNO(1, 1, modes=(3,))(torch.zeros(2, 1, 8, dtype=torch.int64)),
        TypeError,
        "u must be real floating point numbers",
    ),
    "FNO, dtype": (
        lambda: neural.FNO(1, 1, modes=(3,))(torch.zeros(2, 1, 8, dtype=torch.float64)),
        ValueError,
        r"module\.double",
    ),
    "EquivariantFNO, values": (lambda: neural.EquivariantFNO("so3", modes=(3,)), TypeError, "values must be an array"),
    "EquivariantFNO, NaN": (lambda: neural.EquivariantFNO(TURN * np.nan, modes=(3,)), ValueError, "NaN"),
    "EquivariantFNO, nonlinear action": (
        lambda: neural.EquivariantFNO(sd.candidates.polynomial(2, 2), modes=(3,)),
        ValueError,
        "values: a generator is not linear.*LieDerivativePenalty",
    ),
    "EquivariantFNO, translations": (
        lambda: neural.EquivariantFNO(sd.candidates.translations(2), modes=(3,)),
        ValueError,
        "values: a generator translates.*LieDerivativePenalty",
    ),
    "EquivariantFNO, space": (
        lambda: neural.EquivariantFNO(modes=(3, 3), space=3),
        ValueError,
        "space must be None or among",
    ),
    "EquivariantMLP, actions": (lambda: neural.EquivariantMLP("a", TURN), TypeError, "rep_in must be an array"),
    "EquivariantMLP, affine action": (
        lambda: neural.EquivariantMLP(sd.candidates.se(2), TURN),
        ValueError,
        "rep_in: a generator translates.*LieDerivativePenalty",
    ),
    "EquivariantMLP, sizes": (
        lambda: neural.EquivariantMLP(TURN, TURN, hidden=3),
        TypeError,
        "hidden must be a sequence",
    ),
    "EquivariantMLP, array": (
        lambda: neural.EquivariantMLP(TURN, TURN)(np.zeros((3, 2))),
        TypeError,
        "x must be a tensor",
    ),
    "EquivariantMLP, dtype": (
        lambda: neural.EquivariantMLP(TURN, TURN)(X.double()),
        ValueError,
        r"x is torch.float64.*module\.double",
    ),
    "constrain, layer": (lambda: neural.constrain(3, TURN), TypeError, "constrain takes Linear"),
    "constrain, action": (lambda: neural.constrain(linear(), 3), TypeError, "rep_in must be an array"),
    "constrain, affine action": (
        lambda: neural.constrain(linear(), sd.candidates.se(2)),
        ValueError,
        "LieDerivativePenalty",
    ),
    "stencil, space": (lambda: neural.stencil("a", [[0, 0]]), TypeError, "space must be an array of numbers"),
    "stencil, offsets": (lambda: neural.stencil(np.eye(2)[None], "x"), TypeError, "offsets must be an array"),
    "InSubspace, shape": (lambda: neural.InSubspace(TURN, TURN, (3, 2)), ValueError, "shape"),
    "InSubspace, action": (lambda: neural.InSubspace("a", TURN, (2, 2)), TypeError, "rep_in"),
    "Representation, matrices": (lambda: neural.Representation("a", "b"), TypeError, "generators must be an array"),
    "Representation, errors": (
        lambda: neural.Representation(TURN, np.zeros((0, 2, 2)), np.full((2, 1, 2, 2), np.nan)),
        ValueError,
        "errors hold NaN",
    ),
    "Representation, sum": (
        lambda: neural.as_representation(TURN) + 3,
        TypeError,
        "a Representation goes with a Representation",
    ),
    "trivial": (lambda: neural.trivial(1.5), ValueError, "n must be a whole number"),
    "equivariant_matrices": (lambda: neural.equivariant_matrices(3, TURN), TypeError, "rep_in must be"),
    "invariant_vectors": (lambda: neural.invariant_vectors(3), TypeError, "rep_out must be"),
    "FrameAveraged, module": (lambda: neural.FrameAveraged(3, "SE(2)"), TypeError, "module must be"),
    "FrameAveraged, points": (
        lambda: neural.FrameAveraged(linear(), "SE(2)")(np.zeros((1, 3, 2))),
        TypeError,
        "points and vectors must be a tensor",
    ),
    "penalty, NaN generator": (lambda: neural.LieDerivativePenalty(TURN * np.nan), ValueError, "algebra holds NaN"),
    "penalty, space": (lambda: neural.LieDerivativePenalty(TURN, space=3), TypeError, "space must map names"),
    "penalty, times": (lambda: neural.LieDerivativePenalty(TURN, times=3), ValueError, "times must be"),
    "penalty, generators": (
        lambda: neural.LieDerivativePenalty(TURN, n_generators="a"),
        ValueError,
        "n_generators must be",
    ),
    "penalty, rng": (lambda: neural.LieDerivativePenalty(TURN, rng="a"), ValueError, "rng must be"),
    "penalty, module": (lambda: neural.LieDerivativePenalty(TURN)(3, X), TypeError, "module must be"),
    "penalty, array": (lambda: neural.LieDerivativePenalty(TURN)(linear(), X.numpy()), TypeError, "u must be a tensor"),
    "penalty, NaN": (lambda: neural.LieDerivativePenalty(TURN)(linear(), X * np.nan), ValueError, "u holds NaN"),
    "Ramp": (lambda: neural.Ramp("a"), TypeError, "final, begin and end must be numbers"),
    "discover_network, module": (lambda: neural.discover_network(3, X, GL2), TypeError, "module must be"),
    "discover_network, candidates": (
        lambda: neural.discover_network(linear(), X, "gl2"),
        ValueError,
        "did you mean 'gl'",
    ),
    "discover_network, x": (lambda: neural.discover_network(linear(), "x", GL2), TypeError, "x and targets"),
    "discover_network, NaN": (lambda: neural.discover_network(linear(), X * np.nan, GL2), ValueError, "NaN"),
    "discover_network, delta": (
        lambda: neural.discover_network(linear(), X, GL2, delta="a"),
        ValueError,
        "delta must be positive",
    ),
    "equivariance_error, module": (lambda: neural.equivariance_error(3, X, TURN), TypeError, "module must be"),
    "equivariance_error, x": (lambda: neural.equivariance_error(linear(), "x", TURN), TypeError, "x must be an array"),
    "layer_errors, module": (lambda: neural.layer_errors(3, X, TURN), TypeError, "module must be an nn.Module"),
    "kernel basis, candidates": (lambda: neural.equivariant_kernel_basis("a", [1]), TypeError, "candidates must be"),
    "kernel basis, radial": (
        lambda: neural.equivariant_kernel_basis(sd.candidates.so(2), "x"),
        TypeError,
        "radial must be an array of numbers",
    ),
    "kernel basis, angular": (
        lambda: neural.equivariant_kernel_basis(sd.candidates.so(2), [1], -1),
        ValueError,
        "angular must be a whole number",
    ),
    "augmented, data": (
        lambda: neural.augmented(3, sd.LieAlgebra.from_matrices(TURN)),
        TypeError,
        "dataset must be an xarray Dataset",
    ),
    "to_torch": (lambda: neural.to_torch(3), TypeError, "got int"),
    "save_module, module": (lambda: neural.save_module(3, "weights.safetensors"), TypeError, "module must be"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_wrong_argument_is_named(case):
    make, error, message = CASES[case]
    with pytest.raises(error, match=message):
        make()


def test_a_file_whose_config_builds_nothing_is_named(tmp_path):
    safetensors_torch = pytest.importorskip("safetensors.torch")
    text = '{"format": 1, "class": "symdyn.neural.fourier.fno:EquivariantFNO", "config": {}}'
    safetensors_torch.save_file({}, tmp_path / "weights.safetensors", metadata={"symdyn": text})
    with pytest.raises(ValueError, match="EquivariantFNO of a config that this version cannot read"):
        neural.load_module(tmp_path / "weights.safetensors")
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        neural.save_module(linear(), tmp_path / "none" / "weights.safetensors")
