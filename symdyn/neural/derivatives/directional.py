"""A network and its derivatives along several directions, each the cheapest way."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from symdyn.neural.autograd import Context, Function

__all__ = ["directional_derivatives", "value_and_derivative"]

# Up to here one Jacobian a sample costs less than a jvp a direction.
_SMALL = 30

# (c, a, b) of c + a b; None for c: nothing is added.
_Factors = tuple[Tensor | None, Tensor, Tensor]


def directional_derivatives(module: nn.Module, u: Tensor, directions: Tensor) -> tuple[Tensor, Tensor]:
    """Compute module(u) and DF(u) w for each direction w.

    Parameters
    ----------
    module : nn.Module
    u : Tensor, `(batch, ...)`
    directions : Tensor, `(direction, *u.shape)`

    Returns
    -------
    value : Tensor, `(batch, ...)`
    derivatives : Tensor, `(direction, *value.shape)`
    """
    if len(directions) > 1 and u.ndim == 2 and u.shape[1] <= _SMALL and len(directions) >= u.shape[1]:
        return _by_jacobian(module, u, directions)
    value, derivatives = None, []
    for direction in directions:
        value, along = value_and_derivative(module, u, direction)
        derivatives.append(along)
    assert value is not None  # an algebra has generators, see `as_generators`
    return value, torch.stack(derivatives)


def value_and_derivative(module: nn.Module, u: Tensor, direction: Tensor) -> tuple[Tensor, Tensor]:
    """Compute module(u) and DF(u) w, from one pass in forward mode."""
    with forward_ad.dual_level():
        with _OneTangent():
            found = module(forward_ad.make_dual(u, direction))
        value, along = forward_ad.unpack_dual(found)
    return value, torch.zeros_like(value) if along is None else along


class _OneTangent(TorchFunctionMode):
    """Products of weights, which do not move, with features, which do.

    Forward mode of torch takes a tangent that is not there for zeros, and multiplies by them: half as much work again.
    """

    def __torch_function__(self, func: Callable, types: Sequence[type], args: tuple = (), kwargs: dict | None = None):
        if func in _FACTORS and not kwargs:
            factors = _FACTORS[func](*args)
            if factors is not None and _moves(factors[1]) != _moves(factors[2]):
                return _Product.apply(*factors)
        return func(*args, **(kwargs or {}))


class _Product(Function):
    """c + a b for matrices, or batches of as many matrices."""

    @staticmethod
    def forward(c: Tensor | None, a: Tensor, b: Tensor) -> Tensor:
        if c is None:
            return torch.matmul(a, b)
        return torch.addmm(c, a, b) if a.ndim == 2 else torch.baddbmm(c, a, b)

    @staticmethod
    def setup_context(ctx: Context, inputs: _Factors, output: Tensor) -> None:
        c, a, b = inputs
        ctx.set_materialize_grads(False)
        ctx.offset = None if c is None else c.shape
        ctx.save_for_backward(a, b)
        ctx.save_for_forward(a, b)

    @staticmethod
    def backward(ctx: Context, g: Tensor | None) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        if g is None:
            return None, None, None
        a, b = ctx.saved_tensors
        c_needed, a_needed, b_needed = ctx.needs_input_grad
        offset = g.sum_to_size(ctx.offset) if c_needed else None
        return offset, g @ b.mH if a_needed else None, a.mH @ g if b_needed else None

    @staticmethod
    def jvp(ctx: Context, dc: Tensor | None, da: Tensor | None, db: Tensor | None) -> Tensor:
        a, b = ctx.saved_tensors
        if db is None:
            assert da is not None  # one of them moves, see _OneTangent
            moved = da @ b
        else:
            moved = a @ db
        return moved if dc is None else moved + dc


def _linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> _Factors | None:
    return (bias, x, weight.mT) if x.ndim == 2 else None


def _matrices(a: Tensor, b: Tensor) -> _Factors | None:
    return (None, a, b) if a.ndim == b.ndim in (2, 3) and a.shape[:-2] == b.shape[:-2] else None


def _added(c: Tensor, a: Tensor, b: Tensor) -> _Factors:
    return c, a, b


_FACTORS = {
    functional.linear: _linear,
    torch.bmm: _matrices,
    torch.mm: _matrices,
    torch.matmul: _matrices,
    Tensor.matmul: _matrices,
    Tensor.__matmul__: _matrices,
    torch.addmm: _added,
    torch.baddbmm: _added,
}


def _moves(x: Tensor) -> bool:
    return forward_ad.unpack_dual(x).tangent is not None


def _by_jacobian(module: nn.Module, u: Tensor, directions: Tensor) -> tuple[Tensor, Tensor]:
    """Take one forward derivative a state, of all samples at once."""
    columns = torch.eye(u.shape[1], dtype=u.dtype, device=u.device)[:, None].expand(-1, *u.shape)

    def along(column: Tensor) -> tuple[Tensor, Tensor]:
        value, moved = torch.func.jvp(module, (u,), (column,))  # type: ignore[misc]
        return moved, value

    jacobian, values = torch.func.vmap(along, randomness="same")(columns)
    return values[0], torch.einsum("kbi,ib...->kb...", directions, jacobian)
