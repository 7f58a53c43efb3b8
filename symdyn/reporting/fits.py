"""Figures of fitted laws: sparsity against error, predictions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from symdyn.reporting.style import ACCENT, GREY, INK, SECOND, SERIES, clean, logarithmic, new_figure
from symdyn.reporting.texts import percent, shorten

__all__ = ["left_out", "pareto_front"]


def pareto_front(table: xr.Dataset) -> Figure:
    """Draw the held-out error against the number of free numbers, one colour a symmetry (`pareto`).

    The front is ringed, the choice filled.
    """
    figure, axes = new_figure(6.4, 3.8)
    panel = clean(axes[0, 0])
    errors, numbers = table.held_out_error.values, np.maximum(table.n_numbers.values, 0.5)
    floor = 0.5 * min(errors[errors > 0], default=1e-3)
    shown = np.maximum(errors, floor)
    for name, colour in zip(dict.fromkeys(table.symmetry.values), SERIES * len(errors), strict=False):
        mine = table.symmetry.values == name
        panel.plot(numbers[mine], shown[mine], "o", ms=5, color=colour, alpha=0.6, label=shorten(str(name), 30))
    front = table.on_front.values
    panel.plot(numbers[front], shown[front], "o", ms=10, mfc="none", mec=INK, mew=0.8, label="front")
    chosen = table.attrs["chosen"]
    panel.plot(numbers[chosen], shown[chosen], "*", ms=13, color=INK, label="chosen")
    panel.set_xscale("log")
    logarithmic(panel.yaxis)
    ticks = [n for n in (1, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1000) if n <= 1.3 * numbers.max()]
    panel.set_xticks(ticks, [str(n) for n in ticks])
    panel.minorticks_off()
    panel.set(xlabel="coefficients that are not 0", ylabel="relative error of the rates, held out")
    panel.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize=8)
    return figure


def left_out(pairs: Sequence[tuple], states: Sequence[str], names: tuple[str, str], columns: int = 3) -> Figure:
    """Draw held-out trajectories and two predictions of each, in the plane of the first two states.

    Parameters
    ----------
    pairs : sequence of (Prediction, Prediction)
        Of the same trajectory by the two models.
    states : sequence of str
        Their names; a single state is drawn against time.
    names : tuple of str
        Of the two models.
    """
    width = min(columns, len(pairs))
    rows = -(-len(pairs) // width)
    figure, axes = new_figure(2.9 * width, 2.7 * rows + 0.4, rows, width)
    for panel in axes.flat[len(pairs) :]:
        panel.axis("off")
    for panel, (first, second) in zip(axes.flat, pairs, strict=False):
        clean(panel)
        panel.plot(*_plane(first.times, first.true), color=GREY, lw=3.5, alpha=0.6)
        limits = panel.axis()
        panel.plot(*_plane(second.times, second.predicted), color=SECOND, lw=1.2, ls=(0, (3, 2)))
        panel.plot(*_plane(first.times, first.predicted), color=ACCENT, lw=1.2)
        panel.axis(limits)
        panel.set_title(f"{first.name}: {percent(first.error)} | {percent(second.error)}", fontsize=9, color=INK)
        panel.set(xlabel=states[0] if len(states) > 1 else "t", ylabel=states[1] if len(states) > 1 else states[0])
    handles = [
        figure.axes[0].plot([], [], color=colour, ls=style, lw=width, label=label)[0]
        for colour, style, width, label in (
            (GREY, "-", 3.5, "measured"),
            (ACCENT, "-", 1.2, names[0]),
            (SECOND, "--", 1.2, names[1]),
        )
    ]
    figure.legend(handles=handles, loc="outside upper left", ncols=3, frameon=False, fontsize=9)
    return figure


def _plane(times: np.ndarray, states: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return (states[:, 0], states[:, 1]) if states.shape[1] > 1 else (times, states[:, 0])
