"""How many samples promotion needs, the published experiment: `python workflows/recovery.py --small`.

Each row of a table is one random polynomial: bisection for the smallest number of noiseless samples from which the
least nuclear norm of Lie derivatives recovers it. `--m 5-30:5 --r 1-3 --degree 2 --seeds 0-9` choose rows, `--small`
is a look, `--all` the whole published grid (1680 rows). Finished rows are kept: `--resume` goes on. One CSV file for
each family and algebra, with a picture; `--out table.csv` names the file, `--out DIR` the folder.
"""

from __future__ import annotations

import argparse
import shutil

import xarray as xr

import symdyn as sd
from symdyn.promotion.recovery import PUBLISHED, SMALL, recovery_row
from symdyn.reporting.describe import recovery as described
from symdyn.runs import add_options, checksum, run_job
from symdyn.runs.sweep import sweep
from symdyn.sums.store import save_results


def main() -> None:
    parser = add_options(argparse.ArgumentParser(description=__doc__), out="runs/recovery")
    parser.add_argument("--family", choices=("ortho", "quad"), help="phi(u.x) (default), or phi(|x - c|^2)")
    parser.add_argument("--algebra", choices=("se", "t"), help="Euclidean motions (default), or translations")
    parser.add_argument("--m", type=_numbers, help="states, such as 5-30:5 or 6,8 (default 5)")
    parser.add_argument("--r", type=_numbers, help="inner functions, such as 1-3 (default 1)")
    parser.add_argument("--degree", type=_numbers, help="degrees of the outer polynomial (default 2)")
    parser.add_argument("--seeds", type=_numbers, default=list(range(10)), help="such as 0-9 (default)")
    parser.add_argument("--inner", choices=("sampled", "box"), default="sampled", help="inner product of functions")
    preset = parser.add_mutually_exclusive_group()
    preset.add_argument("--small", action="store_true", help="60 rows of the published grid")
    preset.add_argument("--all", action="store_true", help="the published grid")
    args = parser.parse_args()
    names = ("family", "algebra", "m", "r", "degree")
    chosen = {name: vars(args)[name] for name in names if vars(args)[name] is not None}
    if chosen and (args.small or args.all):
        parser.error(f"--{'all' if args.all else 'small'} says which rows: leave out --{' --'.join(chosen)}")
    args.table = args.out if args.out.suffix == ".csv" else None
    if args.table and args.all:
        parser.error("--all writes three tables: give a folder as --out")
    args.out = args.out.with_suffix("")
    chosen = {"family": "ortho", "algebra": "se", "m": [5], "r": [1], "degree": [2]} | chosen
    given = [chosen | {"degree": degree} for degree in chosen["degree"]]
    args.cells = PUBLISHED if args.all else SMALL if args.small else given
    cells = "; ".join(" ".join(str(cell[name]) for name in names) for cell in args.cells)
    run_job(args, {"job": "recovery", "cells": cells, "seeds": args.seeds, "inner": args.inner}, job)


def job(run, args) -> None:
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


def _numbers(text: str) -> list[int]:
    """`5-30:5` or `1,2,5`."""
    found = []
    for part in text.split(","):
        limits, _, step = part.partition(":")
        low, _, high = limits.partition("-")
        limits = (low, high) if "-" in part else (low, low)
        if not all(word.isdigit() for word in (*limits, step or "1")) or int(step or 1) == 0:
            raise argparse.ArgumentTypeError(f"{text!r} is no list of numbers such as 5-30:5 or 1,2,5")
        found += range(int(limits[0]), int(limits[1]) + 1, int(step or 1))
    found = list(dict.fromkeys(found))
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} holds no number")
    return found


if __name__ == "__main__":
    main()
