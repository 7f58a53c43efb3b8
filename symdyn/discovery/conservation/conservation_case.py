"""What `conserved_quantities` judges, from a law or from data."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy import stats

from symdyn.data.trajectories import state_names
from symdyn.discovery.conservation.conservation_constants import (
    Constants,
    constant_directions,
    constants_of,
    linear_terms,
    restricted,
    without,
)
from symdyn.discovery.conservation.left_out_runs import LeftOut
from symdyn.discovery.conservation.variation import (
    Scatter,
    accumulate_scatter,
    natural_scale,
    rounding_of,
    scatter_forms,
)
from symdyn.evidence.evidence import Evidence, QuadraticForms, gram_of
from symdyn.evidence.exact_evidence import Known
from symdyn.functions.features import Features
from symdyn.functions.tolerances import STILL
from symdyn.lie.chart import Chart
from symdyn.lie.vectorfields import VectorField

__all__ = ["LEVEL", "Case", "case_from_data", "case_from_law", "checked_points", "frame_of"]

LEVEL = 0.95  # of the upper bounds
_JITTER = 0.1  # relative shift that makes points of trajectories generic
_PROBES = 50  # points beside the data that show whether a feature is constant
_ROUNDED = 1e-10  # scatter, of that of its terms, that rounding makes
_ROUNDING = 1e-3  # part of a function that counts as none, where all is exact


@dataclass(frozen=True)
class Case:
    """What there is to judge, in the chart; functions of the data in units of `scale` `(feature,)`.

    `features` are those of the chart; `evidence` is on combinations of the columns of `frame` `(feature, candidate)`;
    `unseen` `(feature, direction)` are constant on the data. `points` `(sample, state)` are generic, `spread`
    `(state,)` that of the data; `parts` `(feature, feature)` is the mean square of what h would change by if single
    states changed, None for a law; `chosen` are the features that are not constant; `total` `(feature, feature)` is the
    covariance of these over all data; `scatter` the sums over the data and `runs` what each trajectory adds to the
    changes, None for a law; `unsure` says why a law may not decide. `constants` are linear functions that have one
    value on all the data, and are judged apart.
    """

    features: Features
    states: tuple[str, ...]
    chosen: np.ndarray
    scale: np.ndarray
    evidence: Evidence
    frame: np.ndarray
    unseen: np.ndarray
    points: np.ndarray
    spread: np.ndarray
    parts: np.ndarray | None
    tiny: float
    total: np.ndarray
    constants: Constants | None
    scatter: Scatter | None = None
    runs: LeftOut | None = None
    unsure: str = "rounding of the rates may have made its change: move the origin of the states to the points"

    def families(self) -> list[str]:
        """Return the families of the features that are not constant."""
        labels = self.features.families(self.states)
        return [labels[k] for k in self.chosen]

    def values(self) -> np.ndarray:
        """Evaluate the features `(sample, feature)` at the generic points."""
        return self.features(self.points)[:, self.chosen] / self.scale

    def stretch(self, rows: np.ndarray) -> np.ndarray:
        """Return the factor `(function,)` by which eps of functions `rows` `(function, feature)` is larger without the
        trajectory that carries most of their scatter; 1 for a law, and below 3 trajectories.
        """
        if self.scatter is None or len(self.scatter.cells) < 3:
            return np.ones(len(rows))
        functions = np.zeros((len(rows), self.scatter.even.shape[1]))
        functions[:, : len(self.scale)] = rows / self.scale
        return 1 / np.sqrt(np.maximum(self.scatter.share_without_one(functions), 1e-30))

    def left_out(self, rows: np.ndarray) -> np.ndarray:
        """Return eps of functions `(function, feature)` on trajectories left out; 0 for a law."""
        if self.runs is None:
            return np.zeros(len(rows))
        return self.runs.violations(rows @ np.linalg.pinv(self.frame).T)

    @property
    def n_runs(self) -> int:
        """Trajectories, 0 for a law."""
        return 0 if self.scatter is None else len(self.scatter.cells)

    def gradients(self, rows: np.ndarray) -> np.ndarray:
        """Differentiate functions with coefficients `rows` `(function, feature)`, states in units of their spread."""
        slopes = self.features.jacobian(self.points)[:, self.chosen] / self.scale[:, None] * self.spread
        return np.einsum("qf,sfi->sqi", rows, slopes)


def case_from_law(law: VectorField, features: Features, points: np.ndarray, chart: Chart, tolerance: float) -> Case:
    """Build the case of an exact law: h changes by Dh f at the points."""
    inside = chart.points(points)
    features = chart.features(features)
    slopes = features.jacobian(inside)
    chosen = _varying(features, inside, slopes, features.names(law.states))
    if len(points) <= len(chosen):
        raise ValueError(f"{len(points)} points cannot decide about {len(chosen)} features: give more")
    rates, spread = law(points) / chart.scale, inside.std(axis=0)
    rate = max(np.sqrt(np.mean(rates**2, axis=0))[spread > 0] / spread[spread > 0], default=0.0)
    if rate == 0:
        raise ValueError("the law is at rest at all points: nothing can be told about what is conserved")
    values, slopes = features(inside)[:, chosen], slopes[:, chosen]
    rounding = rounding_of(slopes, chart)
    scale, frame, unseen = _frame(values, rounding)
    changes = np.einsum("sfi,si->sf", slopes / scale[:, None], rates) / rate / np.sqrt(len(points))
    known = float(np.sqrt(np.mean(np.sum((_rounding(law, points) / chart.scale) ** 2, axis=1))) / rate)

    def judge(forms: QuadraticForms) -> Known:
        return Known(forms, tolerance, resolution=known)

    evidence = judge(_exact_forms(changes @ frame))
    linear, terms = linear_terms(slopes / scale[:, None], _beside(features, inside, chosen) / scale[:, None], spread)
    constant = np.zeros((len(chosen), 0))
    if linear.any():
        still = _frame(values[:, linear], rounding[linear])[2]
        constant = np.zeros((len(chosen), still.shape[1]))
        constant[linear] = still
    constants = constants_of(_exact_forms(changes), terms, constant, judge, np.zeros(1))
    if known > tolerance:
        warnings.warn(
            f"the rates of the law are known to {known:.1g} of their size only, its terms nearly cancel: changes "
            f"below that cannot be told from tolerance = {tolerance:.1g}; move the origin of the states to the points",
            stacklevel=3,
        )
    total = _of_varying(np.cov(values, rowvar=False, bias=True).reshape(len(chosen), -1), rounding)
    lost = constants.unseen if constants else np.zeros((len(chosen), 0))
    unseen = np.hstack([without(unseen, constant), lost])
    return Case(
        features,
        law.states,
        chosen,
        scale,
        evidence,
        frame,
        unseen,
        points=inside,
        spread=spread,
        parts=None,
        tiny=_ROUNDING,
        total=total,
        constants=constants,
    )


def _rounding(law: VectorField, points: np.ndarray) -> np.ndarray:
    """Return what rates `(sample, output)` may be off by: the rounding of the terms of the law."""
    if law.inside is not None:
        return _rounding(law.inside.field, law.inside.chart.points(points)) * law.inside.units
    return np.finfo(float).eps * np.abs(law.features(points)) @ np.abs(law.coefficients).T


def checked_points(
    law: VectorField, features: Features, points: np.ndarray | None, rng: np.random.Generator
) -> np.ndarray:
    """Choose where to look at the law: uniform on [−1, 1] in each state, unless points are given."""
    n = len(law.states)
    if len(law.coefficients) != n:
        raise ValueError("the law must be a flow, one output a state; turn a second-order law into one: `first_order`")
    if points is None:
        points = rng.uniform(-1, 1, (max(500, 10 * features.size(n)), n))
    points = np.asarray(points, dtype=float)
    if points.ndim != 2 or points.shape[1] != n:
        raise ValueError(f"points must have shape (sample, {n}), got {points.shape}")
    return points


def frame_of(
    features: Features, inside: np.ndarray, slopes: np.ndarray, names: list[str], chart: Chart
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Find the features that vary, their scales, orthonormal combinations of them, and those that are constant.

    Raises
    ------
    ValueError
        For derivatives that are not finite, and more features than points.
    """
    chosen = _varying(features, inside, slopes, names)
    if len(inside) <= len(chosen):
        raise ValueError(f"{len(inside)} points cannot decide about {len(chosen)} features: give more")
    return chosen, *_frame(features(inside)[:, chosen], rounding_of(slopes[:, chosen], chart))


