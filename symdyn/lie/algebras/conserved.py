"""Conserved quantities as constraints on a law: Dh . f = 0 is linear in the coefficients of f."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from symdyn.functions.features import Features, as_features
from symdyn.lie.chart import Chart
from symdyn.lie.vectorfields import VectorField

__all__ = ["Conserved", "conserved"]


@dataclass(frozen=True, eq=False)
class Conserved:
    """Represent functions h_q of the states that a flow x' = f(x) conserves.

    Parameters
    ----------
    quantities : VectorField
        Its outputs are the functions h_q.

    Examples
    --------
    >>> import numpy as np
    >>> import symdyn as sd
    >>> from symdyn.lie.algebras.conserved import Conserved
    >>> coefficients = np.array([[0, 0, 0, 0.5, 0, 0.5]])  # on 1, q, p, q^2, q p, p^2
    >>> energy = sd.VectorField(sd.features.Polynomial(2), coefficients, ("q", "p"))
    >>> Conserved(energy).texts()
    ['0.5 q^2 + 0.5 p^2 conserved']
    """

    quantities: VectorField

    @property
    def states(self) -> tuple[str, ...]:
        """Names of the states."""
        return self.quantities.states

    @property
    def dim(self) -> int:
        """Number of quantities."""
        return len(self.quantities.coefficients)

    def subset(self, indices) -> Conserved:
        """Return the quantities with the given indices."""
        chosen = np.atleast_1d(np.asarray(indices, dtype=int))
        return Conserved(VectorField(self.quantities.features, self.quantities.coefficients[chosen], self.states))

    def in_chart(self, chart: Chart) -> Conserved:
        """Return the same functions of the states of a chart, each divided by the size of its largest term there."""
        features = self.quantities.features
        rows = self.quantities.coefficients @ chart.back(features)
        rows = rows / np.abs(rows).max(axis=1, keepdims=True)
        return Conserved(VectorField(chart.features(features), rows, self.states))

    def texts(self, precision: int = 3) -> list[str]:
        """Write each quantity as `x^2 + y^2 conserved`."""
        return [f"{line} conserved" for line in self.quantities.equations(precision)]

    def constraint(self, features: Features, points: np.ndarray) -> np.ndarray:
        """Build the matrix C with C vec(W) = 0 iff Dh_q . W theta = 0 at the points.

        Parameters
        ----------
        features : Features
            theta.
        points : ndarray, `(sample, state)`

        Returns
        -------
        ndarray, `(sample * quantity, output * feature)`, vec(W) row-major
        """
        slopes, values = self.quantities.jacobian(points), features(points)
        return np.einsum("sqi,sf->sqif", slopes, values).reshape(len(points) * self.dim, -1)


def conserved(features: Features, coefficients, states=None) -> Conserved:
    """Build the functions h = C theta(x) that a law is to conserve, for use as a symmetry.

    Parameters
    ----------
    features : Features or str
    coefficients : array_like, `(quantity, feature)` or `(feature,)`
        In the layout of `conserved_quantities(...).coefficients`.
    states : sequence of str, optional
        Names of the states; needed where the features do not fix how many there are.

    Raises
    ------
    ValueError
        For a quantity that is constant everywhere, which constrains nothing.

    Examples
    --------
    >>> import symdyn as sd
    >>> features = sd.features.Polynomial(2)  # 1, q, p, q^2, q p, p^2
    >>> energy = sd.conserved(features, [0, 0, 0, 1, 0, 1], states=("q", "p"))
    >>> energy.texts()
    ['q^2 + p^2 conserved']
    >>> linear = sd.equivariant_subspace(sd.features.Polynomial(1), energy)
    >>> linear.describe(("q", "p"), ["1", "q", "p"])
    ["p in q', −q in p'"]
    """
    rows = np.atleast_2d(np.asarray(coefficients, dtype=float))
    names = tuple(states) if states is not None else _default_names(features, rows.shape[1])
    features = as_features(features, len(names))
    found = Conserved(VectorField(features, rows, names))
    points = np.random.default_rng(5).standard_normal((20, len(names)))
    each = features.jacobian(points)
    slopes = np.abs(np.einsum("qf,sfi->sqi", rows, each)).max(axis=0)
    terms = np.einsum("qf,sfi->sqi", np.abs(rows), np.abs(each)).max(axis=0)
    # By one state at a time: derivatives by different ones are in different units.
    varies = np.any(slopes > 1e-12 * terms, axis=1)
    if not np.all(varies):
        raise ValueError(f"quantity {int(np.argmin(varies))} is constant, so every law conserves it: leave it out")
    return found


def _default_names(features: Features, size: int, largest: int = 64) -> tuple[str, ...]:
    """Name as many states as it takes for the features to be as many as the coefficients."""
    for n in range(1, largest + 1):
        try:
            if as_features(features, n).size(n) == size:
                return tuple(f"x{i}" for i in range(n))
        except (ValueError, IndexError):
            continue
    raise ValueError(f"no number of states makes these features {size}, as many as coefficients; give states=")
