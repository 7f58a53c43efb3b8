"""The mean of |L(a, e)|^2 over laws e, from the second moment of their coefficients: no law is taken by itself.

With functions phi `(function,)`, T their derivatives along the candidates and C the second moment of the coefficients,

    sum_o w_o^2 <(c_o T − psi_o c phi)^T (c_o T − psi_o c phi)>

at a point is T^T K T − T^T M − M^T T + sum_o w_o^2 psi_o^T H psi_o, where K, M and H are C with phi on none, one and
both of its sides.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from symdyn.lie.derivative import LieDerivative

__all__ = ["mean_form"]

_BATCH = 300_000  # numbers at a time, for memory


def mean_form(derivative: LieDerivative, laws: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Average |L(a, e)|^2 over laws and points, as a form `(candidate, candidate)`, right to rounding of its terms.

    Parameters
    ----------
    derivative : LieDerivative
    laws : ndarray, `(law, output, feature)`
    weights : ndarray, `(sample, output)`
        Of the rows.
    """
    n_laws, n_outputs, n_features = laws.shape
    flat = laws.reshape(n_laws, -1) / np.sqrt(n_laws)
    moment = flat.T @ flat
    rows = moment.reshape(-1, n_features).T  # one function by (output, function, output)
    own = np.einsum("oaob->oab", moment.reshape(n_outputs, n_features, n_outputs, n_features)).reshape(n_outputs, -1)
    found = np.zeros((derivative.n_generators, derivative.n_generators))
    for few, squares in _few_points(derivative, weights**2 / len(weights)):
        # <c c^T phi> `(sample, output, function, output)`, the row that is squared first
        once = (few.values @ rows).reshape(-1, n_outputs, n_features, n_outputs)
        found += _carried_squares(few.outputs, np.einsum("sa,soap->sop", few.values, once, optimize=True), squares)
        moves = few.transport
        both = (squares @ own).reshape(-1, n_features, n_features) @ moves
        both -= 2 * _mixed(once * squares[:, :, None, None], few.outputs)
        found += moves.reshape(-1, len(found)).T @ both.reshape(-1, len(found))
    return (found + found.T) / 2


def _few_points(derivative: LieDerivative, squares: np.ndarray) -> Iterator[tuple[LieDerivative, np.ndarray]]:
    n_features, n_outputs = derivative.values.shape[1], squares.shape[1]
    at_a_point = n_features * max(n_outputs**2, derivative.n_generators)
    at_a_point = at_a_point if _same(derivative.outputs) else max(at_a_point, derivative.outputs[0].size)
    step = max(_BATCH // at_a_point, 1)
    for rows in (slice(k, k + step) for k in range(0, len(squares), step)):
        yield derivative.at(rows), squares[rows]


def _same(outputs: np.ndarray) -> bool:
    """Tell whether the matrices are a view of those of one sample."""
    return len(outputs) > 1 and not outputs.strides[0]


def _mixed(once: np.ndarray, outputs: np.ndarray) -> np.ndarray:
    """Sum over outputs of `once` `(sample, output, function, output)` times psi, `(sample, function, candidate)`."""
    n, n_outputs, n_functions, _ = once.shape
    sides = once.swapaxes(1, 2).reshape(n, n_functions, -1)
    if _same(outputs):
        return (sides.reshape(n * n_functions, -1) @ outputs[0].reshape(n_outputs**2, -1)).reshape(n, n_functions, -1)
    return sides @ outputs.reshape(n, n_outputs**2, -1)


def _carried_squares(outputs: np.ndarray, twice: np.ndarray, squares: np.ndarray) -> np.ndarray:
    """Sum psi_o^T H psi_o over points and outputs, with H `(sample, output, output)` and a weight for each."""
    if _same(outputs):
        squares, outputs = np.einsum("so,spq->opq", squares, twice, optimize=True), outputs[0]
        return np.sum(outputs.swapaxes(1, 2) @ squares @ outputs, axis=0)
    moved = twice[:, None] @ (outputs * squares[:, :, None, None])
    return outputs.reshape(-1, outputs.shape[-1]).T @ moved.reshape(-1, outputs.shape[-1])
