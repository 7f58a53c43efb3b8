"""Monomials and polynomials of the states, with the Hermite polynomials that remove the bias of noise from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations_with_replacement
from math import comb

import numpy as np

from symdyn.functions.space import Features, InChart, chosen_columns, spread_columns

__all__ = [
    "Monomials",
    "Polynomial",
    "has_all_divisors",
    "monomial_jacobian",
    "monomial_name",
    "monomial_rows",
    "monomials",
    "polynomial_exponents",
    "substituted",
]


@dataclass(frozen=True)
class Monomials(Features):
    """Represent products of powers x_1^a_1 ... x_n^a_n.

    Parameters
    ----------
    exponents : tuple of tuple of int, `(feature, state)`
        The powers a, one row per feature.

    Examples
    --------
    >>> import symdyn as sd
    >>> duffing_energy = sd.features.Monomials(((0, 2), (2, 0), (4, 0)))
    >>> duffing_energy.names(["q", "p"])
    ['p^2', 'q^2', 'q^4']
    """

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

    def in_chart(self, centre, scale):
        return _in_chart(self, self._array(), centre, scale) or super().in_chart(centre, scale)

    def _array(self) -> np.ndarray:
        return np.array(self.exponents, dtype=int)


@dataclass(frozen=True)
class Polynomial(Features):
    """Represent all monomials up to `degree`, in the order of pysindy's `PolynomialLibrary`.

    Parameters
    ----------
    degree : int
        Highest total degree, at least 0.
    constant : bool
        Whether the constant 1 belongs to the space.
    columns : sequence of int, optional
        Indices of the states that are used; all of them by default.

    Examples
    --------
    >>> import symdyn as sd
    >>> sd.features.Polynomial(2).names(["x", "y"])
    ['1', 'x', 'y', 'x^2', 'x y', 'y^2']
    >>> sd.features.Polynomial(2, constant=False, columns=(0,)).names(["x", "y"])
    ['x', 'x^2']
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

    def wider(self):
        return replace(self, degree=self.degree + 1)

    def narrower(self):
        return replace(self, degree=self.degree - 1) if self.degree > 1 else None

    def in_chart(self, centre, scale):
        read = list(self._read(len(centre)))
        exponents = self._exponents(len(read))
        return _in_chart(self, exponents, centre[read], scale[read]) or super().in_chart(centre, scale)

    def _read(self, n_states: int) -> Sequence[int]:
        return range(n_states) if self.columns is None else self.columns

    def _exponents(self, n_read: int) -> np.ndarray:
        return polynomial_exponents(n_read, self.degree, self.constant)


def _in_chart(
    features: Monomials | Polynomial, exponents: np.ndarray, centre: np.ndarray, scale: np.ndarray
) -> InChart | None:
    """Return the same monomials of y = (x − c) / s, or None if a shift takes them out of their span.

    x^a = prod_i (c_i + s_i y_i)^a_i, so every monomial that divides x^a has to be there, unless c is 0.
    """
    if np.any(centre) and not has_all_divisors(exponents):
        return None
    forward = substituted(exponents, -centre / scale, 1 / scale)
    return InChart(features, forward, substituted(exponents, centre, scale))


def has_all_divisors(exponents: np.ndarray) -> bool:
    """Check whether all divisors of each monomial `(feature, state)` are present, so that shifts preserve their span.

    They are present for all monomials up to some degree, and for products without squares, but not for odd monomials
    alone, nor without a constant.
    """
    held = {tuple(row) for row in exponents.tolist()}
    return all(_lowered(row, j, 1) in held for row in held for j, power in enumerate(row) if power)


def substituted(exponents, shift, factor):
    """Return S `(feature, feature)` of prod_i (shift_i + factor_i y_i)^a_i = sum_b S_ab y^b over the monomials."""
    n_features, n_states = exponents.shape
    matrix = np.ones((n_features, n_features))
    for j in range(n_states):
        a, b = exponents[:, j][:, None], exponents[:, j][None, :]
        highest = int(exponents[:, j].max(initial=0))
        table = np.zeros((highest + 1, highest + 1))
        for power in range(highest + 1):
            for kept in range(power + 1):
                table[power, kept] = comb(power, kept) * shift[j] ** (power - kept) * factor[j] ** kept
        matrix *= table[a, b]
    return matrix


@lru_cache(maxsize=256)
def polynomial_exponents(n_states: int, degree: int, constant: bool = True) -> np.ndarray:
    """Return the exponents `(feature, state)` of all monomials up to `degree`, by degree, then lexicographically.

    Parameters
    ----------
    n_states, degree : int
    constant : bool
        Whether the constant 1 comes first.

    Examples
    --------
    >>> import symdyn as sd
    >>> sd.features.polynomial_exponents(2, 2).tolist()
    [[0, 0], [1, 0], [0, 1], [2, 0], [1, 1], [0, 2]]
    """
    rows = []
    for total in range(0 if constant else 1, degree + 1):
        for choice in combinations_with_replacement(range(n_states), total):
            rows.append(np.bincount(choice, minlength=n_states) if choice else np.zeros(n_states, int))
    exponents = np.array(rows, dtype=int).reshape(len(rows), n_states)
    exponents.flags.writeable = False
    return exponents


