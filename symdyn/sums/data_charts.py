"""The chart of a data set, from a few samples that do not depend on how the data are chunked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import xarray as xr

from symdyn.data.trajectories import Trajectory
from symdyn.data.units import unit_groups, velocity_factors
from symdyn.functions.tolerances import STILL
from symdyn.lie.actions import Action
from symdyn.lie.chart import Chart
from symdyn.lie.lengths import shared_lengths
from symdyn.lie.output_actions import Values, value_action
from symdyn.rows.dynamics import Layout
from symdyn.rows.rates import characteristic_time
from symdyn.sums.axes import sampled_runs

__all__ = ["chart_of", "chart_of_layout", "chart_of_points"]

_SAMPLES = 256  # of each run that is looked at


def chart_of(
    dataset: xr.Dataset, names: Sequence[str], *, has_velocities: bool = False, has_clock: bool = True
) -> Chart:
    """The chart of some variables of trajectories: mean and spread over the runs that are looked at, pooled.

    States of one dimension share a scale, each in its own unit; a state that never varies keeps scale 1. The unit of
    time is the time in which runs forget their phase, or one step.

    Parameters
    ----------
    dataset : xr.Dataset
        Trajectories in the schema.
    names : sequence of str
        Variables, `t` being the times.
    has_velocities : bool
        Whether the second half of the names are velocities of the first: they have the scales of their positions over
        the unit of time, and stay where they are, rates in the chart, too.
    has_clock : bool
        Whether a unit of time is asked for.
    """
    runs = sampled_runs(dataset, names, _SAMPLES)
    if not runs:  # what is wrong with the data is for the pass over them to say
        return Chart.identity(len(names))
    groups, factors = unit_groups(dataset, names)
    if has_velocities:
        rates = velocity_factors(dataset, names[: len(names) // 2], names[len(names) // 2 :])
        return _chart_of_motion(np.concatenate([run.states for run in runs]), groups, factors, rates)
    states = np.concatenate([run.states for run in runs])
    time = _unit_of_time(runs) if has_clock else 1.0
    return Chart(*_centre_and_scale(states, groups, factors), time, _ties(groups))


def chart_of_layout(
    dataset: xr.Dataset,
    layout: Layout,
    action: Action | None = None,
    output: Values | str = "vector",
    shape: tuple[int, ...] = (),
) -> Chart:
    """The chart of all variables of a layout; the values of pairs keep their origin.

    Parameters
    ----------
    dataset : xr.Dataset
    layout : Layout
    action : Action, optional
        Of the law of the system that the pairs sample; by default that of the layout.
    output : see `discover_function`
        How values of pairs move: what moves like a state is in its unit.
    shape : tuple of int
        Of a value.
    """
    action = layout.action if action is None else action
    found = chart_of(
        dataset,
        layout.arguments,
        has_velocities=action.has_velocities,
        has_clock=layout.dynamics.in_windows,
    )
    if not layout.targets:
        return found
    if action.increments or action.has_velocities:  # in the units of states, of velocities over time
        units = action.value_scale(found, len(layout.targets)) / found.time
        return found + Chart((0.0,) * len(units), tuple(units))
    runs = sampled_runs(dataset, layout.targets, _SAMPLES)
    values = np.concatenate([run.states for run in runs]) if runs else np.ones((1, len(layout.targets)))
    scale = np.array(found.scale[: len(layout.states)])
    units = value_action(output).units(values, scale, shape or (len(layout.targets),))
    return found + Chart((0.0,) * len(units), tuple(units))


def chart_of_points(
    points: np.ndarray, symmetry: tuple[np.ndarray, np.ndarray] | None = None, *, has_velocities: bool = False
) -> Chart:
    """The chart of points `(sample, state)` without units: mean and spread of each state.

    Parameters
    ----------
    points : ndarray, `(sample, state)`
    symmetry : (ndarray `(generator, n, n)`, ndarray `(element, n, n)`), optional
        Linear parts of what turns states into one another: these share a scale, in the units in which it keeps lengths
        (`symdyn.lie.lengths`). Of a second-order system they act on the positions.
    has_velocities : bool
        Whether the second half of the states are the velocities of the first.
    """
    points = np.asarray(points, dtype=float)
    n = points.shape[1] // 2 if has_velocities else points.shape[1]
    groups, factors = [[k] for k in range(n)], np.ones(n)
    if symmetry is not None:
        groups, factors = shared_lengths(*symmetry, _centre_and_scale(points[:, :n], groups, factors)[1])
    if has_velocities:
        return _chart_of_motion(points, groups, factors)
    return Chart(*_centre_and_scale(points, groups, factors), ties=_ties(groups))


def _centre_and_scale(states: np.ndarray, groups: list[list[int]], factors: np.ndarray):
    """Means `(state,)` and standard deviations, pooled over the states of a group in one unit."""
    centre, spread = states.mean(axis=0), states.std(axis=0)
    still = spread <= STILL * np.abs(states).max(axis=0)
    spread[still], centre[still] = 0.0, states[0, still]
    scale = np.empty_like(spread)
    for group in groups:
        common = np.sqrt(np.mean((spread * factors)[group] ** 2))
        scale[group] = common / factors[group] if common > 0 else 1.0
    return centre, scale


def _chart_of_motion(
    states: np.ndarray, groups: list[list[int]], factors: np.ndarray, rates: np.ndarray | float = 1.0
) -> Chart:
    """Positions with their centre and scale; the time in which they cross their own spread.

    Velocities times `rates` `(velocity,)` are the rates of the positions in the units of the data.
    """
    n = states.shape[1] // 2
    centre, scale = _centre_and_scale(states[:, :n], [[k for k in g if k < n] for g in groups if g[0] < n], factors[:n])
    speeds = np.sqrt(np.mean((states[:, n:] * rates) ** 2, axis=0))
    moving = speeds > 0
    time = float(np.exp(np.mean(np.log(scale[moving] / speeds[moving])))) if moving.any() else 1.0
    chart = Chart(centre, scale, time, _ties([[k for k in g if k < n] for g in groups])).prolong()
    return replace(chart, scale=(*scale, *(scale / time / rates)))


def _ties(groups: list[list[int]]):
    return tuple(tuple(group) for group in groups if len(group) > 1)


def _unit_of_time(runs: list[Trajectory]) -> float:
    times = [characteristic_time(run.times, run.states) for run in runs if len(run.times) > 1]
    times = [time for time in times if time > 0]
    return float(np.exp(np.mean(np.log(times)))) if times else 1.0
