"""Anderson's acceleration of a fixed-point iteration."""

from __future__ import annotations

import numpy as np

__all__ = ["Anderson"]


class Anderson:
    """Combines the last steps of x -> T(x) so that the residual T(x) − x of the combination is smallest.

    Walker and Ni, SIAM J. Numer. Anal. 49, 2011, type II.

    Parameters
    ----------
    memory : int
        How many differences are kept.
    size : int
        Of the vectors.
    """

    def __init__(self, memory: int, size: int):
        self.memory, self.size = memory, size
        self.residuals = self.values = self.products = None
        self.reset()

    def reset(self) -> None:
        """Forget all steps."""
        self.count, self.last, self.norm = 0, None, np.inf

    def step(self, residual: np.ndarray, value: np.ndarray) -> np.ndarray:
        """Return the next point from T(x) − x and T(x) at the present one; neither array may be changed afterwards."""
        norm = residual @ residual
        if norm > 4 * self.norm:  # the model of the map no longer holds
            self.reset()
        self.norm, before = norm, self.last
        self.last = (residual, value)
        if before is None or norm == 0:
            return value
        if self.residuals is None:
            self.residuals = np.empty((self.memory, self.size))
            # Of what is combined, the digits of single precision do: differences vanish as the iteration converges.
            self.values = np.empty((self.memory, self.size), dtype=np.float32)
            self.products = np.zeros((self.memory, self.memory))
        newest, known = self.count % self.memory, min(self.count + 1, self.memory)
        np.subtract(residual, before[0], out=self.residuals[newest])
        np.subtract(value, before[1], out=self.values[newest], casting="same_kind")
        self.count += 1
        return value - self._weights(newest, known, residual).astype(np.float32) @ self.values[:known]

    def _weights(self, newest: int, known: int, residual: np.ndarray) -> np.ndarray:
        differences = self.residuals[:known]
        self.products[newest, :known] = self.products[:known, newest] = differences @ differences[newest]
        products = self.products[:known, :known]
        ridge = 1e-10 * np.trace(products)
        if not ridge > 0:  # the iteration stands still
            return np.zeros(known)
        return np.linalg.solve(products + ridge * np.eye(known), differences @ residual)
