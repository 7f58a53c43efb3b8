"""The law of fields and its point symmetries: identify, discover, constrain, report: `python workflows/fields.py DATA`.

DATA is a netCDF or Zarr file of fields over (trajectory, time, x[, y]). Leaves report.html, results.nc, config.toml,
run.log and figures/ in the run directory.
"""

from __future__ import annotations

from pathlib import Path

import xarray as xr

import symdyn as sd
from symdyn.regression import PDERegression
from symdyn.reporting.describe.fields import draw_fields, draw_flows
from symdyn.reporting.style import save_figures
from symdyn.runs.directory import checksum
from symdyn.sums.store import algebra_to_dataset, save_results


def job(run, args) -> None:
    """Do the work of the job in its run directory."""
    with run.stage("open fields"):
        data = sd.open_trajectories(args.data)
    with run.stage("identify the law, discover symmetries"):
        candidates = int(args.candidates) if args.candidates.isdigit() else args.candidates.split(",")
        search = sd.PointSymmetryDiscovery(candidates, delta=args.delta, rng=args.seed).fit(data)
        run.log.info("\n%s", search.summary())
    findings = [f"Law: {'; '.join(search.law_.texts())}. Rows from {search.derivatives_}."]
    texts, name = search.algebra_.texts(), search.algebra_.name
    if texts:
        named = "" if name.startswith("unnamed") else f", {name}"
        findings.append(f"{len(texts)} point symmetries{named}: {'; '.join(texts)}.")
    else:
        findings.append("No point symmetry is accepted.")
    law = search.equation_
    if search.algebra_.dim and search.algebra_.exact.all():
        with run.stage("constrain the law"):
            model = PDERegression(symmetry=search.algebra_, rng=args.seed).fit(data)
            law = model.equation_
            left = "; ".join(model.features_) or "none"
            findings.append(f"What these symmetries leave free: {left}. Fitted: {'; '.join(model.equations())}.")
            findings += [said[0].upper() + said[1:] + "." for said in model.enforcement_.sentences()]
    findings += [note[0].upper() + note[1:] + "." for note in search.notes_]
    symmetry = search.verdicts_.assign_attrs(
        algebra=search.algebra_.name,
        caption="Point symmetries in order of evidence; residuals before and after a flow.",
    )
    joined = xr.merge([symmetry, algebra_to_dataset(search.algebra_)], combine_attrs="drop_conflicts")
    groups = {"symmetry": joined, "law": law_table(law), "provenance": run.provenance(checksum(data))}
    save_results(groups, run.path / "results.nc")
    pictures = {"fields": (draw_fields(data), "The first field of the first trajectories in space and time.")}
    if search.flows_ is not None:
        caption = (
            "A solution of the law, and the same moved along each generator found: each is a solution again (residuals "
            "in the table). White: contours of the solution as it was."
        )
        pictures["flows"] = (draw_flows(search.flows_), caption)
    shown = save_figures(run.figures, pictures)
    sd.report(groups, run.path, title=f"Symmetries in {Path(args.data).name}", findings=findings, figures=shown)


def law_table(law):
    """One column a field, one row a term."""
    table = xr.Dataset({f"rate of {field}": law.sel(field=field, drop=True) for field in law.field.values})
    return table.assign_attrs(caption="Coefficients of the law, inside the symmetries where these are exact.")
