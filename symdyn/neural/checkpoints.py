"""Modules to and from files: weights as safetensors, with the config that rebuilds the module as JSON; no pickles."""

from __future__ import annotations

import importlib
import json
import os
from pathlib import Path
from typing import Any

import torch
from torch import nn

from symdyn.neural.checks import check_module
from symdyn.neural.tensorfiles import read_tensors, write_tensors

__all__ = ["load_module", "save_module"]

_KEY = "symdyn"
_HOME = "symdyn.neural."
_MOVED = {  # modules, since files of 0.1.0 were written
    "symdyn.neural.constraint": "symdyn.neural.constrained_module",
    "symdyn.neural.kernels": "symdyn.neural.fourier.kernels",
    "symdyn.neural.penalty": "symdyn.neural.derivatives.penalty",
}


def save_module(module: nn.Module, path) -> None:
    """Write weights and config of a module to one safetensors file.

    A file of that name is replaced only once the new one is whole.

    Parameters
    ----------
    module : nn.Module
        A module with `config()` and `from_config` is rebuilt by `load_module`; any other needs a module to load into.
    path : path-like

    Raises
    ------
    ValueError
        For weights that are not finite.

    Examples
    --------
    >>> import torch
    >>> import symdyn as sd
    >>> from symdyn.neural import EquivariantMLP, load_module, save_module
    >>> so2, x = sd.candidates.so(2), torch.randn(5, 2)
    >>> network = EquivariantMLP(so2, so2, [8])
    >>> save_module(network, "network.safetensors")
    >>> torch.equal(load_module("network.safetensors")(x), network(x))
    True
    """
    check_module(module)
    state = {name: value.detach().cpu().contiguous().clone() for name, value in module.state_dict().items()}
    for name, value in state.items():
        if value.is_floating_point() and not torch.isfinite(value).all():
            raise ValueError(f"module holds NaN or infinity in {name}: keep the last good checkpoint")
    target = Path(path)
    if not target.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {target.parent} to write {target.name} to")
    write_tensors(target, state, _KEY, _description(module))


def load_module(path, module: nn.Module | None = None) -> nn.Module:
    """Load the module of a file, built from its config, or its weights into a given module.

    Parameters
    ----------
    path : path-like
    module : nn.Module, optional
        Load into this one, which must have the config of the file. Its dtype and device stay; without it, those of the
        file's weights, on the CPU.

    Raises
    ------
    ValueError
        For files of another kind or of a later format, for a config or weights that do not match (the message names
        what differs), and for files without a config if no module is given.

    Examples
    --------
    >>> import torch
    >>> from symdyn.neural import FNO, load_module, save_module
    >>> save_module(FNO(1, 1, modes=(8,), width=8, layers=2), "operator.safetensors")
    >>> operator = load_module("operator.safetensors")
    >>> type(operator).__name__, operator.modes, operator(torch.zeros(1, 1, 64)).shape
    ('FNO', (8,), torch.Size([1, 1, 64]))
    """
    state, description = read_tensors(Path(path), _KEY, "weights with a config of symdyn: save_module did not write it")
    home, _, name = description["class"].partition(":")
    description["class"] = f"{_MOVED.get(home, home)}:{name}"
    if module is None:
        module = _built(description, path)
        # Of the parameters: tables may be kept in another dtype.
        kinds = [state[name].dtype for name, _ in module.named_parameters() if name in state]
        module = module.to(next((kind for kind in kinds if kind.is_floating_point), None))
    else:
        check_module(module)
        differing = _differences(description, _description(module))
        if differing:
            raise ValueError(f"{path} holds a module of another config: {'; '.join(differing)}")
    try:
        module.load_state_dict(state)
    except RuntimeError as error:
        raise ValueError(f"the weights in {path} do not fit the module: {error}") from error
    return module


def _description(module: nn.Module) -> dict[str, Any]:
    kind = f"{type(module).__module__}:{type(module).__qualname__}"
    describe = getattr(module, "config", None) if hasattr(module, "from_config") else None
    # Through JSON and back, so that tuples and lists compare equal.
    return json.loads(json.dumps({"class": kind, "config": None if describe is None else describe()}))


def _built(description: dict[str, Any], path: str | os.PathLike[str]) -> nn.Module:
    home, name = description["class"].split(":")
    if description["config"] is None:
        raise ValueError(f"{path} holds a {name}, which has no config: give the module to load into")
    # A file must not choose what is imported: modules of this package only.
    if not home.startswith(_HOME):
        raise ValueError(f"{path} holds a {home}.{name}, which is not of symdyn.neural: give the module to load into")
    try:
        return getattr(importlib.import_module(home), name).from_config(description["config"])
    except (AttributeError, ImportError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path} holds a {home}.{name} of a config that this version cannot read: {error!r}"
        ) from error


def _differences(saved: dict[str, Any], given: dict[str, Any]) -> list[str]:
    if saved["class"] != given["class"]:
        return [f"it is a {saved['class'].split(':')[1]}, the module given a {given['class'].split(':')[1]}"]
    old, new = saved["config"] or {}, given["config"] or {}
    names = sorted(set(old) | set(new))
    return [
        f"{name} is {_short(old.get(name))}, not {_short(new.get(name))}"
        for name in names
        if old.get(name) != new.get(name)
    ]


def _short(value: str | float | list | dict | None) -> str:
    text = json.dumps(value)
    return text if len(text) <= 80 else text[:77] + "..."
