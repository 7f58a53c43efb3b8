"""Trajectories in the schema, moved along generators: lazily where these are affine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import xarray as xr

from symdyn.data.motion import paired_states
from symdyn.data.trajectories import clocks_of, names_with_role, state_names
from symdyn.flows.prolonged_flow import CLOCKS, ProlongedFlow
from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.lie.vectorfields import Generators

__all__ = ["Moving", "as_basis", "clock_of", "moving", "trajectories_moved"]


class Moving(NamedTuple):
    """A flow in the chart of its generators, and this chart on the columns: `centre` and `scale` `(column,)`."""

    flow: ProlongedFlow
    centre: np.ndarray
    scale: np.ndarray

    def matrices(self) -> np.ndarray:
        """Compute (c, G) `(field, column, 1 + column)` with p -> G (p − centre) + c, in the units of the data."""
        charted = self.flow.matrices()
        turned = charted[:, :, 1:] * self.scale[:, None] / self.scale
        return np.concatenate([(charted[:, :, 0] * self.scale + self.centre)[:, :, None], turned], axis=2)

    def points(self, which: int, points: np.ndarray) -> np.ndarray:
        """Move points `(sample, column)` in the units of the data along one of the fields."""
        if self.flow.is_affine:
            affine = self._one(which).matrices()[0]
            return (points - self.centre) @ affine[:, 1:].T + affine[:, 0]
        inside = (points - self.centre) / self.scale
        return self.flow.integrated(which, inside) * self.scale + self.centre

    def _one(self, which: int) -> Moving:
        return self._replace(flow=ProlongedFlow(self.flow.fields[[which]], self.flow.has_velocities, self.flow.clock))


def as_basis(symmetry: LieAlgebra | Generators) -> Generators:
    """Return the generators of an algebra; return generators unchanged.

    Raises
    ------
    TypeError
        For anything else.
    """
    basis = symmetry.basis if isinstance(symmetry, LieAlgebra) else symmetry
    if not isinstance(basis, Generators):
        raise TypeError(f"symmetry must be a LieAlgebra or Generators, got {type(symmetry).__name__}")
    return basis


def clock_of(basis: Generators, names: Sequence[str]) -> int | None:
    """Find the state of generators that is the time of data with states `names`; None if there is none."""
    found = [k for k, state in enumerate(basis.states) if state in CLOCKS and state not in names]
    return found[0] if found else None


def moving(symmetry: LieAlgebra | Generators, amounts: np.ndarray, clock: int | None, has_velocities: bool) -> Moving:
    """Build the flows of sum_k a_k v_k for amounts `(field, generator)`, in the chart of the algebra if it has one."""
    basis, n = as_basis(symmetry), len(as_basis(symmetry).states)
    centre, scale = np.zeros(n), np.ones(n)
    if isinstance(symmetry, LieAlgebra) and symmetry.chart is not None:
        basis, (centre, scale) = symmetry.inside.basis, map(np.array, symmetry.chart.numbers)
    flow = ProlongedFlow(basis.combine(amounts), has_velocities, clock)
    middle, time = (0.0, 1.0) if clock is None else (centre[clock], scale[clock])
    centre, scale = centre[flow.positions], scale[flow.positions]
    rates = (np.zeros(n - (clock is not None)), scale / time) if has_velocities else (np.zeros(0), np.zeros(0))
    return Moving(flow, np.concatenate([centre, rates[0], [middle]]), np.concatenate([scale, rates[1], [time]]))


def trajectories_moved(dataset: xr.Dataset, symmetry: LieAlgebra | Generators, amounts: np.ndarray) -> xr.Dataset:
    """Move every trajectory by exp(sum_k a_k v_k), with its times and velocities.

    Parameters
    ----------
    dataset : xr.Dataset
        Trajectories in the schema, checked. Where the generators act on half as many states, the others are velocities.
    symmetry : LieAlgebra or Generators
    amounts : ndarray, `(trajectory, generator)`

    Raises
    ------
    ValueError
        For generators on other variables, and if the moved times do not increase.
    RuntimeError
        If a flow that is not affine diverges.
    """
    basis = as_basis(symmetry)
    clock = clock_of(basis, state_names(dataset))
    names, has_velocities = _columns(basis, dataset, clock)
    found = moving(symmetry, amounts, clock, has_velocities)
    clocks = clocks_of(dataset)
    old = [dataset[name] for name in names]
    if found.flow.is_affine:
        new, times = _affine(found, old, clocks)
    else:
        new, times = _integrated(found, old, clocks)
    moved = dataset.assign(
        {
            name: part.transpose(*before.dims).assign_attrs(before.attrs)
            for name, part, before in zip(names, new, old, strict=True)
        }
    )
    return moved if times is None else _with_times(moved, times)


def _columns(basis: Generators, dataset: xr.Dataset, clock: int | None) -> tuple[list[str], bool]:
    """Find which variables the generators move, by name or else by place, and whether velocities follow them."""
    wanted = [name for k, name in enumerate(basis.states) if k != clock]
    names, inputs = state_names(dataset), names_with_role(dataset, "input")
    if set(wanted) in (set(names), {*names, *inputs}):
        return wanted, False
    if len(wanted) == len(names):
        return names, False
    if len(names) == 2 * len(wanted):
        pairs = list(paired_states(dataset, names))
        positions = pairs[: len(wanted)]
        order = [positions.index(name) for name in wanted] if set(wanted) == set(positions) else range(len(wanted))
        return [pairs[k] for k in order] + [pairs[len(wanted) + k] for k in order], True
    raise ValueError(
        f"the generators act on {', '.join(wanted)}, the data hold {', '.join(names)}: give data of these states, or "
        "of these and their velocities"
    )


def _affine(
    found: Moving, old: list[xr.DataArray], clocks: np.ndarray
) -> tuple[list[xr.DataArray], np.ndarray | xr.DataArray | None]:
    maps = found.matrices()
    moves_with_time = np.any(maps[:, :-1, -1])
    known = [*old, _like(clocks)] if moves_with_time or np.any(maps[:, -1, 1:-1]) else old
    parts = [part - centre for part, centre in zip(known, found.centre, strict=False)]

    def row(k: int) -> xr.DataArray:
        total = xr.DataArray(maps[:, k, 0], dims="trajectory")
        for j, part in enumerate(parts):
            if np.any(maps[:, k, 1 + j]):
                total = xr.DataArray(maps[:, k, 1 + j], dims="trajectory") * part + total
        return total

    rest = maps[:, -1, 1:-1]
    if np.any(rest):
        times = row(len(maps[0]) - 1)
    else:
        times = maps[:, -1, -1:] * (clocks - found.centre[-1]) + maps[:, -1, :1]
    still = np.allclose(maps[:, -1, -1], 1.0, atol=1e-15) and not np.any(maps[:, -1, 0] - found.centre[-1])
    return [row(k) for k in range(len(old))], None if still and not np.any(rest) else times


def _like(clocks: np.ndarray) -> xr.DataArray:
    return xr.DataArray(clocks, dims=("trajectory", "time"))


def _integrated(
    found: Moving, old: list[xr.DataArray], clocks: np.ndarray
) -> tuple[list[xr.DataArray], np.ndarray | None]:
    columns = [np.asarray(part.transpose("trajectory", "time").values, dtype=float) for part in old]
    values = np.stack([*columns, clocks], axis=-1)
    moved = values.copy()
    for k, points in enumerate(values):
        present = np.isfinite(points).all(axis=1)
        moved[k, present] = found.points(k, points[present])
    new = [
        part.transpose("trajectory", "time").copy(data=moved[..., k]).transpose(*part.dims)
        for k, part in enumerate(old)
    ]
    moves_time = found.flow.clock is not None or np.any(found.flow.fields.time_scaling)
    return new, moved[..., -1] if moves_time else None


def _with_times(dataset: xr.Dataset, times: np.ndarray | xr.DataArray) -> xr.Dataset:
    times = np.asarray(times, dtype=float)
    steps = np.diff(times, axis=1)
    if np.any(steps[np.isfinite(steps)] <= 0):
        raise ValueError("moved times do not increase: the generator folds the trajectories in time; move by less")
    attrs = dataset["t" if "t" in dataset.variables else "time"].attrs
    return dataset.assign(t=(("trajectory", "time"), times, attrs))
