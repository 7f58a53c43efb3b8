"""Training of networks and operators on pairs of input and target: `train`.

Runs are repeatable: batches and random numbers of an epoch depend on the seed and on the number of the epoch alone,
so that a run that was interrupted and resumed is, on the CPU, bit for bit the run without interruption.
"""

from __future__ import annotations

import copy
import logging
import math
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn

from symdyn.neural.checkpoints import save_module
from symdyn.neural.checks import chosen_device
from symdyn.neural.training.batches import as_batches, check_finite, length, there, walk
from symdyn.neural.training.errors import relative_error
from symdyn.neural.training.rate import SCHEDULES, rate_share
from symdyn.neural.training.state import identity, pack, read_state, restore, write_state

__all__ = ["Training", "train"]

_log = logging.getLogger(__name__)
_Batches = Iterable[tuple[Tensor, Tensor]]
_PRECISIONS = ("float32", "bf16")


@dataclass(frozen=True)
class Training:
    """Hold a trained module and the history of its training.

    Attributes
    ----------
    module : nn.Module
        With the weights of the best epoch, in evaluation mode: the one that was given, changed in place.
    history : xr.Dataset, `(epoch,)`
        `train` (mean loss of the batches, without penalty), `validation` (relative error; without validation pairs,
        that of the training pairs during the epoch), `penalty` (without weight), `weight`, `rate`, and `violation`
        `(epoch, generator)` where the penalty gives violations.
    best : int
        Number of the epoch, counted from 0, whose weights the module has.
    stopped : {"finished", "patience", "not finite"}

    Examples
    --------
    >>> import torch
    >>> from symdyn.neural import Training, train
    >>> _ = torch.manual_seed(0)
    >>> x = torch.randn(64, 2)
    >>> y = x.sum(1, keepdim=True)
    >>> some, others = (x[:48], y[:48]), (x[48:], y[48:])
    >>> found = train(torch.nn.Linear(2, 1), some, others, epochs=5, rate=0.1)
    >>> isinstance(found, Training), found.stopped, found.best
    (True, 'finished', 4)
    >>> found.error == float(found.history.validation.min())
    True
    """

    module: nn.Module
    history: xr.Dataset
    best: int
    stopped: str

    @property
    def error(self) -> float:
        """The validation error of the best epoch."""
        return float(self.history.validation[self.best])


class _Penalty(Protocol):
    """Any penalty; some have `value_and_penalty` and `violations`, too, as `LieDerivativePenalty` does."""

    def __call__(self, module: nn.Module, u: Tensor) -> Tensor: ...


@dataclass(frozen=True)
class _Plan:
    """The arguments of `train` that say how."""

    epochs: int
    rate: float
    batch: int
    penalty: Any
    weight: float | Callable[[int], float]
    loss: Callable[[Tensor, Tensor], Tensor]
    schedule: str
    decay: float
    seed: int
    device: torch.device
    precision: str
    patience: int | None
    about: str = ""
    generators: list = field(default_factory=list)

    def described(self) -> dict[str, Any]:
        names = ("epochs", "rate", "batch", "schedule", "decay", "seed", "patience", "about")
        penalty = None if self.penalty is None else type(self.penalty).__qualname__
        called = {name: _named(value) for name, value in (("weight", self.weight), ("loss", self.loss))}
        # Trainings of versions without a precision are resumed, too. The device is left out: any can go on.
        rounded = {} if self.precision == "float32" else {"precision": self.precision}
        return {name: getattr(self, name) for name in names} | {"penalty": penalty} | called | rounded


