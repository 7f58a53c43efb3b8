"""A function at many points: evaluated batch by batch, so that all its derivatives are never held at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from dask.base import is_dask_collection

from symdyn.lie.features import Polynomial
from symdyn.lie.gram import Batch

__all__ = ["PointSums", "Sampled"]

_LENGTH = 16384  # points of a batch before the size of values is known
_ENTRIES = 2**18  # numbers in a batch of values and derivatives: 2 MB
_KEPT = 2**22  # numbers of values and derivatives that are kept for the next pass: 32 MB
_CHOSEN = 2000  # points that stand for all where a few will do


@dataclass(frozen=True)
class PointSums:
    """What one pass over points leaves.

    `mean` and `spread` (standard deviation) `(state,)`; `features` `(feature, feature)` the mean of products of
    features; `chosen` `(chosen, state)` points drawn at random, in random order.
    """

    count: int
    mean: np.ndarray
    spread: np.ndarray
    features: np.ndarray
    chosen: np.ndarray


@dataclass(frozen=True)
class Sampled:
    """A function and its derivatives at points.

    Parameters
    ----------
    f, jacobian : see `discover_function`
    points : numpy or dask array, `(sample, state)`
    features : Features
        Whose products are summed along with the points.
    rng : numpy Generator
    """

    f: Callable
    jacobian: Callable | None
    points: object
    features: Callable
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
        affine = self.features == Polynomial(1)
        for block in self._blocks(_LENGTH):
            if not np.isfinite(block).all():
                bad = int(np.sum(~np.isfinite(block).all(axis=1)))
                raise ValueError(f"points are not finite at {bad} of {len(block)} places")
            shift = shift if totals else block.mean(axis=0)  # squares of what is left of points lose nothing
            moved = block - shift
            theta = None if affine else self.features(block)
            here = [moved.sum(axis=0), moved.T @ moved, 0.0 if theta is None else theta.T @ theta]
            totals = here if not totals else [a + b for a, b in zip(totals, here, strict=True)]
            count += len(block)
            share = -(-_CHOSEN * len(block) // len(self.points))
            chosen.append(block[self.rng.choice(len(block), min(share, len(block)), replace=False)])
        offset, square, products = (total / count for total in totals)
        spread, mean = np.sqrt(np.maximum(np.diag(square) - offset**2, 0.0)), shift + offset
        spread[spread <= 1e-14 * np.abs(mean)] = 0.0
        if affine:
            moments = np.block([[np.ones((1, 1)), offset[None]], [offset[:, None], square]])
            back = np.eye(1 + len(shift)) + np.pad(shift[:, None], ((1, 0), (0, len(shift))))
            products = back @ moments @ back.T
        return PointSums(count, mean, spread, products, self.rng.permutation(np.concatenate(chosen)))

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
            differences = self._differences(batch.points)
            if batch.slopes.shape != differences.shape:
                raise ValueError(f"jacobian must return shape {differences.shape}, got {batch.slopes.shape}")
            error = np.abs(batch.slopes - differences).max() / max(np.abs(differences).max(), 1e-300)
            if error > 1e-5:
                raise ValueError(f"jacobian disagrees with central differences of f by {error:.2g} of its size")
        return batch

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
            batch = self.at(block)
            if self.keeps:
                self._kept.append(batch)
            yield batch

    def half(self) -> Iterator[Batch]:
        """A pass over half of the points, drawn at random from each batch."""
        for batch in self.batches():
            drawn = self.rng.permutation(len(batch))[: -(-len(batch) // 2)]
            yield Batch(batch.points[drawn], batch.values[drawn], batch.slopes[drawn])

    def at(self, points: np.ndarray) -> Batch:
        """Values and derivatives at points."""
        values = np.asarray(self.f(points), dtype=float)
        if values.shape[:1] != (len(points),):
            raise ValueError(f"f must return one value a point, got shape {values.shape} for {len(points)} points")
        return Batch(points, values, self._slopes(points))

    def check(self, batches: Iterable[Batch]) -> None:
        """Raise ValueError naming what is not finite."""
        for batch in batches:
            for name, entries in (("f", batch.values), ("jacobian", batch.slopes)):
                bad = ~np.isfinite(entries).reshape(len(batch), -1).all(axis=1)
                if bad.any():
                    raise ValueError(f"{name} is not finite at {int(bad.sum())} points of a batch of {len(batch)}")

    def where_finite(self, points: np.ndarray) -> Batch:
        """Values and derivatives at those of the points where the function has them."""
        with np.errstate(all="ignore"):
            values = np.asarray(self.f(points), dtype=float)
            slopes = self._slopes(points)
        good = [np.isfinite(a.reshape(len(points), -1)).all(axis=1) for a in (values, slopes)]
        good = good[0] & good[1]
        return Batch(points[good], values[good], slopes[good])

    @property
    def _entries(self):
        return self.first.slopes[0].size + self.first.values[0].size

    def _blocks(self, length):
        """Arrays of at most `length` points; of a dask array one chunk at a time is in memory."""
        if not is_dask_collection(self.points):
            chunks = [self.points]
        else:
            whole = self.points.rechunk({1: -1})
            chunks = (whole.blocks[k].compute(scheduler="synchronous") for k in range(whole.numblocks[0]))
        for chunk in chunks:
            for start in range(0, len(chunk), length):
                yield np.asarray(chunk[start : start + length], dtype=float)

    def _slopes(self, points):
        if self.jacobian is None:
            return self._differences(points)
        return np.asarray(self.jacobian(points), dtype=float)

    def _differences(self, points, level=0):
        """Derivatives `(sample, ..., state)` by differences of fourth order, with smaller steps next to poles."""
        pairs = [self._difference(points, state, 8.0**-level) for state in range(points.shape[1])]
        slopes, errors = (np.stack(parts, axis=-1) for parts in zip(*pairs, strict=True))
        flat = [np.abs(part).reshape(len(points), -1).max(axis=1) for part in (slopes, errors)]
        # The error of fourth order is about the square of that of second order.
        poor = flat[1] > 1e-4 * flat[0]
        if level < 3 and poor.any():
            slopes[poor] = self._differences(points[poor], level + 1)
        return slopes

    def _difference(self, points, state, shrink):
        """Derivatives along one state, and the error of the formula of second order."""
        step = np.zeros(points.shape[1])
        largest = np.hypot(self.sums.mean, self.sums.spread).max()
        step[state] = 1e-3 * shrink * max(self.sums.spread[state], 1e-3 * largest, 1e-12)
        near, far = (np.asarray(self.f(points + s)) - np.asarray(self.f(points - s)) for s in (step, 2 * step))
        slope = (8 * near - far) / (12 * step[state])
        return slope, slope - near / (2 * step[state])
