"""`PointSymmetryDiscovery`: Lie point symmetries of fields, and the law behind them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import xarray as xr
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from symdyn.data.clocks import note_on_dates
from symdyn.data.grids import WINDOW_POINTS, field_grid, validate_fields
from symdyn.data.pairs import as_fields
from symdyn.data.tasks import on_one_thread
from symdyn.discovery.point.charted_fields import frames_of
from symdyn.discovery.point.evidence_routes import DirectRoute, PointEvidence, direct_route, near_directions, vanishing
from symdyn.discovery.point.finite_flow import finite_flows
from symdyn.discovery.point.jet_samples import sample_jets
from symdyn.discovery.point.point_basis import point_findings
from symdyn.discovery.point.point_forms import law_forms
from symdyn.discovery.point.point_reasons import direct_notes, law_doubts, residual_notes, verdict_notes
from symdyn.discovery.point.point_table import coefficient_table, equation_table, flow_table, point_text, refused
from symdyn.evidence.forms import LawForms
from symdyn.evidence.verdict_faces import ShowsVerdicts
from symdyn.laws.fields.field_law import FieldLaw
from symdyn.laws.fields.field_residual import left_over
from symdyn.laws.fields.identify import (
    Identified,
    given_coefficients,
    given_law,
    identify_law,
    moves_with_its_origin,
)
from symdyn.lie.chart import Chart
from symdyn.lie.vectorfields import Generators
from symdyn.sums.field_charts import chart_of_fields, fields_in_chart
from symdyn.sums.field_tasks import some_runs

__all__ = ["PointSymmetryDiscovery"]

_ROWS = 200  # of the condition, at least; three a candidate
_RUNS = 24
_DIRECT = ("direct_violation", "direct_statistic", "direct_p_value")


class PointSymmetryDiscovery(ShowsVerdicts, BaseEstimator):
    """Find the generators tau ∂t + xi ∂x + phi ∂u that map solutions of the law behind fields to solutions.

    Two routes. *Two-step*: the law ∂_t^m u = N[u] is identified (weak form, even/odd instruments, sparse), then the
    linear condition D_t^m Q = N'[Q] for Q = phi − xi u_x − tau u_t is judged on smooth fields near the data, with the
    error of the law. *Direct*: the same condition in weak form on the data. The two-step route decides, since a sparse
    law is known far better than a field; what the direct route contradicts is not accepted.

    What the law may leave over of the data is in the bound of every generator; if the data do not determine the law
    (`law_.doubts`), no generator is accepted.

    Parameters
    ----------
    candidates : int, str, list of str, or Generators
        Polynomial degree of the coefficients in coordinates and fields; or names (`"translations"`, `"galilean"`,
        `"scalings"`, ...) and generators as text (`"2 t ∂t + x ∂x"`), see `symdyn.jets.pointfields`.
    equation : mapping, optional
        The right sides by field and term, `{"u": {"u u_x": -1, "u_xx": 0.1}}`, taken as exact; by default the law is
        identified.
    terms : sequence of str, optional
        Library of the law; by default `field_terms`.
    time_order : int, optional
        m, 1 or 2; by default it is found from the data.
    delta : float
        Generators are symmetric when the upper bound of the violation |D_t^m Q − N'[Q]|, relative to its two parts, is
        below delta over their whole span. False fields of degree 2 sit at 0.03 and above (Burgers), 0.012 (KdV, clean);
        directions above delta / 20 that are rejected as exact are left out.
    alpha : float
        Level of the tests that call a symmetry broken, and of the direct route's, over all generators.
    derivatives : {"auto", "weak", "differences"}
        How the law is identified, see `identify_law`.
    direct : bool
        Whether to take the direct route as well.
    finite_flow : bool
        Whether to move a solution along each accepted generator, and look at the residual of the equation.
    n_bootstrap : int
        Replicates of the law, at least 20.
    rng : int or numpy Generator
        Seed.

    Attributes
    ----------
    algebra_ : LieAlgebra
        Accepted generators on (t, x[, y], fields), canonical, without trivial ones.
    trivial_ : LieAlgebra
        Accepted generators whose Q vanishes on all the data, such as ∂t + c ∂x on waves that all travel at speed c.
    verdicts_ : xr.Dataset
        Over `generator`, as for `SymmetryDiscovery`, with `direct_violation`, `direct_statistic` and `direct_p_value`
        of the test that the direct violation is above delta, `residual_before` and `residual_after` a finite flow,
        for generators of the law.
    equation_ : xr.DataArray
        Coefficients `(field, term)`; `law_` has their errors and inclusion probabilities.
    coefficients_ : xr.DataArray
        Coefficients `(generator, component, monomial)` of the accepted algebra.
    law_ : FieldLaw
    residual_ : Residual
        Fraction of the data that the law does not explain, with its bounds. Its upper bound is part of the bound of
        every generator, unless the equation is given.
    agreement_ : float
        Angle in degrees between the accepted span and as many first directions of the direct route; nan without it.
    flows_ : xr.Dataset or None
        Fields `(moved, time, x)`: a solution of the law, and the same moved along each accepted generator.
    noise_ : ndarray, `(field, trajectory)`
    derivatives_ : str
        How rows were made, and the width of windows.
    notes_ : list of str
        What these data cannot decide, and why.

    Examples
    --------
    >>> import symdyn as sd
    >>> data = sd.systems.burgers(n_trajectories=4, n_points=64, n_times=50)
    >>> equation = {"u": {"u u_x": -1.0, "u_xx": 0.2}}  # known here; it is identified if left out
    >>> names = ["translations", "galilean"]
    >>> search = sd.PointSymmetryDiscovery(names, equation, finite_flow=False).fit(data)
    >>> search.algebra_
    LieAlgebra heis(3) on (t, x, u)
      ∂t
      ∂x
      t ∂x + ∂u
    """

    def __init__(
        self,
        candidates=2,
        equation: Mapping[str, Mapping[str, float]] | None = None,
        *,
        terms=None,
        time_order: int | None = None,
        delta: float = 0.02,
        alpha: float = 0.05,
        derivatives: str = "auto",
        direct: bool = True,
        finite_flow: bool = True,
        n_bootstrap: int = 100,
        rng=0,
    ):
        self.candidates = candidates
        self.equation = equation
        self.terms = terms
        self.time_order = time_order
        self.delta = delta
        self.alpha = alpha
        self.derivatives = derivatives
        self.direct = direct
        self.finite_flow = finite_flow
        self.n_bootstrap = n_bootstrap
        self.rng = rng

    @on_one_thread
    def fit(self, data, y=None) -> PointSymmetryDiscovery:
        """Identify the law behind the fields, and judge every candidate against it.

        Parameters
        ----------
        data : xr.Dataset, DataArray, path, dict, or tuple (u, t, x) or (u, t, x, y)
            Fields over `(trajectory, time, x[, y])`, see `symdyn.data.grids`, or a file of them; or an array u with the
            points along its axes.

        Raises
        ------
        TypeError, ValueError
            For options out of range and for data that break the schema or cannot decide, with the cure.

        Examples
        --------
        >>> import symdyn as sd
        >>> data = sd.systems.burgers(n_trajectories=4, n_points=64, n_times=50)
        >>> library = ["u", "u u_x", "u_x", "u_xx"]
        >>> search = sd.PointSymmetryDiscovery("translations", terms=library, finite_flow=False)
        >>> found = search.fit(data).equation_.sel(field="u", term=library)
        >>> dict(zip(library, found.values.round(2).tolist()))
        {'u': 0.0, 'u u_x': -1.0, 'u_x': 0.0, 'u_xx': 0.2}
        >>> search.algebra_.texts()
        ['∂t', '∂x']
        """
        self._check_options()
        given = validate_fields(as_fields(data), fewest=WINDOW_POINTS)
        chart = chart_of_fields(given, shifted=self._moves_with_its_origin(given))
        dataset = fields_in_chart(given, chart)
        rng = np.random.default_rng(self.rng)
        found = self._identified(dataset, chart, rng)
        frames = frames_of(given, self.candidates, chart)
        self.derivatives_, self.notes_ = found.derivatives, note_on_dates(given)
        self.law_ = self._law_of(found)
        self.equation_ = equation_table(self.law_)
        self.noise_ = found.noise * np.array(chart.scale[-len(found.grid.fields) :])[:, None]
        values, noise = some_runs(dataset, _RUNS)
        n_rows = max(_ROWS, 3 * len(frames.charted))
        sample = sample_jets(values, noise, found.grid, found.law, found.halves[1:], n_rows=n_rows, rng=rng)
        self.residual_ = left_over(dataset, found)
        floor = self.residual_.upper if self.equation is None else 0.0
        forms = replace(law_forms(found.law, frames.charted, sample), floor=floor)
        near = near_directions(forms, self.delta)
        self.evidence_ = PointEvidence(_turned(forms, near), self.delta, alpha=self.alpha)
        result = point_findings(
            found.law,
            frames,
            near,
            self.evidence_,
            self.alpha,
            lambda generators: vanishing(generators, found.law, sample),
        )
        self.algebra_, self.trivial_ = result.algebra, result.trivial
        self.generators_, self.verdicts_ = result.generators, result.verdicts
        self.verdicts_.attrs["n_far"] = len(frames.charted) - near.shape[1]
        route = direct_route(dataset, frames.charted, found, self.n_bootstrap, rng) if self.direct else None
        self._confront(route, found, result.charted)
        self._flow(values, noise, found, result.charted)
        self.coefficients_ = coefficient_table(self.algebra_)
        return self

    def summary(self) -> str:
        """Write the law and the verdicts as text.

        Examples
        --------
        >>> import symdyn as sd
        >>> data = sd.systems.heat(n_trajectories=4, n_points=64, n_times=50)
        >>> equation = {"u": {"u_xx": 0.2}}
        >>> search = sd.PointSymmetryDiscovery("scalings", equation, direct=False, finite_flow=False)
        >>> print(search.fit(data).summary())
        law (weak form, windows of 15 x 19 points (time, space)): u_t = 0.2 u_xx
        symmetry algebra: R^2
        verdict       violation  95 % bound  p (eps=0)  generator
        symmetric       ...        ...          1  t ∂t + 0.5 x ∂x
        symmetric         ...        ...          1  u ∂u
        broken              1.1         1.1     <1e-16  t ∂t + …
        symmetric: bound below delta = 0.02, closed under brackets; broken: eps = 0 rejected at 0.05;
        approximate: both
        the direct route was not taken: nothing but the law supports the verdicts
        """
        check_is_fitted(self, "verdicts_")
        return point_text(self)

    def _check_options(self) -> None:
        if not 0 < self.delta < np.sqrt(2):
            raise ValueError(f"delta must lie between 0 and sqrt(2), got {self.delta}")
        if not 0 < self.alpha < 1:
            raise ValueError(f"alpha must lie between 0 and 1, got {self.alpha}")
        if self.n_bootstrap < 20:
            raise ValueError(f"n_bootstrap must be at least 20 for a 95 % bound, got {self.n_bootstrap}")
        if self.time_order not in (None, 1, 2):
            raise ValueError(f"time_order must be 1, 2 or None, got {self.time_order}")

    def _moves_with_its_origin(self, dataset: xr.Dataset) -> bool:
        return self.equation is not None or moves_with_its_origin(self.terms, field_grid(dataset))

    def _identified(self, dataset: xr.Dataset, chart: Chart, rng: np.random.Generator) -> Identified:
        options = {"terms": self.terms, "time_order": self.time_order, "derivatives": self.derivatives, "chart": chart}
        if self.equation is not None:
            return given_law(dataset, self.equation, chart=chart, time_order=self.time_order or 1, rng=rng)
        found = identify_law(dataset, **options, n_bootstrap=self.n_bootstrap, rng=rng)
        if not found.law.support.any():
            raise ValueError("no term of the library is told from zero: give longer, more, or less noisy fields")
        return found

    def _law_of(self, found: Identified) -> FieldLaw:
        """Return the law in the units of the data; the numbers of a given one to the last digit."""
        law = found.law.in_units(found.chart)
        if self.equation is None:
            return law
        return replace(law, coefficients=given_coefficients(self.equation, law.terms, law.fields))

    def _confront(self, route: DirectRoute | None, found: Identified, charted: Generators) -> None:
        """Take back what the law cannot hold, or the data themselves contradict."""
        n = self.algebra_.dim + self.trivial_.dim
        wrong = np.zeros(n, dtype=bool)
        doubts = law_doubts(found.law, self.residual_, self.delta)
        if doubts:
            wrong[:] = True
            self.notes_ += doubts
        elif self.equation is None:
            self.notes_ += residual_notes(self.residual_, found.law, self.delta)
        columns = {name: np.full(self.verdicts_.sizes["generator"], np.nan) for name in _DIRECT}
        self.agreement_ = np.nan
        if route is None:
            self.notes_.append("the direct route was not taken: nothing but the law supports the verdicts")
        elif n:
            test = route.test(charted.vectors()[:n], self.delta)
            for name in _DIRECT:
                columns[name][:n] = getattr(test, name.removeprefix("direct_"))
            self.agreement_ = route.angle(charted.vectors()[:n][test.usable])
            against = test.usable & (test.p_value < self.alpha / n)
            texts = list(self.verdicts_.generator.values[:n])
            self.notes_ += direct_notes(route, test, against, texts, alpha=self.alpha, delta=self.delta)
            wrong |= against
        for name, values in columns.items():
            self.verdicts_[name] = ("generator", values)
        if wrong.any():
            self.algebra_, self.trivial_, self.verdicts_ = refused(self.algebra_, self.trivial_, self.verdicts_, wrong)
        if not doubts:
            self.notes_ += verdict_notes(self.verdicts_, self.algebra_, self.law_, self.residual_, n)

    def _flow(self, values: np.ndarray, noise: np.ndarray, found: Identified, charted: Generators) -> None:
        size = self.verdicts_.sizes["generator"]
        place = np.flatnonzero((self.verdicts_.verdict == "symmetric").values & ~self.verdicts_.trivial.values)
        columns = np.full((2, size), np.nan)
        flows = None
        if self.finite_flow and len(place):
            moving = charted.with_vectors(charted.vectors()[place])
            flows = finite_flows(found.law, moving, values, noise, found.grid)
        texts = list(self.verdicts_.generator.values[place])
        self.flows_ = None if flows is None else flow_table(flows, texts, found.grid, found.chart)
        if flows is not None:
            columns[:, place] = flows.residuals
        self.verdicts_["residual_before"] = ("generator", columns[0])
        self.verdicts_["residual_after"] = ("generator", columns[1])


def _turned(forms: LawForms, frame: np.ndarray) -> LawForms:
    """Carry the forms over to combinations `(candidate, direction)`."""
    turned = {
        name: frame.T @ getattr(forms, name) @ frame for name in ("violation", "size", "cross", "error", "jackknife")
    }
    return replace(forms, **turned)