def train(
    module: nn.Module,
    pairs,
    validation=None,
    *,
    epochs: int = 100,
    batch: int = 16,
    rate: float = 1e-3,
    penalty=None,
    weight: float | Callable[[int], float] = 1.0,
    loss: Callable[[Tensor, Tensor], Tensor] = nn.functional.mse_loss,
    schedule: str = "cosine",
    decay: float = 0.0,
    patience: int | None = None,
    seed: int = 0,
    device: str = "cpu",
    precision: str = "float32",
    checkpoint=None,
    resume: bool = False,
    about: str = "",
    progress: Callable[[int, int], None] | None = None,
) -> Training:
    """Fit a module to pairs by AdamW, and return it with the weights that are best on the validation pairs.

    The loss of a step is `loss(module(u), target) + weight * penalty(module, u)`; a penalty with a method
    `value_and_penalty`, such as `LieDerivativePenalty`, computes both in one call.

    Parameters
    ----------
    module : nn.Module
        Maps u to the prediction; its dtype is that of the computation.
    pairs, validation : (u, target), or an iterable of such batches
        Two tensors or arrays `(sample, ...)` are shuffled and cut into batches. An iterable, such as `OperatorPairs` or
        a DataLoader, is iterated over once per epoch, after `set_epoch(epoch)` if it has that method.
    epochs, batch : int
    rate : float
        The highest learning rate.
    penalty : LieDerivativePenalty or callable (module, u) -> scalar, optional
    weight : float or callable
        Weight of the penalty: a number, or a function of the step, counted from 0, such as `Ramp`.
    loss : callable (prediction, target) -> scalar
    schedule : {"cosine", "one_cycle", "constant"}
        Schedule of the learning rate over all epochs.
    decay : float
        Weight decay.
    patience : int, optional
        Stop after this many epochs without a better validation error.
    seed : int
        Seed of shuffling and of all random numbers in the module; weights are drawn when the module is built.
    device : str
        "cpu", "cuda", "cuda:1", "mps", ...; the module stays there, and a training can be resumed on another.
    precision : {"float32", "bf16"}
        "bf16" rounds products of weights and features in a step to bfloat16 (autocast). Weights, Fourier transforms,
        actions of a group, derivatives for a penalty and the validation stay in single precision, and violations are
        measured in double precision. "float32" takes all in the precision of the weights.
    checkpoint : path-like, optional
        A folder for `best.safetensors` (see `load_module`) and `training.safetensors` (to resume), written every epoch.
    resume : bool
        Whether to continue from the checkpoint, if there is one.
    about : str
        What else must be unchanged to resume, such as a checksum of the data.
    progress : callable (done, total), optional
        Called after each epoch.

    Returns
    -------
    Training

    Raises
    ------
    ValueError
        For arguments out of range, no pairs, a device that is not available, a checkpoint of another module or of other
        arguments, NaN in the data, and a loss that is not finite before the first epoch ends. If the loss ceases to be
        finite later, training stops with a RuntimeWarning, and weights and checkpoint are the last good ones.

    Examples
    --------
    >>> import torch
    >>> import symdyn as sd
    >>> from symdyn.neural import LieDerivativePenalty, Ramp, train
    >>> _ = torch.manual_seed(0)
    >>> x = torch.randn(64, 2)
    >>> y = x @ torch.tensor([[0.0, 1.0], [-1.0, 0.0]])  # a quarter turn
    >>> penalty, weight = LieDerivativePenalty(sd.candidates.so(2)), Ramp(0.1, 0, 100)
    >>> options = {"epochs": 50, "rate": 0.1, "penalty": penalty, "weight": weight}
    >>> found = train(torch.nn.Linear(2, 2), (x, y), **options)
    >>> found.error < 0.02, found.stopped
    (True, 'finished')
    """
    if not (epochs >= 1 and batch >= 1 and 0 < rate < math.inf and decay >= 0 and (patience is None or patience >= 1)):
        raise ValueError("epochs, batch and patience must be at least 1, rate positive and decay not negative")
    if schedule not in SCHEDULES:
        raise ValueError(f"schedule must be one of {', '.join(SCHEDULES)}, got {schedule!r}")
    if resume and checkpoint is None:
        raise ValueError("resume=True needs the checkpoint folder to resume from")
    where = chosen_device(device)
    check_precision(module, precision, where)
    random = getattr(penalty, "random", None)
    generators = [random] if isinstance(random, torch.Generator) else []
    options = (loss, schedule, decay, seed, where, precision, patience, about, generators)
    plan = _Plan(epochs, rate, batch, penalty, weight, *options)
    fit = _Fit(module.to(where), plan, None if checkpoint is None else Path(checkpoint))
    if resume:
        fit.resume()
    return fit.run(as_batches(pairs, batch, seed, "pairs"), as_batches(validation, batch, None, "validation"), progress)


