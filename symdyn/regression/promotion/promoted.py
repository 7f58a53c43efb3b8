"""`PromotedRegressor`: regression that breaks as few candidate symmetries as the data allow."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from symdyn.lie.equivariance import equivariant_subspace
from symdyn.regression.promotion.candidates import candidate_maps
from symdyn.regression.promotion.choice import chosen_gamma, gamma_grid
from symdyn.regression.promotion.promote import promotion_path
from symdyn.regression.promotion.reading import kept_symmetries, settled

__all__ = ["PromotedRegressor"]


class PromotedRegressor(RegressorMixin, BaseEstimator):
    """y = W theta(x) by least squares plus gamma times the nuclear norm of the Lie derivatives along candidates.

        min |Theta W^T − Y|^2 / 2 + gamma |v -> L(v, W theta)|_* + l1 |W|_1

    in units in which each generator has length 1 on the data, and outputs standard deviation 1 (invariants one by one,
    components of a vector field together). For finite candidates g the lengths |F(g x) − F(x)| are added to the norm.

    It helps where F keeps most of the candidates; where most are broken, all are shrunk, and it fits worse than least
    squares: there is a warning, and a smaller set of candidates is the cure.

    Parameters
    ----------
    candidates : Generators, LieAlgebra, Elements, or list
    features : Features
    output : {"invariant", "vector_field", "map", "second_order"}
        What F is: a function that no motion changes, x' at x, the next x, or x'' at (x, x').
    gamma : float, "cv" or "noise"
        Weight; `"cv"` chooses it by five folds (the largest that is not clearly worse than the best), `"noise"` as the
        largest whose residuals are no larger than `noise`.
    debias : bool
        Read off the symmetries that are kept, enforce them, and fit again without the penalty.
    l1 : float
        Weight of sparsity.
    noise : float or array `(output,)`, optional
        Standard deviation of the noise in y, in its units, for gamma="noise".
    tol : float
        Certified gap, relative.

    Attributes
    ----------
    coef_ : ndarray, `(output, feature)`, or `(feature,)` for y of one axis
        Coefficients of the prediction.
    promoted_coef_ : ndarray
        The same before debiasing.
    symmetry_ : LieAlgebra, Elements, list of both, or None
        What the fit keeps. Generators that are no given candidates carry error bars, from leaving out a fifth each.
    broken_ : int
        Number of candidates that the fit breaks: the rank of v -> L(v, F), and of elements.
    singular_values_ : ndarray, `(generator,)`
        Of v -> L(v, F), descending.
    gamma_ : float
    gap_ : float
    path_ : dict
        `gamma`, and for `"cv"` the mean square `error` of the folds.
    subspace_ : Subspace or None
        What the symmetry leaves free, if debiased.
    """

    def __init__(
        self,
        candidates,
        features,
        *,
        output: str = "invariant",
        gamma="cv",
        debias: bool = True,
        l1: float = 0.0,
        noise=None,
        tol: float = 1e-6,
    ):
        self.candidates = candidates
        self.features = features
        self.output = output
        self.gamma = gamma
        self.debias = debias
        self.l1 = l1
        self.noise = noise
        self.tol = tol

    def fit(self, X, y):
        """Fit.

        Parameters
        ----------
        X : array, `(sample, state)`
        y : array, `(sample,)` or `(sample, output)`

        Raises
        ------
        ValueError
            For shapes or values that do not fit, and for gamma="noise" without `noise`.

        Warns
        -----
        UserWarning
            If most candidates are broken.
        """
        X, Y = _checked(X, y)
        self.n_features_in_, self._flat = X.shape[1], np.ndim(y) == 1
        Y = Y - X[:, : Y.shape[1]] if self.output == "map" else Y
        scales = _scales(Y, self.output)
        design, target = self.features(X), Y / scales
        maps = candidate_maps(self.features, self.candidates, X, self.output, scales)
        problem = (maps.penalty, design, target, self.l1)
        self.path_ = {"gamma": gamma_grid(*problem[:3])}
        self.gamma_ = self._choose(problem, scales)
        found = promotion_path(maps.penalty, design, target, [self.gamma_], l1=self.l1, tol=self.tol)[0]
        self.gap_ = found.gap
        adapted, problem = settled(problem, found, maps.n_generators, self.gamma_)
        kept = kept_symmetries(maps, adapted, problem, self.gamma_)
        self.singular_values_, self.broken_, self.symmetry_ = kept.singular_values, kept.n_broken, kept.symmetry
        _warn_if_broken(kept)
        promoted = found.coefficients * scales[:, None]
        coefficients, self.subspace_ = promoted, None
        if self.debias and self.symmetry_ is not None:
            coefficients = self._debiased(design, Y, scales, promoted)
        self.promoted_coef_ = promoted[0] if self._flat else promoted
        self.coef_ = coefficients[0] if self._flat else coefficients
        return self

    def predict(self, X):
        """y at X `(sample, state)`."""
        check_is_fitted(self, "coef_")
        X = np.asarray(X, dtype=float)
        if X.ndim != 2 or X.shape[1] != self.n_features_in_:
            raise ValueError(f"X must have shape (sample, {self.n_features_in_}), got {X.shape}")
        values = self.features(X) @ np.atleast_2d(self.coef_).T
        values = values + X[:, : values.shape[1]] if self.output == "map" else values
        return values[:, 0] if self._flat else values

    def _choose(self, problem, scales):
        if isinstance(self.gamma, str) and self.gamma not in ("cv", "noise"):
            raise ValueError(f"gamma must be a number, 'cv' or 'noise', got {self.gamma!r}")
        if not isinstance(self.gamma, str):
            return float(self.gamma)
        noise = None
        if self.gamma == "noise":
            if self.noise is None:
                raise ValueError("gamma='noise' needs noise, the standard deviation of the noise in y")
            noise = np.asarray(self.noise, dtype=float) / scales
        gamma, errors = chosen_gamma(*problem, self.path_["gamma"], noise)
        self.path_["error"] = errors
        return gamma

    def _debiased(self, design, Y, scales, promoted):
        self.subspace_ = equivariant_subspace(
            self.features,
            self.symmetry_,
            output=self.output,
            n_outputs=Y.shape[1] if self.output == "invariant" else None,
        )
        if self.subspace_.dim == 0:
            warnings.warn(
                "the symmetries that promotion keeps leave no term of the library: coef_ is not debiased. Give more "
                "features, or fewer candidates",
                stacklevel=3,
            )
            return promoted
        basis = self.subspace_.basis.reshape(*self.subspace_.shape, -1)
        rows = np.einsum("sf,ofd->osd", design, basis / scales[:, None, None]).reshape(-1, self.subspace_.dim)
        free = np.linalg.lstsq(rows, (Y / scales).T.ravel(), rcond=None)[0]
        return self.subspace_.expand(free)


def _scales(Y, output):
    """Units of the outputs; one for all of them where generators mix them."""
    variances = Y.var(axis=0)
    variances = variances if output == "invariant" else np.full(len(variances), variances.mean())
    return np.sqrt(np.where(variances > 0, variances, 1.0))


def _checked(X, y):
    X, y = np.asarray(X, dtype=float), np.asarray(y, dtype=float)
    if X.ndim != 2 or y.ndim not in (1, 2) or len(X) != len(y) or len(X) < 2:
        raise ValueError(f"X must have shape (sample, state) and y (sample[, output]), got {X.shape} and {y.shape}")
    for name, values in (("X", X), ("y", y)):
        if not np.all(np.isfinite(values)):
            raise ValueError(f"{name} holds values that are not finite: leave these samples out")
    return X, y.reshape(len(y), -1)


def _warn_if_broken(kept):
    if 2 * kept.n_broken > kept.n_candidates:
        warnings.warn(
            f"{kept.n_broken} of {kept.n_candidates} candidate symmetries are broken: promotion shrinks what breaks "
            "them and may fit worse than least squares. Give candidates of which the law keeps most, such as those of "
            "a smaller group",
            stacklevel=3,
        )
