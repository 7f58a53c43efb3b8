"""Operators trained and tested on one file of fields and one symmetry: what the workflow and its sweeps run."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dask.config
import torch
import xarray as xr

from symdyn.data.grids import FieldGrid, field_grid, validate_fields
from symdyn.data.trajectories import open_trajectories
from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.neural.derivatives.penalty import Ramp
from symdyn.neural.operators.models import OperatorModel, ScaledFields, operator_model
from symdyn.neural.operators.pairs import OperatorPairs, Split, split_trajectories
from symdyn.neural.operators.parts import SymmetryParts, symmetry_parts
from symdyn.neural.operators.scale import FieldScale, field_scale
from symdyn.neural.operators.score import scores
from symdyn.neural.training import Training, train

__all__ = ["OperatorOptions", "OperatorTask", "operator_point", "operator_task", "trained"]

# Weights are drawn with the random numbers of the process: one training at a time in each.
_ONE_AT_A_TIME = threading.Lock()


@dataclass(frozen=True)
class OperatorOptions:
    """Hold the options by which operators are built and trained.

    Parameters
    ----------
    modes, width, layers, space : see `symdyn.neural.operators.models.operator_model`
    epochs, batch, rate, patience, device, precision : see `train`
    lead : int
        Steps of time from input to target.
    weight : float
        Weight of a penalty, reached after a fifth of the steps.
    n_train : int, optional
        Number of training trajectories, taken from those used for neither validation nor test; by default all.
    memory : float
        Memory in bytes for fields, see `OperatorPairs`.
    seed : int
        Seed of the split, the weights and the order.
    """

    modes: int = 8
    width: int = 32
    layers: int = 4
    space: tuple[str, ...] | None = None
    epochs: int = 50
    batch: int = 16
    rate: float = 3e-3
    patience: int | None = None
    device: str = "cpu"
    precision: str = "float32"
    lead: int = 1
    weight: float = 0.1
    n_train: int | None = None
    memory: float = 5e8
    seed: int = 0


@dataclass(frozen=True, eq=False)
class OperatorTask:
    """Data split, scaled and paired, and the symmetry split into its parts."""

    options: OperatorOptions
    split: Split
    grid: FieldGrid
    parts: SymmetryParts
    scale: FieldScale
    pairs: OperatorPairs
    validation: OperatorPairs

    @property
    def time_step(self) -> float:
        """From input to target."""
        return self.pairs.time_step

    def model(self, kind: str) -> OperatorModel:
        """Build the operator of a kind, with its weights as drawn."""
        names = ("modes", "width", "layers", "space", "seed")
        options = {name: getattr(self.options, name) for name in names}
        return operator_model(kind, self.parts, self.grid, self.scale, time_step=self.time_step, **options)


def operator_task(data: xr.Dataset, symmetry: LieAlgebra, options: OperatorOptions) -> OperatorTask:
    """Split by trajectory, scale by the training trajectories, and split the symmetry into its parts.

    Raises
    ------
    ValueError
        As `OperatorPairs`, `split_trajectories` and `symmetry_parts`; and for more training trajectories than exist.
    """
    data = validate_fields(data)
    split, grid = split_trajectories(data, seed=options.seed), field_grid(data)
    parts = symmetry_parts(symmetry, grid)
    if options.n_train is not None:
        most = split.train.sizes["trajectory"]
        if not 1 <= options.n_train <= most:
            raise ValueError(f"n_train must be 1 to {most}, the trajectories left for training; got {options.n_train}")
        split = split._replace(train=split.train.isel(trajectory=slice(options.n_train)))
    scale = field_scale(split.train, parts.action)
    common: dict[str, Any] = {"lead": options.lead, "batch": options.batch, "scale": scale, "memory": options.memory}
    pairs = OperatorPairs(split.train, seed=options.seed, **common)
    return OperatorTask(options, split, grid, parts, scale, pairs, OperatorPairs(split.validation, **common))


def trained(
    task: OperatorTask,
    kind: str,
    *,
    checkpoint: Path | None = None,
    resume: bool = False,
    about: str = "",
    progress: Callable[[int, int], None] | None = None,
) -> tuple[ScaledFields, Training, OperatorModel]:
    """Train an operator of a kind; return it for fields in their own units, with its history."""
    options = task.options
    model = task.model(kind)
    steps = options.epochs * len(task.pairs)
    found = train(
        model.module,
        model.pairs(task.pairs, task.time_step, options.seed, options.device),
        task.validation,
        epochs=options.epochs,
        rate=options.rate,
        penalty=model.penalty,
        weight=Ramp(options.weight, 0, steps // 5),
        patience=options.patience,
        seed=options.seed,
        device=options.device,
        precision=options.precision,
        checkpoint=checkpoint,
        resume=resume,
        about=about,
        progress=progress,
    )
    return ScaledFields(found.module, task.scale), found, model


def operator_point(
    *, data: str, symmetry: str, model: str, n_train: int, seed: int, identity: str = "", **options
) -> dict[str, float]:
    """Compute one point of a sweep: an operator trained on some trajectories of a file, and its errors.

    Parameters
    ----------
    data, symmetry : str
        Paths, which workers must be able to read.
    model : str
        A kind of `operator_model`.
    n_train, seed, options
        See `OperatorOptions`.
    identity : str
        Identifies the contents of the files: points computed from other data are distinct.
    """
    del identity
    # A worker that read by the cluster it belongs to would wait for itself.
    with _ONE_AT_A_TIME, dask.config.set(scheduler="synchronous"):
        torch.set_num_threads(1)
        chosen = OperatorOptions(n_train=n_train, seed=seed, **options)
        task = operator_task(open_trajectories(data, chunks=None), LieAlgebra.load(symmetry), chosen)
        module, found, built = trained(task, model)
        result = scores(task.split.test, module, built, task.parts, chosen.lead, memory=chosen.memory)
    return {"validation": found.error, "epochs": float(found.history.sizes["epoch"]), **result}
