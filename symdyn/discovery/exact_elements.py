"""Finite symmetries of functions that can be called: f(g x) = M f(x), compared at points, without noise.

The violation of an element is that of `symdyn.evidence.elements.element_evidence`, with f itself for the law: M is the
linear part of g where values are vectors, 1 where they are invariant. What is known of it is limited by rounding alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import xarray as xr

from symdyn.discovery.sampled_function import units_of_values
from symdyn.evidence.elements.element_evidence import displacement
from symdyn.evidence.elements.element_table import Chooser, are_outside, element_table
from symdyn.evidence.elements.group_evidence import lightest, signed_shifts
from symdyn.evidence.elements.group_table import judge_groups
from symdyn.evidence.evidence import Evidence, QuadraticForms
from symdyn.evidence.exact_evidence import Known
from symdyn.functions.tolerances import STILL
from symdyn.lie.chains import Chain
from symdyn.lie.chart import Chart
from symdyn.lie.groups import Elements
from symdyn.lie.output_actions import Values, value_action
from symdyn.sums.data_charts import chart_of_points

__all__ = [
    "judge_candidates_of_function",
    "judge_elements_of_function",
    "judged_with_reasons",
    "known_violation",
    "output_of_elements",
]

_LOOKED_AT = 2000  # images that are looked for among the points
_SAFE = 4.0  # times the rounding that is seen
_MOST = 0.5  # of the images: where fewer lie among the points, these do not decide
_DRAWN = 64  # pairs of elements of a large group, at points
_AT = 500  # points of these


def judge_elements_of_function(
    f: Callable[[np.ndarray], np.ndarray],
    points: np.ndarray,
    elements: Elements,
    output: str | Sequence | np.ndarray = "invariant",
    *,
    delta: float = 1e-6,
    only_inside: bool = False,
    products: bool | Chooser = True,
) -> xr.Dataset:
    """Verdicts on elements for a function that can be called, at given points: no noise, so they are exact.

    Parameters
    ----------
    f : callable
        From points `(sample, state)` to values `(sample,)`, `(sample, output)` or a tensor `(sample, ...)`.
    points : ndarray, `(sample, state)`
    elements : Elements
        As they are to be judged, see `Elements.searched`.
    output : str or tuple of str, or array `(element, output, output)`
        How the values move, as for `discover_function`; an array gives the matrix of each element. Time reversal is for
        `"vector_field"` only.
    delta : float
        Violations below count as zero.
    only_inside : bool
        Compare where g x lies among the points only, as f means nothing elsewhere; where less than half does, an
        element is undetermined.
    products : bool or callable
        How elements are accepted together, see `symdyn.evidence.elements.element_table.element_table`.

    Returns
    -------
    xr.Dataset
        As of `judge_elements`, and `reason`: of what is undetermined, why, and what would decide it.

    Raises
    ------
    ValueError
        For points or values of the wrong shape, values that are not finite, and unknown or unsuitable outputs.
    """
    points = np.asarray(points, dtype=float)
    if points.ndim != 2 or points.shape[1] != len(elements.states):
        raise ValueError(f"points must have shape (sample, {len(elements.states)}), got {points.shape}")
    values = np.asarray(f(points), dtype=float)
    action = value_action(output)
    _check_function(values, points, elements, action)
    compared = _Compared(f, points, values, action, delta, only_inside)
    inside = compared.chart.elements(elements)

    def judge(part: Elements) -> tuple[Known | None, str]:
        known = inside.index(part)[0]  # a product of elements is none of them
        images = elements[known].images(points)[:, :, 0] if known >= 0 else None
        matrix = action.matrix_of(known)
        return compared.judge(part, images, matrix)

    outside = np.array([compared.share_outside(elements[k]) for k in range(len(elements))])
    if action.per_candidate:
        products = False  # no matrix is given for products of elements
    table = judged_with_reasons(inside, judge, outside, delta, products)
    return table.assign_coords(element=np.array(elements.texts(), dtype=object))


def judge_candidates_of_function(
    f: Callable[[np.ndarray], np.ndarray],
    points: np.ndarray,
    candidates: Elements,
    output: str | Sequence | np.ndarray,
    *,
    delta: float,
    only_inside: bool = False,
) -> tuple[Elements, xr.Dataset, list[str]]:
    """Judge candidates as a user gives them, large groups by their generators; see `judge_elements_of_function`.

    Returns
    -------
    Elements, xr.Dataset, list of str
        See `symdyn.evidence.elements.group_table.judge_groups`.
    """
    action = value_action(output)

    def judge(part: Elements, products: bool | Chooser) -> xr.Dataset:
        options = {"delta": delta, "only_inside": only_inside, "products": products}
        return judge_elements_of_function(f, points, part, output, **options)

    def bound(chain: Chain) -> float:
        values = np.asarray(f(points), dtype=float)
        _check_function(values, points, chain.generators, action)
        return _Compared(f, points, values, action, delta, only_inside).bound(chain)

    return judge_groups(candidates, judge, bound, delta)


def judged_with_reasons(
    elements: Elements,
    judge: Callable[[Elements], tuple[Evidence | None, str]],
    outside: np.ndarray,
    delta: float,
    products: bool | Chooser = True,
) -> xr.Dataset:
    """The table of elements of which violations are known, with a column `reason`.

    Parameters
    ----------
    elements : Elements
    judge : callable
        From one element to its evidence, None where there is none, and why it is not known better.
    outside : ndarray, `(element,)`
        Share of images outside the points.
    delta : float
    products : bool or callable
        How elements are accepted together, see `symdyn.evidence.elements.element_table.element_table`.
    """
    told: list[str] = []

    def evidence(part: Elements) -> Evidence | None:
        found, reason = judge(part)
        told.append(reason)
        return found

    table = element_table(elements, evidence, outside, delta=delta, alpha=0.05, products=products)
    undecided = table.verdict.values == "undetermined"
    below = table.upper_bound.values < delta
    open_products = (
        "a product of it with another symmetric element is not symmetric, or not known to be: they are no group within "
        "delta"
    )
    reasons = [
        (open_products if small else reason) if is_open else ""
        for reason, small, is_open in zip(told, below, undecided, strict=False)
    ]
    return table.assign(reason=("element", np.array(reasons, dtype=object)))


def known_violation(violation: float, size: float, delta: float, resolution: float) -> Known:
    """Evidence of one element from mean squares: of what it violates, and of its size."""
    nothing = np.zeros((1, 1, 1))
    forms = QuadraticForms(np.full((1, 1), violation / size), np.eye(1), nothing, nothing, nothing[0], np.ones(1))
    return Known(forms, delta, resolution=resolution)


def output_of_elements(output, n_generators: int, elements: Elements):
    """How values move under given elements, as a user says it for all candidates.

    Raises
    ------
    ValueError
        For matrices where it is not clear whose they are.
    """
    if value_action(output).per_candidate and (n_generators or np.any(elements.group >= 0)):
        raise ValueError(
            "matrices as output are one for each candidate: give generators and elements in calls of their own, and "
            "elements that stand for themselves (`groups.elements([...])`), not groups"
        )
    return output


@dataclass(frozen=True)
class _Compared:
    """A function at points and at their images; values `(sample, ...)` in units of the user."""

    f: Callable
    points: np.ndarray
    values: np.ndarray
    output: Values
    delta: float
    only_inside: bool

    @cached_property
    def chart(self) -> Chart:
        return chart_of_points(self.points)

    @cached_property
    def spreads(self) -> np.ndarray:
        """Of each state `(state,)`; infinite where it never varies, which takes it out of every norm."""
        still = self.points.std(axis=0) <= STILL * np.abs(self.points).max(axis=0)
        return np.where(still, np.inf, 1.0)

    @cached_property
    def units(self):
        return units_of_values(self.values, self.output, np.array(self.chart.scale))

    def judge(self, part: Elements, images, matrix) -> tuple[Known | None, str]:
        """Evidence on an element of the chart, whose images in the units of the user may be known."""
        here = self.chart.points(self.points)
        there = part.images(here)[:, :, 0]
        given = self.chart.points_back(there) if images is None else images
        used = np.ones(len(given), dtype=bool)
        if self.only_inside:
            used = ~self._outside(given, self.points)
            if used.mean() < _MOST:
                return None, (
                    f"{1 - used.mean():.0%} of its images lie outside the points: only points there could decide"
                )
        moved, rounding = self._moved(given[used], part)
        if not np.all(np.isfinite(moved)):
            bad = np.mean(~np.isfinite(moved).reshape(len(moved), -1).all(axis=1))
            return None, f"f is not finite at {bad:.0%} of its images: give points whose images lie in the domain of f"
        violation, size = self._sizes(moved, part, matrix, used, there - here)
        if not size > 0:
            return None, "it changes nothing at any of the points: give points that it moves"
        resolution = rounding / np.sqrt(size)
        reason = (
            f"rounding alone makes violations of {resolution:.1g}: move the origin of the states to the points, or "
            "raise delta"
        )
        return known_violation(violation, size, self.delta, resolution), reason

    def bound(self, chain: Chain) -> float:
        """Bound the violations of all elements of a group from differences at images of points by elements drawn.

        Any f(g x) − M f(x) is the sum of two differences of this kind, from x to some h x and from there to g x, so it
        is no larger than twice the largest, as far as those drawn tell. Infinite where they say nothing.
        """
        rng = np.random.default_rng(0)
        here = self.points[rng.permutation(len(self.points))[:_AT]]
        largest, sizes = 0.0, np.ravel(self.units.scale)
        first, then = chain.draw(_DRAWN, rng), chain.draw(_DRAWN, rng)
        for k in range(_DRAWN):
            start = first[k].images(here)[:, :, 0]
            end = then[k].images(start)[:, :, 0]
            if self.only_inside:
                used = ~self._outside(start, self.points) & ~self._outside(end, self.points)
                start, end = start[used], end[used]
                if len(start) < _MOST * len(here):
                    return np.inf
            with np.errstate(all="ignore"):
                before, after = (np.asarray(self.f(at), dtype=float) for at in (start, end))
            gap = (after - self.output.carried(before, then[k], None)) / self.units.scale
            if not np.all(np.isfinite(gap)):
                return np.inf
            largest = max(largest, float(np.sum(gap.reshape(len(gap), -1) ** 2, axis=1).max()))
        spread = sizes.max() / sizes.min() if len(sizes) else 1.0  # values of one unit may become those of another
        size = self._least_size(chain)
        return 2 * spread * float(np.sqrt(largest / size)) if size > 0 else np.inf

    def _least_size(self, chain: Chain) -> float:
        """The least mean square of what an element of the group moves the points by, as it counts for its size."""
        n, here = len(self.chart), self.chart.points(self.points)
        rates = self.output.rates((self.values - self.units.offset) / self.units.scale, n)
        moved = np.zeros((n, n, 2))
        for images, at in signed_shifts(n, self.chart.elements):
            shift = images.images(here)[:, :, 0] - here
            moved[at] = np.mean(displacement(shift, self.spreads, rates) ** 2, axis=0)
        return lightest(moved, chain.reached)

    def share_outside(self, element: Elements) -> float:
        """Share of images far from all points; of some of them, where there are many."""
        chosen = np.random.default_rng(0).permutation(len(self.points))[:_LOOKED_AT]
        return float(np.mean(self._outside(element.images(self.points[chosen])[:, :, 0], self.points)))

    def _outside(self, images: np.ndarray, points: np.ndarray):
        spread = np.where(np.isfinite(self.spreads), self.points.std(axis=0), np.inf)
        return are_outside(images, points, spread * np.ones(points.shape))

    def _sizes(self, moved: np.ndarray, part: Elements, matrix: np.ndarray | None, used: np.ndarray, shift: np.ndarray):
        """Mean squares of f(g x) − M f(x), and of what these and x are moved by."""
        values = self.values[used]
        carried = self.output.carried(values, _outside(part, self.chart), matrix)
        gap, transported, carried = (
            _mean_square(difference / self.units.scale)
            for difference in (moved - carried, moved - values, carried - values)
        )
        rates = self.output.rates((self.values - self.units.offset) / self.units.scale, len(self.chart))
        displaced = _mean_square(displacement(shift[used], self.spreads, rates))
        return gap, transported + carried + displaced

    def _moved(self, images: np.ndarray, part: Elements):
        """Values at images, and what rounding of the images and of the values makes of them, in the chart."""
        matrix, centre = np.abs(_outside(part, self.chart).matrices[0]), np.abs(np.array(self.chart.centre))
        shift = np.abs(part.translations[0]) * self.chart.scale + centre + matrix @ centre
        steps = np.finfo(float).eps * ((np.abs(self.points) @ matrix.T).max(axis=0) + shift)
        signs = np.random.default_rng(1).choice([-1.0, 1.0], images.shape)
        with np.errstate(all="ignore"):
            moved, beside = (np.asarray(self.f(x), dtype=float) for x in (images, images + signs * steps))
            change = np.where(np.isfinite(beside), beside - moved, 0.0)
            rounding = _mean_square(change / self.units.scale) + _mean_square(np.spacing(moved) / self.units.scale)
        return moved, _SAFE * float(np.sqrt(rounding))


def _mean_square(values: np.ndarray):
    """Over samples, of the sum over all numbers of a sample."""
    return float(np.mean(np.sum(values.reshape(len(values), -1) ** 2, axis=1)))


def _outside(element: Elements, chart: Chart) -> Elements:
    """The linear part of an element of the chart in the units of the user, which is what values move by."""
    scale = np.array(chart.scale)
    return replace(element, matrices=element.matrices * scale[:, None] / scale)


def _check_function(values: np.ndarray, points: np.ndarray, elements: Elements, output: Values) -> None:
    if values.shape[:1] != (len(points),):
        raise ValueError(f"f must return one value a point, got shape {values.shape} for {len(points)} points")
    if not np.all(np.isfinite(values)):
        raise ValueError("f is not finite at all points")
    output.check_elements(values, points.shape[1], elements)
