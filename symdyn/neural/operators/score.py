"""How accurate an operator is on unseen trajectories: as they are, moved by the symmetry, and in long rollouts."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import torch
import xarray as xr
from scipy.linalg import expm
from torch import Tensor, nn

from symdyn.data.grids import field_grid
from symdyn.neural.operators.models import OperatorModel
from symdyn.neural.operators.moves import Mover
from symdyn.neural.operators.pairs import fields_of
from symdyn.neural.operators.parts import SymmetryParts
from symdyn.neural.resampling import turned
from symdyn.neural.training.errors import relative_error, rollout_errors

__all__ = ["baseline_scores", "in_disc", "moves_of", "scores", "step_seconds", "truth_of", "turned_fields"]

ANGLE = np.pi / 6
_MOST = 256  # pairs to test with
_BATCH = 32

Move = Callable[[Tensor, float], Tensor]


def scores(
    test: xr.Dataset,
    module: nn.Module,
    model: OperatorModel,
    parts: SymmetryParts,
    lead: int,
    *,
    memory: float = 5e8,
    seed: int = 0,
) -> dict[str, float]:
    """Compute the errors of an operator on test trajectories.

    Parameters
    ----------
    test : xr.Dataset
    module : nn.Module
        Takes and returns fields in their own units.
    model : OperatorModel
        The trained model, for its number of parameters.
    parts : SymmetryParts
    lead : int
    memory : float
        Memory in bytes that test fields may take, see `truth_of`.
    seed : int
        Seed of the elements, and of the choice of pairs where there are too many.

    Returns
    -------
    dict
        `test`: relative error of one step; `test_<move>`: the same on data moved by group elements; `broken_<move>`:
        |F(g u) − g F(u)| / |F(u)|; `test_disc`: as `test`, where `test_angle` looks; `rollout`: relative error at the
        end of the trajectories; `parameters`.
    """
    truth = truth_of(test, lead, module, memory)
    step = lead * field_grid(test).steps[0]
    u, target = _pairs(truth, seed)
    value = _applied(module, u)
    found = {"test": float(relative_error(value, target))}
    for name, move in moves_of(parts, test, len(u), seed).items():
        region = in_disc(test).to(u) if name == "angle" else torch.ones(()).to(u)
        there = _applied(module, move(u, 0.0))
        found[f"test_{name}"] = float(relative_error(there * region, move(target, step) * region))
        found[f"broken_{name}"] = float(relative_error(there * region, move(value, step) * region))
    if "test_angle" in found:
        found["test_disc"] = float(relative_error(value * in_disc(test).to(u), target * in_disc(test).to(u)))
    found["rollout"] = float(rollout_errors(module, truth)[-1])
    found["parameters"] = float(sum(p.numel() for p in model.module.parameters()))
    return found


def baseline_scores(
    test: xr.Dataset, train: xr.Dataset, lead: int, like: nn.Module, *, memory: float = 5e8, seed: int = 0
) -> dict[str, dict[str, float]]:
    """Compute what a model must beat: the errors of two predictions that need no training, by name.

    Parameters
    ----------
    test, train : xr.Dataset
    lead : int
    like : nn.Module
        A module with the dtype and device of the models.
    memory, seed
        As for `scores`.

    Returns
    -------
    dict
        `persistence`: fields do not change; `mean`: each field is everywhere its mean over the training data; for each,
        `test` and `rollout` as for `scores`.
    """
    truth = truth_of(test, lead, like, memory)
    u, target = _pairs(truth, seed)
    fields = str(train.attrs["states"]).split()
    means = torch.tensor([float(train[name].mean()) for name in fields]).to(truth)
    mean = means.reshape(-1, *[1] * (truth.ndim - 3)).expand(truth.shape[2:])
    ends, starts = truth[:, -1], truth[:, 0]
    return {
        "persistence": {"test": float(relative_error(u, target)), "rollout": float(relative_error(starts, ends))},
        "mean": {
            "test": float(relative_error(mean.expand_as(target), target)),
            "rollout": float(relative_error(mean.expand_as(ends), ends)),
        },
    }


def truth_of(test: xr.Dataset, lead: int, module: nn.Module, memory: float = 5e8) -> Tensor:
    """Read fields `(run, step, field, *grid)` at every lead-th time, in the precision of the module, on its device.

    As many trajectories are read as fit into the memory in double precision, but at least one.
    """
    like = next(module.parameters())
    some = test.isel(time=slice(None, None, lead))
    first = str(test.attrs["states"]).split()
    each = len(first) * some[first[0]].isel(trajectory=0).size * 8
    return fields_of(some, slice(0, max(int(memory // each), 1)), dtype=like.dtype).to(like.device)


def moves_of(parts: SymmetryParts, test: xr.Dataset, count: int, seed: int = 0) -> dict[str, Move]:
    """Return elements of the symmetry by name, one for each of `count` fields: u, t -> moved fields.

    `quarter_turn`: one, two and three quarters, one field after the other; `angle`: thirty degrees about the middle,
    valid in a disc only, because it does not map a periodic square to itself; `values`: all else that moves periodic
    fields, at random.
    """
    grid = field_grid(test)
    periods = [step * size for step, size in zip(grid.steps[1:], grid.shape[1:], strict=True)]
    mover = Mover(parts.follows + parts.on_values, parts.turn, periods)
    rng = np.random.default_rng([seed, 2])
    amounts, _ = mover.draw(count, rng)
    still, none = np.zeros_like(amounts), np.zeros(count, dtype=int)
    found: dict[str, Move] = {}
    if parts.turn is not None:
        turns, turn = 1 + np.arange(count) % 3, parts.turn
        found["quarter_turn"] = lambda u, t: mover(u, t, still, turns)
        found["angle"] = lambda u, _: turned_fields(u, ANGLE, turn, grid)
    if len(mover.generators):
        found["values"] = lambda u, t: mover(u, t, amounts, none)
    return found


def turned_fields(u: Tensor, angle: float, turn: np.ndarray, grid) -> Tensor:
    """Turn fields `(batch, field, x, y)` by an angle along y ∂x − x ∂y about the middle of the grid."""
    periods = [step * size for step, size in zip(grid.steps[1:], grid.shape[1:], strict=True)]
    c, s = np.cos(angle), np.sin(angle)
    middle = [-(size // 2) * step for step, size in zip(grid.steps[1:], grid.shape[1:], strict=True)]
    moved = turned(u, torch.tensor([[c, s], [-s, c]]), middle, periods)
    return torch.einsum("oi,bi...->bo...", torch.from_numpy(expm(angle * turn)).to(u), moved)


def in_disc(test: xr.Dataset) -> Tensor:
    """Return 1 within a quarter of the period of the middle, 0 elsewhere, `(x, y)`."""
    sizes = field_grid(test).shape[1:]
    axes = torch.meshgrid(*(torch.arange(size) / size - (size // 2) / size for size in sizes), indexing="ij")
    return (sum(axis**2 for axis in axes) <= 0.25**2).float()  # type: ignore[union-attr]


def step_seconds(models: dict[str, OperatorModel], u: Tensor, target: Tensor, repeats: int = 12) -> dict[str, float]:
    """Measure the median seconds of a training step of each model, taken in turns.

    Processor time counts on the CPU, wall-clock time on a GPU.
    """
    steps = {name: _stepper(model, u, target) for name, model in models.items()}
    on_gpu = u.device.type == "cuda"
    clock = time.perf_counter if on_gpu else time.process_time
    table = {name: [] for name in models}
    for _ in range(repeats):
        for name, step in steps.items():
            start = clock()
            step()
            if on_gpu:
                torch.cuda.synchronize(u.device)
            table[name].append(clock() - start)
    return {name: float(np.median(values[2:])) for name, values in table.items()}


def _stepper(model: OperatorModel, u: Tensor, target: Tensor) -> Callable[[], None]:
    """Build one step of the optimizer, which changes no weight."""
    module = model.module
    optimizer = torch.optim.AdamW(module.parameters(), lr=0.0)

    def step() -> None:
        optimizer.zero_grad()
        if model.penalty is None:
            loss = nn.functional.mse_loss(module(u), target)
        else:
            value, penalty = model.penalty.value_and_penalty(module, u)
            loss = nn.functional.mse_loss(value, target) + penalty
        loss.backward()
        optimizer.step()

    return step


def _pairs(truth: Tensor, seed: int) -> tuple[Tensor, Tensor]:
    """Take up to `_MOST` pairs of neighbouring times of `truth`, `(pair, field, *grid)` each."""
    u, target = truth[:, :-1].flatten(0, 1), truth[:, 1:].flatten(0, 1)
    if len(u) <= _MOST:
        return u, target
    chosen = torch.from_numpy(np.sort(np.random.default_rng([seed, 3]).permutation(len(u))[:_MOST]))
    return u[chosen], target[chosen]


@torch.no_grad()
def _applied(module: nn.Module, u: Tensor) -> Tensor:
    return torch.cat([module(part) for part in u.split(_BATCH)])
