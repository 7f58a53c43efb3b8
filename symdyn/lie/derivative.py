"""The bilinear Lie derivative, in the one form from which discovery, constraints and promotion take their rows.

A map F(z) = W theta(z) and a generator that moves inputs by the field v(z) and outputs by the matrix psi(z):

    L(v, F)(z) = DF(z) v(z) − psi(z) F(z),

linear in W for a given generator, linear in the generator for a given W. What v and psi are depends on
the kind of system (`act`):

    "flow"          x' = f(x, u):   v = (v(x), v_u(x, u)),             psi = Dv(x) − tau
    "map"           F(x, u) − x:    v = (A x + b, v_u(x, u)),          psi = A
    "second_order"  q'' = g(q, q'): v = (A q + b, (A − tau) q'),       psi = A − 2 tau
    "invariant"     scalars F(x):   v = v(x),                          psi = 0

with tau the rate of time of the generator (Otto, Zolman, Kutz and Brunton, arXiv 2311.00212; time scaling and
prolongation: Olver, Applications of Lie groups to differential equations, 1993).

Letters of every einsum here: s sample, o and p output, i input, f feature, k generator.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from symdyn.functions.features import Features
from symdyn.lie.prolongation import prolong
from symdyn.lie.vectorfields import Generators

__all__ = ["KINDS", "Action", "LieDerivative", "act"]

KINDS = ("flow", "map", "second_order", "invariant")


@dataclass(frozen=True)
class Action:
    """How generators move the inputs and the outputs of a map at sample points.

    `inputs` `(sample, input, generator)` is v(z); `outputs` `(sample, output, output, generator)` is psi(z). Where psi
    is a sum, such as one matrix for each index of a tensor, `parts` are its terms.
    """

    inputs: np.ndarray
    outputs: np.ndarray
    parts: tuple[np.ndarray, ...] = ()


def act(generators: Generators, points: np.ndarray, kind: str = "flow", n_outputs: int | None = None) -> Action:
    """The action of `generators` on the inputs and outputs of a system of the given kind.

    Parameters
    ----------
    generators : Generators
        Fields on the states; for `"second_order"` on the positions only.
    points : ndarray, `(sample, input)`
    kind : {"flow", "map", "second_order", "invariant"}
        Of a map, the increments F(x) − x are the outputs: they move by A, where F(x) moves by A F(x) + b.
    n_outputs : int, optional
        Number of outputs of an invariant map (1 if left out); of a flow or a map, the number of states: what is left
        of the points are inputs u (none if left out).

    Raises
    ------
    ValueError
        For generators that move states by inputs, and for nonlinear generators or a rate of time of a map.
    """
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {KINDS}, got {kind!r}")
    if kind == "second_order":
        return _act_second_order(generators, points)
    _check_states(generators, points)
    velocity = generators.values(points)
    if kind == "invariant":
        n = n_outputs or 1
        return Action(velocity, np.zeros((len(points), n, n, len(generators))))
    n = n_outputs or points.shape[1]
    slopes = generators.jacobians(points)[:, :n]
    if np.any(slopes[:, :, n:]):
        raise ValueError(
            f"these candidates move the states by the inputs {generators.states[n:]}, which no symmetry of "
            "x' = f(x, u) does for every u(t); leave them out by mask="
        )
    if kind == "map":
        _check_affine(generators, n)
    rates = np.eye(n)[None, :, :, None] * generators.time_scaling
    return Action(velocity, slopes[:, :, :n] - rates)


def _check_affine(generators, n):
    probe = np.random.default_rng(3).standard_normal((8, len(generators.states)))
    slopes = generators.jacobians(probe)[:, :n]
    if np.ptp(slopes, axis=0).max(initial=0) > 1e-9 * np.abs(slopes).max(initial=1e-300):
        raise ValueError("symmetries of a map are sought among affine generators: v(F(x)) is not linear in F otherwise")
    if np.any(generators.time_scaling):
        raise ValueError("the steps of a map cannot be rescaled: leave time_scaling out of the candidates")


def _act_second_order(generators, points):
    prolonged = prolong(generators)
    _check_states(prolonged, points)
    n = len(generators.states)
    linear = generators.jacobians(points[:1, :n])[0]
    rates = np.eye(n)[:, :, None] * generators.time_scaling
    outputs = np.broadcast_to(linear - 2 * rates, (len(points), *linear.shape))
    return Action(prolonged.values(points), outputs)


@dataclass(frozen=True)
class LieDerivative:
    """L(v_k, F) at sample points, ready to be read in either direction.

    `values` `(sample, feature)` is theta, `transport` `(sample, feature, generator)` is D theta v_k, and
    `outputs` `(sample, output, output, generator)` is psi_k, the sum of `parts`.
    """

    values: np.ndarray
    transport: np.ndarray
    outputs: np.ndarray
    parts: tuple[np.ndarray, ...] = ()

    @classmethod
    def build(cls, features: Features, action: Action, points: np.ndarray) -> LieDerivative:
        """Evaluate the features, and their derivatives along the generators, at `points` `(sample, input)`."""
        transport = np.einsum("sfi,sik->sfk", features.jacobian(points), action.inputs)
        return cls(features(points), transport, action.outputs, action.parts)

    def transported(self, coefficients: np.ndarray) -> np.ndarray:
        """DF v_k `(sample, output, generator)` for F = W theta, W `(output, feature)`."""
        return np.tensordot(self.transport, coefficients, axes=(1, 1)).swapaxes(1, 2)

    def carried(self, coefficients: np.ndarray) -> np.ndarray:
        """psi_k F `(sample, output, generator)` for F = W theta, W `(output, feature)`."""
        return np.einsum("sopk,sp->sok", self.outputs, self.values @ coefficients.T)

    def pieces(self, coefficients: np.ndarray) -> list[np.ndarray]:
        """What L is made of, `(sample, output, generator)` each: terms that cancel one another still have a size."""
        flow = self.values @ coefficients.T
        parts = self.parts or (self.outputs,)
        return [self.transported(coefficients), *(np.einsum("sopk,sp->sok", part, flow) for part in parts)]

    def of(self, coefficients: np.ndarray) -> np.ndarray:
        """L(v_k, F) `(sample, output, generator)`: the rows of discovery."""
        return self.transported(coefficients) - self.carried(coefficients)

    def constraint(self) -> np.ndarray:
        """The matrix C with C vec(W) = 0 iff F = W theta is symmetric: the rows of constraints.

        Returns
        -------
        ndarray, `(generator, sample * output, output * feature)`, vec(W) row-major.
        """
        n_samples, n_features, n_generators = self.transport.shape
        n_outputs = self.outputs.shape[1]
        identity = np.eye(n_outputs)
        rows = np.einsum("op,sfk->ksopf", identity, self.transport)
        rows = rows - np.einsum("sopk,sf->ksopf", self.outputs, self.values)
        return rows.reshape(n_generators, n_samples * n_outputs, n_outputs * n_features)


def _check_states(generators, points):
    if points.ndim != 2 or points.shape[1] != len(generators.states):
        raise ValueError(
            f"the generators act on {len(generators.states)} states {generators.states}, "
            f"the points have shape {points.shape}"
        )
