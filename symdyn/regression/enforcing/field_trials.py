"""Laws of fields fitted with each part of the data held out, in the space that point symmetries leave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add

import numpy as np

from symdyn.discovery.point.point_constraint import Spaces, spaces_left
from symdyn.jets.pointfields import parse_generators
from symdyn.laws.fields.field_law import FieldLaw, TermSpace
from symdyn.laws.fields.identify import Identified
from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.lie.algebras.symmetries import Part, as_symmetries, which_were_found
from symdyn.lie.vectorfields import Generators
from symdyn.regression.enforcing.enforcement import SymmetryLike
from symdyn.regression.enforcing.left_out import Parts

__all__ = ["FieldTrials", "joint_spaces", "point_symmetries"]


@dataclass(frozen=True)
class FieldTrials:
    """Fit the terms that a fit to all the data selects, within a space of laws, to all parts but one.

    Parameters
    ----------
    left_out : Parts
        Of the sums of `found`.
    found : Identified
    law : FieldLaw
        In the units of the data.
    """

    left_out: Parts
    found: Identified
    law: FieldLaw

    def space(self, parts: list[Part]) -> TermSpace | None:
        """Return what parts of a symmetry leave of the terms in the chart; None where no law has them all."""
        try:
            return joint_spaces(parts, self.law, self.found).charted
        except ValueError:
            return None

    def laws(self, space: TermSpace | None) -> np.ndarray | None:
        """Fit laws `(part, field, term)` on the terms of the chart, unconstrained if there is no space."""
        if space is None:
            return self._laws(np.zeros(self.law.coefficients.size), np.eye(self.law.coefficients.size), self.found.law)
        chosen = self.found.refit(space, 2, np.random.default_rng(0))
        basis = space.basis[:, np.flatnonzero(chosen.free)]
        return self._laws(space.offset, basis, chosen)

    def least_squares(self, parts: list[Part]) -> np.ndarray | None:
        """Refit the selected terms only: in a large library most terms cannot be distinguished from zero."""
        return self.laws(self.space(parts) if parts else None)

    def _laws(self, offset: np.ndarray, basis: np.ndarray, chosen: FieldLaw) -> np.ndarray:
        total, shape = self.left_out.sums.sum(axis=0), chosen.coefficients.shape
        if basis.shape[1] == basis.shape[0]:
            basis = basis[:, np.flatnonzero(chosen.support)]
        return np.stack([_solved(total - part, offset, basis, shape) for part in self.left_out.sums])


def _solved(sums: np.ndarray, offset: np.ndarray, basis: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Find offset + basis free `(field, term)` from sums `(row, row)`, fields weighted by the size of their rates."""
    n_fields, n_terms = shape
    weights = 1 / np.maximum(np.abs(np.diag(sums)[n_terms:]), 1e-300)
    gram = np.kron(np.diag(weights), sums[:n_terms, :n_terms])
    right = (weights[:, None] * sums[n_terms:, :n_terms]).ravel() - gram @ offset
    inner, target = basis.T @ gram @ basis, basis.T @ right
    scale = 1 / np.sqrt(np.maximum(np.abs(np.diag(inner)), 1e-300))
    free = scale * (np.linalg.pinv(inner * scale * scale[:, None], rcond=1e-11) @ (scale * target))
    return (offset + basis @ free).reshape(n_fields, n_terms)


def point_symmetries(symmetry: SymmetryLike, variables: Sequence[str]) -> tuple[list[Part], list[bool]]:
    """Return symmetries of fields as algebras on (coordinates, fields), and whether each was found in data.

    Parameters
    ----------
    symmetry : LieAlgebra, Generators, str, list of str, or a fitted search
    variables : sequence of str
    """
    if isinstance(symmetry, str) or (isinstance(symmetry, list | tuple) and all(isinstance(s, str) for s in symmetry)):
        texts = [symmetry] if isinstance(symmetry, str) else list(symmetry)
        return [LieAlgebra(parse_generators(texts, variables))], [False]
    return as_symmetries(symmetry), which_were_found(symmetry)


def joint_spaces(parts: list[Part], law: FieldLaw, found: Identified) -> Spaces:
    """Return what all parts of a symmetry leave; raise ValueError where that is nothing."""
    generators: list[Generators] = [part.basis for part in parts if isinstance(part, LieAlgebra)]
    return spaces_left(reduce(add, generators), law, found.chart)
