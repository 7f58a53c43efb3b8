"""Times as numbers in a unit that is known: dates and intervals become `days since ...`, in whatever suits the steps.

They are converted once, where data are opened: the unit then stands on the times, is the same for each part of the
data, and every rate is per that unit.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, overload

import numpy as np
import xarray as xr

from symdyn.data.dimensions import TIME, unit_of
from symdyn.data.numbers import real_array

if TYPE_CHECKING:
    from dask.array import Array

__all__ = ["clock_among", "clock_name", "dates_or_numbers", "note_on_dates", "numbered_clock", "time_unit", "times_of"]

_UNITS = {"year": 31557600.0, "day": 86400.0, "h": 3600.0, "min": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6}
# As the conventions for climate and forecast data write them; they know no years of equal length.
_WRITTEN = {"day": "days", "h": "hours", "min": "minutes", "s": "seconds", "ms": "milliseconds", "us": "microseconds"}
_SHORTEST = {"year": 300 * 86400.0, "s": 1e-3, "ms": 1e-6, "us": 0.0}  # step in seconds; else the unit itself

_CLOCKS = ("t", "time", "date", "datetime", "timestamp")


def clock_among(names: Iterable[str]) -> str | None:
    """Find the name of the times among names, as written or in lower case (T alone is a temperature)."""
    own = [str(name) for name in names]
    small = {name.lower(): name for name in own if len(name) > 1}
    return next((name for name in _CLOCKS if name in own), next((small[n] for n in _CLOCKS if n in small), None))


def clock_name(dataset: xr.Dataset) -> str:
    """Return the name of the variable that holds the times."""
    return "t" if "t" in dataset.variables else "time"


def time_unit(dataset: xr.Dataset) -> str:
    """Return the unit of the times, such as `s` or `day`, which rates are per; empty where none is declared."""
    name = clock_name(dataset)
    text = (
        str(dataset[name].attrs.get("units", "")).partition(" since ")[0].strip() if name in dataset.variables else ""
    )
    unit = unit_of(text)
    if unit is None or unit.dimension != TIME:
        return text
    return next((short for short, size in _UNITS.items() if abs(unit.factor / size - 1) < 1e-12), text)


def note_on_dates(dataset: xr.Dataset) -> list[str]:
    """Say in which unit times that were dates are counted, and per which unit rates are meant."""
    name = clock_name(dataset)
    text = str(dataset[name].attrs.get("units", "")) if name in dataset.variables else ""
    return [f"times are dates: t is in {text}"] if " since " in text else []


def numbered_clock(dataset: xr.Dataset, name: str | None = None) -> xr.Dataset:
    """Turn dates and intervals in the Dataset into numbers; the unit suits the steps of the first trajectory.

    Parameters
    ----------
    dataset : xr.Dataset
    name : str, optional
        The variable that holds the times, if it does not have the usual name.

    Raises
    ------
    ValueError
        For times that are neither numbers nor dates.
    """
    name = clock_name(dataset) if name is None else name
    clock = dataset[name]
    if clock.dtype.kind in "fiu":
        return dataset
    data = clock.data if clock.dtype.kind in "mM" else dates_or_numbers(clock.values, f"times {name!r}")
    unit, origin = _suited(np.asarray(data[0] if "trajectory" in clock.dims else data))
    numbers = xr.Variable(clock.dims, _numbers(data, unit, origin), {**clock.attrs, **_attributes(unit, origin)})
    return dataset.assign_coords({name: numbers}) if name in dataset.coords else dataset.assign({name: numbers})


def times_of(entries: Iterable) -> tuple[list[np.ndarray], dict]:
    """Return times of runs as numbers `(time,)`, dates among them converted alike, and the attributes of the clock.

    Parameters
    ----------
    entries : iterable of arrays of numbers, dates, intervals or texts of dates
    """
    arrays = [dates_or_numbers(entry, "t") for entry in entries]
    if arrays[0].dtype.kind not in "mM":
        return [real_array(array, "t") for array in arrays], {}
    unit, origin = _suited(arrays[0])
    return [_numbers(array, unit, origin) for array in arrays], _attributes(unit, origin)


def dates_or_numbers(values, name: str) -> np.ndarray:
    """Return numbers, dates and intervals unchanged, and convert strings and objects that represent dates to dates.

    Raises
    ------
    ValueError
        For anything else.
    """
    array = values if isinstance(values, np.ma.MaskedArray) else np.asarray(values)
    if array.dtype.kind not in "OUST":
        return array
    import pandas as pd

    flat = array.ravel()
    try:
        return pd.to_datetime(flat, utc=True).tz_localize(None).to_numpy().reshape(array.shape)
    except (ValueError, TypeError):
        pass
    try:  # dates of other calendars, of which nothing but their distance is known here
        return np.array([moment - flat[0] for moment in flat], dtype="timedelta64[us]").reshape(array.shape)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{name} hold {array.dtype}, neither numbers nor dates; convert them first") from error


@overload
def _numbers(dates: np.ndarray, unit: str, origin: np.datetime64 | np.timedelta64) -> np.ndarray: ...
@overload
def _numbers(dates: Array, unit: str, origin: np.datetime64 | np.timedelta64) -> Array: ...
def _numbers(dates: np.ndarray | Array, unit: str, origin: np.datetime64 | np.timedelta64) -> np.ndarray | Array:
    """Count dates or intervals from an origin, in a unit; undefined ones become NaN. Lazy where they are."""
    return (dates - origin) / np.timedelta64(round(_UNITS[unit] * 1e6), "us")


def _suited(first: np.ndarray) -> tuple[str, np.datetime64 | np.timedelta64]:
    """Return the largest unit that is no longer than the steps, and the first of the times."""
    valid = first[~np.isnat(first)]
    if not valid.size:
        return "s", np.zeros(1, first.dtype)[0]
    origin = valid[0] if first.dtype.kind == "M" else valid[0] * 0
    steps = np.abs(np.diff(valid)) / np.timedelta64(1, "us") * 1e-6
    step = float(np.median(steps)) if steps.size else 1.0
    unit = next(unit for unit, size in _UNITS.items() if step >= _SHORTEST.get(unit, size) * (1 - 1e-9))
    return unit, origin


def _attributes(unit: str, origin: np.datetime64 | np.timedelta64) -> dict[str, str]:
    if np.issubdtype(type(origin), np.timedelta64):
        return {"units": unit}
    since = str(origin.astype("datetime64[us]"))
    since = since.removesuffix(".000000")
    if unit not in _WRITTEN:
        return {"units": unit, "origin": since}
    return {"units": f"{_WRITTEN[unit]} since {since}"}
