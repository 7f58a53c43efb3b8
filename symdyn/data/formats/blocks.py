"""Blocks of bounded size along one dimension: what is read, worked on and let go at a time."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from itertools import repeat

import numpy as np
import xarray as xr
from dask.utils import format_bytes, parse_bytes

__all__ = ["BLOCK_BYTES", "block_chunks", "opened_in_blocks"]

BLOCK_BYTES = 64_000_000  # of all variables as float64, in which they are worked on
_MANY = 128  # blocks: so many are left, however small the chunks of the file, for jobs to share
_LONG = 4  # times the bound: a single row of such a size is worth a word
_REFUSED = "chunks must be a positive number, a size such as '16MB', or 'auto', got {}"

Wanted = int | str | Mapping[str, int]


def opened_in_blocks(
    open_with: Callable[[Mapping | None], xr.Dataset], dim: str, whole: str, wanted: Wanted | None
) -> xr.Dataset:
    """Open a file lazily in blocks along `dim`, with `whole` uncut; in its own chunks where nothing is wanted.

    Parameters
    ----------
    open_with : callable
        Opens the file with the chunks it is given; None: not as Dask arrays.
    dim, whole : str
    wanted : int, str, dict or None
        See `block_chunks`.
    """
    if wanted is None:
        return open_with({})
    with open_with(None) as seen:
        chunks = block_chunks(seen, dim, whole, wanted)
    with warnings.catch_warnings():
        # Where blocks cut chunks of the file at a cost, `block_chunks` has said so.
        warnings.filterwarnings("ignore", message="The specified chunks separate the stored chunks")
        return open_with(chunks)


def block_chunks(dataset: xr.Dataset, dim: str, whole: str, wanted: Wanted) -> dict[str, int | tuple[int, ...]]:
    """Choose the chunks of a Dataset that is in memory, or opened and not read.

    Parameters
    ----------
    dataset : xr.Dataset
        With the chunks of the file, if any, in its encoding.
    dim, whole : str
        Blocks are cut along the first, never along the second.
    wanted : int, str or dict
        Rows of a block; or `"auto"`, `BLOCK_BYTES`, or another bound such as `"16MB"`: then the edges of blocks are
        edges of chunks, or lie inside those that are larger than the bound. A dict holds one of these by dimension.

    Warns
    -----
    UserWarning
        Where chunks of the file are larger than the bound, as each is read again for every block inside it; and where
        a single row is much larger.

    Raises
    ------
    ValueError
        For anything else.
    """
    if isinstance(wanted, Mapping):
        others = {name: size for name, size in wanted.items() if name in dataset.dims and name != dim}
        wanted = wanted.get(dim, "auto")
    else:
        others = {}
    chunks: dict[str, int | tuple[int, ...]] = {whole: -1, **others} if whole in dataset.dims else dict(others)
    if dim in dataset.dims and dataset.sizes[dim]:
        chunks[dim] = _sizes(dataset, dim, wanted)
    return chunks


def _sizes(dataset: xr.Dataset, dim: str, wanted: int | str) -> tuple[int, ...]:
    n = dataset.sizes[dim]
    if not isinstance(wanted, str):
        return _cut(n, n if wanted == -1 else int(wanted))
    bound = BLOCK_BYTES if wanted == "auto" else _bytes(wanted)
    row = sum(8 * variable.size // n for variable in dataset.variables.values() if dim in variable.dims)
    most = max(bound // max(row, 1), 1)
    if row > _LONG * bound:
        warnings.warn(
            f"one {dim} holds {format_bytes(row)} and is read as a whole, blocks are to hold {format_bytes(bound)}: "
            "cut it into several",
            stacklevel=2,
        )
    stored = _stored(dataset, dim)
    if stored is None:
        return _cut(n, most)
    if stored <= most:
        n_stored = -(-n // stored)
        return _cut(n, stored * max(min(most // stored, n_stored // _MANY), 1))
    return _inside(n, stored, most, row)


def _inside(n: int, stored: int, most: int, row: int) -> tuple[int, ...]:
    """Cut chunks of the file into even parts."""
    n_parts = -(-stored // most)
    warnings.warn(
        f"a chunk of the file holds {stored} rows of {format_bytes(row)} and is read {n_parts} times, for blocks of at "
        f"most {most}: store fewer in a chunk, or give chunks={stored} where memory allows",
        stacklevel=3,
    )
    parts = [len(part) for part in np.array_split(np.arange(stored), n_parts)]
    rest = n % stored
    return tuple(parts) * (n // stored) + (_cut(rest, most) if rest else ())


def _stored(dataset: xr.Dataset, dim: str) -> int | None:
    """Return the rows in a chunk of the largest variables; None where the file has no chunks along the dimension."""
    along = [variable for variable in dataset.variables.values() if dim in variable.dims]
    largest = max(variable.size for variable in along)
    found = [v.encoding.get("preferred_chunks", {}).get(dim) for v in along if v.size == largest]
    sizes = [int(np.max(size)) for size in found if size is not None]
    return min(max(sizes), dataset.sizes[dim]) if sizes else None


def _bytes(text: str) -> int:
    try:
        bound = parse_bytes(text)
    except ValueError:
        bound = 0
    if bound < 1:
        raise ValueError(_REFUSED.format(repr(text)))
    return bound


def _cut(n: int, size: int) -> tuple[int, ...]:
    if size < 1:
        raise ValueError(_REFUSED.format(size))
    rest = n % size
    return (*repeat(size, n // size), *([rest] if rest else []))
