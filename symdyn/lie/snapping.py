"""The exact algebra of a given type that is nearest to an estimated one, and whether it lies inside the error bars.

A type is given by a template, generators with simple numbers in some frame. Carried by all frames of a group it fills a
surface among all spans of that dimension. The nearest point on it, in the metric of the errors, is found by
Gauss-Newton steps of the frame; what the frame absorbs is no evidence for the type, and the test is one of the
directions that remain.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from symdyn.lie.features import Features
from symdyn.lie.frames import Frame, FrameGroup, affine_terms

__all__ = ["Region", "Snapped", "snap"]

# Variance below which nothing is known: coefficients of size 1 come from sums of squares, to the root of rounding.
_ROUNDING = 1e-14
# Of the largest variance of a generator; with replicates of few runs some directions are hardly explored.
_FLOOR = 1e-2
_LEVEL = 0.99
_UNSEEN = 1e-12
# Numbers have to be known to a quarter, and fractions to half their denominator.
_APART = 0.25
# A move of a frame that changes the algebra by less than this many of its errors is not determined by it.
_BLIND = 1e-5


@dataclass(frozen=True)
class Region:
    """Where spans lie that are as far from the estimated one as replicates of it are.

    Parameters
    ----------
    root : ndarray, `(coefficient, coefficient)`
        Rows times this have the identity for their metric.
    span : ndarray, `(generator, coefficient)`
    replicates : ndarray, `(replicate, generator, coefficient)`
        Orthonormal rows, times `root`.
    across : ndarray, `(coefficient, direction)`
        Orthonormal directions at right angles to the span.
    explored : ndarray of bool, `(direction,)`
        Which of these the replicates move in; the others lie outside the candidates.
    """

    root: np.ndarray
    span: np.ndarray
    replicates: np.ndarray
    across: np.ndarray
    explored: np.ndarray

    @classmethod
    def of(cls, span: np.ndarray, replicates: np.ndarray, metric: np.ndarray) -> Region:
        """The region of a span with replicates, one generator a row, in a metric `(coefficient, coefficient)`."""
        # What the data cannot see has size 0; it must not be divided by.
        sizes = np.sqrt(np.maximum(np.diag(metric), _UNSEEN * np.diag(metric).max()))
        values, axes = np.linalg.eigh(metric / sizes / sizes[:, None])
        root = sizes[:, None] * axes * np.sqrt(np.maximum(values, _UNSEEN * values[-1]))
        rows = np.linalg.qr((span @ root).T)[0].T
        moved = np.swapaxes(np.linalg.qr(np.swapaxes(replicates @ root, 1, 2))[0], 1, 2)
        beside = (moved - (moved @ rows.T) @ rows).reshape(-1, len(root))
        # Directions of the span last, with a value below all others.
        values, vectors = np.linalg.eigh(beside.T @ beside / len(beside) - 2 * rows.T @ rows)
        across, values = vectors[:, len(rows) :], values[len(rows) :]
        return cls(root, rows, moved, across, values > 10 * _ROUNDING)

    def offsets(self, vectors: np.ndarray) -> np.ndarray:
        """What of rows `(..., coefficient)` lies at right angles to the span, `(..., direction)`."""
        return vectors @ self.root @ self.across

    def errors(self, vectors: np.ndarray) -> np.ndarray:
        """How far replicates are from the nearest rows in the span, `(replicate, generator, direction)`."""
        nearest = vectors @ self.root @ self.span.T @ self.span
        inside = np.einsum("gc,bkc->bgk", nearest, self.replicates)
        return (nearest - np.einsum("bgk,bkc->bgc", inside, self.replicates)) @ self.across

    def is_near(self, vector: np.ndarray, reference: np.ndarray) -> bool:
        """Whether a row is nearer to the span than twice what replicates of a reference in it are off."""
        errors = self.errors(reference[None])
        whiten = _Whitener.of(errors, self.explored)
        offset = whiten(self.offsets(vector[None]))
        distances = np.sum(whiten(errors, left_out=True) ** 2, axis=1)
        return bool(offset @ offset <= 4 * max(np.quantile(distances, _LEVEL), 1.0))

    def spread(self, vectors: np.ndarray) -> np.ndarray:
        """The same in coefficients, `(replicate, generator, coefficient)`."""
        back = np.linalg.solve(self.root.T, self.across)
        return self.errors(vectors) @ back.T


@dataclass(frozen=True)
class _Whitener:
    """Turns errors `(generator, direction)` into numbers of size 1: the root of their precision.

    The second moment of replicates is a low rank and a ridge, the floor. Generators are first turned so that their
    errors are of one size and independent over all directions, which makes the floor the same in every basis. Where
    directions are many for the replicates, generators are taken one by one: correlations between them would be nothing
    but chance. Directions outside the candidates come first, with errors that are rounding.
    """

    explored: np.ndarray
    turn: np.ndarray
    ridge: float
    blocks: list[tuple[list[int], np.ndarray, np.ndarray]]

    @classmethod
    def of(cls, errors, explored):
        """From errors of replicates `(replicate, generator, direction)` and what of them is more than rounding."""
        seen = errors[:, :, explored]
        count, n, _ = seen.shape
        moment = np.einsum("bgd,bhd->gh", seen, seen) / count + _ROUNDING * np.eye(n)
        together = 4 * n * np.sum(explored) <= count
        values, axes = np.linalg.eigh(moment if together else np.diag(np.diag(moment)))
        turn = (axes / np.sqrt(values)) @ axes.T
        turned = np.einsum("hg,bgd->bhd", turn, seen)
        sizes = np.linalg.svd(turned.reshape(count * n, -1), compute_uv=False)
        largest = sizes.max(initial=0.0) ** 2 / (count * n)
        ridge = _FLOOR * largest + _ROUNDING * np.mean(1 / values)
        blocks = []
        for block in [list(range(n))] if together else [[g] for g in range(n)]:
            flat = turned[:, block].reshape(count, -1) / np.sqrt(count * ridge)
            _, sizes, right = np.linalg.svd(flat, full_matrices=False)
            blocks.append((block, right, 1 - 1 / np.sqrt(1 + sizes**2)))
        return cls(explored, turn, float(ridge), blocks)

    @property
    def shape(self):
        """(generator, direction)"""
        return len(self.turn), len(self.explored)

    def __call__(self, errors, left_out=False):
        """Rows `(..., generator * direction)`; with `left_out` each as seen by the others, had it not been among them.

        A replicate is nearer to a moment that it is part of: its distance d^2 is d^2 / (1 − d^2 / count) without it.
        """
        outside = errors[..., ~self.explored] / np.sqrt(_ROUNDING)
        scaled = np.einsum("hg,...gd->...hd", self.turn, errors[..., self.explored]) / np.sqrt(self.ridge)
        for block, axes, factors in self.blocks:
            flat = scaled[..., block, :].reshape(*errors.shape[:-2], -1)
            flat = flat - (flat @ axes.T * factors) @ axes
            if left_out:
                flat = flat / np.sqrt((1 - np.sum(flat**2, axis=-1, keepdims=True) / len(errors)).clip(1e-12))
            scaled[..., block, :] = flat.reshape(scaled[..., block, :].shape)
        return np.concatenate([part.reshape(*errors.shape[:-2], -1) for part in (outside, scaled)], axis=-1)


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
    """The nearest algebra of the type of the template, None if it lies outside the error bars, or others do not.

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
    changes = template @ group.tangents
    for _ in range(60):
        carry = frame.vector_map(features)
        vectors, slopes = template @ carry, changes @ carry
        sizes = np.linalg.norm(vectors @ region.root, axis=1, keepdims=True)
        whiten = _Whitener.of(region.errors(vectors / sizes), region.explored)
        offset = whiten(region.offsets(vectors / sizes))
        slopes = whiten(region.offsets(_beside(slopes / sizes, vectors, region.root)))
        steps = _pseudo_inverse(slopes)
        step = -offset @ steps
        size = np.linalg.norm(step)
        if size < 1e-11 or not np.isfinite(size):
            break
        # Frames that are off by more than a factor e do not come from where they started.
        frame = frame.moved(np.tensordot(step / max(size, 1.0), group.fields, 1))
    errors = region.errors(vectors / sizes)
    apart = whiten(errors, left_out=True)
    others = _neighbours(template, carry, region, whiten, _constants(features, len(frame.centre)))
    if not _inside(offset, apart, np.eye(offset.size) - steps @ slopes, others, reach) or _wide(offset, apart, others):
        return None
    moved = -whiten(errors) @ steps
    shifts = np.tensordot(moved, group.fields[:, :, 0], 1)
    return Snapped(template, frame, vectors, np.tensordot(moved, changes @ carry, 1), shifts @ frame.matrix.T)


