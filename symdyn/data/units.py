"""Units as written in attributes: enough to notice that two variables cannot belong together."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import xarray as xr

__all__ = ["check_units", "shared_scales", "unit_groups"]

_LENGTHS = {"m", "km", "cm", "mm", "um", "nm", "au", "pc", "ly", "ft", "mi"}
_ANGLES = {"rad", "radian", "radians", "deg", "degree", "degrees"}


def check_units(dataset: xr.Dataset, states: list[str]) -> None:
    """Check positions against each other and velocities against their positions.

    Raises
    ------
    ValueError
        If two positions are in different units of one dimension, or a velocity is not in units of its position over
        the units of time.
    """
    clock = "t" if "t" in dataset.variables else "time"
    time_unit = _normal(dataset[clock].attrs.get("units", ""))
    pairs = {str(dataset[n].attrs["derivative_of"]): n for n in states if "derivative_of" in dataset[n].attrs}
    for position, velocity in pairs.items():
        if position not in states:
            raise ValueError(f"variable {velocity!r} is the derivative of {position!r}, which is not a state")
        expected = f"{_unit(dataset, position)}/{time_unit}"
        found = _unit(dataset, velocity)
        if found and time_unit and _unit(dataset, position) and found != expected:
            raise ValueError(
                f"variable {velocity!r} is in {found!r}, but {position!r} and the times call for {expected!r}; "
                "convert one of them"
            )
    for group in (list(pairs), list(pairs.values())) if pairs else (states,):
        _check_group(dataset, group)


def shared_scales(dataset: xr.Dataset, states: list[str]) -> list[list[int]]:
    """Groups of states measured in one unit, which share one scale; a state without units stands alone."""
    groups: dict[str, list[int]] = {}
    for index, name in enumerate(states):
        groups.setdefault(_unit(dataset, name) or f" {name}", []).append(index)
    return list(groups.values())


def unit_groups(dataset: xr.Dataset, names: Sequence[str]) -> tuple[list[list[int]], np.ndarray]:
    """Groups of states of one dimension, and factors `(state,)` from the unit of each to that of its group's first."""
    return shared_scales(dataset, list(names)), np.ones(len(names))


def _check_group(dataset, names):
    for kind in (_LENGTHS, _ANGLES):
        found = {name: _unit(dataset, name) for name in names if _unit(dataset, name).split("/")[0] in kind}
        if len(set(found.values())) > 1:
            (first, unit), *others = found.items()
            second, other = next(pair for pair in others if pair[1] != unit)
            raise ValueError(f"variables {first!r} in {unit!r} and {second!r} in {other!r} disagree; convert one")


def _unit(dataset, name):
    return _normal(dataset[name].attrs.get("units", ""))


def _normal(unit):
    """`au day-1`, `au day^-1`, `au d**-1` and `au/day` are one unit; `days since ...` is `day`."""
    text = str(unit).strip().split(" since ")[0].lower()
    text = re.sub(r"\s*[* ]?\s*(\w+?)\s*(?:\^|\*\*)?-1$", r"/\1", text)
    parts = [part.strip() for part in text.split("/")]
    names = {"days": "day", "d": "day", "seconds": "s", "second": "s", "sec": "s", "years": "year", "yr": "year"}
    return "/".join(names.get(part, part) for part in parts)
