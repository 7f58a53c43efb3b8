"""The two routes to point symmetries side by side: what is near enough to judge, what is trivial, what the data say."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
import xarray as xr

from symdyn.data.fields.conditions import condition_sums
from symdyn.data.fields.rows import equation_sums
from symdyn.data.fields.tasks import summed
from symdyn.data.fields.terms import weak_term
from symdyn.data.fields.windows import place_windows
from symdyn.discovery.evidence import Evidence
from symdyn.discovery.fields.direct import direct_angle, direct_directions, direct_forms, elements_of, weak_law
from symdyn.discovery.fields.forms import SHARE, characteristic_parts
from symdyn.discovery.fields.identify import Identified
from symdyn.discovery.fields.law import FieldLaw, unexplained
from symdyn.discovery.fields.sample import JetSample
from symdyn.discovery.forms import QuadraticForms
from symdyn.lie.fields import Generators

__all__ = ["DirectRoute", "PointEvidence", "direct_route", "near_directions", "vanishing"]

_FAR = 0.5  # violations above say "broken" without further ado
_FEWEST = 12
_VANISHES = 0.02  # of its parts: a characteristic below is zero on the data
# Wide windows keep the gap between true and false generators under noise.
_TIME, _SPACE, _OVERLAP = 0.35, 0.12, 5


def near_directions(forms: QuadraticForms, delta: float) -> np.ndarray:
    """Combinations `(candidate, direction)`, orthonormal in the size, that are not plainly broken.

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
    """Mask `(generator,)`: Q is zero at all points, though its parts are not."""
    if not len(basis):
        return np.zeros(0, dtype=bool)
    evolution = law.evolution()
    parts = [sample.at_points(evolution.space, part) for part in characteristic_parts(evolution, basis)]
    whole = np.sum(np.square(sum(parts)), axis=(0, 1))
    return whole < _VANISHES**2 * np.sum(np.square(np.stack(parts)), axis=(0, 1, 2))


@dataclass(frozen=True)
class PointEvidence(Evidence):
    """Evidence that takes a direction for a symmetry only if it may be an exact one.

    A sparse law is known to some 1e-4, and with polynomials of degree 2 in t nearly everything has a neighbour that is
    symmetric to a percent for a while: t^2 ∂t + ... of KdV to .004. So besides a bound below delta, a violation above
    delta / 20 must not be told from zero.
    """

    alpha: float = 0.05

    @cached_property
    def rank(self) -> int:
        """The largest k for which the first k directions have bounds below delta, none of them plainly broken."""
        n = self.directions.shape[1]
        return next((k for k in range(n) if self._is_out(k)), n)

    def _is_out(self, k):
        vector = self.directions[:, k]
        broken = self.violation(vector) > self.delta / 20 and self.p_value(vector) < self.alpha / (k + 1)
        return broken or self._span_bound(k + 1) >= self.delta


@dataclass(frozen=True)
class DirectRoute:
    """Evidence from the weak condition on the data, over the usable candidates.

    `blind` is what the law itself leaves over in weak form, part of the rates, where data solve a difference equation:
    a violation below says nothing.
    """

    generators: Generators
    evidence: Evidence
    directions: np.ndarray
    blind: float = 0.0

    def judge(self, vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Violations, p values and whether there is a weak form at all, of generators `(generator, coefficient)`."""
        known = self.generators.vectors()
        weights = vectors @ np.linalg.pinv(known)
        usable = np.linalg.norm(weights @ known - vectors, axis=1) < 1e-6 * np.linalg.norm(vectors, axis=1)
        violation, p_value = np.full((2, len(vectors)), np.nan)
        violation[usable] = [self.evidence.violation(w) for w in weights[usable]]
        p_value[usable] = [self.evidence.p_value(w) for w in weights[usable]]
        return violation, p_value, usable

    def angle(self, vectors: np.ndarray) -> float:
        """Angle in degrees between given generators and as many directions of this route."""
        weights = vectors @ np.linalg.pinv(self.generators.vectors())
        return direct_angle(self.directions, self.evidence.forms.size, weights)


def direct_route(
    dataset: xr.Dataset, generators: Generators, found: Identified, n_bootstrap: int, rng: np.random.Generator
) -> DirectRoute | None:
    """The direct route; None where the law or all of the candidates have no weak form."""
    law, grid = weak_law(found.law), found.grid
    elements, weights, usable = elements_of(generators, len(grid.coordinates))
    if law is None or not usable.any():
        return None
    lengths = [axis[-1] - axis[0] for axis in grid.grids]
    halves = [_TIME * lengths[0], *(_SPACE * length for length in lengths[1:])]
    powers = [5 + found.law.time_order, *[7] * len(grid.axes)]
    overlap = _OVERLAP if len(grid.axes) == 1 else 3
    windows = place_windows(grid.grids, halves, powers, overlap=overlap)
    options = {"elements": elements, "law": law, "windows": windows, "time_order": found.law.time_order}
    sums = summed(dataset, partial(condition_sums, **options))
    forms = direct_forms(sums, weights[usable], (SHARE * found.rate) ** 2, n_bootstrap, rng)
    kept = generators.with_vectors(generators.vectors()[usable])
    blind = 0.0 if found.is_weak else _left_over(dataset, found.law, windows)
    return DirectRoute(kept, Evidence(forms, 0.1), direct_directions(forms), blind)


def _left_over(dataset, law, windows):
    """What a law leaves of the rates in weak form, relative."""
    seen = law.support.any(axis=0)
    terms = [weak_term(n, law.fields, law.coordinates[1:]) for n, kept in zip(law.terms, seen, strict=True) if kept]
    options = {"terms": terms, "windows": windows, "time_order": law.time_order}
    return unexplained(summed(dataset, partial(equation_sums, **options)).cross, law.coefficients[:, seen])[0]
