"""Periodic fields in time: Fourier in space, an exponential Runge-Kutta scheme of fourth order in time.

For u_t = L u + G(u) with L diagonal in wave numbers (a small matrix for each where fields are coupled), exact in L:
S. M. Cox and P. C. Matthews, J. Comput. Phys. 176, 430 (2002). The phi functions are blocks of one matrix exponential,
which loses no digits where L is small.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import numpy as np
from scipy.linalg import expm

__all__ = ["evolve_periodic"]


def evolve_periodic(
    equations: Mapping[str, Mapping[str, float]],
    start: np.ndarray,
    periods: Sequence[float],
    times: np.ndarray,
    *,
    largest_step: float,
    axes: Sequence[str] = ("x", "y"),
    potentials: Mapping[str, str] | None = None,
) -> np.ndarray:
    """Solve u_t = N[u] with N a sum of products of fields and their derivatives, on a periodic grid.

    Parameters
    ----------
    equations : mapping
        Coefficients by field and term, `{"u": {"u u_x": -1, "u_xx": 0.1}}`; terms that are linear go into L.
    start : ndarray, `(field, run, x[, y])`
    periods : sequence of float
        Lengths of the periodic domain along the axes.
    times : ndarray, `(time,)`
    largest_step : float
        Largest step of the integration; each interval of `times` is divided evenly.
    axes : sequence of str
        Names of the axes, as they appear in the terms.
    potentials : mapping of str to str, optional
        Names that appear in the terms beside the fields: `{"psi": "w"}` is the solution of Laplacian psi = w, both
        without their means, as the stream function of a vorticity is.

    Returns
    -------
    ndarray, `(time, field, run, x[, y])`

    Raises
    ------
    ValueError
        If a field diverges (the step is too large, or the equation has no such solution), and for terms and potentials
        of unknown fields.
    """
    problem = _Problem(equations, start.shape[2:], periods, list(axes)[: start.ndim - 2], potentials or {})
    state = problem.forward(start)
    frames, tables = [start], {}
    for before, after in pairwise(times):
        n = max(int(np.ceil((after - before) / largest_step - 1e-9)), 1)
        step = (after - before) / n
        key = round(step, 12)
        if key not in tables:
            tables[key] = _Table.of(problem.linear, step)
        for _ in range(n):
            state = _advance(problem, tables[key], state)
        if not np.all(np.isfinite(state)):
            raise ValueError(f"the field leaves every bound before t = {after:.3g}; take a smaller largest_step")
        frames.append(problem.backward(state))
    return np.stack(frames)


class _Problem:
    """L `(wave numbers..., field, field)` and G, products taken on the grid with two thirds of the modes kept."""

    def __init__(
        self,
        equations: Mapping[str, Mapping[str, float]],
        shape: tuple[int, ...],
        periods: Sequence[float],
        axes: Sequence[str],
        potentials: Mapping[str, str],
    ):
        self.fields, self.shape, self.potentials = list(equations), shape, potentials
        self.space = tuple(range(-len(shape), 0))
        waves = [2 * np.pi * np.fft.fftfreq(n, p / n) for n, p in zip(shape[:-1], periods[:-1], strict=True)]
        waves.append(2 * np.pi * np.fft.rfftfreq(shape[-1], periods[-1] / shape[-1]))
        grids = dict(zip(axes, np.meshgrid(*waves, indexing="ij"), strict=True))
        limits = [n / 3 * 2 * np.pi / p for n, p in zip(shape, periods, strict=True)]
        self.kept = np.all([np.abs(k) < limit for k, limit in zip(grids.values(), limits, strict=True)], axis=0)
        self.linear = np.zeros((*self.kept.shape, len(self.fields), len(self.fields)), dtype=complex)
        self.products: list[tuple[int, float, list[str]]] = []
        self.multipliers: dict[str, tuple[int, np.ndarray]] = {}
        for row, terms in enumerate(equations.values()):
            for name, value in terms.items():
                factors = [base for base, _, power in _split(name) for _ in range(power) if base != "1"]
                for base in factors:
                    self.multipliers[base] = self._multiplier(base, grids)
                if len(factors) == 1:
                    column, multiplier = self.multipliers[factors[0]]
                    self.linear[..., row, column] += value * multiplier
                else:
                    self.products.append((row, float(value), factors))

    def _multiplier(self, base: str, grids: Mapping[str, np.ndarray]) -> tuple[int, np.ndarray]:
        name, _, index = (base, "", "") if base in self.fields else base.rpartition("_")
        if not name:
            name, index = base, ""
        field = self.potentials.get(name, name)
        if field not in self.fields or (name in self.potentials and name in self.fields):
            raise ValueError(f"the term {base} holds {name}, which is neither a field nor the potential of one")
        multiplier = np.ones_like(self.kept, dtype=complex)
        for axis in index:
            multiplier = multiplier * 1j * grids[axis]
        if name in self.potentials:
            squares = sum(k**2 for k in grids.values())
            multiplier = np.where(squares > 0, -multiplier / np.where(squares > 0, squares, 1.0), 0.0)
        return self.fields.index(field), multiplier

    def forward(self, values: np.ndarray) -> np.ndarray:
        return np.fft.rfftn(values, axes=self.space)

    def backward(self, state: np.ndarray) -> np.ndarray:
        return np.fft.irfftn(state, s=self.shape, axes=self.space)

    def nonlinear(self, state: np.ndarray) -> np.ndarray:
        result = np.zeros_like(state)
        if not self.products:
            return result
        used = {base for _, _, factors in self.products for base in factors}
        values = {b: self.backward(self.multipliers[b][1] * self.kept * state[self.multipliers[b][0]]) for b in used}
        sums = np.zeros((len(self.fields), *state.shape[1 : -len(self.shape)], *self.shape))
        for row, value, factors in self.products:
            product = value
            for base in factors:
                product = product * values[base]
            sums[row] += product
        return self.forward(sums) * self.kept


class _Table:
    """exp(h L), exp(h L / 2) and the weights of the scheme, `(wave numbers..., field, field)` each."""

    def __init__(self, whole: np.ndarray, half: np.ndarray, first: np.ndarray, weights: Sequence[np.ndarray]):
        self.whole, self.half, self.first, self.weights = whole, half, first, weights

    @classmethod
    def of(cls, linear: np.ndarray, step: float) -> _Table:
        one, two, three = _phis(step * linear)
        half, first = expm(step / 2 * linear), _phis(step / 2 * linear)[0] * step / 2
        weights = [one - 3 * two + 4 * three, 2 * two - 4 * three, 4 * three - two]
        return cls(expm(step * linear), half, first, [step * w for w in weights])


def _phis(matrices: np.ndarray) -> list[np.ndarray]:
    """Compute phi_1, phi_2, phi_3 of matrices `(..., n, n)`: upper blocks of the exponential of a block matrix."""
    n = matrices.shape[-1]
    blocks = np.zeros((*matrices.shape[:-2], 4 * n, 4 * n), dtype=matrices.dtype)
    blocks[..., :n, :n] = matrices
    for k in range(3):
        blocks[..., k * n : (k + 1) * n, (k + 1) * n : (k + 2) * n] = np.eye(n)
    top = expm(blocks)[..., :n, :]
    return [top[..., k * n : (k + 1) * n] for k in (1, 2, 3)]


def _advance(problem: _Problem, table: _Table, state: np.ndarray) -> np.ndarray:
    def apply(matrices: np.ndarray, values: np.ndarray) -> np.ndarray:
        # Field by field: an einsum over axes that lie so far apart takes five times as long.
        rows = np.moveaxis(matrices, (-2, -1), (0, 1))
        return np.stack([sum(entry * part for entry, part in zip(row, values, strict=True)) for row in rows])

    here = problem.nonlinear(state)
    a = apply(table.half, state) + apply(table.first, here)
    at_a = problem.nonlinear(a)
    b = apply(table.half, state) + apply(table.first, at_a)
    at_b = problem.nonlinear(b)
    c = apply(table.half, a) + apply(table.first, 2 * at_b - here)
    slopes = (here, at_a + at_b, problem.nonlinear(c))
    moved = apply(table.whole, state)
    for weight, slope in zip(table.weights, slopes, strict=True):
        moved = moved + apply(weight, slope)
    return moved


def _split(name: str) -> Iterator[tuple[str, str, int]]:
    for factor in name.split():
        base, caret, power = factor.partition("^")
        yield base, caret, int(power) if power else 1
