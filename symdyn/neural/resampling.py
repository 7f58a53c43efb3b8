"""Periodic fields between grid points: their Fourier series, shifted or rotated (exact for band-limited fields)."""

from __future__ import annotations

from collections.abc import Sequence

import torch

__all__ = ["shifted", "turned"]


def shifted(fields: torch.Tensor, shift: torch.Tensor, period: float, axis: int) -> torch.Tensor:
    """Compute u(x − s) of fields u that are periodic along one axis.

    The Fourier coefficient of wave number k is multiplied by exp(−i k s). At the Nyquist frequency of an even grid,
    whose phase the grid cannot represent, the real part is taken.

    Parameters
    ----------
    fields : Tensor, `(batch, ..., x, ...)`, real
    shift : Tensor, of a shape that broadcasts with `fields`, of size 1 along the axis
        s, in the units of the period.
    period : float
    axis : int

    Raises
    ------
    ValueError
        For a period that is not positive, complex fields, and shifts that differ along the axis.

    Examples
    --------
    >>> import torch
    >>> from symdyn.neural import shifted
    >>> x = torch.arange(8) / 8 * 2 * torch.pi
    >>> moved = shifted(torch.sin(x), torch.tensor(0.1), period=2 * torch.pi, axis=0)
    >>> torch.allclose(moved, torch.sin(x - 0.1), atol=1e-6)  # off the grid
    True
    """
    if not period > 0 or fields.is_complex():
        raise ValueError(f"shifted takes real fields and a positive period, got {fields.dtype} and {period}")
    if shift.ndim and (shift.ndim != fields.ndim or shift.shape[axis] != 1):
        raise ValueError(f"shift must have one entry along the axis, got {tuple(shift.shape)}")
    size = fields.shape[axis]
    shape = [1] * fields.ndim
    shape[axis] = -1
    numbers = torch.arange(size // 2 + 1, dtype=fields.dtype, device=fields.device).reshape(shape)
    angle = -2 * torch.pi / period * numbers * shift.to(fields)
    phase = torch.polar(torch.ones_like(angle), angle)
    if size % 2 == 0:
        phase = torch.where(numbers == size // 2, phase.real.to(phase.dtype), phase)
    return torch.fft.irfft(torch.fft.rfft(fields, dim=axis) * phase, n=size, dim=axis)


def turned(
    fields: torch.Tensor, matrix: torch.Tensor, origin: Sequence[float], periods: Sequence[float]
) -> torch.Tensor:
    """Compute u(R^T x) of fields u(x) that are periodic in the plane, on the same grid.

    The result is exact where R maps the periodic box to itself (quarter turns and reflections of a square). Other
    rotations mix values near the edges with periodic images.

    Parameters
    ----------
    fields : Tensor, `(..., x, y)`, real
    matrix : Tensor, `(2, 2)`
        R, orthogonal: a rotation or a reflection about the point (0, 0).
    origin : sequence of float
        Coordinates of the first point of the grid.
    periods : sequence of float

    Examples
    --------
    >>> import torch
    >>> from symdyn.neural import turned
    >>> field = torch.zeros(4, 4)
    >>> field[1, 0] = 1.0  # at x = 1, y = 0
    >>> quarter = torch.tensor([[0.0, -1.0], [1.0, 0.0]])
    >>> moved = turned(field, quarter, origin=(0.0, 0.0), periods=(4.0, 4.0))
    >>> moved.round().nonzero().tolist()  # at x = 0, y = 1
    [[0, 1]]
    """
    sizes = fields.shape[-2:]
    axes = [
        start + period / size * torch.arange(size, dtype=torch.float64)
        for start, period, size in zip(origin, periods, sizes, strict=True)
    ]
    points = torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1).reshape(-1, 2) @ matrix.double().cpu()
    first, second = (_interpolation(points[:, k] - origin[k], sizes[k], periods[k]).to(fields) for k in range(2))
    flat = fields.reshape(-1, *sizes)
    values = torch.stack([torch.sum((first @ field) * second, dim=1) for field in flat])
    return values.reshape(fields.shape)


def _interpolation(places: torch.Tensor, size: int, period: float) -> torch.Tensor:
    """Compute the weights `(place, size)` of the values on a grid for the value of the Fourier series at places."""
    angle = torch.pi / period * (places[:, None] - period / size * torch.arange(size, dtype=torch.float64))
    angle = torch.remainder(angle + torch.pi / 2, torch.pi) - torch.pi / 2
    on_grid = angle.abs() < 1e-12
    safe = torch.where(on_grid, torch.ones_like(angle), angle)
    # The kernel of Dirichlet: on even grids the Nyquist frequency counts half, which makes a tangent of the sine.
    below = torch.sin(safe) if size % 2 else torch.tan(safe)
    return torch.where(on_grid, torch.ones_like(angle), torch.sin(size * safe) / (size * below))
