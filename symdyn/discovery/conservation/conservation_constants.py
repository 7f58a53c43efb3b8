"""Functions that have one value on all the data: linear ones, whose scale is that of their terms.

Such a function h does not differ between trajectories, so its own spread is no scale. Of a linear one, h = sum_i c_i
x_i, the terms are: with s_i the spread of state i over all data,

    eps^2 = within(h)^2 / (w^2 sum_i c_i^2 s_i^2).

Linear functions are no more than states: one that is constant while its terms are not says something. Of nonlinear
ones there are as many as one likes, and with enough terms some are nearly constant on anything; they have no such
scale, and stay undetermined: a limit cycle, or the energy that all trajectories were started with, cannot be told from
what is conserved.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy import linalg

from symdyn.evidence.evidence import Evidence, QuadraticForms

__all__ = ["Constants", "constant_directions", "constants_of", "linear_terms", "restricted", "without"]

_LINEAR = 1e-9  # change of slopes, of their size, that counts as none


def linear_terms(slopes: np.ndarray, beside: np.ndarray, spreads: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Tell which functions are linear in the states, `(feature,)`, and return sum_i c_i^2 s_i^2 for these as a form.

    Parameters
    ----------
    slopes, beside : ndarray, `(sample, feature, state)`
        Derivatives at points of the data and at points beside them.
    spreads : ndarray, `(state,)`
        s_i, of the states over all data.
    """
    both = np.concatenate([slopes, beside])
    change = np.abs(both - both[0]).max(axis=(0, 2))
    linear = change <= _LINEAR * np.abs(both).max(axis=(0, 2))
    moved = np.where(linear[:, None], slopes[0] * spreads, 0.0)
    # (c slope_i)^2 s_i^2: what a state does through several features adds up, what different states do does not cancel.
    return linear, moved @ moved.T


def constant_directions(
    size: np.ndarray, unsure: np.ndarray, linear: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find combinations that vary on the data, linear ones that do not, and all others that do not.

    Parameters
    ----------
    size : ndarray, `(feature, feature)`
        Scatter of the functions in all data.
    unsure : ndarray, `(feature, feature)`
        What chance and rounding make of it.
    linear : ndarray of bool, `(feature,)`

    Returns
    -------
    varying, constant, others : ndarray, `(feature, direction)`
        The first orthonormal in the size.
    """
    values, vectors = linalg.eigh(size, unsure)
    seen = values > 1
    varying = vectors[:, seen] / np.sqrt(values[seen])
    still = np.linalg.qr(vectors[:, ~seen])[0]
    constant = np.zeros((len(size), 0))
    if linear.any() and still.shape[1]:
        chosen = np.ix_(linear, linear)
        values, vectors = linalg.eigh(size[chosen], unsure[chosen])
        constant = np.zeros((len(size), int(np.sum(values <= 1))))
        constant[linear] = np.linalg.qr(vectors[:, values <= 1])[0]
    return varying, constant, without(still, constant)


def without(span: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return what of a span `(feature, direction)` is beside `known` directions, orthonormal."""
    beside = span - known @ (known.T @ span) if known.shape[1] else span
    left, sizes, _ = np.linalg.svd(beside, full_matrices=False)
    return left[:, sizes > 0.5][:, : max(span.shape[1] - known.shape[1], 0)]


def restricted(forms: QuadraticForms, frame: np.ndarray) -> QuadraticForms:
    """Restrict forms to the columns of a frame `(candidate, direction)`."""
    parts = (forms.violation, forms.size, forms.cross, forms.error, forms.jackknife)
    return QuadraticForms(*(frame.T @ part @ frame for part in parts), stretch=forms.stretch)


@dataclass(frozen=True)
class Constants:
    """Linear functions with one value: `evidence` on combinations of the columns of `frame` `(feature, direction)`."""

    evidence: Evidence
    frame: np.ndarray

    @property
    def rows(self) -> np.ndarray:
        """Functions `(function, feature)` of which the terms vary, most surely conserved first."""
        return (self.frame @ self.evidence.directions).T

    @property
    def unseen(self) -> np.ndarray:
        """Functions `(feature, direction)` of which the terms do not vary, either."""
        return self.frame @ self.evidence.unseen


def constants_of(
    forms: QuadraticForms, terms: np.ndarray, frame: np.ndarray, judge: Callable[..., Evidence], rounding: np.ndarray
) -> Constants | None:
    """Build the evidence on linear functions with one value; None where there are none.

    Parameters
    ----------
    forms : QuadraticForms
        Over features.
    terms : ndarray, `(feature, feature)`
        sum_i c_i^2 s_i^2 as a form.
    frame : ndarray, `(feature, direction)`
    judge : callable
        Makes evidence of forms.
    rounding : ndarray, `(replicate,)`
        eps^2 that rounding may make, in each replicate.
    """
    if frame.shape[1] == 0:
        return None
    here = restricted(replace(forms, size=terms), frame)
    more = rounding[:, None, None] * here.size
    mean = more.mean(axis=0)
    here = replace(
        here,
        violation=here.violation + mean,
        cross=here.cross - (more - mean) / 2,
        error=here.error + more,
        jackknife=here.jackknife + mean,
    )
    return Constants(judge(here), frame)
