"""Points in jet space near the data, and averages over windows of polynomials in jets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from symdyn.data.grids import FieldGrid
from symdyn.discovery.point.jet_points import jet_points
from symdyn.functions.monomials import monomials
from symdyn.jets.jets import JetPolynomial, JetSpace, factors, weights_on
from symdyn.laws.fields.field_law import FieldLaw

__all__ = ["JetSample", "sample_jets"]

_AT_ONCE = 4_000_000  # numbers


@dataclass(frozen=True, eq=False)
class JetSample:
    """Points in jet space: `values` `(row * point, variable)` with the names of the variables; rows are averages over
    points with `weights` `(point,)`; `scale` `(field,)` and `rate` `(field,)`, root mean squares of the fields about
    their means and of ∂_t^m u.
    """

    values: np.ndarray
    weights: np.ndarray
    names: tuple[str, ...]
    scale: np.ndarray
    rate: np.ndarray
    # Averages of monomials by their keys: the conditions of laws that differ by one coefficient share nearly all.
    _known: dict[int, np.ndarray] = field(default_factory=dict, init=False, repr=False)

    def at_points(self, space: JetSpace, polynomials: Sequence[Sequence[JetPolynomial]]) -> np.ndarray:
        """Evaluate polynomials `[generator][field]`: values `(point, field, generator)`."""
        flat = [p for fields in polynomials for p in fields]
        return _by_field(space.evaluate(flat, self.values, list(self.names)), len(polynomials))

    def averages(self, space: JetSpace, polynomials: Sequence[Sequence[JetPolynomial]]) -> np.ndarray:
        """Average polynomials `[generator][field]` over the points of each row, `(row, field, generator)`."""
        flat = [p for fields in polynomials for p in fields]
        keys = sorted({key for polynomial in flat for key in polynomial})
        self._learn(space, [key for key in keys if key not in self._known])
        if not keys:
            return _by_field(np.zeros((len(self.values) // len(self.weights), len(flat))), len(polynomials))
        table = np.stack([self._known[key] for key in keys])
        places = {key: row for row, key in enumerate(keys)}
        return _by_field((weights_on(places, flat) @ table).T, len(polynomials))

    def _learn(self, space: JetSpace, keys: list[int]) -> None:
        """Average further monomials, some rows at once."""
        if not keys:
            return
        exponents = space.exponents(keys, self.names)
        rows = self.values.reshape(-1, len(self.weights), len(self.names))
        parts = max(rows.size // rows.shape[2] * len(keys) // _AT_ONCE, 1)
        found = [self._averaged(some, exponents) for some in np.array_split(rows, min(parts, len(rows)))]
        self._known.update(zip(keys, np.hstack(found), strict=True))

    def _averaged(self, rows: np.ndarray, exponents: np.ndarray) -> np.ndarray:
        values = monomials(rows.reshape(-1, rows.shape[2]), exponents)
        return values.T.reshape(len(exponents), len(rows), -1) @ self.weights


def _by_field(values: np.ndarray, n_generators: int) -> np.ndarray:
    """Turn `(..., generator * field)` into `(..., field, generator)`."""
    return np.moveaxis(values.reshape(len(values), n_generators, -1), 1, 2)


def sample_jets(
    values: np.ndarray,
    noise: np.ndarray,
    grid: FieldGrid,
    law: FieldLaw,
    halves: Sequence[float],
    *,
    n_rows: int,
    rng: np.random.Generator,
) -> JetSample:
    """Draw points near the data with all the derivatives that conditions on point symmetries of the law may hold."""
    evolution = law.evolution()
    space = evolution.space
    sides = [space.term(name) for name, seen in zip(law.terms, law.involved.any(axis=0), strict=True) if seen]
    found = [space.describe(v) for side in sides for key in side for v, _ in factors(key)]
    highest = max([sum(jet[1]) for jet in found if jet is not None], default=1)
    # D_J of N for |J| up to the order of N, or of the u_x of a characteristic.
    orders = _orders(len(grid.axes), max(2 * highest, highest + 1), law.time_order)
    points = jet_points(values, noise, grid, orders, halves, n_rows=n_rows, rng=rng)
    names = list(space.coordinates)
    for order in orders:
        names += [space.name(space.jet(field, order)) for field in range(len(space.fields))]
    jets = points.jets.reshape(*points.jets.shape[:2], -1)
    flat = np.concatenate([points.coordinates, jets], axis=2).reshape(-1, len(names))
    spread = np.maximum(values.std(axis=(1, *range(2, values.ndim))) ** 2 - np.mean(noise**2, axis=1), 0.0)
    rates = space.evaluate(list(evolution.right), flat, names).reshape(-1, len(points.weights), len(evolution.right))
    rate = np.sqrt(np.mean(np.einsum("rpf,p->rf", rates, points.weights) ** 2, axis=0))
    return JetSample(flat, points.weights, tuple(names), np.sqrt(spread), rate)


def _orders(n_axes: int, highest: int, time_order: int) -> list[tuple[int, ...]]:
    found = []
    for along_time in range(time_order):
        for total in range(highest + 1):
            if n_axes == 1:
                found.append((along_time, total))
            else:
                found += [(along_time, total - k, k) for k in range(total + 1)]
    return found
