"""The evidence of a search: each violation with its bound, against delta."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.transforms import blended_transform_factory
from sklearn.utils.validation import check_is_fitted

from symdyn.functions.display import shortened
from symdyn.reporting.plots.canvas import formula, one_axes
from symdyn.reporting.style import ACCENT, GREY, INK, SECOND, logarithmic
from symdyn.reporting.texts import approximately, element_text

__all__ = ["named_elements", "plot_quantities", "plot_search", "verdict_rows"]

_MOST = 24  # rows
_WIDTH = 60  # characters of a label
_ACCEPTED = ("symmetric", "conserved")
_COLOURS = {"symmetric": ACCENT, "conserved": ACCENT, "broken": SECOND, "undetermined": GREY}


def plot_search(search: Any, ax: Axes | None = None) -> Axes:
    """Draw the verdicts of a search, generators above finite elements; see `SymmetryDiscovery.plot`."""
    if hasattr(search, "get_params"):
        check_is_fitted(search, "verdicts_")
    tables = [search.verdicts_]
    if getattr(search, "element_verdicts_", None) is not None:
        tables.append(named_elements(search))
    return _drawn([table for table in tables if table.violation.size], ax)


def named_elements(search: Any) -> xr.Dataset:
    """Return the verdicts of a search on finite elements, these written as maps of all states."""
    judged, states = search.element_verdicts_, search.elements_.states
    texts = [element_text(str(text), states) for text in judged.element.values]
    return judged.assign_coords(element=np.array(texts, dtype=object))


def plot_quantities(table: xr.Dataset, ax: Axes | None = None) -> Axes:
    """Draw a table of verdicts over `generator`, `element` or `quantity`."""
    return _drawn([table], ax)


def verdict_rows(tables: list[xr.Dataset], most: int = _MOST) -> tuple[xr.Dataset, int]:
    """Gather the rows of tables of verdicts that can be drawn, at most `most`, and count those left out.

    Rows that are accepted come before others of their table. What no data can see has no violation, and is not drawn.
    """
    parts, hidden = [], 0
    for table in tables:
        (over,) = table.violation.dims
        columns = {name: ("row", table[name].values) for name in ("violation", "upper_bound", "verdict")}
        columns["over"] = ("row", np.full(table.sizes[over], str(over), dtype=object))
        part = xr.Dataset(columns, {"row": table[over].values})
        if over == "element":  # those of generators and of quantities are in the order of evidence
            part = part.isel(row=np.argsort(np.nan_to_num(part.upper_bound.values, nan=np.inf), kind="stable"))
        parts.append(part.isel(row=np.isfinite(part.violation.values)))
        hidden += part.sizes["row"] - parts[-1].sizes["row"]
    room = _room([part.sizes["row"] for part in parts], most)
    shown = [part.isel(row=slice(0, n)) for part, n in zip(parts, room, strict=True)]
    hidden += sum(part.sizes["row"] - n for part, n in zip(parts, room, strict=True))
    rows = {name: ("row", np.concatenate([part[name].values for part in shown])) for name in shown[0].data_vars}
    return xr.Dataset(rows, {"row": np.concatenate([part.row.values for part in shown])}), hidden


def _room(sizes: list[int], most: int) -> list[int]:
    """Share `most` rows out: half for the first table, and what others leave of theirs."""
    left, room = most, []
    for k, size in enumerate(sizes):
        later = sum(sizes[k + 1 :])
        room.append(min(size, max(left - later, left // 2 if later else left)))
        left -= room[-1]
    return room


def _drawn(tables: list[xr.Dataset], ax: Axes | None) -> Axes:
    if not tables:
        raise ValueError("the search judged neither generators nor elements: nothing to draw")
    rows, hidden = verdict_rows(tables)
    n, delta = rows.sizes["row"], float(tables[0].attrs["delta"])
    axes = one_axes(ax, 6.6, 0.26 * n + 1.2)
    # Delta is in sight also where no bound comes near it; exact verdicts have violations of rounding.
    floor = 10.0 ** np.floor(np.log10(0.5 * max(float(np.min(rows.upper_bound.values, initial=delta)), 1e-12)))
    places = np.arange(n) + 0.6 * np.cumsum(np.append(0, rows.over.values[1:] != rows.over.values[:-1]))[:n]
    for place, violation, bound, verdict in zip(
        places, rows.violation.values, rows.upper_bound.values, rows.verdict.values, strict=True
    ):
        _row(axes, place, max(float(violation), floor), max(float(bound), floor), _COLOURS[str(verdict)])
    _finish(axes, rows, places, (floor, delta), hidden)
    return axes


def _row(axes: Axes, place: float, low: float, high: float, colour: str) -> None:
    axes.plot([low, high], [place, place], lw=3, color=colour, solid_capstyle="butt", alpha=0.4)
    axes.plot(high, place, marker="|", ms=9, mew=2, color=colour)
    axes.plot(low, place, marker="o", ms=4.5, color=colour, clip_on=False)


def _finish(axes: Axes, rows: xr.Dataset, places: np.ndarray, limits: tuple[float, float], hidden: int) -> None:
    floor, delta = limits
    axes.axvline(delta, color=INK, lw=0.9, ls=(0, (4, 3)), zorder=0)
    below = blended_transform_factory(axes.transData, axes.transAxes)
    said = f" $\\delta = {formula(f'{delta:g}')[1:-1]}$"
    axes.text(delta, 0.01, said, transform=below, ha="left", va="bottom", fontsize=8, color=INK)
    axes.set_xscale("log")
    axes.set_xlim(floor, 2.0)
    logarithmic(axes.xaxis)
    last = places[-1] if len(places) else 0.0
    axes.set_ylim(last + (1.9 if hidden else 1.1), -0.6)
    names = [formula(shortened(approximately(str(name)), _WIDTH)) for name in rows.row.values]
    ticks = [*places, *([last + 1.0] if hidden else [])]
    axes.set_yticks(ticks, [*names, *([f"… and {hidden} more"] if hidden else [])], fontsize=9)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("violation (dot) and its 95 % upper bound (end of the bar)", color=INK, fontsize=9)
    for verdict in sorted(set(map(str, rows.verdict.values)), key=list(_COLOURS).index):
        axes.plot([], [], lw=3, color=_COLOURS[verdict], label=verdict)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=3, frameon=False, fontsize=8, borderaxespad=0.2)
