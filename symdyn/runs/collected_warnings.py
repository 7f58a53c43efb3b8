"""Warnings of a job, counted by kind: what differs in its numbers, names and generators is one kind."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["CollectedWarnings"]

_LONGEST = 240  # characters on a terminal: of long lists of terms the middle is left out
_GENERATOR = re.compile(r"(?:[+−;-]?\s*(?:\d[\w.+-]*\s+)?(?:[^\W\d]\S*\s+)?∂\w+\s*(?:[+−-]\s*…)?\s*)+")
_QUOTED, _NUMBER = re.compile(r"'[^']*'"), re.compile(r"[+−-]?\d[\d.]*(?:e[+-]?\d+)?")


class CollectedWarnings:
    """The first warning of each kind, and how often that kind occurred."""

    def __init__(self) -> None:
        self._kinds: dict[str, tuple[str, int]] = {}

    @contextmanager
    def collecting(self, tell: Callable[[str], object] | None = None) -> Iterator[None]:
        """Collect the warnings raised inside a `with` block instead of printing them.

        Parameters
        ----------
        tell : callable, optional
            Called with the text of the first warning of each kind, as it is given.
        """

        def take(message: Warning | str, *_: object, **__: object) -> None:
            if self._add(str(message)) and tell is not None:
                tell(" ".join(str(message).split()))

        with warnings.catch_warnings():
            warnings.filterwarnings("always", category=UserWarning)  # to be counted
            warnings.showwarning = take
            yield

    def counted(self) -> list[tuple[str, int]]:
        """Return the first text of each kind, and how often the kind was given."""
        return list(self._kinds.values())

    def lines(self, longest: int = _LONGEST) -> list[str]:
        """Write one line per kind."""
        return [f"{_counted(count)}: {_shortened(text, longest)}" for text, count in self._kinds.values()]

    def _add(self, message: str) -> bool:
        """Count a warning, and return whether it is the first of its kind."""
        text = " ".join(message.split())
        kind = _kind(text)
        first, count = self._kinds.get(kind, (text, 0))
        self._kinds[kind] = first, count + 1
        return not count


def _kind(text: str) -> str:
    for pattern in (_GENERATOR, _QUOTED, _NUMBER):
        text = pattern.sub("#", text)
    return re.sub(r"[#\s,;]+", " ", text)


def _counted(count: int) -> str:
    return "warning" if count == 1 else f"warning ({count} times)"


def _shortened(text: str, longest: int) -> str:
    third = longest // 3
    return text if len(text) <= longest else f"{text[:third]} ... {text[-2 * third :]}"
