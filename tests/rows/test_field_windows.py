"""Windows of fields: sums over a grid are the integrals that they stand for."""

from math import factorial

import numpy as np
import pytest

from symdyn.rows.field_windows import AxisWindows

GRID = np.arange(40.0)
CENTERS = np.array([17.0, 17.3, 18.5])


@pytest.mark.parametrize("order", range(5))
@pytest.mark.parametrize("half", [5.0, 8.0, 15.0])
def test_polynomials_are_integrated_exactly_on_any_grid(order, half):
    """∫ b^(k) (x − c)^m = (−1)^k m! / (m − k)! ∫ b (x − c)^(m − k)."""
    windows = AxisWindows(GRID, CENTERS, half, 7)
    nodes, weights = np.polynomial.legendre.leggauss(60)
    bump = (1 - nodes**2) ** 7
    for degree in range(min(order + 5, 2 * int(half) - 2)):
        sums = np.sum(windows.kernel(order) * (GRID - CENTERS[:, None]) ** degree, axis=1)
        left = degree - order
        moment = weights @ (bump * (half * nodes) ** left) / (weights @ bump) if left >= 0 else 0.0
        exact = (-1) ** order * factorial(degree) / factorial(max(left, 0)) * moment
        assert sums == pytest.approx(exact, abs=1e-9 * half**degree), (order, degree)


@pytest.mark.parametrize("order", range(1, 5))
def test_waves_are_integrated_by_few_points(order):
    """A third derivative from nine points was off by as much as it is large."""
    windows = AxisWindows(GRID, CENTERS, 4.0, 7)
    wave = 0.2
    nodes, weights = np.polynomial.legendre.leggauss(60)
    bump = (1 - nodes**2) ** 7 * weights
    shifted = wave * (CENTERS[:, None] + 4.0 * nodes) + 1 + order * np.pi / 2
    exact = (-1) ** order * wave**order * np.cos(shifted) @ bump / bump.sum()
    assert np.abs(windows.kernel(order) @ np.cos(wave * GRID + 1) - exact).max() < 1e-2 * wave**order
