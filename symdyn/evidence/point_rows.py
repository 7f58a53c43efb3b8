"""Rows of the Lie derivative at a few points that stand for all points.

The rows L(v_k, W)(x), for all candidates k and laws W, are combinations of few functions of x (polynomials of degree 5
in three states: 56). So their values at as many points, chosen by pivoted QR, give their values at all others:
rows = C rows[chosen]; and sums of squares over all points are those of R rows[chosen] with R^T R = C^T C.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from scipy import linalg

from symdyn.lie.derivative import LieDerivative

__all__ = ["RowReducer", "row_reducers"]

_RANK = 1e-12
_FILLED = 0.8
_BATCH = 500_000  # numbers at a time, for memory and caches
RowReducer = Callable[[np.ndarray], Iterator[np.ndarray]]


def row_reducers(derivative: LieDerivative, weights: np.ndarray, scale: np.ndarray) -> list[RowReducer]:
    """Reduce the weighted rows of L(., W) to rows of few points with the sums of squares over all, by their number.

    Parameters
    ----------
    derivative : LieDerivative
    weights : ndarray, `(sample, output)`
        Of the rows.
    scale : ndarray, `(candidate,)`
        Makes all candidates alike in size.

    Returns
    -------
    list of callable
        From laws W `(law, output, feature)` to their rows `(law, row, candidate)`, a few laws at a time. Sums of
        squares are sums over the list: where no points stand for all, each has some of them.
    """
    found = _representatives(derivative, weights, scale)
    weights = weights / np.sqrt(len(weights))
    if found is not None:
        return [_reducer(derivative.at(found[0]), weights[found[0]], found[1])]
    step = max(_BATCH // (max(derivative.values.shape[1], weights.shape[1]) * derivative.n_generators), 1)
    blocks = [slice(k, k + step) for k in range(0, len(weights), step)]
    return [_reducer(derivative.at(rows), weights[rows]) for rows in blocks]


def _reducer(here: LieDerivative, weights: np.ndarray, factor: np.ndarray | None = None) -> RowReducer:
    n_points, n_outputs = weights.shape
    n_features, n_candidates = here.values.shape[1], here.n_generators
    # Laid out for products with many laws at once, without a copy for each.
    transport = np.ascontiguousarray(here.transport.swapaxes(0, 1)).reshape(n_features, -1)

    def few_rows(laws: np.ndarray) -> np.ndarray:
        rows = (laws.reshape(-1, n_features) @ transport).reshape(len(laws), n_outputs, n_points, n_candidates)
        rows -= _carried(here, laws)
        rows *= weights.T[:, :, None]
        rows = rows if factor is None else factor @ rows
        return rows.reshape(len(laws), -1, n_candidates)

    def rows(laws: np.ndarray) -> Iterator[np.ndarray]:
        step = max(_BATCH // (n_points * n_outputs * n_candidates), 1)
        return (few_rows(laws[k : k + step]) for k in range(0, len(laws), step))

    return rows


def _carried(here: LieDerivative, laws: np.ndarray) -> np.ndarray:
    """Compute psi_k F `(law, output, point, candidate)` of laws `(law, output, feature)`."""
    flow = here.values @ laws.swapaxes(1, 2)  # (law, point, output)
    if len(flow[0]) > 1 and not here.outputs.strides[0]:  # the matrices are the same at all points
        return flow[:, None] @ here.outputs[0]
    n_points, n_outputs = here.outputs.shape[:2]
    matrices = here.outputs.swapaxes(1, 2).reshape(n_points, n_outputs, -1)
    found = flow.swapaxes(0, 1) @ matrices
    return found.reshape(n_points, len(laws), n_outputs, -1).transpose(1, 2, 0, 3)


def _representatives(
    derivative: LieDerivative, weights: np.ndarray, scale: np.ndarray
) -> tuple[np.ndarray, np.ndarray] | None:
    """Choose points, and the factor R `(chosen, chosen)`; None if nothing is gained.

    Random rows span all of them once there are more than they have dimensions.
    """
    rng = np.random.default_rng(0)
    n, n_outputs = weights.shape
    # With its slopes: a function that vanishes on the data, such as z in planar motion, would swamp all others.
    sizes = np.sqrt(np.mean(derivative.values**2, axis=0) + np.mean(np.sum(derivative.slopes**2, axis=2), axis=0))
    laws = 1 / np.where(sizes > 0, sizes, 1.0)
    columns = np.zeros((0, n))
    while len(columns) < n // 2 and _gains(len(columns), n, len(scale)):
        values = derivative.of(laws * rng.standard_normal((n_outputs, len(laws)))) * weights[:, :, None]
        # A candidate that hardly moves what the law is made of may move other functions: it must not swamp the rest.
        units = np.minimum(scale, 1 / np.maximum(np.sqrt(np.mean(values**2, axis=(0, 1))), 1e-300))
        mixtures = units[:, None] * rng.standard_normal((len(scale), min(len(scale), 32)))
        columns = np.concatenate([columns, (values @ mixtures).reshape(n, -1).T])
        if not np.all(np.isfinite(columns)):
            break
        parts = linalg.qr(columns, mode="r", pivoting=True)
        triangle, order = np.asarray(parts[0]), np.asarray(parts[-1])
        diagonal = np.abs(np.diag(triangle))
        rank = int(np.sum(diagonal > _RANK * diagonal[0]))
        if rank < _FILLED * len(columns) and _gains(rank, n, len(scale)):
            others = linalg.solve_triangular(triangle[:rank, :rank], triangle[:rank, rank:])
            # An array, whatever numpy's types say of this mode.
            return order[:rank], np.asarray(np.linalg.qr(np.vstack([np.eye(rank), others.T]), mode="r"))
        if not _gains(rank, n, len(scale)):
            break
    return None


def _gains(rank: int, n: int, n_candidates: int) -> bool:
    """Tell whether a factor of so many points, then sums of squares of its rows, cost less than those at all points."""
    return rank * (rank + n_candidates) < n * n_candidates
