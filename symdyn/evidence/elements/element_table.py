"""Verdicts on a set of elements from the evidence on each: one table, closed under products."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import xarray as xr
from scipy.spatial import KDTree

from symdyn.evidence.evidence import Evidence, holm
from symdyn.lie.groups import Elements

__all__ = ["Chooser", "Closure", "accepted_elements", "are_outside", "element_table", "elements_text", "share_outside"]

# An image is outside the data if no point of the data is within half a spread of it (root mean square over states).
_FAR = 0.5
Closure = Callable[[np.ndarray, np.ndarray], np.ndarray]  # from those that are sure, and those that may join them
Chooser = Callable[[np.ndarray, Closure], np.ndarray]  # from bounds `(element,)` to those that are accepted


def accepted_elements(elements: Elements, verdicts: xr.Dataset) -> Elements:
    """Return the elements whose verdict is "symmetric"."""
    return elements.subset(np.flatnonzero(verdicts.verdict.values == "symmetric"))


def elements_text(verdicts: xr.Dataset) -> str:
    """Write the verdicts as a table of text, most symmetric first.

    Examples
    --------
    >>> import symdyn as sd
    >>> from symdyn.evidence.elements.element_table import elements_text
    >>> data = sd.systems.duffing(noise=0.01)
    >>> search = sd.SymmetryDiscovery("sign_flips", "polynomial:3").fit(data)
    >>> print(elements_text(search.element_verdicts_))
    verdict       violation  95 % bound  p (eps=0)  element
    symmetric             0      0.0057          1  x0 -> -x0, x1 -> -x1
    broken             0.93        0.94      1e-16  x1 -> -x1
    broken             0.98        0.98      1e-16  x0 -> -x0
    """
    order = np.argsort(np.nan_to_num(verdicts.upper_bound.values, nan=np.inf), kind="stable")
    lines = [f"{'verdict':<13}{'violation':>10}{'95 % bound':>12}{'p (eps=0)':>11}  element"]
    for k in order:
        row = verdicts.isel(element=k)
        notes = ["approximate"] if bool(row.exact_rejected) and row.verdict.item() == "symmetric" else []
        if row.image_outside.item() > 0.05:
            notes.append(f"{100 * row.image_outside.item():.0f} % of the images outside the data")
        remark = f" ({', '.join(notes)})" if notes else ""
        lines.append(
            f"{row.verdict.item():<13}{row.violation.item():>10.2g}{row.upper_bound.item():>12.2g}"
            f"{max(row.p_value.item(), 1e-16):>11.2g}  {row.element.item()}{remark}"
        )
    return "\n".join(lines)


def share_outside(images: np.ndarray, points: np.ndarray, spreads: np.ndarray) -> np.ndarray:
    """Return the share `(element,)` of images `(sample, state, element)` farther from every point than half a spread.

    Parameters
    ----------
    images : ndarray, `(sample, state, element)`
    points, spreads : ndarray, `(sample, state)`
        A state with spread infinity does not vary: no image may leave its value.
    """
    return np.array([np.mean(are_outside(images[:, :, k], points, spreads)) for k in range(images.shape[2])])


def are_outside(images: np.ndarray, points: np.ndarray, spreads: np.ndarray) -> np.ndarray:
    """Mask images `(image, state)` of one element that lie outside the points, `(image,)`; see `share_outside`."""
    scale = np.sqrt(np.mean(np.where(np.isfinite(spreads), spreads, 0.0) ** 2, axis=0))
    largest = np.maximum(np.abs(points).max(axis=0), np.abs(images).max(axis=0, initial=0.0))
    scale = np.where(scale > 0, scale, 1e-9 * np.where(largest > 0, largest, 1.0))
    reach = _FAR * np.sqrt(points.shape[1])
    return ~np.isfinite(KDTree(points / scale).query(images / scale, distance_upper_bound=reach)[0])


def element_table(
    elements: Elements,
    judge: Callable[[Elements], Evidence | None],
    outside: np.ndarray,
    *,
    delta: float,
    alpha: float,
    products: bool | Chooser = True,
) -> xr.Dataset:
    """Build one row per element, in the given order; see `symdyn.evidence.elements.element_evidence.judge_elements`.

    Parameters
    ----------
    elements : Elements
    judge : callable
        From one element to its evidence, None where there is none.
    outside : ndarray, `(element,)`
        Share of images outside the data.
    delta, alpha : float
        Bound of accepted violations; level of the test of eps = 0, over all elements (Holm).
    products : bool or callable
        Whether products of accepted elements must have their bound below delta, too; or what chooses the elements to
        accept, from their bounds `(element,)` and from what asks so of the products of two.
    """
    evidences = [judge(elements[k]) for k in range(len(elements))]
    one = np.ones(1)
    # No violation is above sqrt 2, whatever an uncertain law says.
    bounds = np.minimum([np.nan if e is None else e.upper_bound(one, 1) for e in evidences], np.sqrt(2))
    seen = np.isfinite(bounds)
    p_values = np.full(len(elements), np.nan)
    p_values[seen] = holm(np.array([e.p_value(one) for e in evidences if e is not None]))
    accepted = _accepted(elements, bounds, judge, delta, products)
    identity = elements.is_identity()
    verdicts = np.where(accepted | identity, "symmetric", np.where(p_values < alpha, "broken", "undetermined"))

    def column(read: Callable[[Evidence], float], long_name: str) -> tuple[str, np.ndarray, dict[str, str]]:
        return "element", np.array([np.nan if e is None else read(e) for e in evidences]), {"long_name": long_name}

    return xr.Dataset(
        {
            "violation": column(lambda e: e.violation(one), "violation eps, debiased"),
            "upper_bound": ("element", bounds, {"long_name": "95 % upper bound of eps"}),
            "p_value": ("element", p_values, {"long_name": "p value of eps = 0 (Holm)"}),
            "signal_to_noise": column(lambda e: e.ratio(one), "difference over its error, squared"),
            "verdict": ("element", verdicts.astype(object)),
            "exact_rejected": ("element", p_values < alpha),
            "image_outside": ("element", outside, {"long_name": "share of images far from all points"}),
        },
        coords={"element": np.array(elements.texts(), dtype=object)},
        attrs={"delta": delta, "alpha": alpha, "level": 0.95},
    )


def _accepted(
    elements: Elements,
    bounds: np.ndarray,
    judge: Callable[[Elements], Evidence | None],
    delta: float,
    products: bool | Chooser,
) -> np.ndarray:
    def closed(sure: np.ndarray, allowed: np.ndarray) -> np.ndarray:
        return _closed(elements, np.where(sure | allowed, bounds, np.nan), judge, delta, sure)

    if callable(products):
        return products(bounds, closed)
    none = np.zeros(len(bounds), dtype=bool)
    return closed(none, ~none) if products else bounds < delta


def _closed(
    elements: Elements,
    bounds: np.ndarray,
    judge: Callable[[Elements], Evidence | None],
    delta: float,
    sure: np.ndarray,
) -> np.ndarray:
    """Choose the elements to accept: bounds below delta, and those of all products of two as well.

    Symmetries form a group; elements that are symmetric only to within delta need not. Taking both of a pair for
    symmetries would force their product on a model, so the one with the larger bound waits. Those that are `sure`
    are accepted with all their products.
    """
    known = {}  # bounds of products that are no candidates
    strangers = elements.subset([])
    accepted, order = sure.copy(), np.argsort(bounds, kind="stable")  # undetermined bounds (NaN) come last
    for k in order[~sure[order]]:
        if not bounds[k] < delta:
            break
        others = elements.subset(np.flatnonzero(accepted))
        products = (elements[k] @ elements[k] + elements[k] @ others + others @ elements[k]).unique()
        products = products.subset(np.flatnonzero(~products.is_identity()))
        place = np.maximum(elements.index(products), elements.index(products.inverse()))
        fine = bool(np.all(bounds[place[place >= 0]] < delta))
        for product in (products[int(j)] for j in np.flatnonzero(place < 0) if fine):
            seen = int(strangers.index(product)[0])
            if seen < 0:
                seen, strangers = len(strangers), (strangers + product)
                evidence = judge(product)
                known[seen] = np.inf if evidence is None else evidence.upper_bound(np.ones(1), 1)
            fine = fine and known[seen] < delta
        accepted[k] = fine
    return accepted
