"""Spaces of functions: values, exact Jacobians, names, and which of them belong together."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations_with_replacement

import numpy as np

__all__ = ["CentralForce", "Features", "Monomials", "Polynomial", "Sum", "from_library"]


class Features(ABC):
    """A finite-dimensional space of functions theta(x) of the state x.

    A law is f(x) = W theta(x) with W `(output, feature)`. Features of the same *family* are mapped
    into each other by every linear change of the states, so a family is kept or dropped as a whole:
    dropping a single member would break symmetries, or make some up.
    """

    @abstractmethod
    def __call__(self, points: np.ndarray) -> np.ndarray:
        """Values `(sample, feature)` at points `(sample, state)`."""

    @abstractmethod
    def jacobian(self, points: np.ndarray) -> np.ndarray:
        """Derivatives d theta / d x `(sample, feature, state)` at points `(sample, state)`."""

    @abstractmethod
    def names(self, states: Sequence[str]) -> list[str]:
        """One name a feature, in terms of the names of the states."""

    @abstractmethod
    def families(self, states: Sequence[str]) -> list[str]:
        """The label of the family that each feature belongs to, in terms of the names of the states."""

    def debiased(self, points: np.ndarray, noise: np.ndarray) -> np.ndarray:
        """Values `(sample, feature)` whose mean over white noise is theta at the points without noise.

        Powers of a noisy state are too large on average, E (x + e)^2 = x^2 + s^2. Hermite polynomials are not:
        E He_k(x + e) = x^k. Features that are no polynomials are returned as they are.

        Parameters
        ----------
        points : ndarray, `(sample, state)`
        noise : ndarray, `(state,)`
            Standard deviation of the noise, independent from state to state.
        """
        return self(points)

    def size(self, n_states: int) -> int:
        """Number of features over `n_states` states."""
        return len(self.families([""] * n_states))

    def __add__(self, other: Features) -> Sum:
        return Sum(_parts(self) + _parts(other))

    def to_library(self):
        """These features as a pysindy feature library (clones, pickles, prints)."""
        from symdyn.lie.libraries import FeaturesLibrary

        return FeaturesLibrary(self)


@dataclass(frozen=True)
class Monomials(Features):
    """Products of powers x_1^a_1 ... x_n^a_n, one row of `exponents` `(feature, state)` each."""

    exponents: tuple[tuple[int, ...], ...]

    def __call__(self, points):
        return monomials(_columns(points, None, len(self.exponents[0])), self._array())

    def debiased(self, points, noise):
        return monomials(_columns(points, None, len(self.exponents[0])), self._array(), np.asarray(noise))

    def jacobian(self, points):
        return monomial_jacobian(_columns(points, None, len(self.exponents[0])), self._array())

    def names(self, states):
        return [monomial_name(row, states) for row in self.exponents]

    def families(self, states):
        return [f"degree {sum(row)}" for row in self.exponents]

    def _array(self):
        return np.array(self.exponents, dtype=int)


@dataclass(frozen=True)
class Polynomial(Features):
    """All monomials up to `degree`, in the order of pysindy's `PolynomialLibrary`.

    Parameters
    ----------
    degree : int
        Highest total degree, at least 0.
    constant : bool
        Whether the constant 1 belongs to the space.
    columns : sequence of int, optional
        The states that are read; all of them if left out.
    """

    degree: int
    constant: bool = True
    columns: tuple[int, ...] | None = None

    def __post_init__(self):
        if self.degree < 0:
            raise ValueError(f"degree must be at least 0, got {self.degree}")
        if self.columns is not None:
            object.__setattr__(self, "columns", tuple(self.columns))

    def __call__(self, points):
        chosen = _columns(points, self.columns)
        return monomials(chosen, self._exponents(chosen.shape[1]))

    def debiased(self, points, noise):
        chosen = _columns(points, self.columns)
        noise = np.asarray(noise) if self.columns is None else np.asarray(noise)[list(self.columns)]
        return monomials(chosen, self._exponents(chosen.shape[1]), noise)

    def jacobian(self, points):
        chosen = _columns(points, self.columns)
        inner = monomial_jacobian(chosen, self._exponents(chosen.shape[1]))
        return _spread(inner, self.columns, np.shape(points)[1])

    def names(self, states):
        chosen = [states[column] for column in self._read(len(states))]
        return [monomial_name(row, chosen) for row in self._exponents(len(chosen))]

    def families(self, states):
        chosen = [states[column] for column in self._read(len(states))]
        where = "" if self.columns is None else f" in {', '.join(chosen)}"
        return [f"degree {total}{where if total else ''}" for total in self._exponents(len(chosen)).sum(1)]

    def _read(self, n_states):
        return range(n_states) if self.columns is None else self.columns

    def _exponents(self, n_read):
        return polynomial_exponents(n_read, self.degree, self.constant)


@dataclass(frozen=True)
class CentralForce(Features):
    """Positions times powers of the distance: q_i |q|^-k for every component i and power k.

    Each component of a law gets its own coefficient for every q_i, so isotropy is not put in by hand.

    Parameters
    ----------
    powers : sequence of int
        The powers k; 3 is Newton's law, 0 a linear spring.
    columns : sequence of int
        The states that hold the position q (the first three by default).
    """

    powers: tuple[int, ...]
    columns: tuple[int, ...] = (0, 1, 2)

    def __post_init__(self):
        object.__setattr__(self, "powers", tuple(self.powers))
        object.__setattr__(self, "columns", tuple(self.columns))
        if not self.powers:
            raise ValueError("powers must name at least one power of the distance")

    def __call__(self, points):
        position, distance = self._polar(points)
        return np.concatenate([position * distance**-k for k in self.powers], axis=1)

    def jacobian(self, points):
        position, distance = self._polar(points)
        unit = position / distance
        outer = unit[:, :, None] * unit[:, None, :]
        identity = np.eye(len(self.columns))
        inner = [distance[:, :, None] ** -k * (identity - k * outer) for k in self.powers]
        return _spread(np.concatenate(inner, axis=1), self.columns, np.shape(points)[1])

    def names(self, states):
        chosen = [states[column] for column in self.columns]
        return [f"{state}{_radial(k)}" for k in self.powers for state in chosen]

    def families(self, states):
        return [f"q{_radial(k)}" for k in self.powers for _ in self.columns]

    def _polar(self, points):
        position = _columns(points, self.columns)
        distance = np.linalg.norm(position, axis=1, keepdims=True)
        if np.any(distance == 0):
            raise ValueError("CentralForce: a position lies at the origin, where |q|^-k has no value")
        return position, distance


@dataclass(frozen=True)
class Sum(Features):
    """The features of several spaces, side by side (written `a + b`)."""

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


def from_library(library) -> Features:
    """A pysindy feature library as `Features`, with exact Jacobians; see `symdyn.lie.libraries`."""
    from symdyn.lie.libraries import features_of_library

    return features_of_library(library)


@lru_cache(maxsize=256)
def polynomial_exponents(n_states: int, degree: int, constant: bool = True) -> np.ndarray:
    """Exponents `(feature, state)` of all monomials up to `degree`, by degree, then lexicographic."""
    rows = []
    for total in range(0 if constant else 1, degree + 1):
        for choice in combinations_with_replacement(range(n_states), total):
            rows.append(np.bincount(choice, minlength=n_states) if choice else np.zeros(n_states, int))
    exponents = np.array(rows, dtype=int).reshape(len(rows), n_states)
    exponents.flags.writeable = False
    return exponents


def monomials(points: np.ndarray, exponents: np.ndarray, noise: np.ndarray | float = 0.0) -> np.ndarray:
    """Values `(sample, feature)` of the monomials with the given exponents `(feature, state)`.

    With `noise` `(state,)` above 0 each power is replaced by the Hermite polynomial that has it for its mean.
    """
    powers = _power_table(points, int(exponents.max(initial=0)), noise)
    values = np.ones((len(exponents), len(points)))
    for state in range(exponents.shape[1]):
        values *= powers[exponents[:, state], :, state]
    return values.T


def monomial_jacobian(points: np.ndarray, exponents: np.ndarray) -> np.ndarray:
    """Derivatives `(sample, feature, state)` of the monomials: d x^a / dx_j = a_j x^(a - e_j)."""
    derivatives = np.zeros((len(points), *exponents.shape))
    for state in range(exponents.shape[1]):
        lowered = exponents.copy()
        lowered[:, state] = np.maximum(lowered[:, state] - 1, 0)
        derivatives[:, :, state] = monomials(points, lowered) * exponents[:, state]
    return derivatives


def monomial_name(row, states) -> str:
    """`x^2 y` for exponents (2, 1); `1` for the constant."""
    factors = [s if a == 1 else f"{s}^{a}" for s, a in zip(states, row, strict=True) if a]
    return " ".join(factors) or "1"


def _power_table(points, degree, noise=0.0):
    """He_k(x) of variance noise^2, `(power, sample, state)`: He_{k+1} = x He_k − k noise^2 He_{k−1}."""
    table = np.ones((degree + 1, *points.shape))
    for power in range(1, degree + 1):
        table[power] = table[power - 1] * points
        if power > 1:
            table[power] -= (power - 1) * np.square(noise) * table[power - 2]
    return table


def _columns(points, columns, n_states=None):
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


def _spread(inner, columns, n_states):
    if columns is None:
        return inner
    full = np.zeros((*inner.shape[:2], n_states))
    full[:, :, columns] = inner
    return full


def _radial(power):
    return "" if power == 0 else f" |q|^{-power}"


def _parts(features):
    return features.parts if isinstance(features, Sum) else (features,)
