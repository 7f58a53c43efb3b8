"""Brackets of generators: structure constants, closure, Killing form."""

from __future__ import annotations

import numpy as np

from symdyn.lie.vectorfields import Generators

__all__ = [
    "bracket_noise",
    "bracket_size",
    "bracket_strength",
    "closure_error",
    "jacobi_residual",
    "jacobi_tensor",
    "killing_form",
    "structure_constants",
]


def structure_constants(basis: Generators) -> np.ndarray:
    """Compute c `(i, j, k)` with [v_i, v_j] = D v_j v_i − D v_i v_j = sum_k c_ijk v_k, in the least-squares sense.

    Examples
    --------
    >>> import symdyn as sd
    >>> from symdyn.lie.structure.brackets import structure_constants
    >>> motions = sd.candidates.se(2)  # two translations and the rotation
    >>> structure_constants(motions)[2, 0].round(6) + 0.0  # [rotation, first translation]
    array([0., 1., 0.])
    """
    return _fit_brackets(basis)[0]


def closure_error(basis: Generators) -> float:
    """Compute |[v_i, v_j] − span| / |D v_i v_j| for the worst pair: 0 for an algebra, order 1 if a pair leaves it."""
    return _fit_brackets(basis)[1]


def killing_form(constants: np.ndarray) -> np.ndarray:
    """Compute the Killing form B `(i, j)` = trace(ad_i ad_j) = sum_lm c_ilm c_jml."""
    return np.einsum("ilm,jml->ij", constants, constants)


def jacobi_tensor(constants: np.ndarray) -> np.ndarray:
    """Compute J `(i, j, k, m)`: the components of [[e_i, e_j], e_k] + [[e_j, e_k], e_i] + [[e_k, e_i], e_j]."""
    nested = np.tensordot(constants, constants, 1)
    return nested + np.einsum("jkim->ijkm", nested) + np.einsum("kijm->ijkm", nested)


def jacobi_residual(constants: np.ndarray) -> float:
    """Compute |J| / |c|^2: 0 for a Lie algebra, about the relative error of the constants for an estimated one.

    It sees errors that `closure_error` cannot, and the other way round: fields always satisfy the Jacobi identity, but
    brackets projected on a span that is not closed do not.
    """
    size = np.sum(constants**2)
    return float(np.linalg.norm(jacobi_tensor(constants)) / size) if size else 0.0


def bracket_size(basis: Generators) -> float:
    """Compute |[v_i, v_j]| / |D v_i v_j|, root mean square over pairs; 0 if abelian, independent of units."""
    return _fit_brackets(basis)[2]


def bracket_noise(basis: Generators) -> float:
    """Compute |brackets − span| / |brackets| over all pairs: the relative error of brackets as far as it can be seen.

    Near 1 for generators that would commute but for errors, or do not close; 0 for an algebra, abelian ones included.
    """
    return _fit_brackets(basis)[3]


def bracket_strength(basis: Generators) -> float:
    """Compute |[v_i, v_j]| over |v_i| |v_j| for the worst pair, at standard normal points.

    Unlike `bracket_size` it is small for translations with small errors, whose D v_j v_i is nothing but error; and it
    depends on units, so it says something for generators with coefficients of order 1.
    """
    if len(basis) == 0:
        return 0.0
    points, _, brackets = _brackets(basis)
    sizes = np.sqrt(np.sum(basis.values(points) ** 2, axis=(0, 1)) / len(points))
    scale = np.outer(sizes, sizes)
    return float(np.max(np.sqrt(np.sum(brackets**2, axis=(0, 1)) / len(points)) / np.where(scale > 0, scale, 1.0)))


def _brackets(basis: Generators) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return points, and D v_j v_k and [v_k, v_j] there, both `(sample, state, k, j)`."""
    # Generic points decide an identity between analytic fields; a fixed seed keeps the answer fixed.
    n_functions = basis.coefficients.shape[2]
    points = np.random.default_rng(7).standard_normal((2 * n_functions + 10, len(basis.states)))
    products = np.einsum("soij,sik->sokj", basis.jacobians(points), basis.values(points))
    return points, products, products - np.swapaxes(products, 2, 3)


def _fit_brackets(basis: Generators) -> tuple[np.ndarray, float, float, float]:
    """Return structure constants, relative residual of the worst pair, relative size and error of the brackets."""
    n = len(basis)
    if n == 0:
        return np.zeros((0, 0, 0)), 0.0, 0.0, 0.0
    points, products, brackets = _brackets(basis)
    design = np.concatenate([basis.values(points).reshape(-1, n), basis.time_scaling[None]])
    targets = np.concatenate([brackets.reshape(-1, n * n), np.zeros((1, n * n))])
    weights, *_ = np.linalg.lstsq(design, targets, rcond=None)
    left = np.sqrt(np.sum((targets - design @ weights) ** 2, axis=0)).reshape(n, n)
    squares = np.sum(products**2, axis=(0, 1))
    scale = np.sqrt(squares + squares.T)
    worst = np.max(left / np.where(scale > 0, scale, 1.0))
    size = np.linalg.norm(targets) / (np.linalg.norm(products) or 1.0)
    noise = np.linalg.norm(left) / (np.linalg.norm(targets) or 1.0)
    return weights.T.reshape(n, n, n), float(worst), float(size), float(noise)
