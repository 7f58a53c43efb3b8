"""One job over a grid of parameters that a file names."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import xarray as xr

from symdyn.reporting.describe import sweep as described
from symdyn.runs.directory import RunDirectory
from symdyn.runs.experiments import check_parameters, find_job
from symdyn.runs.job import run_job
from symdyn.runs.options import RunOptions
from symdyn.runs.publish import checksum, publish, tell
from symdyn.runs.sweep import grid, n_failed, sweep

__all__ = ["read_plan", "sweep_plan"]


def sweep_plan(config: str | Path, **options: Any) -> None:
    """Run a job at every point of a grid, and report.

    Parameters
    ----------
    config : path
        The file, see `read_plan`; what `options` say of the scheduler goes before it.
    **options
        See `RunOptions`; `out` is `runs/sweep` if left out.

    Raises
    ------
    ValueError, OSError
        As `read_plan`.
    """
    plan = read_plan(Path(config))
    shared = RunOptions(**{"out": "runs/sweep", **options})
    if shared.scheduler == "auto":
        shared = replace(shared, scheduler=plan.get("scheduler", "auto"))
    content = {name: json.dumps(value) for name, value in plan.items() if name != "scheduler"}

    def work(run: RunDirectory, _: None) -> None:
        with run.stage("sweep"):
            log = {"log": run.log, "progress": run.progress("points"), "reuse": shared.resume}
            results = sweep(find_job(plan["job"]), plan["fixed"], plan["sweep"], run.folder, **log)
        _publish(run, results, plan["plot"])

    run_job(shared, {"job": "sweep", **content}, work)


def read_plan(path: Path) -> dict:
    """Read the file of a sweep, and check it before anything is computed.

    It names a `job` (see `symdyn.runs.experiments.find_job`), parameters that are `[fixed]`, lists to `[sweep]` over,
    and may name a `scheduler` and what to `[plot]`.

    Raises
    ------
    ValueError
        For a file that is no TOML, and for names that mean nothing.
    OSError
        If it cannot be read.
    """
    try:
        plan = {"job": "discovery", "fixed": {}, "sweep": {}, "plot": {}, **tomllib.loads(path.read_text())}
    except ValueError as error:  # of its text, or of its encoding
        raise ValueError(f"{path} is no TOML file: {error}") from error
    unknown = set(plan) - {"job", "fixed", "sweep", "plot", "scheduler"}
    if unknown:
        raise ValueError(f"{path}: {sorted(unknown)[0]!r} is unknown; there are job, scheduler, fixed, sweep, plot")
    if not plan["sweep"]:
        raise ValueError(f"{path}: [sweep] is empty; give lists of values, such as noise = [0.0, 0.1]")
    for point in grid(plan["sweep"]):
        check_parameters(find_job(plan["job"]), {**plan["fixed"], **point})
    return plan


def _publish(run: RunDirectory, results: xr.Dataset, plot: dict[str, str]) -> None:
    with run.stage("figures"):
        pictures = described.draw(run.figures, results, **plot)
    provenance, failed = run.provenance(checksum(results)), n_failed(results)
    if failed:
        provenance.attrs["key"] = ""  # not finished: --resume tries them again
    groups = {"sweep": results, "provenance": provenance}
    findings, tables = described.findings(results, failed), {**groups, "sweep": described.table(results)}
    publish(run, groups, title="Sweep", findings=findings, figures=pictures, tables=tables)
    tell(run, findings)
