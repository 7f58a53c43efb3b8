"""Whatever a user may call a symmetry, as a list of algebras, finite elements and conserved quantities."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from symdyn.lie.algebra import LieAlgebra
from symdyn.lie.conserved import Conserved
from symdyn.lie.fields import Generators, VectorField
from symdyn.lie.groups import Elements

__all__ = ["as_symmetries"]


def as_symmetries(symmetry) -> list[LieAlgebra | Elements | Conserved]:
    """Whatever is accepted as a symmetry, as a list of parts on the same states.

    Parameters
    ----------
    symmetry : LieAlgebra, Generators, VectorField, matrices `(generator, n, n)`, Elements, Conserved, or a list

    Raises
    ------
    TypeError
        For anything else.
    ValueError
        If the parts act on different numbers of states.
    """
    if isinstance(symmetry, LieAlgebra | Elements | Conserved):
        parts = [symmetry]
    elif isinstance(symmetry, Generators):
        parts = [LieAlgebra(symmetry)]
    elif isinstance(symmetry, VectorField):
        parts = [LieAlgebra(_as_generator(symmetry))]
    elif isinstance(symmetry, np.ndarray):
        parts = [LieAlgebra.from_matrices(symmetry.reshape(-1, *symmetry.shape[-2:]))]
    elif isinstance(symmetry, Sequence) and len(symmetry) and not isinstance(symmetry, str):
        parts = [part for member in symmetry for part in as_symmetries(member)]
    else:
        raise TypeError(
            "a symmetry is a LieAlgebra, generators, vector fields, matrices, finite elements, conserved quantities "
            f"or a list of these, got {symmetry!r}"
        )
    sizes = {len(part.states) for part in parts}
    if len(sizes) > 1:
        raise ValueError(f"the symmetries act on different numbers of states: {sorted(sizes)}")
    return parts


def _as_generator(field):
    if len(field.coefficients) != len(field.states):
        raise ValueError(
            f"a generator moves all of {len(field.states)} states, this field has {len(field.coefficients)} outputs; "
            "functions that a law conserves are given by symdyn.conserved"
        )
    return Generators(field.features, field.coefficients[None], np.zeros(1), field.states)
