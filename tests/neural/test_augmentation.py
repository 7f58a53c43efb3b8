"""Trajectories and fields moved along generators: what they become is known in closed form."""

import dask.array as da
import numpy as np
import pytest
import xarray as xr

torch = pytest.importorskip("torch")

from symdyn import candidates, open_trajectories, systems  # noqa: E402
from symdyn.jets.pointfields import parse_generators  # noqa: E402
from symdyn.lie.algebras.algebra import LieAlgebra  # noqa: E402
from symdyn.neural.augmentation import augmented, flow_along  # noqa: E402
from symdyn.neural.resampling import shifted, turned  # noqa: E402

TURN = np.array([[0.0, -1.0], [1.0, 0.0]])
ROTATION = LieAlgebra.from_matrices(TURN[None])


def runs(count=3, names=("x", "y")):
    """Some runs with a clock that all share."""
    rng = np.random.default_rng(0)
    values = rng.standard_normal((count, 20, len(names)))
    data = {name: (("trajectory", "time"), values[..., k], {"units": "m"}) for k, name in enumerate(names)}
    return xr.Dataset(data, {"time": np.linspace(0, 1, 20)}, {"states": " ".join(names)})


def field(function, times, *axes, name="u"):
    """One trajectory of a periodic field from a function of t and the axes."""
    grids = np.meshgrid(times, *axes, indexing="ij")
    labels = ("x", "y")[: len(axes)]
    values = xr.Dataset({name: (("trajectory", "time", *labels), function(*grids)[None])}, {"time": times})
    for label, axis in zip(labels, axes, strict=True):
        period = (axis[1] - axis[0]) * len(axis)
        values = values.assign_coords({label: (label, axis, {"period": period})})
    return values.assign_attrs(states=name)


def grid(size, period, start=0.0):
    return start + period / size * np.arange(size)


def soliton(speed, background=0.0):
    """Of u_t + 6 u u_x + u_xxx = 0, on a background that carries it along."""
    height = lambda z: speed / 2 / np.cosh(np.sqrt(speed) / 2 * z) ** 2  # noqa: E731
    return lambda t, x: background + height((x - (speed + 6 * background) * t + 20) % 40 - 20)


def test_rotated_runs_of_a_rotating_law_are_runs_of_it():
    x, step = systems.hopf(rng=0)
    data = open_trajectories((x[:3]), t=step)
    angle = np.array([[0.3], [-1.2], [2.0]])
    moved = flow_along(data, ROTATION, angle)
    law = systems.exact_law("hopf")
    for k in range(3):
        run = np.stack([moved[name].values[k] for name in moved.attrs["states"].split()], axis=-1)
        times = step * np.arange(len(run))
        np.testing.assert_allclose(law.flow(run[0], times), run, atol=1e-6)
        cosine, sine = np.cos(angle[k, 0]), np.sin(angle[k, 0])
        np.testing.assert_allclose(run, x[k] @ np.array([[cosine, sine], [-sine, cosine]]), atol=1e-12)


def test_a_rate_of_time_moves_the_clock():
    """x' = x^2 keeps x -> e^a x, t -> e^-a t: x0 / (1 − x0 t) becomes the run from e^a x0."""
    times, start, amount = np.linspace(0, 1, 30), np.array([[-0.5], [-2.0]]), np.array([[0.4], [-0.7]])
    data = xr.Dataset({"x": (("trajectory", "time"), start / (1 - start * times))}, {"time": times}, {"states": "x"})
    scaling = LieAlgebra.from_matrices([[[1.0]]], time_scaling=[-1.0])
    moved = flow_along(data, scaling, amount)
    first = np.exp(amount) * start
    np.testing.assert_allclose(moved.t, np.exp(-amount) * times, rtol=1e-12)
    np.testing.assert_allclose(moved.x, first / (1 - first * moved.t), rtol=1e-12)
    both = augmented(data, scaling, rng=0)
    assert both.sizes["trajectory"] == 4 and both.t.dims == ("trajectory", "time")
    first = both.x.values[:, :1]
    np.testing.assert_allclose(both.x, first / (1 - first * both.t.values), rtol=1e-12)


