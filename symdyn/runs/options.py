"""The options that every workflow takes."""

from __future__ import annotations

import argparse
from pathlib import Path

__all__ = ["add_options", "sums_key"]

_SUMS = ("kind", "states", "inputs", "law", "time_translation")


def add_options(parser: argparse.ArgumentParser, out: str) -> argparse.ArgumentParser:
    """Add `--out`, `--scheduler`, `--resume`, `--seed` and `--quiet`."""
    parser.add_argument("--out", type=Path, default=Path(out), metavar="DIR", help=f"run directory (default {out})")
    parser.add_argument(
        "--scheduler",
        default="auto",
        help="threads, local (processes on this machine), slurm (jobs in the queue), or the address tcp://... of a "
        "Dask scheduler; auto takes a running client, DASK_SCHEDULER_ADDRESS or Dask's configuration, else threads",
    )
    parser.add_argument(
        "--resume", action="store_true", help="go on where the last run ended; nothing to do if it finished"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of everything random (default 0)")
    parser.add_argument("--quiet", action="store_true", help="log to the run directory only")
    return parser


def sums_key(options: dict) -> dict:
    """Select the options that sums over trajectories depend on, out of all options of a discovery.

    The same for the jobs that accumulate shares and for the one that goes on with the sums, so that it finds them.
    """
    return {name: options[name] for name in _SUMS if options.get(name) is not None}
