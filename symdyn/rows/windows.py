"""Windows along a clock: where laws are tested, and the stretches of time that they belong to."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

__all__ = ["OVERLAP", "Windows", "is_even", "window_half_width", "windows_of"]

OVERLAP = 4  # windows that cover one sample
_HALF_WIDTH = 1.5  # of a window, in characteristic times: half an oscillation fits in
_EVEN = 1e-6  # of a step
_ROUNDING = 1e-9  # of a stretch, and of a step


class Windows(NamedTuple):
    """Centers `(window,)` of bumps, half their width, and the stretch `(window,)` of time that each belongs to.

    On an even clock centers lie a whole number `stride` of samples apart, half a window is two of these, and the first
    window begins with the first sample; on others the stride is 0. A stretch lasts at least half an oscillation:
    stretches are left out one at a time by the jackknife.
    """

    centers: np.ndarray
    half: float
    stretch: np.ndarray
    stride: int = 0


def windows_of(times: np.ndarray, scale: float, most: int) -> Windows:
    """Place windows along a clock whose motion has the characteristic time `scale`, in at most `most` stretches."""
    half, stride = window_half_width(times, scale), 0
    if is_even(times):
        step = (times[-1] - times[0]) / (len(times) - 1)
        stride = max(round(2 * half / OVERLAP / step + _ROUNDING), 1)
        half = OVERLAP // 2 * stride * step
        centers = times[2 * stride : len(times) - 2 * stride : stride]
    else:
        centers = np.arange(times[0] + half, times[-1] - half * (1 - 1e-9), 2 * half / OVERLAP)
    passed = centers - centers[0]
    # Strides and scales are whole numbers of samples: which window begins a stretch must not be left to rounding.
    n_stretches = max(int(passed[-1] / (np.pi * scale) + _ROUNDING), 1)
    length = np.pi * scale if n_stretches <= most else passed[-1] / most
    stretch = np.minimum((passed / length + _ROUNDING).astype(int), min(n_stretches, most) - 1)
    return Windows(centers, half, np.unique(stretch, return_inverse=True)[1], stride)


def window_half_width(times: np.ndarray, scale: float) -> float:
    """Return half the length of a window: 1.5 characteristic times, at most a fifth of the run, at least 8 samples."""
    length = times[-1] - times[0]
    step = length / (len(times) - 1)
    return max(min(_HALF_WIDTH * scale, length / 5), 8 * step)


def is_even(times: np.ndarray) -> bool:
    """Return whether all steps are the same, to a millionth."""
    steps = np.diff(times)
    return bool(np.ptp(steps) <= _EVEN * steps.mean())
