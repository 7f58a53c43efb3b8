"""Penalties, errors, scales and augmentation of networks in other units of states, fields and outputs."""

import numpy as np
import pytest
import xarray as xr

import symdyn as sd

torch = pytest.importorskip("torch")

from symdyn.neural import (  # noqa: E402
    EquivariantFNO,
    LieDerivativePenalty,
    augmented,
    discover_network,
    equivariance_error,
    field_scale,
)

SCALES = [(1e-6, 1e6), (1e9, 1.0), (3.0, 0.2)]
POINTS = torch.randn(64, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def law(x):
    """Keeps no rotation: its second component is twisted."""
    square = x.square().sum(-1, keepdim=True)
    return (0.5 - square) * x + torch.stack([-x[..., 1], 1.2 * x[..., 0]], -1)


def radius(x):
    return x.square().sum(-1, keepdim=True) + 0.1 * x[..., :1]


def carried(fields, scale, shift=(0.0, 0.0)):
    """Affine generators of x as those of S x + b."""
    scale, shift = np.array(scale), np.array(shift)
    matrices = fields.coefficients[:, :, 1:] * scale[:, None] / scale
    return sd.candidates.from_matrices(matrices, fields.coefficients[:, :, 0] * scale - matrices @ shift)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("nuclear", [False, True, "log"])
def test_the_penalty_of_an_invariant_has_no_units_of_the_states(scale, nuclear):
    units = torch.tensor(scale, dtype=torch.float64)
    here = LieDerivativePenalty(sd.candidates.gl(2), output="invariant", nuclear=nuclear)(radius, POINTS)
    there = LieDerivativePenalty(carried(sd.candidates.gl(2), scale), output="invariant", nuclear=nuclear)
    assert there(lambda x: radius(x / units), POINTS * units).item() == pytest.approx(here.item(), rel=1e-6)
    # gl(2) is the same algebra in any units.
    same = LieDerivativePenalty(sd.candidates.gl(2), output="invariant", nuclear=nuclear)
    assert same(lambda x: radius(x / units), POINTS * units).item() == pytest.approx(here.item(), rel=1e-6)


@pytest.mark.parametrize("unit", [1e-6, 1e6])
def test_the_penalty_has_the_units_of_a_loss(unit):
    penalty = LieDerivativePenalty(sd.candidates.so(2))
    here = penalty(law, POINTS).item()
    there = penalty(lambda x: unit * law(x / unit), POINTS * unit).item()
    assert there == pytest.approx(here * unit**2, rel=1e-9)


@pytest.mark.parametrize("scale", SCALES)
def test_violations_and_errors_are_relative(scale):
    units = torch.tensor(scale, dtype=torch.float64)
    here = LieDerivativePenalty(sd.candidates.gl(2), output="invariant").violations(radius, POINTS)
    there = LieDerivativePenalty(carried(sd.candidates.gl(2), scale), output="invariant")
    found = there.violations(lambda x: radius(x / units), POINTS * units)
    np.testing.assert_allclose(found, here, rtol=1e-6)
    error = equivariance_error(law, POINTS, sd.candidates.so(2))
    other = equivariance_error(lambda x: scale[0] * law(x / scale[0]), POINTS * scale[0], sd.candidates.so(2))
    np.testing.assert_allclose(other, error, rtol=1e-6)


@pytest.mark.parametrize("shift", [(0.0, 0.0), (300.0, -200.0)])
@pytest.mark.parametrize("scale", SCALES)
def test_symmetries_of_a_network_do_not_depend_on_units_and_origin(scale, shift):
    units, offset = torch.tensor(scale, dtype=torch.float64), torch.tensor(shift) * torch.tensor(scale)
    here = discover_network(radius, POINTS, sd.candidates.affine(2))
    there = discover_network(lambda x: radius((x - offset) / units), POINTS * units + offset, sd.candidates.affine(2))
    assert here.algebra_.name == there.algebra_.name == "so(2)"
    assert list(here.verdicts_.verdict.values) == list(there.verdicts_.verdict.values)
    np.testing.assert_allclose(there.verdicts_.violation, here.verdicts_.violation, atol=1e-6)


def fields(scale=(1.0, 1.0), shift=(0.0, 0.0)):
    """Two fields on a periodic grid, in other units."""
    x = np.arange(16) * 2 * np.pi / 16
    t = np.arange(3.0)
    rng = np.random.default_rng(0)
    waves = rng.standard_normal((2, 4, 3, 1)) * np.sin(x + t[:, None]) + rng.standard_normal((2, 4, 1, 1))
    data = {name: (("trajectory", "time", "x"), waves[k] * scale[k] + shift[k]) for k, name in enumerate(("u", "v"))}
    coords = {"time": t, "x": ("x", x, {"period": 2 * np.pi})}
    return xr.Dataset(data, coords, attrs={"states": "u v"})


@pytest.mark.parametrize(("shift", "close"), [((0.0, 0.0), 1e-9), ((1e3, -1e3), 1e-9), ((1e6, 1e6), 1e-7)])
@pytest.mark.parametrize("scale", SCALES)
def test_fields_are_scaled_alike_in_any_units(scale, shift, close):
    scale, shift = np.array(scale), np.array(shift) * scale
    plain, other = field_scale(fields()), field_scale(fields(scale, shift))
    np.testing.assert_allclose(other.size / scale, plain.size, rtol=close)
    np.testing.assert_allclose((other.mean - shift) / scale, plain.mean, atol=1e-9 * (1 + np.abs(shift / scale).max()))


def test_fields_that_are_mixed_share_one_scale_and_keep_their_origin():
    plain = field_scale(fields(), sd.candidates.so(2))
    other = field_scale(fields((1e6, 1e6)), sd.candidates.so(2))
    assert plain.size[0] == plain.size[1] and not plain.mean.any()
    np.testing.assert_allclose(other.size / 1e6, plain.size, rtol=1e-12)


@pytest.mark.parametrize("unit", [1e-6, 1e6])
def test_an_operator_moves_along_with_the_unit_of_its_fields(unit):
    torch.manual_seed(0)
    operator = EquivariantFNO(sd.LieAlgebra(sd.candidates.so(2)), modes=(4,), copies=2).double()
    u = torch.randn(2, 2, 16, dtype=torch.float64)
    here, there = (equivariance_error(operator, part, sd.candidates.so(2)).item() for part in (u, unit * u))
    assert here < 1e-6 and there < 1e-6


@pytest.mark.parametrize("scale", SCALES)
def test_augmentation_moves_by_amounts_that_generators_imply(scale):
    scale, shift = np.array(scale), np.array([2.0, -3.0])
    rng = np.random.default_rng(0)
    states = rng.standard_normal((3, 10, 2))
    t = np.arange(10.0)
    algebra = sd.candidates.se(2)

    def dataset(values):
        parts = {name: (("trajectory", "time"), values[..., k]) for k, name in enumerate(("x", "y"))}
        return xr.Dataset(parts, {"time": t}, attrs={"states": "x y"})

    here = augmented(dataset(states), algebra, strength=0.3)
    there = augmented(dataset(states * scale + shift), carried(algebra, scale, shift), strength=0.3)
    for k, name in enumerate(("x", "y")):
        np.testing.assert_allclose((there[name] - shift[k]) / scale[k], here[name], atol=1e-6 + 1e-9 / scale[k])
