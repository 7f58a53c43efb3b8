"""The truth about a search, from the exact right-hand side: what the accuracy tables of verdicts compare with.

Violations are those of docs/verdicts.md in the pooled scale: s_i is the standard deviation of state i over all points
of all runs, r_i = rms(f_i) / s_i, and for a generator v and an element g(x) = A x + b

    eps(v)^2 = |Df v - Dv f|^2 / (|Df v|^2 + |Dv f|^2 + |r_i v_i / s_i|^2),
    eps(g)^2 = |f(g x) - A f(x)|^2 / (|f(g x) - f(x)|^2 + |A f(x) - f(x)|^2 + |r_i min(|g x - x|_i / s_i, 1)|^2),

norms over points of the clean data, output i in units of s_i. Derivatives of f are central differences, right to some
eight digits.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from scipy import linalg, stats

import symdyn as sd
from symdyn.evidence.elements.element_table import share_outside
from symdyn.evidence.forms import QuadraticForms, exact_forms

DELTA = 0.1
EXACT = 1e-6  # a true violation below is one of rounding and of the differences
FAR = 0.05  # an element with more of its images outside the data is judged by an extrapolation

__all__ = ["DELTA", "EXACT", "FAR", "Searched", "Truth", "at_most", "noisy", "search"]


def at_most(count: int, total: int) -> float:
    """Upper 95 % binomial bound of a share (Clopper and Pearson)."""
    return 1.0 if count == total else float(stats.beta.ppf(0.95, count + 1, total - count))


def noisy(runs, noise: float, seed) -> list[np.ndarray]:
    """Runs with white noise, a fraction of the standard deviation of each state over all runs."""
    rng, spread = np.random.default_rng(seed), np.concatenate(runs).std(axis=0)
    return [run + noise * spread * rng.standard_normal(run.shape) for run in runs]


@dataclass(frozen=True)
class Truth:
    """The exact law f, or the increments F(x) - x of a map, on the points of clean data.

    `law` from points `(sample, state)` to values of the same shape; `runs` the clean runs `(time, state)`; `most` the
    number of points that are looked at.
    """

    law: Callable[[np.ndarray], np.ndarray]
    runs: list[np.ndarray] = field(repr=False)
    most: int = 4000

    @cached_property
    def points(self) -> np.ndarray:
        """Points `(sample, state)`, evenly out of all."""
        every = np.concatenate(self.runs)
        return every[:: max(len(every) // self.most, 1)]

    @cached_property
    def spreads(self) -> np.ndarray:
        """s_i `(state,)`; infinite for what varies by rounding only."""
        every = np.concatenate(self.runs)
        spread = every.std(axis=0)
        return np.where(spread > 1e-12 * np.abs(every).max(axis=0), spread, np.inf)

    @cached_property
    def values(self) -> np.ndarray:
        """f at the points."""
        return self.law(self.points)

    @cached_property
    def rates(self) -> np.ndarray:
        """r_i `(state,)`."""
        return np.sqrt(np.mean((self.values / self.spreads) ** 2, axis=0))

    @cached_property
    def jacobian(self) -> np.ndarray:
        """Df `(sample, output, state)`."""
        columns = []
        for i, spread in enumerate(self.spreads):
            size = spread if np.isfinite(spread) else max(np.abs(self.points[:, i]).max(), 1.0)
            shift = np.zeros(self.points.shape[1])
            shift[i] = 1e-5 * size
            columns.append((self.law(self.points + shift) - self.law(self.points - shift)) / (2 * shift[i]))
        return np.stack(columns, axis=-1)

    def forms(self, generators) -> QuadraticForms:
        """|L|^2 and the size of combinations of generators."""
        velocity = generators.values(self.points)
        weights = 1 / self.spreads[None, :, None]
        transported = np.einsum("soi,sik->sok", self.jacobian, velocity) * weights
        carried = np.einsum("soik,si->sok", generators.jacobians(self.points), self.values) * weights
        return exact_forms(transported, [carried], self.rates[None, :, None] * velocity * weights)

    def violations(self, generators) -> np.ndarray:
        """eps of each generator; NaN for one that moves nothing on the data."""
        forms = self.forms(generators)
        with np.errstate(invalid="ignore"):
            return np.sqrt(np.diag(forms.violation) / np.diag(forms.size))

    def worst(self, *algebras) -> float:
        """Largest eps over the span of the generators of some algebras, 0 of none."""
        largest = 0.0
        for generators in (algebra.basis for algebra in algebras if algebra.dim):
            forms = self.forms(generators)
            scale = 1 / np.sqrt(np.maximum(np.diag(forms.size), 1e-300))
            sizes, axes = linalg.eigh(forms.size * np.outer(scale, scale))
            whitened = (axes[:, sizes > 1e-10] / np.sqrt(sizes[sizes > 1e-10])) * scale[:, None]
            top = linalg.eigvalsh(whitened.T @ forms.violation @ whitened)[-1]
            largest = max(largest, float(np.sqrt(max(top, 0.0))))
        return largest

    def spans(self, algebra, generator) -> bool:
        """Whether an algebra holds a generator, to within a tenth of its size on the data."""
        if algebra.dim == 0:
            return False
        rows, target = (
            (part.values(self.points) / self.spreads[None, :, None]).reshape(-1, len(part))
            for part in (algebra.basis, generator)
        )
        residual = target - rows @ np.linalg.lstsq(rows, target, rcond=None)[0]
        return bool(np.linalg.norm(residual) < 0.1 * np.linalg.norm(target))

    def element_violations(self, elements) -> np.ndarray:
        """eps of each element; NaN where f is not finite at an image."""
        images = elements.images(self.points)
        return np.array([self._element(images[:, :, k], elements.matrices[k]) for k in range(len(elements))])

    def _element(self, image, matrix):
        with np.errstate(all="ignore"):
            there = self.law(image) / self.spreads
        if not np.all(np.isfinite(there)):
            return np.nan
        here, carried = self.values / self.spreads, self.values @ matrix.T / self.spreads
        moved = self.rates * np.minimum(np.abs(image - self.points) / self.spreads, 1.0)
        size = sum(np.sum(part**2) for part in (there - here, carried - here, moved))
        return float(np.sqrt(np.sum((there - carried) ** 2) / size)) if size > 0 else np.nan

    def outside(self, elements) -> np.ndarray:
        """Share of images `(element,)` farther from all points than half a spread."""
        spreads = np.broadcast_to(self.spreads, self.points.shape)
        return share_outside(elements.images(self.points), self.points, spreads)

    def left_over(self, library) -> float:
        """Part of f that the best law of a library leaves over on the data, in the norm of the violation."""
        offset, scale = self.points.mean(axis=0), np.where(np.isfinite(self.spreads), self.spreads, 1.0)
        rows = library((self.points - offset) / scale)
        values = self.values / self.spreads
        residual = values - rows @ np.linalg.lstsq(rows, values, rcond=None)[0]
        power = np.sum(values**2)
        return float(np.sqrt(np.sum(residual**2) / power)) if power > 0 else 0.0


@dataclass(frozen=True)
class Searched:
    """What a search said, beside the truth.

    `failure` is "" or what `fit` raised ("refused: ..." for a ValueError with a reason, "crash: ..." for all else);
    `worst` the largest true violation in the spans of what was accepted, without and with what is trivial;
    `dims` the numbers of accepted and of trivial generators; `elements`, `true`, `outside`, `verdicts` one an element.
    """

    failure: str = ""
    worst: tuple[float, float] = (0.0, 0.0)
    dims: tuple[int, int] = (0, 0)
    elements: tuple[str, ...] = ()
    true: np.ndarray = field(default_factory=lambda: np.zeros(0))
    outside: np.ndarray = field(default_factory=lambda: np.zeros(0))
    verdicts: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=object))
    bounds: np.ndarray = field(default_factory=lambda: np.zeros(0))
    notes: tuple[str, ...] = ()
    fitted: object = field(default=None, repr=False)

    @property
    def false_generators(self) -> bool:
        """Whether a combination of what was accepted has a true violation above delta."""
        return max(self.worst) > DELTA

    @property
    def false_elements(self) -> list[str]:
        """Accepted elements whose true violation is above delta."""
        wrong = (self.verdicts == "symmetric") & ~(self.true <= DELTA)
        return [f"{self.elements[k]} ({self.true[k]:.2f})" for k in np.flatnonzero(wrong)]

    @property
    def exact(self) -> np.ndarray:
        """Which elements `(element,)` are exact symmetries."""
        return self.true < EXACT

    @property
    def unseen(self) -> np.ndarray:
        """Which elements `(element,)` are undetermined, with images where no run was."""
        return (self.verdicts == "undetermined") & (self.outside > FAR)


def search(truth: Truth, data, elements, candidates, law, **options) -> Searched:
    """Search, and set the truth beside the verdicts.

    Parameters
    ----------
    truth : Truth
    data : as for `SymmetryDiscovery.fit`
    elements : Elements or None
    candidates : Generators or None
    law, **options : as for `SymmetryDiscovery`
    """
    asked = [part for part in (candidates, elements) if part is not None]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = sd.SymmetryDiscovery(asked, law, **options).fit(data)
        except np.linalg.LinAlgError as error:  # is a ValueError, and never a reason
            return _failed(f"crash: {error!r}", truth, elements)
        except ValueError as error:
            return _failed(f"refused: {error}", truth, elements)
        except Exception as error:
            return _failed(f"crash: {error!r}", truth, elements)
    return compare(truth, found, elements)


def _failed(why, truth, elements):
    """Nothing was found, with the truth of what could have been."""
    if elements is None:
        return Searched(why)
    bounds = np.full(len(elements.searched()), np.nan)
    return Searched(why, **_about(truth, elements), verdicts=np.full(len(bounds), "refused", object), bounds=bounds)


def _about(truth, elements):
    searched = elements.searched()
    parts = truth.element_violations(searched), truth.outside(searched)
    return dict(elements=tuple(searched.texts()), true=parts[0], outside=parts[1])


def compare(truth: Truth, found, elements=None) -> Searched:
    """The truth beside the verdicts of a search."""
    alone = max(truth.worst(found.algebra_), truth.worst(found.found_))
    parts = dict(
        worst=(alone, max(alone, truth.worst(found.trivial_))),
        dims=(found.algebra_.dim, found.trivial_.dim),
        notes=tuple(found.notes_),
        fitted=found,
    )
    if elements is None:
        return Searched(**parts)
    table = found.element_verdicts_
    return Searched(
        **parts,
        **_about(truth, elements),
        verdicts=table.verdict.values,
        bounds=table.upper_bound.values,
    )
