"""The law of fields and its point symmetries: identify, discover, constrain, report: `python workflows/fields.py DATA`.

DATA is a netCDF or Zarr file of fields over (trajectory, time, x[, y]). Leaves report.html, results.nc, config.toml,
run.log and figures/ in the run directory.
"""

from __future__ import annotations

import argparse

from symdyn.runs import add_options, run_command
from symdyn.runs.jobs.fields import fields


def main() -> None:
    parser = add_options(argparse.ArgumentParser(description=__doc__), out="runs/fields")
    parser.add_argument("data", help="file of fields")
    parser.add_argument("--candidates", default="2", help="degree (default 2), or names such as translations,galilean")
    parser.add_argument(
        "--delta", type=float, default=0.02, help="violation up to which a symmetry counts (default .02)"
    )
    run_command(parser, fields)


if __name__ == "__main__":
    main()
