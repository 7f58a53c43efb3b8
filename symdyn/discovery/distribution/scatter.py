"""Units of a cloud of points: where it lies, and what its states are worth against one another.

Location m and scatter S are those of a multivariate t density with 4 degrees of freedom (maximum likelihood): affine
changes of the points change them alike, and a few points far away do not. z = S^(-1/2) (y − m) are the points in units
of the cloud. The Fisher information of such a density that is moved along a field v is E[u v^T S^-1 v], with
u = (4 + d) / (4 + |z|^2) the weight of a point.

Points next to a plane have little extent across it, and what happens there has large errors: coarse units, in which S
has a hundredth of its diagonal added, look at that less closely than sharp ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial import KDTree

from symdyn.discovery.genericity import polynomial_relation
from symdyn.discovery.set_elements import principal_dimension
from symdyn.functions.tolerances import STILL

__all__ = ["Scatter", "scatter_of"]

_FREEDOM = 4.0
_ROUNDS = 100
_SETTLED = 1e-10
_FLAT = 1e-12  # smallest variance along an axis, where the variance of each state is 1
_THICKNESS = 0.1  # of a plane, in spreads of the states
_RELATED = 1e-6  # of the size of its terms: what is left of a relation that holds


@dataclass(frozen=True)
class Scatter:
    """Centre `(state,)` and roots S^(-1/2) `(state, axis)` of points in a chart, in coarse and in `sharp` units.

    Each axis belongs to one state; they are in the `order` `(axis,)` of their fourth moments, so that what is done
    along the axes does not depend on the order of the states.
    """

    centre: np.ndarray
    root: np.ndarray
    sharp: np.ndarray
    order: np.ndarray

    @property
    def sharpening(self) -> np.ndarray:
        """Return the map `(axis, axis)` from coarse to sharp units, z_sharp = z T."""
        return np.linalg.solve(self.root, self.sharp)

    def points(self, charted: np.ndarray) -> np.ndarray:
        """Return points of the chart in units of the cloud, z `(sample, axis)`."""
        return (charted - self.centre) @ self.root

    def weights(self, inside: np.ndarray) -> np.ndarray:
        """Return u `(sample,)` at z `(sample, axis)`."""
        return (_FREEDOM + inside.shape[1]) / (_FREEDOM + np.einsum("si,si->s", inside, inside))


def scatter_of(charted: np.ndarray, given: np.ndarray, states: Sequence[str]) -> Scatter:
    """Compute location and scatter of points.

    Parameters
    ----------
    charted, given : ndarray, `(sample, state)`
        The same points in their chart and in the units of the user, in which relations are named.
    states : sequence of str

    Raises
    ------
    ValueError
        For a state that does not vary, and for points in a plane or on a curve: they have no density.
    """
    still = given.std(axis=0) <= STILL * np.abs(given).max(axis=0)
    if still.any():
        names = ", ".join(name for name, flag in zip(states, still, strict=True) if flag)
        raise ValueError(f"{names} does not vary: leave it out of the points and of the candidates")
    _refuse_relations(charted, given, states)
    centre, scatter = np.median(charted, axis=0), np.cov(charted.T).reshape(len(states), -1)
    for _ in range(_ROUNDS):
        inside = (charted - centre) @ _inverse_root(scatter)
        weights = (_FREEDOM + len(states)) / (_FREEDOM + np.einsum("si,si->s", inside, inside))
        centre = weights @ charted / weights.sum()
        about = charted - centre
        before, scatter = scatter, (weights[:, None] * about).T @ about / len(charted)
        if np.abs(scatter - before).max() < _SETTLED * np.abs(scatter).max():
            break
    root, sharp = _inverse_root(scatter + _THICKNESS**2 * np.diag(np.diag(scatter))), _inverse_root(scatter)
    order = np.argsort(np.mean(((charted - centre) @ root) ** 4, axis=0), kind="stable")
    return Scatter(centre, root[:, order], sharp[:, order], order)


def _refuse_relations(charted: np.ndarray, given: np.ndarray, states: Sequence[str]) -> None:
    covariance = np.cov(charted.T).reshape(len(states), -1)
    spreads = np.sqrt(np.diag(covariance))
    if np.linalg.eigvalsh(covariance / spreads / spreads[:, None])[0] > _FLAT:
        # Next to a plane products of what is small look like nothing, so relations are looked for in sharp units.
        inside = (charted - charted.mean(axis=0)) @ _inverse_root(covariance)
        if polynomial_relation(inside, tuple(states), _RELATED) is None or _local_dimension(inside) > 1:
            return
    relation = polynomial_relation(given, tuple(states), _RELATED)
    what = relation.text if relation is not None and relation.text else "a relation between the states"
    raise ValueError(
        f"the points have no density, since they obey {what}: ask `discover_manifold` about them, or leave out states "
        "that others determine"
    )


def _local_dimension(points: np.ndarray) -> int:
    """Estimate the dimension of the set on which points lie, from the nearest neighbours of some of them."""
    if points.shape[1] <= 2:
        return 1
    near = KDTree(points).query(points[:: max(len(points) // 200, 1)], k=4 * points.shape[1])[1]
    return principal_dimension(points[near] - points[near].mean(axis=1, keepdims=True))


def _inverse_root(scatter: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(scatter)
    return vectors / np.sqrt(np.maximum(values, 1e-300)) @ vectors.T
