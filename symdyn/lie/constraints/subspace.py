"""What a symmetry leaves free: null spaces with error bars, in coordinates that are coefficients of the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import linalg, stats

from symdyn.functions.display import joined_text

__all__ = ["Subspace", "null_space", "pivoted_basis"]

_THREE_SIGMA = 0.9973
_SHOWN = 8  # positions of free coefficients


@dataclass(frozen=True, repr=False)
class Subspace:
    """Represent the matrices W `(output, feature)` that a symmetry allows.

    Parameters
    ----------
    basis : ndarray, `(output * feature, dim)`
        One allowed W in each column (row-major); the identity on the rows `pivots`, so that each coordinate *is*
        a coefficient of the model.
    shape : tuple
        (output, feature).
    pivots : ndarray, `(dim,)`
        Positions in vec(W) of the free coefficients.

    Examples
    --------
    >>> import numpy as np
    >>> import symdyn as sd
    >>> features = sd.features.Polynomial(3)
    >>> allowed = sd.equivariant_subspace(features, sd.candidates.so(2))
    >>> allowed
    Subspace of dimension 4 in 20 coefficients 2 x 10, free at: (0, 1); (0, 2); (0, 6); (0, 7)
    >>> free = np.array([0.5, -1.0, -1.3, 0.0])
    >>> law = sd.VectorField(features, allowed.expand(free), ("x", "y"))
    >>> law
    VectorField on (x, y)
      f_x = 0.5 x − y − 1.3 x^3 − 1.3 x y^2
      f_y = x + 0.5 y − 1.3 x^2 y − 1.3 y^3
    """

    basis: np.ndarray
    shape: tuple[int, int]
    pivots: np.ndarray

    @classmethod
    def full(cls, shape: tuple[int, int]) -> Subspace:
        """Return all matrices of the given shape, as without a symmetry.

        Examples
        --------
        >>> import symdyn as sd
        >>> sd.Subspace.full((2, 3)).dim
        6
        """
        size = shape[0] * shape[1]
        return cls(np.eye(size), shape, np.arange(size))

    @property
    def dim(self) -> int:
        """Number of free coefficients."""
        return self.basis.shape[1]

    def __repr__(self) -> str:
        outputs, features = self.shape
        head = f"Subspace of dimension {self.dim} in {outputs * features} coefficients {outputs} x {features}"
        free = [f"({k // features}, {k % features})" for k in self.pivots[:_SHOWN].tolist()]
        return joined_text(f"{head}, free at", free, self.dim) if free else head

    def expand(self, coordinates: np.ndarray) -> np.ndarray:
        """Return the matrix W `(output, feature)` with the given free coefficients `(dim,)`.

        Examples
        --------
        >>> import numpy as np
        >>> import symdyn as sd
        >>> commuting = sd.intertwiners(sd.candidates.so(2), sd.candidates.so(2))
        >>> commuting.expand(np.array([3.0, 4.0]))  # a scaling and a turn, as complex numbers
        array([[ 3.,  4.],
               [-4.,  3.]])
        """
        return (self.basis @ coordinates).reshape(self.shape)

    def coordinates(self, coefficients: np.ndarray) -> np.ndarray:
        """Return the free coefficients `(dim,)` of the allowed matrix nearest to W `(output, feature)`.

        Examples
        --------
        >>> import numpy as np
        >>> import symdyn as sd
        >>> commuting = sd.intertwiners(sd.candidates.so(2), sd.candidates.so(2))
        >>> commuting.coordinates(np.array([[3.1, 4.0], [-4.0, 2.9]])).round(3)
        array([3., 4.])
        """
        return np.linalg.lstsq(self.basis, np.ravel(coefficients), rcond=None)[0]

    def describe(self, states, names) -> list[str]:
        r"""Write each free coefficient with the terms it ties: `x^3 + x y^2 in x', x^2 y + y^3 in y'`.

        Parameters
        ----------
        states : sequence of str
            Names of the outputs.
        names : sequence of str
            Names of the features.

        Examples
        --------
        >>> import symdyn as sd
        >>> features, states = sd.features.Polynomial(3), ("x", "y")
        >>> allowed = sd.equivariant_subspace(features, sd.candidates.so(2))
        >>> print(*allowed.describe(states, features.names(states)), sep="\n")
        x in x', y in y'
        y in x', −x in y'
        x^3 + x y^2 in x', x^2 y + y^3 in y'
        x^2 y + y^3 in x', −x^3 − x y^2 in y'
        """
        return [self._tuple(column.reshape(self.shape), states, names) for column in self.basis.T]

    def _tuple(self, matrix: np.ndarray, states: Sequence[str], names: Sequence[str]) -> str:
        from symdyn.functions.printing import equation_lines

        lines = equation_lines(np.where(np.abs(matrix) < 1e-12, 0, matrix), names)
        return ", ".join(f"{line} in {state}'" for line, state in zip(lines, states, strict=True) if line != "0")


def null_space(rows: np.ndarray, draws: np.ndarray | None = None, rtol: float = 1e-9) -> np.ndarray:
    """Compute an orthonormal basis of {w : rows w = 0}, to within the error of the rows.

    A direction belongs to the null space when |rows w| is explained by rounding, or by the error of the rows:
    |rows w| <= c_p rms_b |(rows_b − rows) w| over `draws` of the rows from their error bars. The p uncertain numbers
    behind the rows pull all directions at once, so c_p is Scheffé's factor of three standard deviations for p
    numbers, c_p^2 = chi2_p(.9973); c_1 = 3.

    Parameters
    ----------
    rows : ndarray, `(row, unknown)`
    draws : ndarray, `(draw, row, unknown)`, optional
        Rows rebuilt from generators drawn from their error bars.
    rtol : float
        Rounding level, relative to the largest singular value.

    Returns
    -------
    ndarray, `(unknown, dim)`
    """
    scale = np.linalg.norm(rows, axis=0)
    scale[scale == 0] = 1.0
    triangle = np.linalg.qr(rows / scale, mode="r")
    _, values, right = np.linalg.svd(triangle, full_matrices=True)
    values = np.pad(values, (0, rows.shape[1] - len(values)))
    allowed = np.full(len(values), rtol * max(values[0], 1e-300))
    if draws is not None:
        moved = np.einsum("bru,wu->bwr", (draws - rows) / scale, right)
        reach = _simultaneous(moved.reshape(len(moved), -1))
        allowed = np.maximum(allowed, reach * np.sqrt(np.mean(np.sum(moved**2, axis=2), axis=0)))
    basis = right[values <= allowed].T / scale[:, None]
    return np.linalg.qr(basis)[0] if basis.size else basis


def _simultaneous(draws: np.ndarray) -> float:
    """Compute Scheffé's factor of draws `(draw, number)`, from how many directions they spread over."""
    spread = np.linalg.svd(draws @ draws.T, compute_uv=False)
    return float(np.sqrt(stats.chi2.ppf(_THREE_SIGMA, max(1, np.count_nonzero(spread > 1e-6 * spread[0])))))


def pivoted_basis(basis: np.ndarray, tiny: float = 1e-12) -> tuple[np.ndarray, np.ndarray]:
    """Change to the basis of the same span that is the identity on well-conditioned pivot rows (QR with pivoting).

    Returns
    -------
    basis : ndarray, `(unknown, dim)`
    pivots : ndarray, `(dim,)`, ascending
    """
    dim = basis.shape[1]
    if dim == 0:
        return basis, np.zeros(0, dtype=int)
    order = linalg.qr(basis.T, pivoting=True, mode="r")[-1]
    pivots = np.sort(order[:dim])
    scaled = np.linalg.solve(basis[pivots].T, basis.T).T
    scaled[np.abs(scaled) < tiny * np.abs(scaled).max()] = 0.0
    scaled[pivots] = np.eye(dim)
    return scaled, pivots
