"""Symmetries of functions that can be called: scalars, vector fields, tensors. No noise, so verdicts are exact."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from symdyn.discovery.conclusion import conclude, findings_text
from symdyn.discovery.evidence import Evidence, QuadraticForms
from symdyn.discovery.exact import ExactEvidence
from symdyn.discovery.generic import leaves_points, polynomial_relation, unsettled
from symdyn.discovery.sampling import PointSums, Sampled
from symdyn.discovery.trivial import parallel_violation
from symdyn.lie.algebra import LieAlgebra
from symdyn.lie.fields import Generators
from symdyn.lie.gram import Rows, lie_rows
from symdyn.lie.refine import refined_directions

__all__ = ["FunctionSymmetry", "discover_function", "exact_evidence", "parallel_to_values"]


@dataclass(frozen=True)
class FunctionSymmetry:
    """What `discover_function` found; the attributes are those of `SymmetryDiscovery`."""

    algebra_: LieAlgebra
    trivial_: LieAlgebra
    verdicts_: xr.Dataset
    generators_: Generators
    evidence_: Evidence

    def summary(self) -> str:
        """The verdicts as a table."""
        return findings_text(self.verdicts_, self.algebra_, self.trivial_)


def discover_function(
    f: Callable[[np.ndarray], np.ndarray],
    points: np.ndarray,
    candidates: Generators,
    *,
    jacobian: Callable[[np.ndarray], np.ndarray] | None = None,
    output: str | Sequence | np.ndarray = "invariant",
    delta: float = 1e-6,
) -> FunctionSymmetry:
    """The generators v with Df v − psi f = 0 at all points.

    Parameters
    ----------
    f : callable
        From points `(sample, state)` to values `(sample,)`, `(sample, output)` or a tensor `(sample, ...)`; each value
        a function of its own point. Called on batches of points, and more than once on the same.
    points : ndarray or dask array, `(sample, state)`
        Generic points of the domain; `symdyn.discovery.generic.samples_needed` says how many. Of a dask array, one
        chunk at a time is in memory.
    candidates : Generators
    jacobian : callable, optional
        From points to derivatives `(sample, ..., state)`; central differences if left out.
    output : str or tuple of str, or array `(generator, output, output)`
        How the values move. `"invariant"`: not at all. `"vector"` and `"vector_field"`: like the state, psi = Dv.
        `"density"`: as a density, f div v is added. `"metric"`: as a form on two vectors. A tuple names what each index
        of a tensor does: `"vector"`, `"covector"`, `"invariant"`, or `"linear"`, an unknown matrix on that index, which
        is found along with the generator (as extra states `out0_0, ...`). An array gives psi for each candidate.
    delta : float
        Violations below count as zero.

    Raises
    ------
    ValueError
        For points, values or a Jacobian of the wrong shape, values that are not finite, and a Jacobian that disagrees
        with central differences.

    Warns
    -----
    UserWarning
        Where the points cannot decide: they are too few (half of them would give more generators), they lie on a curve
        or surface, or the generators found fail beside them.

    Notes
    -----
    Otto, Zolman, Kutz and Brunton, arXiv 2311.00212 (the null space of the Lie derivative); unknown action on outputs:
    Hu, Li and Lin, arXiv 2410.09841. Sums over batches of points find the few directions that are nearly null; another
    pass over the points settles these to rounding. No array holds all derivatives, or rows of all points.
    """
    points = _checked_points(points, candidates)
    if isinstance(output, list | tuple) and output and all(np.ndim(entry) == 2 for entry in output):
        output = np.asarray(output, dtype=float)
    samples = Sampled(f, jacobian, points, candidates.features, np.random.default_rng(0))
    rows = lie_rows(candidates, output, samples.first)
    evidence, scale = exact_evidence(rows, samples, candidates, delta)
    _warn_of_points(rows, samples, evidence, scale)
    found = conclude(rows.candidates, evidence, 0.05, lambda algebra: parallel_to_values(algebra, samples, output))
    return FunctionSymmetry(found.algebra, found.trivial, found.verdicts, found.generators, evidence)


def exact_evidence(rows: Rows, samples: Sampled, candidates: Generators, delta: float) -> tuple[ExactEvidence, float]:
    """Evidence from two passes over the points, and the unit of the values.

    Parameters
    ----------
    rows : Rows
    samples : Sampled
        Checks derivatives where it reads its first points, unless they are exact (`Differentiated`).
    candidates : Generators
        Without those on outputs that `rows` may have added.
    delta : float

    Raises
    ------
    ValueError
        For values or derivatives that are not finite.
    """
    with np.errstate(invalid="ignore"):
        sums, forms = samples.sums, rows.forms(samples.batches())
    if not np.all(np.isfinite(forms.violation)):
        samples.check(samples.batches())
    power = forms.power or 1.0
    size = (forms.transported + forms.carried) / power
    size[: len(candidates), : len(candidates)] += _displacement(candidates, sums)
    nothing = np.zeros((1, *size.shape))
    quadratic = QuadraticForms(forms.violation / power, size, nothing, nothing, nothing[0], np.ones(1))
    frame = Evidence(quadratic, delta).directions
    scale = float(np.sqrt(power))
    spectrum = refined_directions(rows, samples.batches, frame, quadratic.violation, scale)
    return ExactEvidence(quadratic, delta, spectrum=spectrum), scale


def _displacement(candidates: Generators, sums: PointSums) -> np.ndarray:
    """Mean over points of sum_i v_i^2 / s_i^2 as a form on candidates; states that do not move are left out."""
    moving = sums.spread > 0
    fields = candidates.coefficients[:, moving] / sums.spread[moving][:, None]
    return np.tensordot(fields @ sums.features, fields, axes=((1, 2), (1, 2)))


def parallel_to_values(algebra: LieAlgebra, samples: Sampled, output, below: float = 1e-6) -> np.ndarray:
    """Which generators are parallel to the values of a vector field, `(generator,)`: it commutes with itself.

    Parameters
    ----------
    algebra : LieAlgebra
    samples : Sampled
    output : see `discover_function`
    below : float
        The sine of the angle up to which they count as parallel.
    """
    if not isinstance(output, str) or output != "vector_field" or algebra.dim == 0:
        return np.zeros(algebra.dim, dtype=bool)
    points, values = samples.first.points, samples.first.values
    spread = np.maximum(samples.sums.spread, 1e-300)
    return parallel_violation(algebra.basis.values(points), values, np.broadcast_to(spread, points.shape)) < below


def _checked_points(points, candidates):
    points = points if hasattr(points, "dask") else np.asarray(points)
    n = len(candidates.states)
    if np.isnan(points.shape).any():
        raise ValueError("points are a dask array of unknown length: call compute_chunk_sizes() on it first")
    if points.ndim != 2 or points.shape[1] != n or not points.shape[0] > 0:
        raise ValueError(f"points must have shape (sample, {n}), got {points.shape}")
    return points


def _warn_of_points(rows: Rows, samples: Sampled, evidence: ExactEvidence, scale: float):
    """Warn once, of the worst reason why the answer may hold at these points only."""
    message = _too_few(rows, samples, evidence, scale) or _not_generic(rows, samples, evidence, scale)
    if message:
        warnings.warn(message, stacklevel=3)


def _too_few(rows, samples, evidence, scale):
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


def _not_generic(rows, samples, evidence, scale):
    states = rows.candidates.states[: samples.points.shape[1]]
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
