"""Symmetries, finite symmetries and conserved quantities of any trajectories: `python workflows/discover.py DATA`.

DATA is any file that `symdyn.open_trajectories` opens (.nc, .zarr, .csv, .npz). Leaves the same kind of run directory
as the planets' job: report.html, results.nc, config.toml, run.log, figures/.
"""

from __future__ import annotations

import argparse

from symdyn.runs import add_options, run_command
from symdyn.runs.jobs.discover import discover
from symdyn.runs.parsing import chunks


def main() -> None:
    parser = add_options(argparse.ArgumentParser(description=__doc__), out="runs/discover")
    parser.add_argument("data", help="file of trajectories")
    parser.add_argument("--kind", choices=("flow", "map", "second_order"), default="flow")
    parser.add_argument("--candidates", default="affine", help="such as affine (default), se+scalings, polynomial:3")
    parser.add_argument("--time-scaling", action="store_true", help="let generators rescale time, too")
    parser.add_argument("--time-translation", action="store_true", help="let the law depend on time, and test ∂t")
    parser.add_argument("--law", default="polynomial:3", help="such as polynomial:3 (default), central:0-5, fourier:2")
    parser.add_argument("--elements", default="sign_flips", help="such as sign_flips+permutations, cyclic, none")
    parser.add_argument("--conserved", default="polynomial:2", help="features of conserved quantities, or none")
    parser.add_argument("--states", help="names of the states, separated by commas (default: as the file says)")
    parser.add_argument("--inputs", help="names of inputs, separated by commas (default: those with role = input)")
    parser.add_argument("--delta", type=float, default=0.1, help="violation up to which a symmetry counts (default .1)")
    parser.add_argument("--chunks", default="auto", type=chunks, help="trajectories read at a time (default: auto)")
    run_command(parser, discover)


if __name__ == "__main__":
    main()
