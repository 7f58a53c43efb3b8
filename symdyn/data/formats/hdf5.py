"""HDF5 files that are no netCDF: arrays by name, and the attribute `units` where there is one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np

__all__ = ["has_dimensions", "is_pandas_store", "read_hdf5"]


def has_dimensions(path: Path) -> bool:
    """Return whether arrays have named dimensions, as in netCDF-4."""
    with h5py.File(path, "r") as file:
        arrays = [one for one in file.values() if isinstance(one, h5py.Dataset) and one.ndim]
        return any(one.is_scale for one in arrays) or "_NCProperties" in file.attrs


def is_pandas_store(path: Path) -> bool:
    """Return whether pandas wrote the file."""
    with h5py.File(path, "r") as file:
        return any("pandas_type" in one.attrs for one in file.values())


def read_hdf5(path: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """Read the arrays of a file, of its only group where all are in one, and their units by name.

    Groups with arrays of the same names are runs: each name then has a list with one array per group.

    Raises
    ------
    ValueError
        For groups that hold other arrays than the first.
    """
    with h5py.File(path, "r") as file:
        runs = [file] if any(isinstance(one, h5py.Dataset) for one in file.values()) else list(file.values())
        held = [{str(n): one for n, one in run.items() if isinstance(one, h5py.Dataset)} for run in runs]
        for run, arrays in zip(runs[1:], held[1:], strict=True):
            if set(arrays) != set(held[0]):
                raise ValueError(
                    f"{path}: group {run.name!r} holds {', '.join(arrays) or 'no arrays'}, the first "
                    f"{', '.join(held[0])}: put the same arrays into each run"
                )
        first = held[0] if held else {}
        values = {name: [_value(arrays[name]) for arrays in held] for name in first}
        units = {name: _text(one.attrs["units"]) for name, one in first.items() if "units" in one.attrs}
    return {name: each if len(each) > 1 else each[0] for name, each in values.items()}, units


def _value(stored: h5py.Dataset) -> Any:
    if h5py.check_string_dtype(stored.dtype):
        return np.asarray(stored.asstr()[...])
    return stored[...]


def _text(value: Any) -> str:
    value = np.ravel(value)[0]
    return value.decode() if isinstance(value, bytes) else str(value)
