"""The Lie derivative as exact sparse matrices on coefficients of polynomials, and inner products on its values.

For F = sum_a w_a x^a and a generator with components v_i = sum_f c_if x^f,

    DF v = sum_a sum_i sum_f a_i c_if w_a x^(a − e_i + f),

so L(v, F) is a polynomial whose coefficients are sparse combinations of those of F: no samples are needed, and only
products of small integers are rounded. Lengths of polynomials come in afterwards, as the Gram matrix of the monomials
in their rows, at samples or over a box. Functions other than polynomials are sampled instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from scipy import linalg, sparse

from symdyn.functions.features import Features, Monomials, Polynomial, monomials, polynomial_exponents
from symdyn.functions.sparse_arrays import shape_of
from symdyn.lie.actions import Action, output_action
from symdyn.lie.derivative import LieDerivative
from symdyn.lie.prolongation import affine_parts
from symdyn.lie.vectorfields import Generators

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["LieMaps", "box_gram", "exponents_of", "lie_maps", "sample_gram", "sampled_maps"]

# Of each term its generator, output, exponents, column and value.
_Terms: TypeAlias = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class LieMaps:
    """Matrices S_k that take the coefficients of F to those of L(v_k, F), one below the other.

    Parameters
    ----------
    stacked : sparse array, `(generator * output * row, output * feature)`
    exponents : ndarray, `(row, state)`
        The monomials in which each output of L is written.
    n_outputs : int
    """

    stacked: sparse.csr_array
    exponents: np.ndarray
    n_outputs: int = 1

    def __len__(self) -> int:
        return shape_of(self.stacked)[0] // (self.n_outputs * len(self.exponents))

    def __getitem__(self, index: int) -> sparse.csr_array:
        if not -len(self) <= index < len(self):
            raise IndexError(f"there are {len(self)} maps, not {index}")
        height = self.n_outputs * len(self.exponents)
        start = (index % len(self)) * height
        return self.stacked[start : start + height]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of one map."""
        return self.n_outputs * len(self.exponents), shape_of(self.stacked)[1]


def lie_maps(features: Features, generators: Generators, output: str | Action = "invariant") -> LieMaps:
    """Build exact maps w -> L(v_k, F), F = W theta with monomials theta and polynomial generators v_k.

    Parameters
    ----------
    features : Polynomial or Monomials
        Of all states; for `"second_order"` of positions and velocities.
    generators : Generators
        With polynomial components.
    output : {"invariant", "vector_field", "map", "second_order"}
        How values move; see `symdyn.lie.derivative`.

    Raises
    ------
    TypeError
        For features or generators that are not polynomials (`sampled_maps` takes them).
    ValueError
        For an unknown output.
    """
    action = output_action(output)
    moving = action.on_arguments(generators)
    n = len(moving.states)
    powers, fields = exponents_of(features, n), exponents_of(moving.features, n)
    terms = [_transport(powers, fields, moving.coefficients)]
    n_outputs = 1
    if action.moves_values:
        n_outputs = len(generators.states)
        terms = [_on_outputs(terms[0], n_outputs, len(powers)), *_carried(powers, fields, moving, generators, action)]
    generator, out, target, column, value = (np.concatenate(parts) for parts in zip(*terms, strict=True))
    rows, place = _distinct(target)
    index = (generator * n_outputs + out) * len(rows) + place
    shape = (len(generators) * n_outputs * len(rows), n_outputs * len(powers))
    stacked = sparse.coo_array((value, (index, column)), shape=shape).tocsr()
    stacked.eliminate_zeros()
    return LieMaps(stacked, rows, n_outputs)


def exponents_of(features: Features, n_states: int) -> np.ndarray:
    """Return the exponents `(feature, state)` of features that are monomials of `n_states` states.

    Raises
    ------
    TypeError
        For other features.
    """
    if isinstance(features, Monomials):
        return np.array(features.exponents, dtype=int).reshape(-1, n_states)
    if not isinstance(features, Polynomial):
        raise TypeError(f"exact Lie maps need polynomial features and generators, got {features!r}: use sampled_maps")
    if features.columns is None:
        return polynomial_exponents(n_states, features.degree, features.constant)
    inner = polynomial_exponents(len(features.columns), features.degree, features.constant)
    full = np.zeros((len(inner), n_states), dtype=int)
    full[:, list(features.columns)] = inner
    return full


