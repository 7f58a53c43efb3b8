"""Data of any form as points to draw in the coordinates of a field, with the units of these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from symdyn.data.clocks import time_unit
from symdyn.data.motion import paired_states
from symdyn.data.trajectories import are_tables, each_trajectory, open_trajectories, state_names
from symdyn.flows.prolonged_flow import CLOCKS
from symdyn.lie.chart import Chart
from symdyn.reporting.texts import unit_text

__all__ = ["DrawnData", "drawn_data", "opened"]

_RUNS = 60
_SAMPLES = 2000  # of a run
_REACH = 2.0  # spreads about the centre of a chart
_MARGIN = 0.08  # of the range


@dataclass(frozen=True)
class DrawnData:
    """Runs `(sample, coordinate)` to draw, and the box that they lie in.

    `units` `(coordinate,)`, empty texts where there are none; `are_lines` says whether samples follow one another;
    `low`, `high` and `middle` `(coordinate,)` are the ends of the range and the median.
    """

    runs: tuple[np.ndarray, ...]
    units: tuple[str, ...]
    are_lines: bool
    low: np.ndarray
    high: np.ndarray
    middle: np.ndarray

    @property
    def extent(self) -> np.ndarray:
        """Range of each coordinate; 1 where it never varies."""
        extent = self.high - self.low
        return np.where(extent > 0, extent, 1.0)

    def box(self, coordinate: int) -> tuple[float, float]:
        """Return the range of a coordinate with a margin."""
        margin = _MARGIN * self.extent[coordinate]
        still = 0.5 * (self.high[coordinate] <= self.low[coordinate])
        return float(self.low[coordinate] - margin - still), float(self.high[coordinate] + margin + still)

    def points(self, most: int = 400) -> np.ndarray:
        """Return some points `(sample, coordinate)` on the data, or in the box without data."""
        if not self.runs:
            return np.random.default_rng(0).uniform(self.low, self.high, (most, len(self.low)))
        every = np.concatenate(self.runs)
        return every[:: -(-len(every) // most)]


def opened(data: Any) -> xr.Dataset | None:
    """Return trajectories or fields as a Dataset; None for points, which have no times."""
    if isinstance(data, xr.Dataset | xr.DataArray | str | Path) or are_tables(data):
        return open_trajectories(data)
    if isinstance(data, tuple) and len(data) == 2:
        return open_trajectories(data[0], t=data[1])
    return None


def drawn_data(data: Any, coordinates: Sequence[str], chart: Chart | None = None) -> DrawnData:
    """Bring data to the coordinates of a field: states, positions of a second-order system, the time.

    Parameters
    ----------
    data : xr.Dataset, path, (x, t), array `(sample, state)`, list of arrays, or None
    coordinates : sequence of str
        Names of the states of the field, of which one may be the time.
    chart : Chart, optional
        Where to draw without data.

    Raises
    ------
    ValueError
        For data of other variables.
    """
    if data is None:
        return _without_data(chart or Chart.identity(len(coordinates)))
    dataset = opened(data)
    if dataset is None:
        parts = data if isinstance(data, list) else [data]
        runs = [np.asarray(part, dtype=float).reshape(-1, np.shape(part)[-1] if np.ndim(part) else 1) for part in parts]
        if any(run.shape[1] != len(coordinates) for run in runs):
            raise ValueError(
                f"points to draw must have the columns {', '.join(coordinates)}, got {runs[0].shape[1]} columns"
            )
        return _collected(runs, [""] * len(coordinates), are_lines=isinstance(data, list))
    names = _variables(dataset, coordinates)
    runs = [run.states for run in each_trajectory(dataset.isel(trajectory=_some(dataset)), names)]
    states = state_names(dataset)
    units = [
        time_unit(dataset) if name in CLOCKS and name not in states else str(dataset[name].attrs.get("units", ""))
        for name in names
    ]
    return _collected(runs, [unit_text(unit) for unit in units], are_lines=True)


def _some(dataset: xr.Dataset) -> slice:
    return slice(None, None, -(-dataset.sizes["trajectory"] // _RUNS))


def _variables(dataset: xr.Dataset, coordinates: Sequence[str]) -> list[str]:
    """Find the variable of each coordinate: by name, or else by place among the states or among the positions."""
    states = state_names(dataset)
    clocks = [name for name in coordinates if name in CLOCKS and name not in states]
    wanted = [name for name in coordinates if name not in clocks]
    if set(wanted) <= set(map(str, dataset.data_vars)):
        return list(coordinates)
    if 2 * len(wanted) == len(states):
        states = list(paired_states(dataset, states))[: len(wanted)]
    if len(wanted) != len(states):
        raise ValueError(f"the field is on {', '.join(wanted)}, the data hold {', '.join(states)}")
    by_place = dict(zip(wanted, states, strict=True))
    return [by_place.get(name, name) for name in coordinates]


def _collected(runs: Sequence[np.ndarray], units: Sequence[str], *, are_lines: bool) -> DrawnData:
    runs = [run[:: -(-len(run) // _SAMPLES)] for run in runs]
    every = np.concatenate(runs)
    if not np.all(np.isfinite(every)):
        raise ValueError("points to draw must be finite")
    return DrawnData(
        tuple(runs), tuple(units), are_lines, every.min(axis=0), every.max(axis=0), np.median(every, axis=0)
    )


def _without_data(chart: Chart) -> DrawnData:
    centre, reach = np.array(chart.centre), _REACH * np.array(chart.scale)
    return DrawnData((), ("",) * len(centre), False, centre - reach, centre + reach, centre)
