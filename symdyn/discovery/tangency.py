"""Symmetries of sets: a group keeps a manifold if its generators are tangent to it everywhere.

The rows are the normal parts (I − P_x) v_k(x), with P_x the projector on the tangent space at x: known where the
manifold is a level set, estimated by local principal components where only points of it are known (Otto et al.,
arXiv 2311.00212). Tangent spaces from points have errors, which depend on the number of points, their noise and the
curvature; so the tolerance is not fixed but lies in the largest gap of the spectrum above these errors. Distances and
angles are those of the chart, where each state has its own unit; whether a field is tangent does not depend on it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy.spatial import cKDTree

from symdyn.data.charts import chart_of_points
from symdyn.discovery.conclusion import View, conclude
from symdyn.discovery.evidence import Evidence, QuadraticForms, gram_of
from symdyn.discovery.function import FunctionSymmetry
from symdyn.discovery.posed import in_given_candidates
from symdyn.lie.fields import Generators, of_size_one

__all__ = ["discover_manifold"]

_STILL = 1e-13  # of its size: a state that varies by less varies by rounding
_NEIGHBOURS = 12  # per dimension of the manifold: enough to average, few enough to stay local


def discover_manifold(
    points: np.ndarray,
    candidates: Generators,
    *,
    level_set: Callable[[np.ndarray], np.ndarray] | None = None,
    dim: int | None = None,
    delta: float | None = None,
    n_bootstrap: int = 100,
    rng=0,
) -> FunctionSymmetry:
    """The generators that are tangent to a manifold.

    Parameters
    ----------
    points : ndarray, `(sample, state)`
        Points on the manifold.
    candidates : Generators
    level_set : callable, optional
        h with h = 0 on the manifold, from points to `(sample,)` or `(sample, equation)`. Without it tangent spaces come
        from the principal components of neighbouring points.
    dim : int, optional
        Dimension of the manifold; from the largest gap of the local principal components if left out.
    delta : float, optional
        Largest violation, the sine of the angle between generator and tangent space. If left out: 1e-6 for a level set;
        for points, in the middle of the largest gap between bounds of violations that errors of the tangent spaces
        explain, and those above. Without such a gap nothing is accepted.
    n_bootstrap : int
        Replicates of the tangent spaces, each from a random half of the neighbours.
    rng : int or numpy Generator

    Raises
    ------
    TypeError
        For candidates that are no generators.
    ValueError
        For points of the wrong shape or too few, points off the level set, and a dimension out of range.
    """
    if not isinstance(candidates, Generators):
        raise TypeError(
            f"candidates must be Generators, such as symdyn.candidates.gl(2), got {type(candidates).__name__}"
        )
    points = np.asarray(points, dtype=float)
    if points.ndim != 2 or points.shape[1] != len(candidates.states):
        raise ValueError(f"points must have shape (sample, {len(candidates.states)}), got {points.shape}")
    chart = chart_of_points(points)
    if not np.any(points.std(axis=0) > _STILL * np.abs(points).max(axis=0)):
        raise ValueError("all points are the same: they make no manifold")
    basis, weights = of_size_one(chart.generators(candidates))
    inside = chart.points(points)
    if level_set is not None:
        normals, moved = _normals_of_level_set(level_set, points, chart), []
    else:
        normals, moved = _normals_of_points(inside, dim, n_bootstrap, np.random.default_rng(rng))
    evidence = Evidence(_tangency_forms(basis.values(inside), normals, moved), 1e-6 if delta is None else delta)
    if delta is None and level_set is None:
        evidence = replace(evidence, delta=_middle_of_gap(evidence))
    view = View(chart, candidates.features, basis)
    found = conclude(basis, evidence, 0.05, lambda algebra: np.zeros(algebra.dim, dtype=bool), view=view)
    given = in_given_candidates(evidence, np.linalg.inv(weights))
    return FunctionSymmetry(found.algebra, found.trivial, found.verdicts, found.generators, given)


def _tangency_forms(fields, normals, moved) -> QuadraticForms:
    """Forms of the normal part N v of the fields, N `(sample, state, state)` the projector on normals."""
    root = np.sqrt(len(fields))

    def rows(projector):
        return np.einsum("sij,sjk->sik", projector, fields).reshape(-1, fields.shape[-1]) / root

    here, size = rows(normals), gram_of(fields.reshape(-1, fields.shape[-1]) / root)
    errors = [rows(other) - here for other in moved] or [np.zeros_like(here)]
    error = np.stack([gram_of(there) for there in errors])
    cross = np.stack([here.T @ there for there in errors])
    return QuadraticForms(gram_of(here), size, cross, error, error.mean(axis=0), np.ones(len(errors)))


def _middle_of_gap(evidence: Evidence) -> float:
    """A tolerance between violations that errors explain and the others, where these are farthest apart.

    With the bounds b_1 <= b_2 <= ... of the spans of the first k directions and e_k the largest error of a direction
    in that span, k is a candidate if b_k <= 2 e_k, and of these the one with the largest b_(k+1) / b_k is taken. Before
    the first comes e_1, what a symmetry would look like; after the last 1, the violation of a normal field.
    """
    directions, bounds = evidence.directions, np.maximum(evidence.span_bounds, 1e-12)
    errors = np.sqrt(np.maximum(np.einsum("kd,kl,ld->d", directions, evidence.noise, directions), 0.0))
    errors = np.maximum(np.maximum.accumulate(errors), 1e-9)
    levels = np.concatenate([[min(errors[0], bounds[0])], bounds, [max(1.0, bounds[-1])]])
    explained = np.concatenate([[True], bounds <= 2 * errors])
    gaps = np.where(explained, levels[1:] / levels[:-1], 0.0)
    k = int(np.argmax(gaps))
    if k == 0 or gaps[k] < 2:  # bounds that pass into one another tell of no number
        return float(bounds[0] / 2)
    return float(np.sqrt(levels[k] * levels[k + 1]))


def _normals_of_level_set(level_set, points, chart):
    values = np.asarray(level_set(points), dtype=float).reshape(len(points), -1)
    slopes = np.stack([_slope(level_set, points, state, chart) for state in range(len(chart))], axis=-1)
    off = np.abs(values) / np.maximum(np.linalg.norm(slopes, axis=2), 1e-300)
    if off.max() > 1e-6:
        raise ValueError(
            f"{int((off > 1e-6).any(axis=1).sum())} of {len(points)} points lie off the level set, "
            f"up to {off.max():.2g} of the spread of the points; move them onto it"
        )
    # Equations have units of their own, and only the directions of their slopes count.
    slopes = slopes / np.maximum(np.linalg.norm(slopes, axis=2, keepdims=True), 1e-300)
    basis = np.linalg.qr(np.swapaxes(slopes, 1, 2))[0]
    return basis @ np.swapaxes(basis, 1, 2)


def _slope(level_set, points, state, chart):
    """Derivatives `(sample, equation)` along a state of the chart, by differences of fourth order."""
    near, far = (_difference(level_set, points, state, steps * 1e-3 * chart.scale[state]) for steps in (1, 2))
    return (4 * near - far) / 3 * chart.scale[state]


def _difference(level_set, points, state, step):
    """[h(x + e) − h(x − e)] / 2 e, over the distance that rounding next to a large x leaves of 2 e."""
    ahead, behind = points.copy(), points.copy()
    ahead[:, state] += step
    behind[:, state] -= step
    change = np.asarray(level_set(ahead), dtype=float) - np.asarray(level_set(behind), dtype=float)
    return change.reshape(len(points), -1) / (ahead[:, state] - behind[:, state])[:, None]


def _normals_of_points(points, dim, n_bootstrap, rng):
    """Projectors on normals, and replicates of them from random halves of the neighbours."""
    n = points.shape[1]
    if dim is not None and not 0 < dim < n:
        raise ValueError(f"dim must lie between 1 and {n - 1}, got {dim}")
    count = _NEIGHBOURS * (dim or n - 1)
    if len(points) < 4 * count:
        raise ValueError(f"{len(points)} points are too few for tangent spaces; give at least {4 * count}")
    near = cKDTree(points).query(points, k=count + 1)[1][:, 1:]
    offsets = points[near] - points[near].mean(axis=1, keepdims=True)
    if dim is None:
        dim = _dimension(offsets)
    replicates = []
    for _ in range(n_bootstrap):
        chosen = offsets[:, rng.permutation(count)[: count // 2]]
        replicates.append(_normals(chosen - chosen.mean(axis=1, keepdims=True), dim))
    # Half the neighbours make errors sqrt 2 as large as all of them do.
    whole = _normals(offsets, dim)
    return whole, [whole + (part - whole) / np.sqrt(2) for part in replicates]


def _normals(offsets, dim):
    vectors = np.linalg.eigh(np.swapaxes(offsets, 1, 2) @ offsets)[1][:, :, : offsets.shape[2] - dim]
    return vectors @ np.swapaxes(vectors, 1, 2)


def _dimension(offsets):
    """Where the spectrum of local principal components, averaged over points, falls most."""
    values = np.linalg.eigvalsh(np.swapaxes(offsets, 1, 2) @ offsets)[:, ::-1]
    shares = np.median(values / values.sum(axis=1, keepdims=True), axis=0)
    return int(np.argmax(shares[:-1] / np.maximum(shares[1:], 1e-12))) + 1