def sample_gram(exponents: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Sum products of monomials `(row, row)` over samples: the inner product of the published experiments.

    Parameters
    ----------
    exponents : ndarray, `(row, state)`
    points : ndarray, `(sample, state)`
        Generic, at least as many as there are rows: otherwise some polynomials have no length.
    """
    values = monomials(np.asarray(points, dtype=float), exponents)
    return values.T @ values


def box_gram(exponents: np.ndarray, bounds: ArrayLike = (-1.0, 1.0)) -> np.ndarray:
    """Average products of monomials `(row, row)` over a box, in closed form.

    The mean of x^p over [l, u] is (u^(p+1) − l^(p+1)) / ((p + 1) (u − l)), and the mean of a product over a box is the
    product of the means.

    Parameters
    ----------
    exponents : ndarray, `(row, state)`
    bounds : array_like, `(2,)` or `(state, 2)`

    Raises
    ------
    ValueError
        For an empty side.
    """
    low, high = np.broadcast_to(np.asarray(bounds, dtype=float), (exponents.shape[1], 2)).T
    if not np.all(high > low):
        raise ValueError(f"bounds must be pairs low < high, got {np.asarray(bounds).tolist()}")
    power = np.arange(1, 2 * int(exponents.max(initial=0)) + 2)
    means = (high[:, None] ** power - low[:, None] ** power) / (power * (high - low)[:, None])
    gram = np.ones((len(exponents), len(exponents)))
    for state, column in enumerate(exponents.T):
        gram *= means[state][column[:, None] + column]
    return gram


def sampled_maps(
    features: Features, generators: Generators, points: np.ndarray, output: str | Action = "invariant"
) -> list[np.ndarray]:
    """Build maps w -> L(v_k, F) at sample points, compressed to as few rows as they have together.

    All columns of all maps lie in one space of rows; with Q an orthonormal basis of it, Q^T L has the same inner
    products as L. Q comes from one QR factorisation, its rank from a singular value decomposition of the small factor.

    Parameters
    ----------
    features : Features
    generators : Generators
    points : ndarray, `(sample, state)`
    output : see `lie_maps`

    Returns
    -------
    list of ndarray, `(row, output * feature)`, one per generator; their inner product is the mean over samples.
    """
    points = np.asarray(points, dtype=float)
    moves = output_action(output).of_generators(generators, points)
    rows = LieDerivative.build(features, moves, points).constraint() / np.sqrt(len(points))
    wide = rows.transpose(1, 0, 2).reshape(rows.shape[1], -1)
    if wide.shape[0] > wide.shape[1]:
        wide = np.linalg.qr(wide, mode="r")
    left, values, _ = linalg.svd(wide, full_matrices=False, lapack_driver="gesdd")
    kept = values > 1e-10 * values[0]
    small = (left[:, kept].T @ wide).reshape(-1, len(generators), rows.shape[2])
    return list(np.ascontiguousarray(small.transpose(1, 0, 2)))


def _transport(powers: np.ndarray, fields: np.ndarray, coefficients: np.ndarray) -> _Terms:
    """Return the terms of DF v: generator, output 0, exponents, column, value of each."""
    parts = []
    for state in range(powers.shape[1]):
        columns = np.flatnonzero(powers[:, state])
        generator, feature = np.nonzero(coefficients[:, state])
        if not (columns.size and generator.size):
            continue
        lowered = powers[columns]
        lowered[:, state] -= 1
        target = lowered[None] + fields[feature][:, None]
        value = powers[columns, state] * coefficients[generator, state, feature][:, None]
        parts.append(_flattened(generator, np.zeros_like(generator), target, columns, value))
    return _joined(parts, powers.shape[1])


def _carried(
    powers: np.ndarray, fields: np.ndarray, moving: Generators, generators: Generators, action: Action
) -> list[_Terms]:
    """Return the terms of −psi F, where psi is Dv − tau of a flow, A of a map, A − 2 tau of accelerations."""
    n = len(generators.states)
    columns, parts = np.arange(len(powers)), []
    if action.local:
        for source in range(n):
            generator, out, feature = np.nonzero(moving.coefficients[:, :n] * fields[:, source])
            slopes = fields[feature]
            value = -moving.coefficients[generator, out, feature] * slopes[:, source]
            slopes[:, source] -= 1
            target = slopes[:, None] + powers[None]
            value = np.repeat(value[:, None], len(powers), axis=1)
            parts.append(_flattened(generator, out, target, source * len(powers) + columns, value))
        linear = np.zeros((len(generators), n, n))
    else:
        linear = affine_parts(generators)[1]
    constant = linear - action.time_power * generators.time_scaling[:, None, None] * np.eye(n)
    generator, out, source = np.nonzero(constant)
    target = np.repeat(powers[None], len(generator), axis=0)
    value = np.repeat(-constant[generator, out, source][:, None], len(powers), axis=1)
    parts.append(_flattened(generator, out, target, source[:, None] * len(powers) + columns, value))
    return [_joined(parts, powers.shape[1])]


def _on_outputs(terms: _Terms, n_outputs: int, n_features: int) -> _Terms:
    """Repeat the terms on each output."""
    generator, _, target, column, value = terms
    outputs = np.repeat(np.arange(n_outputs), len(generator))
    generator, value = np.tile(generator, n_outputs), np.tile(value, n_outputs)
    return generator, outputs, np.tile(target, (n_outputs, 1)), outputs * n_features + np.tile(column, n_outputs), value


def _flattened(
    generator: np.ndarray, out: np.ndarray, target: np.ndarray, columns: np.ndarray, value: np.ndarray
) -> _Terms:
    count = value.shape[1]
    columns = np.broadcast_to(columns, value.shape).ravel()
    return (
        np.repeat(generator, count),
        np.repeat(out, count),
        target.reshape(-1, target.shape[-1]),
        columns,
        value.ravel(),
    )


def _joined(parts: list[_Terms], n_states: int) -> _Terms:
    if not parts:
        empty = np.zeros(0, dtype=int)
        return empty, empty, np.zeros((0, n_states), dtype=int), empty, np.zeros(0)
    index, output, exponents, column, value = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return index, output, exponents, column, value


def _distinct(exponents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the different exponents `(row, state)`, by degree, and the place of each given one among them."""
    if not len(exponents):  # all maps are 0: one row, to hold it
        return np.zeros((1, exponents.shape[1]), dtype=int), np.zeros(0, dtype=int)
    # One random number a monomial instead of a row to compare; that no two share one is checked.
    weights = np.random.default_rng(5).integers(1, 2**63, exponents.shape[1], dtype=np.uint64)
    keys = exponents.astype(np.uint64) @ weights
    _, first, place = np.unique(keys, return_index=True, return_inverse=True)
    rows = exponents[first]
    if not np.array_equal(rows[place], exponents):
        rows, place = np.unique(exponents, axis=0, return_inverse=True)
    order = np.lexsort((*-rows.T[::-1], rows.sum(axis=1)))
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return rows[order], rank[place.ravel()]
