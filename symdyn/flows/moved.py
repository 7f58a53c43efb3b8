"""Data of any form, moved along one generator: what `LieAlgebra.move` returns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from symdyn.data.grids import is_field_data
from symdyn.data.trajectories import are_tables, open_trajectories
from symdyn.flows.trajectory_flow import clock_of, moving, trajectories_moved
from symdyn.lie.algebras.algebra import LieAlgebra

__all__ = ["moved"]


def moved(algebra: LieAlgebra, data: Any, amount: float | np.ndarray, generator: int = 0) -> Any:
    """Move data along the flow of a generator by `amount`; see `LieAlgebra.move`."""
    if not -algebra.dim <= generator < algebra.dim:
        raise IndexError(f"generator {generator} is none of the {algebra.dim} of this algebra")
    one, amounts = algebra.subset([generator]), np.asarray(amount, dtype=float)
    if not np.all(np.isfinite(amounts)):
        raise ValueError("amount must be finite")
    if isinstance(data, xr.Dataset | xr.DataArray | str | Path) or are_tables(data):
        return _dataset_moved(open_trajectories(data), one, amounts)
    if isinstance(data, tuple):
        if len(data) != 2:
            raise TypeError(f"a tuple of data is (x, t), states and times, got {len(data)} entries")
        return _runs_moved(*data, one, amounts)
    return _points_moved(data, one, amounts)


def _dataset_moved(dataset: xr.Dataset, one: LieAlgebra, amounts: np.ndarray) -> xr.Dataset:
    count = dataset.sizes["trajectory"]
    if amounts.shape not in ((), (count,)):
        raise ValueError(f"amount must be a number or one for each of {count} trajectories, got shape {amounts.shape}")
    each = np.broadcast_to(amounts, (count,))[:, None]
    if is_field_data(dataset):
        from symdyn.neural.augmentation import flow_along

        return flow_along(dataset, one, each if amounts.ndim else amounts[None])
    return trajectories_moved(dataset, one, each)


def _points_moved(x: Any, one: LieAlgebra, amounts: np.ndarray) -> Any:
    if isinstance(x, list):
        each = np.broadcast_to(amounts, (len(x),))
        return [_points_moved(part, one, a) for part, a in zip(x, each, strict=True)]
    if clock_of(one.basis, ()) is not None:
        raise ValueError("the generator moves time: give the tuple (x, t) of states and times")
    points = np.asarray(x, dtype=float)
    return _run_moved(points.reshape(-1, points.shape[-1] if points.ndim else 1), 0.0, one, amounts)[0].reshape(
        points.shape
    )


def _runs_moved(x: Any, t: Any, one: LieAlgebra, amounts: np.ndarray) -> tuple[Any, Any]:
    """Move `(x, t)` of one run or of several; times stay a step, or shared, where they still can."""
    if not isinstance(x, list) and np.ndim(x) < 3:
        states = np.asarray(x, dtype=float)
        new, times = _run_moved(states[:, None] if states.ndim == 1 else states, t, one, amounts)
        return new.reshape(states.shape), times
    shared = not isinstance(t, list) and np.ndim(t) < 2
    every, each = [t] * len(x) if shared else t, np.broadcast_to(amounts, (len(x),))
    runs = [
        _run_moved(np.asarray(run, dtype=float), clock, one, a) for run, clock, a in zip(x, every, each, strict=True)
    ]
    states, times = [run for run, _ in runs], [clock for _, clock in runs]
    alike = shared and all(np.array_equal(clock, times[0]) for clock in times)
    return states if isinstance(x, list) else np.stack(states), times[0] if alike else times


def _run_moved(states: np.ndarray, t: Any, one: LieAlgebra, amount: np.ndarray) -> tuple[np.ndarray, Any]:
    """Move one run `(sample, state)` with its times, or its step."""
    clock = clock_of(one.basis, ())
    n, width = len(one.states) - (clock is not None), states.shape[1]
    if width not in (n, 2 * n):
        raise ValueError(
            f"the generator moves {n} states; the points have {width}: give {n} columns, or {2 * n} with velocities"
        )
    if amount.ndim:
        raise ValueError(f"amount must be a number for a single trajectory, got shape {amount.shape}")
    times = float(t) * np.arange(len(states)) if np.ndim(t) == 0 else np.asarray(t, dtype=float)
    flow = moving(one, amount.reshape(1, 1), clock, width == 2 * n)
    new = flow.points(0, np.column_stack([states, times]))
    return new[:, :-1], _as_given(t, times, new[:, -1])


def _as_given(t: Any, before: np.ndarray, after: np.ndarray) -> Any:
    """Return the times as they were given: the same object if nothing moved, a step if it is one."""
    if np.array_equal(before, after):
        return t
    if np.ndim(t) == 0 and len(after) > 1 and np.allclose(after, after[1] * np.arange(len(after)), rtol=1e-12):
        return float(after[1])
    return after
