"""Tensors with a description in JSON, in one safetensors file: the format of all checkpoints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

__all__ = ["read_tensors", "write_tensors"]

_FORMAT = 1


def write_tensors(path: Path, tensors: dict[str, Tensor], key: str, description: dict[str, Any]) -> None:
    """Write tensors and description; a file of that name is replaced only once the new one is whole."""
    partial = path.with_name(path.name + ".partial")
    save_file(tensors, str(partial), metadata={key: json.dumps({"format": _FORMAT, **description})})
    partial.replace(path)


def read_tensors(path: Path, key: str, what: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read tensors and description.

    Raises
    ------
    FileNotFoundError, ValueError
        Without such a file, for other files (which do not hold `what`), and for later formats.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    try:
        with safe_open(str(path), framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}
    except SafetensorError as error:
        raise ValueError(f"{path} is no safetensors file, or is cut short: {error}") from error
    if key not in metadata:
        raise ValueError(f"{path} holds no {what}")
    description = json.loads(metadata[key])
    if description["format"] > _FORMAT:
        raise ValueError(
            f"{path} has format {description['format']}, this version reads up to {_FORMAT}: update symdyn"
        )
    return tensors, description
