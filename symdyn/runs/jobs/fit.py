"""A law inside a symmetry: `python workflows/fit.py DATA --symmetry symmetry.nc`, or `--discover` to find one first.

DATA is any file that `symdyn.open_trajectories` opens (.nc, .zarr, .csv, .npz). Fitted on some of the trajectories,
judged on others; with `--discover` the symmetry is found on yet others. Leaves report.html, results.nc, law.nc,
config.toml, run.log, figures/.
"""

from __future__ import annotations

from pathlib import Path

import symdyn as sd
from symdyn.data.motion import paired_states
from symdyn.data.trajectories import state_names
from symdyn.data.units import matched_velocities
from symdyn.functions.words import parse_features
from symdyn.lie import words
from symdyn.regression import FittedLaw, discover_then_fit, pareto
from symdyn.regression.discovered import fit_then_judge
from symdyn.regression.optimizer import default_optimizer
from symdyn.reporting.describe import fit as described
from symdyn.runs.directory import checksum
from symdyn.sums.store import save_results

THRESHOLDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)


def job(run, args) -> None:
    """Do the work of the job in its run directory."""
    with run.stage("open trajectories"):
        data = sd.open_trajectories(args.data, states=args.states.split(",") if args.states else None)
        if args.kind == "second_order":  # the law is solved to judge it
            data = matched_velocities(data, paired_states(data, state_names(data)))
        symmetry = None if args.discover else sd.LieAlgebra.load(args.symmetry)
    with run.stage("discover, fit, judge" if args.discover else "fit, judge"):
        fit = fitted(data, symmetry, args)
        run.log.info("\n%s", fit.summary())
    with run.stage("choose between models"):
        symmetries = described.symmetries(fit)
        thresholds = sorted({*THRESHOLDS, args.threshold})
        options = {"layout": fit.layout, "thresholds": thresholds}
        models = pareto(fit.train, fit.held_out, fit.law.features, symmetries=symmetries, **options)
    law = fit.law if args.model is None else chosen(models.laws, args.model)
    law.save(run.path / "law.nc")
    with run.stage("figures"):
        predictions = described.predictions(data, fit, law)
        pictures = described.draw(run.figures, fit, models, predictions, law)
    groups = described.groups(fit, models, predictions, law)
    groups["provenance"] = run.provenance(checksum(data))
    save_results(groups, run.path / "results.nc")
    findings = described.findings(fit, models, law)
    sd.report(groups, run.path, title=f"A law for {Path(args.data).name}", findings=findings, figures=pictures)
    for sentence in findings:
        run.log.info(sentence)


def fitted(data, symmetry, args):
    """Fit the law, after discovery if asked for."""
    n = len(state_names(data))
    law, options = parse_features(args.law, n), {"optimizer": default_optimizer(args.threshold)}
    if symmetry is not None:
        return fit_then_judge(data, symmetry, law, layout=args.kind, rng=args.seed, **options)
    n_moved = n // 2 if args.kind == "second_order" else n
    elements = words.parse_elements(args.elements, n_moved)
    candidates = [words.parse_candidates(args.candidates, n_moved), *([] if elements is None else [elements])]
    return discover_then_fit(data, candidates, law, kind=args.kind, rng=args.seed, **options)


def chosen(laws: list[FittedLaw], index: int) -> FittedLaw:
    """Return the law of a row of the table of models."""
    if not 0 <= index < len(laws):
        raise ValueError(f"--model must be a row of the table of models, 0 to {len(laws) - 1}, got {index}")
    return laws[index]
