"""A law inside a symmetry: `python workflows/fit.py DATA --symmetry symmetry.nc`, or `--discover` to find one first.

DATA is any file that `symdyn.open_trajectories` opens (.nc, .zarr, .csv, .npz). Fitted on some of the trajectories,
judged on others; with `--discover` the symmetry is found on yet others. Leaves report.html, results.nc, law.nc,
config.toml, run.log, figures/.
"""

from __future__ import annotations

import argparse

from symdyn.runs import add_options, run_command
from symdyn.runs.jobs.fit import fit


def main() -> None:
    parser = add_options(argparse.ArgumentParser(description=__doc__), out="runs/fit")
    parser.add_argument("data", help="file of trajectories")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--symmetry", help="file of a saved algebra, or results.nc of a discovery")
    source.add_argument("--discover", action="store_true", help="find the symmetry on some of the trajectories")
    parser.add_argument("--kind", choices=("flow", "map", "second_order"), default="flow")
    parser.add_argument("--candidates", default="affine", help="of --discover, such as affine (default), se+scalings")
    parser.add_argument("--elements", default="none", help="of --discover, such as sign_flips+permutations")
    parser.add_argument("--law", default="polynomial:3", help="such as polynomial:3 (default), central:0-5, fourier:2")
    parser.add_argument(
        "--threshold",
        type=float,
        default=0.01,
        help="below which terms are dropped, where the data are of size 1 (default 0.01)",
    )
    parser.add_argument("--model", type=int, help="take the law of this row of the table of models instead")
    parser.add_argument("--states", help="names of the states, separated by commas (default: as the file says)")
    run_command(parser, fit)


if __name__ == "__main__":
    main()
