"""States by name: a symmetry in the order of the data, where both have names of their own."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from symdyn.functions.features import Features
from symdyn.functions.space import InUnits
from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.lie.algebras.conserved import Conserved
from symdyn.lie.algebras.covariances import mapped
from symdyn.lie.algebras.symmetries import Part, as_symmetries
from symdyn.lie.constraints.subspace import Subspace
from symdyn.lie.groups import Elements
from symdyn.lie.prolongation import velocity_names
from symdyn.lie.vectorfields import Generators, VectorField

__all__ = ["matched", "reordered", "symmetries_on"]


def symmetries_on(symmetry, names: Sequence[str], n_moved: int | None = None):
    """Put a user's symmetry on the states of the data: one part or a list; None and a Subspace stay as they are.

    Parameters
    ----------
    symmetry : see `as_symmetries`, a Subspace, or None
    names : sequence of str
        States (and inputs) of the data.
    n_moved : int, optional
        How many of them words without a number stand for: the positions, for a second-order system.
    """
    if symmetry is None or isinstance(symmetry, Subspace):
        return symmetry
    found = matched(as_symmetries(symmetry, len(names) if n_moved is None else n_moved), names)
    return found[0] if len(found) == 1 else found


def matched(parts: Sequence, names: Sequence[str]) -> list:
    """Put the states of symmetries or candidates in the order of the data, and name them like these.

    Names x0, x1, ... are nobody's own: then states match by their place, with a warning where the symmetry has names
    and the data have none. A part on fewer states than the data have acts on the first of them: on positions, or on the
    states before the inputs.

    Parameters
    ----------
    parts : sequence of LieAlgebra, Generators, Elements or Conserved
    names : sequence of str
        States (and inputs) of the data.

    Raises
    ------
    ValueError
        For names that are not those of the data; the message says what to change. Also for generators of fields, on (t,
        x, u).

    Warns
    -----
    UserWarning
        For names that could not be compared, as the data have none.
    """
    return [_matched(part, tuple(names)) for part in parts]


def reordered(part, order: Sequence[int]):
    """Reorder the states of a symmetry or candidates: state k is the state `order[k]` of the given one.

    Parameters
    ----------
    part : LieAlgebra, Generators, Elements or Conserved
    order : sequence of int, `(state,)`

    Raises
    ------
    ValueError
        For functions that are not permuted among themselves when the states change places.
    """
    order = [int(k) for k in order]
    if order == list(range(len(part.states))):
        return part
    states = tuple(part.states[k] for k in order)
    if isinstance(part, Elements):
        matrices = part.matrices[:, order][:, :, order]
        return replace(part, matrices=matrices, translations=part.translations[:, order], states=states)
    if isinstance(part, Conserved):
        field = part.quantities
        places = _feature_places(field.features, order)
        return Conserved(VectorField(field.features, field.coefficients[:, places], states))
    if isinstance(part, LieAlgebra):
        return _reordered_algebra(part, order, states)
    return _reordered_generators(part, order, states)


def _reordered_generators(basis: Generators, order: Sequence[int], states: tuple[str, ...]) -> Generators:
    places = _feature_places(basis.features, order)
    return Generators(basis.features, basis.coefficients[:, order][:, :, places], basis.time_scaling, states)


def _reordered_algebra(algebra: LieAlgebra, order: Sequence[int], states: tuple[str, ...]) -> LieAlgebra:
    basis = _reordered_generators(algebra.basis, order, states)
    # Where each coefficient stood: the same move on a row that counts them.
    width = algebra.basis.vectors().shape[1]
    counted = algebra.basis.with_vectors(np.arange(width, dtype=float)[None])
    places = _reordered_generators(counted, order, states).vectors()[0].astype(int)
    covariance = mapped(algebra.covariance, algebra.dim, turn=np.eye(width)[:, places])
    chart = None if algebra.chart is None else algebra.chart.subset(order)
    found = LieAlgebra(basis, covariance, algebra.exact, chart)
    return _with_inside(found, algebra, lambda inside: reordered(inside, order))


def _matched(part: Part | Generators, names: tuple[str, ...]) -> Part | Generators:
    own = tuple(part.states)
    n = len(own)
    if own[0] == "t" and "t" not in names:
        raise ValueError(
            f"these generators move {', '.join(own)}, the coordinates and fields of an equation: they are for fields "
            "over x (PDERegression), not for trajectories of states"
        )
    if n > len(names) or own == names[:n]:
        return part
    if _is_default(own):
        return _renamed(part, names[:n])
    if _is_default(names[:n]):
        pairs = ", ".join(f"{one} as {name}" for one, name in zip(own, names, strict=False))
        warnings.warn(
            f"the symmetry is on the states {', '.join(own)}, the data have no names: matched by place, {pairs}; name "
            "the states of the data to match them by name",
            stacklevel=2,
        )
        return _renamed(part, names[:n])
    order = _order(own, names[:n])
    if order is None:
        raise ValueError(
            f"the symmetry is on the states {', '.join(own)}, the data hold {', '.join(names)}: rename one, or leave "
            "the names of the symmetry out to match by place"
        )
    return _renamed(reordered(part, order), names[:n])


def _order(own: tuple[str, ...], names: tuple[str, ...]) -> list[int] | None:
    """Find the places of the names among one's own; velocities named by prolongation stay with their positions."""
    if sorted(own) == sorted(names):
        return [own.index(name) for name in names]
    half = len(own) // 2
    prolonged = 2 * half == len(own) and own[half:] == velocity_names(own[:half])
    if prolonged and sorted(own[:half]) == sorted(names[:half]):
        order = [own.index(name) for name in names[:half]]
        return order + [half + k for k in order]
    return None


