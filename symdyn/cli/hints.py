"""What a misspelt word, file or subcommand may have meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

import click

__all__ = ["ChosenWord", "check_file", "did_you_mean"]


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean 'planets'?` for the nearest known word, or nothing."""
    from symdyn.functions.words import did_you_mean as hint  # loads numpy: only for a word that is wrong

    return hint(word, known)


def check_file(path: str | Path) -> None:
    """Refuse a file that does not exist, and name the most similar one in its folder.

    Raises
    ------
    click.ClickException
    """
    path = Path(path)
    if path.exists():
        return
    folder = path.parent
    names = [entry.name for entry in folder.iterdir()] if folder.is_dir() else []
    near = get_close_matches(path.name, names, n=1)
    hint = f"; did you mean '{folder / near[0]}'?" if near else ""
    raise click.ClickException(f"no such file: {path}{hint}")


class ChosenWord(click.Choice):
    """One of a few words, with the nearest one where it is none of them."""

    def convert(self, value, param: click.Parameter | None, ctx: click.Context | None):
        """Return the word."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter as error:
            hint = did_you_mean(str(value), [str(choice) for choice in self.choices])
            raise click.BadParameter(f"{error.message.rstrip('.')}{hint}", ctx, param) from None
