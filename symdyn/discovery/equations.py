"""Normal equations of a law, for many weightings of the data at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Equations", "Model"]

_SINGULAR = 1e-11  # relative eigenvalue below which a combination of features is not fitted
_SILENT = 1e-14  # and below which it vanishes but for rounding


@dataclass(frozen=True)
class Equations:
    """Sums of products of the rows (features, targets): `total` `(term, term)`; `families` `(feature,)` of str."""

    total: np.ndarray
    families: np.ndarray

    @property
    def labels(self) -> tuple[str, ...]:
        """The families, in order."""
        return tuple(dict.fromkeys(self.families.tolist()))

    def model(self, kept: tuple[str, ...]) -> Model:
        """The law on the kept families."""
        columns = np.flatnonzero(np.isin(self.families, kept))
        values, vectors = self._spectrum(columns)
        seen = np.abs(values) > _SINGULAR * np.abs(values).max(initial=1e-300)
        return Model(len(self.families), columns, vectors[:, seen])

    def unknown(self, output_power: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
        """Errors `(n, output, feature)` along combinations of features that vanish on all the data.

        Such as z in planar motion, or z − c where z stays at c: nothing is known of their coefficients, which may be as
        large as if the combination had the size of its features; three times the rates, since nobody knows.
        """
        values, vectors = self._spectrum(np.arange(len(self.families)))
        silent = vectors[:, np.abs(values) < _SILENT * np.abs(values).max(initial=1e-300)]
        rates = np.sqrt(np.where(np.isfinite(output_power), output_power, 0.0))  # nothing is known of no motion
        return 3 * (rng.standard_normal((n, len(rates), silent.shape[1])) * rates[:, None]) @ silent.T

    def _spectrum(self, columns):
        """Eigenvalues of the sums of features scaled to size 1, and combinations `(column, value)` of the features."""
        squares = np.abs(np.diag(self.total))[: len(self.families)]
        scale = np.array([_inverse_size(squares, self.families, column) for column in columns])
        block = self.total[np.ix_(columns, columns)] * scale[:, None] * scale
        values, vectors = np.linalg.eigh((block + block.T) / 2)
        return values, scale[:, None] * vectors


@dataclass(frozen=True)
class Model:
    """A law on some of the features.

    `frame` `(column, direction)` are the combinations of the features `columns` that the data decide.
    """

    n_features: int
    columns: np.ndarray
    frame: np.ndarray

    def solve(self, grams: np.ndarray) -> np.ndarray:
        """Coefficients `(..., output, feature)` from sums `(..., term, term)`."""
        return self.solve_with_inverse(grams)[0]

    def solve_with_inverse(self, grams: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Coefficients, and the inverse `(..., direction, direction)` of the sums on the frame."""
        inverse = self.inverse(grams)
        right = self.frame.T @ grams[..., self.columns, self.n_features :]
        solution = self.frame @ (inverse @ right)
        full = np.zeros((*grams.shape[:-2], right.shape[-1], self.n_features))
        full[..., self.columns] = np.swapaxes(solution, -1, -2)
        return full, inverse

    def inverse(self, grams: np.ndarray) -> np.ndarray:
        """Inverse of the sums on the frame `(..., direction, direction)`; a pseudoinverse where they are singular."""
        return _inverse(self.frame.T @ grams[..., self.columns[:, None], self.columns] @ self.frame)

    def rows(self, grams: np.ndarray) -> np.ndarray:
        """Sums `(..., feature or target, direction)` of rows times what the data decide, features of the model only."""
        terms = np.append(self.columns, np.arange(self.n_features, grams.shape[-1]))
        return grams[..., terms[:, None], self.columns] @ self.frame

    def left(self, coefficients: np.ndarray) -> np.ndarray:
        """(−W, 1) `(..., output, feature or target)`: times the sums of `rows` it is residual times feature."""
        n = coefficients.shape[-2]
        unit = np.broadcast_to(np.eye(n), (*coefficients.shape[:-1], n))
        return np.concatenate([-coefficients[..., self.columns], unit], axis=-1)


def _inverse_size(squares, families, column):
    """One over the size of a feature; that of its family where it vanishes on the data, 1 if that does too."""
    size = squares[column] or squares[families == families[column]].max()
    return 1 / np.sqrt(size) if size > 0 else 1.0


def _inverse(matrices):
    if matrices.shape[-1] == 0:
        return matrices
    try:
        inverse = np.linalg.inv(matrices)
    except np.linalg.LinAlgError:  # one of them is singular: resampling can leave too little
        return np.linalg.pinv(matrices, rcond=_SINGULAR)
    condition = np.linalg.norm(matrices, axis=(-2, -1)) * np.linalg.norm(inverse, axis=(-2, -1))
    bad = ~(condition < 1 / _SINGULAR)
    if np.any(bad):
        inverse[bad] = np.linalg.pinv(matrices[bad], rcond=_SINGULAR)
    return inverse
