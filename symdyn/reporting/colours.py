"""Colours of pages and figures, by what they are for; a page has other ones when it is dark."""

__all__ = ["ACCENT", "FAINT", "GREY", "INK", "PAPER", "SECOND", "SERIES", "VERDICT_COLOURS"]

INK = "#1f2933"
GREY = "#9aa5b1"
FAINT = "#d5dbe1"
PAPER = "#fffffe"  # of the page; white itself stays white
ACCENT = "#0b7285"
SECOND = "#d9480f"
SERIES = (ACCENT, SECOND, "#7048a8", "#b08900", "#2b8a3e", GREY)
VERDICT_COLOURS = {"symmetric": ACCENT, "broken": SECOND, "undetermined": GREY}
