"""What a run tells: lines of its log; how far it is, by a bar on a terminal, or a line a minute in batch logs."""

from __future__ import annotations

import logging
import sys
import time

__all__ = ["FORMAT", "Progress", "screen"]

FORMAT = ("%(asctime)s %(message)s", "%H:%M:%S")  # of a line of the log, and of its time

_WIDTH = 24
_BETWEEN_BARS = 0.1  # seconds
_BETWEEN_LINES = 60.0


class Progress:
    """Report the progress of a run when called with the number of finished pieces and the total number.

    Parameters
    ----------
    name : str
        Name of the task.
    log : logging.Logger
        Receives the lines of batch runs.
    quiet : bool
    stream : text stream, optional
        Where a bar is drawn if it is a terminal; by default standard error.
    clock : callable, optional
        Seconds.

    Examples
    --------
    >>> import io
    >>> import logging
    >>> import sys
    >>> from symdyn.runs import Progress
    >>> log = logging.Logger("batch")
    >>> log.addHandler(logging.StreamHandler(sys.stdout))
    >>> seconds = iter([0, 60, 120])  # of a clock
    >>> progress = Progress("sums", log, stream=io.StringIO(), clock=lambda: next(seconds))
    >>> for done in (10, 20, 30):
    ...     progress(done, 100)
    sums: 20 of 100, 10 a minute, 8:00 left
    sums: 30 of 100, 10 a minute, 7:00 left
    """

    def __init__(self, name: str, log: logging.Logger, *, quiet: bool = False, stream=None, clock=time.monotonic):
        self._name, self._log, self._quiet, self._clock = name, log, quiet, clock
        self._stream = sys.stderr if stream is None else stream
        self._terminal = bool(getattr(self._stream, "isatty", lambda: False)())
        self._start: tuple[float, int] | None = None
        self._told = -float("inf")

    def __call__(self, done: int, total: int) -> None:
        """Report progress, if it is time to."""
        if self._quiet:
            return
        now = self._clock()
        if self._start is None:
            # What an earlier run has done says nothing of the rate of this one.
            self._start = (now, done)
            self._told = now if not self._terminal else self._told
        finished = done >= total
        if self._terminal:
            if finished or now - self._told >= _BETWEEN_BARS:
                self._told = now
                self._stream.write(f"\r{self._bar(done, total)} {self._text(now, done, total)}\x1b[K")
                self._stream.write("\n" if finished else "")
                self._stream.flush()
        elif now - self._told >= _BETWEEN_LINES:
            self._told = now
            self._log.info("%s: %s", self._name, self._text(now, done, total))

    def _bar(self, done: int, total: int) -> str:
        filled = _WIDTH * done // max(total, 1)
        return f"{self._name} [{'#' * filled}{'.' * (_WIDTH - filled)}]"

    def _text(self, now: float, done: int, total: int) -> str:
        began, before = self._start or (now, done)
        rate = (done - before) / max(now - began, 1e-9)
        if done == before:
            return f"{done} of {total}"
        left = "" if done >= total else f", {_clock_time((total - done) / rate)} left"
        return f"{done} of {total}, {_rate(rate)}{left}"


def _rate(rate: float) -> str:
    return f"{rate:.3g} a second" if rate >= 1 else f"{60 * rate:.3g} a minute"


def _clock_time(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


def screen() -> logging.Handler:
    """Make the handler that writes the log of a run to standard error."""
    handler = logging.StreamHandler()
    handler.setLevel(logging.INFO)
    handler.setFormatter(_ScreenFormatter(*FORMAT))
    return handler


class _ScreenFormatter(logging.Formatter):
    """Writes what a record says for the screen, where that is something else."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        """Return the line."""
        record.message = getattr(record, "on_screen", record.message)
        return super().formatMessage(record)
