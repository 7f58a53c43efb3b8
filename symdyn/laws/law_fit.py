"""The law f from sums over trajectories: weak, instrumented, sparse by families, with its error.

Families of features stand or fall together (see `Features`): dropping single coefficients would make up symmetries, or
break them. Which families stay is decided by prediction of trajectories left out, not by a threshold. The choice is
part of the error: replicates put one rejected family back, since a law that is too small looks too symmetric.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy import stats

from symdyn.functions.display import MOST_LINES, joined_text
from symdyn.functions.features import Features, Sum
from symdyn.functions.monomials import has_all_divisors
from symdyn.functions.printing import monomial_exponents
from symdyn.laws.equations import Equations
from symdyn.laws.scales import Scales
from symdyn.laws.untested import untested_directions
from symdyn.sums.axes import residual_of, returned
from symdyn.sums.moments import Moments

__all__ = ["Families", "LawFit", "fit_law", "law_families"]

_PARTS = 200  # resampled at most: more trajectories are resampled in groups, a standard error is then good to 5 %
_AT_ONCE = 20  # replicates
_BLOCKS = 200  # stretches of time left out at most
# Part of the amplitude on which even and odd samples disagree that stays as an error of the law: .02 to .08 measured
# on clean Hopf and spiral data of 60 to 1000 samples a run (errors of quadrature).
_DISAGREEMENT = 0.1
_MISFIT = 3.0  # standard errors
_NOT_TOLD = 1e6  # factor on an error that a single part of the data cannot tell
_DIGITS = 12  # sums of squares know what is left over to some 1e-12


@dataclass(frozen=True)
class Families:
    """Which features stand or fall together, and in which order.

    `labels` `(feature,)` is the family of each; `chains` are families of polynomials by degree, lowest first. A shift
    of the states turns a degree into lower ones, so these are dropped from above: which of them stay says nothing
    about the origin.
    """

    labels: list[str]
    chains: tuple[tuple[str, ...], ...] = ()

    def last_of(self, active: Sequence[str]) -> list[str]:
        """Return the families among `active` that may be dropped next."""
        below = {low for chain in self.chains for low in [label for label in chain if label in active][:-1]}
        return [label for label in active if label not in below]

    def put_back(self, kept: Sequence[str]) -> list[tuple[str, ...]]:
        """Return what may be put back to the families that are kept: each one, and each degree with all below it."""
        lost = [label for label in dict.fromkeys(self.labels) if label not in kept]
        chains = [[label for label in chain if label in lost] for chain in self.chains]
        up_to = [tuple(chain[: k + 1]) for chain in chains for k in range(1, len(chain))]
        return [*((label,) for label in lost), *up_to]


def law_families(features: Features, states: Sequence[str]) -> Families:
    """Return the families of features; degrees of polynomials that a shift maps to themselves form chains."""
    chains = []
    for part in features.parts if isinstance(features, Sum) else (features,):
        exponents = monomial_exponents(part, len(states))
        if exponents is not None and has_all_divisors(exponents):
            degrees = exponents.sum(axis=1)
            labels = np.array(part.families(states))[np.argsort(degrees, kind="stable")]
            chains.append(tuple(dict.fromkeys(labels.tolist())))
    return Families(features.families(states), tuple(chains))


@dataclass(frozen=True, repr=False)
class LawFit:
    """Hold a law with its error.

    `coefficients` `(output, feature)`; `kept` the families in it; `path` has one row per selection step: families, mean
    error on trajectories left out (relative to the power of the rates), its standard error. `errors` `(replicate,
    output, feature)` are bootstrap errors of the coefficients, `stretch` `(replicate,)` what makes them bootstrap-t
    errors, `jackknife` `(block, output, feature)` errors from leaving out stretches of time. `floor` is the error
    relative to the rates that is the same in all of them, so that no resampling shows it: of quadrature, and what the
    law leaves over; `test_floor` the same for p values, where that is larger. `rivals` are laws with a rejected
    family put back that predict better, if not by enough, fitted to the same replicates. `unknown` `(replicate, output,
    feature)` is the part of `errors` that is not a fit error: it comes from coefficients that the data do not
    determine. `n_parts` independent parts of the data were resampled; `richest` `(output, feature)` is the law on all
    `families` `(feature,)`.

    Examples
    --------
    >>> import symdyn as sd
    >>> data = sd.systems.hopf(noise=0.02, n_trajectories=10)
    >>> fit = sd.SymmetryDiscovery("gl", "polynomial:4").fit(data).law_fit_
    >>> fit
    LawFit of 2 outputs on 15 features, 200 replicates, families kept: degree 0; degree 1; degree 2; …
    >>> fit.kept
    ('degree 0', 'degree 1', 'degree 2', 'degree 3')
    """

    coefficients: np.ndarray
    kept: tuple[str, ...]
    path: list[tuple[tuple[str, ...], float, float]]
    errors: np.ndarray
    stretch: np.ndarray
    jackknife: np.ndarray
    floor: float = field(default=0.0, kw_only=True)
    test_floor: float = field(default=0.0, kw_only=True)
    rivals: tuple[LawFit, ...] = field(default=(), kw_only=True)
    unknown: np.ndarray | None = field(default=None, kw_only=True)
    n_parts: int = field(default=1, kw_only=True)
    richest: np.ndarray | None = field(default=None, kw_only=True)
    families: tuple[str, ...] = field(default=(), kw_only=True)

    def __repr__(self) -> str:
        outputs, features = self.coefficients.shape
        head = f"LawFit of {outputs} outputs on {features} features, {len(self.errors)} replicates, families kept"
        return joined_text(head, self.kept[:MOST_LINES], len(self.kept))

    def mapped(self, turn: Callable[[np.ndarray], np.ndarray]) -> LawFit:
        """Carry all coefficients `(..., output, feature)` of the fit over by a linear map."""
        return replace(
            self,
            coefficients=turn(self.coefficients),
            errors=turn(self.errors),
            jackknife=turn(self.jackknife),
            rivals=tuple(rival.mapped(turn) for rival in self.rivals),
            unknown=None if self.unknown is None else turn(self.unknown),
            richest=None if self.richest is None else turn(self.richest),
        )

    @property
    def covariance(self) -> np.ndarray:
        """Covariance `(output * feature, output * feature)` of the coefficients."""
        flat = self.errors.reshape(len(self.errors), -1)
        return flat.T @ flat / len(flat)


def fit_law(
    moments: Moments, families: Families, scales: Scales, *, n_bootstrap: int = 200, rng: np.random.Generator
) -> LawFit:
    """Select families, fit, and resample trajectories.

    Parameters
    ----------
    moments : Moments
    families : Families
        Of the features.
    scales : Scales
        Weights of trajectories and scales of outputs.
    n_bootstrap : int
        Number of bootstrap replicates.
    rng : numpy Generator
    """
    problem = _Problem(moments, families, scales)
    floor = _floor(moments, scales)
    path = _backward_path(problem)
    kept = _smallest_good(problem, path, floor**2)
    counts = rng.multinomial(len(problem.parts), np.full(len(problem.parts), 1 / len(problem.parts)), size=n_bootstrap)
    back = [(*kept, *more) for more in families.put_back(kept)]
    better = [more for more in back if _predicts_better(problem, more, kept)]
    grams = problem.resampled(counts, {label for model in (kept, *better) for label in model})
    path = [_path_row(*step) for step in path]
    fit = _fit(problem, kept, path, grams)
    jackknife = _jackknife(problem, kept, fit.coefficients)
    shifts = [problem.equations.model(more).solve(problem.total) - fit.coefficients for more in back]
    rivals = tuple(_fit(problem, more, path, grams) for more in better)
    stretch = _stretch(problem, kept, fit, counts, grams) * _few_parts(len(problem.parts))
    unknown = problem.equations.unknown(scales.output_power, n_bootstrap, rng)
    if moments.instrumented.all():
        unknown = unknown + _untested(problem, kept, fit.coefficients, scales, unknown.shape, rng)
    return replace(
        fit,
        errors=fit.errors + _random_signs(shifts, n_bootstrap, rng) + unknown,
        jackknife=jackknife + _random_signs(shifts, len(jackknife), rng),
        stretch=stretch,
        floor=floor,
        rivals=tuple(replace(rival, stretch=stretch) for rival in rivals),
        unknown=unknown if np.any(unknown) else None,
        n_parts=len(problem.parts),
        richest=problem.equations.model(problem.equations.labels).solve(problem.total),
        families=tuple(families.labels),
    )


def _fit(
    problem: _Problem, kept: tuple[str, ...], path: list[tuple[tuple[str, ...], float, float]], grams: np.ndarray
) -> LawFit:
    """Fit the law on the kept families, to all the data and to resampled sums."""
    model = problem.equations.model(kept)
    estimate = model.solve(problem.total)
    errors = model.solve(grams) - estimate
    return LawFit(estimate, kept, path, errors, np.ones(len(errors)), np.zeros((1, *estimate.shape)))


class _Problem:
    """Sums of the rows of the law: all of them, those that are resampled, and those that are left out in turn."""

    def __init__(self, moments: Moments, families: Families, scales: Scales):
        order, owner = _canonical_order(moments)
        weights, products = scales.group_weights(moments)[order], moments.products[order]
        group = np.arange(len(order))
        self.parts = _pooled(products, weights, owner if owner.max() >= 2 else group, _PARTS)
        # Neighbours in time are pooled: longer stretches keep what they are correlated by together.
        self.blocks = _pooled(products, weights, group * min(_BLOCKS, len(group)) // len(group), _BLOCKS)
        self.total = self.parts.sum(0)
        self.output_weights = scales.selection_weights
        self.output_units = scales.output_units
        self.families = families
        self.equations = Equations(self.total, np.array(families.labels), moments.axes)

    def resampled(self, counts: np.ndarray, families: Iterable[str]) -> np.ndarray:
        """Sum the parts, each counted so often, `(replicate, term, term)`; 0 for features of other families."""
        n_terms = self.total.shape[-1]
        used = np.isin(self.equations.families, list(families))
        used |= self.equations.axes.size > 0  # along axes each feature is in all of the sums
        terms = np.flatnonzero(np.append(used, np.ones(n_terms - len(used), dtype=bool)))
        grams = np.zeros((len(counts), n_terms, n_terms))
        grams[:, terms[:, None], terms] = np.tensordot(counts, self.parts[:, terms[:, None], terms], 1)
        return grams

    def residual_power(self, grams: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
        """Return what laws leave `(...)`, mean square over the power of the targets, noise-free in expectation."""
        left = residual_of(coefficients, self.equations.axes)
        return np.einsum("...ot,...ot,o->...", left @ grams, left, self.output_weights)


def _canonical_order(moments: Moments) -> tuple[np.ndarray, np.ndarray]:
    """Find an order `(group,)` of the sums that does not depend on that of the trajectories, and their owners in it.

    By the power of their rates: then folds, and what a bootstrap draws, are the same trajectories in any order.
    """
    n_targets = moments.power.shape[1]
    power = np.trace(moments.products[:, -n_targets:, -n_targets:], axis1=1, axis2=2)
    found, owner = np.unique(moments.trajectory, return_inverse=True)
    rank = np.argsort(np.argsort(np.bincount(owner, weights=power, minlength=len(found)), kind="stable"))
    order = np.argsort(rank[owner], kind="stable")
    return order, rank[owner][order]


def _pooled(cross: np.ndarray, weights: np.ndarray, owner: np.ndarray, most: int) -> np.ndarray:
    """Sum over the groups of each owner, weighted, `(part, term, term)`; at most so many, the rest joined in turn."""
    owner = owner % min(most, owner.max() + 1)
    return np.stack([np.tensordot(weights[owner == k], cross[owner == k], 1) for k in range(owner.max() + 1)])


def _backward_path(problem: _Problem) -> list[tuple[tuple[str, ...], np.ndarray]]:
    """Drop families one at a time, each time the one that prediction misses least: families, errors `(fold,)`."""
    folds = _folds(problem)
    active = problem.equations.labels
    path = [(active, _held_out(problem, folds, active))]
    while len(active) > 1:
        trials = [tuple(label for label in active if label != out) for out in problem.families.last_of(active)]
        scored = [(trial, _held_out(problem, folds, trial)) for trial in trials]
        path.append(min(scored, key=lambda row: round(abs(np.mean(row[1])), _DIGITS)))
        active = path[-1][0]
    return path


def _folds(problem: _Problem, n_folds: int = 10) -> np.ndarray:
    """Return the sums of the parts left out in turn."""
    n = min(n_folds, len(problem.parts))
    return np.stack([problem.parts[k::n].sum(0) for k in range(n)])


def _held_out(problem: _Problem, folds: np.ndarray, kept: tuple[str, ...]) -> np.ndarray:
    model, n = problem.equations.model(kept), len(folds)
    return n * problem.residual_power(folds, model.solve(problem.total - folds if n > 1 else folds))


def _path_row(families: tuple[str, ...], errors: np.ndarray) -> tuple[tuple[str, ...], float, float]:
    n = len(errors)
    return families, float(np.mean(errors)), float(np.std(errors, ddof=1) / np.sqrt(n)) if n > 1 else 0.0


def _smallest_good(
    problem: _Problem, path: list[tuple[tuple[str, ...], np.ndarray]], tolerance: float
) -> tuple[str, ...]:
    """Find the smallest model whose error is within one standard error of the best (Breiman's rule), and that fits.

    Errors are signed estimates of squares, and an ill determined law has hugely negative ones. So far from 0 is bad on
    either side, and the best is the one that is surely near 0.

    One run that starts off its limit cycle tells a linear from a cubic law in its first fold only: prediction of that
    fold fails for both, with a large standard error. So what a model leaves of the data it was fitted to must also be
    within the chance of what the best one leaves.
    """
    rows = [_path_row(*step) for step in path]
    best, lowest, error = min(rows, key=lambda row: abs(row[1]) + row[2])
    left, chance = _left_over(problem, best)
    most = abs(left) + _MISFIT * chance + tolerance + 10.0**-_DIGITS
    good = [families for families, mean, _ in rows if abs(mean) <= abs(lowest) + error]
    return min((families for families in good if abs(_left_over(problem, families)[0]) <= most), key=len)


def _predicts_better(problem: _Problem, more: tuple[str, ...], fewer: tuple[str, ...]) -> bool:
    """Check whether a larger model predicts what is left out better, be it by chance.

    At 20 % noise the cubic terms of a Hopf field stay within the standard error of Breiman's rule in half of the data
    sets of 100 runs, but nearly always predict better; terms that are not there do in one of ten.
    """
    folds = _folds(problem)
    gain = abs(np.mean(_held_out(problem, folds, fewer))) - abs(np.mean(_held_out(problem, folds, more)))
    return bool(gain > 10.0**-_DIGITS)


def _left_over(problem: _Problem, kept: tuple[str, ...]) -> tuple[float, float]:
    """Return what a model leaves of all the data, and the standard error of that from its parts."""
    coefficients = problem.equations.model(kept).solve(problem.total)
    each = problem.residual_power(problem.blocks, coefficients)
    return float(np.sum(each)), float(np.sqrt(len(each)) * each.std())


def _untested(
    problem: _Problem,
    kept: tuple[str, ...],
    coefficients: np.ndarray,
    scales: Scales,
    shape: tuple[int, ...],
    rng: np.random.Generator,
) -> np.ndarray:
    """Draw errors `(replicate, output, feature)` along what was dropped although the data do not test it."""
    n_features = len(problem.equations.families)
    parts = problem.blocks
    if problem.equations.axes.size:
        turn = np.eye(parts.shape[-1])
        turn[:n_features, :n_features] = returned(problem.equations.axes)
        parts = turn @ parts @ turn.T
    finite = np.where(np.isfinite(scales.output_units), scales.output_units, 1.0)
    weights = np.isfinite(scales.output_units) / finite
    law = np.concatenate([-coefficients, np.eye(len(coefficients))], axis=1) * weights[:, None]
    residuals = (law @ parts)[:, :, :n_features]
    rates = np.sqrt(np.where(np.isfinite(scales.output_units), scales.output_power, 0.0))
    found, largest = untested_directions(
        parts[:, :n_features, :n_features],
        problem.equations.family_sizes(),
        np.isin(problem.equations.families, kept),
        residuals,
        float(np.sqrt(np.sum((rates * weights) ** 2))),
    )
    draws = rng.standard_normal((*shape[:2], len(largest))) * rates[:, None] * largest
    return draws @ found.T


def _stretch(
    problem: _Problem, kept: tuple[str, ...], fit: LawFit, counts: np.ndarray, grams: np.ndarray
) -> np.ndarray:
    """Compute the factor by which each replicate misjudged its own error."""
    model = problem.equations.model(kept)
    rows, ones = np.ascontiguousarray(np.swapaxes(model.rows(problem.parts), 0, 1)), np.ones((1, len(problem.parts)))
    whole = model.left(fit.coefficients)[None], model.inverse(problem.total)[None]
    reference = _self_assessed(problem, rows, ones, *whole)
    left, inverse = model.left(fit.coefficients + fit.errors), model.inverse(grams)
    batches = [slice(k, k + _AT_ONCE) for k in range(0, len(counts), _AT_ONCE)]
    seen = np.concatenate([_self_assessed(problem, rows, counts[b], left[b], inverse[b]) for b in batches])
    return reference / np.maximum(seen, max(0.2 * reference, 1e-300))


def _few_parts(n: int) -> float:
    """Return the factor on errors told from n resampled parts: of Student's t, and of a variance of n parts."""
    if n < 2:
        return _NOT_TOLD
    return float(stats.t.ppf(0.975, n - 1) / stats.norm.ppf(0.975) * np.sqrt(n / (n - 1)))


def _self_assessed(
    problem: _Problem, rows: np.ndarray, counts: np.ndarray, left: np.ndarray, inverse: np.ndarray
) -> np.ndarray:
    """Return sizes `(replicate,)` of the error of fits as these see it: influence of each part (sandwich formula).

    Residual times feature, summed over each part, is its pull on the coefficients. `rows` `(term, part, direction)` are
    read once for all replicates.
    """
    weights = (np.sqrt(counts[:, None]) / problem.output_units[:, None])[..., None]
    pulls = np.tensordot(left, rows, 1) * weights
    moved = pulls.reshape(len(counts), -1, pulls.shape[-1]) @ inverse
    return np.sqrt(np.einsum("bpd,bpd->b", moved, moved))


def _jackknife(problem: _Problem, kept: tuple[str, ...], estimate: np.ndarray) -> np.ndarray:
    """Compute errors by leaving out one stretch of time each, scaled so that their mean square is the variance."""
    n = len(problem.blocks)
    if n < 2:
        return np.zeros((1, *estimate.shape))
    left_out = problem.equations.model(kept).solve(problem.total - problem.blocks)
    return (left_out - estimate) * np.sqrt(n - 1)


def _random_signs(shifts: list[np.ndarray], n: int, rng: np.random.Generator) -> np.ndarray | float:
    """Give each replicate one shift, in turn, with random sign: the truth may lie on either side."""
    if not shifts:
        return 0.0
    chosen = np.stack(shifts)[np.arange(n) % len(shifts)]
    return chosen * rng.choice([-1.0, 1.0], size=n)[:, None, None]


def _floor(moments: Moments, scales: Scales) -> float:
    """Return a fixed part of the amplitude, relative to the rates, on which even and odd samples disagree."""
    weights = scales.weights[:, None] ** 2 / scales.outputs**2
    power, signal = np.sum(weights * moments.power), np.sum(weights * moments.signal)
    return float(_DISAGREEMENT * np.sqrt(max(power - signal, 0.0) / power)) if power > 0 else 0.0
