"""What a finite symmetry asks of a function: F(g x) − M F(x), in the form of a Lie derivative."""

from __future__ import annotations

import numpy as np

from symdyn.functions.features import Features
from symdyn.lie.derivative import LieDerivative
from symdyn.lie.groups import Elements

__all__ = ["difference", "output_matrices"]


def difference(
    features: Features, members: Elements, points: np.ndarray, kind: str = "flow", n_outputs: int | None = None
) -> LieDerivative:
    """What a finite symmetry asks of F = W theta, in the form of a Lie derivative: F(g x) − M F(x).

    M is A for a flow and for a map (written by its increments F(x) − x, which translations do not change), −A for a
    flow whose time is reversed, A for accelerations (time reversed twice), 1 for invariants. With inputs, states come
    first: M is the block of A on the first `n_outputs` states.

    Parameters
    ----------
    features : Features
    members : Elements
        On the states; for `"second_order"` on the positions only.
    points : ndarray, `(sample, input)`
    kind : {"flow", "map", "second_order", "invariant"}
    n_outputs : int, optional
        As many as there are states if left out, 1 for invariants.

    Returns
    -------
    LieDerivative
        `transported` is F(g_k x) and `carried` M_k F(x), `(sample, output, element)`.
    """
    acting = members.prolong() if kind == "second_order" else members
    images = acting.images(points)
    transport = np.stack([features(images[:, :, k]) for k in range(len(members))], axis=-1)
    outputs = np.moveaxis(output_matrices(members, kind, n_outputs), 0, -1)
    return LieDerivative(features(points), transport, np.broadcast_to(outputs, (len(points), *outputs.shape)))


def output_matrices(members: Elements, kind: str = "flow", n_outputs: int | None = None) -> np.ndarray:
    """How elements move the outputs of a system: the matrices M_k `(element, output, output)` of `difference`."""
    if kind == "invariant":
        return np.broadcast_to(np.eye(n_outputs or 1), (len(members), n_outputs or 1, n_outputs or 1))
    if kind not in ("flow", "map", "second_order"):
        raise ValueError(f"kind must be 'flow', 'map', 'second_order' or 'invariant', got {kind!r}")
    if kind == "map" and np.any(members.reverses_time):
        raise ValueError("a reversal of a map asks for its inverse: only flows can be tested for time reversal")
    n = len(members.states) if n_outputs is None else n_outputs
    if n > len(members.states) or np.any(members.matrices[:, :n, n:]):
        raise ValueError(f"the elements act on {len(members.states)} states, and must not mix inputs into {n} outputs")
    signs = np.where(members.reverses_time & (kind == "flow"), -1.0, 1.0)
    return signs[:, None, None] * members.matrices[:, :n, :n]
