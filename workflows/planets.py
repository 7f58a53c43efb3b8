"""From an ephemeris to a symmetry, a constrained law and a report: `python workflows/planets.py --out runs/planets`.

With `--simulate 30 --noise 0.01` the same job runs on simulated bodies whose orbits point in all directions.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from symdyn.runs import add_options, run_command
from symdyn.runs.jobs.planets import planets


def main() -> None:
    parser = add_options(argparse.ArgumentParser(description=__doc__), out="runs/planets")
    parser.add_argument("--data", default=str(Path(__file__).parents[1] / "datasets" / "planets.nc"))
    parser.add_argument("--simulate", type=int, metavar="N", help="N simulated bodies instead of the data")
    parser.add_argument("--noise", type=float, default=0.0, help="noise of simulated bodies (default 0)")
    run_command(parser, planets)


if __name__ == "__main__":
    main()
