"""Symmetries, finite symmetries and conserved quantities of any trajectories: `python workflows/discover.py DATA`.

DATA is any file that `symdyn.open_trajectories` opens (.nc, .zarr, .csv, .npz). Leaves the same kind of run directory
as the planets' job: report.html, results.nc, config.toml, run.log, figures/.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import xarray as xr

import symdyn as sd
from symdyn.data.trajectories import state_names
from symdyn.functions.words import parse_features
from symdyn.lie import words
from symdyn.reporting.describe import search as described
from symdyn.runs.directory import checksum
from symdyn.runs.options import sums_key
from symdyn.runs.parsing import names
from symdyn.sums.checkpoint import accumulate_resumable
from symdyn.sums.store import algebra_to_dataset, law_to_dataset, save_results


def job(run, args) -> None:
    """Do the work of the job in its run directory."""
    with run.stage("open trajectories"):
        data = sd.open_trajectories(args.data, states=names(args.states))
    with run.stage("identify the law, discover symmetries"):
        options = {
            "key": sums_key(run.config),
            "log": run.log,
            "progress": run.progress("chunks"),
            "reuse": args.resume,
        }
        search = discover(data, args, partial(accumulate_resumable, folder=run.path, **options))
        run.log.info("\n%s", search.summary())
    conserved = None
    if args.conserved != "none" and args.kind != "map":
        with run.stage("conserved quantities"):
            states = search.law_.states
            library = parse_features(args.conserved, len(states))
            conserved = sd.conserved_quantities(data, library, delta=args.delta, rng=args.seed)
    with run.stage("figures"):
        pictures = described.draw(run.figures, data, search)
    groups = described.groups(search, conserved)
    groups["symmetry"] = _joined(groups["symmetry"], algebra_to_dataset(search.algebra_))
    groups["law"] = _joined(groups["law"], law_to_dataset(search.law_, described.outputs(search)))
    groups["provenance"] = run.provenance(checksum(data))
    save_results(groups, run.path / "results.nc")
    findings = described.findings(search, conserved)
    sd.report(groups, run.path, title=f"Symmetries in {Path(args.data).name}", findings=findings, figures=pictures)
    for sentence in findings:
        run.log.info(sentence)


def discover(data, args, accumulate):
    """Look for symmetries."""
    inputs = names(args.inputs)
    states = [name for name in state_names(data) if name not in (inputs or ())]
    if inputs is None:
        inputs = [name for name, variable in data.data_vars.items() if variable.attrs.get("role") == "input"]
    n = len(states) // 2 if args.kind == "second_order" else len(states) + len(inputs)
    time = {"time_scaling": args.time_scaling, "time_translation": args.time_translation}
    candidates = [words.parse_candidates(args.candidates, n, **time)]
    elements = words.parse_elements(args.elements, len(candidates[0].states))
    law = parse_features(args.law, len(states) + len(inputs) + args.time_translation)
    everything = candidates if elements is None else [*candidates, elements]
    options = {"kind": args.kind, "inputs": inputs, "delta": args.delta, "rng": args.seed}
    search = sd.SymmetryDiscovery(everything, law, **options)
    return search.fit(data, accumulate=accumulate)


def _joined(*parts):
    return xr.merge(parts, combine_attrs="drop_conflicts")
