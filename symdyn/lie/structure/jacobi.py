"""The Lie algebra nearest to estimated structure constants, which satisfy the Jacobi identity only nearly."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.sparse.linalg import LinearOperator, lsmr

from symdyn.lie.structure.brackets import jacobi_residual, jacobi_tensor
from symdyn.lie.structure.levi import bracket_span, centre, orthogonal_complement, radical, scaled

__all__ = ["nearest_algebra", "simplest_algebra"]


def nearest_algebra(constants: np.ndarray, project=None, n_steps: int = 20) -> np.ndarray:
    """Find antisymmetric constants that satisfy the Jacobi identity, close to the given ones.

    Gauss-Newton with the smallest step, J(c) + J'(c) d = 0 with |d| least, off the nearest point only to second order
    in the distance. The equations depend on each other, but only at a solution: near it J' has singular values of
    the size of J that stand for nothing, and a damping of that size keeps the step out of their directions.

    Parameters
    ----------
    constants : ndarray, `(i, j, k)`
    project : callable, optional
        Orthogonal projection of antisymmetric constants on a linear subspace in which the answer has to lie.
    n_steps : int

    Raises
    ------
    ValueError
        If the steps do not arrive: the constants are too far from any Lie algebra.
    """

    def allowed(tensor: np.ndarray) -> np.ndarray:
        tensor = (tensor - np.swapaxes(tensor, 0, 1)) / 2
        return tensor if project is None else project(tensor)

    constants = allowed(constants)
    for _ in range(n_steps):
        if jacobi_residual(constants) < 1e-13:
            return constants
        operator = _linearised(constants, allowed)
        residual = jacobi_tensor(constants).ravel()
        damp = 3 * np.linalg.norm(residual) / np.linalg.norm(constants)
        step = lsmr(operator, -residual, damp=damp, atol=1e-12, btol=1e-12, maxiter=100)[0]
        constants = constants + allowed(step.reshape(constants.shape))
    if jacobi_residual(constants) > 1e-10:
        raise ValueError("constants are not close to those of a Lie algebra: the Jacobi identity cannot be met nearby")
    return constants


def simplest_algebra(constants: np.ndarray, tolerance: float) -> np.ndarray:
    """Find a Lie algebra near the constants with a radical as large, and brackets as few, as `tolerance` allows.

    The radical r, n = [g, r], [n, n] and the centre are found with singular values below tolerance |c| taken as zero;
    what lies outside them is split off orthogonally. Brackets between these blocks whose size is below the tolerance,
    and traces of ad_x if all are small, are set to zero before the Jacobi identity is met.

    Raises
    ------
    ValueError
        If there is none within three times the tolerance.
    """
    constants = scaled(constants)
    n = len(constants)
    level = tolerance * np.sqrt(n)  # |c| = sqrt(n)
    blocks = _blocks(constants, level)
    basis = np.hstack(blocks)
    adapted = np.einsum("ia,jb,ijk,kc->abc", basis, basis, constants, basis, optimize=True)
    edges = np.cumsum([block.shape[1] for block in blocks])
    number = np.searchsorted(edges, np.arange(n), side="right")
    onehot = np.eye(len(blocks))[number]
    sizes = np.sqrt(np.einsum("abc,ax,by,cz->xyz", adapted**2, onehot, onehot, onehot, optimize=True))
    mask = (sizes > level)[np.ix_(number, number, number)]
    traceless = np.linalg.norm(np.trace(adapted, axis1=1, axis2=2)) <= level * np.sqrt(n)
    found = nearest_algebra(adapted, lambda tensor: _simplified(tensor, mask, traceless))
    if np.linalg.norm(found - adapted) > 3 * tolerance * np.linalg.norm(adapted):
        raise ValueError("no Lie algebra of this type lies within the tolerance")
    return found


def _blocks(constants: np.ndarray, level: float) -> list[np.ndarray]:
    """Return orthonormal blocks `(n, dim)` that span everything, from the flag g > r > [g, r] > [n, n] and centre."""
    whole = np.eye(len(constants))
    solvable = radical(constants, level)
    moved = bracket_span(constants, whole, solvable, level)
    flag = [whole, solvable, moved, bracket_span(constants, moved, moved, level)]
    middle = centre(constants, level)
    blocks = []
    for upper, lower in zip(flag, [*flag[1:], whole[:, :0]], strict=True):
        layer = upper @ orthogonal_complement(upper.T @ lower)[:, : upper.shape[1] - lower.shape[1]]
        if not layer.shape[1]:
            continue
        left, values, _ = np.linalg.svd(layer.T @ middle) if middle.shape[1] else (np.eye(layer.shape[1]), [], None)
        central = int(np.sum(np.asarray(values) > 0.9))
        blocks += [part for part in (layer @ left[:, central:], layer @ left[:, :central]) if part.shape[1]]
    return blocks


def _simplified(tensor: np.ndarray, mask: np.ndarray, traceless: bool) -> np.ndarray:
    """Return the part of antisymmetric constants inside a block pattern, with tr ad_x = 0 if asked for."""
    tensor = np.where(mask, tensor, 0.0)
    if not traceless:
        return tensor
    # The antisymmetric tensor of the functional x_i -> tr ad_i, restricted to the pattern, is taken out.
    n = len(tensor)
    gradients = np.einsum("ai,jk->aijk", np.eye(n), np.eye(n))
    gradients = np.where(mask, gradients - np.swapaxes(gradients, 1, 2), 0.0).reshape(n, -1)
    weights = np.linalg.lstsq(gradients.T, tensor.ravel(), rcond=None)[0]
    return tensor - (weights @ gradients).reshape(tensor.shape)


def _linearised(constants: np.ndarray, allowed: Callable[[np.ndarray], np.ndarray]) -> LinearOperator:
    """Build the operator d -> J'(c) d on the allowed d, with its adjoint."""
    n = len(constants)

    def forward(flat: np.ndarray) -> np.ndarray:
        move = allowed(flat.reshape(constants.shape))
        products = np.tensordot(move, constants, 1) + np.tensordot(constants, move, 1)
        return _cyclic(products).ravel()

    def backward(flat: np.ndarray) -> np.ndarray:
        weights = _cyclic(flat.reshape(n, n, n, n))  # a cyclic sum is its own adjoint
        first = np.tensordot(weights, constants, ((2, 3), (1, 2)))
        second = np.tensordot(constants, weights, ((0, 1), (0, 1)))
        return allowed(first + second).ravel()

    # scipy makes an instance of another class, which takes these arguments.
    return LinearOperator((n**4, n**3), matvec=forward, rmatvec=backward, dtype=float)  # pyright: ignore[reportCallIssue]


def _cyclic(tensor: np.ndarray) -> np.ndarray:
    return tensor + np.einsum("jkim->ijkm", tensor) + np.einsum("kijm->ijkm", tensor)
