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

__all__ = ["row_reducer"]

_RANK = 1e-12
_FILLED = 0.8
_BATCH = 2_000_000  # numbers at a time, for memory


def row_reducer(
    derivative: LieDerivative, weights: np.ndarray, scale: np.ndarray
) -> Callable[[np.ndarray], Iterator[np.ndarray]]:
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
    callable
        From laws W `(law, output, feature)` to their rows `(law, row, candidate)`, a few laws at a time.
    """
    n = len(weights)
    chosen, factor = _representatives(derivative, weights, scale)
    factor = factor / np.sqrt(n)
    here, weights = derivative.at(chosen), weights[chosen, :, None]
    values = here.values
    # Laid out for products with many laws at once, without a copy for each.
    transport = np.ascontiguousarray(here.transport.swapaxes(1, 2))
    outputs = np.ascontiguousarray(here.outputs.swapaxes(2, 3))

    def few_rows(laws: np.ndarray) -> np.ndarray:
        n_laws, n_outputs, _ = laws.shape
        flat = laws.reshape(n_laws * n_outputs, -1).T
        flow = (values @ flat).reshape(-1, n_laws, n_outputs)
        carried = outputs.reshape(len(chosen), -1, n_outputs) @ flow.swapaxes(1, 2)
        carried = carried.reshape(len(chosen), n_outputs, -1, n_laws)
        moved = (transport @ flat).reshape(len(chosen), -1, n_laws, n_outputs).transpose(0, 3, 1, 2)
        rows = (moved - carried) * weights[..., None]
        mixed = (factor @ rows.reshape(len(chosen), -1)).reshape(-1, rows.shape[2], n_laws)
        return mixed.transpose(2, 0, 1)

    def rows(laws: np.ndarray) -> Iterator[np.ndarray]:
        step = max(_BATCH // (len(chosen) * outputs.shape[1] * outputs.shape[2]), 1)
        return (few_rows(laws[k : k + step]) for k in range(0, len(laws), step))

    return rows


def _representatives(
    derivative: LieDerivative, weights: np.ndarray, scale: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Choose points, and the factor R `(chosen, chosen)`; all of them with factor 1 if nothing is gained.

    Random rows span all of them once there are more than they have dimensions.
    """
    rng = np.random.default_rng(0)
    n, n_outputs = weights.shape
    sizes = np.sqrt(np.mean(derivative.values**2, axis=0))
    laws = 1 / np.where(sizes > 0, sizes, 1.0)
    columns = np.zeros((0, n))
    while len(columns) < n // 2:
        values = derivative.of(laws * rng.standard_normal((n_outputs, len(laws)))) * weights[:, :, None]
        mixtures = scale[:, None] * rng.standard_normal((len(scale), min(len(scale), 32)))
        columns = np.concatenate([columns, (values @ mixtures).reshape(n, -1).T])
        if not np.all(np.isfinite(columns)):
            break
        parts = linalg.qr(columns, mode="r", pivoting=True)
        triangle, order = np.asarray(parts[0]), np.asarray(parts[-1])
        diagonal = np.abs(np.diag(triangle))
        rank = int(np.sum(diagonal > _RANK * diagonal[0]))
        if rank < _FILLED * len(columns):
            others = linalg.solve_triangular(triangle[:rank, :rank], triangle[:rank, rank:])
            # An array, whatever numpy's types say of this mode.
            return order[:rank], np.asarray(np.linalg.qr(np.vstack([np.eye(rank), others.T]), mode="r"))
    return np.arange(n), np.eye(n)
