import numpy as np
import pytest
import xarray as xr

import symdyn as sd
from symdyn.data.trajectories import each_trajectory, state_names
from symdyn.functions.features import Polynomial
from symdyn.sums.moments import accumulate

TIMES = np.linspace(0, 6, 60)
RUNS = [np.column_stack([np.cos(TIMES + k), np.sin(TIMES + k)]) for k in range(3)]


@pytest.fixture
def dataset():
    return sd.open_trajectories(RUNS, t=list(TIMES[None].repeat(3, 0)), states=["x", "y"])


def kepler(**changes):
    return sd.systems.kepler(2, n_times=60).assign(**changes)


def same(first, second):
    for one, other in zip(each_trajectory(first.compute()), each_trajectory(second.compute()), strict=True):
        np.testing.assert_array_equal(one.times, other.times)
        np.testing.assert_array_equal(one.states, other.states)


def write_csv(path):
    rows = [
        f"{k},{t!r},{x!r},{y!r}"
        for k, run in enumerate(RUNS)
        for t, (x, y) in zip(TIMES.tolist(), run.tolist(), strict=True)
    ]
    path.write_text("\n".join(["trajectory,t,x,y", *rows]))


def test_every_form_opens_to_the_same_trajectories(dataset, tmp_path):
    dataset.to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    dataset.to_netcdf(tmp_path / "classic.nc", engine="scipy")
    dataset.to_zarr(tmp_path / "a.zarr", consolidated=False)
    np.savez(tmp_path / "a.npz", x=np.stack(RUNS), t=TIMES, states=["x", "y"])
    write_csv(tmp_path / "a.csv")
    for name in ("a.nc", "classic.nc", "a.zarr", "a.npz", "a.csv"):
        opened = sd.open_trajectories(tmp_path / name)
        assert state_names(opened) == ["x", "y"]
        same(opened, dataset)
    same(sd.open_trajectories(RUNS, t=TIMES, states=["x", "y"]), dataset)
    same(sd.open_trajectories(dataset), dataset)


@pytest.mark.parametrize("suffix", ["nc", "zarr"])
def test_files_open_lazily_in_chunks_of_trajectories(dataset, tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    dataset.to_netcdf(path, engine="h5netcdf") if suffix == "nc" else dataset.to_zarr(path, consolidated=False)
    opened = sd.open_trajectories(path, chunks=2)
    assert opened.chunksizes["trajectory"] == (2, 1)
    assert opened["x"].chunks is not None


def test_order_of_states_is_the_one_the_file_fixes(dataset):
    turned = dataset[["y", "x", "t"]].assign_attrs(states="y x")
    (first, *_) = each_trajectory(sd.open_trajectories(turned))
    np.testing.assert_array_equal(first.states, RUNS[0][:, ::-1])


def test_runs_of_different_length_are_padded_and_cut_again():
    ragged = [RUNS[0], RUNS[1][:40]]
    opened = sd.open_trajectories(ragged, t=0.1)
    assert [len(run.times) for run in each_trajectory(opened)] == [60, 40]
    np.testing.assert_array_equal(list(each_trajectory(opened))[1].states, ragged[1])


def test_one_run_and_dates_are_fine():
    single = xr.Dataset(
        {"x": ("time", RUNS[0][:, 0])},
        coords={"time": np.datetime64("2020-01-01") + np.arange(60) * np.timedelta64(1, "h")},
    )
    (run,) = each_trajectory(sd.open_trajectories(single))
    np.testing.assert_allclose(np.diff(run.times), 1)


def test_trajectories_are_named_by_their_coordinate():
    named = kepler().assign_coords(body=("trajectory", ["ceres", "vesta"]))
    assert [run.name for run in each_trajectory(named)] == ["ceres", "vesta"]


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no such file: .*none\.nc"):
        sd.open_trajectories(tmp_path / "none.nc")


def test_a_truncated_file_is_named(dataset, tmp_path):
    dataset.to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    whole = (tmp_path / "a.nc").read_bytes()
    (tmp_path / "b.nc").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"b\.nc cannot be read \(truncated"):
        sd.open_trajectories(tmp_path / "b.nc")


def test_an_unknown_kind_of_file_is_named(tmp_path):
    (tmp_path / "a.docx").write_text("x")
    with pytest.raises(ValueError, match=r"unknown kind of file; use one of .*\.csv"):
        sd.open_trajectories(tmp_path / "a.docx")


def test_a_csv_without_times_is_an_error(tmp_path):
    (tmp_path / "a.csv").write_text("x,y\n1,2\n")
    with pytest.raises(ValueError, match="no column 't' or 'time'"):
        sd.open_trajectories(tmp_path / "a.csv")


def test_an_archive_without_times_is_an_error(tmp_path):
    np.savez(tmp_path / "a.npz", x=RUNS[0])
    with pytest.raises(ValueError, match="holds no times: name them 't'"):
        sd.open_trajectories(tmp_path / "a.npz")


def test_a_missing_variable_is_named(dataset):
    with pytest.raises(ValueError, match="variable 'z' is missing; the file has"):
        sd.open_trajectories(dataset, states=["x", "z"])


