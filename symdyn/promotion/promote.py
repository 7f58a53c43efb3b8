"""Promotion: models that break as few candidate symmetries as the data allow.

The rank of xi -> L(xi, F) is the number of symmetries that F breaks; its nuclear norm is the convex surrogate (Otto,
Zolman, Kutz and Brunton, arXiv 2311.00212). It works where F respects *most* generators of the candidate group; where
most are broken, it shrinks the whole fit and does worse than least squares.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from symdyn.data.tasks import on_one_thread
from symdyn.promotion.solver.nuclear_penalty import LieMapsLike, Penalty, as_penalty
from symdyn.promotion.solver.promotion_fit import Interpolation, LeastSquares, Metric, interpolation
from symdyn.promotion.solver.proximal_solver import Problem, Start, minimise

__all__ = ["Posed", "Promotion", "promote", "promotion_path"]

_ROUNDING = 1e-7  # by how much of |y|^2 / 2 a lower bound may be above the objective

Posed: TypeAlias = tuple[Penalty, np.ndarray, np.ndarray, float]  # penalty, design, target and l1


@dataclass(frozen=True)
class Promotion:
    """Hold what `promote` found, with a certificate: a lower bound of the objective.

    Parameters
    ----------
    coefficients : ndarray, `(feature,)` or `(output, feature)`
        With as many axes as the target.
    objective : float
    lower_bound : float
        A bound below which no coefficients can bring the objective, up to rounding: the value of a feasible point of
        the dual problem, or the objective itself where rounding puts that value above it.
    gap : float
        (objective − lower_bound) / objective; below a thousandth of the objective of the first guess, or of |y|^2 / 2
        where Lie derivatives vanish to rounding, relative to these. An objective that stagnates below 1e-8 of |y|^2 / 2
        is rounding, and counts as converged.
    n_iter : int
    converged : bool
        Whether the gap is below the tolerance, and more than rounding.
    undetermined : ndarray, `(output * feature, dim)`
        Directions that neither the data nor the maps determine; the coefficients have no part along them.

    Examples
    --------
    >>> import numpy as np
    >>> from symdyn.promotion import Promotion, promote
    >>> rotation = np.array([[0, 1, 0], [-2, 0, 2], [0, -1, 0]])  # on x², x y, y²
    >>> found = promote([rotation], np.eye(3), np.array([1.0, 0.2, 1.4]), gamma=0.1)
    >>> isinstance(found, Promotion), found.coefficients.round(2)
    (True, array([1.15, 0.11, 1.25]))
    >>> found.converged, bool(found.objective - found.lower_bound < 1e-6)  # certified
    (True, True)
    """

    coefficients: np.ndarray
    objective: float
    lower_bound: float
    gap: float
    n_iter: int
    converged: bool
    undetermined: np.ndarray
    state: Start | tuple[()] = field(repr=False, default=())


@on_one_thread
def promote(
    lie_maps: LieMapsLike,
    design: np.ndarray,
    target: np.ndarray,
    *,
    gram: np.ndarray | None = None,
    gamma: float | None = None,
    l1: float = 0.0,
    tol: float = 1e-6,
    max_iter: int = 10000,
) -> Promotion:
    """Find the coefficients w that fit with the smallest nuclear norm |M(w)|_*, where row k of M(w) is S_k w.

        gamma=None:   min |M(w)|_* + l1 |w|_1   subject to   design @ w = target
        otherwise:    min |design @ w − target|^2 / 2 + gamma |M(w)|_* + l1 |w|_1

    Parameters
    ----------
    lie_maps : LieMaps, or list of matrices `(row, output * feature)`
        One per generator, sparse or dense (`symdyn.promotion.solver.lie_maps`). A list of lists has one nuclear norm
        per member, and these are added: [[S_1, ..., S_q], [D_1], [D_2]] is the nuclear norm of generators plus the
        length of each difference F(g x) − F(x), for finite candidates.
    design : ndarray, `(sample, feature)`
    target : ndarray, `(sample,)` or `(sample, output)`
        For several outputs, coefficients are numbered (output, feature), row by row.
    gram : ndarray, `(row, row)`, optional
        Inner product of rows, by default the identity; a matrix smaller by an integer factor is used for each output.
    gamma : float, optional
        Weight of the nuclear norm; the loss is a sum over samples, not a mean.
    l1 : float
    tol : float
        Largest certified gap (see `Promotion.gap`).
        Singular values come from Gram matrices: gaps below 1e-8 may not be reached.
    max_iter : int

    Notes
    -----
    The result scales with the units. If features are divided by d (columns of design and maps by d), w is multiplied by
    d. If the target is multiplied by y, so is w; objectives with gamma are multiplied by y^2 if gamma is multiplied by
    y. If Lie derivatives are multiplied by r (maps by r, or gram by r^2), gamma must be divided by r. With l1, w is
    compared in the units of the features.

    Raises
    ------
    ValueError
        For shapes that do not match, values that are not finite, weights out of range, and, with gamma=None, for a
        design and target that contradict each other.

    Warns
    -----
    UserWarning
        If the gap is above `tol` after `max_iter` iterations, if gamma is so large that rounding dominates, and if the
        data leave a direction undetermined.

    Examples
    --------
    >>> import numpy as np
    >>> from symdyn.promotion import promote
    >>> rotation = np.array([[0, 1, 0], [-2, 0, 2], [0, -1, 0]])  # on x², x y, y²
    >>> at_one_point = np.array([[1.0, 0, 0]])  # these functions at (1, 0)
    >>> found = promote([rotation], at_one_point, np.array([3.0]))
    >>> found.coefficients.round(6) + 0.0  # of all that fit, 3 (x^2 + y^2) breaks least
    array([3., 0., 3.])
    """
    case = _Case.build(as_penalty(lie_maps, gram), design, target, l1)
    return case.solve(gamma, tol, max_iter)


def promotion_path(
    lie_maps: LieMapsLike,
    design: np.ndarray,
    target: np.ndarray,
    gammas: Iterable[float],
    *,
    gram: np.ndarray | None = None,
    l1: float = 0.0,
    tol: float = 1e-6,
    max_iter: int = 10000,
) -> list[Promotion]:
    """Solve `promote` for several weights gamma, each from the previous solution; return one `Promotion` per weight.

    Parameters
    ----------
    gammas : iterable of float
        In the order in which they are solved; descending or ascending.
    lie_maps, design, target, gram, l1, tol, max_iter
        As for `promote`.

    Examples
    --------
    >>> import numpy as np
    >>> from symdyn.promotion import promotion_path
    >>> rotation = np.array([[0, 1, 0], [-2, 0, 2], [0, -1, 0]])  # on x², x y, y²
    >>> nearly_round = np.array([1.0, 0.2, 1.4])
    >>> path = promotion_path([rotation], np.eye(3), nearly_round, [0.01, 0.1, 0.2])
    >>> np.array([found.coefficients for found in path]).round(2) + 0.0  # the last is round
    array([[1.02, 0.19, 1.38],
           [1.15, 0.11, 1.25],
           [1.2 , 0.  , 1.2 ]])
    """
    case = _Case.build(as_penalty(lie_maps, gram), design, target, l1)
    found = []
    for gamma in gammas:
        found.append(case.solve(gamma, tol, max_iter, found[-1].state if found else None))
    return found


@dataclass(frozen=True)
class _Case:
    """Checked data, with the metric that all weights share; `length` is the metric of the copy of w."""

    penalty: Penalty
    design: np.ndarray
    target: np.ndarray
    shape: tuple[int, ...]
    l1: float
    length: float
    metric: Metric

    @classmethod
    def build(cls, penalty: Penalty, design: np.ndarray, target: np.ndarray, l1: float) -> _Case:
        design, target, shape = _checked_data(penalty, design, target)
        if not (np.isfinite(l1) and l1 >= 0):
            raise ValueError(f"l1 must be a finite number, at least 0, got {l1}")
        length = (np.trace(penalty.metric) / len(penalty.metric) or 1.0) if l1 else 0.0
        metric = Metric.build(penalty.metric + length * np.eye(penalty.n_unknowns), design)
        if metric.undetermined.size:
            warnings.warn(
                f"{metric.undetermined.shape[1]} directions of coefficients change neither the fit nor the Lie "
                "derivatives; the answer has no part along them (see `undetermined`). Give more samples, or l1",
                stacklevel=3,
            )
        return cls(penalty, design, target, shape, l1, length, metric)

    def solve(
        self, gamma: float | None, tol: float, max_iter: int, start: Start | tuple[()] | None = None
    ) -> Promotion:
        """Solve for one weight."""
        if gamma is not None and not (np.isfinite(gamma) and gamma > 0):
            raise ValueError(f"gamma must be a number above 0, or None for exact interpolation, got {gamma}")
        if not tol > 0 or max_iter < 1:
            raise ValueError(f"tol must be above 0 and max_iter at least 1, got {tol} and {max_iter}")
        fit = self.interpolants() if gamma is None else self.least_squares()
        problem = Problem(self.penalty, fit, 1.0 if gamma is None else float(gamma), self.l1, self.length)
        found = minimise(problem, tol=tol, max_iter=max_iter, start=start or None)
        coefficients = found.coefficients
        nuclear = problem.gamma * self.penalty.value(coefficients)
        objective = fit.loss(coefficients) + nuclear + self.l1 * np.abs(coefficients).sum()
        bound = min(found.lower_bound, objective)
        certified = found.lower_bound - objective < _ROUNDING * max(found.scale, fit.size)
        if found.gap >= tol:
            warnings.warn(
                f"promote stopped after {found.n_iter} iterations with a gap of {found.gap:.1e}, above tol={tol:g}: "
                "the objective may be that far from its minimum. Give a larger max_iter, or a larger tol",
                stacklevel=3,
            )
        elif not certified:
            warnings.warn(
                f"promote has no certificate at gamma={gamma:g}: rounding of the Lie derivatives weighs as much as the "
                "data. Give a smaller gamma",
                stacklevel=3,
            )
        return Promotion(
            coefficients.reshape(self.shape),
            float(objective),
            float(bound),
            float((objective - bound) / found.scale),
            found.n_iter,
            bool(found.gap < tol and certified),
            self.metric.undetermined,
            found.state,
        )

    def interpolants(self) -> Interpolation:
        """Return all w that fit exactly."""
        return interpolation(self.metric, self.design, self.target)

    def least_squares(self) -> LeastSquares:
        """Return the loss, with a first weight that all but interpolates."""
        products = self.design.T @ self.design
        # Without a penalty any weight does.
        weight = 10 * (np.trace(self.metric.matrix) or np.trace(products)) / max(np.trace(products), 1e-300)
        square = float(self.target @ self.target)
        return LeastSquares(products, self.design.T @ self.target, square, self.metric.matrix, weight)


def _checked_data(
    penalty: Penalty, design: np.ndarray, target: np.ndarray
) -> tuple[np.ndarray, np.ndarray, tuple[int, ...]]:
    """Check the data; return one row per equation, all outputs in one column, and the shape of the answer."""
    design, target = np.asarray(design, dtype=float), np.asarray(target, dtype=float)
    if design.ndim != 2 or target.ndim not in (1, 2) or len(target) != len(design) or not len(design):
        raise ValueError(
            f"design must have shape (sample, feature) and target (sample,) or (sample, output), with at least one "
            f"sample, got {design.shape} and {target.shape}"
        )
    for name, values in (("design", design), ("target", target)):
        if not np.all(np.isfinite(values)):
            raise ValueError(f"{name} holds values that are not finite: leave these samples out")
    shape = (design.shape[1],) if target.ndim == 1 else (target.shape[1], design.shape[1])
    if penalty.n_unknowns != np.prod(shape):
        raise ValueError(
            f"lie_maps act on {penalty.n_unknowns} coefficients, design and target ask for {shape}: columns are "
            "numbered (output, feature)"
        )
    if target.ndim == 2:
        design = np.kron(np.eye(shape[0]), design)
    return design, target.T.ravel(), shape
