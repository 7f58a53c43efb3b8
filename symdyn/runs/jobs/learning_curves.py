"""What a symmetry is worth in samples, measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import xarray as xr

from symdyn.functions.words import did_you_mean
from symdyn.invariant.learning_experiment import FAMILIES, learning_risk
from symdyn.reporting.describe import learning_curves as described
from symdyn.runs.directory import RunDirectory
from symdyn.runs.job import run_job
from symdyn.runs.options import RunOptions
from symdyn.runs.publish import checksum, publish, tell
from symdyn.runs.sweep import check_finished, sweep

__all__ = ["learning_curves"]


def learning_curves(
    *,
    family: Sequence[str] | None = None,
    first: int = 8,
    last: int = 15,
    seeds: int = 8,
    noise: float = 1.0,
    **options: Any,
) -> None:
    """Learn functions from n noisy samples, with and without the group that leaves them invariant, and report.

    Parameters
    ----------
    family : sequence of str, optional
        Names of `symdyn.invariant.learning_experiment.FAMILIES`; all if left out.
    first, last : int
        Smallest and largest number of samples, as powers of 2.
    seeds : int
        Functions and samples drawn at each n.
    noise : float
        Its standard deviation.
    **options
        See `RunOptions`; `out` is `runs/learning` if left out.

    Raises
    ------
    ValueError
        For families that there are not, and numbers that make no curve.
    """
    families = list(family or FAMILIES)
    unknown = sorted(set(families) - set(FAMILIES))
    if unknown:
        known = ", ".join(f"'{name}'" for name in FAMILIES)
        raise ValueError(f"--family {unknown[0]!r} is none of {known}{did_you_mean(unknown[0], FAMILIES)}")
    if not (0 < first < last and seeds > 0 and noise > 0):
        raise ValueError("--first must be positive and below --last, --seeds and --noise positive")
    shared = RunOptions(**{"out": "runs/learning", **options})
    config = {"job": "learning_curves", "family": "; ".join(families), "first": first, "last": last, "seeds": seeds}
    drawn = [shared.seed + k for k in range(seeds)]
    swept = {"n": [2**k for k in range(first, last + 1)], "seed": drawn}

    def work(run: RunDirectory, _: None) -> None:
        curves = {}
        for name in families:
            with run.stage(name):
                axes = {"group": list(FAMILIES[name].groups), **swept}
                log = {"log": run.log, "progress": run.progress("points"), "reuse": shared.resume}
                curves[name] = sweep(learning_risk, {"family": name, "noise": noise}, axes, run.folder, **log)
        _publish(run, curves, seeds)

    run_job(shared, {**config, "noise": noise, "seed": shared.seed}, work)


def _publish(run: RunDirectory, curves: dict[str, xr.Dataset], seeds: int) -> None:
    check_finished(*curves.values(), log=run.path / "run.log")
    table = described.table(curves)
    with run.stage("figures"):
        pictures = described.draw(run.figures, curves)
    tables = {"learning": table, "provenance": run.provenance(checksum(table))}
    data = {described.group_name(name): found for name, found in curves.items()}
    findings = described.findings(table, seeds)
    title = "What a symmetry is worth in samples"
    publish(run, {**tables, **data}, title=title, findings=findings, figures=pictures, tables=tables)
    tell(run, findings)