def test_a_field_that_is_not_affine_is_integrated_and_padding_stays():
    times, start = np.linspace(0, 1, 30), np.array([[-0.5], [-2.0]])
    values = start / (1 - start * times)
    values[1, 25:] = np.nan
    data = xr.Dataset({"x": (("trajectory", "time"), values)}, {"time": times}, {"states": "x"})
    square = parse_generators(["x^2 ∂x"], ["x"])
    moved = flow_along(data, square, [0.5]).x.values
    expected = values / (1 - 0.5 * values)
    np.testing.assert_allclose(moved, expected, rtol=1e-8)
    with pytest.raises(RuntimeError, match="leaves every bound"):
        flow_along(-data, square, [10.0])


def test_flowing_there_and_back_changes_nothing_and_stays_lazy():
    data = runs().chunk(trajectory=1)
    amounts = np.random.default_rng(1).standard_normal((3, 6))
    there = flow_along(data, candidates.affine(2), amounts)
    back = flow_along(there, candidates.affine(2), -amounts)
    assert isinstance(there.x.data, da.Array) and there.x.attrs == {"units": "m"}
    assert float(abs(there.x - data.x).max()) > 0.1
    xr.testing.assert_allclose(back.compute(), flow_along(data, ROTATION, [0.0]).compute())


def test_augmented_runs_follow_the_given_ones_and_repeat_with_the_seed():
    data = runs()
    more = augmented(data, ROTATION, copies=2, strength=0.5, rng=3)
    assert more.sizes["trajectory"] == 9 and list(more.trajectory.values) == list(range(9))
    np.testing.assert_array_equal(more.x[:3], data.x)
    radius = np.hypot(more.x, more.y).values.reshape(3, 3, 20)
    np.testing.assert_allclose(radius, np.broadcast_to(radius[0], radius.shape), rtol=1e-12)
    xr.testing.assert_identical(more, augmented(data, ROTATION, copies=2, strength=0.5, rng=3))
    np.testing.assert_array_equal(augmented(data, ROTATION, strength=0).x[3:], data.x)


def test_a_boosted_soliton_runs_on_its_new_background():
    x, times = grid(256, 40.0), np.linspace(0, 1, 20)
    galilean = parse_generators(["6 t ∂x + ∂u"], ["t", "x", "u"])
    moved = flow_along(field(soliton(4.0), times, x), galilean, [0.7])
    np.testing.assert_allclose(moved.u[0], soliton(4.0, 0.7)(times[:, None], x), atol=1e-7)


def test_a_scaled_soliton_has_the_speed_of_its_height():
    x, times, amount = grid(256, 40.0), np.linspace(0, 1, 20), 0.2
    scaling = parse_generators(["−3 t ∂t − x ∂x + 2 u ∂u"], ["t", "x", "u"])
    moved = flow_along(field(soliton(4.0), times, x), scaling, [amount])
    np.testing.assert_allclose(moved.time, np.exp(-0.6) * times)
    np.testing.assert_allclose(moved.x, np.exp(-0.2) * x)
    assert moved.x.attrs["period"] == pytest.approx(40 * np.exp(-0.2))
    speed, scaled = 4 * np.exp(0.4), moved.x.values / 1.0
    expected = speed / 2 / np.cosh(np.sqrt(speed) / 2 * (scaled - speed * moved.time.values[:, None])) ** 2
    inside = scaled < 20 * np.exp(-0.2)  # the rest is the periodic image
    np.testing.assert_allclose(moved.u[0].values[:, inside], expected[:, inside], atol=1e-7)


def kdv_residual(data):
    """u_t + u u_x + u_xxx relative to u_t: spectral in space, differences of fourth order in time."""
    u, step = data.u.values, float(data.time[1] - data.time[0])
    numbers = 2j * np.pi * np.fft.rfftfreq(u.shape[-1], data.x.attrs["period"] / u.shape[-1])
    slope, third = (np.fft.irfft(np.fft.rfft(u) * numbers**order, n=u.shape[-1]) for order in (1, 3))
    rate = (8 * (u[:, 3:-1] - u[:, 1:-3]) - (u[:, 4:] - u[:, :-4])) / (12 * step)
    return np.sqrt(np.mean((rate + (u * slope + third)[:, 2:-2]) ** 2) / np.mean(rate**2))


