"""Trajectories out of files, before the schema is checked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import BadZipFile

import numpy as np
import xarray as xr
import zarr

from symdyn.data.arrays import from_arrays

if TYPE_CHECKING:
    from numpy.lib.npyio import NpzFile

__all__ = ["TABLES", "read_file"]

TABLES = (".csv", ".tsv", ".txt", ".dat")


def read_file(path: Path, chunks, states: Sequence[str] | None = None) -> xr.Dataset:
    """Read a file as a Dataset, lazy in chunks of trajectories (`chunks` None: as the format has it).

    Parameters
    ----------
    path : Path
    chunks : int, dict, "auto" or None
    states : sequence of str, optional
        The columns of a table that are wanted.

    Raises
    ------
    FileNotFoundError, ValueError
        For a file that is not there, of an unknown kind, or damaged.
    """
    if not path.exists():
        raise FileNotFoundError(f"no such file: {path}")
    readers = {".nc": _open_netcdf, ".h5": _open_netcdf, ".zarr": _open_zarr, ".npz": _open_npz}
    known = sorted([*readers, *TABLES])
    if path.suffix not in known:
        raise ValueError(f"{path}: unknown kind of file; use one of {known}")
    try:
        dataset = _table(path, states) if path.suffix in TABLES else readers[path.suffix](path)
    except (OSError, EOFError, KeyError, BadZipFile) as error:
        raise ValueError(f"{path} cannot be read (truncated or damaged?): {error}") from error
    wanted = {} if chunks is None else {"trajectory": chunks, "time": -1}
    return dataset.chunk({dim: size for dim, size in wanted.items() if dim in dataset.dims})


def _open_netcdf(path: Path) -> xr.Dataset:
    # Times stay the numbers they are: as dates they would lose their unit, which velocities are checked against.
    with open(path, "rb") as file:
        classic = file.read(3) == b"CDF"  # netCDF-3, which is no HDF5
    return xr.open_dataset(path, engine="scipy" if classic else "h5netcdf", chunks={}, decode_times=False)


def _open_zarr(path: Path) -> xr.Dataset:
    """Open a store with its variables in the order of its consolidated metadata, or else by name.

    Without such metadata they come in any order.
    """
    held = zarr.open_group(path, mode="r").metadata.consolidated_metadata
    dataset = xr.open_zarr(path, chunks={}, consolidated=held is not None, decode_times=False)
    return dataset if held is not None else dataset[sorted(map(str, dataset.data_vars))]


def _table(path: Path, states: Sequence[str] | None) -> xr.Dataset:
    from symdyn.data.tables import read_table  # loads pandas' reader

    return read_table(path, states)


def _open_npz(path: Path) -> xr.Dataset:
    with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
        if "x" not in archive or "t" not in archive:
            raise ValueError(f"{path}: arrays 'x' and 't' are needed, the file has {archive.files}")
        x, t, names = (_stored(archive, name, path) for name in ("x", "t", "states"))
    return from_arrays(x, t, None if names is None else [str(name) for name in names])


def _stored(archive: NpzFile, name: str, path: Path) -> np.ndarray | None:
    if name not in archive:
        return None
    try:
        return archive[name]
    except ValueError as error:  # objects are stored as pickles, which may run code
        raise ValueError(
            f"{path}: array {name!r} holds objects, as of runs of unlike length: pad them with NaN to one array "
            "(trajectory, time, state), and save that"
        ) from error
