"""The same trajectories in every form that people have: opened, they are the same numbers, names and units."""

import bz2
import gzip

import dask.array as da
import h5py
import numpy as np
import pandas as pd
import pytest
import scipy.io
import xarray as xr

import symdyn as sd
from symdyn.data.clocks import time_unit
from symdyn.data.pairs import as_dataset, as_fields
from symdyn.data.trajectories import each_trajectory, state_names

pa = pytest.importorskip("pyarrow")  # extra `parquet`
dd = pytest.importorskip("dask.dataframe")

TIMES = 0.25 * np.arange(40)
RUNS = np.stack([np.column_stack([np.cos(TIMES + k), np.sin(TIMES + k)]) for k in range(3)])
A, B = RUNS[..., 0], RUNS[..., 1]
LONG = pd.concat(
    [pd.DataFrame({"t": TIMES, "a": run[:, 0], "b": run[:, 1], "trajectory": k}) for k, run in enumerate(RUNS)],
    ignore_index=True,
)
FRAMES = [pd.DataFrame({"t": TIMES, "a": run[:, 0], "b": run[:, 1]}) for run in RUNS]
LEVELS = LONG.set_index(["trajectory", "t"])
CELLS = np.empty(3, dtype=object)
for k in range(3):
    CELLS[k] = RUNS[k]
IN_MEMORY = {
    "list": (list(RUNS), TIMES),
    "three dimensions": (RUNS, 0.25),
    "dask": (da.from_array(RUNS, chunks=(1, 40, 2)), TIMES),
    "turned": (RUNS.transpose(0, 2, 1), TIMES),
    "dict of all states": ({"x": RUNS, "t": TIMES}, None),
    "dict with a step": ({"x": RUNS, "dt": 0.25}, None),
    "dict and times apart": ({"a": A, "b": B}, TIMES),
    "dict of states": ({"a": A, "b": B, "time": TIMES}, None),
    "dict of states, turned": ({"a": A.T, "b": B.T, "time": TIMES}, None),
    "dict of lists": ({"a": list(A), "b": list(B), "t": [TIMES] * 3}, None),
    "dict of columns": ({name: LONG[name].to_numpy() for name in LONG}, None),
    "records": (LONG.to_records(index=False), None),
    "frames": (FRAMES, None),
    "frames and a step": ([frame[["a", "b"]] for frame in FRAMES], 0.25),
    "a long frame": (LONG, None),
    "levels": (LEVELS, None),
    "levels of other names": (LEVELS.rename_axis(index=["run", "time"]), None),
    "levels without names": (LEVELS.rename_axis(index=[None, None]), None),
    "levels turned": (LONG.set_index(["t", "trajectory"]), None),
    "dask frame": (dd.from_pandas(LONG, npartitions=3), None),
    "arrow": (pa.Table.from_pandas(LONG), None),
    "labelled array": (
        xr.DataArray(RUNS, {"time": TIMES, "state": ["a", "b"]}, ("trajectory", "time", "state")),
        None,
    ),
    "dataset": (xr.Dataset({n: (("trajectory", "time"), v) for n, v in (("a", A), ("b", B))}, {"time": TIMES}), None),
}


def check(opened, names=("a", "b")):
    runs = list(each_trajectory(opened))
    assert len(runs) == 3 and state_names(opened) == list(names)
    for run, states in zip(runs, RUNS, strict=True):
        assert np.array_equal(run.states, states) and np.array_equal(run.times, TIMES)


@pytest.mark.parametrize("form", IN_MEMORY)
def test_forms_in_memory_are_the_same_trajectories(form):
    data, t = IN_MEMORY[form]
    nameless = not isinstance(data, xr.Dataset | xr.DataArray) and ("dict of all" in form or "dict with" in form)
    names = ("x0", "x1") if nameless or (isinstance(data, np.ndarray | da.Array) and data.dtype.names is None) else "ab"
    names = ("x0", "x1") if form == "list" else names
    check(sd.open_trajectories(data, t=t), names)
    check(as_dataset(data, t), names)
    if t is not None and not isinstance(data, dict):
        check(as_dataset((data, t)), names)


def saved_hdf5(path, arrays, **units):
    with h5py.File(path, "w") as file:
        for name, value in arrays.items():
            file[name] = value
        for name, unit in units.items():
            file[name].attrs["units"] = unit


def saved_mat73(path, arrays):
    """As MATLAB writes version 7.3: the first index runs fastest, text is numbers, cells are references."""
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, value in arrays.items():
            if isinstance(value, list):
                parts = [file.create_dataset(f"#refs#/{name}{k}", data=np.asarray(v).T) for k, v in enumerate(value)]
                file.create_dataset(name, data=np.array([[p.ref] for p in parts], dtype=h5py.ref_dtype))
            else:
                file[name] = np.atleast_2d(value).T
                file[name].attrs["MATLAB_class"] = np.bytes_("double")