def _beside(moves, vectors, root):
    """Rows `(..., coefficient)` without their part in the span of others: what only changes its basis is no change."""
    span = np.linalg.qr((vectors @ root).T)[0]
    return moves - np.linalg.solve(root.T, span @ (span.T @ root.T @ moves[..., None]))[..., 0]


def _pseudo_inverse(slopes):
    """The inverse `(coordinate, parameter)` of slopes `(parameter, coordinate)`, least moves of what is not seen."""
    left, values, right = np.linalg.svd(slopes, full_matrices=False)
    seen = values > max(_BLIND, 1e-13 * values.max(initial=0.0))
    return (right[seen].T / values[seen]) @ left[:, seen].T


def _inside(offset, errors, remaining, others, reach):
    """Whether what no frame absorbs is as small as that of replicates: as a whole, and towards each neighbour.

    In many directions the whole is blind to one number that is wrong.
    """
    left, errors, towards = offset @ remaining, errors @ remaining, others @ remaining
    sizes = np.linalg.norm(towards, axis=1)
    free = sizes > 1e-3 * np.linalg.norm(others, axis=1)
    towards = towards[free] / sizes[free, None]
    distances = np.sum(errors**2, axis=1)
    parts = np.abs(errors @ towards.T).max(axis=1, initial=0.0) ** 2
    return all(
        seen <= reach**2 * max(np.quantile(others, _LEVEL), 1.0)
        for seen, others in ((left @ left, distances), (np.abs(towards @ left).max(initial=0.0) ** 2, parts))
    )


