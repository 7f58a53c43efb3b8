"""Affine maps of t, x, y and fields, decomposed into motions that a field on a grid can follow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from symdyn.data.grids import FieldGrid

__all__ = ["PointMap", "point_map"]

_SAME = 1e-9


@dataclass(frozen=True)
class PointMap:
    """(t, x, u) -> (alpha t + beta, S R x + ..., M u + ...), on the grid scaled by S.

    Parameters
    ----------
    labels : ndarray, `(2 + axis,)`
        alpha, beta, and the factor S of each axis.
    turn : ndarray, `(axis, axis)`
        R, orthogonal.
    velocity, shift : ndarray, `(axis,)`
        On the old grid, after the turn, everything moves by velocity * t + shift.
    values : ndarray, `(field, field)`
        M.
    slope, offset : ndarray, `(field, 1 + axis)` and `(field,)`
        What is added to the fields, by old time and place.
    keeps_box : bool
        Whether R maps a periodic box to itself.
    """

    labels: np.ndarray
    turn: np.ndarray
    velocity: np.ndarray
    shift: np.ndarray
    values: np.ndarray
    slope: np.ndarray
    offset: np.ndarray
    keeps_box: bool


def point_map(affine: np.ndarray, grid: FieldGrid) -> PointMap:
    """Decompose an affine map.

    Parameters
    ----------
    affine : ndarray, `(n, 1 + n)`
        Constants, then the matrix, on t, the axes of space, and the fields.
    grid : FieldGrid

    Raises
    ------
    ValueError
        For maps that a field on this grid cannot follow, naming what they do.
    """
    n_axes = len(grid.axes)
    place, field = slice(1, 1 + n_axes), slice(1 + n_axes, None)
    constant, matrix = affine[:, 0], affine[:, 1:]
    if np.any(np.abs(matrix[: 1 + n_axes, field]) > _SAME):
        raise ValueError("a generator moves space or time with the values of the fields: no field on a grid follows it")
    if np.any(np.abs(matrix[0, place]) > _SAME) or matrix[0, 0] <= 0:
        raise ValueError("a generator moves time with space (a Lorentz boost): no field on a grid of times follows it")
    scales, turn = _scales_and_turn(matrix[place, place])
    velocity, shift = matrix[place, 0] / scales, constant[place] / scales
    slope = matrix[field, : 1 + n_axes]
    turns = not np.allclose(turn, np.eye(n_axes), atol=_SAME)
    for axis, name in enumerate(grid.axes):
        moves = turns or abs(velocity[axis]) > _SAME or abs(shift[axis]) > _SAME
        if moves and not grid.periodic[axis]:
            raise ValueError(f"a generator moves {name}, which is not periodic: set its attribute period, if it is")
        grows = np.any(np.abs(slope[:, 1 + axis]) > _SAME)
        if grows and (grid.periodic[axis] or moves):
            raise ValueError(f"a generator adds to the fields what grows along {name}: they are not periodic after it")
    quarter = np.allclose(np.abs(turn), np.round(np.abs(turn)), atol=_SAME)
    if turns and not np.allclose(grid.steps[1] * grid.shape[1], grid.steps[-1] * grid.shape[-1], rtol=1e-6):
        raise ValueError("a generator turns space, whose periodic box is not square: periods would change places")
    labels = np.concatenate([[matrix[0, 0], constant[0]], scales])
    return PointMap(labels, turn, velocity, shift, matrix[field, field], slope, constant[field], quarter)


def _scales_and_turn(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find positive scales, and the orthogonal matrix R of `matrix` = scales R."""
    diagonal = np.diag(matrix)
    if np.all(np.abs(matrix - np.diag(diagonal)) <= _SAME) and np.all(diagonal > 0):
        return diagonal, np.eye(len(matrix))
    scale = np.sqrt(abs(np.linalg.det(matrix)))
    turn = matrix / max(scale, 1e-300)
    if not np.allclose(turn @ turn.T, np.eye(len(matrix)), atol=1e-6):
        raise ValueError("a generator shears space: a periodic field is not periodic after it")
    return np.full(len(matrix), scale), turn
