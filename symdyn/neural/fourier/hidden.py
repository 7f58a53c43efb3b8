"""What the hidden channels of an equivariant operator are, and which layers go with them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from symdyn.neural.fourier.gridgroup import grid_group, plane_rotations
from symdyn.neural.fourier.multipliers import GroupConvolution, SteerableConvolution
from symdyn.neural.fourier.steerable import angular_basis, scalar_and_vector
from symdyn.neural.representations import Representation, trivial

__all__ = ["PermutedFeatures", "SteeredFeatures"]


class PermutedFeatures:
    """Hidden channels are functions on a finite group of the grid, times the values unless these move with the grid.

    Parameters
    ----------
    values : Representation
        Of the channels at every point.
    space : tuple of str
        Actions on the grid, none for values alone.
    joint : bool
        Whether values transform with the grid.
    d : int
        Number of axes of space.

    Attributes
    ----------
    outer, hidden, inner : Representation
        Of inputs and outputs, of one copy of the hidden channels, and of its part that space does not move.
    parts, pieces, permuted
        See `symdyn.neural.fourier.gates.Gate`.
    """

    def __init__(self, values: Representation, space: tuple[str, ...], joint: bool, d: int):
        self.group = grid_group(space, d, values if joint else None)
        moving = self.group.regular()
        self.parts, self.pieces, self.permuted = len(self.group), (1,), len(self.group)
        if joint:
            elements = self.group.values[list(self.group.generating)]
            self.inner, self.hidden = trivial(1), moving
            self.outer = Representation(np.zeros((0, values.dim, values.dim)), elements)
        else:
            self.inner = values
            self.outer, self.hidden = _apart(values, moving)

    def convolution(self, copies: int, modes, commuting: np.ndarray):
        """Build the layer between hidden channels; `commuting` is a basis of the matrices that commute with inner."""
        return GroupConvolution(copies, modes, self.group, commuting)


class SteeredFeatures:
    """Hidden channels are a scalar and a vector of space, times the values unless these move with space.

    Parameters and attributes are those of `PermutedFeatures`.

    Raises
    ------
    ValueError
        For a line, and for joint values without one generator per plane.
    """

    def __init__(self, values: Representation, space: tuple[str, ...], joint: bool, d: int):
        if d == 1:
            raise ValueError("rotations needs 2 or 3 axes of space, modes gives 1")
        moving = scalar_and_vector(d)
        self.parts, self.pieces, self.permuted = d + 1, (1, d), 1
        self.angular = angular_basis(moving, moving, d)
        if joint:
            planes = len(plane_rotations(d))
            if len(values.generators) != planes or len(values.elements):
                raise ValueError(
                    f"joint action: values hold {len(values.generators)} generators and {len(values.elements)} "
                    f"elements, rotations in {d} dimensions take {planes} generators, one a plane"
                )
            self.inner, self.outer, self.hidden = trivial(1), values, moving
        else:
            self.inner = values
            self.outer, self.hidden = _apart(values, moving)

    def convolution(self, copies: int, modes, commuting: np.ndarray):
        """Build the layer between hidden channels; `commuting` is a basis of the matrices that commute with inner."""
        return SteerableConvolution(copies, modes, self.angular, commuting)


def _apart(values: Representation, moving: Representation) -> tuple[Representation, Representation]:
    """Return values, and parts of space times values, under the generators and elements of both, independently."""
    counts = [len(values.generators), len(values.elements)], [len(moving.generators), len(moving.elements)]

    def extended(rep: Representation, before: Sequence[int], after: Sequence[int]) -> Representation:
        still = [np.zeros((n, rep.dim, rep.dim)) for n in (before[0], after[0])]
        same = [np.broadcast_to(np.eye(rep.dim), (n, rep.dim, rep.dim)) for n in (before[1], after[1])]
        errors = rep.errors
        if errors is not None:
            errors = np.pad(errors, ((0, 0), (before[0], after[0]), (0, 0), (0, 0)))
        generators = np.concatenate([still[0], rep.generators, still[1]])
        return Representation(generators, np.concatenate([same[0], rep.elements, same[1]]), errors)

    inside, outside = extended(values, (0, 0), counts[1]), extended(moving, counts[0], (0, 0))
    return inside, outside * inside
