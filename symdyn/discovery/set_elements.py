"""Finite symmetries of sets: g maps a manifold M to itself, dist(g x, M) = 0 for x in M.

The violation of an element is, with all lengths in spreads of the states,

    eps(g)^2 = mean dist(g x, M)^2 / mean sum_i min(|(g x − x)_i|, 1)^2,

for g = exp(h v) with small h the sine of the angle between v and the tangent space, as for generators. To a level set
the distance is |h| / |Dh| to first order, which is exact where it is 0. Where only points are known, it is that from
the plane through the points next to an image, along its normals. Errors of such planes, by noise and bends, show in two
halves of the points: images of one are compared with the other, less what these differ by where nothing is moved.
Images off to the side of all points say nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import xarray as xr
from scipy import stats
from scipy.spatial import KDTree

from symdyn.discovery.exact_elements import judged_with_reasons, known_violation
from symdyn.evidence.elements.element_table import Chooser, are_outside
from symdyn.evidence.elements.group_table import judge_groups
from symdyn.evidence.evidence import Evidence, QuadraticForms
from symdyn.lie.chart import Chart
from symdyn.lie.groups import Elements

__all__ = ["LevelSet", "PointCloud", "judge_elements_of_set", "normal_projectors", "principal_dimension"]

_MOST = 0.5  # of the images: where fewer lie next to points, these do not decide
_REGIONS = 24  # of the points, resampled as wholes: errors of neighbouring planes are not independent
_REPLICATES = 200
_SAFE = 4.0  # times what the points themselves lie off the level set


def judge_elements_of_set(
    candidates: Elements, chart: Chart, surface: LevelSet | PointCloud, delta: float
) -> tuple[Elements, xr.Dataset, list[str]]:
    """Judge elements, each by itself; groups of more than 2000 are not accepted as wholes.

    Parameters
    ----------
    candidates : Elements
        In the units of the user.
    chart : Chart
        Of the points.
    surface : LevelSet or PointCloud
        The manifold, in the chart.
    delta : float

    Returns
    -------
    Elements, xr.Dataset, list of str
        As of `symdyn.evidence.elements.group_table.judge_groups`.

    Raises
    ------
    ValueError
        For elements that reverse time, which a set has not.
    """
    if np.any(candidates.reverses_time):
        raise ValueError("a set knows no time: leave reverses_time out")

    def judge(elements: Elements, products: bool | Chooser) -> xr.Dataset:
        inside = chart.elements(elements)
        outside = np.array([surface.share_outside(inside[k]) for k in range(len(inside))])
        table = judged_with_reasons(inside, lambda part: surface.judge(part, delta), outside, delta, products)
        return table.assign_coords(element=np.array(elements.texts(), dtype=object))

    return judge_groups(candidates, judge, lambda _: np.inf, delta)


@dataclass(frozen=True)
class LevelSet:
    """h = 0, known by a callable: `distance` from points of the chart to their distances, `(sample,)`, NaN where h is
    not finite. `points` `(sample, state)` lie on it, `normals` `(sample, state, state)` project on its normals there.
    """

    points: np.ndarray
    normals: np.ndarray
    distance: Callable[[np.ndarray], np.ndarray]

    def judge(self, element: Elements, delta: float) -> tuple[Evidence | None, str]:
        """Return the evidence on one element of the chart, and why it is not known better."""
        images, size = _moved(element, self.points)
        if not size > 0:
            return None, "it moves none of the points: give points that it moves"
        there = self.distance(images)
        if not np.all(np.isfinite(there)):
            bad = np.mean(~np.isfinite(there))
            return None, f"the level set is not finite at {bad:.0%} of its images: give points whose images it is for"
        off = np.sqrt(np.mean(self.distance(self.points) ** 2)) * np.linalg.norm(element.matrices[0], 2)
        resolution = _SAFE * float(off) / np.sqrt(size)
        reason = f"the points lie off the level set, which makes violations of {resolution:.1g}: move them onto it"
        return known_violation(float(np.mean(there**2)), size, delta, resolution), reason

    def share_outside(self, element: Elements) -> float:
        """Return the share of images far from all points, which a callable does not mind."""
        images = element.images(self.points)[:, :, 0]
        return float(np.mean(are_outside(images, self.points, np.ones(self.points.shape))))


@dataclass(frozen=True)
class PointCloud:
    """A manifold known by its points `(sample, state)` in the chart.

    `near` `(sample, neighbour)` are the neighbours of each, nearest first, and `normals` `(sample, state, state)`
    projectors on the normals of the plane through these, of dimension `dim`.
    """

    points: np.ndarray
    near: np.ndarray
    normals: np.ndarray
    dim: int

    @classmethod
    def of(cls, points: np.ndarray, count: int, dim: int | None = None) -> PointCloud:
        """Fit planes through `count` neighbours of each point; their dimension from the principal components."""
        near = np.asarray(KDTree(points).query(points, k=count + 1)[1])[:, 1:]
        offsets = points[near] - points[near].mean(axis=1, keepdims=True)
        dim = principal_dimension(offsets) if dim is None else dim
        return cls(points, near, normal_projectors(offsets, dim), dim)

    def judge(self, element: Elements, delta: float) -> tuple[Evidence | None, str]:
        """Return the evidence on one element of the chart, and why it is not known better.

        Images of one half of the points are compared with the other half, so what these differ by where nothing is
        moved is the error of both.
        """
        size = np.mean([_moved(element, half.flat)[1] for half in self._halves])
        if not size > 0:
            return None, "it moves none of the points: give points that it moves"
        stretch = np.linalg.norm(element.matrices[0], 2) ** 2
        squares, errors, beside = [], [], []
        for source, target in (self._halves, self._halves[::-1]):
            away, place, lost = target.offsets(_moved(element, source.flat)[0])
            own = target.offsets(source.flat)[0] ** 2, source.offsets(target.flat)[0][place] ** 2
            squares.append(np.where(lost, np.nan, away**2))
            errors.append(np.where(lost, np.nan, (stretch * own[0] + own[1]) / 2))
            beside.append(lost)
        share = np.mean(np.concatenate(beside))
        if share > _MOST:
            return None, f"{share:.0%} of its images lie beside the points: only points there could decide"
        regions = _regions(np.concatenate([half.points for half in self._halves]))
        reason = "distances between images and points are as large as their errors: more points, or less noise, decide"
        return _evidence(np.concatenate(squares), np.concatenate(errors), regions, size, delta), reason

    def share_outside(self, element: Elements) -> float:
        """Return the share of images to the side of all points."""
        return float(np.mean(self.offsets(element.images(self.flat)[:, :, 0])[2]))

    @cached_property
    def flat(self) -> np.ndarray:
        """The points moved onto the manifold: what is moved by g must not bring noise along."""
        return self.points - self._along_normals(self.points, np.arange(len(self.points)))

    def offsets(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return each image's distance from the manifold, the point next to it, and whether it lies beside all points.

        Far from the manifold a small step along it takes an image far to the side.
        """
        place = np.asarray(self._tree.query(images)[1])
        away = np.linalg.norm(self._along_normals(images, place), axis=1)
        gap = images - self.points[place]
        along = np.linalg.norm(gap - np.einsum("sij,sj->si", self.normals[place], gap), axis=1)
        return away, place, along > self._reach[place] * (1 + away)

    def _along_normals(self, points: np.ndarray, place: np.ndarray) -> np.ndarray:
        """Return the offset from the manifold at `place`: off the plane of neighbours, which lies inside of a bend."""
        gap = points - self._middle[place] - self._bend[place]
        return np.einsum("sij,sj->si", self.normals[place], gap)

    @cached_property
    def _halves(self) -> tuple[PointCloud, ...]:
        drawn = np.random.default_rng(0).permutation(len(self.points))
        parts = (self.points[np.sort(drawn[::2])], self.points[np.sort(drawn[1::2])])
        return tuple(PointCloud.of(part, self.near.shape[1], self.dim) for part in parts)

    @cached_property
    def _tree(self) -> KDTree:
        return KDTree(self.points)

    @cached_property
    def _middle(self) -> np.ndarray:
        return self.points[self.near].mean(axis=1)

    @cached_property
    def _reach(self) -> np.ndarray:
        return np.linalg.norm(self.points[self.near[:, -1]] - self.points, axis=1)

    @cached_property
    def _bend(self) -> np.ndarray:
        """How far points lie off the planes of their neighbours, on an average over these `(sample, state)`."""
        own = np.einsum("sij,sj->si", self.normals, self.points - self._middle)
        return np.einsum("sij,sj->si", self.normals, own[self.near].mean(axis=1))


