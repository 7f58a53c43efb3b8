"""A run directory: configuration, log, results, figures, report."""

from __future__ import annotations

import hashlib
import json
import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from logging.handlers import MemoryHandler
from pathlib import Path

import xarray as xr

from symdyn.runs.collected_warnings import CollectedWarnings
from symdyn.runs.lock import DirectoryLock
from symdyn.runs.progress import FORMAT, Progress, screen
from symdyn.runs.publish import circumstances, version_of
from symdyn.runs.staging import begin, finish, held, made

__all__ = ["RunDirectory"]

_INTERRUPTED = (130, 143)  # exit codes of a job that was told to stop, which is no error of its own


class RunDirectory:
    """Write the files of one run to a temporary folder, and move them into place when the run succeeds.

    Parameters
    ----------
    path : path
        Created if it does not exist. Finished parts of a run are kept in it under their own names.
    config : dict
        Everything the run depends on: str, int, float, bool values; written to `config.toml`.
    quiet : bool
        Log to `run.log` only.
    resume : bool
        Resume the run in the directory, and append to its log.
    force : bool
        Replace the run in the directory when the new one succeeds.

    Attributes
    ----------
    folder : Path
        The directory.
    path, figures : Path
        Where results and figures are written during the run; defined inside the `with` block.
    warnings : CollectedWarnings

    Raises
    ------
    ValueError, OSError
        On entering, if the directory holds a run and neither `resume` nor `force` is given, if another job works in
        it, or if it cannot be written.

    Examples
    --------
    >>> from symdyn.runs import RunDirectory
    >>> with RunDirectory("cubes", {"power": 3}, quiet=True) as run:
    ...     _ = (run.path / "eight.txt").write_text("8")  # moved at success
    >>> sorted(path.name for path in run.folder.glob("[a-z]*.*"))
    ['config.toml', 'eight.txt', 'run.log']
    >>> print((run.folder / "config.toml").read_text().strip())
    power = 3
    """

    path: Path
    figures: Path

    def __init__(self, path, config: dict, *, quiet: bool = False, resume: bool = False, force: bool = False):
        self.folder = Path(path)
        self.config = {key: value for key, value in config.items() if value is not None}
        self.stages: dict[str, float] = {}
        self.warnings = CollectedWarnings()
        self._quiet, self._resume, self._force = quiet, resume, force
        self.log = logging.getLogger(f"symdyn.run.{self.folder.resolve()}")
        self._lock = DirectoryLock(self.folder, self.log)

    def __enter__(self) -> RunDirectory:
        self.refuse_unasked()
        made(self.folder)
        self._handlers: list[logging.Handler] = []
        # Held back until the lock is ours: the log of the job that has it must stay as it is.
        early = MemoryHandler(1000)
        self.log.setLevel(logging.DEBUG)
        self.log.propagate = False
        self.log.addHandler(early)
        try:
            self._lock.acquire()
        finally:
            self.log.removeHandler(early)
        try:
            self._refuse_held()  # by now another job may have finished
            self._begin()
        except BaseException:
            self._lock.release()
            raise
        for record in early.buffer:
            self.log.handle(record)
        return self

    def __exit__(self, kind, error, trace) -> None:
        try:
            if error is None:
                finish(self.folder)
                self._tell_report()
            elif not (isinstance(error, SystemExit) and error.code in (0, None, *_INTERRUPTED)):
                for to_screen in self._handlers[1:]:  # there the error is printed by who started the job
                    self.log.removeHandler(to_screen)
                self.log.error("stopped: %s: %s", kind.__name__, error)
        finally:
            for handler in self._handlers:
                self.log.removeHandler(handler)
                handler.close()
            self._lock.release()

    def refuse_unasked(self) -> None:
        """Refuse a directory that holds a run, unless it is to be resumed or replaced; nothing is touched.

        Raises
        ------
        ValueError
            In one line that names the available options.
        """
        if self.folder.exists() and not self.folder.is_dir():
            raise ValueError(f"{self.folder} is a file: --out names a folder")
        if not self._lock.path.exists():  # else that of a job at work is the news
            self._refuse_held()

    def _refuse_held(self) -> None:
        found = held(self.folder)
        if found and not (self._resume or self._force):
            raise ValueError(
                f"{self.folder} holds {found}: --resume goes on with it, --force replaces it at success, "
                "--out names another folder"
            )

    def _begin(self) -> None:
        self.path = begin(self.folder, keep_log=self._resume)
        self.figures = self.path / "figures"
        (self.path / "config.toml").write_text(self._toml())
        self._start_log()

    def _tell_report(self) -> None:
        if (self.folder / "report.html").exists():
            self.log.info("report: %s", self.folder / "report.html")

    def tell(self, text: str, *values: object) -> None:
        """Print a message outside the run, unless the run is quiet."""
        if not self._quiet:
            screen().handle(self.log.makeRecord(self.log.name, logging.INFO, "", 0, text, values, None))

    def tell_warnings(self) -> None:
        """Log one line per kind of warning: in full in the file, shortened on the screen."""
        full = self.warnings.lines(longest=sys.maxsize)
        for line, short in zip(full, self.warnings.lines(), strict=True):
            self.log.info("%s", line, extra={"on_screen": short})

    def progress(self, name: str) -> Progress:
        """Return a display of progress: a bar on a terminal, one line per minute elsewhere, nothing in a quiet run.

        Call it with (done, total).
        """
        return Progress(name, self.log, quiet=self._quiet)

    def _start_log(self) -> None:
        to_file = logging.FileHandler(self.path / "run.log", mode="a")
        to_file.setFormatter(logging.Formatter(*FORMAT))
        self._handlers.append(to_file)
        if not self._quiet:
            self._handlers.append(screen())
        for handler in self._handlers:
            self.log.addHandler(handler)

    @property
    def finished(self) -> bool:
        """Whether the directory holds the results of a finished run with this configuration and these versions."""
        results = self.folder / "results.nc"
        if not (results.exists() and (self.folder / "report.html").exists()):
            return False
        try:
            with xr.open_dataset(results, engine="h5netcdf", group="provenance") as provenance:
                return provenance.attrs.get("key") == self.key
        except OSError:  # damaged, or of something else
            return False

    @property
    def key(self) -> str:
        """A hash of the configuration and of the version of symdyn."""
        content = json.dumps([self.config, version_of("symdyn-workbench")], sort_keys=True, default=str)
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a part of the run (wall and CPU seconds of this process), and log it."""
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        self.note_stage(name, time.perf_counter() - wall, time.process_time() - cpu)

    def note_stage(self, name: str, wall: float, cpu: float) -> None:
        """Keep and log the seconds of a part of the run."""
        self.stages[name] = wall
        self.log.info("%s: %.1f s (CPU %.1f s)", name, wall, cpu)

    def provenance(self, data_checksum: str) -> xr.Dataset:
        """Describe where the results come from, in a Dataset with the times of the stages."""
        attrs = {"config": json.dumps(self.config, sort_keys=True, default=str), "key": self.key}
        attrs |= {"data_sha256": data_checksum, **circumstances()}
        stages = list(self.stages)
        return xr.Dataset(
            {"seconds": ("stage", [self.stages[name] for name in stages], {"units": "s"})},
            coords={"stage": stages},
            attrs=attrs,
        )

    def _toml(self) -> str:
        return "".join(f"{key} = {_toml_value(value)}\n" for key, value in self.config.items())


def _toml_value(value: str | int | float | list | tuple | Path) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value) if isinstance(value, str | int | float | list) else json.dumps(str(value))