def test_symmetries_turn_solutions_into_solutions_and_other_generators_do_not():
    data = systems.kdv(n_trajectories=1)
    before, variables = kdv_residual(data), ["t", "x", "u"]
    for text in systems.known_symmetries("kdv"):
        assert kdv_residual(flow_along(data, parse_generators([text], variables), [0.3])) < 1.3 * before
    for text in ("x ∂x", "u ∂u", "t ∂x"):
        assert kdv_residual(flow_along(data, parse_generators([text], variables), [0.3])) > 10 * before


def test_a_shift_of_space_is_the_shifted_function_for_each_trajectory():
    x, times = grid(64, 2 * np.pi), np.linspace(0, 1, 20)
    wave = lambda t, x: np.exp(-t) * np.sin(x) + np.exp(-4 * t) * np.cos(2 * x)  # noqa: E731
    data = xr.concat([field(wave, times, x)] * 2, "trajectory")
    moved = flow_along(data, parse_generators(["∂x"], ["t", "x", "u"]), [[0.3], [-1.1]])
    for k, shift in enumerate((0.3, -1.1)):
        np.testing.assert_allclose(moved.u[k], wave(times[:, None], x - shift), atol=1e-12)


def test_a_quarter_turn_of_a_square_is_exact_and_other_turns_are_warned_of():
    x, times = grid(32, 4.0, -2.0), np.linspace(0, 1, 16)
    bump = lambda t, x, y: (1 + t) * np.exp(-8 * ((x - 0.5) ** 2 + 2 * (y + 0.2) ** 2))  # noqa: E731
    data = field(bump, times, x, x)
    rotation = parse_generators(["x ∂y − y ∂x"], ["t", "x", "y", "u"])
    moved = flow_along(data, rotation, [np.pi / 2])
    back = (-np.arange(32)) % 32  # −x on a grid that starts at −2
    np.testing.assert_allclose(moved.u[0], data.u[0].values[:, :, back].swapaxes(1, 2), atol=1e-12)
    with pytest.warns(UserWarning, match="near the edges of a periodic box"):
        turned_field = flow_along(data, rotation, [0.6])
    first, second = np.meshgrid(x, x, indexing="ij")
    cosine, sine = np.cos(0.6), np.sin(0.6)
    expected = bump(times[:, None, None], cosine * first + sine * second, cosine * second - sine * first)
    inside = np.hypot(first, second) < 1.7
    np.testing.assert_allclose(turned_field.u[0].values[:, inside], expected[:, inside], atol=1e-3)


def test_values_of_two_fields_turn_into_one_another():
    x, times = grid(32, 1.0), np.linspace(0, 1, 16)
    data = field(lambda t, x: np.cos(2 * np.pi * (x - t)), times, x)
    data["v"] = data.u.copy(data=field(lambda t, x: np.sin(2 * np.pi * (x + t)), times, x).u.values)
    data.attrs["states"] = "u v"
    moved = flow_along(data, parse_generators(["u ∂v − v ∂u"], ["t", "x", "u", "v"]), [0.5])
    np.testing.assert_allclose(moved.u, np.cos(0.5) * data.u - np.sin(0.5) * data.v, atol=1e-12)
    np.testing.assert_allclose(moved.v, np.cos(0.5) * data.v + np.sin(0.5) * data.u, atol=1e-12)


