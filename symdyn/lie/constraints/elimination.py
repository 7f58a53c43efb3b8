"""Exact null spaces of sparse integer matrices: elimination modulo a prime, fractions read back, and a proof.

Elimination modulo p can only lose rank, so the null space over the rationals has at most as many dimensions as that
modulo p. The fractions read back from it are multiplied out over the integers: if all equations hold, the independent
vectors found are as many as there can be, and the answer is proven. If they do not hold, there is no answer, and the
caller falls back to floating point (von zur Gathen and Gerhard, Modern computer algebra, 2013, sections 5.10, 16.1).

Equations fall into groups that share no unknown, such as one for each parity of each state; groups are eliminated one
by one, as dense blocks. One generator of an algebra after the other keeps these groups small.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from symdyn.functions.sparse_arrays import shape_of

__all__ = ["PRIME", "exact_null_space", "reduced_rows_mod", "unknown_groups"]

# The largest prime below 2^27: 512 products of two residues still fit into 64 bits.
PRIME = 2**27 - 39
_LARGEST_BLOCK = 2e7  # entries; denser blocks are left to floating point
_FITS = 2.0**62


def exact_null_space(equations: Sequence[sparse.csr_array]) -> tuple[np.ndarray, np.ndarray] | None:
    """Compute the rational null space shared by sparse integer matrices, in reduced row-echelon form.

    Parameters
    ----------
    equations : sequence of sparse arrays of int64, `(row, unknown)`
        Taken one after the other, each on what the ones before left.

    Returns
    -------
    basis : ndarray, `(unknown, dim)`
        The first nonzero entry of each column is 1, and the only nonzero entry of its row.
    pivots : ndarray of int, `(dim,)`
        Where these entries are, ascending.
    None
        If fractions are too large to be read back, or a block is too large to be eliminated.
    """
    n_unknowns = shape_of(equations[0])[1]
    basis = sparse.eye_array(n_unknowns, dtype=np.int64, format="csr")
    for system in equations:
        restricted = _product_mod(system, basis)
        if restricted is not None and not restricted.nnz:
            continue  # brackets of generators that were taken ask nothing new
        kernel = _null_space_of(restricted)
        basis = _product_mod(basis, kernel) if kernel is not None else None
        if basis is None:
            return None
    reduced, pivots = _reduced_columns(basis)
    found = _read_back(reduced)
    if found is None or not all(_vanishes(system, found[0]) for system in equations):
        return None
    integers, divisors = found
    return integers.toarray() / divisors, pivots


def reduced_rows_mod(matrix: np.ndarray, p: int = PRIME) -> tuple[np.ndarray, np.ndarray]:
    """Compute the reduced row-echelon form modulo a prime below 2^31.

    Parameters
    ----------
    matrix : ndarray of int64, `(row, column)`
        Changed in place.

    Returns
    -------
    rows : ndarray, `(rank, column)`
    pivots : ndarray, `(rank,)`
        Columns of the leading ones.
    """
    pivots, rank = [], 0
    for column in range(matrix.shape[1]):
        if rank == len(matrix):
            break
        candidates = np.flatnonzero(matrix[rank:, column])
        if not len(candidates):
            continue
        chosen = rank + candidates[0]
        matrix[[rank, chosen]] = matrix[[chosen, rank]]
        matrix[rank] = matrix[rank] * pow(int(matrix[rank, column]), -1, p) % p
        others = np.flatnonzero(matrix[:, column])
        others = others[others != rank]
        here = np.flatnonzero(matrix[rank])
        block = np.ix_(others, here)
        matrix[block] = (matrix[block] - matrix[others, column][:, None] * matrix[rank, here]) % p
        pivots.append(column)
        rank += 1
    return matrix[:rank], np.array(pivots, dtype=int)


def unknown_groups(system: sparse.csr_array, largest: float = np.inf) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield groups of equations that share no unknown with others: dense blocks `(row, unknown)`, and their unknowns.

    An unknown without equation is a group with no row.

    Raises
    ------
    OverflowError
        At a block of more than `largest` entries.
    """
    n_rows, n_unknowns = shape_of(system)
    entries = system.tocoo()
    joined = sparse.coo_array(
        (np.ones(entries.nnz, dtype=np.int8), (entries.row, n_rows + entries.col)), shape=(n_rows + n_unknowns,) * 2
    )
    labels = np.asarray(connected_components(joined, directed=False)[1])
    _, row_place, row_bounds = _sorted_by_label(labels[:n_rows], labels)
    unknowns, place, bounds = _sorted_by_label(labels[n_rows:], labels)
    order, _, entry_bounds = _sorted_by_label(labels[entries.row], labels)
    here, there, values = row_place[entries.row[order]], place[entries.col[order]], entries.data[order]
    for label, (start, stop) in enumerate(pairwise(bounds)):
        if start < stop:
            shape = (row_bounds[label + 1] - row_bounds[label], stop - start)
            if shape[0] * shape[1] > largest:
                raise OverflowError(f"a block of equations has {shape[0]} x {shape[1]} entries")
            chosen = slice(entry_bounds[label], entry_bounds[label + 1])
            block = np.zeros(shape, dtype=system.dtype)
            block[here[chosen], there[chosen]] = values[chosen]
            yield block, unknowns[start:stop]


