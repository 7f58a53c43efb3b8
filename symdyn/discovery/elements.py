"""Evidence on finite symmetries: reflections, permutations, any affine map g(x) = A x + b, each by itself.

For a law x' = f(x) the violation of an element is

    eps(g)^2 = |f(g x) − A f(x)|^2 / (|f(g x) − f(x)|^2 + |A f(x) − f(x)|^2 + |d|^2),
    d_i = r_i min(|(g x − x)_i| / s_i, 1),

with s_i the spread of state i, r_i its rate rms(f_i) / s_i, norms over points x of the data, output i in units of s_i;
it lies in [0, sqrt 2] and has no units. What g leaves alone is in no term, so an element that moves little, or moves a
slow state only, is judged by what it does: for g = exp(h v) it tends to the violation of the generator v as h -> 0. The
last term is for directions that f does not feel; it is bounded, or images far away would make every bounded f look
symmetric.

L_g f = f(g x) − A f(x) is linear in the coefficients of the law, so errors, bounds and verdicts are those of generators
(`symdyn.discovery.evidence`). Images g x may lie where there are no data: there the law is an extrapolation, whose
error the replicates show as far as the law is in its library. `image_outside` says how far that goes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from symdyn.discovery.element_table import element_table, share_outside
from symdyn.discovery.evidence import Evidence, QuadraticForms
from symdyn.discovery.law import LawFit
from symdyn.lie.equivariance import difference
from symdyn.lie.features import Features
from symdyn.lie.groups import Elements

__all__ = ["LawSample", "displacement", "judge_elements"]

# Points at a time: replicates times points of rows are held in memory.
_BLOCK = 500


@dataclass(frozen=True)
class LawSample:
    """Where, and in which units, the two sides of f(g x) = A f(x) are compared.

    `features` the law is made of; `points` `(sample, argument)` of the data, states first, then inputs; `weights`
    `(sample, output)` one over the scale of the outputs; `spreads` `(sample, argument)` the scale of the arguments;
    `kind` as in `symdyn.lie.equivariance.difference`.
    """

    features: Features
    points: np.ndarray
    weights: np.ndarray
    spreads: np.ndarray
    kind: str = "flow"


def judge_elements(
    elements: Elements, fit: LawFit, sample: LawSample, *, delta: float = 0.1, alpha: float = 0.05
) -> xr.Dataset:
    """Three verdicts on each element for a law with its error.

    Parameters
    ----------
    elements : Elements
        As they are to be judged, see `Elements.searched`; on positions only for a second-order system.
    fit : LawFit
    sample : LawSample
    delta, alpha : float
        As for `SymmetryDiscovery`.

    Returns
    -------
    xr.Dataset
        Over `element`, in the given order: violation, upper_bound, p_value (Holm), signal_to_noise, verdict,
        exact_rejected, image_outside. "symmetric" elements have their bound below delta, and so have the products of
        any two of them. Elements that change nothing at any point of the data are "undetermined".
    """

    def judge(part: Elements) -> Evidence | None:
        return _judged(_law_forms(part, fit, sample), delta)

    inputs = elements.prolong() if sample.kind == "second_order" else elements
    outside = share_outside(inputs.images(sample.points), sample.points, sample.spreads)
    return element_table(elements, judge, outside, delta=delta, alpha=alpha)


def _judged(forms: QuadraticForms | None, delta) -> Evidence | None:
    """Evidence from forms of one candidate; None where there is nothing to judge."""
    if forms is None or not forms.size[0, 0] > 0:
        return None
    size = forms.size  # of one candidate the size is a number; in its units no ratio overflows
    parts = (forms.violation, size, forms.cross, forms.error, forms.jackknife)
    return Evidence(QuadraticForms(*(part / size[0, 0] for part in parts), forms.stretch), delta)


def _law_forms(element: Elements, fit: LawFit, sample: LawSample) -> QuadraticForms | None:
    """The forms of L_g for one element; None if g changes nothing on the data, or leaves the domain of the features."""
    laws = np.concatenate([fit.coefficients[None], fit.errors, fit.jackknife])
    n, b = len(sample.points), len(fit.errors)
    sums = []
    for rows in np.array_split(np.arange(n), max(n // _BLOCK, 1)):
        with np.errstate(all="ignore"):
            parts = difference(sample.features, element, sample.points[rows], sample.kind, laws.shape[1])
        if not np.all(np.isfinite(parts.transport)):
            return None
        sums.append(_sums(parts, laws, sample.weights[rows]))
    cross, squares, size, power = (sum(column) / n for column in zip(*sums, strict=True))
    size = size + np.mean(np.sum(_law_displacement(element, fit, sample) ** 2, axis=1))
    if size <= 1e-20 * power:
        return None
    # The first law is the estimate, then come its bootstrap errors, then those of the jackknife.
    violation, error, jackknife = squares[:1], squares[1 : b + 1], squares[b + 1 :].mean(keepdims=True)
    forms = (violation, np.array([size]), cross[1 : b + 1, None], error[:, None], jackknife)
    return QuadraticForms(*(form[..., None] for form in forms), fit.stretch)


def _sums(parts, laws, weights):
    """Sums over points: L(W)^T L(W_b) and |L(W_b)|^2 `(law,)`, both parts of the size of W, the power of W."""
    flat, weights = laws.reshape(-1, laws.shape[2]).T, weights[:, None]
    shape = (len(weights), *laws.shape[:2])
    values = (parts.values @ flat).reshape(shape)
    there = (parts.transport[:, :, 0] @ flat).reshape(shape) * weights
    # The matrix acts on outputs in their own units.
    here, carried = values * weights, values @ parts.outputs[0, :, :, 0].T * weights
    gaps = there - carried
    size = np.sum((there[:, 0] - here[:, 0]) ** 2) + np.sum((carried[:, 0] - here[:, 0]) ** 2)
    return np.einsum("so,sbo->b", gaps[:, 0], gaps), np.sum(gaps**2, axis=(0, 2)), size, np.sum(here[:, 0] ** 2)


def _law_displacement(element, fit, sample):
    """r_i min(|d_i| / s_i, 1) `(sample, state)` of what the element acts on.

    In a second-order system velocities go with the positions, and count only where time is reversed.
    """
    n = len(element.states)
    values = (sample.features(sample.points) @ fit.coefficients.T) * sample.weights
    if sample.kind == "invariant":  # a constant does not vary with the states
        values = values - values.mean(axis=0)
    rates = np.sqrt(np.mean(values**2, axis=0))
    typical = np.sqrt(np.mean(rates**2))
    # An input, and an argument of an invariant, has no rate of its own: it counts by the mean rate.
    rates = np.full(n, typical) if sample.kind == "invariant" else np.append(rates, np.full(n - len(rates), typical))
    points, spreads = sample.points, sample.spreads
    if sample.kind == "second_order" and element.reverses_time[0]:
        element, rates = element.prolong(), np.tile(rates, 2)
    else:
        points, spreads = points[:, :n], spreads[:, :n]
    return displacement(element.images(points)[:, :, 0] - points, spreads, rates)


def displacement(moved: np.ndarray, spreads: np.ndarray, rates: np.ndarray) -> np.ndarray:
    """r_i min(|d_i| / s_i, 1) `(sample, state)` of differences d of images and points."""
    return np.minimum(np.abs(moved) / spreads, 1.0) * rates
