"""Neural operators that keep, or learn, a symmetry; torch is loaded when they are trained."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import xarray as xr

from symdyn.data.trajectories import open_trajectories
from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.runs.directory import RunDirectory
from symdyn.runs.job import run_job
from symdyn.runs.options import RunOptions
from symdyn.runs.publish import checksum, publish, tell
from symdyn.runs.sweep import check_finished
from symdyn.runs.sweep import sweep as run_points
from symdyn.sums.store import algebra_to_dataset

if TYPE_CHECKING:
    from torch import nn

    from symdyn.neural.operators.job import OperatorTask
    from symdyn.neural.operators.models import OperatorModel
    from symdyn.neural.training import Training

__all__ = ["KINDS", "train_operator"]

_INCIDENTAL = ("data", "symmetry", "memory")  # where files lie; what is in them is a parameter of its own
KINDS = ("plain", "equivariant", "penalty", "augmented")


def train_operator(
    data: str,
    *,
    symmetry: str,
    model: Sequence[str] | None = None,
    space: str = "auto",
    modes: int = 8,
    width: int = 32,
    layers: int = 4,
    epochs: int = 50,
    batch: int = 16,
    lead: int = 1,
    seeds: int = 3,
    rate: float = 3e-3,
    weight: float = 0.1,
    patience: int | None = None,
    train: int | None = None,
    memory: float = 500,
    device: str = "cpu",
    precision: str = "float32",
    sweep: str | None = None,
    **options: Any,
) -> None:
    """Train operators from u(t) to u(t + lead) side by side, test them on other trajectories, and report.

    Parameters
    ----------
    data : str
        File of periodic fields, read in blocks.
    symmetry : str
        File of a saved algebra, or `results.nc` of a discovery.
    model : sequence of str, optional
        Some of `KINDS`; see `symdyn.neural.operators.models.kinds_for` if left out.
    space : str
        What moves the grid, between commas; `"none"`; or `"auto"`, as the symmetry has it.
    modes, width, layers, epochs, batch, lead, rate, weight, patience, device, precision
        See `symdyn.neural.operators.job.OperatorOptions`.
    train : int, optional
        Trajectories to train with; all that are left if left out.
    memory : float
        Megabytes of fields in memory.
    sweep : str, optional
        Numbers of training trajectories between commas: every model is trained on each of them.
    seeds : int
        Of a sweep.
    **options
        See `RunOptions`; `out` is `runs/operator` if left out.

    Raises
    ------
    ImportError
        Without torch or safetensors.
    ValueError
        For a device that is not available here.
    """
    if find_spec("torch") is None or find_spec("safetensors") is None:
        raise ImportError("networks need torch and safetensors: pip install 'symdyn-workbench[neural]'")
    shared = RunOptions(**{"out": "runs/operator", **options})
    built = {"modes": modes, "width": width, "layers": layers, "epochs": epochs, "batch": batch, "lead": lead}
    built |= {"rate": rate, "weight": weight}
    last = {"patience": patience, "train": train, "device": device, "sweep": sweep, "seed": shared.seed}
    rounded = {} if precision == "float32" else {"precision": precision}  # runs without it stay the same runs
    config = {"job": "train_operator", "model": " ".join(model or ["auto"]), "seeds": seeds if sweep else None}
    config |= {"data": data, "symmetry": symmetry, "space": space, **built, **last, **rounded}
    moving = None if space == "auto" else () if space == "none" else tuple(space.split(","))
    built |= {"patience": patience, "device": device, "seed": shared.seed, "space": moving, "n_train": train, **rounded}
    asked = _Asked(data, symmetry, tuple(model or ()), {**built, "memory": 1e6 * memory})

    def work(run: RunDirectory, opened: _Opened) -> None:
        if sweep:
            _sweep(run, asked, opened, sizes=sweep, seeds=seeds, resume=shared.resume)
        else:
            _train(run, asked, opened, resume=shared.resume)

    run_job(shared, config, work, asked.opened)


class _Opened(NamedTuple):
    """Fields, their symmetry, and the training that both make."""

    data: xr.Dataset
    symmetry: LieAlgebra
    task: OperatorTask


@dataclass(frozen=True)
class _Asked:
    """Files, kinds of models (as the symmetry has it if there are none), and options of `OperatorOptions`."""

    data: str
    symmetry: str
    kinds: tuple[str, ...]
    options: dict[str, Any]

    def opened(self) -> _Opened:
        """Open the fields, lazy in the chunks of the file, and the symmetry; set up the training."""
        from symdyn.neural.checks import chosen_device
        from symdyn.neural.operators.job import OperatorOptions, operator_task

        chosen_device(self.options["device"])  # before any file is read
        data, symmetry = open_trajectories(self.data, chunks=None), LieAlgebra.load(self.symmetry)
        return _Opened(data, symmetry, operator_task(data, symmetry, OperatorOptions(**self.options)))

    def models(self, run: RunDirectory, task: OperatorTask) -> dict[str, OperatorModel]:
        """Build the models, after telling where each generator went."""
        from symdyn.neural.operators.models import kinds_for
        from symdyn.reporting.describe import training as described

        tell(run, [*task.parts.notes, *described.assumed(task)])
        kinds = self.kinds or kinds_for(task.parts, task.options.space)
        return {kind: task.model(kind) for kind in dict.fromkeys(kinds)}


class _Trained(NamedTuple):
    """A trained operator for fields in their own units, its history, and the model that was built."""

    module: nn.Module
    fit: Training
    model: OperatorModel


def _train(run: RunDirectory, asked: _Asked, opened: _Opened, *, resume: bool) -> None:
    import torch

    torch.set_num_threads(1)
    data, symmetry, task = opened
    with run.stage("build the models"):
        kinds = list(asked.models(run, task))
        digest = checksum(data)
    found = {}
    for kind in kinds:
        with run.stage(f"train {kind}"):
            found[kind] = _trained(run, task, kind, resume=resume, about=digest)
            fit = found[kind].fit
            run.log.info("%s: %s after %d epochs", kind, fit.stopped, fit.history.sizes["epoch"])
    _publish(run, task, found, algebra_to_dataset(symmetry), digest)


def _trained(run: RunDirectory, task: OperatorTask, kind: str, *, resume: bool, about: str) -> _Trained:
    """Train an operator of a kind and save it."""
    from symdyn.neural.checkpoints import save_module
    from symdyn.neural.operators.job import trained

    folder = run.path / "models" / kind
    options = {"checkpoint": run.folder / "models" / kind, "resume": resume, "about": about}
    found = _Trained(*trained(task, kind, **options, progress=run.progress(f"epochs of {kind}")))
    folder.mkdir(parents=True)
    save_module(found.module, folder / "operator.safetensors")
    return found


def _scores(task: OperatorTask, found: dict[str, _Trained]) -> dict[str, dict[str, float]]:
    """Compute errors of the baselines and of each model, and milliseconds of a step of each model."""
    from symdyn.neural.operators.score import baseline_scores, scores, step_seconds

    split, lead, like = task.split, task.options.lead, next(iter(found.values())).module
    table = baseline_scores(split.test, split.train, lead, like, memory=task.options.memory)
    for kind, one in found.items():
        table[kind] = {"validation": one.fit.error, "epochs": float(one.fit.history.sizes["epoch"])}
        options = {"memory": task.options.memory}
        table[kind] |= scores(task.split.test, one.module, one.model, task.parts, task.options.lead, **options)
    u, target = (part.to(task.options.device) for part in next(iter(task.pairs)))
    for kind, seconds in step_seconds({kind: one.model for kind, one in found.items()}, u, target).items():
        table[kind]["step"] = 1e3 * seconds
    return table


def _publish(
    run: RunDirectory, task: OperatorTask, found: dict[str, _Trained], symmetry: xr.Dataset, digest: str
) -> None:
    from symdyn.reporting.describe import training as described

    with run.stage("test"):
        scores = _scores(task, found)
    fits = {kind: one.fit for kind, one in found.items()}
    with run.stage("figures"):
        pictures = described.draw(run.figures, task, {kind: one.module for kind, one in found.items()}, fits)
    errors, provenance = described.table(scores), {"provenance": run.provenance(digest)}
    groups = {"models": errors, "symmetry": symmetry, **provenance}
    groups |= {f"history_{kind}": fit.history for kind, fit in fits.items()}
    findings = described.findings(scores, task)
    tables = {**described.in_pages(errors), "symmetry": described.places(task.parts.notes), **provenance}
    title = f"Operators trained on {Path(run.config['data']).name}"
    publish(run, groups, title=title, findings=findings, figures=pictures, tables=tables)
    tell(run, findings)


def _sweep(run: RunDirectory, asked: _Asked, opened: _Opened, *, sizes: str, seeds: int, resume: bool) -> None:
    from symdyn.neural.operators.job import operator_point
    from symdyn.reporting.describe import training as described

    with run.stage("build the models"):
        fixed, swept = _grid(run, asked, opened, sizes, seeds)
    with run.stage("sweep"):
        log = {"log": run.log, "progress": run.progress("points"), "reuse": resume}
        results = run_points(operator_point, fixed, swept, run.folder, **log, incidental=_INCIDENTAL)
    check_finished(results, log=run.path / "run.log")
    with run.stage("figures"):
        pictures = described.draw_sweep(run.figures, results)
    tables = {"models": described.sweep_table(results), "provenance": run.provenance(fixed["identity"][:64])}
    findings = described.sweep_findings(results)
    title = "Operators against the size of the data"
    publish(run, {**tables, "sweep": results}, title=title, findings=findings, figures=pictures, tables=tables)
    tell(run, findings)


def _grid(
    run: RunDirectory, asked: _Asked, opened: _Opened, sizes: str, seeds: int
) -> tuple[dict[str, Any], dict[str, list]]:
    """Return the parameters of all points, and those that are swept."""
    data, _, task = opened
    n_train = _whole_numbers(sizes, task.split.train.sizes["trajectory"])
    kinds = list(asked.models(run, task))
    fixed = {name: value for name, value in asdict(task.options).items() if name not in ("n_train", "seed")}
    if fixed["precision"] == "float32":  # points of versions without a precision stay the same points
        del fixed["precision"]
    fixed |= {"data": str(Path(asked.data).resolve()), "symmetry": str(Path(asked.symmetry).resolve())}
    # Points of other files are others.
    fixed["identity"] = checksum(data) + hashlib.sha256(Path(asked.symmetry).read_bytes()).hexdigest()
    first = task.options.seed
    return fixed, {"model": kinds, "n_train": n_train, "seed": [first + k for k in range(seeds)]}


def _whole_numbers(text: str, most: int) -> list[int]:
    """Read numbers of training trajectories between commas."""
    try:
        found = sorted({int(part) for part in text.split(",")})
    except ValueError:
        raise ValueError(f"--sweep must be whole numbers such as 16,32,64, got {text!r}") from None
    if max(found) > most:
        raise ValueError(f"--sweep asks for {max(found)} trajectories, {most} are left for training")
    return found
