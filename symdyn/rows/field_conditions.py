"""The linear condition for point symmetries in weak form: rows of ∫ psi (D_t^m Q − N'[Q]), no derivative of data.

For a law N = sum_k w_k D_J(u^p) and Q = phi − xi u_x − tau u_t, every term is a monomial of coordinates and fields
under derivatives that go to psi: D_J(u^p)'[Q] = sum_c D_J(p_c u^(p − e_c) Q_c), and
u^q u_x = (u^(q + 1))_x / (q + 1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from symdyn.jets.field_terms import WeakTerm
from symdyn.rows.field_windows import FieldWindows, checkerboard, powers_of, window_integrals

__all__ = ["ConditionSums", "Elementary", "condition_sums", "is_weak"]

# An integral: exponents of the fields, derivatives on psi and powers of coordinates, along time and each axis.
_Key = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]
_Recipe = dict[tuple[int, _Key], float]  # weights of integrals, by field and integral


@dataclass(frozen=True)
class Elementary:
    """One monomial t^a x^b u^q in one component (coordinates first, then fields) of a generator."""

    component: int
    powers: tuple[int, ...]
    exponents: tuple[int, ...]


@dataclass(frozen=True)
class ConditionSums:
    """Means over windows of products of rows, one entry per trajectory or per block of its places,
    `(unit, elementary, elementary)` each.

    `violation` even^T odd of D_t^m Q − N'[Q]; `noise` that of half the difference of even and odd; `size` |D_t^m Q|^2 +
    |N'[Q]|^2; `parts` the squares of the parts of Q.
    """

    violation: np.ndarray
    noise: np.ndarray
    size: np.ndarray
    parts: np.ndarray

    def __add__(self, other: ConditionSums) -> ConditionSums:
        return ConditionSums(
            *(np.concatenate([a, b]) for a, b in zip(vars(self).values(), vars(other).values(), strict=True))
        )


def is_weak(element: Elementary, n_fields: int, n_coordinates: int) -> bool:
    """Check for a weak form of the element: with several fields, motions of coordinates must not depend on fields."""
    return n_fields == 1 or element.component >= n_coordinates or not any(element.exponents)


def condition_sums(
    values: np.ndarray,
    noise: np.ndarray,
    elements: Sequence[Elementary],
    law: Sequence[Sequence[tuple[WeakTerm, float]]],
    windows: FieldWindows,
    time_order: int = 1,
    blocks: int = 1,
) -> ConditionSums:
    """Compute the sums of each trajectory, or of each of its blocks of windows along x.

    Parameters
    ----------
    values : ndarray, `(field, run, time, x[, y])`
    noise : ndarray, `(field, run)`
    elements : sequence of Elementary
    law : sequence, one a field, of terms with their coefficients
    windows : FieldWindows
    time_order : int
        m.
    blocks : int
    """
    n_fields, n_coordinates = len(values), values.ndim - 2
    recipes = [_recipes(element, law, n_fields, n_coordinates, time_order) for element in elements]
    table = _Integrals(values, noise, windows)
    pieces = []
    for parity in (0, 1):
        rows = [[table.rows(recipe[kind], parity, n_fields) for recipe in recipes] for kind in range(3)]
        pieces.append([np.stack(kind) for kind in rows])  # element, field, run, window
    scale = 1 / values.std(axis=(1, *range(2, values.ndim)))
    places = np.arange(windows.n_windows).reshape([len(axis.centers) for axis in windows.axes])
    some = [block.ravel() for block in np.array_split(places, blocks, axis=1)]
    (even_moved, even_linear, even_q), (odd_moved, odd_linear, odd_q) = pieces

    def product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        each = [np.einsum("efrw,f,gfrw->reg", a[..., w], scale**2, b[..., w], optimize=True) / len(w) for w in some]
        found = np.stack(each, axis=1).reshape(-1, len(elements), len(elements))
        return (found + np.swapaxes(found, 1, 2)) / 2

    even, odd = even_moved - even_linear, odd_moved - odd_linear
    half = (even - odd) / 2
    size = product(even_moved, odd_moved) + product(even_linear, odd_linear)
    kinds = np.array([min(e.component, n_coordinates) for e in elements])
    parts = product(even_q, odd_q) * (kinds[:, None] == kinds)
    return ConditionSums(product(even, odd), product(half, half), size, parts)


class _Integrals:
    """Integrals over windows, each computed once."""

    def __init__(self, values: np.ndarray, noise: np.ndarray, windows: FieldWindows):
        self.values, self.noise, self.windows = values, noise, windows
        mask = checkerboard(values.shape[2:])
        self.masks = (mask, 2.0 - mask)
        self.powers: dict[tuple[int, ...], np.ndarray] = {}
        self.known: dict[tuple[_Key, int], np.ndarray] = {}

    def rows(self, recipe: _Recipe, parity: int, n_fields: int) -> np.ndarray:
        """Compute rows `(field, run, window)`: sums of integrals with the weights of the recipe."""
        rows = np.zeros((n_fields, self.values.shape[1], self.windows.n_windows))
        for (field, key), weight in recipe.items():
            rows[field] += weight * self._integral(key, parity)
        return rows

    def _integral(self, key: _Key, parity: int) -> np.ndarray:
        if (key, parity) not in self.known:
            exponents, orders, powers = key
            if exponents not in self.powers:
                self.powers[exponents] = powers_of(self.values, np.array([exponents]), self.noise)[0]
            axes = zip(self.windows.axes, orders, powers, strict=True)
            kernels = [axis.kernel(order, power) for axis, order, power in axes]
            integral = window_integrals(self.powers[exponents] * self.masks[parity], kernels)
            self.known[key, parity] = integral.reshape(len(integral), -1)
        return self.known[key, parity]


def _recipes(
    element: Elementary,
    law: Sequence[Sequence[tuple[WeakTerm, float]]],
    n_fields: int,
    n_coordinates: int,
    time_order: int,
) -> tuple[_Recipe, _Recipe, _Recipe]:
    """Build recipes `{(field, integral): weight}` of D_t^m Q, of N'[Q] and of Q."""
    still = (0,) * n_coordinates
    along_time = (time_order, *still[1:])
    moved: _Recipe = {}
    linear: _Recipe = {}
    plain: _Recipe = {}
    moving = element.component < n_coordinates  # a coordinate is moved: Q_c = −coefficient ∂_i u_c for every field
    for field in range(n_fields) if moving else [element.component - n_coordinates]:
        unit = tuple(int(k == field) for k in range(n_fields))
        factor, fields = _tested(element, element.exponents, unit, moving)
        _collect(moved, field, along_time, element, fields, factor, moving)
        _collect(plain, field, still, element, fields, factor, moving)
    for side, terms in enumerate(law):
        for term, weight in terms:
            order = (0, *term.order)
            if moving:
                # sum_c p_c u^(p − e_c + q) ∂_i u_c = |p| / (|p| + q) ∂_i (u^(p + q))
                total = sum(term.exponents)
                if not total:  # a constant has no derivative
                    continue
                fields = tuple(p + q for p, q in zip(term.exponents, element.exponents, strict=True))
                share = total / (total + sum(element.exponents))
                _collect(linear, side, order, element, fields, -weight * term.factor * share, moving)
                continue
            field = element.component - n_coordinates
            power = term.exponents[field]
            if power:
                fields = tuple(
                    p + q - (k == field) for k, (p, q) in enumerate(zip(term.exponents, element.exponents, strict=True))
                )
                _collect(linear, side, order, element, fields, weight * term.factor * power, moving)
    return moved, linear, plain


