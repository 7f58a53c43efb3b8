"""Frames: coordinates u with y = P u + c in which the generators of an exact algebra have simple numbers.

Generators are rows of coefficients, as in `Generators.vectors()`. A frame carries them linearly, and whatever closes in
the frame closes outside with the same structure constants. The frames that are allowed form a group; how the
generators change as the frame moves along a field h of its Lie algebra is the bracket v -> Dh v − Dv h.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import block_diag, expm

from symdyn.functions.features import Features
from symdyn.functions.printing import monomial_exponents

__all__ = ["Frame", "FrameGroup", "affine_terms", "diagonal_frames", "linear_frames"]


@dataclass(frozen=True)
class Frame:
    """Coordinates u with y = P u + c.

    Parameters
    ----------
    matrix : ndarray, `(n, n)`
        P. For generators of degree above 1 it has to be diagonal and positive.
    centre : ndarray, `(n,)`
        c.
    """

    matrix: np.ndarray
    centre: np.ndarray

    def vector_map(self, features: Features) -> np.ndarray:
        """Return J `(coefficient, coefficient)`: rows over u, times J, are the rows over y."""
        return np.asarray(block_diag(np.kron(self.matrix.T, self._functions(features)), 1.0))

    @property
    def inverse(self) -> Frame:
        """The frame that undoes this one."""
        inverse = np.linalg.inv(self.matrix)
        return Frame(inverse, -inverse @ self.centre)

    def moved(self, field: np.ndarray) -> Frame:
        """Move the frame along u' = X u + s for a unit of time, `field` `(n, n + 1)` the columns s and X."""
        n = len(self.centre)
        generator = np.zeros((n + 1, n + 1))
        generator[1:] = field
        step = expm(generator)[1:]
        return Frame(self.matrix @ step[:, 1:], self.centre + self.matrix @ step[:, 0])

    def _functions(self, features: Features) -> np.ndarray:
        """Return M `(feature, feature)` with theta(u) = M theta(y)."""
        n = len(self.centre)
        scale = np.diag(self.matrix)
        if not np.any(self.matrix - np.diag(scale)):
            return features.in_chart(self.centre, scale).forward
        constant, linear = affine_terms(features, n)
        inverse = np.linalg.inv(self.matrix)
        matrix = np.eye(features.size(n))
        matrix[np.ix_(linear, linear)] = inverse
        if np.any(self.centre):
            matrix[linear, constant] = -inverse @ self.centre
        return matrix


@dataclass(frozen=True)
class FrameGroup:
    """The frames that are allowed, by the fields that move them.

    Fields are over u, not y: what they do to a template is then the same wherever the frame is.

    Parameters
    ----------
    fields : ndarray, `(parameter, n, n + 1)`
        Affine fields h = X u + s, columns s and X.
    tangents : ndarray, `(parameter, coefficient, coefficient)`
        Rows of coefficients times each of these change by v -> Dh v − Dv h.
    """

    fields: np.ndarray
    tangents: np.ndarray


def affine_terms(features: Features, n_states: int) -> tuple[int, np.ndarray]:
    """Return the places of 1 and x_1 ... x_n among monomials, −1 where they are not there."""
    exponents = monomial_exponents(features, n_states)
    if exponents is None:
        return -1, np.full(n_states, -1)
    positions = {tuple(row): k for k, row in enumerate(exponents.tolist())}
    linear = [positions.get(tuple(row), -1) for row in np.eye(n_states, dtype=int).tolist()]
    return positions.get((0,) * n_states, -1), np.array(linear)


def diagonal_frames(features: Features, ties: list[list[int]], shifts: bool) -> FrameGroup:
    """Build the frames with scales of the states, one for each group of `ties`, and a centre that may move or not."""
    n = sum(len(group) for group in ties)
    return _group(features, np.array([np.diag(np.isin(np.arange(n), group).astype(float)) for group in ties]), shifts)


def linear_frames(features: Features, n_states: int, shifts: bool) -> FrameGroup:
    """Build the frames with all linear changes of the states, and a centre that may move or not."""
    return _group(features, np.eye(n_states**2).reshape(-1, n_states, n_states), shifts)


def _group(features: Features, matrices: np.ndarray, shifts: bool) -> FrameGroup:
    n = matrices.shape[1]
    fields = np.concatenate([np.zeros((len(matrices), n, 1)), matrices], axis=2)
    if shifts:
        fields = np.concatenate([fields, _shifts(n)])
    size = features.size(n)
    exponents = monomial_exponents(features, n)
    derived = [] if exponents is None else [_derivatives(exponents, field) for field in fields]
    inside = {k: matrix for k, matrix in enumerate(derived) if matrix is not None}
    tangents = [
        block_diag(np.kron(fields[k][:, 1:].T, np.eye(size)) - np.kron(np.eye(n), matrix), 0.0)
        for k, matrix in inside.items()
    ]
    return FrameGroup(fields[list(inside)], np.array(tangents).reshape(-1, n * size + 1, n * size + 1))


def _shifts(n: int) -> np.ndarray:
    return np.concatenate([np.eye(n)[:, :, None], np.zeros((n, n, n))], axis=2)


def _derivatives(exponents: np.ndarray, field: np.ndarray) -> np.ndarray | None:
    """Return K `(feature, feature)` with D theta h = K theta for monomials; None if h takes them out of their span."""
    positions = {tuple(row): k for k, row in enumerate(exponents.tolist())}
    factors = np.vstack([np.zeros(exponents.shape[1], dtype=int), np.eye(exponents.shape[1], dtype=int)])
    matrix = np.zeros((len(exponents),) * 2)
    for j, m in np.argwhere(field):
        for k in np.flatnonzero(exponents[:, j]):
            lowered = exponents[k] + factors[m]
            lowered[j] -= 1
            target = positions.get(tuple(lowered.tolist()))
            if target is None:
                return None
            matrix[k, target] += exponents[k, j] * field[j, m]
    return matrix
