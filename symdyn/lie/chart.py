"""Coordinates without units: input is transformed into a chart, and results are transformed back.

A chart has a centre c and a scale s for each state, and one for the time T; the point x of the data is y = (x − c) / s
there.
Centre and scale come from the data, so they move along with units and origin, and whatever is computed from y alone
depends on neither. What carries over:

    functions     theta(x) = B theta'(y), exactly; see `Features.in_chart`
    generators    v(x) -> v'(y) = v(c + s y) / s; rates of time are numbers and stay
    laws          x' = f(x) -> y' = f(c + s y) T / s
    elements      A x + b -> S^-1 A S y + (A c + b − c) / s, with S = diag(s)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from symdyn.functions.display import listed
from symdyn.functions.features import Features
from symdyn.lie.groups import Elements
from symdyn.lie.vectorfields import Generators

__all__ = ["Chart"]

_PROBES = 64  # points at which functions are sized
_CANCELLED = 1e-14  # of the terms of a sum, below which it is rounding


@dataclass(frozen=True, repr=False)
class Chart:
    """Hold the centre and scale of every state, and the unit of time: y = (x − centre) / scale.

    Parameters
    ----------
    centre : tuple of float, `(state,)`
        In the units of the states.
    scale : tuple of float, `(state,)`
        Positive, in the units of the states; commensurate states have one scale, each in its own unit.
    time : float
        The unit of time, in the unit of the times.
    ties : tuple of tuples of int
        Groups of states that have one scale because they share a dimension: their ratios are pure numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from symdyn.lie.chart import Chart
    >>> chart = Chart(centre=(300.0, 0.0), scale=(10.0, 1.0))  # a temperature and its rate
    >>> chart.points(np.array([[310.0, 0.5]]))
    array([[1. , 0.5]])
    >>> chart.points_back(np.array([[1.0, 0.5]]))
    array([[310. ,   0.5]])
    """

    centre: tuple[float, ...]
    scale: tuple[float, ...]
    time: float = 1.0
    ties: tuple[tuple[int, ...], ...] = ()

    def __post_init__(self):
        object.__setattr__(self, "centre", tuple(float(value) for value in np.ravel(self.centre)))
        object.__setattr__(self, "scale", tuple(float(value) for value in np.ravel(self.scale)))
        object.__setattr__(self, "time", float(self.time))
        object.__setattr__(self, "ties", tuple(tuple(int(state) for state in tie) for tie in self.ties))
        sizes = (*self.scale, self.time)
        if len(self.centre) != len(self.scale):
            raise ValueError(f"a chart has a scale for each centre, got {len(self.scale)} for {len(self.centre)}")
        if not (np.all(np.isfinite((*self.centre, *sizes))) and min(sizes) > 0):
            raise ValueError("scales of a chart are positive and finite, and so is its unit of time")

    @classmethod
    def identity(cls, n_states: int) -> Chart:
        """Return the chart that changes nothing."""
        return cls((0.0,) * n_states, (1.0,) * n_states)

    def __len__(self) -> int:
        return len(self.scale)

    def __repr__(self) -> str:
        if self.is_identity:
            return f"Chart on {len(self)} states: identity"
        rows = {"centre": self.centre, "scale": self.scale, "time": (self.time,)}
        lines = [f"{name:<7}{', '.join(f'{value:.3g}' for value in values)}" for name, values in rows.items()]
        return listed(f"Chart on {len(self)} states", lines)

    @property
    def is_identity(self) -> bool:
        """Whether nothing changes."""
        return not any(self.centre) and all(value == 1.0 for value in (*self.scale, self.time))

    @property
    def numbers(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Centres and scales."""
        return self.centre, self.scale

    def subset(self, states: Sequence[int]) -> Chart:
        """Return the chart of some of the states."""
        place = {state: k for k, state in enumerate(states)}
        groups = (tuple(place[state] for state in group if state in place) for group in self.ties)
        ties = tuple(group for group in groups if len(group) > 1)
        return Chart(tuple(self.centre[k] for k in states), tuple(self.scale[k] for k in states), self.time, ties)

    def __add__(self, other: Chart) -> Chart:
        """Join the states of both charts, with the unit of time of the first."""
        n = len(self)
        moved = tuple(tuple(state + n for state in group) for group in other.ties)
        return Chart(self.centre + other.centre, self.scale + other.scale, self.time, self.ties + moved)

    def prolong(self) -> Chart:
        """Return the chart of positions and velocities, which are rates there, too."""
        n = len(self)
        return self + Chart((0.0,) * n, tuple(value / self.time for value in self.scale), self.time, self.ties)

    def is_near(self, other: Chart) -> bool:
        """Check whether what has size 1 in one has about size 1 in the other: either will do for the same data."""
        if len(self) != len(other):
            return False
        ratios = np.array((*self.scale, self.time)) / (*other.scale, other.time)
        gaps = np.abs(np.subtract(self.centre, other.centre)) / other.scale
        return bool(np.all(np.abs(np.log(ratios)) < np.log(4)) and np.all(gaps < 4))

    def points(self, given: np.ndarray) -> np.ndarray:
        """Map points `(..., state)` of the data into the chart."""
        return (np.asarray(given, dtype=float) - self.centre) / self.scale

    def points_back(self, charted: np.ndarray) -> np.ndarray:
        """Map points `(..., state)` of the chart back to the units of the data."""
        return np.asarray(charted, dtype=float) * self.scale + self.centre

    def features(self, given: Features) -> Features:
        """Return the functions theta' of y that span what theta spans over x."""
        return given.in_chart(np.array(self.centre), np.array(self.scale)).features

    def generators(self, given: Generators) -> Generators:
        """Transform generators of x to generators of y; the states keep their names."""
        carried = given.features.in_chart(np.array(self.centre), np.array(self.scale))
        coefficients = given.coefficients @ carried.back / np.array(self.scale)[:, None]
        return Generators(carried.features, coefficients, given.time_scaling, given.states)

    def generators_back(self, charted: Generators, features: Features) -> Generators:
        """Transform generators of y, on the image of `features`, back to generators of x on `features`."""
        coefficients = charted.coefficients @ self.forward(features) * np.array(self.scale)[:, None]
        return Generators(features, coefficients, charted.time_scaling, charted.states)

    def elements(self, given: Elements) -> Elements:
        """Transform elements x -> A x + b to maps of y."""
        centre, scale = np.array(self.centre), np.array(self.scale)
        shifts = (given.matrices @ centre + given.translations - centre) / scale
        return replace(given, matrices=given.matrices * scale / scale[:, None], translations=shifts)

    def term_sizes(self, generators: Generators) -> np.ndarray:
        """Compute the size on the data of each term `(coefficient,)` of generators of x, coefficient 1, time last.

        It is the largest value of its function over the data's range, in units of the state that it moves.
        """
        return np.append(np.outer(1 / np.array(self.scale), self.function_sizes(generators.features)).ravel(), 1.0)

    def function_sizes(self, features: Features) -> np.ndarray:
        """Compute the largest value of each function `(feature,)` of x over the range of the data."""
        reach = 2.0 * np.random.default_rng(3).uniform(-1, 1, (_PROBES, len(self)))
        with np.errstate(all="ignore"):
            values = np.abs(features(self.points_back(reach)))
        return np.where(np.isfinite(values), values, 0.0).max(axis=0)

    def vector_map(self, features: Features) -> np.ndarray:
        """Return J `(coefficient, coefficient)`: rows of `Generators.vectors()` of y, times J, are those of x."""
        n, forward = len(self), self.forward(features)
        width = len(forward)
        full = np.zeros((n * width + 1, n * width + 1))
        full[:-1, :-1] = np.kron(np.diag(self.scale), forward)
        full[-1, -1] = 1.0
        return full

    def forward(self, features: Features) -> np.ndarray:
        """Return M `(feature, feature)`, theta'(y) = M theta(x): coefficients on theta' times M are those on theta."""
        return features.in_chart(np.array(self.centre), np.array(self.scale)).forward

    def back(self, features: Features) -> np.ndarray:
        """Return B `(feature, feature)`, the inverse: theta(x) = B theta'(y)."""
        return features.in_chart(np.array(self.centre), np.array(self.scale)).back

    def law(self, coefficients: np.ndarray, features: Features, outputs: np.ndarray) -> np.ndarray:
        """Compute the coefficients `(..., output, feature)` on theta of a law that is known in the chart.

        Parameters
        ----------
        coefficients : ndarray, `(..., output, feature)`
            On theta', in units of the outputs.
        features : Features
            theta.
        outputs : ndarray, `(output,)`
            The unit of each output in the units of the data: s_i / T of a rate, s_i of a step.
        """
        forward = self.forward(features)
        found = coefficients @ forward
        # What cancels up to rounding is 0: terms that are not there stay away.
        found = np.where(np.abs(found) > _CANCELLED * (np.abs(coefficients) @ np.abs(forward)), found, 0.0)
        return np.asarray(outputs)[:, None] * found

    def law_in(self, coefficients: np.ndarray, features: Features, outputs: np.ndarray) -> np.ndarray:
        """Compute the coefficients on theta' of a law that is known on theta: the inverse of `law`."""
        return coefficients @ self.back(features) / np.asarray(outputs)[:, None]
