"""A law against its data: measured rates, averaged over the windows that laws are fitted in, against predicted ones."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from symdyn.data.clocks import time_unit
from symdyn.data.motion import paired_states
from symdyn.data.pairs import as_dataset
from symdyn.data.trajectories import names_with_role, state_names
from symdyn.functions.printing import state_latex
from symdyn.lie.chart import Chart
from symdyn.lie.vectorfields import VectorField
from symdyn.reporting.plots.canvas import labelled, one_axes
from symdyn.reporting.plots.field_plot import draw_field
from symdyn.reporting.style import INK, SERIES
from symdyn.reporting.texts import unit_text
from symdyn.rows.dynamics import Layout, dynamics_of
from symdyn.rows.ensembles import read_runs
from symdyn.rows.law_rows import finely_sampled, plan_rows, row_batches

__all__ = ["Compared", "compared", "plot_law"]

_MOST = 1500  # dots of a state
_MOST_STATES = 6  # with a line in the legend
_MARKS = {"flow": r"\dot{%s}%s", "second_order": r"\ddot{%s}%s", "map": r"\Delta %s%s", "pairs": r"\dot{%s}%s"}
_WORDS = {"flow": "rate", "second_order": "acceleration", "map": "step", "pairs": "value"}


class Compared(NamedTuple):
    """Rows of a law and what it predicts for them, `(row, output)` each, in the units of the data.

    `unexplained` `(output,)` is the root mean square of what the law leaves over, beyond noise where rows have
    instruments, relative to that of the rates. `unit` is that of all outputs; None where each is in units of its root
    mean square.
    """

    measured: np.ndarray
    predicted: np.ndarray
    unexplained: np.ndarray
    kind: str
    unit: str | None
    is_beyond_noise: bool


def plot_law(law: VectorField, data: Any, ax: Axes | None, *, over: Any, kind: str | None) -> Axes:
    """Draw a law against data, or as a field; see `VectorField.plot`."""
    kind = _kind_of(law) if kind is None else dynamics_of(kind).name
    if data is None:
        return draw_field(law, ax, over, steps=dynamics_of(kind).action.increments)
    if over is not None:
        raise ValueError("over is for a field that is drawn without data: leave out one of data and over")
    found = compared(law, data, kind)
    axes = one_axes(ax, 4.0, 4.0)
    measured, predicted = found.measured, found.predicted
    every = -(-len(measured) // _MOST)
    n = measured.shape[1]
    for k in range(n):
        name = _marked(law.states[k], found.kind)
        label = f"${name}$: {_share(found.unexplained[k])}" if k < _MOST_STATES else None
        axes.plot(
            predicted[::every, k], measured[::every, k], ".", ms=3, alpha=0.6, color=SERIES[k % len(SERIES)],
            label=label, rasterized=len(measured) > 500, zorder=2,
        )  # fmt: skip
    shown = np.concatenate([measured, predicted])
    ends = np.array([shown.min(), shown.max()])
    axes.plot(ends, ends, color=INK, lw=0.8, zorder=1)
    title = "unexplained beyond noise" if found.is_beyond_noise else "unexplained, noise included"
    axes.legend(
        loc="upper left", frameon=False, fontsize=8, handletextpad=0.2, markerscale=2.5, title=title, title_fontsize=8,
        alignment="left",
    )  # fmt: skip
    what = _WORDS[found.kind]
    unit = " over its root mean square" if found.unit is None else f" ({found.unit})" if found.unit else ""
    axes.locator_params(nbins=5)
    axes.set_aspect("equal")
    return labelled(axes, f"predicted {what}{unit}", f"measured {what}{unit}")


def compared(law: VectorField, data: Any, kind: str) -> Compared:
    """Make the rows of a law from data, and what it predicts for them.

    Parameters
    ----------
    law : VectorField
    data : as for `VectorField.plot`
    kind : str
        Of the dynamics.

    Raises
    ------
    ValueError
        For data of other variables, and trajectories that are too short.
    """
    dataset, layout = _laid_out(law, data, kind)
    inside = law.inside
    features = law.features if inside is None else inside.field.features
    coefficients = law.coefficients if inside is None else inside.field.coefficients
    runs = read_runs(dataset.compute(), layout.variables, layout.variables_chart)
    split, parts = len(coefficients.T), []
    for ensemble in runs.ensembles:
        plan = plan_rows(ensemble, layout, runs.labels, 1)
        for batch in row_batches(ensemble, plan, layout, features):
            rows = np.stack([batch.even, batch.odd])
            targets = np.moveaxis(rows[:, split:], 1, -1)
            predicted = np.einsum("of,pfrs->prso", coefficients, rows[:, :split])
            weights = _run_sizes(targets) if layout.dynamics.weighs_runs else np.ones(targets.shape[1])
            scaled = np.stack([targets, predicted]) / weights[:, None, None]
            parts.append(scaled.reshape(2, 2, -1, targets.shape[-1]))
    rows = np.concatenate(parts, axis=2)
    rows = rows * layout.output_units
    left = rows[0] - rows[1]
    power = np.mean(rows[0, 0] * rows[0, 1], axis=0)
    power = np.where(power > 0, power, np.mean(rows[0] ** 2, axis=(0, 1)))
    share = np.sqrt(np.maximum(np.mean(left[0] * left[1], axis=0), 0.0) / np.where(power > 0, power, 1.0))
    measured, predicted = rows.mean(axis=1)
    unit = _unit(dataset, layout)
    if unit is None or layout.dynamics.weighs_runs:
        size = np.sqrt(np.mean(measured**2, axis=0))
        measured, predicted, unit = measured / np.where(size > 0, size, 1.0), predicted / size, None
    return Compared(measured, predicted, share, layout.kind, unit, layout.instrumented)


def _run_sizes(targets: np.ndarray) -> np.ndarray:
    """Root mean square `(run,)` of the targets `(parity, run, row, output)` of each run."""
    size = np.sqrt(np.mean(targets**2, axis=(0, 2, 3)))
    return np.where(size > 0, size, 1.0)


def _laid_out(law: VectorField, data: Any, kind: str) -> tuple[xr.Dataset, Layout]:
    dynamics = dynamics_of(kind)
    dataset = as_dataset(data, pairs=dynamics.pairs, increments=dynamics.action.increments)
    inputs, targets = names_with_role(dataset, "input"), names_with_role(dataset, "target")
    states = [name for name in state_names(dataset) if name not in inputs]
    if dynamics.action.has_velocities and not targets:
        states = list(paired_states(dataset, states))
    arguments = _arguments(law, states, inputs)
    n_states = len(arguments) - len([name for name in arguments if name not in states])
    fine = dynamics.action.increments and not targets and finely_sampled(dataset, tuple(arguments[:n_states]))
    layout = Layout(
        "pairs" if targets else kind, tuple(arguments[:n_states]), tuple(arguments[n_states:]), targets, fine
    )
    chart = Chart.identity(len(arguments)) if law.inside is None else law.inside.chart
    layout = layout.in_chart(chart)
    if layout.n_outputs != len(law.coefficients):
        raise ValueError(
            f"the law has {len(law.coefficients)} outputs, a {dynamics.name} of these data has {layout.n_outputs}: "
            "say what it is the law of by kind="
        )
    return dataset, layout


def _arguments(law: VectorField, states: list[str], inputs: tuple[str, ...]) -> list[str]:
    """Find the variables that the law reads: by name, or else by place."""
    held = {*states, *inputs, "t", "time"}
    if set(law.states) <= held:
        return list(law.states)
    if len(law.states) == len(states) + len(inputs):
        return [*states, *inputs]
    raise ValueError(f"the law reads {', '.join(law.states)}, the data hold {', '.join((*states, *inputs))}")


def _kind_of(law: VectorField) -> str:
    known = getattr(law, "kind", None)
    return known or ("second_order" if 2 * len(law.coefficients) == len(law.states) else "flow")


def _unit(dataset: xr.Dataset, layout: Layout) -> str | None:
    """Return the unit that all outputs have, empty where none is said; None where they differ."""
    names = layout.variables[layout.output_columns]
    units = {str(dataset[name].attrs.get("units", "")) for name in names}
    if len(units) > 1:
        return None
    unit = unit_text(units.pop())
    if not layout.dynamics.in_windows:
        return unit
    time = time_unit(dataset)
    return f"{unit or 1}/{time}" if time else f"{unit} per unit of t" if unit else ""


def _marked(state: str, kind: str) -> str:
    r"""Write a rate, with the dot above the letter alone: `\dot{x}_{0}`."""
    base, mark, index = state_latex(state).partition("_{")
    return _MARKS[kind] % (base, mark + index)


def _share(value: float) -> str:
    return f"{100 * value:.2g} %" if value >= 1e-4 else "below 0.01 %"
