"""The abstract space of functions, sums of spaces, and what all spaces share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy import linalg

__all__ = ["Features", "InChart", "InUnits", "Sum", "along_samples", "chosen_columns", "spread_columns"]

_PROBES = 64  # points of a chart at which functions are sized


class InChart(NamedTuple):
    """Functions theta'(y) at y = (x − c) / s that span what theta(x) spans.

    `forward` and `back` `(feature, feature)` are inverse to each other: theta'(y) = forward theta(x).
    """

    features: Features
    forward: np.ndarray
    back: np.ndarray


class Features(ABC):
    """Represent a finite-dimensional space of functions theta(x) of the state x.

    A law is f(x) = W theta(x) with W `(output, feature)`. Linear changes of the states map features of the same
    *family* into one another, so a family is kept or dropped as a whole: dropping a single member would break
    symmetries, or create spurious ones.

    Examples
    --------
    >>> import numpy as np
    >>> import symdyn as sd
    >>> features = sd.features.Polynomial(2)  # any other space of functions has the same methods
    >>> features.names(["x", "y"]), features.families(["x", "y"])
    (['1', 'x', 'y', 'x^2', 'x y', 'y^2'], ['degree 0', 'degree 1', 'degree 1', 'degree 2', 'degree 2', 'degree 2'])
    >>> features(np.array([[2.0, 3.0]]))
    array([[1., 2., 3., 4., 6., 9.]])
    >>> features.jacobian(np.array([[2.0, 3.0]]))[0, :, 0]  # d/dx
    array([0., 1., 0., 4., 3., 0.])
    >>> isinstance(features, sd.features.Features)
    True
    """

    @abstractmethod
    def __call__(self, points: np.ndarray) -> np.ndarray:
        """Compute the values `(sample, feature)` at points `(sample, state)`."""

    @abstractmethod
    def jacobian(self, points: np.ndarray) -> np.ndarray:
        """Compute the derivatives d theta / d x `(sample, feature, state)` at points `(sample, state)`."""

    @abstractmethod
    def names(self, states: Sequence[str]) -> list[str]:
        """Return one name per feature, in terms of the names of the states."""

    @abstractmethod
    def families(self, states: Sequence[str]) -> list[str]:
        """Return the label of the family of each feature, in terms of the names of the states."""

    def wider(self) -> Features | None:
        """Return the next larger space of the same kind, such as that of the next degree; None if there is none."""
        return None

    def narrower(self) -> Features | None:
        """Return the next smaller space of the same kind, such as that one degree lower; None if there is none."""
        return None

    def debiased(self, points: np.ndarray, noise: np.ndarray) -> np.ndarray:
        """Compute values `(sample, feature)` whose mean over white noise is theta at the points without noise.

        Powers of a noisy state are biased, E (x + e)^2 = x^2 + s^2; Hermite polynomials are not, E He_k(x + e) = x^k.
        Features without an exact debiased form are returned unchanged: a second-order correction made laws of central
        forces worse for large noise (Kepler orbits, 10 %), and no better for small noise.

        Parameters
        ----------
        points : ndarray, `(sample, state)`
        noise : ndarray, `(state,)`
            Standard deviation of the noise, which is independent between states.
        """
        return self(points)

    def size(self, n_states: int) -> int:
        """Return the number of features over `n_states` states."""
        return len(self.families([""] * n_states))

    def __add__(self, other: Features) -> Sum:
        return Sum(_parts(self) + _parts(other))

    def in_chart(self, centre: np.ndarray, scale: np.ndarray) -> InChart:
        """Return the same functions over y = (x − centre) / scale.

        A space that shifts and scales map to itself becomes the same functions of y. Any other has an origin and units
        that are part of its meaning: it is evaluated at x = centre + scale y, and its functions are divided by their
        size there.

        Parameters
        ----------
        centre, scale : ndarray, `(state,)`
        """
        if not np.any(centre) and np.all(scale == 1):
            size = self.size(len(scale))
            return InChart(self, np.eye(size), np.eye(size))
        charted = InUnits(self, tuple(np.asarray(centre, dtype=float)), tuple(np.asarray(scale, dtype=float)))
        return InChart(charted, np.diag(1 / charted.sizes), np.diag(charted.sizes))

    def to_library(self):
        """Return these features as a pysindy feature library (clones, pickles, prints)."""
        from symdyn.functions.pysindy_bridge import FeaturesLibrary

        return FeaturesLibrary(self)


@dataclass(frozen=True)
class Sum(Features):
    """Join the features of several spaces, side by side (written `a + b`).

    Parameters
    ----------
    parts : tuple of Features

    Examples
    --------
    >>> import symdyn as sd
    >>> both = sd.features.Polynomial(1) + sd.features.Fourier(1)
    >>> isinstance(both, sd.features.Sum), both.names(["angle"])
    (True, ['1', 'angle', 'sin(1 angle)', 'cos(1 angle)'])
    """

    parts: tuple[Features, ...]

    def __call__(self, points):
        return np.concatenate([part(points) for part in self.parts], axis=1)

    def debiased(self, points, noise):
        return np.concatenate([part.debiased(points, noise) for part in self.parts], axis=1)

    def jacobian(self, points):
        return np.concatenate([part.jacobian(points) for part in self.parts], axis=1)

    def names(self, states):
        return [name for part in self.parts for name in part.names(states)]

    def families(self, states):
        return [label for part in self.parts for label in part.families(states)]

    def wider(self):
        return self._with_parts([part.wider() for part in self.parts])

    def narrower(self):
        return self._with_parts([part.narrower() for part in self.parts])

    def _with_parts(self, others: Sequence[Features | None]) -> Sum | None:
        """Replace the parts by others where there are any; None if there are none."""
        if all(part is None for part in others):
            return None
        return Sum(tuple(other or part for other, part in zip(others, self.parts, strict=True)))

    def in_chart(self, centre, scale):
        parts = [part.in_chart(centre, scale) for part in self.parts]
        forward, back = (linalg.block_diag(*matrices) for matrices in list(zip(*parts, strict=True))[1:])
        return InChart(Sum(tuple(part.features for part in parts)), forward, back)


@dataclass(frozen=True)
class InUnits(Features):
    """theta(centre + scale y) over sizes: functions of charted states y that are meant in the units of the user.

    Parameters
    ----------
    features : Features
        theta, with an origin and a scale of its own.
    centre, scale : tuple of float, `(state,)`
    """

    features: Features
    centre: tuple[float, ...]
    scale: tuple[float, ...]

    @cached_property
    def sizes(self) -> np.ndarray:
        """Largest values `(feature,)` at fixed normal points of the chart; 1 where none is finite, or all are 0."""
        drawn = self._given(np.random.default_rng(5).standard_normal((_PROBES, len(self.scale))))
        with np.errstate(all="ignore"):
            try:
                values = self.features(drawn)
            except (ValueError, ArithmeticError):  # one of them lies outside the domain
                return np.ones(self.size(len(self.scale)))
        largest = np.abs(np.where(np.isfinite(values), values, 0.0)).max(axis=0)
        return np.where(largest > 0, largest, 1.0)

    def __call__(self, points):
        return self.features(self._given(points)) / self.sizes

    def debiased(self, points, noise):
        return self.features.debiased(self._given(points), np.asarray(noise) * self.scale) / self.sizes

    def jacobian(self, points):
        slopes = self.features.jacobian(self._given(points))
        return along_samples(lambda inner: inner * self.scale / self.sizes[:, None], slopes)

    def names(self, states):
        return self.features.names(states)

    def families(self, states):
        return self.features.families(states)

    def _given(self, points: np.ndarray) -> np.ndarray:
        return np.asarray(points, dtype=float) * self.scale + self.centre


def chosen_columns(points: np.ndarray, columns, n_states: int | None = None) -> np.ndarray:
    """Return the columns of points `(sample, state)` that features read, all of them for None; shapes are checked."""
    points = np.asarray(points, dtype=float)
    if points.ndim != 2:
        raise ValueError(f"points must be an array (sample, state), got shape {points.shape}")
    if n_states is not None and points.shape[1] != n_states:
        raise ValueError(f"these features read {n_states} states, the points have {points.shape[1]}")
    if columns is None:
        return points
    if max(columns) >= points.shape[1]:
        raise ValueError(f"these features read columns {columns}, the points have {points.shape[1]} states")
    return points[:, columns]


def along_samples(function: Callable[[np.ndarray], np.ndarray], values: np.ndarray) -> np.ndarray:
    """Apply a function of single samples to `values` `(sample, ...)`: once, if these are a view of one sample."""
    if len(values) < 2 or values.strides[0]:
        return function(values)
    one = function(values[:1])
    return np.broadcast_to(one, (len(values), *one.shape[1:]))


def spread_columns(inner: np.ndarray, columns, n_states: int) -> np.ndarray:
    """Extend derivatives with respect to the states that are read to all states, `(sample, feature, state)`."""
    if columns is None:
        return inner

    def spread(slopes: np.ndarray) -> np.ndarray:
        full = np.zeros((*slopes.shape[:2], n_states))
        full[:, :, columns] = slopes
        return full

    return along_samples(spread, inner)


def _parts(features: Features) -> tuple[Features, ...]:
    return features.parts if isinstance(features, Sum) else (features,)
