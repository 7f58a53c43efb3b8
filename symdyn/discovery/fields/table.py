"""What a search for point symmetries found, as labelled arrays and as text."""

from __future__ import annotations

import numpy as np
import xarray as xr

from symdyn.data.fields.grids import FieldGrid
from symdyn.discovery.fields.flow import FiniteFlows
from symdyn.discovery.fields.law import FieldLaw
from symdyn.discovery.verdicts import verdict_text
from symdyn.lie.algebra import LieAlgebra

__all__ = ["coefficient_table", "equation_table", "flow_table", "point_text", "refused", "space_and_values"]


def equation_table(law: FieldLaw) -> xr.DataArray:
    """Coefficients `(field, term)` of the law, with standard errors and inclusion probabilities as coordinates."""
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
    """Coefficients `(generator, component, monomial)` with names for labels."""
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


def flow_table(flows: FiniteFlows, algebra: LieAlgebra, grid: FieldGrid) -> xr.Dataset:
    """A solution and what the generators make of it: fields `(moved, time, x)`, "the solution" first."""
    dims = ("moved", "time", *grid.axes)
    moved = np.array(["the solution", *algebra.texts()], dtype=object)
    fields = {name: (dims, flows.fields[:, k]) for k, name in enumerate(grid.fields)}
    return xr.Dataset(fields, coords={"moved": moved, "time": flows.times, grid.axes[0]: flows.places})


def space_and_values(algebra: LieAlgebra, n_fields: int) -> tuple[xr.DataArray, xr.DataArray]:
    """The part of each generator that acts on time and space, and the part that acts on values of fields."""
    table = coefficient_table(algebra)
    n = table.sizes["component"] - n_fields
    return table.isel(component=slice(0, n)), table.isel(component=slice(n, None))


def refused(
    algebra: LieAlgebra, trivial: LieAlgebra, verdicts: xr.Dataset, wrong: np.ndarray
) -> tuple[LieAlgebra, LieAlgebra, xr.Dataset]:
    """Algebra, trivial part and verdicts without those `wrong` `(accepted,)`, whose verdict is "undetermined".

    What is left need not close under brackets; the first generators that do are kept.
    """
    is_trivial = verdicts.trivial.values[: len(wrong)]
    kept = algebra.subset(np.flatnonzero(~wrong[~is_trivial]))
    others = trivial.subset(np.flatnonzero(~wrong[is_trivial]))
    table = verdicts.copy()
    table["verdict"] = ("generator", verdicts.verdict.values.copy())
    table.verdict.values[np.flatnonzero(wrong)] = "undetermined"
    return kept, others, table


def point_text(search) -> str:
    """The law, the table of verdicts, how the routes agree, and what else is to be said."""
    law = search.law_
    lines = [f"law ({search.derivatives_}): {'; '.join(law.texts())}"]
    if np.any(law.errors):
        lines.append(
            f"inclusion of its terms at least {law.inclusion[law.support].min(initial=1):.0%}; unexplained beyond "
            f"noise: {law.unexplained[0]:.2g} of the rates"
        )
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
