"""`PDERegression`: sparse laws of fields, with error bars, constrained by symmetries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_is_fitted

from symdyn.data.grids import WINDOW_POINTS, field_grid, validate_fields
from symdyn.data.pairs import as_fields
from symdyn.data.tasks import on_one_thread
from symdyn.discovery.point.point_table import equation_table
from symdyn.functions.printing import equation_lines
from symdyn.jets.jetchart import rate_units, terms_back
from symdyn.laws.fields.field_law import FieldLaw, TermSpace
from symdyn.laws.fields.identify import Identified, identify_law, moves_with_its_origin
from symdyn.lie.algebras.symmetries import Part
from symdyn.regression.enforcing.enforcement import Enforcement, SymmetryLike, enforce
from symdyn.regression.enforcing.field_trials import FieldTrials, joint_spaces, point_symmetries
from symdyn.regression.enforcing.left_out import parts_of_fields
from symdyn.regression.moments_fit import square_root
from symdyn.sums.field_charts import chart_of_fields, fields_in_chart

__all__ = ["PDERegression"]


class PDERegression(BaseEstimator):
    """Fit ∂_t^m u = sum_k c_k term_k, with products of fields and derivatives as terms, inside a symmetry.

    The regression is in weak form (no data are differentiated), uses instrumental variables (noise causes no bias) and
    is sparse.

    Parameters
    ----------
    terms : sequence of str, optional
        Names such as `u u_x`; `symdyn.jets.field_terms.field_terms` if left out.
    symmetry : LieAlgebra, Generators, list of str, or fitted `PointSymmetryDiscovery`, optional
        Point symmetries that the law must have: on (t, x[, y], fields), or as text (`"t ∂x + ∂u"`). They tie terms,
        exclude some, and may fix others. What is given as exact is enforced. What was found in data (a search, its
        algebra, inexact generators) is enforced only where held-out runs (of fewer than five, stretches of time) do not
        contradict it (`symdyn.regression.enforcing.enforcement`).
    optimizer : pysindy optimizer, optional
        Fits the free coefficients in place of the backward selection; error bars and inclusion remain those of the
        latter.
    time_order, derivatives, n_bootstrap, rng : see `PointSymmetryDiscovery`

    Attributes
    ----------
    equation_ : xr.DataArray
        Coefficients `(field, term)`, with `standard_error` and `inclusion`.
    law_ : FieldLaw
    space_ : TermSpace or None
        The laws that the enforced symmetry allows.
    enforced_ : list
        The parts of the symmetry that the law respects exactly.
    promoted_ : list
        The parts towards which the law was pulled.
    dropped_ : list
        The parts that held-out data contradicted.
    enforcement_ : Enforcement
        The same decisions with their numbers.
    n_free_ : int
        Number of free coefficients.
    features_ : list of str
        What each free coefficient multiplies: invariant combinations of terms, one right-hand side per field, such as
        "u_xx + u_yy, v_xx + v_yy" for rotations of the plane and of (u, v).

    Examples
    --------
    >>> import symdyn as sd
    >>> from symdyn.regression import PDERegression
    >>> data = sd.systems.burgers(n_trajectories=2, n_points=64, n_times=40, noise=0.01, rng=0)
    >>> galilean = ["∂t", "∂x", "t ∂x + ∂u"]
    >>> model = PDERegression(symmetry=galilean).fit(data)
    >>> model.features_  # what is free: the boost fixes −u u_x, and bars u, u^2, ...
    ['1', 'u_x', 'u_xx', 'u_xxx', 'u_xxxx']
    >>> model.law_
    FieldLaw on (t, x, u)
      u_t = 0.2 u_xx − u u_x
    """

    def __init__(
        self,
        terms: Sequence[str] | None = None,
        *,
        symmetry: SymmetryLike | None = None,
        optimizer: BaseEstimator | None = None,
        time_order: int | None = None,
        derivatives: str = "auto",
        n_bootstrap: int = 100,
        rng: int | np.random.Generator = 0,
    ):
        self.terms = terms
        self.symmetry = symmetry
        self.optimizer = optimizer
        self.time_order = time_order
        self.derivatives = derivatives
        self.n_bootstrap = n_bootstrap
        self.rng = rng

    @on_one_thread
    def fit(self, data, y: None = None) -> PDERegression:
        """Identify the law of fields over `(trajectory, time, x[, y])`, or of those in a file.

        Parameters
        ----------
        data : xr.Dataset, DataArray, path, dict, or tuple (u, t, x) or (u, t, x, y)
            As for `PointSymmetryDiscovery.fit`.

        Raises
        ------
        TypeError, ValueError
            For data that violate the schema, or if no law on these terms has the symmetry.

        Examples
        --------
        >>> import symdyn as sd
        >>> from symdyn.regression import PDERegression
        >>> data = sd.systems.heat(n_trajectories=3, noise=0.02, rng=0)
        >>> terms = ["u", "u_x", "u_xx", "u u_x"]
        >>> model = PDERegression(terms).fit(data)
        >>> found = model.equation_.sel(field="u", term=terms)
        >>> dict(zip(terms, found.values.round(2).tolist()))
        {'u': 0.0, 'u_x': 0.0, 'u_xx': 0.2, 'u u_x': 0.0}
        """
        rng = np.random.default_rng(self.rng)
        options = {"time_order": self.time_order, "derivatives": self.derivatives, "n_bootstrap": self.n_bootstrap}
        given = validate_fields(as_fields(data), fewest=WINDOW_POINTS)
        chart = chart_of_fields(given, shifted=moves_with_its_origin(self.terms, field_grid(given)))
        found = identify_law(fields_in_chart(given, chart), chart=chart, terms=self.terms, rng=rng, **options)
        law, self.space_ = found.law.in_units(chart), None
        free, self.enforcement_ = law, Enforcement()
        if self.symmetry is not None:
            self.enforcement_ = _enforced(self.symmetry, law, found, given.sizes["trajectory"])
            self.enforcement_.warn()
        self.enforced_, self.promoted_, self.dropped_ = self.enforcement_.lists
        if self.enforced_:
            law, self.space_ = self._within(self.enforced_, free, found, rng)
        shape = law.coefficients.shape
        vectors = np.eye(law.coefficients.size) if self.space_ is None else self.space_.basis.T
        self.features_ = [", ".join(equation_lines(row.reshape(shape), law.terms)) for row in vectors]
        self.n_free_ = len(vectors)
        values = law.coefficients if self.optimizer is None else _optimised(self.optimizer, found, law, self.space_)
        if self.promoted_:
            inner, space = self._within(self.enforcement_.together, free, found, rng)
            pulled = inner.coefficients if self.optimizer is None else _optimised(self.optimizer, found, inner, space)
            values = pulled + self.enforcement_.weight * (values - pulled)
            law = law if self.optimizer is not None else replace(law, coefficients=values)
        self.law_, self.derivatives_ = law, found.derivatives
        self.equation_ = equation_table(law)
        self.equation_.values[:] = values
        return self

    def _within(
        self, parts: list[Part], law: FieldLaw, found: Identified, rng: np.random.Generator
    ) -> tuple[FieldLaw, TermSpace]:
        """Return the law in the units of the data inside parts of a symmetry, and what these leave."""
        spaces = joint_spaces(parts, law, found)
        charted = found.refit(spaces.charted, self.n_bootstrap, rng)
        return spaces.law_in_units(charted, found.chart), spaces.given

    def equations(self) -> list[str]:
        """Write one line per field, such as `u_t = −1 u u_x + 0.2 u_xx`.

        Examples
        --------
        >>> import symdyn as sd
        >>> from symdyn.regression import PDERegression
        >>> data = sd.systems.kdv(n_trajectories=2, n_points=64, n_times=40)
        >>> PDERegression(["u", "u_x", "u u_x", "u_xx", "u_xxx"]).fit(data).equations()
        ['u_t = −u u_x − u_xxx']
        """
        check_is_fitted(self, "law_")
        return self.law_.texts()


def _enforced(symmetry: SymmetryLike, law: FieldLaw, found: Identified, n_runs: int) -> Enforcement:
    """Enforce the parts of a symmetry that held-out runs, or stretches of time, do not contradict."""
    parts, were_found = point_symmetries(symmetry, law.space.names)
    left_out, _ = parts_of_fields(found.cross, len(law.fields), n_runs)
    if not any(were_found):
        joint_spaces(parts, law, found)  # says why no law has what is given
    return enforce(parts, were_found, FieldTrials(left_out, found, law))


def _optimised(optimizer: BaseEstimator, found: Identified, law: FieldLaw, space: TermSpace | None) -> np.ndarray:
    """Fit coefficients `(field, term)` by a pysindy optimizer, on rows with the instrumented normal equations.

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
    fitted: Any = clone(optimizer)
    fitted.fit(joint @ space.basis, right[:, None])
    return (space.offset + space.basis @ np.ravel(fitted.coef_)).reshape(law.coefficients.shape)
