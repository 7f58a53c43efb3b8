"""The options that every job takes, and a job called with the options of a command line."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["RunOptions", "WrongOptions", "add_options", "run_command", "sums_key"]

_SUMS = ("kind", "states", "inputs", "law", "time_translation")


class WrongOptions(ValueError):
    """Refuse options that exclude one another: a command line answers with its usage.

    Examples
    --------
    >>> from symdyn.runs import RunOptions, WrongOptions
    >>> try:
    ...     RunOptions("planets", resume=True, force=True)
    ... except WrongOptions as error:
    ...     print(error)
    --resume and --force exclude one another: go on with the run, or replace it
    """


@dataclass(frozen=True)
class RunOptions:
    """Hold the options common to all jobs: where a job writes, and how it runs.

    Parameters
    ----------
    out : path
        The run directory.
    scheduler : str
        See `symdyn.runs.scheduler.scheduler`.
    resume : bool
        Continue where the last run ended; if it finished, there is nothing to do.
    force : bool
        Replace the run in `out` when the new one succeeds; without `force` or `resume` such a folder is refused.
    seed : int
        Seed of all random numbers.
    quiet : bool
        Log to the run directory only.

    Examples
    --------
    >>> from symdyn.runs import RunOptions
    >>> RunOptions("planets", scheduler="local", seed=3)
    RunOptions(out='planets', scheduler='local', resume=False, force=False, seed=3, quiet=False)
    """

    out: str | Path
    scheduler: str = "auto"
    resume: bool = False
    force: bool = False
    seed: int = 0
    quiet: bool = False

    def __post_init__(self) -> None:
        if self.resume and self.force:
            raise WrongOptions("--resume and --force exclude one another: go on with the run, or replace it")


def add_options(parser: argparse.ArgumentParser, out: str) -> argparse.ArgumentParser:
    """Add `--out`, `--scheduler`, `--resume`, `--force`, `--seed` and `--quiet`.

    Examples
    --------
    >>> import argparse
    >>> from symdyn.runs import add_options
    >>> parser = add_options(argparse.ArgumentParser(), out="planets")
    >>> args = parser.parse_args(["--seed", "3", "--resume"])
    >>> args.seed, args.resume, args.scheduler, args.out.name
    (3, True, 'auto', 'planets')
    """
    parser.add_argument("--out", type=Path, default=Path(out), metavar="DIR", help=f"run directory (default {out})")
    parser.add_argument(
        "--scheduler",
        default="auto",
        help="threads, local (processes on this machine), slurm (jobs in the queue), or the address tcp://... of a "
        "Dask scheduler; auto takes a running client, DASK_SCHEDULER_ADDRESS or Dask's configuration, else threads",
    )
    again = parser.add_mutually_exclusive_group()
    again.add_argument(
        "--resume", action="store_true", help="go on where the last run ended; nothing to do if it finished"
    )
    again.add_argument("--force", action="store_true", help="replace the run that is in the folder, at success")
    parser.add_argument("--seed", type=int, default=0, help="seed of everything random (default 0)")
    parser.add_argument("--quiet", action="store_true", help="log to the run directory only")
    return parser


def run_command(parser: argparse.ArgumentParser, job: Callable[..., None]) -> None:
    """Call a job with the options of the command line as keywords.

    What it refuses before it has a run directory ends the process with one line and code 1, as `run_job` does after;
    options that exclude one another end it with the usage and code 2.

    Examples
    --------
    >>> import argparse
    >>> from unittest.mock import patch
    >>> from symdyn.runs import run_command
    >>> parser = argparse.ArgumentParser()
    >>> _ = parser.add_argument("--power", type=int)
    >>> with patch("sys.argv", ["job.py", "--power", "3"]):  # what the shell says
    ...     run_command(parser, lambda power: print(2**power))
    8
    """
    try:
        job(**vars(parser.parse_args()))
    except WrongOptions as error:
        parser.error(str(error))
    except (ValueError, OSError, ImportError) as error:
        parser.exit(1, f"error: {error}\n")


def sums_key(options: dict) -> dict:
    """Select, from all options of a discovery, those that sums over trajectories depend on.

    The jobs that accumulate shares and the job that uses the sums get the same key, so that the latter finds them.

    Examples
    --------
    >>> from symdyn.runs import sums_key
    >>> sums_key({"law": "polynomial:3", "kind": "flow", "inputs": None, "delta": 0.1})
    {'kind': 'flow', 'law': 'polynomial:3'}
    """
    return {name: options[name] for name in _SUMS if options.get(name) is not None}
