"""Laws and generators as torch modules: `to_torch`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from symdyn.functions.features import Features, Monomials, Polynomial, Sum, polynomial_exponents
from symdyn.lie.vectorfields import Generators, VectorField
from symdyn.neural.autograd import Context, Function, full_precision

if TYPE_CHECKING:
    from torch._functorch.autograd_function import VmapInfo

__all__ = ["FeatureModule", "FieldModule", "to_torch"]


def to_torch(field: VectorField | Generators) -> FieldModule:
    """Turn a law or generator x -> W theta(x) into a module of points `(..., state)`.

    Polynomials are computed by torch and can be differentiated any number of times. Other features are computed by
    numpy, with their exact Jacobians: on the CPU, and differentiated once.

    Parameters
    ----------
    field : VectorField or Generators
        For several generators the module returns `(..., state, generator)`.

    Returns
    -------
    FieldModule
        Its coefficients, in float64 until `.to(dtype)`, are a parameter, to be fitted or frozen.

    Raises
    ------
    TypeError
        For anything else.

    Examples
    --------
    >>> import torch
    >>> import symdyn as sd
    >>> from symdyn.neural import to_torch
    >>> law = to_torch(sd.systems.exact_law("hopf"))
    >>> point = torch.tensor([1.0, 0.0], dtype=torch.float64)
    >>> law(point).tolist()
    [-0.5, 1.3]
    >>> torch.func.jacrev(law)(point).tolist()  # the Jacobian
    [[-2.5, -1.3], [1.3, -0.5]]
    """
    if not isinstance(field, VectorField | Generators):
        raise TypeError(f"to_torch takes a VectorField or Generators, got {type(field).__name__}")
    coefficients = np.array(field.coefficients, dtype=float)
    if isinstance(field, Generators):
        coefficients = np.moveaxis(coefficients, 0, 1)
    return FieldModule(field.features, coefficients, len(field.states))


class FieldModule(nn.Module):
    """W theta(x) with W `(output, feature)` or `(state, generator, feature)`."""

    def __init__(self, features: Features, coefficients: np.ndarray, n_states: int):
        super().__init__()
        self.features = FeatureModule(features, n_states)
        self.coefficients = nn.Parameter(torch.from_numpy(np.ascontiguousarray(coefficients)))

    @full_precision
    def forward(self, points: Tensor) -> Tensor:
        """Compute the values at points `(..., state)`."""
        values = self.features(points)
        return torch.tensordot(values, self.coefficients.to(values.dtype), dims=([-1], [-1]))


class FeatureModule(nn.Module):
    """theta(x) `(..., feature)` at points `(..., state)`.

    Raises
    ------
    ValueError
        When called with points of another number of states.
    """

    def __init__(self, features: Features, n_states: int):
        super().__init__()
        self.n_states = n_states
        parts = features.parts if isinstance(features, Sum) else (features,)
        self.parts = nn.ModuleList([_part(part, n_states) for part in parts])

    def forward(self, points: Tensor) -> Tensor:
        """Compute the values `(..., feature)`."""
        if points.shape[-1] != self.n_states:
            raise ValueError(f"points must have {self.n_states} states last, got shape {tuple(points.shape)}")
        return torch.cat([part(points) for part in self.parts], dim=-1)


class _Powers(nn.Module):
    """Monomials, each as a product of powers that are products themselves: no 0^0, and smooth in all orders."""

    exponents: Tensor

    def __init__(self, exponents: np.ndarray, columns: Sequence[int] | None):
        super().__init__()
        self.highest = int(exponents.max(initial=0))
        self.register_buffer("exponents", torch.from_numpy(np.array(exponents, dtype=np.int64)), persistent=False)
        self.columns = None if columns is None else list(columns)

    def forward(self, points: Tensor) -> Tensor:
        read = points if self.columns is None else points[..., self.columns]
        powers = [torch.ones_like(read)]
        for _ in range(self.highest):
            powers.append(powers[-1] * read)
        table = torch.stack(powers, dim=-1)  # (..., state, power)
        chosen = [table[..., i, self.exponents[:, i]] for i in range(read.shape[-1])]
        product = chosen[0]
        for factor in chosen[1:]:
            product = product * factor
        return product


class _Numeric(nn.Module):
    """Features computed by numpy."""

    def __init__(self, features: Features):
        super().__init__()
        self.features = features

    def forward(self, points: Tensor) -> Tensor:
        flat = points.reshape(-1, points.shape[-1])
        values, _ = _Evaluate.apply(flat, self.features)
        return values.reshape(*points.shape[:-1], -1)


class _Evaluate(Function):
    """Values and Jacobians of numpy features; derivatives of values only, once."""

    @staticmethod
    def forward(points: Tensor, features: Features) -> tuple[Tensor, Tensor]:
        array = points.detach().cpu().numpy().astype(float)
        found = (features(array), features.jacobian(array))
        values, jacobian = (torch.from_numpy(np.ascontiguousarray(a)).to(points) for a in found)
        return values, jacobian

    @staticmethod
    def setup_context(ctx: Context, inputs: tuple[Tensor, Features], output: tuple[Tensor, Tensor]) -> None:
        ctx.mark_non_differentiable(output[1])
        ctx.save_for_backward(output[1])
        ctx.save_for_forward(output[1])

    @staticmethod
    @once_differentiable
    def backward(ctx: Context, gradient: Tensor, _: Tensor | None) -> tuple[Tensor, None]:
        (jacobian,) = ctx.saved_tensors
        return torch.einsum("sf,sfi->si", gradient, jacobian), None

    @staticmethod
    def jvp(ctx: Context, tangent: Tensor, _: None) -> tuple[Tensor, None]:
        (jacobian,) = ctx.saved_tensors
        return torch.einsum("sfi,si->sf", jacobian, tangent), None

    @staticmethod
    def vmap(
        info: VmapInfo, in_dims: tuple[int, None], points: Tensor, features: Features
    ) -> tuple[tuple[Tensor, Tensor], tuple[int, int]]:
        size = info.batch_size
        moved = points.movedim(in_dims[0], 0)
        flat = moved.reshape(-1, moved.shape[-1])
        values, jacobian = _Evaluate.apply(flat, features)
        return (values.reshape(size, -1, values.shape[-1]), jacobian.reshape(size, -1, *jacobian.shape[1:])), (0, 0)


def _part(features: Features, n_states: int) -> nn.Module:
    if isinstance(features, Monomials):
        return _Powers(np.array(features.exponents), None)
    if isinstance(features, Polynomial):
        n_read = n_states if features.columns is None else len(features.columns)
        return _Powers(polynomial_exponents(n_read, features.degree, features.constant), features.columns)
    return _Numeric(features)
