"""`PromotedRegressor`: regression that breaks as few candidate symmetries as the data allow."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from numbers import Real
from typing import TYPE_CHECKING

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from symdyn.data.numbers import real_array
from symdyn.data.tasks import on_one_thread
from symdyn.functions.features import Features, as_features
from symdyn.lie.actions import output_action
from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.lie.algebras.symmetries import as_group
from symdyn.lie.constraints.matching import matched
from symdyn.lie.groups import Elements
from symdyn.promotion.adaptive import settled
from symdyn.promotion.advice import warn_if_broken, warn_if_far, warn_of_no_debiasing
from symdyn.promotion.charted_maps import ChartedData
from symdyn.promotion.deciding import Rivals, decided
from symdyn.promotion.promote import Posed, promotion_path
from symdyn.promotion.promotion_candidates import Candidates, candidate_maps, check_shapes, linear_parts
from symdyn.promotion.reading import Kept, kept_symmetries, listed
from symdyn.promotion.strength_choice import chosen_gamma, gamma_grid

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from pysindy.feature_library.base import BaseFeatureLibrary

__all__ = ["PromotedRegressor"]


class PromotedRegressor(RegressorMixin, BaseEstimator):
    """Fit y = W theta(x) by least squares plus gamma times the nuclear norm of the Lie derivatives along candidates.

        min |Theta W^T − Y|^2 / 2 + gamma |v -> L(v, W theta)|_* + l1 |W|_1

    in the chart of the data: states are measured from their mean in units of their spread (in one common unit for
    states that candidates mix), features have root mean square 1, outputs standard deviation 1 (invariants one by one,
    and from their mean; components of a vector field together), and the generators are orthonormal there. Units,
    origin, and the basis in which candidates are given therefore do not matter. For finite candidates g, the lengths
    |F(g x) − F(x)| are added to the norm. Features that a shift does not map to themselves keep their origin.

    It helps where F respects most of the candidates. Where most are broken, the whole fit is shrunk and may be worse
    than least squares, which then replaces it with a warning; use a smaller set of candidates.

    Parameters
    ----------
    candidates : Generators, LieAlgebra, Elements, or list
        If generators are linearly dependent, a basis is used.
    features : Features or pysindy feature library
    output : {"invariant", "vector_field", "map", "second_order"}
        What F is: an invariant function, x' at x, the next x, or x'' at (x, x').
    gamma : float, "cv" or "noise"
        Weight; `"cv"` chooses it by five-fold cross-validation (the largest that is not clearly worse than the best),
        `"noise"` as the largest whose residuals are no larger than `noise`.
    debias : bool
        Read off the symmetries that are kept, enforce them, and fit again without the penalty, if the held-out errors
        do not exceed those of least squares and of the promoted fit by more than one standard error. If they do,
        generators are dropped one by one; if none is left, the better of the two fits is kept. One warning gives the
        numbers.
    l1 : float
        Weight of the l1 penalty in `promoted_coef_`; debiasing fits all terms that the symmetry leaves.
    noise : float or array `(output,)`, optional
        Standard deviation of the noise in y, in its units, for gamma="noise".
    tol, max_iter
        As for `promote`; 1e-8 makes predictions without debiasing reproducible to about 1e-6 in other units.

    Attributes
    ----------
    coef_ : ndarray, `(output, feature)`, or `(feature,)` for y of one axis
        Coefficients of the prediction, in the units of X and y. Far from the origin they lose digits that `predict`
        keeps.
    promoted_coef_ : ndarray
        The same before debiasing.
    enforced_ : list of LieAlgebra and Elements
        The kept symmetries that the prediction respects exactly.
    promoted_ : list
        The symmetries towards which it was only shrunk.
    dropped_ : list
        The symmetries that held-out samples contradicted.
    symmetry_ : LieAlgebra, Elements, list of both, or None
        What the fit keeps. Generators that are not themselves candidates carry error bars, from leaving out one fifth
        of the samples at a time; they are snapped to an exact algebra, such as rotations about an estimated centre, if
        it lies within these error bars.
    broken_ : int
        Number of candidates that the fit breaks: the rank of v -> L(v, F), and of elements.
    singular_values_ : ndarray, `(generator,)`
        Of v -> L(v, F), descending. Symmetries are read off an intermediate fit, between `promoted_coef_` and the
        debiased one, in which weakly broken symmetries weigh more; these are its singular values.
    gamma_ : float
    gap_ : float
    path_ : dict
        `gamma`, and for `"cv"` the mean square `error` of the folds.
    subspace_ : Subspace or None
        What the symmetry leaves free, if debiased.

    Examples
    --------
    >>> import numpy as np
    >>> import symdyn as sd
    >>> from symdyn.promotion import PromotedRegressor
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(40, 3))
    >>> y = x[:, 0] ** 2 + x[:, 1] ** 2 + 0.05 * rng.normal(size=40)  # a cylinder
    >>> candidates = sd.candidates.translations(3)[2:] + sd.candidates.so(3)
    >>> model = PromotedRegressor(candidates, "polynomial:2", gamma="noise", noise=0.05).fit(x, y)
    >>> model.symmetry_  # of four candidates, those that the data allow
    LieAlgebra R^2 on (x0, x1, x2)
      ∂x2
      x1 ∂x0 − x0 ∂x1
    >>> model.broken_, model.coef_.size, model.subspace_.dim  # of 10, 2 are free
    (2, 10, 2)
    """

    def __init__(
        self,
        candidates: Candidates,
        features: Features | BaseFeatureLibrary | str,
        *,
        output: str = "invariant",
        gamma: float | str = "cv",
        debias: bool = True,
        l1: float = 0.0,
        noise: ArrayLike | None = None,
        tol: float = 1e-8,
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

    @on_one_thread
    def fit(self, X: ArrayLike, y: ArrayLike) -> PromotedRegressor:
        """Fit the coefficients, and read off which of the candidates they keep.

        Parameters
        ----------
        X : array, `(sample, state)`
        y : array, `(sample,)` or `(sample, output)`

        Raises
        ------
        ValueError
            For invalid shapes or values, for gamma="noise" without `noise`, and if the samples cannot distinguish the
            features.

        Warns
        -----
        UserWarning
            If most candidates are broken, candidates or features refer to an origin far from the data, held-out samples
            contradict what is kept, no weight reaches `noise`, or the gap stays above `tol`.

        Examples
        --------
        >>> import numpy as np
        >>> from symdyn.promotion import PromotedRegressor
        >>> rng = np.random.default_rng(0)
        >>> x = rng.normal(size=(20, 2))
        >>> y = (x**2).sum(axis=1) + 0.1 * rng.normal(size=20)
        >>> model = PromotedRegressor("so(2)", "polynomial:2", gamma="noise", noise=0.1).fit(x, y)
        >>> model.coef_.round(2) + 0.0  # on 1, x, y, x^2, x y, y^2
        array([0.  , 0.  , 0.  , 1.02, 0.  , 1.02])
        """
        validate_data(self, X, skip_check_array=True)  # the names of its columns
        X, Y = _checked(X, y)
        self.n_features_in_, self._flat = X.shape[1], np.ndim(y) == 1
        names = getattr(self, "feature_names_in_", None)
        moved = self._moved(X.shape[1], None if names is None else list(names))
        check_shapes(moved, X.shape[1], Y.shape[1], self.output)
        functions = as_features(self.features, X.shape[1])
        try:
            return self._fit(functions, moved, X, Y)
        except np.linalg.LinAlgError as error:
            raise ValueError(
                f"the features cannot be told apart on these samples ({error}): give more samples, or fewer features"
            ) from error

    def _moved(self, n_columns: int, names: list[str] | None) -> list[LieAlgebra | Elements]:
        """Return the candidates on the columns of X, matched by their names where both have names."""
        n_states = next((n for n in range(n_columns, 0, -1) if self._arguments(n) == n_columns), n_columns)
        parts = as_group(self.candidates, n_states)
        return parts if names is None else matched(parts, names)

    def _arguments(self, n_states: int) -> int:
        return output_action(self.output).n_arguments(n_states)

    def _fit(self, functions: Features, moved: Candidates, X: np.ndarray, Y: np.ndarray) -> PromotedRegressor:
        data = self._data = ChartedData.build(functions, X, Y, self.output, linear_parts(moved))
        maps = candidate_maps(data, moved)
        warn_if_far(data, maps)
        problem = (maps.penalty, data.design, data.target, self.l1)
        self.path_ = {"gamma": gamma_grid(*problem[:3])}
        ends = {"tol": self.tol, "max_iter": self.max_iter}
        with _one_speaks_for_all():
            self.gamma_, squares = self._choose(problem, data.units)
        found = promotion_path(*problem[:3], [self.gamma_], l1=self.l1, **ends)[0]
        self.gap_ = found.gap
        with _one_speaks_for_all():
            adapted = settled(problem, found, maps.n_generators, self.gamma_, **ends)
            kept = kept_symmetries(maps, adapted, problem, self.gamma_, self.output)
        self.singular_values_, self.broken_ = kept.singular_values, kept.n_broken
        self.symmetry_ = kept.symmetry(None if kept.space is None else kept.space.rounded)
        warn_if_broken(kept)
        self._inside, self.subspace_ = data.inside(found.coefficients), None
        self.promoted_coef_ = self._flattened(data.outside(self._inside))
        self.enforced_, self.promoted_, self.dropped_ = [], listed(self.symmetry_), []
        if self.debias:
            with _one_speaks_for_all():
                self._decide(data, kept, Rivals(problem, self.gamma_, found.coefficients, squares))
        self.coef_ = self._flattened(data.outside(self._inside))
        return self

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Predict y `(sample,)` or `(sample, output)` at X `(sample, state)`.

        Raises
        ------
        ValueError
            For X of another shape.

        Examples
        --------
        >>> import numpy as np
        >>> from symdyn.promotion import PromotedRegressor
        >>> x = np.random.default_rng(0).normal(size=(20, 2))
        >>> model = PromotedRegressor("so(2)", "polynomial:2", gamma=1.0).fit(x, (x**2).sum(axis=1))
        >>> model.predict(np.array([[3.0, 4.0], [5.0, 0.0]])).round(3)  # at the same radius
        array([25., 25.])
        """
        check_is_fitted(self, "coef_")
        shape, expected = np.shape(X), self.n_features_in_
        if len(shape) != 2 or shape[1] != expected:
            raise ValueError(f"X must have shape (sample, {expected}), got {shape}")
        validate_data(self, X, reset=False, skip_check_array=True)
        values = self._data.predicted(self._inside, np.asarray(X, dtype=float))
        return values[:, 0] if self._flat else values

    def _flattened(self, coefficients: np.ndarray) -> np.ndarray:
        return coefficients[0] if self._flat else coefficients

    def _decide(self, data: ChartedData, kept: Kept, rivals: Rivals) -> None:
        """Set what is predicted with: see `symdyn.promotion.deciding`."""
        choice = decided(data, kept, rivals)
        if choice.enforced is not None:
            enforced = choice.enforced
            self._inside, self.subspace_ = data.inside(enforced.coefficients * data.sizes), enforced.subspace
            self.symmetry_ = kept.symmetry(enforced.algebra)
            self.enforced_, self.promoted_ = listed(self.symmetry_), []
            self.dropped_ = [kept.space.first(choice.dropped)] if kept.space is not None and choice.dropped else []
        else:
            if self.symmetry_ is not None and kept.space is not None:
                self.symmetry_ = kept.symmetry(kept.space.estimated)
            self.promoted_ = listed(self.symmetry_)
            if choice.free:
                self._inside, self.promoted_, self.dropped_ = data.inside(rivals.free[0]), [], self.promoted_
        warn_of_no_debiasing(choice, rivals)

    def _choose(self, problem: Posed, units: np.ndarray) -> tuple[float, np.ndarray | None]:
        if isinstance(self.gamma, str) and self.gamma not in ("cv", "noise"):
            raise ValueError(f"gamma must be a number above 0, 'cv' or 'noise', got {self.gamma!r}")
        if not isinstance(self.gamma, str):
            if not (isinstance(self.gamma, Real) and np.isfinite(self.gamma) and self.gamma > 0):
                raise ValueError(f"gamma must be a number above 0, 'cv' or 'noise', got {self.gamma!r}")
            return float(self.gamma), None
        noise = None
        if self.gamma == "noise":
            if self.noise is None:
                raise ValueError("gamma='noise' needs noise, the standard deviation of the noise in y")
            given = np.asarray(self.noise, dtype=float)
            if given.shape not in ((), (1,), units.shape) or not np.all(np.isfinite(given)) or np.any(given <= 0):
                raise ValueError(f"noise must be above 0, one number or one for each output, got {self.noise!r}")
            noise = given / units
        gamma, errors, squares = chosen_gamma(*problem, self.path_["gamma"], noise)
        self.path_["error"] = errors
        return gamma, squares


@contextmanager
def _one_speaks_for_all() -> Iterator[None]:
    """Silence what single solves among many say of their gaps and of undetermined directions."""
    with warnings.catch_warnings():
        for message in ("promote stopped", "promote has no certificate", r"\d+ directions of coefficients"):
            warnings.filterwarnings("ignore", message=message)
        yield


def _checked(X: ArrayLike, y: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    for name, values in (("X", X), ("y", y)):
        if np.ma.is_masked(values):
            raise ValueError(f"{name} holds masked values: leave these samples out")
        if np.iscomplexobj(values):
            raise ValueError(f"{name} is complex: give real and imaginary parts as columns")
    X, y = real_array(X, "X"), real_array(y, "y")
    if X.ndim != 2 or y.ndim not in (1, 2) or len(X) != len(y) or len(X) < 2:
        raise ValueError(f"X must have shape (sample, state) and y (sample[, output]), got {X.shape} and {y.shape}")
    for name, values in (("X", X), ("y", y)):
        if not np.all(np.isfinite(values)):
            raise ValueError(f"{name} holds values that are not finite: leave these samples out")
    return X, y.reshape(len(y), -1)
