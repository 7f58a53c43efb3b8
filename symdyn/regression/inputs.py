"""Symmetries of states, extended to control inputs and velocities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import linalg

from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.lie.algebras.conserved import Conserved
from symdyn.lie.algebras.covariances import mapped
from symdyn.lie.algebras.symmetries import Part, as_symmetries
from symdyn.lie.candidates import from_matrices
from symdyn.lie.chart import Chart
from symdyn.lie.constraints.subspace import Subspace
from symdyn.lie.groups import Elements
from symdyn.lie.prolongation import affine_parts
from symdyn.lie.vectorfields import Generators
from symdyn.regression.enforcing.enforcement import SymmetryLike

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["on_arguments"]


def on_arguments(
    symmetry: SymmetryLike | None, n_states: int, n_controls: int = 0, inputs: str | ArrayLike | None = None
) -> list[Part] | Subspace | None:
    """Extend a symmetry to states and inputs: prolong it where it acts on positions only, and append `inputs`.

    Parameters
    ----------
    symmetry : see `as_symmetries`, a Subspace, or None
    n_states, n_controls : int
        Numbers of states and of control inputs in the data.
    inputs : "invariant" or array `(generator, control, control)`, optional
        How generators and elements, in order, move the inputs. Not needed for a symmetry that acts on states and
        inputs together.

    Raises
    ------
    ValueError
        If the symmetry acts on another number of states, or its action on inputs is missing.
    """
    if symmetry is None or isinstance(symmetry, Subspace):
        return symmetry
    parts = as_symmetries(symmetry, n_states)
    n = len(parts[0].states)
    if n_controls and n == n_states and inputs is not None:
        return _extended(parts, n_controls, inputs)
    if inputs is not None:
        raise ValueError(
            f"inputs= says how the symmetry moves control inputs, but the data have {n_controls}, and the symmetry "
            f"acts on {n} of {n_states} states"
        )
    if n == n_states + n_controls:
        return parts
    if n_controls:
        raise ValueError(
            f"control inputs need a representation of the symmetry on them: it acts on {n} states, the data have "
            f"{n_states} and {n_controls} inputs; give inputs='invariant', or inputs= one matrix a generator"
        )
    moving = [part for part in parts if not isinstance(part, Conserved)]
    if 2 * n == n_states and len(moving) == len(parts):
        return [part.prolong() for part in moving]
    raise ValueError(f"the symmetry acts on {n} states, the data have {n_states}")


def _extended(parts: list[Part], n_controls: int, inputs: str | ArrayLike) -> list[Part]:
    total = sum(part.dim for part in parts)
    invariant = isinstance(inputs, str) and inputs == "invariant"
    matrices = None if invariant else np.asarray(inputs, dtype=float)
    if matrices is not None and matrices.shape != (total, n_controls, n_controls):
        raise ValueError(
            f"inputs must be 'invariant' or an array (generator, control, control) of shape "
            f"{(total, n_controls, n_controls)}, got {matrices.shape}"
        )
    found, start = [], 0
    for part in parts:
        here = None if matrices is None else matrices[start : start + part.dim]
        start += part.dim
        if isinstance(part, Elements):
            found.append(_extended_elements(part, n_controls, here))
        elif isinstance(part, LieAlgebra):
            found.append(_extended_algebra(part, n_controls, here))
        else:
            raise ValueError("conserved quantities constrain flows without control inputs")
    return found


def _extended_elements(members: Elements, n_controls: int, matrices: np.ndarray | None) -> Elements:
    if matrices is None:
        matrices = np.broadcast_to(np.eye(n_controls), (len(members), n_controls, n_controls))
    blocks = np.array([linalg.block_diag(*pair) for pair in zip(members.matrices, matrices, strict=True)])
    shifts = np.hstack([members.translations, np.zeros((len(members), n_controls))])
    return Elements(blocks, shifts, members.reverses_time, members.states + _names(n_controls), members.group)


def _extended_algebra(algebra: LieAlgebra, n_controls: int, matrices: np.ndarray | None) -> LieAlgebra:
    """Build (A, U) on states and inputs; the error bars are those of A, and U counts as known."""
    matrices = np.zeros((algebra.dim, n_controls, n_controls)) if matrices is None else matrices
    basis = _wide(algebra.basis, matrices)
    width = algebra.basis.vectors().shape[1]
    units = np.eye(width)
    none = np.zeros((1, n_controls, n_controls))
    jacobian = np.stack([_wide(algebra.basis.with_vectors(u[None]), none).vectors()[0] for u in units], axis=1)
    covariance = mapped(algebra.covariance, algebra.dim, turn=jacobian.T)
    chart = None if algebra.chart is None else algebra.chart + Chart.identity(n_controls)
    return LieAlgebra(basis, covariance, algebra.exact, chart)


def _wide(generators: Generators, matrices: np.ndarray) -> Generators:
    n_controls = matrices.shape[1]
    constant, linear = affine_parts(generators)
    blocks = np.array([linalg.block_diag(*pair) for pair in zip(linear, matrices, strict=True)])
    shifts = np.hstack([constant, np.zeros((len(blocks), n_controls))])
    return from_matrices(
        blocks, shifts, time_scaling=generators.time_scaling, states=generators.states + _names(n_controls)
    )


def _names(n_controls: int) -> tuple[str, ...]:
    return tuple(f"u{i}" for i in range(n_controls))
