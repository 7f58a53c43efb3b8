"""Point symmetries as arrows over a field u(t, x): in space and time, or in the plane of space and values."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib import colormaps
from matplotlib.axes import Axes

from symdyn.data.grids import FieldGrid, field_block, field_grid, validate_fields
from symdyn.lie.vectorfields import VectorField
from symdyn.reporting.plots.canvas import labelled, with_unit
from symdyn.reporting.style import ACCENT, INK
from symdyn.reporting.texts import unit_text

__all__ = ["draw_point_symmetry"]

_ARROWS = 10  # along an axis
_PROFILES = 5
_SEEN = 1e-9  # of what is moved most, in units of ranges


def draw_point_symmetry(axes: Axes, generator: VectorField, dataset: xr.Dataset) -> None:
    """Draw a generator over the first trajectory of a field.

    Where it moves time, over the field in space and time; where it moves the two axes of space, over a snapshot; else
    over profiles of the first field along x, from early (light) to late (dark).

    Parameters
    ----------
    axes : Axes
    generator : VectorField
        On t, x[, y] and the fields, by name or by place.
    dataset : xr.Dataset
        Fields over `(trajectory, time, x[, y])`.

    Raises
    ------
    ValueError
        For generators on other variables.
    """
    dataset = validate_fields(dataset)
    grid = field_grid(dataset)
    names = (*grid.coordinates, *grid.fields)
    if len(generator.states) != len(names):
        raise ValueError(f"the generator acts on {', '.join(generator.states)}, the data hold {', '.join(names)}")
    values = field_block(dataset, slice(0, 1))[:, 0]
    ranges = [(part.min(), part.max()) for part in (*grid.grids, *values)]
    low, high = np.array(ranges).T
    extent = np.where(high > low, high - low, 1.0)
    points = np.random.default_rng(0).uniform(low, high, (400, len(names)))
    moves = np.sqrt(np.mean(generator(points) ** 2, axis=0)) / extent
    seen = moves > _SEEN * moves.max(initial=0.0)
    if seen[0]:
        plane = (1, 0)
        image = values[0] if len(grid.axes) == 1 else values[0][:, :, 0]
        _image(axes, grid.grids[1], grid.grids[0], image)
    elif len(grid.axes) == 2 and np.any(seen[1:3]):
        plane = (1, 2)
        _image(axes, grid.grids[1], grid.grids[2], values[0][len(values[0]) // 2].T)
    else:
        plane = (1, 1 + len(grid.axes) + _field_moved(moves, grid))
        _profiles(axes, grid, values[plane[1] - 1 - len(grid.axes)])
    box = [(low[k], high[k]) for k in plane]
    if plane[1] > len(grid.axes):
        box[1] = (low[plane[1]] - 0.1 * extent[plane[1]], high[plane[1]] + 0.1 * extent[plane[1]])
    middle = np.concatenate(
        [(low + high)[: 1 + len(grid.axes)] / 2, np.median(values.reshape(len(values), -1), axis=1)]
    )
    _arrows(axes, generator, middle, plane, box, is_image=plane[1] <= len(grid.axes))
    axes.set(xlim=box[0], ylim=box[1])
    axes.locator_params(nbins=5)
    labels = [with_unit(names[k], _unit(dataset, names[k])) for k in plane]
    labelled(axes, *labels)


def _field_moved(moves: np.ndarray, grid: FieldGrid) -> int:
    return int(np.argmax(moves[1 + len(grid.axes) :]))


def _image(axes: Axes, across: np.ndarray, up: np.ndarray, values: np.ndarray) -> None:
    middle, size = float(values.mean()), float(np.abs(values - values.mean()).max())
    axes.pcolormesh(
        across, up, values, cmap="RdBu_r", vmin=middle - 1.6 * size, vmax=middle + 1.6 * size, rasterized=True, zorder=0
    )  # fmt: skip


def _profiles(axes: Axes, grid: FieldGrid, values: np.ndarray) -> None:
    """Draw a field along x at some times."""
    if values.ndim == 3:
        values = values[:, :, 0]
    for k, when in enumerate(np.linspace(0, len(values) - 1, _PROFILES).astype(int)):
        axes.plot(grid.grids[1], values[when], color=colormaps["Greys"](0.3 + 0.12 * k), lw=0.9, zorder=1)


def _arrows(
    axes: Axes,
    generator: VectorField,
    middle: np.ndarray,
    plane: tuple[int, int],
    box: Sequence[tuple[float, float]],
    is_image: bool,
) -> None:
    across, up = (np.linspace(*side, _ARROWS + 2)[1:-1] for side in box)
    points = np.tile(middle, (_ARROWS**2, 1))
    points[:, plane[0]], points[:, plane[1]] = (part.ravel() for part in np.meshgrid(across, up))
    moved = generator(points)[:, list(plane)]
    sides = np.array([high - low for low, high in box])
    longest = np.hypot(*(moved / sides).T).max()
    if not longest > 0:
        return
    moved = moved * (0.8 / _ARROWS / longest)
    start = points[:, list(plane)] - moved / 2
    colour = INK if is_image else ACCENT
    axes.quiver(*start.T, *moved.T, angles="xy", scale_units="xy", scale=1.0, color=colour, width=0.006, zorder=3)


def _unit(dataset: xr.Dataset, name: str) -> str:
    unit = str(dataset["time" if name == "t" else name].attrs.get("units", ""))
    return unit_text(unit)
