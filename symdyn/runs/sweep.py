"""One job at every point of a grid of parameters, each finished point kept: results as one Dataset.

folder/points/<hash>.json
"""

from __future__ import annotations

import inspect
import json
import logging
from collections.abc import Callable, Collection
from itertools import product
from pathlib import Path

import numpy as np
import xarray as xr
from dask.delayed import delayed

from symdyn.data.tasks import as_finished, one_blas_thread
from symdyn.sums.fingerprint import fingerprint
from symdyn.sums.store import write_whole

__all__ = ["check_finished", "grid", "n_failed", "sweep"]

# Whose code a point depends on.
_PACKAGES = (
    "functions", "lie", "jets", "data", "rows", "sums", "systems", "laws", "evidence", "discovery", "regression",
    "promotion", "invariant", "neural", "runs",
)  # fmt: skip


def grid(swept: dict[str, list]) -> list[dict]:
    """List all combinations, the last parameter running fastest.

    Raises
    ------
    ValueError
        For parameters without values, or with values given twice.
    """
    for name, values in swept.items():
        if not isinstance(values, list) or not values:
            raise ValueError(f"{name} must be a list of values to sweep, got {values!r}")
        if len(set(map(str, values))) < len(values):
            raise ValueError(f"{name} holds a value twice: {values}")
    return [dict(zip(swept, values, strict=True)) for values in product(*swept.values())]


def sweep(
    job: Callable[..., dict],
    fixed: dict,
    swept: dict[str, list],
    folder,
    *,
    log: logging.Logger | None = None,
    progress: Callable[[int, int], object] | None = None,
    reuse: bool = True,
    incidental: Collection[str] = (),
) -> xr.Dataset:
    """Run a job at all points of a grid, on whatever Dask scheduler is in use.

    Parameters
    ----------
    job : callable
        Returns a dict of numbers and strings. With a cluster, its workers must be able to import it.
    fixed : dict
        Parameters that stay fixed.
    swept : dict of list
        Values of the parameters that vary; their names become the dims.
    folder : path
        The run directory. Points found under it, made by the same code with the same parameters, are not run again,
        whatever else is swept now, and whichever of their parameters are fixed.
    log, progress, reuse
        As in `symdyn.sums.checkpoint.accumulate_resumable`.
    incidental : collection of str
        Parameters on which results do not depend, such as where a file lies whose content is another parameter.

    Returns
    -------
    xr.Dataset
        One variable per result. Points whose job failed are NaN (empty for strings) and give the reason in `error`;
        they are not kept, so that a later call tries them again.
    """
    log = log or logging.getLogger(__name__)
    points = grid(swept)
    known = {name: value for name, value in fixed.items() if name not in incidental}
    paths = [Path(folder) / "points" / f"{_fingerprint(job, {**known, **point})}.json" for point in points]
    done = {k: json.loads(path.read_text()) for k, path in enumerate(paths) if reuse and path.exists()}
    if done:
        log.info("resume: %d of %d points were finished before, skipped", len(done), len(points))
        for k in done:
            log.debug("skipped %s, found %s", points[k], paths[k].name)
    (Path(folder) / "points").mkdir(parents=True, exist_ok=True)
    work = {k: delayed(_point)(job, {**fixed, **points[k]}) for k in range(len(points)) if k not in done}
    tell = progress or (lambda done, total: None)
    tell(len(done), len(points))
    for k, result in as_finished(work):
        if isinstance(result, Exception):
            log.warning("%s: %s", points[k], result)
            result = {"error": f"{type(result).__name__}: {result}"}
        else:
            write_whole(json.dumps(result).encode(), paths[k])
        done[k] = result
        tell(len(done), len(points))
    return _dataset(swept, [done[k] for k in range(len(points))])


def n_failed(results: xr.Dataset) -> int:
    """Count the points of a sweep whose job failed."""
    return int((results.error != "").sum()) if "error" in results else 0


def check_finished(*results: xr.Dataset, log: Path) -> None:
    """Refuse sweeps in which points failed.

    Raises
    ------
    ValueError
        With the number of points, and the name of the file that gives the reasons.
    """
    failed = sum(map(n_failed, results))
    if failed:
        raise ValueError(f"{failed} points failed, see {log}; --resume tries them again")


def _fingerprint(job: Callable[..., dict], parameters: dict[str, str | float]) -> str:
    """Hash a job, its code and the parameters of one point."""
    name = f"{job.__module__}.{job.__qualname__}"
    own = [] if name.startswith("symdyn.") else [inspect.getsource(job)]
    return fingerprint(name, dict(sorted(parameters.items())), *own, packages=_PACKAGES)


def _point(job: Callable[..., dict], parameters: dict[str, str | float]) -> dict[str, str | float]:
    with one_blas_thread():
        return job(**parameters)


def _dataset(swept: dict[str, list], results: list[dict[str, str | float]]) -> xr.Dataset:
    shape = tuple(len(values) for values in swept.values())
    variables = {}
    for name in dict.fromkeys(name for result in results for name in result):
        values = [result.get(name) for result in results]
        text = name == "error" or any(isinstance(value, str) for value in values)
        absent, kind = ("", object) if text else (np.nan, float)
        column = np.array([absent if value is None else value for value in values], dtype=kind)
        variables[name] = (tuple(swept), column.reshape(shape))
    kinds = {name: object if isinstance(values[0], str) else None for name, values in swept.items()}
    return xr.Dataset(variables, coords={name: np.array(swept[name], dtype=kind) for name, kind in kinds.items()})
