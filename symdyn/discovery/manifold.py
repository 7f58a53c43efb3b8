"""Symmetries of sets: a group keeps a manifold if its generators are tangent to it everywhere.

The rows are the normal parts (I − P_x) v_k(x), with P_x the projector on the tangent space at x: known where the
manifold is a level set, estimated by local principal components where only points of it are known (Otto et al.,
arXiv 2311.00212). Tangent spaces from points have errors, which depend on the number of points, their noise and the
curvature; so the tolerance is not fixed but lies in the largest gap of the spectrum above these errors. Distances and
angles are those of the chart, where each state has its own unit; whether a field is tangent does not depend on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from symdyn.data.numbers import real_points
from symdyn.data.tasks import on_one_thread
from symdyn.discovery.charted_candidates import in_given_candidates
from symdyn.discovery.function_symmetry import FunctionSymmetry, undetermined_notes, without_generators
from symdyn.discovery.question import asked_at_points
from symdyn.discovery.set_elements import LevelSet, PointCloud, judge_elements_of_set, normal_projectors
from symdyn.evidence.evidence import Evidence, QuadraticForms, gram_of
from symdyn.evidence.findings import View, conclude
from symdyn.functions.tolerances import STILL
from symdyn.lie.chart import Chart
from symdyn.lie.groups import Elements
from symdyn.lie.vectorfields import Generators, of_size_one
from symdyn.sums.data_charts import chart_of_points

__all__ = ["discover_manifold"]

_EXACT = 1e-6  # violations of a level set that count as none
_WITHIN = 0.1  # violations of elements that count as none where only points are known
_NEIGHBOURS = 12  # per dimension of the manifold: enough to average, few enough to stay local


@on_one_thread
def discover_manifold(
    points: np.ndarray,
    candidates: str | Generators | Elements | Sequence,
    *,
    level_set: Callable[[np.ndarray], np.ndarray] | None = None,
    dim: int | None = None,
    delta: float | None = None,
    n_bootstrap: int = 100,
    rng: int | np.random.Generator = 0,
) -> FunctionSymmetry:
    """Find the generators that are tangent to a manifold, and the finite elements that map it to itself.

    Parameters
    ----------
    points : ndarray, `(sample, state)`
        Points on the manifold.
    candidates : str, Generators, Elements, or a list of these
        As `SymmetryDiscovery` takes them. Elements are judged by how far images are from the manifold
        (`symdyn.discovery.set_elements`).
    level_set : callable, optional
        h with h = 0 on the manifold, from points to `(sample,)` or `(sample, equation)`. Without it, tangent spaces are
        estimated from the principal components of neighbouring points.
    dim : int, optional
        Dimension of the manifold; by default estimated from the largest gap of the local principal components.
    delta : float, optional
        Largest violation, the sine of the angle between generator and tangent space. If left out: 1e-6 for a level set;
        for points, in the middle of the largest gap between bounds of violations that errors of the tangent spaces
        explain, and those above. Without such a gap nothing is accepted. Of elements 0.1, where only points are known.
    n_bootstrap : int
        Replicates of the tangent spaces, each from a random half of the neighbours.
    rng : int or numpy Generator

    Raises
    ------
    TypeError
        For candidates that are neither generators nor elements.
    ValueError
        For points of the wrong shape or too few, points off the level set, and a dimension out of range.

    Examples
    --------
    >>> import numpy as np
    >>> import symdyn as sd
    >>> points = np.random.default_rng(0).normal(size=(200, 3))
    >>> sphere = points / np.linalg.norm(points, axis=1, keepdims=True)
    >>> sd.discover_manifold(sphere, "affine", level_set=lambda x: (x**2).sum(axis=1) - 1)
    FunctionSymmetry: generators 3 symmetric, 9 broken
    LieAlgebra so(3) on (x0, x1, x2)
      x1 ∂x0 − x0 ∂x1
      x2 ∂x0 − x0 ∂x2
      x2 ∂x1 − x1 ∂x2
    """
    points, names = real_points(points, "points")
    generators, elements = asked_at_points(candidates, points, states=names)
    chart = chart_of_points(points)
    if not np.any(points.std(axis=0) > STILL * np.abs(points).max(axis=0)):
        raise ValueError("all points are the same: they make no manifold")
    surface = _level_set(level_set, points, chart) if level_set is not None else _cloud(chart.points(points), dim)
    found = without_generators(generators, delta or 1e-6)
    if len(generators):
        found = _tangent(generators, chart, surface, delta, n_bootstrap, rng)
    if len(elements) == 0:
        return found
    limit = delta or (_EXACT if level_set is not None else _WITHIN)
    return found.with_elements(*judge_elements_of_set(elements, chart, surface, limit))


def _tangent(
    generators: Generators,
    chart: Chart,
    surface: LevelSet | PointCloud,
    delta: float | None,
    n_bootstrap: int,
    rng: int | np.random.Generator,
) -> FunctionSymmetry:
    """Find the generators whose normal parts vanish."""
    basis, weights = of_size_one(chart.generators(generators))
    is_exact = isinstance(surface, LevelSet)
    moved = [] if is_exact else _replicates(surface, n_bootstrap, np.random.default_rng(rng))
    forms = _tangency_forms(basis.values(surface.points), surface.normals, moved)
    evidence = Evidence(forms, delta or _EXACT)
    if delta is None and not is_exact:
        evidence = replace(evidence, delta=_middle_of_gap(evidence))
    view = View(chart, generators.features, basis)
    found = conclude(basis, evidence, 0.05, lambda algebra: np.zeros(algebra.dim, dtype=bool), view=view)
    given = in_given_candidates(evidence, np.linalg.inv(weights))
    between = "its violation is as large as errors of the tangent spaces: more points, or `level_set`, would decide"
    notes = undetermined_notes(found.verdicts, between)
    return FunctionSymmetry(found.algebra, found.trivial, found.verdicts, found.generators, given, notes_=notes)


def _tangency_forms(fields: np.ndarray, normals: np.ndarray, moved: Iterable[np.ndarray]) -> QuadraticForms:
    """Compute forms of the normal part N v of the fields, N `(sample, state, state)` the projector on normals."""
    root = np.sqrt(len(fields))

    def rows(projector: np.ndarray) -> np.ndarray:
        return np.einsum("sij,sjk->sik", projector, fields).reshape(-1, fields.shape[-1]) / root

    here, size = rows(normals), gram_of(fields.reshape(-1, fields.shape[-1]) / root)
    errors = [rows(other) - here for other in moved] or [np.zeros_like(here)]
    error = np.stack([gram_of(there) for there in errors])
    cross = np.stack([here.T @ there for there in errors])
    return QuadraticForms(gram_of(here), size, cross, error, error.mean(axis=0), np.ones(len(errors)))


def _middle_of_gap(evidence: Evidence) -> float:
    """Choose a tolerance between violations that errors explain and the others, where these are farthest apart.

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


