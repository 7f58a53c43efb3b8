"""How many samples promotion needs, the published experiment: `python workflows/recovery.py --small`.

Each row of a table is one random polynomial: bisection for the smallest number of noiseless samples from which the
least nuclear norm of Lie derivatives recovers it. `--m 5-30:5 --r 1-3 --degree 2 --seeds 0-9` choose rows, `--small`
is a look, `--all` the whole published grid (1680 rows). Finished rows are kept: `--resume` goes on. One CSV file for
each family and algebra, with a picture; `--out table.csv` names the file, `--out DIR` the folder.
"""

from __future__ import annotations

import argparse

from symdyn.promotion.recovery import PUBLISHED, SMALL
from symdyn.runs import add_options, run_job
from symdyn.runs.jobs.recovery import job
from symdyn.runs.parsing import numbers


def main() -> None:
    parser = add_options(argparse.ArgumentParser(description=__doc__), out="runs/recovery")
    parser.add_argument("--family", choices=("ortho", "quad"), help="phi(u.x) (default), or phi(|x - c|^2)")
    parser.add_argument("--algebra", choices=("se", "t"), help="Euclidean motions (default), or translations")
    parser.add_argument("--m", type=numbers, help="states, such as 5-30:5 or 6,8 (default 5)")
    parser.add_argument("--r", type=numbers, help="inner functions, such as 1-3 (default 1)")
    parser.add_argument("--degree", type=numbers, help="degrees of the outer polynomial (default 2)")
    parser.add_argument("--seeds", type=numbers, default=list(range(10)), help="such as 0-9 (default)")
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


if __name__ == "__main__":
    main()
