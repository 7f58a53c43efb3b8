"""How affine maps and affine generators move monomials, in exact numbers where these are simple fractions.

A generator A x + b turns x^a into sum_jl a_j A_jl x^(a − e_j + e_l) + sum_j a_j b_j x^(a − e_j), an element
x -> A x + b into prod_j (A_j x + b_j)^a_j. Monomials that are not in the library get columns of their own: what falls
on them must cancel.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from scipy import sparse

from symdyn.functions.features import Features
from symdyn.functions.printing import monomial_exponents, simple_fraction
from symdyn.lie import prolongation
from symdyn.lie.actions import Action, action_of
from symdyn.lie.groups import Elements
from symdyn.lie.vectorfields import Generators

__all__ = ["Images", "coefficient_equations", "exact_numbers", "is_affine", "polynomial_equations"]


class Images(NamedTuple):
    """Entries of the matrix M of theta(g x) = M theta(x), or of D theta v = M theta; entries of one place add."""

    values: np.ndarray
    rows: np.ndarray
    columns: np.ndarray
    shape: tuple[int, int]


def polynomial_equations(
    features: Features, part: Generators | Elements, n_inputs: int, kind: str | Action, n_outputs: int | None
) -> list[sparse.csr_array] | None:
    """What a symmetry asks of the coefficients of polynomials, one sparse matrix for each generator or element.

    Parameters
    ----------
    features : Features
    part : Generators or Elements
    n_inputs : int
        Number of states and inputs that the features read.
    kind : {"flow", "map", "second_order", "invariant"} or Action
    n_outputs : int, optional

    Returns
    -------
    list of sparse arrays, `(equation, output * feature)`, of int64 where all numbers are simple fractions
    None
        If the features are not distinct monomials, or the generators are not affine.
    """
    exponents = monomial_exponents(features, n_inputs)
    if exponents is None or len(np.unique(exponents, axis=0)) < len(exponents) or not is_affine(part):
        return None
    action = action_of(kind)
    if isinstance(part, Elements):
        acting = action.on_arguments(part)
        outputs = action.of_elements(part, n_outputs)
        images = [_element_images(exponents, *pair) for pair in zip(acting.matrices, acting.translations, strict=True)]
    else:
        moves = action.of_generators(part, np.vstack([np.zeros(n_inputs), np.eye(n_inputs)]), n_outputs)
        outputs = np.moveaxis(moves.outputs[0], -1, 0)
        linear = np.moveaxis(moves.inputs[1:] - moves.inputs[0], 0, 1)
        images = [_generator_images(exponents, linear[:, :, k], moves.inputs[0, :, k]) for k in range(linear.shape[-1])]
    return [coefficient_equations(image, psi) for image, psi in zip(images, outputs, strict=True)]


def is_affine(part) -> bool:
    """Whether a symmetry is made of affine maps or affine generators."""
    return isinstance(part, Elements) or (isinstance(part, Generators) and prolongation.is_affine(part))


def coefficient_equations(images: Images, outputs: np.ndarray) -> sparse.csr_array:
    """The matrix C with C vec(W) = 0 iff W M = psi W, where columns of M beyond the square part must vanish.

    Parameters
    ----------
    images : Images
        M, `(feature, feature + more)`.
    outputs : ndarray, `(output, output)`
        psi.

    Returns
    -------
    sparse array, `(equation, output * feature)`, of int64 where all numbers are simple fractions
    """
    (n_features, n_columns), m = images.shape, len(outputs)
    moved, psi = _over_common_denominator(images.values, exact_numbers(outputs))
    # Row (o, g) of C: sum_f W_of M_fg − sum_p psi_op W_pg.
    block, same = np.repeat(np.arange(m), len(moved)), np.arange(n_features)
    rows = [block * n_columns + np.tile(images.columns, m)]
    columns = [block * n_features + np.tile(images.rows, m)]
    values = [np.tile(moved, m)]
    for o, p in zip(*np.nonzero(psi), strict=True):
        rows.append(o * n_columns + same)
        columns.append(p * n_features + same)
        values.append(np.full(n_features, -psi[o, p]))
    terms, where = np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))
    shape = (m * n_columns, m * n_features)
    system, size = (sparse.coo_array((part, where), shape=shape).tocsr() for part in (terms, np.abs(terms)))
    # What cancels up to rounding is 0: it would count as an equation once unknowns are brought to one scale.
    system.data[np.abs(system.data) <= 1e-12 * size.data] = 0
    system.eliminate_zeros()
    return system[np.diff(system.indptr) > 0]


def exact_numbers(values: np.ndarray) -> np.ndarray:
    """The same numbers as fractions, if all of them are simple ones up to rounding; unchanged if not."""
    values = np.asarray(values, dtype=float)
    table = {value: simple_fraction(value) for value in np.unique(values).tolist()}
    if any(fraction is None for fraction in table.values()):
        return values
    exact = np.array([table[value] for value in values.ravel().tolist()] + [None], dtype=object)[:-1]
    return exact.reshape(values.shape)


def _over_common_denominator(*arrays: np.ndarray):
    """Arrays of numbers times their common denominator, as int64; as floats if not all are fractions."""
    numbers = [number for array in arrays for number in array.ravel().tolist()]
    if not any(isinstance(number, float) for number in numbers):
        common = math.lcm(*(Fraction(number).denominator for number in numbers))
        if max((abs(number * common) for number in numbers), default=0) < 2**31:
            integers = (np.array([int(x * common) for x in array.ravel()], dtype=np.int64) for array in arrays)
            return [part.reshape(array.shape) for part, array in zip(integers, arrays, strict=True)]
    return [array.astype(float) for array in arrays]


def _generator_images(exponents: np.ndarray, linear: np.ndarray, constant: np.ndarray):
    """M of D theta (A x + b) = M theta, with A and b of one generator."""
    both, n = np.column_stack([linear, constant]), len(linear)
    exact = exact_numbers(both)
    rows, moved, values = [], [], []
    for j, target in zip(*np.nonzero(both), strict=True):
        here = np.flatnonzero(exponents[:, j])
        raised = exponents[here].copy()
        raised[:, j] -= 1
        if target < n:
            raised[:, target] += 1
        rows.append(here)
        moved.append(raised)
        values.append(exponents[here, j].astype(object) * exact[j, target])
    return _collected(exponents, rows, moved, values)


def _element_images(exponents: np.ndarray, matrix: np.ndarray, shift: np.ndarray):
    """M of theta(A x + b) = M theta."""
    both = exact_numbers(np.column_stack([matrix, shift]))
    n = len(matrix)
    unit = [tuple(row) for row in np.vstack([np.eye(n, dtype=int), np.zeros((1, n), dtype=int)]).tolist()]
    factors = [[(unit[column], both[j, column]) for column in np.flatnonzero(both[j])] for j in range(n)]
    known = {(0,) * n: {(0,) * n: 1}}
    images = [_image(tuple(row), factors, known) for row in exponents.tolist()]
    rows = [np.full(len(image), feature) for feature, image in enumerate(images)]
    moved = [np.array(list(image), dtype=int).reshape(-1, n) for image in images]
    values = [np.array([*image.values(), None], dtype=object)[:-1] for image in images]
    return _collected(exponents, rows, moved, values)


def _image(monomial: tuple[int, ...], factors: list[dict], known: dict):
    """The polynomial that a monomial becomes, from that of a monomial one degree lower."""
    if monomial not in known:
        j = next(index for index, power in enumerate(monomial) if power)
        lower = _image((*monomial[:j], monomial[j] - 1, *monomial[j + 1 :]), factors, known)
        product = {}
        for powers, value in lower.items():
            for step, factor in factors[j]:
                raised = tuple(map(sum, zip(powers, step, strict=True)))
                product[raised] = product.get(raised, 0) + value * factor
        known[monomial] = {powers: value for powers, value in product.items() if value}
    return known[monomial]


def _collected(exponents: np.ndarray, rows: np.ndarray, moved: list[np.ndarray], values: np.ndarray):
    """Terms as a sparse matrix; monomials that are not in the library follow those that are."""
    n = exponents.shape[1]
    reached = np.concatenate([exponents, *moved]).reshape(-1, n)
    _, first, place = np.unique(reached, axis=0, return_index=True, return_inverse=True)
    order = np.empty(len(first), dtype=int)
    order[np.argsort(first)] = np.arange(len(first))  # the library comes first, in its own order
    columns = order[np.ravel(place)][len(exponents) :]
    data = np.concatenate([np.zeros(0, dtype=object), *values])
    where = (np.concatenate([np.zeros(0, dtype=int), *rows]), columns)
    return Images(data, *where, (len(exponents), len(first)))
