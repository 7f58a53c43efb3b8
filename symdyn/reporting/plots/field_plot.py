"""Vector fields in planes of states: generators as arrows over the data, laws as streamlines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from symdyn.data.grids import is_field_data
from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.lie.prolongation import first_order
from symdyn.lie.vectorfields import VectorField
from symdyn.reporting.plots.canvas import boxed, formula, labelled, one_axes, several_axes, with_unit
from symdyn.reporting.plots.drawn_data import DrawnData, drawn_data, opened
from symdyn.reporting.plots.space_time_plot import draw_point_symmetry
from symdyn.reporting.style import ACCENT, GREY, INK

__all__ = ["draw_field", "plot_algebra"]

_SIZE = 2.7  # inches of a panel
_ARROWS = 11  # along an axis
_LINE = 34  # characters of a title
_ALIKE = 4.0  # ratio of ranges up to which axes of one unit have one scale
_SAID = 2  # states that are not drawn, of which the title says where they stand
_MUCH = 0.3  # of what is moved most
_TOGETHER = 1e-6  # of the largest slope, above which two states are moved together


def plot_algebra(algebra: LieAlgebra, data: Any, ax: Any, *, generator: int | None) -> Any:
    """Draw generators over data; see `LieAlgebra.plot`."""
    chosen = list(range(algebra.dim)) if generator is None else [range(algebra.dim)[generator]]
    if not chosen:
        raise ValueError("the algebra has no generators: nothing to draw")
    texts, panels = algebra.texts(), several_axes(ax, len(chosen), _SIZE)
    dataset = opened(data)
    if dataset is not None and is_field_data(dataset):
        for panel, k in zip(panels, chosen, strict=True):
            draw_point_symmetry(panel, algebra.generators[k], dataset)
    else:
        shown = drawn_data(data if dataset is None else dataset, algebra.states, algebra.chart)
        for panel, k in zip(panels, chosen, strict=True):
            _draw_generator(panel, algebra.generators[k], shown)
    for panel, k in zip(panels, chosen, strict=True):
        panel.set_title(_wrapped(texts[k]), fontsize=9, color=INK)
    return panels[0] if len(panels) == 1 else np.array(panels, dtype=object)


def draw_field(field: VectorField, ax: Axes | None, over: Any, *, steps: bool) -> Axes:
    """Draw a field that is a law: streamlines in the plane of two states, or its values where there is one state.

    Parameters
    ----------
    field : VectorField
        A second-order law is drawn as the flow of positions and velocities.
    ax : Axes, optional
    over : data, optional
        See `VectorField.plot`.
    steps : bool
        Whether the field is the step of a map: arrows instead of streamlines.
    """
    n, n_outputs = len(field.states), len(field.coefficients)
    field = first_order(field) if 2 * n_outputs == n else field
    if len(field.coefficients) not in (n, 1):
        raise ValueError(f"a field of {n_outputs} outputs on {n} states is none of a flow: give data= to compare with")
    chart = None if field.inside is None else field.inside.chart
    shown = drawn_data(over, field.states, chart)
    axes = one_axes(ax, 4.2, 3.8)
    if n == 1:
        return _draw_values(axes, field, shown)
    if len(field.coefficients) == 1:
        return _draw_levels(axes, field, shown)
    first, second = _plane(field, shown)
    _draw_runs(axes, shown, first, second)
    if steps:
        _arrows(axes, field, shown, (first, second))
    else:
        _streams(axes, field, shown, (first, second))
    axes.set_title(_slice_text(field.states, shown, (first, second)), fontsize=8, color=INK)
    return _framed(axes, field.states, shown, first, second)


def _slice_text(states: Sequence[str], shown: DrawnData, plane: tuple[int, int]) -> str:
    """Say where the states stand that are not drawn."""
    others = [k for k in range(len(states)) if k not in plane]
    if len(others) > _SAID:
        return "other states at their medians"
    said = [f"{with_unit(states[k])} = {shown.middle[k]:.3g} {shown.units[k]}".strip() for k in others]
    return f"at {', '.join(said)}" if said else ""


def _draw_generator(axes: Axes, generator: VectorField, shown: DrawnData) -> None:
    if len(generator.states) == 1:
        _draw_values(axes, generator, shown)
        return
    first, second = _plane(generator, shown)
    _draw_runs(axes, shown, first, second)
    _arrows(axes, generator, shown, (first, second))
    _framed(axes, generator.states, shown, first, second)
    boxed(axes)


def _draw_runs(axes: Axes, shown: DrawnData, first: int, second: int) -> None:
    style = {"lw": 0.8} if shown.are_lines else {"ls": "", "marker": ".", "ms": 2}
    strength = np.clip(8 / max(len(shown.runs), 1), 0.25, 0.9)
    for run in shown.runs:
        axes.plot(run[:, first], run[:, second], color=GREY, alpha=strength, zorder=1, **style)


def _arrows(axes: Axes, field: VectorField, shown: DrawnData, plane: tuple[int, int]) -> None:
    """Draw arrows on a grid; the longest is as long as their distance."""
    points, across, up = _grid(shown, plane, _ARROWS)
    moved = field(points)[:, list(plane)]
    sides = np.array([np.ptp(across), np.ptp(up)])
    longest = np.hypot(*(moved / sides).T).max()
    if not longest > 0:
        axes.text(0.5, 0.5, "moves time alone", transform=axes.transAxes, ha="center", va="center", color=ACCENT)
        return
    moved = moved * (0.95 / (_ARROWS - 1) / longest)
    start = points[:, list(plane)] - moved / 2
    axes.quiver(
        *start.T, *moved.T, angles="xy", scale_units="xy", scale=1.0, color=ACCENT, width=0.006, zorder=3, minlength=0
    )  # fmt: skip


def _streams(axes: Axes, field: VectorField, shown: DrawnData, plane: tuple[int, int]) -> None:
    points, across, up = _grid(shown, plane, 60)
    with np.errstate(all="ignore"):
        moved = field(points)[:, list(plane)]
    u, v = (np.ma.masked_invalid(part.reshape(len(up), len(across))) for part in moved.T)
    speed = np.hypot(u / np.ptp(across), v / np.ptp(up))
    largest = float(speed.max())
    if not largest > 0:
        axes.text(0.5, 0.5, "the field vanishes in this plane", transform=axes.transAxes, ha="center", color=ACCENT)
        return
    widths = 0.4 + 1.4 * np.sqrt(np.asarray(speed.filled(0.0)) / largest)
    axes.streamplot(across, up, u, v, color=ACCENT, linewidth=widths, density=1.1, arrowsize=0.8, zorder=3)


def _grid(shown: DrawnData, plane: tuple[int, int], n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return points `(sample, coordinate)` on a grid in the box of the plane, others at the median, and its axes."""
    (left, right), (low, high) = _box(shown, plane)
    across, up = np.linspace(left, right, n + 2)[1:-1], np.linspace(low, high, n + 2)[1:-1]
    points = np.tile(shown.middle, (n * n, 1))
    points[:, plane[0]], points[:, plane[1]] = (part.ravel() for part in np.meshgrid(across, up))
    return points, across, up


