"""Bounds that add an error to what is seen, for forms that were estimated as such and are no squares of rows."""

from __future__ import annotations

import numpy as np

from symdyn.evidence.inverted_bounds import Search

__all__ = ["additive_bound", "additive_span_bounds"]


def additive_bound(
    search: Search, vector: np.ndarray, rank: int, frames: np.ndarray, widening: np.ndarray, level: float
) -> float:
    """Return the upper bound of eps for a generator found as one of `rank`.

    Each replicate finds its own version of the generator (the projection on its own most symmetric `rank` directions),
    and is compared with what the law says of it: so the bound pays for having searched.

    Parameters
    ----------
    search : Search
        Forms over directions.
    vector : ndarray, `(direction,)`
    rank : int
    frames : ndarray, `(replicate, direction, direction)`
        Directions of each replicate, as columns.
    widening : ndarray, `(replicate,)`
        Factor on each error.
    level : float
    """
    apparent = vector @ (search.violation - search.noise) @ vector
    return float(np.sqrt(max(apparent, 0.0) + _spread(search, vector, rank, frames, widening, level)))


def additive_span_bounds(
    search: Search, delta: float, frames: np.ndarray, widening: list[np.ndarray], level: float
) -> np.ndarray:
    """Return the worst upper bound over the span of the first k = 1, 2, ... directions, with a `widening` for each."""
    n = len(search.noise)
    apparent = search.violation - search.noise
    near = int(np.sum(np.diag(search.violation + search.noise) < delta**2))
    spreads = np.array(
        [_spread(search, v, max(near, k + 1), frames, widening[k], level) for k, v in enumerate(np.eye(n))]
    )
    # Errors of two directions are as correlated as the noise Gram says.
    scale = np.sqrt(spreads / np.maximum(np.diag(search.noise), 1e-300))
    widened = search.noise * scale[:, None] * scale
    # Below 0 what is left of the violation is chance: it must not cancel the errors.
    bounds = [np.linalg.eigvalsh(_positive(apparent[:k, :k]) + widened[:k, :k])[-1] for k in range(1, n + 1)]
    return np.sqrt(np.maximum.accumulate(np.maximum(bounds, 0.0)))


def _spread(
    search: Search, vector: np.ndarray, rank: int, frames: np.ndarray, widening: np.ndarray, level: float
) -> float:
    """Estimate how much |L|^2 may be larger than it looks: quantile over replicates."""
    found = frames[:, :, : max(rank, 1)]
    own = (found @ (np.swapaxes(found, 1, 2) @ vector)[:, :, None])[:, :, 0]
    own = own / np.maximum(np.linalg.norm(own, axis=1), 1e-150)[:, None]
    factor = widening[:, None, None]
    replicates = factor * (search.cross + np.swapaxes(search.cross, 1, 2)) + factor**2 * search.error
    gaps = np.einsum("bi,bij,bj->b", own, search.noise - replicates, own, optimize=True)
    return max(float(np.quantile(gaps, level)), 0.0)


def _positive(form: np.ndarray) -> np.ndarray:
    """Set the negative eigenvalues of the form to 0."""
    values, vectors = np.linalg.eigh(form)
    return (vectors * np.maximum(values, 0.0)) @ vectors.T
