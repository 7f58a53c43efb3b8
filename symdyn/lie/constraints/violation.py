"""How far a model is from a symmetry: relative violations, their error bars, and terms that leave a library."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from symdyn.functions.features import Features, Polynomial
from symdyn.lie.actions import Action, act, action_of
from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.lie.algebras.conserved import Conserved
from symdyn.lie.constraints.monomial_action import is_affine
from symdyn.lie.derivative import LieDerivative, difference
from symdyn.lie.groups import Elements

__all__ = ["Violation", "explained_violations", "relative_violations", "terms_leaving"]


class Violation(NamedTuple):
    """How much a model violates one generator, and how much its error bar explains (both relative, largest value)."""

    generator: str
    violation: float
    explained: float


def relative_violations(
    features: Features, coefficients: np.ndarray, part, points: np.ndarray, kind: str | Action = "flow"
) -> np.ndarray:
    """|L(v_k, F)| over the larger of its two terms, for F = W theta, `(generator,)`; see `_size` of invariants.

    F(g x) − A F(x) for elements, and |Dh . F| over the sum of sizes of its terms for conserved quantities.

    Parameters
    ----------
    features : Features
    coefficients : ndarray, `(output, feature)`
    part : LieAlgebra, Elements or Conserved
    points : ndarray, `(sample, input)`
    kind : {"flow", "map", "second_order", "invariant"}
    """
    if isinstance(part, Conserved):
        return _conservation_violations(features, coefficients, part, points)
    derivative = _derivative(features, part, points, kind, len(coefficients))
    return np.abs(derivative.of(coefficients)).max(axis=(0, 1)) / _size(derivative, coefficients)


def explained_violations(
    features: Features, coefficients: np.ndarray, algebra: LieAlgebra, points: np.ndarray, kind: str | Action = "flow"
) -> list[Violation]:
    """Violation of each generator, beside what its error bar would make of an exactly symmetric model.

    The second number is the root mean square over draws v_b from the error bars of |L(v_b − v, F)|, over the same
    scale.
    """
    derivative = _derivative(features, algebra, points, kind, len(coefficients))
    size, given = _size(derivative, coefficients), derivative.of(coefficients)
    moved = []
    for draw in algebra.draw(50, np.random.default_rng(12)):
        change = _derivative(features, draw, points, kind, len(coefficients)).of(coefficients) - given
        moved.append(np.abs(change).max(axis=(0, 1)))
    explained = np.sqrt(np.mean(np.square(moved), axis=0)) / size
    found = zip(algebra.texts(), np.abs(given).max(axis=(0, 1)) / size, explained, strict=True)
    return [Violation(text, float(violation), float(error)) for text, violation, error in found]


def terms_leaving(features: Features, part, points: np.ndarray, kind: str | Action = "flow") -> np.ndarray:
    """Mask `(feature,)` of terms that a symmetry turns into functions outside the span of the features.

    Parameters
    ----------
    features : Features
    part : LieAlgebra, Elements or Conserved
        Conserved quantities move nothing.
    points : ndarray, `(sample, input)`
        Generic, more than features.
    kind : {"flow", "map", "second_order", "invariant"}
    """
    action = action_of(kind).on_functions
    whole = features if isinstance(features, Polynomial) and features.columns is None else None
    affine = isinstance(part, Elements) or (isinstance(part, LieAlgebra) and is_affine(part.basis))
    values = features(points)
    kept = whole is not None and affine and (whole.constant or not _translates(part))
    if isinstance(part, Conserved) or kept:
        return np.zeros(values.shape[1], dtype=bool)
    if isinstance(part, Elements):
        images = difference(features, part, points, action).transport
        sizes = np.abs(images)
    else:
        moves, slopes = act(part.basis, points, action), features.jacobian(points)
        images = np.einsum("sfi,sik->sfk", slopes, moves.inputs)
        sizes = np.einsum("sfi,sik->sfk", np.abs(slopes), np.abs(moves.inputs))  # of terms that may cancel
    flat, sizes = images.reshape(len(points), -1), sizes.reshape(len(points), -1)
    scale = np.linalg.norm(values, axis=0)
    left = flat - values / scale @ np.linalg.lstsq(values / scale, flat, rcond=1e-12)[0]
    outside = np.linalg.norm(left, axis=0) > 1e-6 * np.linalg.norm(sizes, axis=0)
    return outside.reshape(images.shape[1:]).any(axis=1)


def _translates(part: LieAlgebra | Elements):
    return bool(np.any(part.translations))


def _derivative(
    features: Features, part: LieAlgebra | Elements, points: np.ndarray, kind: str | Action, n_outputs: int
) -> LieDerivative:
    if isinstance(part, Elements):
        return difference(features, part, points, kind, n_outputs)
    return LieDerivative.build(features, act(part.basis, points, kind, n_outputs), points)


def _size(derivative: LieDerivative, coefficients: np.ndarray):
    """Size of the larger of DF v and psi F, `(generator,)`; where values do not move, of the terms of DF v.

    These cancel one another where F is invariant, so that DF v itself is rounding.
    """
    carried = np.abs(derivative.carried(coefficients)).max(axis=(0, 1))
    moved = derivative.transported(coefficients) if carried.any() else derivative.terms(coefficients)
    return np.maximum(np.maximum(np.abs(moved).max(axis=(0, 1)), carried), 1e-300)


def _conservation_violations(
    features: Features, coefficients: np.ndarray, part: Conserved, points: np.ndarray
) -> np.ndarray:
    terms = part.quantities.jacobian(points) * (features(points) @ coefficients.T)[:, None]
    return np.abs(terms.sum(axis=2)).max(axis=0) / np.maximum(np.abs(terms).sum(axis=2).max(axis=0), 1e-300)
