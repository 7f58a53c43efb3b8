"""Trajectories as an `xr.Dataset`: the schema, opening files, one clear error for each way a file can be wrong.

The schema: one variable per state over `(trajectory, time)`; attribute `states` on the Dataset fixes their order;
`units` on every variable, `derivative_of` on velocities, `role = "input"` on inputs. Times are a variable
`t(trajectory, time)`, or a 1-D coordinate `time` where all trajectories share it. Trailing NaN is padding.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from zipfile import BadZipFile

import numpy as np
import xarray as xr

from symdyn.data.units import check_units

__all__ = ["Trajectory", "each_trajectory", "from_arrays", "named", "open_trajectories", "state_names", "validate"]


class Trajectory(NamedTuple):
    """One run: its name, times `(time,)` and states `(time, state)`, padding cut off."""

    name: str
    times: np.ndarray
    states: np.ndarray


def open_trajectories(source, *, t=None, states: Sequence[str] | None = None, chunks="auto") -> xr.Dataset:
    """Open trajectories from a file or from arrays, and check them against the schema.

    Parameters
    ----------
    source : path, xr.Dataset, array `(time, state)`, or list of such arrays
        `.nc`, `.zarr` (both lazy), `.csv` (columns `t`, the states, and `trajectory` if there are several) or `.npz`
        (`x` `(trajectory, time, state)` or `(time, state)`, `t`, and `states` with the names).
    t : float, array or list of arrays, optional
        For arrays: the time step, the times, or the times of each trajectory.
    states : sequence of str, optional
        The variables that are states, in order; else the attribute `states`, else all variables.
    chunks : int, dict, "auto" or None
        Dask chunks along `trajectory`; None loads the data.

    Returns
    -------
    xr.Dataset

    Raises
    ------
    FileNotFoundError, ValueError
        Naming the file, the variable and the trajectory, and what to do.
    """
    if isinstance(source, xr.Dataset):
        dataset = source
    elif isinstance(source, str | Path):
        dataset = _open_file(Path(source), chunks)
    else:
        dataset = from_arrays(source, t, states)
    return validate(dataset, states)


def from_arrays(x, t, states: Sequence[str] | None = None) -> xr.Dataset:
    """Arrays `(time, state)`, one or a list, with a step, times or a list of times, as a Dataset."""
    runs = [np.asarray(run, dtype=float) for run in (x if isinstance(x, list | tuple) else [x])]
    if not runs or any(run.ndim != 2 for run in runs):
        raise ValueError(f"x must be arrays (time, state), got shapes {[run.shape for run in runs]}")
    if len({run.shape[1] for run in runs}) > 1:
        raise ValueError(f"trajectories have different numbers of states: {[run.shape[1] for run in runs]}")
    if t is None:
        raise ValueError("t is missing: give the time step, the times, or a list of times")
    if isinstance(t, list | tuple) and len(t) != len(runs):
        if any(np.ndim(entry) for entry in t):
            raise ValueError(f"t lists {len(t)} times for {len(runs)} trajectories: give one entry a trajectory")
        t = np.asarray(t, dtype=float)  # the times themselves, as a list of numbers
    times = [_times_of(t, k, len(run)) for k, run in enumerate(runs)]
    names = list(states) if states is not None else [f"x{i}" for i in range(runs[0].shape[1])]
    if len(names) != runs[0].shape[1]:
        raise ValueError(f"states names {len(names)} states, the arrays have {runs[0].shape[1]}")
    longest = max(map(len, runs))
    stacked = np.stack([np.pad(run, ((0, longest - len(run)), (0, 0)), constant_values=np.nan) for run in runs])
    clocks = np.stack([np.pad(time, (0, longest - len(time)), constant_values=np.nan) for time in times])
    dims = ("trajectory", "time")
    variables = {name: (dims, stacked[:, :, i]) for i, name in enumerate(names)}
    return xr.Dataset({"t": (dims, clocks), **variables}, attrs={"states": _joined(names)})


def state_names(dataset: xr.Dataset) -> list[str]:
    """Names of the states, in the order that the Dataset fixes."""
    return str(dataset.attrs["states"]).split()


def validate(dataset: xr.Dataset, states: Sequence[str] | None = None) -> xr.Dataset:
    """The Dataset with its `states` fixed, after checking dims, times and units (values are checked when read).

    Raises
    ------
    ValueError
        Naming the variable and the cure.
    """
    names = list(states) if states is not None else _declared_states(dataset)
    missing = [name for name in names if name not in dataset.data_vars]
    if missing:
        raise ValueError(f"variable {missing[0]!r} is missing; the file has {sorted(map(str, dataset.data_vars))}")
    if "trajectory" not in dataset.dims:
        dataset = dataset.expand_dims("trajectory")
    for name in names:
        dims = dataset[name].dims
        if dims != ("trajectory", "time"):
            raise ValueError(f"variable {name!r} has dims {dims}; rename or transpose them to ('trajectory', 'time')")
        if not np.issubdtype(dataset[name].dtype, np.number):
            raise ValueError(f"variable {name!r} holds {dataset[name].dtype}, not numbers; convert it first")
    if "t" not in dataset.variables and "time" not in dataset.coords:
        raise ValueError("times are missing: add a variable t(trajectory, time) or a coordinate time")
    check_units(dataset, names)
    return named(dataset).assign_attrs(states=_joined(names))


def named(dataset: xr.Dataset) -> xr.Dataset:
    """The Dataset with its trajectories numbered, unless a coordinate names them: a part of it keeps the names."""
    if _label_of(dataset) is not None:
        return dataset
    return dataset.assign_coords(trajectory=np.arange(dataset.sizes["trajectory"]))


def each_trajectory(dataset: xr.Dataset) -> Iterator[Trajectory]:
    """Each run in memory, padding cut off and values checked.

    Raises
    ------
    ValueError
        For NaN inside a run and for times that do not increase, naming the variable and the trajectory.
    """
    names = state_names(dataset)
    dataset = named(dataset)
    labels = dataset[_label_of(dataset)].values
    clocks = _clocks(dataset)
    values = np.stack([np.asarray(dataset[name].values, dtype=float) for name in names], axis=-1)
    for label, times, states in zip(labels, clocks, values, strict=True):
        yield _checked(str(label), times, states, names)


def _checked(label, times, states, names):
    present = np.isfinite(times) & np.isfinite(states).any(axis=1)
    length = int(np.flatnonzero(present)[-1]) + 1 if present.any() else 0
    if length == 0:
        raise ValueError(f"trajectory {label!r} holds no data; drop it")
    times, states = times[:length], states[:length]
    for name, column in zip(["t", *names], [times, *states.T], strict=True):
        bad = np.flatnonzero(~np.isfinite(column))
        if bad.size:
            raise ValueError(
                f"variable {name!r} of trajectory {label!r} is not finite at sample {bad[0]} "
                f"({bad.size} in all); fill the gap or split the trajectory there"
            )
    if np.any(np.diff(times) <= 0):
        where = int(np.argmax(np.diff(times) <= 0))
        raise ValueError(f"times of trajectory {label!r} do not increase after sample {where}; sort or drop duplicates")
    return Trajectory(label, times, states)


def _clocks(dataset):
    shape = (dataset.sizes["trajectory"], dataset.sizes["time"])
    name = "t" if "t" in dataset.variables else "time"
    clock = dataset[name].values
    if np.issubdtype(clock.dtype, np.datetime64):
        clock = (clock - clock.reshape(-1)[0]) / np.timedelta64(1, "s")
    return np.broadcast_to(np.asarray(clock, dtype=float), shape)


def _label_of(dataset):
    """The coordinate that names trajectories: the index, or any other along that dimension (`body`)."""
    along = [str(name) for name, c in dataset.coords.items() if c.dims == ("trajectory",)]
    return next(iter(sorted(along, key=lambda name: name == "trajectory")), None)


def _joined(names):
    """The attribute `states`, which separates names by spaces."""
    split = [name for name in names if len(str(name).split()) != 1]
    if split:
        raise ValueError(
            f"state {split[0]!r} has a space in its name; rename it, such as {'_'.join(split[0].split())!r}"
        )
    return " ".join(map(str, names))


def _declared_states(dataset):
    if "states" in dataset.attrs:
        return state_names(dataset)
    found = [str(n) for n, v in dataset.data_vars.items() if n != "t" and v.attrs.get("role", "state") == "state"]
    if not found:
        raise ValueError("no states found: the file has no data variables besides the times")
    return found


def _times_of(t, index, length):
    entry = t[index] if isinstance(t, list | tuple) else t
    times = np.arange(length) * float(entry) if np.ndim(entry) == 0 else np.asarray(entry, dtype=float).ravel()
    if len(times) != length:
        raise ValueError(f"trajectory {index}: {len(times)} times for {length} samples")
    return times


def _open_file(path, chunks):
    if not path.exists():
        raise FileNotFoundError(f"no such file: {path}")
    readers = {".nc": _open_netcdf, ".h5": _open_netcdf, ".zarr": _open_zarr, ".csv": _open_csv, ".npz": _open_npz}
    if path.suffix not in readers:
        raise ValueError(f"{path}: unknown kind of file; use one of {sorted(readers)}")
    try:
        dataset = readers[path.suffix](path)
    except (OSError, EOFError, KeyError, BadZipFile) as error:
        raise ValueError(f"{path} cannot be read (truncated or damaged?): {error}") from error
    return dataset if chunks is None else dataset.chunk({"trajectory": chunks, "time": -1})


def _open_netcdf(path):
    # Times stay the numbers they are: as dates they would lose their unit, which velocities are checked against.
    return xr.open_dataset(path, engine="h5netcdf", chunks={}, decode_times=False)


def _open_zarr(path):
    return xr.open_zarr(path, chunks={}, consolidated=False, decode_times=False)


def _open_csv(path):
    import pandas as pd

    try:
        table = pd.read_csv(path)
    except ValueError as error:  # pandas' own errors are kinds of ValueError that do not name the file
        raise ValueError(f"{path} cannot be read as a table: {error}") from error
    clock = next((name for name in ("t", "time") if name in table), None)
    if clock is None:
        raise ValueError(f"{path}: no column 't' or 'time'; the file has {list(table)}")
    if table.empty:
        raise ValueError(f"{path} holds no rows")
    states = [name for name in table if name not in (clock, "trajectory")]
    for name in (clock, *states):
        if not pd.api.types.is_numeric_dtype(table[name]):
            raise ValueError(f"{path}: column {name!r} holds text, not numbers; convert or drop it")
    runs = [run for _, run in table.groupby("trajectory", sort=False)] if "trajectory" in table else [table]
    dataset = from_arrays([run[states].to_numpy() for run in runs], [run[clock].to_numpy() for run in runs], states)
    if "trajectory" in table:
        return dataset.assign_coords(trajectory=table["trajectory"].unique())
    return dataset


def _open_npz(path):
    with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
        if "x" not in archive or "t" not in archive:
            raise ValueError(f"{path}: arrays 'x' and 't' are needed, the file has {archive.files}")
        x, t = archive["x"], archive["t"]
        states = [str(name) for name in archive["states"]] if "states" in archive else None
    runs = [x] if x.ndim == 2 else list(x)
    return from_arrays(runs, list(t) if t.ndim == 2 else t, states)
