"""A run directory: configuration, log, results, figures, report, and where every number comes from."""

from __future__ import annotations

import hashlib
import json
import logging
import platform
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from logging.handlers import MemoryHandler
from pathlib import Path

import xarray as xr

from symdyn.runs.lock import DirectoryLock
from symdyn.runs.progress import Progress

__all__ = ["RunDirectory", "checksum"]

_PACKAGES = ("symdyn-workbench", "numpy", "scipy", "xarray", "dask", "pysindy", "scikit-learn", "torch")
_BYTES = 1 << 26  # read at a time
_INTERRUPTED = (130, 143)  # exit codes of a job that was told to stop, which is no error of its own


class RunDirectory:
    """The files of one run.

    Parameters
    ----------
    path : path
        Made if it is not there.
    config : dict
        Everything the run depends on: str, int, float, bool values; written to `config.toml`.
    quiet : bool
        Log to `run.log` only.
    resume : bool
        Add to `run.log` rather than begin it anew.

    Raises
    ------
    ValueError
        On entering, if another job works in the directory.
    """

    def __init__(self, path, config: dict, *, quiet: bool = False, resume: bool = False):
        self.path = Path(path)
        self.config = {key: value for key, value in config.items() if value is not None}
        self.stages: dict[str, float] = {}
        self.figures = self.path / "figures"
        self._quiet, self._mode = quiet, "a" if resume else "w"
        self.log = logging.getLogger(f"symdyn.run.{self.path.resolve()}")
        self._lock = DirectoryLock(self.path, self.log)

    def __enter__(self) -> RunDirectory:
        self.figures.mkdir(parents=True, exist_ok=True)
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
        (self.path / "config.toml").write_text(self._toml())
        self._start_log()
        for record in early.buffer:
            self.log.handle(record)
        return self

    def __exit__(self, kind, error, trace) -> None:
        if error is not None and not (isinstance(error, SystemExit) and error.code in (0, None, *_INTERRUPTED)):
            for to_screen in self._handlers[1:]:  # there the error is printed by who started the job
                self.log.removeHandler(to_screen)
            self.log.error("stopped: %s: %s", kind.__name__, error)
        for handler in self._handlers:
            self.log.removeHandler(handler)
            handler.close()
        self._lock.release()

    def progress(self, name: str) -> Progress:
        """Return a display of progress: a bar on a terminal, a line a minute elsewhere, nothing in a quiet run.

        Call it with (done, total).
        """
        return Progress(name, self.log, quiet=self._quiet)

    def _start_log(self) -> None:
        to_file = logging.FileHandler(self.path / "run.log", mode=self._mode)
        self._handlers.append(to_file)
        if not self._quiet:
            to_screen = logging.StreamHandler()
            to_screen.setLevel(logging.INFO)
            self._handlers.append(to_screen)
        for handler in self._handlers:
            handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
            self.log.addHandler(handler)

    @property
    def finished(self) -> bool:
        """Whether the directory holds the results of a finished run with this configuration and these versions."""
        results = self.path / "results.nc"
        if not (results.exists() and (self.path / "report.html").exists()):
            return False
        with xr.open_datatree(results, engine="h5netcdf") as tree:
            return tree["provenance"].attrs.get("key") == self.key

    @property
    def key(self) -> str:
        """A hash of the configuration and of the version of symdyn."""
        content = json.dumps([self.config, _version("symdyn-workbench")], sort_keys=True, default=str)
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a part of the run (wall and CPU seconds of this process), and log it."""
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        self.stages[name] = wall
        self.log.info("%s: %.1f s (CPU %.1f s)", name, wall, cpu)

    def provenance(self, data_checksum: str) -> xr.Dataset:
        """Describe where the results come from, in a Dataset with the times of the stages."""
        attrs = {
            "config": json.dumps(self.config, sort_keys=True, default=str),
            "key": self.key,
            "data_sha256": data_checksum,
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            "python": platform.python_version(),
            "peak_memory_MB": round(_peak_memory() / 2**20, 1),
            **{name.replace("-", "_"): _version(name) for name in _PACKAGES},
        }
        stages = list(self.stages)
        return xr.Dataset(
            {"seconds": ("stage", [self.stages[name] for name in stages], {"units": "s"})},
            coords={"stage": stages},
            attrs=attrs,
        )

    def _toml(self) -> str:
        return "".join(f"{key} = {_toml_value(value)}\n" for key, value in self.config.items())


def checksum(dataset: xr.Dataset) -> str:
    """Compute the SHA-256 of the values of all variables, the same for the same data in any file.

    The data are read some MB at a time.
    """
    digest = hashlib.sha256()
    for name in sorted(map(str, dataset.data_vars)):
        digest.update(name.encode())
        for part in _parts(dataset[name]):
            values = part.values
            # Objects are known by what they say: where they lie in memory changes from run to run.
            digest.update((values.astype(str) if values.dtype.hasobject else values).tobytes())
    return digest.hexdigest()


def _parts(variable: xr.DataArray) -> list[xr.DataArray]:
    """Cut a variable along its first dim into pieces of some MB."""
    if not variable.ndim or not variable.size:
        return [variable]
    rows = max(_BYTES * len(variable) // variable.nbytes, 1)
    return [variable[start : start + rows] for start in range(0, len(variable), rows)]


def _peak_memory() -> int:
    """Return the peak memory in bytes.

    On Linux from the process itself: `getrusage` also counts the process that started it.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next((line for line in status.read_text().splitlines() if line.startswith("VmHWM")), None)
        if line is not None:
            return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if platform.system() == "Darwin" else peak * 1024


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _toml_value(value: str | int | float | list | tuple | Path) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value) if isinstance(value, str | int | float | list) else json.dumps(str(value))
