"""Sums over points of an ensemble: all that its symmetries are judged by.

Column k of M belongs to a generator v_k, M_jk = E[v_k . grad phi_j] = −int phi_j div(p v_k), or to an element g,
M_jk = E[phi_j(g x) − phi_j(x)]: both vanish for all tests phi if the density p is kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from operator import add

import numpy as np
from dask.base import compute
from dask.delayed import delayed

from symdyn.data.tasks import one_blas_thread
from symdyn.discovery.distribution.point_blocks import Piece, PointBlocks
from symdyn.discovery.distribution.scatter import Scatter
from symdyn.functions.features import Features
from symdyn.lie.chart import Chart
from symdyn.lie.groups import Elements
from symdyn.lie.vectorfields import Generators

__all__ = ["Question", "WeakSums", "weak_sums"]

_NUMBERS = 1 << 21  # of the slopes of the tests that are in memory at a time


@dataclass(frozen=True)
class Question:
    """What is summed: generators and elements in the chart, tests as functions of the points in units of the cloud."""

    chart: Chart
    scatter: Scatter
    tests: Features
    generators: Generators
    elements: Elements

    @cached_property
    def fields(self) -> np.ndarray:
        """Coefficients `(generator, axis, feature)` of the generators in units of the cloud."""
        return np.einsum("kif,ia->kaf", self.generators.coefficients, self.scatter.root)

    def in_cloud(self, matrices: np.ndarray) -> np.ndarray:
        """Return linear maps `(state, state, map)` of the chart in sharp units of the cloud, `(map, axis, axis)`."""
        root = self.scatter.sharp
        return np.einsum("ia,ijk,jb->kab", root, matrices, np.linalg.inv(root).T, optimize=True)

    @property
    def n_columns(self) -> int:
        """Number of generators and elements."""
        return len(self.generators) + len(self.elements)


@dataclass(frozen=True)
class WeakSums:
    """Sums over points, by block and class.

    `weight` `(block, class)`; `columns` `(block, class, test, column)` of v . grad phi and of phi(g x) − phi(x);
    `values` `(class, test)` and `products` `(class, test, test)` of phi; `fields` `(feature, feature)` of what
    generators are made of, times the weight u of a point; `moved` `(element,)` of the squares of displacements;
    `square` `(class,)` of the weights squared.
    """

    weight: np.ndarray
    columns: np.ndarray
    values: np.ndarray
    products: np.ndarray
    fields: np.ndarray
    moved: np.ndarray
    square: np.ndarray

    def __add__(self, other: WeakSums) -> WeakSums:
        return WeakSums(
            *(mine + theirs for mine, theirs in zip(vars(self).values(), vars(other).values(), strict=True))
        )


def weak_sums(points: PointBlocks, question: Question) -> WeakSums:
    """Make one pass over the points; the pieces of lazy ones by tasks of Dask."""
    shape = (points.n_blocks, len(points.classes))
    if not points.is_lazy:
        with one_blas_thread():
            return reduce(add, (_of_piece(read, question, shape) for read in points.pieces))
    parts: Sequence = [delayed(_of_piece, pure=False)(read, question, shape) for read in points.pieces]
    while len(parts) > 1:
        parts = [delayed(sum_of)(parts[k : k + 8]) for k in range(0, len(parts), 8)]
    return compute(*parts)[0]


def sum_of(parts: Sequence[WeakSums]) -> WeakSums:
    """Add partial sums."""
    return reduce(add, parts)


def _of_piece(read, question: Question, shape: tuple[int, int]) -> WeakSums:
    piece, tests = read(), question.tests
    n_tests = tests.size(len(question.chart))
    n_features = question.generators.coefficients.shape[2]
    sums = WeakSums(
        np.zeros(shape),
        np.zeros((*shape, n_tests, question.n_columns)),
        np.zeros((shape[1], n_tests)),
        np.zeros((shape[1], n_tests, n_tests)),
        np.zeros((n_features, n_features)),
        np.zeros(len(question.elements)),
        np.zeros(shape[1]),
    )
    step = max(_NUMBERS // (n_tests * len(question.chart)), 64)
    for start in range(0, len(piece.points), step):
        _add_batch(sums, _cut(piece, slice(start, start + step)), question)
    return sums


def _add_batch(sums: WeakSums, piece: Piece, question: Question) -> None:
    charted = question.chart.points(piece.points)
    inside = question.scatter.points(charted)
    values = question.tests(inside)
    weighted = values * piece.weight[:, None]
    for code in np.unique(piece.label):
        own = piece.label == code
        sums.values[code] += weighted[own].sum(axis=0)
        sums.products[code] += weighted[own].T @ values[own]
        sums.square[code] += np.sum(piece.weight[own] ** 2)
    n_generators = len(question.generators)
    if n_generators:
        features = question.generators.features(charted) * piece.weight[:, None]
        slopes = question.tests.jacobian(inside).reshape(len(inside), -1)
        sums.fields[...] += features.T @ (
            features * (question.scatter.weights(inside) / np.maximum(piece.weight, 1e-300))[:, None]
        )
        for rows, place in _runs(piece):
            part = (slopes[rows].T @ features[rows]).reshape(values.shape[1], len(question.chart), -1)
            sums.columns[place][:, :n_generators] += np.tensordot(part, question.fields, axes=([1, 2], [1, 2]))
    for rows, place in _runs(piece):
        sums.weight[place] += piece.weight[rows].sum()
    for k in range(len(question.elements)):
        images = question.scatter.points(question.elements[k].images(charted)[:, :, 0])
        change = (question.tests(images) - values) * piece.weight[:, None]
        steps = np.minimum(np.abs(images - inside), 1.0)
        sums.moved[k] += piece.weight @ np.sum(np.where(steps > 1e-9, steps, 0.0) ** 2, axis=1)
        for rows, place in _runs(piece):
            sums.columns[place][:, n_generators + k] += change[rows].sum(axis=0)


def _runs(piece: Piece) -> Iterator[tuple[slice, tuple[int, int]]]:
    """Yield stretches of samples that belong to one block and class."""
    change = np.flatnonzero((np.diff(piece.block) != 0) | (np.diff(piece.label) != 0)) + 1
    for start, end in zip([0, *change], [*change, len(piece.block)], strict=True):
        yield slice(start, end), (int(piece.block[start]), int(piece.label[start]))


def _cut(piece: Piece, rows: slice) -> Piece:
    """Take some samples, sorted by block and class."""
    points, block, label, weight = piece.points[rows], piece.block[rows], piece.label[rows], piece.weight[rows]
    order = np.lexsort((label, block))
    return Piece(points[order], block[order], label[order], weight[order])
