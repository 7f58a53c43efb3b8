"""Axes to draw into, and words on them."""

from __future__ import annotations

import re
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.mathtext import MathTextParser

from symdyn.functions.printing import FUNCTIONS, state_latex
from symdyn.reporting.style import GREY, INK, clean

__all__ = ["boxed", "formula", "labelled", "one_axes", "panels_in_a_row", "several_axes", "with_unit"]

_WIDE = {5: 3, 6: 3, 9: 3}  # panels in a row, where that fills rows better than four
_SIZE = 9  # of labels, in points


def one_axes(ax: Any, width: float, height: float) -> Axes:
    """Return the axes that were given, or those of a new figure of `width` and `height` inches.

    Raises
    ------
    TypeError
        For anything but matplotlib Axes.
    """
    if ax is None:
        ax = plt.subplots(figsize=(width, height), layout="constrained")[1]
    if not isinstance(ax, Axes):
        raise TypeError(f"ax must be matplotlib Axes, got {type(ax).__name__}")
    return clean(ax)


def panels_in_a_row(n: int) -> int:
    """Return how many of `n` panels stand side by side."""
    return _WIDE.get(n, min(n, 4))


def several_axes(ax: Any, n: int, size: float) -> list[Axes]:
    """Return `n` axes: those that were given, or panels of a new figure, each of `size` inches.

    Raises
    ------
    ValueError
        If other than `n` axes were given.
    """
    if ax is None:
        wide = panels_in_a_row(n)
        rows = -(-n // wide)
        grid = plt.subplots(rows, wide, figsize=(size * wide, size * rows), layout="constrained", squeeze=False)[1]
        for panel in grid.flat[n:]:
            panel.remove()
        return [boxed(panel) for panel in grid.flat[:n]]
    given = [ax] if isinstance(ax, Axes) else list(np.ravel(np.asarray(ax, dtype=object)))
    if len(given) != n:
        raise ValueError(f"{n} generators need {n} axes, got {len(given)}: choose one by generator=, or give more axes")
    return [boxed(panel) for panel in given]


def boxed(ax: Axes) -> Axes:
    """Give axes a light frame, and ticks the colour of the text."""
    for side in ax.spines.values():
        side.set_color(GREY)
        side.set_linewidth(0.6)
    ax.tick_params(colors=INK, labelsize=8, width=0.6, color=GREY)
    return ax


def labelled(ax: Axes, across: str, up: str) -> Axes:
    """Label both axes."""
    ax.set_xlabel(across, fontsize=_SIZE, color=INK)
    ax.set_ylabel(up, fontsize=_SIZE, color=INK)
    return ax


def with_unit(state: str, unit: str | None = None) -> str:
    """Write a state as a formula, with its unit behind it."""
    name = f"${state_latex(state)}$"
    return f"{name} ({unit})" if unit else name


_TOKEN = re.compile(r"∂(?P<moved>\w+)|(?P<power>\^-?[\d.]+)|(?P<exponent>(?<=\d)e[+−-]?\d+)|(?P<word>[^\W\d]\w*)")
_PHRASES = ("swap", "cycle", "identity", "reverse")


def formula(text: str) -> str:
    """Write a generator, a function or a map, such as `y ∂x − x ∂y`, as a formula; words stay as they are."""
    if any(phrase in text for phrase in _PHRASES):
        return _plain(text)
    found = _TOKEN.sub(_formula_token, text.replace("->", "→").replace("\\", ""))
    found = re.sub("→ (-?)", r"\\to{\1}", found)
    found = found.replace(", -", ", {-}").replace(", −", ", {-}")
    for old, new in ((" + ", "+"), (" − ", "-"), ("−", "-"), ("…", r"\ldots "), (", ", r",\;\,")):
        found = found.replace(old, new)
    written = f"${found.strip().replace(' ', chr(92) + ',')}$"
    try:
        MathTextParser("path").parse(written)
    except ValueError:
        return _plain(text)
    return written


def _formula_token(found: re.Match) -> str:
    kind, text = found.lastgroup, found.group()
    if kind == "moved":
        return rf"\partial_{{{_name(text[1:])}}}"
    if kind == "power":
        return f"^{{{text[1:]}}}"
    if kind == "exponent":
        return rf"\times{{}}10^{{{int(text[1:].replace('−', '-'))}}}"
    if text == "about":
        return r"\;\mathrm{about}\;"
    return rf"\{text}" if text in FUNCTIONS else _name(text)


def _name(state: str) -> str:
    return state_latex(state).replace(" ", "")


def _plain(text: str) -> str:
    return text.replace("$", r"\$")
