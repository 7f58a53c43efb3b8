"""Anderson's acceleration of a fixed-point iteration."""

from __future__ import annotations

import numpy as np

__all__ = ["Anderson"]


class Anderson:
    """Combines the last steps of x -> T(x) so that the residual T(x) − x of the combination is smallest.

    Vectors come as pairs `(2, size)` of a vector and its image under the inner product: <a, b> = a[0] . b[1]
    (Walker and Ni, SIAM J. Numer. Anal. 49, 2011, type II).

    Parameters
    ----------
    memory : int
        How many differences are kept.
    shape : tuple
        Of a pair.
    """

    def __init__(self, memory: int, shape: tuple[int, ...]):
        self.memory, self.shape = memory, shape
        self.residuals = self.values = self.products = None
        self.reset()

    def reset(self) -> None:
        """Forget."""
        self.count, self.last, self.norm = 0, None, np.inf

    def step(self, residual: np.ndarray, value: np.ndarray) -> np.ndarray:
        """The next point, given T(x) − x and T(x) at the present one; neither array may be changed afterwards."""
        norm = residual[0].ravel() @ residual[1].ravel()
        if norm > 4 * self.norm:  # the model of the map no longer holds
            self.reset()
        self.norm, before = norm, self.last
        self.last = (residual, value)
        if before is None:
            return value
        if self.residuals is None:
            self.residuals = np.empty((self.memory, *self.shape[1:]))
            self.values = np.empty((self.memory, *self.shape))
            self.products = np.zeros((self.memory, self.memory))
        newest, known = self.count % self.memory, min(self.count + 1, self.memory)
        change = residual - before[0]
        self.residuals[newest] = change[0]
        np.subtract(value, before[1], out=self.values[newest])
        self.count += 1
        weights = self._weights(newest, known, change[1], residual[1])
        flat = self.values[:known].reshape(known, -1)
        return value - (weights @ flat).reshape(self.shape)

    def _weights(self, newest, known, change, residual):
        differences = self.residuals[:known].reshape(known, -1)
        row = differences @ change.ravel()
        self.products[newest, :known] = self.products[:known, newest] = row
        products = self.products[:known, :known]
        ridge = 1e-10 * np.trace(products) * np.eye(known)
        return np.linalg.solve(products + ridge, differences @ residual.ravel())
