"""Structure constants of Lie algebras by name, built from matrices and matrix commutators."""

import numpy as np

from symdyn.lie import candidates

TURN = np.array([[0.0, 1.0], [-1.0, 0.0]])


def unit(n, i, j):
    matrix = np.zeros((n, n))
    matrix[i, j] = 1.0
    return matrix


def constants(matrices):
    """c with A_i A_j − A_j A_i = sum_k c_ijk A_k, for matrices that close."""
    matrices = np.array(matrices, dtype=float)
    n = len(matrices)
    products = np.einsum("aij,bjk->abik", matrices, matrices)
    brackets = (products - np.swapaxes(products, 0, 1)).reshape(n * n, -1).T
    flat = matrices.reshape(n, -1).T
    found = np.linalg.lstsq(flat, brackets, rcond=None)[0]
    np.testing.assert_allclose(flat @ found, brackets, atol=1e-12)
    return found.T.reshape(n, n, n)


def linear(generators):
    return list(generators.coefficients[:, :, 1:])


def so(p, q):
    return linear(candidates.lorentz(p, q))


def gl(n):
    return [unit(n, i, j) for i in range(n) for j in range(n)]


def sl(n):
    diagonal = [unit(n, i, i) - unit(n, i + 1, i + 1) for i in range(n - 1)]
    return [unit(n, i, j) for i in range(n) for j in range(n) if i != j] + diagonal


def realified(matrix):
    return np.block([[matrix.real, -matrix.imag], [matrix.imag, matrix.real]])


def su(p, q):
    """A = i eta H with H hermitian, less its trace."""
    n, eta = p + q, np.diag([1.0] * p + [-1.0] * q)
    found = []
    for i in range(n):
        for j in range(i):
            found += [1j * eta @ (unit(n, i, j) + unit(n, j, i)), eta @ (unit(n, i, j) - unit(n, j, i))]
    found += [1j * (unit(n, i, i) - unit(n, i + 1, i + 1)) for i in range(n - 1)]
    return [realified(np.asarray(matrix, dtype=complex)) for matrix in found]


def acting(matrices, n):
    """s ⋉ R^n as affine maps."""
    found = [np.pad(np.asarray(matrix, dtype=float), ((0, 1), (0, 1))) for matrix in matrices]
    return constants(found + [unit(n + 1, i, n) for i in range(n)])


def joined(*algebras):
    size = sum(len(c) for c in algebras)
    total, start = np.zeros((size, size, size)), 0
    for c in algebras:
        block = slice(start, start + len(c))
        total[block, block, block] = c
        start += len(c)
    return total


def flat(n):
    return np.zeros((n, n, n))


def heisenberg(m):
    c = np.zeros((2 * m + 1,) * 3)
    for i in range(m):
        c[i, m + i, 2 * m], c[m + i, i, 2 * m] = 1.0, -1.0
    return c


def jacobi_algebra():
    """sl(2) ⋉ heis(3): matrices (0 w J z; 0 A w; 0 0 0)."""
    found = [np.pad(matrix, 1) for matrix in sl(2)] + [unit(4, 0, 3)]
    for k in range(2):
        matrix = unit(4, k + 1, 3)
        matrix[0, 1:3] = TURN[k]
        found.append(matrix)
    return constants(found)


def galilei():
    found = [np.pad(matrix, ((0, 2), (0, 2))) for matrix in so(0, 3)]
    return constants(found + [unit(5, i, j) for i in range(3) for j in (3, 4)] + [unit(5, 3, 4)])


SL2C = [realified(factor * matrix.astype(complex)) for factor in (1, 1j) for matrix in sl(2)]
SO3, SL2, SE2, E11 = constants(so(0, 3)), constants(sl(2)), acting(so(0, 2), 2), acting(so(1, 1), 2)
AFF1, SE3, HEIS = acting([np.eye(1)], 1), acting(so(0, 3), 3), heisenberg(1)

