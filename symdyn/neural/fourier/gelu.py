"""GELU with a tangent whose own derivative is a formula.

The derivative of a network along a direction, and the gradient of that by the weights, take gelu'(x) dx and its
derivatives; what torch records for them writes fields of the size of x some twenty times.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from symdyn.neural.autograd import Context, Function

__all__ = ["gelu", "gelu_tangent"]


def gelu(x: Tensor) -> Tensor:
    """Compute x Phi(x), Phi the distribution function of the normal distribution."""
    return functional.gelu(x) if torch.compiler.is_compiling() else _Gelu.apply(x)


def gelu_tangent(dx: Tensor, x: Tensor) -> Tensor:
    """Compute gelu'(x) dx."""
    return _Tangent.apply(dx, x)


class _Gelu(Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        return functional.gelu(x)

    @staticmethod
    def setup_context(ctx: Context, inputs: tuple[Tensor], output: Tensor) -> None:
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    @staticmethod
    def backward(ctx: Context, g: Tensor) -> Tensor:
        return torch.ops.aten.gelu_backward(g, *ctx.saved_tensors)

    @staticmethod
    def jvp(ctx: Context, dx: Tensor) -> Tensor:
        return gelu_tangent(dx, *ctx.saved_tensors)


class _Tangent(Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(dx: Tensor, x: Tensor) -> Tensor:
        return torch.ops.aten.gelu_backward(dx, x)

    @staticmethod
    def setup_context(ctx: Context, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    @staticmethod
    def backward(ctx: Context, g: Tensor) -> tuple[Tensor | None, Tensor | None]:
        dx, x = ctx.saved_tensors
        first, second = ctx.needs_input_grad
        return torch.ops.aten.gelu_backward(g, x) if first else None, g * dx * _curvature(x) if second else None

    @staticmethod
    def jvp(ctx: Context, ddx: Tensor | None, dx_of_x: Tensor | None) -> Tensor | None:
        dx, x = ctx.saved_tensors
        moved = None if ddx is None else torch.ops.aten.gelu_backward(ddx, x)
        if dx_of_x is None:
            return moved
        bent = dx * dx_of_x * _curvature(x)
        return bent if moved is None else moved + bent


def _curvature(x: Tensor) -> Tensor:
    """Compute gelu''(x) = (2 − x^2) phi(x), phi the density of the normal distribution."""
    density = x.square().mul_(-0.5).exp_()
    return x.square().neg_().add_(2.0).mul_(1 / math.sqrt(2 * math.pi)) * density
