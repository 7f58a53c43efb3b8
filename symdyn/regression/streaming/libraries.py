"""Libraries whose values in a row depend on the sample of that row alone, so that rows may be made block by block."""

from __future__ import annotations

import numpy as np
from pysindy.differentiation.base import BaseDifferentiation
from pysindy.feature_library import (
    ConcatLibrary,
    FourierLibrary,
    GeneralizedLibrary,
    IdentityLibrary,
    PolynomialLibrary,
    TensoredLibrary,
)
from pysindy.feature_library.base import BaseFeatureLibrary

from symdyn.functions.pysindy_bridge import FeaturesLibrary
from symdyn.regression.streaming.record import Record

__all__ = ["first_samples", "forget_data", "is_rowwise"]

_SINGLE = (FeaturesLibrary, FourierLibrary, IdentityLibrary, PolynomialLibrary)
_JOINT = (ConcatLibrary, GeneralizedLibrary, TensoredLibrary)
_DATA = ("smoothed_x_", "stencil", "stencil_inds")  # that a method of differentiation keeps of its last run


def is_rowwise(library: BaseFeatureLibrary) -> bool:
    """Return whether a library is known to be evaluated sample by sample.

    What derives from these classes may do otherwise, and functions of a user's may look at all samples.
    """
    if type(library) in _JOINT:
        return all(is_rowwise(part) for part in vars(library)["libraries"])
    return type(library) in _SINGLE


def first_samples(record: Record) -> tuple:
    """Return x, t, targets and inputs of two samples, from which a model of pysindy's takes all its shapes."""
    x, inputs = (None if runs is None else [np.array(runs[0][:2], dtype=float)] for runs in (record.x, record.inputs))
    return x, 1.0, [np.zeros((2, record.n_targets))], inputs


def forget_data(method: BaseDifferentiation | None) -> None:
    """Remove what a method of differentiation keeps of the data, which would be pickled with the model."""
    for name in _DATA:
        if method is not None:
            vars(method).pop(name, None)
