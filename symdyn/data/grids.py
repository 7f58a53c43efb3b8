"""Fields on uniform grids: the schema of trajectories over `(trajectory, time, x[, y])`, checked.

One variable per field over `(trajectory, time, x)` or `(trajectory, time, x, y)`; coordinates `time`, `x`, `y` with
uniform steps that all trajectories share; attribute `period` on a coordinate whose ends meet; attribute `states` on the
Dataset fixes the order of the fields.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from symdyn.data.clocks import numbered_clock
from symdyn.data.dimensions import unit_of
from symdyn.data.numbers import refuse_dtype
from symdyn.functions.words import did_you_mean

__all__ = [
    "WINDOW_POINTS",
    "FieldGrid",
    "field_block",
    "field_grid",
    "is_field_data",
    "noise_of_fields",
    "validate_fields",
]

AXES = ("x", "y")
_UNEVEN = 1e-4  # of a step
_SEAM = 5.0  # times the usual difference of neighbours
WINDOW_POINTS = 16  # along an axis, for windows to fit
# Differences along time and space: what is left of smooth fields is of eighth order, of noise 70^2 times its variance.
_STENCIL = np.array([1.0, -4.0, 6.0, -4.0, 1.0])


@dataclass(frozen=True)
class FieldGrid:
    """Names of fields and axes, and the grid they share.

    `grids` holds the clock, then the points along each axis of space; `periodic` `(axis of space,)`.
    """

    fields: tuple[str, ...]
    axes: tuple[str, ...]
    grids: tuple[np.ndarray, ...]
    periodic: tuple[bool, ...]

    @property
    def coordinates(self) -> tuple[str, ...]:
        """`t` and the axes of space."""
        return ("t", *self.axes)

    @property
    def steps(self) -> tuple[float, ...]:
        """Grid spacing along time and each axis."""
        return tuple(float(grid[-1] - grid[0]) / (len(grid) - 1) for grid in self.grids)

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of points along time and each axis."""
        return tuple(len(grid) for grid in self.grids)


def is_field_data(dataset: xr.Dataset) -> bool:
    """Return whether any variable of the Dataset lives over an axis of space."""
    return any("x" in variable.dims for variable in dataset.data_vars.values())


def validate_fields(dataset: xr.Dataset, fields: Sequence[str] | None = None, *, fewest: int = 3) -> xr.Dataset:
    """Check dims, grids of at least `fewest` points, units and seams; return the Dataset with its `states` fixed.

    Coordinates that descend are sorted, dates become numbers (`symdyn.data.clocks`), integers floats, dims get their
    order, and axes of one dimension one unit.

    Raises
    ------
    TypeError
        For data that are not a Dataset.
    ValueError
        If the fields break the schema; the message names the variable or coordinate, and says what to change.
    """
    if not isinstance(dataset, xr.Dataset):
        raise TypeError(
            "data must be a Dataset of fields over (trajectory, time, x[, y]), a file, or a tuple (u, t, x), got "
            f"{type(dataset).__name__}"
        )
    names = list(fields) if fields is not None else _declared(dataset)
    missing = [name for name in names if name not in dataset.data_vars]
    if missing:
        known = sorted(map(str, dataset.data_vars))
        raise ValueError(f"field {missing[0]!r} is missing; the data have {known}{did_you_mean(missing[0], known)}")
    if "trajectory" not in dataset.dims:
        dataset = dataset.expand_dims("trajectory")
    axes = tuple(axis for axis in AXES if axis in dataset[names[0]].dims)
    dataset = dataset.assign({name: _field_of(dataset[name], name, axes) for name in names})
    if "time" in dataset.coords:
        dataset = numbered_clock(dataset, "time")
    for axis in ("time", *axes):
        dataset = _sorted_along(dataset, axis)
        _check_axis(dataset, axis, fewest)
    dataset = _in_one_unit(dataset, axes)
    for name in names:
        _check_values(dataset, name, axes)
    return dataset.assign_attrs(states=" ".join(names))


def field_grid(dataset: xr.Dataset) -> FieldGrid:
    """Return the grid of checked fields."""
    names = tuple(str(dataset.attrs["states"]).split())
    axes = tuple(axis for axis in AXES if axis in dataset[names[0]].dims)
    grids = tuple(np.asarray(dataset[axis].values, dtype=float) for axis in ("time", *axes))
    return FieldGrid(names, axes, grids, tuple("period" in dataset[axis].attrs for axis in axes))


def field_block(dataset: xr.Dataset, runs: slice) -> np.ndarray:
    """Read values `(field, run, time, x[, y])` of some trajectories into memory.

    Raises
    ------
    ValueError
        For values that are not finite; the message names the field and the trajectory.
    """
    names = str(dataset.attrs["states"]).split()
    values = np.stack([np.asarray(dataset[name].isel(trajectory=runs).values, dtype=float) for name in names])
    bad = ~np.isfinite(values).all(axis=tuple(range(2, values.ndim)))
    if bad.any():
        field, run = np.argwhere(bad)[0]
        label = dataset["trajectory"].values[runs][run]  # its number, where it has no other name
        raise ValueError(
            f"field {names[field]!r} of trajectory {label} is not finite everywhere; "
            "fill the gaps, or drop the trajectory"
        )
    return values