def _sorted_by_label(own: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Return the order of members by label, the place of each inside its label, and where each label starts."""
    order = np.argsort(own, kind="stable")
    bounds = np.searchsorted(own[order], np.arange(labels.max(initial=-1) + 2))
    place = np.empty(len(own), dtype=int)
    place[order] = np.arange(len(own)) - bounds[own[order]]
    return order, place, bounds.tolist()


def _null_space_of(system: sparse.csr_array | None) -> sparse.csr_array | None:
    if system is None:
        return None
    columns, rows, values, count = [], [], [], 0
    try:
        groups = list(unknown_groups(system, _LARGEST_BLOCK))
    except OverflowError:
        return None
    for block, unknowns in groups:
        kernel = _block_null_space(block)
        where, which = np.nonzero(kernel)
        rows.append(unknowns[where])
        columns.append(count + which)
        values.append(kernel[where, which])
        count += kernel.shape[1]
    return _assembled(values, rows, columns, (shape_of(system)[1], count))


def _block_null_space(block: np.ndarray) -> np.ndarray:
    """Compute the null space of a dense block, `(unknown, dim)`; repeated equations are dropped first."""
    if not len(block):
        return np.eye(block.shape[1], dtype=np.int64)
    rows, pivots = reduced_rows_mod(np.unique(block, axis=0))
    free = np.setdiff1d(np.arange(block.shape[1]), pivots)
    kernel = np.zeros((block.shape[1], len(free)), dtype=np.int64)
    kernel[free, np.arange(len(free))] = 1
    kernel[pivots] = -rows[:, free] % PRIME
    return kernel


def _reduced_columns(basis: sparse.csr_array) -> tuple[sparse.csr_array, np.ndarray]:
    """Reduce the column span of a sparse matrix modulo `PRIME` to the identity on its first possible rows."""
    rows, columns, values, pivots = [], [], [], []
    for block, unknowns in unknown_groups(basis.T.tocsr()):
        reduced, leading = reduced_rows_mod(block)
        which, where = np.nonzero(reduced)
        rows.append(unknowns[where])
        columns.append(len(pivots) + which)
        values.append(reduced[which, where])
        pivots.extend(unknowns[leading])
    order = np.argsort(pivots)
    reduced = _assembled(values, rows, columns, (shape_of(basis)[0], len(pivots)))
    return reduced[:, order], np.asarray(pivots, dtype=int)[order]


def _read_back(residues: sparse.csr_array) -> tuple[sparse.csr_array, np.ndarray] | None:
    """Read back columns of fractions from their residues, as integer columns and the number that divides each.

    The pair (r, s) of the Euclidean scheme of (p, residue) with the first r below sqrt(p / 2) is the only fraction
    r / s that small. None if a fraction, or a column of integers, is too large.
    """
    columns = residues.tocsc()
    table = {}
    for residue in np.unique(columns.data).tolist():
        fraction = _fraction(residue)
        if fraction is None:
            return None
        table[residue] = fraction
    fractions = [table[residue] for residue in columns.data.tolist()]
    n_columns = shape_of(columns)[1]
    common = np.ones(n_columns, dtype=object)
    owner = np.repeat(np.arange(n_columns), np.diff(columns.indptr))
    for column, fraction in zip(owner, fractions, strict=True):
        common[column] = math.lcm(common[column], fraction.denominator)
    integers = [f.numerator * (common[k] // f.denominator) for k, f in zip(owner, fractions, strict=True)]
    if max(map(abs, [*integers, *common]), default=0) >= 2**53:
        return None
    columns.data = np.array(integers, dtype=np.int64)
    return columns.tocsr(), common.astype(np.int64)


def _fraction(residue: int) -> Fraction | None:
    bound = math.isqrt(PRIME // 2)
    last, now, last_factor, factor = PRIME, residue, 0, 1
    while now > bound:
        quotient = last // now
        last, now = now, last - quotient * now
        last_factor, factor = factor, last_factor - quotient * factor
    return None if abs(factor) > bound else Fraction(now, factor)


def _vanishes(system: sparse.csr_array, integers: sparse.csr_array) -> bool:
    """Check whether equations hold over the integers; False if the products might not fit into 64 bits."""
    return _fits(system, integers) and not sparse.csr_array(system @ integers).count_nonzero()


def _product_mod(left: sparse.csr_array, right: sparse.csr_array) -> sparse.csr_array | None:
    """Return left @ right modulo `PRIME`, None if sums of products might not fit into 64 bits."""
    left = _mod(left)
    if not _fits(left, right):
        return None
    return _mod(left @ right)


def _fits(left: sparse.csr_array, right: sparse.csr_array) -> bool:
    largest = np.abs(right.data).max(initial=0)
    return float(np.asarray(abs(left).sum(axis=1, dtype=float)).max(initial=0.0)) * float(largest) < _FITS


def _mod(matrix: sparse.csr_array) -> sparse.csr_array:
    reduced = sparse.csr_array(matrix, copy=True)
    reduced.sum_duplicates()
    reduced.data %= PRIME
    reduced.eliminate_zeros()
    return reduced


def _assembled(
    values: Sequence[np.ndarray], rows: Sequence[np.ndarray], columns: Sequence[np.ndarray], shape: tuple[int, int]
) -> sparse.csr_array:
    parts = [np.concatenate([np.zeros(0, dtype=np.int64), *part]) for part in (values, rows, columns)]
    return sparse.csr_array((parts[0], (parts[1], parts[2])), shape=shape)
