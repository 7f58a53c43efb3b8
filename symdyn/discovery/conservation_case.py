"""What `conserved_quantities` judges, from a law or from data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from symdyn.data.trajectories import open_trajectories, state_names
from symdyn.discovery.evidence import Evidence, QuadraticForms, gram_of
from symdyn.discovery.scatter import Scatter, accumulate_scatter, natural_scale, scatter_forms
from symdyn.lie.features import Features, as_features
from symdyn.lie.fields import VectorField

__all__ = ["LEVEL", "Case", "case_from_data", "case_from_law"]

LEVEL = 0.95  # of the upper bounds
_JITTER = 0.1  # relative shift that makes points of trajectories generic
_ROUNDING = 1e-3  # part of a function that counts as none, where all is exact


@dataclass(frozen=True)
class Case:
    """What there is to judge; functions of the data in units of `scale` `(feature,)`.

    `evidence` on combinations of the columns of `frame` `(feature, candidate)`; `unseen` `(feature, direction)` are
    constant on the data. `points` `(sample, state)` are generic, `spread` `(state,)` that of the data; `parts`
    `(feature, feature)` is the mean square of what h would change by if single states changed, None for a law;
    `chosen` are the features that are not constant; `scatter` the sums over the data, None for a law.
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
    scatter: Scatter | None = None

    def families(self) -> list[str]:
        """Families of the features that are not constant."""
        labels = self.features.families(self.states)
        return [labels[k] for k in self.chosen]

    def values(self) -> np.ndarray:
        """Features `(sample, feature)` at the generic points."""
        return self.features(self.points)[:, self.chosen] / self.scale

    def stretch(self, rows: np.ndarray) -> np.ndarray:
        """Factor `(function,)` by which eps of functions `rows` `(function, feature)` is larger without the trajectory
        that carries most of their scatter; 1 for a law, and below 3 trajectories.
        """
        if self.scatter is None or len(self.scatter.cells) < 3:
            return np.ones(len(rows))
        functions = np.zeros((len(rows), self.scatter.even.shape[1]))
        functions[:, : len(self.scale)] = rows / self.scale
        return 1 / np.sqrt(np.maximum(self.scatter.share_without_one(functions), 1e-30))

    def gradients(self, rows: np.ndarray) -> np.ndarray:
        """Of the functions with coefficients `rows` `(function, feature)`, states in units of their spread."""
        slopes = self.features.jacobian(self.points)[:, self.chosen] / self.scale[:, None] * self.spread
        return np.einsum("qf,sfi->sqi", rows, slopes)


def case_from_law(law: VectorField, features, points, tolerance: float, rng: np.random.Generator) -> Case:
    """An exact law: h changes by Dh f, at `points` or, if None, at points uniform on [−1, 1] in each state."""
    n = len(law.states)
    if len(law.coefficients) != n:
        raise ValueError("the law must be a flow, one output a state; turn a second-order law into one: `first_order`")
    features = as_features(features, n)
    if points is None:
        points = rng.uniform(-1, 1, (max(500, 10 * features.size(n)), n))
    points = np.asarray(points, dtype=float)
    if points.ndim != 2 or points.shape[1] != n:
        raise ValueError(f"points must have shape (sample, {n}), got {points.shape}")
    slopes = features.jacobian(points)
    chosen = _varying(slopes, features.names(law.states))
    if len(points) <= len(chosen):
        raise ValueError(f"{len(points)} points cannot decide about {len(chosen)} features: give more")
    rates, spread = law(points), points.std(axis=0)
    rate = max(np.sqrt(np.mean(rates**2, axis=0))[spread > 0] / spread[spread > 0], default=0.0)
    if rate == 0:
        raise ValueError("the law is at rest at all points: nothing can be told about what is conserved")
    scale, frame, unseen = _frame(features(points)[:, chosen])
    changes = np.einsum("sfi,si->sf", slopes[:, chosen] / scale[:, None], rates) @ frame / rate
    evidence = Evidence(_exact_forms(changes / np.sqrt(len(points))), tolerance)
    return Case(features, law.states, chosen, scale, evidence, frame, unseen, points, spread, None, _ROUNDING)


def _frame(values):
    """Scales of the functions, orthonormal combinations of them, and those that are constant at all points.

    With an orthonormal frame the squares of rows keep their digits.
    """
    means = values.mean(axis=0)
    scale = natural_scale(values.var(axis=0), means)
    _, sizes, right = np.linalg.svd((values - means) / scale / np.sqrt(len(values)), full_matrices=False)
    seen = sizes > 1e-8 * sizes[0]
    return scale, right[seen].T / sizes[seen], right[~seen].T


def _exact_forms(rows) -> QuadraticForms:
    n = rows.shape[1]
    nothing = np.zeros((1, n, n))
    return QuadraticForms(gram_of(rows), np.eye(n), nothing, nothing, nothing[0], np.ones(1))


def case_from_data(source, features, delta, tolerance, n_bootstrap, rng: np.random.Generator) -> Case:
    """Trajectories: h scatters within them and between them."""
    dataset = open_trajectories(source[0], t=source[1]) if isinstance(source, tuple) else open_trajectories(source)
    names = tuple(state_names(dataset))
    features = as_features(features, len(names))
    scatter = accumulate_scatter(dataset, features)
    slopes = features.jacobian(scatter.points)
    chosen = _varying(slopes, features.names(names))
    n_all = features.size(len(names))
    scatter = scatter.only(np.concatenate([chosen, np.arange(n_all, n_all + len(names))]))
    forms, scale = scatter_forms(scatter, len(chosen), tolerance, n_bootstrap, rng)
    moved = slopes[:, chosen] / scale[:, None] * scatter.offsets[:, None, :]
    parts = sum(gram_of(moved[:, :, i]) for i in range(len(names))) / len(moved)
    evidence = Evidence(forms, delta, _level_for(len(scatter.count)))
    points = scatter.points * (1 + _JITTER * rng.standard_normal(scatter.points.shape))
    return Case(
        features,
        names,
        chosen,
        scale,
        evidence,
        np.eye(len(chosen)),
        evidence.unseen,
        points,
        scatter.points.std(axis=0),
        parts,
        delta,
        scatter,
    )


def _varying(slopes, names):
    """Indices of the features that depend on the state at all."""
    bad = np.flatnonzero(~np.isfinite(slopes).all(axis=(0, 2)))
    if bad.size:
        raise ValueError(f"the derivative of feature {names[bad[0]]!r} is not finite at all points")
    chosen = np.flatnonzero(np.abs(slopes).max(axis=(0, 2)) > 0)
    if chosen.size == 0:
        raise ValueError("all features are constant: add some that depend on the state")
    return chosen


def _level_for(n_parts):
    """The quantile of replicates that bounds at 95 %, the spread of few parts being uncertain (Student's t)."""
    return float(stats.norm.cdf(stats.t.ppf(LEVEL, n_parts - 1)))