def noise_of_fields(values: np.ndarray) -> np.ndarray:
    """Estimate the standard deviation `(field, run)` of white noise on fields `(field, run, time, x[, y])`."""
    left = values
    factor = 1.0
    for axis in (2, 3):
        parts = (w * np.take(left, range(k, left.shape[axis] - 4 + k), axis) for k, w in enumerate(_STENCIL))
        left = np.asarray(sum(parts))
        factor *= np.sum(_STENCIL**2)
    squares = np.mean(left**2, axis=tuple(range(2, values.ndim)))
    return np.sqrt(squares / factor)


def _declared(dataset: xr.Dataset) -> list[str]:
    if "states" in dataset.attrs:
        return str(dataset.attrs["states"]).split()
    found = [str(name) for name, variable in dataset.data_vars.items() if "x" in variable.dims]
    if not found:
        raise ValueError("no fields found: no variable has a dim 'x'; name the axes of space x and y")
    return found


def _check_axis(dataset: xr.Dataset, axis: str, fewest: int) -> None:
    if axis not in dataset.coords:
        raise ValueError(f"coordinate {axis!r} is missing: derivatives need its spacing; assign_coords({axis}=...)")
    if dataset[axis].dims != (axis,):
        raise ValueError(f"coordinate {axis!r} must be one grid for all trajectories, it has dims {dataset[axis].dims}")
    grid = np.asarray(dataset[axis].values, dtype=float)
    if len(grid) < fewest:
        raise ValueError(f"{axis!r} has {len(grid)} points, at least {fewest} are needed: sample more finely")
    gaps = np.diff(grid)
    if np.any(gaps <= 0) or np.ptp(gaps) > _UNEVEN * abs(gaps.mean()):
        raise ValueError(
            f"coordinate {axis!r} is not uniform (steps {gaps.min():.4g} to {gaps.max():.4g}); interpolate the fields "
            f"to even steps first, for instance by dataset.interp({axis}=...)"
        )
    period = dataset[axis].attrs.get("period")
    if period is not None and abs(float(period) / (gaps.mean() * len(grid)) - 1) > 1e-3:
        raise ValueError(
            f"coordinate {axis!r} says period {float(period):g}, its {len(grid)} steps of {gaps.mean():.4g} make "
            f"{gaps.mean() * len(grid):.4g}; drop a repeated end point, or correct the attribute"
        )


def _field_of(variable: xr.DataArray, name: str, axes: tuple[str, ...]) -> xr.DataArray:
    """Return a field of real numbers with its dims in order."""
    wanted = ("trajectory", "time", *axes)
    if set(variable.dims) != set(wanted) or not axes:
        shown = wanted if axes else ("trajectory", "time", "x")
        raise ValueError(f"field {name!r} has dims {variable.dims}; rename or transpose them to {shown}")
    if variable.dtype.kind == "c":
        raise ValueError(f"field {name!r} holds {variable.dtype}, not real numbers; split complex fields in two")
    refuse_dtype(variable.dtype, f"field {name!r}")
    if variable.dtype.kind in "iu":
        variable = variable.astype(float)
    return variable if variable.dims == wanted else variable.transpose(*wanted)


def _sorted_along(dataset: xr.Dataset, axis: str) -> xr.Dataset:
    """Sort by a coordinate that does not grow: descending latitudes, longitudes from 0 on after those up to 360."""
    if axis not in dataset.coords or dataset[axis].dims != (axis,) or dataset.indexes[axis].is_monotonic_increasing:
        return dataset
    return dataset.sortby(axis)


def _in_one_unit(dataset: xr.Dataset, axes: tuple[str, ...]) -> xr.Dataset:
    """Convert the axes of space to the unit of the first that has one."""
    units = {axis: unit_of(str(dataset[axis].attrs.get("units", ""))) for axis in axes}
    known = {axis: unit for axis, unit in units.items() if unit is not None}
    if len({unit.dimension for unit in known.values()}) > 1:
        listed = ", ".join(f"{axis} in {dataset[axis].attrs['units']!r}" for axis in known)
        raise ValueError(f"units cannot fit one equation: {listed}; convert the axes to one unit")
    for axis in list(known)[1:]:
        first = next(iter(known))
        factor = known[axis].factor / known[first].factor
        if factor != 1:
            attrs = {**dataset[axis].attrs, "units": dataset[first].attrs["units"]}
            attrs |= {"period": float(attrs["period"]) * factor} if "period" in attrs else {}
            dataset = dataset.assign_coords({axis: (axis, dataset[axis].values * factor, attrs)})
    return dataset


def _check_values(dataset: xr.Dataset, name: str, axes: tuple[str, ...]) -> None:
    """Check on the first trajectory that something changes, and that ends that are said to meet do."""
    first = np.asarray(dataset[name].isel(trajectory=0).values, dtype=float)
    scale = np.abs(first).max(initial=0.0)
    if np.ptp(first) <= 1e-12 * scale or np.abs(np.diff(first, axis=0)).max() <= 1e-12 * scale:
        raise ValueError(f"field {name!r} never changes; drop it, or give data in which it moves")
    for place, axis in enumerate(axes, start=1):
        if "period" not in dataset[axis].attrs:
            continue
        rest = tuple(k for k in range(first.ndim) if k != place)
        steps = np.sqrt(np.mean((np.roll(first, -1, place) - first) ** 2, axis=rest))
        if steps[-1] > _SEAM * np.quantile(steps[:-1], 0.9):
            raise ValueError(
                f"field {name!r} jumps by {steps[-1]:.3g} where {axis!r} should close, {np.median(steps):.3g} "
                f"elsewhere: the data are not periodic; delete the attribute period of {axis!r}"
            )