def _wide(offset, errors, others):
    """Whether a neighbour lies inside the error bars as well, which are then too wide to tell a rotation from a shear.

    All directions count here, also those that the frame absorbs: a shear is a rotation in a frame with an infinite
    ratio of scales.
    """
    lengths = np.linalg.norm(others, axis=1)
    towards = others / lengths[:, None]
    largest = np.quantile(np.abs(errors @ towards.T).max(axis=1, initial=0.0), _LEVEL)
    return bool(np.any(lengths - np.abs(towards @ offset) <= max(largest, 1.0)))


def _neighbours(template, carry, region, whiten, constants):
    """From the template to what it is with one number a little off, `(neighbour, generator * direction)`.

    Constant terms do not count in fields that have others: they only move the centre. Nor does what changes the basis
    of the span, or is not seen in the data and is left as the template has it.
    """
    moves, vectors = carry @ region.root, template @ carry
    lengths = np.linalg.norm(moves, axis=1)
    beside = np.linalg.norm(_beside(carry, vectors, region.root) @ region.root, axis=1)
    moving = (beside > 1e-6 * lengths) & (lengths > 10 * np.sqrt(_UNSEEN) * lengths.max())
    units = region.offsets(carry)
    found = []
    for g, size in enumerate(np.linalg.norm(vectors @ region.root, axis=1)):
        tried = moving.copy()
        if np.any(np.delete(template[g], constants)):
            tried[constants] = False
        near = np.zeros((int(tried.sum()), *whiten.shape))
        near[:, g] = units[tried] / size * min(_APART, 0.5 / denominator(template[g]))
        found.append(whiten(near))
    return np.concatenate(found)


def denominator(row: np.ndarray) -> int:
    """The smallest number, up to 4, whose product with a row of fractions has whole numbers."""
    return next(q for q in (1, 2, 3, 4) if np.allclose(row * q, np.round(row * q), atol=1e-9))


def _constants(features, n_states):
    """Where the constant terms are among the coefficients of a generator."""
    constant, _ = affine_terms(features, n_states)
    return constant + features.size(n_states) * np.arange(n_states) if constant >= 0 else np.zeros(0, dtype=int)
