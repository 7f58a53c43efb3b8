"""Discover a symmetry, then constrain a law by it: on different trajectories, and judged on yet others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import xarray as xr
from pysindy.feature_library.base import BaseFeatureLibrary
from sklearn.base import BaseEstimator

from symdyn.data.pairs import as_dataset
from symdyn.data.tasks import on_one_thread
from symdyn.data.trajectories import names_with_role
from symdyn.discovery.symmetry import SymmetryDiscovery
from symdyn.functions.features import Features
from symdyn.lie.algebras.symmetries import Part
from symdyn.lie.groups import Elements
from symdyn.lie.vectorfields import Generators
from symdyn.regression.enforcing.enforcement import Enforcement, SymmetryLike
from symdyn.regression.enforcing.validation import HeldOut, rate_losses
from symdyn.regression.fitted import FittedLaw
from symdyn.regression.learning_curves import enough, learning_curve
from symdyn.regression.moments_fit import (
    RootFit,
    check_optimizer,
    fit_enforced,
    fit_kept,
    fit_root,
    laid_out,
    law_from,
    root_of,
)
from symdyn.rows.dynamics import Layout, dynamics_of
from symdyn.show import show
from symdyn.sums.moments import Moments, accumulate, joined

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "SymmetricFit",
    "compare_fits",
    "discover_then_fit",
    "fit_then_judge",
    "found_symmetry",
    "split_trajectories",
]

_FEWEST = 5

# By the name of the model its fit, the number of trajectories, and that of the terms that matter.
_Fits: TypeAlias = dict[str, tuple[RootFit, int, int]]


@dataclass(frozen=True, repr=False)
class SymmetricFit:
    """Hold a law constrained by a symmetry, and say what the symmetry improved.

    `law` respects the `symmetry` that is enforced; `free` is the same fit without it; both use all the trajectories.
    `enforcement` says which parts of the symmetry were enforced, promoted or dropped, and why: laws are fitted with
    each trajectory held out in turn, and judged on it. `table`, an `xr.Dataset` over `model`, describes fits to some of
    the trajectories, judged on the others: `n_trajectories` fitted, `n_free` coefficients left free by the symmetry,
    `n_terms` that matter, `held_out_error` (relative error of the rates on held-out trajectories), `excess` over the
    symmetric law, and its standard error `excess_error`. One free model is also fitted to the trajectories that
    discovery used; where something was dropped, one model respects everything that was found or given. `curve`, an
    `xr.Dataset` over `trajectories`, holds the held-out errors of fits to that many trajectories. `train` and
    `held_out` are the sums used to fit and to judge, with rows as `layout` says, from the trajectories `indices` of the
    data ([discovery,] fit, judgement). `search` is the `SymmetryDiscovery`, None where the symmetry was `given`.

    Examples
    --------
    >>> import symdyn as sd
    >>> from symdyn.regression import discover_then_fit
    >>> data = sd.systems.hopf(noise=0.02, n_trajectories=15, rng=0)
    >>> fit = discover_then_fit(data, sd.candidates.gl(2), sd.features.Polynomial(3))
    >>> fit
    SymmetricFit, parts of the symmetry: 1 enforced
    FittedLaw of a flow on (x0, x1)
      x0' = 0.497 x0 − 1.3 x1 − 0.993 x0^3 − 0.993 x0 x1^2
      x1' = 1.3 x0 + 0.497 x1 − 0.993 x0^2 x1 − 0.993 x1^3
    >>> fit.free.n_terms, fit.law.n_terms  # without the symmetry, and with it
    (15, 8)
    >>> fit.trajectories_needed, fit.curve.sizes["trajectories"]
    (2, 6)
    """

    law: FittedLaw
    free: FittedLaw
    table: xr.Dataset
    curve: xr.Dataset
    symmetry: SymmetryLike | None
    train: Moments
    held_out: Moments
    layout: Layout
    enforcement: Enforcement
    indices: tuple[np.ndarray, ...] = ()
    search: SymmetryDiscovery | None = None
    given: SymmetryLike | None = None

    def __repr__(self) -> str:
        parts = {"enforced": self.enforced_, "promoted": self.promoted_, "dropped": self.dropped_}
        counts = [f"{len(some)} {word}" for word, some in parts.items() if some]
        return f"SymmetricFit, parts of the symmetry: {', '.join(counts) or 'none'}\n{self.law!r}"

    def _repr_html_(self) -> str:
        said = "".join(f"<li>{escape(line)}</li>" for line in self.summary().splitlines())
        return f"{self.law._repr_html_()}\n<ul>{said}</ul>"

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the held-out error against the number of trajectories fitted, with and without the symmetry.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            A new figure if left out.

        Returns
        -------
        matplotlib Axes

        Examples
        --------
        >>> import symdyn as sd
        >>> from symdyn.regression import discover_then_fit
        >>> x, t = sd.systems.hopf(noise=0.05, rng=0)
        >>> fit = discover_then_fit((x, t), sd.candidates.gl(2), sd.features.Polynomial(3))
        >>> fit.plot().get_title(loc="left")
        'Enforced: so(2)'
        """
        return show("plot_fit", self, ax)

    def report(self, path: str | Path, *, title: str | None = None) -> Path:
        """Write an HTML page: what the symmetry bought, laws, figures and versions, see `SymmetryDiscovery.report`.

        Examples
        --------
        >>> import symdyn as sd
        >>> from symdyn.regression.discovered import fit_then_judge
        >>> fit = fit_then_judge(sd.systems.hopf(rng=0), sd.candidates.so(2), sd.features.Polynomial(3))
        >>> fit.report("fit.html").name
        'fit.html'
        """
        return show("report", self, path, title=title)

    @property
    def enforced_(self) -> list:
        """The parts of the symmetry that the law respects exactly."""
        return self.enforcement.enforced

    @property
    def promoted_(self) -> list:
        """The parts towards which the law was pulled."""
        return self.enforcement.promoted

    @property
    def dropped_(self) -> list:
        """The parts that held-out data contradicted."""
        return self.enforcement.dropped

    @property
    def trajectories_needed(self) -> int | None:
        """The trajectories that the symmetric law needs to match the free law's error from all; None if more."""
        error = float(self.curve["free"][-1])
        return enough(self.curve["trajectories"].values, self.curve["symmetric"].values, error)

    def summary(self) -> str:
        """Say what the symmetry improved, in a few lines.

        Examples
        --------
        >>> import textwrap
        >>> import symdyn as sd
        >>> from symdyn.regression import discover_then_fit
        >>> data = sd.systems.hopf(noise=0.02, n_trajectories=15, rng=0)
        >>> fit = discover_then_fit(data, sd.candidates.gl(2), sd.features.Polynomial(3))
        >>> print(textwrap.fill(fit.summary(), 88))
        20 free numbers, 4 with the symmetry; the laws have 16 and 8 terms. On trajectories left
        out the relative error of the rates is 0.0047 without the symmetry and 0.0044 with it:
        the free law is as good (difference of mean squares 3.1e-06 ± 7e-06). The fit inside the
        symmetry reaches with 2 of the trajectories the error that the free fit reaches with 6.
        """
        said = [f"{sentence[0].upper()}{sentence[1:]}." for sentence in self.enforcement.sentences()]
        if self.symmetry is None and not self.promoted_:
            nothing = "No symmetry is enforced" if self.dropped_ else "No symmetry was found"
            return "\n".join([f"{nothing}: the law is the free one.", *said])
        return "\n".join([*said, *self._bought()])

    def _bought(self) -> list[str]:
        one, other = self.table.sel(model="symmetric"), self.table.sel(model="free")
        excess, error = float(other.excess), float(other.excess_error)
        worse = "is worse" if excess > 2 * error else "is better" if excess < -2 * error else "is as good"
        needed = self.trajectories_needed
        sizes, errors = self.curve["trajectories"].values, self.curve["free"].values
        needed_free = enough(sizes, errors, errors[-1])  # fewer than all, where noise hides the rest
        lines = [
            f"{int(other.n_free)} free numbers, {int(one.n_free)} with the symmetry; the laws have "
            f"{int(other.n_terms)} and {int(one.n_terms)} terms.",
            f"On trajectories left out the relative error of the rates is {_seen(other.held_out_error)} without the "
            f"symmetry and {_seen(one.held_out_error)} with it: the free law {worse} "
            f"(difference of mean squares {excess:.2g} ± {error:.1g}).",
        ]
        if needed is not None and needed_free is not None:
            lines.append(
                f"The fit inside the symmetry reaches with {needed} of the trajectories the error that the free fit "
                f"reaches with {needed_free}."
            )
        return lines


