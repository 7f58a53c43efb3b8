"""Monomials and polynomials of the states, with the Hermite polynomials that take the bias of noise out of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations_with_replacement

import numpy as np

from symdyn.lie.space import Features, chosen_columns, spread_columns

__all__ = ["Monomials", "Polynomial", "monomial_jacobian", "monomial_name", "monomials", "polynomial_exponents"]


@dataclass(frozen=True)
class Monomials(Features):
    """Products of powers x_1^a_1 ... x_n^a_n, one row of `exponents` `(feature, state)` each."""

    exponents: tuple[tuple[int, ...], ...]

    def __call__(self, points):
        return monomials(chosen_columns(points, None, len(self.exponents[0])), self._array())

    def debiased(self, points, noise):
        return monomials(chosen_columns(points, None, len(self.exponents[0])), self._array(), np.asarray(noise))

    def jacobian(self, points):
        return monomial_jacobian(chosen_columns(points, None, len(self.exponents[0])), self._array())

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
        chosen = chosen_columns(points, self.columns)
        return monomials(chosen, self._exponents(chosen.shape[1]))

    def debiased(self, points, noise):
        chosen = chosen_columns(points, self.columns)
        noise = np.asarray(noise) if self.columns is None else np.asarray(noise)[list(self.columns)]
        return monomials(chosen, self._exponents(chosen.shape[1]), noise)

    def jacobian(self, points):
        chosen = chosen_columns(points, self.columns)
        inner = monomial_jacobian(chosen, self._exponents(chosen.shape[1]))
        return spread_columns(inner, self.columns, np.shape(points)[1])

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
