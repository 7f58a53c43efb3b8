"""Which generators go where, the operators that this makes, and fields moved by group elements."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import symdyn as sd  # noqa: E402
from symdyn.data.grids import FieldGrid, field_grid, validate_fields  # noqa: E402
from symdyn.jets.pointfields import parse_generators  # noqa: E402
from symdyn.neural import EquivariantFNO, LieDerivativePenalty, flow_along, load_module, save_module, train  # noqa: E402
from symdyn.neural.operators.models import ScaledFields, operator_model  # noqa: E402
from symdyn.neural.operators.moves import AugmentedPairs, MovedPenalty, Mover, quarter_turned  # noqa: E402
from symdyn.neural.operators.parts import symmetry_parts  # noqa: E402
from symdyn.neural.operators.scale import FieldScale  # noqa: E402
from symdyn.neural.operators.score import turned_fields  # noqa: E402

STILL = ["∂t", "∂x", "∂y"]
SPIN = "y ∂x − x ∂y + v ∂u − u ∂v"
PHASE = "v ∂u − u ∂v"
BOOSTS = ["t ∂x + ∂u", "t ∂y + ∂v"]
SMALL = {"modes": 3, "width": 8, "layers": 2}


def plane(fields=("u", "v"), sizes=(12, 12), steps=(1.0, 1.0)):
    axes = tuple(n * step for n, step in zip(sizes, steps, strict=True))
    grids = [np.arange(n) * p / n - p / 2 for n, p in zip(sizes, axes, strict=True)]
    return FieldGrid(fields, ("x", "y"), (0.1 * np.arange(20), *grids), (True, True))


def line(fields=("u",), size=16):
    return FieldGrid(fields, ("x",), (0.1 * np.arange(20), np.arange(size) / size), (True,))


def algebra(texts, grid):
    return sd.LieAlgebra(parse_generators(texts, (*grid.coordinates, *grid.fields)))


def parts_of(texts, grid):
    return symmetry_parts(algebra(texts, grid), grid)


def unit(fields):
    return FieldScale(fields, np.zeros(len(fields)), np.full(len(fields), 2.0))


def placed(parts):
    """Numbers of generators on values, of rotations, in the penalty, and left out."""
    turns = int(parts.turn is not None)
    return len(parts.values.generators), turns, len(parts.follows), len(parts.rest)


@pytest.mark.parametrize("mixed", [False, True])
@pytest.mark.parametrize(
    ("texts", "grid", "expected", "joint"),
    [
        (sd.systems.known_symmetries("lambda_omega"), plane(), (1, 1, 0, 0), False),
        ([*STILL, SPIN], plane(), (0, 1, 0, 0), True),
        ([*STILL, SPIN, PHASE, *BOOSTS], plane(), (1, 1, 2, 0), False),
        ([*STILL, SPIN, *BOOSTS], plane(), (0, 1, 2, 0), True),
        ([*STILL, SPIN], plane(sizes=(12, 16)), (0, 0, 0, 0), False),
        (sd.systems.known_symmetries("burgers"), line(), (0, 0, 1, 2), False),
        (["∂t", "∂x + u ∂v − v ∂u"], line(("u", "v")), (0, 0, 1, 0), False),
        (["u^2 ∂u", "u ∂u", "∂u"], line(), (0, 0, 3, 0), False),
        (["u ∂u + v ∂v", PHASE], line(("u", "v")), (1, 0, 1, 0), False),
        (["u ∂u − v ∂v", "u ∂v", "v ∂u"], line(("u", "v")), (0, 0, 3, 0), False),
        (sd.systems.known_symmetries("heat"), line(), (0, 0, 2, 4), False),
    ],
)
def test_parts_do_not_depend_on_the_basis(texts, grid, expected, joint, mixed):
    found = algebra(texts, grid)
    if mixed:
        turn = np.random.default_rng(3).standard_normal((found.dim,) * 2)
        found = sd.LieAlgebra(found.basis.combine(turn))
    parts = symmetry_parts(found, grid)
    assert placed(parts) == expected and parts.joint == joint
    if parts.joint:
        assert np.allclose(parts.turn, [[0, 1], [-1, 0]], atol=1e-12)


def test_every_generator_has_a_place_in_the_notes():
    grid = plane()
    notes = parts_of([*STILL[1:], PHASE, BOOSTS[0], "2 t ∂t + x ∂x + y ∂y − u ∂u"], grid).notes
    for text in ("∂x: held by every", "held by weights", "t ∂x + ∂u: asked for by a penalty", "left out", "∂t was not"):
        assert sum(text in note for note in notes) == 1, text


def test_an_algebra_on_the_fields_alone_keeps_its_error_bars():
    bars = np.full((1, 2, 2), 0.02)
    found = sd.LieAlgebra.from_matrices([[[0, -1.01], [1, 0]]], errors=bars, states=("u", "v"))
    parts = symmetry_parts(found, line(("u", "v")))
    assert placed(parts) == (1, 0, 0, 0)
    assert parts.values.errors is not None
    spread = parts.values.errors.std(axis=0)[0]
    assert parts.values.errors.shape == (20, 1, 2, 2) and 0.005 < spread.max() < 0.05
    assert EquivariantFNO(parts.values, modes=(3,), copies=2).values.errors is not None


def test_a_symmetry_of_other_variables_is_refused():
    found = sd.LieAlgebra.from_matrices([[[0, -1], [1, 0]]], states=("a", "b"))
    with pytest.raises(ValueError, match="rename the states"):
        symmetry_parts(found, line(("u", "v")))


@pytest.mark.parametrize("texts", [[*STILL, SPIN], [*STILL, "y ∂x − x ∂y", PHASE], [*STILL, "y ∂x − x ∂y"]])
def test_the_constrained_operator_commutes_with_turns_and_values(texts):
    grid = plane()
    parts = parts_of(texts, grid)
    model = operator_model("equivariant", parts, grid, unit(grid.fields), **SMALL)
    module = model.module.double()
    mover = Mover(parts.on_values, parts.turn, (12.0, 12.0))
    u = torch.randn(4, 2, 12, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    amounts, _ = mover.draw(4, np.random.default_rng(0))
    turns = np.arange(4)
    with torch.no_grad():
        error = module(mover(u, 0.0, amounts, turns)) - mover(module(u), 0.3, amounts, turns)
        plain = operator_model("plain", parts, grid, unit(grid.fields), **SMALL).module.double()
        broken = plain(mover(u, 0.0, amounts, turns)) - mover(plain(u), 0.3, amounts, turns)
    assert error.abs().max() < 1e-12 and broken.abs().max() > 1e-2
    assert plain.width == module.width and model.penalty is None


def test_moves_are_those_of_the_flow_of_fields():
    data = sd.systems.burgers(n_trajectories=2, n_points=32, n_times=20)
    grid = field_grid(validate_fields(data))
    parts = parts_of(["∂t", "∂x", "t ∂x + ∂u"], grid)
    expected = flow_along(data, parts.follows, [[0.3], [-0.7]])
    u = torch.from_numpy(data.u.values)
    mover = Mover(parts.follows, None, (16.0,))
    for k in (0, 7):
        moved = mover(u[:, k : k + 1], float(data.time[k]), np.array([[0.3], [-0.7]]), np.zeros(2))
        assert np.allclose(moved[:, 0], expected.u.values[:, k], atol=1e-12)


def test_augmentation_moves_input_and_target_alike_and_anew_in_each_epoch():
    grid = line()
    parts = parts_of(["∂t", "∂x", "t ∂x + ∂u"], grid)
    mover = Mover(parts.follows, None, (1.0,))
    u = torch.randn(3, 1, 16, dtype=torch.float64)
    pairs = AugmentedPairs([(u, u)], mover, (0.0, 0.0), seed=1)
    (first, target), *_ = pairs
    assert torch.equal(first, target) and not torch.allclose(first, u)
    pairs.set_epoch(1)
    (second, _), *_ = pairs
    pairs.set_epoch(0)
    (again, _), *_ = pairs
    assert torch.equal(first, again) and not torch.allclose(first, second)


def test_boosts_go_to_the_penalty_in_units_of_the_scale():
    grid = line()
    parts = parts_of(["∂t", "∂x", "t ∂x + ∂u"], grid)
    scale = FieldScale(("u",), np.array([0.3]), np.array([4.0]))
    penalty = operator_model("penalty", parts, grid, scale, time_step=0.2, **SMALL).penalty
    assert penalty is not None

    class Carried(torch.nn.Module):
        """u -> u, carried along by its mean: commutes with boosts."""

        def forward(self, u):
            speed = scale.undo(u).mean(-1, keepdim=True)
            waves = 2 * torch.pi * torch.arange(9, dtype=u.dtype)
            phase = torch.exp(-1j * waves * speed * 0.2)
            phase[..., -1] = phase[..., -1].real.to(phase.dtype)
            return torch.fft.irfft(torch.fft.rfft(u) * phase, n=16)

    # no Nyquist mode, whose phase the grid does not show
    u = torch.fft.irfft(torch.fft.rfft(torch.randn(4, 1, 16, dtype=torch.float64))[..., :8], n=16)
    assert float(penalty(Carried(), u)) < 1e-20
    assert float(penalty(torch.nn.Identity(), u)) > 1e-4


def test_models_that_would_be_plain_are_refused():
    grid = line()
    parts = parts_of(["∂t", "∂x"], grid)
    for kind in ("equivariant", "penalty", "augmented"):
        with pytest.raises(ValueError, match=kind):
            operator_model(kind, parts, grid, unit(grid.fields), **SMALL)
    with pytest.raises(ValueError, match="kind must be one of"):
        operator_model("best", parts, grid, unit(grid.fields), **SMALL)


@pytest.mark.parametrize("kind", ["plain", "equivariant", "penalty", "augmented"])
def test_every_model_trains_and_is_saved_with_its_units(kind, tmp_path):
    grid = plane()
    parts = parts_of([*STILL, "y ∂x − x ∂y", PHASE, "t ∂x + ∂u"], grid)
    model = operator_model(kind, parts, grid, unit(grid.fields), time_step=0.1, **SMALL)
    u = torch.randn(8, 2, 12, 12)
    pairs = model.pairs([(u, 0.5 * u)], 0.1, seed=0)
    found = train(model.module, pairs, (u, 0.5 * u), epochs=3, rate=1e-2, penalty=model.penalty, weight=0.1)
    assert found.history.train[-1] < found.history.train[0]
    whole = ScaledFields(found.module, unit(grid.fields))
    save_module(whole, tmp_path / "operator.safetensors")
    assert torch.equal(load_module(tmp_path / "operator.safetensors")(u), whole(u))


@pytest.mark.parametrize("size", [12, 13])
def test_turns_by_an_angle_are_quarter_turns_at_ninety_degrees(size):
    grid = plane(sizes=(size, size))
    turn = np.array([[0.0, 1.0], [-1.0, 0.0]])
    u = torch.randn(2, 2, size, size, dtype=torch.float64)
    by_angle = turned_fields(u, np.pi / 2, turn, grid)
    quarter = torch.stack([quarter_turned(one, 1, turn) for one in u])
    # On even grids the middle that is kept is a point of the grid, half a step off that of the array.
    centred = torch.roll(quarter, 1, 3) if size % 2 == 0 else quarter
    assert torch.allclose(by_angle, centred, atol=1e-10)


def test_quarter_turns_of_other_grids_are_refused():
    with pytest.raises(ValueError, match="square grid"):
        quarter_turned(torch.zeros(1, 4, 6), 1, np.zeros((1, 1)))


def test_a_moved_penalty_asks_where_no_data_lie():
    """tanh keeps u -> u + a where u is small, and breaks it beyond."""
    generators = parse_generators(["t ∂x + ∂u"], ("t", "x", "u"))
    penalty = LieDerivativePenalty(generators, space={"x": 1.0}, times=(0.0, 0.0))
    moved = MovedPenalty(penalty, Mover(generators, None, [1.0], [3.0]))
    u = 0.01 * torch.randn(8, 1, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert penalty(torch.tanh, u) < 1e-2 < 0.1 < moved(torch.tanh, u)
    assert moved(lambda v: v, u) < 1e-20
    value, _ = moved.value_and_penalty(torch.tanh, u)
    assert torch.equal(value, torch.tanh(u))
    assert torch.equal(moved.violations(torch.tanh, u), penalty.violations(torch.tanh, u))
    state = moved.random.get_state()
    first = moved(torch.tanh, u)
    assert moved(torch.tanh, u) != first
    moved.random.set_state(state)
    assert moved(torch.tanh, u) == first
