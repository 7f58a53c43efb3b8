"""How the values of a function move under a symmetry: invariants, vectors, densities, tensors index by index.

A generator changes the values f(x) by psi f, an element g by M: `Values` says how, once for each kind.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from symdyn.lie.actions import INVARIANT, MAP, Action, Moves
from symdyn.lie.chart import Chart
from symdyn.lie.groups import Elements
from symdyn.lie.prolongation import affine_parts
from symdyn.lie.unknown_matrices import joined_by_matrices, matrix_moves, padded, unit_moves
from symdyn.lie.value_units import products_next_to, root_mean_square
from symdyn.lie.vectorfields import Generators

__all__ = ["Values", "value_action"]

_INDICES = ("vector", "covector", "invariant", "linear")
_NAMES = ("invariant", "vector", "vector_field", "metric")


class Values(ABC):
    """How values `(sample, ...)` of a function of the states move.

    `like_states` says whether they move as the state does; `are_rates` whether they are the rates of a flow, which a
    faster clock makes smaller and a reversal of time turns; `per_candidate` whether one matrix is given for each
    candidate; `mixes_alike` whether all values mix in ways of their own, and so keep their ratios in one unit.
    """

    like_states: bool = False
    are_rates: bool = False
    per_candidate: bool = False
    mixes_alike: bool = False
    element_action: Action | None = None

    @abstractmethod
    def indices(self, n_indices: int) -> tuple[str, ...]:
        """Return what each index of the values does: one of "vector", "covector", "invariant", "linear".

        Raises
        ------
        ValueError
            For values with another number of indices.
        """

    @abstractmethod
    def moved(self, values: np.ndarray, generators: Generators, points: np.ndarray) -> list[np.ndarray]:
        """Return psi_k f, what the values would change by if they moved along, in parts `(sample, ..., generator)`."""

    @abstractmethod
    def carried(self, values: np.ndarray, element: Elements, matrix: np.ndarray | None) -> np.ndarray:
        """Return M f(x), what the values become if they move along with one element."""

    def in_units(self, units: np.ndarray) -> Values:
        """Return the action on values over their `units` `(value,)`."""
        return self

    def mixed(self, weights: np.ndarray) -> Values:
        """Return the action of combinations `(combination, candidate)` of the candidates."""
        return self

    @property
    def is_invariant(self) -> bool:
        """Whether values do not move at all, whatever their shape."""
        return False

    def matrix_of(self, candidate: int) -> np.ndarray | None:
        """Return the matrix that is given for a candidate, None where none is."""
        return None

    def free_indices(self, n_indices: int) -> list[int]:
        """Return the indices that an unknown matrix acts on."""
        return [i for i, action in enumerate(self.indices(n_indices)) if action == "linear"]

    def check_elements(self, values: np.ndarray, n_states: int, elements: Elements) -> None:
        """Refuse values that elements cannot move in this way."""
        self.check_time(elements)
        for index, action in enumerate(self.indices(values.ndim - 1)):
            if action == "linear":
                raise ValueError("an unknown matrix can be found for generators only: give output as matrices")
            if action != "invariant" and values.shape[index + 1] != n_states:
                raise ValueError(
                    f"index {index} of the values has size {values.shape[index + 1]}, the state {n_states}"
                )

    def check_time(self, elements: Elements) -> None:
        """Refuse elements that reverse a time that values do not know."""
        if np.any(elements.reverses_time) and not self.are_rates:
            raise ValueError("time reversal changes the rates of a flow: it needs output='vector_field'")

    def act(self, generators: Generators, points: np.ndarray, shape: tuple[int, ...]) -> tuple[Generators, Moves]:
        """Return how candidates move the pairs (x, y), with y a tensor of `shape`, flattened.

        The candidates come back with as many extra states as unknown actions on values need.
        """
        size = int(np.prod(shape))
        units = np.broadcast_to(np.eye(size).reshape(size, *shape), (len(points), size, *shape))
        # The images of the unit tensors are the columns of psi.
        flat = [self.moved(np.ascontiguousarray(units[:, column]), generators, points) for column in range(size)]
        parts = [
            np.stack([np.reshape(image[k], (len(points), size, -1)) for image in flat], axis=2)
            for k in range(len(flat[0]))
        ]
        velocity, candidates = generators.values(points), generators
        for index in self.free_indices(len(shape)):
            candidates = joined_by_matrices(candidates, shape[index], f"out{index}")
            velocity, parts = padded(velocity, parts, matrix_moves(shape, index))
        total = sum(parts) if parts else np.zeros((len(points), size, size, velocity.shape[-1]))
        return candidates, Moves(velocity, total, tuple(parts))

    def joined(
        self, generators: Generators, values: np.ndarray, transported: np.ndarray, carried: list[np.ndarray]
    ) -> tuple[Generators, np.ndarray, list[np.ndarray]]:
        """Join candidates by one unknown matrix for each index whose action is "linear".

        Returns the generators on states and, for each such index, as many extra states as it has values, with
        `transported` and the parts of `carried` `(sample, ..., generator)` extended alike; all unchanged without one.
        """
        for index in (1 + i for i in self.free_indices(values.ndim - 1)):
            size = values.shape[index]
            generators = joined_by_matrices(generators, size, f"out{index - 1}")
            extra = np.stack(
                [unit_moves(values, index, row, column) for row in range(size) for column in range(size)], -1
            )
            before = np.zeros(transported.shape)
            transported = np.concatenate([transported, np.zeros_like(extra)], axis=-1)
            carried = [np.concatenate([part, np.zeros_like(extra)], axis=-1) for part in carried]
            carried.append(np.concatenate([before, extra], axis=-1))
        return generators, transported, carried

    def units(
        self, values: np.ndarray, scale: np.ndarray, shape: tuple[int, ...], *, apart: bool = False
    ) -> np.ndarray:
        """Return the unit `(value,)` of each flattened value: products of those of its indices, times one size of all.

        An index that moves like a state has its scale, one that moves like a covector the inverse; the entries of
        others are sized by the values themselves. Values that mix in ways of their own keep their ratios.

        Parameters
        ----------
        values : ndarray, `(sample, value)`
        scale : ndarray, `(state,)`
        shape : tuple of int
            Shape of a value before it was flattened.
        apart : bool
            Whether entries that mix in ways of their own are sized each by itself nevertheless.
        """
        sizes = root_mean_square(values).reshape(shape)
        present = sizes > 0
        sizes = np.where(present, sizes, 1.0)
        if self.mixes_alike and not apart:
            return np.full(sizes.size, np.sqrt(np.mean(sizes**2)))
        units, free = np.ones(shape), []
        for index, action in enumerate(self.indices(len(shape))):
            if action in ("vector", "covector") and shape[index] == len(scale):
                factor = scale if action == "vector" else 1 / scale
                units = units * np.reshape(factor, [-1 if k == index else 1 for k in range(len(shape))])
            else:
                free.append(index)
        units = units * products_next_to(sizes / units, present, free)
        return (units * np.sqrt(np.mean((sizes / units)[present] ** 2) if present.any() else 1.0)).ravel()

    def rates(self, values: np.ndarray, n_states: int) -> np.ndarray:
        """Return r_i `(state,)`: of each state for vectors, of all values together for others.

        A constant does not vary.
        """
        if self.like_states:
            return np.sqrt(np.mean(values**2, axis=0))
        varying = values - values.mean(axis=0)
        power = np.mean(np.sum(varying.reshape(len(values), -1) ** 2, axis=1))
        return np.full(n_states, np.sqrt(power) if power > 0 else 1.0)


@dataclass(frozen=True)
class Tensor(Values):
    """Each index moves in a way of its own; `actions` None for values of any shape that do not move."""

    actions: tuple[str, ...] | None
    like_states: bool = False
    are_rates: bool = False
    element_action: Action | None = None

    @property
    def is_invariant(self) -> bool:
        return self.actions is None

    def indices(self, n_indices: int) -> tuple[str, ...]:
        if self.actions is None:
            return ("invariant",) * n_indices
        if len(self.actions) != n_indices:
            raise ValueError(
                f"output {self.actions!r} is for values with {len(self.actions)} indices, they have {n_indices}"
            )
        return self.actions

    def moved(self, values: np.ndarray, generators: Generators, points: np.ndarray) -> list[np.ndarray]:
        slopes, parts = generators.jacobians(points), []
        for index, action in enumerate(self.indices(values.ndim - 1), start=1):
            if action in ("vector", "covector"):
                if values.shape[index] != points.shape[1]:
                    raise ValueError(
                        f"index {index - 1} of the values has size {values.shape[index]}, the state {points.shape[1]}"
                    )
                # A vector moves by Dv w, a covector by −Dv^T w.
                subscripts = "sopk,sp...->so...k" if action == "vector" else "spok,sp...->so...k"
                sign = 1 if action == "vector" else -1
                front = np.einsum(subscripts, slopes, np.moveaxis(values, index, 1))
                parts.append(sign * np.moveaxis(front, 1, index))
        if self.are_rates and np.any(generators.time_scaling):
            parts.append(-values[..., None] * generators.time_scaling)
        return parts

    def carried(self, values: np.ndarray, element: Elements, matrix: np.ndarray | None) -> np.ndarray:
        forward, backward = element.matrices[0], np.linalg.inv(element.matrices[0]).T
        for index, action in enumerate(self.indices(values.ndim - 1), start=1):
            if action != "invariant":
                moves = forward if action == "vector" else backward
                values = np.moveaxis(np.tensordot(moves, values, axes=(1, index)), 0, index)
        return -values if element.reverses_time[0] else values


class Density(Values):
    """Values f of a density: f div v is added."""

    mixes_alike = True

    def indices(self, n_indices: int) -> tuple[str, ...]:
        return ("linear",) * n_indices

    def free_indices(self, n_indices: int) -> list[int]:
        return []

    def check_elements(self, values: np.ndarray, n_states: int, elements: Elements) -> None:
        self.check_time(elements)

    def moved(self, values: np.ndarray, generators: Generators, points: np.ndarray) -> list[np.ndarray]:
        return [-np.einsum("siik,s...->s...k", generators.jacobians(points), values)]

    def carried(self, values: np.ndarray, element: Elements, matrix: np.ndarray | None) -> np.ndarray:
        return values / abs(np.linalg.det(element.matrices[0]))


@dataclass(frozen=True)
class Matrices(Values):
    """Vectors that move by one given matrix for each candidate, `(candidate, output, output)`."""

    matrices: np.ndarray
    per_candidate = True
    mixes_alike = True

    def indices(self, n_indices: int) -> tuple[str, ...]:
        return ("linear",) * n_indices

    def free_indices(self, n_indices: int) -> list[int]:
        return []

    def in_units(self, units: np.ndarray) -> Values:
        return replace(self, matrices=self.matrices * units / units[:, None])

    def matrix_of(self, candidate: int) -> np.ndarray | None:
        return self.matrices[candidate]

    def mixed(self, weights: np.ndarray) -> Values:
        return replace(self, matrices=np.tensordot(weights, self.matrices, 1))

    def moved(self, values: np.ndarray, generators: Generators, points: np.ndarray) -> list[np.ndarray]:
        expected = (len(generators), values.shape[-1], values.shape[-1])
        if self.matrices.shape != expected:
            raise ValueError(
                f"output matrices must have shape (generator, output, output) = {expected}, got {self.matrices.shape}"
            )
        return [np.einsum("kop,sp->sok", self.matrices, values)]

    def check_elements(self, values: np.ndarray, n_states: int, elements: Elements) -> None:
        expected = (len(elements), values.shape[-1], values.shape[-1])
        self.check_time(elements)
        if values.ndim != 2 or self.matrices.shape != expected:
            raise ValueError(
                f"output matrices must have shape (element, output, output) {expected}, got {self.matrices.shape}"
            )

    def carried(self, values: np.ndarray, element: Elements, matrix: np.ndarray | None) -> np.ndarray:
        assert matrix is not None
        return values @ matrix.T


@dataclass(frozen=True)
class MatrixClass(Values):
    """Vectors that move by an unknown matrix of a given class."""

    generators: Generators
    mixes_alike = True

    def indices(self, n_indices: int) -> tuple[str, ...]:
        return ("linear",) * n_indices

    def in_units(self, units: np.ndarray) -> Values:
        if len(self.generators.states) != len(units):
            return self
        return replace(self, generators=Chart((0.0,) * len(units), tuple(units)).generators(self.generators))

    def moved(self, values: np.ndarray, generators: Generators, points: np.ndarray) -> list[np.ndarray]:
        raise ValueError("a class of matrices is for pairs (X, Y)")

    def carried(self, values: np.ndarray, element: Elements, matrix: np.ndarray | None) -> np.ndarray:
        raise ValueError("an unknown matrix can be found for generators only: give output as matrices")

    def act(self, generators: Generators, points: np.ndarray, shape: tuple[int, ...]) -> tuple[Generators, Moves]:
        size, (_, matrices) = int(np.prod(shape)), affine_parts(self.generators)
        if matrices.shape[1] != size:
            raise ValueError(f"output holds matrices on {matrices.shape[1]} values, the data have {size}")
        velocity, parts = padded(generators.values(points), [], np.moveaxis(matrices, 0, -1))
        candidates = joined_by_matrices(generators, size, "out", matrices)
        return candidates, Moves(velocity, parts[0], tuple(parts))


_KNOWN: dict[str, Values] = {
    "invariant": Tensor(None, element_action=INVARIANT),
    "vector": Tensor(("vector",), like_states=True, element_action=MAP),
    "vector_field": Tensor(("vector",), like_states=True, are_rates=True),
    "metric": Tensor(("covector", "covector")),
    "density": Density(),
}


def value_action(output: str | Sequence | np.ndarray | Generators | Values) -> Values:
    """Return the action on values that a user specifies, see `discover_function`; return an action unchanged.

    Raises
    ------
    ValueError
        For unknown words.
    """
    if isinstance(output, Values):
        return output
    if isinstance(output, Generators):
        return MatrixClass(output)
    if isinstance(output, list | tuple) and output and all(np.ndim(entry) == 2 for entry in output):
        output = np.asarray(output, dtype=float)
    if isinstance(output, np.ndarray):
        return Matrices(output)
    if isinstance(output, str) and output in _KNOWN:
        return _KNOWN[output]
    if isinstance(output, str) or any(action not in _INDICES for action in output):
        raise ValueError(
            f"output must be one of {(*_NAMES, 'density')}, a tuple of {_INDICES}, or matrices, got {output!r}"
        )
    return Tensor(tuple(output))
