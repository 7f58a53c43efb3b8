"""The weak form of fields: equations tested against products of bumps, all derivatives on the bumps.

    ∫ psi D_J(u^p) = (−1)^|J| ∫ (D_J psi) u^p,   psi(t, x) = b((t − t_c) / H_t) b((x − x_c) / H_x),  b(s) = (1 − s^2)^q

so that no derivative of data is ever taken. Each integral is taken twice, over the even and over the odd points of
the checkerboard of the grid: their noise is independent, so products of even and odd rows carry no noise bias, and half
their difference is noise alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import factorial

import numpy as np

from symdyn.functions.monomials import monomial_rows

__all__ = ["AxisWindows", "FieldWindows", "checkerboard", "place_windows", "powers_of", "window_integrals"]

_OVERLAP = 3  # windows along an axis that cover one point
_FEWEST = 4  # points in half a window
_EXACT = 4  # degrees beyond that of the derivative up to which polynomials are integrated exactly


@dataclass(frozen=True)
class AxisWindows:
    """Bumps along one axis: `centers` `(window,)`, half their width, their points and the power q."""

    grid: np.ndarray
    centers: np.ndarray
    half: float
    power: int

    def kernel(self, order: int, monomial: int = 0) -> np.ndarray:
        """Compute weights `(window, point)` of the integral of x^monomial times the bump's derivative of that order.

        Bumps have integral 1; constant weights are right for functions that vanish at both ends. What they miss on a
        coarse grid is made good for polynomials up to four degrees beyond the derivative, which are integrated exactly.
        """
        s = (self.grid - self.centers[:, None]) / self.half
        bump = np.polynomial.Polynomial([1.0, 0.0, -1.0]) ** self.power
        total = bump.integ()(1.0) - bump.integ()(-1.0)
        inside = np.abs(s) < 1
        values = np.where(inside, bump.deriv(order)(s) if order else bump(s), 0.0)
        step = (self.grid[-1] - self.grid[0]) / (len(self.grid) - 1) / self.half
        n = min(order + 1 + _EXACT, int(inside.sum(axis=1).min()) - 1)
        # What sums miss comes from the ends of the bump: a correction that is not small there has the least to mend.
        weights = np.where(inside, 1 - s**2, 0.0)
        powers = s[:, None, :] ** np.arange(n)[:, None]
        missed = _moments(bump, order, n) - np.einsum("wp,wmp->wm", step * values, powers)
        gram = np.einsum("wmp,wp,wnp->wmn", powers, weights, powers, optimize=True)
        mended = np.linalg.solve(gram, missed[:, :, None])[:, :, 0]
        values = step * values + weights * np.einsum("wm,wmp->wp", mended, powers)
        return values * self.grid**monomial / (total * self.half**order)


@dataclass(frozen=True)
class FieldWindows:
    """Products of bumps, one `AxisWindows` for time and for each axis of space."""

    axes: tuple[AxisWindows, ...]

    @property
    def n_windows(self) -> int:
        """Number of products."""
        return int(np.prod([len(axis.centers) for axis in self.axes]))

    def describe(self) -> str:
        """Describe the widths of the windows, in points."""
        widths = [int(2 * a.half / (a.grid[1] - a.grid[0])) + 1 for a in self.axes]
        return f"windows of {' x '.join(map(str, widths))} points (time, space)"


def place_windows(
    grids: Sequence[np.ndarray], halves: Sequence[float], powers: Sequence[int], *, overlap: int = _OVERLAP
) -> FieldWindows:
    """Place windows of given half widths inside the grid, `overlap` of which cover one point along an axis.

    Raises
    ------
    ValueError
        If the grid has too few points for them.
    """
    axes = []
    for name, grid, half, power in zip(("time", "x", "y"), grids, halves, powers, strict=False):
        step = (grid[-1] - grid[0]) / (len(grid) - 1)
        length = grid[-1] - grid[0]
        half = min(max(half, _FEWEST * step), length / 2)
        if half < (_FEWEST - 0.5) * step:
            raise ValueError(f"{name!r} has {len(grid)} points, too few for a window; sample more finely or longer")
        n = max(round((length - 2 * half) / (2 * half / overlap)) + 1, 1)
        axes.append(AxisWindows(grid, np.linspace(grid[0] + half, grid[-1] - half, n), half, power))
    return FieldWindows(tuple(axes))


def _moments(bump: np.polynomial.Polynomial, order: int, n: int) -> np.ndarray:
    """Compute integrals `(n,)` of a derivative of the bump times 1, s, s^2, ... over −1 ... 1."""
    found = np.zeros(n)
    for power in range(order, n):
        whole = (bump * np.polynomial.Polynomial([0.0] * (power - order) + [1.0])).integ()
        found[power] = (-1.0) ** order * factorial(power) / factorial(power - order) * (whole(1.0) - whole(-1.0))
    return found


def checkerboard(shape: Sequence[int]) -> np.ndarray:
    """Return 2 on the even points of a grid and 0 on the odd ones."""
    parity = np.asarray(sum(np.ix_(*[np.arange(n) for n in shape]))) % 2
    return 2.0 * (parity == 0)


def powers_of(values: np.ndarray, exponents: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Compute monomials `(monomial, run, time, ...)` of fields `(field, run, time, ...)`, the bias of noise taken out.

    Parameters
    ----------
    values : ndarray, `(field, run, time, ...)`
    exponents : ndarray, `(monomial, field)`
    noise : ndarray, `(field, run)`
        Standard deviation of white noise: powers are Hermite polynomials, whose mean is the power.
    """
    variance = np.square(noise).reshape(*noise.shape, *[1] * (values.ndim - 2))
    return monomial_rows(values, exponents, variance)


def window_integrals(values: np.ndarray, kernels: Sequence[np.ndarray]) -> np.ndarray:
    """Compute integrals `(..., window along time, window along x, ...)` of values `(..., time, x, ...)`."""
    for kernel in reversed(kernels):
        # The last axis is integrated, and its windows go in front of the axes that are left.
        values = np.moveaxis(values @ kernel.T, -1, values.ndim - len(kernels))
    return values
