"""The command `symdyn` and its subcommands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from symdyn import datasets
from symdyn.cli.errors import DEBUG, JSON, Commands, short_warnings
from symdyn.cli.hints import ChosenWord, check_file
from symdyn.cli.job_commands import OPEN, JobAbout, job_command, open_page, run_job_of, tell_results

__all__ = ["JOBS", "command", "main"]

JOBS = {
    "discover": JobAbout(
        "discover",
        "Find symmetries and conserved quantities of trajectories.",
        "DATA is a file of trajectories: .nc, .zarr, .csv or .npz. The run directory gets report.html, results.nc, "
        "config.toml, run.log and figures/.",
        "symdyn discover orbits.csv --candidates se+scalings --out runs/orbits",
    ),
    "fit": JobAbout(
        "fit",
        "Fit a law of motion inside a symmetry.",
        "The symmetry is read from a file, or found first on some of the trajectories (--discover). The law is fitted "
        "on some of the trajectories and judged on others, beside the fit without the symmetry.",
        "symdyn fit orbits.csv --discover --out runs/law",
    ),
    "fields": JobAbout(
        "fields",
        "Find the law of fields and its point symmetries.",
        "DATA is a netCDF or Zarr file of fields u over (trajectory, time, x[, y]).",
        "symdyn fields burgers.nc --candidates 2 --out runs/burgers",
    ),
    "train": JobAbout(
        "train_operator",
        "Train neural operators that keep a symmetry (needs torch).",
        "Operators from u(t) to u(t + lead) are trained side by side and tested on other trajectories, as they are and "
        "moved by the symmetry. FILE is results.nc of a discovery or a saved algebra. Needs the extra `neural`.",
        "symdyn train burgers.nc --symmetry runs/burgers/results.nc",
    ),
    "promote": JobAbout(
        "promote",
        "Fit a function with the least broken symmetry.",
        "DATA is a table of points and values (--targets names the columns of values; no times are needed), or a file "
        "of trajectories, whose rates are then the values. Candidates that the data break are broken, all others are "
        "kept; the fit is judged on samples left out, beside least squares.",
        "symdyn promote energies.csv --targets E --candidates se --out runs/energy",
    ),
    "sweep": JobAbout(
        "sweep",
        "Run one job over a grid of parameters.",
        "CONFIG is a TOML file that names a job, parameters that are [fixed], and lists to [sweep] over. Finished "
        "points are kept: --resume continues.",
        "symdyn sweep sweep.toml --out runs/sweep",
    ),
    "sums": JobAbout(
        "accumulate",
        "Accumulate the sums over trajectories.",
        "Each job of an array takes its share of the chunks (--share K/N). `symdyn discover` with the same options, "
        "--out and --resume continues with the sums.",
        "symdyn sums orbits.nc --share 1/4 --out runs/orbits",
        page=False,
    ),
    "planets": JobAbout(
        "planets",
        "From an ephemeris to a symmetry, a law and a report.",
        "With --simulate the same job runs on simulated bodies, whose orbits point in all directions.",
        "symdyn planets --simulate 30 --noise 0.01 --out runs/bodies",
    ),
    "recovery": JobAbout(
        "recovery",
        "Measure how many samples promotion needs.",
        "Each row of a table is one random polynomial: the smallest number of noiseless samples from which the least "
        "nuclear norm of Lie derivatives recovers it. Finished rows are kept: --resume continues.",
        "symdyn recovery --m 5 --seeds 0-1 --out runs/recovery",
    ),
    "learning-curves": JobAbout(
        "learning_curves",
        "Measure what a symmetry is worth in samples.",
        "Functions are learned from n noisy samples with and without the group that leaves them invariant; the fitted "
        "slopes and offsets are compared with theory. Finished points are kept: --resume continues.",
        "symdyn learning-curves --family 'T2, C4' --first 7 --last 8 --seeds 1",
    ),
}
_LISTS = ("candidates", "elements", "laws", "systems", "datasets")


class _AllCommands(Commands):
    """Subcommands in the order of their use; those of jobs are built when they are asked for."""

    _first, _last = ("demo", "check"), ("show", "list")

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the help."""
        return [*self._first, *JOBS, *self._last]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a subcommand, or None."""
        if cmd_name in JOBS:
            return job_command(cmd_name, JOBS[cmd_name])
        return super().get_command(ctx, cmd_name)


@click.group(cls=_AllCommands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="symdyn-workbench", prog_name="symdyn")
@DEBUG
def command() -> None:
    """Find the symmetries of a dynamical system in its time series, and build models that keep them.

    Start with `symdyn demo`, or with `symdyn check DATA` for a file of your own.
    """


@command.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("symdyn-demo"), metavar="DIR", show_default=True,
              help="Run directory.")  # fmt: skip
@click.option("--resume", is_flag=True, help="Go on where the last run ended; nothing to do if it finished.")
@click.option("--force", is_flag=True, help="Replace the run that is in the folder, at success.")
@click.option("--quiet", is_flag=True, help="Log to the run directory only.")
@OPEN
@JSON
@DEBUG
def demo(out: Path, resume: bool, force: bool, quiet: bool, open_report: bool, as_json: bool) -> None:
    """Run the planets' example, on data that ship with symdyn.

    From an ephemeris to the symmetries of the motion, Newton's law and a report; half a minute.

    \b
    Example:
      symdyn demo --open
    """
    where = {"out": out, "resume": resume, "force": force, "quiet": quiet}
    run_job_of("planets", {"data": str(datasets.path("planets")), **where})
    tell_results(out, as_json=as_json, open_report=open_report)


@command.command()
@click.argument("data")
@click.option("--states", help="Names of the states, separated by commas (default: as the file says).")
@JSON
@DEBUG
def check(data: str, states: str | None, as_json: bool) -> None:
    """Say what a file of data holds, and what to do with it.

    Lists states with units and roles, runs, samples and gaps, or what is wrong with the file; suggests the next command
    and estimates its time and memory.

    \b
    Example:
      symdyn check orbits.csv
    """
    check_file(data)
    from symdyn.cli.check import examined, written

    with short_warnings():
        found = examined(data, states)
    if found["problem"] and not as_json:
        raise click.ClickException(found["problem"])
    _print(found, written(found), as_json)
    if found["problem"]:
        click.get_current_context().exit(1)


@command.command()
@click.argument("file")
@click.option("--open", "open_report", is_flag=True, help="Open the report of a run directory in a browser.")
@JSON
@DEBUG
def show(file: str, open_report: bool, as_json: bool) -> None:
    """Print any result of symdyn as text.

    FILE is a run directory, its results.nc, a saved algebra or law, or sums over trajectories.

    \b
    Example:
      symdyn show symdyn-demo
    """
    check_file(file)
    from symdyn.cli.show import read, written

    found = read(Path(file))
    _print(found, written(found), as_json)
    if open_report:
        open_page(file)


@command.command("list")
@click.argument("what", required=False, type=ChosenWord(_LISTS), metavar="[WHAT]")
@JSON
@DEBUG
def list_words(what: str | None, as_json: bool) -> None:
    """List the words that options take.

    WHAT is candidates, elements, laws, systems or datasets; all of them if left out.

    \b
    Example:
      symdyn list candidates
    """
    from symdyn.cli.listing import words, written

    found = words([what] if what else _LISTS)
    _print(found, written(found), as_json)


def _print(found: dict[str, Any], text: str, as_json: bool) -> None:
    click.echo(json.dumps(found, indent=2, ensure_ascii=False) if as_json else text)


def main() -> None:
    """Run the command."""
    command(prog_name="symdyn")
