"""Results written aside and moved into place when all of them are there, so that a folder never mixes two runs.

    folder/unfinished/   the run at work, and what is left of one that stopped: its config.toml and run.log
    folder/.finished/    all files of a run on their way into the folder
    folder/.run.json     the files that the run in the folder has

A run is finished by one renaming, of `unfinished` to `.finished`. What comes after can be done again: a process that
is killed between two files leaves the rest to whoever opens the folder next.
"""

from __future__ import annotations

import json
import os
import shutil
from errno import EACCES
from pathlib import Path

__all__ = ["begin", "finish", "held", "made", "settle"]

_ASIDE, _READY, _LIST, _CLEARED = "unfinished", ".finished", ".run.json", ".cleared"
# What a run leaves that has no list, such as one of 0.1.0; also what would be overwritten in a folder of other things.
_USUAL = ("report.html", "results.nc", "law.nc", "config.toml", "run.log", "figures")
_PARTS = ("moments.nc", "partial", "points", "models")  # finished parts of a run, which --resume finds


def held(folder: Path) -> str | None:
    """Say what of a run a folder holds, None if it holds nothing that another run would replace."""
    if (folder / _READY).is_dir() or (folder / _LIST).exists():
        return "a finished run"
    found = next((name for name in _USUAL if (folder / name).exists()), None)
    if found is not None:
        return f"a run ({found})"
    part = next((name for name in _PARTS if _filled(folder / name)), None)
    return None if part is None else f"parts of a run that did not finish ({part})"


def made(folder: Path) -> None:
    """Make a folder, unless it exists.

    Raises
    ------
    OSError
        If it cannot be made or written to; the message says what to do.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(EACCES, os.strerror(EACCES))
    except OSError as error:
        cure = f"{folder} cannot be written to ({error.strerror}): choose another folder with --out"
        raise OSError(error.errno, cure) from error


def begin(folder: Path, *, keep_log: bool) -> Path:
    """Make the empty folder that a run works in; `keep_log` keeps the log of the run before, to be added to."""
    settle(folder)
    aside = folder / _ASIDE
    before = next((path for path in (aside / "run.log", folder / "run.log") if path.exists()), None)
    log = before.read_bytes() if keep_log and before is not None else b""
    shutil.rmtree(aside, ignore_errors=True)
    (aside / "figures").mkdir(parents=True)
    if log:
        (aside / "run.log").write_bytes(log)
    return aside


def finish(folder: Path) -> None:
    """Put the files of the run that worked in the folder in the place of those of the run before."""
    aside = folder / _ASIDE
    files = sorted(path.relative_to(aside).as_posix() for path in aside.rglob("*") if path.is_file())
    (aside / _LIST).write_text(json.dumps({"files": files}))
    os.replace(aside, folder / _READY)
    settle(folder)


def settle(folder: Path) -> None:
    """Finish what `finish` began, if a process was killed in the middle of it."""
    ready = folder / _READY
    if not (ready / _LIST).exists():
        return
    if not (ready / _CLEARED).exists():
        for name in _files_of(folder):
            (folder / name).unlink(missing_ok=True)
        (ready / _CLEARED).touch()
    for name in json.loads((ready / _LIST).read_text())["files"]:
        if (ready / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            os.replace(ready / name, folder / name)
    os.replace(ready / _LIST, folder / _LIST)
    shutil.rmtree(ready)


def _filled(path: Path) -> bool:
    return path.is_file() or (path.is_dir() and any(path.iterdir()))


def _files_of(folder: Path) -> list[str]:
    """List the files of the run that a folder holds."""
    if (folder / _LIST).exists():
        return json.loads((folder / _LIST).read_text())["files"]
    pictures = [path.relative_to(folder).as_posix() for path in (folder / "figures").glob("*.png")]
    return [*(name for name in _USUAL if (folder / name).is_file()), *pictures]
