"""Neural operators that keep, or learn, a symmetry: `python workflows/train_operator.py DATA --symmetry FILE`.

DATA is a netCDF or Zarr file of periodic fields over (trajectory, time, x[, y]), read in blocks; FILE holds an algebra:
`results.nc` of workflows/fields.py or workflows/discover.py, or what `LieAlgebra.save` wrote. Operators from u(t) to
u(t + lead) are trained side by side and tested on other trajectories, as they are and moved by the symmetry. Leaves
report.html, results.nc, models/*/operator.safetensors, config.toml, run.log and figures/ in the run directory.

With `--sweep 16,32,64` every model is trained on so many trajectories, with several seeds; `--scheduler local` runs
them in processes side by side.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import symdyn as sd
from symdyn.runs.directory import checksum
from symdyn.runs.sweep import sweep
from symdyn.sums.store import algebra_to_dataset, save_results

KINDS = ("plain", "equivariant", "penalty", "augmented")


def job(run, args) -> None:
    """Do the work of the job in its run directory."""
    # Here, so that --help needs no torch.
    import torch

    from symdyn.neural.checkpoints import save_module
    from symdyn.neural.operators.job import operator_task, trained
    from symdyn.reporting.describe import training as described

    torch.set_num_threads(1)
    with run.stage("open fields"):
        data, symmetry = opened(args)
        task = operator_task(data, symmetry, options(args))
        models = {kind: task.model(kind) for kind in chosen(run, args, task)}
        digest = checksum(data)
    found, fits = {}, {}
    for kind in models:
        folder = run.path / "models" / kind
        with run.stage(f"train {kind}"):
            along = {"checkpoint": folder, "resume": args.resume, "about": digest}
            progress = run.progress(f"epochs of {kind}")
            found[kind], fits[kind], models[kind] = trained(task, kind, **along, progress=progress)
            save_module(found[kind], folder / "operator.safetensors")
            run.log.info("%s: %s after %d epochs", kind, fits[kind].stopped, fits[kind].history.sizes["epoch"])
    with run.stage("test"):
        table = tested(task, found, fits, models)
    with run.stage("figures"):
        shown = described.draw(run.figures, task, found, fits)
    errors = described.table(table)
    provenance = run.provenance(digest)
    joined = algebra_to_dataset(symmetry)
    groups = {"models": errors, "symmetry": joined, "provenance": provenance}
    history = {f"history_{kind}": fit.history for kind, fit in fits.items()}
    save_results({**groups, **history}, run.path / "results.nc")
    findings = described.findings(table, task)
    pages = {
        **described.in_pages(errors),
        "symmetry": described.places(task.parts.notes),
        "provenance": provenance,
    }
    title = f"Operators trained on {Path(args.data).name}"
    sd.report(pages, run.path, title=title, findings=findings, figures=shown)
    for sentence in findings:
        run.log.info("%s", sentence)


def tested(task, modules, fits, models) -> dict[str, dict[str, float]]:
    """Errors, and milliseconds of a step, of each model."""
    from symdyn.neural.operators.score import scores, step_seconds

    table = {}
    for kind, module in modules.items():
        options = {"memory": task.options.memory}
        table[kind] = {"validation": fits[kind].error, "epochs": float(fits[kind].history.sizes["epoch"])}
        table[kind] |= scores(task.split.test, module, models[kind], task.parts, task.options.lead, **options)
    u, target = (part.to(task.options.device) for part in next(iter(task.pairs)))
    for kind, seconds in step_seconds(models, u, target).items():
        table[kind]["step"] = 1e3 * seconds
    return table


def sweep_job(run, args) -> None:
    """Train every model on each number of trajectories."""
    from dataclasses import asdict

    from symdyn.neural.operators.job import operator_point, operator_task
    from symdyn.reporting.describe import training as described

    with run.stage("open fields"):
        data, symmetry = opened(args)
        sizes = numbers(args.sweep)
        task = operator_task(data, symmetry, options(args))
        if max(sizes) > (most := task.split.train.sizes["trajectory"]):
            raise ValueError(f"--sweep asks for {max(sizes)} trajectories, {most} are left for training")
        kinds = chosen(run, args, task)
        for kind in kinds:
            task.model(kind)
        digest = checksum(data) + hashlib.sha256(Path(args.symmetry).read_bytes()).hexdigest()
    fixed = {name: value for name, value in asdict(task.options).items() if name not in ("n_train", "seed")}
    fixed |= {"data": str(Path(args.data).resolve()), "symmetry": str(Path(args.symmetry).resolve())}
    swept = {
        "model": kinds,
        "n_train": sizes,
        "seed": [args.seed + k for k in range(args.seeds)],
    }
    with run.stage("sweep"):
        results = sweep(
            operator_point,
            {**fixed, "identity": digest},
            swept,
            run.path,
            log=run.log,
            progress=run.progress("points"),
            reuse=args.resume,
        )
    failed = int((results.error != "").sum()) if "error" in results else 0
    if failed:
        raise ValueError(f"{failed} points failed, see {run.path / 'run.log'}; --resume tries them again")
    with run.stage("figures"):
        shown = described.draw_sweep(run.figures, results)
    groups = {"models": described.sweep_table(results), "provenance": run.provenance(digest[:64])}
    save_results({**groups, "sweep": results}, run.path / "results.nc")
    findings = described.sweep_findings(results)
    sd.report(groups, run.path, title="Operators against the size of the data", findings=findings, figures=shown)
    for sentence in findings:
        run.log.info("%s", sentence)


def opened(args):
    """The fields, lazy in the chunks of the file, and the symmetry."""
    return sd.open_trajectories(args.data, chunks=None), sd.LieAlgebra.load(args.symmetry)


def chosen(run, args, task) -> list[str]:
    """The kinds of models, after telling where each generator went."""
    from symdyn.neural.operators.models import kinds_for
    from symdyn.reporting.describe import training as described

    for note in (*task.parts.notes, *described.assumed(task)):
        run.log.info("%s", note)
    return list(dict.fromkeys(args.model or kinds_for(task.parts, task.options.space)))


def options(args):
    """Return the options of operators."""
    from symdyn.neural.operators.job import OperatorOptions

    space = None if args.space == "auto" else () if args.space == "none" else tuple(args.space.split(","))
    names = ("modes", "width", "layers", "epochs", "batch", "rate", "patience", "device", "lead", "weight", "seed")
    given = {name: vars(args)[name] for name in names}
    return OperatorOptions(**given, space=space, n_train=args.train, memory=1e6 * args.memory)


def numbers(text: str) -> list[int]:
    """Read numbers of trajectories between commas."""
    try:
        found = [int(part) for part in text.split(",")]
    except ValueError:
        raise ValueError(f"--sweep must be whole numbers such as 16,32,64, got {text!r}") from None
    return sorted(set(found))
