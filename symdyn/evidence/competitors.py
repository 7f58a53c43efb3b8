"""Least squares on the directions that compete with a generator, for every replicate.

The directions beyond a rank are nested: those beyond 3 hold those beyond 4. Counted from the last one, they are leading
blocks of one matrix, and the inverse of its Cholesky factor holds those of all blocks. So replicates with the same
widening are factored once for all ranks.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import get_lapack_funcs

__all__ = ["Competitors"]

_factored, _solved, _inverted = get_lapack_funcs(("potrf", "trtrs", "trtri"), dtype=np.float64)
_RIDGE = 1e-14  # directions that are exact in all replicates have no bracket to mix with


class Competitors:
    """Forms of replicates over all directions, `base` + w (`cross` + its transpose) + w^2 `error`.

    Parameters
    ----------
    base : ndarray, `(direction, direction)`
    cross, error : ndarray, `(replicate, direction, direction)`
    """

    def __init__(self, base: np.ndarray, cross: np.ndarray, error: np.ndarray):
        self._base, self._cross, self._error = base, cross, error
        self._seen: set[bytes] = set()
        self._kept: tuple[bytes, np.ndarray | None] = b"", None

    def taken(self, sides: np.ndarray, rank: int, widening: np.ndarray) -> np.ndarray:
        """Compute s F^-1 s^T `(replicate, k, k)` with F the form of a replicate on the directions beyond `rank`.

        Parameters
        ----------
        sides : ndarray, `(replicate, k, direction)`
            The rows s, on the directions beyond `rank`.
        rank : int
        widening : ndarray, `(replicate,)`
            The factor w of each.
        """
        inverse = self._inverse_factor(widening)
        if inverse is None:
            each = [self._taken(b, side, rank, w) for b, (side, w) in enumerate(zip(sides, widening, strict=True))]
            return np.array(each)
        m = sides.shape[2]
        white = inverse[:, :m, :m] @ np.swapaxes(sides[:, :, ::-1], 1, 2)
        return np.swapaxes(white, 1, 2) @ white

    def _taken(self, b: int, side: np.ndarray, rank: int, w: float) -> np.ndarray:
        """Compute the same for one replicate."""
        form = self._form(b, rank, w)
        lower, failed = _factored(form.T, lower=1)
        if failed:  # singular to rounding
            return side @ np.linalg.solve(form, side.T)
        white = _solved(lower, side.T, lower=1)[0]
        return white.T @ white

    def _form(self, b: int, rank: int, w: float) -> np.ndarray:
        far = np.s_[rank:, rank:]
        mixed = w * self._cross[b][far]
        form = w**2 * self._error[b][far]
        form += self._base[far]
        form += mixed
        form += mixed.T
        form.flat[:: len(form) + 1] += max(_RIDGE * np.trace(form) / len(form), 1e-300)
        return form

    def _inverse_factor(self, widening: np.ndarray) -> np.ndarray | None:
        """Return inverses of the factors, last direction first, of a widening that was asked for before.

        None for one that is new, and where some replicate is singular to rounding.
        """
        key = widening.tobytes()
        if key == self._kept[0]:
            return self._kept[1]
        if key not in self._seen:
            self._seen.add(key)
            return None
        self._kept = b"", None  # one at a time, for memory
        self._kept = key, self._inverse_factors(widening)
        return self._kept[1]

    def _inverse_factors(self, widening: np.ndarray) -> np.ndarray | None:
        inverses = np.empty((len(widening), *self._base.shape))
        for b, w in enumerate(widening):
            lower, failed = _factored(self._form(b, 0, w)[::-1, ::-1].T, lower=1, clean=1)
            if failed:
                return None
            inverses[b] = _inverted(lower, lower=1)[0]
        return inverses
