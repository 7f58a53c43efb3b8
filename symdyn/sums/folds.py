"""Bounds on what is kept of many trajectories: neighbours are added up, always the same ones, however they are chunked.

A sum of products takes 8 terms^2 bytes, and there is one a stretch of time. Where the sums do not fit, stretches get
longer, up to one a trajectory; beyond some thousands of trajectories neighbours are folded, whole ones together.
Trajectory k of n goes to fold k N / n, rounded down: that is known without asking any other chunk.
"""

from __future__ import annotations

import numpy as np

__all__ = ["fold_numbers", "folded_traits", "most_groups", "refolded"]

_MOST, _FEWEST = 2000, 64  # groups: more tell a bootstrap nothing, with fewer it has too few parts
_BYTES = 64e6
_MEANS = ("signal", "power", "mean")  # over rows
_TRAITS = (*_MEANS, "location", "spread", "noise", "samples", "instrumented")


def most_groups(n_terms: int) -> int:
    """Return how many sums of `n_terms` terms squared are kept: at most 2000, of 64 MB together, but at least 64."""
    return int(np.clip(_BYTES / (8 * n_terms**2), _FEWEST, _MOST))


def fold_numbers(place: int, n: int, total: int, n_folds: int) -> np.ndarray:
    """Return folds `(trajectory,)` of `n` trajectories from number `place` on, of `total`; −1 where none are folded."""
    if total <= n_folds:
        return np.full(n, -1)
    return np.arange(place, place + n) * n_folds // total


def folded_traits(traits: dict[str, np.ndarray], weights: np.ndarray, starts: np.ndarray) -> dict[str, np.ndarray]:
    """Compute traits `(fold, ...)` of neighbouring trajectories together: their spread is that of all their samples.

    Parameters
    ----------
    traits : dict of ndarray, `(trajectory, ...)`
        By the names that `Moments` gives them.
    weights : ndarray, `(trajectory,)`
        Numbers of rows.
    starts : ndarray, `(fold,)`
        The first trajectory of each fold.
    """

    def mean(values: np.ndarray, weight: np.ndarray) -> np.ndarray:
        return np.add.reduceat(weight[:, None] * values, starts) / np.add.reduceat(weight, starts)[:, None]

    samples = traits["samples"]
    location = mean(traits["location"], samples)
    sizes = np.diff(np.append(starts, len(samples)))
    about = traits["location"] - np.repeat(location, sizes, axis=0)
    return {
        **{name: mean(traits[name], weights) for name in _MEANS},
        "location": location,
        "spread": np.sqrt(mean(traits["spread"] ** 2 + about**2, samples)),
        "noise": np.sqrt(mean(traits["noise"] ** 2, weights)),
        "samples": np.add.reduceat(samples, starts),
        "instrumented": np.logical_and.reduceat(traits["instrumented"], starts),
    }


def refolded(joint: dict, labels: tuple[str, ...]) -> tuple[dict, np.ndarray]:
    """Merge neighbouring entries of joint sums that are parts of one fold, in all but the products.

    Parameters
    ----------
    joint : dict of ndarray
        By the names that `Moments` gives them.
    labels : tuple of str

    Returns
    -------
    dict
        With the labels.
    number : ndarray, `(group,)`
        The group of the result to which each of the joint ones belongs.
    """
    fold, trajectory = joint["fold"], joint["trajectory"]
    first = np.ones(len(fold), dtype=bool)
    first[1:] = (fold[1:] != fold[:-1]) | (fold[1:] < 0)
    if first.all():
        return {**joint, "labels": labels}, np.arange(len(trajectory))
    entry, starts = np.cumsum(first) - 1, np.flatnonzero(first)
    rows = np.bincount(trajectory, weights=joint["count"])
    traits = {name: joint[name] for name in _TRAITS}
    opens = first[trajectory]  # an entry that is folded has one group
    return {
        **joint,
        "count": np.add.reduceat(joint["count"], np.flatnonzero(opens)),
        "trajectory": entry[trajectory[opens]],
        "owner": entry[joint["owner"]],
        "fold": fold[starts],
        "labels": tuple(labels[k] for k in starts),
        **folded_traits(traits, rows, starts),
    }, np.cumsum(opens) - 1
