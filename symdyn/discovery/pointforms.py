"""What a law of fields says of candidate point symmetries: rows of D_t^m Q − N'[Q] at points in jet space."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from symdyn.data.fieldjets import jet_points
from symdyn.data.grids import FieldGrid
from symdyn.discovery.fieldlaw import FieldLaw
from symdyn.discovery.forms import LawForms, gram_of
from symdyn.lie.evolution import Evolution, component_polynomials, conditions
from symdyn.lie.fields import Generators
from symdyn.lie.jets import JetPolynomial, add, factors

__all__ = ["SHARE", "JetSample", "characteristic_values", "law_forms", "sample_jets"]

SHARE = 0.3  # of the parts of Q in the size of a generator


@dataclass(frozen=True)
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
    """Points near the data with all the derivatives that conditions on point symmetries of the law may hold."""
    evolution = law.evolution()
    space = evolution.space
    sides = [space.term(name) for name, seen in zip(law.terms, _used(law).any(axis=0), strict=True) if seen]
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


def law_forms(law: FieldLaw, generators: Generators, sample: JetSample) -> LawForms:
    """The quadratic forms of L(v, N) over the generators, with the error of the law.

    The size of a generator is |D_t^m Q|^2 + |N'[Q]|^2, plus r^2 times the squares of the parts phi, xi u_x, tau u_t of
    Q with r the rate of the field: parts that cancel one another, and shifts the law does not feel, still have a size.
    """
    evolution = law.evolution()
    moved, linear = _condition_rows(evolution, generators, sample)
    parts = characteristic_values(evolution, generators, sample)
    rates = sample.rate / np.maximum(sample.scale, 1e-300)
    size = (
        gram_of(moved) + gram_of(linear) + sum(gram_of(_flat(SHARE * part * rates[:, None], sample)) for part in parts)
    )
    here = moved - linear
    # Sums of squares know a violation to rounding only; an exact zero would make later systems singular.
    violation = gram_of(here) + 1e-16 * np.diag(np.diag(size))
    used = _used(law)
    slopes, moves = [], []
    for field, term in np.argwhere(used):
        step = max(np.abs(law.coefficients[field]).max(), 1.0)
        both = [_condition_rows(_shifted(law, field, term, s * step), generators, sample) for s in (1, -1)]
        # L is of second degree in the law, so central differences are exact.
        slopes.append(((both[0][0] - both[0][1]) - (both[1][0] - both[1][1])) / (2 * step))
        moves.append(law.errors[:, field, term])
    n = len(generators)
    if not slopes:
        nothing = np.zeros((1, n, n))
        return LawForms(violation, size, nothing, nothing, nothing[0], np.ones(1))
    stacked, weights = np.stack(slopes), np.stack(moves, axis=1)
    cross = np.tensordot(weights, np.einsum("ra,krb->kab", here, stacked, optimize=True), 1)
    joint = np.einsum("kra,lrb->klab", stacked, stacked, optimize=True)
    error = np.einsum("bk,bl,klij->bij", weights, weights, joint, optimize=True)
    return LawForms(violation, size, cross, error, np.zeros((n, n)), np.ones(len(weights)))


def characteristic_values(evolution: Evolution, generators: Generators, sample: JetSample) -> list[np.ndarray]:
    """phi, and −xi u_x, −tau u_t for each coordinate: parts of Q, `(point, field, generator)` each."""
    n = len(evolution.space.coordinates)
    everything = component_polynomials(evolution.space, generators)
    empty: list[JetPolynomial] = [{} for _ in range(n + len(evolution.space.fields))]
    parts = []
    for chosen in [range(n, len(empty)), *([i] for i in range(n))]:
        only = [[p if k in chosen else {} for k, p in enumerate(components)] for components in everything]
        parts.append(_values([evolution.characteristic(components) for components in only], evolution, sample))
    return parts


def _used(law):
    """Mask `(field, term)` of the terms that are in the law or in an error of it."""
    return np.any(law.errors != 0, axis=0) | law.support


def _condition_rows(evolution, generators, sample):
    return tuple(_flat(_values(side, evolution, sample), sample) for side in conditions(evolution, generators))


def _values(polynomials, evolution, sample):
    """Values `(point, field, generator)` of polynomials `[generator][field]`."""
    flat = [p for fields in polynomials for p in fields]
    values = evolution.space.evaluate(flat, sample.values, list(sample.names))
    return np.moveaxis(values.reshape(len(values), len(polynomials), -1), 1, 2)


def _flat(values, sample):
    """Rows `(row * field, generator)`: averages over windows, each field in units of its spread, mean over rows."""
    averaged = np.einsum("rpfg,p->rfg", values.reshape(-1, len(sample.weights), *values.shape[1:]), sample.weights)
    weighted = averaged / np.maximum(sample.scale, 1e-300)[:, None] / np.sqrt(len(averaged))
    return weighted.reshape(-1, values.shape[-1])


def _shifted(law, field, term, step):
    evolution = law.evolution()
    right = list(evolution.right)
    right[field] = add(right[field], evolution.space.term(law.terms[term]), step)
    return Evolution(evolution.space, tuple(right), law.time_order)


def _orders(n_axes, highest, time_order):
    found = []
    for along_time in range(time_order):
        for total in range(highest + 1):
            if n_axes == 1:
                found.append((along_time, total))
            else:
                found += [(along_time, total - k, k) for k in range(total + 1)]
    return found
