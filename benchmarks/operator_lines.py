"""The systems on a line of `bench_operators.py`: one step u(t) -> u(t + lead) from ten trajectories, and long rollouts.

Three ways to tell a Fourier neural operator of the known point symmetries that it does not have anyway (translations it
has): not at all; by `augmented` trajectories; by `LieDerivativePenalty`, asked for at inputs moved along the group at
random, where no target is needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import xarray as xr

from symdyn import systems
from symdyn.jets.pointfields import parse_generators
from symdyn.neural import FNO, LieDerivativePenalty, augmented
from symdyn.neural.operators.moves import MovedPenalty, Mover
from symdyn.neural.training import train
from symdyn.neural.training.errors import relative_error, rollout_errors

NAMES = ("t", "x", "u")


@dataclass(frozen=True)
class Line:
    """`lead` is the time of one step; trajectories have `n_train` steps to learn from and `n_test` to be rolled out."""

    name: str
    lead: float
    n_train: int
    n_test: int
    symmetries: tuple[str, ...]
    strengths: tuple[float, ...]
    options: dict[str, Any]

    def trajectories(self, n: int, n_steps: int, rng: int) -> xr.Dataset:
        """Random smooth starts, each with an amplitude and a mean of its own."""
        make = getattr(systems, self.name)
        times = {"length": self.lead * n_steps, "n_times": n_steps + 1}
        return make(n_trajectories=n, n_points=64, rng=rng, **times, **self.options)

    @property
    def generators(self):
        return parse_generators(list(self.symmetries), NAMES)


LINES = {
    "burgers": Line("burgers", 0.5, 20, 40, ("t ∂x + ∂u",), (0.7,), {"viscosity": 0.1, "period": 16.0}),
    "kdv": Line("kdv", 0.5, 20, 40, ("t ∂x + ∂u",), (0.7,), {"period": 20.0, "amplitude": 1.0, "modes": 4}),
    "heat": Line("heat", 0.25, 20, 40, ("u ∂u", "∂u"), (0.5, 0.7), {"viscosity": 0.1, "period": 16.0}),
}


def pairs_of(data: xr.Dataset) -> tuple[torch.Tensor, torch.Tensor]:
    """All pairs of neighbours in time, `(pair, 1, x)` each."""
    values = torch.from_numpy(data.u.values.astype(np.float32))
    return tuple(part.flatten(0, 1)[:, None] for part in (values[:, :-1], values[:, 1:]))


def fit_line(
    line: Line, model: str, seed: int, *, steps: int, width: int, modes: int, weight: float, batch: int = 16, rate=5e-3
) -> dict[str, float]:
    """Relative errors of one operator: one step, mean over the rollout, end of the rollout; and the violation."""
    data = line.trajectories(10, line.n_train, seed)
    held = line.trajectories(50, line.n_test, 1000)
    period = float(data.x.attrs["period"])
    if model == "augmented":
        data = augmented(data, line.generators, copies=7, strength=line.strengths, rng=seed)
    u, target = pairs_of(data)
    torch.manual_seed(seed)
    module = FNO(1, 1, modes=(modes,), width=width, layers=4)
    options: dict[str, Any] = {}
    if model == "penalty":
        penalty = LieDerivativePenalty(line.generators, space={"x": period}, times=(0.0, line.lead), rng=seed)
        options = {"penalty": MovedPenalty(penalty, Mover(line.generators, None, [period], line.strengths))}
        options["weight"] = weight
    train(
        module,
        (u, target),
        epochs=max(steps * batch // len(u), 1),
        batch=batch,
        rate=rate,
        schedule="one_cycle",
        loss=relative_error,
        seed=seed,
        **options,
    )
    truth = torch.from_numpy(held.u.values.astype(np.float32))[:, :, None]
    errors = rollout_errors(module, truth)
    asked = LieDerivativePenalty(line.generators, space={"x": period}, times=(0.0, line.lead))
    violation = asked.violations(module, truth[:, 0])
    return {
        "one": float(errors[0]),
        "rollout": float(errors.mean()),
        "end": float(errors[-1]),
        "violation": float(violation.max()),
    }
