"""From an ephemeris to a symmetry, a constrained law and a report: `python workflows/planets.py --out runs/planets`.

With `--simulate 30 --noise 0.01` the same job runs on simulated bodies whose orbits point in all directions.
"""

from __future__ import annotations

from functools import partial

import xarray as xr

import symdyn as sd
from symdyn.data.motion import paired_states
from symdyn.data.trajectories import each_trajectory, state_names
from symdyn.data.units import matched_velocities
from symdyn.regression.holdout import central_strength, compare_left_out, fit_on_rows, fit_rows
from symdyn.reporting.describe import planets as described
from symdyn.runs.directory import checksum
from symdyn.sums.checkpoint import accumulate_resumable
from symdyn.sums.moments import accumulate
from symdyn.sums.store import algebra_to_dataset, law_to_dataset, save_results

FEATURES = sd.features.CentralForce(powers=range(6)) + sd.features.Polynomial(1, columns=(3, 4, 5))
CANDIDATES = sd.candidates.gl(3, time_scaling=True)
THRESHOLDS = (1.0, 0.3, 3.0)  # of STLSQ on normalised columns: the first is used, the others are tried on the free fit
N_LEFT_OUT = 9


def discover(data, seed, sums=accumulate):
    """Look for symmetries."""
    return sd.SymmetryDiscovery(CANDIDATES, law=FEATURES, rng=seed).fit(data, accumulate=sums)


def fit(rows, states, symmetry, threshold=THRESHOLDS[0]):
    """Fit the law on all states, inside a symmetry if there is one."""
    return fit_on_rows(rows, states, FEATURES, symmetry=symmetry, threshold=threshold)


def laws_without(rest, seed):
    """The symmetry is discovered without the body that is left out, too."""
    given = fit_rows(rest), state_names(rest)
    free = {f"free, threshold {value:g}": fit(*given, None, value)[1] for value in THRESHOLDS}
    return {"constrained": fit(*given, discover(rest, seed).algebra_)[1], **free}


def job(run, args) -> None:
    """Do the work of the job in its run directory."""
    with run.stage("open trajectories"):
        simulated = sd.systems.kepler(args.simulate, noise=args.noise, rng=args.seed) if args.simulate else None
        data = sd.open_trajectories(args.data if simulated is None else simulated, chunks=3)
        data = matched_velocities(data, paired_states(data, state_names(data)))
    with run.stage("identify the law, discover symmetries"):
        kept = partial(accumulate_resumable, folder=run.path, key="planets", log=run.log, reuse=args.resume)
        search = discover(data, args.seed, kept)
        run.log.info("\n%s", search.summary())
    data = data.load()
    with run.stage("fit with and without the symmetry"):
        given = fit_rows(data), state_names(data)
        model, law = fit(*given, search.algebra_)
        _, free = fit(*given, None)
    with run.stage("leave one body out"):
        left_out = range(min(N_LEFT_OUT, data.sizes["trajectory"]))
        predictions = compare_left_out(data, left_out, lambda rest: laws_without(rest, args.seed))
    with run.stage("add noise"):
        under_noise = described.bounds_under_noise(data, lambda noisy: discover(noisy, args.seed), args.seed)
    strengths = {body.name: central_strength(body) for body in each_trajectory(data)}
    with run.stage("figures"):
        pictures = described.draw(run.figures, data, search, predictions)
    groups = described.groups(search, model, law, free, predictions, strengths, under_noise, run.config)
    groups["symmetry"] = xr.merge(
        [groups["symmetry"], algebra_to_dataset(search.algebra_)], combine_attrs="drop_conflicts"
    )
    groups["law"] = xr.merge(
        [groups["law"], law_to_dataset(law, [f"{s}'" for s in law.states])], combine_attrs="drop_conflicts"
    )
    groups["provenance"] = run.provenance(checksum(data))
    save_results(groups, run.path / "results.nc")
    findings = described.findings(search, groups)
    sd.report(groups, run.path, title=described.title(run.config), findings=findings, figures=pictures)
    for sentence in findings:
        run.log.info(sentence)
