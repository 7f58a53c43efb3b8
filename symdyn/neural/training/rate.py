"""Learning rates over the steps of a training, and the device it runs on."""

from __future__ import annotations

import math

import torch

__all__ = ["SCHEDULES", "chosen_device", "rate_share"]

SCHEDULES = ("cosine", "one_cycle", "constant")
# One cycle: share of the steps in which the rate rises, and the rate at the start, relative to the highest.
_RISE, _START = 0.3, 0.04


def rate_share(schedule, done) -> float:
    """Return the learning rate, relative to the highest, once a share of all steps is done."""
    if schedule == "constant":
        return 1.0
    if schedule == "one_cycle":
        if done < _RISE:
            return _START + (1 - _START) * (1 - math.cos(math.pi * done / _RISE)) / 2
        done = (done - _RISE) / (1 - _RISE)
    return (1 + math.cos(math.pi * done)) / 2


def chosen_device(name: str) -> torch.device:
    """Return the device of a name.

    Raises
    ------
    ValueError
        For devices that are not there.
    """
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ValueError(f"device must be cpu, cuda or cuda:number, got {name!r}") from error
    if device.type == "cuda" and not (torch.cuda.is_available() and (device.index or 0) < torch.cuda.device_count()):
        raise ValueError(f"device {name!r} is not there ({torch.cuda.device_count()} CUDA devices): take cpu")
    if device.type not in ("cpu", "cuda"):
        raise ValueError(f"device must be cpu or cuda, got {name!r}")
    return device