@pytest.mark.parametrize("size", [15, 16])
def test_shifts_by_grid_steps_are_rolls_and_add_up(size):
    fields = torch.randn(3, 2, size, dtype=torch.float64)
    step = torch.tensor(2.0 / size, dtype=torch.float64)
    torch.testing.assert_close(shifted(fields, 3 * step, 2.0, -1), fields.roll(3, -1))
    smooth = shifted(fields, torch.zeros(3, 1, 1), 2.0, -1)
    torch.testing.assert_close(smooth, fields)
    wave = torch.sin(torch.pi * torch.arange(size, dtype=torch.float64) * 2 / size)[None]
    part = shifted(shifted(wave, torch.tensor(0.1), 2.0, 1), torch.tensor(0.2), 2.0, 1)
    torch.testing.assert_close(part, shifted(wave, torch.tensor(0.3), 2.0, 1), atol=1e-7, rtol=0)


@pytest.mark.parametrize("size", [15, 16])
def test_two_quarter_turns_are_the_reflection_at_a_point(size):
    fields, quarter = torch.randn(2, size, size, dtype=torch.float64), torch.as_tensor(TURN)
    square = ((0.0, 0.0), (1.0, 1.0))
    torch.testing.assert_close(turned(fields, torch.eye(2), *square), fields)
    back = (-torch.arange(size)) % size
    twice = turned(turned(fields, quarter, *square), quarter, *square)
    torch.testing.assert_close(twice, fields[:, back][:, :, back])


def test_four_quarter_turns_about_a_point_between_grid_points_change_nothing():
    fields, quarter = torch.randn(2, 15, 15, dtype=torch.float64), torch.as_tensor(TURN)
    turned_field = fields
    for _ in range(4):
        turned_field = turned(turned_field, quarter, (0.31, -0.13), (1.0, 1.0))
    torch.testing.assert_close(turned_field, fields)


def test_bad_input_is_named():
    data, times, x = runs(), np.linspace(0, 1, 16), grid(32, 1.0)
    waves = field(lambda t, x: np.cos(2 * np.pi * (x - t)), times, x)
    generators = lambda text: parse_generators([text], ["t", "x", "u"])  # noqa: E731
    with pytest.raises(ValueError, match="amounts must be finite, of shape"):
        flow_along(data, ROTATION, [1.0, 2.0])
    with pytest.raises(TypeError, match="symmetry must be a LieAlgebra or Generators, got ndarray"):
        flow_along(data, TURN, [1.0])
    with pytest.raises(ValueError, match="the generators act on x0, x1, x2, the data hold x, y"):
        flow_along(data, candidates.so(3), [1.0, 1.0, 1.0])
    with pytest.raises(ValueError, match="copies must be at least 1"):
        augmented(data, ROTATION, copies=0)
    with pytest.raises(ValueError, match="moves space or time with the values"):
        flow_along(waves, generators("u ∂x"), [1.0])
    with pytest.raises(ValueError, match="Lorentz boost"):
        flow_along(waves, generators("x ∂t + t ∂x"), [1.0])
    with pytest.raises(ValueError, match="grows along x"):
        flow_along(waves, generators("x ∂u"), [1.0])
    with pytest.raises(ValueError, match="not affine"):
        flow_along(waves, generators("u^2 ∂u"), [1.0])
    with pytest.raises(ValueError, match="trajectories share one grid"):
        augmented(waves, generators("x ∂x"))
    del waves.x.attrs["period"]
    with pytest.raises(ValueError, match="moves x, which is not periodic"):
        flow_along(waves, generators("∂x"), [1.0])
    plane = field(lambda t, x, y: np.cos(2 * np.pi * (x - t)) + 0 * y, times, x, grid(32, 2.0))
    with pytest.raises(ValueError, match="periodic box is not square"):
        flow_along(plane, parse_generators(["x ∂y − y ∂x"], ["t", "x", "y", "u"]), [np.pi / 2])
    with pytest.raises(ValueError, match="shears space"):
        flow_along(plane, parse_generators(["y ∂x"], ["t", "x", "y", "u"]), [1.0])
    with pytest.raises(ValueError, match="real fields and a positive period"):
        shifted(torch.ones(1, 4), torch.tensor(0.1), 0.0, 1)
    with pytest.raises(ValueError, match="one entry along the axis"):
        shifted(torch.ones(1, 4), torch.ones(1, 4), 1.0, 1)
