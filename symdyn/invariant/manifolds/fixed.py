"""What a group fixes in an eigenspace of any manifold: dense matrices, found at generic points."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
from scipy import linalg, sparse

from symdyn.invariant.manifolds.isometries import Isometries

if TYPE_CHECKING:
    from symdyn.invariant.manifolds.eigenspaces import Eigenspace, Manifold

__all__ = ["action_matrices", "fixed_coefficients"]

_LARGEST = 8000  # unknowns of one dense eigenspace: half a gigabyte a matrix
_FIXED = 1e-8  # singular values of D − 1 below this are rounding


def action_matrices(manifold: Manifold, space: Eigenspace, group: Isometries) -> np.ndarray:
    """Compute the orthogonal matrices D `(element, m, m)` with Phi(g x) = Phi(x) D(g), of the finite generators.

    Coefficients c of f become those of x -> f(g x) by D(g) c. The eigenspace is mapped to itself, so solving
    Phi(X) D = Phi(g X) at m or more generic points X is exact.
    """
    points, solve = _solver(manifold, space)
    if not len(group.matrices):
        return np.zeros((0, space.multiplicity, space.multiplicity))
    return np.stack([solve(space(manifold.check(image))) for image in group.images(points)])


def fixed_coefficients(manifold: Manifold, space: Eigenspace, group: Isometries, vector: bool):
    """Compute the null space of all D(g) − 1, one generator after another, each inside what those before leave."""
    n_outputs = manifold.n_coordinates if vector else 1
    size = space.multiplicity * n_outputs
    if group.rho == 0:
        return sparse.eye_array(size, format="csc")
    if size > _LARGEST:
        raise ValueError(
            f"an eigenspace of {manifold} has {size} unknowns, too many for dense matrices; lower max_eigs_total"
        )
    points, solve = _solver(manifold, space)
    fixed = np.eye(size)
    for matrix, shift in _maps(manifold, space, group):
        moved = solve(space(manifold.check(points @ matrix.T + shift)))
        # f(g x) = A f(x) in coefficients is D C A = C, because A is orthogonal.
        outputs = matrix if vector else np.eye(1)
        blocks = fixed.reshape(space.multiplicity, n_outputs, -1)
        change = np.einsum("ab,bkr,kl->alr", moved, blocks, outputs, optimize=True) - blocks
        fixed = fixed @ _null(change.reshape(size, -1))
    return fixed


def _maps(manifold: Manifold, space: Eigenspace, group: Isometries) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the finite generators, and one finite step along each field.

    D of the flow over a time t is exp(t D'), D' of norm at most speed * sqrt(eigenvalue), and A adds at most |A|. With
    t the inverse of their sum all phases lie in [−1, 1], where exp(i phase) = 1 only for phase 0: the step fixes what
    the whole flow fixes.
    """
    yield from zip(group.matrices, group.shifts, strict=True)
    for matrix, shift in zip(group.field_matrices, group.field_shifts, strict=True):
        rate = manifold.speed(matrix, shift) * np.sqrt(space.eigenvalue) + np.linalg.norm(matrix, 2)
        if rate > 0:
            generator = np.block([[matrix, shift[:, None]], [np.zeros((1, len(shift) + 1))]])
            step = linalg.expm(generator / rate)
            yield step[:-1, :-1], step[:-1, -1]


def _solver(manifold: Manifold, space: Eigenspace) -> tuple[np.ndarray, Callable[[np.ndarray], np.ndarray]]:
    """Return generic points and the map from values of a function of the eigenspace at them to its coefficients."""
    points = manifold.sample(2 * space.multiplicity + 10, 17)
    basis, triangle = np.linalg.qr(space(points))
    return points, lambda values: linalg.solve_triangular(triangle, basis.T @ values)


def _null(rows: np.ndarray) -> np.ndarray:
    """Compute an orthonormal null space.

    Orthogonal maps need no scaling of columns, and the level of rounding is absolute.
    """
    _, values, right = np.linalg.svd(rows, full_matrices=rows.shape[0] < rows.shape[1])
    return right[np.pad(values, (0, len(right) - len(values))) <= _FIXED].T
