"""Linear maps that act at each point of a field, and commute with representations.

Channels are laid out as (s, m, v): part of space, copy, component of the values; see `multipliers` in this package.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from symdyn.neural.autograd import full_precision
from symdyn.neural.fourier.multipliers import balanced
from symdyn.neural.fourier.spectral import Tabled
from symdyn.neural.representations import Representation, equivariant_matrices, invariant_vectors

__all__ = ["EquivariantPointwise", "Pointwise"]


class Pointwise(Tabled):
    """u(x) -> W u(x) + b, the plain one.

    Parameters
    ----------
    in_channels, out_channels : int
    """

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels) / math.sqrt(2 * in_channels))
        self.bias = nn.Parameter(torch.zeros(out_channels))

    def matrices(self) -> tuple[Tensor, Tensor | None]:
        """Return W `(out, in)` and b `(out,)`."""
        return self.weight, self.bias

    def forward(self, u: Tensor) -> Tensor:
        """Map fields `(batch, channel, *grid)`."""
        weight, bias = self.matrices()
        # A product for each sample: one with all of them at once would copy the field to another layout.
        each, columns = weight.expand(len(u), -1, -1), u.flatten(2)
        moved = torch.bmm(each, columns) if bias is None else torch.baddbmm(bias[:, None], each, columns)
        return moved.unflatten(2, u.shape[2:])


class EquivariantPointwise(Pointwise):
    """u(x) -> W u(x) + b with W rep_in = rep_out W, and b invariant, for copies of both representations.

    Parameters
    ----------
    rep_in, rep_out : Representation
        The representations of one copy: parts of space times values.
    parts : tuple of int
        Number of parts of space in each.
    copies : tuple of int
        Number of copies of each.
    """

    basis: Tensor
    offsets: Tensor

    def __init__(self, rep_in: Representation, rep_out: Representation, parts: Sequence[int], copies: Sequence[int]):
        Tabled.__init__(self)
        allowed = equivariant_matrices(rep_in, rep_out)
        sizes = (parts[1], rep_out.dim // parts[1], parts[0], rep_in.dim // parts[0])
        basis = balanced(allowed.basis.T.reshape(allowed.dim, *allowed.shape)).reshape(allowed.dim, *sizes)
        offsets = invariant_vectors(rep_out).T
        offsets = offsets.reshape(len(offsets), *sizes[:2])
        weight = torch.randn(len(basis), copies[1], copies[0]) / math.sqrt(2 * copies[0] * rep_in.dim)
        self.weight = nn.Parameter(weight)
        self.bias = nn.Parameter(torch.zeros(len(offsets), copies[1]))
        self.set_tables(basis=basis, offsets=offsets)

    @full_precision
    def matrices(self) -> tuple[Tensor, Tensor | None]:
        """Return W `(out, in)` and b `(out,)`, in the spaces that the symmetry allows; None where b must be 0."""
        copies, sizes = self.weight.shape[1:], self.basis.shape[1:]
        # One product, and one change of layout from (s, v, t, w, m, n) to (s, m, v, t, n, w).
        free = (self.basis.flatten(1).T @ self.weight.flatten(1)).reshape(*sizes, *copies)
        weight = free.permute(0, 4, 1, 2, 5, 3).reshape(sizes[0] * copies[0] * sizes[1], -1)
        if not len(self.bias):
            return weight, None
        offsets = (self.offsets.flatten(1).T @ self.bias).reshape(*sizes[:2], copies[0])
        return weight, offsets.transpose(1, 2).reshape(-1)
