"""Sums over trajectories, in shares if need be: `python workflows/accumulate.py DATA --share 3/16 --out runs/big`.

Each job of an array takes its share of the chunks and leaves their sums in `runs/big/partial/`. Without `--share` the
job finds what is there, sums the rest and writes all of it to `runs/big/moments.nc`; `workflows/discover.py` with the
same options, `--out` and `--resume` finds the same parts. See `workflows/cluster/README.md`.
"""

from __future__ import annotations

import symdyn as sd
from symdyn.data.trajectories import state_names
from symdyn.discovery.problem import set_up
from symdyn.functions.words import parse_features
from symdyn.lie import words
from symdyn.runs.parsing import names
from symdyn.sums.checkpoint import accumulate_resumable, accumulate_share
from symdyn.sums.store import save_moments


def job(run, args) -> None:
    """Do the work of the job in its run directory."""
    data = sd.open_trajectories(args.data, states=names(args.states), chunks=args.chunks)
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
    states, inputs = state_names(data), names(args.inputs)
    if inputs is None:
        inputs = [str(name) for name, variable in data.data_vars.items() if variable.attrs.get("role") == "input"]
    n_states = len([name for name in states if name not in inputs])
    n = n_states // 2 if args.kind == "second_order" else n_states + len(inputs)
    candidates = words.parse_candidates("translations", n, time_translation=args.time_translation)
    law = parse_features(args.law, n_states + len(inputs) + args.time_translation)
    return set_up(data, candidates, law, args.kind, "vector_field", inputs)
