"""Scales that make every later number free of units."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from symdyn.data.moments import Moments

__all__ = ["Scales", "find_scales"]


@dataclass(frozen=True)
class Scales:
    """Weights of trajectories `(trajectory,)`, mean power of weighted outputs `(output,)`, and for each trajectory
    the size of its states `(trajectory, state)` and of its outputs `(trajectory, output)`.
    """

    weights: np.ndarray
    output_power: np.ndarray
    states: np.ndarray
    outputs: np.ndarray
    per_trajectory: bool

    def group_weights(self, moments: Moments) -> np.ndarray:
        """Weight `(group,)` of the sums of each group; they add to a mean over windows or over trajectories."""
        squared = self.weights[moments.trajectory] ** 2
        if not self.per_trajectory:
            return squared / moments.count.sum()
        windows = np.bincount(moments.trajectory, weights=moments.count)
        return squared / windows[moments.trajectory] / moments.n_trajectories


def find_scales(moments: Moments, groups: list[list[int]], kind: str) -> Scales:
    """Scales from the moments; states in one of `groups` share a unit and so a scale.

    A flow has one scale per state. In a second-order system each trajectory is measured in units of its own size and
    its own acceleration, or the innermost planet would decide everything; a trajectory whose acceleration is mostly
    noise gets little weight (signal over power, as in a Wiener filter).
    """
    n_outputs = moments.power.shape[1]
    first = n_outputs if kind == "second_order" else 0  # the states that the outputs are rates of
    output_groups = [[i - first for i in g if first <= i < first + n_outputs] for g in groups]
    power = _pooled(moments.power, output_groups)
    signal = np.maximum(_pooled(moments.signal, output_groups), 0)
    spread = np.sqrt(_pooled(moments.spread**2, groups))
    windows = np.bincount(moments.trajectory, weights=moments.count)
    if kind == "second_order":
        mean_power = np.maximum(power.mean(0), 1e-300)
        relative_signal, relative_power = (signal / mean_power).mean(1), (power / mean_power).mean(1)
        weights = np.sqrt(relative_signal) / np.maximum(relative_power, 1e-300)
        outputs = np.sqrt(_or_infinite(power.mean(0))) / np.maximum(weights, 1e-300)[:, None]
        output_power = (weights[:, None] ** 2 * power).mean(0)
    else:
        weights = np.ones(moments.n_trajectories)
        spread = np.broadcast_to(np.sqrt(np.average(spread**2, axis=0, weights=windows)), spread.shape)
        outputs = _or_infinite(spread)
        output_power = np.average(power, axis=0, weights=windows)
    return Scales(weights, _or_infinite(output_power), _or_infinite(spread), outputs, kind == "second_order")


def _or_infinite(sizes):
    """A state that never varies has no scale: an infinite one takes it out of every norm, so it is no evidence."""
    return np.where(sizes > 0, sizes, np.inf)


def _pooled(squares, groups):
    """Mean squares `(trajectory, column)`, averaged over columns that share a unit."""
    pooled = np.array(squares, dtype=float)
    for group in groups:
        if group:
            pooled[:, group] = squares[:, group].mean(axis=1, keepdims=True)
    return pooled
