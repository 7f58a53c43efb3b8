"""Noisy promotion, measured: `python benchmarks/bench_promoted.py [--seeds 10]`.

phi(u . x) in R^6 with a cubic phi, 100 samples, noise of 5 % of the standard deviation of the values; candidates se(6),
84 terms. Errors are root mean squares on 2000 fresh points over the standard deviation of the values there.

The Hopf field x (1 - |x|^2) + J x at 25 points, noise .1 in the rates; candidates so(2), then aff(2). Errors are root
mean squares on 1000 fresh points; "enforced" fits inside the fields that are equivariant under so(2).
"""

import argparse
import os
import time
import warnings

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

import symdyn as sd
from symdyn.lie.constraints.equivariance import equivariant_subspace
from symdyn.regression import PromotedRegressor


def rms(values):
    """Root mean square."""
    return float(np.sqrt(np.mean(values**2)))


def ridge(seed, gaussian):
    """Errors of least squares, of promotion, after debiasing; candidates broken, seconds."""
    rng = np.random.default_rng(seed)
    u, c = rng.standard_normal(6), rng.standard_normal(4)
    u = u / np.linalg.norm(u)
    draw = (lambda n: rng.standard_normal((n, 6))) if gaussian else (lambda n: rng.uniform(-1, 1, (n, 6)))
    points, fresh = draw(100), draw(2000)
    values, truth = (np.polynomial.polynomial.polyval(x @ u, c) for x in (points, fresh))
    values = values + 0.05 * values.std() * rng.standard_normal(100)
    library = sd.features.Polynomial(3)
    start = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # more broken than kept: the count is printed
        model = PromotedRegressor(sd.candidates.se(6), library).fit(points, values)
    spent = time.process_time() - start
    plain = np.linalg.lstsq(library(points), values, rcond=None)[0]
    coefficients = (plain, model.promoted_coef_, model.coef_)
    errors = [rms(library(fresh) @ one - truth) / truth.std() for one in coefficients]
    return [*errors, model.broken_, spent]


def hopf(seed):
    """Errors of promotion and of enforcement, and whether aff(2) is warned of."""

    def field(x):
        return x * (1 - (x**2).sum(1, keepdims=True)) + np.stack([-x[:, 1], x[:, 0]], axis=1)

    rng, library = np.random.default_rng(seed), sd.features.Polynomial(3)
    points, fresh = rng.uniform(-1.5, 1.5, (25, 2)), rng.uniform(-1.5, 1.5, (1000, 2))
    rates = field(points) + 0.1 * rng.standard_normal((25, 2))
    model = PromotedRegressor(sd.candidates.so(2), library, output="vector_field").fit(points, rates)
    basis = equivariant_subspace(library, sd.candidates.so(2), output="vector_field").basis
    rows = np.einsum("sf,ofd->osd", library(points), basis.reshape(2, 10, -1)).reshape(50, -1)
    enforced = (basis @ np.linalg.lstsq(rows, rates.T.ravel(), rcond=None)[0]).reshape(2, 10)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        PromotedRegressor(sd.candidates.affine(2), library, output="vector_field").fit(points, rates)
    warned = any("candidate symmetries are broken" in str(one.message) for one in caught)
    return [rms(model.predict(fresh) - field(fresh)), rms(library(fresh) @ enforced.T - field(fresh)), warned]


def main():
    """Both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    seeds = range(parser.parse_args().seeds)
    for name, gaussian in (("uniform", False), ("Gaussian", True)):
        found = np.array([ridge(seed, gaussian) for seed in seeds])
        print(f"phi(u . x), {name} points, seeds 0 to {seeds[-1]}: least squares, promoted, debiased")
        print("  mean  ", np.round(found[:, :3].mean(axis=0), 4), " (asked for .05 and .02)")
        print("  median", np.round(np.median(found[:, :3], axis=0), 4))
        print(
            f"  6 broken in {np.sum(found[:, 3] == 6)} of {len(found)}; {np.median(found[:, 4]):.1f} CPU s", flush=True
        )
    found = np.array([hopf(seed) for seed in seeds])
    print("Hopf field, so(2):", np.round(found[:, 0].mean(), 4), "enforced:", np.round(found[:, 1].mean(), 4))
    print("  largest difference", np.abs(found[:, 0] - found[:, 1]).max())
    print(f"  aff(2) warned of in {int(found[:, 2].sum())} of {len(found)}")


if __name__ == "__main__":
    main()
