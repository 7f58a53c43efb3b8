"""Points in jet space that look like the data: smooth fields near the data, with exact derivatives.

Noise is spread over all Fourier coefficients of a field (cosine series in time), a smooth field over few: coefficients
that stand out from the noise are kept. What is left is a smooth field with exact derivatives; derivatives along space
at one time are free for any equation of evolution, so every such snapshot is the start of a clean solution of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from scipy import fft

from symdyn.data.grids import FieldGrid

__all__ = ["JetPoints", "jet_points", "smoothed"]

_ABOVE = 4.0  # standard deviations of the noise of a coefficient
_BEYOND = 0.1  # of the power of the noise, or
_FINE = 1e-6  # of that of the field: what lies beyond the highest wave number that is kept
_POINTS = {1: 101, 2: 7}  # of a window, along each axis
_POWER = 8  # of the bump: high derivatives of what is short must average out
_RUNS = 24
_EDGE = 0.15  # of an axis that is not periodic, at each end, over which fields are faded out


@dataclass(frozen=True)
class JetPoints:
    """Places of the data and derivatives of smoothed fields there.

    `coordinates` `(row, point, coordinate)` and `jets` `(row, point, order, field)`; the points of a row fill a window
    along space at one time, over which `weights` `(point,)`, of sum 1, average.
    """

    coordinates: np.ndarray
    jets: np.ndarray
    weights: np.ndarray


def jet_points(
    values: np.ndarray,
    noise: np.ndarray,
    grid: FieldGrid,
    orders: Sequence[tuple[int, ...]],
    halves: Sequence[float],
    *,
    n_rows: int,
    rng: np.random.Generator,
) -> JetPoints:
    """Draw smooth fields near the data in windows at random places.

    Parameters
    ----------
    values : ndarray, `(field, run, time, x[, y])`
    noise : ndarray, `(field, run)`
    grid : FieldGrid
    orders : sequence of tuple `(time, x[, y])`
        Derivatives that are asked for.
    halves : sequence of float
        Half the width of windows along each axis of space.
    n_rows : int
    rng : numpy Generator
    """
    space = tuple(range(-len(grid.axes), 0))
    runs = np.arange(values.shape[1])[:_RUNS]
    n_slices = max(min(-(-n_rows // (2 * len(runs))), grid.shape[0] // 3), 1)
    per_slice = -(-n_rows // (len(runs) * n_slices))
    offsets, weights = _window(grid, halves)
    fading = _fading(grid)
    taper = reduce(np.multiply.outer, fading)
    centers = [_centers(w, o) for w, o in zip(fading, offsets, strict=True)]
    places, found = [], []
    # The same places in all runs: the points are then the same ones in whatever order the runs come.
    times = rng.choice(_inner(grid.shape[0]), n_slices, replace=False)
    where = [
        (rng.choice(c, (n_slices, per_slice, 1)) + o) % n
        for c, o, n in zip(centers, offsets, grid.shape[1:], strict=True)
    ]
    for run in runs:
        spectrum = _denoised(values[:, run] * taper, noise[:, run], space)
        jets = np.stack([_at(spectrum, order, grid, times, where, space) for order in orders], axis=-2)
        here = [np.broadcast_to(grid.grids[0][times][:, None, None], where[0].shape)]
        here += [axis[w] for axis, w in zip(grid.grids[1:], where, strict=True)]
        places.append(np.stack(here, axis=-1).reshape(-1, len(weights), len(here)))
        found.append(jets.reshape(-1, len(weights), *jets.shape[3:]))
    return JetPoints(np.concatenate(places), np.concatenate(found), weights)


def smoothed(values: np.ndarray, noise: np.ndarray, grid: FieldGrid, index: int) -> np.ndarray:
    """Return the smooth field `(field, x[, y])` near one trajectory `(field, time, x[, y])` at one time."""
    space = tuple(range(-len(grid.axes), 0))
    spectrum = _denoised(values, noise, space)
    n = grid.shape[0]
    scale = np.where(np.arange(n) == 0, np.sqrt(1 / n), np.sqrt(2 / n))
    slices = np.cos(np.pi * np.arange(n) * (2 * index + 1) / (2 * n)) * scale
    return np.real(np.asarray(fft.ifftn(np.tensordot(slices, spectrum, (0, 1)), axes=space, norm="ortho")))


def _window(grid: FieldGrid, halves: Sequence[float]) -> tuple[list[np.ndarray], np.ndarray]:
    """Return offsets `(point,)` along each axis, and weights `(point,)`, of the points of a window."""
    most = _POINTS[len(halves)]
    along, bumps = [], []
    for half, step, n in zip(halves, grid.steps[1:], grid.shape[1:], strict=True):
        reach = max(min(int(half / step), n // 4), 1)
        offsets = np.unique(np.round(np.linspace(-reach, reach, min(2 * reach + 1, most))).astype(int))
        along.append(offsets)
        bumps.append((1 - (offsets / (reach + 1)) ** 2) ** _POWER)
    weights = reduce(np.multiply.outer, bumps).ravel()
    return [mesh.ravel() for mesh in np.meshgrid(*along, indexing="ij")], weights / weights.sum()


def _centers(fading: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Find where windows may be centred: everywhere on an axis that closes, else where nothing is faded out."""
    inside = np.flatnonzero(fading == 1.0)
    if len(inside) == len(fading):
        return inside
    kept = inside[(inside + offsets.min() >= inside[0]) & (inside + offsets.max() <= inside[-1])]
    return kept if len(kept) else inside[[len(inside) // 2]]


def _denoised(values: np.ndarray, noise: np.ndarray, space: tuple[int, ...]) -> np.ndarray:
    """Keep coefficients `(field, frequency, wave numbers...)` that stand out from the noise, none finer than it."""
    spectrum = np.asarray(fft.fftn(fft.dct(values, axis=1, norm="ortho"), axes=space, norm="ortho"))
    level = _ABOVE * noise.reshape(-1, *[1] * (values.ndim - 1))
    spectrum = np.where(np.abs(spectrum) > level, spectrum, 0.0)
    power = np.abs(spectrum) ** 2
    for axis in space:
        rest = tuple(k for k in range(1, values.ndim) if k != values.ndim + axis)
        size = values.shape[axis]
        wave = np.minimum(np.arange(size), size - np.arange(size))
        along = power.sum(axis=rest)  # field, wave number
        beyond = np.stack([along[:, wave >= k].sum(axis=1) for k in range(size // 2 + 1)], axis=1)
        allowed = np.maximum(_BEYOND * noise**2 * values[0].size, _FINE * along.sum(axis=1))
        cut = np.argmax(beyond <= allowed[:, None], axis=1)
        kept = wave < np.maximum(cut, 2)[:, None]
        spectrum = spectrum * kept.reshape(
            len(values), *[size if k == values.ndim + axis else 1 for k in range(1, values.ndim)]
        )
    return spectrum


def _at(
    spectrum: np.ndarray,
    order: tuple[int, ...],
    grid: FieldGrid,
    times: np.ndarray,
    where: list[np.ndarray],
    space: tuple[int, ...],
) -> np.ndarray:
    """Compute one derivative of each field `(slice, window, point, field)`."""
    n = grid.shape[0]
    rates = np.pi * np.arange(n) / (n * grid.steps[0])
    angles = np.pi * np.arange(n) * (2 * times[:, None] + 1) / (2 * n)
    scale = np.where(np.arange(n) == 0, np.sqrt(1 / n), np.sqrt(2 / n))
    slices = np.cos(angles + order[0] * np.pi / 2) * rates ** order[0] * scale
    states = np.tensordot(slices, spectrum, (1, 1))  # slice, field, wave numbers
    for axis, (size, step, k) in enumerate(zip(grid.shape[1:], grid.steps[1:], order[1:], strict=True)):
        waves = (2j * np.pi * np.fft.fftfreq(size, step)) ** k
        states = states * waves.reshape(-1, *[1] * (len(space) - 1 - axis))
    values = np.real(np.asarray(fft.ifftn(states, axes=space, norm="ortho")))
    index = (np.arange(len(times))[:, None, None], slice(None), *where)
    return values[index]


def _inner(n: int) -> np.ndarray:
    """Return times away from both ends, where a cosine series has a kink."""
    margin = n // 12
    return np.arange(margin, n - margin)


def _fading(grid: FieldGrid) -> list[np.ndarray]:
    """Return one weight `(point,)` an axis of space: 1 inside, falling smoothly to 0 at ends that do not meet."""
    weights = []
    for n, periodic in zip(grid.shape[1:], grid.periodic, strict=True):
        if periodic:
            weights.append(np.ones(n))
            continue
        s = np.clip(np.minimum(np.arange(n) + 0.5, n - np.arange(n) - 0.5) / (_EDGE * n), 0, 1)
        inside = np.where(s < 1, s, 1.0)
        ramp = np.exp(-1 / np.maximum(inside, 1e-3)), np.exp(-1 / np.maximum(1 - inside, 1e-3))
        weights.append(np.where(s < 1, ramp[0] / (ramp[0] + ramp[1]), 1.0))
    return weights
