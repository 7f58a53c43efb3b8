"""From fields to the law behind them: windows, sums, the choice of derivatives and of the order in time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import xarray as xr

from symdyn.data.grids import FieldGrid, field_grid
from symdyn.jets.evolution import Evolution
from symdyn.jets.field_terms import WeakTerm, field_terms, weak_term
from symdyn.jets.jetchart import completed_terms, is_complete, rate_units, terms_back
from symdyn.jets.jets import JetSpace
from symdyn.laws.fields.field_fit import fit_field_law
from symdyn.laws.fields.field_law import FieldLaw, TermSpace, unexplained
from symdyn.laws.fields.field_selection import Origin
from symdyn.lie.chart import Chart
from symdyn.rows.field_derivatives import SPACE_SCHEMES, TIME_SCHEMES, strong_sums
from symdyn.rows.field_rows import equation_sums
from symdyn.rows.field_windows import FieldWindows, place_windows
from symdyn.sums.field_tasks import some_runs, summed

__all__ = [
    "Identified",
    "given_coefficients",
    "given_law",
    "identify_law",
    "moves_with_its_origin",
    "stretches_of",
    "weak_windows",
]

_TIME = 0.15  # half of a window along time, of the time from first to last sample
_SPACE = (0.06, 0.1, 0.15)  # along space, of the length; the one that knows the law best is taken
_QUIET = 1e-3  # noise, relative to the fields, below which derivatives of data may be better than the weak form
_LOOKED_AT = 12  # trajectories from which windows and schemes are chosen
_PARTS = 12  # into which fewer than _FEW trajectories are cut
_FEW = 8
_STEPS, _SCHEMES = 60, 4  # of time from which schemes are compared, and how many of them come into question
_HELD = 0.1  # part of the rates that a law of first order may leave over before one of second order is tried
_EQUAL = 1e-5  # what laws may leave to count as equally good

# Names of terms, sums of rows, how these were made, half widths of windows, noise.
_Trial = tuple[list[str], np.ndarray, str, tuple[float, ...], np.ndarray]


@dataclass(frozen=True)
class Identified:
    """A law with what it came from.

    `cross` `(part, row, row)` are the sums it was fitted to; `derivatives` says how rows were made, `is_weak` whether
    in weak form; `halves` are half widths of windows along time and space; `noise` `(field, run)`; `rate` is the size
    of ∂_t^m u over that of u; `chart` the one that the data are in.
    """

    law: FieldLaw
    grid: FieldGrid
    cross: np.ndarray
    derivatives: str
    is_weak: bool
    halves: tuple[float, ...]
    noise: np.ndarray
    rate: float
    chart: Chart

    def refit(self, space: TermSpace, n_bootstrap: int, rng: np.random.Generator) -> FieldLaw:
        """Fit the law again, within what a symmetry leaves."""
        law = self.law
        options = {"time_order": law.time_order, "n_bootstrap": n_bootstrap, "rng": rng, "space": space}
        return fit_field_law(self.cross, law.terms, law.fields, law.coordinates, **options)


def moves_with_its_origin(terms: Sequence[str] | None, grid: FieldGrid) -> bool:
    """Check whether a shift of the fields maps a library to itself: the fields may then be counted from their mean."""
    return terms is None or is_complete(list(terms), JetSpace(grid.coordinates, grid.fields))


def identify_law(
    dataset: xr.Dataset,
    *,
    chart: Chart | None = None,
    terms: Sequence[str] | None = None,
    time_order: int | None = None,
    derivatives: str = "auto",
    n_bootstrap: int = 200,
    rng: np.random.Generator,
) -> Identified:
    """Identify the law ∂_t^m u = N[u] behind checked fields.

    Parameters
    ----------
    dataset : xr.Dataset
        As `validate_fields` returns it, in the chart.
    chart : Chart, optional
        Of coordinates and fields; that of the data as they are if left out. The law is one of the chart.
    terms : sequence of str, optional
        Names such as `u u_x`; `field_terms` if left out.
    time_order : int, optional
        m; if left out 1, or 2 where u_t is no function of the fields but u_tt is.
    derivatives : {"auto", "weak", "differences"}
        "weak" throws all derivatives on test functions; "differences" takes them of the data, by the scheme that fits
        best, "auto" does so only without noise and where that fits better.
    n_bootstrap : int
    rng : numpy Generator

    Raises
    ------
    ValueError
        For options out of range, terms without weak form in noisy data, and too little data.
    """
    if derivatives not in ("auto", "weak", "differences"):
        raise ValueError(f"derivatives must be 'auto', 'weak' or 'differences', got {derivatives!r}")
    orders = (1, 2) if time_order is None else (time_order,)
    chart = _chart_of(dataset) if chart is None else chart
    found = []
    for order in orders:
        one = partial(_identified, dataset, terms, order, chart=chart, n_bootstrap=n_bootstrap, rng=rng)
        found.append(one(derivatives))
        if order == orders[0] and found[0].law.unexplained[1] < _HELD:
            return found[0]
    return min(found, key=lambda one: one.law.unexplained[0])


def given_law(
    dataset: xr.Dataset,
    equation: Mapping[str, Mapping[str, float]],
    *,
    chart: Chart | None = None,
    time_order: int,
    rng: np.random.Generator,
) -> Identified:
    """Take as exact a law given about the origin of the data, with what the data in their chart leave of it.

    Raises
    ------
    ValueError
        For an equation without one side for each field, or with terms that are none.
    """
    grid = field_grid(dataset)
    if set(equation) != set(grid.fields):
        raise ValueError(f"equation has sides for {sorted(equation)}, the data hold {', '.join(grid.fields)}")
    chart = _chart_of(dataset) if chart is None else chart
    Evolution.of({u: equation[u] for u in grid.fields}, grid.coordinates, time_order)
    space = JetSpace(grid.coordinates, grid.fields)
    names = tuple(completed_terms(dict.fromkeys(name for side in equation.values() for name in side), space))
    weak = all(weak_term(name, grid.fields, grid.axes) is not None for name in names)
    derivatives = "weak" if weak else "differences"
    found = _identified(dataset, names, time_order, derivatives, chart=chart, n_bootstrap=2, rng=rng)
    given = given_coefficients(equation, names, grid.fields) / rate_units(space, chart, time_order)[:, None]
    back = terms_back(names, space, chart)
    coefficients, rounding = given @ back, 1e-12 * (np.abs(given) @ np.abs(back))
    coefficients[np.abs(coefficients) <= rounding] = 0.0
    ones = (coefficients != 0).astype(float)
    nothing = np.zeros((1, *coefficients.shape))
    left = unexplained(found.cross, coefficients)
    law = FieldLaw(grid.fields, grid.coordinates, names, coefficients, nothing, ones, left, time_order, given.ravel())
    return replace(found, law=law)


def given_coefficients(
    equation: Mapping[str, Mapping[str, float]], terms: Sequence[str], fields: Sequence[str]
) -> np.ndarray:
    """Return coefficients `(field, term)` of an equation that is given by field and term."""
    return np.array([[equation[u].get(name, 0.0) for name in terms] for u in fields], dtype=float)


def _chart_of(dataset: xr.Dataset) -> Chart:
    """Return the chart of data that are taken as they are."""
    grid = field_grid(dataset)
    return Chart.identity(len(grid.coordinates) + len(grid.fields))


def _identified(
    dataset: xr.Dataset,
    terms: Sequence[str] | None,
    order: int,
    derivatives: str,
    *,
    chart: Chart,
    n_bootstrap: int,
    rng: np.random.Generator,
) -> Identified:
    grid = field_grid(dataset)
    space = JetSpace(grid.coordinates, grid.fields)
    values, noise = some_runs(dataset, _LOOKED_AT)
    spread = values.std(axis=(1, *range(2, values.ndim)))
    quiet = bool(np.all(noise.max(axis=1) < _QUIET * spread))
    tried = []
    if derivatives != "differences":
        weak = _weak_names(terms, grid, required=derivatives == "weak" or not quiet)
        if weak:
            windows = weak_windows(values, noise, grid, weak, order)
            tried.append((True, *_weakly(dataset, grid, weak, windows, order)))
    if derivatives == "differences" or (derivatives == "auto" and quiet):
        names = list(terms) if terms is not None else field_terms(grid.fields, grid.axes, products=True)
        tried.append((False, *_strongly(dataset, grid, names, values, noise, order, Origin.of(names, space, chart))))
    laws = []
    for is_weak, names, cross, text, halves, level in tried:
        law = fit_field_law(
            _enough(cross),
            tuple(names),
            grid.fields,
            grid.coordinates,
            time_order=order,
            n_bootstrap=n_bootstrap,
            rng=rng,
            origin=Origin.of(names, space, chart),
        )
        targets = np.einsum("pii->pi", cross)[:, len(names) :].mean(0)
        rate = float(np.sqrt(np.abs(targets).mean()) / max(spread.mean(), 1e-300))
        laws.append(Identified(law, grid, _enough(cross), text, is_weak, halves, level, rate, chart))
    return laws[_simplest([one.law for one in laws])]


def _simplest(laws: Sequence[FieldLaw]) -> int:
    """Choose, of the laws that leave about as little as the best, the first with the fewest terms."""
    left = np.array([law.unexplained[0] for law in laws])
    n_terms = np.array([_n_terms(law) for law in laws])
    return int(np.argmin(np.where(left <= 5 * left.min() + _EQUAL, n_terms, np.inf)))


def _n_terms(law: FieldLaw) -> float:
    assert law.free is not None  # a law that was fitted here knows what it was chosen among
    return float(np.count_nonzero(law.free)) if law.support.any() else np.inf


def stretches_of(dataset: xr.Dataset) -> int:
    """Return into how many stretches of time each of a few trajectories is cut, so that errors can be told."""
    return -(-_PARTS // dataset.sizes["trajectory"]) if dataset.sizes["trajectory"] < _FEW else 1


def weak_windows(
    values: np.ndarray, noise: np.ndarray, grid: FieldGrid, names: Sequence[str], time_order: int
) -> FieldWindows:
    """Choose windows whose sums know the coefficients of a library best: smallest volume of the jackknife ellipsoid."""

    def volume(windows: FieldWindows) -> float:
        cross = equation_sums(values, noise, _terms(names, grid), windows, time_order).cross
        return _volume(cross, len(names), len(grid.fields))

    return min((_windows(grid, share, time_order) for share in _SPACE), key=volume)


def _windows(grid: FieldGrid, share: float, time_order: int) -> FieldWindows:
    lengths = [axis[-1] - axis[0] for axis in grid.grids]
    halves = [_TIME * lengths[0], *(share * length for length in lengths[1:])]
    return place_windows(grid.grids, halves, [4 + time_order, *[7] * len(grid.axes)])


def _volume(cross: np.ndarray, n_terms: int, n_fields: int) -> float:
    """Return the log of the volume of the errors of all coefficients, from trajectories left out."""
    total, volume = cross.sum(0), 0.0
    scale = 1 / np.sqrt(np.maximum(np.abs(np.diag(total)), 1e-300))
    grams = (total - cross) * scale[:, None] * scale
    inverse = np.linalg.pinv(grams[:, :n_terms, :n_terms], rcond=1e-11)
    for f in range(n_fields):
        estimates = np.einsum("pab,pb->pa", inverse, grams[:, :n_terms, n_terms + f])
        # In units of the rates: coefficients times the size of their terms.
        spread = np.var(estimates, axis=0) / (np.var(grams[:, n_terms + f, n_terms + f]) + 1.0)
        volume += float(np.sum(np.log(spread + 1e-18)))
    return volume


def _weakly(dataset: xr.Dataset, grid: FieldGrid, names: list[str], windows: FieldWindows, order: int) -> _Trial:
    function = partial(
        equation_sums, terms=_terms(names, grid), windows=windows, time_order=order, stretches=stretches_of(dataset)
    )
    sums = summed(dataset, function)
    halves = tuple(axis.half for axis in windows.axes)
    return names, sums.cross, f"weak form, {windows.describe()}", halves, sums.level


def _strongly(
    dataset: xr.Dataset,
    grid: FieldGrid,
    names: list[str],
    values: np.ndarray,
    noise: np.ndarray,
    order: int,
    origin: Origin,
) -> _Trial:
    spaces = [s for s in SPACE_SCHEMES if s != "spectral" or all(grid.periodic)]
    some = np.argsort(np.mean(values**2, axis=(0, *range(2, values.ndim))))[-2:]  # the same ones in any order of runs
    few = values[:, some, :_STEPS]
    trials = []
    for schemes in [(a, b) for a in TIME_SCHEMES for b in spaces]:
        sums = strong_sums(few, noise[:, some], names, grid, schemes, order, stretches=_PARTS)
        trials.append((_residual(sums.cross.sum(0), len(names)), schemes, sums.cross))
    trials = sorted(trials, key=lambda trial: trial[0])[:_SCHEMES]
    rng, shape = np.random.default_rng(0), (tuple(names), grid.fields, grid.coordinates)
    options = {"time_order": order, "n_bootstrap": 2, "rng": rng, "origin": origin}
    laws = [fit_field_law(cross, *shape, **options) for *_, cross in trials]
    schemes = trials[_simplest(laws)][1]
    options = {"grid": grid, "schemes": schemes, "time_order": order, "stretches": stretches_of(dataset)}
    sums = summed(dataset, partial(strong_sums, terms=names, **options))
    halves = [_TIME * (grid.grids[0][-1] - grid.grids[0][0])]
    halves += [0.1 * (axis[-1] - axis[0]) for axis in grid.grids[1:]]
    return names, sums.cross, f"{schemes[1]} in space, {schemes[0]} in time", tuple(halves), sums.level


def _residual(total: np.ndarray, n_terms: int) -> float:
    """Return what the whole library leaves of the rates, relative."""
    scale = 1 / np.sqrt(np.maximum(np.diag(total), 1e-300))
    gram = total * scale[:, None] * scale
    solved = np.linalg.pinv(gram[:n_terms, :n_terms], rcond=1e-13) @ gram[:n_terms, n_terms:]
    left = 1.0 - np.einsum("tf,tf->f", solved, gram[:n_terms, n_terms:])
    return float(np.sqrt(np.abs(left).max()))


def _weak_names(terms: Sequence[str] | None, grid: FieldGrid, required: bool) -> list[str] | None:
    names = field_terms(grid.fields, grid.axes) if terms is None else list(terms)
    weak = [name for name in names if weak_term(name, grid.fields, grid.axes) is not None]
    if len(weak) < len(names) and required:
        rest = ", ".join(name for name in names if name not in weak)
        raise ValueError(
            f"terms {rest} are no derivatives of products, so noisy data cannot decide them: leave them out, or give "
            "data without noise and derivatives='differences'"
        )
    return weak if len(weak) == len(names) else None


def _terms(names: Sequence[str], grid: FieldGrid) -> list[WeakTerm]:
    found = [weak_term(name, grid.fields, grid.axes) for name in names]
    weak = [term for term in found if term is not None]
    assert len(weak) == len(names)  # see `_weak_names`
    return weak


def _enough(cross: np.ndarray) -> np.ndarray:
    """Join the sums `(part, row, row)` of more trajectories than some hundreds, those of like size."""
    most = 200
    if len(cross) <= most:
        return cross
    cross = cross[np.argsort(np.einsum("pii->pi", cross)[:, -1], kind="stable")]
    edges = np.linspace(0, len(cross), most + 1).astype(int)[:-1]
    return np.add.reduceat(cross, edges)
