"""The flow of a generator on positions, velocities and times: by a matrix exponential where it is affine.

A generator phi ∂q + (xi + tau t) ∂t moves a velocity u = dq/dt of a curve q(t) by its prolongation

    du = D phi − u D(xi + tau t),    D = ∂t + u ∂q,

so a moved solution has the moved velocities (P. Olver, Applications of Lie Groups to Differential Equations, 2.3).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from symdyn.lie.prolongation import is_affine
from symdyn.lie.vectorfields import Generators

__all__ = ["CLOCKS", "ProlongedFlow"]

CLOCKS = ("t", "time")  # a state of a generator with one of these names is the time of the data


@dataclass(frozen=True)
class ProlongedFlow:
    """Maps exp(v_k) of columns: positions, their velocities if there are any, then the time.

    Parameters
    ----------
    fields : Generators
        One v_k per set of points, on positions and optionally the time.
    has_velocities : bool
    clock : int, optional
        Index of the state that is the time; None if the fields are on positions alone.
    """

    fields: Generators
    has_velocities: bool
    clock: int | None

    @property
    def positions(self) -> list[int]:
        """Indices of the states that are positions."""
        return [k for k in range(len(self.fields.states)) if k != self.clock]

    @property
    def n_columns(self) -> int:
        """Number of columns of points, the time included."""
        return len(self.positions) * (1 + self.has_velocities) + 1

    @property
    def is_affine(self) -> bool:
        """Whether the maps are affine: of velocities, where time does not move with positions."""
        if not is_affine(self.fields):
            return False
        if not self.has_velocities or self.clock is None:
            return True
        slopes = self.fields.jacobians(np.zeros((1, len(self.fields.states))))[0]
        return not np.any(slopes[self.clock, self.positions])

    def rates(self, which: int, points: np.ndarray) -> np.ndarray:
        """Compute the prolonged field v_k `(sample, column)` at points `(sample, column)`."""
        n, tau = len(self.positions), self.fields.time_scaling[which]
        field, clock = self.fields[which], points[:, -1]
        arguments = np.empty((len(points), len(self.fields.states)))
        arguments[:, self.positions] = points[:, :n]
        if self.clock is not None:
            arguments[:, self.clock] = clock
        values, found = field(arguments), np.empty_like(points)
        found[:, :n] = values[:, self.positions]
        found[:, -1] = tau * clock + (0.0 if self.clock is None else values[:, self.clock])
        if self.has_velocities:
            velocities, slopes = points[:, n : 2 * n], field.jacobian(arguments)
            along = np.zeros_like(arguments)
            along[:, self.positions] = velocities
            if self.clock is not None:
                along[:, self.clock] = 1.0
            total = np.einsum("sij,sj->si", slopes, along)
            stretch = tau + (0.0 if self.clock is None else total[:, [self.clock]])
            found[:, n : 2 * n] = total[:, self.positions] - velocities * stretch
        return found

    def matrices(self) -> np.ndarray:
        """Compute (c, G) `(field, column, 1 + column)` with exp(v_k)(p) = G p + c, of affine maps."""
        n = self.n_columns
        wide = np.zeros((len(self.fields), n + 1, n + 1))
        for k in range(len(wide)):
            values = self.rates(k, np.concatenate([np.zeros((1, n)), np.eye(n)]))
            wide[k, 1:, 0], wide[k, 1:, 1:] = values[0], (values[1:] - values[0]).T
        return np.array([expm(matrix) for matrix in wide]).reshape(wide.shape)[:, 1:]

    def integrated(self, which: int, points: np.ndarray) -> np.ndarray:
        """Carry points `(sample, column)` along v_k for unit time.

        Raises
        ------
        RuntimeError
            If the flow diverges.
        """
        if len(points) == 0:
            return points

        def rate(_: float, flat: np.ndarray) -> np.ndarray:
            return self.rates(which, flat.reshape(points.shape)).ravel()

        with np.errstate(all="ignore"):
            found = solve_ivp(rate, (0.0, 1.0), points.ravel(), method="DOP853", rtol=1e-10, atol=1e-12)
        if not found.success or not np.all(np.isfinite(found.y[:, -1])):
            raise RuntimeError(f"the flow of trajectory {which} leaves every bound at {found.t[-1]:.3g} of its amount")
        return found.y[:, -1].reshape(points.shape)
