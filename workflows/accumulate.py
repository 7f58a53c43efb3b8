"""Sums over trajectories, in shares if need be: `python workflows/accumulate.py DATA --share 3/16 --out runs/big`.

Each job of an array takes its share of the chunks and leaves their sums in `runs/big/partial/`. Without `--share` the
job finds what is there, sums the rest and writes all of it to `runs/big/moments.nc`; `workflows/discover.py` with the
same options, `--out` and `--resume` finds the same parts. See `workflows/cluster/README.md`.
"""

from __future__ import annotations

import argparse

from symdyn.runs import add_options, run_command
from symdyn.runs.jobs.accumulate import accumulate
from symdyn.runs.parsing import chunks, share


def main() -> None:
    parser = add_options(argparse.ArgumentParser(description=__doc__), out="runs/sums")
    parser.add_argument("data", help="file of trajectories")
    parser.add_argument("--share", type=share, metavar="K/N", help="only chunks K, K + N, ... (K from 1 to N)")
    parser.add_argument("--chunks", default="auto", type=chunks, help="trajectories in a chunk (default: auto)")
    parser.add_argument("--kind", choices=("flow", "map", "second_order"), default="flow")
    parser.add_argument("--law", default="polynomial:3", help="such as polynomial:3 (default), central:0-5, fourier:2")
    parser.add_argument("--time-translation", action="store_true", help="let the law depend on time")
    parser.add_argument("--states", help="names of the states, separated by commas (default: as the file says)")
    parser.add_argument("--inputs", help="names of inputs, separated by commas (default: those with role = input)")
    run_command(parser, accumulate)


if __name__ == "__main__":
    main()
