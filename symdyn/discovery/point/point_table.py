"""What a search for point symmetries found, as labelled arrays and as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from symdyn.data.grids import FieldGrid
from symdyn.discovery.point.finite_flow import FiniteFlows
from symdyn.evidence.verdicts import verdict_text
from symdyn.laws.fields.field_law import FieldLaw
from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.lie.chart import Chart
from symdyn.lie.structure.brackets import structure_constants
from symdyn.lie.vectorfields import Generators

if TYPE_CHECKING:
    from symdyn.discovery.point.point_symmetry import PointSymmetryDiscovery

__all__ = ["coefficient_table", "equation_table", "flow_table", "point_text", "refused", "space_and_values"]


_BRACKET = 0.05  # of the largest structure constant, above which a bracket holds a generator


def equation_table(law: FieldLaw) -> xr.DataArray:
    """Tabulate coefficients `(field, term)` of the law; standard errors and inclusion probabilities are coordinates."""
    dims = ("field", "term")
    return xr.DataArray(
        law.coefficients,
        dims=dims,
        coords={
            "field": np.array(law.fields, dtype=object),
            "term": np.array(law.terms, dtype=object),
            "standard_error": (dims, law.standard_errors),
            "inclusion": (dims, law.inclusion),
        },
        attrs={"time_order": law.time_order, "unexplained": law.unexplained[0], "text": "; ".join(law.texts())},
    )


def coefficient_table(algebra: LieAlgebra) -> xr.DataArray:
    """Tabulate coefficients `(generator, component, monomial)` with names for labels."""
    basis = algebra.basis
    return xr.DataArray(
        basis.coefficients,
        dims=("generator", "component", "monomial"),
        coords={
            "generator": np.array(algebra.texts(), dtype=object),
            "component": np.array(basis.states, dtype=object),
            "monomial": np.array(basis.features.names(basis.states), dtype=object),
        },
    )


def flow_table(flows: FiniteFlows, texts: list[str], grid: FieldGrid, chart: Chart) -> xr.Dataset:
    """Tabulate a solution and what the generators make of it, fields `(moved, time, x)` in the units of the data.

    "the solution" comes first.
    """
    dims = ("moved", "time", *grid.axes)
    moved = np.array(["the solution", *texts], dtype=object)
    numbers = list(zip(*chart.numbers, strict=True))
    (start, length), (left, width) = numbers[:2]
    fields = {
        name: (dims, flows.fields[:, k] * scale + centre)
        for k, (name, (centre, scale)) in enumerate(zip(grid.fields, numbers[2:], strict=True))
    }
    coordinates = {"time": flows.times * length + start, grid.axes[0]: flows.places * width + left}
    return xr.Dataset(fields, coords={"moved": moved, **coordinates})


def space_and_values(algebra: LieAlgebra, n_fields: int) -> tuple[xr.DataArray, xr.DataArray]:
    """Split generators into the part that acts on time and space, and the part that acts on values of fields."""
    table = coefficient_table(algebra)
    n = table.sizes["component"] - n_fields
    return table.isel(component=slice(0, n)), table.isel(component=slice(n, None))


def refused(
    algebra: LieAlgebra, trivial: LieAlgebra, verdicts: xr.Dataset, wrong: np.ndarray
) -> tuple[LieAlgebra, LieAlgebra, xr.Dataset]:
    """Return algebra, trivial part and verdicts without those `wrong` `(accepted,)`, whose verdict is "undetermined".

    What is left closes under brackets, as far as the algebra did: where a bracket of two generators needs one that is
    gone, the one most often in such a bracket, of equals the later, goes as well.
    """
    is_trivial = verdicts.trivial.values[: len(wrong)]
    left = _closed_part(_together(algebra, trivial, is_trivial), ~np.asarray(wrong, dtype=bool))
    table = verdicts.copy()
    table["verdict"] = ("generator", verdicts.verdict.values.copy())
    table.verdict.values[np.flatnonzero(~left)] = "undetermined"
    kept, others = (
        part.subset(np.flatnonzero(left[mask])) for part, mask in ((algebra, ~is_trivial), (trivial, is_trivial))
    )
    return kept, others, table


def _together(algebra: LieAlgebra, trivial: LieAlgebra, is_trivial: np.ndarray) -> Generators:
    """Join all accepted generators, of unit length in the chart, in the order of the table."""
    basis = algebra.inside.basis
    rows = np.zeros((len(is_trivial), basis.vectors().shape[1]))
    for part, mask in ((algebra, ~is_trivial), (trivial, is_trivial)):
        rows[mask] = _unit_rows(part.inside.basis.vectors())
    return basis.with_vectors(rows)


def _closed_part(basis: Generators, left: np.ndarray) -> np.ndarray:
    """Mask the generators `(generator,)` whose brackets hold none that is not among them."""
    left = left.copy()
    if left.all() or not left.any():
        return left
    constants = np.abs(structure_constants(basis))
    while True:
        needs = np.any(constants[:, :, ~left] > _BRACKET * constants.max(initial=1e-300), axis=2) & np.outer(left, left)
        faults = needs.sum(axis=1)
        if not faults.any():
            return left
        left[len(faults) - 1 - int(np.argmax(faults[::-1]))] = False


def _unit_rows(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def point_text(search: PointSymmetryDiscovery) -> str:
    """Write the law, the table of verdicts, how the routes agree, and what else is to be said."""
    law = search.law_
    lines = [f"law ({search.derivatives_}): {'; '.join(law.texts())}"]
    if np.any(law.errors):
        lines.append(
            f"inclusion of its terms at least {law.inclusion[law.support].min(initial=1):.0%}; unexplained beyond "
            f"noise: {law.unexplained[0]:.2g} of the rates, at most {search.residual_.upper:.2g} (95 %); errors from "
            f"{law.n_units} trajectories or stretches of them"
        )
    if not law.is_determined:
        lines.append("the law is not determined by these data")
    lines.append(verdict_text(search.verdicts_, search.algebra_.name))
    far = search.verdicts_.attrs.get("n_far", 0)
    if far:
        lines.append(f"{far} further directions are broken, with violations above 0.5")
    if np.isfinite(search.agreement_):
        lines.append(f"the direct route finds the same span to {search.agreement_:.2g} degrees")
    after = search.verdicts_.residual_after.values
    if np.isfinite(after).any():
        before = np.nanmax(search.verdicts_.residual_before.values)
        lines.append(f"residual of the equation before and after finite flows: {before:.1e}, {np.nanmax(after):.1e}")
    if search.trivial_.dim:
        lines.append(f"trivial (Q = 0 on all the data): {', '.join(search.trivial_.texts())}")
    return "\n".join([*lines, *search.notes_])