def _level_set(level_set: Callable[[np.ndarray], np.ndarray], points: np.ndarray, chart: Chart) -> LevelSet:
    inside = chart.points(points)

    def equations(where: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return distances from each equation by itself, and unit slopes: equations have units of their own."""
        given = chart.points_back(where)
        with np.errstate(all="ignore"):
            values = np.asarray(level_set(given), dtype=float).reshape(len(where), -1)
            slopes = np.stack([_slope(level_set, given, state, chart) for state in range(len(chart))], axis=-1)
        lengths = np.maximum(np.linalg.norm(slopes, axis=2), 1e-300)
        return values / lengths, slopes / lengths[:, :, None]

    def distance(where: np.ndarray) -> np.ndarray:
        off, slopes = equations(where)
        bad = np.asarray(~(np.isfinite(off).all(axis=1) & np.isfinite(slopes).all(axis=(1, 2))))
        off, slopes = np.where(bad[:, None], 0.0, off), np.where(bad[:, None, None], 0.0, slopes)
        found = np.linalg.norm(np.einsum("sie,se->si", np.linalg.pinv(slopes, rcond=1e-6), off), axis=1)
        return np.where(bad, np.nan, found)

    off, slopes = equations(inside)
    off = np.abs(off)
    if off.max() > 1e-6:
        raise ValueError(
            f"{int((off > 1e-6).any(axis=1).sum())} of {len(points)} points lie off the level set, "
            f"up to {off.max():.2g} of the spread of the points; move them onto it"
        )
    basis = np.linalg.qr(np.swapaxes(slopes, 1, 2))[0]
    return LevelSet(inside, basis @ np.swapaxes(basis, 1, 2), distance)


def _slope(level_set: Callable[[np.ndarray], np.ndarray], points: np.ndarray, state: int, chart: Chart) -> np.ndarray:
    """Compute derivatives `(sample, equation)` along a state of the chart, by differences of fourth order."""
    near, far = (_difference(level_set, points, state, steps * 1e-3 * chart.scale[state]) for steps in (1, 2))
    return (4 * near - far) / 3 * chart.scale[state]


def _difference(
    level_set: Callable[[np.ndarray], np.ndarray], points: np.ndarray, state: int, step: float
) -> np.ndarray:
    """Compute [h(x + e) − h(x − e)] / 2 e, over the distance that rounding next to a large x leaves of 2 e."""
    ahead, behind = points.copy(), points.copy()
    ahead[:, state] += step
    behind[:, state] -= step
    change = np.asarray(level_set(ahead), dtype=float) - np.asarray(level_set(behind), dtype=float)
    return change.reshape(len(points), -1) / (ahead[:, state] - behind[:, state])[:, None]


def _cloud(points: np.ndarray, dim: int | None) -> PointCloud:
    """Give points the normals of the planes through their neighbours."""
    n = points.shape[1]
    if dim is not None and not 0 < dim < n:
        raise ValueError(f"dim must lie between 1 and {n - 1}, got {dim}")
    count = _NEIGHBOURS * (dim or n - 1)
    if len(points) < 4 * count:
        raise ValueError(f"{len(points)} points are too few for tangent spaces; give at least {4 * count}")
    return PointCloud.of(points, count, dim)


def _replicates(cloud: PointCloud, n_bootstrap: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Draw projectors on normals from random halves of the neighbours, whose errors are sqrt 2 as large as of all."""
    offsets = cloud.points[cloud.near] - cloud.points[cloud.near].mean(axis=1, keepdims=True)
    count = offsets.shape[1]
    for _ in range(n_bootstrap):
        chosen = offsets[:, rng.permutation(count)[: count // 2]]
        part = normal_projectors(chosen - chosen.mean(axis=1, keepdims=True), cloud.dim)
        yield cloud.normals + (part - cloud.normals) / np.sqrt(2)
