"""Colours and axes shared by all figures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

__all__ = ["ACCENT", "GREY", "INK", "SECOND", "VERDICT_COLOURS", "clean", "new_figure", "save_figures"]

INK = "#1f2933"
GREY = "#9aa5b1"
ACCENT = "#0b7285"
SECOND = "#d9480f"
VERDICT_COLOURS = {"symmetric": ACCENT, "broken": SECOND, "undetermined": GREY}


def new_figure(width: float, height: float, rows: int = 1, columns: int = 1, **options):
    """Make a figure with its axes, not registered anywhere (safe in threads and in batch jobs)."""
    figure = Figure(figsize=(width, height), layout="constrained", dpi=150)
    axes = figure.subplots(rows, columns, squeeze=False, **options)
    return figure, axes


def clean(axes: Axes) -> Axes:
    """Take the box away from axes, and give ticks the colour of the text."""
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(GREY)
    axes.tick_params(colors=INK, labelsize=8)
    return axes


def save_figures(folder: Path, drawings: Mapping[str, tuple[Figure, str]]) -> list[tuple[Path, str]]:
    """Write figures as `1-name.png`, `2-name.png`, ...; return their paths with captions, for `report`."""
    paths = []
    for number, (name, (figure, caption)) in enumerate(drawings.items(), start=1):
        path = folder / f"{number}-{name}.png"
        figure.savefig(path)
        paths.append((path, caption))
    return paths
