"""Whatever a user may call a symmetry, as a list of algebras, finite elements and conserved quantities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np

from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.lie.algebras.conserved import Conserved
from symdyn.lie.groups import Elements
from symdyn.lie.vectorfields import Generators, VectorField
from symdyn.lie.words import as_matrices, parse_symmetry

__all__ = ["Part", "as_group", "as_symmetries", "which_were_found"]

Part = LieAlgebra | Elements | Conserved
_Given: TypeAlias = (
    "Part | Generators | VectorField | np.ndarray | str | Sequence[_Given] | Sequence[float] | _Search | _Model"
)


class _Search(Protocol):
    """A fitted search, for the symmetry that it found."""

    algebra_: LieAlgebra


class _Model(Protocol):
    """A fitted model, for the symmetries that it keeps."""

    @property
    def enforced_(self) -> Sequence[Part]: ...


def as_symmetries(symmetry, n_states: int | None = None) -> list[Part]:
    """Convert whatever is accepted as a symmetry to a list of parts on the same states.

    Parameters
    ----------
    symmetry : LieAlgebra, Generators, VectorField, matrices, Elements, Conserved, str, fitted search, or a list
        Matrices as an array `(generator, n, n)`, a single `(n, n)`, or lists of numbers. Words such as `"so(2)"` or
        `"sign_flips"`, see `symdyn.lie.words`. Of a search what it found, of a fit what it keeps.
    n_states : int, optional
        How many states words without a number of their own stand for.

    Raises
    ------
    TypeError
        For anything else, and for a search that was not fitted.
    ValueError
        If the parts act on different numbers of states.
    """
    parts = _parts(symmetry, n_states)
    sizes = {len(part.states) for part in parts}
    if len(sizes) > 1:
        raise ValueError(f"the symmetries act on different numbers of states: {sorted(sizes)}")
    return parts


def as_group(symmetry, n_states: int | None = None) -> list[LieAlgebra | Elements]:
    """Convert whatever is accepted as a group to a list of algebras and finite elements on the same states.

    Parameters
    ----------
    symmetry, n_states
        See `as_symmetries`.

    Raises
    ------
    TypeError, ValueError
        As `as_symmetries`; TypeError for conserved quantities, too, which move no state.
    """
    parts = as_symmetries(symmetry, n_states)
    moving = [part for part in parts if not isinstance(part, Conserved)]
    if len(moving) < len(parts):
        raise TypeError("conserved quantities are no group: they move no state; leave them out, or give generators")
    return moving


def which_were_found(symmetry, n_states: int | None = None) -> list[bool]:
    """Return for each part of `as_symmetries` whether it was found in data, or is inexact; all else given is exact.

    Of a search, or a fit, all it found; algebras that know the chart of the data that they were found in; and those
    with generators that are not exact.
    """
    if isinstance(symmetry, LieAlgebra):
        return [symmetry.chart is not None or not bool(symmetry.exact.all())]
    if isinstance(symmetry, list | tuple) and not _holds_numbers(symmetry):
        return [found for member in symmetry for found in which_were_found(member, n_states)]
    given = (Elements, Conserved, Generators, VectorField, str, np.ndarray, list, tuple)
    return [not isinstance(symmetry, given)] * len(_parts(symmetry, n_states))


def _holds_numbers(symmetry: Sequence[_Given] | Sequence[float]) -> bool:
    return as_matrices(symmetry) is not None


def _parts(symmetry: _Given, n_states: int | None) -> list[Part]:
    if isinstance(symmetry, LieAlgebra | Elements | Conserved):
        return [symmetry]
    if isinstance(symmetry, Generators):
        return [LieAlgebra(symmetry)]
    if isinstance(symmetry, VectorField):
        return [LieAlgebra(_as_generator(symmetry))]
    if isinstance(symmetry, str):
        return [
            part for found in parse_symmetry(symmetry, _size_in(symmetry, n_states)) for part in _parts(found, None)
        ]
    matrices = as_matrices(symmetry) if isinstance(symmetry, np.ndarray | list | tuple) and len(symmetry) else None
    if matrices is None and isinstance(symmetry, np.ndarray):
        raise ValueError(f"a symmetry as an array holds matrices (generator, n, n), got shape {symmetry.shape}")
    if matrices is not None:
        return [LieAlgebra.from_matrices(matrices.reshape(-1, *matrices.shape[-2:]))]
    if isinstance(symmetry, Sequence) and len(symmetry):
        return [part for member in symmetry for part in _parts(member, n_states)]
    return _found_by(symmetry, n_states)


def _size_in(text: str, n_states: int | None) -> int:
    """Return the number of states, which `so(3)` says by itself."""
    if n_states is not None:
        return n_states
    for word in text.replace(" ", "").split("+"):
        size = word.partition("(")[2].removesuffix(")")
        if size.isdigit() and not word.startswith("poly"):
            return int(size)
    raise ValueError(f"{text!r} does not say on how many states: write the number, such as so(3)")


def _found_by(symmetry: Any, n_states: int | None) -> list[Part]:
    """Return what a fitted search or model found; anything else is no symmetry."""
    if hasattr(symmetry, "algebra_"):
        found = (symmetry.algebra_, getattr(symmetry, "elements_", None))
        parts = [part for part in found if part is not None and part.dim]
        if not parts:
            raise ValueError("this search found no symmetry: nothing is to be kept, fit without (symmetry=None)")
        return parts
    if getattr(symmetry, "enforced_", None):
        return _parts(symmetry.enforced_, n_states)
    # The parameter `symmetry` of an estimator is what it was given, not what it found.
    for name in ("symmetry_", "search", *(() if hasattr(symmetry, "fit") else ("symmetry",))):
        if getattr(symmetry, name, None) is not None:
            return _parts(getattr(symmetry, name), n_states)
    if hasattr(symmetry, "fit"):
        raise TypeError(f"this {type(symmetry).__name__} has found no symmetry yet: call its fit first")
    raise TypeError(
        "a symmetry is a LieAlgebra, generators, vector fields, matrices, finite elements, conserved quantities, words "
        f"such as 'so(3)', a fitted search, or a list of these, got {type(symmetry).__name__}"
    )


def _as_generator(field: VectorField) -> Generators:
    if len(field.coefficients) != len(field.states):
        raise ValueError(
            f"a generator moves all of {len(field.states)} states, this field has {len(field.coefficients)} outputs; "
            "functions that a law conserves are given by symdyn.conserved"
        )
    return Generators(field.features, field.coefficients[None], np.array([field.time_scaling]), field.states)
