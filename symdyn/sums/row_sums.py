"""Sums over rows of the law that grow batch by batch, by BLAS, in memory that is there from the start."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from symdyn.rows.law_rows import Batch
from symdyn.rows.workspace import Workspace

__all__ = ["RowSums"]

_AT_A_TIME = 1 << 22  # bytes of products of a batch of runs


class RowSums:
    """Products of rows for each group, and moments of the targets for each run.

    Parameters
    ----------
    groups : ndarray, `(run,)`
        The first group of each run: its stretches of time go to that one and those after it.
    n_groups : int
    n_terms : int
        Features and targets.
    n_outputs : int
        Targets, the last of the terms.
    axes : ndarray, `(feature, direction)`, or `(0, 0)`
        What features are turned to first, see `symdyn.sums.axes`.
    """

    def __init__(self, groups: np.ndarray, n_groups: int, n_terms: int, n_outputs: int, axes: np.ndarray):
        self.groups, self.axes, self.space = groups, axes, Workspace()
        self.cross = np.zeros((n_groups, n_terms, n_terms))
        self.product = np.empty((n_terms, n_terms))
        self.count = np.zeros(n_groups, dtype=int)
        self.rows = np.zeros(len(groups))
        self.targets = {name: np.zeros((len(groups), n_outputs)) for name in ("signal", "power", "mean")}

    def add(self, runs: np.ndarray, batch: Batch) -> None:
        """Add a batch of rows of some runs, in ascending order."""
        batch = self._turned(batch)
        edges = np.concatenate([[0], np.flatnonzero(np.diff(batch.stretch)) + 1, [len(batch.stretch)]])
        for start, stop in pairwise(edges):
            self._add_products(self.groups[runs] + batch.stretch[start], batch, slice(start, stop))
        n = self.targets["mean"].shape[1]
        even, odd = batch.even[-n:], batch.odd[-n:]
        middle = (even + odd) / 2
        self.rows[runs] += len(batch.stretch)
        self.targets["signal"][runs] += np.einsum("orw,orw->ro", even, odd)
        self.targets["power"][runs] += np.einsum("orw,orw->ro", middle, middle)
        self.targets["mean"][runs] += middle.sum(axis=2).T

    def symmetrised(self) -> np.ndarray:
        """Return (C + C^T) / 2 `(group, term, term)`, computed in place."""
        step = max(_AT_A_TIME // self.cross[0].nbytes, 1)
        for first in range(0, len(self.cross), step):
            some = self.cross[first : first + step]
            some += some.swapaxes(1, 2)
            some *= 0.5
        return self.cross

    def target_means(self) -> dict[str, np.ndarray]:
        """Compute means over rows `(run, output)`."""
        return {name: total / self.rows[:, None] for name, total in self.targets.items()}

    def _turned(self, batch: Batch) -> Batch:
        if self.axes.size == 0:
            return batch
        even = self._along_axes(batch.even, "even")
        return batch._replace(even=even, odd=even if batch.odd is batch.even else self._along_axes(batch.odd, "odd"))

    def _along_axes(self, rows: np.ndarray, name: str) -> np.ndarray:
        n = len(self.axes)
        turned = self.space.array(name, rows.shape)
        # Run by run: the last bits of a product of all would depend on which runs are worked on together.
        np.matmul(self.axes.T, rows[:n].transpose(1, 0, 2), out=turned[:n].transpose(1, 0, 2))
        turned[n:] = rows[n:]
        return turned

    def _add_products(self, groups: np.ndarray, batch: Batch, rows: slice) -> None:
        even = batch.even[:, :, rows]
        # One array on both sides: numpy then takes the symmetric product, half the work.
        odd = even if batch.odd is batch.even else batch.odd[:, :, rows]
        if len(groups) == 1:
            self.count[groups[0]] += rows.stop - rows.start
            self.cross[groups[0]] += np.matmul(even[:, 0], odd[:, 0].T, out=self.product)
            return
        starts = np.flatnonzero(np.append(True, groups[1:] != groups[:-1]))
        sizes = np.diff(np.append(starts, len(groups)))
        self.count[groups[starts]] += (rows.stop - rows.start) * sizes
        step = max(_AT_A_TIME // self.cross[0].nbytes, 1)
        for size in np.unique(sizes):  # neighbours of one fold come together, in one product
            alike = starts[sizes == size]
            for first in range(0, len(alike), step):
                some = alike[first : first + step]
                one = self._together(even, some, size, "some even")
                other = one if odd is even else self._together(odd, some, size, "some odd")
                products = self.space.array("products", (len(some), *self.product.shape))
                self.cross[_places(groups[some])] += np.matmul(one, other.transpose(0, 2, 1), out=products)

    def _together(self, rows: np.ndarray, starts: np.ndarray, size: int, name: str) -> np.ndarray:
        """Gather rows `(fold, term, run and row)` of the `size` runs from each of the `starts` on."""
        n_terms, _, n_rows = rows.shape
        if size == 1 and starts[-1] - starts[0] == len(starts) - 1:
            return rows[:, starts[0] : starts[-1] + 1].transpose(1, 0, 2)  # as they lie
        picked = self.space.array(name, (len(starts), n_terms, size, n_rows))
        if starts[-1] - starts[0] == size * (len(starts) - 1):
            some = rows[:, starts[0] : starts[-1] + size].reshape(n_terms, len(starts), size, n_rows)
        else:
            some = rows[:, starts[:, None] + np.arange(size)]
        picked[...] = some.transpose(1, 0, 2, 3)
        return picked.reshape(len(starts), n_terms, -1)


def _places(numbers: np.ndarray) -> slice | np.ndarray:
    """Return ascending numbers as a slice where they are evenly spaced: then what is added to stays where it is."""
    steps = np.diff(numbers)
    if np.ptp(steps) if steps.size else False:
        return numbers
    return slice(numbers[0], numbers[-1] + 1, steps[0] if steps.size else 1)
