"""What a promoted fit predicts with, as held-out samples decide.

Enforcing the symmetries that promotion keeps gives the best fit if they are true, and a bad one if they are slightly
wrong. They are therefore enforced only if held-out errors do not exceed those of least squares and of the promoted fit
by more than one standard error of the paired differences. Otherwise generators are dropped one by one, the least well
kept first; if none is left, the promoted fit or least squares is used, whichever has the smaller error.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from symdyn.promotion.charted_maps import ChartedData
from symdyn.promotion.enforcing import Enforced, enforcements
from symdyn.promotion.promote import Posed
from symdyn.promotion.reading import Kept
from symdyn.promotion.strength_choice import folds, left_out_squares

__all__ = ["Choice", "Rivals", "decided"]

_CLEAR = 1.0  # standard errors from which a fit counts as worse than another
_SMALL = 0.2  # of the mean square error that noise of the coefficients makes
_ROUNDING = 1e-24  # of the mean square of the data: mean squares of errors below are as good as one another


@dataclass(frozen=True, eq=False)
class Rivals:
    """Fits without an exact symmetry: promoted, and least squares.

    Parameters
    ----------
    problem : tuple
        Penalty, design, target and l1.
    gamma : float
    promoted : ndarray, `(output, feature)`
        On the design.
    known : ndarray, `(sample,)`, optional
        Squares of errors that the promoted fit leaves of samples left out by folds, in their order, if these are known.
    """

    problem: Posed
    gamma: float
    promoted: np.ndarray
    known: np.ndarray | None

    @cached_property
    def squares(self) -> np.ndarray:
        """The same squares in any case: at the price of five solutions."""
        return left_out_squares(self.problem, np.array([self.gamma]))[0] if self.known is None else self.known

    @cached_property
    def training(self) -> np.ndarray:
        """Squares `(sample,)` that the promoted fit leaves of its own samples: less than of others."""
        _, design, target, _ = self.problem
        return np.mean((design @ self.promoted.T - target) ** 2, axis=1)[np.concatenate(folds(len(target)))]

    @cached_property
    def free(self) -> tuple[np.ndarray, np.ndarray]:
        """Coefficients `(output, feature)` of least squares, and squares `(sample,)` of errors left out."""
        _, design, target, _ = self.problem
        squares = []
        for left_out in folds(len(target)):
            kept = np.setdiff1d(np.arange(len(target)), left_out)
            found = np.linalg.lstsq(design[kept], target[kept], rcond=None)[0]
            squares.append(np.mean((design[left_out] @ found - target[left_out]) ** 2, axis=1))
        return np.linalg.lstsq(design, target, rcond=None)[0].T, np.concatenate(squares)


class Choice(NamedTuple):
    """What is predicted with: a fit inside symmetries if there is one, else least squares if `free`, else promotion.

    `dropped` is the number of generators that are kept by promotion, but not enforced; `objected` the first fit inside
    symmetries that samples left out objected to.
    """

    enforced: Enforced | None
    free: bool
    dropped: int
    objected: Enforced | None


def decided(data: ChartedData, kept: Kept, rivals: Rivals) -> Choice:
    """Take the fit inside the kept symmetries that held-out samples do not contradict, or the better of its rivals."""
    nothing_kept = kept.space is None and kept.elements is None
    n_generators = 0 if kept.space is None else kept.space.null.shape[1]
    objected = None
    for dropped in range(0 if nothing_kept else max(n_generators, 1)):
        space = kept.space
        fewer = replace(kept, space=space.without_first(dropped)) if space is not None and dropped else kept
        for enforced in enforcements(data, fewer):
            if _as_good(data, enforced, rivals):
                return Choice(enforced, False, dropped, objected)
            objected = enforced if objected is None else objected
    return Choice(None, bool(rivals.free[1].mean() < rivals.squares.mean()), n_generators, objected)


def _as_good(data: ChartedData, enforced: Enforced, rivals: Rivals) -> bool:
    """Return whether errors left out are not above those of least squares, nor above those of the promoted fit."""
    if _objection(data, enforced, rivals.free[1]):
        return False
    # Those of its own samples are a bound from below, and cost nothing.
    return not _objection(data, enforced, rivals.training) or not _objection(data, enforced, rivals.squares)


def _objection(data: ChartedData, enforced: Enforced, others: np.ndarray) -> bool:
    """Return whether errors left out are clearly above those of another fit `(sample,)`."""
    excess = enforced.squares - others
    clear = _CLEAR * excess.std(ddof=1) / np.sqrt(len(excess))
    # What the noise of the coefficients alone costs: a fraction of it is no loss.
    noise = _SMALL * enforced.subspace.dim / data.target.size * others.mean()
    rounding = _ROUNDING * (np.mean(data.target**2) + np.mean(data.means**2))
    return bool(excess.mean() > max(clear, noise, rounding))
