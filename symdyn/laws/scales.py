"""Scales that make every later number free of units.

The scale s_i of a state is its spread over all the data: the standard deviation over the samples of all runs, however
they are cut into runs; states that share a unit share it (root mean square). A state that is constant or slow within
each run and differs between runs, a conserved quantity or a parameter, is a direction like any other. r_i =
rms(f_i) / s_i is the size of its rate. Violations of generators, finite elements and conserved quantities of data,
functions and networks are measured in these.

Trajectories of a second-order system have an orbit size each: s_i times the size of the trajectory relative to all
data, or the outermost planet would decide everything.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from symdyn.rows.dynamics import Dynamics, dynamics_of
from symdyn.sums.moments import Moments

__all__ = ["Scales", "find_scales"]

_SLOW = 1e-4  # rates relative to the fastest: below, what a law leaves of them counts in units of this


@dataclass(frozen=True)
class Scales:
    """Weights of trajectories `(trajectory,)`, mean power of weighted outputs `(output,)`, the part of it that is no
    noise, the scale `(output,)` of weighted outputs, and for each trajectory the size of its states
    `(trajectory, state)`.
    """

    weights: np.ndarray
    output_power: np.ndarray
    output_signal: np.ndarray
    output_units: np.ndarray
    states: np.ndarray
    per_trajectory: bool

    @property
    def outputs(self) -> np.ndarray:
        """The scale of outputs `(trajectory, output)`."""
        return self.output_units / np.maximum(self.weights, 1e-300)[:, None]

    @property
    def rates(self) -> np.ndarray:
        """Mean power of weighted outputs in their units `(output,)`: r^2."""
        return self.output_power / self.output_units**2

    @property
    def selection_weights(self) -> np.ndarray:
        """What a mean square error of each output counts `(output,)`; that of no law at all is 1.

        Each output counts relative to its own power, times its signal over its power as in a Wiener filter: what is
        mostly noise, as the rates of a conserved quantity, must not drown the others.
        """
        rates = np.where(np.isfinite(self.output_units), self.rates, 0.0)
        power = np.maximum(rates, _SLOW**2 * rates.max(initial=0.0))
        if not np.any(power):
            return np.zeros(len(power))
        reliable = np.clip(self.output_signal / np.maximum(self.output_power, 1e-300), 0.0, 1.0) * (rates > 0)
        reliable = reliable if np.any(reliable) else (rates > 0).astype(float)
        weights = reliable / power / np.where(np.isfinite(self.output_units), self.output_units, 1.0) ** 2
        return weights / np.sum(reliable)

    def group_weights(self, moments: Moments) -> np.ndarray:
        """Weight `(group,)` of the sums of each group; they add to a mean over windows or over trajectories."""
        squared = self.weights[moments.trajectory] ** 2
        if not self.per_trajectory:
            return squared / moments.count.sum()
        windows = np.bincount(moments.trajectory, weights=moments.count)
        share = moments.samples / moments.samples.sum()
        return squared * (share / windows)[moments.trajectory]


def find_scales(moments: Moments, groups: list[list[int]], kind: str | Dynamics) -> Scales:
    """Scales from the moments; states in one of `groups` share a unit and so a scale.

    A trajectory of a second-order system whose acceleration is mostly noise gets little weight (signal over power, as
    in a Wiener filter).
    """
    n_outputs = moments.power.shape[1]
    dynamics = dynamics_of(kind)
    first = n_outputs if dynamics.action.has_velocities else 0  # the states that the outputs are rates of
    output_groups = [[i - first for i in g if first <= i < first + n_outputs] for g in groups]
    spread = np.sqrt(_pooled(moments.pooled_variance()[None], groups))
    power, signal = _pooled(moments.power, output_groups), _pooled(moments.signal, output_groups)
    states = np.broadcast_to(_or_infinite(spread), (moments.n_trajectories, spread.shape[1]))
    if dynamics.weighs_runs:
        return _scales_of_orbits(moments, power, np.maximum(signal, 0.0), states)
    windows = np.bincount(moments.trajectory, weights=moments.count)
    return Scales(
        np.ones(moments.n_trajectories),
        np.average(power, axis=0, weights=windows),
        np.average(signal, axis=0, weights=windows),
        states[0, :n_outputs],
        states,
        False,
    )


def _scales_of_orbits(moments: Moments, power: np.ndarray, signal: np.ndarray, states: np.ndarray) -> Scales:
    """Each trajectory in units of its own size and its own acceleration."""
    share = moments.samples / moments.samples.sum()
    mean_power = share @ power
    relative = np.where(mean_power > 0, mean_power, 1.0)
    relative_signal, relative_power = (signal / relative).mean(axis=1), (power / relative).mean(axis=1)
    weights = np.sqrt(relative_signal) / np.maximum(relative_power, 1e-300)
    squared = share * weights**2
    sizes = [_orbit_sizes(moments.spread, states, half) for half in np.split(np.arange(states.shape[1]), 2)]
    return Scales(
        weights,
        squared @ power,
        squared @ signal,
        np.sqrt(_or_infinite(mean_power)),
        np.concatenate([size[:, None] * np.ones(states.shape[1] // 2) for size in sizes], axis=1) * states,
        True,
    )


def _orbit_sizes(spread: np.ndarray, states: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Size `(trajectory,)` of each orbit relative to all data, root mean square over its coordinates."""
    moving = np.isfinite(states[0, columns])
    if not np.any(moving):
        return np.ones(len(spread))
    sizes = np.sqrt(np.mean((spread[:, columns] / states[:, columns])[:, moving] ** 2, axis=1))
    return np.where(sizes > 0, sizes, 1.0)


def _or_infinite(sizes: np.ndarray) -> np.ndarray:
    """A state that never varies has no scale: an infinite one takes it out of every norm, so it is no evidence."""
    return np.where(sizes > 0, sizes, np.inf)


def _pooled(squares: np.ndarray, groups: list[list[int]]) -> np.ndarray:
    """Mean squares `(trajectory, column)`, averaged over columns that share a unit."""
    pooled = np.array(squares, dtype=float)
    for group in groups:
        if group:
            pooled[:, group] = squares[:, group].mean(axis=1, keepdims=True)
    return pooled
