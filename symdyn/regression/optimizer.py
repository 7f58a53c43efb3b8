"""`EquivariantOptimizer`: any pysindy or scikit-learn optimizer in the coordinates that a symmetry leaves free."""

from __future__ import annotations

import copy
import warnings
from typing import TYPE_CHECKING, Any, NoReturn, Self

import numpy as np
import pysindy as ps
from pysindy.feature_library.base import BaseFeatureLibrary
from pysindy.optimizers.base import BaseOptimizer
from sklearn.base import BaseEstimator, clone
from sklearn.linear_model import LinearRegression, Ridge

from symdyn.functions.features import Features
from symdyn.lie.actions import action_of
from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.lie.chart import Chart
from symdyn.lie.constraints.equivariance import generic_points, in_chart
from symdyn.lie.constraints.subspace import Subspace
from symdyn.lie.constraints.violation import Violation, explained_violations
from symdyn.regression.enforcing.enforcement import SymmetryLike
from symdyn.regression.enforcing.solving import Fitted, is_unbiased, reading, scaled_ridge, sharpened, support
from symdyn.regression.enforcing.tied_targets import commuting_whitener, compressed, is_full, stacked, tied_targets
from symdyn.regression.model_constraint import (
    allowed,
    fallen_terms,
    library_features,
    output_actions,
    usable_symmetries,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["EquivariantOptimizer", "InChart", "acts_in_chart", "counts_rows", "default_optimizer"]

# These see the rows only through sums of products; so does SR3 unless it trims rows.
_NO_RIDGE = 1e-8  # a penalty that small is there for the solver
_SUMS_ONLY = (ps.STLSQ, ps.SR3, ps.SSR, ps.FROLS, LinearRegression, Ridge)  # and what derives from STLSQ here


class EquivariantOptimizer(BaseOptimizer):
    """Restrict any pysindy or scikit-learn optimizer to the coefficients that a symmetry allows.

    Coefficients are written in free coordinates, W = expand(beta), so sparsity acts on whole tuples of tied terms and
    `coef_` lies in the Subspace to rounding, whatever the optimizer does. Targets that share free coefficients form one
    regression problem; others are separate problems, as they are without symmetry.

    Parameters
    ----------
    optimizer : estimator
        Cloned before it is fitted; `STLSQ` by default. Ensembles inside keep the symmetry for any aggregator.
    symmetry : LieAlgebra, Generators, VectorField, matrices, Elements, Conserved, a list of these, a Subspace, or None
        Algebras with error bars are made canonical first; the remaining error bars set the rank cut.
    library : pysindy feature library or Features
        The library that makes the columns.
    kind : {"flow", "map", "second_order", "invariant"}
        What the coefficients are of: x', the increment F(x) − x, q'', or scalars. If the symmetry is linear, F itself
        may be given in place of the increment, as pysindy's `DiscreteSINDy` does.
    compress : bool or "auto"
        Whether to replace the rows by a QR factor; "auto" does so where that is exact.
    whiten : bool
        Whether to weight targets by the inverse covariance of the residuals, averaged so that it commutes with the
        symmetry.
    chart : Chart, optional
        Of states and inputs: the columns are the library's functions in this chart (`Chart.features`), targets are in
        its units, and so are `coef_` and `subspace_`. Symmetry and library are still given in the units of the data.

    Attributes
    ----------
    coef_ : ndarray, `(target, feature)`
    subspace_ : Subspace
    symmetries_ : list
        The parts of the symmetry as they were used.
    optimizers_ : list of estimator
        The fitted clones, one per group of tied targets, in free coordinates.
    fallen_terms_ : list of str
        Terms lost because the library is not closed under the symmetry.
    violations_ : list of Violation
        For each inexact generator, the violation of the fit and how much of it the error bar explains.

    Examples
    --------
    >>> import numpy as np
    >>> import pysindy as ps
    >>> import symdyn as sd
    >>> from symdyn.regression import EquivariantOptimizer
    >>> x = np.random.default_rng(0).normal(size=(200, 2))
    >>> library, law = ps.PolynomialLibrary(3), sd.systems.exact_law("hopf")
    >>> inside = EquivariantOptimizer(ps.STLSQ(threshold=0.1), sd.candidates.so(2), library)
    >>> inside = inside.fit(library.fit_transform(x), law(x))
    >>> inside.optimizers_[0].coef_.round(2)  # STLSQ saw four free coefficients
    array([[ 0.5, -1.3, -1. ,  0. ]])
    >>> inside.coef_.round(2) + 0.0
    array([[ 0. ,  0.5, -1.3,  0. ,  0. ,  0. , -1. ,  0. , -1. ,  0. ],
           [ 0. ,  1.3,  0.5,  0. ,  0. ,  0. ,  0. , -1. ,  0. , -1. ]])
    """

    intercept_: Any  # 0, as of all optimizers of pysindy, which declares an array

    def __init__(
        self,
        optimizer: BaseEstimator | None = None,
        symmetry: SymmetryLike | None = None,
        library: Features | BaseFeatureLibrary | None = None,
        *,
        kind: str = "flow",
        compress: bool | str = "auto",
        whiten: bool = False,
        chart: Chart | None = None,
    ):
        super().__init__(copy_X=False, unbias=False)
        self.optimizer = optimizer
        self.symmetry = symmetry
        self.library = library
        self.kind = kind
        self.compress = compress
        self.whiten = whiten
        self.chart = chart

    # pysindy's own optimizers return None, against scikit-learn's rule.
    def set_params(self, **params) -> Self:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Set parameters and return self, which pysindy's own optimizers do not."""
        super().set_params(**params)
        return self

    def fit(self, x_: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None, **reduce_kws) -> Self:
        """Fit the coefficients inside the symmetry.

        Parameters
        ----------
        x_ : array, `(sample, feature)`
        y : array, `(sample, target)`
        sample_weight : array, `(sample,)`, optional
        **reduce_kws
            Handed on to the optimizer.

        Raises
        ------
        ValueError
            If the symmetry leaves no term of the library, the optimizer fits an intercept, or `compress` is True for an
            optimizer that counts rows.
        """
        optimizer = self.optimizer if self.optimizer is not None else ps.STLSQ()
        _check(optimizer, self.compress)
        rows, targets = _complete_rows(x_, y, sample_weight)
        self._constrain((targets.shape[1], rows.shape[1]))
        if self.compress is True or (self.compress == "auto" and not counts_rows(optimizer)):
            rows, targets = compressed(rows, targets)
        if self._is_plain():
            self.optimizers_ = [_sharp(_fitted(optimizer, rows, targets, reduce_kws), optimizer, rows, targets)]
            # As plain as pysindy: `STLSQ(sparse_ind=...)` keeps the other columns in `optvar_non_sparse_`.
            self.coef_ = np.atleast_2d(np.array(self.optimizers_[0].coef_, dtype=float))
            self.history_ = getattr(self.optimizers_[0], "history_", [self.coef_])
        else:
            self.coef_ = self.subspace_.expand(self._fit_groups(optimizer, rows, targets, reduce_kws))
            self.history_ = [self.coef_]
        self.ind_ = self.coef_ != 0
        self.intercept_ = 0.0
        self.violations_ = self._violations()
        return self

    def __getattr__(self, name: str):
        """Get parameters and methods of the wrapped optimizer, and results that are not in free coordinates."""
        if hasattr(type(self), name):  # a property that raised, such as `complexity` before the fit: its own error
            return object.__getattribute__(self, name)
        wrapped, found = self.__dict__.get("optimizer"), self.__dict__.get("optimizers_", [])
        if not name.startswith("_"):
            if hasattr(wrapped, name):
                return getattr(wrapped, name)
            if found and self._is_plain() and hasattr(found[0], name):
                return getattr(found[0], name)
        hint = "; what the optimizers found in free coordinates is in `optimizers_`" if found else ""
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}{hint}")

    def _is_plain(self) -> bool:
        """Return whether nothing is constrained, so that the wrapped optimizer sees the columns themselves."""
        return is_full(self.subspace_) and not self.whiten

    def _reduce(self, *data: np.ndarray) -> NoReturn:
        raise TypeError("EquivariantOptimizer is fitted by fit, not by _reduce")

    def _constrain(self, shape: tuple[int, int]) -> None:
        """Set the attributes that follow from symmetry and library alone."""
        self.symmetries_, self.fallen_terms_, self._features = [], [], None
        if self.symmetry is None:
            self.subspace_ = Subspace.full(shape)
        elif isinstance(self.symmetry, Subspace):
            if self.symmetry.shape != shape:
                raise ValueError(f"the Subspace is of coefficients {self.symmetry.shape}, the data ask for {shape}")
            if self.symmetry.dim == 0:
                raise ValueError("the Subspace holds nothing but zero: no term is left to fit")
            self.subspace_ = self.symmetry
        else:
            self.symmetries_ = usable_symmetries(self.symmetry)
            n_inputs = action_of(self.kind).n_arguments(len(self.symmetries_[0].states))
            self._features = library_features(self.library, n_inputs)
            self.subspace_ = allowed(self._features, self.symmetries_, shape, self.kind, self.chart)
            self.fallen_terms_ = fallen_terms(self._features, self.symmetries_, self.subspace_, self.kind)
            if self.fallen_terms_:
                warnings.warn(
                    "the library is not closed under the symmetry, which turns some of its terms into functions that "
                    f"it lacks; they fall out: {', '.join(self.fallen_terms_)}",
                    UserWarning,
                    stacklevel=3,
                )

    def _fit_groups(
        self, optimizer: BaseEstimator, rows: np.ndarray, targets: np.ndarray, reduce_kws: dict[str, object]
    ) -> np.ndarray:
        """Fit free coefficients `(dim,)`, by one regression per group of tied targets."""
        beta, self.optimizers_ = np.zeros(self.subspace_.dim), []
        whitener, groups = None, tied_targets(self.subspace_)
        if self.whiten:
            if not self.symmetries_:
                raise ValueError("whiten=True needs the symmetry itself: a Subspace does not say how targets move")
            residuals = targets - rows @ np.linalg.lstsq(rows, targets, rcond=None)[0]
            parts = self.symmetries_ if self.chart is None else in_chart(self.symmetries_, self.chart)
            whitener = commuting_whitener(residuals, output_actions(parts, targets.shape[1], self.kind))
            everything = groups[0]._replace(
                targets=np.arange(targets.shape[1]), coordinates=np.arange(self.subspace_.dim)
            )
            groups = [everything]
        for group in groups:
            block, block_targets = stacked(rows, targets, self.subspace_, group, whitener)
            tied = self.subspace_.basis.reshape(*self.subspace_.shape, -1)[group.targets][:, :, group.coordinates]
            change, factor = reading(optimizer, tied)
            found = _fitted(optimizer, factor * block @ change, factor * block_targets, reduce_kws)
            if np.size(found.coef_) != block.shape[1] * block_targets.shape[1]:
                raise ValueError(
                    f"{type(optimizer).__name__} gives no coef_ with one coefficient a column after its fit"
                )
            found.coef_ = found.coef_ @ change.T
            self.optimizers_.append(_sharp(found, optimizer, block, block_targets))
            beta[group.coordinates] = np.ravel(found.coef_)
        return beta

    def _violations(self) -> list[Violation]:
        inexact = [part for part in self.symmetries_ if isinstance(part, LieAlgebra) and not part.exact.all()]
        if not inexact or self._features is None:
            return []
        n_inputs = action_of(self.kind).n_arguments(len(inexact[0].states))
        features, parts = self._features, inexact
        if self.chart is not None:
            features, parts = self.chart.features(features), in_chart(inexact, self.chart)
        points = generic_points(features, n_inputs, 200, 23)
        found = [explained_violations(features, self.coef_, part, points, self.kind) for part in parts]
        texts = [text for part in inexact for text in part.texts()]
        violations = [violation for part in found for violation in part]
        return [one._replace(generator=text) for one, text in zip(violations, texts, strict=True)]


