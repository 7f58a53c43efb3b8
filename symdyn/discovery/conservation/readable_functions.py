"""Functions that were found in a chart, in the units of the user: coefficients, errors and text.

Next to the points sums keep their digits, but text is shortest about the origin of the states, where that lies among
the points: x^2 about a mean of 0.02 is x^2 − 0.04 x. So functions are brought to a form with few terms about that
origin first. Far from it a shift mixes all terms with each other; then they are written out as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from symdyn.discovery.conservation.variation import natural_scale
from symdyn.functions.features import Features
from symdyn.lie.chart import Chart

__all__ = ["Readable"]

_AMONG = 10.0  # scales of the chart: an origin nearer than that lies among the points
_MATTERS = 1e-3  # part of the largest term above which a term is shown
_TURNED = 1e8  # condition above which pivots about the centre are none about the origin
_HINTED = 0.2  # the same for functions that were not found, which are but directions


@dataclass(frozen=True)
class Readable:
    """The way of functions h = c theta' out of a chart, constants left out on the way.

    Parameters
    ----------
    given, inside : Features
        theta of the states, and theta' of the chart.
    chart : Chart
    chosen : ndarray of int
        The features that are not constant: rows of coefficients `(function, feature)` are on these.
    total : ndarray, `(feature, feature)`
        Covariance of theta' over the data.
    """

    given: Features
    inside: Features
    chart: Chart
    chosen: np.ndarray
    total: np.ndarray

    def about_origin(
        self, rows: np.ndarray, replicates: np.ndarray, pivots: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Bring a reduced span `(function, feature)` to the origin, each function free of the others' pivots there too.

        Returns the rows and the `replicates` `(replicate, function, feature)` of them, in units of the spread of the
        features about the origin.
        """
        moved = [given @ self._in_about for given in (rows, replicates)]
        if len(rows) and np.linalg.cond(moved[0][:, pivots]) < _TURNED:
            moved = [np.linalg.solve(given[..., pivots], given) for given in moved]
        functions, drawn = (given * self._about_scale for given in moved)
        return functions, drawn

    def unreduced(self, rows: np.ndarray) -> np.ndarray:
        """Return single functions, about the origin, in units of the spread of the features there."""
        return rows @ self._in_about * self._about_scale

    def coefficients(self, rows: np.ndarray) -> np.ndarray:
        """Return coefficients about the origin, on all features of the user, 1 for the one that varies most."""
        raw = self._raw(rows)
        main = np.argmax(np.abs(raw[..., self.chosen]) * self._spread_of_chosen, axis=-1)[..., None]
        leading = np.take_along_axis(raw[..., self.chosen], main, axis=-1)
        return raw / leading

    def errors(self, rows: np.ndarray, replicates: np.ndarray) -> np.ndarray:
        """Return standard errors of coefficients of `rows` `(function, feature)` from `(replicate, function, feature)`.

        Half the central 68 % of what replicates find instead; the coefficient that is 1 is held fixed.
        """
        if not len(rows):
            return np.zeros((0, len(self.spread)))
        raw, others = self._raw(rows), self._raw(replicates)
        main = self.chosen[np.argmax(np.abs(raw[:, self.chosen]) * self._spread_of_chosen, axis=1)][:, None]
        others = others / np.take_along_axis(others, np.broadcast_to(main, (*others.shape[:2], 1)), axis=2)
        return _half_width(others)

    def shown(self, rows: np.ndarray, replicates: np.ndarray, is_found: np.ndarray) -> np.ndarray:
        """Return the coefficients without the terms that do not matter, or that may as well be 0.

        Parameters
        ----------
        rows : ndarray, `(function, feature)`
        replicates : ndarray, `(replicate, function, feature)`
            The functions themselves where nothing is known of their errors.
        is_found : ndarray of bool, `(function,)`
            Of other functions hardly more than the direction is told.
        """
        if not len(rows):
            return np.zeros((0, len(self.spread)))
        main = np.abs(rows).argmax(axis=1)[:, None]
        size = np.abs(rows / np.take_along_axis(rows, main, axis=1))
        fixed = np.take_along_axis(replicates, np.broadcast_to(main, (*replicates.shape[:2], 1)), axis=2)
        least = np.maximum(np.where(is_found, _MATTERS, _HINTED)[:, None], 2 * _half_width(replicates / fixed))
        kept = np.where((size > least) | (size >= 0.5), rows, 0.0)
        raw, inside = self._raw(kept), self._back(kept)
        parts = np.abs(raw) * self.spread
        # Far from the origin large terms cancel, and what matters is what they leave.
        whole = np.sqrt(np.maximum(np.einsum("qf,fg,qg->q", inside, self.total, inside), 0.0))
        largest = np.minimum(parts.max(axis=1), np.where(whole > 0, whole, np.inf))
        matters = parts >= _MATTERS * (1 - 1e-6) * largest[:, None]
        return np.where(matters, self.coefficients(kept), 0.0)

    @cached_property
    def spread(self) -> np.ndarray:
        """Standard deviation over the data of each feature of the user `(feature,)`; the size of what is constant."""
        back = self.chart.back(self.given)
        spread = np.ones(len(back))
        inner = back[np.ix_(self.chosen, self.chosen)]
        found = np.sqrt(np.maximum(np.einsum("fa,ab,fb->f", inner, self.total, inner), 0.0))
        # Of a feature that never varies the size it has where single functions of the chart vary by 1.
        spread[self.chosen] = np.where(found > 0, found, np.abs(np.diag(inner)))
        return spread

    @property
    def _spread_of_chosen(self) -> np.ndarray:
        return self.spread[self.chosen]

    @cached_property
    def _relative(self) -> Chart:
        """The chart of y about the origin, of the states that have it among the points."""
        centre = -np.array(self.chart.centre) / self.chart.scale
        return Chart(tuple(np.where(np.abs(centre) < _AMONG, centre, 0.0)), (1.0,) * len(self.chart))

    def _of_chosen(self, matrix: np.ndarray) -> np.ndarray:
        return matrix[np.ix_(self.chosen, self.chosen)]

    @cached_property
    def _in_about(self) -> np.ndarray:
        """Rows on theta', times it, are rows on the functions about the origin."""
        return self._of_chosen(self._relative.back(self.inside))

    @cached_property
    def _out_of_about(self) -> np.ndarray:
        return self._of_chosen(self._relative.forward(self.inside))

    @cached_property
    def _forward(self) -> np.ndarray:
        return self._of_chosen(self.chart.forward(self.given))

    @cached_property
    def _about_scale(self) -> np.ndarray:
        forward = self._out_of_about
        variances = np.einsum("fa,ab,fb->f", forward, self.total, forward)
        return natural_scale(variances, np.zeros(len(variances)))

    def _back(self, rows: np.ndarray) -> np.ndarray:
        """Return rows on theta' of functions about the origin."""
        return rows / self._about_scale @ self._out_of_about

    def _raw(self, rows: np.ndarray) -> np.ndarray:
        raw = np.zeros((*rows.shape[:-1], len(self.spread)))
        raw[..., self.chosen] = self._back(rows) @ self._forward
        return raw


def _half_width(replicates: np.ndarray) -> np.ndarray:
    low, high = np.quantile(replicates, [0.16, 0.84], axis=0)
    return (high - low) / 2
