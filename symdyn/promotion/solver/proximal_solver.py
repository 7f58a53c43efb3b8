"""Douglas-Rachford in coefficient space, for losses plus the nuclear norm of linear maps, with a certified gap.

The problem min f(w) + gamma |M(w)|_* + l1 |w|_1 is split into w and a copy Z of (M(w), w). With F the shrinkage of
singular values (and of coefficients), a step t, and everything measured by the inner product of the rows,

    Z = shrink(W, t gamma),   w = argmin t f(w) + |A(w) − (2 Z − W)|^2 / 2,   W <- W + a (A(w) − Z),   A(w) = (M(w), w).

W is kept in units in which the inner product of rows is the plain one (rows times a root of G).

Certificate: U = (A(w) − 2 Z + W) / t obeys the dual equality, by the definition of w, whether the iteration has
converged or not. Scaled until |U|_op <= gamma and |u|_inf <= l1, it gives a lower bound on the minimum.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from symdyn.promotion.solver.anderson import Anderson
from symdyn.promotion.solver.nuclear_penalty import Penalty
from symdyn.promotion.solver.promotion_fit import Fit, LeastSquares
from symdyn.promotion.solver.shrinkage import SubspaceTracker, singular_values

__all__ = ["Problem", "Solution", "Start", "minimise"]

_RELAXATION = 1.8
_MEMORY = 20
_PATIENCE = 5  # iterations before acceleration starts
_LOOKS = {15: 8, 35: 20, 60: 40}  # iterations at which a rank above an earlier one's says that the step is too long
_INEXACT = 0.01  # error of a tracked subspace, relative to the last move
_CORRECTIONS = 2  # of the dual point, at a certificate
_NEAR = 0.02  # gap below which they are worth their iterations
_CHECK = 50  # iterations between certificates, at most
# Iterations after which acceleration starts anew where the gap is not below this part of the one before: what it
# remembers is of other ranks.
_LATE, _STALLED = 100, 0.5
# A gap that three certificates in a row leave above nine tenths is rounding if it is below this part of |y|^2 / 2: a
# dual point is a difference over the step, which is short where weights are large.
_STILL, _CERTIFICATES, _DIGITS = 0.9, 3, 1e-8

# A copy of A(w), a dual point and the step for gamma = 1.
Start: TypeAlias = tuple[np.ndarray, np.ndarray, float]


@dataclass(frozen=True)
class Problem:
    """f(w) + gamma |M(w)|_* + l1 |w|_1.

    `length` is the weight of the copy of w in the metric, `fit.metric = H + length`; 0 without l1.
    """

    penalty: Penalty
    fit: Fit
    gamma: float = 1.0
    l1: float = 0.0
    length: float = 0.0

    @property
    def _size(self) -> int:
        return self.penalty.n_maps * len(self.penalty.gram)

    def copy(self, coefficients: np.ndarray) -> np.ndarray:
        """Return (M(w), root(length) w) in the units of the inner product `(size,)`."""
        rows = self.penalty.apply(coefficients).reshape(-1)
        return np.concatenate([rows, np.sqrt(self.length) * coefficients]) if self.length else rows

    def rows(self, state: np.ndarray) -> np.ndarray:
        """Return the part of a state that stands for M(w) `(map, row)`."""
        return state[: self._size].reshape(self.penalty.n_maps, -1)

    def rest(self, state: np.ndarray) -> np.ndarray:
        """Return the part that stands for w `(unknown,)`, or nothing."""
        return state[self._size :]

    def gradient(self, state: np.ndarray) -> np.ndarray:
        """Apply A^* to a state, `(unknown,)`."""
        found = self.penalty.adjoint(self.rows(state))
        return found + np.sqrt(self.length) * self.rest(state) if self.length else found

    def shrunk(self, state: np.ndarray, step: float, tracker: SubspaceTracker, size: float) -> tuple[np.ndarray, int]:
        """Apply the proximal map of the penalties to a state, right to a part of `size`; return its rank, too."""
        rows = self.rows(state)
        gram = self.penalty.gram_of(rows)
        vectors, weights = tracker.shrinkage(gram, step * self.gamma, _INEXACT * size)
        out = np.empty_like(state)
        if not len(weights):
            self.rows(out)[:] = 0.0
        elif 2 * len(weights) < len(vectors):
            np.matmul(vectors * weights, vectors.T @ rows, out=self.rows(out))
        else:
            np.matmul((vectors * weights) @ vectors.T, rows, out=self.rows(out))
        if self.length:
            here, least = self.rest(state), step * self.l1 / np.sqrt(self.length)
            self.rest(out)[:] = np.sign(here) * np.maximum(np.abs(here) - least, 0.0)
        return out, len(weights)

    def objective(self, coefficients: np.ndarray, state: np.ndarray) -> float:
        """Compute the value at w, A(w) given."""
        nuclear = singular_values(self.penalty.gram_of(self.rows(state))).sum()
        return self.fit.loss(coefficients) + self.gamma * nuclear + self.l1 * np.abs(coefficients).sum()

    def bound(self, coefficients: np.ndarray, state: np.ndarray, dual: np.ndarray) -> float:
        """Compute the lower bound that the dual point gives, scaled into its ball."""
        norm = singular_values(self.penalty.gram_of(self.rows(dual)))[-1]
        largest = self.gamma / norm if norm > 0 else np.inf
        if self.length:
            entry = np.abs(self.rest(dual)).max(initial=0.0) * np.sqrt(self.length)
            largest = min(largest, self.l1 / entry if entry > 0 else np.inf)
        return self.fit.bound(coefficients, dual @ state, largest)

    def corrected(
        self, coefficients: np.ndarray, state: np.ndarray, dual: np.ndarray, step: float
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Move a dual point nearer to its ball, with the w it belongs to: `(w, A(w), U)`.

        What lies outside the ball is taken off, nearly twice over, and the dual equality restored by the fit.
        """
        inside = dual - _RELAXATION * self.shrunk(dual, 1.0, SubspaceTracker(), 0.0)[0]
        found = self.fit.nearest(self.gradient(state - step * inside))
        copied = self.copy(found)
        return found, copied, inside + (copied - state) / step

    def weighing(self, step: float) -> Problem:
        """Return the problem with the factorisation that belongs to a step."""
        if not isinstance(self.fit, LeastSquares) or self.fit.weight == step:
            return self
        return replace(self, fit=self.fit.weighing(step))


