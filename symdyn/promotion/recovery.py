"""How many samples promotion needs to recover a polynomial: the published experiment, one row of its table per call."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from symdyn.promotion.protocol import RecoveryProblem, recovery_problem
from symdyn.promotion.solver.nuclear_penalty import Penalty, as_penalty
from symdyn.promotion.solver.promotion_fit import Metric, NestedSamples
from symdyn.promotion.solver.proximal_solver import Problem, Solution, Start, minimise

__all__ = ["PUBLISHED", "SMALL", "recovery_row"]

# The published grid, 10 seeds each: 1680 rows.
PUBLISHED = (
    *(
        {"family": "ortho", "algebra": "t", "degree": d, "m": m, "r": [1, 2, 3]}
        for d, m in ((2, [*range(5, 51, 5)]), (3, [*range(6, 17)]), (4, [*range(5, 11)]))
    ),
    *(
        {"family": "ortho", "algebra": "se", "degree": d, "m": m, "r": [1, 2, 3]}
        for d, m in ((2, [*range(5, 31, 5)]), (3, [*range(6, 17)]), (4, [*range(5, 11)]))
    ),
    {"family": "quad", "algebra": "se", "degree": 1, "m": [*range(5, 31, 5)], "r": [1]},
    {"family": "quad", "algebra": "se", "degree": 2, "m": [*range(5, 11)], "r": [1, 2]},
)
# 60 of its rows.
SMALL = (
    {"family": "ortho", "algebra": "se", "degree": 2, "m": [5, 10, 15], "r": [1]},
    {"family": "ortho", "algebra": "se", "degree": 3, "m": [6, 7, 8], "r": [1]},
)

_SUCCESS = 5e-3  # largest error of a coefficient, relative to the largest coefficient


def recovery_row(
    family: str,
    algebra: str,
    m: int,
    r: int,
    degree: int,
    seed: int,
    *,
    inner: str = "sampled",
    tol: float = 1e-6,
    max_iter: int = 5000,
) -> dict:
    """Find by bisection the smallest number of samples from which promotion recovers the polynomial.

    Parameters
    ----------
    family, algebra, m, r, degree, seed, inner : see `recovery_problem`
    tol : float
        The certified gap at which a solve ends; ten times as much where its answer is clear by a factor of two.
    max_iter : int

    Returns
    -------
    dict
        `n_recover`, `n_lib` (the size of the library), `dt` (CPU seconds of this thread, set-up included), and `gap`,
        the largest certified gap of the two solves that decide: of n_recover samples, and of one sample less.
    """
    began = time.thread_time()
    search = _Search.build(recovery_problem(family, algebra, m, r, degree, seed, inner=inner), tol, max_iter)
    low, high, n_features = 1, len(search.problem.truth) + 1, len(search.problem.truth)
    failed, gap_above, gap_below = [], 0.0, 0.0
    while high - low > 1 or (failed and failed[-1][1] is not None):
        count = (low + high) // 2 if high - low > 1 else low
        found, recovered = search.solve(count, *(failed.pop()[1:] if count == low else ()))
        if recovered:
            high, gap_above = count, found.gap
            low = failed[-1][0] if failed else 1
        else:
            low, gap_below = count, found.gap
            failed.append((low, found.state if found.gap >= 10 * tol else None))
    return {
        "n_recover": high,
        "n_lib": n_features,
        "dt": time.thread_time() - began,
        "gap": max(gap_above, gap_below if low > 1 else 0.0),
    }


@dataclass(frozen=True)
class _Search:
    """One set-up for all numbers of samples."""

    problem: RecoveryProblem
    penalty: Penalty
    samples: NestedSamples
    value_of_truth: float
    tol: float
    max_iter: int

    @classmethod
    def build(cls, problem: RecoveryProblem, tol: float, max_iter: int) -> _Search:
        penalty = as_penalty(problem.maps, problem.gram)
        n = len(problem.truth)
        # Constants alone are invariant under translations: the first sample fixes them, whatever the number of samples.
        metric = Metric.build(penalty.metric, problem.design[:1])
        samples = NestedSamples.build(metric, problem.design[:n])
        return cls(problem, penalty, samples, penalty.value(problem.truth), tol, max_iter)

    def solve(self, count: int, start: Start | None = None) -> tuple[Solution, bool]:
        """Solve from `count` samples, and check whether the solution is the polynomial.

        It ends where the answer is clear (`_settled`); a first look, which has no earlier state, also where failure is
        (`_hopeless`).
        """
        fit = self.samples.first(self.problem.target[:count])
        if fit is None:
            raise ValueError(f"the first {count} samples depend on each other: no number of samples is well defined")

        def stop(w: np.ndarray, objective: float, bound: float) -> bool:
            return self._settled(w, objective, bound) or (start is None and self._hopeless(w, objective, bound))

        problem = Problem(self.penalty, fit)
        found = minimise(problem, tol=self.tol, max_iter=self.max_iter, start=start, stop=stop)
        return found, self.error(found.coefficients) < _SUCCESS

    def error(self, coefficients: np.ndarray) -> float:
        """Return the largest error of a coefficient, relative to the largest coefficient."""
        truth = self.problem.truth
        return float(np.abs(coefficients - truth).max() / np.abs(truth).max())

    def _settled(self, coefficients: np.ndarray, objective: float, bound: float) -> bool:
        """Return whether the gap is below 10 tol, and the error below or above the limit by a factor of two."""
        error = self.error(coefficients)
        clear = error < _SUCCESS / 2 or error > 2 * _SUCCESS
        return clear and objective - bound < 10 * self.tol * objective

    def _hopeless(self, coefficients: np.ndarray, objective: float, bound: float) -> bool:
        """Return whether other interpolants are better than the truth, which then is no minimiser, and far from it."""
        better = objective < (1 - 1e-5) * self.value_of_truth
        return better and objective - bound < 1e-3 * objective and self.error(coefficients) > 4 * _SUCCESS
