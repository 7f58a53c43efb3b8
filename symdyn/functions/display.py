"""Representations of objects: a few short lines of text, a LaTeX block, a plain HTML table."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

__all__ = [
    "MOST_LINES",
    "MOST_TERMS",
    "WIDTH",
    "html_table",
    "joined_text",
    "latex_lines",
    "listed",
    "shortened",
    "states_text",
]

WIDTH = 100  # columns of a line
MOST_LINES = 6  # that follow the first
MOST_TERMS = 24  # of an equation in LaTeX
_MOST_STATES = 8


def shortened(text: str, width: int = WIDTH) -> str:
    """Shorten a text that is too wide, after a whole term or, failing that, after a whole character."""
    if len(text) <= width:
        return text
    head = text[: width - 2]
    cut = max(head.rfind(" + "), head.rfind(" − "))
    return f"{head[:cut]} + …" if cut > 0 else f"{head}…"


def states_text(states: Sequence[str]) -> str:
    """Write `(x, y, z)`, or `(x0, x1, …, x63)` where there are many."""
    shown = list(states) if len(states) <= _MOST_STATES else [*states[:2], "…", states[-1]]
    return shortened(f"({', '.join(shown)})", WIDTH // 2)


def listed(head: str, lines: Sequence[str], count: int | None = None) -> str:
    """Write a head and the first of `count` lines below it, indented; say how many are not shown."""
    count = len(lines) if count is None else count
    shown = [f"  {shortened(line, WIDTH - 2)}" for line in lines[:MOST_LINES]]
    more = [f"  … and {count - len(shown)} more"] if count > len(shown) else []
    return "\n".join([shortened(head), *shown, *more])


def joined_text(head: str, texts: Sequence[str], count: int) -> str:
    """Write a head and as many of `count` texts as go on one line: for what others show as one of their parameters."""
    line = f"{head}: " if texts else head
    for k, text in enumerate(texts):
        too_long = len(line) + len(text) > WIDTH
        if too_long and k:
            return f"{line}; …"
        line += f"{'; ' if k else ''}{shortened(text, max(WIDTH - len(line), 20)) if too_long else text}"
    return line if len(texts) == count else f"{line}; …"


def latex_lines(lines: Sequence[str], count: int | None = None) -> str | None:
    r"""Set lines below each other, aligned where they have a `&`, the first of `count`; None where there are none."""
    if not lines:
        return None
    lines = [*lines, r"\ldots"] if count is not None and count > len(lines) else lines
    return "$$\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}$$"


def html_table(caption: str, header: Sequence[str], rows: Sequence[Sequence[str]], more: int = 0) -> str:
    """Write a table of texts, all of them escaped; colours are left to the page, which may be light or dark.

    Without a header there is none.
    """

    def cells(tag: str, texts: Sequence[str]) -> str:
        return "".join(f'<{tag} style="text-align: left">{escape(str(text))}</{tag}>' for text in texts)

    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    below = f'<tr><td colspan="{len(rows[0])}">… and {more} more</td></tr>' if rows and more > 0 else ""
    top = f"<thead><tr>{cells('th', header)}</tr></thead>" if header else ""
    return f"<table><caption>{escape(caption)}</caption>{top}<tbody>{body}{below}</tbody></table>"
