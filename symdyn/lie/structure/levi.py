"""The parts of a Lie algebra from its structure constants: series, centre, radical, Levi subalgebra, direct summands.

All functions take constants c `(i, j, k)`, [e_i, e_j] = sum_k c_ijk e_k, scaled by `scaled` so that sizes are of
order 1, and a `level` below which a singular value counts as zero. Subspaces are matrices `(n, dim)` with orthonormal
columns. Source: W. A. de Graaf, Lie Algebras: Theory and Algorithms (2000), chapters 1, 2 and 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from scipy import linalg

from symdyn.lie.structure.brackets import killing_form

__all__ = [
    "adjoint",
    "bracket_span",
    "centralizer",
    "centre",
    "commutant",
    "derived_series",
    "direct_summands",
    "invariant_forms",
    "levi_subalgebra",
    "lower_central_series",
    "orthogonal_complement",
    "radical",
    "restricted",
    "scaled",
]


def scaled(constants: np.ndarray) -> np.ndarray:
    """Return antisymmetric constants with |c|^2 = n, so that a compact simple algebra has a Killing form near −1."""
    constants = (constants - np.swapaxes(constants, 0, 1)) / 2
    size = np.linalg.norm(constants)
    return constants if size == 0 else constants * (np.sqrt(len(constants)) / size)


def bracket_span(constants: np.ndarray, first: np.ndarray, second: np.ndarray, level: float) -> np.ndarray:
    """Return [a, b]: the span of all brackets of two subspaces."""
    brackets = np.einsum("ia,jb,ijk->kab", first, second, constants, optimize=True).reshape(len(constants), -1)
    return _column_space(brackets, level)


def derived_series(constants: np.ndarray, subspace: np.ndarray, level: float) -> list[np.ndarray]:
    """Return a, [a, a], [[a, a], [a, a]] ... until it stops shrinking; the last one is zero for a solvable a."""
    series = [subspace]
    while series[-1].shape[1]:
        series.append(bracket_span(constants, series[-1], series[-1], level))
        if series[-1].shape[1] >= series[-2].shape[1]:
            return series[:-1]
    return series


def lower_central_series(constants: np.ndarray, level: float) -> list[np.ndarray]:
    """Return g, [g, g], [g, [g, g]] ... until it stops shrinking; the last one is zero for a nilpotent algebra."""
    whole = np.eye(len(constants))
    series = [whole]
    while series[-1].shape[1]:
        series.append(bracket_span(constants, whole, series[-1], level))
        if series[-1].shape[1] >= series[-2].shape[1]:
            return series[:-1]
    return series


def centre(constants: np.ndarray, level: float) -> np.ndarray:
    """Return {x: [x, y] = 0 for all y}."""
    return centralizer(constants, np.eye(len(constants)), np.eye(len(constants)), level)


def centralizer(constants: np.ndarray, subspace: np.ndarray, inside: np.ndarray, level: float) -> np.ndarray:
    """Return {x in `inside`: [x, y] = 0 for all y in `subspace`}."""
    rows = np.einsum("ia,jb,ijk->bka", inside, subspace, constants, optimize=True).reshape(-1, inside.shape[1])
    return inside @ _null_space(rows, level)


def radical(constants: np.ndarray, level: float) -> np.ndarray:
    """Return the largest solvable ideal: the orthogonal complement of [g, g] under the Killing form."""
    derived = bracket_span(constants, np.eye(len(constants)), np.eye(len(constants)), level)
    return _null_space(derived.T @ killing_form(constants), level)


def levi_subalgebra(constants: np.ndarray, radical: np.ndarray, level: float) -> np.ndarray:
    """Return a semisimple subalgebra s with g = s + radical, `(n, dim)`.

    A complement x_i of the radical closes modulo the radical, [x_i, x_j] = sum_k a_ijk x_k + r_ij. It is moved by
    elements y_i of the terms r_1 > r_2 > ... of the radical's derived series until r_ij vanishes: modulo r_(m+1),
    [x_i, y_j] + [y_i, x_j] − sum_k a_ijk y_k = −r_ij is linear in y_i in r_m, and solvable by Levi's theorem.
    """
    x = orthogonal_complement(radical)
    series = derived_series(constants, radical, level)
    within = np.einsum("ia,jb,ijk,kc->abc", x, x, constants, x, optimize=True)
    for term, lower in pairwise(series):
        outside = orthogonal_complement(lower).T
        rest = np.einsum("ia,jb,ijk->kab", x, x, constants, optimize=True) - np.einsum("kc,abc->kab", x, within)
        moves = np.einsum("ia,jy,ijk->kay", x, term, constants, optimize=True)  # [x_a, t_y]
        eye = np.eye(x.shape[1])
        # Unknown weights w (y, d) of x_d -> x_d + sum_y t_y w_yd, in the equation of the pair (a, b).
        design = np.einsum("kay,bd->kabyd", moves, eye) - np.einsum("kby,ad->kabyd", moves, eye)
        design -= np.einsum("ky,abd->kabyd", term, within)
        design = np.tensordot(outside, design, 1).reshape(-1, term.shape[1] * x.shape[1])
        weights = np.linalg.lstsq(design, -np.tensordot(outside, rest, 1).ravel(), rcond=None)[0]
        x = x + term @ weights.reshape(term.shape[1], x.shape[1])
    return np.linalg.qr(x)[0]


def commutant(matrices: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    """Return an orthonormal basis `(dim, n, n)` of all T with T A_k = A_k T, for matrices `(k, n, n)`.

    For the adjoint representation this is the centroid of the algebra: it holds the projections on direct summands,
    and a T with T^2 = −1 exactly if the algebra is a complex one.
    """
    n = matrices.shape[1]
    basis = np.eye(n * n).reshape(n * n, n, n)
    # Three random mixtures leave little more than the commutant itself, so that the full set of equations is small.
    mixtures = np.tensordot(rng.standard_normal((min(3, len(matrices)), len(matrices))), matrices, 1)
    for family in (mixtures / np.sqrt(len(matrices)), matrices):
        rows = np.einsum("tij,ajk->aikt", basis, family) - np.einsum("aij,tjk->aikt", family, basis)
        weights = _null_space(rows.reshape(-1, len(basis)), level)
        basis = np.einsum("ts,tij->sij", weights, basis)
    return basis


def direct_summands(constants: np.ndarray, level: float, n_tries: int = 4) -> list[np.ndarray]:
    """Split g into a direct sum of ideals `(n, dim)` that cannot be split further.

    The generalised eigenspaces of an element of the centroid are ideals, and those of a generic one cannot be split.
    A random element may have two eigenvalues close together, so several are tried and the finest split is kept.
    """
    rng = np.random.default_rng(0)
    centroid = commutant(adjoint(constants), level, rng)
    best = [np.eye(len(constants))]
    for _ in range(n_tries if len(centroid) > 1 else 0):
        parts = _eigenspaces(np.tensordot(rng.standard_normal(len(centroid)), centroid, 1))
        if len(parts) > len(best) and _are_ideals(constants, parts, level):
            best = parts
    return best


def restricted(constants: np.ndarray, subspace: np.ndarray) -> np.ndarray:
    """Return the structure constants of a subalgebra in the basis of its columns."""
    return np.einsum("ia,jb,ijk,kc->abc", subspace, subspace, constants, subspace, optimize=True)


def invariant_forms(matrices: np.ndarray, level: float) -> np.ndarray:
    """Return symmetric S with A_k^T S + S A_k = 0, `(dim, n, n)`."""
    n = matrices.shape[1]
    upper = np.triu_indices(n)
    basis = np.zeros((len(upper[0]), n, n))
    basis[np.arange(len(upper[0])), upper[0], upper[1]] = 1.0
    basis = basis + np.swapaxes(basis, 1, 2)
    rows = np.einsum("aji,sjk->aiks", matrices, basis) + np.einsum("sij,ajk->aiks", basis, matrices)
    return np.einsum("sd,sij->dij", _null_space(rows.reshape(-1, len(basis)), level), basis)


def adjoint(constants: np.ndarray) -> np.ndarray:
    """Return the matrices ad_i `(i, k, j)` with [e_i, e_j] = sum_k (ad_i)_kj e_k."""
    return np.swapaxes(constants, 1, 2)


def orthogonal_complement(subspace: np.ndarray) -> np.ndarray:
    """Return orthonormal columns that complete the independent columns of a subspace to a basis."""
    if subspace.shape[1] == 0:
        return np.eye(len(subspace))
    return np.linalg.svd(subspace, full_matrices=True)[0][:, subspace.shape[1] :]


def _eigenspaces(matrix: np.ndarray, gap: float = 1e-3) -> list[np.ndarray]:
    """Return real invariant subspaces, one per eigenvalue or conjugate pair; eigenvalues within `gap` count as one."""
    values = np.linalg.eigvals(matrix)
    values = np.where(
        np.abs(values.imag) < gap * np.abs(values).max(), values.real, values.real + 1j * abs(values.imag)
    )
    scale = np.abs(values).max()
    groups: list[list[complex]] = []
    for value in values[np.lexsort((np.imag(values), np.real(values)))]:
        near = [group for group in groups if min(abs(value - other) for other in group) < gap * scale]
        joined = [value, *(other for group in near for other in group)]
        groups = [group for group in groups if not any(group is other for other in near)] + [joined]
    spaces = []
    for group in groups:

        def belongs(value: complex, group: Sequence[complex] = group) -> bool:
            folded = complex(value.real, abs(value.imag))
            return min(abs(folded - other) for other in group) < gap * scale / 2

        sorted_first = linalg.schur(matrix.astype(complex), output="complex", sort=belongs)
        vectors, size = np.asarray(sorted_first[1]), int(sorted_first[-1])
        left = np.linalg.svd(np.hstack([np.real(vectors[:, :size]), np.imag(vectors[:, :size])]))[0]
        spaces.append(left[:, :size])
    return spaces


def _are_ideals(constants: np.ndarray, parts: Sequence[np.ndarray], level: float) -> bool:
    if sum(part.shape[1] for part in parts) != len(constants):
        return False
    if np.linalg.cond(np.hstack(parts)) > 1e6:
        return False
    crossed = [
        np.linalg.norm(np.einsum("ia,jb,ijk->abk", first, second, constants, optimize=True))
        for i, first in enumerate(parts)
        for second in parts[:i]
    ]
    return bool(max(crossed) < 10 * level * len(constants))


def _column_space(matrix: np.ndarray, level: float) -> np.ndarray:
    left, values, _ = np.linalg.svd(matrix, full_matrices=False)
    return left[:, values > level]


def _null_space(rows: np.ndarray, level: float) -> np.ndarray:
    """Return orthonormal columns w with |rows w| <= level."""
    triangle = np.linalg.qr(rows, mode="r") if rows.shape[0] > rows.shape[1] else rows
    _, values, right = np.linalg.svd(triangle, full_matrices=True)
    values = np.pad(values, (0, rows.shape[1] - len(values)))
    return right[values <= level].T
