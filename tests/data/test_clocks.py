"""Times as numbers of a unit that suits the steps, and that is known."""

import datetime

import numpy as np
import pytest
import xarray as xr

import symdyn as sd
from symdyn.data.clocks import time_unit
from symdyn.data.trajectories import clocks_of, each_trajectory

START = np.datetime64("2020-02-27T06:00:00", "ns")
X = np.column_stack([np.cos(0.2 * np.arange(60)), np.sin(0.2 * np.arange(60))])


def at(times):
    return sd.open_trajectories(xr.Dataset({"x": ("time", X[: len(times), 0])}, coords={"time": times}))


@pytest.mark.parametrize(
    ("step", "unit", "number"),
    [
        (np.timedelta64(10, "ms"), "s", 0.01),
        (np.timedelta64(5, "s"), "s", 5),
        (np.timedelta64(90, "s"), "min", 1.5),
        (np.timedelta64(6, "h"), "h", 6),
        (np.timedelta64(1, "D"), "day", 1),
        (np.timedelta64(7, "D"), "day", 7),
        (np.timedelta64(30, "us"), "ms", 0.03),
        (np.timedelta64(365, "D"), "year", 365 / 365.25),
    ],
)
def test_dates_and_intervals_count_in_a_unit_that_suits_their_steps(step, unit, number):
    for start in (START, np.timedelta64(0, "ns")):
        opened = at(start + np.arange(60) * step)
        assert time_unit(opened) == unit
        np.testing.assert_allclose(clocks_of(opened)[0], number * np.arange(60), rtol=1e-12)


def test_a_unit_does_not_depend_on_chunks_or_on_which_part_is_looked_at():
    days = START + np.stack([np.arange(60) * np.timedelta64(24, "h"), np.arange(60) * np.timedelta64(1, "m")])
    data = xr.Dataset({"x": (("trajectory", "time"), X.T), "t": (("trajectory", "time"), days)})
    opened = sd.open_trajectories(data.chunk({"trajectory": 1}))
    assert time_unit(opened) == time_unit(opened.isel(trajectory=[1])) == "day"
    np.testing.assert_allclose(clocks_of(opened)[1], np.arange(60) / 1440, rtol=1e-12)
    np.testing.assert_allclose(clocks_of(opened.isel(trajectory=[1])), clocks_of(sd.open_trajectories(data))[1:])


@pytest.mark.parametrize(
    "times",
    [
        START + np.arange(60) * np.timedelta64(1, "D"),
        [datetime.datetime(2020, 2, 27) + datetime.timedelta(days=k) for k in range(60)],
        [str(START + k * np.timedelta64(1, "D"))[:10] for k in range(60)],
        np.timedelta64(1, "D"),
        datetime.timedelta(days=1),
        np.arange(60) * np.timedelta64(1, "D"),
    ],
)
def test_dates_beside_arrays_are_dates(times):
    opened = sd.open_trajectories(X, t=times)
    (run,) = each_trajectory(opened)
    assert time_unit(opened) == "day"
    np.testing.assert_allclose(run.times, np.arange(60))


def test_runs_of_unlike_length_may_have_dates():
    days = START + np.arange(60) * np.timedelta64(1, "D")
    opened = sd.open_trajectories([X, X[:40]], t=[days, days[:40]])
    assert [len(run.times) for run in each_trajectory(opened)] == [60, 40]


@pytest.mark.parametrize(
    ("written", "unit"),
    [("days since 2000-01-01", "day"), ("hours", "h"), ("seconds", "s"), ("yr", "year"), ("time unit", "time unit")],
)
def test_the_unit_of_numbers_is_the_one_that_is_declared(written, unit):
    data = xr.Dataset({"x": ("time", X[:, 0])}, coords={"time": ("time", np.arange(60), {"units": written})})
    assert time_unit(sd.open_trajectories(data)) == unit


def test_times_without_a_unit_have_none():
    assert time_unit(sd.open_trajectories(X, t=0.1)) == ""


@pytest.mark.parametrize("suffix", ["nc", "zarr"])
def test_dates_come_back_from_a_file_as_the_dates_they_were(tmp_path, suffix):
    dates = START + np.arange(60) * np.timedelta64(6, "h")
    opened, path = at(dates), tmp_path / f"a.{suffix}"
    opened.to_netcdf(path, engine="h5netcdf") if suffix == "nc" else opened.to_zarr(path, consolidated=False)
    again = sd.open_trajectories(path)
    assert time_unit(again) == "h"
    np.testing.assert_array_equal(clocks_of(again), clocks_of(opened))
    if suffix == "nc":
        with xr.open_dataset(path, engine="h5netcdf") as decoded:
            np.testing.assert_array_equal(decoded.time.values, dates)


class _Moment(tuple):
    """A date of a calendar without leap years, of which only distances are known."""

    def __sub__(self, other):
        return datetime.timedelta(days=365 * (self[0] - other[0]) + self[1] - other[1])


def test_dates_of_other_calendars_are_counted_by_their_distance():
    times = np.empty(60, dtype=object)
    times[:] = [_Moment((2001 + k, 10)) for k in range(60)]
    opened = at(times)
    assert time_unit(opened) == "year"
    np.testing.assert_allclose(np.diff(clocks_of(opened)[0]), 365 / 365.25)


def test_times_that_are_none_are_refused():
    with pytest.raises(ValueError, match=r"t hold .*, neither numbers nor dates"):
        sd.open_trajectories(X, t=["early"] * 60)
