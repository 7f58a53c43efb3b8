"""A job that takes its time: `python slow_job.py STORE --out DIR [--pause SECONDS]`, for tests that interrupt it."""

import argparse
import time
from functools import partial

import symdyn as sd
from symdyn.functions.features import Polynomial
from symdyn.runs import add_options, run_job
from symdyn.sums import checkpoint, moments
from symdyn.sums.checkpoint import accumulate_resumable
from symdyn.sums.moments import accumulate_block
from symdyn.sums.store import save_moments

PAUSE = 0.25


def slow_sums(*what):
    time.sleep(PAUSE)
    return accumulate_block(*what)


def main():
    parser = add_options(argparse.ArgumentParser(), out="runs/slow")
    parser.add_argument("store")
    parser.add_argument("--fast", action="store_true")
    parser.add_argument("--kind", default="second_order")
    parser.add_argument("--degree", type=int, default=1)
    parser.add_argument("--folds", type=int, help="sums that are kept, rather than one a trajectory")
    args = parser.parse_args()
    if not args.fast:
        checkpoint.accumulate_block = slow_sums
    if args.folds:
        moments.most_groups = lambda n_terms: args.folds
    run_job(args, {"job": "slow", "store": args.store}, partial(job, args))


def job(args, run, _):
    data = sd.open_trajectories(args.store, chunks=1)
    options = {"log": run.log, "progress": run.progress("chunks"), "reuse": args.resume}
    what = (data, Polynomial(args.degree), args.kind, run.folder, {"job": "slow"})
    save_moments(accumulate_resumable(*what, **options), run.folder / "moments.nc")


if __name__ == "__main__":
    main()
