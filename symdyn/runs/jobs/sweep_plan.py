"""One job over a grid of parameters: `python workflows/sweep.py workflows/sweep.toml --out runs/sweep`.

The file names a `job` (`discovery` on a system of `symdyn.systems`, or your own `package.module:function`), parameters
that are `[fixed]`, and lists to `[sweep]` over: noise, samples, seeds, thresholds. Every finished point is kept; the
same command with `--resume` goes on. `results.nc` holds one Dataset with a dim for each parameter.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

import symdyn as sd
from symdyn.reporting.describe import sweep as described
from symdyn.runs.directory import checksum
from symdyn.runs.experiments import check_parameters, find_job
from symdyn.runs.sweep import grid, sweep
from symdyn.sums.store import save_results


def read_plan(path: Path) -> dict:
    """The file, checked before anything is computed."""
    plan = {"job": "discovery", "fixed": {}, "sweep": {}, "plot": {}, **tomllib.loads(path.read_text())}
    unknown = set(plan) - {"job", "fixed", "sweep", "plot", "scheduler"}
    if unknown:
        raise ValueError(f"{path}: {sorted(unknown)[0]!r} is unknown; there are job, scheduler, fixed, sweep, plot")
    if not plan["sweep"]:
        raise ValueError(f"{path}: [sweep] is empty; give lists of values, such as noise = [0.0, 0.1]")
    for point in grid(plan["sweep"]):
        check_parameters(find_job(plan["job"]), {**plan["fixed"], **point})
    return plan


def job(run, args) -> None:
    """Do the work of the job in its run directory."""
    plan = args.plan
    with run.stage("sweep"):
        results = sweep(
            find_job(plan["job"]),
            plan["fixed"],
            plan["sweep"],
            run.path,
            log=run.log,
            progress=run.progress("points"),
            reuse=args.resume,
        )
    with run.stage("figures"):
        pictures = described.draw(run.figures, results, **plan["plot"])
    groups = {"sweep": results, "provenance": run.provenance(checksum(results))}
    failed = int((results.error != "").sum()) if "error" in results else 0
    if failed:
        groups["provenance"].attrs["key"] = ""  # not finished: --resume tries them again
    save_results(groups, run.path / "results.nc")
    shape = " x ".join(f"{size} {name}" for name, size in results.sizes.items())
    findings = [f"{results[next(iter(results))].size} points: {shape}; {failed} failed."]
    tables = {**groups, "sweep": described.table(results)}
    sd.report(tables, run.path, title="Sweep", findings=findings, figures=pictures)
    run.log.info(findings[0])
