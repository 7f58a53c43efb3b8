"""Pairs of fields out of Datasets: which, in what order, in what memory, in what units."""

import tracemalloc

import numpy as np
import pytest
import xarray as xr

torch = pytest.importorskip("torch")

import symdyn as sd  # noqa: E402
from symdyn.jets.pointfields import parse_generators  # noqa: E402
from symdyn.neural import LieDerivativePenalty  # noqa: E402
from symdyn.neural.operators.models import ScaledFields  # noqa: E402
from symdyn.neural.operators.pairs import OperatorPairs, fields_of, split_trajectories  # noqa: E402
from symdyn.neural.operators.scale import FieldScale, field_scale  # noqa: E402


def fields(n_runs=6, n_times=20, n_points=16, names=("u", "v"), rng=0):
    """Travelling waves."""
    random = np.random.default_rng(rng)
    x = np.arange(n_points) / n_points
    time = 0.1 * np.arange(n_times)
    data = xr.Dataset(attrs={"states": " ".join(names)})
    for name in names:
        phase = random.uniform(0, 2 * np.pi, (n_runs, 1, 1))
        values = np.cos(2 * np.pi * (x - time[:, None]) + phase)
        data[name] = (("trajectory", "time", "x"), values, {"units": "1"})
    return data.assign_coords(time=("time", time, {"units": "s"}), x=("x", x, {"units": "m", "period": 1.0}))


def labelled():
    """Field u is 1000 run + time everywhere, so that every pair says where it comes from."""
    data = fields()
    labels = 1000.0 * np.arange(6)[:, None] + np.arange(20)
    return data.assign(u=data.u.copy(data=np.broadcast_to(labels[..., None], data.u.shape)))


def starts(pairs):
    return torch.cat([u[:, 0, 0] for u, _ in pairs])


@pytest.mark.parametrize("chunk", [None, 1, 4])
@pytest.mark.parametrize("memory", [1e9, 1.0])
@pytest.mark.parametrize("lead", [1, 3])
def test_every_pair_of_a_run_comes_once_an_epoch(chunk, memory, lead):
    data = labelled()
    data = data if chunk is None else data.chunk(trajectory=chunk)
    pairs = OperatorPairs(data, lead=lead, batch=7, seed=3, memory=memory)
    found = [(u[:, 0, 0], target[:, 0, 0]) for u, target in pairs]
    assert len(found) == len(pairs)
    u, target = (torch.cat(part).numpy() for part in zip(*found, strict=True))
    assert np.array_equal(target, u + lead)
    expected = (1000 * np.arange(6)[:, None] + np.arange(20 - lead)).ravel()
    assert np.array_equal(np.sort(u), expected)


def test_the_order_is_that_of_the_epoch_and_of_the_file_without_seed():
    shuffled, again = OperatorPairs(labelled(), seed=0), OperatorPairs(labelled(), seed=0)
    first = starts(shuffled)
    shuffled.set_epoch(1)
    again.set_epoch(1)
    assert not torch.equal(starts(shuffled), first)
    assert torch.equal(starts(shuffled), starts(again))
    assert torch.all(torch.diff(starts(OperatorPairs(labelled()))) > 0)


def test_pairs_of_data_larger_than_memory_take_a_few_blocks(tmp_path):
    data = fields(n_runs=64, n_times=100, n_points=512, names=("u",))
    data.chunk(trajectory=2).to_zarr(tmp_path / "u.zarr", consolidated=False)
    size = data.u.size * 4  # in single precision
    pairs = OperatorPairs(sd.open_trajectories(tmp_path / "u.zarr", chunks=2), batch=8, seed=0, memory=size / 16)
    del data
    assert not pairs.fits
    tracemalloc.start()
    count = sum(len(u) for u, _ in pairs)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 64 * 99
    assert peak < size / 2


def test_channels_are_the_fields_in_the_order_asked_for():
    u, _ = next(iter(OperatorPairs(fields(), ["v", "u"], dtype=torch.float64)))
    v, _ = next(iter(OperatorPairs(fields(), ["v"], dtype=torch.float64)))
    assert u.shape == (16, 2, 16) and torch.equal(u[:, :1], v)


@pytest.mark.parametrize("options", [{"lead": 0}, {"lead": 20}, {"batch": 0}, {"every": 0}, {"memory": 0.0}])
def test_numbers_out_of_range_are_refused(options):
    with pytest.raises(ValueError, match="lead must be 1 to 19"):
        OperatorPairs(fields(), **options)