def _frame(values: np.ndarray, rounding: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return scales of the functions, orthonormal combinations of them, and those that are constant at all points.

    With an orthonormal frame the squares of rows keep their digits.
    """
    means = values.mean(axis=0)
    scale = natural_scale(values.var(axis=0), means, rounding)
    _, sizes, right = np.linalg.svd((values - means) / scale / np.sqrt(len(values)), full_matrices=False)
    seen = sizes > 1e-8 * sizes[0]
    return scale, right[seen].T / sizes[seen], right[~seen].T


def _exact_forms(rows: np.ndarray) -> QuadraticForms:
    n = rows.shape[1]
    nothing = np.zeros((1, n, n))
    return QuadraticForms(gram_of(rows), np.eye(n), nothing, nothing, nothing[0], np.ones(1))


def case_from_data(
    dataset: xr.Dataset,
    features: Features,
    chart: Chart,
    delta: float,
    tolerance: float,
    n_bootstrap: int,
    rng: np.random.Generator,
) -> Case:
    """Build the case of trajectories: h scatters within them and between them."""
    names, n_states = tuple(state_names(dataset)), len(chart)
    features = chart.features(features)
    scatter = accumulate_scatter(dataset, features, chart)
    slopes = features.jacobian(scatter.points)
    chosen = _varying(features, scatter.points, slopes, features.names(names))
    n_all = features.size(n_states)
    scatter = scatter.only(np.concatenate([chosen, np.arange(n_all, n_all + n_states)]))
    slopes = slopes[:, chosen]
    rounding = rounding_of(slopes, chart)
    found = scatter_forms(scatter, rounding, tolerance, n_bootstrap, rng)
    forms, scale, level = found.forms, found.scale, _level_for(len(scatter.count))
    spreads = np.sqrt(np.maximum(np.diag(scatter.scatter_in_all())[len(chosen) :], 0.0))
    beside = _beside(features, scatter.points, chosen)
    linear, terms = linear_terms(slopes / scale[:, None], beside / scale[:, None], spreads)
    unsure = found.unsure + _ROUNDED * np.eye(len(chosen))
    frame, constant, others = constant_directions(forms.size, unsure, linear)
    chance = (tolerance * rng.standard_normal(n_bootstrap)) ** 2
    constants = constants_of(forms, terms, constant, lambda forms: Evidence(forms, delta, level), chance)
    lost = constants.unseen if constants else np.zeros((len(chosen), 0))
    evidence = Evidence(restricted(forms, frame), delta, level)
    moved = slopes / scale[:, None] * scatter.offsets[:, None, :]
    return Case(
        features,
        names,
        chosen,
        scale,
        evidence,
        frame,
        np.hstack([others, lost, frame @ evidence.unseen]),
        points=_generic(scatter.points, features, rng),
        spread=scatter.points.std(axis=0),
        parts=sum(gram_of(moved[:, :, i]) for i in range(n_states)) / len(moved),
        tiny=delta,
        total=_of_varying(scatter.scatter_in_all()[: len(chosen), : len(chosen)], rounding),
        constants=constants,
        scatter=scatter,
        runs=LeftOut.of(found.runs, found.share, forms.error.mean(axis=0), frame),
    )


def _beside(features: Features, points: np.ndarray, chosen: np.ndarray | slice) -> np.ndarray:
    """Compute derivatives `(point, feature, state)` next to the points, 0 where there are none."""
    few = points[:_PROBES] + _JITTER * np.random.default_rng(4).standard_normal(points[:_PROBES].shape)
    with np.errstate(all="ignore"):
        return np.nan_to_num(features.jacobian(few))[:, chosen]


def _of_varying(total: np.ndarray, rounding: np.ndarray) -> np.ndarray:
    """Return the covariance of features, 0 for those that vary by rounding only."""
    varies = np.diag(total) > rounding**2
    return np.where(varies[:, None] & varies, total, 0.0)


def _generic(points: np.ndarray, features: Features, rng: np.random.Generator) -> np.ndarray:
    """Draw points next to those of trajectories: nearer to the centre or farther, or off the only value of a state."""
    noise = _JITTER * rng.standard_normal(points.shape)
    moved = points + noise * np.where(points.std(axis=0) > STILL, points, 1.0)
    with np.errstate(all="ignore"):
        inside = np.asarray(np.isfinite(features(moved)).all(axis=1))
    return np.where(inside[:, None], moved, points)


def _varying(features: Features, points: np.ndarray, slopes: np.ndarray, names: list[str]) -> np.ndarray:
    """Return indices of the features that depend on the state at all, whether or not they vary at the points."""
    bad = np.flatnonzero(~np.isfinite(slopes).all(axis=(0, 2)))
    if bad.size:
        raise ValueError(f"the derivative of feature {names[bad[0]]!r} is not finite at all points")
    beside = _beside(features, points, slice(None))
    chosen = np.flatnonzero(np.maximum(np.abs(slopes).max(axis=(0, 2)), np.abs(beside).max(axis=(0, 2))) > 0)
    if chosen.size == 0:
        raise ValueError("all features are constant: add some that depend on the state")
    return chosen


def _level_for(n_parts: int) -> float:
    """Return the quantile of replicates that bounds at 95 %, the spread of few parts being uncertain (Student's t)."""
    return float(stats.norm.cdf(stats.t.ppf(LEVEL, n_parts - 1)))
