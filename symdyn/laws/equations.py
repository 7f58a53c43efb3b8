"""Normal equations of a law, for many weightings of the data at once.

Sums may be along axes theta' = A^T theta of ill conditioned features (`symdyn.sums.axes`), with theta = B theta'. A law
on some of the features is then W theta = (W B) theta', and the combinations that the data decide come from a singular
value decomposition, which sees directions six decades smaller than the spectrum of sums of products does.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from symdyn.functions.tolerances import DEPENDENT_SQUARES
from symdyn.sums.axes import residual_of, returned

__all__ = ["Equations", "Model"]

_SILENT = 1e-14  # and below which it vanishes but for rounding
_ROUNDING = 1e-13  # of the size of its family, below which a feature is there by rounding
_SMALLEST, _NOTHING = 1e-12, 1e-13  # the same of singular values, along axes


@dataclass(frozen=True)
class Equations:
    """Sums of products of the rows (features, targets): `total` `(term, term)`; `families` `(feature,)` of str.

    `axes` `(feature, direction)` are those of the sums, `(0, 0)` for sums of the features themselves.
    """

    total: np.ndarray
    families: np.ndarray
    axes: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))

    @property
    def labels(self) -> tuple[str, ...]:
        """The families, in order."""
        return tuple(dict.fromkeys(self.families.tolist()))

    def family_sizes(self) -> np.ndarray:
        """Return the size `(feature,)` on the data of the largest feature of the family of each, 1 where all vanish."""
        squares = np.abs(np.diag(self.total))[: len(self.families)]
        if self.axes.size:
            turn = returned(self.axes)
            n = len(self.families)
            squares = np.abs(np.einsum("fa,ab,fb->f", turn, self.total[:n, :n], turn))
        largest = {label: squares[self.families == label].max() for label in self.labels}
        sizes = np.sqrt(np.array([largest[label] for label in self.families.tolist()]))
        return np.where(sizes > 0, sizes, 1.0)

    def model(self, kept: tuple[str, ...]) -> Model:
        """Build the law on the kept families."""
        columns = np.flatnonzero(np.isin(self.families, kept))
        if self.axes.size:
            values, frame = self._decomposition(columns)
            seen = values > _SMALLEST * values.max(initial=1e-300)
            turn = returned(self.axes)[columns]
            every = np.arange(len(self.families))
            return Model(len(self.families), columns, frame[:, seen], every, turn, values[seen])
        values, vectors = self._spectrum(columns)
        seen = np.abs(values) > DEPENDENT_SQUARES * np.abs(values).max(initial=1e-300)
        return Model(len(self.families), columns, vectors[:, seen], columns)

    def unknown(self, output_power: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
        """Draw errors `(n, output, feature)` along combinations of features that vanish on all the data.

        Such as z in planar motion, or z − c where z stays at c: nothing is known of their coefficients, which may be as
        large as if the combination had the size of its features; three times the rates, since nobody knows.
        """
        decide, rounding = (self._decomposition, _NOTHING) if self.axes.size else (self._spectrum, _SILENT)
        values, vectors = decide(np.arange(len(self.families)))
        silent = vectors[:, np.abs(values) < rounding * np.abs(values).max(initial=1e-300)]
        rates = np.sqrt(np.where(np.isfinite(output_power), output_power, 0.0))  # nothing is known of no motion
        return 3 * (rng.standard_normal((n, len(rates), silent.shape[1])) * rates[:, None]) @ silent.T

    def _spectrum(self, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return eigenvalues of the sums of features scaled to size 1, and combinations `(column, value)` of these."""
        squares = np.abs(np.diag(self.total))[: len(self.families)]
        scale = np.array([_inverse_size(squares, self.families, column) for column in columns])
        block = self.total[np.ix_(columns, columns)] * scale[:, None] * scale
        values, vectors = np.linalg.eigh((block + block.T) / 2)
        return values, scale[:, None] * vectors

    def _decomposition(self, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return singular values of the features scaled to size 1, and combinations `(column, value)` of the features.

        With sums G of theta' and |G| = S^T S the features are as long, and as far from each other, as rows of B S^T.
        """
        n = len(self.families)
        sizes = np.sqrt(np.abs(np.diag(self.total))[:n])
        sizes = np.where(sizes > 0, sizes, 1.0)
        values, vectors = np.linalg.eigh(self.total[:n, :n] / sizes[:, None] / sizes)
        root = np.sqrt(np.abs(values))[:, None] * vectors.T * sizes
        rows = returned(self.axes) @ root.T
        squares = np.square(rows).sum(axis=1)
        scale = np.array([_inverse_size(squares, self.families, column) for column in columns])
        combinations, spectrum, _ = np.linalg.svd(rows[columns] * scale[:, None], full_matrices=False)
        return spectrum, scale[:, None] * combinations


@dataclass(frozen=True)
class Model:
    """A law on some of the features.

    `frame` `(column, direction)` are the combinations of the features `columns` that the data decide. `where`
    `(term,)` says which terms of the sums they are made of: the columns; or, along axes, all, with theta = `turn`
    theta' for the columns. `sizes` `(direction,)` are those of the combinations on the data, given along axes, where
    they differ by decades.
    """

    n_features: int
    columns: np.ndarray
    frame: np.ndarray
    where: np.ndarray
    turn: np.ndarray | None = None
    sizes: np.ndarray | float = 1.0

    @property
    def combinations(self) -> np.ndarray:
        """The combinations `(term, direction)` of the terms `where`, of size 1 if sizes are known."""
        return (self.frame if self.turn is None else self.turn.T @ self.frame) / self.sizes

    def solve(self, grams: np.ndarray) -> np.ndarray:
        """Compute coefficients `(..., output, feature)` from sums `(..., term, term)`."""
        return self.solve_with_inverse(grams)[0]

    def solve_with_inverse(self, grams: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Compute coefficients, and the inverse `(..., direction, direction)` of the sums on the frame."""
        inverse = self.inverse(grams)
        right = (self.combinations * self.sizes).T @ grams[..., self.where, self.n_features :]
        solution = self.frame @ (inverse @ right)
        full = np.zeros((*grams.shape[:-2], right.shape[-1], self.n_features))
        full[..., self.columns] = np.swapaxes(solution, -1, -2)
        return full, inverse

    def inverse(self, grams: np.ndarray) -> np.ndarray:
        """Invert the sums on the frame `(..., direction, direction)`; take a pseudoinverse where they are singular."""
        combinations = self.combinations
        inverse = _inverse(combinations.T @ grams[..., self.where[:, None], self.where] @ combinations)
        return inverse / self.sizes / np.reshape(self.sizes, (-1, 1))

    def rows(self, grams: np.ndarray) -> np.ndarray:
        """Return sums `(..., feature or target, direction)` of rows times what the data decide.

        Features are those of the model only.
        """
        terms = np.append(self.where, np.arange(self.n_features, grams.shape[-1]))
        return grams[..., terms[:, None], self.where] @ (self.combinations * self.sizes)

    def left(self, coefficients: np.ndarray) -> np.ndarray:
        """Return (−W, 1) `(..., output, feature or target)`: times the sums of `rows` it is residual times feature."""
        law = coefficients[..., self.columns]
        return residual_of(law if self.turn is None else law @ self.turn)


def _inverse_size(squares: np.ndarray, families: np.ndarray, column: int) -> float:
    """Return one over the size of a feature, of its family where it is rounding on the data; 1 if that vanishes too."""
    family = squares[families == families[column]].max()
    size = squares[column] if squares[column] > _ROUNDING**2 * family else family
    return 1 / np.sqrt(size) if size > 0 else 1.0


def _inverse(matrices: np.ndarray) -> np.ndarray:
    if matrices.shape[-1] == 0:
        return matrices
    try:
        inverse = np.linalg.inv(matrices)
    except np.linalg.LinAlgError:  # one of them is singular: resampling can leave too little
        return np.linalg.pinv(matrices, rcond=DEPENDENT_SQUARES)
    condition = np.linalg.norm(matrices, axis=(-2, -1)) * np.linalg.norm(inverse, axis=(-2, -1))
    bad = ~(condition < 1 / DEPENDENT_SQUARES)
    if np.any(bad):
        inverse[bad] = np.linalg.pinv(matrices[bad], rcond=DEPENDENT_SQUARES)
    return inverse