class _Fit:
    """A training on its way."""

    def __init__(self, module: nn.Module, plan: _Plan, folder: Path | None):
        self.module, self.plan, self.folder = module, plan, folder
        weights = [p for p in module.parameters() if p.requires_grad]
        if not weights:
            raise ValueError("the module has no weights to train")
        self.dtype = weights[0].dtype
        self.optimizer = torch.optim.AdamW(weights, lr=plan.rate, weight_decay=plan.decay)
        self.records: list[dict[str, Any]] = []
        self.best = self._weights()
        self.steps = 0

    def resume(self) -> None:
        assert self.folder is not None
        path = self.folder / "training.safetensors"
        if not path.exists():
            return
        tensors, found = read_state(path, self._described())
        self.best = restore(tensors, self.module, self.optimizer, self.plan.generators)
        self.records, self.steps = found["records"], found["steps"]
        _log.info("resumed after epoch %d", len(self.records))

    def run(
        self, pairs: _Batches, validation: _Batches | None, progress: Callable[[int, int], None] | None
    ) -> Training:
        stopped = "finished"
        while len(self.records) < self.plan.epochs:
            if self._impatient():
                stopped = "patience"
                break
            record = self._epoch(len(self.records), pairs, validation)
            if record is None:
                stopped = "not finite"
                break
            self.records.append(record)
            if self._best() == len(self.records) - 1:
                self.best = self._weights()
            self._keep()
            if progress is not None:
                progress(len(self.records), self.plan.epochs)
        self.module.load_state_dict(self.best)
        self.module.eval()
        if stopped == "not finite":
            self._complain()
        return Training(self.module, _history(self.records), self._best(), stopped)

    def _epoch(self, epoch: int, pairs: _Batches, validation: _Batches | None) -> dict[str, Any] | None:
        """Make one pass over the pairs; return None once the loss is not finite."""
        sums, count = np.zeros(3), 0
        with torch.random.fork_rng(devices=[self.plan.device] if self.plan.device.type == "cuda" else []):
            torch.manual_seed(int(np.random.SeedSequence([self.plan.seed, epoch]).generate_state(1)[0]))
            self.module.train()
            total = length(pairs)
            for k, (u, target) in enumerate(walk(pairs, epoch)):
                done = (epoch + (k / total if total else 0.0)) / self.plan.epochs
                values = self._step(self._there(u, "u"), self._there(target, "target"), done)
                if values is None:
                    return None
                sums, count = sums + np.array(values) * len(u), count + len(u)
        if not count:
            raise ValueError("pairs yields no batch")
        means = sums / count
        record = {"train": means[0], "penalty": means[1], "validation": means[2], "rate": self._rate(epoch)}
        record["weight"] = self._weight(self.steps)
        if validation is not None:
            record |= self._validated(validation, epoch)
        return record if math.isfinite(record["validation"]) else None

    def _step(self, u: Tensor, target: Tensor, done: float) -> tuple[float, float, float] | None:
        """Take one step of the optimizer; return loss, penalty and relative error before it, None where not finite."""
        self.optimizer.param_groups[0]["lr"] = self.plan.rate * rate_share(self.plan.schedule, done)
        self.optimizer.zero_grad(set_to_none=True)
        with torch.autocast(u.device.type, torch.bfloat16, enabled=self.plan.precision == "bf16"):
            value, penalty = _with_penalty(self.module, u, self.plan.penalty)
        value = value.to(target.dtype) if value.dtype == torch.bfloat16 else value
        fit = self.plan.loss(value, target)
        whole = fit if penalty is None else fit + self._weight(self.steps) * penalty
        if not torch.isfinite(whole):
            check_finite(u, target)
            return None
        whole.backward()
        self.optimizer.step()
        self.steps += 1
        error = relative_error(value.detach(), target) if value.shape == target.shape else whole.detach()
        return float(fit.detach()), 0.0 if penalty is None else float(penalty.detach()), float(error)

    def _validated(self, validation: _Batches, epoch: int) -> dict[str, Any]:
        self.module.eval()
        total, count, record = 0.0, 0, {}
        for k, (u, target) in enumerate(walk(validation, epoch)):
            u, target = self._there(u, "u"), self._there(target, "target")
            if not k and hasattr(self.plan.penalty, "violations") and len(u) > 1:
                record["violation"] = self._violations(u).tolist()
            with torch.no_grad():
                total += float(relative_error(self.module(u), target)) * len(u)
            count += len(u)
        if not count:
            raise ValueError("validation yields no batch")
        return {**record, "validation": total / count}

    def _violations(self, u: Tensor) -> Tensor:
        """Measure violations, after steps in low precision in double precision."""
        if self.plan.precision == "float32":
            return self.plan.penalty.violations(self.module, u)
        return self.plan.penalty.violations(copy.deepcopy(self.module).double(), u.double())

    def _there(self, values: Tensor | np.ndarray, name: str) -> Tensor:
        tensor = torch.as_tensor(values)
        kind = self.dtype if tensor.is_floating_point() else tensor.dtype
        if not tensor.ndim:
            raise ValueError(f"{name} must be (sample, ...), got a number")
        return there(tensor, self.plan.device, kind)

    def _weight(self, step: int) -> float:
        return float(self.plan.weight(step) if callable(self.plan.weight) else self.plan.weight)

    def _rate(self, epoch: int) -> float:
        return self.plan.rate * rate_share(self.plan.schedule, epoch / self.plan.epochs)

    def _best(self) -> int:
        return int(np.argmin([record["validation"] for record in self.records]))

    def _impatient(self) -> bool:
        return bool(self.records) and self.plan.patience is not None and self._waited() >= self.plan.patience

    def _waited(self) -> int:
        return len(self.records) - 1 - self._best()

    def _weights(self) -> dict[str, Tensor]:
        return {name: value.detach().clone() for name, value in self.module.state_dict().items()}

    def _described(self) -> dict[str, Any]:
        return {"module": identity(self.module), "arguments": self.plan.described()}

    def _keep(self) -> None:
        if self.folder is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        if self._best() == len(self.records) - 1:
            save_module(self.module, self.folder / "best.safetensors")
        tensors = pack(self.module, self.optimizer, self.best, self.plan.generators)
        description = {**self._described(), "records": self.records, "steps": self.steps}
        write_state(self.folder / "training.safetensors", tensors, description)

    def _complain(self) -> None:
        cure = f"take a lower rate than {self.plan.rate:g}, or float64"
        if not self.records:
            raise ValueError(f"the loss is not finite in the first epoch: {cure}")
        text = f"the loss is not finite in epoch {len(self.records)}; the weights are those of epoch {self._best()}"
        warnings.warn(f"{text}: {cure}", RuntimeWarning, stacklevel=4)


