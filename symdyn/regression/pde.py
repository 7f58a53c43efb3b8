"""`PDERegression`: the law of fields, sparse, with error bars, and constrained to symmetries."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_is_fitted

from symdyn.data.fields.charts import chart_of_fields, fields_in_chart
from symdyn.data.fields.grids import WINDOW_POINTS, field_grid, validate_fields
from symdyn.data.trajectories import open_trajectories
from symdyn.discovery.fields.constraint import spaces_left
from symdyn.discovery.fields.identify import identify_law, moves_with_its_origin
from symdyn.discovery.fields.law import TermSpace
from symdyn.discovery.fields.table import equation_table
from symdyn.lie.jetchart import rate_units, terms_back
from symdyn.lie.printing import equation_lines
from symdyn.regression.moments_fit import square_root

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

    def fit(self, data: xr.Dataset | str | Path, y=None) -> PDERegression:
        """Identify the law of fields over `(trajectory, time, x[, y])`, or of those in a file.

        Raises
        ------
        TypeError, ValueError
            For data that break the schema, and symmetries that no law on these terms has.
        """
        rng = np.random.default_rng(self.rng)
        options = {"time_order": self.time_order, "derivatives": self.derivatives, "n_bootstrap": self.n_bootstrap}
        data = open_trajectories(data) if isinstance(data, str | Path) else data
        given = validate_fields(data, fewest=WINDOW_POINTS)
        chart = chart_of_fields(given, shifted=moves_with_its_origin(self.terms, field_grid(given)))
        found = identify_law(fields_in_chart(given, chart), chart=chart, terms=self.terms, rng=rng, **options)
        law, self.space_ = found.law.in_units(chart), None
        if self.symmetry is not None:
            spaces = spaces_left(self.symmetry, law, chart)
            charted = found.refit(spaces.charted, self.n_bootstrap, rng)
            law, self.space_ = spaces.law_in_units(charted, chart), spaces.given
        shape = law.coefficients.shape
        vectors = np.eye(law.coefficients.size) if self.space_ is None else self.space_.basis.T
        self.features_ = [", ".join(equation_lines(row.reshape(shape), law.terms)) for row in vectors]
        self.n_free_ = len(vectors)
        self.law_, self.derivatives_ = law, found.derivatives
        self.equation_ = equation_table(law)
        if self.optimizer is not None:
            self.equation_.values[:] = _optimised(self.optimizer, found, law, self.space_)
        return self

    def equations(self) -> list[str]:
        """One line a field, such as `u_t = −1 u u_x + 0.2 u_xx`."""
        check_is_fitted(self, "law_")
        return self.law_.texts()


def _optimised(optimizer, found, law, space):
    """Coefficients `(field, term)` from a pysindy optimizer, on rows with the instrumented normal equations.

    The optimizer acts in the units of the data: its penalties mean what its user means.
    """
    n_fields, n = law.coefficients.shape
    charted = square_root(found.cross.mean(0), n_fields)
    rows = charted.rows @ terms_back(law.terms, law.space, found.chart).T
    targets = charted.targets * rate_units(law.space, found.chart, law.time_order)
    if space is None:
        space = TermSpace(np.zeros(n_fields * n), np.eye(n_fields * n))
    joint = np.kron(np.eye(n_fields), rows)
    right = targets.T.ravel() - joint @ space.offset
    fitted = clone(optimizer).fit(joint @ space.basis, right[:, None])
    return (space.offset + space.basis @ np.ravel(fitted.coef_)).reshape(law.coefficients.shape)
