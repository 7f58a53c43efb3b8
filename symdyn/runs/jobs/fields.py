"""The law of fields and its point symmetries: identify, discover, constrain, report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import xarray as xr

from symdyn.data.grids import field_grid, is_field_data
from symdyn.data.trajectories import open_trajectories
from symdyn.discovery.point.point_symmetry import PointSymmetryDiscovery
from symdyn.jets.pointfields import point_candidates
from symdyn.regression import PDERegression
from symdyn.reporting.describe import fields as described
from symdyn.runs.directory import RunDirectory
from symdyn.runs.job import run_job
from symdyn.runs.opening import check_delta, read_through
from symdyn.runs.options import RunOptions
from symdyn.runs.publish import checksum, publish

__all__ = ["fields"]


def fields(data: str, *, candidates: str = "2", delta: float = 0.02, **options: Any) -> None:
    """Identify the law of fields, look for its point symmetries, fit it inside them, and report.

    Parameters
    ----------
    data : str
        File of fields.
    candidates : str
        A degree, or names between commas, see `PointSymmetryDiscovery`.
    delta : float
        The violation up to which a symmetry counts.
    **options
        See `RunOptions`; `out` is `runs/fields` if left out.
    """
    shared = RunOptions(**{"out": "runs/fields", **options})
    config = {"job": "fields", "seed": shared.seed, "delta": delta, "data": data, "candidates": candidates}

    sought = int(candidates) if candidates.isdigit() else candidates.split(",")

    def opened() -> xr.Dataset:
        check_delta(delta)
        dataset = open_trajectories(data)
        if not is_field_data(dataset):
            raise ValueError(
                f"{data} holds trajectories, no fields over (trajectory, time, x[, y]): see symdyn discover"
            )
        grid = field_grid(dataset)
        point_candidates(sought, grid.coordinates, grid.fields)
        return read_through(dataset)

    def work(run: RunDirectory, dataset: xr.Dataset) -> None:
        with run.stage("identify the law, discover symmetries"):
            search = PointSymmetryDiscovery(sought, delta=delta, rng=shared.seed).fit(dataset)
            run.log.info("\n%s", search.summary())
        model = None
        if search.algebra_.dim and search.algebra_.exact.all():
            with run.stage("constrain the law"):
                model = PDERegression(symmetry=search.algebra_, rng=shared.seed).fit(dataset)
        _publish(run, dataset, search, model, f"Symmetries in {Path(data).name}")

    run_job(shared, config, work, opened)


def _publish(
    run: RunDirectory, data: xr.Dataset, search: PointSymmetryDiscovery, model: PDERegression | None, title: str
) -> None:
    law = search.equation_ if model is None else model.equation_
    groups = {**described.groups(search, law), "provenance": run.provenance(checksum(data))}
    findings, pictures = described.findings(search, model), described.draw(run.figures, data, search)
    publish(run, groups, title=title, findings=findings, figures=pictures)
