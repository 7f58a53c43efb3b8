"""One job over a grid of parameters: `python workflows/sweep.py workflows/sweep.toml --out runs/sweep`.

The file names a `job` (`discovery` on a system of `symdyn.systems`, or your own `package.module:function`), parameters
that are `[fixed]`, and lists to `[sweep]` over: noise, samples, seeds, thresholds. Every finished point is kept; the
same command with `--resume` goes on. `results.nc` holds one Dataset with a dim for each parameter.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from symdyn.runs import add_options, run_command
from symdyn.runs.jobs.sweep_plan import sweep_plan


def main() -> None:
    parser = add_options(argparse.ArgumentParser(description=__doc__), out="runs/sweep")
    parser.add_argument("config", type=Path, help="what to sweep over, such as workflows/sweep.toml")
    run_command(parser, sweep_plan)


if __name__ == "__main__":
    main()
