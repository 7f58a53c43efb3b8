"""One job in one run directory: resume, scheduler, errors a person can read, Ctrl-C."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

from symdyn.runs.directory import RunDirectory
from symdyn.runs.options import RunOptions
from symdyn.runs.scheduler import dashboard, scheduler

__all__ = ["run_job"]

_Options = RunOptions | argparse.Namespace


def run_job(args: _Options, config: dict, job: Callable[[RunDirectory, Any], None]) -> None:
    """Run `job(run, args)` with `RunOptions`, or the options of `add_options`.

    Bad input ends the process with one line and code 1, Ctrl-C with code 130 and termination (as by a batch system at
    the end of its time) with code 143; what is finished is kept, and the last line says how to go on.
    """
    with _terminable():
        try:
            with RunDirectory(args.out, config, quiet=args.quiet, resume=args.resume) as run:
                _run(run, args, job)
        except (ValueError, OSError, ImportError) as error:
            # What is wrong with the input is in the message; where in our code it was noticed helps nobody.
            sys.exit(f"error: {_one_line(error)}")


def _run(run: RunDirectory, args: _Options, job: Callable[[RunDirectory, Any], None]) -> None:
    if args.resume and run.finished:
        run.log.info("already finished with these options: %s", run.path / "report.html")
        return
    try:
        with scheduler(args.scheduler) as used:
            run.log.info("scheduler: %s", used)
            if dashboard() is not None:
                run.log.info("dashboard: %s", dashboard())
            job(run, args)
    except KeyboardInterrupt as error:
        run.log.info("interrupted; what is finished is kept in %s: go on with the same command and --resume", run.path)
        raise SystemExit(143 if isinstance(error, _Terminated) else 130) from None
    except (ValueError, OSError, ImportError):
        run.log.debug("stopped", exc_info=True)
        raise
    if (run.path / "report.html").exists():
        run.log.info("report: %s", run.path / "report.html")


def _one_line(error: ValueError | OSError | ImportError) -> str | Exception:
    return error.strerror if isinstance(error, OSError) and error.strerror and error.filename is None else error


class _Terminated(KeyboardInterrupt):
    pass


@contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM end the job as Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_: int | FrameType | None) -> NoReturn:
        raise _Terminated

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
