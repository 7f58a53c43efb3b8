"""The name of a Lie algebra from its structure constants.

Levi: an algebra is a semisimple part and a radical; the Killing form is nondegenerate on the first. Named here are
reductive algebras, semisimple + centre; everything else is reported as unnamed with its dimension.
"""

from __future__ import annotations

import numpy as np

from symdyn.lie.brackets import killing_form

__all__ = ["abelian_name", "algebra_name", "is_rotation"]

# Simple (or commonly named) semisimple algebras by (dimension, positive directions of the Killing form).
_SEMISIMPLE = {
    (3, 0): "so(3)",
    (3, 2): "sl(2)",
    (6, 0): "so(4)",
    (6, 3): "so(1,3)",
    (6, 2): "so(3) + sl(2)",
    (6, 4): "so(2,2)",
    (8, 0): "su(3)",
    (8, 4): "su(2,1)",
    (8, 5): "sl(3)",
    (10, 0): "so(5)",
    (10, 4): "so(1,4)",
    (10, 6): "so(2,3)",
    (15, 9): "sl(4)",
}


def algebra_name(constants: np.ndarray, tolerance: float = 0.05) -> str:
    """A name such as `so(3) + R`, or `unnamed, dimension k`.

    Parameters
    ----------
    constants : ndarray, `(i, j, k)`
        Structure constants.
    tolerance : float
        Eigenvalues below this fraction of the largest count as zero (constants may be estimates).
    """
    n = len(constants)
    size = np.abs(constants).max(initial=0.0)
    if size == 0:
        return abelian_name(n)
    values = np.linalg.eigvalsh(killing_form(constants))
    large = np.abs(values) > tolerance * np.abs(values).max(initial=1e-300)
    derived = np.linalg.svd(constants.reshape(n * n, n), compute_uv=False)
    n_derived = int((derived > tolerance * derived[0]).sum())
    n_semisimple = int(large.sum())
    # Reductive: the derived algebra is the semisimple part, what is left is the centre.
    if np.abs(values).max() < tolerance**2 * size**2 or n_derived != n_semisimple:
        return f"unnamed, dimension {n}"
    name = _SEMISIMPLE.get((n_semisimple, int((values[large] > 0).sum())))
    if name is None:
        return f"unnamed, dimension {n}"
    return name if n == n_semisimple else f"{name} + {abelian_name(n - n_semisimple)}"


def is_rotation(matrix: np.ndarray, tolerance: float = 1e-2) -> bool:
    """Whether x' = A x turns every state round at one or more fixed rates (purely imaginary spectrum, bounded)."""
    values, vectors = np.linalg.eig(matrix)
    bounded = np.linalg.cond(vectors) < 1e6
    return bool(bounded and np.abs(values.real).max() <= tolerance * np.abs(values).max() and np.any(values.imag))


def abelian_name(n: int) -> str:
    """`0`, `R`, `R^2`, ..."""
    return "0" if n == 0 else "R" if n == 1 else f"R^{n}"