def normal_projectors(offsets: np.ndarray, dim: int) -> np.ndarray:
    """Return projectors `(sample, state, state)` on normals of the plane of offsets `(sample, neighbour, state)`."""
    vectors = np.linalg.eigh(np.swapaxes(offsets, 1, 2) @ offsets)[1][:, :, : offsets.shape[2] - dim]
    return vectors @ np.swapaxes(vectors, 1, 2)


def principal_dimension(offsets: np.ndarray) -> int:
    """Find where the spectrum of local principal components, averaged over points, falls most."""
    values = np.linalg.eigvalsh(np.swapaxes(offsets, 1, 2) @ offsets)[:, ::-1]
    shares = np.median(values / values.sum(axis=1, keepdims=True), axis=0)
    return int(np.argmax(shares[:-1] / np.maximum(shares[1:], 1e-12))) + 1


def _moved(element: Elements, points: np.ndarray) -> tuple[np.ndarray, float]:
    """Return images of points, and the mean square of how far they are moved, each state by a spread at most."""
    images = element.images(points)[:, :, 0]
    moves = np.abs(images - points) > 1e-12 * (1 + np.abs(points))
    return images, float(np.mean(np.sum(np.where(moves, np.minimum(np.abs(images - points), 1.0), 0.0) ** 2, axis=1)))


