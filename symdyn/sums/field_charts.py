"""The chart of fields over time and space: made from a few samples, data carried into it block by block."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from symdyn.data.grids import FieldGrid, field_block, field_grid
from symdyn.data.units import unit_groups
from symdyn.functions.tolerances import STILL
from symdyn.lie.chart import Chart

__all__ = ["chart_of_fields", "fields_in_chart", "units_shared"]

_RUNS, _POINTS = 8, 64  # looked at: runs, and points of each along time and each axis
_NO_UNIT = {"", "1", "dimensionless", "none"}


def chart_of_fields(dataset: xr.Dataset, *, shifted: bool = True) -> Chart:
    """Build the chart of coordinates and fields `(t, x[, y], fields)` of checked fields.

    Time and axes are counted from the middle of the grid in units of half its length, fields from their mean in units
    of their standard deviation, over some runs and points that do not depend on chunks. Axes that share a unit share a
    scale, and so do fields; what has no unit has a scale of its own.

    Parameters
    ----------
    dataset : xr.Dataset
        As `validate_fields` returns it, times as numbers.
    shifted : bool
        Whether fields are counted from their mean; else from 0, where a law has an origin of its own.
    """
    grid = field_grid(dataset)
    centres = [(axis[0] + axis[-1]) / 2 for axis in grid.grids]
    lengths = [(axis[-1] - axis[0]) / 2 for axis in grid.grids]
    lengths[1:] = _shared(dataset, grid.axes, np.array(lengths[1:]))
    means, spreads = _moments(_sampled(dataset, grid))
    spreads = _shared(dataset, grid.fields, spreads)
    origin = means if shifted else np.zeros(len(means))
    return Chart((*centres, *origin), (*lengths, *spreads))


def fields_in_chart(dataset: xr.Dataset, chart: Chart) -> xr.Dataset:
    """Carry the fields and their coordinates into the chart, in double precision; lazy where the data are."""
    grid = field_grid(dataset)
    names = ("time", *grid.axes, *grid.fields)
    numbers = dict(zip(names, zip(*chart.numbers, strict=True), strict=True))
    fields = {name: _carried(dataset[name], *numbers[name]) for name in grid.fields}
    axes = {}
    for axis in names[: 1 + len(grid.axes)]:
        centre, scale = numbers[axis]
        attrs = dict(dataset[axis].attrs)
        if "period" in attrs:
            attrs["period"] = float(attrs["period"]) / scale
        axes[axis] = (axis, (np.asarray(dataset[axis].values, dtype=float) - centre) / scale, attrs)
    return dataset[list(grid.fields)].assign(fields).assign_coords(axes)


def units_shared(dataset: xr.Dataset, names: Sequence[str]) -> tuple[list[list[int]], np.ndarray]:
    """Return groups of variables of one dimension, and factors `(name,)` to the unit of the first in each group.

    A variable without unit, or in the unit 1, stands alone: pure numbers have scales of their own.
    """
    groups, factors = unit_groups(dataset, names)
    found = []
    for group in groups:
        unit = str(dataset[names[group[0]]].attrs.get("units", "")).strip().lower()
        found += [[k] for k in group] if unit in _NO_UNIT else [group]
    return found, factors


def _carried(variable: xr.DataArray, centre: float, scale: float) -> xr.DataArray:
    """Compute (u − c) / s with one copy of what is in memory."""
    if variable.chunks is not None:
        return (variable.astype(float) - centre) / scale
    values = np.subtract(variable.values, centre, dtype=float)
    values /= scale
    return variable.copy(data=values)


def _sampled(dataset: xr.Dataset, grid: FieldGrid) -> np.ndarray:
    """Read values `(field, run, ...)` of up to eight runs, evenly spaced, at evenly spaced points."""
    n = dataset.sizes["trajectory"]
    runs = np.unique(np.linspace(0, n - 1, min(n, _RUNS)).astype(int))
    steps = {
        axis: slice(None, None, max(size // _POINTS, 1))
        for axis, size in zip(("time", *grid.axes), grid.shape, strict=True)
    }
    return field_block(dataset[list(grid.fields)].isel(trajectory=runs, **steps), slice(None))


def _moments(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Compute means and standard deviations `(field,)`; 1 for a field that varies by rounding only."""
    flat = values.reshape(len(values), -1)
    means, spreads = flat.mean(axis=1), flat.std(axis=1)
    return means, np.where(spreads > STILL * np.abs(flat).max(axis=1), spreads, 1.0)


def _shared(dataset: xr.Dataset, names: Sequence[str], sizes: np.ndarray) -> np.ndarray:
    """Return the sizes `(name,)`, those of one unit pooled."""
    sizes = np.array(sizes, dtype=float)
    groups, factors = units_shared(dataset, names)
    for group in groups:
        sizes[group] = np.sqrt(np.mean((sizes * factors)[group] ** 2)) / factors[group]
    return sizes
