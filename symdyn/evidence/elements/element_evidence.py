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
(`symdyn.evidence.evidence`). Images g x may lie where there are no data: there the law is an extrapolation, whose
error the replicates show as far as the law is in its library. `image_outside` says how far that goes. A law that is
known to lack functions says nothing there: no element is broken by what it does on images that lie outside.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import xarray as xr

from symdyn.evidence.elements.element_table import Chooser, element_table, share_outside
from symdyn.evidence.evidence import Evidence, LawForms, QuadraticForms
from symdyn.functions.features import Features
from symdyn.laws.law_fit import LawFit
from symdyn.laws.resolution import without_noise
from symdyn.lie.actions import FLOW, Action
from symdyn.lie.derivative import LieDerivative, difference
from symdyn.lie.groups import Elements

__all__ = ["LawSample", "displacement", "judge_elements", "law_rates"]

# Points at a time: replicates times points of rows are held in memory.
_BLOCK = 500


@dataclass(frozen=True)
class LawSample:
    """Where, and in which units, the two sides of f(g x) = A f(x) are compared.

    `features` the law is made of; `points` `(sample, argument)` of the data, states first, then inputs; `weights`
    `(sample, output)` one over the scale of the outputs; `spreads` `(sample, argument)` the scale of the arguments;
    `action` moves arguments and values; `point_weights` `(sample,)` of mean 1, by default all equal; `noise`
    `(argument,)` of the points; `lacking` whether the law is known to leave something over.
    """

    features: Features
    points: np.ndarray
    weights: np.ndarray
    spreads: np.ndarray
    action: Action = FLOW
    point_weights: np.ndarray | None = None
    noise: np.ndarray | None = None
    lacking: bool = False

    @property
    def share(self) -> np.ndarray:
        """What each point counts `(sample,)`, of mean 1."""
        return np.ones(len(self.points)) if self.point_weights is None else self.point_weights


def judge_elements(
    elements: Elements,
    fit: LawFit,
    sample: LawSample,
    *,
    rival: tuple[LawFit, LawSample] | None = None,
    delta: float = 0.1,
    alpha: float = 0.05,
    products: bool | Chooser = True,
) -> xr.Dataset:
    """Judge each element for a law with its error.

    Parameters
    ----------
    elements : Elements
        As they are to be judged, see `Elements.searched`; on positions only for a second-order system.
    fit : LawFit
    sample : LawSample
    rival : tuple of LawFit and LawSample, optional
        Another law, of other features, that must not break what is accepted.
    delta, alpha : float
        As for `SymmetryDiscovery`.
    products : bool or callable
        How elements are accepted together, see `symdyn.evidence.elements.element_table.element_table`.

    Returns
    -------
    xr.Dataset
        Over `element`, in the given order: violation, upper_bound, p_value (Holm), signal_to_noise, verdict,
        exact_rejected, image_outside. "symmetric" elements have their bound below delta, and so have the products of
        any two of them. Elements that change nothing at any point of the data are "undetermined".
    """

    def judge(part: Elements) -> Evidence | None:
        forms = _law_forms(part, fit, sample)
        if forms is not None and rival is not None:
            other = _law_forms(part, *rival)
            forms = None if other is None else replace(forms, rivals=(*forms.rivals, *other.all_laws()))
        return _judged(forms, delta)

    return element_table(elements, judge, _outside(elements, sample), delta=delta, alpha=alpha, products=products)


def _outside(elements: Elements, sample: LawSample) -> np.ndarray:
    """Share `(element,)` of images that are farther from all points than half a spread."""
    return share_outside(sample.action.on_arguments(elements).images(sample.points), sample.points, sample.spreads)


def _judged(forms: QuadraticForms | None, delta: float) -> Evidence | None:
    """Evidence from forms of one candidate; None where there is nothing to judge."""
    if forms is None or not forms.size[0, 0] > 0:
        return None
    return Evidence(_in_units_of(forms, forms.size[0, 0]), delta)


def _in_units_of(forms: QuadraticForms, size: float) -> QuadraticForms:
    """Forms of one candidate in units of its size: then no ratio overflows."""
    names = ("violation", "size", "cross", "error", "jackknife")
    scaled = replace(forms, **{name: getattr(forms, name) / size for name in names})
    if not isinstance(scaled, LawForms):
        return scaled
    rivals = tuple(_in_units_of(rival, size) for rival in scaled.rivals)
    return replace(scaled, unknown=scaled.unknown / size, rivals=rivals)


