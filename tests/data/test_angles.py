"""Angles that wrap, in degrees and in radians."""

import numpy as np
import pytest
import xarray as xr

import symdyn as sd
from symdyn.data.angles import unwrapped, with_angle_units
from symdyn.data.trajectories import each_trajectory
from symdyn.functions.features import Fourier, Polynomial, Sum
from symdyn.rows.ensembles import read_runs
from symdyn.sums.axes import sampled_runs

TIMES = np.linspace(0, 20, 1200)
TURNING = np.stack([2.0 * TIMES + 0.3 * np.sin(TIMES), -1.5 * TIMES + np.cos(TIMES), np.sin(TIMES)])
UNITS = {"rad": 1.0, "degrees": 180 / np.pi, "turns": 0.5 / np.pi}


def data(values, unit="rad", name="theta"):
    variables = {"t": (("trajectory", "time"), np.tile(TIMES, (3, 1))), name: (("trajectory", "time"), values)}
    dataset = xr.Dataset({**variables, "omega": (("trajectory", "time"), np.gradient(TURNING, TIMES, axis=1))})
    dataset[name].attrs["units"] = unit
    return sd.open_trajectories(dataset, states=[name, "omega"])


def wrapped(values, low):
    return (values - low) % (2 * np.pi) + low


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("low", [0.0, -np.pi, 1.0])
@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_angles_are_unwrapped_where_they_are_read(unit, low, noise):
    rng = np.random.default_rng(0)
    angles = TURNING + noise * rng.standard_normal(TURNING.shape)
    jumps = np.any(np.abs(np.diff(wrapped(angles, low))) > np.pi, axis=1, keepdims=True)
    start = np.where(jumps, wrapped(angles[:, :1], -np.pi), wrapped(angles[:, :1], low))  # wherever they were cut
    shifted = angles - angles[:, :1] + start
    dataset = data(UNITS[unit] * wrapped(angles, low), unit)
    for run, wanted in zip(each_trajectory(dataset), UNITS[unit] * shifted, strict=True):
        np.testing.assert_allclose(run.states[:, 0], wanted, atol=1e-9 * UNITS[unit])
    runs = read_runs(dataset, ["theta", "omega"])
    np.testing.assert_allclose(runs.ensembles[0].columns[0], UNITS[unit] * shifted, atol=1e-9 * UNITS[unit])
    for run, wanted in zip(sampled_runs(dataset, ["theta"], 100), UNITS[unit] * shifted, strict=True):
        np.testing.assert_allclose(run.states[:, 0], wanted[::12], atol=1e-9 * UNITS[unit])


def test_what_is_no_angle_and_what_does_not_wrap_stays_as_it_is():
    saw = wrapped(TURNING, 0.0)
    for dataset, values in (
        (data(saw, "m"), saw),
        (data(saw, ""), saw),
        (data(saw, "rad/s"), saw),
        (data(TURNING), TURNING),
        (data(3 * np.sin(2 * TURNING)), 3 * np.sin(2 * TURNING)),
    ):
        for run, wanted in zip(each_trajectory(dataset), values, strict=True):
            np.testing.assert_array_equal(run.states[:, 0], wanted)
        assert read_runs(dataset, ["theta"]).ensembles[0].columns[0] is not None


def test_angles_that_turn_too_fast_to_tell_which_way_stay_as_they_are():
    rng = np.random.default_rng(0)
    points = rng.uniform(0, 2 * np.pi, (3, 1200))
    np.testing.assert_array_equal(unwrapped(points, 2 * np.pi), points)


def test_pairs_of_points_do_not_follow_from_one_another():
    dataset = data(wrapped(TURNING, 0.0))
    dataset["omega"].attrs["role"] = "target"
    (run, *_) = each_trajectory(dataset)
    np.testing.assert_array_equal(run.states[:, 0], wrapped(TURNING, 0.0)[0])


def test_padding_and_gaps_stay_where_they_are():
    angles = wrapped(TURNING, 0.0)
    angles[1, 700:] = np.nan
    dataset = data(angles)
    dataset["omega"].values[1, 700:] = np.nan
    assert [len(run.times) for run in each_trajectory(dataset)] == [1200, 700, 1200]
    angles[0, 5] = np.nan
    with pytest.raises(ValueError, match="'theta' of trajectory '0' is not finite at sample 5 "):
        list(each_trajectory(data(angles)))


def test_sines_are_told_the_unit_of_their_states_and_nothing_else_is():
    dataset = data(TURNING, "degrees")
    features = with_angle_units(Fourier(2) + Polynomial(2), dataset, ["theta", "omega"])
    assert features == Sum((Fourier(2, (np.pi / 180, 1.0)), Polynomial(2)))
    dataset["omega"].attrs["units"] = "degrees/min"
    assert with_angle_units(Fourier(1), dataset, ["omega"]).radians == (np.pi / 180,)
    given = Fourier(1, (2.0, 1.0))
    assert with_angle_units(given, dataset, ["theta", "omega"]) is given
    for unit in ("rad", "m"):
        assert with_angle_units(Fourier(2), data(TURNING, unit), ["theta", "omega"]) == Fourier(2)
    with pytest.warns(UserWarning, match="'theta', which has no unit and spans 0 to 40.3: it is read in radians"):
        assert with_angle_units(Fourier(2), data(TURNING, ""), ["theta", "omega"]) == Fourier(2)
    assert with_angle_units(Fourier(1), dataset, ["theta", "omega", "t"]).radians[1:] == (np.pi / 180, 1.0)
