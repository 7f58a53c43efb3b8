"""Trajectories as an `xr.Dataset`: the schema, opening files, one clear error for each way a file can be wrong.

The schema: one variable per state over `(trajectory, time)`; attribute `states` on the Dataset fixes their order;
`units` on every variable, `derivative_of` on velocities, `role = "input"` on inputs. Times are a variable
`t(trajectory, time)`, or a 1-D coordinate `time` where all trajectories share it. Trailing NaN is padding.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import xarray as xr

from symdyn.data.fields.grids import is_field_data, validate_fields
from symdyn.data.files import from_arrays, joined_names, read_file
from symdyn.data.units import check_units

__all__ = [
    "Trajectory",
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
        dataset = read_file(Path(source), chunks)
    else:
        dataset = from_arrays(source, t, states)
    return validate_fields(dataset, states) if is_field_data(dataset) else validate(dataset, states)


def state_names(dataset: xr.Dataset) -> list[str]:
    """Names of the states, in the order that the Dataset fixes."""
    return str(dataset.attrs["states"]).split()


def names_with_role(dataset: xr.Dataset, role: str) -> tuple[str, ...]:
    """Names of the variables with an attribute `role`: `"input"`, or `"target"` of pairs."""
    return tuple(str(name) for name, variable in dataset.data_vars.items() if variable.attrs.get("role") == role)


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
    return named(dataset).assign_attrs(states=joined_names(names))


def refuse_fields(dataset: xr.Dataset) -> None:
    """Say where fields u(t, x) belong.

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
    """The Dataset with its trajectories numbered, unless a coordinate names them: a part of it keeps the names."""
    if label_of(dataset) is not None:
        return dataset
    return dataset.assign_coords(trajectory=np.arange(dataset.sizes["trajectory"]))


def each_trajectory(dataset: xr.Dataset, names: Sequence[str] | None = None) -> Iterator[Trajectory]:
    """Each run in memory, padding cut off and values checked.

    Parameters
    ----------
    dataset : xr.Dataset
    names : sequence of str, optional
        The variables to read, `t` being the times; the states if left out.

    Raises
    ------
    ValueError
        For NaN inside a run and for times that do not increase, naming the variable and the trajectory.
    """
    refuse_fields(dataset)
    names = state_names(dataset) if names is None else list(names)
    dataset = named(dataset)
    labels = dataset[label_of(dataset)].values
    clocks = clocks_of(dataset)
    values = np.stack([clocks if name in _CLOCKS else _full(dataset, name) for name in names], axis=-1)
    for label, times, states in zip(labels, clocks, values, strict=True):
        yield _checked(str(label), times, states, names)


def _full(dataset, name):
    """Values `(trajectory, time)` of a variable, which may be shared by all trajectories."""
    like, variable = dataset[state_names(dataset)[0]], dataset[name]
    if set(variable.dims) != set(like.dims):
        variable = variable.broadcast_like(like)
    return np.asarray(variable.transpose(*like.dims).values, dtype=float)


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


def clocks_of(dataset: xr.Dataset) -> np.ndarray:
    """Times `(trajectory, time)` in memory, in seconds since the first if they are dates; a view if all share them."""
    shape = (dataset.sizes["trajectory"], dataset.sizes["time"])
    name = "t" if "t" in dataset.variables else "time"
    clock = dataset[name].values
    if np.issubdtype(clock.dtype, np.datetime64):
        clock = (clock - clock.reshape(-1)[0]) / np.timedelta64(1, "s")
    return np.broadcast_to(np.asarray(clock, dtype=float), shape)


def label_of(dataset: xr.Dataset) -> str | None:
    """The coordinate that names trajectories: the index, any other along that dimension (`body`), or None."""
    along = [str(name) for name, c in dataset.coords.items() if c.dims == ("trajectory",)]
    return next(iter(sorted(along, key=lambda name: name == "trajectory")), None)


def _declared_states(dataset):
    if "states" in dataset.attrs:
        return state_names(dataset)
    found = [str(n) for n, v in dataset.data_vars.items() if n != "t" and v.attrs.get("role", "state") == "state"]
    if not found:
        raise ValueError("no states found: the file has no data variables besides the times")
    return found
