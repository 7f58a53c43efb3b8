"""Errors from leaving out parts are those that repeated experiments show."""

import numpy as np

import symdyn as sd
from symdyn.regression.enforcing.enforcement import Enforcement
from symdyn.regression.jackknife import jackknife_errors
from symdyn.regression.moments_fit import fit_enforced, sums_of

FEATURES = sd.features.Polynomial(1)


def fitted(seed):
    data = sd.open_trajectories(_rotation(seed), t=0.05, states=["x", "y"])
    moments, layout = sums_of(data, FEATURES)
    fit, *_ = fit_enforced(moments, FEATURES, None, None, layout)
    return fit.coefficients, jackknife_errors(moments, FEATURES, Enforcement(), None, layout)


def _rotation(seed):
    """Trajectories of x' = y, y' = −x with noise."""
    rng, times = np.random.default_rng(seed), 0.05 * np.arange(150)
    phases = rng.uniform(0, 2 * np.pi, 8)
    states = [np.column_stack([np.cos(times - p), -np.sin(times - p)]) for p in phases]
    return [x + 0.05 * rng.standard_normal(x.shape) for x in states]


def test_errors_are_the_scatter_of_repeated_fits():
    found = [fitted(seed) for seed in range(12)]
    scatter = np.std([law for law, _ in found], axis=0, ddof=1)
    told = np.median([errors for _, errors in found], axis=0)
    turning = [(0, 2), (1, 1)]  # the coefficients 1 and −1
    for place in turning:
        assert 0.4 * scatter[place] < told[place] < 2.5 * scatter[place]
