"""Pairs of fields (u(t), u(t + lead)) from Datasets that may be larger than memory.

Blocks of trajectories are read as they lie in the file; what fits into `memory` is read once and kept, of larger data a
few blocks at a time are read in every epoch, in another order, and their pairs mixed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from symdyn.data.grids import field_block, field_grid, validate_fields
from symdyn.data.trajectories import named
from symdyn.neural.operators.scale import FieldScale
from symdyn.sums.field_tasks import block_slices

__all__ = ["OperatorPairs", "Split", "fields_of", "split_trajectories"]


class Split(NamedTuple):
    """Trajectories for training, validation and test; no trajectory is in two of them."""

    train: xr.Dataset
    validation: xr.Dataset
    test: xr.Dataset


def split_trajectories(dataset: xr.Dataset, *, validation: float = 0.2, test: float = 0.2, seed: int = 0) -> Split:
    """Draw whole trajectories for training, validation and test: times of one run are not independent samples.

    Parameters
    ----------
    dataset : xr.Dataset
        Over `trajectory` and other dims; order and names of trajectories are kept in each part.
    validation, test : float
        Shares; at least one trajectory where positive.
    seed : int

    Raises
    ------
    ValueError
        For shares out of range, and for too few trajectories.

    Examples
    --------
    >>> import symdyn as sd
    >>> from symdyn.neural import split_trajectories
    >>> data = sd.systems.burgers(n_trajectories=10, n_points=64, n_times=20)
    >>> parts = split_trajectories(data, validation=0.2, test=0.3)
    >>> [part.sizes["trajectory"] for part in parts]
    [5, 2, 3]
    """
    if not (validation >= 0 and test >= 0 and validation + test < 1):
        raise ValueError(f"validation and test must be shares whose sum is below 1, got {validation} and {test}")
    if "trajectory" not in dataset.dims:
        raise ValueError("the data have no dim 'trajectory': parts of one run are no independent samples")
    count = dataset.sizes["trajectory"]
    sizes = [max(round(share * count), 1) if share else 0 for share in (validation, test)]
    if sum(sizes) >= count:
        raise ValueError(
            f"{count} trajectories are too few for training, {sizes[0]} to validate and {sizes[1]} to test"
        )
    order = np.random.default_rng(seed).permutation(count)
    parts = np.split(order, [count - sum(sizes), count - sizes[1]])
    dataset = named(dataset)
    return Split(*(dataset.isel(trajectory=np.sort(part)) for part in parts))


class OperatorPairs:
    """Yield batches of (u(t), u(t + lead)), each `(batch, field, x[, y])`, in single precision unless said otherwise.

    Parameters
    ----------
    dataset : xr.Dataset
        Fields over `(trajectory, time, x[, y])`, on periodic axes; lazy (Dask) or in memory.
    fields : sequence of str, optional
        The channels, in order; by default those in the attribute `states`.
    lead : int
        Steps of time from input to target.
    batch : int
    every : int
        Use every `every`-th time as the start of a pair.
    scale : FieldScale, optional
        Units of inputs and targets; by default their own.
    seed : int, optional
        Seed of the order, which differs from epoch to epoch (`set_epoch`); by default the order of the file.
    memory : float
        Memory in bytes that fields may take; at least one block of the file and a copy of it in double precision are
        held.
    dtype : torch.dtype

    Raises
    ------
    ValueError
        For fields that `symdyn.data.grids` does not accept (non-uniform grids and times, an axis that does not close),
        axes without attribute `period`, and a lead that the times do not allow; while reading, for values that are not
        finite, with the field and the trajectory.

    Examples
    --------
    >>> import symdyn as sd
    >>> from symdyn.neural import OperatorPairs
    >>> data = sd.systems.burgers(n_trajectories=4, n_points=64, n_times=20)
    >>> pairs = OperatorPairs(data, lead=2, batch=16, seed=0)
    >>> len(pairs), round(pairs.time_step, 3)
    (5, 0.421)
    >>> u, later = next(iter(pairs))
    >>> u.shape, later.shape
    (torch.Size([16, 1, 64]), torch.Size([16, 1, 64]))
    """

    def __init__(
        self,
        dataset: xr.Dataset,
        fields: Sequence[str] | None = None,
        *,
        lead: int = 1,
        batch: int = 16,
        every: int = 1,
        scale: FieldScale | None = None,
        seed: int | None = None,
        memory: float = 5e8,
        dtype: torch.dtype = torch.float32,
    ):
        self.dataset = _periodic(dataset, fields)
        n_times = self.dataset.sizes["time"]
        if min(lead, batch, every) < 1 or lead >= n_times or memory <= 0:
            raise ValueError(
                f"lead must be 1 to {n_times - 1}, batch and every at least 1, got {lead}, {batch}, {every}"
            )
        self.lead, self.batch, self.every, self.scale, self.seed = lead, batch, every, scale, seed
        self.memory, self.dtype, self.epoch = memory, dtype, 0
        self.starts = np.arange(0, n_times - lead, every)
        self.blocks = block_slices(self.dataset)
        grid = field_grid(self.dataset)
        self._bytes = len(grid.fields) * int(np.prod(grid.shape)) * torch.empty(0, dtype=dtype).element_size()
        self._kept: list[Tensor] | None = None

    @property
    def time_step(self) -> float:
        """Time from input to target."""
        return self.lead * field_grid(self.dataset).steps[0]

    @property
    def fits(self) -> bool:
        """Whether all fields fit into memory, and are read only once."""
        return self.dataset.sizes["trajectory"] * self._bytes <= self.memory

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of an epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        return -(-self.dataset.sizes["trajectory"] * len(self.starts) // self.batch)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        rng = None if self.seed is None else np.random.default_rng([self.seed, self.epoch])
        left: list[tuple[Tensor, Tensor]] = []  # fewer pairs than a batch, from the blocks before
        for blocks in self._groups(rng):
            runs = [run for block in blocks for run in block]
            pairs = [(run, start) for run in range(len(runs)) for start in self.starts]
            order = range(len(pairs)) if rng is None else rng.permutation(len(pairs))
            for index in order:
                run, start = pairs[index]
                left.append((runs[run][start], runs[run][start + self.lead]))
                if len(left) == self.batch:
                    yield _stacked(left)
                    left = []
            # The rest must not keep the blocks it was cut out of.
            left = [(u.clone(), target.clone()) for u, target in left]
            del runs, blocks
        if left:
            yield _stacked(left)

    def _groups(self, rng: np.random.Generator | None) -> Iterator[list[Tensor]]:
        """Read blocks `(run, time, field, *grid)`, as many at a time as memory holds."""
        if self.fits:
            if self._kept is None:
                self._kept = [self._read(runs) for runs in self.blocks]
            yield self._kept
            return
        order = range(len(self.blocks)) if rng is None else rng.permutation(len(self.blocks))
        group: list[slice] = []
        size = 0
        for index in order:
            runs = self.blocks[index]
            more = (runs.stop - runs.start) * self._bytes
            if group and size + more > self.memory:
                yield [self._read(part) for part in group]
                group, size = [], 0
            group.append(runs)
            size += more
        yield [self._read(part) for part in group]

    def _read(self, runs: slice) -> Tensor:
        return fields_of(self.dataset, runs, self.scale, self.dtype)


def fields_of(
    dataset: xr.Dataset, runs: slice = slice(None), scale: FieldScale | None = None, dtype=torch.float32
) -> Tensor:
    """Read fields `(run, time, field, *grid)` of some trajectories of a checked Dataset into memory."""
    values = torch.from_numpy(field_block(dataset, runs)).movedim(0, 2)
    if scale is not None:
        values = scale.apply(values, axis=2)
    return values.to(dtype).contiguous()


def _periodic(dataset: xr.Dataset, fields: Sequence[str] | None) -> xr.Dataset:
    dataset = validate_fields(dataset, fields)
    grid = field_grid(dataset)
    for axis, closes in zip(grid.axes, grid.periodic, strict=True):
        if not closes:
            raise ValueError(
                f"{axis!r} is not periodic, which Fourier layers assume: set its attribute period if it is, else "
                "extend the fields to periodic ones first"
            )
    return dataset


def _stacked(pairs: Sequence[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    return torch.stack([u for u, _ in pairs]), torch.stack([target for _, target in pairs])