def _box(shown: DrawnData, plane: tuple[int, int]) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the box of a plane: with one scale, where both states have one unit and about one range."""
    sides = [shown.box(k) for k in plane]
    if not _is_equal(shown, plane):
        return sides[0], sides[1]
    half = max(high - low for low, high in sides) / 2
    (a, b), (c, d) = sides
    return ((a + b) / 2 - half, (a + b) / 2 + half), ((c + d) / 2 - half, (c + d) / 2 + half)


def _is_equal(shown: DrawnData, plane: tuple[int, int]) -> bool:
    first, second = shown.extent[list(plane)]
    one_unit = shown.units[plane[0]] == shown.units[plane[1]]
    return one_unit and max(first, second) < _ALIKE * min(first, second)


def _framed(axes: Axes, states: Sequence[str], shown: DrawnData, first: int, second: int) -> Axes:
    across, up = _box(shown, (first, second))
    axes.set(xlim=across, ylim=up)
    if _is_equal(shown, (first, second)):
        axes.set_aspect("equal")
    axes.locator_params(nbins=5)
    return labelled(axes, with_unit(states[first], shown.units[first]), with_unit(states[second], shown.units[second]))


def _plane(field: VectorField, shown: DrawnData) -> tuple[int, int]:
    """Find the two states that a field moves together most, or the two that it moves most, in units of the data."""
    points = shown.points()
    with np.errstate(all="ignore"):
        slopes = np.sqrt(np.nanmean(field.jacobian(points) ** 2, axis=0)) * shown.extent / shown.extent[:, None]
        moves = np.sqrt(np.nanmean(field(points) ** 2, axis=0)) / shown.extent
    together = slopes + slopes.T - 2 * np.diag(np.diag(slopes))
    largest = max(float(np.nanmax(slopes)), 0.0)
    if largest > 0 and np.nanmax(together) > _TOGETHER * largest:
        first, second = np.unravel_index(np.nanargmax(np.round(together / largest, 3)), together.shape)
    else:
        much = moves > _MUCH * np.nanmax(moves)  # the first two of these, or else the two that are moved most
        first, second = np.argsort(np.where(much, 0.0, -moves + np.nanmax(moves) + 1.0), kind="stable")[:2]
    return int(min(first, second)), int(max(first, second))


def _draw_values(axes: Axes, field: VectorField, shown: DrawnData) -> Axes:
    """Draw v(x) over a single state."""
    places = np.linspace(*shown.box(0), 200)
    axes.axhline(0.0, color=GREY, lw=0.7)
    axes.plot(places, field(places[:, None])[:, 0], color=ACCENT, lw=1.5)
    every = shown.points() if shown.runs else np.zeros((0, 1))
    if len(every):
        axes.plot(every[:, 0], np.zeros(len(every)), "|", color=GREY, ms=6, alpha=0.5)
    state = field.states[0]
    return labelled(axes, with_unit(state, shown.units[0]), f"field at ${with_unit(state)[1:-1]}$")


def _draw_levels(axes: Axes, field: VectorField, shown: DrawnData) -> Axes:
    """Draw the levels of a function of two or more states."""
    slopes = np.sqrt(np.mean(field.jacobian(shown.points())[:, 0] ** 2, axis=0)) * shown.extent
    first, second = sorted(np.argsort(-slopes, kind="stable")[:2].tolist())
    points, across, up = _grid(shown, (first, second), 60)
    levels = axes.contour(across, up, field(points).reshape(60, 60), 9, colors=ACCENT, linewidths=0.9)
    axes.clabel(levels, fontsize=7)
    _draw_runs(axes, shown, first, second)
    return _framed(axes, field.states, shown, first, second)


def _wrapped(text: str, width: int = _LINE) -> str:
    """Write a generator in lines that break between terms."""
    lines = [""]
    for term in text.replace(" + ", "|+ ").replace(" − ", "|− ").replace(" about", "|about").split("|"):
        if lines[-1] and len(lines[-1]) + len(term) > width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {term}".strip()
    return "\n".join(map(formula, lines))
