"""Anderson's acceleration of a fixed-point iteration."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

__all__ = ["Anderson"]


class Anderson:
    """Combine the last steps of x -> T(x) so that the residual T(x) − x of the combination is smallest.

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
        self.history: _History | None = None
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
        if self.history is None:
            self.history = _History.empty(self.memory, self.size)
        newest, known = self.count % self.memory, min(self.count + 1, self.memory)
        np.subtract(residual, before[0], out=self.history.residuals[newest])
        np.subtract(value, before[1], out=self.history.values[newest], casting="same_kind")
        self.count += 1
        return value - self.history.weights(newest, known, residual).astype(np.float32) @ self.history.values[:known]


class _History(NamedTuple):
    """Differences of residuals and of values `(memory, size)`, and products of the former `(memory, memory)`."""

    residuals: np.ndarray
    values: np.ndarray
    products: np.ndarray

    @classmethod
    def empty(cls, memory: int, size: int) -> _History:
        # Of what is combined, the digits of single precision do: differences vanish as the iteration converges.
        values = np.empty((memory, size), dtype=np.float32)
        return cls(np.empty((memory, size)), values, np.zeros((memory, memory)))

    def weights(self, newest: int, known: int, residual: np.ndarray) -> np.ndarray:
        """Return the weights of the known differences, the newest of which has no products yet."""
        differences = self.residuals[:known]
        self.products[newest, :known] = self.products[:known, newest] = differences @ differences[newest]
        products = self.products[:known, :known]
        ridge = 1e-10 * np.trace(products)
        if not ridge > 0:  # the iteration stands still
            return np.zeros(known)
        return np.linalg.solve(products + ridge * np.eye(known), differences @ residual)
