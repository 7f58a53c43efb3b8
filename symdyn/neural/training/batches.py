"""Batches for training: two tensors cut into pieces, or anything that can be iterated over in every epoch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from torch import Tensor

__all__ = ["Cut", "as_batches", "check_finite", "length", "there", "walk"]


class Cut:
    """Batches of two tensors, in an order that the epoch decides."""

    def __init__(self, u: Tensor, target: Tensor, batch: int, seed: int | None):
        self.u, self.target, self.batch, self.seed, self.epoch = u, target, batch, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of an epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        return -(-len(self.u) // self.batch)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        order = np.arange(len(self.u))
        if self.seed is not None:
            order = np.random.default_rng([self.seed, self.epoch]).permutation(len(self.u))
        for start in range(0, len(order), self.batch):
            chosen = torch.from_numpy(order[start : start + self.batch])
            yield self.u[chosen], self.target[chosen]


def as_batches(pairs, batch: int, seed: int | None, name: str) -> Iterable | None:
    """Cut two tensors into batches, in an order that the seed decides (as given for None); return an iterable as it is.

    Raises
    ------
    ValueError
        For an iterator, which one epoch would use up, tensors that do not fit together, and values that are not finite.
    """
    if pairs is None or not (isinstance(pairs, tuple | list) and len(pairs) == 2):
        if (pairs is None and name == "pairs") or isinstance(pairs, Iterator):
            raise ValueError(f"{name} must be two tensors, or an iterable that can be gone through every epoch")
        return pairs
    u, target = (torch.as_tensor(values) for values in pairs)
    if u.ndim < 2 or len(u) != len(target) or not len(u):
        raise ValueError(f"{name} must be as many inputs as targets, got {tuple(u.shape)} and {tuple(target.shape)}")
    check_finite(u, target)
    return Cut(u, target, batch, seed)


def check_finite(u: Tensor, target: Tensor) -> None:
    """Raise ValueError where inputs or targets hold NaN or infinity."""
    for name, values in (("u", u), ("target", target)):
        if values.is_floating_point() and not torch.isfinite(values).all():
            raise ValueError(f"{name} holds NaN or infinity: clean the data first")


def there(tensor: Tensor, device: torch.device, dtype: torch.dtype) -> Tensor:
    """Move a tensor to a device; to a GPU from pinned memory, while the processor goes on."""
    pinned = device.type == "cuda" and tensor.device.type == "cpu"
    if pinned:
        tensor = tensor.to(dtype).pin_memory()
    return tensor.to(device=device, dtype=dtype, non_blocking=pinned)


def walk(batches, epoch: int) -> Iterator:
    """Iterate over the batches of an epoch."""
    if hasattr(batches, "set_epoch"):
        batches.set_epoch(epoch)
    return iter(batches)


def length(batches) -> int:
    """Count the batches of an epoch; 0 if the number is unknown."""
    return len(batches) if hasattr(batches, "__len__") else 0
