"""A job that takes its time: `python slow_job.py STORE --out DIR [--pause SECONDS]`, for tests that interrupt it."""

import argparse
import time

import symdyn as sd
from symdyn.data import checkpoint
from symdyn.data.checkpoint import accumulate_resumable
from symdyn.data.moments import accumulate_block
from symdyn.data.store import save_moments
from symdyn.lie.features import Polynomial
from symdyn.runs import add_options, run_job

PAUSE = 0.25


def slow_sums(block, features, layout, per_run):
    time.sleep(PAUSE)
    return accumulate_block(block, features, layout, per_run)


def main():
    parser = add_options(argparse.ArgumentParser(), out="runs/slow")
    parser.add_argument("store")
    parser.add_argument("--fast", action="store_true")
    args = parser.parse_args()
    if not args.fast:
        checkpoint.accumulate_block = slow_sums
    run_job(args, {"job": "slow", "store": args.store}, job)


def job(run, args):
    data = sd.open_trajectories(args.store, chunks=1)
    options = {"log": run.log, "progress": run.progress("chunks"), "reuse": args.resume}
    moments = accumulate_resumable(data, Polynomial(1), "second_order", run.path, {"job": "slow"}, **options)
    save_moments(moments, run.path / "moments.nc")


if __name__ == "__main__":
    main()
