"""`PDERegression`: the law of fields, sparse, with error bars, and constrained to symmetries."""

from __future__ import annotations

import numpy as np
import xarray as xr
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_is_fitted

from symdyn.data.fields.grids import WINDOW_POINTS, validate_fields
from symdyn.discovery.fields.constraint import symmetric_terms
from symdyn.discovery.fields.identify import identify_law
from symdyn.discovery.fields.law import TermSpace
from symdyn.discovery.fields.table import equation_table
from symdyn.lie.algebra import LieAlgebra
from symdyn.lie.fields import Generators
from symdyn.lie.pointfields import parse_generators
from symdyn.lie.printing import equation_lines

__all__ = ["PDERegression"]


class PDERegression(BaseEstimator):
    """Weak, instrumented, sparse regression of ∂_t^m u on products of fields and derivatives.

    Parameters
    ----------
    terms : sequence of str, optional
        Names such as `u u_x`; `symdyn.data.fields.terms.field_terms` if left out.
    symmetry : LieAlgebra, Generators or list of str, optional
        Point symmetries that the law must have, exact ones: on (t, x[, y], fields), or as text (`"t ∂x + ∂u"`). They
        tie terms, take some out, and may fix some.
    optimizer : pysindy optimizer, optional
        Fits the free coefficients instead of the backward selection; error bars and inclusion stay those of the
        latter.
    time_order, derivatives, n_bootstrap, rng : see `PointSymmetryDiscovery`

    Attributes
    ----------
    equation_ : xr.DataArray
        Coefficients `(field, term)`, with `standard_error` and `inclusion`.
    law_ : FieldLaw
    space_ : TermSpace or None
        What the symmetry leaves.
    n_free_ : int
        Coefficients that were free.
    features_ : list of str
        What each free coefficient multiplies, one right side a field: combinations of terms that the symmetry leaves
        alone, such as "u_xx + u_yy, v_xx + v_yy" for rotations of the plane and of (u, v).
    """

    def __init__(
        self, terms=None, *, symmetry=None, optimizer=None, time_order=None, derivatives="auto", n_bootstrap=100, rng=0
    ):
        self.terms = terms
        self.symmetry = symmetry
        self.optimizer = optimizer
        self.time_order = time_order
        self.derivatives = derivatives
        self.n_bootstrap = n_bootstrap
        self.rng = rng

    def fit(self, data: xr.Dataset, y=None) -> PDERegression:
        """Identify the law of fields over `(trajectory, time, x[, y])`.

        Raises
        ------
        TypeError, ValueError
            For data that break the schema, and symmetries that no law on these terms has.
        """
        rng = np.random.default_rng(self.rng)
        options = {"time_order": self.time_order, "derivatives": self.derivatives, "n_bootstrap": self.n_bootstrap}
        found = identify_law(validate_fields(data, fewest=WINDOW_POINTS), terms=self.terms, rng=rng, **options)
        law, self.space_ = found.law, None
        if self.symmetry is not None:
            generators = _generators(self.symmetry, (*law.coordinates, *law.fields))
            self.space_ = symmetric_terms(law.terms, law.fields, law.coordinates, generators, law.time_order)
            law = found.refit(self.space_, self.n_bootstrap, rng)
        shape = law.coefficients.shape
        vectors = np.eye(law.coefficients.size) if self.space_ is None else self.space_.basis.T
        self.features_ = [", ".join(equation_lines(row.reshape(shape), law.terms)) for row in vectors]
        self.n_free_ = len(vectors)
        self.law_, self.derivatives_ = law, found.derivatives
        self.equation_ = equation_table(law)
        if self.optimizer is not None:
            self.equation_.values[:] = _optimised(self.optimizer, found.cross, law, self.space_)
        return self

    def equations(self) -> list[str]:
        """One line a field, such as `u_t = −1 u u_x + 0.2 u_xx`."""
        check_is_fitted(self, "law_")
        return self.law_.texts()


def _generators(symmetry, variables) -> Generators:
    if isinstance(symmetry, LieAlgebra):
        return symmetry.basis
    if isinstance(symmetry, Generators):
        return symmetry
    return parse_generators([symmetry] if isinstance(symmetry, str) else list(symmetry), variables)


def _optimised(optimizer, cross, law, space):
    """Coefficients `(field, term)` from a pysindy optimizer, on rows with the instrumented normal equations."""
    n = len(law.terms)
    total = cross.mean(0)
    values, vectors = np.linalg.eigh(total[:n, :n])
    kept = values > 1e-11 * values[-1]
    root = vectors[:, kept] * np.sqrt(values[kept])
    rows = root.T  # (row, term): rows^T rows are the sums
    targets = (vectors[:, kept] / np.sqrt(values[kept])).T @ total[:n, n:]
    shape = law.coefficients.shape
    if space is None:
        space = TermSpace(np.zeros(shape[0] * n), np.eye(shape[0] * n))
    joint = np.kron(np.eye(shape[0]), rows)
    right = targets.T.ravel() - joint @ space.offset
    fitted = clone(optimizer).fit(joint @ space.basis, right[:, None])
    return (space.offset + space.basis @ np.ravel(fitted.coef_)).reshape(shape)
