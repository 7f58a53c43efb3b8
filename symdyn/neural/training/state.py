"""What a training needs to go on as if it had not been interrupted, in one safetensors file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from symdyn.neural.tensorfiles import read_tensors, write_tensors

__all__ = ["identity", "pack", "read_state", "restore", "write_state"]

_KEY = "training"
_Json = str | float | list | dict | None


def identity(module: nn.Module) -> dict[str, Any]:
    """Return what tells a module from another: its class, its config if it has one, and the shapes of its weights."""
    shapes = {name: list(value.shape) for name, value in module.state_dict().items()}
    config = getattr(module, "config", None)
    return {"class": type(module).__qualname__, "config": config() if callable(config) else None, "weights": shapes}


def pack(module: nn.Module, optimizer: torch.optim.Optimizer, best: dict[str, Tensor], generators) -> dict[str, Tensor]:
    """Pack tensors by name: weights, the best weights, the state of the optimizer, and that of random generators."""
    tensors = {f"module/{name}": value for name, value in module.state_dict().items()}
    tensors |= {f"best/{name}": value for name, value in best.items()}
    for index, entries in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer/{index}/{name}": torch.as_tensor(value) for name, value in entries.items()}
    tensors |= {f"random/{k}": generator.get_state() for k, generator in enumerate(generators)}
    # Clones, because tensors that share memory, as tied weights do, cannot be stored.
    return {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}


def restore(tensors: dict[str, Tensor], module: nn.Module, optimizer: torch.optim.Optimizer, generators):
    """Put the tensors of `pack` back; return the best weights."""
    groups: dict[str, dict[str, Tensor]] = {"module": {}, "best": {}, "optimizer": {}, "random": {}}
    for name, value in tensors.items():
        home, rest = name.split("/", 1)
        groups[home][rest] = value
    module.load_state_dict(groups["module"])
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in groups["optimizer"].items():
        index, entry = name.split("/", 1)
        state.setdefault(int(index), {})[entry] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    for k, generator in enumerate(generators):
        generator.set_state(groups["random"][str(k)])
    return groups["best"]


def write_state(path: Path, tensors: dict[str, Tensor], description: dict[str, Any]) -> None:
    """Write what `pack` gave, and how it came about."""
    write_tensors(path, tensors, _KEY, description)


def read_state(path: Path, expected: dict[str, Any]) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read tensors and description of a file; entries of `expected` must be as they were.

    Raises
    ------
    ValueError
        For other files, later formats, and a training of another config, naming what differs.
    """
    tensors, found = read_tensors(path, _KEY, "training: train did not write it")
    for name, value in json.loads(json.dumps(expected)).items():
        if found.get(name) != value:
            before, now = _differing(found.get(name), value)
            raise ValueError(
                f"{path} holds a training with {name} {_short(before)}, not {_short(now)}: give the same arguments, "
                "another checkpoint folder, or resume=False"
            )
    return tensors, found


def _differing(before: _Json, now: _Json) -> tuple[_Json, _Json]:
    """Pick the entries of two dicts that differ."""
    if not (isinstance(before, dict) and isinstance(now, dict)):
        return before, now
    names = [name for name in {**before, **now} if before.get(name) != now.get(name)]
    return {name: before.get(name) for name in names}, {name: now.get(name) for name in names}


def _short(value: _Json) -> str:
    text = json.dumps(value)
    return text if len(text) <= 80 else text[:77] + "..."