@dataclass(frozen=True)
class Solution:
    """Coefficients with their objective, the best lower bound, and the state to go on from.

    `scale` is what the gap is measured by: the objective, or a thousandth of that of the first guess, or of |y|^2 / 2
    where the minimum is 0 but for rounding. A gap that stands still below 1e-8 |y|^2 / 2 is rounding: `scale` is then
    that over the tolerance.
    """

    coefficients: np.ndarray
    objective: float
    lower_bound: float
    scale: float
    n_iter: int
    state: Start

    @property
    def gap(self) -> float:
        """(objective − lower bound) / scale."""
        return (self.objective - self.lower_bound) / self.scale


def minimise(
    problem: Problem,
    *,
    tol: float = 1e-6,
    max_iter: int = 10000,
    start: Start | None = None,
    stop: Callable[[np.ndarray, float, float], bool] | None = None,
) -> Solution:
    """Iterate until (objective − lower bound) / objective is below `tol`, or `max_iter` iterations are done.

    Parameters
    ----------
    problem : Problem
    tol : float
    max_iter : int
    start : tuple, optional
        The `state` of a similar problem: a copy of A(w), a dual point and the step for gamma = 1.
    stop : callable, optional
        Called with (coefficients, objective, bound) at each certificate; True ends the iteration.
    """
    step, state = _begin(problem, start)
    problem = problem.weighing(step)
    floor = _floor(problem)
    best, memory = -np.inf, Anderson(_MEMORY, state.size)
    tracker, size = SubspaceTracker(), 0.0
    schedule = _Schedule(15 if stop is None else 10, often=stop is not None)
    iteration, ranks, gap, still = 0, [], np.inf, 0
    while True:
        iteration += 1
        shrunk, rank = problem.shrunk(state, step, tracker, size)
        ranks.append(rank)
        coefficients = problem.fit.nearest(problem.gradient(2 * shrunk - state))
        copied = problem.copy(coefficients)
        move = copied - shrunk
        size = float(np.linalg.norm(move))
        if schedule.is_due(iteration, size) or iteration == max_iter:
            dual = (move - shrunk + state) / step
            best = max(best, problem.bound(coefficients, copied, dual))
            objective = problem.objective(coefficients, copied)
            scale = max(objective, floor, 1e-300)
            point, tries = (coefficients, copied, dual), 0
            while tol * scale <= objective - best < _NEAR * scale and tries < _CORRECTIONS:
                point, tries = problem.corrected(*point, step), tries + 1
                best = max(best, problem.bound(*point))
            still = still + 1 if objective - best > _STILL * gap else 0
            if still >= _CERTIFICATES and objective - best < _DIGITS * problem.fit.size < np.inf:
                scale = max(scale, _DIGITS * problem.fit.size / tol)
            done = objective - best < tol * scale or iteration == max_iter
            if done or (stop is not None and stop(coefficients, objective, best)):
                state = (shrunk, dual / problem.gamma, step * problem.gamma)
                return Solution(coefficients, objective, best, scale, iteration, state)
            schedule = schedule.after(iteration, size, tol * scale / (objective - best))
            if iteration > _LATE and objective - best > _STALLED * gap:
                memory.reset()
            gap = objective - best
        shorter = step * _shortening(ranks, problem.penalty.n_maps)
        move *= _RELAXATION
        if shorter != step:
            state = shrunk + (state - shrunk) * (shorter / step) + move
            step = shorter
            problem = problem.weighing(step)
            memory.reset()
        elif iteration >= _PATIENCE:
            state = memory.step(move, state + move)
        else:
            state = state + move