def test_fields_that_fourier_layers_cannot_take_are_refused():
    open_ends, seam, uneven = fields(), fields(), fields()
    del open_ends.x.attrs["period"]
    seam["u"] = seam.u + seam.x * 5
    uneven = uneven.assign_coords(time=("time", np.arange(20.0) ** 1.1, {"units": "s"}))
    cases = {"not periodic": open_ends, "jumps": seam, "not uniform": uneven}
    for text, data in cases.items():
        with pytest.raises(ValueError, match=text):
            OperatorPairs(data)


def test_nan_names_field_and_trajectory():
    data = fields()
    data.v[3, 2, 1] = np.nan
    with pytest.raises(ValueError, match="'v' of trajectory 3"):
        list(OperatorPairs(data))
    part = next(part for part in split_trajectories(data) if 3 in part.trajectory)
    assert part.trajectory.values.tolist().index(3) != 3  # counted anew in its part, and still called by its number
    with pytest.raises(ValueError, match="'v' of trajectory 3"):
        list(OperatorPairs(part))


def test_no_trajectory_is_in_two_parts():
    data = fields(n_runs=10)
    parts = split_trajectories(data, validation=0.2, test=0.3, seed=1)
    names = [set(part.trajectory.values) for part in parts]
    assert [len(part) for part in names] == [5, 2, 3]
    assert set.union(*names) == set(range(10)) and not names[0] & names[1] | names[0] & names[2] | names[1] & names[2]
    again = split_trajectories(data, validation=0.2, test=0.3, seed=1)
    other = split_trajectories(data, validation=0.2, test=0.3, seed=2)
    assert all(a.identical(b) for a, b in zip(parts, again, strict=True))
    assert not parts.test.identical(other.test)


def test_too_few_trajectories_and_wrong_shares_are_refused():
    with pytest.raises(ValueError, match="2 trajectories are too few"):
        split_trajectories(fields(n_runs=2))
    with pytest.raises(ValueError, match="sum is below 1"):
        split_trajectories(fields(), validation=0.5, test=0.5)
    with pytest.raises(ValueError, match="no dim 'trajectory'"):
        split_trajectories(fields().isel(trajectory=0))


TURN = np.array([[[0.0, -1.0], [1.0, 0.0]]])


def test_scales_commute_with_the_action():
    data = fields(names=("u", "v", "p"))
    data["v"], data["p"] = 5 * data.v + 1, 10 * data.p + 7
    action = np.zeros((1, 3, 3))
    action[:, :2, :2] = TURN
    scale = field_scale(data, action)
    assert scale.size[0] == scale.size[1] != scale.size[2]
    assert np.allclose(action[0] @ scale.mean, 0) and np.isclose(scale.mean[2], 7, rtol=0.1)
    assert np.allclose(action[0] @ np.diag(scale.size), np.diag(scale.size) @ action[0])
    plain = field_scale(data)
    u = fields_of(data, scale=plain, dtype=torch.float64)
    assert torch.allclose(u.mean((0, 1, 3)), torch.zeros(3, dtype=u.dtype), atol=1e-12)
    assert torch.allclose(u.square().mean((0, 1, 3)), torch.ones(3, dtype=u.dtype))
    assert torch.allclose(plain.undo(u, axis=2), fields_of(data, dtype=torch.float64))


def test_generators_in_other_units_are_the_same_symmetry():
    scale = FieldScale(("u", "v"), np.array([0.5, -1.0]), np.array([3.0, 0.2]))
    found = parse_generators(["t ∂x + ∂u", "u ∂v", "u^2 ∂u + x v ∂v"], ("t", "x", "u", "v"))
    torch.manual_seed(0)
    inner = torch.nn.Conv1d(2, 2, 3, padding=1, padding_mode="circular").double()
    u = torch.randn(3, 2, 16, dtype=torch.float64)
    for index in range(3):
        one = found.combine(np.eye(3)[index : index + 1])
        options = {"space": {"x": (-1.0, 1.0)}, "times": (0.0, 0.3)}
        physical = LieDerivativePenalty(one, **options).action(scale.undo(u))
        scaled = LieDerivativePenalty(scale.moved(one), **options).action(u)
        size = torch.as_tensor(scale.size)[:, None]
        assert torch.allclose(physical, scaled * size, atol=1e-11)
    whole = ScaledFields(inner, scale)
    assert torch.allclose(whole(scale.undo(u)), scale.undo(inner(u)))
