"""Rows of a regression cut into parts that can be held out, each a few rows with the same sums of products."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from symdyn.regression.enforcing.left_out import Parts, parts_of_rows
from symdyn.regression.enforcing.tied_targets import compressed

__all__ = ["PartedRows", "parted_rows", "parted_triangles"]


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


def parted_rows(rows: np.ndarray, targets: np.ndarray, lengths: list[int]) -> PartedRows:
    """Cut rows without NaN into runs or, for fewer than five runs, into blocks of time.

    Parameters
    ----------
    rows, targets : ndarray, `(row, column)`
        Of all runs, one after the other.
    lengths : list of int
        How many rows each run has; rows that are not samples, as in a weak form, are treated as one run.
    """
    lengths = lengths if sum(lengths) == len(rows) else [len(rows)]
    complete = np.asarray(~(np.isnan(targets).any(axis=1) | np.isnan(rows).any(axis=1)))
    ends = np.cumsum(lengths)[:-1]
    parts, names = parts_of_rows(lengths, [np.nansum(run**2) for run in np.split(targets, ends)])
    whole = [(rows[part[complete[part]]], targets[part[complete[part]]]) for part in parts]
    whole = [one for one in whole if len(one[0])]
    few = [compressed(*one) for one in whole]
    return PartedRows(whole, few, _parts(few, names))


def parted_triangles(rows: np.ndarray, targets: np.ndarray, lengths: list[int], names: str) -> PartedRows:
    """Cut rows that are compressed already, each part by itself.

    Parameters
    ----------
    rows, targets : ndarray, `(row, column)`
        Of all parts, one after the other.
    lengths : list of int
        How many rows each part has.
    names : str
        What the parts are.
    """
    ends = np.cumsum(lengths)[:-1]
    few = list(zip(np.split(rows, ends), np.split(targets, ends), strict=True))
    return PartedRows(few, few, _parts(few, names))


def _parts(few: list[tuple[np.ndarray, np.ndarray]], names: str) -> Parts:
    joint = [np.hstack(one) for one in few]
    sums = np.stack([one.T @ one for one in joint])
    n = few[0][0].shape[1]
    return Parts(sums, np.einsum("koo->o", sums[:, n:, n:]), None, names)
