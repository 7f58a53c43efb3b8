"""Symmetries, finite symmetries and conserved quantities of any trajectories."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import xarray as xr

from symdyn.data.trajectories import open_trajectories
from symdyn.discovery.conservation.conserved_quantities import conserved_quantities
from symdyn.discovery.problem import set_up
from symdyn.discovery.symmetry import SymmetryDiscovery
from symdyn.functions.features import Features
from symdyn.functions.words import parse_features
from symdyn.reporting.describe import search as described
from symdyn.runs.directory import RunDirectory
from symdyn.runs.job import run_job
from symdyn.runs.opening import check_delta, read_through
from symdyn.runs.options import RunOptions, sums_key
from symdyn.runs.parsing import names
from symdyn.runs.publish import checksum, publish, tell
from symdyn.runs.search_words import SearchWords, Sought
from symdyn.sums.checkpoint import accumulate_resumable

__all__ = ["discover"]


def discover(
    data: str,
    *,
    kind: str = "flow",
    candidates: str = "affine",
    time_scaling: bool = False,
    time_translation: bool = False,
    law: str = "polynomial:3",
    elements: str = "sign_flips",
    conserved: str = "polynomial:2",
    states: str | None = None,
    inputs: str | None = None,
    delta: float = 0.1,
    chunks: int | str = "auto",
    **options: Any,
) -> None:
    """Look for the symmetries and the conserved quantities of trajectories, and report what was found.

    Parameters
    ----------
    data : str
        File of trajectories.
    kind, candidates, time_scaling, time_translation, law, elements, inputs
        See `SearchWords`.
    conserved : str
        Features of conserved quantities, or `"none"`; maps have none.
    states : str, optional
        Names between commas; as the file says if left out.
    delta : float
        The violation up to which a symmetry counts.
    chunks : int or str
        Trajectories in a chunk, or a bound such as `"16MB"` (see `open_trajectories`): what is read, summed and
        kept at a time.
    **options
        See `RunOptions`; `out` is `runs/discover` if left out.
    """
    shared = RunOptions(**{"out": "runs/discover", **options})
    config = {"job": "discover", "seed": shared.seed, "delta": delta, "data": data, "kind": kind}
    config |= {"candidates": candidates, "time_scaling": time_scaling, "time_translation": time_translation}
    config |= {"law": law, "elements": elements, "conserved": conserved, "states": states, "inputs": inputs}
    words = SearchWords(kind, law, candidates, elements, time_scaling, time_translation, inputs)

    def opened() -> _Opened:
        check_delta(delta)
        dataset = read_through(open_trajectories(data, states=names(states), chunks=chunks))
        sought = words.on(dataset)
        problem = set_up(dataset, sought.candidates[0], sought.law, kind, "vector_field", sought.inputs)
        wanted = conserved != "none" and not problem.layout.action.increments
        return _Opened(dataset, sought, parse_features(conserved, len(problem.layout.states)) if wanted else None)

    def work(run: RunDirectory, given: _Opened) -> None:
        dataset, sought, library = given
        with run.stage("identify the law, discover symmetries"):
            common = {"kind": kind, "inputs": sought.inputs, "delta": delta, "rng": shared.seed}
            search = SymmetryDiscovery(sought.candidates, sought.law, **common)
            search.fit(dataset, accumulate=_resumable(run, shared.resume))
            run.log.info("\n%s", search.summary())
        kept = None
        if library is not None:
            with run.stage("conserved quantities"):
                kept = conserved_quantities(dataset, library, delta=delta, rng=shared.seed)
        _publish(run, dataset, search, kept, f"Symmetries in {Path(data).name}")

    run_job(shared, config, work, opened)


class _Opened(NamedTuple):
    """The data, what is looked for in them, and functions that may be conserved."""

    data: xr.Dataset
    sought: Sought
    library: Features | None


def _resumable(run: RunDirectory, reuse: bool) -> partial:
    options = {"log": run.log, "progress": run.progress("chunks"), "reuse": reuse}
    return partial(accumulate_resumable, folder=run.folder, key=sums_key(run.config), **options)


def _publish(
    run: RunDirectory, data: xr.Dataset, search: SymmetryDiscovery, conserved: xr.Dataset | None, title: str
) -> None:
    with run.stage("figures"):
        pictures = described.draw(run.figures, data, search)
    groups = {**described.groups(search, conserved), "provenance": run.provenance(checksum(data))}
    findings = described.findings(search, conserved)
    publish(run, groups, title=title, findings=findings, figures=pictures)
    tell(run, findings)
