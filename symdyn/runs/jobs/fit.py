"""A law inside a symmetry that is given, or found first on some of the trajectories."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from symdyn.data.motion import paired_states
from symdyn.data.trajectories import Trajectory, each_trajectory, open_trajectories, state_names
from symdyn.data.units import matched_velocities
from symdyn.functions.words import parse_features
from symdyn.lie.actions import action_of
from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.lie.words import parse_candidates, parse_elements
from symdyn.regression import FittedLaw, Pareto, SymmetricFit, discover_then_fit, pareto, subalgebras
from symdyn.regression.discovered import fit_then_judge
from symdyn.regression.holdout import Prediction, predict_trajectory
from symdyn.regression.jackknife import jackknife_errors
from symdyn.regression.optimizer import default_optimizer
from symdyn.reporting.describe import fit as described
from symdyn.rows.rates import characteristic_time, differentiate
from symdyn.runs.directory import RunDirectory
from symdyn.runs.job import run_job
from symdyn.runs.opening import read_through
from symdyn.runs.options import RunOptions
from symdyn.runs.parsing import names
from symdyn.runs.publish import checksum, publish, tell
from symdyn.runs.search_words import SearchWords
from symdyn.sums.moments import joined

__all__ = ["fit"]

_THRESHOLDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
_PREDICTED = 20  # trajectories
_PERIODS = 3  # that are predicted


def fit(
    data: str,
    *,
    symmetry: str | None = None,
    discover: bool = False,
    kind: str = "flow",
    candidates: str = "affine",
    elements: str = "none",
    law: str = "polynomial:3",
    threshold: float = 0.01,
    model: int | None = None,
    states: str | None = None,
    **options: Any,
) -> None:
    """Fit a law inside a symmetry on some of the trajectories, judge it on others, and report.

    Parameters
    ----------
    data : str
        File of trajectories.
    symmetry : str, optional
        File of a saved algebra, or `results.nc` of a discovery.
    discover : bool
        Find the symmetry on yet other trajectories; either this or a symmetry is given.
    kind, candidates, elements, law
        See `SearchWords`; candidates and elements are those of a discovery.
    threshold : float
        Below which terms are dropped, where the data are of size 1.
    model : int, optional
        Take the law of this row of the table of models instead.
    states : str, optional
        Names between commas; as the file says if left out.
    **options
        See `RunOptions`; `out` is `runs/fit` if left out.

    Raises
    ------
    ValueError
        Without a symmetry and without discovery, and with both.
    """
    if (symmetry is None) is not discover:
        raise ValueError("give a symmetry, or discover=True to find one, and not both")
    shared = RunOptions(**{"out": "runs/fit", **options})
    config = {"job": "fit", "seed": shared.seed, "data": data, "symmetry": symmetry, "discover": discover, "kind": kind}
    config |= {"candidates": candidates, "elements": elements, "law": law, "threshold": threshold, "model": model}
    words = SearchWords(kind, law, candidates, elements)

    def opened() -> tuple[xr.Dataset, LieAlgebra | None]:
        dataset = read_through(_opened(data, states, kind))
        words.on(dataset)
        return dataset, None if symmetry is None else LieAlgebra.load(symmetry)

    def work(run: RunDirectory, opened: tuple[xr.Dataset, LieAlgebra | None]) -> None:
        dataset, given = opened
        with run.stage("discover, fit, judge" if discover else "fit, judge"):
            found = _fitted(dataset, given, words, threshold=threshold, seed=shared.seed)
            run.log.info("\n%s", found.summary())
        with run.stage("choose between models"):
            models = _models(found, threshold)
        chosen = found.law if model is None else _chosen(models.laws, model)
        chosen.save(run.path / "law.nc")
        with run.stage("standard errors"):
            errors = _errors(found, threshold) if model is None else None
        _publish(run, dataset, found, models, chosen, errors)

    run_job(shared, {**config, "states": states}, work, opened)


def _opened(data: str, states: str | None, kind: str) -> xr.Dataset:
    dataset = open_trajectories(data, states=names(states))
    if action_of(kind).has_velocities:  # the law is solved to judge it
        dataset = matched_velocities(dataset, paired_states(dataset, state_names(dataset)))
    return dataset


def _fitted(
    data: xr.Dataset, given: LieAlgebra | None, words: SearchWords, *, threshold: float, seed: int
) -> SymmetricFit:
    n = len(state_names(data))
    law, optimizer = parse_features(words.law, n), default_optimizer(threshold)
    if given is not None:
        return fit_then_judge(data, given, law, layout=words.kind, rng=seed, optimizer=optimizer)
    n_moved = n // 2 if action_of(words.kind).has_velocities else n
    elements = parse_elements(words.elements, n_moved)
    candidates = [parse_candidates(words.candidates, n_moved), *([] if elements is None else [elements])]
    return discover_then_fit(data, candidates, law, kind=words.kind, rng=seed, optimizer=optimizer)


def _models(fit: SymmetricFit, threshold: float) -> Pareto:
    """Fit every threshold with every part of the symmetry that is enforced."""
    options = {"layout": fit.layout, "thresholds": sorted({*_THRESHOLDS, threshold})}
    return pareto(fit.train, fit.held_out, fit.law.features, symmetries=_symmetries(fit), **options)


def _symmetries(fit: SymmetricFit) -> dict:
    """List what the table of models tries: nothing, each subalgebra, finite elements, all together."""
    parts = fit.symmetry if isinstance(fit.symmetry, list) else [fit.symmetry]
    algebra = next((part for part in parts if isinstance(part, LieAlgebra)), None)
    found = {"none": None} if algebra is None else subalgebras(algebra)
    elements = [part for part in parts if part is not None and not isinstance(part, LieAlgebra)]
    if elements:
        found["finite"] = elements[0]
        if algebra is not None:
            found["all, and finite"] = fit.symmetry
    return found


def _chosen(laws: list[FittedLaw], index: int) -> FittedLaw:
    if not 0 <= index < len(laws):
        raise ValueError(f"--model must be a row of the table of models, 0 to {len(laws) - 1}, got {index}")
    return laws[index]


def _predictions(data: xr.Dataset, fit: SymmetricFit, law: FittedLaw) -> list[tuple[Prediction, Prediction]]:
    """Predict trajectories left out from their smoothed first states, by the law and by the free one."""
    pairs = []
    compared = len(law.coefficients)
    for run in each_trajectory(data.isel(trajectory=fit.indices[-1][:_PREDICTED])):
        states = run.states if action_of(law.kind).increments else differentiate(run.times, run.states)[0]
        duration = _PERIODS * 2 * np.pi * characteristic_time(run.times, run.states)
        smooth = Trajectory(run.name, run.times, states)
        first, second = (predict_trajectory(one, smooth, duration, compared=compared) for one in (law, fit.free))
        pairs.append((first, second))
    return pairs


def _errors(fit: SymmetricFit, threshold: float) -> np.ndarray:
    """Compute standard errors of the law, from the trajectories of fit and judgement."""
    sums = joined([fit.train, fit.held_out])
    return jackknife_errors(sums, fit.law.features, fit.enforcement, default_optimizer(threshold), fit.layout)


def _publish(
    run: RunDirectory,
    data: xr.Dataset,
    fit: SymmetricFit,
    models: Pareto,
    law: FittedLaw,
    errors: np.ndarray | None,
) -> None:
    with run.stage("figures"):
        pairs = _predictions(data, fit, law)
        pictures = described.draw(run.figures, fit, models, pairs, law)
    groups = described.groups(fit, models, pairs, law, n_periods=_PERIODS, errors=errors)
    groups["provenance"] = run.provenance(checksum(data))
    findings = described.findings(fit, law)
    title = f"A law for {Path(run.config['data']).name}"
    publish(run, groups, title=title, findings=findings, figures=pictures)
    tell(run, findings)
