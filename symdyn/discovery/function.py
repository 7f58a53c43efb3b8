"""Symmetries of functions that can be called: scalars, vector fields, tensors. No noise, so verdicts are exact."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from dask.base import is_dask_collection

from symdyn.data.numbers import real_points, refuse_dtype
from symdyn.data.tasks import on_one_thread
from symdyn.discovery.charted_candidates import Posed, posed
from symdyn.discovery.exact_elements import judge_candidates_of_function, output_of_elements
from symdyn.discovery.function_symmetry import FunctionSymmetry, concluded, undetermined_notes, without_generators
from symdyn.discovery.genericity import leaves_points, polynomial_relation, unsettled
from symdyn.discovery.question import asked_at_points
from symdyn.discovery.sampled_function import Sampled
from symdyn.evidence.evidence import Evidence, QuadraticForms
from symdyn.evidence.exact_evidence import ExactEvidence
from symdyn.evidence.parallel import parallel_to_flow
from symdyn.functions.features import Polynomial
from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.lie.constraints.gram import Batch, Rows
from symdyn.lie.constraints.null_refinement import refined_directions
from symdyn.lie.groups import Elements
from symdyn.lie.output_actions import Values, value_action
from symdyn.lie.vectorfields import Generators

if TYPE_CHECKING:
    import dask.array as da

__all__ = ["FunctionSymmetry", "discover_function", "exact_evidence", "parallel_to_values"]

_ROUNDED = "rounding may have made its violation: give `jacobian`"


@on_one_thread
def discover_function(
    f: Callable[[np.ndarray], np.ndarray],
    points: np.ndarray | da.Array,
    candidates: str | Generators | Elements | Sequence,
    *,
    jacobian: Callable[[np.ndarray], np.ndarray] | None = None,
    output: str | Sequence | np.ndarray = "invariant",
    delta: float = 1e-6,
) -> FunctionSymmetry:
    """Find the generators v with Df v − psi f = 0 at all points and the finite elements g with f(g x) = M f(x).

    Parameters
    ----------
    f : callable
        From points `(sample, state)` to values `(sample,)`, `(sample, output)` or a tensor `(sample, ...)`; each value
        a function of its own point. Called on batches of points, and more than once on the same.
    points : ndarray, DataFrame or dask array, `(sample, state)`
        Generic points of the domain; `symdyn.discovery.genericity.samples_needed` says how many. Columns of a table
        keep their names, and f gets arrays. Of a dask array, one chunk at a time is in memory.
    candidates : str, Generators, Elements, or a list of these
        As `SymmetryDiscovery` takes them: generators from `symdyn.candidates`, finite elements and groups from
        `symdyn.groups`, joined by `+`, or words such as `"gl+sign_flips"`. Elements are judged one by one, at all
        points (of a dask array at 2000 of them).
    jacobian : callable, optional
        Derivatives `(sample, ..., state)` at points; by default central differences.
    output : str or tuple of str, or array `(generator, output, output)`
        How the values move. `"invariant"`: not at all. `"vector"` and `"vector_field"`: like the state, psi = Dv.
        `"density"`: as a density, f div v is added. `"metric"`: as a form on two vectors. A tuple names what each index
        of a tensor does: `"vector"`, `"covector"`, `"invariant"`, or `"linear"`, an unknown matrix on that index, which
        is found along with the generator (as extra states `out0_0, ...`). An array gives psi for each candidate, or the
        matrix M of each element. Elements act by their linear part on vectors, by its inverse on covectors; by unknown
        matrices they cannot.
    delta : float
        Violations below count as zero.

    Raises
    ------
    TypeError
        For candidates that are neither generators nor elements.
    ValueError
        For points, values or a Jacobian of the wrong shape, values that are not finite, and a Jacobian that disagrees
        with central differences.

    Warns
    -----
    UserWarning
        Where the points cannot decide: there are too few of them (half of them would give more generators), they lie on
        a curve or surface, the generators found fail at nearby points, or rounding hides differences larger than delta.

    Notes
    -----
    The function is called in the units of the points; its result is measured in the spread of each state, values in
    units of their own, and invariants from their mean, so the answer depends on no unit and origin.

    Otto, Zolman, Kutz and Brunton, arXiv 2311.00212 (the null space of the Lie derivative); unknown action on outputs:
    Hu, Li and Lin, arXiv 2410.09841. Sums over batches of points find the few directions that are nearly null; another
    pass over the points settles these to rounding. No array holds all derivatives, or rows of all points.

    Examples
    --------
    >>> import numpy as np
    >>> import symdyn as sd
    >>> def interval(x):
    ...     return x[:, 0] ** 2 - x[:, 1] ** 2
    >>> points = np.random.default_rng(0).normal(size=(50, 2))
    >>> found = sd.discover_function(interval, points, sd.candidates.gl(2))
    >>> found.algebra_
    LieAlgebra R on (x0, x1)
      x1 ∂x0 + x0 ∂x1
    """
    points, names = _checked_points(points)
    generators, elements = asked_at_points(candidates, points, states=names)
    action = value_action(output)
    samples = Sampled(f, jacobian, points, generators, action, np.random.default_rng(0))
    some = len(generators) > 0
    found = _generators_of(generators, samples, action, delta) if some else without_generators(generators, delta)
    if len(elements) == 0:
        return found
    moves = output_of_elements(output, len(generators), elements)
    points = samples.sums.chosen if is_dask_collection(points) else points
    return found.with_elements(*judge_candidates_of_function(f, points, elements, moves, delta=delta))


def _generators_of(generators: Generators, samples: Sampled, output: Values, delta: float) -> FunctionSymmetry:
    problem = posed(generators, output, samples.chart, samples.units.scale, samples.first)
    evidence, scale = exact_evidence(problem, samples, delta)
    _warn_of_points(problem.rows, samples, evidence, scale)
    found = concluded(problem, evidence, lambda algebra: parallel_to_values(algebra, samples, output, delta))
    return found.noted(undetermined_notes(found.verdicts_, _not_resolved(evidence) or _ROUNDED))


def exact_evidence(problem: Posed, samples: Sampled, delta: float) -> tuple[ExactEvidence, float]:
    """Compute evidence in two passes over the points, and the size of the values in the chart.

    Parameters
    ----------
    problem : Posed
    samples : Sampled
        Checks derivatives where it reads its first points, unless they are exact (`Differentiated`).
    delta : float

    Raises
    ------
    ValueError
        For values or derivatives that are not finite.
    """
    rows, products = problem.rows, _Products(problem.rows.candidates, samples)
    with np.errstate(invalid="ignore"):
        forms = rows.forms(products.watching(samples.batches()))
    if not np.all(np.isfinite(forms.violation)):
        samples.check(samples.batches())
    power = forms.power or 1.0
    size = (forms.transported + forms.carried) / power
    size[: problem.moving, : problem.moving] += products.displacement(problem.moving)
    nothing = np.zeros((1, *size.shape))
    quadratic = QuadraticForms(forms.violation / power, size, nothing, nothing, nothing[0], np.ones(1))
    frame = Evidence(quadratic, delta).directions
    scale = float(np.sqrt(power))
    spectrum = refined_directions(rows, samples.batches, frame, quadratic.violation, scale)
    return ExactEvidence(quadratic, delta, spectrum=spectrum, resolution=samples.resolution / scale), scale


class _Products:
    """Mean over points of products of the functions that candidates are made of, on states alone."""

    def __init__(self, candidates: Generators, samples: Sampled):
        self.candidates, self.sums, self.chart = candidates, samples.sums, samples.chart
        self.affine = candidates.features == Polynomial(1)
        self.total, self.count = 0.0, 0

    def watching(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """Pass the batches on, and sum them up as they pass."""
        for batch in batches:
            if not self.affine:
                theta = self.candidates.features(batch.points)
                self.total, self.count = self.total + theta.T @ theta, self.count + len(batch)
            yield batch

    def displacement(self, moving: int) -> np.ndarray:
        """Average sum_i v_i^2 over points as a form on the first candidates; states that do not move are left out."""
        n = len(self.chart)
        if self.affine:
            scale, mean = np.array(self.chart.scale), np.append(1.0, self.chart.points(self.sums.mean))
            products = np.outer(mean, mean)
            products[1:, 1:] += self.sums.covariance / scale / scale[:, None]
        else:
            products = self.total / self.count
        fields = self.candidates.coefficients[:moving, :n, : len(products)][:, self.sums.spread > 0]
        return np.tensordot(fields @ products, fields, axes=((1, 2), (1, 2)))


def parallel_to_values(algebra: LieAlgebra, samples: Sampled, output: Values, delta: float) -> np.ndarray:
    """Tell which generators are parallel to the values of a vector field, `(generator,)`: it commutes with itself.

    Parameters
    ----------
    algebra : LieAlgebra
        In the chart.
    samples : Sampled
    output : Values
    delta : float
        What violations are known to, and so angles.
    """
    if not output.are_rates or algebra.dim == 0:
        return np.zeros(algebra.dim, dtype=bool)
    points, values = samples.first.points, samples.first.values
    fields = algebra.basis.values(points)
    still = samples.sums.spread == 0  # motion out of the only value of a state is never along the flow
    scales = np.broadcast_to(np.where(still, 1e-300, 1.0), points.shape)
    return parallel_to_flow(fields, [values], scales, delta)


def _checked_points(points: Any) -> tuple[np.ndarray | da.Array, list[str] | None]:
    """Return real numbers, and the names of the columns; what is lazy is looked at when it is read."""
    if not is_dask_collection(points) or not hasattr(points, "chunks"):
        return real_points(points.compute() if is_dask_collection(points) else points, "points")
    if np.isnan(points.shape).any():
        raise ValueError("points are a dask array of unknown length: call compute_chunk_sizes() on it first")
    refuse_dtype(points.dtype, "points")
    return points, None


def _warn_of_points(rows: Rows, samples: Sampled, evidence: ExactEvidence, scale: float) -> None:
    """Warn once, of the worst reason why the answer may hold at these points only."""
    message = (
        _too_few(rows, samples, evidence, scale)
        or _not_generic(rows, samples, evidence, scale)
        or _not_resolved(evidence)
    )
    if message:
        warnings.warn(message, stacklevel=4)


def _too_few(rows: Rows, samples: Sampled, evidence: ExactEvidence, scale: float) -> str | None:
    count, needed = samples.sums.count, len(rows.candidates)
    n_values = samples.first.values[0].size
    if count * n_values < needed:
        return (
            f"{count * n_values} values cannot decide about {needed} candidates: give at least "
            f"{-(-needed // n_values)} generic points"
        )
    if not samples.keeps or count < 2:
        return None
    frame = evidence.directions
    lost = unsettled(rows, samples.half(), frame, evidence.forms.violation, scale, evidence.delta)
    if lost:
        return (
            f"{count} points may be too few: half of them leave {lost} more generator{'s' * (lost > 1)}, so more "
            f"points may leave fewer. Give {2 * max(count, -(-needed // n_values))} generic points, or as many as "
            f"`samples_needed` says"
        )
    return None


def _not_generic(rows: Rows, samples: Sampled, evidence: ExactEvidence, scale: float) -> str | None:
    states = rows.candidates.states[: len(samples.chart)]
    points, delta = samples.sums.chosen, evidence.delta
    relation = polynomial_relation(points, states, float(np.clip(10 * delta, 1e-8, 1e-4)))
    if relation:
        told = f" ({relation.text}, within {relation.within:.1g})" if relation.text else ""
        return (
            f"the points lie on a curve or surface of degree {relation.degree}{told}: the answer holds on it only. "
            "Give points of the whole domain, or look for the symmetries of the set itself by `discover_manifold`"
        )
    accepted = evidence.directions[:, : evidence.rank]
    if evidence.rank and leaves_points(rows, samples.where_finite, points[:500], accepted, scale, delta):
        return (
            f"{evidence.rank} generators hold at the points, but not beside them: the points lie on a curve or "
            "surface, or are too few. Give generic points of the whole domain"
        )
    return None


def _not_resolved(evidence: ExactEvidence) -> str | None:
    violations = evidence.spectrum[1]
    if not np.any((violations >= evidence.delta) & (violations < evidence.resolution)):
        return None
    return (
        f"differences of f tell violations from 0 above {evidence.resolution:.1g} only, and some lie between that and "
        f"delta = {evidence.delta:.1g}: give `jacobian`, or states whose origin is not so far from the points"
    )
