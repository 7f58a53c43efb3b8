"""Templates: generators with small fractions that close under brackets, near an estimated span in a simple frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from symdyn.functions.printing import monomial_exponents
from symdyn.lie.canonical.frames import Frame, FrameGroup, affine_terms, diagonal_frames, linear_frames
from symdyn.lie.canonical.normal_frames import balanced_scales, common_centre, eigenframes, form_frame, ratio_scales
from symdyn.lie.canonical.region import Region
from symdyn.lie.structure.brackets import closure_error
from symdyn.lie.structure.sparse_basis import gauge, readable_bases
from symdyn.lie.vectorfields import Generators

__all__ = ["simple_frames", "templates"]


def simple_frames(
    basis: Generators, region: Region, origin: np.ndarray | None, ties: list[list[int]]
) -> Iterator[tuple[FrameGroup, Frame]]:
    """Yield frames to start from, those with fewest free numbers first, with the group that they may be moved by."""
    features, n = basis.features, len(basis.states)
    exponents = monomial_exponents(features, n)
    if exponents is None:
        yield FrameGroup(np.zeros((0, n, n + 1)), np.zeros((0, len(region.root), len(region.root)))), _unit(n)
        return
    constants, matrices = _affine_parts(basis.with_vectors(region.generators))
    errors = np.sqrt(np.mean(np.sum(region.spread(region.generators) ** 2, axis=1), axis=0))
    noise = _affine_parts(basis.with_vectors(errors[None]))[1][0]
    group = diagonal_frames(features, ties, origin is None)
    centre = _start(group, matrices, constants) if origin is None else origin
    scales = ratio_scales(matrices, noise, ties)
    frame = Frame(np.diag(scales), centre)
    yield group, frame
    yield group, Frame(np.diag(scales * _balance(basis, exponents, region, frame, ties)), centre)
    if np.any(exponents.sum(axis=1) > 1) or np.any(affine_terms(features, n)[1] < 0):
        return
    group = linear_frames(features, n, origin is None)
    form = form_frame(matrices)
    if form is not None:
        yield group, Frame(form, centre)
    if len(basis) == 1:
        for axes in eigenframes(matrices[0], float(np.linalg.norm(noise))):
            yield group, Frame(axes, centre)


def _start(group: FrameGroup, matrices: np.ndarray, constants: np.ndarray) -> np.ndarray:
    """Find the common centre of generators, in the states in which the functions let it move."""
    shifts = ~np.any(group.fields[:, :, 1:], axis=(1, 2))
    movable = np.any(group.fields[shifts][:, :, 0], axis=0)
    return np.where(movable, common_centre(matrices, constants), 0.0)


def templates(basis: Generators, region: Region, frame: Frame) -> Iterator[np.ndarray]:
    """Yield fractions near readable generators in a frame that close under brackets."""
    before, carry = [], frame.vector_map(basis.features)
    for readable, _ in _readable_rows(basis, region, frame):
        rows = [_rounded(row, carry, region) for row in readable]
        found = [row for row in rows if row is not None]
        if len(found) < len(rows):
            continue
        template = np.stack(found)
        if np.linalg.matrix_rank(template) < len(template) or any(np.array_equal(template, one) for one in before):
            continue
        before.append(template)
        if closure_error(basis.with_vectors(template)) < 1e-9:
            yield template


def _rounded(
    vector: np.ndarray, carry: np.ndarray, region: Region, denominators: Sequence[int] = (1, 2, 3, 4)
) -> np.ndarray | None:
    """Find the fractions of smallest common denominator that are about as near to the span as its errors, or None."""
    for denominator in denominators:
        rounded = np.round(vector * denominator) / denominator
        if np.any(rounded) and region.is_near(rounded @ carry, vector @ carry):
            return rounded
    return None


def _readable_rows(basis: Generators, region: Region, frame: Frame) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield readable bases in a frame, with the standard errors of their coefficients."""
    carry, back = (each.vector_map(basis.features) for each in (frame, frame.inverse))
    for rows in readable_bases(basis, region.generators @ back, carry @ region.metric @ carry.T):
        readable = np.stack([gauge(row) for row in rows])
        errors = np.sqrt(np.mean((region.spread(readable @ carry) @ back) ** 2, axis=0))
        yield readable, errors


def _balance(
    basis: Generators, exponents: np.ndarray, region: Region, frame: Frame, ties: list[list[int]]
) -> np.ndarray:
    """Find scales that make the coefficients of each readable generator of monomials alike, in a frame."""
    n = len(basis.states)
    readable, errors = next(_readable_rows(basis, region, frame))
    powers = (np.eye(n)[:, None] - exponents).reshape(-1, n)
    seen = (np.abs(readable) > np.maximum(4 * errors, 1e-3))[:, :-1]
    return balanced_scales(powers, readable[:, :-1], seen, ties)


def _affine_parts(basis: Generators) -> tuple[np.ndarray, np.ndarray]:
    """Return the constant parts `(generator, n)` and linear parts `(generator, n, n)` of polynomial generators."""
    constant, linear = affine_terms(basis.features, len(basis.states))
    padded = np.concatenate([basis.coefficients, np.zeros((*basis.coefficients.shape[:2], 1))], axis=2)
    return padded[:, :, constant], padded[:, :, linear]


def _unit(n: int) -> Frame:
    return Frame(np.eye(n), np.zeros(n))