def _seen(error: xr.DataArray) -> str:
    return f"{float(error):.2g}" if error > 0 else "below the noise"


@on_one_thread
def discover_then_fit(
    data: xr.Dataset | tuple,
    candidates: Generators | Elements | Sequence[Generators | Elements],
    features: Features | BaseFeatureLibrary,
    *,
    optimizer: BaseEstimator | None = None,
    parts: Sequence[float] = (0.4, 0.4, 0.2),
    rng: int | np.random.Generator = 0,
    **options,
) -> SymmetricFit:
    """Discover a symmetry on some trajectories, fit a law constrained by it on others, and judge it on the rest.

    The algebra that is found is made canonical only within its confidence ellipsoid. Generators parallel to the flow
    are set apart and constrain nothing (see `SymmetryDiscovery`). Discovery and fit on the same data would be partly
    circular, because the algebra contains the law that was fitted. What is found is enforced only where the
    trajectories, held out one at a time, do not contradict it (`regression.enforcing.enforcement`). The law is then
    fitted to all trajectories.

    Parameters
    ----------
    data : xr.Dataset, or tuple (x, t)
        Trajectories.
    candidates : Generators, Elements, or a list of both
    features : Features or pysindy feature library
    optimizer : optional
        As for `fit_moments`.
    parts : tuple of three floats
        Fractions of the trajectories for discovery, fit and judgement, which are drawn at random.
    rng : int or numpy Generator
    options
        Of `SymmetryDiscovery`: `kind`, `delta`, `alpha`, `n_bootstrap`.

    Raises
    ------
    ValueError
        For fewer than 5 trajectories, or parts that are not positive. TypeError For optimizers that need the rows.

    Examples
    --------
    >>> import symdyn as sd
    >>> from symdyn.regression import discover_then_fit
    >>> data = sd.systems.cubic_spiral(noise=0.03, n_trajectories=15, rng=0)
    >>> fit = discover_then_fit(data, sd.candidates.gl(2), sd.features.Polynomial(3))
    >>> fit.search.algebra_
    LieAlgebra so(2) on (x0, x1)
      x1 ∂x0 − x0 ∂x1
    >>> fit.law
    FittedLaw of a flow on (x0, x1)
      x0' = −0.0992 x0 − x1 − 0.203 x0^3 − x0^2 x1 − 0.202 x0 x1^2 − x1^3
      x1' = x0 − 0.0992 x1 + x0^3 − 0.203 x0^2 x1 + x0 x1^2 − 0.202 x1^3
    >>> errors = fit.table.held_out_error  # on trajectories that neither step has seen
    >>> [round(float(errors.sel(model=name)), 4) for name in ("free", "symmetric")]
    [0.0185, 0.0057]
    """
    check_optimizer(optimizer)
    dataset, rng = _trajectories(data), np.random.default_rng(rng)
    first, second, third = split_trajectories(dataset.sizes["trajectory"], parts, rng)
    used: list[Moments] = []

    # The sums that discovery is made from serve the free fit, too.
    def keeping(*arguments: xr.Dataset | Features | Layout) -> Moments:
        used.append(accumulate(*arguments))
        return used[0]

    search = SymmetryDiscovery(candidates, features, rng=rng, **options)
    search.fit(dataset.isel(trajectory=first), accumulate=keeping)
    layout = _layout_of(search, used[0])
    space = search.law_.features
    train, held_out = (
        accumulate(dataset.isel(trajectory=part), space, layout, method=used[0].axes) for part in (second, third)
    )
    fit = compare_fits(
        train,
        held_out,
        space,
        symmetry=None if found_symmetry(search) is None else search,
        optimizer=optimizer,
        layout=layout,
        spare=used[0],
    )
    return replace(fit, search=search, indices=(first, second, third))


