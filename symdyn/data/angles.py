"""Angles: states in degrees or radians that wrap are unwrapped, and functions of them read radians."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import xarray as xr

from symdyn.data.units import full_turns, radians_of
from symdyn.functions.features import Features, Fourier, Sum, as_features

__all__ = ["features_for", "in_radians", "periods_of", "unwrapped", "with_angle_units"]

_ROOM = 1.2  # periods that wrapped values may span: noise puts some outside
_TURNS = 3  # that angles in radians rarely make in one run
_SMALL = 0.25  # of a period: half of the steps must be smaller, or it is not known which way they went


def features_for(given, dataset: xr.Dataset, names: Sequence[str], label: str = "features") -> Features:
    """Build functions of the states from what a user gives; functions of angles take radians.

    Parameters
    ----------
    given : Features, pysindy feature library, or str
        See `symdyn.functions.features.as_features`.
    dataset : xr.Dataset
    names : sequence of str
        The variables that the functions depend on.
    label : str
        How error messages refer to them.
    """
    return with_angle_units(as_features(given, len(names), label), dataset, names)


def with_angle_units(features: Features, dataset: xr.Dataset, names: Sequence[str]) -> Features:
    """Tell sines and cosines, alone or in a sum, how many radians the unit of each state is.

    Parameters
    ----------
    features : Features
        Functions of the states; those that are not sines or cosines, and those that know their units, are unchanged.
    dataset : xr.Dataset
        With `units` on its variables; a state without, or that is no angle, counts as being in radians. Rates of
        angles are read in radians over their own unit of time.
    names : sequence of str
        The variables that the features depend on.
    """
    parts = features.parts if isinstance(features, Sum) else (features,)
    if any(isinstance(part, Fourier) and part.radians is None for part in parts):
        _warn_of_degrees(dataset, names)
    return in_radians(features, radians_of(dataset, names))


def in_radians(features: Features, radians: np.ndarray) -> Features:
    """Tell sines and cosines how many radians the unit of each state is, `(state,)`; see `with_angle_units`."""
    if isinstance(features, Sum):
        return Sum(tuple(in_radians(part, radians) for part in features.parts))
    if not isinstance(features, Fourier) or features.radians is not None or np.all(radians == 1):
        return features
    return replace(features, radians=tuple(radians.tolist()))


def _warn_of_degrees(dataset: xr.Dataset, names: Sequence[str]) -> None:
    """Warn where sines are of a state without a unit whose values turn more often than angles in radians do."""
    for name in names:
        if name == "t" or name not in dataset.data_vars or dataset[name].attrs.get("units"):
            continue
        first = dataset[name].isel(trajectory=0).values if "trajectory" in dataset[name].dims else dataset[name].values
        low, high = np.nanmin(first), np.nanmax(first)
        if high - low > _TURNS * 2 * np.pi:
            warnings.warn(
                f"the law takes sines of {name!r}, which has no unit and spans {low:.3g} to {high:.3g}: it is read in "
                f"radians. If these are degrees, set units='deg' on {name!r}, else units='rad'",
                stacklevel=4,
            )


def periods_of(dataset: xr.Dataset, names: Sequence[str]) -> np.ndarray:
    """Return the full turn of each variable `(variable,)` in its unit; 0 for other variables and pairs of points."""
    if any(variable.attrs.get("role") == "target" for variable in dataset.data_vars.values()):
        return np.zeros(len(names))  # one point does not follow from the one before
    return full_turns(dataset, names)


def unwrapped(values: np.ndarray, period: float) -> np.ndarray:
    """Remove jumps of a period from angles `(trajectory, time)`; return the same array where there are none.

    Runs that had some start within half a turn of 0, wherever the angle was cut.
    Values count as wrapped where those of a trajectory span about a period and at least half of the steps are small
    against it: faster turns cannot be told from slower ones in the other sense.
    """
    if not period:
        return values
    steps = np.diff(values, axis=1)
    jumps = np.abs(steps) > period / 2
    chosen = np.flatnonzero(jumps.any(axis=1))
    chosen = [run for run in chosen if _is_wrapped(values[run], steps[run], period)]
    if not chosen:
        return values
    found = np.array(values)
    turns = np.round(np.nan_to_num(steps[chosen]) / period)
    found[chosen, 1:] -= period * np.cumsum(turns, axis=1)
    found[chosen] -= period * np.floor(found[chosen, :1] / period + 0.5 + 1e-9)
    return found


def _is_wrapped(values: np.ndarray, steps: np.ndarray, period: float) -> bool:
    span = np.nanmax(values) - np.nanmin(values)
    return span <= _ROOM * period and np.nanmedian(np.abs(steps)) < _SMALL * period
