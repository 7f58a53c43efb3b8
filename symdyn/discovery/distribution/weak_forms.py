"""From the sums over points to quadratic forms with errors, which evidence is made of.

With G the covariance of the tests, rows R = G^(-1/2) M: |R a|^2 is the Fisher information per sample about how far the
points were moved along v = sum a_k v_k, as much of it as the tests see. The size is that of a t density with the
location and scatter of the points (`symdyn.discovery.distribution.scatter`), so eps^2 = |R a|^2 / a^T D a is 0 for a
symmetry, about 1 for such a density that is shifted, and has no units. Of an element, R is the difference of the means
of the tests, and the size the mean square of the displacements, at most 1 along each axis. Classes are stacked, each
with the share of its samples.

Errors are those of replicates, with weights of the blocks drawn again; G stays as it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from symdyn.discovery.distribution.weak_sums import Question, WeakSums
from symdyn.evidence.forms import LawForms

__all__ = ["WeakRows", "weak_rows"]

_RIDGE = 1e-6  # variance, over the largest, below which a combination of tests is not looked at


@dataclass(frozen=True)
class WeakRows:
    """Rows R `(row, column)`, their errors `(replicate, row, column)`, and sizes of the columns `(column, column)`.

    `stretch` is the t factor for the number of blocks.
    """

    here: np.ndarray
    errors: np.ndarray
    size: np.ndarray
    stretch: float

    def forms(self, columns: slice | list[int]) -> LawForms:
        """Return the forms of some of the columns."""
        here, errors = self.here[:, columns], self.errors[:, :, columns]
        size = self.size[columns][:, columns]
        error = np.einsum("brk,brl->bkl", errors, errors, optimize=True)
        cross = np.einsum("rk,brl->bkl", here, errors, optimize=True)
        stretch = np.full(len(errors), self.stretch)
        return LawForms(here.T @ here, size, cross, error, error.mean(axis=0), stretch)


def weak_rows(
    sums: WeakSums, question: Question, tests: slice, n_replicates: int, rng: np.random.Generator
) -> WeakRows:
    """Build the rows of some of the tests."""
    n_blocks = len(sums.weight)
    drawn = rng.multinomial(n_blocks, np.full(n_blocks, 1 / n_blocks), n_replicates)
    weights = np.concatenate([np.ones((1, n_blocks)), drawn])
    total = sums.weight.sum()
    parts = [_class_rows(sums, code, tests, weights) for code in range(sums.weight.shape[1])]
    shares = [np.sqrt(weights @ sums.weight[:, code] / total) for code in range(len(parts))]
    rows = np.concatenate([part * share[:, None, None] for part, share in zip(parts, shares, strict=True)], axis=1)
    factor = np.sqrt(n_blocks / (n_blocks - 1)) * stats.t.ppf(0.95, n_blocks - 1) / stats.norm.ppf(0.95)
    return WeakRows(rows[0], rows[1:] - rows[0], _sizes(sums, question, total), float(factor))


def _class_rows(sums: WeakSums, code: int, tests: slice, weights: np.ndarray) -> np.ndarray:
    """Compute G^(-1/2) M of one class `(replicate, row, column)`."""
    count = weights @ sums.weight[:, code]
    own = sums.columns[:, code, tests]
    means = (weights @ own.reshape(len(own), -1)).reshape(len(weights), *own.shape[1:])
    means /= np.maximum(count, 1e-300)[:, None, None]
    return _whitening(sums, code, tests) @ means


def _whitening(sums: WeakSums, code: int, tests: slice) -> np.ndarray:
    """Compute G^(-1/2) `(row, test)`; tests that others determine are left out."""
    total = sums.weight[:, code].sum()
    mean = sums.values[code, tests] / total
    covariance = sums.products[code, tests, tests] / total - np.outer(mean, mean)
    spread = np.sqrt(np.maximum(np.diag(covariance), 1e-300))
    values, vectors = np.linalg.eigh(covariance / spread / spread[:, None])
    kept = values > max(_RIDGE, 1 / total) * values[-1]
    return (vectors[:, kept] / np.sqrt(values[kept])).T / spread


def _sizes(sums: WeakSums, question: Question, total: float) -> np.ndarray:
    """Compute D `(column, column)`: of generators the information of a t density, of elements their displacements."""
    fields, n = question.fields, len(question.generators)
    sizes = np.zeros((question.n_columns, question.n_columns))
    sizes[:n, :n] = np.einsum("kaf,fg,lag->kl", fields, sums.fields / total, fields, optimize=True)
    sizes[range(n, len(sizes)), range(n, len(sizes))] = sums.moved / total
    return sizes
