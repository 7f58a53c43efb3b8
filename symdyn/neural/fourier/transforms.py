"""Low Fourier modes of fields on periodic grids, and fields from them.

A layer keeps few modes. Where they are few, a product with the matrix of waves costs less than a fast transform of real
fields, whose derivative is a complex one of all modes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

__all__ = ["from_modes", "low_modes", "low_spectrum", "wavenumbers"]

# Modes of the last axis up to which the product is the faster one (two and three axes; on a line up to about 16).
_FEW = 32


def wavenumbers(modes: Sequence[int]) -> np.ndarray:
    """List the wavevectors kept, `(2 m_1 − 1, ..., m_d, d)`: |k_i| < m_i, the last not negative, in FFT order."""
    axes = [np.concatenate([np.arange(m), np.arange(1 - m, 0)]) for m in modes[:-1]]
    return np.stack(np.meshgrid(*axes, np.arange(modes[-1]), indexing="ij"), axis=-1)


def low_modes(spectrum: Tensor, modes: Sequence[int], first: int) -> Tensor:
    """Take the modes |k_i| < m_i of a half spectrum whose axes of space begin at `first`."""
    for axis, m in enumerate(modes[:-1], first):
        spectrum = _kept(spectrum, m, axis)
    axis = first + len(modes) - 1
    return spectrum.narrow(axis, 0, min(modes[-1], spectrum.shape[axis]))


def low_spectrum(u: Tensor, modes: Sequence[int]) -> Tensor:
    """Compute the means of u exp(−i k x) for the modes |k_i| < m_i of fields `(batch, channel, *grid)`.

    Axis by axis, so that later transforms work on the modes that earlier ones kept.
    """
    m = modes[-1]
    if m <= _FEW:
        table = torch.view_as_real(_waves(m, u.shape[-1], u).conj_physical() / u.shape[-1])
        found = torch.view_as_complex(_rows_times(u, table.transpose(0, 1).flatten(1)).unflatten(-1, (m, 2)))
    else:
        found = torch.fft.rfft(u, dim=-1, norm="forward").narrow(-1, 0, m)
    for axis in range(u.ndim - 2, 1, -1):
        found = _kept(torch.fft.fft(found, dim=axis, norm="forward"), modes[axis - 2], axis)
    return found


def from_modes(block: Tensor, modes: Sequence[int], grid: Sequence[int]) -> Tensor:
    """Build fields `(batch, channel, *grid)` with low modes alone: the inverse of `low_spectrum` on such fields."""
    for axis, (m, n) in enumerate(zip(modes[:-1], grid[:-1], strict=True), 2):
        shape = list(block.shape)
        shape[axis] = n - (2 * m - 1)
        parts = [block.narrow(axis, 0, m), block.new_zeros(shape), block.narrow(axis, m, m - 1)]
        block = torch.fft.ifft(torch.cat(parts, dim=axis), dim=axis, norm="forward")
    m, n = modes[-1], grid[-1]
    if m > _FEW:
        return torch.fft.irfft(block, n=n, dim=-1, norm="forward")
    # k and −k give a real field the same: Re sum_k c_k û_k exp(i k x) with c = 1 at k = 0, and 2 else.
    waves = _waves(m, n, block).conj_physical()
    table = torch.view_as_real(torch.cat([waves[:1], 2 * waves[1:]]))
    return _rows_times(torch.view_as_real(block).flatten(-2), table.transpose(1, 2).flatten(0, 1))


def _rows_times(u: Tensor, table: Tensor) -> Tensor:
    """Multiply the last axis of a tensor by a matrix, as a product of two matrices."""
    return (u.flatten(0, -2) @ table).unflatten(0, u.shape[:-1])


def _waves(m: int, n: int, like: Tensor) -> Tensor:
    """Compute exp(i k x) for 0 <= k < m on n points of a period `(k, n)`, as precise as `like` and on its device."""
    # Whole numbers are reduced before they become angles, which keeps all digits.
    place = torch.device("cpu") if like.device.type == "mps" else like.device  # which has no double precision
    turns = torch.outer(torch.arange(m, device=place), torch.arange(n, device=place)) % n
    angles = (2 * math.pi / n) * turns.double()
    waves = torch.polar(torch.ones_like(angles), angles).to(torch.promote_types(like.dtype, torch.complex32))
    return waves.to(like.device)


def _kept(spectrum: Tensor, m: int, axis: int) -> Tensor:
    """Keep the modes |k| < m of all along an axis."""
    last = spectrum.shape[axis]
    if last <= 2 * m - 1:
        return spectrum
    return torch.cat([spectrum.narrow(axis, 0, m), spectrum.narrow(axis, last - m + 1, m - 1)], dim=axis)
