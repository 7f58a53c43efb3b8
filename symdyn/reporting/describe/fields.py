"""What the report of fields says: tables, sentences, fields in space and time, solutions moved along generators."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from symdyn.discovery.point.point_symmetry import PointSymmetryDiscovery
from symdyn.regression import PDERegression
from symdyn.reporting.moving import move_profile
from symdyn.reporting.page import Picture
from symdyn.reporting.plots import page_figures
from symdyn.reporting.style import ACCENT, INK, new_figure, save_figures
from symdyn.reporting.tables import with_algebra
from symdyn.reporting.texts import listing, plural, sentence, shorten, unit_text

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
        caption="Combinations of the candidates in order of evidence. Symmetric: the 95 % upper bound of the violation "
        f"is below delta = {search.delta:g} for every combination of the accepted generators. direct_violation is "
        "that of the data themselves, without the law. residual_before and residual_after are the residuals of the "
        "law on a solution and on the same solution moved along the generator, relative to its rate of change. After "
        "≈ only the leading terms are written.",
    )
    return {"symmetry": with_algebra(symmetry, search.algebra_), "law": _law(law)}


def _law(law: xr.DataArray) -> xr.Dataset:
    """Lay out a law with one column a field and its standard errors, one row a term; terms of the law first."""
    columns = {}
    for field in law.field.values:
        one = law.sel(field=field, drop=True)
        columns[f"rate of {field}"] = one.reset_coords(drop=True)
        columns[f"rate of {field}_error"] = one["standard_error"].reset_coords(drop=True)
    kept = (law != 0).any("field").values
    table = xr.Dataset(columns).isel(term=np.argsort(~kept, kind="stable"))
    return table.assign_attrs(
        n_shown=int(kept.sum()),
        caption="Coefficients of the law with their standard errors in units of the last digit; inside the symmetries "
        f"where these are exact. Other terms of the library: {listing(law.term.values[~kept].tolist(), 12) or 'none'}.",
    )


def findings(search: PointSymmetryDiscovery, model: PDERegression | None) -> list[str]:
    """Tell the report in a few sentences; `model` is the law inside the symmetries, where it was constrained."""
    lines = [f"The law of the data is {'; '.join(search.law_.texts())}, identified from the {search.derivatives_}."]
    texts, name = search.algebra_.texts(), search.algebra_.name
    if texts:
        named = "" if name.startswith("unnamed") else f" ({name})"
        count = f"{len(texts)} point symmetr{'y is' if len(texts) == 1 else 'ies are'}"
        lines.append(f"{count} accepted{named}: {listing(texts)}.")
    else:
        lines.append("No point symmetry is accepted.")
    if model is not None:
        left = listing(list(model.features_), 6) or "no coefficient"
        lines.append(
            f"These symmetries leave {left} free. Fitted inside them, the law is {'; '.join(model.equations())}."
        )
        lines += map(sentence, model.enforcement_.sentences())
    return [*lines, *map(sentence, search.notes_)]


def draw(folder: Path, data: xr.Dataset | None, search: PointSymmetryDiscovery) -> list[Picture]:
    """Draw all figures into `folder`, those of the data where these are given; return them with captions."""
    drawings = {}
    if data is not None:
        shown, name = min(_MOST, data.sizes["trajectory"]), str(data.attrs["states"]).split()[0]
        drawings["fields"] = (
            draw_fields(data),
            f"The data: field {name} of {plural(shown, 'trajectory')} in space and time. White is the mean.",
        )
    if np.isfinite(search.verdicts_.violation.values).any():
        caption = (
            "Violation of each generator (dot) with its 95 % upper bound (end of the bar). A generator whose bar ends "
            "left of the dashed line is symmetric within delta, unless the data object (see the notes)."
        )
        drawings["symmetry"] = (page_figures.evidence(search.verdicts_), caption)
    if search.flows_ is not None:
        caption = (
            "A solution of the law (first panel) and the same solution moved along each accepted generator: each is a "
            "solution again, as the residuals in the table show. White lines are contours of the first panel, so what "
            "has moved stands out."
        )
        drawings["flows"] = (draw_flows(search.flows_), caption)
    pictures: list[Picture] = list(save_figures(folder, drawings))
    mover = None if data is None else move_profile(data, search.algebra_)
    return pictures if mover is None else [*pictures, mover]


def draw_fields(data: xr.Dataset) -> Figure:
    """Draw the first field in space and time of up to three trajectories, with a common colour scale."""
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
        name = one.trajectory.values if "trajectory" in one.coords else k
        axis.set_title(f"trajectory {name}", fontsize=9, color=INK)
        _label(axis, one, left=k == 0, below=True)
    bar = figure.colorbar(meshes[-1], ax=axes[0, -1])
    bar.set_label(_with_unit(field), color=INK, fontsize=9)
    bar.ax.tick_params(labelsize=8, colors=INK)
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
        text = shorten(str(one.moved.values), 44, 2)
        axis.set_title(text, fontsize=9, color=INK if k == 0 else ACCENT)
        _label(axis, one, left=place % n_columns == 0, below=place + n_columns >= len(seen))
    bar = figure.colorbar(meshes[-1], ax=list(axes.flat[: len(seen)]))
    bar.set_label(str(name), color=INK, fontsize=9)
    bar.ax.tick_params(labelsize=8, colors=INK)
    return figure


def _label(axis: Axes, field: xr.DataArray, *, left: bool, below: bool) -> None:
    axis.tick_params(labelsize=8, colors=INK, labelbottom=below)
    axis.locator_params(nbins=5)
    if below:
        axis.set_xlabel(_with_unit(field.x), color=INK, fontsize=9)
    if left:
        axis.set_ylabel(_with_unit(field.time), color=INK, fontsize=9)


def _with_unit(variable: xr.DataArray) -> str:
    unit = unit_text(str(variable.attrs.get("units", "")))
    return f"{variable.name} ({unit})" if unit else str(variable.name)
