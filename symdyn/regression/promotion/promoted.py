"""`PromotedRegressor`: regression that breaks as few candidate symmetries as the data allow."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from numbers import Real

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from symdyn.lie.equivariance import equivariant_subspace
from symdyn.lie.features import as_features
from symdyn.lie.lie_maps import exponents_of
from symdyn.lie.subspace import Subspace
from symdyn.regression.promotion.candidates import candidate_maps
from symdyn.regression.promotion.choice import chosen_gamma, gamma_grid
from symdyn.regression.promotion.promote import promotion_path
from symdyn.regression.promotion.reading import kept_symmetries, settled

__all__ = ["PromotedRegressor"]

_FAR = 10.0  # distance of a state from 0, in its spread, from which monomials are hard to tell apart


class PromotedRegressor(RegressorMixin, BaseEstimator):
    """y = W theta(x) by least squares plus gamma times the nuclear norm of the Lie derivatives along candidates.

        min |Theta W^T − Y|^2 / 2 + gamma |v -> L(v, W theta)|_* + l1 |W|_1

    in units in which each generator has length 1 on the data, features root mean square 1, and outputs standard
    deviation 1 (invariants one by one, components of a vector field together). For finite candidates g the lengths
    |F(g x) − F(x)| are added to the norm.

    It helps where F keeps most of the candidates; where most are broken, all are shrunk, and it fits worse than least
    squares: there is a warning, and a smaller set of candidates is the cure.

    Parameters
    ----------
    candidates : Generators, LieAlgebra, Elements, or list
        Of generators that depend on each other linearly, a basis is taken.
    features : Features or pysindy feature library
    output : {"invariant", "vector_field", "map", "second_order"}
        What F is: a function that no motion changes, x' at x, the next x, or x'' at (x, x').
    gamma : float, "cv" or "noise"
        Weight; `"cv"` chooses it by five folds (the largest that is not clearly worse than the best), `"noise"` as the
        largest whose residuals are no larger than `noise`.
    debias : bool
        Read off the symmetries that are kept, enforce them, and fit again without the penalty.
    l1 : float
        Weight of sparsity in `promoted_coef_`; debiasing fits all terms that the symmetry leaves.
    noise : float or array `(output,)`, optional
        Standard deviation of the noise in y, in its units, for gamma="noise".
    tol, max_iter
        As for `promote`.

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
        Of v -> L(v, F), descending. What is kept is read off a fit in which symmetries that are hardly broken weigh
        more, between `promoted_coef_` and the debiased one; these are its singular values.
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
        max_iter: int = 10000,
    ):
        self.candidates = candidates
        self.features = features
        self.output = output
        self.gamma = gamma
        self.debias = debias
        self.l1 = l1
        self.noise = noise
        self.tol = tol
        self.max_iter = max_iter

    def fit(self, X, y):
        """Fit.

        Parameters
        ----------
        X : array, `(sample, state)`
        y : array, `(sample,)` or `(sample, output)`

        Raises
        ------
        ValueError
            For shapes or values that do not fit, for gamma="noise" without `noise`, and where features cannot be told
            apart on the samples.

        Warns
        -----
        UserWarning
            If most candidates are broken, states lie far from 0, no weight reaches `noise`, or the gap stays above
            `tol`.
        """
        validate_data(self, X, skip_check_array=True)  # the names of its columns
        X, Y = _checked(X, y)
        self.n_features_in_, self._flat = X.shape[1], np.ndim(y) == 1
        self._functions = as_features(self.features, X.shape[1])
        _warn_if_far(X)
        try:
            return self._fit(X, Y)
        except np.linalg.LinAlgError as error:
            raise ValueError(
                f"the features cannot be told apart on these samples ({error}): shift and scale the states, and the "
                "candidates with them, or take fewer features"
            ) from error

    def _fit(self, X, Y):
        Y = Y - X[:, : Y.shape[1]] if self.output == "map" else Y
        scales = _scales(Y, self.output)
        design, sizes = _of_unit_size(self._functions(X))
        target = Y / scales
        maps = candidate_maps(self._functions, self.candidates, X, self.output, scales, sizes)
        problem = (maps.penalty, design, target, self.l1)
        self.path_ = {"gamma": gamma_grid(*problem[:3])}
        ends = {"tol": self.tol, "max_iter": self.max_iter}
        with _one_speaks_for_all():
            self.gamma_ = self._choose(problem, scales)
        found = promotion_path(maps.penalty, design, target, [self.gamma_], l1=self.l1, **ends)[0]
        self.gap_ = found.gap
        with _one_speaks_for_all():
            adapted = settled(problem, found, maps.n_generators, self.gamma_, **ends)
            kept = kept_symmetries(maps, adapted, problem, self.gamma_, self.output)
        self.singular_values_, self.broken_, self.symmetry_ = kept.singular_values, kept.n_broken, kept.symmetry
        _warn_if_broken(kept)
        promoted = found.coefficients * scales[:, None] / sizes
        coefficients, self.subspace_ = promoted, None
        if self.debias and self.symmetry_ is not None:
            self.subspace_ = self._allowed(kept, Y.shape[1])
            coefficients = _debiased(self.subspace_, design * sizes, Y, scales, promoted)
        self.promoted_coef_ = promoted[0] if self._flat else promoted
        self.coef_ = coefficients[0] if self._flat else coefficients
        return self

    def predict(self, X):
        """y at X `(sample, state)`."""
        check_is_fitted(self, "coef_")
        shape, expected = np.shape(X), self.n_features_in_
        if len(shape) != 2 or shape[1] != expected:
            raise ValueError(f"X must have shape (sample, {expected}), got {shape}")
        validate_data(self, X, reset=False, skip_check_array=True)
        X = np.asarray(X, dtype=float)
        values = self._functions(X) @ np.atleast_2d(self.coef_).T
        values = values + X[:, : values.shape[1]] if self.output == "map" else values
        return values[:, 0] if self._flat else values

    def _choose(self, problem, scales):
        if isinstance(self.gamma, str) and self.gamma not in ("cv", "noise"):
            raise ValueError(f"gamma must be a number above 0, 'cv' or 'noise', got {self.gamma!r}")
        if not isinstance(self.gamma, str):
            if not (isinstance(self.gamma, Real) and np.isfinite(self.gamma) and self.gamma > 0):
                raise ValueError(f"gamma must be a number above 0, 'cv' or 'noise', got {self.gamma!r}")
            return float(self.gamma)
        noise = None
        if self.gamma == "noise":
            if self.noise is None:
                raise ValueError("gamma='noise' needs noise, the standard deviation of the noise in y")
            given = np.asarray(self.noise, dtype=float)
            if given.shape not in ((), (1,), scales.shape) or not np.all(np.isfinite(given)) or np.any(given <= 0):
                raise ValueError(f"noise must be above 0, one number or one for each output, got {self.noise!r}")
            noise = given / scales
        gamma, errors = chosen_gamma(*problem, self.path_["gamma"], noise)
        self.path_["error"] = errors
        return gamma

    def _allowed(self, kept, n_outputs):
        """The Subspace that the kept symmetries leave, solved in their units."""
        n = n_outputs if self.output == "invariant" else None
        allowed = equivariant_subspace(self._functions, kept.to_enforce, output=self.output, n_outputs=n)
        if np.all(kept.units == 1):
            return allowed
        # y_i = x_i / d_i: coefficients of x^a are those of y^a over d^a, components of a vector field times d_i.
        states = np.resize(kept.units, self.n_features_in_)
        columns = np.exp(-exponents_of(self._functions, len(states)) @ np.log(states))
        rows = np.ones(n_outputs) if self.output == "invariant" else kept.units
        turned = np.outer(rows, columns).ravel()
        basis = allowed.basis * turned[:, None] / turned[allowed.pivots]
        return Subspace(basis, allowed.shape, allowed.pivots)


