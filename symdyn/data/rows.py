"""The rows of a law: features of its arguments beside what they must add up to, for every kind of system.

    "flow"          x' = f(x, u): weak form, even samples as instruments for odd ones
    "second_order"  q'' = g(q, q'): the same, with the velocities as targets
    "map"           x_{k+1} − x_k = W theta(x_k, u_k): row k with row k + 2 as its instrument
    "pairs"         y = W theta(x): least squares, all noise in y

Two rows of a finely sampled map that are two steps apart share no sample, so their noise is independent and their
product has no bias, as for even and odd samples of a flow. Where one step changes much (a chaotic map) neighbours are
no instruments: rows are then multiplied with themselves, and noise in x biases the law.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from symdyn.data.rates import characteristic_time, noise_level
from symdyn.data.trajectories import Trajectory, each_trajectory
from symdyn.data.weak import WeakRows, weak_rows
from symdyn.lie.features import Features

__all__ = ["KINDS", "Layout", "finely_sampled", "law_rows"]

KINDS = ("flow", "second_order", "map", "pairs")
_FINE = 8  # steps in a characteristic time from which neighbours are instruments
_APART = 2  # steps between two rows of a map that share no sample
_N_LOOKED_AT = 20
_MIN_STEPS = 5
_COARSE_BLOCK = 50  # steps in a group of a coarse map


@dataclass(frozen=True)
class Layout:
    """What a law maps to what: the names of its states, of inputs beside them, and of the targets of pairs.

    `fine` says whether a map is sampled finely enough for neighbours to be instruments, see `finely_sampled`.
    """

    kind: str
    states: tuple[str, ...]
    inputs: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    fine: bool = False

    def __post_init__(self):
        if self.kind not in KINDS:
            raise ValueError(f"kind must be one of {KINDS}, got {self.kind!r}")

    @property
    def arguments(self) -> tuple[str, ...]:
        """What the features read: states, then inputs."""
        return self.states + self.inputs

    @property
    def variables(self) -> tuple[str, ...]:
        """All variables that are read, targets last."""
        return self.arguments + self.targets

    @property
    def n_outputs(self) -> int:
        """Number of targets of the law."""
        if self.kind == "pairs":
            return len(self.targets)
        return len(self.states) // 2 if self.kind == "second_order" else len(self.states)


def law_rows(run: Trajectory, layout: Layout, features: Features) -> tuple[WeakRows, np.ndarray]:
    """Rows along one trajectory, and the noise `(argument,)` of its arguments.

    Parameters
    ----------
    run : Trajectory
        Its columns are `layout.variables`.
    layout : Layout
    features : Features

    Raises
    ------
    ValueError
        For a trajectory that is too short, and for velocities that are not the rates of the positions.
    """
    arguments = run.states[:, : len(layout.arguments)]
    if layout.kind == "pairs":
        values = np.hstack([features(arguments), run.states[:, len(layout.arguments) :]])
        return WeakRows(values, values, np.zeros(len(values), dtype=int)), np.zeros(arguments.shape[1])
    if layout.kind == "map":
        return _map_rows(run, arguments, layout, features)
    noise = noise_level(run.times, arguments)
    noise[[name in ("t", "time") for name in layout.arguments]] = 0.0
    n = len(layout.states)
    if layout.kind == "second_order":
        _check_velocities(run, layout.states)
    targets = run.states[:, n // 2 : n] if layout.kind == "second_order" else run.states[:, :n]
    moving = run._replace(states=run.states[:, :n])  # inputs may jump: they set no time scale
    return weak_rows(moving, arguments, targets, features, noise), noise


def finely_sampled(dataset: xr.Dataset, states: tuple[str, ...]) -> bool:
    """Whether steps are small: at least 8 in a characteristic time, in nine of ten trajectories.

    One answer for all trajectories, from some of them: rows with and without instruments do not add.
    """
    every = max(dataset.sizes["trajectory"] // _N_LOOKED_AT, 1)
    some = each_trajectory(dataset.isel(trajectory=slice(None, None, every)), states)
    steps = [characteristic_time(run.times, run.states) / np.diff(run.times).mean() for run in some]
    return bool(np.quantile(steps, 0.1) >= _FINE)


def _map_rows(run, arguments, layout, features):
    if len(run.times) < _MIN_STEPS:
        raise ValueError(
            f"trajectory {run.name!r} has {len(run.times)} steps; a map needs at least {_MIN_STEPS}: drop it, "
            "or give pairs (X, Y)"
        )
    noise = noise_level(run.times, arguments) if layout.fine else np.zeros(arguments.shape[1])
    noise = np.nan_to_num(noise)  # too few steps to tell
    steps = np.diff(run.states[:, : len(layout.states)], axis=0)
    rows = np.hstack([features.debiased(arguments[:-1], noise), steps])
    if not layout.fine:
        return WeakRows(rows, rows, _stretches(len(rows), _COARSE_BLOCK)), noise
    memory = characteristic_time(run.times, run.states[:, : len(layout.states)]) / np.diff(run.times).mean()
    return WeakRows(rows[:-_APART], rows[_APART:], _stretches(len(rows) - _APART, int(np.pi * memory))), noise


def _stretches(n_rows, length):
    n_blocks = max(n_rows // length, 1)
    return np.minimum(np.arange(n_rows) // length, n_blocks - 1)


def _check_velocities(run, names):
    """Velocities must be the rates of the positions: a wrong unit shows here as a factor."""
    if len(names) % 2:
        raise ValueError(f"a second-order system has a velocity for each position, the states are {', '.join(names)}")
    n = len(names) // 2
    moved = run.states[1:, :n] - run.states[:-1, :n]
    told = (run.states[1:, n : 2 * n] + run.states[:-1, n : 2 * n]) / 2 * np.diff(run.times)[:, None]
    # Totals over a tenth of the run: noise of single steps averages out, a factor does not.
    edges = np.unique(np.linspace(0, len(moved), 11).astype(int))[:-1]
    moved, told = np.add.reduceat(moved, edges), np.add.reduceat(told, edges)
    factor = np.sum(moved * told) / max(np.sum(told * told), 1e-300)
    if not 0.5 < factor < 2:
        raise ValueError(
            f"trajectory {run.name!r}: {', '.join(names[n:])} are not the rates of {', '.join(names[:n])} "
            f"(displacements are {factor:.3g} times what they imply); check their units, or the order of the states"
        )
