"""How many samples promotion needs, the published experiment."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import xarray as xr

from symdyn.promotion.recovery import PUBLISHED, SMALL, recovery_row
from symdyn.reporting.describe import recovery as described
from symdyn.runs.directory import RunDirectory
from symdyn.runs.job import run_job
from symdyn.runs.options import RunOptions, WrongOptions
from symdyn.runs.publish import checksum, publish, tell
from symdyn.runs.sweep import sweep

__all__ = ["recovery"]

_USUAL = {"family": "ortho", "algebra": "se", "m": [5], "r": [1], "degree": [2]}
_SEEDS = range(10)


def recovery(
    *,
    family: str | None = None,
    algebra: str | None = None,
    m: Sequence[int] | None = None,
    r: Sequence[int] | None = None,
    degree: Sequence[int] | None = None,
    seeds: Sequence[int] = _SEEDS,
    inner: str = "sampled",
    small: bool = False,
    published: bool = False,
    **options: Any,
) -> None:
    """Find the smallest number of samples from which random polynomials are recovered, and report.

    Parameters
    ----------
    family, algebra : str, optional
        See `symdyn.promotion.protocol.recovery_problem`; `"ortho"` and `"se"` if left out.
    m, r, degree : sequence of int, optional
        Numbers of states (5), of inner functions (1), and degrees of the outer polynomial (2).
    seeds : sequence of int
    inner : {"sampled", "box"}
        The inner product of functions.
    small, published : bool
        60 rows of the published grid, or all of it, instead of those asked for.
    **options
        See `RunOptions`; `out`, `runs/recovery` if left out, may also name a CSV file.

    Raises
    ------
    WrongOptions
        For rows that are chosen twice, and three tables for one file.
    """
    lists = {name: list(value) for name, value in (("m", m), ("r", r), ("degree", degree)) if value is not None}
    words = {name: value for name, value in (("family", family), ("algebra", algebra)) if value is not None}
    cells = _cells({**words, **lists}, small, published)
    shared = RunOptions(**{"out": "runs/recovery", **options})
    out, table = _places(Path(shared.out), published)
    texts = [" ".join(str(cell[name]) for name in _USUAL) for cell in cells]
    config = {"job": "recovery", "cells": "; ".join(texts), "seeds": list(seeds), "inner": inner}

    def work(run: RunDirectory, _: None) -> None:
        tables = {}
        for number, cell in enumerate(cells, 1):
            what = "{family} {algebra}({m}) of degree {degree}, r = {r}".format(**cell)
            with run.stage(f"{number} of {len(cells)}: {what}"):
                fixed = {name: cell[name] for name in ("family", "algebra", "degree")} | {"inner": inner}
                swept = {"m": cell["m"], "r": cell["r"], "seed": list(seeds)}
                log = {"log": run.log, "progress": run.progress("rows"), "reuse": shared.resume}
                results = sweep(recovery_row, fixed, swept, run.folder, **log)
            _check(results, what)
            name = f"{cell['family']}_{cell['algebra']}"
            tables.setdefault(name, []).append(described.rows(results, cell["degree"]))
        _publish(run, {name: xr.concat(parts, "row") for name, parts in tables.items()}, table)

    run_job(replace(shared, out=out), config, work)


def _cells(chosen: dict[str, Any], small: bool, published: bool) -> Sequence[dict[str, Any]]:
    """List the cells of the grid, one degree each."""
    if chosen and (small or published):
        raise WrongOptions(f"--{'all' if published else 'small'} says which rows: leave out --{' --'.join(chosen)}")
    if published or small:
        return PUBLISHED if published else SMALL
    given = _USUAL | chosen
    return [given | {"degree": degree} for degree in given["degree"]]


def _places(out: Path, published: bool) -> tuple[Path, Path | None]:
    """Return the run directory, and the file that gets a copy of the table if it is one that was named."""
    table = out if out.suffix == ".csv" else None
    if table is not None and published:
        raise WrongOptions("--all writes three tables: give a folder as --out")
    return out.with_suffix(""), table


def _check(results: xr.Dataset, what: str) -> None:
    failed = [message for message in results["error"].values.ravel() if message] if "error" in results else []
    if failed:
        raise ValueError(f"{len(failed)} rows of {what} failed, the first with {failed[0]}")


def _write(table: xr.Dataset, path: Path) -> None:
    """Write a table as CSV, with the published columns."""
    columns = [str(name) for name in table.data_vars]
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*(table[name].values.tolist() for name in columns), strict=True))


def _publish(run: RunDirectory, tables: Mapping[str, xr.Dataset], copy: Path | None) -> None:
    for name, table in tables.items():
        _write(table, run.path / f"{name}.csv")
    pictures = described.draw(run.figures, tables)
    provenance = {"provenance": run.provenance(checksum(xr.concat(tables.values(), "row")))}
    findings = [described.finding(name, table) for name, table in tables.items()]
    titles = {name: described.title(name) for name in tables}
    shown = {name: described.medians(table).assign_attrs(title=titles[name]) for name, table in tables.items()}
    shown |= provenance
    title = "Samples that promotion needs"
    publish(run, {**tables, **provenance}, title=title, findings=findings, figures=pictures, tables=shown)
    if copy is not None and len(tables) == 1:
        shutil.copyfile(run.path / f"{next(iter(tables))}.csv", copy)
    tell(run, findings)
