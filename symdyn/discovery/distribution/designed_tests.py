"""Test functions phi of E[v . grad phi]: polynomials of degree 2, and plane waves in planes that the candidates move.

A generator is judged by what the tests see. Random waves in all states at once see little of a structure in two of
them: averaged over the others, it fades. So waves lie in planes of two states each, with a few in all states; for each
wave vector there are a sine and a cosine. Lengths are in units of the cloud, in which its radius is about 1 a state.
What was accepted is then looked at by finer waves, in the planes that it turns.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from symdyn.functions.features import Features, Polynomial, Waves

__all__ = ["GivenTests", "coarse_tests", "fine_tests", "moved_planes"]

# (length of the wave vectors, how many) in each plane: few planes are looked at from more sides.
_LEVELS = {
    3: ((0.7, 4), (1.4, 4), (2.8, 4)),
    10: ((0.8, 1), (1.6, 1), (2.8, 1)),
    28: ((1.0, 1), (2.0, 1)),
}
_FINE = {
    3: ((1.4, 3), (2.8, 3), (4.5, 3), (7.0, 4), (12.0, 4)),
    10: ((2.8, 2), (4.5, 2), (7.0, 2), (12.0, 2)),
    28: ((2.8, 1), (4.5, 1), (7.0, 1), (12.0, 1)),
}
_MOST_PLANES = max(_LEVELS)
_OVERALL = (0.7, 1.4, 2.8) * 4
_SEED = 7


def coarse_tests(n_states: int, coupling: np.ndarray, n_blocks: int) -> Features:
    """Return the tests by which generators and elements are bounded, functions of z.

    Parameters
    ----------
    n_states : int
    coupling : ndarray of bool, `(axis, axis)`
        Whether any candidate moves one state by an amount that depends on the other. Where there are more planes of
        two states than can be looked at, these come first.
    n_blocks : int
        Of the points. With more tests than blocks most of what is seen is error: then there are none in planes.
    """
    pairs = list(combinations(range(n_states), 2))
    if len(pairs) > _MOST_PLANES:
        order = np.random.default_rng(_SEED).permutation(len(pairs))
        shuffled = [pairs[k] for k in order]
        pairs = sorted(shuffled, key=lambda pair: not (coupling[pair] or coupling[pair[::-1]]))[:_MOST_PLANES]
    planes = [np.eye(n_states)[:, pair] for pair in pairs] or [np.ones((1, 1))]
    vectors = [*_in_planes(planes, _LEVELS), *(_overall(n_states) if n_states > 2 else ())]
    polynomials = Polynomial(2, constant=False)
    if polynomials.size(n_states) + 2 * len(vectors) > n_blocks:
        vectors = _overall(n_states)
    return polynomials + Waves(tuple(map(tuple, vectors)))


def fine_tests(planes: list[np.ndarray], sharpening: np.ndarray) -> Features:
    """Return waves down to a twelfth of the unit of the cloud in planes with bases `(axis, 2)`.

    The planes are in sharp units z T, with T the `sharpening` `(axis, axis)`; the waves are functions of z.
    """
    return Waves(tuple(map(tuple, _in_planes(planes[:_MOST_PLANES], _FINE) @ sharpening.T)))


def moved_planes(matrices: Iterable[np.ndarray]) -> list[np.ndarray]:
    """Find planes `(axis, 2)` that linear maps turn, or lines `(axis, 1)` that they stretch.

    With A = sum of s_i u_i w_i^T (singular values), they are the spans of u_i and w_i: those that A turns, if it is a
    rotation.
    """
    found: list[np.ndarray] = []
    for matrix in matrices:
        left, values, right = np.linalg.svd(matrix)
        for k in np.flatnonzero(values > 1e-6 * max(values[0], 1e-300)):
            span, sizes, _ = np.linalg.svd(np.stack([left[:, k], right[k]], axis=1), full_matrices=False)
            plane = span[:, sizes > 1e-3]
            if all(np.linalg.norm(plane.T @ other) ** 2 < plane.shape[1] - 1e-3 for other in found):
                found.append(plane)
    return found


def _in_planes(planes: list[np.ndarray], levels: dict[int, tuple[tuple[float, int], ...]]) -> np.ndarray:
    """Draw wave vectors `(wave, axis)` in each of the planes: at even angles, with lengths that are not all alike."""
    rng = np.random.default_rng(_SEED)
    chosen = next(levels[most] for most in levels if len(planes) <= most)
    vectors = []
    for plane in planes:
        for length, count in chosen:
            angles = (np.arange(count) + rng.uniform()) * np.pi / count
            lengths = length * rng.uniform(0.9, 1.1, count)
            within = lengths[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
            vectors.append(within @ plane.T if plane.shape[1] == 2 else length * plane.T)
    return np.concatenate(vectors)


def _overall(n_states: int) -> np.ndarray:
    drawn = np.random.default_rng(_SEED).standard_normal((len(_OVERALL), n_states))
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True) * np.array(_OVERALL)[:, None]


@dataclass(frozen=True)
class GivenTests(Features):
    """Test functions of the points in the units of the user, as functions of z = (y − m) R in units of the cloud.

    Parameters
    ----------
    tests : Features
    centre : ndarray, `(state,)`
    back : ndarray, `(axis, state)`
        x = centre + z back.
    """

    tests: Features
    centre: np.ndarray
    back: np.ndarray

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """Compute the values `(sample, test)`."""
        return self.tests(self.centre + points @ self.back)

    def jacobian(self, points: np.ndarray) -> np.ndarray:
        """Compute the derivatives `(sample, test, axis)`."""
        return self.tests.jacobian(self.centre + points @ self.back) @ self.back.T

    def names(self, states: Sequence[str]) -> list[str]:
        """Return the names of the tests."""
        return self.tests.names(states)

    def families(self, states: Sequence[str]) -> list[str]:
        """Return the families of the tests."""
        return self.tests.families(states)
