"""What a group fixes when its generators move basis vectors onto multiples of basis vectors: orbits, not matrices."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

__all__ = ["Orbits", "fixed_columns", "orbits", "real_columns"]

# A multiplier around a closed walk this close to 1 is 1.
_SAME = 1e-9


class Orbits(NamedTuple):
    """Orbits of basis vectors under a group that multiplies as it moves.

    `labels` `(vector,)` numbers the orbits, `amplitudes` `(vector,)` are the coefficients, of unit norm on each orbit,
    of the one combination that is fixed, `fixed` `(orbit,)` says which orbits have one.
    """

    labels: np.ndarray
    amplitudes: np.ndarray
    fixed: np.ndarray


def orbits(targets: np.ndarray, factors: np.ndarray, excluded: np.ndarray) -> Orbits:
    """Find the fixed vectors c of generators that take c_j to entry t_g(j), multiplied by u_g(j).

    c is fixed if c[t_g(j)] = u_g(j) c[j] for all g and j: it is known on a whole orbit from one entry, and is 0 where
    two walks to the same entry disagree. The cost is (number of generators) x (number of vectors).

    Parameters
    ----------
    targets : ndarray of int, `(generator, vector)`
        The permutations t_g.
    factors : ndarray, `(generator, vector)`
        The u_g, of modulus 1.
    excluded : ndarray of bool, `(vector,)`
        Entries that must vanish.
    """
    size = targets.shape[1]
    sources = np.broadcast_to(np.arange(size), targets.shape)
    edges = sparse.csr_array((np.ones(targets.size), (sources.ravel(), targets.ravel())), shape=(size, size))
    count, labels = csgraph.connected_components(edges, directed=False)
    amplitudes = np.ones(size, dtype=factors.dtype)
    fixed = np.ones(count, dtype=bool)
    if np.any(np.abs(factors - 1) > 0):
        amplitudes = _along_trees(edges, labels, count, sources, targets, factors)
        clash = np.abs(amplitudes[targets] - factors * amplitudes) > _SAME
        fixed[labels[sources[clash]]] = False
    fixed[labels[excluded]] = False
    return Orbits(labels, amplitudes / np.sqrt(np.bincount(labels, minlength=count))[labels], fixed)


def fixed_columns(found: Orbits) -> sparse.csc_array:
    """Return the fixed vectors as orthonormal columns `(vector, fixed orbit)`."""
    size, count = len(found.labels), len(found.fixed)
    whole = sparse.csc_array((found.amplitudes, (np.arange(size), found.labels)), shape=(size, count))
    return whole[:, np.flatnonzero(found.fixed)]


def real_columns(found: Orbits, conjugates: np.ndarray) -> sparse.csc_array:
    """Return orthonormal fixed vectors with c[conjugates] = conj(c): coefficients of real functions.

    An orbit that is its own conjugate gives one after a turn of phase, two conjugate orbits give two.

    Parameters
    ----------
    found : Orbits
    conjugates : ndarray of int, `(vector,)`
        Where the complex conjugate of each basis function stands.
    """
    columns = fixed_columns(found)
    chosen = np.flatnonzero(found.fixed)
    firsts = np.unique(found.labels, return_index=True)[1][chosen]
    partners = found.labels[conjugates[firsts]]
    alone, first_of_two = partners == chosen, partners > chosen
    turns = np.conj(found.amplitudes[conjugates[firsts]]) / found.amplitudes[firsts]
    turned = columns[:, alone] @ sparse.diags_array(np.sqrt(turns[alone].astype(complex)))
    one = columns[:, first_of_two]
    other = one[conjugates].conj()
    return sparse.csc_array(sparse.hstack([turned, (one + other) / np.sqrt(2), 1j * (one - other) / np.sqrt(2)]))


def _along_trees(
    edges: sparse.csr_array,
    labels: np.ndarray,
    count: int,
    sources: np.ndarray,
    targets: np.ndarray,
    factors: np.ndarray,
) -> np.ndarray:
    """Find amplitudes `(vector,)` by walking from the first vector of each orbit to the others."""
    size = len(labels)
    roots = np.unique(labels, return_index=True)[1]
    gate = sparse.csr_array((np.ones(count), (np.full(count, size), roots)), shape=(size + 1, size + 1))
    grown = gate + sparse.block_diag([edges, sparse.csr_array((1, 1))], format="csr")
    before = csgraph.breadth_first_order(grown, size, directed=False)[1]
    before[size] = size
    steps = np.append(_steps(before[:size], size, sources, targets, factors), 1.0)
    # Steps are joined two by two, so that an orbit of length 2^k takes k rounds.
    while np.any(before != size):
        steps, before = steps * steps[before], before[before]
    return steps[:size]


def _steps(before: np.ndarray, size: int, sources: np.ndarray, targets: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """Return the multiplier from each vector's predecessor to the vector: of a generator, or of the inverse of one."""
    keys = (sources * size + targets).ravel()
    order = np.argsort(keys, kind="stable")
    keys, values = keys[order], factors.ravel()[order]
    inner = before < size
    steps = np.ones(size, dtype=factors.dtype)
    for key, inverse in ((np.arange(size) * size + before, True), (before * size + np.arange(size), False)):
        place = np.searchsorted(keys, key).clip(max=len(keys) - 1)
        found = inner & (keys[place] == key)
        steps[found] = np.conj(values[place[found]]) if inverse else values[place[found]]
    return steps
