"""Sums over trajectories, in shares if need be."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import xarray as xr

from symdyn.data.trajectories import open_trajectories
from symdyn.discovery.problem import Problem, set_up
from symdyn.runs.directory import RunDirectory
from symdyn.runs.job import run_job
from symdyn.runs.options import RunOptions, sums_key
from symdyn.runs.parsing import names
from symdyn.runs.search_words import SearchWords
from symdyn.sums.checkpoint import accumulate_resumable, accumulate_share
from symdyn.sums.store import save_moments

__all__ = ["accumulate"]


def accumulate(
    data: str,
    *,
    share: tuple[int, int] | None = None,
    chunks: int | str = "auto",
    kind: str = "flow",
    law: str = "polynomial:3",
    time_translation: bool = False,
    states: str | None = None,
    inputs: str | None = None,
    **options: Any,
) -> None:
    """Sum over trajectories, and keep the sums of every chunk; `discover` with the same options finds them.

    What is there already is not summed again, unless it is to be replaced (`force`).

    Parameters
    ----------
    data : str
        File of trajectories.
    share : (int, int), optional
        (K, N): only chunks K, K + N, ..., each kept for the job that goes on; else all of them, in `moments.nc`.
    chunks : int or str
        Trajectories in a chunk, or a bound such as `"16MB"` (see `open_trajectories`).
    kind, law, time_translation, inputs
        See `SearchWords`.
    states : str, optional
        Names between commas; as the file says if left out.
    **options
        See `RunOptions`; `out` is `runs/sums` if left out.
    """
    shared = RunOptions(**{"out": "runs/sums", **options})
    if not shared.force:  # sums found under their hashes are the same sums
        shared = replace(shared, resume=True)
    config = {"job": "accumulate", "data": data, "chunks": chunks, "kind": kind, "law": law, "states": states}
    config |= {"inputs": inputs, "time_translation": time_translation}
    # Which generators are looked for does not matter to the sums.
    words = SearchWords(kind, law, "translations", time_translation=time_translation, inputs=inputs)

    def opened() -> tuple[xr.Dataset, Problem]:
        dataset = open_trajectories(data, states=names(states), chunks=chunks)
        sought = words.on(dataset)
        problem = set_up(dataset, sought.candidates[0], sought.law, kind, "vector_field", sought.inputs)
        return dataset, problem

    def work(run: RunDirectory, given: tuple[xr.Dataset, Problem]) -> None:
        dataset, problem = given
        _sum(run, (dataset, problem.features, problem.layout, shared.out, sums_key(config)), share, shared)

    # Jobs of an array share the parts, not the log.
    folder = Path(shared.out) if share is None else Path(shared.out) / "shares" / "{}-of-{}".format(*share)
    run_job(replace(shared, out=folder), config, work, opened)


def _sum(run: RunDirectory, what: tuple, share: tuple[int, int] | None, shared: RunOptions) -> None:
    options = {"log": run.log, "progress": run.progress("chunks")}
    if share is not None:
        computed, in_share = accumulate_share(*what, share=share, **options)
        run.log.info("share %d of %d: %d chunks, %d of them new", *share, in_share, computed)
        return
    with run.stage("accumulate"):
        moments = accumulate_resumable(*what, **options, reuse=not shared.force)
    save_moments(moments, run.folder / "moments.nc")  # stays, as the parts do, when a discovery goes on with them
    run.log.info("sums over %d trajectories: %s", moments.n_trajectories, run.folder / "moments.nc")
