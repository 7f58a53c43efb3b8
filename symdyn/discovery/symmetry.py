"""`SymmetryDiscovery`: the symmetries of a system from its trajectories, with evidence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import xarray as xr
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from symdyn.data.clocks import note_on_dates
from symdyn.data.pairs import as_dataset
from symdyn.data.tasks import on_one_thread
from symdyn.data.units import note_on_velocities, radians_of
from symdyn.discovery.law_of_data import LawOfData, law_of_data, law_on_resolved_library, law_on_wider_library
from symdyn.discovery.problem import Problem, candidates_on, set_up
from symdyn.discovery.question import split
from symdyn.discovery.reasons import reasons_of_law
from symdyn.evidence.elements.element_evidence import judge_elements
from symdyn.evidence.elements.element_table import Chooser, accepted_elements, elements_text
from symdyn.evidence.elements.group_evidence import group_bound
from symdyn.evidence.elements.group_table import judge_groups
from symdyn.evidence.evidence import Evidence
from symdyn.evidence.findings import View, conclude, findings_text
from symdyn.evidence.verdict_faces import ShowsVerdicts
from symdyn.evidence.verdicts import empty_table, judged_table
from symdyn.laws.fitness import check_law, ranges_text, still_functions, still_note
from symdyn.lie.actions import action_of
from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.lie.chains import Chain
from symdyn.lie.groups import Elements
from symdyn.lie.output_actions import value_action
from symdyn.lie.vectorfields import Charted, Generators, VectorField
from symdyn.sums.moments import Moments, accumulate

__all__ = ["SymmetryDiscovery"]

_OUTPUTS = ("vector_field", "invariant", "vector", "density", "metric")


class SymmetryDiscovery(ShowsVerdicts, BaseEstimator):
    """Find the generators v with L(v, f) = 0 for the law f behind trajectories.

    The law is identified from sums over trajectories (weak form, with even and odd samples as each other's
    instruments). The bracket is bilinear, so once the law is known the symmetries are a null space over the candidates;
    an upper bound on the violation decides which of them are accepted (`symdyn.evidence.evidence`).

    Parameters
    ----------
    candidates : str, Generators, Elements, or a list of these
        The transformations to test: `symdyn.candidates` for generators, `symdyn.groups` for finite elements, each of
        which is judged separately; or words, such as `"affine+sign_flips"`. Named states are matched by name.
    law : Features, pysindy feature library, or str
        Library of functions of the states of which the law is a combination, or a word such as `"polynomial:3"`. States
        in degrees enter sines as angles.
    kind : {"flow", "map", "second_order"}
        x' = f(x), x_{k+1} = F(x_k), or q'' = g(q, q'), which is also chosen when the data hold twice as many states as
        the candidates act on (positions, then velocities). Symmetries of a map are sought among affine generators.
    output : str, tuple, array or Generators
        `"vector_field"` for trajectories; for pairs (x, y = F(x)) how the values transform, as in `discover_function`.
        Generators stand for an unknown action within their class. A free matrix on a vector, `("linear",)`, makes
        nearly any map symmetric: give a class that says what the values are.
    inputs : sequence of str, optional
        Variables u of x' = f(x, u) or x_{k+1} = F(x_k, u_k), which candidates move together with the states (states
        first); by default those with `role = "input"`. `"t"` is the time; it is an input, too, if the candidates end
        with a state `t` (`time_translation=True`).
    delta : float
        Tolerance: generators are symmetric if the upper bound of the violation is below delta over their whole span,
        and the span closes under brackets.
    alpha : float
        Level of the test that rejects a symmetry as broken.
    n_bootstrap : int
        Number of bootstrap replicates of the law.
    rng : int or numpy Generator
        Seed.

    Attributes
    ----------
    algebra_ : LieAlgebra
        Accepted generators in canonical form, without the trivial ones. They are snapped to the nearest exact algebra
        of their kind inside the error bars; if there is none, they stay as estimated, with their errors (`exact` is
        False).
    found_ : LieAlgebra
        All accepted generators as estimated, before snapping.
    trivial_ : LieAlgebra
        Accepted generators that are parallel to the flow, or symmetric only by the part of the flow in them.
    verdicts_ : xr.Dataset
        Over `generator`: violation, upper_bound, p_value, signal_to_noise, verdict, exact_rejected, trivial.
    generators_ : Generators
        All combinations of the candidates in the order of the verdicts.
    law_ : VectorField
        The law (the accelerations, for a second-order system).
    law_fit_ : LawFit
        The law with its error and the path of its selection.
    noise_ : xr.DataArray
        Estimated noise `(trajectory, state)`.
    elements_ : Elements
        Accepted finite elements, if any were candidates; of a group of more than 100, its generators.
    element_verdicts_ : xr.Dataset
        Over `element`, the same columns, and `image_outside`, the fraction of images g x far from all data.
    chart_ : Chart
        Chart of the arguments of the law, in which everything was computed.
    evidence_ : Evidence
        Evidence on combinations of the candidates.
    residual_ : Residual
        Fraction of the rates that the law does not explain, beyond noise, in the norm of the violation, with its 99 %
        lower and 95 % upper bound. The upper bound is part of the bound of every violation.
    unexplained_ : tuple of float
        Fraction and lower bound of `residual_`.
    ranges_ : dict
        Smallest and largest value of each argument of the law over the data, in their units: where verdicts hold.
    notes_ : list of str
        What these data cannot decide, and why.

    Examples
    --------
    >>> import symdyn as sd
    >>> x, step = sd.systems.hopf(noise=0.02, rng=0)
    >>> search = sd.SymmetryDiscovery(sd.candidates.gl(2), sd.features.Polynomial(3)).fit(x, step)
    >>> search.algebra_
    LieAlgebra so(2) on (x0, x1)
      x1 ∂x0 − x0 ∂x1
    >>> verdicts = search.verdicts_  # in order of evidence
    >>> verdicts.verdict.values.tolist(), bool(verdicts.upper_bound[0] < search.delta)
    (['symmetric', 'broken', 'broken', 'broken'], True)
    """

    def __init__(
        self,
        candidates,
        law,
        *,
        kind: str = "flow",
        output: str = "vector_field",
        inputs=None,
        delta: float = 0.1,
        alpha: float = 0.05,
        n_bootstrap: int = 200,
        rng=0,
    ):
        self.candidates = candidates
        self.law = law
        self.kind = kind
        self.output = output
        self.inputs = inputs
        self.delta = delta
        self.alpha = alpha
        self.n_bootstrap = n_bootstrap
        self.rng = rng

    @on_one_thread
    def fit(self, data, y=None, *, accumulate: Callable[..., Moments] = accumulate) -> SymmetryDiscovery:
        """Identify the law behind the data, and judge every candidate against it.

        Parameters
        ----------
        data : xr.Dataset, path, tables, dict, tuple (x, t), or tuple (X, Y)
            Trajectories in the schema, a file, data frames or a dict of them; or an array `(time, state)` or
            `(trajectory, time, state)` or a list of arrays, with a step, times or a list; or pairs: points X
            `(sample, state)` with values Y `(sample, ...)`, arrays or lists of them (one entry per trajectory). With
            `output="vector_field"` Y holds the rates of a flow, or the next points of a map. Noise is looked for in
            trajectories; of pairs, X must be exact.
        y : optional
            The times t, or the values Y, where `data` is x or X alone.
        accumulate : callable, optional
            Makes the sums: `symdyn.sums.checkpoint.accumulate_resumable`, with its folder and key bound, keeps them on
            disk as they come.

        Raises
        ------
        ValueError
            For options out of range, candidates of another number of states, data that break the schema or are too few,
            and a law library that cannot hold the law.

        Examples
        --------
        >>> import symdyn as sd
        >>> lorenz = sd.systems.lorenz(n_trajectories=6)
        >>> search = sd.SymmetryDiscovery(sd.groups.sign_flips(3), "polynomial:2").fit(lorenz)
        >>> search.elements_
        Elements(1) on (x0, x1, x2): x0 -> -x0, x1 -> -x1
        >>> search.law_
        VectorField on (x0, x1, x2)
          f_x0 = −10 x0 + 10 x1
          f_x1 = 28 x0 − x1 − x0 x2
          f_x2 = −2.67 x2 + x0 x1
        """
        self._check_options()
        like_states = value_action(self.output).are_rates
        dataset = as_dataset(data, y, pairs=not like_states, increments=like_states and action_of(self.kind).increments)
        generators, elements = split(candidates_on(dataset, self.candidates, self.kind, self.inputs))
        given = set_up(dataset, generators, self.law, self.kind, self.output, self.inputs)
        rng = np.random.default_rng(self.rng)
        make = partial(law_of_data, dataset, accumulate=accumulate, n_bootstrap=self.n_bootstrap, rng=rng)
        found = make(given)
        said = check_law(found.residual, found.richest, self.delta, noisy_states=found.coarse)
        moving = given.layout.states if given.layout.action.has_velocities else ()
        self._radians = radians_of(dataset, given.layout.arguments)  # in the unit of each
        self.notes_ = [*note_on_dates(dataset), *note_on_velocities(dataset, moving), *said]
        given, found, rival = self._gated(given, found, make)
        found, rival = found.without_sums(), rival and rival.without_sums()
        self.residual_ = found.residual
        self.unexplained_ = found.residual.share, found.residual.lower
        self._judge_generators(given, found, rival)
        self._judge_elements(elements, found, rival)
        if self._any("undetermined") or rival is not None:
            self.notes_ += reasons_of_law(found, rival, self.delta)
        chart = found.problem.layout.argument_chart
        self.notes_ += still_note(still_functions(found.moments, found.scales, found.law.states, chart))
        points = chart.points_back(found.moments.points)
        self.ranges_ = dict(
            zip(found.problem.layout.arguments, np.stack([points.min(0), points.max(0)], axis=1).tolist(), strict=True)
        )
        self._speak_units(given, found)
        return self

    def _any(self, verdict: str) -> bool:
        """Whether any generator or element has this verdict."""
        tables = [self.verdicts_, *([self.element_verdicts_] if hasattr(self, "element_verdicts_") else [])]
        return any(verdict in table.verdict.values for table in tables)

    def _gated(self, given: Problem, found: LawOfData, make: Callable[[Problem], LawOfData]):
        """The law whose verdicts pay for what it leaves over; where it is a coarse map's, and that is much, what a
        larger library says must agree instead.

        A verdict that holds for a law that leaves a quarter of the steps over, and for one that leaves less, is about
        what both hold. Where noise hides terms of the library, the law without them is judged, and that with them is
        the one that must agree.
        """
        rival, resolved = None, None if found.resolved else law_on_resolved_library(found, make, given)
        if resolved is not None:
            rival, (found, given) = found, resolved
        over = found.residual.upper
        if rival is None and found.coarse and over > self.delta / 3:
            rival = law_on_wider_library(found, make, given)
        floor = found.fit.floor if rival is not None else max(found.fit.floor, over)
        fit = replace(found.fit, floor=floor, test_floor=max(found.fit.floor, over))
        return given, replace(found, fit=fit), rival

    def _speak_units(self, given: Problem, found: LawOfData):
        """Set the law and the noise, in the units of the data."""
        layout, law = found.problem.layout, found.law
        chart, units = layout.argument_chart, layout.output_units
        self.problem_, self.kind_, self.chart_ = given, given.kind, chart
        self.law_ = VectorField.from_chart(Charted(law, chart, units), given.features)
        self.law_fit_ = found.fit.mapped(lambda coefficients: chart.law(coefficients, given.features, units))
        self.noise_ = xr.DataArray(
            np.broadcast_to(found.noise * np.array(chart.scale), found.moments.noise.shape).copy(),
            dims=("trajectory", "state"),
            coords={"trajectory": list(found.moments.labels), "state": list(law.states)},
        )

    def summary(self) -> str:
        """Write the verdicts as a table, with the unexplained fraction and the range in which they hold.

        Examples
        --------
        >>> import symdyn as sd
        >>> data = sd.systems.hopf(noise=0.02, n_trajectories=10)
        >>> search = sd.SymmetryDiscovery("gl", "polynomial:3").fit(data)
        >>> print(search.summary())
        symmetry algebra: so(2)
        verdict       violation  95 % bound  p (eps=0)  generator
        symmetric        0.0018       0.012       0.97  0.998 x1 ∂x0 − x0 ∂x1
        broken             0.45        0.46     <1e-16  0.99 x0 ∂x0 + 0.29 x1 ∂x0 − 0.26 x0 ∂x1 + x1 ∂x1
        broken              1.1         1.1     <1e-16  0.98 x1 ∂x0 + x0 ∂x1 + …
        broken              1.1         1.1     <1e-16  x0 ∂x0 − 0.99 x1 ∂x1 + …
        symmetric: bound below delta = 0.1, closed under brackets; broken: eps = 0 rejected at 0.05;
        approximate: both
        the law leaves 0.0 % of the rates unexplained, beyond noise (0.0 % to 0.4 %)
        verdicts hold in the range of the data: x0 from -0.906 to 0.873, x1 from -1.01 to 0.891
        """
        check_is_fitted(self, "verdicts_")
        parts = [findings_text(self.verdicts_, self.algebra_, self.trivial_)] if len(self.generators_) else []
        if hasattr(self, "element_verdicts_"):
            parts.append(elements_text(self.element_verdicts_))
        return "\n".join([*parts, self.residual_.text(), ranges_text(self.ranges_), *self.notes_])

    @on_one_thread
    def judge(self, generators: Generators) -> xr.Dataset:
        """Judge given generators, such as rotations about axes of one's own choice.

        Parameters
        ----------
        generators : Generators
            Within the span of the candidates.

        Returns
        -------
        xr.Dataset
            Over `generator`: violation, upper_bound (without a penalty for a search), p_value (not
            adjusted), verdict.

        Raises
        ------
        ValueError
            If a generator lies outside the candidates.

        Examples
        --------
        >>> import symdyn as sd
        >>> data = sd.systems.hopf(noise=0.02, n_trajectories=10)
        >>> search = sd.SymmetryDiscovery("gl", "polynomial:3").fit(data)
        >>> asked = search.judge(sd.candidates.so(2) + sd.candidates.scalings(2))
        >>> asked.generator.values.tolist(), asked.verdict.values.tolist()
        (['x1 ∂x0 − x0 ∂x1', 'x0 ∂x0', 'x1 ∂x1'], ['symmetric', 'broken', 'broken'])
        """
        check_is_fitted(self, "evidence_")
        given = self.chart_.subset(range(len(generators.states))).generators(generators)
        joint = (given + self._candidates).vectors()
        vectors, known = joint[: len(given)], joint[len(given) :]
        weights = vectors @ np.linalg.pinv(known)
        if not np.allclose(weights @ known, vectors, atol=1e-9 * np.abs(vectors).max()):
            raise ValueError("these generators lie outside the candidates that were searched")
        return judged_table(self.evidence_, weights, generators.texts(), self.alpha)

    def _check_options(self):
        if not 0 < self.delta < np.sqrt(2):
            raise ValueError(f"delta must lie between 0 and sqrt(2), got {self.delta}")
        if not 0 < self.alpha < 1:
            raise ValueError(f"alpha must lie between 0 and 1, got {self.alpha}")
        if self.n_bootstrap < 20:
            raise ValueError(f"n_bootstrap must be at least 20 for a 95 % bound, got {self.n_bootstrap}")
        if isinstance(self.output, str) and self.output not in _OUTPUTS:
            raise ValueError(f"output={self.output!r} is none of {_OUTPUTS}; see `discover_function` for more")

    def _judge_generators(self, given: Problem, found: LawOfData, rival: LawOfData | None):
        problem, moments, scales, law = found.problem, found.moments, found.scales, found.law
        if len(problem.candidates) == 0:
            self.algebra_ = self.trivial_ = self.found_ = LieAlgebra(given.candidates)
            self.generators_, self.verdicts_ = given.candidates, empty_table(self.delta, self.alpha)
            return
        candidates, forms = found.generator_forms()
        if rival is not None:
            forms = replace(forms, rivals=(*forms.rivals, *rival.generator_forms()[1].all_laws()))
        self._candidates = candidates  # what the evidence is on, in the chart
        self.evidence_ = Evidence(forms, self.delta)
        concluded = conclude(
            candidates,
            self.evidence_,
            self.alpha,
            lambda algebra: problem.parallel(algebra, moments, scales, law, found.fit.errors),
            problem.flow_among(candidates, law, moments.points),
            View(problem.candidate_chart(candidates), given.candidates.features, candidates),
        )
        self.algebra_, self.trivial_, self.found_ = concluded.algebra, concluded.trivial, concluded.found
        self.verdicts_, self.generators_ = concluded.verdicts, concluded.generators

    def _judge_elements(self, elements: Elements, found: LawOfData, rival: LawOfData | None):
        if len(elements) == 0:
            return
        named = elements.renamed(found.problem.candidates.states)
        chart = found.moments.chart.subset(range(len(named.states)))
        sample = replace(found.element_sample(), lacking=bool(found.residual.lower > self.delta / 5))
        other = None if rival is None else (rival.fit, rival.element_sample())
        laws = [(found.fit, sample), *([] if other is None else [other])]

        def judge(part: Elements, products: bool | Chooser) -> xr.Dataset:
            options = {"rival": other, "delta": self.delta, "alpha": self.alpha, "products": products}
            verdicts = judge_elements(chart.elements(part), found.fit, sample, **options)
            return verdicts.assign_coords(element=np.array(part.texts(), dtype=object))

        def bound(chain: Chain) -> float:
            return group_bound(chain, chart.elements, laws, self.delta)

        searched, self.element_verdicts_, notes = judge_groups(named, judge, bound, self.delta)
        self.elements_ = accepted_elements(searched, self.element_verdicts_)
        self.notes_ += notes
