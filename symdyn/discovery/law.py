"""The law f from sums over trajectories: weak, instrumented, sparse by families, with its error.

Families of features stand or fall together (see `Features`): dropping single coefficients would make up symmetries, or
break them. Which families stay is decided by prediction of trajectories left out, not by a threshold. The choice is
part of the error: replicates put one rejected family back, since a law that is too small looks too symmetric.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from symdyn.data.moments import Moments
from symdyn.discovery.scales import Scales

__all__ = ["LawFit", "fit_law"]


@dataclass(frozen=True)
class LawFit:
    """A law with its error.

    `coefficients` `(output, feature)`; `kept` the families in it; `path` one row a step of the selection: families,
    mean error on trajectories left out (relative to the power of the rates), its standard error. `errors`
    `(replicate, output, feature)` are bootstrap errors of the coefficients, `stretch` `(replicate,)` what makes them
    bootstrap-t errors, `jackknife` `(block, output, feature)` errors from leaving out stretches of time.
    """

    coefficients: np.ndarray
    kept: tuple[str, ...]
    path: list[tuple[tuple[str, ...], float, float]]
    errors: np.ndarray
    stretch: np.ndarray
    jackknife: np.ndarray

    @property
    def covariance(self) -> np.ndarray:
        """Covariance `(output * feature, output * feature)` of the coefficients."""
        flat = self.errors.reshape(len(self.errors), -1)
        return flat.T @ flat / len(flat)


def fit_law(
    moments: Moments, families: list[str], scales: Scales, *, n_bootstrap: int = 200, rng: np.random.Generator
) -> LawFit:
    """Select families, fit, and resample trajectories.

    Parameters
    ----------
    moments : Moments
    families : list of str
        Family of each feature.
    scales : Scales
        Weights of trajectories and scales of outputs.
    n_bootstrap : int
        Number of bootstrap replicates.
    rng : numpy Generator
    """
    grams = moments.cross * scales.group_weights(moments)[:, None, None]
    problem = _Problem(grams, moments.trajectory, np.array(families), scales.output_power)
    path = _backward_path(problem)
    kept = _smallest_good(path)
    estimate = problem.solve(grams.sum(0), kept)
    shifts = [problem.solve(grams.sum(0), (*kept, back)) - estimate for back in problem.labels if back not in kept]
    errors, stretch = _bootstrap(problem, kept, estimate, n_bootstrap, rng)
    jackknife = _jackknife(problem, kept, estimate)
    if shifts:
        errors = errors + _random_signs(shifts, len(errors), rng)
        jackknife = jackknife + _random_signs(shifts, len(jackknife), rng)
    errors = errors + _unknown(problem, kept, len(errors), rng)
    return LawFit(estimate, kept, path, errors, stretch, jackknife)


class _Problem:
    """Normal equations of the law, reweighted by group or by trajectory."""

    def __init__(self, grams, trajectory, families, output_power):
        self.grams = grams
        self.families = families
        self.n_features = len(families)
        self.output_power = output_power
        self.labels = tuple(dict.fromkeys(families.tolist()))
        self.by_trajectory = np.stack([grams[trajectory == k].sum(0) for k in np.unique(trajectory)])

    def solve(self, gram, kept):
        """Coefficients `(output, feature)` on the kept families, columns scaled, singular directions left at 0."""
        columns = np.flatnonzero(np.isin(self.families, kept))
        block = gram[np.ix_(columns, columns)]
        right = gram[columns, self.n_features :]
        scale = _inverse_sizes(block)
        solution = np.linalg.lstsq(block * scale[:, None] * scale, right * scale[:, None], rcond=1e-11)[0]
        full = np.zeros((right.shape[1], self.n_features))
        full[:, columns] = (solution * scale[:, None]).T
        return full

    def residual_power(self, gram, coefficients):
        """Mean square of what the law leaves, relative to the power of the targets, noise-free in expectation."""
        left = np.hstack([-coefficients, np.eye(len(coefficients))])
        return float(np.sum(np.diag(left @ gram @ left.T) / self.output_power) / len(coefficients))


def _backward_path(problem):
    """Drop families one at a time, each time the one that prediction misses least."""
    folds = _folds(problem)
    active = problem.labels
    path = [(active, *_held_out(problem, folds, active))]
    while len(active) > 1:
        trials = [tuple(label for label in active if label != out) for out in active]
        scored = [(*_held_out(problem, folds, trial), trial) for trial in trials]
        mean, error, active = min(scored, key=lambda row: row[0])
        path.append((active, mean, error))
    return path


def _folds(problem, n_folds=10):
    """Sums of the parts left out in turn: trajectories, or stretches of time if there are fewer than three."""
    parts = problem.by_trajectory if len(problem.by_trajectory) >= 3 else problem.grams
    n = min(n_folds, len(parts))
    return [parts[k::n].sum(0) for k in range(n)]


def _held_out(problem, folds, kept):
    if len(folds) == 1:
        return problem.residual_power(folds[0], problem.solve(folds[0], kept)), 0.0
    total = np.sum(folds, axis=0)
    n = len(folds)
    errors = [n * problem.residual_power(fold, problem.solve(total - fold, kept)) for fold in folds]
    return float(np.mean(errors)), float(np.std(errors, ddof=1) / np.sqrt(n))


def _smallest_good(path):
    """The smallest model whose error is within one standard error of the best (Breiman's rule)."""
    _, lowest, error = min(path, key=lambda row: row[1])
    return min((row for row in path if row[1] <= lowest + error), key=lambda row: len(row[0]))[0]


def _bootstrap(problem, kept, estimate, n_bootstrap, rng):
    """Errors from resampled trajectories, and the factor by which each replicate misjudged its own error."""
    parts = problem.by_trajectory if len(problem.by_trajectory) >= 3 else problem.grams
    n = len(parts)
    reference = _self_assessed(problem, kept, parts, np.ones(n), estimate)
    errors, stretch = [], []
    for counts in rng.multinomial(n, np.full(n, 1 / n), size=n_bootstrap):
        replicate = problem.solve(np.tensordot(counts, parts, 1), kept)
        errors.append(replicate - estimate)
        stretch.append(
            reference / max(_self_assessed(problem, kept, parts, counts, replicate), 0.2 * reference, 1e-300)
        )
    return np.stack(errors), np.array(stretch)


def _self_assessed(problem, kept, parts, counts, coefficients):
    """Size of the error of a fit as the fit itself sees it: influence of each trajectory (sandwich formula)."""
    columns = np.flatnonzero(np.isin(problem.families, kept))
    left = np.hstack([-coefficients, np.eye(len(coefficients))])
    gram = np.tensordot(counts, parts, 1)
    block = gram[np.ix_(columns, columns)]
    scale = _inverse_sizes(block)
    inverse = np.linalg.pinv(block * scale[:, None] * scale, rcond=1e-11)
    # Residual times feature, summed over each trajectory, is its pull on the coefficients.
    pulls = np.einsum("ot,gtc->goc", left, parts[:, :, columns]) * scale
    influence = pulls @ inverse / np.sqrt(problem.output_power)[:, None]
    return np.sqrt(np.sum(counts[:, None, None] * influence**2))


def _jackknife(problem, kept, estimate):
    """Errors from leaving out one stretch of time each, scaled so that their mean square is the variance."""
    total, n = problem.grams.sum(0), len(problem.grams)
    if n < 2:
        return np.zeros((1, *estimate.shape))
    left_out = [problem.solve(total - gram, kept) - estimate for gram in problem.grams]
    return np.stack(left_out) * np.sqrt(n - 1)


def _inverse_sizes(gram):
    """One over the size of each column; 0, so that its coefficient stays 0, for a column that vanishes on the data."""
    squares = np.abs(np.diag(gram))
    return np.where(squares > 0, 1 / np.sqrt(np.maximum(squares, 1e-300)), 0.0)


def _unknown(problem, kept, n, rng):
    """Errors `(n, output, feature)` of coefficients whose feature vanishes on all the data, such as z in planar motion.

    The fit leaves them at 0, but the data say nothing about them: they may be as large as in the rest of the family.
    """
    squares = np.abs(np.diag(problem.grams.sum(0)))[: problem.n_features]
    errors = np.zeros((n, len(problem.output_power), problem.n_features))
    for column in np.flatnonzero((squares == 0) & np.isin(problem.families, kept)):
        family = squares[problem.families == problem.families[column]].max()
        power = np.where(np.isfinite(problem.output_power), problem.output_power, 0.0)  # nothing is known of no motion
        natural = np.sqrt(power / family) if family else np.ones(len(power))
        errors[:, :, column] = 3 * natural * rng.standard_normal((n, len(natural)))
    return errors


def _random_signs(shifts, n, rng):
    """One shift a replicate, in turn, with random sign: the truth may lie on either side."""
    chosen = np.stack(shifts)[np.arange(n) % len(shifts)]
    return chosen * rng.choice([-1.0, 1.0], size=n)[:, None, None]
