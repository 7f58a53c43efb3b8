"""Data are read once before a run begins, so that errors in them are found before anything is written."""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt

import numpy as np
import xarray as xr

from symdyn.data.grids import field_block, field_grid, is_field_data
from symdyn.data.trajectories import Trajectory, each_trajectory, names_with_role, state_names

__all__ = ["check_delta", "each_run", "read_through", "variables_of"]

_BLOCK = 2e6  # numbers in memory at a time
_CHEAP = 1 << 28  # bytes: more than this is not read twice


def check_delta(delta: float) -> None:
    """Refuse a violation that no symmetry could have.

    Raises
    ------
    ValueError
    """
    if not 0 < delta < sqrt(2):
        raise ValueError(f"delta must lie between 0 and sqrt(2), got {delta}")


def variables_of(data: xr.Dataset) -> list[str]:
    """Return the names of states and inputs."""
    return list(dict.fromkeys([*state_names(data), *names_with_role(data, "input")]))


def read_through(data: xr.Dataset) -> xr.Dataset:
    """Read all samples once, some in memory at a time, unless that is too expensive; return the data.

    Raises
    ------
    ValueError
        For missing values and times that do not increase; the message names the variable and the trajectory.
    """
    if data.nbytes > _CHEAP:
        return data
    if is_field_data(data):
        grid = field_grid(data)
        step = _runs_at_a_time(int(np.prod(grid.shape)) * len(grid.fields))
        for start in range(0, data.sizes["trajectory"], step):
            field_block(data, slice(start, start + step))
    else:
        for _ in each_run(data, variables_of(data)):
            continue
    return data


def each_run(data: xr.Dataset, variables: list[str]) -> Iterator[Trajectory]:
    """Yield the runs, some of them in memory at a time."""
    step = _runs_at_a_time(data.sizes["time"] * len(variables))
    for start in range(0, data.sizes["trajectory"], step):
        yield from each_trajectory(data.isel(trajectory=slice(start, start + step)), variables)


def _runs_at_a_time(per_run: int) -> int:
    return max(int(_BLOCK // max(per_run, 1)), 1)
