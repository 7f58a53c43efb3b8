"""What a search at points found: of functions, manifolds and networks alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from symdyn.discovery.charted_candidates import Posed, in_given_candidates
from symdyn.evidence.elements.element_table import accepted_elements, elements_text
from symdyn.evidence.evidence import Evidence
from symdyn.evidence.findings import conclude, findings_text
from symdyn.evidence.verdict_faces import counted, search_html
from symdyn.evidence.verdicts import empty_table
from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.lie.groups import Elements
from symdyn.lie.vectorfields import Generators
from symdyn.show import show

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["FunctionSymmetry", "concluded", "undetermined_notes", "without_generators"]

_SHOWN = 4  # elements or generators that are named in a note


@dataclass(frozen=True, repr=False)
class FunctionSymmetry:
    """Hold what `discover_function`, `discover_manifold` and `discover_network` found.

    Attributes are those of a fitted `SymmetryDiscovery`.

    `evidence_` is None where no generators were asked for; `elements_` and `element_verdicts_` are None where no
    elements were. `notes_` say why some are undetermined, and what would decide them.

    Examples
    --------
    >>> import numpy as np
    >>> import symdyn as sd
    >>> points = np.random.default_rng(0).normal(size=(100, 3))
    >>> sd.discover_function(lambda x: (x**2).sum(axis=1), points, "gl+sign_flips")
    FunctionSymmetry: generators 3 symmetric, 6 broken; elements 7 symmetric
    LieAlgebra so(3) on (x0, x1, x2)
      x1 ∂x0 − x0 ∂x1
      x2 ∂x0 − x0 ∂x2
      x2 ∂x1 − x1 ∂x2
    """

    algebra_: LieAlgebra
    trivial_: LieAlgebra
    verdicts_: xr.Dataset
    generators_: Generators
    evidence_: Evidence | None
    elements_: Elements | None = None
    element_verdicts_: xr.Dataset | None = None
    notes_: list[str] = field(default_factory=list)

    def __repr__(self) -> str:
        tables = {"generators": self.verdicts_, "elements": self.element_verdicts_}
        counts = [f"{name} {counted(table.verdict.values)}" for name, table in tables.items() if table is not None]
        return f"FunctionSymmetry: {'; '.join(counts)}\n{self.algebra_!r}"

    def _repr_html_(self) -> str:
        return search_html(self)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the violation of each generator and element with its bound, see `SymmetryDiscovery.plot`."""
        return show("plot_search", self, ax)

    def report(self, path: str | Path, *, title: str | None = None) -> Path:
        """Write an HTML page of the verdicts, see `SymmetryDiscovery.report`."""
        return show("report", self, path, title=title)

    def summary(self) -> str:
        """Write the verdicts as tables.

        Examples
        --------
        >>> import numpy as np
        >>> import symdyn as sd
        >>> points = np.random.default_rng(0).normal(size=(50, 2))
        >>> scalings = sd.candidates.scalings(2)
        >>> found = sd.discover_function(lambda x: x[:, 0] * x[:, 1], points, scalings)
        >>> print(found.summary())
        symmetry algebra: R
        verdict       violation  95 % bound  p (eps=0)  generator
        symmetric         ...       ...          1  x0 ∂x0 − x1 ∂x1
        broken             0.82        0.82     <1e-16  x0 ∂x0 + 0.98 x1 ∂x1
        symmetric: bound below delta = 1e-06, closed under brackets; broken: eps = 0 rejected at 0.05;
        approximate: both
        """
        parts = [findings_text(self.verdicts_, self.algebra_, self.trivial_)] if len(self.generators_) else []
        if self.element_verdicts_ is not None:
            parts.append(elements_text(self.element_verdicts_))
        return "\n".join([*parts, *self.notes_])

    def with_elements(self, elements: Elements, table: xr.Dataset, notes: Sequence[str] = ()) -> FunctionSymmetry:
        """Add verdicts on finite elements, from `symdyn.evidence.elements.group_table.judge_groups`."""
        found = accepted_elements(elements, table)
        notes = [*self.notes_, *notes, *_element_notes(table)]
        return replace(self, elements_=found, element_verdicts_=table, notes_=notes)

    def noted(self, notes: list[str]) -> FunctionSymmetry:
        """Add further notes."""
        return replace(self, notes_=[*self.notes_, *notes])


def concluded(
    problem: Posed, evidence: Evidence, is_trivial: Callable[[LieAlgebra], np.ndarray], flow: np.ndarray | None = None
) -> FunctionSymmetry:
    """Derive findings in the units of the user from evidence in the chart.

    Parameters
    ----------
    problem : Posed
    evidence : Evidence
    is_trivial, flow : see `conclude`
    """
    found = conclude(problem.rows.candidates, evidence, 0.05, is_trivial, flow, view=problem.view)
    given = in_given_candidates(evidence, problem.mixture)
    return FunctionSymmetry(found.algebra, found.trivial, found.verdicts, found.generators, given)


def without_generators(candidates: Generators, delta: float) -> FunctionSymmetry:
    """Return what is found before anything is asked."""
    nothing = LieAlgebra(candidates)
    return FunctionSymmetry(nothing, nothing, empty_table(delta, 0.05), candidates, None)


def undetermined_notes(verdicts: xr.Dataset, between: str) -> list[str]:
    """Say why generators are undetermined, and what would decide them.

    Parameters
    ----------
    verdicts : xr.Dataset
        Over `generator`.
    between : str
        Of those whose violation is neither small nor large enough.
    """
    undecided = verdicts.verdict.values == "undetermined"
    unseen = undecided & np.isnan(verdicts.violation.values)
    small = undecided & (verdicts.upper_bound.values < verdicts.attrs["delta"])
    reasons = {
        "moves nothing at any of the points: points that it moves would decide": unseen,
        "its brackets with what is symmetric are not symmetric, so it was left out": small,
        between: undecided & ~unseen & ~small,
    }
    texts = verdicts.generator.values
    return [f"undetermined: {_named(texts[mask])}: {reason}" for reason, mask in reasons.items() if mask.any()]


def _element_notes(table: xr.Dataset) -> list[str]:
    """Write one note a reason, with the elements it is of."""
    texts, reasons = table.element.values, table.reason.values
    return [
        f"undetermined: {_named(texts[reasons == reason])}: {reason}" for reason in dict.fromkeys(reasons) if reason
    ]


def _named(texts: np.ndarray) -> str:
    more = f" and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return "; ".join(texts[:_SHOWN]) + more
