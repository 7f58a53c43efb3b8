"""Reading off the symmetries that a promoted fit keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from symdyn.lie.actions import output_action
from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.lie.groups import Elements
from symdyn.promotion.adaptive import rows_of
from symdyn.promotion.promote import Posed, Promotion
from symdyn.promotion.promoted_nullspace import NullSpace
from symdyn.promotion.promotion_candidates import CandidateMaps

__all__ = ["Kept", "kept_symmetries", "listed"]

_KEPT = 1e-3  # singular values below, relative to the largest or to the size of the fit, are of kept symmetries
_ROUNDING = 1e-8  # size of what varies of a fit, relative to the data with their mean, below which it is rounding
_CONSTANT = 1e-3  # size of a fit, relative to that of the data, below which it counts as no larger

_Symmetry: TypeAlias = LieAlgebra | Elements | list[LieAlgebra | Elements] | None


@dataclass(frozen=True)
class Kept:
    """What a fit keeps of `n_candidates` candidates.

    Parameters
    ----------
    space : NullSpace or None
        Of the generators that are kept.
    elements : Elements or None
    singular_values : ndarray, `(generator,)`
    n_broken, n_candidates : int
    """

    space: NullSpace | None
    elements: Elements | None
    singular_values: np.ndarray
    n_broken: int
    n_candidates: int

    def symmetry(self, algebra: LieAlgebra | None) -> _Symmetry:
        """Join an algebra and the elements that are kept: one of them, a list of both, or None."""
        parts = [part for part in (algebra, self.elements) if part is not None]
        return parts[0] if len(parts) == 1 else parts or None


def listed(symmetry: _Symmetry) -> list[LieAlgebra | Elements]:
    """Return the parts of a symmetry, see `Kept.symmetry`, as a list."""
    if symmetry is None:
        return []
    return list(symmetry) if isinstance(symmetry, list) else [symmetry]


def kept_symmetries(maps: CandidateMaps, found: Promotion, problem: Posed, gamma: float, output: str) -> Kept:
    """Find the null space of v -> L(v, F), as an algebra with error bars, and the elements that change nothing.

    Parameters
    ----------
    maps : CandidateMaps
    found : Promotion
    problem : tuple
        Penalty, design, target and l1.
    gamma : float
    output : {"invariant", "vector_field", "map", "second_order"}
    """
    penalty, n = maps.penalty, maps.n_generators
    rows = rows_of(penalty, found)
    left, values, _ = np.linalg.svd(rows[:n], full_matrices=True)
    values = np.pad(values, (0, n - len(values)))
    lengths = np.linalg.norm(rows[n:], axis=1)
    # The largest is measured by the product of functions that the others are.
    scale = max(values.max(initial=0.0), lengths.max(initial=0.0), _size(problem, found, output))
    null = left[:, values <= _KEPT * scale]
    unchanged = np.flatnonzero(lengths <= _KEPT * scale)
    space = NullSpace(maps, null, problem, gamma) if null.shape[1] else None
    elements = maps.elements.subset(unchanged) if maps.elements is not None and unchanged.size else None
    n_broken = penalty.n_maps - null.shape[1] - unchanged.size
    return Kept(space, elements, values, n_broken, penalty.n_maps)


def _size(problem: Posed, found: Promotion, output: str) -> float:
    """Compute the root mean square of F over the samples, of invariants without their means."""
    _, design, target, _ = problem
    rounding = _ROUNDING * np.linalg.norm(target)
    fitted = design @ found.coefficients.T
    if not output_action(output).moves_values:
        fitted, target = fitted - fitted.mean(axis=0), target - target.mean(axis=0)
    return max(np.linalg.norm(fitted), _CONSTANT * np.linalg.norm(target), rounding, 1e-300) / np.sqrt(len(target))
