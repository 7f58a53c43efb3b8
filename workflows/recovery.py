"""How many samples promotion needs, the published experiment: `python workflows/recovery.py --small`.

Each row of a table is one random polynomial: bisection for the smallest number of noiseless samples from which the
least nuclear norm of Lie derivatives recovers it. `--m 5-30:5 --r 1-3 --degree 2 --seeds 0-9` choose rows, `--small`
is a look, `--all` the whole published grid (1680 rows). Finished rows are kept: `--resume` goes on. One CSV file for
each family and algebra, with a picture; `--out table.csv` names the file, `--out DIR` the folder.
"""

from __future__ import annotations

import argparse

from symdyn.runs import add_options, run_command
from symdyn.runs.jobs.recovery import recovery
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
    preset.add_argument("--all", action="store_true", dest="published", help="the published grid")
    run_command(parser, recovery)


if __name__ == "__main__":
    main()
