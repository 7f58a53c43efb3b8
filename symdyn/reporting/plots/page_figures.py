"""Drawings of results as figures of their own, for pages that are written in batch jobs."""

from __future__ import annotations

from typing import Any

import xarray as xr
from matplotlib.figure import Figure

from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.regression.discovered import SymmetricFit
from symdyn.reporting.plots.canvas import panels_in_a_row
from symdyn.reporting.plots.evidence_plot import plot_quantities, verdict_rows
from symdyn.reporting.plots.field_plot import plot_algebra
from symdyn.reporting.plots.fit_plot import plot_fit
from symdyn.reporting.style import new_figure

__all__ = ["evidence", "generator_fields", "learning"]


def evidence(verdicts: xr.Dataset) -> Figure:
    """Draw verdicts over `generator`, `element` or `quantity`: each violation with its bound, against delta."""
    figure, axes = new_figure(8.6, 0.3 * max(verdict_rows([verdicts])[0].sizes["row"], 1) + 1.3)
    plot_quantities(verdicts, axes[0, 0])
    return figure


def generator_fields(algebra: LieAlgebra, data: Any = None) -> Figure:
    """Draw each generator as arrows, over the data where these are given."""
    wide = panels_in_a_row(algebra.dim)
    rows = -(-algebra.dim // wide)
    figure, axes = new_figure(2.6 * wide, 2.8 * rows, rows, wide)
    for panel in axes.flat[algebra.dim :]:
        panel.remove()
    plot_algebra(algebra, data, list(axes.flat[: algebra.dim]), generator=None)
    return figure


def learning(fit: SymmetricFit) -> Figure:
    """Draw what a symmetry saves."""
    figure, axes = new_figure(5.4, 3.8)
    plot_fit(fit, axes[0, 0])
    return figure
