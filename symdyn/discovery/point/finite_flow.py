"""Finite flows: a solution moved along a generator must still solve the equation.

The graph of u is moved by the flow of (tau, xi, phi). Where the motion of coordinates does not depend on fields, the
moved solution at (t, x) is found by flowing (t, x) back, reading u there, and flowing (t, x, u) forth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import RectBivariateSpline

from symdyn.data.grids import FieldGrid
from symdyn.discovery.point.jet_points import smoothed
from symdyn.functions.features import monomials
from symdyn.functions.printing import monomial_exponents
from symdyn.laws.fields.field_law import FieldLaw
from symdyn.lie.vectorfields import Generators
from symdyn.rows.field_derivatives import stencil
from symdyn.systems.spectral import evolve_periodic

__all__ = ["FiniteFlows", "finite_flows", "flowed"]

_MOVE = 0.1  # of the extent of coordinates or fields by which the flow moves the solution
_POINTS, _TIMES = 512, 201
_STEPS = 20  # of the classical Runge-Kutta scheme along the flow
_REACH = 4  # of the stencils of the residual: eighth order


@dataclass(frozen=True)
class FiniteFlows:
    """A solution and what each generator makes of it.

    `residuals` `(2, generator)` of the equation relative to ∂_t^m u, before and after; `fields` `(1 + generator, field,
    time, x)`, the solution first, at `times` and `places`; nan where the motion of coordinates depends on fields.
    """

    residuals: np.ndarray
    fields: np.ndarray
    times: np.ndarray
    places: np.ndarray


def finite_flows(
    law: FieldLaw, generators: Generators, values: np.ndarray, noise: np.ndarray, grid: FieldGrid
) -> FiniteFlows | None:
    """Move a solution along each generator by a tenth of its extent, for its residual; by twice that, to look at.

    The solution is that of the law from a smoothed snapshot of the data; None where there is none (not periodic, two
    dimensions, second order in time, no bounded solution).
    """
    if len(grid.axes) != 1 or not grid.periodic[0] or law.time_order != 1:
        return None
    try:
        solution = _Solution(law, values, noise, grid)
    except ValueError:
        return None
    times, places = solution.window(60, 120)
    residuals = np.full((2, len(generators)), np.nan)
    residuals[0] = solution.residual(None, 0.0)
    fields = np.full((1 + len(generators), len(grid.fields), len(times), len(places)), np.nan)
    fields[0] = solution.shown(None, 0.0, times, places)
    for k in range(len(generators)):
        one = generators.combine(np.eye(len(generators))[k : k + 1])
        if not _depends_on_fields(one, 2):
            amount = solution.amount(one)
            residuals[1, k] = solution.residual(one, amount)
            fields[1 + k] = solution.shown(one, 2 * amount, times, places)
    return FiniteFlows(residuals, fields, times, places)


def flowed(generator: Generators, points: np.ndarray, amount: float) -> np.ndarray:
    """Move points `(sample, variable)` along a single generator by a parameter `amount`."""
    step = amount / _STEPS
    exponents = monomial_exponents(generator.features, len(generator.states))
    assert exponents is not None  # candidates are polynomial, see `Frames`
    used = np.any(generator.coefficients[0] != 0, axis=0)
    exponents, coefficients = exponents[used], generator.coefficients[0][:, used].T

    def rate(p: np.ndarray) -> np.ndarray:
        return monomials(p, exponents) @ coefficients

    for _ in range(_STEPS):
        a = rate(points)
        b = rate(points + step / 2 * a)
        c = rate(points + step / 2 * b)
        points = points + step / 6 * (a + 2 * b + 2 * c + rate(points + step * c))
    return points


class _Solution:
    """A clean periodic solution of a law in one dimension, to be read anywhere."""

    def __init__(self, law: FieldLaw, values: np.ndarray, noise: np.ndarray, grid: FieldGrid):
        self.law = law
        smooth = smoothed(values[:, 0], noise[:, 0], grid, grid.shape[0] // 4)
        self.period = grid.steps[1] * grid.shape[1]
        self.left = float(grid.grids[1][0])
        spectrum = np.fft.rfft(smooth, axis=1)
        start = np.fft.irfft(spectrum, n=_POINTS, axis=1) * (_POINTS / grid.shape[1])
        first = float(grid.grids[0][grid.shape[0] // 4])
        self.times = np.linspace(first, first + (grid.grids[0][-1] - first) / 2, _TIMES)
        step = (self.times[1] - self.times[0]) / 2
        found = evolve_periodic(law.equations(), start[:, None], [self.period], self.times, largest_step=step)
        self.fields = found[:, :, 0]  # time, field, x
        wrap = 8
        places = self.left + self.period / _POINTS * np.arange(-wrap, _POINTS + wrap)
        wide = np.concatenate([self.fields[..., -wrap:], self.fields, self.fields[..., :wrap]], axis=2)
        self.read = [RectBivariateSpline(self.times, places, wide[:, f], kx=5, ky=5) for f in range(wide.shape[1])]

    def amount(self, generator: Generators) -> float:
        """Return the parameter that moves typical points by a tenth of their extent."""
        mesh = np.meshgrid(self.times[::8], self.left + self.period * np.arange(8) / 8, indexing="ij")
        points = self._graph(*[m.ravel() for m in mesh])
        extent = np.ptp(points, axis=0)
        speed = np.abs(generator.values(points)[:, :, 0]).max(axis=0)
        return _MOVE / max(float((speed / np.where(extent > 0, extent, 1.0)).max()), 1e-300)

    def window(self, n_times: int, n_places: int) -> tuple[np.ndarray, np.ndarray]:
        """Return times and places of a box inside the moved solution."""
        margin = (self.times[-1] - self.times[0]) / 4
        middle = np.linspace(self.times[0] + margin, self.times[-1] - margin, n_times)
        return middle, self.left + self.period * (0.25 + 0.5 * np.arange(n_places) / n_places)

    def shown(self, generator: Generators | None, amount: float, times: np.ndarray, places: np.ndarray) -> np.ndarray:
        """Return fields `(field, time, x)` of the moved solution."""
        mesh = np.meshgrid(times, places, indexing="ij")
        moved = self._moved(generator, amount, mesh[0].ravel(), mesh[1].ravel())
        return np.moveaxis(moved.reshape(*mesh[0].shape, -1), -1, 0)

    def residual(self, generator: Generators | None, amount: float) -> float:
        """Compute the root mean square of u_t − N over that of u_t, in a box inside the moved solution."""
        middle, places = self.window(7, 24)
        steps = (self.times[1] - self.times[0], self.period / _POINTS)
        found = {}
        for order in ((0, 1), *[(k, 0) for k in range(5)]):
            found[order] = self._derivative(generator, amount, middle, places, steps, order)
        names = [f"{u}{'_' + 'x' * k if k else ''}" for k in range(5) for u in self.law.fields]
        jets = np.concatenate([found[k, 0] for k in range(5)], axis=1)
        mesh = np.meshgrid(middle, places, indexing="ij")
        points = np.column_stack([mesh[0].ravel(), mesh[1].ravel(), jets])
        evolution = self.law.evolution()
        right = evolution.space.evaluate(list(evolution.right), points, ["t", "x", *names])
        rates = found[0, 1]
        return float(np.sqrt(np.mean((rates - right) ** 2) / max(np.mean(rates**2), 1e-300)))

    def _derivative(
        self,
        generator: Generators | None,
        amount: float,
        middle: np.ndarray,
        places: np.ndarray,
        steps: tuple[float, float],
        order: tuple[int, int],
    ) -> np.ndarray:
        """Compute a derivative `(point, field)` of the moved solution, order (x, t), by differences of eighth order."""
        along, total = (0, order[1]) if order[1] else (1, order[0])
        reach = _REACH + total // 2 if total else 0
        weights = stencil(np.arange(-reach, reach + 1), total) / steps[along] ** total if total else np.ones(1)
        result = np.zeros((len(middle) * len(places), len(self.read)))
        for offset, weight in zip(range(-reach, reach + 1), weights, strict=True):
            shift = [0.0, 0.0]
            shift[along] = offset * steps[along]
            mesh = np.meshgrid(middle + shift[0], places + shift[1], indexing="ij")
            result = result + weight * self._moved(generator, amount, mesh[0].ravel(), mesh[1].ravel())
        return result

    def _moved(self, generator: Generators | None, amount: float, t: np.ndarray, x: np.ndarray) -> np.ndarray:
        if generator is None:
            return self._graph(t, x)[:, 2:]
        back = np.column_stack([t, x, np.zeros((len(t), len(self.read)))])
        source = flowed(generator, back, -amount)[:, :2]
        return flowed(generator, self._graph(source[:, 0], source[:, 1]), amount)[:, 2:]

    def _graph(self, t: np.ndarray, x: np.ndarray) -> np.ndarray:
        inside = self.left + np.mod(x - self.left, self.period)
        return np.column_stack([t, x, *[read.ev(t, inside) for read in self.read]])


def _depends_on_fields(generator: Generators, n_coordinates: int) -> bool:
    exponents = monomial_exponents(generator.features, len(generator.states))
    assert exponents is not None
    on_fields = exponents[:, n_coordinates:].any(axis=1)
    return bool(np.any(np.abs(generator.coefficients[0, :n_coordinates][:, on_fields]) > 1e-9))
