"""One job in one run directory: resume, scheduler, errors a person can read."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from symdyn.runs.directory import RunDirectory
from symdyn.runs.scheduler import scheduler

__all__ = ["run_job"]


def run_job(args: argparse.Namespace, config: dict, job: Callable[[RunDirectory, argparse.Namespace], None]) -> None:
    """Run `job(run, args)` with the options of `add_options`; bad input ends the process with one line and code 1."""
    with RunDirectory(args.out, config, quiet=args.quiet) as run:
        if args.resume and run.finished:
            run.log.info("already finished with these options: %s", run.path / "report.html")
            return
        try:
            with scheduler(args.scheduler) as used:
                run.log.info("scheduler: %s", used)
                job(run, args)
        except (ValueError, FileNotFoundError) as error:
            # What is wrong with the input is in the message; where in our code it was noticed helps nobody.
            run.log.debug("stopped", exc_info=error)
            sys.exit(f"error: {error}")
        run.log.info("report: %s", run.path / "report.html")
