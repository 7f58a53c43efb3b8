"""The two routes to point symmetries side by side: what is near enough to judge, what is trivial, what the data say."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np
import xarray as xr
from scipy import stats

from symdyn.data.grids import FieldGrid
from symdyn.discovery.point.direct_evidence import direct_angle, direct_directions, direct_forms, elements_of, weak_law
from symdyn.discovery.point.jet_samples import JetSample
from symdyn.discovery.point.point_forms import SHARE, characteristic_parts
from symdyn.evidence.evidence import Evidence
from symdyn.evidence.forms import QuadraticForms
from symdyn.laws.fields.field_law import FieldLaw
from symdyn.laws.fields.identify import Identified
from symdyn.lie.vectorfields import Generators
from symdyn.rows.field_conditions import Elementary, condition_sums
from symdyn.rows.field_windows import FieldWindows, place_windows
from symdyn.sums.field_tasks import summed

__all__ = ["DirectRoute", "DirectTest", "PointEvidence", "direct_route", "near_directions", "vanishing"]

_FAR = 0.5  # violations above say "broken" without further ado
_FEWEST = 12
_VANISHES = 0.02  # of its parts: a characteristic below is zero on the data
# Wide windows keep the gap between true and false generators under noise.
_TIME, _SPACE, _OVERLAP = 0.35, 0.12, 5
_UNITS = 8  # independent ones that are asked for,
_UNITS_NEEDED = 3  # and without which nothing is contradicted


def near_directions(forms: QuadraticForms, delta: float) -> np.ndarray:
    """Find combinations `(candidate, direction)`, orthonormal in the size, that are not plainly broken.

    Bounds cost the third power of the number of candidates; of a hundred, most are far from symmetric.
    """
    scale = 1 / np.sqrt(np.maximum(np.diag(forms.size), 1e-300))
    values, vectors = np.linalg.eigh(forms.size * scale[:, None] * scale)
    seen = values > 1e-10 * values[-1]
    frame = scale[:, None] * vectors[:, seen] / np.sqrt(values[seen])
    looks, turn = np.linalg.eigh(frame.T @ (forms.violation + forms.error.mean(axis=0)) @ frame)
    n = max(int(np.sum(looks < max(_FAR, 5 * delta) ** 2)), _FEWEST)
    return np.hstack([frame @ turn[:, :n], scale[:, None] * vectors[:, ~seen]])


def vanishing(basis: Generators, law: FieldLaw, sample: JetSample) -> np.ndarray:
    """Mask the generators `(generator,)` whose Q is zero at all points, though its parts are not."""
    if not len(basis):
        return np.zeros(0, dtype=bool)
    evolution = law.evolution()
    parts = [sample.at_points(evolution.space, part) for part in characteristic_parts(evolution, basis)]
    whole = np.sum(np.square(sum(parts)), axis=(0, 1))
    return whole < _VANISHES**2 * np.sum(np.square(np.stack(parts)), axis=(0, 1, 2))


@dataclass(frozen=True, repr=False)
class PointEvidence(Evidence):
    """Evidence that takes a direction for a symmetry only if it may be an exact one.

    A sparse law is known to some 1e-4, and with polynomials of degree 2 in t nearly everything has a neighbour that is
    symmetric to a percent for a while: t^2 ∂t + ... of KdV to .004. So besides a bound below delta, a violation above
    delta / 20 must not be told from zero, as if nothing were left over by the law.
    """

    alpha: float = 0.05

    @cached_property
    def rank(self) -> int:
        """The largest k for which the first k directions have bounds below delta, none of them plainly broken."""
        n = self.directions.shape[1]
        return next((k for k in range(n) if self._is_out(k)), n)

    def _is_out(self, k: int) -> bool:
        vector = self.directions[:, k]
        broken = self.violation(vector) > self.delta / 20 and self.exact_p_value(vector) < self.alpha / (k + 1)
        return broken or self._span_bound(k + 1) >= self.delta

    def exact_p_value(self, vector: np.ndarray) -> float:
        """Return the probability of so large a bracket if the law left nothing over."""
        return self._of_the_law.p_value(vector)

    @cached_property
    def _of_the_law(self) -> Evidence:
        return Evidence(replace(self.forms, floor=0.0, test_floor=0.0), self.delta, self.level)


@dataclass(frozen=True)
class DirectTest:
    """Whether data contradict generators, `(generator,)` each.

    `violation` of the weak condition on the data; `statistic` by how many of its standard errors the mean over units
    exceeds what is tolerated, and `p_value` of that; `usable` where there is a weak form at all.
    """

    violation: np.ndarray
    statistic: np.ndarray
    p_value: np.ndarray
    usable: np.ndarray


@dataclass(frozen=True)
class DirectRoute:
    """The weak condition on the data, over the usable candidates.

    `forms` are quadratic forms over them; `violation` and `size` `(unit, candidate, candidate)` those of each
    independent unit, a trajectory or a block of places of one. `blind` is what is left of ∂t and ∂x themselves, which
    are symmetries of every law that names neither: a violation that is no larger says something of the law or of the
    grid, and nothing of a generator.
    """

    generators: Generators
    forms: QuadraticForms
    directions: np.ndarray
    violation: np.ndarray
    size: np.ndarray
    blind: float

    @property
    def n_units(self) -> int:
        """Number of independent units."""
        return len(self.violation)

    def test(self, vectors: np.ndarray, tolerated: float) -> DirectTest:
        """Test generators `(generator, coefficient)`: is the violation above what is tolerated, and `blind`?"""
        known = self.generators.vectors()
        weights = vectors @ np.linalg.pinv(known)
        usable = np.linalg.norm(weights @ known - vectors, axis=1) < 1e-6 * np.linalg.norm(vectors, axis=1)
        seen, size = (np.einsum("ki,uij,kj->ku", weights, f, weights) for f in (self.violation, self.size))
        more = seen - max(tolerated, self.blind) ** 2 * size
        n = self.n_units
        error = more.std(axis=1, ddof=1) / np.sqrt(n) if n > 1 else np.full(len(more), np.inf)
        statistic = more.mean(axis=1) / np.maximum(error, 1e-300)
        p_value = stats.t.sf(statistic, n - 1) if n >= _UNITS_NEEDED else np.ones(len(more))
        violation = np.sqrt(np.maximum(seen.mean(axis=1), 0.0) / np.maximum(size.mean(axis=1), 1e-300))
        columns = [np.where(usable, column, np.nan) for column in (violation, statistic, p_value)]
        return DirectTest(*columns, usable=usable)

    def angle(self, vectors: np.ndarray) -> float:
        """Return the angle in degrees between given generators and as many directions of this route."""
        weights = vectors @ np.linalg.pinv(self.generators.vectors())
        return direct_angle(self.directions, self.forms.size, weights)


def direct_route(
    dataset: xr.Dataset, generators: Generators, found: Identified, n_bootstrap: int, rng: np.random.Generator
) -> DirectRoute | None:
    """Take the direct route; None where the law or all of the candidates have no weak form."""
    law, grid = weak_law(found.law), found.grid
    elements, weights, usable = elements_of(generators, len(grid.coordinates))
    if law is None or not usable.any():
        return None
    still = (0,) * len(grid.coordinates)
    shifts = [Elementary(k, still, (0,) * len(grid.fields)) for k in range(len(still))]
    windows, blocks = _direct_windows(grid, found.law.time_order, dataset.sizes["trajectory"])
    options = {"elements": [*shifts, *elements], "law": law, "windows": windows, "blocks": blocks}
    sums = summed(dataset, partial(condition_sums, **options, time_order=found.law.time_order))
    share = (SHARE * found.rate) ** 2
    size = sums.size + share * sums.parts
    left = np.diag(sums.violation.mean(0)) / np.maximum(np.abs(np.diag(size.mean(0))), 1e-300)
    blind = float(np.sqrt(np.max(left[: len(shifts)].clip(0))))
    weights = np.hstack([np.zeros((int(usable.sum()), len(shifts))), weights[usable]])
    forms = direct_forms(sums, weights, share, n_bootstrap, rng)
    kept = generators.with_vectors(generators.vectors()[usable])
    units = [np.einsum("ki,uij,lj->ukl", weights, form, weights, optimize=True) for form in (sums.violation, size)]
    return DirectRoute(kept, forms, direct_directions(forms), *units, blind=blind)


def _direct_windows(grid: FieldGrid, time_order: int, n_runs: int) -> tuple[FieldWindows, int]:
    """Place wide windows, and choose into how many blocks along x those of a few trajectories are cut."""
    lengths = [axis[-1] - axis[0] for axis in grid.grids]
    halves = [_TIME * lengths[0], *(_SPACE * length for length in lengths[1:])]
    overlap = _OVERLAP if len(grid.axes) == 1 else 3
    windows = place_windows(grid.grids, halves, [5 + time_order, *[7] * len(grid.axes)], overlap=overlap)
    apart = (len(windows.axes[1].centers) - 1) // overlap + 1  # windows along x that do not overlap
    return windows, min(-(-_UNITS // n_runs), apart)
