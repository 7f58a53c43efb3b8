"""Weak rows on an even clock, where windows lie a whole number of samples apart and share one pattern of weights.

Samples are taken a tile at a time, as many as there are in a window, which is four distances from one to the next.
Seven windows reach into a tile, always at the same places, so the weights in it are those in any other. Many runs of
few windows are worked on whole: the weights of all samples in all windows are then one matrix.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from symdyn.rows.windows import Windows
from symdyn.rows.workspace import Workspace

__all__ = ["FEWEST", "POWER", "even_batches", "fill_bumps"]

POWER = 4  # the bump (1 − s^2)^4: three continuous derivatives at the ends of a window
FEWEST = 64  # windows in a batch: neighbouring batches share the samples of four
_SLOTS = 7  # windows that reach into a tile, of which the first three began before it
_BEFORE = 3
_BEYOND = 8  # windows that the last tile of a batch may reach into
_FEW_ROWS = 64
_MANY = 16  # runs from which on it pays to write down the weights of all samples


class _Pattern(NamedTuple):
    """Weights `(sample, slot)` of bumps and of −slopes in a tile of samples of one parity; slot j of tile k is window
    4 k + j − 3. `norms` `(2,)`: integrals of the bumps of windows 0, 2, ... and 1, 3, ...
    """

    bump: np.ndarray
    slope: np.ndarray
    norms: np.ndarray


def even_batches(
    times: np.ndarray,
    windows: Windows,
    runs: np.ndarray,
    values: Callable[[np.ndarray, slice], np.ndarray],
    n_outputs: int,
    n_samples: int,
    space: Workspace,
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """Yield weak rows for runs with one even clock; window k covers the samples from k to k + 4 times the stride.

    Parameters
    ----------
    times, windows, runs, values, n_outputs, n_samples, space
        As in `symdyn.rows.weak_form.weak_batches`, which says what is yielded.
    """
    step, stride, stretch = (times[-1] - times[0]) / (len(times) - 1), windows.stride, windows.stretch
    patterns = [_pattern(step, stride, offset) for offset in (0, 1)]
    per_batch = max(FEWEST, n_samples // stride)
    for start in range(0, len(stretch), per_batch):
        n_windows = min(per_batch, len(stretch) - start)
        low, high = start * stride, (start + n_windows + _BEFORE) * stride
        at_a_time = max(n_samples // (high - low), 1)
        for first in range(0, len(runs), at_a_time):
            places = np.arange(first, min(first + at_a_time, len(runs)))
            whole = len(places) >= _MANY and n_windows <= 2 * _SLOTS
            even, odd = (
                (_short_integrals if whole else _integrals)(
                    lambda when, some=runs[places]: values(some, when),
                    patterns[(parity - low) % 2],
                    range(low + (parity - low) % 2, high, 2),
                    (n_windows, n_outputs, n_samples),
                    lambda shape, parity=parity: space.array(f"sums {parity}", shape),
                )
                for parity in (0, 1)
            )
            yield places, even, odd, stretch[start : start + n_windows]


def fill_bumps(s: np.ndarray, weights: np.ndarray, rate: float, bump: np.ndarray, slope: np.ndarray) -> None:
    """Write weights times the bump (1 − s^2)^4, 0 outside |s| < 1, and times minus its slope, `rate` s (1 − s^2)^3."""
    np.square(s, out=bump)
    np.subtract(1.0, bump, out=bump)
    np.maximum(bump, 0.0, out=bump)
    np.square(bump, out=slope)
    slope *= bump
    slope *= weights  # they go in with the third factor, which both have
    bump *= slope
    slope *= s
    slope *= rate


def _pattern(step: float, stride: int, offset: int) -> _Pattern:
    """Compute the weights of the samples offset, offset + 2, ... of a tile."""
    samples = np.arange(offset, 4 * stride, 2)
    centers = (np.arange(_SLOTS) - _BEFORE + 2) * stride
    s = (samples[:, None] - centers) / (2 * stride)
    both = np.empty((2, *s.shape))
    bump, slope = both[0], both[1]
    fill_bumps(s, np.full((len(s), 1), 2 * step), 2 * POWER / (2 * stride * step), bump, slope)
    # A window four further on lies as this one does in the tile that follows: its parts make one whole.
    norms = np.array([bump[:, slot].sum() + bump[:, slot + 4 : slot + 5].sum() for slot in range(4)])
    first = norms[[_BEFORE, 0]]  # windows 0 and −3
    return _Pattern(bump, slope, first)


def _integrals(
    values: Callable[[slice], np.ndarray],
    pattern: _Pattern,
    samples: range,
    sizes: tuple[int, int, int],
    array: Callable[[tuple[int, ...]], np.ndarray],
) -> np.ndarray:
    """Compute rows `(feature + output, run, window)`: integrals divided by those of the bumps."""
    n_windows, n_outputs, n_samples = sizes
    tile = len(pattern.bump)
    piece = max(n_samples // (2 * tile), 1) * tile
    sums = None
    for begin in range(0, len(samples), piece):
        some = samples[begin : begin + piece]
        rows = values(slice(some.start, some.stop, some.step))
        if sums is None:
            sums = array((*rows.shape[:2], n_windows + _BEFORE + _BEYOND))
            sums[...] = 0.0
        split, here = len(rows) - n_outputs, 4 * (begin // tile)
        _add_tiles(rows[:split], pattern.bump, sums[:split, :, here:])
        _add_tiles(rows[split:], pattern.slope, sums[split:, :, here:])
    assert sums is not None
    whole = sums[:, :, _BEFORE : _BEFORE + n_windows]
    for first in (0, 1):
        whole[:, :, first::2] /= pattern.norms[first]
    return whole


def _short_integrals(
    values: Callable[[slice], np.ndarray],
    pattern: _Pattern,
    samples: range,
    sizes: tuple[int, int, int],
    array: Callable[[tuple[int, ...]], np.ndarray],
) -> np.ndarray:
    """Compute the same for all samples at once: there are few windows, and runs enough for that to be a batch."""
    n_windows, n_outputs, _ = sizes
    rows = values(slice(samples.start, samples.stop, samples.step))
    found, split = array((*rows.shape[:2], n_windows)), len(rows) - n_outputs
    for some, tile in ((slice(split), pattern.bump), (slice(split, None), pattern.slope)):
        weights = np.zeros((len(samples), n_windows + _BEFORE + _BEYOND))
        for k, begin in enumerate(range(0, len(samples), len(tile))):
            part = weights[begin : begin + len(tile), 4 * k : 4 * k + _SLOTS]
            part[...] = tile[: len(part)]
        weights = weights[:, _BEFORE : _BEFORE + n_windows]
        for first in (0, 1):
            weights[:, first::2] /= pattern.norms[first]
        np.matmul(rows[some].reshape(-1, len(samples)), weights, out=found[some].reshape(-1, n_windows))
    return found


def _add_tiles(rows: np.ndarray, weights: np.ndarray, sums: np.ndarray) -> None:
    """Add rows @ weights to sums[..., window + 3], all tiles at once or one by one, whichever takes fewer products."""
    tile, n_slots = weights.shape
    flat = rows.reshape(-1, rows.shape[2])
    whole = rows.shape[2] // tile if len(flat) <= _FEW_ROWS else 0
    if whole:
        stack = rows[:, :, : whole * tile].reshape(*rows.shape[:2], whole, tile)
        found = stack @ weights
        for slot in range(n_slots):
            sums[:, :, slot : slot + 4 * whole : 4] += found[..., slot]
    for k, begin in enumerate(range(whole * tile, rows.shape[2], tile), whole):
        part = flat[:, begin : begin + tile]
        found = part @ weights[: part.shape[1]]
        sums[:, :, 4 * k : 4 * k + n_slots] += found.reshape(*rows.shape[:2], n_slots)
