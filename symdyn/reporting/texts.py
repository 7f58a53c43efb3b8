"""Numbers, names and sentences as figures and pages write them."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["output_names", "percent", "sentence", "shorten"]

_MARKS = {"flow": "'", "second_order": "''", "map": " step"}


def output_names(states: Sequence[str], n_outputs: int, kind: str) -> list[str]:
    """Name what a law gives: rates `x'`, accelerations `x''`, increments `x step` of the first `n_outputs` states."""
    return [f"{state}{_MARKS[kind]}" for state in states[:n_outputs]]


def percent(error: float) -> str:
    """Write a relative error in percent; of a prediction ten times as far away as the truth is large, say so."""
    return f"{100 * error:.2g} %" if error < 1 else f"{100 * error:.0f} %" if error < 10 else "runs away"


def shorten(text: str, width: int, n_words: int = 1) -> str:
    """Cut a text to `width` characters, between words, without the last `n_words` that fit."""
    return text if len(text) <= width else text[: width - 2].rsplit(" ", n_words)[0] + " …"


def sentence(note: str) -> str:
    """Make a sentence of a note: a capital in front, a full stop behind."""
    return note[0].upper() + note[1:] + "."
