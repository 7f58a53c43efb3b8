"""Trajectories out of files and arrays, before the schema is checked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import xarray as xr

__all__ = ["from_arrays", "joined_names", "read_file"]


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
    return xr.Dataset({"t": (dims, clocks), **variables}, attrs={"states": joined_names(names)})


def joined_names(names: Sequence[str]) -> str:
    """The attribute `states`, which separates names by spaces."""
    split = [name for name in names if len(str(name).split()) != 1]
    if split:
        raise ValueError(
            f"state {split[0]!r} has a space in its name; rename it, such as {'_'.join(split[0].split())!r}"
        )
    return " ".join(map(str, names))


def read_file(path: Path, chunks) -> xr.Dataset:
    """The content of a file as a Dataset, lazy in chunks of trajectories (`chunks` None: as the format has it).

    Raises
    ------
    FileNotFoundError, ValueError
        For a file that is not there, of an unknown kind, or damaged.
    """
    if not path.exists():
        raise FileNotFoundError(f"no such file: {path}")
    readers = {".nc": _open_netcdf, ".h5": _open_netcdf, ".zarr": _open_zarr, ".csv": _open_csv, ".npz": _open_npz}
    if path.suffix not in readers:
        raise ValueError(f"{path}: unknown kind of file; use one of {sorted(readers)}")
    try:
        dataset = readers[path.suffix](path)
    except (OSError, EOFError, KeyError, BadZipFile) as error:
        raise ValueError(f"{path} cannot be read (truncated or damaged?): {error}") from error
    wanted = {} if chunks is None else {"trajectory": chunks, "time": -1}
    return dataset.chunk({dim: size for dim, size in wanted.items() if dim in dataset.dims})


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


def _times_of(t, index, length):
    entry = t[index] if isinstance(t, list | tuple) else t
    times = np.arange(length) * float(entry) if np.ndim(entry) == 0 else np.asarray(entry, dtype=float).ravel()
    if len(times) != length:
        raise ValueError(f"trajectory {index}: {len(times)} times for {length} samples")
    return times
