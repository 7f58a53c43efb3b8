"""Why a search for point symmetries leaves something undetermined, and what would decide it, in words."""

from __future__ import annotations

import numpy as np
import xarray as xr

from symdyn.discovery.point.evidence_routes import DirectRoute, DirectTest
from symdyn.laws.fields.field_law import FieldLaw
from symdyn.laws.residual import Residual
from symdyn.lie.algebras.algebra import LieAlgebra

__all__ = ["direct_notes", "law_doubts", "residual_notes", "verdict_notes"]

_NOTHING = 0.5  # of the rates left over: such a law says nothing
_MOST = 1000  # times as many trajectories are not advised
_OPEN = 0.05  # closure error that is worth a word


def law_doubts(law: FieldLaw, residual: Residual, delta: float) -> list[str]:
    """Say why the law decides nothing: it leaves too much over, or the data do not determine it."""
    left, lower = max(law.unexplained[0], residual.share), max(law.unexplained[1], residual.lower)
    found = []
    if lower > delta or left > _NOTHING:
        found.append(
            f"the law leaves {left:.2g} of the rates unexplained (at least {lower:.2g} beyond noise): the library "
            "cannot represent it, so nothing is accepted; add terms, or give fields whose law does not depend on place "
            "or time"
        )
    if law.doubts:
        found.append("the law is not determined, so nothing is accepted: " + "; ".join(law.doubts))
    return found


def residual_notes(residual: Residual, law: FieldLaw, delta: float) -> list[str]:
    """Say what the residual takes of the power of the search, where that is much."""
    if residual.upper <= delta / 2:
        return []
    if residual.aliased:
        return [
            f"even and odd points of the grid disagree by {residual.upper:.2g} of the rates, which is part of the "
            "bounds of all generators: the fields are sampled too coarsely in time or space, or their noise is not "
            "white"
        ]
    # |residual|^2 is what is averaged, so its bound falls as the fourth root of the number of trajectories.
    cure = f"{_times((residual.upper / (delta / 2)) ** 4)} or less noise would decide"
    return [
        f"the law may leave {residual.upper:.2g} of the rates unexplained (95 % bound from {residual.n_parts} parts of "
        f"the data; estimate {residual.share:.2g}), which is part of the bounds of all generators: {cure}"
    ]


def direct_notes(
    route: DirectRoute, test: DirectTest, against: np.ndarray, texts: list[str], *, alpha: float, delta: float
) -> list[str]:
    """Say what the direct route contradicts, by which test, and how much it can see."""
    notes = []
    if route.blind > delta:
        notes.append(
            f"in weak form the condition for shifts has a residual of {route.blind:.2g} on these data, as for "
            "difference equations and on coarse grids: the direct route cannot contradict less than that"
        )
    for k in np.flatnonzero(against):
        notes.append(
            f"the data contradict {texts[k]}, which is not accepted: in weak form its condition has a residual of "
            f"{test.violation[k]:.2g}, above {max(delta, route.blind):.2g} by t = {test.statistic[k]:.2g} "
            f"over {route.n_units} units (p = {test.p_value[k]:.1g}, level {alpha:g} / {len(texts)})"
        )
    return notes


def verdict_notes(
    verdicts: xr.Dataset, algebra: LieAlgebra, law: FieldLaw, residual: Residual, n_found: int
) -> list[str]:
    """Say what keeps directions beyond the `n_found` first undetermined, and whether what is kept closes."""
    notes = []
    open_by = algebra.closure_error() if algebra.dim > 1 else 0.0
    if open_by > _OPEN:
        why = (
            "they are symmetries of a higher degree than the candidates"
            if algebra.exact.all()
            else "a generator is missing, or one is too many"
        )
        notes.append(f"brackets of what is accepted lead out of it (closure error {open_by:.2g}): {why}")
    bounds, delta = verdicts.upper_bound.values, verdicts.attrs["delta"]
    n_open = int(np.sum((verdicts.verdict == "undetermined").values[n_found:] & (bounds[n_found:] < delta)))
    if n_open:
        notes.append(
            f"{n_open} directions with bounds below delta are undetermined: with them the rest would not close under "
            "brackets; candidates that hold the brackets would decide, such as those of a higher degree"
        )
    near = (verdicts.verdict == "undetermined").values & (verdicts.violation.values < delta) & (bounds >= delta)
    if near.any():
        bound = float(bounds[near].min())
        left = residual.upper if np.any(law.errors) else 0.0
        factor = (bound / delta) ** 2 if bound > 2 * left else (2 * left / delta) ** 4
        notes.append(
            f"{int(near.sum())} directions are undetermined: their violations are below delta, their bounds "
            f"({bound:.2g} and more, of which {left:.2g} is what the law may leave unexplained) are not; "
            f"{_times(factor)} or less noise would decide the first"
        )
    return notes


def _times(factor: float) -> str:
    return f"about {max(factor, 1):.2g} times as many trajectories" if factor < _MOST else "many more trajectories"
