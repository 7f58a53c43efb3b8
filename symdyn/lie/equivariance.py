"""Models that keep a symmetry: the null space of the Lie derivative over coefficients."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from symdyn.lie.algebra import LieAlgebra
from symdyn.lie.derivative import LieDerivative, act
from symdyn.lie.features import Features
from symdyn.lie.fields import Generators
from symdyn.lie.subspace import Subspace, null_space, pivoted_basis

__all__ = ["as_algebras", "equivariant_subspace"]


def equivariant_subspace(features: Features, symmetry, *, output: str | None = None) -> Subspace:
    """The coefficient matrices W for which F = W theta keeps a symmetry: L(v, W theta) = 0 for all generators.

    For a flow x' = W theta(x) the condition is Dv f − Df v = tau f. It is imposed at generic random points, more than
    there are unknowns, which is exact for analytic features (Otto et al., arXiv 2311.00212). Error bars of generators
    that are not exact set the rank cut.

    Parameters
    ----------
    features : Features
        The functions theta over the states that the symmetry acts on.
    symmetry : LieAlgebra, Generators, array `(generator, n, n)`, a list of these, or a Subspace (returned as it is)
    output : {"vector_field", "second_order", "invariant"}, optional
        `"vector_field"` if left out.

    Returns
    -------
    Subspace
        Its `dim` is 0 if the symmetry leaves nothing.
    """
    kinds = {None: "flow", "vector_field": "flow", "second_order": "second_order", "invariant": "invariant"}
    if output not in kinds:
        raise ValueError(f"output must be one of {list(kinds)[1:]}, got {output!r}")
    if isinstance(symmetry, Subspace):
        return symmetry
    algebras = as_algebras(symmetry)
    kind = kinds[output]
    n_inputs = len(algebras[0].states) * (2 if kind == "second_order" else 1)
    n_outputs = 1 if kind == "invariant" else len(algebras[0].states)
    shape = (n_outputs, features.size(n_inputs))
    points = np.random.default_rng(11).standard_normal((2 * shape[1] + 10, n_inputs))
    rows = np.concatenate([_rows(features, algebra, points, kind) for algebra in algebras])
    draws = None if all(algebra.exact.all() for algebra in algebras) else _draws(features, algebras, points, kind)
    basis, pivots = pivoted_basis(null_space(rows, draws))
    return Subspace(basis, shape, pivots)


def as_algebras(symmetry) -> list[LieAlgebra]:
    """Whatever is accepted as a symmetry, as a list of algebras on the same states.

    Raises
    ------
    TypeError
        For anything else.
    ValueError
        If the algebras act on different numbers of states.
    """
    if isinstance(symmetry, LieAlgebra):
        algebras = [symmetry]
    elif isinstance(symmetry, Generators):
        algebras = [LieAlgebra(symmetry)]
    elif isinstance(symmetry, np.ndarray):
        algebras = [LieAlgebra.from_matrices(symmetry.reshape(-1, *symmetry.shape[-2:]))]
    elif isinstance(symmetry, Sequence) and len(symmetry) and not isinstance(symmetry, str):
        algebras = [algebra for part in symmetry for algebra in as_algebras(part)]
    else:
        raise TypeError(f"a symmetry is a LieAlgebra, generators, matrices or a list of these, got {symmetry!r}")
    sizes = {len(algebra.states) for algebra in algebras}
    if len(sizes) > 1:
        raise ValueError(f"the symmetries act on different numbers of states: {sorted(sizes)}")
    return algebras


def _rows(features, algebra, points, kind):
    derivative = LieDerivative.build(features, act(algebra.basis, points, kind), points)
    rows = derivative.constraint()
    return rows.reshape(-1, rows.shape[-1])


def _draws(features, algebras, points, kind, n_draws=20):
    rng = np.random.default_rng(12)
    drawn = zip(*[algebra.draw(n_draws, rng) for algebra in algebras], strict=True)
    return np.stack([np.concatenate([_rows(features, a, points, kind) for a in group]) for group in drawn])
