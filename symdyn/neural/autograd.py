"""Torch functions with hand-written derivatives, typed as torch calls them, and what autocast must leave alone."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

import torch
from torch.autograd.function import FunctionCtx

__all__ = ["Context", "Function", "full_precision"]

_LOW = (torch.bfloat16, torch.float16)

if TYPE_CHECKING:

    class Function(torch.autograd.Function):
        """torch declares these for any arguments, and calls them with those of `forward`."""

        apply: Any
        backward: Any
        jvp: Any
        vmap: Any

    class Context(FunctionCtx):
        """torch's own declaration leaves out what its compiled part sets, and what a function keeps."""

        saved_tensors: tuple[torch.Tensor, ...]
        needs_input_grad: tuple[bool, ...]

        def __getattr__(self, name: str) -> Any: ...
        def __setattr__(self, name: str, value: Any) -> None: ...

else:
    Context, Function = FunctionCtx, torch.autograd.Function


def full_precision(function: Callable) -> Callable:
    """Run a function outside autocast, on tensors of at least single precision.

    Transforms and the action of a group lose a symmetry in half precision; products of weights and features do not.
    """

    @wraps(function)
    def run(*args):
        kinds = {part.device.type for part in args if isinstance(part, torch.Tensor)} or {"cpu", "cuda"}
        kinds = [kind for kind in kinds if kind != "meta" and torch.is_autocast_enabled(kind)]
        if not kinds:
            return function(*args)
        wide = [part.float() if isinstance(part, torch.Tensor) and part.dtype in _LOW else part for part in args]
        with torch.autocast(kinds[0], enabled=False):
            return function(*wide)

    return run