def fit_then_judge(
    data: xr.Dataset | tuple,
    symmetry: SymmetryLike | None,
    features: Features | BaseFeatureLibrary,
    *,
    optimizer: BaseEstimator | None = None,
    layout: Layout | str = "flow",
    parts: Sequence[float] = (0.7, 0.3),
    rng: int | np.random.Generator = 0,
) -> SymmetricFit:
    """Fit a law with and without a known symmetry on some trajectories, and judge both on the rest.

    The law is then fitted to all of them. A symmetry given as exact is enforced; of an inexact algebra, the parts that
    held-out trajectories do not contradict.

    Parameters
    ----------
    data : xr.Dataset, or tuple (x, t)
    symmetry : optional
        Whatever `fit_moments` takes.
    features : Features or pysindy feature library
    optimizer : optional
    layout : Layout or {"flow", "second_order", "map"}
    parts : tuple of two floats
        Fractions of the trajectories for fit and judgement.
    rng : int or numpy Generator

    Raises
    ------
    ValueError
        For fewer than 5 trajectories, and parts that are no shares.
    """
    check_optimizer(optimizer)
    dataset = _trajectories(data)
    chosen = split_trajectories(dataset.sizes["trajectory"], parts, np.random.default_rng(rng))
    some, space, layout = laid_out(dataset.isel(trajectory=chosen[0]), features, layout)
    train = accumulate(some, space, layout)
    held_out = accumulate(dataset.isel(trajectory=chosen[1]), space, layout.in_chart(train.chart), method=train.axes)
    fit = compare_fits(train, held_out, space, symmetry=symmetry, optimizer=optimizer, layout=layout)
    return replace(fit, indices=tuple(chosen), given=symmetry)


