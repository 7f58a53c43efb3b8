"""Trajectories from files, before the schema is checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from zipfile import BadZipFile

import numpy as np
import xarray as xr

from symdyn.data.arrays import from_arrays
from symdyn.data.formats.blocks import block_chunks, opened_in_blocks
from symdyn.data.formats.hdf5 import has_dimensions, is_pandas_store, read_hdf5
from symdyn.data.formats.matlab import read_mat
from symdyn.data.formats.stores import is_url, local_path, open_store
from symdyn.data.mappings import from_mapping, from_records

if TYPE_CHECKING:
    from numpy.lib.npyio import NpzFile

__all__ = ["SUFFIXES", "TABLES", "read_file"]

TABLES = (".csv", ".tsv", ".txt", ".dat")
_NEEDS = {
    "read_parquet": "pyarrow: pip install 'symdyn-workbench[parquet]'",
    "read_hdf": "PyTables: pip install tables",
}
_PACKED = (".gz", ".bz2", ".xz")  # of text


class _Wanted(NamedTuple):
    """What a reader is asked for: the times, where the file has none, and the names of states."""

    t: object = None
    states: Sequence[str] | None = None


def read_file(source: Path | str, chunks, states: Sequence[str] | None = None, t=None) -> xr.Dataset:
    """Read a file as a Dataset, lazy in blocks of trajectories (`chunks` None: as the format stores it).

    Parameters
    ----------
    source : Path, or the URL of a Zarr store
    chunks : int, str, dict or None
        See `symdyn.data.formats.blocks.block_chunks`.
    states : sequence of str, optional
        The columns of a table, or the arrays, to read.
    t : float or array, optional
        The times, if the file holds none.

    Raises
    ------
    FileNotFoundError, ValueError
        For a file that does not exist, has an unknown format, or is damaged.
    """
    path = local_path(source) or source if isinstance(source, str) and is_url(source) else Path(source)
    wanted = _Wanted(t, states)
    if isinstance(path, str):
        return _open_url(path, wanted, chunks)
    if not path.exists():
        raise FileNotFoundError(f"no such file: {path}")
    kind = _kind(path)
    if kind not in SUFFIXES:
        raise ValueError(f"{path}: unknown kind of file; use one of {SUFFIXES}")
    try:
        if kind in _LAZY and (kind not in (".h5", ".hdf5") or has_dimensions(path)):
            _refuse_times(path, wanted)
            return opened_in_blocks(partial(_LAZY[kind], path), "trajectory", "time", chunks)
        dataset = _READERS[kind](path, wanted)
    except FileNotFoundError:
        raise
    except (OSError, EOFError, KeyError, BadZipFile) as error:
        raise ValueError(f"{path} cannot be read (truncated or damaged?): {error}") from error
    return dataset if chunks is None else dataset.chunk(block_chunks(dataset, "trajectory", "time", chunks))


def _open_url(url: str, wanted: _Wanted, chunks) -> xr.Dataset:
    if not url.rstrip("/").lower().endswith(".zarr"):
        raise ValueError(f"{url}: only Zarr stores (.zarr) open by URL; copy other files to this machine")
    _refuse_times(url, wanted)
    return opened_in_blocks(partial(open_store, url), "trajectory", "time", chunks)


def _kind(path: Path) -> str:
    """Return the suffix, of packed text that inside, in small letters."""
    suffix = path.suffix.lower()
    inside = Path(path.stem).suffix.lower()
    packed = (suffix in _PACKED and inside in TABLES) or (suffix == ".zip" and inside == ".zarr")
    return inside if packed else suffix


def _open_netcdf(path: Path, chunks: Mapping | None) -> xr.Dataset:
    # Times stay the numbers they are: as dates they would lose their unit, which velocities are checked against.
    with open(path, "rb") as file:
        classic = file.read(3) == b"CDF"  # netCDF-3, which is no HDF5
    return xr.open_dataset(path, engine="scipy" if classic else "h5netcdf", chunks=chunks, decode_times=False)


def _open_hdf5(path: Path, wanted: _Wanted) -> xr.Dataset:
    if is_pandas_store(path):
        return _of_table(path, wanted, "read_hdf")
    arrays, units = read_hdf5(path)
    return from_mapping(arrays, str(path), *wanted, units)


def _refuse_times(path: Path | str, wanted: _Wanted) -> None:
    if wanted.t is not None:
        raise ValueError(f"{path} holds its own times: leave out t")


def _open_text(path: Path, wanted: _Wanted) -> xr.Dataset:
    from symdyn.data.tables import read_table  # loads pandas' reader

    return read_table(path, *wanted)


def _open_parquet(path: Path, wanted: _Wanted) -> xr.Dataset:
    return _of_table(path, wanted, "read_parquet")


def _of_table(path: Path, wanted: _Wanted, reader: str) -> xr.Dataset:
    """Read a table by a function of pandas, which may need another package."""
    import pandas as pd

    from symdyn.data.tables import from_tables

    try:
        table = getattr(pd, reader)(path)
    except ImportError as error:
        raise ImportError(f"{path} needs {_NEEDS[reader]}") from error
    except ValueError as error:  # errors of other packages that do not name the file
        raise ValueError(f"{path} cannot be read as a table: {error}") from error
    return from_tables(table, *wanted, name=str(path))


def _open_mat(path: Path, wanted: _Wanted) -> xr.Dataset:
    return from_mapping(read_mat(path), str(path), *wanted)


def _open_npy(path: Path, wanted: _Wanted) -> xr.Dataset:
    with open(path, "rb") as file:
        values = _loaded(lambda: np.load(file, allow_pickle=False), path, "the array")
    if values.dtype.names:
        return from_records(values, str(path), *wanted)
    if wanted.t is None:
        raise ValueError(
            f"{path} holds an array without times: give t=, the step or the times, or save x and t by numpy.savez"
        )
    return from_arrays(values, *wanted)


def _open_npz(path: Path, wanted: _Wanted) -> xr.Dataset:
    with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
        held = {name: _stored(archive, name, path) for name in archive.files}
    return from_mapping(held, str(path), *wanted)


def _stored(archive: NpzFile, name: str, path: Path) -> np.ndarray:
    return _loaded(lambda: archive[name], path, f"array {name!r}")


def _loaded(load: Callable[[], np.ndarray], path: Path, name: str) -> np.ndarray:
    try:
        return load()
    except ValueError as error:  # objects are stored as pickles, which may run code
        raise ValueError(
            f"{path}: {name} holds objects, as of runs of unlike length: pad them with NaN to one array "
            "(trajectory, time, state), and save that"
        ) from error


_LAZY: dict[str, Callable[[Path, Mapping | None], xr.Dataset]] = {
    **dict.fromkeys((".h5", ".hdf5", ".nc"), _open_netcdf),
    ".zarr": open_store,
}
_READERS: dict[str, Callable[[Path, _Wanted], xr.Dataset]] = {
    **dict.fromkeys(TABLES, _open_text),
    ".h5": _open_hdf5,
    ".hdf5": _open_hdf5,
    ".mat": _open_mat,
    ".npy": _open_npy,
    ".npz": _open_npz,
    ".parquet": _open_parquet,
}
SUFFIXES = sorted({*_READERS, *_LAZY})
