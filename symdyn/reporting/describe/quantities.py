"""What the page of conserved quantities says: tables, sentences, figures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr

from symdyn.reporting.plots import page_figures
from symdyn.reporting.style import save_figures
from symdyn.reporting.texts import listing, number

__all__ = ["draw", "findings", "groups"]


def groups(found: xr.Dataset) -> dict[str, xr.Dataset]:
    """Make the tables of the page, by name."""
    caption = (
        "Functions of the states that are constant along each trajectory and differ between trajectories; constants, "
        f"powers and products of conserved quantities are left out. Functionally independent: "
        f"{found.attrs['gradient_rank']}. Quantities that are not conserved follow in order of evidence."
    )
    return {"conserved quantities": found.assign_attrs(caption=caption)}


def findings(found: xr.Dataset) -> list[str]:
    """Tell the page in a few sentences; every number comes from the table."""
    kept = found.isel(quantity=(found.verdict == "conserved").values)
    if not kept.sizes["quantity"]:
        return ["No function in the library is conserved."]
    bound = number(float(kept.upper_bound.max()), 2)
    return [
        f"Conserved: {listing(list(map(str, kept.quantity.values)))}.",
        f"Upper bounds of their violations are at most {bound}: 1 is a change by the own spread of a function in the "
        "time in which the fastest state crosses the data.",
    ]


def draw(folder: Path, found: xr.Dataset) -> list[tuple[Path, str]]:
    """Draw all figures into `folder`; return paths with captions."""
    if not np.isfinite(found.violation.values).any():
        return []
    caption = (
        "Violation of each function (dot) with its 95 % upper bound (end of the bar). A function whose bar ends left "
        "of the dashed line is conserved within delta."
    )
    return save_figures(folder, {"conserved quantities": (page_figures.evidence(found), caption)})