# No small change of the constants leads to another algebra.
RIGID = {
    "so(3)": SO3,
    "sl(2)": SL2,
    "so(4)": constants(so(0, 4)),
    "so(1,3)": constants(so(1, 3)),
    "so(2,2)": constants(so(2, 2)),
    "so(5)": constants(so(0, 5)),
    "so(1,4)": constants(so(1, 4)),
    "so(2,3)": constants(so(2, 3)),
    "sl(3)": constants(sl(3)),
    "su(3)": constants(su(3, 0)),
    "su(2,1)": constants(su(2, 1)),
    "so(3) + sl(2)": joined(SL2, SO3),
    "so(3) + R": joined(flat(1), SO3),
    "sl(2) + R": constants(gl(2)),
    "sl(3) + R": constants(gl(3)),
    "so(1,3) + R": joined(constants(so(1, 3)), flat(1)),
    "aff(2)": acting(gl(2), 2),
    "aff(1)": AFF1,
    "aff(1) + aff(1)": joined(AFF1, AFF1),
    "so(3) + aff(1)": joined(AFF1, SO3),
    "sl(2) ⋉ R^2": acting(sl(2), 2),
    "(so(2) + R) ⋉ R^2": acting([TURN, np.eye(2)], 2),
    "(so(3) + R) ⋉ R^3": acting([*so(0, 3), np.eye(3)], 3),
    "sl(2) ⋉ heis(3)": jacobi_algebra(),
}
LARGE = {
    "so(6)": constants(so(0, 6)),
    "so(1,5)": constants(so(1, 5)),
    "so(2,4)": constants(so(2, 4)),
    "sl(4)": constants(sl(4)),
    "su(3,1)": constants(su(3, 1)),
    "aff(3)": acting(gl(3), 3),
    "(so(1,3) + R) ⋉ R^4": acting([*so(1, 3), np.eye(4)], 4),
}
# Next to other algebras at every distance.
DEFORMABLE = {
    "heis(3)": HEIS,
    "heis(5)": heisenberg(2),
    "heis(7)": heisenberg(3),
    "se(2)": SE2,
    "e(1,1)": E11,
    "se(3)": SE3,
    "se(4)": acting(so(0, 4), 4),
    "iso(1,2)": acting(so(1, 2), 3),
    "iso(1,3)": acting(so(1, 3), 4),
    "so(1,3) ⋉ R^4": acting(SL2C, 4),  # on Weyl spinors
    "so(3) ⋉ R^6": acting([np.kron(np.eye(2), matrix) for matrix in so(0, 3)], 6),
    "gal(3)": galilei(),
    "heis(3) + R": joined(flat(1), HEIS),
    "heis(3) + R^2": joined(HEIS, flat(2)),
    "heis(3) + heis(3)": joined(HEIS, HEIS),
    "aff(1) + R": joined(AFF1, flat(1)),
    "aff(1) + R^2": joined(AFF1, flat(2)),
    "se(2) + R": joined(SE2, flat(1)),
    "e(1,1) + R": joined(E11, flat(1)),
    "se(2) + aff(1)": joined(AFF1, SE2),
    "se(3) + R": joined(SE3, flat(1)),
    "se(3) + se(2)": joined(SE2, SE3),
    "so(3) + R^3": joined(flat(3), SO3),
    "so(3) + heis(3)": joined(HEIS, SO3),
    "so(2,2) + R^2": joined(SL2, flat(2), SL2),
}
NAMED = {**RIGID, **LARGE, **DEFORMABLE}
# R ⋉ R^n by matrices that have no name of their own, and R^2 ⋉ R^2 by {1, nilpotent}.
WITHOUT_NAME = [
    acting([matrix], len(matrix))
    for matrix in (
        np.eye(2),
        np.eye(3),
        np.array([[1, 1], [0, 1]]),
        np.diag([1, 2]),
        np.diag([1, -1.01]),
        TURN + 0.01 * np.eye(2),
        np.diag([1, -1, 0.5]),
        np.kron(np.eye(2), TURN),
        np.diag([1.0, 1.0], k=1),
    )
] + [acting([np.eye(2), unit(2, 0, 1)], 2)]


def in_another_basis(c, rng, condition=1.0):
    """The constants after a random change of basis with the given condition number."""
    n = len(c)
    left, right = np.linalg.qr(rng.standard_normal((2, n, n)))[0]
    sizes = condition ** rng.uniform(0, 1, n)
    sizes[[0, -1]] = 1.0, condition if n > 1 else 1.0
    change, inverse = left @ np.diag(sizes) @ right, right.T @ np.diag(1 / sizes) @ left.T
    return np.einsum("ai,bj,ijk,kc->abc", change, change, c, inverse, optimize=True)


def with_noise(c, level, rng):
    """Independent errors, antisymmetric like the constants, relative to the largest one."""
    noise = rng.standard_normal(c.shape)
    return c + level * np.abs(c).max() * (noise - np.swapaxes(noise, 0, 1)) / np.sqrt(2)
