"""Subcommands that run a job: options from the list of the workflows, the job loaded when it runs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from symdyn import datasets
from symdyn.cli.errors import DEBUG, JSON
from symdyn.cli.hints import ChosenWord, check_file

__all__ = ["OPEN", "JobAbout", "job_command", "open_page", "run_job_of", "tell_results", "workflow_options"]

_SHARED = ("out", "scheduler", "resume", "force", "seed", "quiet")  # last in the help
_VALUES = ("cpu", "phi(u.x)", "threads")
_FILES = ("data", "symmetry", "config")


OPEN = click.option("--open", "open_report", is_flag=True, help="Open the report in a browser.")


@dataclass(frozen=True)
class JobAbout:
    """What the help says about a job.

    Parameters
    ----------
    workflow : str
        The workflow whose options it has.
    short : str
        One line.
    long : str
        What it does and leaves.
    example : str
        A command that runs.
    page : bool
        Whether it writes a `report.html`.
    """

    workflow: str
    short: str
    long: str
    example: str
    page: bool = True

    @property
    def help(self) -> str:
        """The text of `--help`."""
        return f"{self.short}\n\n{self.long}\n\n\b\nExample:\n  {self.example}"


@cache
def workflow_options() -> dict[str, dict]:
    """Read the options of all workflows; `tests/cli/options_of_workflows.py` writes them."""
    return json.loads((Path(__file__).parent / "options.json").read_text(encoding="utf-8"))


def job_command(name: str, about: JobAbout) -> click.Command:
    """Build the subcommand of a job."""
    options = workflow_options()[about.workflow]["options"]
    ordered = sorted(options, key=lambda one: ("option" in one) + (one["name"] in _SHARED))

    def run(open_report: bool = False, as_json: bool = False, **values: Any) -> None:
        _check_choice(about.workflow, values)
        if name == "planets" and values["data"] is None and values["simulate"] is None:
            values["data"] = str(datasets.path("planets"))
        run_job_of(about.workflow, values)
        tell_results(values["out"], as_json=as_json, open_report=open_report)

    parameters = [_parameter(one) for one in ordered]
    command = _JobCommand(name, params=parameters, callback=run, help=about.help, short_help=about.short)
    if about.page:
        command = OPEN(JSON(command))
    return DEBUG(command)


def run_job_of(workflow: str, values: dict[str, Any]) -> None:
    """Check files and words before the run directory is touched, and run the job of a workflow.

    Raises
    ------
    click.UsageError
        For options that exclude one another.
    click.ClickException
        For files that do not exist.
    ValueError
        For unknown words.
    """
    given = {key: list(v) if isinstance(v, tuple) and key != "share" else v for key, v in values.items()}
    given = {key: value for key, value in given.items() if value is not None and value != []}
    for key in _FILES:
        if key in given:
            check_file(given[key])
    if workflow != "fields":  # its candidates are other words
        _check_words(given)
    module = import_module(workflow_options()[workflow]["module"])
    from symdyn.runs.options import WrongOptions

    try:
        getattr(module, module.__name__.rpartition(".")[2])(**given)
    except WrongOptions as error:
        raise click.UsageError(str(error), click.get_current_context(silent=True)) from error


def tell_results(out: str | Path, *, as_json: bool, open_report: bool) -> None:
    """Print the results of a run as JSON, and open its report, if requested."""
    folder = Path(out).with_suffix("") if Path(out).suffix == ".csv" else Path(out)
    if as_json:
        from symdyn.cli.show import read

        click.echo(json.dumps(read(folder), indent=2, ensure_ascii=False))
    if open_report:
        open_page(folder)


def open_page(out: str | Path) -> None:
    """Open the report of a run directory in a browser.

    Raises
    ------
    click.ClickException
        If there is none.
    """
    page = Path(out) / "report.html"
    if not page.exists():
        raise click.ClickException(f"there is no report in {out}")
    import webbrowser

    webbrowser.open(page.resolve().as_uri())


def _check_words(given: dict[str, Any]) -> None:
    from symdyn.functions.words import FEATURES, read_words
    from symdyn.lie.words import CANDIDATES, ELEMENTS, TIME

    known = {"candidates": (*CANDIDATES, *TIME), "elements": ELEMENTS, "law": FEATURES, "conserved": FEATURES}
    for key in sorted(known.keys() & given.keys()):
        if given[key] != "none" or key in ("candidates", "law"):
            read_words(given[key], known[key])


def _check_choice(workflow: str, values: dict[str, Any]) -> None:
    """Refuse options that exclude one another, and ask for one of those that are needed."""
    spelt = {one["name"]: one.get("option", one["name"]) for one in workflow_options()[workflow]["options"]}
    for group in workflow_options()[workflow]["exclusive"]:
        given = [spelt[name] for name in group["names"] if values[name]]
        if len(given) > 1:
            raise click.UsageError(f"{' and '.join(given)} exclude one another")
        if group["required"] and not given:
            raise click.UsageError(f"give {' or '.join(spelt[name] for name in group['names'])}")


def _parameter(one: dict[str, Any]) -> click.Parameter:
    kind = ChosenWord(one["choices"]) if "choices" in one else _kinds()[one["type"]]
    if "option" not in one:
        return click.Argument([one["name"]], type=kind, metavar=one["name"].upper())
    text, default = one.get("help", ""), one.get("default")
    if (one["name"], default) == ("data", "datasets/planets.nc"):
        default, text = None, "file of positions and velocities (default: the planets that ship with symdyn)"
    if "choices" in one and "default" in one:
        text = f"{text} (default {default})".strip()
    names = [one["option"], one["name"]]
    if one["type"] == "flag":
        return click.Option(names, is_flag=True, help=_sentence(text))
    many = {"multiple": True} if one.get("many") else {"default": default}
    required, metavar = one.get("required", False), one.get("metavar")
    return click.Option(names, type=kind, help=_sentence(text), required=required, metavar=metavar, **many)


def _sentence(text: str) -> str:
    """Write a help text as a sentence, unless it begins with a value."""
    if not text or text.split()[0].strip(",") in _VALUES:
        return text
    return f"{text[:1].upper()}{text[1:]}."


@cache
def _kinds() -> dict[str, Any]:
    plain = {"str": str, "flag": bool, "int": int, "float": float, "path": click.Path(path_type=Path)}
    return plain | {name: _Parsed(name) for name in ("share", "chunks", "numbers")}


class _Parsed(click.ParamType):
    """What a function of `symdyn.runs.parsing` reads, which is loaded for a value that is given."""

    def __init__(self, name: str):
        self.name = name

    def convert(self, value, param: click.Parameter | None, ctx: click.Context | None):
        """Return the value."""
        if not isinstance(value, str) or value == "auto":
            return value
        from argparse import ArgumentTypeError

        from symdyn.runs import parsing

        try:
            return getattr(parsing, self.name)(value)
        except ArgumentTypeError as error:
            self.fail(str(error), param, ctx)


class _JobCommand(click.Command):
    """A command whose lists may be written `--model plain equivariant`, too."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Repeat the name of a list before each of its words."""
        lists = {
            one.opts[0]: one.type.choices
            for one in self.params
            if isinstance(one, click.Option) and one.multiple and isinstance(one.type, click.Choice)
        }
        repeated, current = [], None
        for word in args:
            fresh = repeated and repeated[-1] == current
            if current and not fresh and word in lists[current]:
                repeated.append(current)
            elif not fresh:
                current = word if word in lists else None
            repeated.append(word)
        return super().parse_args(ctx, repeated)
