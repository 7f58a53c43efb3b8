"""Symmetry augmentation: trajectories and fields carried along the flow of generators.

J. Brandstetter, M. Welling and D. Worrall, Lie point symmetry data augmentation for neural PDE solvers (arXiv
2202.07643). Values are moved by the flow itself, space by the Fourier series of the field, time by its labels.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import xarray as xr
from scipy.linalg import expm

from symdyn.data.grids import FieldGrid, field_block, field_grid, is_field_data, validate_fields
from symdyn.data.trajectories import validate
from symdyn.flows.trajectory_flow import as_basis, trajectories_moved
from symdyn.lie.prolongation import affine_parts
from symdyn.lie.vectorfields import Generators
from symdyn.neural.checks import chosen_device
from symdyn.neural.pointmaps import PointMap, point_map
from symdyn.neural.resampling import shifted, turned

__all__ = ["augmented", "flow_along"]


def augmented(dataset: xr.Dataset, symmetry, *, copies: int = 1, strength=1.0, rng=0, device="cpu") -> xr.Dataset:
    """Append to the trajectories copies of each, moved by random elements of the group.

    Parameters
    ----------
    dataset : xr.Dataset
        Trajectories or fields, see `flow_along`.
    symmetry : LieAlgebra or Generators
    copies : int
        Moved versions of each trajectory.
    strength : float or array_like, `(generator,)`
        Amounts are normal with this standard deviation, in the units that the generators imply: one unit of x for ∂x,
        a radian for a rotation, a factor e for x ∂x. Set it for generators found in data, whose lengths are arbitrary.
    rng : int or numpy Generator
    device : str
        As for `flow_along`.

    Returns
    -------
    xr.Dataset
        `(1 + copies) * trajectory` trajectories, numbered anew.

    Raises
    ------
    ValueError
        As `flow_along`; for copies below 1 and negative strengths.

    Examples
    --------
    >>> import numpy as np
    >>> import symdyn as sd
    >>> from symdyn.neural import augmented
    >>> data = sd.systems.kepler(3, n_times=50)
    >>> rotations = sd.LieAlgebra(sd.candidates.so(3, states=("x", "y", "z"))).prolong()
    >>> more = augmented(data, rotations, copies=4, rng=0)
    >>> data.sizes["trajectory"], more.sizes["trajectory"]
    (3, 15)
    >>> radius = np.sqrt(more.x**2 + more.y**2 + more.z**2).values
    >>> [bool(np.allclose(one[3:6], one[:3])) for one in (radius, more.x)]
    [True, False]
    """
    basis, strength = as_basis(symmetry), np.asarray(strength, dtype=float)
    if copies < 1 or np.any(strength < 0) or not np.all(np.isfinite(strength)):
        raise ValueError(f"copies must be at least 1 and strength not negative, got {copies} and {strength}")
    dataset = _checked(dataset)
    count = dataset.sizes["trajectory"]
    amounts = strength * np.random.default_rng(rng).standard_normal((copies * count, len(basis)))
    dataset = dataset.drop_vars([name for name, c in dataset.coords.items() if c.dims == ("trajectory",)])
    alike: dict[str, Any] = {"data_vars": "minimal", "coords": "minimal", "compat": "override", "join": "override"}
    every = xr.concat([dataset] * (1 + copies), "trajectory", **alike)
    every = every.assign_coords(trajectory=np.arange((1 + copies) * count))
    return flow_along(every, basis, np.concatenate([np.zeros((count, len(basis))), amounts]), device=device)


def flow_along(dataset: xr.Dataset, symmetry, amounts, *, device="cpu") -> xr.Dataset:
    """Move every trajectory or field by exp(sum_k a_k v_k).

    Parameters
    ----------
    dataset : xr.Dataset
        Trajectories over `(trajectory, time)`, or fields over `(trajectory, time, x[, y])`.
    symmetry : LieAlgebra or Generators
        For trajectories: any fields on the states, affine ones lazily by a matrix exponential, others by integration
        in memory; rates of time rescale the times. For fields: affine ones on `t, x[, y]` and the fields, as point
        symmetries are, in memory: what moves space along periodic axes resamples the Fourier series, scalings of space
        and time and shifts of time relabel the coordinates, and are the same for all trajectories.
    amounts : array_like, `(generator,)` or `(trajectory, generator)`
        a, in the units that the generators imply.
    device : str
        Where fields are moved, in double precision, one trajectory at a time; trajectories are moved on the CPU.

    Returns
    -------
    xr.Dataset
        The same variables, order and attributes.

    Raises
    ------
    ValueError
        For amounts of the wrong shape, generators on other variables, and motions that fields on a grid cannot follow:
        space that moves with the values, time that moves with space, shifts of axes that are not periodic, grids that
        differ between trajectories, rotations of boxes that are not square.
    RuntimeError
        If a flow that is not affine diverges.

    Warns
    -----
    UserWarning
        For rotations of a periodic box other than quarter turns, which are wrong near the edges.

    Examples
    --------
    >>> import symdyn as sd
    >>> from symdyn.neural import flow_along
    >>> data = sd.systems.burgers(n_trajectories=1, n_points=64, n_times=20)
    >>> matrix = [[0, 0, 0], [1, 0, 0], [0, 0, 0]]
    >>> boost = sd.candidates.from_matrices([matrix], [[0, 0, 1]], states=("t", "x", "u"))
    >>> boost.texts()
    ['t ∂x + ∂u']
    >>> moved = flow_along(data, boost, [0.5])  # a solution again, seen at speed 0.5
    >>> round(float((moved.u - data.u).mean()), 3)
    0.5
    """
    where = chosen_device(device)
    if where.type == "mps":
        raise ValueError("mps has no double precision, in which fields are moved: take device='cpu'")
    basis, dataset = as_basis(symmetry), _checked(dataset)
    amounts = np.asarray(amounts, dtype=float)
    count = dataset.sizes["trajectory"]
    if amounts.shape not in ((len(basis),), (count, len(basis))) or not np.all(np.isfinite(amounts)):
        raise ValueError(
            f"amounts must be finite, of shape {(len(basis),)} or {(count, len(basis))}, got {amounts.shape}"
        )
    amounts = np.broadcast_to(amounts, (count, len(basis)))
    return (
        _flow_fields(dataset, basis, amounts, where)
        if is_field_data(dataset)
        else trajectories_moved(dataset, symmetry, amounts)
    )


def _checked(dataset: xr.Dataset) -> xr.Dataset:
    if not isinstance(dataset, xr.Dataset):
        raise TypeError(f"dataset must be an xarray Dataset of trajectories or fields, got {type(dataset).__name__}")
    return validate_fields(dataset) if is_field_data(dataset) else validate(dataset)


def _check_variables(states: Sequence[str], names: Sequence[str]) -> None:
    """Check that states of generators are the variables of a field in their order: by name, or by place."""
    if tuple(states) != tuple(names) and (set(states) == set(names) or len(states) != len(names)):
        raise ValueError(f"the generators must act on {', '.join(names)}, in this order, got {', '.join(states)}")


def _exponentials(fields: Generators) -> np.ndarray:
    """Compute (c, G) `(field, n, 1 + n)` with exp(v)(x) = G x + c for v(x) = A x + b."""
    shifts, matrices = affine_parts(fields)
    n = shifts.shape[1]
    wide = np.zeros((len(shifts), n + 1, n + 1))
    wide[:, 1:, 0], wide[:, 1:, 1:] = shifts, matrices
    return np.stack([expm(matrix) for matrix in wide])[:, 1:]


def _flow_fields(dataset: xr.Dataset, basis: Generators, amounts: np.ndarray, device: torch.device) -> xr.Dataset:
    grid = field_grid(dataset)
    _check_variables(basis.states, (*grid.coordinates, *grid.fields))
    combined = basis.combine(amounts)
    if np.any(combined.time_scaling):
        raise ValueError("of fields the time is a coordinate: let generators move t, without a rate of time")
    maps = [point_map(map_, grid) for map_ in _exponentials(combined)]
    first = maps[0]
    if any(not np.allclose(m.labels, first.labels, rtol=1e-12, atol=1e-12) for m in maps):
        raise ValueError(
            "trajectories share one grid, so space and time can only be scaled, and time shifted, by the same amount "
            "for all: give amounts (generator,), or leave such generators out"
        )
    if any(not m.keeps_box for m in maps):
        warnings.warn("near the edges of a periodic box turns other than quarter turns are wrong", stacklevel=4)
    values = np.swapaxes(field_block(dataset, slice(None)), 0, 1)
    moved = np.stack([_moved_field(field, m, grid, device) for field, m in zip(values, maps, strict=True)], axis=1)
    for name, field in zip(grid.fields, moved, strict=True):
        dataset = dataset.assign({name: dataset[name].copy(data=field)})
    return _relabelled(dataset, grid, first)


def _moved_field(values: np.ndarray, map_: PointMap, grid: FieldGrid, device: torch.device) -> np.ndarray:
    """Move one trajectory `(field, time, x[, y])` by a point map."""
    fields = torch.from_numpy(np.array(values)).to(device)
    clock = torch.from_numpy(np.array(grid.grids[0]))
    periods = [step * size for step, size in zip(grid.steps[1:], grid.shape[1:], strict=True)]
    back = map_.turn.T @ (map_.velocity[:, None] * grid.grids[0] + map_.shift[:, None])
    for axis, shift in enumerate(back):
        if np.any(shift):
            along = torch.from_numpy(shift).reshape(1, -1, *[1] * len(periods))
            fields = shifted(fields, along, periods[axis], 2 + axis)
    if not np.allclose(map_.turn, np.eye(len(map_.turn)), atol=1e-12):
        fields = turned(fields, torch.from_numpy(map_.turn), [g[0] for g in grid.grids[1:]], periods)
    mixed = torch.einsum("ab,b...->a...", torch.from_numpy(map_.values).to(device), fields)
    rising = map_.offset[:, None] + map_.slope[:, :1] * clock.numpy()
    mixed = mixed + torch.from_numpy(rising).to(device).reshape(*rising.shape, *[1] * len(periods))
    for axis, places in enumerate(grid.grids[1:]):
        shape = [1] * mixed.ndim
        shape[2 + axis] = -1
        slope = map_.slope[:, 1 + axis].reshape(-1, *[1] * (mixed.ndim - 1))
        mixed = mixed + torch.from_numpy(slope * places.reshape(shape)).to(device)
    return mixed.cpu().numpy()


def _relabelled(dataset: xr.Dataset, grid: FieldGrid, map_: PointMap) -> xr.Dataset:
    """Scale times and places, and shift times."""
    time_scale, time_shift, *scales = map_.labels
    new = {"time": time_scale * grid.grids[0] + time_shift}
    new |= {axis: scale * places for axis, scale, places in zip(grid.axes, scales, grid.grids[1:], strict=True)}
    for name, places in new.items():
        attrs = dict(dataset[name].attrs)
        if "period" in attrs:
            attrs["period"] = float(attrs["period"]) * float(scales[grid.axes.index(name)])
        if not np.array_equal(places, grid.grids[("time", *grid.axes).index(name)]):
            dataset = dataset.assign_coords({name: (name, places, attrs)})
    return dataset
