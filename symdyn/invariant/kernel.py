"""`InvariantKernelRidge`: kernel ridge regression with a kernel averaged over a group."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from numbers import Real
from typing import TYPE_CHECKING

import numpy as np
from scipy import linalg
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from symdyn.data.tasks import on_one_thread
from symdyn.invariant.averaged import averaged_gaussian
from symdyn.invariant.embedding import embedded
from symdyn.invariant.isometry_groups.group_order import TooManyElements
from symdyn.invariant.isometry_groups.haar import group_nodes
from symdyn.invariant.kernel_chart import chart_of_kernel, in_kernel_chart
from symdyn.invariant.manifolds import Box, Sphere, Torus
from symdyn.invariant.manifolds.isometries import as_isometries
from symdyn.invariant.spectral import SpectralAveraging
from symdyn.invariant.spectral_cut import checked_limit, invariant_spaces

if TYPE_CHECKING:
    from symdyn.invariant.isometry_groups.haar import GroupNodes
    from symdyn.invariant.manifolds.eigenspaces import Manifold
    from symdyn.invariant.manifolds.isometries import Isometries
    from symdyn.invariant.spectral_cut import Invariants

__all__ = ["InvariantKernelRidge", "SpectralAveraging"]

_KERNELS = ("gaussian", "von_mises", "sobolev")
_STANDS_STILL = 1e-12  # change of an averaged kernel with more nodes, relative to its largest value


class InvariantKernelRidge(RegressorMixin, BaseEstimator):
    """Fit functions that are invariant under a group, by kernel ridge regression.

    f(x) = sum_i a_i K(x, x_i), (K + alpha 1) a = y, with the kernel averaged over the group,
    K(x, y) = mean_g k(x, g y): invariant in each argument (Tahmasebi, Jegelka, arXiv 2303.14269). Finite groups are
    averaged exactly, closed flows that commute and so(3) by quadrature; the cost grows with the number of elements. The
    Sobolev kernel needs no average: it sums invariant eigenfunctions, for any compact group. Without a group this is
    ordinary kernel ridge regression.

    Parameters
    ----------
    kernel : {"gaussian", "von_mises", "sobolev"}
        exp(−gamma |x − y|^2) (angles of a torus as points on circles); exp(gamma sum_i (cos(2 pi (x_i − y_i) /
        period_i) − 1)) on a torus; sum_lambda max(1, lambda)^(−smoothness) phi(x) phi(y), cut after `max_eigs_total`.
    group : Elements, LieAlgebra, or a list of these, optional
        Isometries of the manifold. Without one, rotations and reflections about a point, in suitable units of each
        state (without gamma; with gamma, in those of X).
    alpha : float
        Ridge, in units of the kernel times samples, as in scikit-learn's `KernelRidge`.
    gamma : float, optional
        In the units of X: one over the square of a length. By default 1 (von Mises), or 1 / number of features
        (Gaussian) in units of the spread of each state of X, so that units of the states do not matter; states that the
        group mixes share one unit. On a sphere, a torus or a product of these, points have no units.
    manifold : Manifold, optional
    smoothness : float, optional
        s of the Sobolev kernel; dim / 2 + 1 by default. It must exceed dim / 2: otherwise K(x, x) diverges, even on a
        quotient of lower dimension at points with more symmetry than others.
    max_eigs_total : int
        Eigenfunctions of the Sobolev kernel, whole eigenspaces.
    n_nodes : int, optional
        Nodes on each circle of a continuous group; by default doubled until the kernel converges.

    Attributes
    ----------
    dual_coef_ : ndarray, `(sample,)` or `(sample, target)`
    X_fit_ : ndarray, `(sample, coordinate)`
    chart_ : Chart or None
        Centre and scales in which distances are measured; None on a manifold other than a box.
    n_elements_ : int
        Elements or nodes averaged over; 1 for the Sobolev kernel.

    Examples
    --------
    >>> import numpy as np
    >>> import symdyn as sd
    >>> from symdyn.invariant import InvariantKernelRidge
    >>> x = np.random.default_rng(0).uniform(-1, 1, (230, 3))
    >>> y = np.cos(3 * x).prod(axis=1) + np.abs(x).sum(axis=1)  # symmetric in x, y, z
    >>> groups = None, sd.groups.permutations(3)
    >>> models = [InvariantKernelRidge(group=group, alpha=1e-6) for group in groups]
    >>> [round(model.fit(x[:30], y[:30]).score(x[30:], y[30:]), 2) for model in models]
    [-0.04, 0.96]
    """

    def __init__(
        self,
        kernel="gaussian",
        group=None,
        *,
        alpha=1.0,
        gamma=None,
        manifold=None,
        smoothness=None,
        max_eigs_total=1000,
        n_nodes=None,
    ):
        self.kernel = kernel
        self.group = group
        self.alpha = alpha
        self.gamma = gamma
        self.manifold = manifold
        self.smoothness = smoothness
        self.max_eigs_total = max_eigs_total
        self.n_nodes = n_nodes

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
            For a kernel that the manifold does not have, smoothness of at most half the dimension, and for a group that
            cannot be averaged over.
        """
        X, y = map(np.asarray, validate_data(self, X, y, multi_output=True, y_numeric=True, dtype=float))
        self._check_options()
        X_fit = X if self.manifold is None else self.manifold.check(X)
        X = self._charted = self._prepare(X_fit)
        matrix = self._lower(X)
        matrix.flat[:: len(X) + 1] += self.alpha
        try:
            # The matrix lies in memory by rows: its lower triangle is the upper one of what LAPACK sees in place.
            factor = linalg.cho_factor(matrix.T, lower=False, overwrite_a=True, check_finite=False)
        except linalg.LinAlgError as error:
            raise ValueError(f"the kernel matrix is singular with alpha={self.alpha}; raise alpha") from error
        self.dual_coef_ = linalg.cho_solve(factor, y.astype(float), check_finite=False)
        self.X_fit_ = X_fit
        return self

    def predict(self, X):
        """Evaluate the fitted function `(sample,)` or `(sample, target)` at points."""
        check_is_fitted(self)
        return self.kernel_matrix(X) @ self.dual_coef_

    def kernel_matrix(self, X):
        """Compute K(x, x_i) `(sample, fitted sample)` of the fitted kernel."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=float)
        X = X if self.manifold is None else self.manifold.check(X)
        X = X if self.chart_ is None else self.chart_.points(X)
        if self.kernel == "sobolev":
            return self._features(X) @ self._features(self._charted).T
        images = self._images(self._charted, self.nodes_)
        return averaged_gaussian(self._embedded(X), images, self.nodes_[2], self.gamma_)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _check_options(self) -> None:
        if self.kernel not in _KERNELS:
            raise ValueError(f"kernel must be one of {', '.join(_KERNELS)}, got {self.kernel!r}")
        if not (isinstance(self.alpha, Real) and float(self.alpha) >= 0):
            raise ValueError(f"alpha must be a number of at least 0, got {self.alpha!r}")
        if self.kernel == "von_mises" and not isinstance(self.manifold, Torus):
            raise ValueError("the von Mises kernel lives on a torus; give manifold=Torus(dim, period)")
        if self.kernel == "sobolev" and self.manifold is None:
            raise ValueError("the Sobolev kernel needs the eigenfunctions of a manifold; give manifold")
        if self.gamma is not None and not self.gamma > 0:
            raise ValueError(f"gamma must be positive, got {self.gamma}")

    def _prepare(self, X: np.ndarray) -> np.ndarray:
        """Prepare what the kernel needs: elements with weights, or invariant eigenfunctions; return X in the chart."""
        manifold = self.manifold if self.manifold is not None else _acted_on(X.shape[1])
        self.chart_ = None
        if self.kernel == "gaussian" and isinstance(self.manifold, Box | None):
            if self.manifold is not None:
                as_isometries(self.manifold, self.group)  # checks it
            self.chart_ = chart_of_kernel(X, self.group, self.gamma is None)
            X, manifold = self.chart_.points(X), _acted_on(X.shape[1])
        group = as_isometries(manifold, self.group if self.chart_ is None else in_kernel_chart(self.chart_, self.group))
        if self.kernel == "sobolev":
            self.terms_, self.n_elements_ = self._sobolev_terms(manifold, group), 1
            return X
        default = 1.0 if self.kernel == "von_mises" else 1 / X.shape[1]
        self.gamma_ = default if self.gamma is None else self.gamma
        if self.kernel == "von_mises":
            self.gamma_ /= 2  # sum_i (cos − 1) is minus half the square of the distance between points on unit circles
        self.nodes_ = self._nodes(manifold, group, X)
        self.n_elements_ = len(self.nodes_[2])
        return X

    def _nodes(self, manifold: Manifold, group: Isometries, X: np.ndarray) -> GroupNodes:
        """Find elements and weights; for continuous groups more and more nodes, until the kernel stands still."""
        if self.n_nodes is not None or not group.continuous:
            return group_nodes(manifold, group, self.n_nodes or 1)
        probes, before, change, nodes = X[:20], None, np.inf, None
        for count in (8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256):
            try:
                nodes = group_nodes(manifold, group, count)
            except TooManyElements:
                if nodes is None:
                    raise
                break
            kernel = averaged_gaussian(self._embedded(probes), self._images(probes, nodes), nodes[2], self.gamma_)
            change = np.inf if before is None else np.abs(kernel - before).max() / np.abs(kernel).max()
            if change < _STANDS_STILL:
                return nodes
            before = kernel
        warnings.warn(
            f"the average over {len(nodes[2])} nodes is exact to {change:.0e} of the kernel only; lower gamma, or use "
            "kernel='sobolev', which is exact",
            UserWarning,
            stacklevel=4,
        )
        return nodes

    def _lower(self, X: np.ndarray) -> np.ndarray:
        if self.kernel == "sobolev":
            features = self._features(X)
            return features @ features.T
        points = self._embedded(X)
        return averaged_gaussian(points, self._images(X, self.nodes_), self.nodes_[2], self.gamma_, symmetric=True)

    def _embedded(self, X: np.ndarray) -> np.ndarray:
        if self.kernel == "von_mises" and isinstance(self.manifold, Torus):
            angles = 2 * np.pi * X / self.manifold.periods
            return np.hstack([np.cos(angles), np.sin(angles)])
        return X if self.chart_ is not None else embedded(self.manifold, X)

    def _images(self, X: np.ndarray, nodes: GroupNodes) -> Callable[[int], np.ndarray]:
        return lambda k: self._embedded(X @ nodes[0][k].T + nodes[1][k])

    def _sobolev_terms(self, manifold: Manifold, group: Isometries) -> list[Invariants]:
        smoothness = manifold.dim / 2 + 1 if self.smoothness is None else self.smoothness
        if not smoothness > manifold.dim / 2:
            raise ValueError(
                f"smoothness must be above {manifold.dim / 2:g}, half the dimension of {manifold}, got {smoothness}: "
                "K(x, x) diverges"
            )
        self.smoothness_ = smoothness
        limits = (checked_limit("max_eigs_total", self.max_eigs_total), np.inf)
        return list(invariant_spaces(manifold, group, limits))

    def _features(self, X: np.ndarray) -> np.ndarray:
        scales = [max(1.0, term.space.eigenvalue) ** (-self.smoothness_ / 2) for term in self.terms_]
        return np.hstack([scale * term(X) for scale, term in zip(scales, self.terms_, strict=True)])


def _acted_on(n: int) -> Sphere | Box:
    """Return a manifold on which orthogonal matrices, and no other affine maps, are isometries."""
    return Sphere(n - 1) if n > 1 else Box((-1.0,), (1.0,))
