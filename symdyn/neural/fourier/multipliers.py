"""Spectral convolutions whose multipliers keep a symmetry of channels, of the grid, or of both.

Channels are laid out as (s, m, v): part s of space (an element of a finite group, or a component of a scalar and a
vector), copy m, component v of the values. With Q_q a basis of the matrices that commute with the values,

    M(k) = sum_q f_q(k) (x) Q_q.

The values are mixed by Q in the few modes themselves, so that the matrices of all modes act on (t, q, m): the layout
of weights, and smaller than those on (t, m, w).

Finite groups: on functions of the group M(k)_st = f(s^-1 k, s^-1 t), and every f gives one such M: nothing but shared
weights. Rotations: f_q(k) = sum_b c_bq(|k|) S_b(k / |k|), with S_b the matrix polynomials in i k that rotate with k.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from symdyn.neural.fourier.gridgroup import GridGroup
from symdyn.neural.fourier.spectral import GAIN, SpectralConvolution
from symdyn.neural.fourier.steerable import AngularBasis
from symdyn.neural.fourier.transforms import wavenumbers

__all__ = ["GroupConvolution", "SteerableConvolution", "ValuedConvolution", "balanced"]


def balanced(basis: np.ndarray) -> np.ndarray:
    """Scale matrices `(index, out, in)` so that random weights of unit variance give entries of unit variance."""
    norm = np.linalg.norm(basis)
    return basis * (np.sqrt(basis[0].size) / norm) if norm else basis


class ValuedConvolution(SpectralConvolution):
    """Multipliers sum_q f_q (x) Q_q, with `multiplier` giving f `(mode, t * q * m, s * m)`.

    Parameters
    ----------
    parts : int
        Of space.
    copies : int
    modes : sequence of int
    commuting : ndarray, `(index, n, n)`
        Basis Q of the matrices that commute with the values.
    """

    commuting: Tensor

    def __init__(self, parts: int, copies: int, modes: Sequence[int], commuting: np.ndarray):
        width = parts * copies * commuting.shape[-1]
        super().__init__(width, width, modes)
        self.parts, self.copies = parts, copies

    def columns(self, block: Tensor) -> Tensor:
        """Compute Q_q û of all q, `(mode, batch * v, t * q * m)`."""
        count, n = self.commuting.shape[:2]
        batch = len(block)
        block = block.reshape(batch * self.parts * self.copies, n, -1)
        if n > 1:
            mixing = self.commuting.flatten(0, 1).expand(len(block), -1, -1)
            mixed = torch.bmm(mixing, torch.view_as_real(block).flatten(2))
            block = torch.view_as_complex(mixed.unflatten(2, (-1, 2)))
        block = block.reshape(batch, self.parts, self.copies, count, n, -1)
        return block.permute(5, 0, 4, 1, 3, 2).flatten(3).flatten(1, 2)

    def rows(self, moved: Tensor, batch: int) -> Tensor:
        """Bring `(mode, batch * v, s * m)` back to `(batch, channel, mode)`."""
        moved = moved.reshape(len(moved), batch, self.commuting.shape[-1], self.parts, self.copies)
        return moved.permute(1, 3, 4, 2, 0).flatten(1, 3)

    def _joined(self, blocks: Tensor) -> Tensor:
        """Arrange blocks (q, a) -> b for each (s, t), `(mode, s * t * q * a * b)`, as matrices.

        These are `(mode, t * q * a, s * b)`: one copy, which costs less than a product with the blocks of each s by
        themselves.
        """
        blocks = blocks.reshape(len(blocks), self.parts, -1, self.copies)
        return blocks.transpose(1, 2).reshape(len(blocks), blocks.shape[2], -1)


class GroupConvolution(ValuedConvolution):
    """Multipliers of a finite group of the grid; for the group of one element, of values alone.

    Parameters
    ----------
    copies : int
    modes : sequence of int
    group : GridGroup
    commuting : ndarray, `(index, n, n)`
        Basis Q of the matrices that commute with the values.

    Raises
    ------
    ValueError
        For modes that the group does not map to themselves.
    """

    places: Tensor
    real: Tensor

    def __init__(self, copies: int, modes: Sequence[int], group: GridGroup, commuting: np.ndarray):
        super().__init__(len(group), copies, modes, commuting)
        shape = (len(commuting), math.prod(wavenumbers(self.modes).shape[:-1]), len(group), copies, copies, 2)
        self.weight = nn.Parameter(GAIN * torch.randn(shape) / math.sqrt(4 * self.in_channels))
        places, real = _shared_places(self.modes, group)
        self.set_tables(places=places, real=real, commuting=balanced(commuting))

    def multiplier(self) -> Tensor:
        """Place the shared weights in the matrices."""
        free = torch.view_as_complex(self.weight).permute(1, 2, 0, 3, 4)  # (k, r, q, a, b)
        if self.parts == 1:
            return free.flatten(0, 1).flatten(1, 2)
        free = free.flatten(2)
        free = torch.where(self.real[:, None, None], torch.complex(free.real, torch.zeros_like(free.real)), free)
        both = torch.cat([free, free.conj().resolve_conj()]).flatten(0, 1)
        return self._joined(both.index_select(0, self.places.flatten()).reshape(len(free), -1))


def _shared_places(modes: Sequence[int], group: GridGroup) -> tuple[np.ndarray, np.ndarray]:
    """Find where M(k)_st stands among the weights f(k', r) and their conjugates, `(mode, s, t)`.

    The second array says which f are real, `(mode,)`. Of k and −k, f(−k) = conj f(k), one is free: that whose last
    component that is not 0 is positive.
    """
    grid = wavenumbers(modes)
    waves, size = grid.reshape(-1, grid.shape[-1]), np.array([2 * m - 1 for m in modes])
    if len(group) > 1 and any(np.any(np.abs(r) @ np.array(modes) != modes) for r in group.matrices):
        raise ValueError(f"modes {tuple(modes)} must be equal on all axes: quarter turns exchange them")
    index = np.full(tuple(size), -1)
    index[tuple(np.moveaxis(waves % size, 1, 0))] = np.arange(len(waves))
    turned = np.einsum("sji,kj->ksi", group.matrices, waves)  # s^-1 k
    last = np.zeros(turned.shape[:2], dtype=int)
    for axis in range(turned.shape[2]):
        last = np.where(turned[..., axis] != 0, np.sign(turned[..., axis]), last)
    sign = np.where(last < 0, -1, 1)
    free = index[tuple(np.moveaxis((turned * sign[..., None]) % size, 2, 0))] + (sign < 0) * len(waves)
    return free[:, :, None] * len(group) + group.quotients[None], np.asarray(~waves.any(axis=1))


class SteerableConvolution(ValuedConvolution):
    """Multipliers that rotate with k, for channels that are scalars and vectors, times values.

    The radial functions are linear between integer |k| and vanish beyond the smallest of the modes, so the set of kept
    modes is as round as a grid allows. The symmetry is exact for the rotations that map the grid to itself; for others
    it holds as far as kernels are narrower than the period.

    Parameters
    ----------
    copies : int
    modes : sequence of int
    angular : AngularBasis
        The matrix polynomials S_b.
    commuting : ndarray, `(index, n, n)`
        Basis Q of the matrices that commute with the values.
    """

    radial: Tensor
    even: Tensor
    odd: Tensor

    def __init__(self, copies: int, modes: Sequence[int], angular: AngularBasis, commuting: np.ndarray):
        size = angular.shape[0]
        super().__init__(size, copies, modes, commuting)
        waves = wavenumbers(self.modes).reshape(-1, len(self.modes))
        lengths = np.linalg.norm(waves, axis=1)
        hats = np.maximum(1 - np.abs(lengths[:, None] - np.arange(min(self.modes))), 0)
        tables = {"radial": hats, "commuting": balanced(commuting)}
        for name, table in zip(("even", "odd"), angular.tables(waves), strict=True):
            tables[name] = table.reshape(len(waves), table.shape[1], size * size).transpose(0, 2, 1)
        shape = (1, tables["even"].shape[2] + tables["odd"].shape[2], len(commuting), copies, copies)
        # Smooth in |k| to begin with: rough multipliers are kernels as wide as the period, which no rotation keeps.
        decay = torch.exp(-((3 * torch.arange(hats.shape[1]) / hats.shape[1]) ** 2)).reshape(-1, 1, 1, 1, 1)
        self.weight = nn.Parameter(decay * torch.randn(shape) / math.sqrt(2 * self.in_channels))
        self.set_tables(**tables)

    def multiplier(self) -> Tensor:
        """Multiply radial weights by angular tables."""
        count = self.even.shape[2]
        spread = (self.radial @ self.weight.flatten(1)).reshape(len(self.radial), self.weight.shape[1], -1)
        parts = [self._joined(self.even @ spread[:, :count]), self._joined(self.odd @ spread[:, count:])]
        return torch.view_as_complex(torch.stack(parts, dim=-1))
