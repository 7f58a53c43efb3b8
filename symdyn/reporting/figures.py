"""Figures of trajectories, evidence, generators and predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from symdyn.data.trajectories import Trajectory
from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.lie.vectorfields import VectorField
from symdyn.reporting.style import (
    ACCENT,
    FAINT,
    GREY,
    INK,
    PAPER,
    SECOND,
    VERDICT_COLOURS,
    clean,
    logarithmic,
    new_figure,
    ordered_colours,
)
from symdyn.reporting.texts import approximately, percent, shorten

_MOST_BARS = 40
_ARROWS = 9  # along each side of a panel

__all__ = ["evidence", "generator_fields", "orbits", "phase_planes", "predictions", "principal_axes"]


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


def evidence(verdicts: xr.Dataset, labels: Sequence[str] | None = None) -> Figure:
    """Draw the violation of each generator with its 95 % upper bound, coloured by verdict, against delta.

    Of very many generators the first are drawn; `labels` are those of all that have a violation.
    """
    shown = verdicts.isel(generator=np.isfinite(verdicts.violation.values)).isel(generator=slice(0, _MOST_BARS))
    n = shown.sizes["generator"]
    figure, axes = new_figure(8.6, 0.34 * n + 1.3)
    panel = clean(axes[0, 0])
    # Delta is in sight also where no bound comes near it.
    floor = 0.5 * max(float(np.min(shown.upper_bound.values, initial=verdicts.attrs["delta"])), 1e-9)
    for row in range(n):
        one = shown.isel(generator=row)
        colour = VERDICT_COLOURS[one.verdict.item()]
        low, high = max(one.violation.item(), floor), max(one.upper_bound.item(), floor)
        panel.plot([low, high], [row, row], lw=3.2, color=colour, solid_capstyle="butt", alpha=0.45)
        panel.plot(high, row, marker="|", ms=11, mew=2.2, color=colour)
        if one.violation.item() > floor:
            panel.plot(low, row, marker="o", ms=5, color=colour)
    panel.axvline(verdicts.attrs["delta"], color=INK, lw=0.9, ls=(0, (4, 3)))
    panel.text(
        verdicts.attrs["delta"], -0.95, f" delta = {verdicts.attrs['delta']:g}", color=INK, fontsize=8, va="center"
    )
    panel.set_xscale("log")
    panel.set_xlim(floor, 2.0)
    logarithmic(panel.xaxis)
    panel.set_ylim(n - 0.4, -1.3)
    names = [shorten(approximately(str(g)), 58, 2) for g in shown.generator.values]
    panel.set_yticks(range(n), names if labels is None else list(labels)[:n], fontsize=8)
    panel.tick_params(axis="y", length=0)
    panel.set_xlabel("violation (dot) and its 95 % upper bound (end of the bar)", color=INK, fontsize=9)
    for name, colour in VERDICT_COLOURS.items():
        panel.plot([], [], lw=3.2, color=colour, label=name)
    panel.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=3, frameon=False, fontsize=8, borderaxespad=0)
    return figure


def generator_fields(
    algebra: LieAlgebra, columns: int = 4, ranges: Mapping[str, Sequence[float]] | None = None
) -> Figure:
    """Draw each generator as arrows in the plane of the two states that it mixes most.

    Over `ranges` of the states, by name, where they are given, with all other states in the middle of theirs; else
    over [-1, 1].
    """
    n = algebra.dim
    width = min(n, columns)
    figure, axes = new_figure(2.5 * width, 3.0 * -(-n // width), -(-n // width), width)
    for panel in axes.flat[n:]:
        panel.axis("off")
    low, high = np.array([(ranges or {}).get(state, (-1.0, 1.0)) for state in algebra.states]).T
    across, up = np.meshgrid(*[np.linspace(-1, 1, _ARROWS)] * 2)
    for panel, generator, text in zip(axes.flat, algebra.generators, algebra.texts(), strict=False):
        first, second = _plane_of(generator)
        points = np.tile((low + high) / 2, (across.size, 1))
        half = (high - low) / 2
        for state, place in ((first, across), (second, up)):
            points[:, state] += half[state] * place.ravel()
        # Arrows in units of the ranges: a panel is square whatever the states are measured in.
        arrows = generator(points)[:, [first, second]] / np.where(half > 0, half, 1.0)[[first, second]]
        panel.quiver(across.ravel(), up.ravel(), *arrows.T, color=ACCENT, width=0.008, pivot="middle")
        panel.set_title(_wrap(text), fontsize=8, color=INK)
        panel.set(xlim=(-1.25, 1.25), ylim=(-1.25, 1.25), aspect="equal")
        panel.set(xlabel=algebra.states[first], ylabel=algebra.states[second])
        for axis, state in ((panel.xaxis, first), (panel.yaxis, second)):
            ends = [] if ranges is None else [low[state], high[state]]
            axis.set_ticks([-1, 1][: len(ends)], [f"{end:.2g}" for end in ends])
        for side in panel.spines.values():
            side.set_color(GREY)
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


def _plane_of(generator: VectorField) -> tuple[int, int]:
    """Find the two states with the largest coupling, or the two stretched most where a generator only stretches."""
    n = len(generator.states)
    sizes = np.abs(generator.jacobian(np.ones((1, n)))[0])
    mixed = sizes + sizes.T - 2 * np.diag(np.diag(sizes))
    if mixed.max() <= 1e-9 * sizes.max():
        strongest = np.sort(np.argsort(-np.diag(sizes), kind="stable")[:2])
        return int(strongest[0]), int(strongest[1]) if n > 1 else 0
    first, second = np.unravel_index(np.argmax(mixed), mixed.shape)
    return int(min(first, second)), int(max(first, second))


def _wrap(text: str, width: int = 26) -> str:
    """Break a text between terms, never inside one."""
    lines = [""]
    for term in text.replace(" + ", "|+ ").replace(" − ", "|− ").split("|"):
        if lines[-1] and len(lines[-1]) + len(term) > width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {term}".strip()
    return "\n".join(lines)
