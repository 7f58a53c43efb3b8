"""Sums over trajectories, in shares if need be: `python workflows/accumulate.py DATA --share 3/16 --out runs/big`.

Each job of an array takes its share of the chunks and leaves their sums in `runs/big/partial/`. Without `--share` the
job finds what is there, sums the rest and writes all of it to `runs/big/moments.nc`; `workflows/discover.py` with the
same options, `--out` and `--resume` finds the same parts. See `workflows/cluster/README.md`.
"""

from __future__ import annotations

import argparse

import symdyn as sd
from symdyn.data.trajectories import state_names
from symdyn.discovery.problem import set_up
from symdyn.functions.words import parse_features
from symdyn.lie import words
from symdyn.runs import add_options, run_job, sums_key
from symdyn.sums.checkpoint import accumulate_resumable, accumulate_share
from symdyn.sums.store import save_moments


def main() -> None:
    parser = add_options(argparse.ArgumentParser(description=__doc__), out="runs/sums")
    parser.add_argument("data", help="file of trajectories")
    parser.add_argument("--share", type=_share, metavar="K/N", help="only chunks K, K + N, ... (K from 1 to N)")
    parser.add_argument("--chunks", default="auto", type=_chunks, help="trajectories in a chunk (default: auto)")
    parser.add_argument("--kind", choices=("flow", "map", "second_order"), default="flow")
    parser.add_argument("--law", default="polynomial:3", help="such as polynomial:3 (default), central:0-5, fourier:2")
    parser.add_argument("--time-translation", action="store_true", help="let the law depend on time")
    parser.add_argument("--states", help="names of the states, separated by commas (default: as the file says)")
    parser.add_argument("--inputs", help="names of inputs, separated by commas (default: those with role = input)")
    args = parser.parse_args()
    options = ("data", "chunks", "kind", "law", "states", "inputs", "time_translation")
    config = {"job": "accumulate", **{name: vars(args)[name] for name in options}}
    args.sums, args.folder = sums_key(config), args.out
    if args.share:  # jobs of an array share the parts, not the log
        args.out = args.out / "shares" / "{}-of-{}".format(*args.share)
    run_job(args, config, job)


def job(run, args) -> None:
    data = sd.open_trajectories(args.data, states=_names(args.states), chunks=args.chunks)
    setting = set_up_sums(data, args)
    options = {"log": run.log, "progress": run.progress("chunks")}
    what = (data, setting.features, setting.layout, args.folder, args.sums)
    if args.share:
        computed, in_share = accumulate_share(*what, args.share, **options)
        run.log.info("share %d of %d: %d chunks, %d of them new", *args.share, in_share, computed)
        return
    with run.stage("accumulate"):
        moments = accumulate_resumable(*what, **options)
    save_moments(moments, run.path / "moments.nc")
    run.log.info("sums over %d trajectories: %s", moments.n_trajectories, run.path / "moments.nc")


def set_up_sums(data, args):
    """Features and layout as a search with these options has them; which generators it looks for does not matter."""
    names, inputs = state_names(data), _names(args.inputs)
    if inputs is None:
        inputs = [str(name) for name, variable in data.data_vars.items() if variable.attrs.get("role") == "input"]
    n_states = len([name for name in names if name not in inputs])
    n = n_states // 2 if args.kind == "second_order" else n_states + len(inputs)
    candidates = words.parse_candidates("translations", n, time_translation=args.time_translation)
    law = parse_features(args.law, n_states + len(inputs) + args.time_translation)
    return set_up(data, candidates, law, args.kind, "vector_field", inputs)


def _share(text):
    k, _, n = text.partition("/")
    if not (k.isdigit() and n.isdigit() and 1 <= int(k) <= int(n)):
        raise argparse.ArgumentTypeError(f"{text!r} is no share K/N with 1 <= K <= N")
    return int(k), int(n)


def _chunks(text):
    if text != "auto" and not (text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is neither auto nor a number of trajectories")
    return text if text == "auto" else int(text)


def _names(text):
    return text.split(",") if text else None


if __name__ == "__main__":
    main()
