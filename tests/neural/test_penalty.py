from itertools import pairwise

import numpy as np
import pytest

import symdyn as sd
from symdyn.jets.pointfields import parse_generators

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from symdyn.neural import LieDerivativePenalty, Ramp, to_torch  # noqa: E402
from symdyn.neural.derivatives.actions import Action, spectral_derivative  # noqa: E402

SO2 = sd.LieAlgebra(sd.candidates.so(2))
POINTS = torch.randn(64, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def network(*sizes, seed=0):
    torch.manual_seed(seed)
    layers = [layer for a, b in pairwise(sizes) for layer in (nn.Linear(a, b), nn.Tanh())]
    return nn.Sequential(*layers[:-1]).double()


class Law(nn.Module):
    """The law of a turning oscillator x' = (a - |x|^2) x + w J x, which keeps rotations only."""

    def forward(self, x):
        square = x.square().sum(-1, keepdim=True)
        return (0.5 - square) * x + torch.stack([-x[..., 1], x[..., 0]], -1)


class Norm(nn.Module):
    def forward(self, x):
        return x.square().sum(-1, keepdim=True)


class Shifted(nn.Module):
    """The solution of a linear advection and diffusion over one unit of time, on periodic grids."""

    def forward(self, u):
        wave = 2 * torch.pi * torch.fft.rfftfreq(u.shape[-1], 2 * torch.pi / u.shape[-1], dtype=u.dtype)
        return torch.fft.irfft(torch.fft.rfft(u) * torch.exp(-0.3j * wave - 0.1 * wave**2), n=u.shape[-1])


def test_the_penalty_of_a_symmetric_law_is_0_and_of_another_not():
    assert LieDerivativePenalty(SO2)(Law(), POINTS) < 1e-25
    assert LieDerivativePenalty(SO2)(network(2, 16, 2), POINTS) > 1e-3
    assert LieDerivativePenalty(SO2, output="invariant")(Norm(), POINTS) < 1e-25
    assert LieDerivativePenalty(SO2, output="map")(nn.Identity(), POINTS) < 1e-25


def test_the_lie_derivative_is_that_of_finite_transformations():
    net, penalty, eps = network(2, 16, 2), LieDerivativePenalty(SO2), 1e-5
    a = torch.tensor(SO2.matrices[0])
    turn, back = torch.matrix_exp(eps * a), torch.matrix_exp(-eps * a)
    numeric = (net(POINTS @ turn.T) @ back.T - net(POINTS @ back.T) @ turn.T) / (2 * eps)
    moves = POINTS @ a.T
    size = ((moves / POINTS.square().mean(0).sqrt()).square().mean()).sqrt()
    assert penalty(net, POINTS).item() == pytest.approx(((numeric / size).square().mean()).item(), rel=1e-7)


def test_value_and_penalty_are_those_of_the_network():
    net = network(2, 16, 2)
    for candidates in (SO2, sd.candidates.affine(2)):  # one jvp, and the Jacobian
        penalty = LieDerivativePenalty(candidates)
        value, found = penalty.value_and_penalty(net, POINTS)
        assert torch.allclose(value, net(POINTS)) and torch.allclose(found, penalty(net, POINTS))


@pytest.mark.parametrize("nuclear", [False, True])
def test_the_penalty_depends_neither_on_the_basis_nor_on_units(nuclear):
    net, generators = network(2, 16, 2), sd.candidates.gl(2)
    mixed = generators.combine(np.random.default_rng(0).standard_normal((4, 4)))
    one, other = (LieDerivativePenalty(g, nuclear=nuclear)(net, POINTS).item() for g in (generators, mixed))
    assert one == pytest.approx(other, rel=1e-8)
    scale = torch.tensor([1.0, 1000.0], dtype=torch.float64)
    invariant = [
        LieDerivativePenalty(g, nuclear=nuclear, output="invariant")(f, p).item()
        for f, g, p in (
            (net, sd.candidates.scalings(2), POINTS),
            (nn.Sequential(_Times(1 / scale), net), sd.candidates.scalings(2), POINTS * scale),
        )
    ]
    assert invariant[0] == pytest.approx(invariant[1], rel=1e-8)


class _Times(nn.Module):
    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def forward(self, x):
        return x * self.factor


def test_random_directions_of_the_algebra_have_the_penalty_for_their_mean():
    net, candidates = network(2, 8, 2), sd.candidates.affine(2)
    exact = LieDerivativePenalty(candidates)(net, POINTS).item()
    single = LieDerivativePenalty(candidates, n_generators=1, rng=1)
    draws = np.array([single(net, POINTS).item() for _ in range(1000)])
    assert abs(draws.mean() - exact) < 4 * draws.std() / np.sqrt(len(draws))
    full = LieDerivativePenalty(candidates, n_generators=6, rng=1)
    assert full(net, POINTS).item() == pytest.approx(exact, rel=1e-9)


def test_a_part_of_the_samples_leaves_values_in_place_and_the_mean_of_the_penalty():
    torch.manual_seed(0)
    model, x = network(2, 16, 2).double(), torch.randn(64, 2, dtype=torch.float64)
    whole = LieDerivativePenalty(sd.candidates.so(2))(model, x)
    penalty = LieDerivativePenalty(sd.candidates.so(2), n_samples=16)
    found = [penalty.value_and_penalty(model, x) for _ in range(200)]
    assert all(torch.allclose(value, model(x), rtol=0, atol=1e-14) for value, _ in found)
    values = torch.stack([value for _, value in found])
    assert values.std() > 0
    assert abs(values.mean() / whole - 1) < 3 * values.std() / whole / 200**0.5
    assert LieDerivativePenalty(sd.candidates.so(2), n_samples=64)(model, x) == whole


def test_the_penalty_drives_a_network_to_the_symmetry():
    net, penalty = network(2, 32, 2), LieDerivativePenalty(SO2)
    before = penalty.violations(net, POINTS)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    ramp = Ramp(1.0, 20, 100)
    for step in range(300):
        optimizer.zero_grad()
        value, asked = penalty.value_and_penalty(net, POINTS)
        ((value - Law()(POINTS)).square().mean() + ramp(step) * asked).backward()
        optimizer.step()
    assert penalty.violations(net, POINTS) < 0.1 * before


@pytest.mark.parametrize("nuclear", [True, "log"])
def test_the_nuclear_penalty_among_affine_candidates_finds_the_one_generator_that_a_field_keeps(nuclear):
    noise = torch.randn(256, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    x = 0.8 * torch.randn(256, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    net, target = network(2, 64, 2), Law()(x) + 0.1 * noise
    penalty = LieDerivativePenalty(sd.candidates.affine(2), nuclear=nuclear)
    optimizer = torch.optim.Adam(net.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.02, total_steps=500)
    for _ in range(500):
        optimizer.zero_grad()
        value, asked = penalty.value_and_penalty(net, x)
        ((value - target).square().mean() + 0.01 * asked).backward()
        optimizer.step()
        schedule.step()
    violations, found = penalty.spectrum(net, x)
    entries = found.coefficients[0].ravel()
    assert abs(entries[2] - entries[4]) / np.sqrt(2) > 0.99  # the rotation, all but 8 degrees
    assert violations[0] < 0.12 and violations[1:].min() > 3 * violations[0]


def test_spectral_derivatives_are_exact_on_waves():
    x = torch.arange(16, dtype=torch.float64) * 3.0 / 16
    wave = torch.sin(2 * torch.pi * x / 3.0)[None, None]
    expected = 2 * torch.pi / 3.0 * torch.cos(2 * torch.pi * x / 3.0)
    assert torch.allclose(spectral_derivative(wave, 2, 3.0)[0, 0], expected)


def smooth(batch, size, seed=0):
    x = torch.arange(size, dtype=torch.float64) * 2 * torch.pi / size
    phases = torch.rand(3, batch, 1, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return sum(torch.sin((k + 1) * x + 6.28 * p) / (k + 1) for k, p in enumerate(phases))[:, None]


def test_point_symmetries_of_fields_are_those_of_the_solution():
    u, box = smooth(8, 32), {"x": 2 * torch.pi}
    texts = ["∂x", "∂u", "u ∂u"]  # advection and diffusion keep translations, shifts and scalings of u
    kept = LieDerivativePenalty(parse_generators(texts, ("t", "x", "u")), space=box, times=(0.0, 1.0))
    assert kept.violations(Shifted(), u).max() < 1e-12
    broken = LieDerivativePenalty(parse_generators(["t ∂x + ∂u"], ("t", "x", "u")), space=box, times=(0.0, 1.0))
    assert broken.violations(Shifted(), u).min() > 0.1


def test_affine_point_symmetries_are_taken_one_alone():
    boost = sd.candidates.from_matrices([[[0, 0, 0], [1, 0, 0], [0, 0, 0]]], [[0, 0, 1]], states=("t", "x", "u"))
    penalty = LieDerivativePenalty(boost, space={"x": 2 * torch.pi}, times=(0.0, 0.5))
    u = torch.randn(4, 1, 32, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    assert penalty.rates.tolist() == [0.0]
    assert penalty(nn.Identity(), u) > 1e-3


def test_a_galilean_boost_is_kept_by_free_flow_at_later_times():
    """u_t + u u_x = 0 from u = const + small: a boost moves the later field by t; here exactly, on constants."""
    boost = parse_generators(["t ∂x + ∂u"], ("t", "x", "u"))
    action = Action(boost, {"x": 2 * torch.pi}, time=0.5)
    u = smooth(2, 32)
    expected = 1 - 0.5 * spectral_derivative(u, 2, 2 * np.pi)
    assert torch.allclose(action(u)[0], expected)


def test_rotations_of_space_and_values_move_vector_fields():
    turn = parse_generators(["x ∂y − y ∂x + u ∂v − v ∂u"], ("x", "y", "u", "v"))
    ends = {"x": (-8.0, 8.0), "y": (-8.0, 8.0)}
    axis = torch.arange(64, dtype=torch.float64) / 4 - 8
    x, y = torch.meshgrid(axis, axis, indexing="ij")
    bump = torch.exp(-(x**2 + y**2) / 2)
    radial, along = torch.stack([x * bump, y * bump])[None], torch.stack([bump, 0 * bump])[None]
    action = Action(turn, ends)
    assert action(radial).abs().max() < 1e-10 and action(along).abs().max() > 0.1


def test_generators_that_rescale_time_are_honoured_for_rates_of_change():
    """x' = x^2 keeps x -> e^s x, t -> e^-s t."""
    scaling = sd.LieAlgebra.from_matrices([[[1.0]]], time_scaling=[-1.0])
    law = to_torch(sd.VectorField(sd.features.Polynomial(2), np.array([[0.0, 0.0, 1.0]]), ("x",)))
    assert LieDerivativePenalty(scaling)(law, POINTS[:, :1]) < 1e-25
    without = LieDerivativePenalty(sd.LieAlgebra.from_matrices([[[1.0]]]))
    assert without(law, POINTS[:, :1]) > 0.1


def test_a_ramp_rises_and_stays():
    ramp = Ramp(0.4, 10, 20)
    assert [ramp(step) for step in (0, 10, 15, 20, 99)] == [0, 0, 0.2, 0.4, 0.4]
    with pytest.raises(ValueError, match="begin <= end"):
        Ramp(0.1, 5, 2)


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: LieDerivativePenalty("so2"), TypeError, "got str"),
        (lambda: LieDerivativePenalty(sd.groups.cyclic(2)), TypeError, "got Elements"),
        (lambda: LieDerivativePenalty(SO2, output="tensor"), ValueError, "vector_field, map, invariant"),
        (lambda: LieDerivativePenalty(SO2, output=sd.candidates.gl(2)), ValueError, "4 generators, algebra 1"),
        (lambda: LieDerivativePenalty(SO2, n_generators=2), ValueError, r"1 \.\.\. 1"),
        (lambda: LieDerivativePenalty(SO2, n_generators=1, nuclear=True), ValueError, "nuclear"),
        (lambda: LieDerivativePenalty(SO2, n_samples=0), ValueError, "n_samples must be a whole number"),
        (lambda: LieDerivativePenalty(SO2, space={"z": 1.0}), ValueError, "space names z"),
        (lambda: LieDerivativePenalty(SO2, space={"x0": -1.0}), ValueError, "positive length"),
        (
            lambda: LieDerivativePenalty(parse_generators(["∂t"], ("t", "x", "u")), space={"x": 1.0}),
            ValueError,
            "moves the time",
        ),
        (lambda: LieDerivativePenalty(SO2)(network(3, 2), torch.zeros(4, 3)), ValueError, r"\[x0, x1\]"),
        (lambda: LieDerivativePenalty(SO2)(network(2, 3), POINTS), ValueError, "returns the shape of its input"),
        (lambda: LieDerivativePenalty(SO2).violations(Law(), POINTS[:1]), ValueError, "at least two"),
        (
            lambda: LieDerivativePenalty(sd.candidates.gl(1, time_scaling=True), output="map"),
            ValueError,
            "rescales time",
        ),
    ],
)
def test_arguments_that_do_not_fit_are_named(make, error, text):
    with pytest.raises(error, match=text):
        make()
