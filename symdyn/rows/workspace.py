"""Arrays that are used again and again: memory asked for once costs its pages once.

Dask tells the allocator of its workers to hand freed memory back at once. What is then asked for batch by batch is
cleared and mapped anew each time, which takes three times as long as the work done in it.
"""

from __future__ import annotations

import numpy as np

__all__ = ["Workspace"]


class Workspace:
    """Named arrays of any shape, whose memory stays."""

    def __init__(self):
        self._held: dict[str, np.ndarray] = {}

    def array(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        """Return an array `shape` of any content; it takes the place of the one last asked for by this name."""
        size = int(np.prod(shape))
        if name not in self._held or self._held[name].size < size:
            self._held[name] = np.empty(size)
        return self._held[name][:size].reshape(shape)
