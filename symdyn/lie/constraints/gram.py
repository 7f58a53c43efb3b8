"""Sums over samples of the Lie derivative of a function, without its rows where generators are affine.

For affine generators v = A x + b, x~ = (1, x), and values that move like the state, the row of output o and the column
of the coefficient (i, j) of v is L = Df_oi x~_j − delta_oi f~_j with f~ = (0, f). So the Gram needs products of pairs
only,

    (L^T L)_(ij)(kl) = sum (Df^T Df)_ik x~_j x~_l + delta_ik f~_j f~_l − Df_ki x~_j f~_l − Df_ik x~_l f~_j,

two products of matrices over batches of samples. All other generators and outputs take the rows themselves.

Letters of every einsum here: s sample, o and p output, i and k state, c candidate, r direction.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from symdyn.functions.features import Polynomial
from symdyn.lie.output_actions import Values, value_action
from symdyn.lie.vectorfields import Generators

__all__ = ["AffineRows", "Batch", "LieForms", "LieRows", "Rows", "lie_rows"]

_BATCH = 640  # samples whose products stay in the cache of the processor


@dataclass(frozen=True)
class Batch:
    """Points `(sample, state)`, values `(sample, ...)` and derivatives `(sample, ..., state)` of a function.

    Where there are `factors` `(..., state)`, of rank one, the derivatives are `slopes` times these: the product is
    taken where it is used, while it is in the cache.
    """

    points: np.ndarray
    values: np.ndarray
    slopes: np.ndarray
    factors: np.ndarray | None = None

    @property
    def derivatives(self) -> np.ndarray:
        """Derivatives `(sample, ..., state)`."""
        if self.factors is None:
            return self.slopes
        # Long rows: numpy is slow where the last index is short.
        return (self.slopes.reshape(len(self), -1) * self.factors.ravel()).reshape(self.slopes.shape)

    def __len__(self) -> int:
        return len(self.points)

    def split_factors(self) -> tuple[np.ndarray, np.ndarray]:
        """Factors `(value,)` and `(state,)` whose outer product the factors are."""
        if self.factors is None:
            return np.ones(self.values[0].size), np.ones(self.points.shape[1])
        flat = self.factors.reshape(-1, self.points.shape[1])
        return flat[:, 0] / flat[0, 0], flat[0]

    def parts(self, length: int) -> Iterator[Batch]:
        """Views of at most `length` samples each, of about the same length."""
        step = -(-len(self) // max(-(-len(self) // length), 1))
        for start in range(0, len(self), max(step, 1)):
            here = slice(start, start + step)
            yield Batch(self.points[here], self.values[here], self.slopes[here], self.factors)


@dataclass(frozen=True)
class LieForms:
    """Means over samples of products over outputs, `(candidate, candidate)` each.

    `violation` of L_k = Df v_k − psi_k f, `transported` of Df v_k, `carried` the sum over indices of psi_k f; `power`
    is the mean square of f, over outputs too.
    """

    violation: np.ndarray
    transported: np.ndarray
    carried: np.ndarray
    power: float


class Rows(Protocol):
    """What null spaces need of the linear map from combinations of candidates to rows of the Lie derivative."""

    @property
    def candidates(self) -> Generators:
        """The candidates, those of unknown actions on outputs among them."""
        ...

    def forms(self, batches: Iterable[Batch]) -> LieForms:
        """The forms over all samples."""
        ...

    def along(self, batch: Batch, directions: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        """L V `(sample * output, direction)` for V `(candidate, direction)`, in `out` if given."""
        ...

    def pull_back(self, batch: Batch, rows: np.ndarray) -> np.ndarray:
        """L^T R `(candidate, direction)` for R `(sample * output, direction)`."""
        ...


def lie_rows(candidates: Generators, output, batch: Batch) -> Rows:
    """The cheaper of the two ways to the same sums.

    Parameters
    ----------
    candidates : Generators
    output : see `discover_function`
    batch : Batch
        One sample or more, for the shapes.

    Raises
    ------
    ValueError
        For an output that does not fit the values.
    """
    n, n_outputs = len(candidates.states), batch.values[0].size
    output = value_action(output)
    general = LieRows.build(candidates, output, batch)
    affine = candidates.features == Polynomial(1)
    # Products of pairs cost n^4 operations a sample, rows one for each output and pair of candidates.
    plain = output.like_states or output.is_invariant
    if plain and affine and not candidates.time_scaling.any() and n**4 <= n_outputs * len(candidates) ** 2:
        return AffineRows(candidates, output.like_states)
    return general


class _Work:
    """Work memory that is used again: fresh memory for each batch would cost more than the sums."""

    def __init__(self):
        self._flat = {}

    def array(self, name: str, *shape: int) -> np.ndarray:
        """Memory of that name, what it holds being of no use any more."""
        size = math.prod(shape)
        if name not in self._flat or self._flat[name].size < size:
            self._flat[name] = np.empty(size)
        return self._flat[name][:size].reshape(shape)


@dataclass(frozen=True)
class LieRows:
    """Any generators and outputs, by the rows of each batch."""

    candidates: Generators
    given: Generators
    output: Values

    @classmethod
    def build(cls, candidates: Generators, output: Values, batch: Batch) -> LieRows:
        """With the candidates joined by unknown actions on outputs."""
        one = next(batch.parts(1))
        unjoined = cls(candidates, candidates, output)
        return cls(unjoined.pieces(one)[0], candidates, output)

    def pieces(self, batch: Batch):
        """All candidates, Df v_k `(sample, ..., candidate)` and the parts of psi_k f."""
        fields = self.given.values(batch.points)
        shape = (*batch.values.shape, len(self.given))
        slopes = _flat(batch.derivatives)
        transported = (slopes @ fields).reshape(shape)
        carried = self.output.moved(batch.values, self.given, batch.points)
        return self.output.joined(self.given, batch.values, transported, carried)

    def forms(self, batches: Iterable[Batch]) -> LieForms:
        """See `Rows`."""
        size = len(self.candidates)
        sums, power, count = np.zeros((3, size, size)), 0.0, 0
        for batch in self._small(batches):
            _, transported, carried = self.pieces(batch)
            sums[0] += _gram(transported - sum(carried))
            sums[1] += _gram(transported)
            for part in carried:
                sums[2] += _gram(part)
            power += np.vdot(batch.values, batch.values) / batch.values[0].size
            count += len(batch)
        return LieForms(*(sums / count), power=power / count)

    def along(self, batch: Batch, directions: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        """See `Rows`."""
        parts = [self._rows(part) @ directions for part in self._small([batch])]
        return np.concatenate(parts, out=out)

    def pull_back(self, batch: Batch, rows: np.ndarray) -> np.ndarray:
        """See `Rows`."""
        each = rows.reshape(len(batch), -1, rows.shape[1])
        total, start = np.zeros((len(self.candidates), rows.shape[1])), 0
        for part in self._small([batch]):
            here = each[start : start + len(part)].reshape(-1, rows.shape[1])
            total += self._rows(part).T @ here
            start += len(part)
        return total

    def _rows(self, batch: Batch):
        _, transported, carried = self.pieces(batch)
        return (transported - sum(carried)).reshape(-1, len(self.candidates))

    def _small(self, batches: Iterable[Batch]):
        """Batches whose rows take a few MB."""
        for batch in batches:
            entries = max(int(np.prod(batch.slopes.shape[1:])), batch.values[0].size) * len(self.candidates)
            yield from batch.parts(max(2**18 // max(entries, 1), 16))


@dataclass(frozen=True)
class AffineRows:
    """Affine generators, values that are invariant or `moving` like the state."""

    candidates: Generators
    moving: bool
    _work: _Work = field(default_factory=lambda: _Work(), repr=False, compare=False)

    def forms(self, batches: Iterable[Batch]) -> LieForms:
        """See `Rows`."""
        n = len(self.candidates.states)
        sums = _PairSums(n, self.moving, self._work)
        for batch in batches:
            for part in batch.parts(_BATCH):
                sums.add(part)
        coefficients = self.candidates.coefficients.reshape(len(self.candidates), -1)
        transported, carried, crossed = (coefficients @ form @ coefficients.T for form in sums.unfolded())
        return LieForms(transported + carried - crossed, transported, carried, sums.power / sums.count)

    def along(self, batch: Batch, directions: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        """See `Rows`."""
        fields = np.tensordot(self.candidates.coefficients, directions, axes=(0, 0))  # (state, 1 + state, direction)
        n, n_directions, slopes = len(fields), directions.shape[1], _flat(batch.slopes)
        linear = np.ascontiguousarray(fields[:, 1:].transpose(1, 0, 2)).reshape(n, -1)
        moved = self._work.array("moved", len(batch), n * n_directions)
        np.matmul(batch.points, linear, out=moved)
        moved += fields[:, 0].reshape(-1)
        left, right = batch.split_factors()
        moved *= np.repeat(right, n_directions)
        rows = np.empty((slopes.shape[0] * slopes.shape[1], n_directions)) if out is None else out
        each = rows.reshape(len(batch), -1, n_directions)
        np.matmul(slopes, moved.reshape(len(batch), n, n_directions), out=each)
        each *= left[:, None]
        if self.moving:
            np.matmul(batch.values, linear, out=moved)
            each -= moved.reshape(each.shape)
        return rows

    def pull_back(self, batch: Batch, rows: np.ndarray) -> np.ndarray:
        """See `Rows`."""
        slopes = _flat(batch.derivatives)
        each = rows.reshape(len(batch), slopes.shape[1], -1)
        back = (slopes.transpose(0, 2, 1) @ each).reshape(len(batch), -1)  # Df^T R
        unit = np.empty((slopes.shape[2], 1 + slopes.shape[2], rows.shape[1]))
        unit[:, 0] = back.sum(axis=0).reshape(len(unit), -1)
        unit[:, 1:] = (batch.points.T @ back).reshape(len(unit), len(unit), -1).swapaxes(0, 1)
        if self.moving:
            unit[:, 1:] -= (batch.values.T @ each.reshape(len(batch), -1)).reshape(unit[:, 1:].shape).swapaxes(0, 1)
        return np.tensordot(self.candidates.coefficients, unit, axes=((1, 2), (0, 1)))


class _PairSums:
    """Sums of products of pairs over samples; samples are the last axis of all work arrays."""

    def __init__(self, n: int, moving: bool, work: _Work):
        self.n, self.moving, self.count, self.power, self.array = n, moving, 0, 0.0, work.array
        self.squares = np.zeros((n * (n + 1) // 2, (n + 1) * (n + 2) // 2))
        self.crossed, self.values = np.zeros((n * n, (n + 1) * n)), np.zeros((n, n))

    def add(self, batch: Batch) -> None:
        """Add the products of a batch."""
        length, n = len(batch), self.n
        x, slopes = self.array("x", n + 1, length), self.array("Df", batch.slopes[0].size, length)
        x[0], x[1:] = 1.0, batch.points.T
        given = batch.slopes.reshape(length, -1).T
        np.multiply(given, 1.0 if batch.factors is None else batch.factors.reshape(-1, 1), out=slopes)
        each = slopes.reshape(-1, n, length)
        left, right = self.array("left", len(self.squares), length), self.array("right", len(self.squares.T), length)
        for i, pairs in _segments(n):
            np.einsum("os,oks->ks", each[:, i], each[:, i:], out=left[pairs])
        for j, pairs in _segments(n + 1):
            np.multiply(x[j], x[j:], out=right[pairs])
        self._add_product(self.squares, left, right)
        self.count += length
        self.power += np.vdot(batch.values, batch.values) / batch.values[0].size
        if self.moving:
            f, both = self.array("f", n, length), self.array("xf", (n + 1) * n, length)
            f[:] = batch.values.T
            np.multiply(x[:, None], f, out=both.reshape(n + 1, n, length))
            self._add_product(self.crossed, slopes, both)
            self._add_product(self.values, f, f)

    def unfolded(self) -> list[np.ndarray]:
        """For all coefficients (i, j) of fields: Grams of Df v, of psi f, and the sum of both products of the two."""
        n, size = self.n, self.n * (self.n + 1)
        squares = np.zeros((n, n, n + 1, n + 1))
        (i, k), (low, high) = np.triu_indices(n), np.triu_indices(n + 1)
        for first, second in ((i, k), (k, i)):
            squares[first[:, None], second[:, None], low, high] = self.squares
            squares[first[:, None], second[:, None], high, low] = self.squares
        # Row k of Df v meets row k of psi f: Df_ki x~_j times f_l is the product of columns (i, j) and (k, l).
        crossed = np.zeros((n, n + 1, n, n + 1))
        crossed[..., 1:] = self.crossed.reshape(n, n, n + 1, n).transpose(1, 2, 0, 3)
        crossed = crossed + crossed.transpose(2, 3, 0, 1)
        carried = np.zeros((n, n + 1, n, n + 1))
        carried[:, 1:, :, 1:] = np.einsum("ik,jl->ijkl", np.eye(n), self.values)
        return [form.reshape(size, size) / self.count for form in (squares.transpose(0, 2, 1, 3), carried, crossed)]

    def _add_product(self, total: np.ndarray, left: np.ndarray, right: np.ndarray):
        total += np.matmul(left, right.T, out=self.array("product", *total.shape))


def _segments(n: int):
    """The rows of a packed upper triangle that belong to each index."""
    start = 0
    for i in range(n):
        yield i, slice(start, start + n - i)
        start += n - i


def _flat(slopes: np.ndarray):
    """Derivatives `(sample, output, state)`, all indices of the values in one."""
    return slopes.reshape(len(slopes), -1, slopes.shape[-1])


def _gram(parts: np.ndarray):
    rows = parts.reshape(-1, parts.shape[-1])
    return rows.T @ rows
