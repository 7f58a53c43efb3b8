"""Functions of a position through its distance: central forces q |q|^-k and potentials |q|^-k."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from symdyn.functions.space import Features, InChart, chosen_columns, spread_columns

__all__ = ["CentralForce", "Radial"]


@dataclass(frozen=True)
class CentralForce(Features):
    """Represent positions times powers of the distance: q_i |q|^-k for every component i and power k.

    Each component of a law gets its own coefficient for every q_i, so isotropy is not imposed.

    Parameters
    ----------
    powers : sequence of int
        The powers k; 3 is Newton's law, 0 a linear spring.
    columns : sequence of int
        The states that hold the position q (the first three by default).

    Examples
    --------
    >>> import numpy as np
    >>> import symdyn as sd
    >>> gravity = sd.features.CentralForce([0, 3])
    >>> gravity.names(["x", "y", "z"])
    ['x', 'y', 'z', 'x |q|^-3', 'y |q|^-3', 'z |q|^-3']
    >>> gravity(np.array([[0.0, 0.0, 2.0]]))  # q, then q / |q|^3
    array([[0.  , 0.  , 2.  , 0.  , 0.  , 0.25]])
    """

    powers: tuple[int, ...]
    columns: tuple[int, ...] = (0, 1, 2)

    def __post_init__(self):
        object.__setattr__(self, "powers", tuple(self.powers))
        object.__setattr__(self, "columns", tuple(self.columns))
        if not self.powers:
            raise ValueError("powers must name at least one power of the distance")

    def __call__(self, points):
        position, distance = self._polar(points)
        return np.concatenate([position * distance**-k for k in self.powers], axis=1)

    def jacobian(self, points):
        position, distance = self._polar(points)
        unit = position / distance
        outer = unit[:, :, None] * unit[:, None, :]
        identity = np.eye(len(self.columns))
        inner = [distance[:, :, None] ** -k * (identity - k * outer) for k in self.powers]
        return spread_columns(np.concatenate(inner, axis=1), self.columns, np.shape(points)[1])

    def names(self, states):
        chosen = [states[column] for column in self.columns]
        return [f"{state}{_power(k)}" for k in self.powers for state in chosen]

    def families(self, states):
        return [f"q{_power(k)}" for k in self.powers for _ in self.columns]

    def in_chart(self, centre, scale):
        powers = np.repeat([1.0 - k for k in self.powers], len(self.columns))
        return _homogeneous(self, powers, centre, scale) or super().in_chart(centre, scale)

    def _polar(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        position = chosen_columns(points, self.columns)
        distance = np.linalg.norm(position, axis=1, keepdims=True)
        if np.any(distance == 0):
            raise ValueError("CentralForce: a position lies at the origin, where |q|^-k has no value")
        return position, distance


@dataclass(frozen=True)
class Radial(Features):
    """Represent powers of the distance |q|^-k, such as the potential 1/|q| of Newton's law.

    Parameters
    ----------
    powers : sequence of int
        The powers k.
    columns : sequence of int
        The states that hold the position q (the first three by default).

    Examples
    --------
    >>> import numpy as np
    >>> import symdyn as sd
    >>> potential = sd.features.Radial([1], columns=(0, 1))
    >>> potential.names(["x", "y"]), potential(np.array([[3.0, 4.0]]))
    (['|q|^-1'], array([[0.2]]))
    """

    powers: tuple[int, ...]
    columns: tuple[int, ...] = (0, 1, 2)

    def __post_init__(self):
        object.__setattr__(self, "powers", tuple(self.powers))
        object.__setattr__(self, "columns", tuple(self.columns))
        if not self.powers or 0 in self.powers:
            raise ValueError("powers must name at least one power of the distance, none of them 0")

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """Compute the values `(sample, feature)` at points `(sample, state)`."""
        _, distance = self._polar(points)
        return np.concatenate([distance**-k for k in self.powers], axis=1)

    def jacobian(self, points: np.ndarray) -> np.ndarray:
        """Compute the derivatives −k q_i |q|^(−k−2) `(sample, feature, state)`."""
        position, distance = self._polar(points)
        full = np.zeros((len(position), len(self.powers), np.shape(points)[1]))
        full[:, :, self.columns] = np.stack([-k * position * distance ** (-k - 2) for k in self.powers], axis=1)
        return full

    def names(self, states) -> list[str]:
        """Return `|q|^-k` for each power."""
        return [f"|q|^{-k}" for k in self.powers]

    def families(self, states) -> list[str]:
        """Return one family per power, because rotations preserve each power."""
        return [f"|q|^{-k}" for k in self.powers]

    def in_chart(self, centre, scale):
        """Rescale as all homogeneous functions do."""
        return _homogeneous(self, -np.array(self.powers, float), centre, scale) or super().in_chart(centre, scale)

    def _polar(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        points = np.asarray(points, dtype=float)
        if points.ndim != 2 or max(self.columns) >= points.shape[1]:
            raise ValueError(f"Radial reads columns {self.columns}, the points have shape {points.shape}")
        position = points[:, list(self.columns)]
        distance = np.linalg.norm(position, axis=1, keepdims=True)
        if np.any(distance == 0):
            raise ValueError("Radial: a position lies at the origin, where |q|^-k has no value")
        return position, distance


def _homogeneous(
    features: CentralForce | Radial, powers: np.ndarray, centre: np.ndarray, scale: np.ndarray
) -> InChart | None:
    """Return the same functions of q / s, s^-p times those of q; None unless q has one scale and keeps its origin."""
    columns = list(features.columns)
    if np.any(centre[columns]) or np.ptp(scale[columns]) > 0:
        return None
    factors = scale[columns[0]] ** powers
    return InChart(features, np.diag(1 / factors), np.diag(factors))


def _power(power: int) -> str:
    return "" if power == 0 else f" |q|^{-power}"
