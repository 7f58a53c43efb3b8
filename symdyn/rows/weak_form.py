"""The weak form: laws tested against bump functions, with even samples as instruments for odd ones.

Multiplying y' = F(x) by a bump phi and integrating by parts gives, with no derivative of data,

    −∫ phi' y dt = W ∫ phi theta(x) dt.

Each integral is taken twice, over even and over odd samples. Noise in the two is independent, so products of an even
row with an odd row carry no noise bias, which least squares on noisy features has (errors in variables).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from scipy.interpolate import BSpline
from scipy.sparse.linalg import spsolve

from symdyn.rows.even_windows import FEWEST, POWER, even_batches, fill_bumps
from symdyn.rows.windows import OVERLAP, Windows, is_even
from symdyn.rows.workspace import Workspace

__all__ = ["MIN_SAMPLES", "quadrature_weights", "weak_batches"]

MIN_SAMPLES = 24
_MARGIN = 128  # samples over which the weights of a spline forget what lies beyond them
_TILE = 4  # samples worked on together, in distances of windows: that many windows and four more reach into them
_SHORTEST_TILE = 32
_FEW_ROWS = 64
_IN_CACHE = 2048  # samples

# Fills rows `(feature + output, run, sample)` at some samples of some runs.
Values = Callable[[np.ndarray, slice], np.ndarray]
# Weights of the samples a to b.
_Weights = Callable[[int, int], np.ndarray]


class _Kernel(NamedTuple):
    """Weights `(sample, slot)` of bumps and of −slopes; slot j of a tile of samples is window `first[tile] + j`."""

    bump: np.ndarray
    slope: np.ndarray
    first: np.ndarray
    tile: int


def weak_batches(
    times: np.ndarray,
    windows: Windows,
    runs: np.ndarray,
    values: Values,
    n_outputs: int,
    n_samples: int,
    space: Workspace,
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """Yield weak rows of y' = W theta(x) for runs with one clock, never more of them than a batch of samples gives.

    Parameters
    ----------
    times : ndarray, `(time,)`
    windows : Windows
    runs : ndarray, `(run,)`
        Passed on to `values`.
    values : callable
        theta and y `(feature + output, run, sample)` of some runs at a slice of the samples.
    n_outputs : int
        How many rows, at the end, are y.
    n_samples : int
        Samples in a batch.
    space : Workspace
        Rows are valid until the next ones are asked for.

    Yields
    ------
    places : ndarray, `(run,)`
        Which of `runs` the rows belong to.
    even, odd : ndarray, `(feature + output, run, window)`
    stretch : ndarray, `(window,)`
    """
    if windows.stride and 4 * windows.stride <= n_samples:
        yield from even_batches(times, windows, runs, values, n_outputs, n_samples, space)
        return
    spacing = max(len(times) / len(windows.centers), 1.0)
    per_batch = max(FEWEST, int(n_samples / spacing))
    weights = [_weights_of(times[parity::2]) for parity in (0, 1)]
    for start in range(0, len(windows.centers), per_batch):
        some = Windows(windows.centers[start : start + per_batch], windows.half, windows.stretch)
        low, high = np.searchsorted(times, [some.centers[0] - some.half, some.centers[-1] + some.half])
        pieces = [slice(a, min(a + n_samples, high)) for a in range(low, high, n_samples)]
        kernels = [_kernel(times, pieces[0], k, some, weights[k], space, f"first {k}") for k in (0, 1)]
        at_a_time = max(n_samples // (high - low), 1)
        for first in range(0, len(runs), at_a_time):
            places = np.arange(first, min(first + at_a_time, len(runs)))
            sums = _Integrals(values, runs[places], n_outputs, len(some.centers), space)
            for parity in (0, 1):
                sums.add(parity, kernels[parity], pieces[0])
                for piece in pieces[1:]:
                    sums.add(parity, _kernel(times, piece, parity, some, weights[parity], space, "more"), piece)
            yield places, *sums.rows(), windows.stretch[start : start + per_batch]


def quadrature_weights(times: np.ndarray) -> np.ndarray:
    """Compute weights `(time,)` to integrate a cubic spline through samples at `times`; the step where it is constant.

    Fourth order for any times. Constant weights are right inside a uniform grid for functions that vanish at both
    ends, as bumps do.
    """
    return _weights_of(times)(0, len(times))


def _weights_of(times: np.ndarray) -> _Weights:
    """Return the weights of samples a to b as a function; those of a long clock are never all in memory."""
    mean, uniform = np.diff(times).mean(), is_even(times)

    def weights(a: int, b: int) -> np.ndarray:
        if uniform:
            return np.full(b - a, mean)
        low, high = max(a - _MARGIN, 0), min(b + _MARGIN, len(times))
        if high - low < MIN_SAMPLES:
            low, high = 0, len(times)
        return _spline_weights(times[low:high])[a - low : b - low]

    return weights


def _spline_weights(times: np.ndarray) -> np.ndarray:
    knots = np.concatenate([[times[0]] * 4, times[2:-2], [times[-1]] * 4])
    design = BSpline.design_matrix(times, knots, 3).tocsc()
    integrals = (knots[4:] - knots[:-4]) / 4
    return np.asarray(spsolve(design.T.tocsc(), integrals))


def _kernel(
    times: np.ndarray, piece: slice, parity: int, windows: Windows, weights: _Weights, space: Workspace, name: str
) -> _Kernel:
    """Compute dense weights of the windows that reach into each tile of samples of one parity."""
    first = piece.start + (parity - piece.start) % 2
    clock = times[first : piece.stop : 2]
    w = weights(first // 2, first // 2 + len(clock))
    step = (times[-1] - times[0]) / (len(times) - 1)
    spacing = 2 * windows.half / OVERLAP
    tile = min(max(int(_TILE * spacing / (2 * step)), _SHORTEST_TILE), max(len(clock), 1))
    starts = np.arange(0, len(clock), tile)
    low = np.searchsorted(windows.centers, clock[starts] - windows.half)
    ends = clock[np.minimum(starts + tile, len(clock)) - 1]
    n_slots = int(np.max(np.searchsorted(windows.centers, ends + windows.half, side="right") - low, initial=1))
    far = windows.centers[-1] + 10 * windows.half  # windows beyond the last: bumps that reach nothing
    centers = np.concatenate([windows.centers, np.full(n_slots, far)])
    shape = (len(clock), n_slots)
    s, gap, slope = space.array(f"s {name}", shape), space.array(f"gap {name}", shape), space.array(name, shape)
    near, clock = centers[low[:, None] + np.arange(n_slots)] / windows.half, clock / windows.half
    for k, begin in enumerate(starts):
        np.subtract(clock[begin : begin + tile, None], near[k], out=s[begin : begin + tile])
    for begin in range(0, len(clock), _IN_CACHE):
        part = slice(begin, begin + _IN_CACHE)
        fill_bumps(s[part], w[part, None], 2 * POWER / windows.half, gap[part], slope[part])
    return _Kernel(gap, slope, low, tile)


class _Integrals:
    """Integrals over windows for both parities, piece by piece of the samples."""

    def __init__(self, values: Values, runs: np.ndarray, n_outputs: int, n_windows: int, space: Workspace):
        self.values, self.runs, self.n_outputs, self.space = values, runs, n_outputs, space
        self.norms = np.zeros((2, n_windows))
        self.sums: list[np.ndarray] = []

    def add(self, parity: int, kernel: _Kernel, piece: slice) -> None:
        """Add what the samples of one parity in a piece give."""
        first = piece.start + (parity - piece.start) % 2
        if first >= piece.stop:  # a single sample, of the other parity
            return
        rows = self.values(self.runs, slice(first, piece.stop, 2))
        if len(self.sums) == parity:
            self.sums.append(self.space.array(f"sums {parity}", (*rows.shape[:2], self.norms.shape[1])))
            self.sums[parity][...] = 0.0
        split = len(rows) - self.n_outputs
        _add_tiles(rows[:split], kernel.bump, kernel, self.sums[parity][:split], self.space)
        _add_tiles(rows[split:], kernel.slope, kernel, self.sums[parity][split:], self.space)
        _add_norms(kernel, self.norms[parity])

    def rows(self) -> tuple[np.ndarray, np.ndarray]:
        """Return even and odd rows `(feature + output, run, window)`: integrals divided by those of the bumps."""
        for sums, norm in zip(self.sums, self.norms, strict=True):
            sums /= np.maximum(norm, 1e-300)
        return self.sums[0], self.sums[1]


def _add_norms(kernel: _Kernel, norms: np.ndarray) -> None:
    """Add to norms[window] the integral of its bump over the samples of the kernel."""
    if len(kernel.first):
        totals = np.add.reduceat(kernel.bump, np.arange(len(kernel.first)) * kernel.tile)
        windows = kernel.first[:, None] + np.arange(totals.shape[1])
        inside = windows < len(norms)
        np.add.at(norms, windows[inside], totals[inside])


def _add_tiles(rows: np.ndarray, weights: np.ndarray, kernel: _Kernel, sums: np.ndarray, space: Workspace) -> None:
    """Add rows @ weights to sums[..., window], tile by tile; windows beyond the last have no weight."""
    flat, into = rows.reshape(-1, rows.shape[2]), sums.reshape(-1, sums.shape[2])
    n_slots, tile, n_windows = weights.shape[1], kernel.tile, sums.shape[2]
    whole = rows.shape[2] // tile if np.all(np.diff(kernel.first) > 0) else 0
    if whole > n_slots and len(flat) <= _FEW_ROWS:  # fewer steps slot by slot than tile by tile
        stack = flat[:, : whole * tile].reshape(len(flat), whole, tile).transpose(1, 0, 2)
        found = space.array("tiles", (whole, len(flat), n_slots))
        np.matmul(stack, weights[: whole * tile].reshape(whole, tile, n_slots), out=found)
        for slot in range(n_slots):
            windows = kernel.first[:whole] + slot
            windows = windows[: np.searchsorted(windows, n_windows)]
            into[:, windows] += found[: len(windows), :, slot].T
    else:
        whole = 0
    for k in range(whole, len(kernel.first)):
        samples, low = slice(k * tile, (k + 1) * tile), kernel.first[k]
        width = min(n_slots, n_windows - low)
        into[:, low : low + width] += flat[:, samples] @ weights[samples, :width]
