"""The end of a job: results, page, and its sentences in the log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import xarray as xr

from symdyn.reporting.page import Picture, report
from symdyn.runs.directory import RunDirectory
from symdyn.sums.store import save_results

__all__ = ["publish", "tell"]


def publish(
    run: RunDirectory,
    groups: Mapping[str, xr.Dataset],
    *,
    title: str,
    findings: Sequence[str],
    figures: Sequence[Picture],
    tables: Mapping[str, xr.Dataset] | None = None,
) -> None:
    """Write `results.nc` and `report.html` of a run.

    Parameters
    ----------
    run : RunDirectory
    groups : mapping of str to xr.Dataset
        Groups of `results.nc`.
    title, findings, figures
        As in `symdyn.reporting.page.report`.
    tables : mapping of str to xr.Dataset, optional
        What the page shows, where that is not all groups as they are.
    """
    save_results(dict(groups), run.path / "results.nc")
    shown = dict(groups if tables is None else tables)
    report(shown, run.path, title=title, findings=findings, figures=figures)


def tell(run: RunDirectory, findings: Sequence[str]) -> None:
    """Log the sentences of a report."""
    for sentence in findings:
        run.log.info("%s", sentence)