def compare_fits(
    train: Moments,
    held_out: Moments,
    features: Features,
    *,
    symmetry: SymmetryLike | None,
    optimizer: BaseEstimator | None,
    layout: Layout,
    spare: Moments | None = None,
) -> SymmetricFit:
    """Fit with and without a symmetry, judge on held-out trajectories, and fit the laws to all trajectories.

    Parameters
    ----------
    train, held_out : Moments
        Of the same features.
    features : Features
    symmetry : optional
        Whatever `fit_moments` takes; None for none.
    optimizer : estimator
    layout : Layout
    spare : Moments, optional
        Of further trajectories that a free fit can use, because it needs no discovery.
    """
    kind = layout.action.name
    seen = train if spare is None else joined([spare, train])
    law, root, enforcement = fit_enforced(joined([seen, held_out]), features, symmetry, optimizer, layout)
    enforcement.warn(stacklevel=4)
    inside, free = (
        law_from(one, root, features, layout.arguments, kind)
        for one in (law, fit_root(root, features, None, optimizer, kind))
    )
    fitted = _compared(train, seen, features, enforcement, optimizer, layout)
    curve = learning_curve(
        train,
        held_out,
        features,
        models={
            "symmetric": (None if enforcement.symmetry is None else fitted["symmetric"][0].subspace, optimizer),
            "free": (None, optimizer),
        },
        layout=layout,
        rng=np.random.default_rng(0),
    )
    judged = rate_losses(
        np.stack([fit.on_sums(held_out, features, layout) for fit, *_ in fitted.values()]), held_out, layout.kind
    )
    enforced = enforcement.symmetry
    kept = enforced[0] if isinstance(enforced, list) and len(enforced) == 1 else enforced
    table = _table(fitted, judged)
    return SymmetricFit(inside, free, table, curve, kept, train, held_out, layout, enforcement)


