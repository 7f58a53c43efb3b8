"""Evidence about a law that is known exactly: no replicates, singular values right to rounding."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from symdyn.evidence.evidence import Evidence

__all__ = ["ExactEvidence", "Known"]


@dataclass(frozen=True, repr=False)
class Known(Evidence):
    """Evidence from forms that are exact but for `resolution`, what violations may come from: that breaks nothing."""

    resolution: float = field(default=0.0, kw_only=True)

    def p_value(self, vector: np.ndarray) -> float:
        """Return 1 for a violation below delta, or that rounding may have made, else 0."""
        return 1.0 if self.violation(vector) < max(self.delta, self.resolution) else 0.0


@dataclass(frozen=True, repr=False)
class ExactEvidence(Evidence):
    """Evidence from a law without error.

    Parameters
    ----------
    forms, delta, level : see `Evidence`
    spectrum : tuple of ndarray
        Directions `(candidate, direction)`, orthonormal in the size, and their violations `(direction,)`, ascending.
        From a second pass over the data: the forms alone know violations to 1e-8 only.
    resolution : float
        Violations below may come from rounding: where that is more than delta, they are neither accepted nor broken.
    """

    spectrum: tuple[np.ndarray, np.ndarray] = field(kw_only=True)
    resolution: float = field(default=0.0, kw_only=True)

    @cached_property
    def directions(self) -> np.ndarray:
        """Combinations `(candidate, direction)`, most symmetric first."""
        return self.spectrum[0]

    @cached_property
    def replicate_directions(self) -> np.ndarray:
        """The same, as the only replicate."""
        return self.spectrum[0][None]

    @cached_property
    def span_bounds(self) -> np.ndarray:
        """Largest violation over the span of the first k directions, for k = 1, 2, ..."""
        return self.spectrum[1]

    @cached_property
    def _root(self) -> np.ndarray:
        """R `(direction, candidate)` with eps(v) = |R v| for combinations of size 1."""
        directions, violations = self.spectrum
        return violations[:, None] * (directions.T @ self.forms.size)

    def violation(self, vector: np.ndarray) -> float:
        """Return eps of a combination `(candidate,)`."""
        return float(np.linalg.norm(self._root @ self._unit(vector)))

    def upper_bound(self, vector: np.ndarray, rank: int) -> float:
        """Return the violation itself, since an exact law has no error."""
        return self.violation(vector)

    def p_value(self, vector: np.ndarray) -> float:
        """Return 1 for a violation below delta, or that rounding may have made, else 0."""
        return 1.0 if self.violation(vector) < max(self.delta, self.resolution) else 0.0
