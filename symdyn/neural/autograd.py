"""Torch functions with hand-written derivatives, typed as torch calls them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.autograd.function import FunctionCtx

__all__ = ["Context", "Function"]

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