def _tested(
    element: Elementary, exponents: tuple[int, ...], unit: tuple[int, ...], moving: bool
) -> tuple[float, tuple[int, ...]]:
    """Return the factor and exponents of u^q, or of −u^q ∂_i u_c = −∂_i (u^(q + 1)) / (q + 1)."""
    if not moving:
        return 1.0, exponents
    return -1.0 / (1 + sum(exponents)), tuple(q + e for q, e in zip(exponents, unit, strict=True))


def _collect(
    recipe: _Recipe,
    field: int,
    order: tuple[int, ...],
    element: Elementary,
    fields: tuple[int, ...],
    weight: float,
    moving: bool,
) -> None:
    """Add ∫ psi D_J(t^a x^b F), with F = u^fields or ∂_i u^fields, all derivatives thrown on psi and on t^a x^b."""
    weight = weight * (-1.0) ** sum(order)
    powers = element.powers
    if not moving:
        _put(recipe, (field, (fields, order, powers)), weight)
        return
    axis = element.component
    higher = tuple(k + (i == axis) for i, k in enumerate(order))
    _put(recipe, (field, (fields, higher, powers)), -weight)
    if powers[axis]:
        lower = tuple(k - (i == axis) for i, k in enumerate(powers))
        _put(recipe, (field, (fields, order, lower)), -weight * powers[axis])


def _put(recipe: _Recipe, key: tuple[int, _Key], weight: float) -> None:
    recipe[key] = recipe.get(key, 0.0) + weight