@dataclass(frozen=True)
class _Schedule:
    """When to look for a certificate: as the gap falls in proportion to the size of moves, these tell when it will do.

    A certificate costs one to three iterations.
    """

    following: int
    small: float = 0.0
    often: bool = False

    def is_due(self, iteration: int, size: float) -> bool:
        """Return whether it is time."""
        return iteration >= self.following or size < self.small

    def after(self, iteration: int, size: float, factor: float) -> _Schedule:
        """Return the next time, where the gap has still to fall by `factor`."""
        pause = max(10, iteration // 6) if self.often else _CHECK
        return _Schedule(iteration + pause, min(factor, 0.8) * size, self.often)


def _floor(problem: Problem) -> float:
    """Return what gaps are measured by at least: a minimum of 0 is reached to rounding only."""
    first = problem.fit.offset
    rounding = min(problem.gamma * _negligible(problem), 1e-3 * problem.fit.size)
    return max(1e-3 * problem.objective(first, problem.copy(first)), rounding)


def _negligible(problem: Problem) -> float:
    """Estimate what |M(w)| of the first guess may be by rounding."""
    return 1e-6 * np.sqrt(np.trace(problem.penalty.metric)) * np.linalg.norm(problem.fit.offset)


def _begin(problem: Problem, start: Start | None) -> tuple[float, np.ndarray]:
    """Return a step, and the state to begin with."""
    if start is not None:
        return start[2] / problem.gamma, start[0] + start[2] * start[1]
    copied = problem.copy(problem.fit.offset)
    size = max(float(np.linalg.norm(copied)), _negligible(problem)) or 1.0
    return 1.5 * size / np.sqrt(min(problem.rows(copied).shape)) / problem.gamma, copied


def _shortening(ranks: list[int], n_maps: int) -> float:
    """Return the factor by which the step is shortened where many symmetries stay broken, and ever more.

    Then small singular values count, and a long step takes long to tell.
    """
    before = _LOOKS.get(len(ranks))
    growing = before is not None and ranks[-1] > max(1.05 * ranks[before - 1], 0.3 * n_maps)
    return 0.2 if growing else 1.0