class InChart(ps.STLSQ):
    """Apply STLSQ with a threshold in the chart of the data, where states, rates and terms are of size 1.

    Terms are judged by least squares that stays accurate on ill-conditioned rows.
    """

    def _regress(self, x: np.ndarray, y: np.ndarray, dim: int, sparse_sub: np.ndarray) -> np.ndarray:
        if self.sparse_ind is not None:
            return np.asarray(super()._regress(x, y, dim, sparse_sub))
        self.iters += 1
        return scaled_ridge(x, y, self.alpha)


def default_optimizer(threshold: float = 0.01) -> InChart:
    """Build sequential thresholding in the chart, without a ridge, which would shrink laws from few windows."""
    return InChart(threshold=threshold, alpha=1e-10)


def acts_in_chart(optimizer: BaseEstimator | None) -> bool:
    """Return whether a fit is independent of units: by the default optimizer, or by one that penalises nothing."""
    if type(optimizer) is LinearRegression:  # those of pysindy derive from it
        return not optimizer.positive
    if type(optimizer) is ps.STLSQ:
        return optimizer.threshold == 0 and optimizer.alpha <= _NO_RIDGE and not optimizer.normalize_columns
    return optimizer is None or isinstance(optimizer, InChart)


def counts_rows(optimizer: BaseEstimator) -> bool:
    """Return whether an optimizer uses more than sums of products: the number of rows, or single rows."""
    known = type(optimizer) in _SUMS_ONLY or isinstance(optimizer, InChart)
    return not known or bool(getattr(optimizer, "use_trimming", False))


