"""What a symmetry is worth in samples, measured: `python workflows/learning_curves.py --out runs/learning`.

Functions whose energy above each eigenvalue is a power of it are learned from n noisy samples, with and without the
group that leaves them invariant: sign flips on a torus (groups of 1 to 1024 elements), a swap and quarter turns of a
torus, turns of a sphere about an axis and the rotations of a cube. Excess risks against n, the fitted slopes and
offsets, and the theory's. Every finished point is kept; `--resume` goes on.
"""

from __future__ import annotations

import symdyn as sd
from symdyn.invariant.learning_experiment import FAMILIES, learning_risk
from symdyn.reporting.describe import learning_curves as described
from symdyn.runs.directory import checksum
from symdyn.runs.sweep import sweep
from symdyn.sums.store import save_results


def job(run, args) -> None:
    """Do the work of the job in its run directory."""
    curves = {}
    for name in args.family:
        with run.stage(name):
            swept = {
                "group": list(FAMILIES[name].groups),
                "n": [2**k for k in range(args.first, args.last + 1)],
                "seed": [args.seed + k for k in range(args.seeds)],
            }
            fixed = {"family": name, "noise": args.noise}
            options = {"log": run.log, "progress": run.progress("points"), "reuse": args.resume}
            curves[name] = sweep(learning_risk, fixed, swept, run.path, **options)
    failed = sum(int((found.error != "").sum()) for found in curves.values() if "error" in found)
    if failed:
        raise ValueError(f"{failed} points failed, see {run.path / 'run.log'}; --resume tries them again")
    table = described.table(curves)
    with run.stage("figures"):
        pictures = described.draw(run.figures, curves)
    data = {described.group_name(name): found for name, found in curves.items()}
    groups = {"learning": table, "provenance": run.provenance(checksum(table))}
    save_results({**groups, **data}, run.path / "results.nc")
    findings = described.findings(table, args.seeds)
    sd.report(groups, run.path, title="What a symmetry is worth in samples", findings=findings, figures=pictures)
    for sentence in findings:
        run.log.info(sentence)
