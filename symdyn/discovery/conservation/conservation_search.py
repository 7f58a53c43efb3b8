"""Conserved quantities of a law that was found in data: verdicts pay for its error, and for what it leaves over."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from symdyn.discovery.conservation.conservation_case import Case, frame_of
from symdyn.evidence.evidence import Evidence, LawForms, gram_of
from symdyn.functions.features import Features
from symdyn.laws.law_fit import LawFit
from symdyn.lie.actions import action_of
from symdyn.lie.chart import Chart

if TYPE_CHECKING:
    from symdyn.discovery.symmetry import SymmetryDiscovery

__all__ = ["case_from_search", "is_search", "points_of_search"]

_CROSSINGS = 10.0  # of the data, over which changes add up


def is_search(source) -> bool:
    """Check whether a source is a fitted `SymmetryDiscovery`, which holds a law with its error."""
    return hasattr(source, "law_fit_") and hasattr(source, "residual_")


def points_of_search(
    search: SymmetryDiscovery, features: Features, points: np.ndarray | None, rng: np.random.Generator
) -> np.ndarray:
    """Choose where to look at the law: within a spread of the mean of the data, unless points are given.

    Raises
    ------
    ValueError
        For maps, and points of the wrong shape.
    """
    if action_of(search.kind_).increments:
        raise ValueError("the law is a map: conserved quantities are those of flows, or of trajectories")
    n = len(search.chart_)
    if points is None:
        points = search.chart_.points_back(rng.uniform(-1, 1, (max(500, 10 * features.size(n)), n)))
    points = np.asarray(points, dtype=float)
    if points.ndim != 2 or points.shape[1] != n:
        raise ValueError(f"points must have shape (sample, {n}), got {points.shape}")
    return points


def case_from_search(
    search: SymmetryDiscovery, features: Features, points: np.ndarray, delta: float, level: float
) -> Case:
    """Build a case: h changes by Dh f, give or take Dh e for errors e of the law, and Dh u for what it leaves over.

    Such changes add up, so eps is the change in ten times the time in which the state that moves most crosses the data.

    The latter is not seen: its size is at most |Dh s| |u / s| in spreads s of the states, root mean squares over the
    points, |u / s| the upper bound of what is left over.
    """
    chart: Chart = search.chart_
    inside, given = chart.points(points), search.law_
    features = chart.features(features)
    slopes, names = features.jacobian(inside), features.names(given.states)
    chosen, scale, frame, unseen = frame_of(features, inside, slopes, names, chart)
    slopes = slopes[:, chosen] / scale[:, None]
    n, n_outputs = len(chart), len(given.coefficients)
    scales = np.array(chart.scale)
    rates = np.zeros(inside.shape)
    if n_outputs < n:
        rates[:, : n - n_outputs] = points[:, n_outputs:] / scales[: n - n_outputs]
    rates[:, n - n_outputs :] = given(points) / scales[n - n_outputs :]
    spread = inside.std(axis=0)
    sizes = np.sqrt(np.mean(rates**2, axis=0)) / np.where(spread > 0, spread, np.inf)
    if not sizes.max() > 0:
        raise ValueError("the law is at rest at all points: nothing can be told about what is conserved")
    rate = sizes.max() / _CROSSINGS
    theta, moved = given.features(points), slopes[:, :, n - n_outputs :]

    def rows(laws: np.ndarray) -> np.ndarray:
        """Compute changes `(law, sample, direction)` by laws `(law, output, feature)`."""
        flows = np.einsum("sf,lof->lso", theta, laws) / scales[n - n_outputs :]
        return np.einsum("sko,lso->lsk", moved, flows) @ frame / rate / np.sqrt(len(points))

    here = np.einsum("ski,si->sk", slopes, rates) @ frame / rate / np.sqrt(len(points))
    beside = np.einsum("sko,o->sko", moved, spread[n - n_outputs :])
    steep = sum(gram_of(part @ frame / np.sqrt(len(points))) for part in np.moveaxis(beside, 2, 0))
    over = search.residual_.upper * np.linalg.norm(sizes[n - n_outputs :]) / rate
    # Twice the root of `unknown` enters bounds and tests.
    hidden = (min(over, 1e3) / 2) ** 2 * steep
    evidence = Evidence(_forms(search.law_fit_, here, rows, hidden), delta, level)
    values = features(inside)[:, chosen]
    return Case(
        features,
        given.states,
        chosen,
        scale,
        evidence,
        frame,
        unseen,
        points=inside,
        spread=spread,
        parts=None,
        tiny=delta,
        total=np.cov(values, rowvar=False, bias=True).reshape(len(chosen), -1),
        constants=None,
        unsure=(
            f"the law leaves up to {search.residual_.upper:.2g} of the rates over, and has errors of its own: more "
            "data, less noise, or a library that holds the law would decide, or the trajectories themselves"
        ),
    )


def _forms(fit: LawFit, here: np.ndarray, rows: Callable[[np.ndarray], np.ndarray], hidden: np.ndarray) -> LawForms:
    """Compute the forms of changes `here` `(sample, direction)`, which rivals of the law make otherwise."""

    def of(law: LawFit, change: np.ndarray, errors: np.ndarray, **others: tuple[LawForms, ...]) -> LawForms:
        moved = rows(errors)
        error = np.swapaxes(moved, 1, 2) @ moved
        cross = change.T @ moved
        jackknife = np.mean(np.swapaxes(left := rows(law.jackknife), 1, 2) @ left, axis=0)
        size = np.eye(change.shape[1])
        return LawForms(gram_of(change), size, cross, error, jackknife, law.stretch, unknown=hidden, **others)

    rivals = tuple(
        of(rival, here + rows((rival.coefficients - fit.coefficients)[None])[0], rival.errors) for rival in fit.rivals
    )
    if fit.unknown is None:
        return of(fit, here, fit.errors, rivals=rivals)
    free = rows(fit.unknown)
    hidden = hidden + np.mean(np.swapaxes(free, 1, 2) @ free, axis=0)
    return of(fit, here, fit.errors - fit.unknown, rivals=rivals)
