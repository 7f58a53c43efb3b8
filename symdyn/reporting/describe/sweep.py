"""What the report of a sweep says: the table, the sentence, the figure."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from symdyn.reporting.style import clean, new_figure, ordered_colours, save_figures

__all__ = ["draw", "findings", "table"]

_ASIDE = 0.012  # of the axis, from one line to the next


def draw(
    folder: Path, results: xr.Dataset, y: str | None = None, x: str | None = None, colour: str | None = None
) -> list[tuple[Path, str]]:
    """Draw one result against one parameter, a line for each value of another; the mean and the range of all the rest.

    Parameters
    ----------
    folder : path
    results : xr.Dataset
        As `symdyn.runs.sweep.sweep` returns it.
    y, x, colour : str, optional
        The result, the parameter on the axis, and the parameter distinguished by colour; by default the first of each.

    Raises
    ------
    ValueError
        For a result or parameter that is not there.
    """
    numbers = [str(name) for name, variable in results.data_vars.items() if variable.dtype.kind == "f"]
    dims = [str(name) for name in results.dims if name != "seed"] or ["seed"]
    y = _known("y", y or (numbers[0] if numbers else None), numbers)
    x = _known("x", x or dims[0], results.dims)
    others = [name for name in dims if name != x]
    colour = _known("colour", colour or (others[0] if others else None), [*results.dims, None])
    rest = [name for name in results[y].dims if name not in (x, colour)]
    spread = f", bars the range over {' and '.join(map(str, rest))}" if rest else ""
    caption = f"{y} against {x}: dots are means{spread}. Where lines part, {colour or x} matters."
    return save_figures(folder, {"sweep": (_figure(results, y, x, colour), caption)})


def _figure(results: xr.Dataset, y: str, x: str, colour: str | None) -> Figure:
    figure, axes = new_figure(5.5, 3.6)
    panel = clean(axes[0, 0])
    lines = [({}, "")] if colour is None else [({colour: k}, value) for k, value in enumerate(results[colour].values)]
    inks = ordered_colours(len(lines))
    for number, (chosen, value) in enumerate(lines):
        ink = inks[number]
        label = f"{str(colour).replace('_', ' ')} = {value}"
        _line(panel, results[y].isel(chosen), x, number - (len(lines) - 1) / 2, ink).set_label(label)
    if results[x].dtype.kind not in "if":
        panel.set_xticks(np.arange(results.sizes[x]), [str(value) for value in results[x].values])
    panel.set(xlabel=x.replace("_", " "), ylabel=y.replace("_", " "))
    panel.margins(y=0.08)
    if results[y].size and np.all(results[y] == np.round(results[y])):
        panel.yaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        panel.set_ylim(float(results[y].min()) - 0.5, float(results[y].max()) + 0.5)
    if colour is not None:
        panel.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def _line(panel: Axes, part: xr.DataArray, x: str, aside: float, ink: tuple[float, ...]) -> Line2D:
    rest = [name for name in part.dims if name != x]
    places = np.arange(part.sizes[x]) if part[x].dtype.kind not in "if" else part[x].values
    # Side by side: lines of equal height would hide one another.
    places = places + _ASIDE * (np.ptp(places) or 1.0) * aside
    (line,) = panel.plot(places, part.mean(rest), "o-", color=ink, markersize=4, linewidth=1.2)
    panel.vlines(places, part.min(rest), part.max(rest), color=ink, alpha=0.5, linewidth=1.2)
    return line


def table(results: xr.Dataset) -> xr.Dataset:
    """Lay out one row a point, for the report."""
    flat = results.stack(point=list(results.dims), create_index=False).reset_coords()
    columns = {str(d): ("point", flat[d].values) for d in results.dims}
    values = {str(name): flat[name].reset_coords(drop=True) for name in results.data_vars}
    points = np.array([str(k + 1) for k in range(flat.sizes["point"])], dtype=object)
    return xr.Dataset(columns | values, {"point": points})


def findings(results: xr.Dataset, n_failed: int) -> list[str]:
    """Say how many points there are."""
    shape = ", ".join(f"{name} ({size})" for name, size in results.sizes.items())
    failed = f" {n_failed} failed, see run.log." if n_failed else ""
    return [f"{results[next(iter(results))].size} points, all combinations of {shape}.{failed}"]


def _known(argument: str, name: str | None, names: Iterable[Hashable]) -> str | None:
    if name not in names:
        raise ValueError(f"{argument} of [plot] must be one of {', '.join(map(str, names))}, got {name!r}")
    return name
