"""Tables of a report joined with what a later job reads from them: the algebra, the law."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.lie.vectorfields import VectorField
from symdyn.sums.store import algebra_to_dataset, law_to_dataset

__all__ = ["law_terms", "with_algebra", "with_law"]


def with_algebra(table: xr.Dataset, algebra: LieAlgebra) -> xr.Dataset:
    """Join a table of verdicts with the algebra that was accepted, as `LieAlgebra.load` reads it."""
    return xr.merge([table, algebra_to_dataset(algebra)], combine_attrs="drop_conflicts")


def with_law(table: xr.Dataset, law: VectorField, outputs: Sequence[str]) -> xr.Dataset:
    """Join a table over `output` with the law itself."""
    return xr.merge([table, law_to_dataset(law, outputs)], combine_attrs="drop_conflicts")


def law_terms(law: VectorField, outputs: Sequence[str], errors: np.ndarray | None = None) -> xr.Dataset:
    """Lay out the terms of a law that matter, one row a term, one column an output.

    Parameters
    ----------
    law : VectorField
    outputs : sequence of str
        Their names.
    errors : ndarray, `(output, feature)`, optional
        Standard errors of the coefficients.
    """
    kept = law.matters().any(axis=0)
    shown = np.where(law.coefficients != 0, law.coefficients, np.nan).T[kept]
    variables = {"coefficient": (("term", "output"), shown)}
    if errors is not None:
        variables["coefficient_error"] = (("term", "output"), errors.T[kept])
    names = np.array(law.features.names(law.states), dtype=object)[kept]
    return xr.Dataset(variables, {"term": names, "output": np.array(outputs, dtype=object)})
