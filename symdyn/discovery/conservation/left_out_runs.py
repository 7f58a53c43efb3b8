"""Whether what is found from some trajectories is conserved on the others.

With few trajectories and many functions some combination is nearly constant on each and differs between them, by chance
or because it was fitted to these. Resampled stretches of the same trajectories do not show that: only others do.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

__all__ = ["LeftOut"]

_GROUPS = 20  # of trajectories, at most: each is left out in turn


@dataclass(frozen=True)
class LeftOut:
    """Changes along groups of trajectories, on a frame of functions that is orthonormal in their scatter.

    `changes` `(group, direction, direction)` are sums of squares less noise, `weight` `(group,)` their numbers of
    rows, `error` `(direction, direction)` what the mean of a conserved quantity may look like.
    """

    changes: np.ndarray
    weight: np.ndarray
    error: np.ndarray

    @classmethod
    def of(cls, runs: np.ndarray, share: np.ndarray, error: np.ndarray, frame: np.ndarray) -> LeftOut:
        """Build from changes `(run, feature, feature)` over features, and a frame `(feature, direction)`."""
        group = np.arange(len(runs)) % _GROUPS
        changes = np.zeros((group.max() + 1, *runs.shape[1:]))
        np.add.at(changes, group, runs)
        changes, error = (np.swapaxes(frame, 0, 1) @ form @ frame for form in (changes, error))
        return cls(changes, np.bincount(group, weights=share), error)

    def violations(self, vectors: np.ndarray) -> np.ndarray:
        """Return eps `(function,)` of functions `(function, direction)` on the group left out, as others find them.

        The others' version of h minimises its changes on them, h . h' being held fixed; of functions that they tell
        apart by no more than the error, the one nearest to h is taken. What is conserved is found again.
        """
        total, weight = self.changes.sum(axis=0), self.weight.sum()
        left = np.zeros(len(vectors))
        for changes, own in zip(self.changes, self.weight, strict=True):
            values, turn = np.linalg.eigh((total - changes) / max(weight - own, 1.0))
            error = np.einsum("ik,ij,jk->k", turn, self.error, turn)
            found = (vectors @ turn / (np.maximum(values, 0.0) + error)) @ turn.T
            found = found / np.linalg.norm(found, axis=1, keepdims=True)
            left += np.einsum("qi,ij,qj->q", found, changes, found)
        # Few groups scatter more than the normal distribution of their mean says.
        widened = stats.t.ppf(0.95, max(len(self.weight) - 1, 1)) / stats.norm.ppf(0.95)
        return widened * np.sqrt(np.maximum(left, 0.0) / weight)
