"""Rows of a regression cut into parts that can be held out, each a few rows with the same sums of products."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from symdyn.regression.enforcing.left_out import Parts, parts_of_rows
from symdyn.regression.enforcing.tied_targets import compressed

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["GivenRows", "PartedRows", "parted_rows"]


class GivenRows(NamedTuple):
    """Hold rows and targets `(row, column)` of a fit, and the mean squares of all targets `(target,)`.

    `lengths` counts the rows of each run or, where the rows are compressed, of each part of the data; `names` then says
    what the parts are, and is empty otherwise.
    """

    rows: np.ndarray
    targets: np.ndarray
    squares: np.ndarray
    lengths: list[int]
    names: str = ""


class PartedRows(NamedTuple):
    """Hold rows and targets `(row, column)` of each part, as given and compressed, and the parts to judge on."""

    whole: list[tuple[np.ndarray, np.ndarray]]
    few: list[tuple[np.ndarray, np.ndarray]]
    left_out: Parts

    def without(self, part: int | None = None, compress: bool = True) -> tuple[np.ndarray, np.ndarray]:
        """Return rows and targets of all parts but one, or of all."""
        chosen = [one for k, one in enumerate(self.few if compress else self.whole) if k != part]
        rows, targets = (np.concatenate([one[side] for one in chosen]) for side in (0, 1))
        return rows, targets


def parted_rows(given: GivenRows, weights: ArrayLike | None = None) -> PartedRows:
    """Cut rows into parts that can be held out: runs or, for fewer than five runs, blocks of time.

    Parameters
    ----------
    given : GivenRows
    weights : array_like `(row,)`, optional
        Of rows that are not compressed.
    """
    if given.names:
        ends = np.cumsum(given.lengths)[:-1]
        few = list(zip(np.split(given.rows, ends), np.split(given.targets, ends), strict=True))
        return PartedRows(few, few, _parts(few, given.names))
    rows, targets = _weighed(given.rows, given.targets, weights)
    # Rows that are not samples, as in a weak form, are treated as one run.
    lengths = given.lengths if sum(given.lengths) == len(rows) else [len(rows)]
    complete = np.asarray(~(np.isnan(targets).any(axis=1) | np.isnan(rows).any(axis=1)))
    ends = np.cumsum(lengths)[:-1]
    parts, names = parts_of_rows(lengths, [np.nansum(run**2) for run in np.split(targets, ends)])
    whole = [(rows[part[complete[part]]], targets[part[complete[part]]]) for part in parts]
    whole = [one for one in whole if len(one[0])]
    few = [compressed(*one) for one in whole]
    return PartedRows(whole, few, _parts(few, names))


def _weighed(rows: ArrayLike, targets: ArrayLike, weights: ArrayLike | None) -> tuple[np.ndarray, np.ndarray]:
    """Return rows and targets as floats, times the square roots of their weights; those with NaN stay."""
    rows, targets = np.asarray(rows, dtype=float), np.asarray(targets, dtype=float)
    targets = targets.reshape(len(targets), -1)
    if weights is None:
        return rows, targets
    root = np.sqrt(np.broadcast_to(np.asarray(weights, dtype=float), len(rows)))[:, None]
    return rows * root, targets * root


def _parts(few: list[tuple[np.ndarray, np.ndarray]], names: str) -> Parts:
    joint = [np.hstack(one) for one in few]
    sums = np.stack([one.T @ one for one in joint])
    n = few[0][0].shape[1]
    return Parts(sums, np.einsum("koo->o", sums[:, n:, n:]), None, names)
