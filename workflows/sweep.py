"""One job over a grid of parameters: `python workflows/sweep.py workflows/sweep.toml --out runs/sweep`.

The file names a `job` (`discovery` on a system of `symdyn.systems`, or your own `package.module:function`), parameters
that are `[fixed]`, and lists to `[sweep]` over: noise, samples, seeds, thresholds. Every finished point is kept; the
same command with `--resume` goes on. `results.nc` holds one Dataset with a dim for each parameter.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from symdyn.runs import add_options, run_job
from symdyn.runs.jobs.sweep_plan import job, read_plan


def main() -> None:
    parser = add_options(argparse.ArgumentParser(description=__doc__), out="runs/sweep")
    parser.add_argument("config", type=Path, help="what to sweep over, such as workflows/sweep.toml")
    args = parser.parse_args()
    try:
        args.plan = read_plan(args.config)
    except (ValueError, OSError) as error:
        parser.exit(1, f"error: {error}\n")
    if args.scheduler == "auto":  # what the command line says goes before the file
        args.scheduler = args.plan.get("scheduler", "auto")
    config = {"job": "sweep", **{name: json.dumps(value) for name, value in args.plan.items() if name != "scheduler"}}
    run_job(args, config, job)


if __name__ == "__main__":
    main()
