"""`SpectralAveraging`: exactly invariant regression by projecting coefficients, eigenspace by eigenspace."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from symdyn.data.tasks import on_one_thread
from symdyn.invariant.isometry_groups.manifold_generators import without_redundant
from symdyn.invariant.manifolds import Box
from symdyn.invariant.manifolds.isometries import as_isometries
from symdyn.invariant.series import column_means, cut_errors, evaluate, folds_of, least_squares
from symdyn.invariant.spectral_cut import checked_limit, invariant_spaces, rule
from symdyn.sums.data_charts import chart_of_points

if TYPE_CHECKING:
    from symdyn.invariant.spectral_cut import Invariants

__all__ = ["SpectralAveraging"]

_TURNS = {"invariant": False, "vector": True}  # whether values turn with the manifold
_MANY = 32  # given elements from which it pays to look for those that generate the others


class SpectralAveraging(RegressorMixin, BaseEstimator):
    """Fit functions that are exactly invariant under a group, without listing its elements.

    f is a sum of eigenfunctions of the Laplacian of a compact manifold. A group of isometries maps each eigenspace to
    itself, so f is invariant if and only if the coefficients c of each eigenspace satisfy D(g) c = c for the
    generators g (Spec-AVG: Soleymani, Tahmasebi, Jegelka, Jaillet, arXiv 2502.19758). The published algorithm is
    `estimator="mean"`; least squares on the invariant functions, connected groups, other cuts and vectors
    are extensions.

    Parameters
    ----------
    manifold : Manifold, optional
        Where the points lie. By default a box around the data, each state in units of its spread; a group needs a
        manifold on which it acts.
    group : Elements, LieAlgebra, or a list of these, optional
        Generators of a compact group of isometries, on the coordinates of the manifold.
    estimator : {"mean", "lstsq"}
        Coefficients are means of y times eigenfunctions (the samples must be uniform; variance (noise^2 + |f|^2) D / n)
        or least squares (any density; variance noise^2 D / n).
    smoothness : float, optional
        s of the Sobolev space H^s of f, for the rule D = n^(1 / (1 + 2 s / dim)), used when no number is given; dim / 2
        + 1 by default. max_eigs_total : int or "cv", optional Largest number of eigenfunctions, invariant or not; whole
        eigenspaces only. `"cv"` takes the cut that predicts held-out samples best.
    max_eigs_invariant : int, optional
        Largest number of invariant functions; with `"cv"`, the largest tried.
    output : {"invariant", "vector"}
        `"vector"` fits laws x' = f(x) with f(g x) = A f(x), y of shape `(sample, n_coordinates)`, tangent to the
        manifold; an extension.
    density : callable, optional
        Density of the samples relative to the uniform one, for the mean estimator: weights are 1 / density(X).
    n_folds : int
        Number of folds of the cross-validation.

    Attributes
    ----------
    n_eigs_total_, n_eigs_invariant_ : int
        Numbers of eigenfunctions up to the cut, and of the invariant ones among them, the free coefficients.
    manifold_, group_
        The manifold and the group used.
    coefficients_ : ndarray, `(n_eigs_invariant_,)` or `(n_eigs_invariant_, target)`
        Coefficients of the orthonormal invariant functions.
    cut_errors_ : dict
        With `"cv"`, held-out mean squared error by number of eigenfunctions.

    Examples
    --------
    >>> import numpy as np
    >>> from symdyn.lie import groups
    >>> from symdyn.regression import SpectralAveraging, Torus
    >>> x = Torus(10, period=2).sample(1000) - 1
    >>> y = (x**2).sum(axis=1)
    >>> torus, flips = Torus(10, period=2), groups.sign_flips(10)
    >>> model = SpectralAveraging(torus, flips, estimator="lstsq", max_eigs_total=1161)
    >>> model.fit(x, y).n_eigs_invariant_
    176
    """

    def __init__(
        self,
        manifold=None,
        group=None,
        *,
        estimator="mean",
        smoothness=None,
        max_eigs_total=None,
        max_eigs_invariant=None,
        output="invariant",
        density=None,
        n_folds=5,
    ):
        self.manifold = manifold
        self.group = group
        self.estimator = estimator
        self.smoothness = smoothness
        self.max_eigs_total = max_eigs_total
        self.max_eigs_invariant = max_eigs_invariant
        self.output = output
        self.density = density
        self.n_folds = n_folds

    @on_one_thread
    def fit(self, X, y):
        """Fit the model.

        Parameters
        ----------
        X : array_like, `(sample, coordinate)`
        y : array_like, `(sample,)` or `(sample, target)`

        Returns
        -------
        self

        Raises
        ------
        ValueError
            For points off the manifold, for a group that does not act on it by isometries, for limits below 1, and for
            more coefficients than equations.

        Warns
        -----
        UserWarning
            If a given limit falls inside an eigenspace, or n is so small that the rule keeps the constant only.
        """
        self._check_options()
        given = validate_data(self, X, y, multi_output=True, y_numeric=True, ensure_min_samples=2, dtype=float)
        X, y = map(np.asarray, given)
        self._chart = None
        if self.manifold is None:
            self._chart = chart_of_points(X)
            self.manifold_ = _box_around(self._chart.points(X))
        else:
            self.manifold_ = self.manifold
        self.group_ = as_isometries(self.manifold_, self.group)
        if len(self.group_.matrices) > _MANY:
            self.group_ = without_redundant(self.manifold_, self.group_)
        X, vector = self._placed(X), _TURNS[self.output]
        targets = y.reshape(len(y), -1).astype(float)
        if vector and targets.shape[1] != self.manifold_.n_coordinates:
            raise ValueError(f"y must have {self.manifold_.n_coordinates} columns for output='vector', got {y.shape}")
        terms = self._terms(X, targets)
        if self.estimator == "mean":
            solution = column_means(terms, X, targets * self._weights(X)[:, None], vector=vector)
        else:
            solution = least_squares(folds_of(terms, X, targets, vector=vector))
        self.terms_ = terms
        self.coefficients_ = solution[:, 0] if y.ndim == 1 or vector else solution
        self.n_eigs_total_ = sum(term.space.multiplicity for term in terms)
        self.n_eigs_invariant_ = len(solution)
        self._shape = y.shape[1:]
        return self

    def predict(self, X):
        """Evaluate the fitted function `(sample,)` or `(sample, target)` at points."""
        check_is_fitted(self)
        X = self._placed(validate_data(self, X, reset=False, dtype=float))
        coefficients = self.coefficients_.reshape(self.n_eigs_invariant_, -1)
        n_outputs, vector = int(np.prod(self._shape, dtype=int)), _TURNS[self.output]
        values = evaluate(self.terms_, X, coefficients, vector=vector, n_outputs=n_outputs)
        if vector:
            values = self.manifold_.tangent(X, values)
        return values.reshape(len(X), *self._shape)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.regressor_tags.poor_score = True  # the rule keeps few functions, and expects uniform samples
        return tags

    def _check_options(self) -> None:
        for name, known in (("estimator", ("mean", "lstsq")), ("output", tuple(_TURNS))):
            if getattr(self, name) not in known:
                raise ValueError(f"{name} must be one of {known}, got {getattr(self, name)!r}")
        if self.manifold is None and (self.group is not None or _TURNS[self.output]):
            raise ValueError("a group and vectors need the manifold they live on; give manifold, such as Torus(2)")
        if self.density is not None and self.estimator != "mean":
            raise ValueError("density is used by estimator='mean'; least squares needs none")

    def _placed(self, X: np.ndarray) -> np.ndarray:
        if self._chart is not None:
            return np.clip(self._chart.points(X), self.manifold_.low, self.manifold_.high)
        return self.manifold_.check(X)

    def _terms(self, X: np.ndarray, targets: np.ndarray) -> list[Invariants]:
        """Return the eigenspaces that are kept."""
        vector = _TURNS[self.output]
        n_equations = targets.size if vector else len(targets)
        invariant = checked_limit("max_eigs_invariant", self.max_eigs_invariant)
        if isinstance(self.max_eigs_total, str) and self.max_eigs_total == "cv":
            return self._chosen(X, targets, min(invariant, 500, n_equations // 2), vector)
        total = checked_limit("max_eigs_total", self.max_eigs_total)
        ruled = not np.isfinite(min(total, invariant))
        if ruled:
            total = rule(self.manifold_, len(X), self.smoothness)
        limits = (total, invariant)
        terms = list(invariant_spaces(self.manifold_, self.group_, limits, vector=vector, tell=not ruled))
        if not terms:
            raise ValueError(f"max_eigs_invariant={self.max_eigs_invariant} is below the first eigenspace; raise it")
        free = sum(term.basis.shape[1] for term in terms)
        if self.estimator == "lstsq" and free > n_equations:
            raise ValueError(f"{free} invariant functions, but {n_equations} equations; lower max_eigs_invariant")
        if ruled and len(terms) == 1:
            warnings.warn(
                f"{len(X)} samples are too few for the rule, D = {total:.2f} on {self.manifold_}: only the constant is "
                "kept; give max_eigs_total or max_eigs_invariant",
                UserWarning,
                stacklevel=3,
            )
        return terms

    def _chosen(self, X: np.ndarray, targets: np.ndarray, invariant: float, vector: bool) -> list[Invariants]:
        """Choose the cut with the smallest error on samples left out."""
        if not 2 <= self.n_folds <= len(X):
            raise ValueError(f"n_folds must be between 2 and the number of samples, {len(X)}, got {self.n_folds}")
        limits = (max(2000, len(X)), max(invariant, 1))
        terms = list(invariant_spaces(self.manifold_, self.group_, limits, vector=vector))
        if not terms:
            raise ValueError("too few samples for the first eigenspace; give max_eigs_total as a number")
        widths = np.cumsum([term.basis.shape[1] for term in terms])
        folds = folds_of(terms, X, targets, self._weights(X), vector=vector, n_folds=self.n_folds)
        errors = cut_errors(folds, widths, mean=self.estimator == "mean")
        totals = np.cumsum([term.space.multiplicity for term in terms])
        self.cut_errors_ = {int(total): float(error) for total, error in zip(totals, errors, strict=True)}
        return terms[: int(np.argmin(errors)) + 1]

    def _weights(self, X: np.ndarray) -> np.ndarray:
        if self.density is None:
            return np.ones(len(X))
        density = np.asarray(self.density(X), dtype=float)
        if density.shape != (len(X),) or not np.all(density > 0):
            raise ValueError(f"density must give one positive number a sample, got shape {density.shape}")
        return 1 / density


def _box_around(X: np.ndarray) -> Box:
    low, high = X.min(axis=0), X.max(axis=0)
    return Box(low, np.where(high > low, high, low + 1.0))