def monomials(points: np.ndarray, exponents: np.ndarray, noise: np.ndarray | float = 0.0) -> np.ndarray:
    """Compute the values `(sample, feature)` of the monomials with the given exponents `(feature, state)`.

    With `noise` `(state,)` above 0, each power is replaced by the Hermite polynomial whose mean it is.

    Examples
    --------
    >>> import numpy as np
    >>> import symdyn as sd
    >>> exponents = np.array([[1, 0], [2, 1]])  # x and x^2 y
    >>> sd.features.monomials(np.array([[2.0, 3.0]]), exponents)
    array([[ 2., 12.]])
    """
    variance = np.broadcast_to(np.square(noise), points.shape[1:])[:, None]
    return monomial_rows(np.ascontiguousarray(points.T), exponents, variance).T


def monomial_rows(
    states: np.ndarray, exponents: np.ndarray, variance: np.ndarray, out: np.ndarray | None = None
) -> np.ndarray:
    """Compute values `(feature, ...)` of monomials at `states` `(state, ...)`, each from a lower one by one product.

    x^a = x_j x^(a − e_j), and with noise of variance v_j the Hermite polynomials, whose mean is x^a:

        He_a = x_j He_(a − e_j) − (a_j − 1) v_j He_(a − 2 e_j).

    Parameters
    ----------
    states : ndarray, `(state, ...)`
    exponents : ndarray, `(feature, state)`
    variance : ndarray, `(state, ...)`
        Of the noise; broadcast against the samples.
    out : ndarray, `(feature, ...)`, optional
        Filled and returned.
    """
    steps, n_extra = _recursion(np.asarray(exponents, dtype=np.int64).tobytes(), len(states))
    block = np.empty((len(exponents), *states.shape[1:])) if out is None else out
    rows = [*block, *np.empty((n_extra, *states.shape[1:]))]
    noisy, scratch = [bool(np.any(v)) for v in variance], np.empty(states.shape[1:])
    for row, state, lower, lowest, power in steps:
        if power == 0:
            rows[row][...] = 1.0
            continue
        np.multiply(rows[lower], states[state], out=rows[row])
        if power > 1 and noisy[state]:
            rows[row] -= np.multiply(rows[lowest], (power - 1) * variance[state], out=scratch)
    return block


@lru_cache(maxsize=256)
def _recursion(exponents: bytes, n_states: int) -> tuple[list[tuple[int, int, int, int, int]], int]:
    """Return steps (row, state j, row of a − e_j, row of a − 2 e_j, a_j) in an order in which they can be taken.

    Rows after those of the monomials asked for hold lower ones that are missing there; their number comes second.
    """
    # The buffer of no states at all is empty: it stands for one constant.
    given = np.frombuffer(exponents, dtype=np.int64).reshape(-1, n_states).tolist() if n_states else [()]
    rows = [tuple(row) for row in given]
    index = {monomial: row for row, monomial in reversed(list(enumerate(rows)))}
    steps, done = [], 0
    while done < len(rows):
        monomial = rows[done]
        states = [j for j, power in enumerate(monomial) if power]
        # Any state will do; one whose lower monomial is there already saves a row.
        state = next((j for j in reversed(states) if _lowered(monomial, j, 1) in index), states[-1] if states else 0)
        power = monomial[state] if states else 0
        lower = [_lowered(monomial, state, by) for by in (1, 2) if by <= power]
        for missing in [one for one in lower if one not in index]:
            index[missing] = len(rows)
            rows.append(missing)
        places = [index[one] for one in lower] + [0, 0]
        steps.append((sum(monomial), done, state, places[0], places[1], power))
        done += 1
    return [step[1:] for step in sorted(steps)], len(rows) - len(given)


def _lowered(monomial: tuple[int, ...], state: int, by: int) -> tuple[int, ...]:
    return (*monomial[:state], monomial[state] - by, *monomial[state + 1 :])


def monomial_jacobian(points: np.ndarray, exponents: np.ndarray) -> np.ndarray:
    """Compute the derivatives `(sample, feature, state)` of the monomials: d x^a / dx_j = a_j x^(a - e_j).

    Examples
    --------
    >>> import numpy as np
    >>> import symdyn as sd
    >>> exponents = np.array([[2, 1]])  # x^2 y
    >>> sd.features.monomial_jacobian(np.array([[2.0, 3.0]]), exponents)
    array([[[12.,  4.]]])
    """
    n_states = exponents.shape[1]
    if exponents.sum(axis=1).max(initial=0) <= 1 and len(points) > 1:
        # The same at all points: a view of one, so that affine generators of many states fit into memory.
        return np.broadcast_to(exponents.astype(float), (len(points), *exponents.shape))
    lowered = np.maximum(exponents[:, None] - np.eye(n_states, dtype=int), 0).reshape(-1, n_states)
    needed, place = np.unique(lowered, axis=0, return_inverse=True)
    values = monomials(points, needed).T
    derivatives = np.empty((len(points), *exponents.shape))
    for row, (powers, here) in enumerate(zip(exponents, place.reshape(exponents.shape), strict=True)):
        np.multiply(values[here].T, powers, out=derivatives[:, row])
    return derivatives


def monomial_name(row, states) -> str:
    """Return the name of a monomial: `x^2 y` for exponents (2, 1); `1` for the constant.

    Parameters
    ----------
    row : sequence of int, `(state,)`
        The exponents.
    states : sequence of str
        Names of the states.

    Examples
    --------
    >>> import symdyn as sd
    >>> [sd.features.monomial_name(row, ("x", "y")) for row in ((2, 1), (0, 0))]
    ['x^2 y', '1']
    """
    factors = [s if a == 1 else f"{s}^{a}" for s, a in zip(states, row, strict=True) if a]
    return " ".join(factors) or "1"
