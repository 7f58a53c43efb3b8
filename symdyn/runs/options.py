"""The options that every workflow takes."""

from __future__ import annotations

import argparse
from pathlib import Path

__all__ = ["add_options"]


def add_options(parser: argparse.ArgumentParser, out: str) -> argparse.ArgumentParser:
    """Add `--out`, `--scheduler`, `--resume`, `--seed` and `--quiet`."""
    parser.add_argument("--out", type=Path, default=Path(out), metavar="DIR", help=f"run directory (default {out})")
    parser.add_argument(
        "--scheduler",
        default="auto",
        help="threads, local (processes on this machine), or the address tcp://... of a Dask scheduler; "
        "auto takes a running client or DASK_SCHEDULER_ADDRESS, else threads",
    )
    parser.add_argument("--resume", action="store_true", help="do nothing if this run has finished with these options")
    parser.add_argument("--seed", type=int, default=0, help="seed of everything random (default 0)")
    parser.add_argument("--quiet", action="store_true", help="log to the run directory only")
    return parser
