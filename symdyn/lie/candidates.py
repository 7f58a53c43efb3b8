"""Candidate algebras: where discovery looks.

Every function returns `Generators`. Linear and affine candidates share the features 1, x_1 ... x_n,
so they add (`translations(2) + so(2)`). Keywords: `copies` (the same matrix acts on several blocks of the state),
`time_scaling` (adds the rescaling of time as one more candidate), `states` (names).
"""

from __future__ import annotations

from itertools import combinations

import numpy as np

from symdyn.lie.features import Polynomial
from symdyn.lie.fields import Generators

__all__ = [
    "affine",
    "from_matrices",
    "gl",
    "lorentz",
    "polynomial",
    "scalings",
    "se",
    "so",
    "symplectic",
    "translations",
]


def from_matrices(matrices, translations=None, *, copies: int = 1, time_scaling=False, states=None) -> Generators:
    """Affine generators v_k(x) = A_k x + b_k.

    Parameters
    ----------
    matrices : array_like, `(generator, n, n)`
    translations : array_like, `(generator, n)`, optional
    copies : int
        Number of blocks of n states on which the same generator acts.
    time_scaling : bool or array_like `(generator,)`
        True appends the pure rescaling of time; an array gives each generator its rate of time.
    states : sequence of str, optional
        Names of the states; `x0, x1, ...` if left out.
    """
    matrices = np.asarray(matrices, dtype=float)
    if matrices.ndim != 3 or matrices.shape[1] != matrices.shape[2]:
        raise ValueError(f"matrices must have shape (generator, n, n), got {matrices.shape}")
    shifts = np.zeros(matrices.shape[:2]) if translations is None else np.asarray(translations, dtype=float)
    size = copies * matrices.shape[1]
    blocks = np.array([np.kron(np.eye(copies), matrix) for matrix in matrices]).reshape(len(matrices), size, size)
    coefficients = np.concatenate([np.tile(shifts, copies)[:, :, None], blocks], axis=2)
    rates = np.zeros(len(matrices))
    if time_scaling is True:
        coefficients = np.concatenate([coefficients, np.zeros((1, *coefficients.shape[1:]))])
        rates = np.append(rates, 1.0)
    elif time_scaling is not False:
        rates = np.asarray(time_scaling, dtype=float)
    names = _names(states, coefficients.shape[1])
    return Generators(Polynomial(1), coefficients, rates, names)


def translations(n: int, **options) -> Generators:
    """R^n: the n constant fields."""
    return from_matrices(np.zeros((n, n, n)), np.eye(n), **options)


def so(n: int, **options) -> Generators:
    """so(n): the n(n-1)/2 rotations x_j ∂_i − x_i ∂_j."""
    return lorentz(0, n, **options)


def lorentz(p: int, q: int, **options) -> Generators:
    """so(p, q): linear fields that keep the form diag(−1 ... −1, +1 ... +1) with p minus signs."""
    form = np.array([-1.0] * p + [1.0] * q)
    return from_matrices(_antisymmetric_under(form), **options)


def se(n: int, **options) -> Generators:
    """se(n): translations and rotations."""
    rotations = _antisymmetric_under(np.ones(n))
    matrices = np.concatenate([np.zeros((n, n, n)), rotations])
    shifts = np.concatenate([np.eye(n), np.zeros((len(rotations), n))])
    return from_matrices(matrices, shifts, **options)


def gl(n: int, **options) -> Generators:
    """gl(n): all linear fields, one for each entry of the matrix."""
    return from_matrices(_units(n), **options)


def affine(n: int, **options) -> Generators:
    """aff(n): translations and all linear fields."""
    matrices = np.concatenate([np.zeros((n, n, n)), _units(n)])
    shifts = np.concatenate([np.eye(n), np.zeros((n * n, n))])
    return from_matrices(matrices, shifts, **options)


def scalings(n: int, **options) -> Generators:
    """The n scalings x_i ∂_i."""
    return from_matrices(np.stack([np.diag(row) for row in np.eye(n)]), **options)


def symplectic(n: int, **options) -> Generators:
    """sp(n), n even: linear fields J S with S symmetric, J the symplectic form of (q, p)."""
    if n % 2:
        raise ValueError(f"symplectic needs an even number of states, got {n}")
    half = np.eye(n // 2)
    form = np.block([[np.zeros_like(half), half], [-half, np.zeros_like(half)]])
    symmetric = []
    for i in range(n):
        for j in range(i, n):
            matrix = np.zeros((n, n))
            matrix[i, j] = matrix[j, i] = 1.0
            symmetric.append(form @ matrix)
    return from_matrices(np.stack(symmetric), **options)


def polynomial(n: int, degree: int, *, time_scaling: bool = False, states=None) -> Generators:
    """All polynomial fields up to `degree`."""
    features = Polynomial(degree)
    size = features.size(n)
    coefficients = np.eye(n * size).reshape(n * size, n, size)
    rates = np.zeros(n * size)
    if time_scaling:
        coefficients = np.concatenate([coefficients, np.zeros((1, n, size))])
        rates = np.append(rates, 1.0)
    return Generators(features, coefficients, rates, _names(states, n))


def _units(n):
    return np.eye(n * n).reshape(n * n, n, n)


def _antisymmetric_under(form):
    """Matrices A with A^T eta + eta A = 0 for the diagonal form eta."""
    matrices = []
    for i, j in combinations(range(len(form)), 2):
        matrix = np.zeros((len(form), len(form)))
        matrix[i, j], matrix[j, i] = form[i], -form[j]
        matrices.append(matrix * form[i])
    return np.array(matrices).reshape(len(matrices), len(form), len(form))


def _names(states, n):
    names = tuple(states) if states is not None else tuple(f"x{i}" for i in range(n))
    if len(names) != n:
        raise ValueError(f"states names {len(names)} states, the candidates act on {n}")
    return names