def test_wrong_dims_are_named(dataset):
    with pytest.raises(ValueError, match=r"variable 'x' has dims \('run', 'trajectory', 'time'\); rename them"):
        sd.open_trajectories(dataset.expand_dims("run"))


def test_the_order_of_dims_does_not_matter(dataset):
    same(sd.open_trajectories(dataset.transpose()), dataset)


def test_text_instead_of_numbers_is_named(dataset):
    with pytest.raises(ValueError, match=r"variable 'x' holds .* not numbers"):
        sd.open_trajectories(dataset.assign(x=dataset.x.astype(str)))


def test_missing_times_are_an_error(dataset):
    with pytest.raises(ValueError, match="times are missing"):
        sd.open_trajectories(dataset.drop_vars("t"))


@pytest.mark.parametrize(("where", "message"), [(10, "is not finite at sample 10"), (slice(10, 13), r"\(3 in all\)")])
def test_a_gap_is_named_with_its_variable_and_trajectory(dataset, where, message):
    broken = dataset.copy(deep=True)
    broken["y"][1, where] = np.nan
    with pytest.raises(ValueError, match=f"variable 'y' of trajectory '1' {message}|{message}"):
        list(each_trajectory(broken))


@pytest.mark.parametrize("swap", [(10, 11), (10, 10)])
def test_times_that_do_not_increase_are_named(dataset, swap):
    broken = dataset.copy(deep=True)
    broken["t"][2, 11] = broken["t"][2, 9 if swap[0] != swap[1] else 10]
    with pytest.raises(ValueError, match="times of trajectory '2' do not increase after sample 10"):
        list(each_trajectory(broken))


def test_an_empty_trajectory_is_named(dataset):
    broken = dataset.copy(deep=True)
    for name in ("x", "y"):
        broken[name][0] = np.nan
    with pytest.raises(ValueError, match="trajectory '0' holds no data"):
        list(each_trajectory(broken))


def test_a_run_too_short_for_the_weak_form_is_named():
    short = sd.open_trajectories([RUNS[0], RUNS[1][:20]], t=0.1)
    with pytest.raises(ValueError, match="trajectory '1' has 20 samples; the weak form needs at least 24"):
        accumulate(short, Polynomial(1))


def test_positions_may_be_in_different_units():
    data = kepler()
    data["y"].attrs["units"] = "km"
    data["vy"].attrs["units"] = "km/time unit"
    assert state_names(sd.open_trajectories(data)) == state_names(data)


def test_velocities_in_other_units_than_their_positions_are_named():
    data = kepler()
    data["vx"].attrs["units"] = "km/s"  # of a time unit nothing is known
    with pytest.raises(ValueError, match="'vx' is in 'km/s', but 'x' and the times call for 'au/time unit'"):
        sd.open_trajectories(data)


@pytest.mark.parametrize("unit", ["au/day", "au day-1", "au day^-1", "au d**-1", "AU/days"])
def test_spellings_of_one_unit_are_one_unit(unit):
    data = kepler()
    data["t"].attrs["units"] = "days since 2000-01-01"
    for name in ("vx", "vy", "vz"):
        data[name].attrs["units"] = unit
    sd.open_trajectories(data)


@pytest.mark.parametrize("factor", [86400, 1 / 86400, 2.5, -1])
def test_velocities_that_are_not_the_rates_of_positions_are_noticed(factor):
    data = kepler()
    wrong = data.assign({name: data[name] * factor for name in ("vx", "vy", "vz")})
    with pytest.raises(ValueError, match=r"vx, vy, vz are not the rates of x, y, z .* check their units"):
        accumulate(wrong, Polynomial(1), "second_order")


def test_arrays_of_wrong_shape_are_refused():
    for shapeless in (np.float64(5), np.ones((2, 3, 4, 5)), [np.ones(5), np.ones(5)]):
        with pytest.raises(ValueError, match=r"arrays \(time, state\)"):
            sd.open_trajectories(shapeless, t=0.1)
    with pytest.raises(ValueError, match="different numbers of states"):
        sd.open_trajectories([np.ones((5, 2)), np.ones((5, 3))], t=0.1)
    with pytest.raises(ValueError, match="t is missing"):
        sd.open_trajectories(RUNS)
    with pytest.raises(ValueError, match="trajectory 1: 60 times for 59 samples"):
        sd.open_trajectories([RUNS[0], RUNS[1][:-1]], t=TIMES)
    with pytest.raises(ValueError, match="states names 1 states"):
        sd.open_trajectories(RUNS, t=TIMES, states=["x"])


def test_times_may_be_a_list_of_numbers():
    for entry in (RUNS[0], [RUNS[0]], RUNS):
        for run in each_trajectory(sd.open_trajectories(entry, t=(TIMES + 1).tolist())):
            np.testing.assert_array_equal(run.times, TIMES + 1)


def test_steps_may_be_listed_one_a_trajectory():
    runs = list(each_trajectory(sd.open_trajectories(RUNS, t=[0.1, 0.2, 0.3])))
    np.testing.assert_allclose([run.times[-1] for run in runs], [5.9, 11.8, 17.7])


