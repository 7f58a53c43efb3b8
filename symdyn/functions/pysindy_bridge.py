"""The bridge to pysindy: feature libraries in both directions.

The only module of `lie` that loads pysindy; nothing imports it until a library is asked for.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from pysindy.feature_library import ConcatLibrary, FourierLibrary, PolynomialLibrary
from pysindy.feature_library.base import BaseFeatureLibrary, x_sequence_or_item
from pysindy.utils import AxesArray
from sklearn.utils.validation import check_is_fitted

from symdyn.functions.fourier import Fourier
from symdyn.functions.monomials import Monomials
from symdyn.functions.space import Features, Sum

__all__ = ["FeaturesLibrary", "LibraryFeatures", "features_of_library"]


class FeaturesLibrary(BaseFeatureLibrary):
    """Represent `Features` as a pysindy feature library.

    Parameters
    ----------
    features : Features
        The functions; see `Features.to_library`.
    """

    def __init__(self, features: Features):
        self.features = features

    @x_sequence_or_item
    def fit(self, x, y=None):
        self.n_features_in_ = x[0].n_coord
        self.n_output_features_ = self.features.size(self.n_features_in_)
        return self

    @x_sequence_or_item
    def transform(self, x):
        check_is_fitted(self)
        return [AxesArray(self._values(np.asarray(run)), run.axes) for run in x]

    def get_feature_names(self, input_features=None):
        check_is_fitted(self)
        states = input_features or [f"x{i}" for i in range(self.n_features_in_)]
        return self.features.names(list(states))

    def _values(self, x: np.ndarray) -> np.ndarray:
        # pysindy may put any number of axes before the coordinate; features see rows of states.
        return self.features(x.reshape(-1, x.shape[-1])).reshape(*x.shape[:-1], -1)


@dataclass(frozen=True)
class LibraryFeatures(Features):
    """Represent any fitted pysindy library as `Features`, with Jacobians by the complex step, checked by differences.

    The complex step f(x + i h e_j) has no cancellation, but is silently wrong for functions such as
    |x| that are not analytic; central differences at the same points catch that, and then they are
    used instead.
    """

    library: BaseFeatureLibrary

    def __call__(self, points):
        return np.asarray(self.library.transform(np.asarray(points, dtype=float)))

    def jacobian(self, points):
        points = np.asarray(points, dtype=float)
        difference = self._central_difference(points)
        try:
            exact = self._complex_step(points)
        except TypeError:  # numpy functions without a complex version, such as hypot
            return difference
        # Measured at each point, with room for the rounding of differences: |x| + x^6 is wrong near 0 only.
        room = 1e-7 * np.abs(difference).max(axis=(0, 2)) + 1e-9 * np.abs(self(points)).max(axis=0) + 1e-300
        agrees = np.all(np.abs(exact - difference) <= 1e-4 * np.abs(difference) + room[:, None], axis=(0, 2))
        return np.where(agrees[None, :, None], exact, difference)

    def names(self, states):
        return [name.replace("|", " ") for name in self.library.get_feature_names(list(states))]

    def families(self, states):
        # Nothing is known about a general library: its functions stand or fall together.
        return ["library"] * self.library.n_output_features_

    def _complex_step(self, points: np.ndarray, h: float = 1e-30) -> np.ndarray:
        columns = []
        for state in range(points.shape[1]):
            shifted = points.astype(complex)
            shifted[:, state] += 1j * h
            with warnings.catch_warnings():
                # A function that drops the imaginary part gives 0 here, which the differences disprove.
                warnings.simplefilter("ignore", np.exceptions.ComplexWarning)
                columns.append(np.imag(np.asarray(self.library.transform(shifted))) / h)
        return np.stack(columns, axis=-1)

    def _central_difference(self, points: np.ndarray) -> np.ndarray:
        columns = []
        for state in range(points.shape[1]):
            step = np.zeros(points.shape[1])
            step[state] = 6e-6 * max(1.0, np.abs(points[:, state]).max())
            columns.append((self(points + step) - self(points - step)) / (2 * step[state]))
        return np.stack(columns, axis=-1)


def features_of_library(library) -> Features:
    """Return `Features` equal to a fitted pysindy library, analytic where its class is known.

    Raises
    ------
    ValueError
        If the library is not fitted, so that its size is unknown (`library.fit(np.zeros((2, n)))`).
    """
    if not hasattr(library, "n_features_in_"):
        raise ValueError("the library is not fitted; call library.fit(np.zeros((2, n_states))) first")
    if isinstance(library, FeaturesLibrary):
        return library.features
    if isinstance(library, PolynomialLibrary):
        return Monomials(tuple(tuple(int(a) for a in row) for row in np.asarray(library.powers_)))
    if type(library) is FourierLibrary and library.include_sin and library.include_cos:
        return Fourier(library.n_frequencies)
    if isinstance(library, ConcatLibrary):
        return Sum(tuple(features_of_library(part) for part in library.libraries))
    return LibraryFeatures(library)
