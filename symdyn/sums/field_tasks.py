"""Sums over field data, some trajectories at a time, on whatever scheduler is in use."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from operator import add
from typing import TypeVar

import numpy as np
import xarray as xr

from symdyn.data.grids import field_block, noise_of_fields
from symdyn.data.tasks import as_finished, on_block

__all__ = ["block_slices", "some_runs", "summed"]

_BYTES = 1 << 25  # of one block of trajectories

Sums = TypeVar("Sums")


def summed(dataset: xr.Dataset, function: Callable[[np.ndarray, np.ndarray], Sums]) -> Sums:
    """Apply function(values, noise) to blocks of trajectories, and add the results in the order of the trajectories.

    `values` `(field, run, time, x[, y])` are in memory for one block at a time; `noise` `(field, run)`.

    Raises
    ------
    Exception
        Whatever reading or the function raises.
    """
    names = str(dataset.attrs["states"]).split()
    if "trajectory" not in dataset.coords:  # a block keeps the numbers
        dataset = dataset.assign_coords(trajectory=np.arange(dataset.sizes["trajectory"]))
    blocks = [dataset[names].isel(trajectory=runs) for runs in block_slices(dataset)]
    work = {k: on_block(_of_block, block, function) for k, block in enumerate(blocks)}
    results = dict(as_finished(work))
    for result in results.values():
        if isinstance(result, Exception):
            raise result
    return reduce(add, [results[k] for k in sorted(results)])


def block_slices(dataset: xr.Dataset) -> list[slice]:
    """Return slices of trajectories: the chunks of the data where they are small enough, else smaller ones."""
    first = dataset[str(dataset.attrs["states"]).split()[0]]
    n = first.sizes["trajectory"]
    n_fields = len(str(dataset.attrs["states"]).split())
    at_most = max(_BYTES // max(8 * n_fields * first.size // n, 1), 1)
    chunks = first.chunksizes.get("trajectory", (n,))
    edges, start = [], 0
    for length in chunks:
        edges += list(range(start, start + length, at_most))
        start += length
    return [slice(a, b) for a, b in zip(edges, [*edges[1:], n], strict=True)]


def some_runs(dataset: xr.Dataset, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Read values `(field, run, time, x[, y])` and noise `(field, run)` of at most n trajectories, evenly chosen."""
    total = dataset.sizes["trajectory"]
    chosen = np.unique(np.linspace(0, total - 1, min(n, total)).astype(int))
    values = field_block(dataset.isel(trajectory=chosen), slice(None))
    return values, noise_of_fields(values)


def _of_block(block: xr.Dataset, function: Callable[[np.ndarray, np.ndarray], Sums]) -> Sums:
    values = field_block(block.compute(scheduler="synchronous"), slice(None))
    return function(values, noise_of_fields(values))
