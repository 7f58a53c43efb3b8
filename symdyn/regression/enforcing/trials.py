"""Laws fitted with each part of the data held out, with and without parts of a symmetry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from symdyn.laws.fields.field_law import TermSpace
from symdyn.lie.algebras.symmetries import Part
from symdyn.lie.constraints.subspace import Subspace
from symdyn.regression.enforcing.left_out import Parts

__all__ = ["RowTrials", "Trials"]


class Trials(Protocol):
    """Describe fits with each part of the data held out."""

    left_out: Parts

    def space(self, parts: list[Part]) -> Subspace | TermSpace | None:
        """Return the space, with its `dim`, that parts of a symmetry leave of the fitted coefficients."""
        ...

    def laws(self, space) -> np.ndarray | None:
        """Fit laws `(part, output, feature)`, each without one part; None if the space holds no law."""
        ...

    def least_squares(self, parts: list[Part]) -> np.ndarray | None:
        """Fit the same by plain least squares, constrained by parts of a symmetry or free."""
        ...


@dataclass(frozen=True)
class RowTrials:
    """Fit rows with each part held out.

    Parameters
    ----------
    left_out : Parts
    rows : callable
        From the number of a part to rows `(row, feature)` and targets `(row, output)` of all others.
    law : callable
        From the number of a part and a Subspace, None for a free fit, to a law `(output, feature)` on the same
        functions, fitted to all others.
    space : callable
        What parts of a symmetry leave of the coefficients that are fitted.
    plain_space : callable
        What they leave of the coefficients on the functions of the rows.
    """

    left_out: Parts
    rows: Callable[[int], tuple[np.ndarray, np.ndarray]]
    law: Callable[[int, Subspace | None], np.ndarray]
    space: Callable[[list[Part]], Subspace]
    plain_space: Callable[[list[Part]], Subspace]

    def laws(self, space: Subspace | None) -> np.ndarray | None:
        """Fit laws `(part, output, feature)`, each without one part; None if the Subspace has dimension 0."""
        if space is not None and space.dim == 0:
            return None
        return np.stack([self.law(k, space) for k in range(self.left_out.n)])

    def least_squares(self, parts: list[Part]) -> np.ndarray | None:
        """Fit laws `(part, output, feature)` by least squares, constrained or free; None if nothing is left."""
        n = self.left_out.n
        if not parts:
            return np.stack([_least_squares(*self.rows(k)).T for k in range(n)])
        space, power = self.plain_space(parts), self.left_out.power
        if space.dim == 0:
            return None
        weights = 1 / np.sqrt(np.where(power > 0, power, 1.0))
        return np.stack([_inside(*self.rows(k), space, weights) for k in range(n)])


def _least_squares(rows: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Solve least squares `(column, output)` with columns scaled to size 1, so that rounding alone cuts the rank."""
    size = np.linalg.norm(rows, axis=0)
    size[size == 0] = 1.0
    return np.linalg.lstsq(rows / size, targets, rcond=1e-12)[0] / size[:, None]


def _inside(rows: np.ndarray, targets: np.ndarray, space: Subspace, weights: np.ndarray) -> np.ndarray:
    """Fit the law `(output, feature)` inside a Subspace, outputs weighted by `weights` `(output,)`."""
    basis, targets = space.basis.reshape(*space.shape, -1) * weights[:, None, None], targets * weights
    stacked = np.einsum("rf,ofd->ord", rows, basis).reshape(-1, space.dim)
    return space.expand(_least_squares(stacked, targets.T.reshape(-1, 1))[:, 0])
