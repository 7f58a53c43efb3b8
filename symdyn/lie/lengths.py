"""Units of states in which a symmetry turns them into one another and keeps lengths.

A symmetry that mixes states compares their units: y ∂x − x ∂y is a rotation where x and y are in one unit, and
(y ∂x − 4 x ∂y) / 2 where y is counted in halves. With G = diag(g) the inner product that is kept, A^T G + G A = 0 for a
generator and A^T G A = G for an element, pair by pair of states,

    g_i A_ij = −g_j A_ji,        g_i (A^-1)_ij = g_j A_ji,

so the ratios g_i / g_j can be read off. They move along with the units of the states, as the symmetry does.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse.csgraph import connected_components

__all__ = ["shared_lengths"]

_AGREE = 1e-6  # how far ratios of two pairs, or of two generators, may contradict each other
_ZERO = 1e-12  # of the largest entry of a matrix: one that is rounding


def shared_lengths(
    generators: np.ndarray, elements: np.ndarray, scale: np.ndarray
) -> tuple[list[list[int]], np.ndarray]:
    """Find the states whose units a symmetry compares, and the factors that bring them to one unit.

    Parameters
    ----------
    generators : ndarray, `(generator, n, n)`
        Linear parts.
    elements : ndarray, `(element, n, n)`
        Invertible matrices.
    scale : ndarray, `(n,)`
        Spread of the states, by which an entry is distinguished from rounding errors.

    Returns
    -------
    groups : list of lists of int
        All states, those of a group mixed with each other; alone where nothing mixes them, or no lengths are kept, as
        by shears and by all linear maps together.
    factors : ndarray, `(n,)`
        Positive, root of g: states times these are in one unit within a group.
    """
    generators, elements = (part * scale / scale[:, None] for part in (generators, elements))
    left = [np.abs(generators), np.abs(np.linalg.inv(elements))]
    right = [np.abs(np.swapaxes(generators, 1, 2)), np.abs(np.swapaxes(elements, 1, 2))]
    ratios, bad = _pairs(np.concatenate(left), np.concatenate(right))
    n = len(ratios)
    labels = connected_components(~np.isnan(ratios) | bad, directed=False)[1]
    groups, factors = [], np.ones(n)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        logs = _potential(ratios[np.ix_(members, members)], bad[np.ix_(members, members)])
        if logs is None:
            groups += [[int(member)] for member in members]
        else:
            factors[members] = np.exp(logs / 2)
            groups.append(members.tolist())
    return groups, factors / scale


def _pairs(left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return log(g_i / g_j) `(n, n)` where a pair is mixed, NaN elsewhere; and the pairs that no g suits."""
    n = left.shape[-1]
    off = ~np.eye(n, dtype=bool)
    tiny = _ZERO * np.maximum(left, right).max(axis=(1, 2), keepdims=True, initial=0.0)
    here, there = (left > tiny) & off, (right > tiny) & off
    one_way = np.any(here != there, axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.where(here & there, np.log(right) - np.log(left), np.nan)
    known = np.any(here & there, axis=0)
    highest = np.where(here & there, logs, -np.inf).max(axis=0, initial=-np.inf)
    lowest = np.where(here & there, logs, np.inf).min(axis=0, initial=np.inf)
    with np.errstate(invalid="ignore"):
        apart = known & (highest - lowest > _AGREE)
    bad = one_way | apart
    return np.where(known, highest, np.nan), bad | bad.T


def _potential(ratios: np.ndarray, bad: np.ndarray) -> np.ndarray | None:
    """Return log g `(member,)` of mean 0 with these differences; None if they contradict each other."""
    first, second = np.nonzero(~np.isnan(ratios))
    if bad.any():
        return None
    if not len(first):
        return np.zeros(len(ratios))
    rows = np.zeros((len(first), len(ratios)))
    rows[np.arange(len(first)), first], rows[np.arange(len(first)), second] = 1.0, -1.0
    logs = np.linalg.lstsq(rows, ratios[first, second], rcond=None)[0]
    return logs if np.abs(rows @ logs - ratios[first, second]).max() < _AGREE else None
