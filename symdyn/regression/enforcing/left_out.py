"""Parts of the data that can be held out, and the errors of laws on the rates there.

A part is a whole run or, where there are fewer than five runs, a block of time. Losses are signed: products of even and
odd residuals, whose noise is independent, are not clipped. A correct law thus has losses about 0, and the noise of a
part, which all models share, cancels in their differences.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats
from scipy.sparse import csr_array

from symdyn.laws.scales import find_scales
from symdyn.rows.dynamics import dynamics_of
from symdyn.sums.axes import residual_of
from symdyn.sums.moments import Moments

__all__ = [
    "FEWEST_RUNS",
    "Excess",
    "Parts",
    "add_by_place",
    "excess_of",
    "group_weights",
    "parts_of_fields",
    "parts_of_rows",
    "parts_of_runs",
    "parts_of_sums",
]

FEWEST_RUNS = 5
_MOST = 12  # parts: more tell an error of a mean little, and each costs a fit
_BLOCKS = 10
_ROUNDING = 1e-10  # of mean square rates: what nobody can tell from rounding and quadrature


class Excess(NamedTuple):
    """Hold one law's excess error over another, relative to mean square rates: mean over parts, standard error.

    `p` is the p-value of "no excess" by Student's t test on the paired differences; `median` is the median difference.
    """

    mean: float
    error: float
    p: float
    median: float
    n_parts: int

    def objects(self, level: float) -> bool:
        """Return whether the first law predicts worse at this one-sided level, by more than rounding and in most parts.

        A law that is barely determined without one part can have any error there, so that part alone decides nothing.
        """
        return bool(self.mean > _ROUNDING and self.median > 0 and self.p < level)

    def __str__(self) -> str:
        error = f"{self.error:.1g}" if np.isfinite(self.error) else "?"
        return f"{self.mean:.2g} ± {error} of the mean square rates, p = {max(self.p, 1e-16):.1g}"


class Parts(NamedTuple):
    """Sums `(part, term, term)` of products of rows (features, targets), the features along `axes`.

    `power` `(output,)` is the sum of squares of the targets, noise included, so that an output that is mere noise
    counts for no more than its noise. `names` says what the parts are.
    """

    sums: np.ndarray
    power: np.ndarray
    axes: np.ndarray | None
    names: str

    @property
    def shape(self) -> tuple[int, int]:
        """(output, feature)."""
        return len(self.power), self.sums.shape[1] - len(self.power)

    @property
    def n(self) -> int:
        """Number of parts."""
        return len(self.sums)

    def losses(self, laws: np.ndarray) -> np.ndarray:
        """Compute the losses `(part,)` of laws `(part, output, feature)`, one per part, on the rates of their part.

            loss_k = mean_o N (sum over the rows of k of (y_o − W_o theta)^2) / (sum over all rows of y_o^2)

        with N parts. The mean over parts is the unexplained fraction of the mean square rates.
        """
        left = residual_of(laws, self.axes)
        missed = np.einsum("koi,kij,koj->ko", left, self.sums, left, optimize=True)
        moving = self.power > 0
        return len(self.sums) * np.mean(missed[:, moving] / self.power[moving], axis=1)


def excess_of(losses: np.ndarray, others: np.ndarray) -> Excess:
    """Compute the excess of `losses` `(part,)` over `others`, part by part."""
    difference = losses - others
    n = len(difference)
    mean, median = float(difference.mean()), float(np.median(difference))
    if n < 2:
        return Excess(mean, np.inf, 0.5, median, n)
    error = float(difference.std(ddof=1) / np.sqrt(n))
    p = float(stats.t.sf(mean / error, n - 1)) if error > 0 else float(mean <= 0)
    return Excess(mean, error, p, median, n)


def group_weights(moments: Moments, kind: str) -> np.ndarray:
    """Return weights `(group,)` of sums: second-order trajectories are weighted by their size, as in discovery."""
    weights = np.ones(len(moments.products))
    if dynamics_of(kind).weighs_runs:
        n = moments.spread.shape[1] // 2
        weights = find_scales(moments, [list(range(n)), list(range(n, 2 * n))], kind).group_weights(moments)
        weights = weights * (moments.count.sum() / (weights @ moments.count))
    return weights


def parts_of_sums(moments: Moments, kind: str = "flow") -> Parts:
    """Group sums by whole trajectories or, for fewer than five, by blocks of time made of the stretches summed.

    Many trajectories are distributed over twelve parts, evenly by size, whatever their order.
    """
    weights = group_weights(moments, kind)
    if moments.n_trajectories >= FEWEST_RUNS:
        sizes = np.zeros(moments.n_trajectories)
        traces = np.trace(moments.products[:, -moments.power.shape[1] :, -moments.power.shape[1] :], axis1=1, axis2=2)
        np.add.at(sizes, moments.trajectory, weights * np.abs(traces))
        part, names = _shared_out(sizes)[moments.trajectory], "runs"
    else:
        part, names = _blocks(moments.trajectory), "blocks of time"
    sums = np.zeros((part.max() + 1, *moments.products.shape[1:]))
    add_by_place(sums, part, moments.products, weights)
    rows = np.zeros(moments.n_trajectories)
    np.add.at(rows, moments.trajectory, weights * moments.count)
    return Parts(sums, rows @ moments.power, moments.axes, names)


def parts_of_rows(lengths: list[int], sizes: list[float]) -> tuple[list[np.ndarray], str]:
    """Return the row indices of each part (runs or blocks of time), with all runs one after the other.

    Parameters
    ----------
    lengths, sizes : list, `(run,)`
        As for `parts_of_runs`.

    Returns
    -------
    list of ndarray
    str
        What the parts are.
    """
    parts, names = parts_of_runs(lengths, sizes)
    starts = np.cumsum([0, *lengths])
    return [np.concatenate([starts[run] + np.arange(*rows) for run, *rows in part]) for part in parts], names


def parts_of_runs(lengths: Sequence[int], sizes: Sequence[float]) -> tuple[list[list[tuple[int, int, int]]], str]:
    """Return each part (runs or blocks of time) as stretches (run, first row, the one after its last).

    Parameters
    ----------
    lengths : list of int, `(run,)`
        How many rows each run has.
    sizes : list of float, `(run,)`
        By which runs, if there are many, are distributed over parts.

    Returns
    -------
    list of list of (int, int, int)
    str
        What the parts are.
    """
    if len(lengths) >= FEWEST_RUNS:
        parts: list[list[tuple[int, int, int]]] = [[] for _ in range(min(len(lengths), _MOST))]
        for run, number in enumerate(_shared_out(np.array(sizes))):
            parts[number].append((run, 0, lengths[run]))
        return parts, "runs"
    each, blocks = -(-_BLOCKS // len(lengths)), []
    for run, length in enumerate(lengths):
        ends = np.cumsum([length // each + (k < length % each) for k in range(each)]).tolist()
        blocks += [[(run, first, last)] for first, last in zip([0, *ends], ends, strict=False) if last > first]
    return blocks, "blocks of time"


def parts_of_fields(cross: np.ndarray, n_fields: int, n_runs: int) -> tuple[Parts, np.ndarray]:
    """Group sums over fields by whole runs or, for fewer than five, by stretches of time.

    Parameters
    ----------
    cross : ndarray, `(piece, row, row)`
        Sums of products of rows (terms, then targets), one piece per run, or several pieces of each run in succession.
    n_fields, n_runs : int

    Returns
    -------
    Parts
    ndarray, `(piece,)`
        The part of each piece.
    """
    run = np.arange(len(cross)) * n_runs // len(cross) if n_runs < len(cross) else np.arange(len(cross))
    number = run if n_runs >= FEWEST_RUNS else np.arange(len(cross))
    squares = np.abs(np.einsum("poo->po", cross[:, -n_fields:, -n_fields:]))
    sizes = np.bincount(number, weights=squares.sum(axis=1))
    number = _shared_out(sizes)[number]
    sums = np.zeros((number.max() + 1, *cross.shape[1:]))
    np.add.at(sums, number, (cross + np.swapaxes(cross, 1, 2)) / 2)
    names = "runs" if n_runs >= FEWEST_RUNS else "blocks of time"
    return Parts(sums, squares.sum(axis=0), None, names), number


def _shared_out(sizes: np.ndarray) -> np.ndarray:
    """Assign a part `(run,)` to each run: its own or, for many runs, one of twelve with equally many large runs."""
    number = np.empty(len(sizes), dtype=int)
    number[np.argsort(-sizes, kind="stable")] = np.arange(len(sizes)) % min(len(sizes), _MOST)
    return number


def _blocks(trajectory: np.ndarray) -> np.ndarray:
    """Assign blocks of time `(group,)` to stretches: about ten in all, each of adjacent stretches of one run."""
    runs, block, start = np.unique(trajectory), np.empty(len(trajectory), dtype=int), 0
    for run in runs:
        members = np.flatnonzero(trajectory == run)
        n = min(-(-_BLOCKS // len(runs)), len(members))
        block[members] = start + np.arange(len(members)) * n // len(members)
        start += n
    return block


def add_by_place(sums: np.ndarray, places: np.ndarray, products: np.ndarray, weights: np.ndarray) -> None:
    """Add weighted products `(group, term, term)` to sums `(place, term, term)` at their places `(group,)`."""
    shape = (len(sums), len(products))
    which = csr_array((weights, (places, np.arange(len(products)))), shape)
    sums += (which @ products.reshape(len(products), -1)).reshape(sums.shape)