def _check(optimizer: BaseEstimator, compress: bool | str) -> None:
    if not hasattr(optimizer, "fit"):
        raise TypeError(f"optimizer must have a fit method, as those of pysindy and scikit-learn, got {optimizer!r}")
    if getattr(optimizer, "fit_intercept", False):
        raise ValueError(
            "the optimizer fits an intercept, which would break the symmetry: set fit_intercept=False and give the "
            "library a constant"
        )
    if compress not in (True, False, "auto"):
        raise ValueError(f"compress must be True, False or 'auto', got {compress!r}")
    if compress is True and counts_rows(optimizer):
        raise ValueError(
            f"{type(optimizer).__name__} counts or draws rows, so compressed rows would give another fit: set "
            "compress=False"
        )


def _complete_rows(x: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None) -> tuple[np.ndarray, np.ndarray]:
    """Return rows without NaN, as floats, times the square roots of their weights."""
    rows, targets = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if rows.ndim != 2 or len(rows) != len(targets):
        raise ValueError(f"x_ must be (sample, feature) and y as long, got shapes {rows.shape} and {targets.shape}")
    targets = targets.reshape(len(rows), -1)
    complete = ~(np.isnan(targets).any(axis=1) | np.isnan(rows).any(axis=1))
    rows, targets = rows[complete], targets[complete]
    if not len(rows):
        raise ValueError("no row is complete: every sample holds a NaN in x_ or y")
    if not (np.all(np.isfinite(rows)) and np.all(np.isfinite(targets))):
        raise ValueError("x_ and y must not hold infinities; look for features that overflow, such as 1/x at 0")
    if sample_weight is None:
        return rows, targets
    if np.ndim(sample_weight) and np.shape(sample_weight) != complete.shape:
        raise ValueError(f"sample_weight must hold one number a row, {complete.shape}, got {np.shape(sample_weight)}")
    weight = np.broadcast_to(np.asarray(sample_weight, dtype=float), complete.shape)[complete]
    if np.any(weight < 0) or not np.all(np.isfinite(weight)):
        raise ValueError("sample_weight must be finite and not negative")
    root = np.sqrt(weight)[:, None]
    return rows * root, targets * root


