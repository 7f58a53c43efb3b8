"""The benefit of a symmetry: errors on held-out trajectories against the number of fitted trajectories."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.lie.groups import Elements
from symdyn.regression.discovered import SymmetricFit
from symdyn.reporting.plots.canvas import labelled, one_axes
from symdyn.reporting.style import ACCENT, INK, SECOND, logarithmic
from symdyn.reporting.texts import shorten

__all__ = ["plot_fit"]

_STYLES = {"symmetric": (ACCENT, "o", "inside the symmetry"), "free": (SECOND, "s", "free")}
_OTHERS = {
    "free, all trajectories but those left out": (SECOND, "D", "free, on the trajectories of the discovery as well"),
    "all of the symmetry": (INK, "^", "inside all of the symmetry, what was dropped as well"),
}


def plot_fit(fit: SymmetricFit, ax: Axes | None = None) -> Axes:
    """Draw the errors of a constrained and a free law; see `SymmetricFit.plot`."""
    axes = one_axes(ax, 5.4, 3.8)
    curve, table = fit.curve, fit.table
    sizes = curve["trajectories"].values
    drawn = [name for name in _STYLES if name in curve]
    for name in drawn:
        colour, marker, text = _STYLES[name]
        free = table.n_free.sel(model=name).item()
        values = np.where(curve[name].values > 0, curve[name].values, np.nan)  # noise hides what is missed
        axes.plot(sizes, values, marker=marker, ms=4.5, lw=1.5, color=colour, label=f"{text} ({free} free numbers)")
    for name, (colour, marker, text) in _OTHERS.items():
        if name in table.model and table.held_out_error.sel(model=name) > 0:
            one = table.sel(model=name)
            axes.plot(
                one.n_trajectories, one.held_out_error, ls="", marker=marker, ms=7, mfc="none", color=colour, label=text
            )  # fmt: skip
    ticks = np.unique([*sizes, *table.n_trajectories.values])
    axes.set_xscale("log")
    if np.any([np.any(curve[name].values > 0) for name in drawn]):
        logarithmic(axes.yaxis)
    else:
        axes.set_yticks([])
        axes.text(0.5, 0.5, "all errors are below the noise", transform=axes.transAxes, ha="center", color=INK)
    axes.set_xticks(ticks, [str(n) for n in ticks])
    axes.minorticks_off()
    axes.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(0, -0.18), borderaxespad=0)
    axes.set_title(_said(fit), fontsize=9, color=INK, loc="left")
    return labelled(axes, "trajectories fitted", "relative error of the rates, left out")


def _said(fit: SymmetricFit) -> str:
    """Name what was kept of the symmetry."""
    parts = {"enforced": fit.enforced_, "promoted": fit.promoted_, "dropped": fit.dropped_}
    said = [f"{word}: {', '.join(map(_named, some))}" for word, some in parts.items() if some]
    text = "; ".join(said) or "no symmetry is enforced: the law is the free one"
    return shorten(text[0].upper() + text[1:], 90)


def _named(part: Any) -> str:
    if isinstance(part, LieAlgebra):
        return part.name
    return "; ".join(part.texts()[:3]) if isinstance(part, Elements) else "a subspace"
