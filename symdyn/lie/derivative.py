"""The bilinear Lie derivative, in the one form from which discovery, constraints and promotion take their rows.

A map F(z) = W theta(z) and a generator that moves inputs by the field v(z) and outputs by the matrix psi(z):

    L(v, F)(z) = DF(z) v(z) − psi(z) F(z),

linear in W for a given generator, linear in the generator for a given W. What v and psi are depends on the kind of
system: see `symdyn.lie.actions`. A finite element g asks for F(g z) − M F(z) = 0, in the same form (`difference`).

Letters of every einsum here: s sample, o and p output, i input, f feature, k generator.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from symdyn.functions.features import Features
from symdyn.lie.actions import Action, Moves, action_of
from symdyn.lie.groups import Elements

__all__ = ["LieDerivative", "difference"]


@dataclass(frozen=True)
class LieDerivative:
    """L(v_k, F) at sample points, ready to be read in either direction.

    `values` `(sample, feature)` is theta, `slopes` `(sample, feature, input)` D theta, `inputs`
    `(sample, input, generator)` v_k, and `outputs` `(sample, output, output, generator)` psi_k, the sum of `parts`.
    Without `inputs`, `slopes` are D theta v_k itself, which is larger by far where there are many generators.
    """

    values: np.ndarray
    slopes: np.ndarray
    outputs: np.ndarray
    inputs: np.ndarray | None = None
    parts: tuple[np.ndarray, ...] = ()

    @classmethod
    def build(cls, features: Features, moves: Moves, points: np.ndarray) -> LieDerivative:
        """Evaluate the features, and their derivatives along the generators, at `points` `(sample, input)`."""
        return cls(features(points), features.jacobian(points), moves.outputs, moves.inputs, moves.parts)

    @property
    def transport(self) -> np.ndarray:
        """D theta v_k `(sample, feature, generator)`."""
        return self._along(self.slopes)

    @property
    def n_generators(self) -> int:
        """The number of generators."""
        return self.outputs.shape[-1]

    def at(self, rows: np.ndarray | slice) -> LieDerivative:
        """Return the same at some of the sample points."""
        inputs = None if self.inputs is None else self.inputs[rows]
        parts = tuple(_at(part, rows) for part in self.parts)
        return LieDerivative(self.values[rows], _at(self.slopes, rows), _at(self.outputs, rows), inputs, parts)

    def transported(self, coefficients: np.ndarray) -> np.ndarray:
        """DF v_k `(sample, output, generator)` for F = W theta, W `(output, feature)`."""
        return self._along(coefficients @ self.slopes)

    def terms(self, coefficients: np.ndarray) -> np.ndarray:
        """Sum over inputs of |dF/dz_i v_i|, the sizes of what DF v is the sum of, `(sample, output, generator)`."""
        slopes = np.abs(coefficients @ self.slopes)
        return slopes if self.inputs is None else slopes @ np.abs(self.inputs)

    def carried(self, coefficients: np.ndarray) -> np.ndarray:
        """psi_k F `(sample, output, generator)` for F = W theta, W `(output, feature)`."""
        return _times(self.outputs, self.values @ coefficients.T)

    def _along(self, slopes: np.ndarray) -> np.ndarray:
        """Slopes `(sample, row, input)` along the generators, `(sample, row, generator)`."""
        return slopes if self.inputs is None else slopes @ self.inputs

    def pieces(self, coefficients: np.ndarray) -> list[np.ndarray]:
        """What L is made of, `(sample, output, generator)` each: terms that cancel one another still have a size."""
        flow = self.values @ coefficients.T
        parts = self.parts or (self.outputs,)
        return [self.transported(coefficients), *(_times(part, flow) for part in parts)]

    def of(self, coefficients: np.ndarray) -> np.ndarray:
        """L(v_k, F) `(sample, output, generator)`: the rows of discovery."""
        return self.transported(coefficients) - self.carried(coefficients)

    def constraint(self) -> np.ndarray:
        """The matrix C with C vec(W) = 0 iff F = W theta is symmetric: the rows of constraints.

        Returns
        -------
        ndarray, `(generator, sample * output, output * feature)`, vec(W) row-major.
        """
        transport = self.transport
        n_samples, n_features, n_generators = transport.shape
        n_outputs = self.outputs.shape[1]
        identity = np.eye(n_outputs)
        rows = np.einsum("op,sfk->ksopf", identity, transport)
        rows = rows - np.einsum("sopk,sf->ksopf", self.outputs, self.values)
        return rows.reshape(n_generators, n_samples * n_outputs, n_outputs * n_features)


def _at(values: np.ndarray, rows: np.ndarray | slice) -> np.ndarray:
    """Choose samples; of a view of one sample it is a view again."""
    if isinstance(rows, slice) or len(values) < 2 or values.strides[0]:
        return values[rows]
    return np.broadcast_to(values[:1], (len(rows), *values.shape[1:]))


def _times(outputs: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """Compute psi_k F `(sample, output, generator)` of matrices `(sample, output, output, generator)`."""
    if len(outputs) < 2 or outputs.strides[0]:
        return np.einsum("sopk,sp->sok", outputs, flow)
    matrix = outputs[0].swapaxes(0, 1)
    return (flow @ matrix.reshape(len(matrix), -1)).reshape(len(flow), *matrix.shape[1:])


def difference(
    features: Features,
    members: Elements,
    points: np.ndarray,
    kind: str | Action = "flow",
    n_outputs: int | None = None,
) -> LieDerivative:
    """Return what finite elements ask of F = W theta, in the form of a Lie derivative: F(g x) − M F(x).

    M is that of `Action.of_elements`. With inputs, states come first: M is the block of A on the first `n_outputs`
    states.

    Parameters
    ----------
    features : Features
    members : Elements
        On the states; for `"second_order"` on the positions only.
    points : ndarray, `(sample, input)`
    kind : {"flow", "map", "second_order", "invariant"} or Action
    n_outputs : int, optional
        By default the number of states, 1 for invariants.

    Returns
    -------
    LieDerivative
        `transported` is F(g_k x) and `carried` M_k F(x), `(sample, output, element)`.
    """
    action = action_of(kind)
    images = action.on_arguments(members).images(points)
    transport = np.stack([features(images[:, :, k]) for k in range(len(members))], axis=-1)
    outputs = np.moveaxis(action.of_elements(members, n_outputs), 0, -1)
    return LieDerivative(features(points), transport, np.broadcast_to(outputs, (len(points), *outputs.shape)))
