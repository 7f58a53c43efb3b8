"""Tables of a report joined with what a later job reads from them: the algebra, the law."""

from __future__ import annotations

from collections.abc import Sequence

import xarray as xr

from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.lie.vectorfields import VectorField
from symdyn.sums.store import algebra_to_dataset, law_to_dataset

__all__ = ["with_algebra", "with_law"]


def with_algebra(table: xr.Dataset, algebra: LieAlgebra) -> xr.Dataset:
    """Join a table of verdicts with the algebra that was accepted, as `LieAlgebra.load` reads it."""
    return xr.merge([table, algebra_to_dataset(algebra)], combine_attrs="drop_conflicts")


def with_law(table: xr.Dataset, law: VectorField, outputs: Sequence[str]) -> xr.Dataset:
    """Join a table over `output` with the law itself."""
    return xr.merge([table, law_to_dataset(law, outputs)], combine_attrs="drop_conflicts")