def _law_forms(element: Elements, fit: LawFit, sample: LawSample) -> LawForms | None:
    """The forms of L_g for one element; None if g changes nothing on the data, or leaves the domain of the features.

    The law comes with its rivals, with what is unknown of it apart from its errors, and with its floor, as for
    generators: where a law is not determined, neither is what it says of an element.
    """
    errors = fit.errors if fit.unknown is None else fit.errors - fit.unknown
    families = [(law.coefficients, e) for law, e in ((fit, errors), *((rival, rival.errors) for rival in fit.rivals))]
    stacked = [np.concatenate([coefficients[None], errors]) for coefficients, errors in families]
    laws = np.concatenate([*stacked, fit.jackknife])
    sums = _sums_of_laws(element, laws, [len(stack) for stack in stacked], sample)
    if sums is None:
        return None
    squares, crosses, size, power = sums
    size = size + np.mean(sample.share * np.sum(_law_displacement(element, fit, sample) ** 2, axis=1))
    if size <= 1e-20 * power:
        return None
    place = np.cumsum([0, *[len(stack) for stack in stacked], len(fit.jackknife)])
    parts = [squares[a:b] for a, b in pairwise(place)]
    jackknife, unknown = parts[-1].mean(), _unknown(element, fit, sample)
    unseen = np.sqrt(_outside(element, sample)[0]) if sample.lacking else 0.0

    def forms(k, **others):
        numbers = (parts[k][0], size, crosses[k][1:], parts[k][1:], jackknife)
        shaped = [np.asarray(part)[..., None, None] for part in numbers]
        floors = {"floor": fit.floor, "test_floor": np.hypot(fit.test_floor, unseen)}
        return LawForms(*shaped, stretch=fit.stretch, **floors, **others)

    return forms(0, rivals=tuple(forms(k + 1) for k in range(len(fit.rivals))), unknown=unknown)


def _unknown(element: Elements, fit: LawFit, sample: LawSample) -> np.ndarray:
    """The mean `(1, 1)` of |L_g u|^2 over laws u of which the data say nothing."""
    if fit.unknown is None:
        return np.zeros((1, 1))

    def form(points):
        at = replace(sample, points=points)
        found = _sums_of_laws(element, fit.unknown, [len(fit.unknown)], at)
        return np.full((1, 1), np.inf if found is None else found[0].mean())

    return without_noise(form, sample.points, np.zeros(0) if sample.noise is None else sample.noise)


def _sums_of_laws(element: Elements, laws: np.ndarray, sizes: list[int], sample: LawSample):
    """Means over points: |L(W)|^2 `(law,)`; L(W_0)^T L(W) of each stack with its first law; the size and the power of
    the first law. None where the element leaves the domain of the features.
    """
    n, starts = len(sample.points), np.cumsum([0, *sizes])
    squares, size, power = np.zeros(len(laws)), 0.0, 0.0
    crosses = [np.zeros(length) for length in sizes]
    for rows in np.array_split(np.arange(n), max(n // _BLOCK, 1)):
        with np.errstate(all="ignore"):
            parts = difference(sample.features, element, sample.points[rows], sample.action, laws.shape[1])
        if not np.all(np.isfinite(parts.transport)):
            return None
        gaps, more, much = _gaps(parts, laws, sample.weights[rows] * np.sqrt(sample.share[rows])[:, None])
        squares += np.einsum("sbo,sbo->b", gaps, gaps) / n
        size, power = size + more / n, power + much / n
        for cross, a, b in zip(crosses, starts, starts[1:], strict=False):
            cross += np.einsum("so,sbo->b", gaps[:, a], gaps[:, a:b]) / n
    return squares, crosses, size, power


def _gaps(parts: LieDerivative, laws: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, float, float]:
    """L(W) `(sample, law, output)`; of the first law, sums over points of both parts of its size and of its power."""
    turned = parts.outputs[0, :, :, 0] @ laws  # the matrix acts on outputs in their own units
    pair = np.concatenate([laws, -turned], axis=2)
    both = np.hstack([parts.transport[:, :, 0], parts.values])
    gaps = (both @ pair.reshape(-1, pair.shape[2]).T).reshape(len(weights), *laws.shape[:2])
    gaps *= weights[:, None]
    there, here = (each @ laws[0].T * weights for each in (parts.transport[:, :, 0], parts.values))
    carried = parts.values @ turned[0].T * weights
    size = np.sum((there - here) ** 2) + np.sum((carried - here) ** 2)
    return gaps, size, np.sum(here**2)


def _law_displacement(element: Elements, fit: LawFit, sample: LawSample):
    """r_i min(|d_i| / s_i, 1) `(sample, state)` of what the element acts on.

    In a second-order system velocities go with the positions, and count only where time is reversed.
    """
    n = len(element.states)
    rates = law_rates(n, fit, sample)
    points, spreads = sample.points, sample.spreads
    if sample.action.has_velocities and element.reverses_time[0]:
        element, rates = element.prolong(), np.tile(rates, 2)
    else:
        points, spreads = points[:, :n], spreads[:, :n]
    return displacement(element.images(points)[:, :, 0] - points, spreads, rates)


def law_rates(n: int, fit: LawFit, sample: LawSample) -> np.ndarray:
    """r_i of each of the `n` states that elements act on, `(state,)`."""
    values = (sample.features(sample.points) @ fit.coefficients.T) * sample.weights
    share = sample.share[:, None]
    if not sample.action.moves_values:  # a constant does not vary with the states
        values = values - np.mean(share * values, axis=0)
    rates = np.sqrt(np.mean(share * values**2, axis=0))
    typical = np.sqrt(np.mean(rates**2))
    # An input, and an argument of an invariant, has no rate of its own: it counts by the mean rate.
    return np.append(rates, np.full(n - len(rates), typical)) if sample.action.moves_values else np.full(n, typical)


def displacement(moved: np.ndarray, spreads: np.ndarray, rates: np.ndarray) -> np.ndarray:
    """r_i min(|d_i| / s_i, 1) `(sample, state)` of differences d of images and points."""
    return np.minimum(np.abs(moved) / spreads, 1.0) * rates