def _sharp(found: Fitted, optimizer: BaseEstimator, rows: np.ndarray, targets: np.ndarray) -> Fitted:
    """Refine a fitted optimizer to the full precision of its rows, if nothing is penalised in the end."""
    if is_unbiased(optimizer):
        shape, rows, targets = np.shape(found.coef_), *compressed(rows, targets)
        found.coef_ = sharpened(np.atleast_2d(found.coef_), support(found), rows, targets).reshape(shape)
    return found


def _fitted(optimizer: BaseEstimator, rows: np.ndarray, targets: np.ndarray, reduce_kws: dict[str, object]) -> Fitted:
    """Fit a clone that does not keep the rows, which would be pickled with the model."""
    try:
        found: Any = clone(optimizer)
    except (RuntimeError, TypeError):  # pysindy's WrappedOptimizer, and SR3 with an array of weights, cannot be cloned
        found = copy.deepcopy(optimizer)
    # scikit-learn's single-target models want one dimension.
    single = targets.shape[1] == 1 and not isinstance(found, BaseOptimizer)
    found.fit(rows, targets.ravel() if single else targets, **reduce_kws)
    if not hasattr(found, "coef_"):
        raise ValueError(f"{type(optimizer).__name__} has no coef_ after its fit")
    for part in (found, getattr(found, "opt", None), getattr(found, "optimizer", None)):
        if part is not None:
            vars(part).pop("Theta_", None)
    return found
