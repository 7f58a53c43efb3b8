"""A function at many points: evaluated batch by batch, so that all its derivatives are never held at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from dask.base import is_dask_collection

from symdyn.functions.tolerances import STILL
from symdyn.lie.chart import Chart
from symdyn.lie.constraints.gram import Batch
from symdyn.lie.output_actions import Values, value_action
from symdyn.lie.prolongation import fixed_point
from symdyn.lie.vectorfields import Generators

__all__ = ["PointSums", "Sampled", "Units", "units_of_values"]

_LENGTH = 16384  # points of a batch before the size of values is known
_ENTRIES = 2**18  # numbers in a batch of values and derivatives: 2 MB
_KEPT = 2**22  # numbers of values and derivatives that are kept for the next pass: 32 MB
_CHOSEN = 2000  # points that stand for all where a few will do
_AMONG = 10.0  # spreads: what is nearer than that lies among the points
_STEP = 1e-3  # of differences, in spreads of the states
_SMALLEST = 8.0**-2.5  # steps are made smaller three times at most
_COMPARED = 24  # points at which differences are taken twice
_SAFE = 4.0  # times the error that is seen there


@dataclass(frozen=True)
class PointSums:
    """What one pass over points leaves, in the units of the user.

    `mean` and `spread` (standard deviation, 0 where only rounding varies) `(state,)`; `covariance` `(state, state)`;
    `chosen` `(chosen, state)` points drawn at random, in random order.
    """

    count: int
    mean: np.ndarray
    spread: np.ndarray
    covariance: np.ndarray
    chosen: np.ndarray


@dataclass(frozen=True)
class Units:
    """Values f are (f − offset) / scale in the chart, both `(...)`."""

    offset: np.ndarray
    scale: np.ndarray


def units_of_values(values: np.ndarray, output, scale: np.ndarray) -> Units:
    """Units of values `(sample, ...)`: by their indices, see `value_units`, with an origin where nothing moves.

    f and f + 1 have the same symmetries, so what is invariant is measured by what it varies.
    """
    output, shape = value_action(output), values.shape[1:]
    flat, offset = values.reshape(len(values), -1), np.zeros(values[0].size)
    if not output.mixes_alike and all(action == "invariant" for action in output.indices(len(shape))):
        varies = flat.std(axis=0) > STILL * np.abs(flat).max(axis=0)
        offset = np.where(varies, flat.mean(axis=0), 0.0)
    return Units(offset.reshape(shape), output.units(flat - offset, scale, shape, apart=True).reshape(shape))


@dataclass(frozen=True)
class Sampled:
    """A function and its derivatives at points: called in the units of the user, handed on in the chart of the points.

    Parameters
    ----------
    f, jacobian : see `discover_function`
    points : numpy or dask array, `(sample, state)`
    candidates : Generators
    output : see `discover_function`
        What values do, which says in which units they are measured.
    rng : numpy Generator
    """

    f: Callable
    jacobian: Callable | None
    points: Any
    candidates: Generators
    output: Values
    rng: np.random.Generator
    _kept: list = field(default_factory=list)

    @cached_property
    def sums(self) -> PointSums:
        """One pass over the points alone.

        Raises
        ------
        ValueError
            For points that are not finite.
        """
        count, chosen, shift, totals = 0, [], np.zeros(self.points.shape[1]), []
        # Drawn from all points at once: what is chosen must not depend on chunks.
        drawn = np.sort(self.rng.choice(len(self.points), min(_CHOSEN, len(self.points)), replace=False))
        for block in self._blocks(_LENGTH):
            if not np.isfinite(block).all():
                bad = int(np.sum(~np.isfinite(block).all(axis=1)))
                raise ValueError(f"points are not finite at {bad} of {len(block)} places")
            shift = shift if totals else block.mean(axis=0)  # squares of what is left of points lose nothing
            moved = block - shift
            here = [moved.sum(axis=0), moved.T @ moved]
            totals = here if not totals else [a + b for a, b in zip(totals, here, strict=True)]
            first, last = np.searchsorted(drawn, (count, count + len(block)))
            chosen.append(block[drawn[first:last] - count])
            count += len(block)
        offset, square = (total / count for total in totals)
        covariance, mean = square - np.outer(offset, offset), shift + offset
        spread = np.sqrt(np.maximum(np.diag(covariance), 0.0))
        spread[spread <= STILL * np.abs(mean)] = 0.0
        return PointSums(count, mean, spread, covariance, self.rng.permutation(np.concatenate(chosen)))

    @cached_property
    def chart(self) -> Chart:
        """Mean and spread of each state; a state that never varies keeps scale 1.

        Where all candidates vanish at one point among the data, as gl(n) does at the origin, that is the centre: next
        to it they are small, and so are the squares that are summed.
        """
        scale = np.where(self.sums.spread > 0, self.sums.spread, 1.0)
        about_mean = Chart(tuple(self.sums.mean), tuple(scale))
        centre = fixed_point(about_mean.generators(self.candidates))
        if centre is None or np.abs(centre).max() > _AMONG:
            return about_mean
        centre, size = about_mean.points_back(centre), np.abs(self.sums.mean) + scale
        return Chart(tuple(np.where(np.abs(centre) < 1e-12 * size, 0.0, centre)), tuple(scale))

    @cached_property
    def units(self) -> Units:
        """What values are measured in.

        Raises
        ------
        ValueError
            For values of the wrong shape, or not finite.
        """
        points = self.sums.chosen[:1000]
        values = self._values(points)
        self.check([Batch(points, values, np.zeros((len(points), 1)))])
        return units_of_values(values, self.output, np.array(self.chart.scale))

    @cached_property
    def first(self) -> Batch:
        """The first points, with values and derivatives that have been checked.

        Raises
        ------
        ValueError
            For values or a Jacobian of the wrong shape, or a Jacobian that disagrees with central differences.
        """
        batch = self.at(self.sums.chosen[:1000])
        self.check([batch])
        if self.jacobian is not None:
            differences = self._differences(self.sums.chosen[:1000])
            size = max(np.abs(differences).max(), 1e-300)
            error = np.abs(batch.slopes - differences).max() / size
            if error > 1e-5 and error > 10 * self._error_of_differences() / size:
                raise ValueError(f"jacobian disagrees with central differences of f by {error:.2g} of its size")
        return batch

    @cached_property
    def resolution(self) -> float:
        """What derivatives are off by, in the chart: 0 where they are given, else the error of differences.

        Values of size |f| have a rounding of their own, and so do points far from the origin, next to which steps are
        small.
        """
        return 0.0 if self.jacobian is not None else self._error_of_differences()

    @property
    def keeps(self) -> bool:
        """Whether all values and derivatives are few enough to be kept."""
        return self.sums.count * self._entries <= _KEPT

    def batches(self) -> Iterator[Batch]:
        """A pass over all points; a few values and derivatives are kept for the next pass."""
        if self._kept:
            yield from self._kept
            return
        for block in self._blocks(int(np.clip(_ENTRIES // self._entries, 64, _LENGTH))):
            batch = self._read(block)
            if self.keeps:
                batch = Batch(batch.points, batch.values, batch.derivatives)
                self._kept.append(batch)
            yield batch

    def half(self) -> Iterator[Batch]:
        """A pass over half of the points, drawn at random from each batch."""
        for batch in self.batches():
            drawn = self.rng.permutation(len(batch))[: -(-len(batch) // 2)]
            yield Batch(batch.points[drawn], batch.values[drawn], batch.slopes[drawn], batch.factors)

    def at(self, points: np.ndarray) -> Batch:
        """Values and derivatives at points in the units of the user, carried into the chart."""
        batch = self._read(points)
        return Batch(batch.points, batch.values, batch.derivatives)

    def _read(self, points: np.ndarray):
        values = self._values(points)
        offset, scale = self.units.offset, self.units.scale
        carried = (values - offset) / scale if offset.any() else values / scale
        return Batch(self.chart.points(points), carried, *self._slopes(points))

    def check(self, batches: Iterable[Batch]) -> None:
        """Raise ValueError naming what is not finite."""
        for batch in batches:
            for name, entries in (("f", batch.values), ("jacobian", batch.slopes)):
                bad = ~np.isfinite(entries).reshape(len(batch), -1).all(axis=1)
                if bad.any():
                    raise ValueError(f"{name} is not finite at {int(bad.sum())} points of a batch of {len(batch)}")

    def where_finite(self, points: np.ndarray) -> Batch:
        """Values and derivatives, in the chart, at those of the points where the function has them."""
        with np.errstate(all="ignore"):
            batch = self.at(points)
        good = [np.isfinite(a.reshape(len(points), -1)).all(axis=1) for a in (batch.values, batch.slopes)]
        good = good[0] & good[1]
        return Batch(batch.points[good], batch.values[good], batch.slopes[good])

    @property
    def _entries(self):
        return self.first.slopes[0].size + self.first.values[0].size

    def _values(self, points: np.ndarray):
        values = np.asarray(self.f(points), dtype=float)
        if values.shape[:1] != (len(points),):
            raise ValueError(f"f must return one value a point, got shape {values.shape} for {len(points)} points")
        return values

    def _blocks(self, length: int):
        """Arrays of at most `length` points; of a dask array one chunk at a time is in memory."""
        if not is_dask_collection(self.points):
            chunks = [self.points]
        else:
            whole = self.points.rechunk({1: -1})
            chunks = (whole.blocks[k].compute(scheduler="synchronous") for k in range(whole.numblocks[0]))
        for chunk in chunks:
            for start in range(0, len(chunk), length):
                yield np.asarray(chunk[start : start + length], dtype=float)

    def _slopes(self, points: np.ndarray):
        """Derivatives `(sample, ..., state)`, and the factors that carry them into the chart."""
        if self.jacobian is None:
            return self._differences(points), None
        slopes, shape = np.asarray(self.jacobian(points), dtype=float), (*self.units.scale.shape, len(self.chart))
        if slopes.shape[1:] != shape:
            raise ValueError(f"jacobian must return shape {(len(points), *shape)}, got {slopes.shape}")
        return slopes, np.array(self.chart.scale) / self.units.scale[..., None]

    def _differences(self, points: np.ndarray):
        """Derivatives `(sample, ..., state)` by differences of fourth order."""
        return self._refined(points, 1.0)[0]

    def _refined(self, points: np.ndarray, shrink: np.ndarray | float):
        """Derivatives and errors of the formula of second order, with smaller steps where these are large.

        That helps next to poles; where an error comes from the rounding of f, smaller steps make it larger.
        """
        slopes, errors = self._all_differences(points, shrink)
        size, error = (np.abs(part).reshape(len(points), -1).max(axis=1) for part in (slopes, errors))
        # The error of fourth order is about the square of that of second order.
        poor = np.flatnonzero(~(error <= 1e-4 * size))
        if shrink < _SMALLEST or not poor.size:
            return slopes, errors
        finer, left = self._refined(points[poor], shrink / 8)
        better = ~(np.abs(left).reshape(len(poor), -1).max(axis=1) >= error[poor])
        slopes[poor[better]], errors[poor[better]] = finer[better], left[better]
        return slopes, errors

    def _all_differences(self, points: np.ndarray, shrink: np.ndarray | float):
        """Derivatives along all states, and the errors of the formula of second order."""
        pairs = [self._difference(points, state, shrink) for state in range(points.shape[1])]
        slopes, errors = (np.stack(parts, axis=-1) for parts in zip(*pairs, strict=True))
        return slopes, errors

    def _difference(self, points: np.ndarray, state: int, shrink: np.ndarray | float):
        near, far = (self._slope(points, state, factor * shrink) for factor in (1, 2))
        slope = (4 * near - far) / 3
        return slope, slope - near

    def _slope(self, points: np.ndarray, state: int, shrink: np.ndarray | float):
        """[f(x + h) − f(x − h)] / 2 h along one state.

        x + h is rounded next to a large x; differences over the distance that is really there do not see it.
        """
        sums = self.sums
        size = abs(sums.mean[state]) + sums.spread[state]
        # A state that never varies has steps in units of its size.
        step = max(shrink * _STEP * (sums.spread[state] or size or 1.0), 64 * np.finfo(float).eps * size)
        ahead, behind = points.copy(), points.copy()
        ahead[:, state] += step
        behind[:, state] -= step
        change = np.asarray(self.f(ahead), dtype=float) - np.asarray(self.f(behind), dtype=float)
        width = (ahead[:, state] - behind[:, state]) / self.chart.scale[state]
        return change / self.units.scale / width.reshape(-1, *[1] * (change.ndim - 1))

    def _error_of_differences(self):
        """Typical change of differences when steps are halved, times a factor to be safe."""
        points = self.sums.chosen[:_COMPARED]
        with np.errstate(all="ignore"):
            errors = self._all_differences(points, 0.5)[0] - self._differences(points)
        errors = np.linalg.norm(errors.reshape(len(points), -1), axis=1)
        errors = errors[np.isfinite(errors)]
        return float(_SAFE * np.median(errors)) if len(errors) else 0.0
