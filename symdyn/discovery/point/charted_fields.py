"""Candidates and found generators of fields in three frames: the chart, about the origin of the data, their units.

A change of frame is a matrix on the coefficients of polynomials. *At home* coordinates and fields are about the origin
of the data and in units of the chart: x = s x'. There generators have the terms that they have in the units of the
data, with numbers of size 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import xarray as xr

from symdyn.data.grids import field_grid
from symdyn.functions.features import Polynomial, polynomial_exponents
from symdyn.functions.printing import monomial_exponents
from symdyn.jets.pointfields import point_candidates
from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.lie.chart import Chart
from symdyn.lie.vectorfields import Generators
from symdyn.sums.field_charts import units_shared

__all__ = ["Frames", "frames_of"]


def frames_of(dataset: xr.Dataset, candidates: int | str | Sequence[str] | Generators, chart: Chart) -> Frames:
    """Build the frames of candidates (see `point_candidates`) for checked fields in the units of the data."""
    grid = field_grid(dataset)
    given = point_candidates(candidates, grid.coordinates, grid.fields)
    groups = [[0], *([1 + k for k in group] for group in units_shared(dataset, grid.axes)[0])]
    groups += [[1 + len(grid.axes) + k for k in group] for group in units_shared(dataset, grid.fields)[0]]
    return Frames(given, chart, tuple(map(tuple, groups)))


@dataclass(frozen=True)
class Frames:
    """Candidates as they are given, and the chart of coordinates and fields that they are looked at in.

    Parameters
    ----------
    given : Generators
        With polynomial coefficients, in the units of the data.
    chart : Chart
    unit_groups : tuple of tuple of int
        States that share a declared unit, each state in one of them.
    """

    given: Generators
    chart: Chart
    unit_groups: tuple[tuple[int, ...], ...]

    @cached_property
    def features(self) -> Polynomial:
        """All monomials up to the degree of the candidates, which any change of frame maps to themselves."""
        return Polynomial(int(self._given_exponents.sum(axis=1).max(initial=0)))

    @cached_property
    def _given_exponents(self) -> np.ndarray:
        exponents = monomial_exponents(self.given.features, len(self.given.states))
        if exponents is None:
            raise ValueError(
                "point symmetries are sought among fields with polynomial coefficients: use candidates.polynomial"
            )
        return exponents

    @cached_property
    def exponents(self) -> np.ndarray:
        """Of the features, `(feature, state)`."""
        return polynomial_exponents(len(self.given.states), self.features.degree)

    @cached_property
    def charted(self) -> Generators:
        """The candidates in the chart, on `features`, each of norm 1; of all fields of a degree the simplest ones."""
        size = len(self._states) * len(self.exponents)
        if len(self.given) == size and self.features == self.given.features and not self.given.time_scaling.any():
            simple = np.eye(size).reshape(size, len(self._states), -1)
            return Generators(self.features, simple, np.zeros(size), self._states)
        wide = Generators(self.features, self._widened(), self.given.time_scaling, self._states)
        vectors = self.chart.generators(wide).vectors()
        sizes = np.linalg.norm(vectors, axis=1, keepdims=True)
        return wide.with_vectors(vectors / np.where(sizes > 0, sizes, 1.0))

    @cached_property
    def to_home(self) -> np.ndarray:
        """Rows of coefficients in the chart, times this, are those at home."""
        return self._shift.vector_map(self.features)

    @cached_property
    def from_home(self) -> np.ndarray:
        """The inverse of `to_home`."""
        return Chart(-np.array(self._shift.centre), self._shift.scale).vector_map(self.features)

    @cached_property
    def units(self) -> np.ndarray:
        """Coefficients `(coefficient,)` in the units of the data of a row of ones at home."""
        scale = np.array(self.chart.scale)
        return np.append((scale[:, None] / np.prod(scale**self.exponents, axis=1)).ravel(), 1.0)

    @cached_property
    def degrees(self) -> np.ndarray:
        """Degree `(coefficient,)` of each monomial; of time 0."""
        return np.append(np.tile(self.exponents.sum(axis=1), len(self._states)), 0)

    @cached_property
    def dimensions(self) -> np.ndarray:
        """Units `(coefficient, group)` of the term x^a ∂_i: those of x_i over those of x^a.

        Coefficients of terms with the same units are in a ratio that no change of units changes.
        """
        member = np.zeros((len(self._states), len(self.unit_groups)))
        for column, group in enumerate(self.unit_groups):
            member[list(group), column] = 1.0
        powers = (np.eye(len(self._states))[:, None] - self.exponents).reshape(-1, len(self._states))
        return np.vstack([powers @ member, np.zeros(len(self.unit_groups))])

    @cached_property
    def kept(self) -> np.ndarray:
        """Places `(given coefficient,)` of the coefficients on the given features among those on all."""
        n = len(self.exponents)
        return np.append(
            np.concatenate([k * n + self._places for k in range(len(self._states))]), n * len(self._states)
        )

    def in_units(self, home: np.ndarray) -> Generators:
        """Return generators in the units of the data, on the given features, from rows `(generator, coefficient)`."""
        wide = (home * self.units)[:, :-1].reshape(len(home), len(self._states), len(self.exponents))
        return Generators(self.given.features, wide[:, :, self._places], home[:, -1], self._states)

    def algebra(self, home: np.ndarray, covariance: np.ndarray, exact: np.ndarray) -> LieAlgebra:
        """Return the algebra in the units of the data, from rows at home and their covariance."""
        factors = np.tile(self.units, len(home))
        kept = np.concatenate([k * len(self.units) + self.kept for k in range(len(home))] or [[]]).astype(int)
        carried = covariance * factors[:, None] * factors
        return LieAlgebra(self.in_units(home), carried[np.ix_(kept, kept)], exact, self.chart)

    @property
    def _states(self) -> tuple[str, ...]:
        return self.given.states

    @property
    def _shift(self) -> Chart:
        scale = np.array(self.chart.scale)
        return Chart(tuple(np.array(self.chart.centre) / scale), (1.0,) * len(scale))

    @cached_property
    def _places(self) -> np.ndarray:
        """Places `(given feature,)` of the monomials that were given among the features."""
        rows = {tuple(row): place for place, row in enumerate(self.exponents.tolist())}
        return np.array([rows[tuple(row)] for row in self._given_exponents.tolist()], dtype=int)

    def _widened(self) -> np.ndarray:
        wide = np.zeros((len(self.given), len(self._states), len(self.exponents)))
        wide[:, :, self._places] = self.given.coefficients
        return wide
