"""SINDy inside a symmetry: one more argument to pysindy."""

from __future__ import annotations

import copy

import numpy as np
import pysindy as ps
from pysindy.optimizers.base import BaseOptimizer
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from symdyn.lie.derivative import KINDS
from symdyn.lie.equivariance import as_symmetries, equivariant_subspace
from symdyn.lie.features import Features, from_library
from symdyn.lie.subspace import Subspace

__all__ = ["EquivariantOptimizer", "SymmetricSINDy"]

# Optimizers that see the rows only through X^T X and X^T y, so that a QR factor of the rows gives the same fit.
_COMPRESSIBLE = (ps.STLSQ, ps.SR3)


class EquivariantOptimizer(BaseOptimizer):
    """Any pysindy or scikit-learn optimizer, restricted to the coefficients that a symmetry allows.

    The rows of all targets are stacked and written in free coordinates, W = expand(beta), so sparsity acts on whole
    tuples of tied terms and `coef_` lies in the Subspace to rounding, whatever the optimizer does.

    Parameters
    ----------
    optimizer : estimator
        Cloned before it is fitted.
    symmetry : LieAlgebra, Generators, matrices `(generator, n, n)`, Elements, a list of these, a Subspace, or None
    library : pysindy feature library or Features
        The library that makes the columns.
    kind : {"flow"}
        What the coefficients are of.

    Attributes
    ----------
    coef_ : ndarray, `(target, feature)`
    subspace_ : Subspace
    optimizer_ : estimator
        The fitted clone, in free coordinates.
    """

    def __init__(self, optimizer=None, symmetry=None, library=None, *, kind: str = "flow"):
        super().__init__(copy_X=False, unbias=False)
        self.optimizer = optimizer
        self.symmetry = symmetry
        self.library = library
        self.kind = kind

    def fit(self, x_, y, sample_weight=None):
        """Fit.

        Parameters
        ----------
        x_ : array, `(sample, feature)`
        y : array, `(sample, target)`
        sample_weight : array, `(sample,)`, optional

        Raises
        ------
        ValueError
            If the symmetry leaves no term of the library.
        """
        rows = np.asarray(x_, dtype=float)
        targets = np.asarray(y, dtype=float).reshape(len(rows), -1)
        complete = np.isfinite(targets).all(axis=1)
        rows, targets = rows[complete], targets[complete]
        if sample_weight is not None:
            root = np.sqrt(np.asarray(sample_weight, dtype=float)[complete])[:, None]
            rows, targets = rows * root, targets * root
        self.subspace_ = _subspace(self.symmetry, self.library, (targets.shape[1], rows.shape[1]), self.kind)
        self.optimizer_ = clone(self.optimizer) if self.optimizer is not None else ps.STLSQ()
        stacked, stacked_targets = self._reduce_rows(rows, targets)
        self.optimizer_.fit(stacked, stacked_targets)
        beta = np.ravel(self.optimizer_.coef_)
        self.coef_ = self.subspace_.expand(beta)
        self.ind_ = self.coef_ != 0
        self.intercept_ = 0.0
        self.history_ = [self.coef_]
        # pysindy optimizers keep the whole feature matrix, which would be pickled with the model.
        self.optimizer_.__dict__.pop("Theta_", None)
        return self

    def _reduce(self, x, y):
        raise TypeError("EquivariantOptimizer is fitted by fit, not by _reduce")

    def _reduce_rows(self, rows, targets):
        """Rows of all targets in free coordinates, `(target * row, dim)`, and the stacked targets."""
        if isinstance(self.optimizer_, _COMPRESSIBLE) and len(rows) > sum(rows.shape[1:] + targets.shape[1:]):
            triangle = np.linalg.qr(np.hstack([rows, targets]), mode="r")
            rows, targets = triangle[:, : rows.shape[1]], triangle[:, rows.shape[1] :]
        basis = self.subspace_.basis.reshape(*self.subspace_.shape, -1)
        stacked = np.einsum("rf,tfd->trd", rows, basis).reshape(-1, self.subspace_.dim)
        return stacked, targets.T.reshape(-1, 1)


