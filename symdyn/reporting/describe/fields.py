"""What the report of fields says: tables, sentences, fields in space and time, solutions moved along generators."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from symdyn.discovery.point.point_symmetry import PointSymmetryDiscovery
from symdyn.regression import PDERegression
from symdyn.reporting.style import ACCENT, INK, new_figure, save_figures
from symdyn.reporting.tables import with_algebra
from symdyn.reporting.texts import sentence

__all__ = ["draw", "draw_fields", "draw_flows", "findings", "groups"]

_MOST = 3  # trajectories
_COLUMNS = 3


def groups(search: PointSymmetryDiscovery, law: xr.DataArray) -> dict[str, xr.Dataset]:
    """Make the tables of the report, by name; `results.nc` holds the same.

    Parameters
    ----------
    search : PointSymmetryDiscovery
    law : xr.DataArray, `(field, term)`
        Coefficients: inside the symmetries, where the law was constrained.
    """
    symmetry = search.verdicts_.assign_attrs(
        algebra=search.algebra_.name,
        caption="Point symmetries in order of evidence; residuals before and after a flow.",
    )
    return {"symmetry": with_algebra(symmetry, search.algebra_), "law": _law(law)}


def _law(law: xr.DataArray) -> xr.Dataset:
    """Lay out a law with one column a field, one row a term."""
    table = xr.Dataset({f"rate of {field}": law.sel(field=field, drop=True) for field in law.field.values})
    return table.assign_attrs(caption="Coefficients of the law, inside the symmetries where these are exact.")


def findings(search: PointSymmetryDiscovery, model: PDERegression | None) -> list[str]:
    """Tell the report in a few sentences; `model` is the law inside the symmetries, where it was constrained."""
    lines = [f"Law: {'; '.join(search.law_.texts())}. Rows from {search.derivatives_}."]
    texts, name = search.algebra_.texts(), search.algebra_.name
    if texts:
        named = "" if name.startswith("unnamed") else f", {name}"
        lines.append(f"{len(texts)} point symmetries{named}: {'; '.join(texts)}.")
    else:
        lines.append("No point symmetry is accepted.")
    if model is not None:
        left = "; ".join(model.features_) or "none"
        lines.append(f"What these symmetries leave free: {left}. Fitted: {'; '.join(model.equations())}.")
        lines += map(sentence, model.enforcement_.sentences())
    return [*lines, *map(sentence, search.notes_)]


def draw(folder: Path, data: xr.Dataset, search: PointSymmetryDiscovery) -> list[tuple[Path, str]]:
    """Draw all figures into `folder`; return paths with captions."""
    drawings = {"fields": (draw_fields(data), "The first field of the first trajectories in space and time.")}
    if search.flows_ is not None:
        caption = (
            "A solution of the law, and the same moved along each generator found: each is a solution again (residuals "
            "in the table). White: contours of the solution as it was."
        )
        drawings["flows"] = (draw_flows(search.flows_), caption)
    return save_figures(folder, drawings)


def draw_fields(data: xr.Dataset) -> Figure:
    """Draw the first field in space and time of up to three trajectories, in one scale of colours."""
    field = data[str(data.attrs["states"]).split()[0]]
    if "y" in field.dims:
        field = field.isel(y=0)
    n = min(_MOST, field.sizes["trajectory"])
    field = field.isel(trajectory=slice(0, n)).compute()
    largest = float(np.abs(field - field.mean()).max())
    low, high = float(field.mean()) - largest, float(field.mean()) + largest
    figure, axes = new_figure(3.2 * n + 0.6, 3, 1, n, sharey=True)
    meshes = []
    for k, axis in enumerate(axes[0]):
        one = field.isel(trajectory=k)
        meshes.append(axis.pcolormesh(one.x, one.time, one, cmap="RdBu_r", vmin=low, vmax=high, rasterized=True))
        axis.set_title(f"trajectory {one.trajectory.values if 'trajectory' in one.coords else k}", fontsize=9)
        _label(axis, one, first=k == 0)
    figure.colorbar(meshes[-1], ax=axes[0, -1], label=_with_unit(field))
    return figure


def draw_flows(flows: xr.Dataset) -> Figure:
    """Draw a solution in space and time, and moved along each generator; contours of the solution as it was."""
    name = next(iter(flows.data_vars))
    field = flows[name]
    seen = [k for k in range(field.sizes["moved"]) if np.isfinite(field[k]).all()]
    n_rows, n_columns = -(-len(seen) // _COLUMNS), min(_COLUMNS, len(seen))
    figure, axes = new_figure(3.2 * n_columns + 0.6, 2.6 * n_rows + 0.2, n_rows, n_columns, sharex=True, sharey=True)
    low, high = float(field[seen].min()), float(field[seen].max())
    levels = np.linspace(float(field[0].min()), float(field[0].max()), 7)[1:-1]
    for axis in axes.flat[len(seen) :]:
        axis.remove()
    meshes = []
    for place, k in enumerate(seen):
        axis, one = axes.flat[place], field[k]
        meshes.append(axis.pcolormesh(one.x, one.time, one, cmap="viridis", vmin=low, vmax=high, rasterized=True))
        axis.contour(field[0].x, field[0].time, field[0], levels=levels, colors="white", linewidths=0.6)
        text = str(one.moved.values)
        axis.set_title(text, fontsize=9, color=INK if k == 0 else ACCENT)
        _label(axis, one, first=place % n_columns == 0)
    figure.colorbar(meshes[-1], ax=list(axes.flat[: len(seen)]), label=name)
    return figure


def _label(axis: Axes, field: xr.DataArray, first: bool) -> None:
    axis.set_xlabel(_with_unit(field.x))
    axis.tick_params(labelsize=8)
    axis.locator_params(nbins=5)
    if first:
        axis.set_ylabel(_with_unit(field.time))


def _with_unit(variable: xr.DataArray) -> str:
    unit = variable.attrs.get("units")
    return f"{variable.name} [{unit}]" if unit else str(variable.name)