def _compared(
    train: Moments,
    seen: Moments,
    features: Features,
    enforcement: Enforcement,
    optimizer: BaseEstimator | None,
    layout: Layout,
) -> _Fits:
    """Fit each model; return the fits by name, with the number of trajectories and of the terms that matter."""
    kind = layout.action.name
    free = Enforcement()
    models = {"symmetric": (train, enforcement), "free": (train, free)}
    if seen is not train:
        models["free, all trajectories but those left out"] = (seen, free)
    if enforcement.dropped or enforcement.promoted:
        whole = Enforcement([*enforcement.together, *enforcement.dropped])
        models["all of the symmetry"] = (train, whole)
    fitted = {}
    for name, (sums, kept) in models.items():
        root = root_of(sums, layout)
        try:
            fit = fit_kept(root, features, kept, optimizer, kind)
        except ValueError:  # nothing is left inside all of it
            continue
        law = law_from(fit, root, features, layout.arguments, kind)
        fitted[name] = (fit, sums.n_trajectories, law.n_terms)
    return fitted


def split_trajectories(n: int, parts: Sequence[float], rng: np.random.Generator) -> list[np.ndarray]:
    """Draw the indices of the trajectories in each part at random, at least one per part.

    Raises
    ------
    ValueError
        For fewer than 5 trajectories, or parts that are not positive.
    """
    shares = np.asarray(parts, dtype=float)
    if shares.ndim != 1 or not np.all(shares > 0):
        raise ValueError(f"parts must be positive shares of the trajectories, got {parts!r}")
    if n < max(_FEWEST, len(shares)):
        raise ValueError(
            f"data hold {n} trajectories; to fit and judge on different ones takes at least {_FEWEST}: cut long "
            "trajectories into pieces"
        )
    ends = np.round(np.cumsum(shares) / shares.sum() * n).astype(int)
    for k in range(len(ends) - 1):
        ends[k] = np.clip(ends[k], ends[k - 1] + 1 if k else 1, n - (len(ends) - 1 - k))
    return [np.sort(part) for part in np.split(rng.permutation(n), ends[:-1])]


def found_symmetry(search: SymmetryDiscovery) -> Part | list[Part] | None:
    """Return the algebra and elements that a search accepted, as a symmetry to enforce; None if there are none."""
    elements = getattr(search, "elements_", None)
    found = [part for part in (search.algebra_, elements) if part is not None and part.dim]
    return None if not found else found[0] if len(found) == 1 else found


def _table(fitted: _Fits, judged: HeldOut) -> xr.Dataset:
    excess, error = judged.excess(0)
    variables = {
        "n_trajectories": [n for _, n, _ in fitted.values()],
        "n_free": [fit.subspace.dim for fit, *_ in fitted.values()],
        "n_terms": [n_terms for *_, n_terms in fitted.values()],
        "held_out_error": judged.error,
        "excess": excess,
        "excess_error": error,
    }
    columns = {name: ("model", np.asarray(values)) for name, values in variables.items()}
    return xr.Dataset(columns, coords={"model": np.array(list(fitted), dtype=object)})


def _layout_of(search: SymmetryDiscovery, moments: Moments) -> Layout:
    """Return the layout of the sums of a search; they say whether a map was finely sampled."""
    arguments, n_outputs = search.law_.states, len(search.law_.coefficients)
    n_states = dynamics_of(search.kind_).action.n_arguments(n_outputs)
    states, inputs = tuple(arguments[:n_states]), tuple(arguments[n_states:])
    if inputs:
        raise ValueError(f"inputs ({', '.join(inputs)}) need a symmetry that acts on them: fit by SymmetricSINDy")
    fine = not dynamics_of(search.kind_).in_windows and bool(np.all(moments.instrumented))
    return Layout(search.kind_, states, fine=fine, chart=moments.chart)


def _trajectories(data: xr.Dataset | str | Path | tuple) -> xr.Dataset:
    dataset = as_dataset(data)
    if names_with_role(dataset, "target"):
        raise TypeError("data must be trajectories: a Dataset, a path, tables, or a tuple (x, t)")
    return dataset
