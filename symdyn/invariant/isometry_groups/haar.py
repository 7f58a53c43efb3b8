"""Averages over compact groups: all elements of finite ones, quadrature of the Haar measure of continuous ones."""

from __future__ import annotations

import numpy as np
from scipy import linalg

from symdyn.invariant.isometry_groups.group_order import TooManyElements, enumerated
from symdyn.invariant.manifolds import Torus
from symdyn.invariant.manifolds.eigenspaces import Manifold
from symdyn.invariant.manifolds.isometries import Isometries
from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.lie.candidates import from_matrices

__all__ = ["GroupNodes", "group_nodes", "is_rotation_algebra", "period_of"]

_LONGEST = 64  # ratios of frequencies in one flow are fractions with denominators up to this
_ROUNDING = 1e-7

# Matrices (node, n, n), translations (node, n) and weights (node,) that sum to 1.
GroupNodes = tuple[np.ndarray, np.ndarray, np.ndarray]


def group_nodes(manifold: Manifold, group: Isometries, n_nodes: int, cap: int = 20_000) -> GroupNodes:
    """Return elements and weights whose weighted mean is the mean over the group.

    Exact for finite groups; for a continuous one exact on functions of frequency below `n_nodes` on each circle. Finite
    generators beside fields must normalise the connected group of the fields: then the elements of both, multiplied,
    are the whole group.

    Parameters
    ----------
    manifold : Manifold
    group : Isometries
        Fields must commute, each with a closed flow, or span su(2) = so(3).
    n_nodes : int
        Nodes on each circle.
    cap : int
        Largest number of elements.

    Raises
    ------
    ValueError
        For other algebras, flows that do not close, and more than `cap` elements.
    """
    matrices, shifts = enumerated(manifold, group.finite(), cap)
    nodes = (matrices, shifts, np.full(len(matrices), 1 / len(matrices)))
    if group.continuous:
        nodes = _products(_connected_nodes(manifold, group, n_nodes, cap // len(matrices)), nodes)
    return nodes


def is_rotation_algebra(group: Isometries) -> bool:
    """Tell whether the fields of a group span so(3): its Killing form is negative."""
    algebra = _algebra(group)
    constants = algebra.structure_constants()
    killing = np.einsum("ial,jla->ij", constants, constants)
    return bool(algebra.dim == 3 and np.linalg.eigvalsh(killing).max() < -_ROUNDING)


def period_of(manifold: Manifold, matrix: np.ndarray, shift: np.ndarray) -> float:
    """Find the time after which the flow of a Killing field is back everywhere.

    Raises
    ------
    ValueError
        If it never is.
    """
    rates = np.abs(np.linalg.eigvals(matrix).imag)
    if isinstance(manifold, Torus):
        rates = np.concatenate([rates, 2 * np.pi * np.abs(shift) / manifold.periods])
    rates = rates[rates > _ROUNDING * rates.max(initial=0.0)]
    for turns in range(1, _LONGEST + 1):
        multiples = rates * turns / rates.min()
        if np.abs(multiples - np.rint(multiples)).max() < _ROUNDING * turns:
            return 2 * np.pi * turns / rates.min()
    raise ValueError("group holds a flow that never closes; give the generators of its closure, or kernel='sobolev'")


def _connected_nodes(manifold: Manifold, group: Isometries, n_nodes: int, cap: int) -> GroupNodes:
    if np.abs(_algebra(group).structure_constants()).max(initial=0.0) < _ROUNDING:  # all commute
        circles = [
            _circle(matrix, shift, period_of(manifold, matrix, shift), n_nodes)
            for matrix, shift in zip(group.field_matrices, group.field_shifts, strict=True)
            if np.any(matrix) or np.any(shift)
        ]
        _check_size(n_nodes ** len(circles), cap)
    elif is_rotation_algebra(group):
        circles = _euler_circles(manifold, group, n_nodes)
        _check_size(np.prod([len(circle[2]) for circle in circles]), cap)
    else:
        raise ValueError(
            "averages are made over commuting closed flows and over so(3); other connected groups are exact in "
            "SpectralAveraging and with kernel='sobolev', which need no average"
        )
    nodes = circles[0]
    for circle in circles[1:]:
        nodes = _products(nodes, circle)
    return nodes


def _circle(matrix: np.ndarray, shift: np.ndarray, period: float, n_nodes: int) -> GroupNodes:
    return (*_flow(matrix, shift, period * np.arange(n_nodes) / n_nodes), np.full(n_nodes, 1 / n_nodes))


def _euler_circles(manifold: Manifold, group: Isometries, n_nodes: int) -> list[GroupNodes]:
    """Return exp(a v_3), exp(b v_1), exp(c v_3), measure sin(b) da db dc, in a basis with [v_i, v_j] = ±v_k.

    In a basis orthonormal for −Killing / 2 the structure constants of so(3) are those of the cross product.
    """
    algebra = _algebra(group)
    constants = algebra.structure_constants()
    form = -np.einsum("ial,jla->ij", constants, constants) / 2
    basis = np.linalg.inv(np.linalg.cholesky(form))
    matrices = np.einsum("ab,bij->aij", basis, group.field_matrices)
    shifts = basis @ group.field_shifts
    turn = _circle(matrices[2], shifts[2], period_of(manifold, matrices[2], shifts[2]), n_nodes)
    heights, weights = np.polynomial.legendre.leggauss(max(n_nodes // 2, 2))
    tilt = (*_flow(matrices[0], shifts[0], np.arccos(heights)), weights / 2)
    # A spinor's second turn is the first one times −1, which the full period covers.
    return [turn, tilt, turn]


def _flow(matrix: np.ndarray, shift: np.ndarray, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    generator = np.block([[matrix, shift[:, None]], [np.zeros((1, len(shift) + 1))]])
    steps = linalg.expm(times[:, None, None] * generator)
    return steps[:, :-1, :-1], steps[:, :-1, -1]


def _products(first: GroupNodes, second: GroupNodes) -> GroupNodes:
    n = first[0].shape[1]
    matrices = np.einsum("gij,hjk->ghik", first[0], second[0]).reshape(-1, n, n)
    shifts = (np.einsum("gij,hj->ghi", first[0], second[1]) + first[1][:, None]).reshape(-1, n)
    return matrices, shifts, np.outer(first[2], second[2]).ravel()


def _algebra(group: Isometries) -> LieAlgebra:
    return LieAlgebra(from_matrices(group.field_matrices, group.field_shifts))


def _check_size(size: int, cap: int) -> None:
    if size > cap:
        raise TooManyElements(
            f"the average takes {size} elements, more than {cap}; lower n_nodes or use kernel='sobolev'"
        )