def saved_text(path, **options):
    LONG.to_csv(path, index=False, **options)


FILES = {
    "a.npz": lambda path: np.savez(path, x=RUNS, t=TIMES, states=["a", "b"]),
    "b.npz": lambda path: np.savez(path, a=A, b=B, t=TIMES),
    "c.npy": lambda path: np.save(path, LONG.to_records(index=False)),
    "a.mat": lambda path: scipy.io.savemat(path, {"a": A, "b": B, "t": TIMES}),
    "b.mat": lambda path: scipy.io.savemat(path, {"x": RUNS, "t": TIMES, "states": ["a", "b"]}),
    "c.mat": lambda path: scipy.io.savemat(path, {"X": CELLS, "t": TIMES, "states": np.array(["a", "b"], object)}),
    "d.mat": lambda path: scipy.io.savemat(path, {"data": {"a": A, "b": B, "t": TIMES[:, None]}, "note": "of 1999"}),
    "e.mat": lambda path: saved_mat73(path, {"a": A, "b": B, "t": TIMES}),
    "f.mat": lambda path: saved_mat73(path, {"a": list(A[:, :, None]), "b": list(B[:, :, None]), "t": TIMES}),
    "a.h5": lambda path: saved_hdf5(path, {"a": A, "b": B, "t": TIMES}),
    "b.hdf5": lambda path: saved_hdf5(
        path, {f"run{k}/{n}": v for k in range(3) for n, v in (("a", A[k]), ("b", B[k]), ("t", TIMES))}
    ),
    "a.parquet": lambda path: LONG.to_parquet(path),
    "b.parquet": lambda path: LEVELS.to_parquet(path),
    "a.csv.gz": saved_text,
    "a.csv.bz2": saved_text,
    "a.txt.xz": lambda path: saved_text(path, sep="\t"),
    "a.CSV": saved_text,
    "b.csv": lambda path: saved_text(path, sep=";", decimal=","),
    "c.csv": lambda path: saved_text(path, sep=";", encoding="utf-16"),
    "a.nc": lambda path: sd.open_trajectories(LONG).to_netcdf(path, engine="h5netcdf"),
    "d.csv": lambda path: saved_text(path, quoting=1),
}


@pytest.mark.parametrize("name", FILES)
def test_files_of_every_format_are_the_same_trajectories(name, tmp_path):
    FILES[name](tmp_path / name)
    check(sd.open_trajectories(tmp_path / name))
    check(as_dataset(str(tmp_path / name)))


@pytest.mark.parametrize(
    ("name", "save"),
    [
        ("a.npy", lambda path: np.save(path, RUNS)),
        ("a.npz", lambda path: np.savez(path, RUNS)),
        ("a.mat", lambda path: scipy.io.savemat(path, {"measured": RUNS})),
        ("a.h5", lambda path: saved_hdf5(path, {"x": RUNS})),
    ],
)
def test_a_file_without_times_takes_them_beside_it(tmp_path, name, save):
    save(tmp_path / name)
    check(sd.open_trajectories(tmp_path / name, t=0.25), ("x0", "x1"))
    check(as_dataset((tmp_path / name, TIMES)), ("x0", "x1"))
    check(sd.open_trajectories(tmp_path / name, t=TIMES, states="a, b"))
    with pytest.raises(ValueError, match=r"t="):
        sd.open_trajectories(tmp_path / name)


def test_units_come_with_the_format_that_has_them(tmp_path):
    saved_hdf5(tmp_path / "a.h5", {"a": A, "b": B, "time": TIMES}, a="m", time="ms")
    saved_text(tmp_path / "a.csv", header=["t [ms]", "a [m]", "b", "trajectory"])
    written = (tmp_path / "a.csv").read_text().splitlines()
    (tmp_path / "b.csv").write_text(
        "\n".join(["t;a;b", "ms;m;-", *(";".join(r.split(",")[:3]) for r in written[1:41])])
    )
    for name in ("a.h5", "a.csv", "b.csv"):
        opened = sd.open_trajectories(tmp_path / name)
        assert time_unit(opened) == "ms" and opened["a"].attrs["units"] == "m", name


def test_letters_of_other_encodings_are_read(tmp_path):
    saved_text(tmp_path / "a.csv", header=["t", "a [°]", "b [µm]", "trajectory"], encoding="cp1252")
    opened = sd.open_trajectories(tmp_path / "a.csv")
    assert [opened[name].attrs["units"] for name in "ab"] == ["°", "µm"]


