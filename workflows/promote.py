"""As much of a symmetry as the data allow: `python workflows/promote.py DATA --targets energy --candidates se`.

DATA is a table of points and values (`--targets` names the columns of values; no times are needed), or any file of
trajectories that `symdyn.open_trajectories` opens, whose rates are then the values. Fitted with the nuclear norm of the
Lie derivatives along the candidates as a penalty, judged on samples left out, beside least squares. Leaves report.html,
results.nc, config.toml, run.log, figures/.
"""

from __future__ import annotations

import argparse

from symdyn.runs import add_options, run_command
from symdyn.runs.jobs.promote import OUTPUTS, promote


def main() -> None:
    parser = add_options(argparse.ArgumentParser(description=__doc__), out="runs/promote")
    parser.add_argument("data", help="table of points and values, or file of trajectories")
    parser.add_argument("--targets", help="names of the values, separated by commas (default: rates of trajectories)")
    parser.add_argument(
        "--output",
        choices=OUTPUTS,
        help="how a symmetry moves the values (default: invariant with --targets, else vector_field)",
    )
    parser.add_argument("--candidates", default="se", help="such as se (default), gl, translations+scalings")
    parser.add_argument("--elements", default="none", help="such as sign_flips+permutations, cyclic, none (default)")
    parser.add_argument("--law", default="polynomial:3", help="such as polynomial:3 (default), central:0-5, fourier:2")
    parser.add_argument("--gamma", default="cv", help="weight of the penalty: a number, or cv (default): by folds")
    parser.add_argument("--states", help="names of the states, separated by commas (default: as the file says)")
    parser.add_argument("--most", type=int, default=20000, help="samples used, taken evenly (default 20000)")
    run_command(parser, promote)


if __name__ == "__main__":
    main()
