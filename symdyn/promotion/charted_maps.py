"""Data of a promoted fit in their chart: there, states, functions and outputs have size one, whatever the units."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from symdyn.functions.features import Features
from symdyn.lie.actions import Action, output_action
from symdyn.lie.chart import Chart
from symdyn.promotion.solver.lie_maps import exponents_of
from symdyn.sums.data_charts import chart_of_points

__all__ = ["ChartedData", "of_unit_size"]

_SMALL = 1e-24  # of the mean square: a variance below is rounding


@dataclass(frozen=True)
class ChartedData:
    """Samples y of the chart, with outputs F'(y) = W theta'(y) / sizes.

    Parameters
    ----------
    chart : Chart
        Of the columns of X.
    given, features : Features
        theta over x, and theta' over y.
    action : Action
    points : ndarray, `(sample, state)`
    design : ndarray, `(sample, feature)`
        theta' divided by its root mean square, `sizes` `(feature,)`.
    target : ndarray, `(sample, output)`
    units : ndarray, `(output,)`
        Units of the outputs in those of the user: s_i times a rate for what moves with the states, so that they are
        rates in the chart; the standard deviations of invariants.
    means : ndarray, `(output,)`
        What was taken off invariants, in `units`: their origin is none of the penalty's business.
    """

    chart: Chart
    given: Features
    features: Features
    action: Action
    points: np.ndarray
    design: np.ndarray
    sizes: np.ndarray
    target: np.ndarray
    units: np.ndarray
    means: np.ndarray

    @classmethod
    def build(
        cls,
        features: Features,
        X: np.ndarray,
        Y: np.ndarray,
        output: str,
        moves: tuple[np.ndarray, np.ndarray] | None = None,
    ) -> ChartedData:
        """Build from states X `(sample, state)` and outputs Y `(sample, output)` in the units of the user.

        `moves` are linear parts of candidates, see `chart_of_points`.
        """
        action = output_action(output)
        chart = _chart(features, X, action, moves)
        charted, points = chart.features(features), chart.points(X)
        design, sizes = of_unit_size(charted(points))
        Y = Y - X[:, : Y.shape[1]] if action.increments else Y
        units, means = _units(Y, chart, action), np.zeros(Y.shape[1])
        target = Y / units
        if not action.moves_values and _constant(design) is not None:
            means = target.mean(axis=0)
            target = (Y - Y.mean(axis=0)) / units
        return cls(chart, features, charted, action, points, design, sizes, target, units, means)

    def inside(self, found: np.ndarray) -> np.ndarray:
        """Return coefficients `(output, feature)` of theta' in `units`, means among them, from those of `design`."""
        found = found / self.sizes
        constant = _constant(self.design)
        if constant is not None:
            found[:, constant] += self.means / (self.design[0, constant] * self.sizes[constant])
        return found

    def outside(self, inside: np.ndarray) -> np.ndarray:
        """Return coefficients `(..., output, feature)` on theta in the units of the user, from those on theta'."""
        return self.chart.law(inside, self.given, self.units)

    def predicted(self, inside: np.ndarray, X: np.ndarray) -> np.ndarray:
        """Predict outputs `(sample, output)` at X, in the chart: far from the origin theta(x) has lost digits."""
        values = self.features(self.chart.points(X)) @ inside.T * self.units
        return values + X[:, : values.shape[1]] if self.action.increments else values


def of_unit_size(design: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Divide columns by their root mean squares, and return these, too."""
    sizes = np.sqrt(np.mean(design**2, axis=0))
    sizes = np.where(sizes > 0, sizes, 1.0)
    return design / sizes, sizes


def _chart(features: Features, X: np.ndarray, action: Action, moves: tuple[np.ndarray, np.ndarray] | None) -> Chart:
    """Return the chart of X; without centre for monomials that a shift does not map to themselves: a scale does."""
    chart = chart_of_points(X, moves, has_velocities=action.has_velocities)
    try:
        exponents_of(features, X.shape[1])
    except TypeError:
        return chart
    return chart if chart.features(features) == features else replace(chart, centre=(0.0,) * len(chart))


def _units(Y: np.ndarray, chart: Chart, action: Action) -> np.ndarray:
    """Return the units of the outputs; those that move with the states share one unit of time."""
    if not action.moves_values:
        return _spread(Y)
    scale = action.value_scale(chart, Y.shape[1])
    return scale * _spread((Y / scale).reshape(-1, 1))


def _spread(Y: np.ndarray) -> np.ndarray:
    """Compute the standard deviations of columns, 1 where they vary by rounding."""
    variances = Y.var(axis=0)
    return np.sqrt(np.where(variances > _SMALL * np.mean(Y**2, axis=0), variances, 1.0))


def _constant(design: np.ndarray) -> int | None:
    """Find the column that is the same everywhere; None without one."""
    found = np.flatnonzero((np.ptp(design, axis=0) == 0) & (design[0] != 0))
    return int(found[0]) if found.size else None