class SymmetricSINDy(ps.SINDy):
    """`pysindy.SINDy` with one more argument.

    Parameters
    ----------
    optimizer, feature_library, differentiation_method
        As for `pysindy.SINDy`; none of them is changed by `fit`.
    symmetry : LieAlgebra, Generators, matrices `(generator, n, n)`, Elements, Subspace, or a list, optional
        What the model keeps, acting on the states. An algebra that acts on the first half of them is prolonged to
        positions and velocities. None gives plain SINDy.

    Attributes
    ----------
    model_ : pysindy.SINDy
        The fitted model; `predict`, `simulate`, `score`, `print`, `equations`, `coefficients` are its own.
    subspace_ : Subspace
        What the symmetry left free.
    """

    def __init__(self, optimizer=None, feature_library=None, differentiation_method=None, *, symmetry=None):
        self.optimizer = optimizer
        self.feature_library = feature_library
        self.differentiation_method = differentiation_method
        self.symmetry = symmetry

    def fit(self, x, t, x_dot=None, u=None, feature_names=None, sample_weight=None):
        """Fit the model; see `pysindy.SINDy.fit`.

        Parameters
        ----------
        sample_weight : array or list of arrays `(time,)`, optional
            Weight of each sample (one array a trajectory, as for x).
        """
        if u is not None:
            raise ValueError("control inputs need a representation of the symmetry on them, which is not supported")
        several = isinstance(x, list | tuple)
        n_states = np.shape(x[0] if several else x)[-1]
        library = copy.deepcopy(self.feature_library) if self.feature_library is not None else ps.PolynomialLibrary()
        library.fit(np.zeros((2, n_states)) + 1.0)
        engine = _Weighted(self.optimizer, _on_states(self.symmetry, n_states), library)
        if sample_weight is not None:
            engine.row_weights = np.concatenate(sample_weight) if several else np.asarray(sample_weight, dtype=float)
        self.model_ = ps.SINDy(engine, library, copy.deepcopy(self.differentiation_method))
        self.model_.fit(x, t, x_dot=x_dot, feature_names=feature_names)
        engine.row_weights = None
        self.subspace_ = engine.subspace_
        self.feature_names = self.model_.feature_names
        return self

    def free_terms(self) -> list[str]:
        """Each free coefficient of the model with the terms it ties."""
        check_is_fitted(self, "model_")
        states = self.model_.feature_names
        return self.subspace_.describe(states, self.model_.get_feature_names())

    def coefficients(self):
        """Coefficients `(state, feature)`."""
        check_is_fitted(self, "model_")
        return self.model_.coefficients()

    def predict(self, x, u=None):
        """x' at x; see `pysindy.SINDy.predict`."""
        check_is_fitted(self, "model_")
        return self.model_.predict(x, u)

    def simulate(self, x0, t, *args, **options):
        """The solution from x0 at times t; see `pysindy.SINDy.simulate`."""
        check_is_fitted(self, "model_")
        return self.model_.simulate(x0, t, *args, **options)

    def score(self, x, t, *args, **options):
        """R^2 of x'; see `pysindy.SINDy.score`."""
        check_is_fitted(self, "model_")
        return self.model_.score(x, t, *args, **options)

    def equations(self, precision=3):
        """Right-hand sides as text."""
        check_is_fitted(self, "model_")
        return self.model_.equations(precision)

    def print(self, *args, **options):
        """Print the equations; see `pysindy.SINDy.print`."""
        check_is_fitted(self, "model_")
        self.model_.print(*args, **options)

    def get_feature_names(self):
        """Names of the library's terms."""
        check_is_fitted(self, "model_")
        return self.model_.get_feature_names()

    @property
    def complexity(self):
        """Number of non-zero coefficients."""
        check_is_fitted(self, "model_")
        return self.model_.complexity


class _Weighted(EquivariantOptimizer):
    """Carries row weights to `fit`, since pysindy 2.1 hands none on; dropped once fitted."""

    row_weights = None

    def fit(self, x_, y, sample_weight=None):
        return super().fit(x_, y, self.row_weights if sample_weight is None else sample_weight)


def _subspace(symmetry, library, shape, kind) -> Subspace:
    if symmetry is None:
        return Subspace.full(shape)
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {KINDS}, got {kind!r}")
    if library is None:
        raise ValueError("library is missing: a symmetry constrains coefficients of known functions")
    if not isinstance(library, Features) and not hasattr(library, "n_features_in_"):
        # `clone` unfits a library; that of a flow reads as many states as there are targets.
        library = copy.deepcopy(library).fit(np.ones((2, shape[0])))
    features = library if isinstance(library, Features) else from_library(library)
    output = {"flow": "vector_field"}.get(kind, kind)
    subspace = equivariant_subspace(features, symmetry, output=output)
    if subspace.shape != shape:
        raise ValueError(f"the symmetry is of coefficients {subspace.shape}, the data ask for {shape}")
    if subspace.dim == 0:
        raise ValueError(_what_fell(features, symmetry, output))
    return subspace


def _what_fell(features, symmetry, output):
    """Names the smallest number of generators that already leave nothing."""
    generators = [(a.texts()[k], a.subset(k)) for a in as_symmetries(symmetry) for k in range(a.dim)]
    kept = [f"{equivariant_subspace(features, algebra, output=output).dim} by {text}" for text, algebra in generators]
    return f"the symmetry leaves no term of the library; free coefficients left {', '.join(kept)} alone, 0 by all"


def _on_states(symmetry, n_states):
    """The symmetry on all states: prolonged where it acts on positions only."""
    if symmetry is None or isinstance(symmetry, Subspace):
        return symmetry
    algebras = as_symmetries(symmetry)
    n = len(algebras[0].states)
    if n == n_states:
        return algebras
    if 2 * n == n_states:
        return [algebra.prolong() for algebra in algebras]
    raise ValueError(f"the symmetry acts on {n} states, the data have {n_states}")
