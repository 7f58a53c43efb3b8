"""Bases of the coefficients that symmetries allow: exact where all numbers are fractions, by groups otherwise."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import sparse

from symdyn.functions.sparse_arrays import shape_of
from symdyn.lie.constraints.elimination import exact_null_space, unknown_groups
from symdyn.lie.constraints.subspace import null_space, pivoted_basis

__all__ = ["shared_null_space"]


def shared_null_space(equations: Sequence[sparse.csr_array]) -> tuple[np.ndarray, np.ndarray]:
    """Compute the null space shared by sparse matrices, scaled to the identity on `pivots`.

    Integer matrices are solved exactly (`exact_null_space`), in reduced row-echelon form: each free number is the
    coefficient of the first term of its tuple. Others, and those whose fractions grow too large, are solved in
    floating point, by groups of equations that share no unknown.

    Parameters
    ----------
    equations : sequence of sparse arrays, `(equation, unknown)`
        At least one.

    Returns
    -------
    basis : ndarray, `(unknown, dim)`
    pivots : ndarray of int, `(dim,)`, ascending
    """
    if all(np.issubdtype(system.dtype, np.integer) for system in equations):
        exact = exact_null_space(equations)
        if exact is not None:
            return exact
    return _grouped_null_space(sparse.vstack([system.astype(float) for system in equations]).tocsr())


def _grouped_null_space(system: sparse.csr_array) -> tuple[np.ndarray, np.ndarray]:
    n_unknowns = shape_of(system)[1]
    columns, pivots = [np.zeros((n_unknowns, 0))], []
    for equations, unknowns in unknown_groups(system):
        block, here = pivoted_basis(null_space(equations))
        wide = np.zeros((n_unknowns, block.shape[1]))
        wide[unknowns] = block
        columns.append(wide)
        pivots.extend(unknowns[here].tolist())
    order = np.argsort(pivots)
    return np.concatenate(columns, axis=1)[:, order], np.asarray(pivots, dtype=int)[order]
