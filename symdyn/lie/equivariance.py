"""Models that keep a symmetry: the null space over coefficients of Lie derivatives and of finite differences."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from symdyn.lie.algebra import LieAlgebra
from symdyn.lie.derivative import LieDerivative, act
from symdyn.lie.features import Features
from symdyn.lie.fields import Generators
from symdyn.lie.groups import Elements
from symdyn.lie.subspace import Subspace, null_space, pivoted_basis

__all__ = ["as_symmetries", "difference", "equivariant_subspace", "output_matrices"]


def equivariant_subspace(features: Features, symmetry, *, output: str | None = None) -> Subspace:
    """The coefficient matrices W for which F = W theta keeps a symmetry: L(v, W theta) = 0 for all generators.

    For a flow x' = W theta(x) the condition is Dv f − Df v = tau f, and W theta(g x) = A W theta(x) for elements
    g(x) = A x + b (see `difference`). It is imposed at generic random points, more than there are unknowns, which is
    exact for analytic features (Otto et al., arXiv 2311.00212). Error bars of generators that are not exact set the
    rank cut.

    Parameters
    ----------
    features : Features
        The functions theta over the states that the symmetry acts on.
    symmetry : LieAlgebra, Generators, array `(generator, n, n)`, Elements, a list of these, or a Subspace
        A Subspace is returned as it is.
    output : {"vector_field", "map", "second_order", "invariant"}, optional
        `"vector_field"` if left out; of a `"map"`, W theta is the increment F(x) − x.

    Returns
    -------
    Subspace
        Its `dim` is 0 if the symmetry leaves nothing.
    """
    kinds = {None: "flow", "vector_field": "flow"} | {kind: kind for kind in ("map", "second_order", "invariant")}
    if output not in kinds:
        raise ValueError(f"output must be one of {list(kinds)[1:]}, got {output!r}")
    if isinstance(symmetry, Subspace):
        return symmetry
    parts = as_symmetries(symmetry)
    kind = kinds[output]
    n_inputs = len(parts[0].states) * (2 if kind == "second_order" else 1)
    n_outputs = 1 if kind == "invariant" else len(parts[0].states)
    shape = (n_outputs, features.size(n_inputs))
    points = np.random.default_rng(11).standard_normal((2 * shape[1] + 10, n_inputs))
    rows = np.concatenate([_rows(features, part, points, kind) for part in parts])
    certain = all(isinstance(part, Elements) or part.exact.all() for part in parts)
    draws = None if certain else _draws(features, parts, points, kind)
    basis, pivots = pivoted_basis(null_space(rows, draws))
    return Subspace(basis, shape, pivots)


def as_symmetries(symmetry) -> list[LieAlgebra | Elements]:
    """Whatever is accepted as a symmetry, as a list of algebras and finite elements on the same states.

    Raises
    ------
    TypeError
        For anything else.
    ValueError
        If the parts act on different numbers of states.
    """
    if isinstance(symmetry, LieAlgebra | Elements):
        parts = [symmetry]
    elif isinstance(symmetry, Generators):
        parts = [LieAlgebra(symmetry)]
    elif isinstance(symmetry, np.ndarray):
        parts = [LieAlgebra.from_matrices(symmetry.reshape(-1, *symmetry.shape[-2:]))]
    elif isinstance(symmetry, Sequence) and len(symmetry) and not isinstance(symmetry, str):
        parts = [part for member in symmetry for part in as_symmetries(member)]
    else:
        raise TypeError(
            f"a symmetry is a LieAlgebra, generators, matrices, finite elements or a list of these, got {symmetry!r}"
        )
    sizes = {len(part.states) for part in parts}
    if len(sizes) > 1:
        raise ValueError(f"the symmetries act on different numbers of states: {sorted(sizes)}")
    return parts


def difference(
    features: Features, members: Elements, points: np.ndarray, kind: str = "flow", n_outputs: int | None = None
) -> LieDerivative:
    """What a finite symmetry asks of F = W theta, in the form of a Lie derivative: F(g x) − M F(x).

    M is A for a flow and for a map (written by its increments F(x) − x, which translations do not change), −A for a
    flow whose time is reversed, A for accelerations (time reversed twice), 1 for invariants. With inputs, states come
    first: M is the block of A on the first `n_outputs` states.

    Parameters
    ----------
    features : Features
    members : Elements
        On the states; for `"second_order"` on the positions only.
    points : ndarray, `(sample, input)`
    kind : {"flow", "map", "second_order", "invariant"}
    n_outputs : int, optional
        As many as there are states if left out, 1 for invariants.

    Returns
    -------
    LieDerivative
        `transported` is F(g_k x) and `carried` M_k F(x), `(sample, output, element)`.
    """
    acting = members.prolong() if kind == "second_order" else members
    images = acting.images(points)
    transport = np.stack([features(images[:, :, k]) for k in range(len(members))], axis=-1)
    outputs = np.moveaxis(output_matrices(members, kind, n_outputs), 0, -1)
    return LieDerivative(features(points), transport, np.broadcast_to(outputs, (len(points), *outputs.shape)))


def output_matrices(members: Elements, kind: str = "flow", n_outputs: int | None = None) -> np.ndarray:
    """How elements move the outputs of a system: the matrices M_k `(element, output, output)` of `difference`."""
    if kind == "invariant":
        return np.broadcast_to(np.eye(n_outputs or 1), (len(members), n_outputs or 1, n_outputs or 1))
    if kind not in ("flow", "map", "second_order"):
        raise ValueError(f"kind must be 'flow', 'map', 'second_order' or 'invariant', got {kind!r}")
    if kind == "map" and np.any(members.reverses_time):
        raise ValueError("a reversal of a map asks for its inverse: only flows can be tested for time reversal")
    n = len(members.states) if n_outputs is None else n_outputs
    if n > len(members.states) or np.any(members.matrices[:, :n, n:]):
        raise ValueError(f"the elements act on {len(members.states)} states, and must not mix inputs into {n} outputs")
    signs = np.where(members.reverses_time & (kind == "flow"), -1.0, 1.0)
    return signs[:, None, None] * members.matrices[:, :n, :n]


def _rows(features, part, points, kind):
    """The rows of constraints `(row, output * feature)`, entries that are only rounding set to 0.

    A feature that is symmetric by itself has a column of rounding errors, which would count as an equation once
    columns are brought to one scale.
    """
    if isinstance(part, Elements):
        parts = difference(features, part, points, kind)
        moves = np.abs(parts.transport)
    else:
        action = act(part.basis, points, kind)
        parts = LieDerivative.build(features, action, points)
        moves = np.einsum("sfi,sik->sfk", np.abs(features.jacobian(points)), np.abs(action.inputs))
    rows = parts.constraint()
    terms = LieDerivative(np.abs(parts.values), moves, -np.abs(parts.outputs)).constraint()
    rows = np.where(np.abs(rows) > 1e-12 * terms, rows, 0.0)
    return rows.reshape(-1, rows.shape[-1])


def _draws(features, parts, points, kind, n_draws=20):
    rng = np.random.default_rng(12)
    drawn = [[part] * n_draws if isinstance(part, Elements) else part.draw(n_draws, rng) for part in parts]
    drawn = zip(*drawn, strict=True)
    return np.stack([np.concatenate([_rows(features, part, points, kind) for part in group]) for group in drawn])
