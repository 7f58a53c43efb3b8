"""Point transformations carried to derivatives of fields of any order, exact for polynomial coefficients."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np

from symdyn.functions.features import Monomials
from symdyn.jets.evolution import component_polynomials
from symdyn.jets.jets import JetPolynomial, JetSpace, add, factors, multiply
from symdyn.lie.vectorfields import Generators

__all__ = ["prolong_to_jets", "prolonged_component"]


def prolonged_component(
    space: JetSpace, components: Sequence[JetPolynomial], field: int, order: tuple[int, ...]
) -> JetPolynomial:
    """Compute how u_J moves: phi^J = D_J (phi − sum xi_i u_i) + sum xi_i u_(J + i)  (Olver 1993, theorem 2.36).

    Parameters
    ----------
    space : JetSpace
    components : sequence of JetPolynomial
        Of the generator: coordinates, then fields.
    field : int
    order : tuple of int, `(coordinate,)`
        J.
    """
    n = len(space.coordinates)
    characteristic = components[n + field]
    for i in range(n):
        slope = {space.key(field, tuple(int(k == i) for k in range(n))): 1.0}
        characteristic = add(characteristic, multiply(components[i], slope), -1.0)
    moved = space.totals(characteristic, order)
    for i in range(n):
        higher = {space.key(field, tuple(k + (j == i) for j, k in enumerate(order))): 1.0}
        moved = add(moved, multiply(components[i], higher))
    return {key: value for key, value in moved.items() if value}


def prolong_to_jets(generators: Generators, n_coordinates: int, order: int) -> Generators:
    """Prolong generators on (t, x, ..., fields) to all jets up to `order`.

    Parameters
    ----------
    generators : Generators
        Polynomial, states `(t, x[, y], fields)`.
    n_coordinates : int
    order : int
        Highest total number of derivatives.

    Returns
    -------
    Generators
        On states `t, x, u, u_t, u_x, u_tt, ...`; their features are the monomials that occur.

    Raises
    ------
    ValueError
        For a negative order and for coefficients that are no polynomials.

    Examples
    --------
    >>> from symdyn.jets.jetprolongation import prolong_to_jets
    >>> from symdyn.jets.pointfields import parse_generators
    >>> boost = parse_generators(["t ∂x + ∂u"], ["t", "x", "u"])
    >>> prolong_to_jets(boost, 2, order=1).texts()  # a moving frame adds -u_x to u_t
    ['t ∂x + ∂u − u_x ∂u_t']
    """
    if order < 0:
        raise ValueError(f"order must be at least 0, got {order}")
    names = tuple(generators.states)
    space = JetSpace(names[:n_coordinates], names[n_coordinates:])
    indices = [j for j in product(range(order + 1), repeat=n_coordinates) if 1 <= sum(j) <= order]
    jets = sorted((space.jet(f, j), f, j) for f in range(len(space.fields)) for j in indices)
    rows = []
    for components in component_polynomials(space, generators):
        rows.append([*components, *(prolonged_component(space, components, f, j) for _, f, j in jets)])
    states = (*names, *(space.name(variable) for variable, *_ in jets))
    columns = {space.variable(name): place for place, name in enumerate(states)}
    keys = sorted({0} | {key for row in rows for polynomial in row for key in polynomial})
    exponents = []
    for key in keys:
        powers = [0] * len(states)
        for variable, power in factors(key):
            powers[columns[variable]] = power
        exponents.append(tuple(powers))
    coefficients = np.array([[[p.get(key, 0.0) for key in keys] for p in row] for row in rows])
    return Generators(Monomials(tuple(exponents)), coefficients, np.zeros(len(rows)), states)
