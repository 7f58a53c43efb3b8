"""Units as written in attributes: which variables belong together, and by what factor they are converted."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import xarray as xr

from symdyn.data.clocks import clock_name, time_unit
from symdyn.data.dimensions import ANGLE, Unit, unit_of

__all__ = [
    "check_units",
    "full_turns",
    "matched_velocities",
    "note_on_velocities",
    "radians_of",
    "shared_scales",
    "unit_groups",
    "variable_of",
    "velocity_factors",
]


def check_units(dataset: xr.Dataset, states: list[str]) -> None:
    """Check velocities against their positions.

    Raises
    ------
    ValueError
        If a velocity does not measure its position over a time; other units of the same are converted.
    """
    pairs = {str(dataset[n].attrs["derivative_of"]): n for n in states if "derivative_of" in dataset[n].attrs}
    for position, velocity in pairs.items():
        if position not in states:
            raise ValueError(f"variable {velocity!r} is the derivative of {position!r}, which is not a state")
    velocity_factors(dataset, list(pairs), list(pairs.values()))


def velocity_factors(dataset: xr.Dataset, positions: Sequence[str], velocities: Sequence[str]) -> np.ndarray:
    """Compute factors `(velocity,)` that turn velocities into rates of the positions, in their unit over that of time.

    For positions in km, times in days and velocities in m/s the factor is 86.4; if one of the three has no unit, it is
    1.

    Raises
    ------
    ValueError
        For a velocity that does not measure its position over a time, naming both and the cure.
    """
    factors = [_velocity_factor(dataset, *pair) for pair in zip(positions, velocities, strict=True)]
    return np.array(factors, dtype=float)


def note_on_velocities(dataset: xr.Dataset, names: Sequence[str]) -> list[str]:
    """Say which units of velocities could not be checked because the times have no unit.

    Parameters
    ----------
    dataset : xr.Dataset
    names : sequence of str
        Positions, then their velocities in the same order.
    """
    half = len(names) // 2
    pairs = [
        pair
        for pair in zip(names[:half], names[half:], strict=False)
        if all(_unit(dataset, name) is not None for name in pair)
    ]
    if not pairs or _unit(dataset, "t") is not None:
        return []
    (position, velocity), clock = pairs[0], clock_name(dataset)
    return [
        f"times have no unit: whether {velocity!r} in {_text(dataset, velocity)!r} is the rate of {position!r} in "
        f"{_text(dataset, position)!r} was judged by the numbers alone; set units on {clock!r}"
    ]


def shared_scales(dataset: xr.Dataset, states: list[str]) -> list[list[int]]:
    """Group states measured in one unit, which share one scale; a state without units stands alone."""
    return _grouped([_unit(dataset, name) for name in states])


def unit_groups(dataset: xr.Dataset, names: Sequence[str]) -> tuple[list[list[int]], np.ndarray]:
    """Return groups of states of one dimension, and factors `(state,)` to the unit of the first in each group."""
    units = [_unit(dataset, name) for name in names]
    groups = _grouped([None if unit is None else unit.dimension for unit in units])
    sizes = np.array([1.0 if unit is None else unit.factor for unit in units])
    factors = np.ones(len(units))
    for group in groups:
        factors[group] = sizes[group] / sizes[group[0]]
    return groups, factors


def matched_velocities(dataset: xr.Dataset, names: Sequence[str]) -> xr.Dataset:
    """Convert velocities to the unit of their position per unit of time, as a solution of q'' = g needs them.

    Parameters
    ----------
    dataset : xr.Dataset
        Trajectories in the schema.
    names : sequence of str
        Positions, then their velocities in the same order.

    Raises
    ------
    ValueError
        For velocities whose unit is not that of a rate of their position.
    """
    half, attrs = len(names) // 2, dict(dataset.attrs)
    for q, v, factor in zip(
        names[:half], names[half:], velocity_factors(dataset, names[:half], names[half:]), strict=True
    ):
        if abs(factor - 1) > 1e-9:
            unit = f"{_text(dataset, q)}/{time_unit(dataset)}"
            dataset = dataset.assign({v: (dataset[v] * factor).assign_attrs({**dataset[v].attrs, "units": unit})})
    return dataset.assign_attrs(attrs)


def radians_of(dataset: xr.Dataset, names: Sequence[str]) -> np.ndarray:
    """Return the radians in the unit of each state `(state,)`, or of a rate of an angle over its time; 1 otherwise."""
    units = [_unit(dataset, name) for name in names]
    return np.array([unit.angle if unit is not None and ("rad", 1) in unit.dimension else 1.0 for unit in units])


def full_turns(dataset: xr.Dataset, names: Sequence[str]) -> np.ndarray:
    """Return a full turn in the unit of each state `(state,)`; 0 for a state that is not declared an angle."""
    units = [_unit(dataset, name) for name in names]
    return np.array(
        [2 * np.pi / unit.factor if unit is not None and unit.dimension == ANGLE else 0.0 for unit in units]
    )


def variable_of(dataset: xr.Dataset, name: str) -> xr.DataArray:
    """Return a variable by its name, `t` and `time` being the times, whatever they are called in the data."""
    return dataset[clock_name(dataset) if name in ("t", "time") else name]


def _velocity_factor(dataset: xr.Dataset, position: str, velocity: str) -> float:
    of_position, of_velocity, of_time = (_unit(dataset, name) for name in (position, velocity, "t"))
    if of_position is None or of_velocity is None or of_time is None:
        return 1.0
    expected = _without_angles(of_position.dimension, of_time.dimension)
    if _without_angles(of_velocity.dimension, ()) != expected:
        raise ValueError(
            f"variable {velocity!r} is in {_text(dataset, velocity)!r}, but {position!r} and the times call for "
            f"'{_text(dataset, position)}/{time_unit(dataset)}' or what converts to it; correct the units, or the "
            "attribute derivative_of"
        )
    return of_velocity.factor * of_time.factor / of_position.factor


def _without_angles(above: Sequence[tuple[str, int]], below: Sequence[tuple[str, int]]) -> dict[str, int]:
    """Divide dimensions, radians counting as numbers: angles may turn by rad/s, or by 1/s."""
    powers = dict(above)
    for base, power in below:
        powers[base] = powers.get(base, 0) - power
    return {base: power for base, power in powers.items() if power and base != "rad"}


def _grouped(keys: Sequence[Hashable]) -> list[list[int]]:
    groups: dict[object, list[int]] = {}
    for index, key in enumerate(keys):
        groups.setdefault(("alone", index) if key is None else key, []).append(index)
    return list(groups.values())


def _text(dataset: xr.Dataset, name: str) -> str:
    return str(variable_of(dataset, name).attrs.get("units", "")).partition(" since ")[0].strip()


def _unit(dataset: xr.Dataset, name: str) -> Unit | None:
    return unit_of(_text(dataset, name))
