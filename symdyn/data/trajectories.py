"""Trajectories as an `xr.Dataset`: the schema, opening files, one clear error for each way a file can be wrong.

The schema: one variable per state over `(trajectory, time)`; attribute `states` on the Dataset fixes their order;
`units` on every variable, `derivative_of` on velocities, `role = "input"` on inputs. Times are a variable
`t(trajectory, time)`, or a 1-D coordinate `time` where all trajectories share it. Trailing NaN is padding.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import xarray as xr

from symdyn.data.angles import periods_of, unwrapped
from symdyn.data.arrays import from_arrays, joined_names
from symdyn.data.clocks import clock_name, numbered_clock
from symdyn.data.files import read_file
from symdyn.data.formats.stores import is_url
from symdyn.data.grids import is_field_data, validate_fields
from symdyn.data.mappings import from_mapping, from_records, is_records
from symdyn.data.numbers import refuse_dtype
from symdyn.data.units import check_units
from symdyn.functions.words import did_you_mean

__all__ = [
    "Trajectory",
    "are_tables",
    "clocks_of",
    "each_trajectory",
    "from_arrays",
    "label_of",
    "named",
    "open_trajectories",
    "state_names",
    "validate",
]

_CLOCKS = ("t", "time")


class Trajectory(NamedTuple):
    """One run: its name, times `(time,)` and states `(time, state)`, without padding."""

    name: str
    times: np.ndarray
    states: np.ndarray


def open_trajectories(source, *, t=None, states: Sequence[str] | str | None = None, chunks="auto") -> xr.Dataset:
    """Open trajectories from a file or from arrays, and check them against the schema.

    Parameters
    ----------
    source : path, xr.Dataset, DataArray, DataFrame, array `(time, state)` or `(trajectory, time, state)`, list, dict
        `.nc`, `.zarr` (both lazy; a store also as `.zarr.zip`, or by its URL, such as `s3://bucket/runs.zarr`), `.csv`,
        `.tsv`, `.txt`, `.dat` (columns `t`, the states, and `trajectory` if there are several; separated by commas,
        semicolons, tabs or blanks; units in brackets, as `t [s]`; compressed as `.csv.gz`), `.parquet`, `.npz`, `.mat`,
        `.h5`, `.npy`. Arrays by name, in these files or in a dict, are `t` with all states as `x` or with one array
        per state (`symdyn.data.mappings.from_mapping`). A list holds one array or table per trajectory. `docs/data.md`
        shows an example of each.
    t : float, array or list of arrays, optional
        For arrays, and files without times: the time step, the times, or the times of each trajectory; numbers or
        dates.
    states : sequence of str, or str, optional
        The variables that are states, in order (a string separates them by spaces or commas); by default those in the
        attribute `states`, or else all variables in the order in which they are stored.
    chunks : int, str, dict or None
        Of files, the trajectories in a block, which is what is read and worked on at a time; or a bound for the size
        of a block over all variables, such as `"16MB"` (`"auto"`: 64 MB): then blocks run along the chunks of the file,
        and lie inside those that are larger. None leaves the chunks of the file.

    Returns
    -------
    xr.Dataset

    Raises
    ------
    FileNotFoundError, ValueError
        If the data cannot be used; the message names the file, the variable and the trajectory, and says what to do.

    Examples
    --------
    >>> import numpy as np
    >>> import symdyn as sd
    >>> t = np.linspace(0, 1, 50)
    >>> run = np.column_stack([np.cos(t), -np.sin(t)])
    >>> data = sd.open_trajectories([run] * 3, t=t, states=["q", "v"])
    >>> dict(data.sizes), data.attrs["states"]
    ({'trajectory': 3, 'time': 50}, 'q v')
    """
    states = states.replace(",", " ").split() if isinstance(states, str) else states
    if isinstance(source, xr.DataArray):
        source = _separated(source)
    if isinstance(source, xr.Dataset) and t is not None:
        raise ValueError("t is for arrays: a Dataset holds its own times")
    if isinstance(source, xr.Dataset):
        dataset = source
    elif isinstance(source, str | os.PathLike):
        dataset = read_file(source if is_url(source) else Path(source), chunks, states, t)
    elif isinstance(source, Mapping):
        dataset = from_mapping(source, "the dict", t, states)
    elif is_records(source):
        dataset = from_records(source, "the array", t, states)
    elif are_tables(source):
        from symdyn.data.tables import from_tables

        dataset = from_tables(source, t, states)
    else:
        dataset = from_arrays(source, t, states)
    return validate_fields(dataset, states) if is_field_data(dataset) else validate(dataset, states)


def state_names(dataset: xr.Dataset) -> list[str]:
    """Return the names of the states, in the order that the Dataset fixes.

    Examples
    --------
    >>> import symdyn as sd
    >>> from symdyn.data.trajectories import state_names
    >>> state_names(sd.systems.kepler(2))
    ['x', 'y', 'z', 'vx', 'vy', 'vz']
    """
    return str(dataset.attrs["states"]).split()


def names_with_role(dataset: xr.Dataset, role: str) -> tuple[str, ...]:
    """Return the names of the variables with an attribute `role`: `"input"`, or `"target"` of pairs."""
    return tuple(str(name) for name, variable in dataset.data_vars.items() if variable.attrs.get("role") == role)


def validate(dataset: xr.Dataset, states: Sequence[str] | None = None) -> xr.Dataset:
    """Check dims, times and units, and return the Dataset with its `states` fixed (values are checked when read).

    Dates become numbers (`symdyn.data.clocks`), values marked as missing become NaN. The attribute `states_order =
    "stored"` says that the user gave the states no order.

    Raises
    ------
    ValueError
        Naming the variable and the cure.

    Examples
    --------
    >>> import symdyn as sd
    >>> from symdyn.data.trajectories import validate
    >>> validate(sd.systems.kepler(2).drop_vars("t"))
    Traceback (most recent call last):
        ...
    ValueError: times are missing: add a variable t(trajectory, time) or a coordinate time
    """
    names = list(states) if states is not None else _declared_states(dataset)
    missing = [name for name in names if name not in dataset.data_vars]
    if missing:
        known = sorted(map(str, dataset.data_vars))
        raise ValueError(f"variable {missing[0]!r} is missing; the file has {known}{did_you_mean(missing[0], known)}")
    given = states is not None or "states" in dataset.attrs
    order = dataset.attrs.get("states_order") if states is None else None
    dataset = _with_gaps(dataset, names)
    if "trajectory" not in dataset.dims:
        dataset = dataset.expand_dims("trajectory")
    for name in names:
        refuse_dtype(dataset[name].dtype, f"variable {name!r}")
        dims = dataset[name].dims
        if set(dims) != {"trajectory", "time"}:
            raise ValueError(f"variable {name!r} has dims {dims}; rename them to ('trajectory', 'time')")
    if "t" not in dataset.variables and "time" not in dataset.coords:
        raise ValueError("times are missing: add a variable t(trajectory, time) or a coordinate time")
    clock = clock_name(dataset)
    if any(dataset[name].dims == ("time", "trajectory") for name in (*names, clock)):
        dataset = dataset.transpose("trajectory", "time", ...)
    dataset = numbered_clock(dataset)
    check_units(dataset, names)
    attrs = {name: value for name, value in dataset.attrs.items() if name != "states_order"}
    order = order if given else "stored"
    dataset = named(dataset).copy(deep=False)
    dataset.attrs = {**attrs, "states": joined_names(names), **({"states_order": order} if order else {})}
    return dataset


def refuse_fields(dataset: xr.Dataset) -> None:
    """Refuse fields u(t, x), and say which function takes them.

    Raises
    ------
    ValueError
    """
    if is_field_data(dataset):
        raise ValueError(
            "these data are fields over x: take PointSymmetryDiscovery or PDERegression, or pick points of space as "
            "states"
        )


def named(dataset: xr.Dataset) -> xr.Dataset:
    """Number the trajectories of the Dataset, unless a coordinate names them: a part of it keeps the names."""
    if label_of(dataset) is not None:
        return dataset
    return dataset.assign_coords(trajectory=np.arange(dataset.sizes["trajectory"]))


def each_trajectory(dataset: xr.Dataset, names: Sequence[str] | None = None) -> Iterator[Trajectory]:
    """Yield each run in memory, with padding removed and values checked.

    Parameters
    ----------
    dataset : xr.Dataset
    names : sequence of str, optional
        The variables to read, where `t` stands for the times; by default the states.

    Raises
    ------
    ValueError
        For NaN inside a run and for times that do not increase, naming the variable and the trajectory.
    """
    refuse_fields(dataset)
    names = state_names(dataset) if names is None else list(names)
    dataset = named(dataset)
    labels = dataset[label_of(dataset)].values
    clocks, periods = clocks_of(dataset), periods_of(dataset, names)
    columns = [clocks if name in _CLOCKS else _full(dataset, name) for name in names]
    values = np.stack([unwrapped(*pair) for pair in zip(columns, periods, strict=True)], axis=-1)
    for label, times, states in zip(labels, clocks, values, strict=True):
        yield _checked(str(label), times, states, names)


def _full(dataset: xr.Dataset, name: str) -> np.ndarray:
    """Return values `(trajectory, time)` of a variable, which may be shared by all trajectories."""
    like, variable = dataset[state_names(dataset)[0]], dataset[name]
    if set(variable.dims) != set(like.dims):
        variable = variable.broadcast_like(like)
    return np.asarray(variable.transpose(*like.dims).values, dtype=float)


def _checked(label: str, times: np.ndarray, states: np.ndarray, names: Sequence[str]) -> Trajectory:
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
        raise ValueError(
            f"times of trajectory {label!r} do not increase after sample {where}; sort or drop duplicates, or tell "
            "runs apart (a column 'trajectory', or a list)"
        )
    return Trajectory(label, times, states)


def clocks_of(dataset: xr.Dataset) -> np.ndarray:
    """Load times `(trajectory, time)` in the unit `symdyn.data.clocks.time_unit`; a view if all share them."""
    shape = (dataset.sizes["trajectory"], dataset.sizes["time"])
    clock = numbered_clock(dataset)[clock_name(dataset)].values  # dates, where the data were not opened by this module
    return np.broadcast_to(np.asarray(clock, dtype=float), shape)


def label_of(dataset: xr.Dataset) -> str | None:
    """Find the coordinate that names trajectories: the index, any other along that dimension (`body`), or None."""
    along = [str(name) for name, c in dataset.coords.items() if c.dims == ("trajectory",)]
    return next(iter(sorted(along, key=lambda name: name == "trajectory")), None)


def _declared_states(dataset: xr.Dataset) -> list[str]:
    if "states" in dataset.attrs:
        return state_names(dataset)
    found = [str(n) for n, v in dataset.data_vars.items() if n != "t" and v.attrs.get("role", "state") == "state"]
    if not found:
        raise ValueError("no states found: the file has no data variables besides the times")
    return found


def _with_gaps(dataset: xr.Dataset, names: Sequence[str]) -> xr.Dataset:
    """Put NaN where values are marked as missing by attributes that nobody has read yet."""
    marked = [name for name in names if {"_FillValue", "missing_value"} & set(dataset[name].attrs)]
    return dataset.assign(xr.decode_cf(dataset[marked], decode_times=False).data_vars) if marked else dataset


def _separated(array: xr.DataArray) -> xr.Dataset:
    """Split a DataArray over time and states into one variable per state, named by the coordinate if there is one."""
    others = [dim for dim in array.dims if dim not in ("trajectory", "time")]
    if len(others) != 1:
        return array.to_dataset(name=array.name or "x0") if not others else array.to_dataset(name=array.name or "u")
    (dim,) = others
    if dim in ("x", "y"):  # a field along an axis
        return array.to_dataset(name=array.name or "u")
    names = [str(v) for v in array[dim].values] if dim in array.coords else [f"x{k}" for k in range(array.sizes[dim])]
    parts = {name: array.isel({dim: k}, drop=True).assign_attrs(array.attrs) for k, name in enumerate(names)}
    return xr.Dataset(parts, attrs={"states": joined_names(names)})


def are_tables(source) -> bool:
    """Return whether these are data frames or series (of pandas, Dask, polars or pyarrow), or a list of them."""
    if isinstance(source, list | tuple):
        return bool(source) and all(are_tables(member) for member in source)
    if isinstance(source, np.ndarray | xr.Dataset | xr.DataArray | Mapping):
        return False
    return hasattr(source, "columns") or (hasattr(source, "index") and hasattr(source, "to_frame"))
