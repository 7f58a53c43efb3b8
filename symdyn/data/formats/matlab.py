"""MATLAB files: the variables by name; those of version 7.3 are HDF5 files of another layout."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
from scipy.io import loadmat
from scipy.sparse import issparse

__all__ = ["read_mat"]

_SYSTEM = ("#refs#", "#subsystem#")
_PARTS = {"real", "imag"}  # of a complex number in HDF5


def read_mat(path: Path) -> dict[str, Any]:
    """Read the variables of a MATLAB file of any version.

    Returns
    -------
    dict
        Numbers as arrays with dimensions of size 1 taken out, text as str, cells as lists; a structure is a dict. Where
        all numbers are in one structure, its fields are the variables.

    Raises
    ------
    ValueError
        For a file that is damaged or something else.
    """
    if h5py.is_hdf5(path):
        with h5py.File(path, "r") as file:
            held = {name: _from_hdf5(entry, file) for name, entry in file.items() if name not in _SYSTEM}
    else:
        try:
            held = {name: _plain(value) for name, value in loadmat(path).items() if not name.startswith("__")}
        except (NotImplementedError, ValueError, TypeError, IndexError) as error:  # what scipy says of other bytes
            raise ValueError(f"{path} is no MATLAB file: {error}") from error
    structures = [value for value in held.values() if isinstance(value, dict)]
    alone = len(structures) == 1 and not any(isinstance(value, np.ndarray | list) for value in held.values())
    return structures[0] if alone else {name: value for name, value in held.items() if value is not None}


def _plain(value: Any) -> Any:
    """Return what scipy has read without MATLAB's dimensions of size 1; None for objects of MATLAB's own."""
    if issparse(value):
        return value.toarray()
    if not isinstance(value, np.ndarray) or type(value).__name__ in ("MatlabOpaque", "MatlabFunction"):
        return None
    if value.dtype.names:
        first = value.ravel()[0] if value.size == 1 else None
        return None if first is None else {name: _plain(first[name]) for name in value.dtype.names}
    if value.dtype.kind == "O":
        return [_plain(one) for one in value.ravel(order="F")]
    if value.dtype.kind in "US":
        lines = [str(line).strip() for line in value.ravel()]
        return lines[0] if len(lines) == 1 else lines
    return value.squeeze()


def _from_hdf5(entry: h5py.Group | h5py.Dataset, file: h5py.File) -> Any:
    kind = entry.attrs.get("MATLAB_class", b"")
    kind = kind.decode() if isinstance(kind, bytes) else str(kind)
    if isinstance(entry, h5py.Group):
        return {name: _from_hdf5(one, file) for name, one in entry.items()}
    if "MATLAB_empty" in entry.attrs:
        return np.zeros(0)
    value = entry[()]
    if kind == "char":
        return "".join(map(chr, np.ravel(value)))
    if h5py.check_ref_dtype(entry.dtype) is not None:
        return [_from_hdf5(file[one], file) for one in np.ravel(value)]
    if set(value.dtype.names or ()) == _PARTS:
        value = value["real"] + 1j * value["imag"]
    return np.asarray(value).T.squeeze()  # MATLAB counts the first index fastest
