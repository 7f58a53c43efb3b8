"""The name of an algebra of estimated generators, whatever the units of the states."""

from __future__ import annotations

import numpy as np

from symdyn.functions.printing import monomial_exponents
from symdyn.lie.structure.brackets import bracket_noise, bracket_size, bracket_strength, structure_constants
from symdyn.lie.structure.classify import abelian_name, algebra_name
from symdyn.lie.structure.sparse_basis import ABELIAN
from symdyn.lie.vectorfields import Generators

__all__ = ["estimated_name", "natural_scales"]

_DEPENDENT = 1e-10  # smallest singular value of generators of unit length, of the largest, that are independent


def estimated_name(basis: Generators, errors: np.ndarray, draws: list[Generators]) -> str:
    """Name the algebra within the tolerance `ABELIAN`, given what closure and error bars say of the errors.

    Generators that depend on one another have no name, and the dimension of their span.

    Parameters
    ----------
    basis : Generators
    errors : ndarray, `(generator, coefficient)`
        Standard errors of `basis.vectors()`.
    draws : list of Generators
        The generators drawn from their error bars.
    """
    scales = natural_scales(basis, errors)

    def rescaled(generators: Generators) -> Generators:
        return generators.with_vectors(generators.vectors() * scales)

    vectors = rescaled(basis).vectors()
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    values = np.linalg.svd(vectors / np.where(lengths > 0, lengths, 1.0), compute_uv=False)
    if values[-1] < _DEPENDENT * values[0]:
        return f"unnamed, dimension {int(np.sum(values >= _DEPENDENT * values[0]))}"
    # Of unit length and at right angles, the constants of most algebras are of order 1.
    triangle = np.asarray(np.linalg.qr(vectors.T, mode="r"))  # an array, whatever numpy's types say of this mode
    mixture = np.linalg.inv(triangle.T)
    natural = rescaled(basis).combine(mixture)
    # Translations move nothing but what is wrong with them, so next to D v_j v_i their brackets are not small.
    if min(bracket_size(natural), bracket_strength(natural)) < ABELIAN:
        return abelian_name(len(basis))
    constants = structure_constants(natural)
    moved = [np.sum((structure_constants(rescaled(draw).combine(mixture)) - constants) ** 2) for draw in draws]
    spread = np.sqrt(np.mean(moved)) / np.linalg.norm(constants)
    return algebra_name(constants, ABELIAN, noise=max(bracket_noise(natural), float(spread)))


def natural_scales(basis: Generators, errors: np.ndarray) -> np.ndarray:
    """Compute factors `(coefficient,)` of `basis.vectors()` for units of the states in which error bars are alike.

    A state x_i = d_i y_i turns the coefficient of x^a in component i by d^a / d_i. The d_i are a least-squares fit
    of log(error) = log(d_i / d^a) + constant of the generator; of the coefficients themselves where there are no
    errors. Both change with the units of the states exactly as the d_i do. Other than polynomial fields stay as they
    are.
    """
    n, width = len(basis.states), basis.vectors().shape[1]
    exponents = monomial_exponents(basis.features, n)
    if exponents is None:
        return np.ones(width)
    powers = (np.eye(n)[:, None] - exponents).reshape(-1, n)  # of the d_j in the coefficient (i, a)
    values = (errors if np.any(errors) else np.abs(basis.vectors()))[:, :-1]
    rows, columns = np.nonzero(values > 1e-9 * values.max(axis=1, keepdims=True))
    design = np.hstack([powers[columns], np.eye(len(basis))[rows]])
    logarithms = np.linalg.lstsq(design, np.log(values[rows, columns]), rcond=None)[0][:n]
    return np.append(np.exp(-powers @ logarithms), 1.0)
