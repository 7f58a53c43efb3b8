"""Axes shared by all figures, in the colours of pages, and figures as files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from symdyn.reporting.colours import ACCENT, FAINT, GREY, INK, PAPER, SECOND, SERIES, VERDICT_COLOURS

__all__ = [
    "ACCENT",
    "FAINT",
    "GREY",
    "INK",
    "PAPER",
    "SECOND",
    "SERIES",
    "VERDICT_COLOURS",
    "clean",
    "logarithmic",
    "new_figure",
    "ordered_colours",
    "save_figures",
]

# Of one lightness, so that all of them are legible on white and on a dark page.
_ORDERED = LinearSegmentedColormap.from_list(
    "ordered", ["#4c78d0", "#1f93ad", "#2f9e72", "#8a9a2b", "#c8801e", "#d4593f"]
)
_FEW_POINTS = 250  # of a line that stays a line, in the colours of the page
_MOST_POINTS = 20_000  # of lines in a panel; more are drawn as pixels, or a page would take megabytes


def new_figure(width: float, height: float, rows: int = 1, columns: int = 1, **options):
    """Make a figure with its axes, not registered anywhere (safe in threads and in batch jobs)."""
    figure = Figure(figsize=(width, height), layout="constrained", dpi=150)
    axes = figure.subplots(rows, columns, squeeze=False, **options)
    for panel in axes.flat:
        panel.xaxis.label.set(fontsize=9, color=INK)
        panel.yaxis.label.set(fontsize=9, color=INK)
        panel.tick_params(labelsize=8, colors=INK)
    return figure, axes


def clean(axes: Axes) -> Axes:
    """Take the box away from axes, and give ticks the colour of the text."""
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(GREY)
    axes.tick_params(colors=INK, labelsize=8)
    return axes


def logarithmic(*axes: Axis) -> None:
    """Make axes logarithmic, with plain numbers at ticks that tell values; call it after drawing."""
    for axis in axes:
        if axis is axis.axes.xaxis:
            axis.axes.set_xscale("log")
        else:
            axis.axes.set_yscale("log")
        low, high = axis.get_view_interval()
        wide = low > 0 and np.log10(high / low) > 3
        axis.set_major_locator(LogLocator(subs=(1.0,) if wide else (1.0, 2.0, 5.0)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: _power_text(value)))
        axis.set_minor_locator(NullLocator())


def _power_text(value: float) -> str:
    power = np.log10(value)
    plain = -3.5 < power < 4.5 or abs(power - round(power)) > 1e-6
    return f"{value:g}" if plain else f"$10^{{{round(power)}}}$"


def ordered_colours(count: int) -> list[tuple[float, float, float, float]]:
    """Return colours for an ordered series, legible on light and on dark paper."""
    return [_ORDERED(k / max(count - 1, 1)) for k in range(count)]


def save_figures(folder: Path, drawings: Mapping[str, tuple[Figure, str]]) -> list[tuple[Path, str]]:
    """Write figures as `1-name.png` and `1-name.svg`, `2-name.png`, ...

    Returns the paths of the vector graphics with captions, for `report`, which adapts their colours to the page.
    """
    paths = []
    for number, (name, (figure, caption)) in enumerate(drawings.items(), start=1):
        path = folder / f"{number}-{name.replace(' ', '-')}.svg"
        figure.savefig(path.with_suffix(".png"))
        _draw_many_points_as_pixels(figure)
        with rc_context({"svg.hashsalt": name}):  # the same figure is the same file
            figure.savefig(path, transparent=True, metadata={"Date": None})
        paths.append((path, caption))
    return paths


def _draw_many_points_as_pixels(figure: Figure) -> None:
    for panel in figure.axes:
        if sum(len(line.get_xydata()) for line in panel.lines) > _MOST_POINTS:
            for line in panel.lines:
                line.set_rasterized(len(line.get_xydata()) > _FEW_POINTS)
