"""Promoted regression and its rivals: `python -m pytest benchmarks -m accuracy -k promoted -s` prints it.

|x - c|^2 with a centre (se(3), se(4): rotations about it are kept) or about 0 (so(3)), and quadratic forms of rank 1 or
2 in random axes (gl(3)); candidates as named, polynomials of degree 2, points uniform in [-1, 1]^n, noise relative to
the standard deviation of the values, 20 seeds from 100 on. Errors are root mean squares on 2000 new points, over that
standard deviation; those below 1e-9 count as that. `SYMDYN_SEEDS` sets another number of seeds.
"""

import os
import warnings

import numpy as np
import pytest

import symdyn as sd
from symdyn.regression import PromotedRegressor

pytestmark = pytest.mark.accuracy

FIELDS = {
    "se(3)": sd.candidates.se(3),
    "se(4)": sd.candidates.se(4),
    "so(3)": sd.candidates.so(3),
    "gl(3)": sd.candidates.gl(3),
}
LIBRARY = sd.features.Polynomial(2)
SEEDS = range(100, 100 + int(os.environ.get("SYMDYN_SEEDS", "20")))


def problem(name, seed, count):
    """Points, new ones, and the function."""
    rng = np.random.default_rng([seed, count, *name.encode()])
    n = 4 if name == "se(4)" else 3
    points, fresh = rng.uniform(-1, 1, (count, n)), rng.uniform(-1, 1, (2000, n))
    centre = rng.uniform(-0.3, 0.3, n) * (name in ("se(3)", "se(4)"))
    frame = np.linalg.qr(rng.standard_normal((n, n)))[0]
    form = frame @ np.diag([1, 0.5 * (seed % 3), 0]) @ frame.T if name == "gl(3)" else np.eye(n)
    return points, fresh, lambda x: np.einsum("si,ij,sj->s", x - centre, form, x - centre), rng


def errors(name, seed, count, noise):
    """Errors of the prediction, without debiasing, of least squares; whether it is a constant."""
    points, fresh, function, rng = problem(name, seed, count)
    values, truth = function(points), function(fresh)
    size = values.std()
    values = values + noise * size * rng.standard_normal(count)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of broken candidates, and of what is not enforced
        model = PromotedRegressor(FIELDS[name], LIBRARY).fit(points, values)
    least = np.linalg.lstsq(LIBRARY(points), values, rcond=None)[0]
    found = [model.predict(fresh), *(LIBRARY(fresh) @ one for one in (model.promoted_coef_, least))]
    sizes = [max(np.sqrt(np.mean((one - truth) ** 2)) / size, 1e-9) for one in found]
    return [*sizes, np.ptp(found[0]) < 1e-6 * size]


@pytest.mark.parametrize("noise", [0.0, 0.02, 0.05, 0.1])
@pytest.mark.parametrize("count", [50, 100, 200])
@pytest.mark.parametrize("name", FIELDS)
def test_errors_at_new_points(name, count, noise):
    found = np.array([errors(name, seed, count, noise) for seed in SEEDS], dtype=float)
    model, promoted, least = np.median(found[:, :3], axis=0)
    ratios = found[:, :1] / found[:, 1:3]
    print(
        f"\n{name}, {count} samples, noise {noise}: median error {model:.2g}, without debiasing {promoted:.2g}, least "
        f"squares {least:.2g}; more than a third worse than least squares in {np.sum(ratios[:, 1] > 4 / 3)} draws "
        f"(largest {ratios[:, 1].max():.2f}), than without debiasing in {np.sum(ratios[:, 0] > 4 / 3)} "
        f"({ratios[:, 0].max():.2f}), constants {int(found[:, 3].sum())}"
    )
    assert model <= 1.05 * min(promoted, least) and not found[:, 3].any()
    assert np.all(ratios <= 4 / 3)  # what was asked for; docs/accuracy.md counts the draws that miss it
