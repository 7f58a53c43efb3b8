"""Enforcing what a promoted fit keeps: the remaining coefficients are fitted without a penalty."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.lie.constraints.equivariance import equivariant_subspace
from symdyn.lie.constraints.monomial_action import exact_numbers
from symdyn.lie.constraints.subspace import Subspace, pivoted_basis
from symdyn.lie.groups import Elements
from symdyn.promotion.charted_maps import ChartedData, of_unit_size
from symdyn.promotion.promoted_nullspace import NullSpace
from symdyn.promotion.reading import Kept
from symdyn.promotion.strength_choice import folds

__all__ = ["Enforced", "enforcements"]

_FEW = 6  # generators up to which the canonical form costs little beside the fit
_TURNED = 1e4  # by how much coefficients may cancel on the way into the chart: there, exact ones keep twelve digits


@dataclass(frozen=True)
class Enforced:
    """Coefficients `(output, feature)` in the chart that keep a symmetry, and the squares of their errors.

    Parameters
    ----------
    coefficients : ndarray, `(output, feature)`
        On theta', without means.
    subspace : Subspace
        Of coefficients on theta, in the units of the user.
    squares : ndarray, `(sample,)`
        Left out by folds, in their order.
    algebra : LieAlgebra or None
        What is kept, in the units of the user.
    """

    coefficients: np.ndarray
    subspace: Subspace
    squares: np.ndarray
    algebra: LieAlgebra | None


def enforcements(data: ChartedData, kept: Kept) -> Iterator[Enforced]:
    """Yield fits that keep the symmetry, to be taken in this order unless the data object.

    Generators that are all but candidates are taken for these; others for their canonical form, if that is exact (of
    large algebras, where it takes as long as the fit, at the end only); then as they were found, as exact as the fit
    they were read off.
    """
    for algebra, inside in _algebras(kept.space):
        basis, subspace = _allowed(data, kept.elements, algebra, inside)
        if subspace.dim:
            yield _fitted(data, basis, subspace, algebra)


def _algebras(space: NullSpace | None) -> Iterator[tuple[LieAlgebra | None, LieAlgebra | None]]:
    """Yield algebras over x, and in the chart; None where elements alone are kept."""
    if space is None:
        yield None, None
        return
    early = not space.given.all() and space.estimated.dim <= _FEW
    if early:
        yield from _snapped(space)
    yield space.rounded, space.as_exact_as_the_fit(space.rounded)
    if space.given.any():
        yield space.estimated, space.as_exact_as_the_fit(space.estimated)
    if not early:
        yield from _snapped(space)


def _snapped(space: NullSpace) -> Iterator[tuple[LieAlgebra, LieAlgebra]]:
    snapped = space.estimated.canonical()
    if snapped.exact.all():
        yield snapped, snapped.inside


def _allowed(
    data: ChartedData, elements: Elements | None, algebra: LieAlgebra | None, inside: LieAlgebra | None
) -> tuple[np.ndarray, Subspace]:
    """Return what a symmetry leaves, as coefficients `(dim, output, feature)` in the chart and as a Subspace over x."""
    shape = (data.target.shape[1], data.design.shape[1])
    options = {"output": data.action, "n_outputs": None if data.action.moves_values else shape[0]}
    back, forward = data.chart.back(data.given), data.chart.forward(data.given)
    if _are_simple(algebra, elements) and (np.abs(back) @ np.abs(forward)).max() < _TURNED:
        subspace = equivariant_subspace(data.given, _parts(algebra, elements), **options)
        outside = subspace.basis.T.reshape(-1, *shape)
        return data.chart.law_in(outside, data.given, data.units), subspace
    if elements is not None:
        elements = data.chart.subset(range(len(elements.states))).elements(elements)
    found = equivariant_subspace(data.features, _parts(inside, elements), **options)
    charted = found.basis.T.reshape(-1, *shape)
    basis, pivots = _pivoted(data, data.outside(charted).reshape(len(charted), -1).T)
    return charted, Subspace(basis, shape, pivots)


def _parts(*symmetries: LieAlgebra | Elements | None) -> list[LieAlgebra | Elements]:
    return [part for part in symmetries if part is not None]


def _are_simple(algebra: LieAlgebra | None, elements: Elements | None) -> bool:
    """Return whether all that is kept was given, in simple fractions: these are eliminated exactly, as they are."""
    if algebra is not None and (not algebra.exact.all() or algebra.errors.any()):
        return False
    numbers = [] if algebra is None else [algebra.basis.vectors()]
    numbers += [] if elements is None else [elements.matrices, elements.translations]
    return all(exact_numbers(part).dtype == object for part in numbers)


def _pivoted(data: ChartedData, basis: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a basis of the span that is the identity on its pivots, terms chosen by their sizes on the data."""
    sizes = of_unit_size(data.given(data.chart.points_back(data.points)))[1]
    sizes = np.outer(1 / data.units, sizes).ravel()
    try:
        scaled, pivots = pivoted_basis(basis * sizes[:, None])
    except np.linalg.LinAlgError:  # far from the origin coefficients over x tell functions apart no more
        return basis, np.argsort(-np.abs(basis), axis=0)[0]
    return scaled / sizes[:, None] * sizes[pivots], pivots


def _fitted(data: ChartedData, basis: np.ndarray, subspace: Subspace, algebra: LieAlgebra | None) -> Enforced:
    """Solve least squares inside the subspace, on all samples and without each fold."""
    inner = data.design * data.sizes
    rows, lengths = of_unit_size(np.einsum("sf,dof->osd", inner, basis).reshape(-1, len(basis)))
    rows = rows.reshape(*data.target.T.shape, -1)  # (output, sample, dim)
    free = _least_squares(rows, data.target)
    squares = []
    for left_out in folds(len(data.target)):
        kept = np.setdiff1d(np.arange(len(data.target)), left_out)
        one = _least_squares(rows[:, kept], data.target[kept])
        squares.append(np.mean((rows[:, left_out] @ one - data.target[left_out].T) ** 2, axis=0))
    coefficients = np.tensordot(free / lengths, basis, axes=1)
    return Enforced(coefficients, subspace, np.concatenate(squares), algebra)


def _least_squares(rows: np.ndarray, target: np.ndarray) -> np.ndarray:
    return np.linalg.lstsq(rows.reshape(-1, rows.shape[-1]), target.T.ravel(), rcond=None)[0]
