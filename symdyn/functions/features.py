"""Spaces of functions: values, exact Jacobians, names, and which of them belong together.

`Polynomial`, `Monomials`, `Fourier`, `Waves`, `CentralForce` (q |q|^-k), `Radial` (|q|^-k), pysindy libraries
(`from_library`), and sums of them. User-defined spaces derive from `Features`.
"""

from __future__ import annotations

import copy

import numpy as np

from symdyn.functions.fourier import Fourier, Waves
from symdyn.functions.monomials import (
    Monomials,
    Polynomial,
    monomial_jacobian,
    monomial_name,
    monomials,
    polynomial_exponents,
)
from symdyn.functions.radial import CentralForce, Radial
from symdyn.functions.space import Features, Sum
from symdyn.functions.words import parse_features

__all__ = [
    "CentralForce",
    "Features",
    "Fourier",
    "Monomials",
    "Polynomial",
    "Radial",
    "Sum",
    "Waves",
    "as_features",
    "from_library",
    "monomial_jacobian",
    "monomial_name",
    "monomials",
    "polynomial_exponents",
]


def from_library(library) -> Features:
    """Return a pysindy feature library as `Features`, with exact Jacobians; see `symdyn.functions.pysindy_bridge`.

    Examples
    --------
    >>> import numpy as np
    >>> import pysindy as ps
    >>> import symdyn as sd
    >>> library = ps.PolynomialLibrary(2).fit(np.zeros((1, 2)))
    >>> sd.features.from_library(library).names(["x", "y"])
    ['1', 'x', 'y', 'x^2', 'x y', 'y^2']
    """
    from symdyn.functions.pysindy_bridge import features_of_library

    return features_of_library(library)


def as_features(given, n_states: int, name: str = "features") -> Features:
    """Return features as they are, or those of a pysindy library, which need not be fitted and is not changed.

    Parameters
    ----------
    given : Features, pysindy feature library, str, or a law
        Text such as `polynomial:3` is read by `symdyn.functions.words`. A law stands for the functions of which it is
        made.
    n_states : int
        Number of states (and inputs) of which they are functions.
    name : str
        Its name in error messages.

    Raises
    ------
    TypeError
        For anything else.
    ValueError
        For a library fitted to another number of states, and for unknown words.

    Examples
    --------
    >>> import symdyn as sd
    >>> sd.features.as_features("polynomial:2", 2)
    Polynomial(degree=2, constant=True, columns=None)
    >>> sd.features.as_features("central:1-3", 6).names(["x", "y", "z", "vx", "vy", "vz"])[:3]
    ['x |q|^-1', 'y |q|^-1', 'z |q|^-1']
    """
    if isinstance(given, Features):
        return given
    if isinstance(getattr(given, "features", None), Features):
        return given.features
    if isinstance(given, str):
        return parse_features(given, n_states)
    if not (hasattr(given, "get_feature_names") and hasattr(given, "fit")):
        raise TypeError(
            f"{name} must be Features or a pysindy feature library, or words such as 'polynomial:3', got "
            f"{type(given).__name__}"
        )
    library = copy.deepcopy(given)
    if not hasattr(library, "n_features_in_"):
        library.fit(np.ones((2, n_states)))
    if library.n_features_in_ != n_states:
        raise ValueError(f"{name}: the library is fitted to {library.n_features_in_} states, not to {n_states}")
    return from_library(library)
