"""The largest violation that chance could hide: inversion of the test that found a generator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.optimize import brentq

from symdyn.evidence.competitors import Competitors

__all__ = ["LARGEST", "ROUNDING", "Search", "largest_hidden"]

LARGEST = np.sqrt(2)  # no violation is larger, but for rounding
_N_GRID = 24
ROUNDING = 1e-7  # violations below are rounding of sums of squares


@dataclass(frozen=True)
class Search:
    """Forms over directions that were searched for small `violation` + `noise`.

    `violation` R^T R and `noise` `(direction, direction)`; `cross` R^T E_b and `error` E_b^T E_b
    `(replicate, direction, direction)` for errors E_b of the bracket R.
    """

    violation: np.ndarray
    noise: np.ndarray
    cross: np.ndarray
    error: np.ndarray

    @cached_property
    def competitors(self) -> Competitors:
        """What mixtures of directions can take out of a bracket."""
        return Competitors(self.violation + self.noise, self.cross, self.error)


def largest_hidden(search: Search, near: np.ndarray, rank: int, widening: np.ndarray, level: float) -> float:
    """Find the largest eps for which a share `level` of replicates look at least as symmetric as the data.

    The worst direction of `near` gets a bracket eps r, with r along the bracket that is seen; replicates add their
    errors, take out what mixtures with directions beyond `rank` take out, and look as large as the worst of `near`.

    Parameters
    ----------
    search : Search
    near : ndarray, `(direction, k)`
        The span that was found, in coordinates of the directions.
    rank : int
        Directions from there on compete.
    widening : ndarray, `(replicate,)`
        Factor on each error.
    level : float
    """
    total = search.violation + search.noise
    weights = np.linalg.lstsq(total[rank:, rank:], total[rank:] @ near, rcond=None)[0]
    values, turn = np.linalg.eigh(near.T @ total @ near - (total[rank:] @ near).T @ weights)
    near = near @ turn
    looks = _looks(search, near, rank, widening)
    # To see less than chance leaves of an exact symmetry is good luck, which hides as much as chance does.
    observed = max(values[-1], np.median(looks(0.0)))

    def excess(eps: float) -> float:
        return _quantile(looks(eps), level) - observed

    grid = np.linspace(0, LARGEST, _N_GRID)
    while grid[-1] > 1e-12 and excess(grid[1]) > 0:
        grid = grid / (_N_GRID - 1)
    last = np.flatnonzero([excess(eps) <= 0 for eps in grid])[-1]
    if last == len(grid) - 1:
        return float(grid[-1])
    return float(brentq(excess, grid[last], grid[last + 1], xtol=1e-13, rtol=1e-12))


def _quantile(values: np.ndarray, level: float) -> float:
    """Compute `np.quantile`, of which a search asks a thousand times, at a tenth of its price."""
    values, place = np.sort(values), level * (len(values) - 1)
    below = int(place)
    above = min(below + 1, len(values) - 1)
    return values[below] + (place - below) * (values[above] - values[below])


def _looks(search: Search, near: np.ndarray, rank: int, widening: np.ndarray) -> Callable[[float], np.ndarray]:
    """Return how large the worst of `near` looks to each replicate, as a function of eps.

    With S = diag(1, ..., 1, eps / |r|) the rows of a replicate are R S + E on `near` and R + E beyond `rank`; least
    squares on the latter leaves the Schur complement S A S + S B + B^T S + C.
    """
    true = _least(search, near, rank)
    quadratic, linear, constant = _schur(search, true, near, rank, widening)
    size = search.violation @ true[:, -1] @ true[:, -1]
    # A bracket that is rounding, of its squares or of its error, has no direction: it gets one of its own.
    if size <= max(ROUNDING**2, 1e-12 * (search.noise @ near[:, -1] @ near[:, -1])):
        size, quadratic[:, -1], quadratic[:, :, -1], linear[:, -1] = 1.0, 0.0, 0.0, 0.0
        quadratic[:, -1, -1] = 1.0

    def looks(eps: float) -> np.ndarray:
        scale = np.ones(near.shape[1])
        scale[-1] = eps / np.sqrt(size)
        mixed = scale[:, None] * linear
        form = scale[:, None] * quadratic * scale + mixed + np.swapaxes(mixed, 1, 2) + constant
        return form[:, 0, 0] if form.shape[1] == 1 else np.linalg.eigvalsh(form)[:, -1]

    return looks


def _least(search: Search, near: np.ndarray, rank: int) -> np.ndarray:
    """Take off `near` what mixtures beyond `rank` can take off its bracket: in truth nothing more can be."""
    inner = search.violation[rank:, rank:]
    floor = 1e-12 * np.trace(inner) / max(len(inner), 1) * np.eye(len(inner))
    mixed = near.copy()
    mixed[rank:] -= np.linalg.lstsq(inner + floor, search.violation[rank:] @ near, rcond=None)[0]
    return mixed


def _schur(
    search: Search, true: np.ndarray, near: np.ndarray, rank: int, widening: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the quadratic, the linear and the constant part `(replicate, k, k)` of the Schur complement."""
    w, k, seen = widening[:, None, None], near.shape[1], true.T @ search.violation
    some, wide = _support(near), _support(true)
    mixed = w * (search.cross[:, :, some] @ near[some])  # R^T E near
    own = w**2 * (search.error[:, :, some] @ near[some]) + search.noise @ near
    quadratic = np.broadcast_to(seen @ true, (len(w), k, k)).copy()
    linear, constant = true.T @ mixed, near.T @ own
    if rank >= len(search.noise):
        return quadratic, linear, constant
    forward = w * (true[wide].T @ search.cross[:, wide, rank:])  # true R^T E
    backward = np.swapaxes((mixed + own)[:, rank:], 1, 2)
    sides = np.concatenate([seen[:, rank:] + forward, backward], axis=1)
    taken = search.competitors.taken(sides, rank, widening)
    return quadratic - taken[:, :k, :k], linear - taken[:, :k, k:], constant - taken[:, k:, k:]


def _support(vectors: np.ndarray) -> slice:
    """Return the rows from the first to the last that is not 0."""
    rows = np.flatnonzero(vectors.any(axis=1))
    return slice(rows[0], rows[-1] + 1) if len(rows) else slice(0)
