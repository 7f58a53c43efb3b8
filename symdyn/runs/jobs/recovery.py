"""How many samples promotion needs, the published experiment: `python workflows/recovery.py --small`.

Each row of a table is one random polynomial: bisection for the smallest number of noiseless samples from which the
least nuclear norm of Lie derivatives recovers it. `--m 5-30:5 --r 1-3 --degree 2 --seeds 0-9` choose rows, `--small`
is a look, `--all` the whole published grid (1680 rows). Finished rows are kept: `--resume` goes on. One CSV file for
each family and algebra, with a picture; `--out table.csv` names the file, `--out DIR` the folder.
"""

from __future__ import annotations

import shutil

import xarray as xr

import symdyn as sd
from symdyn.promotion.recovery import recovery_row
from symdyn.reporting.describe import recovery as described
from symdyn.runs.directory import checksum
from symdyn.runs.sweep import sweep
from symdyn.sums.store import save_results


def job(run, args) -> None:
    """Do the work of the job in its run directory."""
    tables = {}
    for number, cell in enumerate(args.cells, 1):
        what = "{family} {algebra}({m}) of degree {degree}, r = {r}".format(**cell)
        with run.stage(f"{number} of {len(args.cells)}: {what}"):
            fixed = {name: cell[name] for name in ("family", "algebra", "degree")} | {"inner": args.inner}
            swept = {"m": cell["m"], "r": cell["r"], "seed": args.seeds}
            log = {"log": run.log, "progress": run.progress("rows"), "reuse": args.resume}
            results = sweep(recovery_row, fixed, swept, run.path, **log)
        failed = [message for message in results["error"].values.ravel() if message] if "error" in results else []
        if failed:
            raise ValueError(f"{len(failed)} rows of {what} failed, the first with {failed[0]}")
        name = f"{cell['family']}_{cell['algebra']}"
        tables.setdefault(name, []).append(described.rows(results, cell["degree"]))
    tables = {name: xr.concat(parts, "row") for name, parts in tables.items()}
    for name, table in tables.items():
        described.write(table, run.path / f"{name}.csv")
    if args.table and len(tables) == 1:
        shutil.copyfile(run.path / f"{next(iter(tables))}.csv", args.table)
    pictures = [described.draw(run.figures, name, table) for name, table in tables.items()]
    provenance = run.provenance(checksum(xr.concat(tables.values(), "row")))
    save_results({**tables, "provenance": provenance}, run.path / "results.nc")
    findings = [described.finding(name, table) for name, table in tables.items()]
    groups = {name: described.medians(table) for name, table in tables.items()} | {"provenance": provenance}
    sd.report(groups, run.path, title="Samples that promotion needs", findings=findings, figures=pictures)
    for line in findings:
        run.log.info(line)