def test_inputs_stand_beside_the_states(tmp_path):
    force = np.cos(3 * TIMES) + np.arange(3)[:, None]
    np.savez(tmp_path / "a.npz", x=RUNS, t=TIMES, u=force)
    opened = sd.open_trajectories(tmp_path / "a.npz")
    assert opened["u"].attrs["role"] == "input" and state_names(opened) == ["x0", "x1"]
    np.testing.assert_array_equal(opened["u"], force)


X = np.linspace(0, 1, 30)
U = np.sin(3 * X - 2 * TIMES[:, None])
FIELDS = {
    "tuple": (U, TIMES, X),
    "turned": (U.T, TIMES, X),
    "run by run": (U[None], TIMES, X),
    "dict": {"u": U, "t": TIMES, "x": X},
    "dict, turned": {"u": U.T, "t": TIMES[None], "x": X[:, None]},
    "array with labels": xr.DataArray(U, {"time": TIMES, "x": X}, ("time", "x")),
    "masked": (np.ma.masked_array(U, np.zeros_like(U, bool)), TIMES, X),
}


@pytest.mark.parametrize("form", FIELDS)
def test_fields_in_every_form_are_the_same_fields(form):
    given = as_fields(FIELDS[form])
    opened = sd.open_trajectories(given)
    assert opened["u"].dims == ("trajectory", "time", "x")
    np.testing.assert_array_equal(opened["u"].values[0], U)
    np.testing.assert_array_equal(opened["x"], X)


def test_fields_of_a_matlab_file_are_fields(tmp_path):
    scipy.io.savemat(tmp_path / "burgers.mat", {"usol": U.T, "x": X[:, None], "t": TIMES[:, None]})
    opened = sd.open_trajectories(tmp_path / "burgers.mat")
    assert opened.attrs["states"] == "usol"
    np.testing.assert_array_equal(opened["usol"].values[0], U)


def written(path, text):
    path.write_text(text)
    return path


BAD = {
    "square fields": (lambda _: {"u": U[:30], "t": TIMES[:30], "x": X}, r"array 'u': time and x have equal sizes"),
    "no names": (lambda p: written(p / "a.csv", "0,1,2\n1,2,3\n"), r"a\.csv names no columns.* such as t, x0, x1"),
    "no times": (lambda _: {"a": A}, r"the dict holds no times: name them 't'"),
    "nothing but times": (lambda _: {"t": TIMES}, r"holds no arrays besides the times"),
    "unlike runs": (lambda _: {"a": A, "b": B[:2], "t": TIMES}, r"arrays 'a' and 'b' have different numbers"),
    "four dimensions": (lambda _: {"a": A[..., None], "b": B[..., None], "t": TIMES}, r"'a' has shape \(3, 40, 1\)"),
    "complex": (lambda _: {"a": A + 0j, "b": B, "t": TIMES}, r"array 'a' holds complex128"),
    "another suffix": (lambda p: written(p / "a.xls", "1"), r"unknown kind of file; use one of .*'\.mat'"),
    "no matlab": (lambda p: written(p / "a.mat", "x" * 300), r"a\.mat is no MATLAB file"),
    "no parquet": (lambda p: written(p / "a.parquet", "x" * 300), r"a\.parquet cannot be read"),
    "no HDF5": (lambda p: written(p / "a.h5", "x" * 300), r"a\.h5 cannot be read"),
    "runs in one column": (lambda _: LONG.drop(columns="trajectory"), r"do not increase .*a column 'trajectory'"),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_cannot_be_read_is_one_line_with_the_cure(kind, tmp_path):
    make, message = BAD[kind]
    with pytest.raises(ValueError, match=message) as raised:
        list(each_trajectory(sd.open_trajectories(make(tmp_path))))
    assert "\n" not in str(raised.value)


def test_times_are_given_once(tmp_path):
    saved_text(tmp_path / "a.csv")
    np.savez(tmp_path / "a.npz", x=RUNS, t=TIMES)
    for given in (tmp_path / "a.csv", tmp_path / "a.npz", LONG, {"x": RUNS, "dt": 0.25}):
        with pytest.raises(ValueError, match="leave out t"):
            sd.open_trajectories(given, t=0.25)


@pytest.mark.parametrize("step", [0.0, -0.5, np.nan])
def test_a_step_is_above_zero(step):
    with pytest.raises(ValueError, match="the time step t must be above 0"):
        sd.open_trajectories(RUNS, t=step)


def test_packed_text_is_not_looked_at_as_text(tmp_path):
    for suffix, module in (("gz", gzip), ("bz2", bz2)):
        with module.open(tmp_path / f"a.csv.{suffix}", "wt") as file:
            file.write(
                "# a remark\nt,a,b\n" + "\n".join(f"{t},{a},{b}" for t, (a, b) in zip(TIMES, RUNS[0], strict=True))
            )
        (run,) = each_trajectory(sd.open_trajectories(tmp_path / f"a.csv.{suffix}"))
        assert np.array_equal(run.states, RUNS[0])
