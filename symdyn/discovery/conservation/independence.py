"""A readable basis of conserved quantities: simple ones first, powers and products of them set apart.

What is conserved is closed under products, so a library of functions that holds H may hold H^2 as well. Elements of
the span are taken from simple to complicated, families of features counting as more complicated in the order in which
the library lists them; an element that is, within error, a polynomial in those before it is a product.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np
from scipy import linalg

__all__ = ["Reduced", "gradient_rank", "levels_of", "simplest_basis"]

_HIGHEST = 4  # factors in a product
_CAPTURED = 0.9  # share of a product that must lie in the span
_MANY = 500  # products tried at most


@dataclass(frozen=True)
class Reduced:
    """`rows` `(element, feature)`, the identity on the features `pivots` `(element,)`; `product` marks products."""

    rows: np.ndarray
    pivots: np.ndarray
    product: np.ndarray

    def follow(self, spans: np.ndarray) -> np.ndarray:
        """Find the same elements in other estimates of the span `(replicate, element, feature)`."""
        return np.stack([_least_squares(span[:, self.pivots], span) for span in spans])


def levels_of(families: list[str]) -> np.ndarray:
    """Rank how complicated each feature is `(feature,)`: the place of its family in the order of the library.

    Of a library that knows no families each function counts by itself.
    """
    labels = [f"{label} {k}" if label == "library" else label for k, label in enumerate(families)]
    order = {label: k for k, label in enumerate(dict.fromkeys(labels))}
    return np.array([order[label] for label in labels], dtype=int)


def simplest_basis(span: np.ndarray, levels: np.ndarray, values: np.ndarray, tiny: float) -> Reduced:
    """Bring the span into reduced form, simple elements first.

    Parameters
    ----------
    span : ndarray, `(element, feature)`
    levels : ndarray, `(feature,)`
        See `levels_of`.
    values : ndarray, `(sample, feature)`
        Features at generic points, off the trajectories: identities between functions must hold there too.
    tiny : float
        Part of an element that counts as none, relative to its spread.
    """
    functions = values - values.mean(axis=0)
    rows, pivots, product = np.zeros((0, span.shape[1])), np.zeros(0, dtype=int), []
    for level, group in _by_level(span, levels, functions, tiny):
        kept = functions @ rows[~np.array(product, dtype=bool)].T
        dependent, fresh = _split_products(functions @ group.T, functions @ rows.T, kept)
        for weights, is_product in ((dependent, True), (fresh, False)):
            more, where = _eliminated(weights @ group, rows, pivots, np.flatnonzero(levels == level))
            rows, pivots = np.vstack([rows, more]), np.concatenate([pivots, where])
            product += [is_product] * len(more)
    rows = linalg.solve(rows[:, pivots], rows) if len(rows) else rows
    return Reduced(rows, pivots, np.array(product, dtype=bool))


def gradient_rank(gradients: np.ndarray, tiny: float) -> int:
    """Count functionally independent ones among functions with the given gradients `(sample, function, state)`.

    The rank at most points; each gradient counts as a unit vector, singular values below `tiny` as 0.
    """
    lengths = np.linalg.norm(gradients, axis=2, keepdims=True)
    unit = gradients / np.where(lengths > 0, lengths, 1.0)
    values = np.linalg.svd(unit, compute_uv=False)
    return int(np.sum(np.median(values, axis=0) > tiny)) if gradients.shape[1] else 0


def _by_level(span: np.ndarray, levels: np.ndarray, functions: np.ndarray, tiny: float) -> list[tuple[int, np.ndarray]]:
    """Group `(level, elements)`: elements whose most complicated features are of that level, simple ones first."""
    groups, current = [], _orthonormal(span, functions)
    for level in sorted(set(levels.tolist()), reverse=True):
        part = functions[:, levels == level] @ current[:, levels == level].T
        values, vectors = np.linalg.eigh(part.T @ part / len(part))
        here = values > (tiny**2 if level > levels.min() else -1.0)
        if here.any():
            groups.append((level, vectors[:, here].T @ current))
            current = vectors[:, ~here].T @ current
        if len(current) == 0:
            break
    return groups[::-1]


def _split_products(mine: np.ndarray, lower: np.ndarray, kept: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return weights of combinations of `mine` `(sample, element)` that products of `kept` make up, and of the rest."""
    n = mine.shape[1]
    if kept.shape[1] == 0:
        return np.zeros((0, n)), np.eye(n)
    products = _products(kept)
    mine, beside = _residual(mine, lower), _residual(products, lower)
    solution = _least_squares(mine, beside)
    lengths = np.linalg.norm(beside, axis=0)
    visible = lengths > 1e-6 * np.linalg.norm(products, axis=0)
    captured = 1 - (np.linalg.norm(beside - mine @ solution, axis=0) / np.where(visible, lengths, 1.0)) ** 2
    found = solution[:, visible & (captured > _CAPTURED)]
    found = found / np.maximum(np.linalg.norm(found, axis=0), 1e-300)
    vectors, values, _ = np.linalg.svd(np.hstack([found, np.zeros((n, n))]))
    count = int(np.sum(values > 0.3))
    return vectors[:, :count].T, vectors[:, count:].T


def _least_squares(columns: np.ndarray, right: np.ndarray) -> np.ndarray:
    found = linalg.lstsq(columns, right)
    assert found is not None  # scipy has an answer for each of its drivers
    return np.asarray(found[0])


def _products(kept: np.ndarray) -> np.ndarray:
    """Multiply two to four of the functions `(sample, function)`, each in units of its spread."""
    kept = kept / np.maximum(kept.std(axis=0), 1e-300)
    made = [
        kept[:, list(choice)].prod(axis=1)
        for degree in range(2, _HIGHEST + 1)
        for choice in combinations_with_replacement(range(kept.shape[1]), degree)
    ]
    return np.stack(made[:_MANY], axis=1)


def _residual(columns: np.ndarray, lower: np.ndarray) -> np.ndarray:
    """Return what the constant and the functions `lower` leave of the columns."""
    basis = np.linalg.qr(np.column_stack([np.ones(len(columns)), lower]))[0]
    return columns - basis @ (basis.T @ columns)


def _eliminated(
    group: np.ndarray, rows: np.ndarray, pivots: np.ndarray, columns: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Take the parts along `rows` out of the group, and make it the identity on new pivots among `columns`."""
    if len(group) == 0:
        return group, np.zeros(0, dtype=int)
    group = group - group[:, pivots] @ rows
    order = linalg.qr(group[:, columns], pivoting=True, mode="r")[-1]
    where = columns[order[: len(group)]]
    return linalg.solve(group[:, where], group), where


def _orthonormal(span: np.ndarray, functions: np.ndarray) -> np.ndarray:
    triangle = np.linalg.qr(functions @ span.T / np.sqrt(len(functions)), mode="r")
    return linalg.solve_triangular(triangle, span, trans="T")
