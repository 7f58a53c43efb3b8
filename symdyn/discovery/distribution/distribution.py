"""Symmetries of a distribution: the generators and elements that keep the density of an ensemble.

The weak form of L_v p = 0 is E[v . grad phi] = 0 for all test functions phi: no density is estimated. With covariance
G of the tests, G^(-1/2) E[v . grad phi] has errors from the data and a size to compare with
(`symdyn.discovery.distribution.weak_forms`), so verdicts, bounds and canonical forms are those of any other search.
LieGAN (Yang, Walters, Dehmamy and Yu, arXiv 2302.00236) asks the same question with a generator and a discriminator.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from symdyn.data.trajectories import open_trajectories
from symdyn.discovery.charted_candidates import in_given_candidates
from symdyn.discovery.distribution.designed_tests import GivenTests, coarse_tests
from symdyn.discovery.distribution.point_blocks import PointBlocks, points_of_array, points_of_trajectories
from symdyn.discovery.distribution.scatter import scatter_of
from symdyn.discovery.distribution.weak_evidence import WeakEvidence
from symdyn.discovery.distribution.weak_sums import Question
from symdyn.discovery.exact_elements import judged_with_reasons
from symdyn.discovery.function_symmetry import FunctionSymmetry, undetermined_notes, without_generators
from symdyn.discovery.question import asked_at_points
from symdyn.evidence.elements.element_table import share_outside
from symdyn.evidence.evidence import Evidence
from symdyn.evidence.findings import Findings, View, conclude, flow_among
from symdyn.evidence.parallel import parallel_to_flow
from symdyn.functions.features import Features
from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.lie.chart import Chart
from symdyn.lie.groups import Elements
from symdyn.lie.vectorfields import Generators, VectorField, of_size_one
from symdyn.sums.data_charts import chart_of, chart_of_points

__all__ = ["discover_distribution"]

_PER_TEST = 4  # samples that a default test needs
_PER_GIVEN_TEST = 20  # and one that was given, whatever it is
_PER_TEST_OF_CLASS = 2


def discover_distribution(
    points: np.ndarray | xr.Dataset,
    candidates: str | Generators | Elements | Sequence,
    *,
    labels: Any = None,
    tests: Features | None = None,
    trajectory: Any = None,
    weights: Any = None,
    steps: int = 0,
    law: VectorField | None = None,
    delta: float = 0.2,
    n_bootstrap: int = 200,
    rng: int = 0,
) -> FunctionSymmetry:
    """Find the generators and finite elements that keep the distribution of the points.

    A generator v keeps a density p if E[v . grad phi] = 0 for all functions phi, an element g if E[phi(g x)] =
    E[phi(x)]. Its violation is 0 for a symmetry and about 1 for a cloud that is shifted by its own width; it has no
    units and does not depend on the basis.

    Parameters
    ----------
    points : ndarray, dask array, table, or xr.Dataset
        Points `(sample, state)`; or trajectories, of which all samples count.
    candidates : str, Generators, Elements, or a list of these
        As `SymmetryDiscovery` takes them, acting on the columns of the points; of pairs of steps on both (`copies=2`).
    labels : array `(sample,)`, or of trajectories `(trajectory,)` or the name of a variable, optional
        Class of each sample, numbers or texts: asked is for symmetries of the density of each class, the label being
        left alone.
    tests : Features, optional
        Test functions of the points in their own units. By default polynomials of degree 2 and plane waves, see
        `symdyn.discovery.distribution.designed_tests`.
    trajectory : array `(sample,)`, optional
        Which samples depend on one another. Without it, stretches of successive samples are taken for trajectories
        where they look like one.
    weights : array `(sample,)`, optional
        Of the samples, such as those of simulated events.
    steps : int
        Of trajectories: 0 for the samples x_k, otherwise the pairs (x_k, x_(k + steps)).
    law : VectorField, optional
        x' = f(x), of which the points are trajectories. f keeps every stationary density, so a generator parallel to f
        is set apart in `trivial_`.
    delta : float
        Largest violation of what counts as a symmetry.
    n_bootstrap : int
        Replicates, with blocks of samples drawn again.
    rng : int
        Seed of the replicates.

    Returns
    -------
    FunctionSymmetry
        `algebra_`, `elements_`, verdicts, `summary()`, as from `discover_function`.

    Raises
    ------
    ValueError
        For points in a plane or on a curve, which have no density; fewer samples than the tests need, in all or of a
        class; entries that are not finite; labels, weights or candidates that do not fit the points.

    Notes
    -----
    What no test sees is not found. The default tests see structures down to about a twelfth of the width of the cloud
    in planes of two states; finer ones need `tests`.

    Examples
    --------
    >>> import numpy as np
    >>> import symdyn as sd
    >>> rng = np.random.default_rng(0)
    >>> angle, radius = rng.uniform(0, 2 * np.pi, 20_000), 1 + 0.1 * rng.standard_normal(20_000)
    >>> ring = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    >>> sd.discover_distribution(ring, "gl")
    FunctionSymmetry: generators 1 symmetric, 3 broken
    LieAlgebra so(2) on (x0, x1)
      x1 ∂x0 − x0 ∂x1
    >>> half = ring[ring[:, 0] > 0]  # half of the ring is left: only a reflection keeps it
    >>> sd.discover_distribution(half, "so+sign_flips").elements_
    Elements(1) on (x0, x1): x1 -> -x1
    """
    if isinstance(points, xr.Dataset):
        if trajectory is not None or weights is not None:
            raise ValueError("trajectory and weights are for arrays of points: a Dataset has trajectories of its own")
        dataset = open_trajectories(points)
        charted = chart_of(dataset, dataset.attrs["states"].split())
        given = points_of_trajectories(dataset, labels, _whole(steps), charted.time)
        chart = charted if not steps else charted + Chart(charted.centre, charted.scale)
    else:
        if steps:
            raise ValueError("steps are for trajectories (xr.Dataset): join the pairs of an array side by side")
        given = points_of_array(points, labels, trajectory, weights)
        chart = chart_of_points(given.some)
    generators, elements = asked_at_points(candidates, given.some, states=list(given.states))
    if np.any(elements.reverses_time):
        raise ValueError("a distribution knows no time: leave reverses_time out")
    question = _question(given, chart, generators, elements, tests)
    n_tests = question.tests.size(len(chart))
    evidence = WeakEvidence(given, question, n_tests, float(delta), (n_bootstrap, int(rng)))
    found = without_generators(generators, delta)
    if len(generators):
        found = _judged_generators(evidence, generators, law, steps, refine=tests is None)
    if len(elements):
        found = _with_elements(found, evidence, elements.searched(), refine=tests is None)
    return found.noted(list(given.notes))


def _whole(steps: int) -> int:
    if int(steps) != steps or steps < 0:
        raise ValueError(f"steps must be a whole number, 0 or more, got {steps}")
    return int(steps)


def _question(
    given: PointBlocks, chart: Chart, generators: Generators, elements: Elements, tests: Features | None
) -> Question:
    """Pose the question in the chart."""
    basis = of_size_one(chart.generators(generators))[0] if len(generators) else generators
    inside, charted = chart.elements(elements.searched()), chart.points(given.some)
    scatter = scatter_of(charted, given.some, given.states)
    if tests is None:
        coupling = _coupling(basis, inside, charted[:100])
        coupling = coupling[np.ix_(scatter.order, scatter.order)]
        chosen, each = coarse_tests(len(chart), coupling, given.n_blocks), _PER_TEST
    else:
        back = np.linalg.inv(scatter.root) * np.array(chart.scale)
        chosen, each = GivenTests(tests, chart.points_back(scatter.centre[None])[0], back), _PER_GIVEN_TEST
    _refuse_few(given, chosen.size(len(chart)), each)
    return Question(chart, scatter, chosen, basis, inside)


def _coupling(generators: Generators, elements: Elements, charted: np.ndarray) -> np.ndarray:
    """Tell which states are moved by an amount that depends on which others `(state, state)`."""
    found = np.any(np.abs(elements.matrices) > 1e-9, axis=0)
    if len(generators):
        found |= np.any(np.abs(generators.jacobians(charted)) > 1e-9, axis=(0, 3))
    return found


def _refuse_few(given: PointBlocks, n_tests: int, each: int) -> None:
    if given.count < each * n_tests:
        raise ValueError(
            f"{given.count} samples are too few for {n_tests} tests: at least {each * n_tests} are needed, or fewer "
            "`tests`"
        )
    for name, count in zip(given.classes, given.class_counts, strict=True):
        if count < _PER_TEST_OF_CLASS * n_tests:
            raise ValueError(
                f"class {name!r} has {count} samples, too few for {n_tests} tests: at least "
                f"{_PER_TEST_OF_CLASS * n_tests} are needed, or fewer `tests`"
            )


def _judged_generators(
    evidence: WeakEvidence, generators: Generators, law: VectorField | None, steps: int, refine: bool
) -> FunctionSymmetry:
    question = evidence.question
    chart, basis = question.chart, question.generators
    view = View(chart, generators.features, basis)
    points = evidence.points.some[:2000]
    charted, flow = chart.points(points), None if law is None else _flow(law, chart, points, steps)

    def is_trivial(algebra: LieAlgebra) -> np.ndarray:
        if flow is None or not algebra.dim:
            return np.zeros(algebra.dim, dtype=bool)
        return parallel_to_flow(algebra.basis.values(charted), [flow], np.ones_like(flow))

    def concluded(seen: Evidence) -> Findings:
        among = None if flow is None else flow_among(basis, lambda _: flow, charted)
        return conclude(basis, seen, 0.05, is_trivial, among, view=view)

    seen, notes = evidence.generators, []
    found = concluded(seen)
    accepted = [chart.generators(part.basis) for part in (found.algebra, found.trivial) if part.dim]
    if accepted and refine:
        matrices = np.concatenate([question.in_cloud(part.jacobians(charted).mean(axis=0)) for part in accepted])
        finer = evidence.refined(matrices)
        if finer.fine_tests_reject(
            np.concatenate([part.vectors() for part in accepted]) @ np.linalg.pinv(basis.vectors())
        ):
            seen = finer.generators
            found = concluded(seen)
            notes = ["finer tests reject what coarse ones accept: all tests decide"]
    mixture = np.linalg.inv(of_size_one(chart.generators(generators))[1])
    between = "its violation is as large as its error: more samples would decide"
    notes += undetermined_notes(found.verdicts, between)
    return FunctionSymmetry(
        found.algebra, found.trivial, found.verdicts, found.generators, in_given_candidates(seen, mixture), notes_=notes
    )


def _flow(law: VectorField, chart: Chart, points: np.ndarray, steps: int) -> np.ndarray:
    """Compute the rates of the points in the chart; of pairs those of both."""
    parts = np.split(points, 2, axis=1) if steps else [points]
    return np.concatenate([law(part) for part in parts], axis=1) / np.array(chart.scale)


def _with_elements(
    found: FunctionSymmetry, evidence: WeakEvidence, elements: Elements, refine: bool
) -> FunctionSymmetry:
    """Judge elements; those that coarse tests accept are looked at by finer ones."""
    inside, points, one = evidence.question.elements, evidence.points.some[:2000], np.ones(1)
    coarse = [evidence.element(k) for k in range(len(inside))]
    accepted = [k for k, own in enumerate(coarse) if own is not None and own.upper_bound(one, 1) < evidence.delta]
    if accepted and refine:
        part = inside.subset(accepted)
        finer = evidence.of_elements(part).refined(evidence.question.in_cloud(_moves(part)))
        for place, k in enumerate(accepted):
            if finer.fine_tests_reject_element(place, len(accepted)):
                coarse[k] = finer.element(place)

    def judge(part: Elements) -> tuple[Evidence | None, str]:
        known = int(inside.index(part)[0])
        own = coarse[known] if known >= 0 else evidence.of_elements(part).element(0)
        if own is None:
            return None, "it moves none of the points: points that it moves would decide"
        return own, "its violation is as large as its error: more samples would decide"

    charted = evidence.question.chart.points(points)
    outside = share_outside(inside.images(charted), charted, np.ones_like(charted))
    table = judged_with_reasons(inside, judge, outside, evidence.delta)
    return found.with_elements(elements, table.assign_coords(element=np.array(elements.texts(), dtype=object)))


def _moves(elements: Elements) -> np.ndarray:
    """Return A − 1 `(state, state, element)`."""
    return np.moveaxis(elements.matrices - np.eye(elements.matrices.shape[-1]), 0, -1)
