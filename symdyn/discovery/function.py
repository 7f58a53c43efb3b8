"""Symmetries of functions that can be called: scalars, vector fields, tensors. No noise, so verdicts are exact."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from symdyn.discovery.conclusion import conclude, findings_text
from symdyn.discovery.evidence import Evidence, exact_forms
from symdyn.discovery.trivial import parallel_violation
from symdyn.lie.algebra import LieAlgebra
from symdyn.lie.fields import Generators
from symdyn.lie.outputs import extend_by_outputs, moved_output

__all__ = ["FunctionSymmetry", "discover_function"]


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
    output: str | Sequence = "invariant",
    delta: float = 1e-6,
) -> FunctionSymmetry:
    """The generators v with Df v − psi f = 0 at all points.

    Parameters
    ----------
    f : callable
        From points `(sample, state)` to values `(sample,)`, `(sample, output)` or a tensor `(sample, ...)`.
    points : ndarray, `(sample, state)`
        Generic points of the domain; more than there are unknowns, or everything looks symmetric.
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

    Notes
    -----
    Otto, Zolman, Kutz and Brunton, arXiv 2311.00212 (the null space of the Lie derivative); unknown action on outputs:
    Hu, Li and Lin, arXiv 2410.09841.
    """
    points = _checked_points(points, candidates)
    values = _checked_values(f, points)
    slopes = _slopes(f, jacobian, points, values)
    transported = np.einsum("s...i,sik->s...k", slopes, candidates.values(points))
    carried = moved_output(values, candidates, points, output)
    candidates, transported, carried = extend_by_outputs(candidates, values, transported, carried, output)
    _warn_if_few(values, candidates)
    spread = points.std(axis=0)
    moved = candidates.values(np.hstack([points, np.zeros((len(points), len(candidates.states) - len(spread)))]))
    displacement = moved[:, : len(spread)] / np.where(spread > 0, spread, np.inf)[None, :, None]
    size = np.sqrt(np.mean(values**2)) or 1.0
    evidence = Evidence(exact_forms(transported / size, [part / size for part in carried], displacement), delta)
    found = conclude(candidates, evidence, 0.05, lambda algebra: _parallel(algebra, points, values, output))
    return FunctionSymmetry(found.algebra, found.trivial, found.verdicts, found.generators, evidence)


def _parallel(algebra, points, values, output):
    """A vector field commutes with itself: generators parallel to it are trivial."""
    if not isinstance(output, str) or output != "vector_field" or algebra.dim == 0:
        return np.zeros(algebra.dim, dtype=bool)
    spread = np.maximum(points.std(axis=0), 1e-300)
    return parallel_violation(algebra.basis.values(points), values, np.broadcast_to(spread, points.shape)) < 1e-6


def _checked_points(points, candidates):
    points = np.asarray(points, dtype=float)
    if points.ndim != 2 or points.shape[1] != len(candidates.states):
        raise ValueError(f"points must have shape (sample, {len(candidates.states)}), got {points.shape}")
    return points


def _checked_values(f, points):
    values = np.asarray(f(points), dtype=float)
    if values.shape[:1] != (len(points),):
        raise ValueError(f"f must return one value a point, got shape {values.shape} for {len(points)} points")
    if not np.all(np.isfinite(values)):
        raise ValueError(
            f"f is not finite at {int(np.sum(~np.isfinite(values).reshape(len(points), -1).all(1)))} points"
        )
    return values


def _slopes(f, jacobian, points, values):
    """Derivatives `(sample, ..., state)`: given and checked, or by differences of fourth order."""
    differences = np.stack([_difference(f, points, state) for state in range(points.shape[1])], axis=-1)
    if jacobian is None:
        return differences
    given = np.asarray(jacobian(points), dtype=float)
    if given.shape != differences.shape:
        raise ValueError(f"jacobian must return shape {differences.shape}, got {given.shape}")
    error = np.abs(given - differences).max() / max(np.abs(differences).max(), 1e-300)
    if error > 1e-5:
        raise ValueError(f"jacobian disagrees with central differences of f by {error:.2g} of its size")
    return given


def _difference(f, points, state):
    step = np.zeros(points.shape[1])
    step[state] = 1e-3 * max(points[:, state].std(), 1e-3 * np.abs(points).max(), 1e-12)
    near = np.asarray(f(points + step)) - np.asarray(f(points - step))
    far = np.asarray(f(points + 2 * step)) - np.asarray(f(points - 2 * step))
    return (8 * near - far) / (12 * step[state])


def _warn_if_few(values, candidates):
    if values.size < len(candidates):
        warnings.warn(
            f"{values.size} values cannot decide about {len(candidates)} candidates: give at least "
            f"{len(candidates)} generic points",
            stacklevel=3,
        )
