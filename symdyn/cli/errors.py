"""A group of commands that answers every error with one line."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

import click

from symdyn.cli.hints import did_you_mean

__all__ = ["DEBUG", "JSON", "Commands", "short_warnings"]

JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON on standard output.")
DEBUG = click.option("--debug", is_flag=True, expose_value=False, help="Show where in the code an error arose.")


class Commands(click.Group):
    """A group whose errors are one line, with code 1, or 2 for wrong usage; `--debug` adds the traceback."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the subcommand, or name the nearest one."""
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            names = self.list_commands(ctx)
            hint = did_you_mean(args[0], names) or f"; there are {', '.join(names)}"
            raise click.UsageError(f"no such command: {args[0]!r}{hint}", ctx)
        return super().resolve_command(ctx, args)

    def main(self, args: Sequence[str] | None = None, *rest: Any, **extra: Any) -> NoReturn:
        """Run the command and exit."""
        given = sys.argv[1:] if args is None else list(args)
        extra["standalone_mode"] = False
        try:
            code = super().main(given, *rest, **extra)
            sys.exit(code if isinstance(code, int) else 0)
        except Exception as error:
            _end(error, "--debug" in given)
        except SystemExit as error:
            if isinstance(error.code, str):  # a job has stopped: what it says is one line, its cause is the context
                _end(error, "--debug" in given)
            raise


def _end(error: Exception | SystemExit, debug: bool) -> NoReturn:
    """Tell an error in one line, and exit."""
    if isinstance(error, BrokenPipeError):  # as in `symdyn list | head`
        sys.stdout = None
        sys.exit(1)
    if debug:
        shown = error.__context__ if isinstance(error, SystemExit) and error.__context__ else error
        traceback.print_exception(shown)
    if isinstance(error, click.exceptions.Abort):
        click.echo("interrupted", err=True)
        sys.exit(130)
    click.echo(f"error: {' '.join(_text(error).split())}", err=True)
    sys.exit(error.exit_code if isinstance(error, click.ClickException) else 1)


def _text(error: Exception | SystemExit) -> str:
    if isinstance(error, click.UsageError):
        text = _about_option(error) if isinstance(error, click.NoSuchOption) else error.format_message()
        path = error.ctx.command_path if error.ctx else "symdyn"
        return f"{text[:1].lower()}{text[1:].rstrip('.')} (see {path} --help)"
    if isinstance(error, click.ClickException):
        return error.format_message()
    if isinstance(error, SystemExit):
        return str(error.code).removeprefix("error: ")
    if isinstance(error, ValueError | OSError | ImportError):
        return str(error)
    return f"{type(error).__name__}: {error}; this is a fault of symdyn: --debug shows where it arose"


def _about_option(error: click.NoSuchOption) -> str:
    known = error.ctx.command.params if error.ctx else []
    names = [name for option in known for name in option.opts if name.startswith("-")]
    return f"no such option: {error.option_name}{did_you_mean(error.option_name, names)}"


@contextmanager
def short_warnings() -> Iterator[None]:
    """Print one line per kind of warning at the end."""
    from symdyn.runs.collected_warnings import CollectedWarnings  # loads what jobs need

    collected = CollectedWarnings()
    try:
        with collected.collecting():
            yield
    finally:
        for line in collected.lines():
            click.echo(line, err=True)
