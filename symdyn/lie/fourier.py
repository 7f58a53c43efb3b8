"""Sines and cosines of the states."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from symdyn.lie.space import Features

__all__ = ["Fourier"]


@dataclass(frozen=True)
class Fourier(Features):
    """sin(k x_i) and cos(k x_i) for k = 1 ... n_frequencies, in the order of pysindy's `FourierLibrary`.

    Parameters
    ----------
    n_frequencies : int
    """

    n_frequencies: int = 1

    def __post_init__(self):
        if self.n_frequencies < 1:
            raise ValueError(f"n_frequencies must be at least 1, got {self.n_frequencies}")

    def __call__(self, points):
        return self._waves(points).reshape(len(points), -1)

    def debiased(self, points, noise):
        # E sin(k (x + e)) = exp(−k^2 s^2 / 2) sin(k x) for normal e of standard deviation s.
        growth = np.exp(self._rates()[:, None] ** 2 * np.square(noise) / 2)
        return (self._waves(points) * growth[:, :, None]).reshape(len(points), -1)

    def jacobian(self, points):
        waves = self._waves(points)
        slopes = np.stack([waves[..., 1], -waves[..., 0]], axis=-1) * self._rates()[:, None, None]
        full = np.einsum("skiw,ij->skiwj", slopes, np.eye(waves.shape[2]))
        return full.reshape(len(points), -1, waves.shape[2])

    def names(self, states):
        return [f"{wave}({k} {state})" for k in self._rates() for state in states for wave in ("sin", "cos")]

    def families(self, states):
        return [f"frequency {k}" for k in self._rates() for _ in states for _ in range(2)]

    def _rates(self):
        return np.arange(1, self.n_frequencies + 1)

    def _waves(self, points):
        """`(sample, frequency, state, wave)`"""
        points = np.asarray(points, dtype=float)
        if points.ndim != 2:
            raise ValueError(f"points must be an array (sample, state), got shape {points.shape}")
        angles = self._rates()[:, None] * points[:, None, :]
        return np.stack([np.sin(angles), np.cos(angles)], axis=-1)
