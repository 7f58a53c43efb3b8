"""From a symmetry and a library to the coefficients that are left free, with explanations of what goes wrong."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from symdyn.functions.features import Features, Monomials, as_features
from symdyn.lie.actions import Action, action_of
from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.lie.algebras.symmetries import Part, as_symmetries
from symdyn.lie.chart import Chart
from symdyn.lie.constraints.equivariance import charted_subspace, equivariant_subspace, generic_points
from symdyn.lie.constraints.subspace import Subspace
from symdyn.lie.constraints.violation import terms_leaving
from symdyn.lie.groups import Elements
from symdyn.regression.enforcing.enforcement import SymmetryLike

if TYPE_CHECKING:
    from pysindy.feature_library.base import BaseFeatureLibrary

__all__ = ["allowed", "fallen_terms", "left_free", "library_features", "output_actions", "usable_symmetries"]

_WIDE = 0.1  # relative error bar from which on an exact generator is doubted


def usable_symmetries(symmetry: SymmetryLike) -> list[Part]:
    """Return the parts of a symmetry as later steps use them, with inexact algebras in canonical form.

    A generator that rounds to simple numbers inside its error bars is exact from then on; others keep their bars.
    It warns if a generator is used as exact although its error bars are so wide that others are as likely.
    """
    parts = as_symmetries(symmetry)
    parts = [part.canonical() if isinstance(part, LieAlgebra) and not part.exact.all() else part for part in parts]
    for part in parts:
        if isinstance(part, LieAlgebra):
            _warn_of_wide_bars(part)
    return parts


def library_features(library: Features | BaseFeatureLibrary | None, n_inputs: int) -> Features:
    """Return the functions of a library over `n_inputs` states and inputs.

    Parameters
    ----------
    library : Features or pysindy library
        For a library in weak form, the functions that it integrates are returned: a law is symmetric in weak form if
        and only if it is symmetric.

    Raises
    ------
    ValueError
        If the library is missing, is fitted to another number of states, or holds spatial derivatives.
    TypeError
        If it is not a library.
    """
    if library is None:
        raise ValueError("library is missing: a symmetry constrains coefficients of known functions")
    given: Any = library  # pysindy has no type for libraries of derivatives: they are known by their attributes
    if hasattr(given, "spatiotemporal_grid") and hasattr(given, "function_library"):
        if given.derivative_order or given.implicit_terms:
            raise ValueError("a library of spatial derivatives: symmetries of fields act on jets, not on the states")
        inner = library_features(given.function_library, n_inputs)
        return Monomials(((0,) * n_inputs,)) + inner if given.include_bias else inner
    return as_features(library, n_inputs, "library")


def allowed(
    features: Features,
    parts: list[Part],
    shape: tuple[int, int],
    kind: str | Action = "flow",
    chart: Chart | None = None,
) -> Subspace:
    """Return the coefficients `(target, feature)` that a symmetry leaves, on functions of a chart if one is given.

    Raises
    ------
    ValueError
        If the shape does not match the data, or nothing is left; the message says what each generator leaves.
    """
    subspace = left_free(features, parts, shape, kind, chart)
    if subspace.dim == 0:
        raise ValueError(_what_fell(features, parts, action_of(kind), shape[0]))
    return subspace


def left_free(
    features: Features,
    parts: list[Part],
    shape: tuple[int, int],
    kind: str | Action = "flow",
    chart: Chart | None = None,
) -> Subspace:
    """Return the same as `allowed`, but with dimension 0 where nothing is left.

    Raises
    ------
    ValueError
        If the shape does not match the data."""
    action = action_of(kind)
    expected = (shape[0], features.size(action.n_arguments(len(parts[0].states))))
    if expected[1] != shape[1]:
        names = ", ".join(parts[0].states)
        raise ValueError(
            f"the symmetry acts on {len(parts[0].states)} states ({names}), on which the library has {expected[1]} "
            f"functions, but the data have {shape[1]}: give a symmetry on as many states as the data have, and the "
            "library that their functions are of"
        )
    if chart is None:
        return equivariant_subspace(features, parts, output=action, n_outputs=shape[0])
    return charted_subspace(features, parts, chart, kind=action, n_outputs=shape[0])


def fallen_terms(features: Features, parts: list[Part], subspace: Subspace, kind: str | Action = "flow") -> list[str]:
    """Name the terms that are lost because the symmetry maps them to functions that the library lacks."""
    states = action_of(kind).names_of_arguments(parts[0])
    unused = ~np.any(subspace.basis.reshape(*subspace.shape, -1), axis=(0, 2))
    if not unused.any():
        return []
    points = generic_points(features, len(states), 2 * subspace.shape[1] + 10, 17)
    leaving = np.any([terms_leaving(features, part, points, kind) for part in parts], axis=0)
    return [name for name, lost in zip(features.names(states), unused & leaving, strict=True) if lost]


def output_actions(parts: list[Part], n_outputs: int, kind: str | Action = "flow") -> np.ndarray:
    """Return how a symmetry moves the targets, `(generator, target, target)`.

    Raises
    ------
    ValueError
        For parts whose action on targets depends on the state.
    """
    action, matrices = action_of(kind), []
    for part in parts:
        if isinstance(part, Elements):
            matrices.append(action.of_elements(part, n_outputs))
        elif isinstance(part, LieAlgebra):
            points = np.random.default_rng(2).standard_normal((8, action.n_arguments(len(part.states))))
            moved = action.of_generators(part.basis, points, n_outputs).outputs
            if np.ptp(moved, axis=0).max(initial=0.0) > 1e-9 * np.abs(moved).max(initial=1e-300):
                raise ValueError("whiten=True needs generators of degree 1: others move targets by no one matrix")
            matrices.append(np.moveaxis(moved[0], -1, 0))
        else:
            raise ValueError("whiten=True needs a symmetry that moves the targets; conserved quantities do not")
    return np.concatenate(matrices)


def _warn_of_wide_bars(algebra: LieAlgebra) -> None:
    inside = algebra.inside
    size = np.abs(inside.basis.vectors()).max(axis=1, initial=0.0)
    relative = inside.errors.max(axis=1, initial=0.0) / np.maximum(size, 1e-300)
    for k in np.flatnonzero(algebra.exact & (relative > _WIDE)):
        warnings.warn(
            f"the generator {algebra.texts()[k]} is used as exact, but its error bar is {relative[k]:.0%} of its size: "
            "terms that the true symmetry allows may be lost; find it from more data",
            UserWarning,
            stacklevel=4,
        )


def _what_fell(features: Features, parts: list[Part], action: Action, n_outputs: int) -> str:
    """Say what each generator leaves by itself, and which of them removes the last term."""
    single = [part.subset(k) for part in parts for k in range(part.dim)]
    texts = [text for part in parts for text in part.texts()]

    def count(chosen: list[Part]) -> int:
        return equivariant_subspace(features, chosen, output=action, n_outputs=n_outputs).dim

    alone = ", ".join(f"{count([one])} by {text}" for one, text in zip(single, texts, strict=True))
    # Of inexact generators few may leave, within their error bars, what all together do not.
    left = next((k for k in range(len(single)) if count(single[: k + 1]) == 0), len(single) - 1)
    fall = f"{texts[left]} removes the last {count(single[:left])}" if left else f"{texts[0]} removes all"
    return f"the symmetry leaves no term of the library: {fall}; free coefficients left {alone} alone, 0 by all"
