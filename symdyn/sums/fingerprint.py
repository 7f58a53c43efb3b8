"""What the sums over a chunk depend on, as a hash: code, options, and the chunk itself.

A chunk in memory is known by its values. A lazy one is known by its lineage, the name that Dask derives from the file
and every step since, and by size and time of change of the files it is read from: of a Zarr store those of its own
chunks only, so that mending one chunk leaves the sums over the others valid. Of stores that are not files nothing but
the lineage is known: after such data have changed in place, start anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from itertools import product
from operator import itemgetter
from pathlib import Path

import xarray as xr
import zarr
from dask.base import tokenize

from symdyn.data.files import read_file
from symdyn.data.trajectories import label_of, named

__all__ = ["Sources", "code_version", "fingerprint", "labels_of"]

_SUMMED = ("functions", "lie", "jets", "data", "rows", "sums")  # packages whose code sums depend on
_Stamp = tuple[str, None] | tuple[str, int, int]  # name, size and time of change of a file


def fingerprint(*content, packages: tuple[str, ...] = _SUMMED) -> str:
    """Hash options, features and layouts, and the code in some packages of symdyn, alike in every process.

    Raises
    ------
    ValueError
        If the content has no lasting identity, such as a function made on the fly.
    """
    try:
        token = tokenize(*content, ensure_deterministic=True)
    except (RuntimeError, TypeError) as error:  # Dask's own error is a kind of RuntimeError
        raise ValueError(
            f"checkpoints need features and options that are the same in every process: {error}; "
            "use features of symdyn, or functions defined in a module"
        ) from error
    return hashlib.sha256(json.dumps([token, code_version(packages)]).encode()).hexdigest()[:20]


@cache
def code_version(packages: tuple[str, ...]) -> str:
    """Hash the code that results are made with: the sources in packages of symdyn, numpy and scipy."""
    digest = hashlib.sha256(" ".join(f"{name} {version(name)}" for name in ("numpy", "scipy")).encode())
    root = Path(__file__).parents[1]
    for path in sorted(path for package in packages for path in (root / package).rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


def labels_of(dataset: xr.Dataset) -> list[str]:
    """Return the names of the trajectories, as in every message."""
    return [str(label) for label in dataset[label_of(dataset)].values]


class Sources:
    """The files behind a Dataset, and what they say of each of its chunks.

    Parameters
    ----------
    dataset : xr.Dataset
        As `open_trajectories` returns it, or a part of it.
    """

    def __init__(self, dataset: xr.Dataset):
        source = dataset.encoding.get("source")
        self.path = Path(source) if source is not None and Path(source).exists() else None
        self._rows = {}
        if self.path is not None and self.path.is_dir():
            stored = labels_of(named(read_file(self.path, None)))
            self._rows = {label: row for row, label in enumerate(stored)} if len(set(stored)) == len(stored) else {}
            # A store without consolidated metadata lists its arrays in any order.
            arrays = sorted(zarr.open_group(self.path, mode="r").arrays(), key=itemgetter(0))
            self._arrays = [array for _, array in arrays]

    def identity(self, block: xr.Dataset) -> str:
        """Return a token of one chunk, from its lineage (values, in memory) and its files; attributes do not count."""
        variables = {str(name): (variable.dims, variable.data) for name, variable in block.variables.items()}
        return tokenize(variables, self._stamps(block))

    def _stamps(self, block: xr.Dataset) -> list[_Stamp] | None:
        if self.path is None:
            return None
        if self.path.is_file():
            return [_stamp(self.path)]
        labels = labels_of(block)
        if not all(label in self._rows for label in labels):  # renamed since: any file of the store may be behind it
            return [_stamp(path) for path in sorted(self.path.rglob("*")) if path.is_file()]
        rows = sorted(self._rows[label] for label in labels)
        files = (path for array in self._arrays for path in _chunk_files(array, rows, len(self._rows)))
        return [_stamp(self.path / path) for path in files]


def _chunk_files(array: zarr.Array, rows: Sequence[int], n_rows: int) -> list[str]:
    """List the store's paths of the chunks that hold some rows of the first axis, where that is over trajectories."""
    shape = array.shards or array.chunks
    numbers: list[Sequence[int]] = [range(-(-size // step)) for size, step in zip(array.shape, shape, strict=True)]
    if array.ndim > 1 and array.shape[0] == n_rows:
        numbers[0] = sorted({row // shape[0] for row in rows})
    return [f"{array.path}/{array.metadata.encode_chunk_key(index)}" for index in product(*numbers)]


def _stamp(path: Path) -> _Stamp:
    if not path.exists():  # a chunk that holds nothing but the fill value is not stored
        return (path.name, None)
    facts = path.stat()
    return (path.name, facts.st_size, facts.st_mtime_ns)
