"""Rows of several targets in free coordinates: which are tied, how they are stacked, whitened and compressed."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from symdyn.lie.constraints.intertwiners import intertwiners
from symdyn.lie.constraints.subspace import Subspace
from symdyn.regression.enforcing.solving import sharpened

__all__ = ["Tied", "commuting_whitener", "compressed", "is_full", "refitted", "stacked", "tied_targets"]


class Tied(NamedTuple):
    """Hold targets that share free coefficients, and which of these they share."""

    targets: np.ndarray
    coordinates: np.ndarray


def is_full(subspace: Subspace) -> bool:
    """Return whether nothing is constrained, so that every coefficient is free."""
    return subspace.dim == subspace.shape[0] * subspace.shape[1]


def tied_targets(subspace: Subspace) -> list[Tied]:
    """Find the smallest groups of targets that share no free coefficient with one another; omit targets without any.

    A group is one regression problem. Others are separate problems, as they are without symmetry, so that the units of
    one do not affect the weight of another.
    """
    n_outputs = subspace.shape[0]
    used = np.abs(subspace.basis.reshape(*subspace.shape, -1)).max(axis=1) > 0
    target, coordinate = np.nonzero(used)
    size = n_outputs + subspace.dim
    graph = sparse.coo_array((np.ones(len(target)), (target, n_outputs + coordinate)), shape=(size, size))
    labels = connected_components(graph, directed=False)[1]
    groups = []
    for label in np.unique(labels[n_outputs:]):
        members = np.flatnonzero(labels == label)
        groups.append(Tied(members[members < n_outputs], members[members >= n_outputs] - n_outputs))
    return groups


def stacked(
    rows: np.ndarray, targets: np.ndarray, subspace: Subspace, group: Tied, whitener: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Stack one regression problem: rows `(target * row, coordinate)` and targets `(target * row, 1)` of a tied group.

    Parameters
    ----------
    rows : ndarray, `(row, feature)`
    targets : ndarray, `(row, target)`
    subspace : Subspace
    group : Tied
    whitener : ndarray, `(target, target)`, optional
        Applied to targets and model alike.
    """
    basis = subspace.basis.reshape(*subspace.shape, -1)[group.targets][:, :, group.coordinates]
    chosen = targets[:, group.targets]
    if whitener is not None:
        basis, chosen = np.einsum("op,pfd->ofd", whitener, basis), chosen @ whitener.T
    blocks = [np.asarray(rows @ sparse.csc_array(block)) for block in basis]
    return np.concatenate(blocks), chosen.T.reshape(-1, 1)


def refitted(coefficients: np.ndarray, subspace: Subspace, rows: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Solve least squares on the terms of a law in a Subspace, `(target, feature)`."""
    kept, free = subspace.coordinates(coefficients) != 0, np.zeros(subspace.dim)
    for group in tied_targets(subspace):
        block, wanted = stacked(rows, targets, subspace, group)
        terms = kept[group.coordinates][None]
        free[group.coordinates] = sharpened(np.zeros(terms.shape), terms, block, wanted)[0]
    return subspace.expand(free)


def compressed(rows: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Compute few rows with the same sums of products, `(feature + target, ...)`: a QR factor of both side by side."""
    if len(rows) <= rows.shape[1] + targets.shape[1]:
        return rows, targets
    # An array, whatever numpy's types say of this mode.
    triangle = np.asarray(np.linalg.qr(np.hstack([rows, targets]), mode="r"))
    return triangle[:, : rows.shape[1]], triangle[:, rows.shape[1] :]


def commuting_whitener(residuals: np.ndarray, matrices: np.ndarray) -> np.ndarray:
    """Compute C^(−1/2) for the covariance C of residuals, averaged over matrices that commute with the representation.

    Matrices that commute with all A_k and A_k^T are closed under products and transposes. The nearest of them to C is
    therefore positive if C is, and its inverse root commutes, too: whitening does not depend on the choice of axes.

    Parameters
    ----------
    residuals : ndarray, `(row, target)`
    matrices : ndarray, `(generator, target, target)`
        How the symmetry moves the targets.

    Returns
    -------
    ndarray, `(target, target)`
    """
    n = residuals.shape[1]
    both = np.concatenate([matrices, np.swapaxes(matrices, 1, 2)])
    basis = np.linalg.qr(intertwiners(both, both).basis)[0]
    covariance = residuals.T @ residuals / max(len(residuals), 1)
    nearest = (basis @ (basis.T @ covariance.ravel())).reshape(n, n)
    values, vectors = np.linalg.eigh((nearest + nearest.T) / 2)
    if values.max() <= 0:
        return np.eye(n)  # nothing is left over: nothing to weigh
    root = 1 / np.sqrt(np.maximum(values, 1e-12 * values.max()))
    return (vectors * root) @ vectors.T
