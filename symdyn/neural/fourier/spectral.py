"""Convolutions on periodic grids, by multipliers of low Fourier modes: û_out(k) = M(k) û_in(k).

Translations commute with any multiplier. Coefficients are means over the grid, so they do not depend on its resolution;
a coarser grid keeps the modes it can hold. Modes at the Nyquist wavenumber are never kept: there a wave and its mirror
image coincide.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Self

import numpy as np
import torch
from torch import Tensor, nn

from symdyn.neural.autograd import Context, Function, full_precision
from symdyn.neural.checks import check_tensor
from symdyn.neural.fourier.transforms import from_modes, low_modes, low_spectrum, wavenumbers

__all__ = [
    "DenseConvolution",
    "SpectralConvolution",
    "Tabled",
    "check_field",
    "checked_modes",
]


def checked_modes(modes: Sequence[int]) -> tuple[int, ...]:
    """Return the numbers of modes along each axis of space, as a tuple.

    Raises
    ------
    ValueError
        Unless they are one, two or three positive integers.
    """
    found = tuple(modes) if isinstance(modes, Sequence) else (modes,)
    whole = all(isinstance(m, int | np.integer) and not isinstance(m, bool) and m >= 1 for m in found)
    if not (1 <= len(found) <= 3 and whole):
        raise ValueError(f"modes must be 1, 2 or 3 positive whole numbers, one an axis of space, got {modes!r}")
    return tuple(int(m) for m in found)


class Tabled(nn.Module):
    """A module with tables that follow the dtype and device of its weights without a loss of digits.

    A buffer that went through single precision would keep its errors after `module.double()`, and a symmetry with it.
    """

    weight: nn.Parameter

    def set_tables(self, **tables: np.ndarray) -> None:
        """Store tables in double precision, and as buffers in the dtype of the weights."""
        self._tables = {name: np.asarray(table) for name, table in tables.items()}
        for name in tables:
            self.register_buffer(name, None, persistent=False)
        self._fill()

    def _fill(self) -> None:
        for name, table in self._tables.items():
            dtype = self.weight.dtype if np.issubdtype(table.dtype, np.floating) else None
            setattr(self, name, torch.tensor(table, dtype=dtype, device=self.weight.device))

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        super()._apply(fn, recurse)
        if "_tables" in self.__dict__:
            self._fill()
        return self


class _Packed(Function):
    """The same tensor, with a gradient packed in memory: batched products of others copy each matrix."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def setup_context(ctx: Context, inputs: tuple[Tensor], output: Tensor) -> None:
        pass

    @staticmethod
    def backward(ctx: Context, g: Tensor) -> Tensor:
        return g.contiguous()

    @staticmethod
    def jvp(ctx: Context, dx: Tensor) -> Tensor:
        return _Packed.apply(dx)


class SpectralConvolution(Tabled):
    """û_out(k) = M(k) û_in(k) for the modes |k_i| < m_i, 0 for all others.

    Subclasses define M. Parameters are real, with a last axis for real and imaginary parts where there are both:
    `module.double()` and optimisers then work as for any module.

    Parameters
    ----------
    in_channels, out_channels : int
    modes : sequence of int
        Modes along each axis of space, one to three axes.
    """

    def __init__(self, in_channels: int, out_channels: int, modes: Sequence[int]):
        super().__init__()
        self.in_channels, self.out_channels, self.modes = in_channels, out_channels, checked_modes(modes)

    def multiplier(self) -> Tensor:
        """Return M transposed, `(mode, in_channels, out_channels)`, complex."""
        raise NotImplementedError

    def columns(self, block: Tensor) -> Tensor:
        """Arrange `(batch, in_channels, mode)` for the multiplier to act from the right, `(mode, row, in_channels)`."""
        return block.permute(2, 0, 1)

    def rows(self, moved: Tensor, batch: int) -> Tensor:
        """Bring what the multiplier gives, `(mode, row, out_channels)`, to `(batch, out_channels, mode)`."""
        return moved.permute(1, 2, 0)

    @full_precision
    def forward(self, u: Tensor) -> Tensor:
        """Map fields `(batch, channel, *grid)` to fields on the same grid.

        Raises
        ------
        ValueError
            For a wrong number of channels or axes, or a dtype other than that of the weights.
        """
        check_field(u, self.in_channels, len(self.modes), next(self.parameters()).dtype)
        grid = u.shape[2:]
        kept = tuple(min(m, (n + 1) // 2) for m, n in zip(self.modes, grid, strict=True))
        block = low_spectrum(u, kept)
        weights = self.multiplier()
        if kept != self.modes:
            whole = (*(2 * m - 1 for m in self.modes[:-1]), self.modes[-1])
            weights = low_modes(weights.reshape(*whole, *weights.shape[1:]), kept, 0).flatten(0, len(kept) - 1)
        moved = torch.bmm(self.columns(block.flatten(2)).contiguous(), weights)
        moved = self.rows(_Packed.apply(moved), len(u))
        block = moved.reshape(len(u), self.out_channels, *block.shape[2:])
        return from_modes(block, kept, grid)


# Of multipliers as they are drawn, beside the pointwise part of a layer: kernels drawn at full size are as rough and as
# wide as the period, and operators that begin with them err by half more.
GAIN = 0.1


class DenseConvolution(SpectralConvolution):
    """The plain layer: any complex matrix for each mode."""

    def __init__(self, in_channels: int, out_channels: int, modes: Sequence[int]):
        super().__init__(in_channels, out_channels, modes)
        count = math.prod(wavenumbers(self.modes).shape[:-1])
        weight = torch.randn(count, in_channels, out_channels, 2) / math.sqrt(4 * in_channels)
        self.weight = nn.Parameter(GAIN * weight)

    def multiplier(self) -> Tensor:
        """Return the weights themselves."""
        return torch.view_as_complex(self.weight)


def check_field(u: Tensor, channels: int, n_axes: int, dtype: torch.dtype) -> None:
    """Raise ValueError unless u is `(batch, channel, *grid)` with these channels, axes and dtype."""
    check_tensor("u", u)
    if u.ndim != 2 + n_axes:
        raise ValueError(f"a field has shape (batch, channel, *grid) with {n_axes} axes of space, got {tuple(u.shape)}")
    if u.shape[1] != channels:
        raise ValueError(f"the field has {u.shape[1]} channels, this module takes {channels}")
    if u.dtype != dtype:
        raise ValueError(
            f"the field is {u.dtype}, the weights are {dtype}: convert one of them, such as module.double()"
        )
