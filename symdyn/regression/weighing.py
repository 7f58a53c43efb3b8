"""What sums over windows lack compared with the rows of a sample-by-sample fit: their number and size.

A penalty is weighed against sums of squares. Weak rows are means over windows: there are fewer than samples, and what
oscillates within a window is smaller in them. So the penalty of an optimizer does not act on weak rows, but on rows
with the sums of squares of single samples, whose least-squares solution is that of the weak rows:

    |X w − X w_0|^2 + penalty(w),    X^T X = sum over samples of theta^T theta,    w_0 from the weak rows.

Without noise that is what the optimizer does with the samples and exact rates; with noise w_0 is free of the bias of
least squares on noisy features, and X^T X is a weight only.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from symdyn.functions.features import Features
from symdyn.functions.tolerances import DEPENDENT
from symdyn.rows.dynamics import Layout
from symdyn.sums.moments import Moments

__all__ = ["Samples", "as_samples", "samples_of"]


class Samples(NamedTuple):
    """Hold the number of samples in the sums, and how many of them a row represents on average.

    `points` `(point, argument)` are some of them, in the chart of the sums, and `weights` `(point,)` their shares of
    all; None where rows are samples, not means over windows.
    """

    number: float
    per_row: float = 1.0
    points: np.ndarray | None = None
    weights: np.ndarray | None = None

    def values(self, features: Features) -> np.ndarray:
        """Evaluate features `(point, feature)`, scaled to the sums of squares of all samples."""
        assert self.points is not None and self.weights is not None
        return np.sqrt(self.weights)[:, None] * features(self.points)


def samples_of(moments: Moments, layout: Layout, chosen: np.ndarray | None = None) -> Samples:
    """Return the samples from which sums were made.

    Parameters
    ----------
    moments : Moments
    layout : Layout
    chosen : ndarray, `(trajectory,)`, optional
        The trajectories that count; all if left out.
    """
    counts = np.zeros(moments.n_trajectories)
    chosen = np.arange(len(counts)) if chosen is None else chosen
    counts[chosen] = moments.samples[chosen]
    n_rows = np.bincount(moments.trajectory, weights=moments.count, minlength=len(counts))[chosen].sum()
    if not layout.dynamics.in_windows:
        return Samples(float(n_rows))
    shares = _shares(counts, moments.owner)
    inside, number = shares > 0, float(counts.sum())
    return Samples(number, number / n_rows, moments.points[inside], shares[inside])


def _shares(counts: np.ndarray, owner: np.ndarray) -> np.ndarray:
    """Count the samples that each evenly spaced point of a trajectory represents: those halfway to its neighbours."""
    n_points = np.maximum(np.bincount(owner, minlength=len(counts)), 2)
    spacing = np.maximum(counts - 1, 0) / (n_points - 1)
    ends = (np.diff(owner, prepend=-1) != 0) | (np.diff(owner, append=-1) != 0)
    return np.where(counts[owner] > 0, np.where(ends, (spacing[owner] + 1) / 2, spacing[owner]), 0.0)


def as_samples(
    rows: np.ndarray, targets: np.ndarray, values: np.ndarray, per_row: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return rows and targets with the solution of the weak rows and the sums of squares of samples.

    Squares of means are no larger than means of squares. If, along a direction, the sums of squares of the sampled
    points fall below `per_row` times those of the rows, there are too few points, and the latter value is used.

    Parameters
    ----------
    rows : ndarray, `(row, feature)`
        Independent ones.
    targets : ndarray, `(row, target)`
    values : ndarray, `(point, feature)`
        See `Samples.values`.
    per_row : float
        Number of samples that a row represents.
    """
    sizes = np.linalg.norm(rows, axis=0)
    sizes[sizes == 0] = 1.0
    left, lengths, right = np.linalg.svd(rows / sizes, full_matrices=False)
    known = lengths > DEPENDENT * lengths[0]
    seen = (values / sizes) @ (right[known].T / lengths[known])
    squares, axes = np.linalg.eigh(seen.T @ seen)
    turn = np.sqrt(np.maximum(squares, per_row))[:, None] * (axes.T @ left[:, known].T)
    return turn @ rows, turn @ targets
