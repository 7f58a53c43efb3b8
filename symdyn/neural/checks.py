"""Checks of arguments, made once, in public functions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

__all__ = [
    "check_callable",
    "check_count",
    "check_module",
    "check_tensor",
    "chosen_device",
    "counts",
    "numbers",
]

_DEVICES = ("cpu", "cuda", "mps")


def check_count(name: str, count, least: int = 1) -> None:
    """Raise ValueError unless `count` is a whole number of at least `least`."""
    if isinstance(count, bool) or not isinstance(count, int | np.integer) or count < least:
        raise ValueError(f"{name} must be a whole number of at least {least}, got {count!r}")


def counts(name: str, given) -> tuple:
    """Return a sequence that is not a string as a tuple; raise TypeError for anything else."""
    if isinstance(given, str) or not isinstance(given, Sequence | np.ndarray):
        raise TypeError(f"{name} must be a sequence, one entry each, got {given!r}")
    return tuple(given)


def numbers(name: str, given) -> np.ndarray:
    """Return an array of finite numbers; raise TypeError or ValueError for anything else."""
    if np.ma.is_masked(given):
        raise ValueError(f"{name} hold masked values: leave these samples out")
    if np.iscomplexobj(given):
        raise ValueError(f"{name} are complex: give real and imaginary parts as columns")
    try:
        found = np.require(given, dtype=float, requirements="W")
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be an array of numbers, got {given!r}") from None
    if not np.all(np.isfinite(found)):
        raise ValueError(f"{name} hold NaN or infinity")
    return found


def check_tensor(name: str, given) -> None:
    """Raise TypeError unless this is a tensor of real floating point numbers."""
    if not isinstance(given, Tensor):
        raise TypeError(f"{name} must be a tensor, got {type(given).__name__}; see torch.as_tensor")
    if not given.is_floating_point():
        raise TypeError(f"{name} must be real floating point numbers, got {given.dtype}; see Tensor.to")


def check_callable(module, name: str = "module") -> None:
    """Raise TypeError unless this can be called."""
    if not callable(module):
        raise TypeError(f"{name} must be an nn.Module or a function of tensors, got {type(module).__name__}")


def check_module(module, name: str = "module") -> None:
    """Raise TypeError unless this is an nn.Module."""
    if not isinstance(module, nn.Module):
        raise TypeError(f"{name} must be an nn.Module, got {type(module).__name__}")


def chosen_device(name) -> torch.device:
    """Return the device of a name; raise ValueError for one that is not available here, in one line."""
    try:
        device = torch.device(name)
    except (RuntimeError, TypeError):
        device = None
    if device is None or device.type not in _DEVICES:
        raise ValueError(f"device must be cpu, cuda, cuda:number or mps, got {name!r}")
    there = _available()
    # A device without a number is the first, or the current, one.
    if device.type not in there or (device.index or 0) >= there[device.type]:
        names = [f"{kind}:{k}" if count > 1 else kind for kind, count in there.items() for k in range(count)]
        raise ValueError(f"{name} is not available here: {_reason(device, there)}; devices: {', '.join(names)}")
    return device


def _available() -> dict[str, int]:
    """Count the devices of each kind that can be used."""
    found = {"cpu": 1}
    if torch.cuda.is_available():
        found["cuda"] = torch.cuda.device_count()
    if torch.backends.mps.is_available():
        found["mps"] = 1
    return found


def _reason(device: torch.device, there: dict[str, int]) -> str:
    if device.type in there:
        return f"there is no {device.type} device of number {device.index}"
    built = torch.backends.cuda.is_built() if device.type == "cuda" else torch.backends.mps.is_built()
    name = device.type.upper()
    return f"torch finds no {name} device" if built else f"this torch has no {name}"
