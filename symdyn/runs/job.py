"""One job in one run directory: resume, scheduler, errors a person can read, Ctrl-C."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from types import FrameType
from typing import Any, NoReturn

from symdyn.runs.directory import RunDirectory
from symdyn.runs.options import RunOptions
from symdyn.runs.scheduler import check_scheduler, dashboard, scheduler

__all__ = ["run_job"]

_Options = RunOptions | argparse.Namespace


def run_job(
    args: _Options, config: dict, job: Callable[[RunDirectory, Any], None], prepare: Callable[[], Any] = lambda: None
) -> None:
    """Run `job(run, prepare())` with `RunOptions`, or the options of `add_options`.

    `prepare` opens the data and reads the words; what it refuses leaves the run directory untouched. What the job
    writes is moved into place when it has returned. Bad input ends the process with one line and code 1, Ctrl-C with
    code 130 and termination (as by a batch system at the end of its time) with code 143; finished parts are kept, and
    the last line says how to go on. Warnings are counted by kind and told at the end.

    Parameters
    ----------
    args : RunOptions or argparse.Namespace
    config : dict
        Everything that the results depend on; written to `config.toml`.
    job : callable (run, prepared)
        Writes into `run.path`, the `RunDirectory` being `run`.
    prepare : callable () -> prepared, optional

    Raises
    ------
    SystemExit
        With the codes above.

    Examples
    --------
    >>> from pathlib import Path
    >>> from symdyn.runs import RunOptions, run_job
    >>> def cube(run, points):
    ...     (run.path / "cubes.txt").write_text(str([point**3 for point in points]))
    >>> options, config = RunOptions("three", quiet=True), {"power": 3}
    >>> run_job(options, config, cube, prepare=lambda: [1, 2, 3])
    >>> Path("three/cubes.txt").read_text()
    '[1, 8, 27]'
    >>> run_job(options, config, cube, prepare=lambda: [4])
    Traceback (most recent call last):
        ...
    SystemExit: error: three holds a finished run: --resume goes on with it, ...
    """
    run = RunDirectory(args.out, config, quiet=args.quiet, resume=args.resume, force=args.force)
    with _terminable():
        try:
            if args.resume and run.finished:
                run.tell("already finished with these options: %s", run.folder / "report.html")
                return
            _work(run, args, job, prepare)
        except KeyboardInterrupt as error:
            sys.exit(143 if isinstance(error, _Terminated) else 130)
        except (ValueError, OSError, ImportError) as error:
            # What is wrong with the input is in the message; where in our code it was noticed helps nobody.
            sys.exit(f"error: {_one_line(error)}")


def _work(
    run: RunDirectory, args: _Options, job: Callable[[RunDirectory, Any], None], prepare: Callable[[], Any]
) -> None:
    run.refuse_unasked()
    check_scheduler(args.scheduler)
    began = time.perf_counter(), time.process_time()
    with run.warnings.collecting():
        prepared = prepare()
    took = time.perf_counter() - began[0], time.process_time() - began[1]
    with run:
        if prepared is not None:
            run.note_stage("open and check the data", *took)
        try:
            with run.warnings.collecting(partial(run.log.debug, "warning: %s")):
                _run(run, args, job, prepared)
        finally:
            run.tell_warnings()


def _run(run: RunDirectory, args: _Options, job: Callable[[RunDirectory, Any], None], prepared: Any) -> None:
    try:
        with scheduler(args.scheduler, log=run.log, folder=run.folder / "workers") as used:
            run.log.info("scheduler: %s", used)
            if dashboard() is not None:
                run.log.info("dashboard: %s", dashboard())
            job(run, prepared)
    except KeyboardInterrupt as error:
        run.log.info(
            "interrupted; what is finished is kept in %s: go on with the same command and --resume", run.folder
        )
        raise SystemExit(143 if isinstance(error, _Terminated) else 130) from None
    except (ValueError, OSError, ImportError):
        run.log.debug("stopped", exc_info=True)
        raise


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
