"""Brackets of generators: structure constants, closure, Killing form."""

from __future__ import annotations

import numpy as np

from symdyn.lie.fields import Generators

__all__ = ["bracket_size", "closure_error", "killing_form", "structure_constants"]


def structure_constants(basis: Generators) -> np.ndarray:
    """c `(i, j, k)` with [v_i, v_j] = D v_j v_i − D v_i v_j = sum_k c_ijk v_k, in the least-squares sense."""
    return _fit_brackets(basis)[0]


def closure_error(basis: Generators) -> float:
    """|[v_i, v_j] − span| over |D v_i v_j| for the worst pair: 0 for an algebra, of order 1 if a pair leaves it."""
    return _fit_brackets(basis)[1]


def killing_form(constants: np.ndarray) -> np.ndarray:
    """B `(i, j)` = trace(ad_i ad_j) = sum_lm c_ilm c_jml."""
    return np.einsum("ilm,jml->ij", constants, constants)


def bracket_size(basis: Generators) -> float:
    """|[v_i, v_j]| over |D v_i v_j|, root mean square over pairs; 0 for an abelian algebra, free of units."""
    return _fit_brackets(basis)[2]


def _fit_brackets(basis):
    """Structure constants, relative residual of the worst pair, relative size of the brackets."""
    n = len(basis)
    if n == 0:
        return np.zeros((0, 0, 0)), 0.0, 0.0
    # Generic points decide an identity between analytic fields; a fixed seed keeps the answer fixed.
    n_functions = basis.coefficients.shape[2]
    points = np.random.default_rng(7).standard_normal((2 * n_functions + 10, len(basis.states)))
    products = np.einsum("soij,sik->sokj", basis.jacobians(points), basis.values(points))  # D v_j v_k
    brackets = products - np.swapaxes(products, 2, 3)  # (s, o, k, j): [v_k, v_j]
    design = np.concatenate([basis.values(points).reshape(-1, n), basis.time_scaling[None]])
    targets = np.concatenate([brackets.reshape(-1, n * n), np.zeros((1, n * n))])
    weights, *_ = np.linalg.lstsq(design, targets, rcond=None)
    left = np.sqrt(np.sum((targets - design @ weights) ** 2, axis=0)).reshape(n, n)
    squares = np.sum(products**2, axis=(0, 1))
    scale = np.sqrt(squares + squares.T)
    worst = np.max(left / np.where(scale > 0, scale, 1.0))
    size = np.linalg.norm(targets) / (np.linalg.norm(products) or 1.0)
    return weights.T.reshape(n, n, n), float(worst), float(size)
