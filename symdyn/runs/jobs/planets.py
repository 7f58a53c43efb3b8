"""From an ephemeris to a symmetry, a constrained law and a report."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from symdyn.data.motion import paired_states
from symdyn.data.trajectories import each_trajectory, open_trajectories, state_names
from symdyn.data.units import matched_velocities
from symdyn.discovery.symmetry import SymmetryDiscovery
from symdyn.functions.features import CentralForce, Polynomial
from symdyn.lie import candidates
from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.regression import FittedLaw, SymmetricSINDy
from symdyn.regression.holdout import FitRows, central_strength, compare_left_out, fit_on_rows, fit_rows
from symdyn.reporting.describe import planets as described
from symdyn.reporting.figures import principal_axes
from symdyn.runs.directory import RunDirectory
from symdyn.runs.job import run_job
from symdyn.runs.opening import read_through
from symdyn.runs.options import RunOptions
from symdyn.runs.publish import checksum, publish, tell
from symdyn.sums.checkpoint import accumulate_resumable
from symdyn.sums.moments import accumulate
from symdyn.systems import kepler, with_noise

__all__ = ["planets"]

_FEATURES = CentralForce(powers=range(6)) + Polynomial(1, columns=(3, 4, 5))
# Of STLSQ on normalised columns: the first is used, the others are tried on the free fit.
_THRESHOLDS = (1.0, 0.3, 3.0)
_NOISE_LEVELS = (0.0, 1e-4, 1e-3, 1e-2)
_LEFT_OUT = 9


def planets(*, data: str | None = None, simulate: int | None = None, noise: float = 0.0, **options: Any) -> None:
    """Find the symmetries of bodies round one sun, fit their law inside them, predict bodies left out, and report.

    Parameters
    ----------
    data : str, optional
        File of positions and velocities.
    simulate : int, optional
        So many simulated bodies instead, whose orbits point in all directions.
    noise : float
        Of simulated bodies.
    **options
        See `RunOptions`; `out` is `runs/planets` if left out.

    Raises
    ------
    ValueError
        With neither data nor bodies to simulate.
    """
    if simulate is not None and simulate < 2:
        raise ValueError(f"--simulate must be at least 2 bodies, got {simulate}")
    if data is None and simulate is None:
        raise ValueError("give data, or a number of bodies to simulate")
    shared = RunOptions(**{"out": "runs/planets", **options})
    source = {"simulate": simulate, "noise": noise} if simulate else {"data": data}

    def opened() -> xr.Dataset:
        simulated = kepler(simulate, noise=noise, rng=shared.seed) if simulate else None
        dataset = open_trajectories(data if simulated is None else simulated, chunks=3)
        return read_through(matched_velocities(dataset, paired_states(dataset, state_names(dataset))))

    def work(run: RunDirectory, dataset: xr.Dataset) -> None:
        with run.stage("identify the law, discover symmetries"):
            kept = {"folder": run.folder, "key": "planets", "log": run.log, "reuse": shared.resume}
            search = _discovered(dataset, shared.seed, partial(accumulate_resumable, **kept))
            run.log.info("\n%s", search.summary())
        dataset = dataset.load()
        found = _found(run, dataset, search, simulated=bool(simulate), seed=shared.seed)
        _publish(run, dataset, found, described.title(simulate, noise))

    run_job(shared, {"job": "planets", "seed": shared.seed, **source}, work, opened)


def _discovered(data: xr.Dataset, seed: int, sums: Callable = accumulate) -> SymmetryDiscovery:
    sought = candidates.gl(3, time_scaling=True)
    return SymmetryDiscovery(sought, law=_FEATURES, rng=seed).fit(data, accumulate=sums)


def _fit(
    rows: FitRows, states: list[str], symmetry: LieAlgebra | None, threshold: float = _THRESHOLDS[0]
) -> tuple[SymmetricSINDy, FittedLaw]:
    return fit_on_rows(rows, states, _FEATURES, symmetry=symmetry, threshold=threshold)


def _found(
    run: RunDirectory, data: xr.Dataset, search: SymmetryDiscovery, *, simulated: bool, seed: int
) -> described.PlanetsResult:
    with run.stage("fit with and without the symmetry"):
        given = fit_rows(data), state_names(data)
        model, law = _fit(*given, search.algebra_)
        _, free = _fit(*given, None)
    with run.stage("leave one body out"):
        left_out = range(min(_LEFT_OUT, data.sizes["trajectory"]))
        predictions = compare_left_out(data, left_out, lambda rest: _laws_without(rest, seed))
    with run.stage("add noise"):
        under_noise = _bounds_under_noise(data, seed)
    strengths = {body.name: central_strength(body) for body in each_trajectory(data)}
    return described.PlanetsResult(search, model, law, free, predictions, strengths, under_noise, simulated)


def _laws_without(rest: xr.Dataset, seed: int) -> dict[str, FittedLaw]:
    """Fit the laws of the rest; the symmetry is discovered without the body that is left out, too."""
    given = fit_rows(rest), state_names(rest)
    free = {f"free, threshold {value:g}": _fit(*given, None, value)[1] for value in _THRESHOLDS}
    return {"constrained": _fit(*given, _discovered(rest, seed).algebra_)[1], **free}


def _bounds_under_noise(data: xr.Dataset, seed: int) -> xr.Dataset:
    """Bound rotations about the axes of the bodies' common plane, with noise added to the data."""
    axes = principal_axes([run.states[:, :3] for run in each_trajectory(data)])[::-1]
    rotations = candidates.from_matrices(np.stack([np.cross(np.eye(3), axis) for axis in axes]))
    searches = [_discovered(with_noise(data, level, seed), seed) for level in _NOISE_LEVELS]
    bounds = np.array([search.judge(rotations).upper_bound.values for search in searches])
    names = ("rotation in the plane", "out of it, first axis", "out of it, second axis")
    columns = {name: ("trajectory", column) for name, column in zip(names, bounds.T, strict=True)}
    accepted = ("trajectory", [search.algebra_.dim for search in searches])
    return xr.Dataset({**columns, "accepted": accepted}, {"trajectory": [f"{x:g}" for x in _NOISE_LEVELS]})


def _publish(run: RunDirectory, data: xr.Dataset, found: described.PlanetsResult, title: str) -> None:
    with run.stage("figures"):
        pictures = described.draw(run.figures, data, found.search, found.predictions)
    groups = {**described.groups(found), "provenance": run.provenance(checksum(data))}
    findings = described.findings(found.search.algebra_, groups)
    publish(run, groups, title=title, findings=findings, figures=pictures)
    tell(run, findings)
