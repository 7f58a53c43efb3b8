"""Figures of trajectories and predictions."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from symdyn.data.trajectories import Trajectory
from symdyn.reporting.style import (
    ACCENT,
    FAINT,
    GREY,
    INK,
    PAPER,
    SECOND,
    clean,
    new_figure,
    ordered_colours,
)
from symdyn.reporting.texts import percent

__all__ = ["orbits", "phase_planes", "predictions", "principal_axes"]


def orbits(runs: Sequence[Trajectory], dims: int, unit: str = "") -> Figure:
    """Draw trajectories in the plane in which they spread most, with the radius on a logarithmic scale.

    Parameters
    ----------
    runs : sequence of Trajectory
    dims : int
        Number of leading states that are positions.
    unit : str
        Unit of the positions.
    """
    positions = [run.states[:, :dims] for run in runs]
    plane = principal_axes(positions)[:2]
    figure, axes = new_figure(6.2, 6.2)
    panel = axes[0, 0]
    radii = [np.linalg.norm(p, axis=1) for p in positions]
    inner = 0.5 * min(r.min() for r in radii)
    colours = ordered_colours(len(runs))
    for run, position, colour in zip(runs, positions, colours, strict=True):
        x, y = _log_radius(position @ plane.T, inner)
        panel.plot(x, y, lw=1.1, color=colour)
        if len(runs) <= 12:
            _name_at_top(panel, x, y, run.name, colour)
    _rings(panel, inner, max(r.max() for r in radii), unit)
    panel.set_aspect("equal")
    panel.axis("off")
    return figure


def phase_planes(runs: Sequence[Trajectory], states: Sequence[str], most: int = 3, units: Sequence[str] = ()) -> Figure:
    """Draw trajectories in the planes of neighbouring states, at most `most` of them; a single state against time."""
    named = [f"{state} ({unit})" if unit else state for state, unit in zip_longest(states, units, fillvalue="")]
    n = min(len(runs[0].states.T), len(states))
    pairs = [(i, i + 1) for i in range(0, n - 1, 1 if n < 5 else 2)][:most] or [(None, 0)]
    figure, axes = new_figure(3.6 * len(pairs), 3.5, 1, len(pairs))
    colours = ordered_colours(len(runs))
    for panel, (first, second) in zip(axes.flat, pairs, strict=True):
        clean(panel)
        for run, colour in zip(runs, colours, strict=True):
            across = run.times if first is None else run.states[:, first]
            panel.plot(across, run.states[:, second], lw=0.8, color=colour, alpha=0.8)
        panel.set(xlabel="t" if first is None else named[first], ylabel=named[second])
    return figure


def predictions(pairs: Sequence[tuple], dims: int, names: tuple[str, str], columns: int = 3) -> Figure:
    """Draw true trajectories under two predictions of each, in the plane of the trajectory.

    Parameters
    ----------
    pairs : sequence of (Prediction, Prediction)
        Of the same trajectory by the two models.
    dims : int
        Number of leading states that are positions.
    names : tuple of str
        Names of the two models.
    """
    rows = -(-len(pairs) // columns)
    figure, axes = new_figure(2.9 * columns, 2.9 * rows + 0.4, rows, columns)
    for panel in axes.flat[len(pairs) :]:
        panel.axis("off")
    for panel, (first, second) in zip(axes.flat, pairs, strict=False):
        plane = principal_axes([first.true[:, :dims]])[:2]
        true = first.true[:, :dims] @ plane.T
        reach = 1.35 * np.abs(true).max()
        panel.plot(*true.T, color=GREY, lw=3.5, alpha=0.6)
        for prediction, colour, style in ((second, SECOND, (0, (3, 2))), (first, ACCENT, "-")):
            track = prediction.predicted[:, :dims] @ plane.T
            panel.plot(*track.T, color=colour, lw=1.2, ls=style)
            if np.all(np.isfinite(track[-1])):
                panel.plot(*track[-1], marker="o", ms=4, color=colour, clip_on=True)
        panel.plot(*true[-1], marker="o", ms=5, mfc="none", mec=INK)
        panel.set(xlim=(-reach, reach), ylim=(-reach, reach), xticks=[], yticks=[], aspect="equal")
        panel.set_title(f"{first.name}: {percent(first.error)} | {percent(second.error)}", fontsize=9, color=INK)
        for side in panel.spines.values():
            side.set_color(FAINT)
    handles = [
        figure.axes[0].plot([], [], color=c, ls=s, lw=w, label=label)[0]
        for c, s, w, label in ((GREY, "-", 3.5, "true"), (ACCENT, "-", 1.2, names[0]), (SECOND, "--", 1.2, names[1]))
    ]
    figure.legend(handles=handles, loc="outside upper left", ncols=3, frameon=False, fontsize=9)
    return figure


def principal_axes(positions: Sequence[np.ndarray]) -> np.ndarray:
    """Return, as rows, the axes along which positions spread, widest first; trajectories of any size count alike."""
    scaled = [p / np.sqrt(np.mean(np.sum(p**2, axis=1))) for p in positions]
    return np.linalg.svd(sum(p.T @ p / len(p) for p in scaled))[2]


def _log_radius(flat: np.ndarray, inner: float) -> np.ndarray:
    radius = np.linalg.norm(flat, axis=1)
    stretched = np.log10(np.maximum(radius, inner) / inner)
    return (flat * (stretched / np.maximum(radius, 1e-300))[:, None]).T


def _rings(panel: Axes, inner: float, outer: float, unit: str) -> None:
    for radius in [m * 10.0**e for e in range(-6, 7) for m in (1, 3)]:
        if inner * 1.2 < radius < outer * 1.6:
            stretched = np.log10(radius / inner)
            angle = np.linspace(0, 2 * np.pi, 200)
            panel.plot(stretched * np.cos(angle), stretched * np.sin(angle), color=FAINT, lw=0.7, zorder=0)
            place = stretched * np.array([np.cos(-0.6), np.sin(-0.6)])
            text = panel.text(
                place[0], place[1], f"{radius:g} {unit}", fontsize=7, color=GREY, ha="center", va="center"
            )
            text.set_bbox({"facecolor": PAPER, "edgecolor": "none", "pad": 1})
    panel.plot(0, 0, marker="o", ms=5, color="#f2b705")


def _name_at_top(
    panel: Axes, x: np.ndarray, y: np.ndarray, name: str, colour: tuple[float, float, float, float]
) -> None:
    top = int(np.argmax(y))
    panel.text(x[top], y[top], name, fontsize=8, color=colour, ha="center", va="bottom")
