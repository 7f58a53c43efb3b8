"""Finite differences of many runs at once, with the numbers of pysindy's `FiniteDifference` and its smoothed sister.

Derivatives of order d at t_i are sums w_j x(t_j) over a stencil: central inside, one-sided at the ends.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np
from pysindy.differentiation import FiniteDifference, SmoothedFiniteDifference
from pysindy.differentiation.base import BaseDifferentiation
from scipy.signal import savgol_filter

__all__ = ["Differences", "differences_like", "weights_at"]

_SMOOTHING = {"window_length", "polyorder", "deriv", "delta", "axis", "mode", "cval"}


@dataclass(frozen=True)
class Differences:
    """Differentiate runs of one length along their last axis.

    Parameters
    ----------
    order, d : int
        Order of accuracy, and of the derivative.
    even : bool
        Whether steps count as equal to the first one inside, although times are given.
    drops_ends : bool
        Whether rates at the ends are NaN.
    smoothing : dict, optional
        Arguments of `scipy.signal.savgol_filter`, by which states are smoothed first; None does not smooth.
    keeps_smooth : bool
        Whether the smoothed states are those of the rows.
    """

    order: int = 2
    d: int = 1
    even: bool = False
    drops_ends: bool = False
    smoothing: dict[str, Any] | None = field(default=None, hash=False)
    keeps_smooth: bool = True

    @property
    def stencil(self) -> int:
        """Number of samples in the central stencil."""
        return 2 * ((self.d + 1) // 2) - 1 + self.order

    @property
    def _window(self) -> int:
        return 0 if self.smoothing is None else int(self.smoothing["window_length"])

    @property
    def fewest(self) -> int:
        """Number of samples that a run needs."""
        return max(self.stencil, self.d + self.order, self._window)

    @property
    def reach(self) -> int:
        """Samples beyond a stretch of a run that its rates depend on, or that keep its cut ends away from them."""
        return self._window + self.stencil + self.d + self.order

    def __call__(self, states: np.ndarray, step: np.ndarray, times: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        """Compute states, smoothed if need be, and rates `(state, run, time)`.

        Parameters
        ----------
        states : ndarray, `(state, run, time)`
        step : ndarray, `(run,)` or `(1,)`
            The step, the first one of a run where times are given.
        times : ndarray, `(run, time)` or `(1, time)`, optional
            None for equal steps.
        """
        smooth = states if self.smoothing is None else np.asarray(savgol_filter(states, **self.smoothing, axis=-1))
        rates, half, n = np.full_like(smooth, np.nan), (self.stencil - 1) // 2, smooth.shape[-1]
        offsets = self._inside(step, None if self.even else times, half)
        inside = np.zeros(())
        for j, weight in enumerate(weights_at(offsets, self.d)):
            if np.any(weight):
                inside = inside + smooth[..., j : n - self.stencil + j + 1] * weight
        rates[..., half : n - self.stencil + half + 1] = inside
        if not self.drops_ends:
            self._ends(smooth, rates, step, times)
        return (smooth if self.keeps_smooth else states), rates

    def _inside(self, step: np.ndarray, times: np.ndarray | None, half: int) -> np.ndarray:
        """Return offsets `(stencil, run, time)` of the central stencils from their centres."""
        if times is None:
            return (np.arange(self.stencil) - half)[:, None, None] * step[None, :, None]
        count = times.shape[1] - self.stencil + 1
        centre = times[:, half : half + count]
        return np.stack([times[:, j : j + count] - centre for j in range(self.stencil)])

    def _ends(self, smooth: np.ndarray, rates: np.ndarray, step: np.ndarray, times: np.ndarray | None) -> None:
        """Write rates at the ends by one-sided stencils."""
        half, right = (self.stencil - 1) // 2, self.stencil // 2
        left_nodes = np.arange(self.d + self.order)
        ends = [(i, left_nodes) for i in range(half)] + [(-1 - i, -1 - left_nodes) for i in range(right)]
        for place, nodes in ends:
            if times is None:
                offsets = (nodes - place)[:, None] * step
            else:
                offsets = (times[:, nodes] - times[:, [place]]).T
            rates[..., place] = np.einsum(
                "srj,jr->sr",
                smooth[..., nodes],
                np.broadcast_to(weights_at(offsets, self.d), (len(nodes), smooth.shape[1])),
            )


def weights_at(offsets: np.ndarray, d: int) -> np.ndarray:
    """Compute weights `(node, ...)` of the d-th derivative at 0 of the polynomial through nodes `(node, ...)`.

    The recursion is that of B. Fornberg, Mathematics of Computation 51 (1988) 699.
    """
    n = len(offsets)
    found = np.zeros((d + 1, *offsets.shape))
    found[0, 0] = 1.0
    before = np.ones(offsets.shape[1:])
    for i in range(1, n):
        highest, here = min(i, d), offsets[i]
        gaps = [here - offsets[j] for j in range(i)]
        product = prod(gaps)
        for k in range(highest, -1, -1):
            lower = k * found[k - 1, i - 1] if k else 0.0
            found[k, i] = before * (lower - offsets[i - 1] * found[k, i - 1]) / product
        for j, gap in enumerate(gaps):
            for k in range(highest, -1, -1):
                lower = k * found[k - 1, j] if k else 0.0
                found[k, j] = (here * found[k, j] - lower) / gap
        before = product
    return found[d]


def differences_like(method: BaseDifferentiation | None) -> Differences | None:
    """Return the same differences as a method of pysindy's; None for those that are pysindy's own.

    Periodic runs, other axes and smoothers, and whatever derives from its classes are left to pysindy.
    """
    if method is None:
        return Differences()
    given: Any = method
    if type(method) not in (FiniteDifference, SmoothedFiniteDifference) or given.axis not in (0, -2) or given.periodic:
        return None
    smoothing = None
    if type(method) is SmoothedFiniteDifference:
        smoothing = dict(given.smoother_kws)
        known = given.smoother is savgol_filter and set(smoothing) <= _SMOOTHING
        if not known or smoothing.pop("axis", 0) != 0 or smoothing.get("mode") == "wrap":
            return None
    keeps = bool(getattr(given, "save_smooth", True))
    return Differences(given.order, given.d, bool(given.is_uniform), bool(given.drop_endpoints), smoothing, keeps)
