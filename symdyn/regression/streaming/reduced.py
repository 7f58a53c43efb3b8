"""Few rows with the sums of products of all rows of a record, made in one pass over it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from symdyn.data.tasks import one_blas_thread
from symdyn.functions.columns import fill_features
from symdyn.functions.features import Features
from symdyn.lie.chart import Chart
from symdyn.regression.streaming.record import Irregular, Record, gathered
from symdyn.regression.streaming.targets import Targets
from symdyn.regression.streaming.triangle import Triangle

__all__ = ["Columns", "Reduced", "Segment", "reduced", "sizes_of"]

_SAMPLES = 16384  # read and differentiated together

Segment = tuple[int, int, int]  # a run, its first row and the one after its last


class Columns(NamedTuple):
    """Say what the columns of a regression are: functions of states and inputs, in a chart if any, and targets.

    `increments` takes targets minus states for targets.
    """

    features: Features
    chart: Chart | None = None
    increments: bool = False


class Reduced(NamedTuple):
    """Hold rows and targets `(row, column)` of all parts of the data, one after the other, times roots of weights.

    `squares` `(target,)` are the mean squares of the targets of all the data, without weights; `lengths` `(part,)`
    counts the rows of each part.
    """

    rows: np.ndarray
    targets: np.ndarray
    squares: np.ndarray
    lengths: list[int]


def reduced(record: Record, source: Targets, columns: Columns, parts: list[list[Segment]] | None = None) -> Reduced:
    """Reduce each part of a record to a triangle with the sums of products of its rows.

    Parameters
    ----------
    record : Record
    source : Targets
    columns : Columns
    parts : list of list of (run, first, last), optional
        Rows of each part; by default all are one part.

    Raises
    ------
    Irregular
        For numbers that are not finite, and where no row is complete.
    """
    parts = [[(run, 0, length) for run, length in enumerate(record.lengths)]] if parts is None else parts
    found, keys = [], source.keys()
    with one_blas_thread():
        for part in parts:
            reducer = _Reducer(record, columns)
            for piece in _pieces(part, keys):
                reducer.take(_raw(record, source, piece))
            reducer.flush()
            found.append(reducer)
    found = [reducer for reducer in found if reducer.number]
    if not found:
        raise Irregular
    factors = np.concatenate([reducer.triangle.factor for reducer in found])
    size, entries = found[0].size, sum(reducer.entries for reducer in found)
    squares = sum(reducer.squares for reducer in found) / np.maximum(entries, 1)
    return Reduced(factors[:, :size], factors[:, size:], squares, [found[0].triangle.width] * len(found))


def sizes_of(record: Record, source: Targets, columns: Columns) -> np.ndarray:
    """Compute the sum of squares of the weighted targets of each run `(run,)`, in the units of the chart."""
    sizes, n = np.zeros(len(record.x)), record.n_arguments
    units = np.ones(record.n_targets) if columns.chart is None else np.array(columns.chart.scale[: record.n_targets])
    every = [(run, 0, length) for run, length in enumerate(record.lengths)]
    for piece in _pieces(every, source.keys()):
        raw = _raw(record, source, piece)
        values = raw[n : n + record.n_targets] - (raw[: record.n_targets] if columns.increments else 0.0)
        squares = np.square(values / units[:, None, None])
        weight = 1.0 if record.weights is None else raw[-1]
        sizes[piece.runs] += np.nansum(squares * weight, axis=(0, 2))
    return sizes


class _Piece(NamedTuple):
    runs: list[int]
    first: int
    last: int


def _pieces(segments: list[Segment], keys: list) -> Iterator[_Piece]:
    """Join segments that can be taken together, and cut long ones."""
    groups: dict[tuple, list[int]] = {}
    for run, first, last in segments:
        groups.setdefault((first, last, keys[run]), []).append(run)
    for (first, last, _), runs in groups.items():
        several = max(1, _SAMPLES // max(1, last - first))
        for start in range(0, len(runs), several):
            for low in range(first, last, _SAMPLES):
                yield _Piece(runs[start : start + several], low, min(low + _SAMPLES, last))


def _raw(record: Record, source: Targets, piece: _Piece) -> np.ndarray:
    """Return states, inputs, targets and weights `(column, run, row)` of a piece."""
    states, targets = source.columns(*piece)
    if not np.isfinite(states).all() or (record.targets is not None and not np.isfinite(targets).all()):
        raise Irregular
    columns = [states, targets]
    if record.inputs is not None:
        columns.insert(1, _finite(gathered(record.inputs, *piece)))
    if record.weights is not None:
        columns.append(_finite(gathered(record.weights, *piece)))
        if columns[-1].min(initial=0.0) < 0:
            raise Irregular
    return np.concatenate(columns)


def _finite(values: np.ndarray) -> np.ndarray:
    if not np.isfinite(values).all():
        raise Irregular
    return values


class _Reducer:
    """Collect samples until a block is full, evaluate the functions there, and take the rows into a triangle."""

    def __init__(self, record: Record, columns: Columns):
        self.columns, self.n, self.weighted = columns, record.n_arguments, record.weights is not None
        given, chart = columns.features, columns.chart
        self.features = given if chart is None else chart.features(given)
        self.size = self.features.size(self.n)
        self.triangle = Triangle(self.size + record.n_targets)
        self.raw = np.empty((self.n + record.n_targets + self.weighted, self.triangle.room))
        self.targets = slice(self.n, self.n + record.n_targets)
        self.held, self.number = 0, 0
        self.squares, self.entries = np.zeros(record.n_targets), np.zeros(record.n_targets)

    def take(self, raw: np.ndarray) -> None:
        flat, start = raw.reshape(len(raw), -1), 0
        while start < flat.shape[1]:
            n = min(flat.shape[1] - start, self.triangle.room - self.held)
            self.raw[:, self.held : self.held + n] = flat[:, start : start + n]
            self.held, start = self.held + n, start + n
            if self.held == self.triangle.room:
                self.flush()

    def flush(self) -> None:
        """Take in what is held."""
        n, self.held = self.held, 0
        if not n:
            return
        raw, block = self.raw[:, :n], self.triangle.block(n)
        targets, chart = raw[self.targets], self.columns.chart
        if self.columns.increments:
            targets -= raw[: len(targets)]
        if chart is not None:
            raw[: self.n] -= np.array(chart.centre)[:, None]
            raw[: self.n] /= np.array(chart.scale)[:, None]
        fill_features(self.features, raw[: self.n, None], np.zeros((1, self.n)), block[: self.size, None])
        block[self.size :] = targets
        known = ~np.isnan(targets)
        self.squares += np.square(targets).sum(axis=1, where=known)
        self.entries += known.sum(axis=1)
        if self.weighted:
            block *= np.sqrt(raw[-1])
        n = n if np.isfinite(block).all() else _complete(block)
        if n:
            self.triangle.add(n)
            self.number += n


def _complete(block: np.ndarray) -> int:
    """Bring the rows without NaN to the front of a block `(column, row)`; return their number."""
    kept = block[:, ~np.isnan(block).any(axis=0)]
    if not np.isfinite(kept).all():
        raise Irregular
    block[:, : kept.shape[1]] = kept
    return kept.shape[1]