def _evidence(squares: np.ndarray, errors: np.ndarray, regions: np.ndarray, size: float, delta: float) -> Evidence:
    """Build evidence from squared distances `(image,)` and what they would be for a symmetry; NaN if nothing is known.

    Regions of the points are resampled as wholes. The bound is on what squares are above their errors; exactness is
    rejected where they are larger than errors may be.
    """
    known = np.isfinite(squares)
    sums = [np.bincount(regions[known], weights=part[known], minlength=_REGIONS) for part in (squares, errors)]
    count = np.bincount(regions[known], minlength=_REGIONS).astype(float)
    used = count > 0
    n = int(used.sum())
    drawn = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), _REPLICATES)
    weights = np.vstack([np.ones(n), drawn])
    weights = weights / (weights @ count[used])[:, None]
    seen, expected = (weights @ part[used] / size for part in sums)
    # Where images land, the manifold has errors of its own, as large as where they come from: only that is resampled.
    shift = np.sqrt(2) * ((seen - expected)[1:] - (seen - expected)[0])
    error = np.maximum(expected[0] + shift, 0.0)
    mean = error.mean()
    t = stats.t.ppf(0.95, max(n - 1, 1)) / stats.norm.ppf(0.95) * np.sqrt(n / max(n - 1, 1e-6))
    forms = ((seen - expected)[0] + mean, 1.0, (t * shift - (error - mean)) / 2, error, mean)
    shaped = [np.reshape(part, (-1, 1, 1) if np.ndim(part) else (1, 1)) for part in forms]
    return Evidence(QuadraticForms(*shaped, stretch=np.ones(_REPLICATES)), delta)


def _regions(points: np.ndarray) -> np.ndarray:
    """Assign points to cells `(sample,)` about some of them."""
    centres = points[np.random.default_rng(0).permutation(len(points))[:_REGIONS]]
    return np.asarray(KDTree(centres).query(points)[1])
