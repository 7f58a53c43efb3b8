"""Options as a command line writes them: shares, chunks, lists of numbers and of names."""

from __future__ import annotations

import argparse
import re

__all__ = ["chunks", "names", "numbers", "share"]


def share(text: str) -> tuple[int, int]:
    """Read `K/N`, share K of N.

    Raises
    ------
    argparse.ArgumentTypeError
        Unless 1 <= K <= N.
    """
    k, _, n = text.partition("/")
    if not (k.isdigit() and n.isdigit() and 1 <= int(k) <= int(n)):
        raise argparse.ArgumentTypeError(f"{text!r} is no share K/N with 1 <= K <= N")
    return int(k), int(n)


def chunks(text: str) -> int | str:
    """Read a number of trajectories, a size such as `16MB`, or `auto`.

    Raises
    ------
    argparse.ArgumentTypeError
        For anything else.
    """
    if text == "auto" or re.fullmatch(r"0*[1-9]\d*(\.\d+)? ?[kMGT]i?B", text):
        return text
    if not (text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is neither auto, a number of trajectories, nor a size like 16MB")
    return int(text)


def numbers(text: str) -> list[int]:
    """Read integers such as `5-30:5` or `1,2,5`, each once.

    Raises
    ------
    argparse.ArgumentTypeError
        For anything else.
    """
    found = []
    for part in text.split(","):
        limits, _, step = part.partition(":")
        low, _, high = limits.partition("-")
        limits = (low, high) if "-" in part else (low, low)
        if not all(word.isdigit() for word in (*limits, step or "1")) or int(step or 1) == 0:
            raise argparse.ArgumentTypeError(f"{text!r} is no list of numbers such as 5-30:5 or 1,2,5")
        found += range(int(limits[0]), int(limits[1]) + 1, int(step or 1))
    found = list(dict.fromkeys(found))
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} holds no number")
    return found


def names(text: str | None) -> list[str] | None:
    """Read names separated by commas; None if there are none."""
    return text.split(",") if text else None
