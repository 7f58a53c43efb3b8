"""Error bars of an estimated span as a region round it: where spans lie that are as far from it as its replicates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from symdyn.functions.tolerances import DEPENDENT

__all__ = ["LEVEL", "UNSEEN", "Region", "Whitener"]

# Variance below which nothing is known: coefficients of size 1 come from sums of squares, to the root of rounding.
# Of the largest variance of a generator; with replicates of few runs some directions are hardly explored.
_FLOOR = 1e-2
# Share of replicates that lie inside.
LEVEL = 0.99
# Size, over the largest, below which the data do not see a coefficient.
UNSEEN = 1e-12


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
        """Build the region of a span with replicates, one generator a row, in a metric `(coefficient, coefficient)`."""
        # What the data cannot see has size 0; it must not be divided by.
        sizes = np.sqrt(np.maximum(np.diag(metric), UNSEEN * np.diag(metric).max()))
        values, axes = np.linalg.eigh(metric / sizes / sizes[:, None])
        root = sizes[:, None] * axes * np.sqrt(np.maximum(values, UNSEEN * values[-1]))
        rows = np.linalg.qr((span @ root).T)[0].T
        # The same rows whatever basis the span came in.
        rows = np.asarray(linalg.qr(rows.T @ rows, pivoting=True)[0])[:, : len(rows)].T
        moved = np.swapaxes(np.linalg.qr(np.swapaxes(replicates @ root, 1, 2))[0], 1, 2)
        beside = (moved - (moved @ rows.T) @ rows).reshape(-1, len(root))
        # Directions of the span last, with a value below all others.
        values, vectors = np.linalg.eigh(beside.T @ beside / len(beside) - 2 * rows.T @ rows)
        across, values = vectors[:, len(rows) :], values[len(rows) :]
        return cls(root, rows, moved, across, values > 10 * DEPENDENT)

    @property
    def metric(self) -> np.ndarray:
        """The inner product `(coefficient, coefficient)`."""
        return self.root @ self.root.T

    @property
    def generators(self) -> np.ndarray:
        """Orthonormal generators of the span `(generator, coefficient)`."""
        return np.linalg.solve(self.root.T, self.span.T).T

    def offsets(self, vectors: np.ndarray) -> np.ndarray:
        """Return the part of rows `(..., coefficient)` orthogonal to the span, `(..., direction)`."""
        return vectors @ self.root @ self.across

    def errors(self, vectors: np.ndarray) -> np.ndarray:
        """Compute how far replicates are from the nearest rows in the span, `(replicate, generator, direction)`."""
        nearest = vectors @ self.root @ self.span.T @ self.span
        inside = np.einsum("gc,bkc->bgk", nearest, self.replicates)
        return (nearest - np.einsum("bgk,bkc->bgc", inside, self.replicates)) @ self.across

    def is_near(self, vector: np.ndarray, reference: np.ndarray) -> bool:
        """Check whether a row is nearer to the span than twice what replicates of a reference in it are off."""
        errors = self.errors(reference[None])
        whiten = Whitener.of(errors, self.explored)
        offset = whiten(self.offsets(vector[None]))
        distances = np.sum(whiten(errors, left_out=True) ** 2, axis=1)
        return bool(offset @ offset <= 4 * max(np.quantile(distances, LEVEL), 1.0))

    def spread(self, vectors: np.ndarray) -> np.ndarray:
        """Compute `errors` in coefficients, `(replicate, generator, coefficient)`."""
        back = np.linalg.solve(self.root.T, self.across)
        return self.errors(vectors) @ back.T


@dataclass(frozen=True)
class Whitener:
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
    def of(cls, errors: np.ndarray, explored: np.ndarray) -> Whitener:
        """Build it from errors of replicates `(replicate, generator, direction)`; those `explored` exceed rounding."""
        seen = errors[:, :, explored]
        count, n, _ = seen.shape
        moment = np.einsum("bgd,bhd->gh", seen, seen) / count + DEPENDENT * np.eye(n)
        together = 4 * n * np.sum(explored) <= count
        values, axes = np.linalg.eigh(moment if together else np.diag(np.diag(moment)))
        turn = (axes / np.sqrt(values)) @ axes.T
        turned = np.einsum("hg,bgd->bhd", turn, seen)
        sizes = np.linalg.svd(turned.reshape(count * n, seen.shape[2]), compute_uv=False)
        largest = sizes.max(initial=0.0) ** 2 / (count * n)
        ridge = _FLOOR * largest + DEPENDENT * np.mean(1 / values)
        blocks = []
        for block in [list(range(n))] if together else [[g] for g in range(n)]:
            flat = turned[:, block].reshape(count, len(block) * seen.shape[2]) / np.sqrt(count * ridge)
            _, sizes, right = np.linalg.svd(flat, full_matrices=False)
            blocks.append((block, right, 1 - 1 / np.sqrt(1 + sizes**2)))
        return cls(explored, turn, float(ridge), blocks)

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of generators and of directions."""
        return len(self.turn), len(self.explored)

    def __call__(self, errors: np.ndarray, left_out: bool = False) -> np.ndarray:
        """Whiten errors to rows `(..., generator * direction)`; with `left_out` each by the moment of all others.

        A replicate is nearer to a moment that it is part of: its distance d^2 is d^2 / (1 − d^2 / count) without it.
        """
        outside = errors[..., ~self.explored] / np.sqrt(DEPENDENT)
        scaled = np.einsum("hg,...gd->...hd", self.turn, errors[..., self.explored]) / np.sqrt(self.ridge)
        before = errors.shape[:-2]
        for block, axes, factors in self.blocks:
            flat = scaled[..., block, :].reshape(*before, len(block) * scaled.shape[-1])
            flat = flat - (flat @ axes.T * factors) @ axes
            if left_out:
                flat = flat / np.sqrt((1 - np.sum(flat**2, axis=-1, keepdims=True) / len(errors)).clip(1e-12))
            scaled[..., block, :] = flat.reshape(scaled[..., block, :].shape)
        return np.concatenate([part.reshape(*before, np.prod(part.shape[-2:])) for part in (outside, scaled)], axis=-1)