def _is_default(names: tuple[str, ...]) -> bool:
    """Check whether names are x0, x1, ..., perhaps with velocities, with inputs u0, u1, ... or the time after them."""
    n = next((k for k, name in enumerate(names) if name != f"x{k}"), len(names))
    rest = names[n:-1] if names[-1] == "t" else names[n:]
    return n > 0 and (rest == velocity_names(names[:n]) or rest == tuple(f"u{k}" for k in range(len(rest))))


def _renamed(part: Part | Generators, names: tuple[str, ...]) -> Part | Generators:
    if isinstance(part, LieAlgebra):
        found = LieAlgebra(part.basis.renamed(names), part.covariance, part.exact, part.chart)
        return _with_inside(found, part, lambda inside: _renamed(inside, names))
    if isinstance(part, Conserved):
        return Conserved(VectorField(part.quantities.features, part.quantities.coefficients, names))
    return part.renamed(names)


def _with_inside(found: LieAlgebra, algebra: LieAlgebra, change: Callable[[LieAlgebra], LieAlgebra]) -> LieAlgebra:
    """Keep what was computed in the chart: computed anew from other units it would have fewer digits."""
    inside = vars(algebra).get("inside")
    if algebra.chart is not None and inside is not None and not isinstance(inside.basis.features, InUnits):
        vars(found)["inside"] = change(inside)
    return found


def _feature_places(features: Features, order: Sequence[int]) -> list[int]:
    """Find for each function of the states in their new order the same function of the old ones."""
    n = len(order)
    points = np.random.default_rng(11).uniform(0.5, 1.5, (16, n))
    old = np.empty_like(points)
    old[:, order] = points
    new_values, old_values = features(points), features(old)
    places, free = [], list(range(new_values.shape[1]))
    for column in new_values.T:
        same = [k for k in free if np.allclose(old_values[:, k], column, rtol=1e-10, atol=1e-12)]
        if not same:
            raise ValueError(
                "the functions of this symmetry do not change places with the states: give it in the order of the data"
            )
        free.remove(same[0])
        places.append(same[0])
    return places
