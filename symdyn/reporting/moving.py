"""Solutions moved along accepted generators, as curves for the slider of a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy.integrate import solve_ivp
from scipy.interpolate import RegularGridInterpolator

from symdyn.data.grids import field_grid
from symdyn.data.trajectories import Trajectory
from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.lie.prolongation import first_order
from symdyn.lie.vectorfields import VectorField
from symdyn.reporting.texts import number, unit_text
from symdyn.rows.rates import characteristic_time, differentiate

__all__ = ["Motion", "Mover", "carried", "move_profile", "move_trajectory"]

_AMOUNTS = 21
_POINTS = 160  # of a curve
_STEPS = 8  # of Runge and Kutta from one amount to the next
_REACH = 0.5  # of the extent of the data that the largest amount moves points by
_PERIODS = 2  # of a trajectory that are shown
_MOST = 8  # generators
_LARGEST = 20_000_000  # values of a field that are read


@dataclass(frozen=True)
class Motion:
    """A curve moved by each of several amounts along one generator.

    Parameters
    ----------
    generator : str
    amounts : ndarray, `(amount,)`
        Amounts of the generator; the middle one is 0.
    curves : ndarray, `(amount, point, 2)`
        NaN where nothing is known.
    solutions : ndarray, `(amount, point, 2)`, optional
        What the fitted law makes of the moved start.
    axes : tuple of str
        What is drawn across, and up.
    equal : bool
        Whether both axes have the same unit.
    """

    generator: str
    amounts: np.ndarray
    curves: np.ndarray
    solutions: np.ndarray | None
    axes: tuple[str, str]
    equal: bool = False


@dataclass(frozen=True)
class Mover:
    """A slider: a solution moved along generators, with a title and a sentence that says what to see."""

    title: str
    caption: str
    motions: tuple[Motion, ...]
    dotted: bool = False


def move_trajectory(
    algebra: LieAlgebra, law: VectorField, run: Trajectory, *, kind: str, units: Sequence[str] = ()
) -> Mover | None:
    """Move a measured trajectory along each generator, beside what the law makes of its moved start.

    Parameters
    ----------
    algebra : LieAlgebra
        On the states, or on the positions of a second-order system.
    law : VectorField
    run : Trajectory
    kind : {"flow", "second_order", "map"}
    units : sequence of str
        Of the states.

    Returns
    -------
    Mover, or None where no generator moves the states.
    """
    second = kind == "second_order"
    if algebra.dim == 0 or tuple(algebra.states) != tuple(law.states)[: len(algebra.states)]:
        return None
    whole = algebra.prolong() if second else algebra
    if len(whole.states) != run.states.shape[1]:
        return None
    law = first_order(law) if second else law
    run = _part(run, smooth=kind != "map")
    motions = []
    for k, text in list(enumerate(algebra.texts()))[:_MOST]:
        motion = _moved_run(whole, k, law, run, kind=kind, n_shown=len(algebra.states), units=units)
        if motion is not None:
            motions.append(Motion(text, *motion))
    if not motions:
        return None
    compared = all(motion.solutions is not None for motion in motions)
    return Mover("Move a solution", _caption(run.name, compared), tuple(motions), dotted=kind == "map")


def move_profile(data: xr.Dataset, algebra: LieAlgebra) -> Mover | None:
    """Move a measured field along each point symmetry, and show its profile at one time.

    The moved field at (t, x) is found where (t, x) comes from, which must not depend on the fields.

    Returns
    -------
    Mover, or None where no generator can be shown.
    """
    grid = field_grid(data)
    first = data[grid.fields[0]].isel(trajectory=0)
    if algebra.dim == 0 or first.size * len(grid.fields) > _LARGEST:
        return None
    profile = _Profile(data, grid)
    motions = []
    for generator, text in list(zip(algebra.generators, algebra.texts(), strict=True))[:_MOST]:
        found = profile.moved(generator)
        if found is not None:
            motions.append(Motion(text, *found, None, (_named(first.x, "x"), _named(first, grid.fields[0]))))
    if not motions:
        return None
    time = f"{number(profile.time)} {unit_text(str(first.time.attrs.get('units', '')))}".strip()
    caption = (
        f"The measured field {grid.fields[0]} of the first trajectory at time {time} (grey), and the same solution "
        "moved along a generator (coloured), at the same time. A point symmetry turns every solution of the equation "
        "into another one. The curve ends where the moved field was not measured."
    )
    return Mover("Move a solution", caption, tuple(motions))


def carried(generator: VectorField, points: np.ndarray, amounts: np.ndarray) -> np.ndarray:
    """Move points `(point, state)` along a generator by each of the ascending `amounts`: `(amount, point, state)`.

    Classical Runge-Kutta steps from 0 both ways; NaN beyond the point where a motion ends.
    """
    found = np.full((len(amounts), *points.shape), np.nan)
    with np.errstate(all="ignore"):
        for chosen in (np.flatnonzero(amounts >= 0), np.flatnonzero(amounts < 0)[::-1]):
            place, at = points, 0.0
            for k in chosen:
                for _ in range(_STEPS):
                    place = _stepped(generator, place, (amounts[k] - at) / _STEPS)
                found[k], at = place, amounts[k]
    return np.where(np.isfinite(found), found, np.nan)


def _stepped(generator: VectorField, points: np.ndarray, step: float) -> np.ndarray:
    a = generator(points)
    b = generator(points + step / 2 * a)
    c = generator(points + step / 2 * b)
    return points + step / 6 * (a + 2 * b + 2 * c + generator(points + step * c))


def _part(run: Trajectory, *, smooth: bool) -> Trajectory:
    """Take some periods of a trajectory, smoothed, at few times."""
    states = differentiate(run.times, run.states)[0] if smooth and len(run.times) > 20 else run.states
    end = run.times[0] + _PERIODS * 2 * np.pi * characteristic_time(run.times, run.states)
    n = max(int(np.searchsorted(run.times, end)), 2)
    some = slice(0, n, -(-n // _POINTS))
    return Trajectory(run.name, run.times[some], states[some])


def _moved_run(
    algebra: LieAlgebra, k: int, law: VectorField, run: Trajectory, *, kind: str, n_shown: int, units: Sequence[str]
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None, tuple[str, str], bool] | None:
    """Return amounts, curves, solutions, names of axes and whether these have one unit; None if nothing moves."""
    generator, tau = algebra.generators[k], float(algebra.time_scaling[k])
    largest = _largest(generator, run.states, n_shown)
    if largest is None:
        return None
    amounts = np.linspace(-largest, largest, _AMOUNTS)
    moved = carried(generator, run.states, amounts)
    solved = _solutions(law, moved[:, 0], run.times, np.exp(tau * amounts), kind)
    names = [
        f"{state} ({unit})" if unit else state for state, unit in zip(algebra.states, _filled(units), strict=False)
    ]
    if n_shown == 1:
        across = run.times[0] + np.exp(tau * amounts)[:, None] * (run.times - run.times[0])
        curves, solved = (None if part is None else np.stack([across, part[..., 0]], -1) for part in (moved, solved))
        assert curves is not None
        return amounts, curves, solved, ("t", names[0]), False
    plane = _plane(moved[..., :n_shown])
    one_unit = len({unit for unit, _ in zip(_filled(units), range(n_shown), strict=False)}) == 1
    return amounts, moved[..., plane], None if solved is None else solved[..., plane], _pair(names, plane), one_unit


def _filled(units: Sequence[str]) -> list[str]:
    return [*units, *[""] * 200]


def _pair(names: Sequence[str], plane: Sequence[int]) -> tuple[str, str]:
    return names[plane[0]], names[plane[1]]


def _largest(generator: VectorField, points: np.ndarray, n: int) -> float | None:
    """Return the largest amount: half a turn of a rotation, else what moves points by half of their extent."""
    speed = np.abs(generator(points)[:, :n]).max(axis=0)
    extent = np.ptp(points[:, :n], axis=0)
    extent = np.where(extent > 1e-9 * np.abs(points[:, :n]).max(), extent, np.abs(points[:, :n]).max())
    rate = float(np.max(speed / np.where(extent > 0, extent, 1.0)))
    if not (np.isfinite(rate) and rate > 1e-12):
        return None
    turn = _turn(generator, points)
    return _REACH / rate if turn is None else turn / 2


def _turn(generator: VectorField, points: np.ndarray) -> float | None:
    """Return the amount after which a rotation comes back, None of any other field."""
    slopes = generator.jacobian(points[[0, -1]])
    if np.abs(slopes[1] - slopes[0]).max() > 1e-9 * np.abs(slopes).max():
        return None
    rates = np.linalg.eigvals(slopes[0])
    turning = np.abs(rates) > 1e-6 * np.abs(rates).max()
    if not turning.any() or np.abs(rates[turning].real).max() > 1e-3 * np.abs(rates).max():
        return None
    speeds = np.abs(rates[turning].imag)
    return float(2 * np.pi / speeds.min()) if np.ptp(speeds) < 1e-3 * speeds.max() else None


def _plane(moved: np.ndarray) -> list[int]:
    """Choose the two states that the motion changes most, in units of what they vary by."""
    middle = moved[len(moved) // 2]
    shift = np.sqrt(np.nanmean((moved - middle) ** 2, axis=(0, 1)))
    extent = np.ptp(middle, axis=0)
    extent = np.where(extent > 1e-3 * extent.max(), extent, extent.max())
    order = np.argsort(-np.round(shift / extent / max(float(np.max(shift / extent)), 1e-300), 1), kind="stable")
    return sorted(order[:2].tolist())


def _solutions(
    law: VectorField, starts: np.ndarray, times: np.ndarray, stretch: np.ndarray, kind: str
) -> np.ndarray | None:
    """Solve the law from all moved starts at once, each in its own time; None where a solution runs away."""
    if kind == "map":
        places = [starts]
        for _ in times[1:]:
            places.append(places[-1] + law(places[-1]))
        found = np.stack(places, axis=1)
        return found if np.all(np.isfinite(found)) and len(law.coefficients) == starts.shape[1] else None
    if len(law.coefficients) != starts.shape[1] or not np.all(np.isfinite(starts)):
        return None

    def rates(_: float, flat: np.ndarray) -> np.ndarray:
        return (law(flat.reshape(starts.shape)) * stretch[:, None]).ravel()

    with np.errstate(all="ignore"):
        span = (times[0], times[-1])
        solution = solve_ivp(rates, span, starts.ravel(), t_eval=times, method="DOP853", rtol=1e-6, atol=1e-9)
    if not solution.success or not np.all(np.isfinite(solution.y)):
        return None
    return np.moveaxis(solution.y.reshape(*starts.shape, len(times)), -1, 1)


def _caption(name: str, compared: bool) -> str:
    text = (
        f"Trajectory {name} as it was measured (grey) and moved along a generator (coloured). A symmetry turns every "
        "solution into another one"
    )
    if compared:
        return f"{text}: the dots, which are what the fitted law makes of the moved start, lie on the moved curve."
    return f"{text}, so the moved curve is what the system does from the moved start."


class _Profile:
    """A measured field, read between grid points, and where its profile is shown."""

    def __init__(self, data: xr.Dataset, grid):
        values = [data[name].isel(trajectory=0).transpose("time", *grid.axes).values for name in grid.fields]
        self.values = np.stack(values, axis=-1).astype(float)
        self.grids = [np.asarray(axis, dtype=float) for axis in grid.grids]
        self.periods = [
            step * len(axis) if on else None
            for step, axis, on in zip(grid.steps[1:], self.grids[1:], grid.periodic, strict=True)
        ]
        self._read = RegularGridInterpolator(*self._padded(), bounds_error=False, fill_value=np.nan)
        self.time = float(self.grids[0][len(self.grids[0]) // 2])
        x = self.grids[1][:: -(-len(self.grids[1]) // _POINTS)]
        others = [np.full(len(x), axis[len(axis) // 2]) for axis in self.grids[2:]]
        self.points = np.column_stack([np.full(len(x), self.time), x, *others])

    def _padded(self) -> tuple[list[np.ndarray], np.ndarray]:
        """Close periodic axes."""
        grids, values = list(self.grids), self.values
        for axis, period in enumerate(self.periods, start=1):
            if period is not None:
                grids[axis] = np.append(grids[axis], grids[axis][0] + period)
                values = np.concatenate([values, values.take([0], axis)], axis)
        return grids, values

    def read(self, points: np.ndarray) -> np.ndarray:
        """Return points with the fields there, `(point, coordinate and field)`."""
        inside = points.copy()
        for axis, period in enumerate(self.periods, start=1):
            if period is not None:
                inside[:, axis] = self.grids[axis][0] + np.mod(points[:, axis] - self.grids[axis][0], period)
        return np.column_stack([points, self._read(inside)])

    def moved(self, generator: VectorField) -> tuple[np.ndarray, np.ndarray] | None:
        """Return amounts, and the first field of the moved solution `(amount, point, 2)`; None if it cannot be told."""
        n = self.points.shape[1]
        graph = self.read(self.points)
        slopes = generator.jacobian(graph)[:, :n, n:]
        if np.abs(slopes).max(initial=0.0) > 1e-9:
            return None
        extent = np.array([*map(np.ptp, self.grids), *np.ptp(self.values, axis=tuple(range(n)))])
        rate = float(np.max(np.abs(generator(graph)).max(axis=0) / np.where(extent > 0, extent, 1.0)))
        if not rate > 1e-12:
            return None
        amounts = np.linspace(-_REACH / 2 / rate, _REACH / 2 / rate, _AMOUNTS)
        back = carried(generator, np.column_stack([self.points, np.zeros_like(graph[:, n:])]), -amounts[::-1])[::-1]
        curves = []
        for amount, source in zip(amounts, back, strict=True):
            here = self.read(source[:, :n])
            there = carried(generator, here, np.array([amount]))[0]
            curves.append(np.column_stack([self.points[:, 1], there[:, n]]))
        return amounts, np.stack(curves)


def _named(variable: xr.DataArray, name: str) -> str:
    unit = unit_text(str(variable.attrs.get("units", "")))
    return f"{name} ({unit})" if unit else name
