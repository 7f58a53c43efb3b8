"""The law of fields ∂_t^m u = W T: its terms and numbers, their errors, and what it leaves over."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from symdyn.functions.display import html_table, listed
from symdyn.jets.evolution import Evolution
from symdyn.jets.jetchart import rate_units, terms_forward
from symdyn.jets.jets import JetSpace
from symdyn.lie.chart import Chart

__all__ = ["FieldLaw", "TermSpace", "unexplained"]


@dataclass(frozen=True, repr=False)
class FieldLaw:
    """Hold a law ∂_t^m u = W T with its error.

    `coefficients` `(field, term)` with names `terms`; `errors` `(replicate, field, term)`; `inclusion` `(field, term)`
    the share of resampled data from which the term is chosen; `unexplained` the part of the rates left over beyond
    noise, root mean square, and its 99 % lower bound. `free` are the coefficients of what was chosen among, with exact
    zeros: of the terms about the origin of the data `(field * term,)`, or those that a symmetry leaves `(free,)`.
    `doubts` say why the data do not determine the law, and what would; `n_units` counts what was resampled.

    Examples
    --------
    >>> import symdyn as sd
    >>> data = sd.systems.burgers(n_trajectories=4, n_points=64, n_times=50)
    >>> library = ["1", "u", "u u_x", "u_x", "u_xx"]
    >>> options = {"finite_flow": False, "direct": False}
    >>> search = sd.PointSymmetryDiscovery("translations", terms=library, **options).fit(data)
    >>> search.law_
    FieldLaw on (t, x, u)
      u_t = −u u_x + 0.2 u_xx
    >>> search.law_.is_determined, search.law_.support.tolist()
    (True, [[False, False, True, False, True]])
    """

    fields: tuple[str, ...]
    coordinates: tuple[str, ...]
    terms: tuple[str, ...]
    coefficients: np.ndarray
    errors: np.ndarray
    inclusion: np.ndarray
    unexplained: tuple[float, float]
    time_order: int = 1
    free: np.ndarray | None = None
    doubts: tuple[str, ...] = ()
    n_units: int = 0

    def __repr__(self) -> str:
        return listed(f"FieldLaw on ({', '.join((*self.coordinates, *self.fields))})", [*self.texts(), *self._doubt()])

    def _repr_html_(self) -> str:
        sides = [tuple(text.split(" = ", 1)) for text in self.texts()]
        return html_table(f"FieldLaw on ({', '.join((*self.coordinates, *self.fields))})", (), sides)

    def _doubt(self) -> list[str]:
        return [] if self.is_determined else ["not determined by these data"]

    @property
    def is_determined(self) -> bool:
        """Whether the data tell this law from others."""
        return not self.doubts

    @property
    def support(self) -> np.ndarray:
        """Mask `(field, term)` of the terms in the law."""
        return self.coefficients != 0

    @property
    def involved(self) -> np.ndarray:
        """Mask `(field, term)` of the terms in the law or in an error of it."""
        return np.any(self.errors != 0, axis=0) | self.support

    @property
    def standard_errors(self) -> np.ndarray:
        """Standard errors `(field, term)`, of the terms in the law."""
        return np.sqrt(np.mean(self.errors**2, axis=0)) * self.support

    @property
    def stability(self) -> float:
        """The smallest inclusion probability of a term in the law, or of the absence of one that is not."""
        return float(np.where(self.support, self.inclusion, 1 - self.inclusion).min(initial=1.0))

    @property
    def space(self) -> JetSpace:
        """The jets that its terms are made of."""
        return JetSpace(tuple(self.coordinates), tuple(self.fields))

    def in_units(self, chart: Chart) -> FieldLaw:
        """Carry the law of the chart into the units of the data."""
        back = terms_forward(self.terms, self.space, chart)
        rates = rate_units(self.space, chart, self.time_order)[:, None]
        whole = rates * (self.coefficients @ back)
        if self.free is not None and self.free.size == whole.size:
            whole = np.where(self.free.reshape(whole.shape) != 0, whole, 0.0)
        return replace(self, coefficients=whole, errors=rates * (self.errors @ back), free=whole.ravel())

    def equations(self) -> dict[str, dict[str, float]]:
        """Return the coefficients by field and term."""
        rows = zip(self.fields, self.coefficients, strict=True)
        return {u: {n: float(c) for n, c in zip(self.terms, row, strict=True) if c} for u, row in rows}

    def evolution(self) -> Evolution:
        """Return the law as polynomials in jets."""
        return Evolution.of(self.equations(), self.coordinates, self.time_order)

    def texts(self, precision: int = 3) -> list[str]:
        """Write one line a field: `u_t = −1 u u_x + 0.2 u_xx`."""
        from symdyn.functions.printing import equation_lines

        lines = equation_lines(self.coefficients, self.terms, precision)
        return [f"{u}_{'t' * self.time_order} = {line}" for u, line in zip(self.fields, lines, strict=True)]


@dataclass(frozen=True)
class TermSpace:
    """Laws W with vec(W) = offset + basis free, `(field * term,)` and `(field * term, free)`.

    What a symmetry leaves of a library: it ties terms, takes some out, and may fix some (a boost the advection).
    """

    offset: np.ndarray
    basis: np.ndarray

    @property
    def dim(self) -> int:
        """Number of free coefficients."""
        return self.basis.shape[1]


def unexplained(cross: np.ndarray, coefficients: np.ndarray) -> tuple[float, float]:
    """Estimate what is left over, relative to the rates, and its 99 % lower bound over parts."""
    left = np.hstack([-coefficients, np.eye(len(coefficients))])
    parts = np.einsum("ft,ptu,fu->pf", left, cross, left)
    power = np.einsum("pii->i", cross[:, coefficients.shape[1] :, coefficients.shape[1] :])
    each = (parts / power).mean(axis=1)
    if len(each) < 2:  # nothing is known of the error
        return float(np.sqrt(max(each.sum(), 0.0))), 0.0
    error = np.sqrt(len(each)) * each.std(ddof=1) * stats.t.ppf(0.99, len(each) - 1)
    return float(np.sqrt(max(each.sum(), 0.0))), float(np.sqrt(max(each.sum() - error, 0.0)))
