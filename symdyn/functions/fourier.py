"""Sines and cosines of the states, and of linear combinations of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isclose, pi

import numpy as np

from symdyn.functions.space import Features, chosen_columns

__all__ = ["Fourier", "Waves"]


@dataclass(frozen=True)
class Fourier(Features):
    """Represent sin(k x_i) and cos(k x_i), k = 1 ... n_frequencies, in the order of pysindy's `FourierLibrary`.

    Parameters
    ----------
    n_frequencies : int
    radians : tuple of float, `(state,)`, optional
        Radians in the unit of each state, r_i in sin(k r_i x_i): pi/180 for an angle in degrees; 1 by default.

    Examples
    --------
    >>> import numpy as np
    >>> import symdyn as sd
    >>> sd.features.Fourier(2).names(["phi"])
    ['sin(1 phi)', 'cos(1 phi)', 'sin(2 phi)', 'cos(2 phi)']
    >>> degrees = sd.features.Fourier(1, radians=(np.pi / 180,))
    >>> degrees.names(["phi"]), degrees(np.array([[90.0]])).round(6)
    (['sin(1 pi/180 phi)', 'cos(1 pi/180 phi)'], array([[1., 0.]]))
    """

    n_frequencies: int = 1
    radians: tuple[float, ...] | None = None

    def __post_init__(self):
        if self.n_frequencies < 1:
            raise ValueError(f"n_frequencies must be at least 1, got {self.n_frequencies}")
        if self.radians is None:
            return
        object.__setattr__(self, "radians", tuple(float(value) for value in self.radians))
        if not all(np.isfinite(value) and value > 0 for value in self.radians):
            raise ValueError(f"radians must be positive, one a state, got {self.radians}")

    def __call__(self, points):
        return self._waves(points).reshape(len(points), -1)

    def debiased(self, points, noise):
        # E sin(k (x + e)) = exp(−k^2 s^2 / 2) sin(k x) for normal e of standard deviation s.
        growth = np.exp(np.square(self.rates(np.shape(points)[1]) * noise) / 2)
        return (self._waves(points) * growth[:, :, None]).reshape(len(points), -1)

    def jacobian(self, points):
        waves = self._waves(points)
        slopes = np.stack([waves[..., 1], -waves[..., 0]], axis=-1) * self.rates(waves.shape[2])[:, :, None]
        full = np.einsum("skiw,ij->skiwj", slopes, np.eye(waves.shape[2]))
        return full.reshape(len(points), -1, waves.shape[2])

    def names(self, states):
        angles = [_in_radians(name, size) for name, size in zip(states, self._radians(len(states)), strict=True)]
        return [f"{wave}({k} {angle})" for k in self._frequencies() for angle in angles for wave in ("sin", "cos")]

    def families(self, states):
        return [f"frequency {k}" for k in self._frequencies() for _ in states for _ in range(2)]

    def rates(self, n_states: int) -> np.ndarray:
        """Return k r_i `(frequency, state)`, in radians per unit of each state."""
        return self._frequencies()[:, None] * np.array(self._radians(n_states))

    def _frequencies(self) -> np.ndarray:
        return np.arange(1, self.n_frequencies + 1)

    def _radians(self, n_states: int) -> tuple[float, ...]:
        if self.radians is None:
            return (1.0,) * n_states
        if len(self.radians) != n_states:
            raise ValueError(f"radians are given for {len(self.radians)} states, there are {n_states}")
        return self.radians

    def _waves(self, points: np.ndarray) -> np.ndarray:
        """Compute sin and cos of k r_i x_i, `(sample, frequency, state, wave)`."""
        points = np.asarray(points, dtype=float)
        if points.ndim != 2:
            raise ValueError(f"points must be an array (sample, state), got shape {points.shape}")
        angles = self.rates(points.shape[1]) * points[:, None, :]
        return np.stack([np.sin(angles), np.cos(angles)], axis=-1)


@dataclass(frozen=True)
class Waves(Features):
    """Represent sin(w x) and cos(w x) for given wave vectors w: bounded functions.

    Parameters
    ----------
    vectors : tuple of tuple of float, `(wave, state)`
        Wave vectors w, in radians per unit of each state.

    Examples
    --------
    >>> import numpy as np
    >>> import symdyn as sd
    >>> waves = sd.features.Waves([[1.0, -0.5], [0.0, 2.0]])
    >>> waves.names(["x", "y"])
    ['sin(x - 0.5 y)', 'cos(x - 0.5 y)', 'sin(2 y)', 'cos(2 y)']
    >>> waves(np.array([[0.0, np.pi]])).round(6)
    array([[-1.,  0., -0.,  1.]])
    """

    vectors: tuple[tuple[float, ...], ...]

    def __post_init__(self):
        vectors = np.array(self.vectors, dtype=float)
        if vectors.ndim != 2 or not vectors.size or not np.isfinite(vectors).all():
            raise ValueError("vectors must be finite numbers (wave, state), at least one wave")
        object.__setattr__(self, "vectors", tuple(tuple(map(float, vector)) for vector in vectors))

    def __call__(self, points):
        return self._waves(points).reshape(len(points), -1)

    def debiased(self, points, noise):
        # E sin(w (x + e)) = exp(−|w s|^2 / 2) sin(w x) for normal e of standard deviations s.
        growth = np.exp(np.square(np.array(self.vectors) * noise).sum(axis=1) / 2)
        return (self._waves(points) * growth[:, None]).reshape(len(points), -1)

    def jacobian(self, points):
        waves = self._waves(points)
        slopes = np.stack([waves[..., 1], -waves[..., 0]], axis=-1)
        return (slopes[..., None] * np.array(self.vectors)[:, None, :]).reshape(len(waves), -1, len(self.vectors[0]))

    def names(self, states):
        return [f"{wave}({_combination(vector, states)})" for vector in self.vectors for wave in ("sin", "cos")]

    def families(self, states):
        return [f"wave {k}" for k in range(1, len(self.vectors) + 1) for _ in range(2)]

    def _waves(self, points: np.ndarray) -> np.ndarray:
        """Compute sin and cos of w x, `(sample, wave, 2)`."""
        angles = chosen_columns(points, None, len(self.vectors[0])) @ np.array(self.vectors).T
        return np.stack([np.sin(angles), np.cos(angles)], axis=-1)


def _combination(vector: Sequence[float], states: Sequence[str]) -> str:
    """Write w x as `x - 0.5 y`."""
    terms = [(number, state) for number, state in zip(vector, states, strict=True) if number] or [(0.0, states[0])]
    texts = [f"{'-' if number < 0 else '+'} {_times(abs(number))}{state}" for number, state in terms]
    return " ".join(texts).removeprefix("+ ").replace("- ", "-", texts[0].startswith("-"))


def _times(number: float) -> str:
    return "" if number == 1 else f"{number!r} ".replace(".0 ", " ")


def _in_radians(state: str, size: float) -> str:
    """Write the state as an angle; degrees are written with `pi/180`, a formula that any reader knows."""
    if size == 1:
        return state
    return f"pi/180 {state}" if isclose(size, pi / 180, rel_tol=1e-12) else f"{size!r} {state}"
