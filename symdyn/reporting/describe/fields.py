"""Pictures of `workflows/fields.py`: fields in space and time, and a solution moved along the generators found."""

from __future__ import annotations

import numpy as np

from symdyn.reporting.style import ACCENT, INK, new_figure

_MOST = 3  # trajectories
_COLUMNS = 3


def draw_fields(data):
    """Space-time plots of the first field of up to three trajectories, in one scale of colours."""
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


def draw_flows(flows):
    """A solution in space and time, and moved along each generator; contours of the solution as it was."""
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


def _label(axis, field, first):
    axis.set_xlabel(_with_unit(field.x))
    axis.tick_params(labelsize=8)
    axis.locator_params(nbins=5)
    if first:
        axis.set_ylabel(_with_unit(field.time))


def _with_unit(variable):
    unit = variable.attrs.get("units")
    return f"{variable.name} [{unit}]" if unit else str(variable.name)