def check_precision(module: nn.Module, precision: str, device: torch.device) -> None:
    """Refuse what a device or a precision cannot hold, before any work."""
    if precision not in _PRECISIONS:
        raise ValueError(f"precision must be one of {', '.join(_PRECISIONS)}, got {precision!r}")
    weights = {value.dtype for value in module.parameters() if value.is_floating_point()}
    if precision == "bf16" and weights - {torch.float32}:
        raise ValueError("precision='bf16' takes a module in single precision: call module.float() first")
    held = [name for name, value in module.state_dict().items() if value.dtype == torch.float64]
    if device.type == "mps" and held:
        raise ValueError(f"mps has no double precision, in which the module keeps {held[0]}: take device='cpu'")


def _named(value: float | Callable) -> float | str:
    """Return a number, the name of a function, or what a dataclass shows: the same in every process."""
    return value if isinstance(value, float | int) else getattr(value, "__qualname__", None) or repr(value)


def _with_penalty(module: nn.Module, u: Tensor, penalty: _Penalty | None) -> tuple[Tensor, Tensor | None]:
    if penalty is None:
        return module(u), None
    both = getattr(penalty, "value_and_penalty", None)
    return (module(u), penalty(module, u)) if both is None else both(module, u)


def _history(records: Sequence[Mapping[str, float | list[float]]]) -> xr.Dataset:
    names = ("train", "validation", "penalty", "weight", "rate")
    columns: dict[str, Any] = {name: ("epoch", [record[name] for record in records]) for name in names}
    if all("violation" in record for record in records):
        columns["violation"] = (("epoch", "generator"), [record["violation"] for record in records])
    return xr.Dataset(columns, {"epoch": np.arange(len(records))})
