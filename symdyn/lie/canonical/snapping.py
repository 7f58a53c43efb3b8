"""The exact algebra of a given type that is nearest to an estimated one, and whether it lies inside the error bars.

A type is given by a template, generators with simple numbers in some frame. Carried by all frames of a group it fills a
surface among all spans of that dimension. The nearest point on it, in the metric of the errors, is found by
Gauss-Newton steps of the frame; what the frame absorbs is no evidence for the type, and the test is one of the
directions that remain.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from symdyn.functions.features import Features
from symdyn.lie.canonical.frames import Frame, FrameGroup, affine_terms
from symdyn.lie.canonical.region import LEVEL, UNSEEN, Region, Whitener

__all__ = ["Snapped", "snap"]

# A move of a frame that changes the algebra by less than this many of its errors is not determined by it.
_BLIND = 1e-5
_STEPS, _ARRIVED = 60, 1e-11
# Numbers have to be known to a quarter, and fractions to half their denominator.
_APART = 0.25


@dataclass(frozen=True)
class Snapped:
    """An exact algebra inside the error bars.

    Parameters
    ----------
    template : ndarray, `(generator, coefficient)`
        Its generators in the frame.
    frame : Frame
    vectors : ndarray, `(generator, coefficient)`
    moves : ndarray, `(replicate, generator, coefficient)`
        How the exact algebra nearest to each replicate differs from it.
    centre_moves : ndarray, `(replicate, state)`
        The same for the centre of the frame.
    """

    template: np.ndarray
    frame: Frame
    vectors: np.ndarray
    moves: np.ndarray
    centre_moves: np.ndarray


def snap(
    template: np.ndarray,
    frame: Frame,
    group: FrameGroup,
    region: Region,
    features: Features,
    *,
    reach: float = 1.0,
) -> Snapped | None:
    """Find the nearest algebra of the type of the template; None if it is outside the error bars, or others are not.

    Parameters
    ----------
    template : ndarray, `(generator, coefficient)`
        Fractions, in the coordinates of the frame.
    frame : Frame
        Where to start.
    group : FrameGroup
        How the frame may move.
    region : Region
    features : Features
        Of the generators.
    reach : float
        How many times the radius of the error bars is allowed.
    """
    for _ in range(_STEPS):
        near = _Linearised.of(template, frame, group, region, features)
        step = -near.offset @ near.steps
        size = np.linalg.norm(step)
        if size < _ARRIVED or not np.isfinite(size):
            break
        # Frames that are off by more than a factor e do not come from where they started.
        frame = frame.moved(np.tensordot(step / max(size, 1.0), group.fields, 1))
    near = _Linearised.of(template, frame, group, region, features)
    errors = region.errors(near.vectors / near.sizes)
    apart = near.whiten(errors, left_out=True)
    others = _neighbours(template, near, region, _constants(features, len(frame.centre)))
    if not _inside(near, apart, others, reach) or _wide(near.offset, apart, others):
        return None
    moved = -near.whiten(errors) @ near.steps
    shifts = np.tensordot(moved, group.fields[:, :, 0], 1)
    return Snapped(template, frame, near.vectors, np.tensordot(moved, near.changes, 1), shifts @ frame.matrix.T)


class _Linearised(NamedTuple):
    """A template carried by a frame, with what the frame can do about its distance to the span.

    `changes` `(parameter, generator, coefficient)` are those of the carried `vectors`, of sizes `(generator, 1)`, as
    the frame moves; `offset` and `slopes` are the distance and its changes in units of the errors, `steps` the inverse
    of the slopes.
    """

    carry: np.ndarray
    vectors: np.ndarray
    sizes: np.ndarray
    changes: np.ndarray
    whiten: Whitener
    offset: np.ndarray
    slopes: np.ndarray
    steps: np.ndarray

    @classmethod
    def of(
        cls, template: np.ndarray, frame: Frame, group: FrameGroup, region: Region, features: Features
    ) -> _Linearised:
        carry = frame.vector_map(features)
        vectors, changes = template @ carry, template @ group.tangents @ carry
        sizes = np.linalg.norm(vectors @ region.root, axis=1, keepdims=True)
        whiten = Whitener.of(region.errors(vectors / sizes), region.explored)
        offset = whiten(region.offsets(vectors / sizes))
        slopes = whiten(region.offsets(_beside(changes / sizes, vectors, region.root)))
        return cls(carry, vectors, sizes, changes, whiten, offset, slopes, _pseudo_inverse(slopes))


def _beside(moves: np.ndarray, vectors: np.ndarray, root: np.ndarray) -> np.ndarray:
    """Remove from rows `(..., coefficient)` their part in a span: what only changes its basis is no change."""
    span = np.linalg.qr((vectors @ root).T)[0]
    return moves - np.linalg.solve(root.T, span @ (span.T @ root.T @ moves[..., None]))[..., 0]


def _pseudo_inverse(slopes: np.ndarray) -> np.ndarray:
    """Invert slopes `(parameter, coordinate)` to `(coordinate, parameter)`, least moves of what is not seen."""
    left, values, right = np.linalg.svd(slopes, full_matrices=False)
    seen = values > max(_BLIND, 1e-13 * values.max(initial=0.0))
    return (right[seen].T / values[seen]) @ left[:, seen].T


def _inside(near: _Linearised, errors: np.ndarray, others: np.ndarray, reach: float) -> bool:
    """Check whether what no frame absorbs is as small as that of replicates: as a whole, and towards each neighbour.

    In many directions the whole is blind to one number that is wrong.
    """

    def left_over(rows: np.ndarray) -> np.ndarray:
        return rows - rows @ near.steps @ near.slopes

    left, errors, towards = left_over(near.offset), left_over(errors), left_over(others)
    sizes = np.linalg.norm(towards, axis=1)
    free = sizes > 1e-3 * np.linalg.norm(others, axis=1)
    towards = towards[free] / sizes[free, None]
    whole = np.quantile(np.sum(errors**2, axis=1), LEVEL)
    part = np.quantile(np.abs(errors @ towards.T).max(axis=1, initial=0.0), LEVEL)
    farthest = np.abs(towards @ left).max(initial=0.0)
    return left @ left <= reach**2 * max(whole, 1.0) and farthest <= reach * max(part, 1.0)


def _wide(offset: np.ndarray, errors: np.ndarray, others: np.ndarray) -> bool:
    """Check whether a neighbour also lies in the error bars, which are then too wide to tell a rotation from a shear.

    All directions count here, also those that the frame absorbs: a shear is a rotation in a frame with an infinite
    ratio of scales.
    """
    lengths = np.linalg.norm(others, axis=1)
    towards = others / lengths[:, None]
    largest = np.quantile(np.abs(errors @ towards.T).max(axis=1, initial=0.0), LEVEL)
    return bool(np.any(lengths - np.abs(towards @ offset) <= max(largest, 1.0)))


def _neighbours(template: np.ndarray, near: _Linearised, region: Region, constants: np.ndarray) -> np.ndarray:
    """Compute the offsets of templates with one number a little off, `(neighbour, generator * direction)`.

    Constant terms do not count in fields that have others: they only move the centre. Nor does what changes the basis
    of the span, or is not seen in the data and is left as the template has it.
    """
    moves = near.carry @ region.root
    lengths = np.linalg.norm(moves, axis=1)
    beside = np.linalg.norm(_beside(near.carry, near.vectors, region.root) @ region.root, axis=1)
    moving = (beside > 1e-6 * lengths) & (lengths > 10 * np.sqrt(UNSEEN) * lengths.max())
    units = region.offsets(near.carry)
    found = []
    for g, size in enumerate(near.sizes[:, 0]):
        tried = moving.copy()
        if np.any(np.delete(template[g], constants)):
            tried[constants] = False
        moved = np.zeros((int(tried.sum()), *near.whiten.shape))
        moved[:, g] = units[tried] / size * min(_APART, 0.5 / _denominator(template[g]))
        found.append(near.whiten(moved))
    return np.concatenate(found)


def _denominator(row: np.ndarray) -> int:
    """Return the least common denominator, up to 4, of a row of fractions."""
    return next(q for q in (1, 2, 3, 4) if np.allclose(row * q, np.round(row * q), atol=1e-9))


def _constants(features: Features, n_states: int) -> np.ndarray:
    """Return the places of the constant terms among the coefficients of a generator."""
    constant, _ = affine_terms(features, n_states)
    return constant + features.size(n_states) * np.arange(n_states) if constant >= 0 else np.zeros(0, dtype=int)
