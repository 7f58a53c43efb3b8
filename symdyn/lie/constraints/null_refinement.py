"""Null spaces beyond what a Gram matrix can tell.

A Gram matrix squares singular values: those below 1e-8 of the largest drown in rounding. It still tells which few
directions are nearly null. A second pass over the data takes the rows along these directions alone, whose products are
small by themselves, so rounding is relative to them (Rayleigh and Ritz). Where other directions are close by in the
spectrum, the pass also takes the products of these rows with all others, and the directions are corrected to first
order (one step of block Newton for invariant subspaces).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from symdyn.lie.constraints.gram import Batch, Rows

__all__ = ["refined_directions"]

_NEAR = 1e-8  # squared singular values below, relative to the size of generators, are looked at again
_CLEAR = 1e-5  # with all others above, rounding of the Gram matrix moves the null directions by less than 1e-9
_ENTRIES = 2**16  # of the rows of a batch: 512 kB


def refined_directions(
    rows: Rows, batches: Callable[[], Iterable[Batch]], frame: np.ndarray, violation: np.ndarray, scale: float
) -> tuple[np.ndarray, np.ndarray]:
    """Compute singular directions of the rows, and singular values accurate to rounding of the rows.

    Parameters
    ----------
    rows : Rows
    batches : callable
        Starts a pass over the data.
    frame : ndarray, `(candidate, direction)`
        Combinations in which the size of generators is the identity.
    violation : ndarray, `(candidate, candidate)`
        The Gram matrix of the rows, mean over samples, in units of scale^2.
    scale : float
        The unit of the values.

    Returns
    -------
    directions : ndarray, `(candidate, direction)`
        Orthonormal combinations of the frame, smallest singular value first.
    singular : ndarray, `(direction,)`
    """
    values, vectors = np.linalg.eigh(frame.T @ violation @ frame)
    singular, near = np.sqrt(np.maximum(values, 0.0)), int(np.sum(values < _NEAR))
    clear = near == len(values) or values[near] > _CLEAR
    for _ in range(2 if near else 0):
        square, pulled = _along(rows, batches(), frame @ vectors[:, :near], not clear)
        squares, turn = np.linalg.eigh(square / scale**2)
        vectors[:, :near] = vectors[:, :near] @ turn
        singular[:near] = np.sqrt(np.maximum(squares, 0.0))
        if clear:
            break
        coupling = vectors[:, near:].T @ (frame.T @ pulled) @ turn / scale**2
        step = coupling / np.maximum(values[near:, None] - squares, 1e-300)
        vectors = _decoupled(vectors, step, near)
        if np.abs(step).max() < 1e-10:
            break
    order = np.argsort(singular, kind="stable")
    return frame @ vectors[:, order], singular[order]


def _along(
    rows: Rows, batches: Iterable[Batch], directions: np.ndarray, with_others: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Average over samples (L V)^T (L V) and, where asked for, L^T (L V)."""
    square = np.zeros((directions.shape[1],) * 2)
    pulled, count, work = np.zeros_like(directions), 0, np.empty(0)
    for whole in batches:
        width = whole.values[0].size * directions.shape[1]
        for batch in whole.parts(max(_ENTRIES // width, 1)):
            work = np.empty(len(batch) * width) if work.size < len(batch) * width else work
            along = rows.along(batch, directions, out=work[: len(batch) * width].reshape(-1, directions.shape[1]))
            square += along.T @ along
            if with_others:
                pulled += rows.pull_back(batch, along)
            count += len(batch)
    return square / count, pulled / count


def _decoupled(vectors: np.ndarray, step: np.ndarray, near: int) -> np.ndarray:
    """Return orthonormal vectors, the first `near` moved by −step along the others."""
    moved = vectors[:, :near] - vectors[:, near:] @ step
    others = vectors[:, near:] + vectors[:, :near] @ step.T
    basis, triangle = np.linalg.qr(np.hstack([moved, others]))
    return basis * np.where(np.diag(triangle) < 0, -1.0, 1.0)