@contextmanager
def _one_speaks_for_all():
    """Of many solves, those inside say nothing of their gaps and of undetermined directions."""
    with warnings.catch_warnings():
        for message in ("promote stopped", "promote has no certificate", r"\d+ directions of coefficients"):
            warnings.filterwarnings("ignore", message=message)
        yield


def _debiased(subspace, design, Y, scales, promoted):
    if subspace.dim == 0:
        warnings.warn(
            "the symmetries that promotion keeps leave no term of the library: coef_ is not debiased. Give more "
            "features, or fewer candidates",
            stacklevel=5,
        )
        return promoted
    basis = subspace.basis.reshape(*subspace.shape, -1)
    rows = np.einsum("sf,ofd->osd", design, basis / scales[:, None, None]).reshape(-1, subspace.dim)
    rows, lengths = _of_unit_size(rows)
    free = np.linalg.lstsq(rows, (Y / scales).T.ravel(), rcond=None)[0] / lengths
    return subspace.expand(free)


def _of_unit_size(design):
    """Columns divided by their root mean squares, and these."""
    sizes = np.sqrt(np.mean(design**2, axis=0))
    sizes = np.where(sizes > 0, sizes, 1.0)
    return design / sizes, sizes


def _scales(Y, output):
    """Units of the outputs; one for all of them where generators mix them."""
    variances = Y.var(axis=0)
    variances = variances if output == "invariant" else np.full(len(variances), variances.mean())
    return np.sqrt(np.where(variances > 1e-24 * np.mean(Y**2, axis=0), variances, 1.0))  # what varies by rounding: 1


def _checked(X, y):
    for name, values in (("X", X), ("y", y)):
        if np.ma.is_masked(values):
            raise ValueError(f"{name} holds masked values: leave these samples out")
        if np.iscomplexobj(values):
            raise ValueError(f"{name} is complex: give real and imaginary parts as columns")
    X, y = np.asarray(X, dtype=float), np.asarray(y, dtype=float)
    if X.ndim != 2 or y.ndim not in (1, 2) or len(X) != len(y) or len(X) < 2:
        raise ValueError(f"X must have shape (sample, state) and y (sample[, output]), got {X.shape} and {y.shape}")
    for name, values in (("X", X), ("y", y)):
        if not np.all(np.isfinite(values)):
            raise ValueError(f"{name} holds values that are not finite: leave these samples out")
    return X, y.reshape(len(y), -1)


def _warn_if_far(X):
    spread = X.std(axis=0)
    far = np.abs(X.mean(axis=0)) / np.where(spread > 0, spread, np.inf)
    if far.max() > _FAR:
        warnings.warn(
            f"column {int(np.argmax(far))} of X lies {far.max():.0f} times its spread from 0: powers of it are nearly "
            "dependent, and promotion is slow and inexact. Shift the states, and the candidates with them",
            stacklevel=3,
        )


def _warn_if_broken(kept):
    if 2 * kept.n_broken > kept.n_candidates:
        warnings.warn(
            f"{kept.n_broken} of {kept.n_candidates} candidate symmetries are broken: promotion shrinks what breaks "
            "them and may fit worse than least squares. Give candidates of which the law keeps most, such as those of "
            "a smaller group",
            stacklevel=4,
        )
