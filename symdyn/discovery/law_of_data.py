"""The law of a data set, with all that verdicts on its symmetries need: sums, scales, errors, what it leaves over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import xarray as xr

from symdyn.discovery.problem import Problem
from symdyn.evidence.elements.element_evidence import LawSample
from symdyn.evidence.evidence import LawForms, bracket_forms
from symdyn.evidence.forms import unknown_form
from symdyn.laws.fitness import check_data, law_residual
from symdyn.laws.law_fit import LawFit, fit_law, law_families
from symdyn.laws.residual import Residual
from symdyn.laws.resolution import argument_noise, with_unresolved, without_noise
from symdyn.laws.scales import Scales
from symdyn.lie.vectorfields import Generators, VectorField
from symdyn.sums.moments import Moments

__all__ = ["LawOfData", "law_of_data", "law_on_resolved_library", "law_on_wider_library"]

_GAINED = 0.9  # of what is left over: a library that leaves less than that is a larger one
_TRIED = 2  # libraries: of an odd law the next degree changes nothing, the one after it does
_MOST_TERMS = 400


@dataclass(frozen=True)
class LawOfData:
    """A law in the chart of its sums.

    `problem` is the search in that chart; `noise` that of the arguments; `residual` what the law leaves over, `richest`
    what the law on the whole library does; `resolved` whether no combination of its terms is hidden by noise.
    """

    problem: Problem
    moments: Moments
    scales: Scales
    fit: LawFit
    law: VectorField
    noise: np.ndarray
    residual: Residual
    richest: Residual
    resolved: bool = True

    def without_sums(self) -> LawOfData:
        """Return the same without the sums of products: once the law is known and judged they are not read again."""
        return replace(self, moments=replace(self.moments, products=self.moments.products[:0].copy()))

    @property
    def coarse(self) -> bool:
        """Whether rows are steps of a map that is its own instrument."""
        return self.problem.layout.coarse

    def generator_forms(self) -> tuple[Generators, LawForms]:
        """Return the candidates, with unknown actions on outputs if there are any, and the forms of their brackets."""
        candidates, derivative = self.problem.derivative(self.moments.points)
        weights = np.sqrt(self.moments.point_weights)[:, None] / self.scales.outputs[self.moments.owner]
        displace = partial(self.problem.displacement, self.moments, self.scales, self.law)
        unknown = self._unknown(weights)
        return candidates, bracket_forms(derivative, self.fit, weights, displace(len(candidates)), unknown)

    def _unknown(self, weights: np.ndarray) -> np.ndarray | None:
        """Return the form of what is unknown of the law, with what noise adds to it taken off; None without noise."""
        unknown = self.fit.unknown
        if unknown is None or not np.any(self.argument_noise):
            return None

        def form(points: np.ndarray) -> np.ndarray:
            return unknown_form(self.problem.derivative(points)[1], unknown, weights)

        return without_noise(form, self.moments.points, self.argument_noise)

    @property
    def argument_noise(self) -> np.ndarray:
        """Standard deviation `(argument,)` of the noise of the points."""
        return np.sqrt(np.mean(np.nan_to_num(np.atleast_2d(self.noise)) ** 2, axis=0))

    def element_sample(self) -> LawSample:
        """Say where, and in which units, elements are judged."""
        return LawSample(
            self.problem.features,
            self.moments.points,
            1 / self.scales.outputs[self.moments.owner],
            self.scales.states[self.moments.owner],
            self.problem.element_action,
            self.moments.point_weights,
            self.argument_noise,
        )


def law_of_data(
    dataset: xr.Dataset,
    given: Problem,
    accumulate: Callable[..., Moments],
    *,
    n_bootstrap: int,
    rng: np.random.Generator,
) -> LawOfData:
    """Sum over the data, select and fit the law, resample it, and see what it leaves over.

    Raises
    ------
    ValueError
        For data that are too few for the library.
    """
    moments = accumulate(dataset, given.features, given.layout)
    # From here to the results all is in the chart of the sums.
    problem = given.in_chart(replace(moments.chart, ties=given.layout.variables_chart.ties))
    arguments = problem.layout.arguments
    check_data(moments, problem.features.size(len(arguments)), problem.layout.states)
    scales = problem.scales(dataset, moments)
    families = law_families(problem.features, arguments)
    fit = fit_law(moments, families, scales, n_bootstrap=n_bootstrap, rng=rng)
    law, noise, resolved = VectorField(problem.features, fit.coefficients, arguments), moments.noise, True
    if problem.layout.coarse:
        noise = argument_noise(moments, law, len(problem.layout.states))
        before, fit = fit, with_unresolved(fit, moments, law, families.labels, scales, noise, rng)
        resolved = fit is before
    residual = law_residual(moments, law, scales)
    richest = law_residual(moments, replace(law, coefficients=fit.richest), scales)
    return LawOfData(problem, moments, scales, fit, law, noise, residual, richest, resolved)


def law_on_wider_library(found: LawOfData, make: Callable[[Problem], LawOfData], given: Problem) -> LawOfData | None:
    """Find the law on the next larger library that leaves less over; None if there is none, or the data are too few.

    Parameters
    ----------
    found : LawOfData
    make : callable
        From a problem to its law.
    given : Problem
        Of the law that was found, in the units of the data.
    """
    features = given.features
    for _ in range(_TRIED):
        features = features.wider()
        if features is None or features.size(len(given.layout.arguments)) > _MOST_TERMS:
            return None
        try:
            larger = make(replace(given, features=features))
        except ValueError:
            return None
        if larger.residual.share < _GAINED * found.residual.share:
            return larger
    return None


def law_on_resolved_library(
    found: LawOfData, make: Callable[[Problem], LawOfData], given: Problem
) -> tuple[LawOfData, Problem] | None:
    """Find the law on the next smaller library of which noise hides nothing, and its problem; None if there is none.

    On a sheet that noise blurs, combinations of high degree vary by the noise alone, and nobody knows their
    coefficients. A law without them says what the data do see.

    Parameters
    ----------
    found : LawOfData
    make : callable
        From a problem to its law.
    given : Problem
        Of the law that was found, in the units of the data.
    """
    features = given.features
    while not found.resolved:
        features = features.narrower()
        if features is None:
            return None
        given = replace(given, features=features)
        found = make(given)
    return found, given