def test_times_for_another_number_of_trajectories_are_refused():
    with pytest.raises(ValueError, match="t lists 2 times for 3 trajectories: give one entry a trajectory"):
        sd.open_trajectories(RUNS, t=[TIMES, TIMES])


@pytest.mark.parametrize("suffix", ["nc", "zarr"])
def test_times_in_a_file_keep_their_unit(tmp_path, suffix):
    """Decoded to dates they would be seconds, and no longer fit velocities in au/day."""
    data = kepler()
    data["t"].attrs["units"] = "days since 2000-01-01"
    for name in ("vx", "vy", "vz"):
        data[name].attrs["units"] = "au/day"
    path = tmp_path / f"a.{suffix}"
    data.to_netcdf(path, engine="h5netcdf") if suffix == "nc" else data.to_zarr(path, consolidated=False)
    opened = sd.open_trajectories(path)
    same(opened, data)
    accumulate(opened, Polynomial(1), "second_order")
    opened["vx"].attrs["units"] = "au"
    with pytest.raises(ValueError, match="call for 'au/day'"):
        sd.open_trajectories(opened)


def test_zarr_opens_with_and_without_consolidated_metadata(dataset, tmp_path):
    for consolidated in (True, False):
        path = tmp_path / f"{consolidated}.zarr"
        dataset.to_zarr(path, zarr_format=2, consolidated=consolidated)
        same(sd.open_trajectories(path), dataset)


def test_a_trajectory_keeps_its_name_in_chunks(dataset):
    broken = dataset.copy(deep=True)
    broken["y"][2, 10] = np.nan
    with pytest.raises(ValueError, match="variable 'y' of trajectory '2' is not finite at sample 10"):
        accumulate(broken.chunk({"trajectory": 1}), Polynomial(1))


def test_padding_in_a_file_is_cut_off(tmp_path):
    ragged = sd.open_trajectories([RUNS[0], RUNS[1][:40]], t=0.1)
    ragged.to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    same(sd.open_trajectories(tmp_path / "a.nc"), ragged)
    assert [len(run.times) for run in each_trajectory(sd.open_trajectories(tmp_path / "a.nc"))] == [60, 40]


def test_irregular_times_are_kept_as_they_are():
    times = np.sort(np.random.default_rng(0).uniform(0, 9, 60))
    (run,) = each_trajectory(sd.open_trajectories(RUNS[0], t=times))
    np.testing.assert_array_equal(run.times, times)


def test_a_state_with_a_space_in_its_name_is_named_with_the_cure(tmp_path):
    (tmp_path / "a.csv").write_text("t,x pos\n0,1\n1,2\n")
    for open_it in (
        lambda: sd.open_trajectories(tmp_path / "a.csv"),
        lambda: sd.open_trajectories(RUNS, t=TIMES, states=["x pos", "y"]),
        lambda: sd.open_trajectories(xr.Dataset({"x pos": ("time", TIMES)}, coords={"time": TIMES})),
    ):
        with pytest.raises(ValueError, match="'x pos' has a space in its name; rename it, such as 'x_pos'"):
            open_it()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("t,x,mark\n0,1,a\n1,2,b\n", r"a\.csv: column 'mark' holds text, not numbers; convert or drop it"),
        ("t,x\n", r"a\.csv holds no rows"),
        ("", r"a\.csv cannot be read as a table"),
        ('t,x\n1,"2\n', r"a\.csv"),
    ],
)
def test_a_bad_table_is_named(tmp_path, text, message):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(ValueError, match=message):
        sd.open_trajectories(tmp_path / "a.csv")


@pytest.mark.parametrize("name", ["a.npz", "a.nc", "a.h5"])
def test_a_file_of_something_else_is_named(tmp_path, name):
    (tmp_path / name).write_bytes(b"PK\x03\x04 nothing of the kind")
    with pytest.raises(ValueError, match=rf"{name} cannot be read \(truncated or damaged\?\)"):
        sd.open_trajectories(tmp_path / name)


def test_velocities_in_the_wrong_place_are_noticed():
    data = kepler()
    with pytest.raises(ValueError, match=r"are not the rates of .* or the order of the states"):
        accumulate(sd.open_trajectories(data, states="vx vy vz x y z".split()), Polynomial(1), "second_order")


def test_a_second_order_system_needs_a_velocity_for_each_position():
    with pytest.raises(ValueError, match="a velocity for each position, the states are x, y, vx"):
        accumulate(sd.open_trajectories(kepler(), states=["x", "y", "vx"]), Polynomial(1), "second_order")


@pytest.mark.parametrize("suffix", ["nc", "zarr"])
def test_a_file_of_one_run_needs_no_dimension_of_trajectories(dataset, tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    single = dataset.isel(trajectory=0, drop=True)
    single.to_netcdf(path, engine="h5netcdf") if suffix == "nc" else single.to_zarr(path, consolidated=False)
    (run,) = each_trajectory(sd.open_trajectories(path).compute())
    np.testing.assert_array_equal(run.states, RUNS[0])
