"""One job per run directory: a second one is refused, the lock of a dead one is taken over."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import platform
import threading
from pathlib import Path

__all__ = ["DirectoryLock"]

_BEAT = 30.0  # seconds between signs of life
_DEAD = 10 * _BEAT


class DirectoryLock:
    """A file `run.lock` with process and host, held as long as the process lives.

    The kernel lets go of the lock (`flock`) of a process that dies, on one machine and on most shared file systems.
    Where another machine holds it, the file also shows signs of life: its time of change, renewed twice a minute.

    Parameters
    ----------
    folder : path
    log : logging.Logger
    """

    def __init__(self, folder, log: logging.Logger):
        self.path, self._log = Path(folder) / "run.lock", log
        self._handle: int | None = None
        self._ended = threading.Event()

    def acquire(self) -> None:
        """Take the lock.

        Raises
        ------
        ValueError
            If another job works in this directory; the message names its process and host.
        """
        self._handle = self._opened()
        left = _content(self._handle)
        if left and left["host"] != platform.node() and self._age() < _DEAD:
            os.close(self._handle)
            self._handle = None
            raise self._refusal(left)
        if left:
            self._log.info("taken over from process %s on %s, which is gone", left["pid"], left["host"])
        os.ftruncate(self._handle, 0)
        os.pwrite(self._handle, json.dumps({"pid": os.getpid(), "host": platform.node()}).encode(), 0)
        self._ended.clear()
        threading.Thread(target=self._beat, daemon=True).start()

    def release(self) -> None:
        """Release the lock, and remove the file."""
        if self._handle is None:
            return
        self._ended.set()
        self.path.unlink(missing_ok=True)
        os.close(self._handle)
        self._handle = None

    def _opened(self) -> int:
        while True:
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                holder = _content(handle) or {"pid": "unknown", "host": "unknown"}
                os.close(handle)
                raise self._refusal(holder) from error
            # The holder before removed the file between our opening and locking it: then ours is no longer the lock.
            if self.path.exists() and os.fstat(handle).st_ino == self.path.stat().st_ino:
                return handle
            os.close(handle)

    def _refusal(self, holder: dict[str, int | str]) -> ValueError:
        return ValueError(
            f"another job works in {self.path.parent} (process {holder['pid']} on {holder['host']}): wait for it, stop "
            f"it, or choose another --out; if it is gone, remove {self.path.name}"
        )

    def _age(self) -> float:
        """Return the seconds since the last sign of life, by the clock of the file system, not of this machine."""
        probe = self.path.with_name(f".run.lock.{os.getpid()}")
        try:
            probe.touch()
            return probe.stat().st_mtime - self.path.stat().st_mtime
        finally:
            probe.unlink(missing_ok=True)

    def _beat(self) -> None:
        while not self._ended.wait(_BEAT):
            try:
                os.utime(self.path)
            except OSError:  # the directory was removed, or cannot be written for now
                continue


def _content(handle: int) -> dict[str, int | str] | None:
    try:
        content = json.loads(os.pread(handle, 4096, 0))
        return content if {"pid", "host"} <= set(content) else None
    except ValueError:  # empty, or written half by a process that died
        return None
