"""Candidates joined by unknown matrices on values: one extra state for each value that these act on."""

from __future__ import annotations

import numpy as np

from symdyn.functions.features import Polynomial
from symdyn.lie.vectorfields import Generators

__all__ = ["joined_by_matrices", "matrix_moves", "padded", "unit_moves"]


def matrix_moves(shape: tuple[int, ...], index: int) -> np.ndarray:
    """Return every matrix with a single 1 on one index of a tensor, as matrices on it flattened, generator last."""
    before, size, after = int(np.prod(shape[:index])), shape[index], int(np.prod(shape[index + 1 :]))
    units = np.eye(size * size).reshape(-1, size, size)
    return np.stack([np.kron(np.kron(np.eye(before), unit), np.eye(after)) for unit in units], axis=-1)


def padded(velocity: np.ndarray, parts: list[np.ndarray], moves: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """Join actions by candidates that move outputs only, by `moves` `(output, output, extra)`."""
    n, extra = len(velocity), moves.shape[-1]
    known = velocity.shape[-1]
    velocity = np.concatenate([velocity, np.zeros((*velocity.shape[:2], extra))], axis=-1)
    parts = [np.concatenate([part, np.zeros((*part.shape[:3], extra))], axis=-1) for part in parts]
    last = np.concatenate([np.zeros((*moves.shape[:2], known)), moves], axis=-1)
    return velocity, [*parts, np.broadcast_to(last, (n, *last.shape))]


def unit_moves(values: np.ndarray, index: int, row: int, column: int) -> np.ndarray:
    """Return what the matrix with a single 1 at (row, column), acting on one index, makes of the values."""
    moved = np.zeros_like(values)
    target: list[slice | int] = [slice(None)] * values.ndim
    source = list(target)
    target[index], source[index] = row, column
    moved[tuple(target)] = values[tuple(source)]
    return moved


def joined_by_matrices(generators: Generators, size: int, name: str, matrices: np.ndarray | None = None) -> Generators:
    """Return generators on more states, with the given matrices on the new ones (all if left out)."""
    n, m = len(generators.states), len(generators)
    if not isinstance(generators.features, Polynomial) or generators.coefficients.shape[2] != n + 1:
        raise ValueError("an unknown linear action on outputs needs affine candidates")
    matrices = np.eye(size * size).reshape(-1, size, size) if matrices is None else matrices
    coefficients = np.zeros((m + len(matrices), n + size, 1 + n + size))
    coefficients[:m, :n, : n + 1] = generators.coefficients
    coefficients[m:, n:, n + 1 :] = matrices
    states = (*generators.states, *(f"{name}_{i}" for i in range(size)))
    rates = np.concatenate([generators.time_scaling, np.zeros(len(matrices))])
    return Generators(Polynomial(1), coefficients, rates, states)
