"""Invariant kernels and sample gains: `python -m pytest benchmarks -m accuracy -k kernel -s` prints the table."""

import time

import numpy as np
import pytest
from sklearn.kernel_ridge import KernelRidge
from sklearn.metrics.pairwise import rbf_kernel

import symdyn as sd
from symdyn.invariant.isometry_groups.group_order import enumerated
from symdyn.invariant.isometry_groups.point_groups import rotation
from symdyn.invariant.learning_experiment import FAMILIES, gain_between, learning_risk
from symdyn.invariant.manifolds.isometries import as_isometries
from symdyn.regression import InvariantKernelRidge, SpectralAveraging, Sphere, Torus, point_group

pytestmark = pytest.mark.accuracy

GROUPS = {
    "torus, quarter turns": (Torus(2), sd.groups.element([[0, -1], [1, 0]]), 317),
    "torus, permutations of 7": (Torus(7), sd.groups.permutations(7), 379),
    "torus, signed permutations of 5": (Torus(5), sd.groups.permutations(5) + sd.groups.sign_flips(5), 221),
    "sphere, cube with inversion": (Sphere(2), point_group("Oi"), 400),
    "sphere, icosahedron": (Sphere(2), point_group("I"), 400),
    "sphere, turns by 2 pi / 10^4": (Sphere(2), rotation(10_000), 100),
    "sphere in 7 dimensions, permutations": (Sphere(6), sd.groups.permutations(7), 112),
}


@pytest.mark.filterwarnings("ignore:max_eigs")
def test_spectral_averaging_against_explicit_averages():
    """1000 samples, seed 0, both estimators' invariance on 50 fresh points; the mean over all elements at 10 points."""
    print("\ngroup, elements, eigenfunctions, invariant: difference from the explicit average, invariance discrepancy")
    for name, (manifold, group, most) in GROUPS.items():
        X = manifold.sample(1000, 0)
        y = np.sin(X @ np.arange(1, X.shape[1] + 1)) + X[:, 0] ** 2
        model = SpectralAveraging(manifold, group, max_eigs_total=most).fit(X, y)
        plain = SpectralAveraging(manifold, max_eigs_total=most).fit(X, y)
        matrices, shifts = enumerated(manifold, as_isometries(manifold, group))
        points, fresh = manifold.sample(10, 1), manifold.sample(50, 2)
        explicit = np.mean([plain.predict(points @ a.T + b) for a, b in zip(matrices, shifts, strict=True)], axis=0)
        difference = np.abs(model.predict(points) - explicit).max()
        images = as_isometries(manifold, group).images(fresh)
        discrepancy = max(np.abs(model.predict(image) - model.predict(fresh)).max() for image in images)
        sizes = f"{len(matrices)}, {model.n_eigs_total_}, {model.n_eigs_invariant_}"
        print(f"{name}, {sizes}: {difference:.1e}, {discrepancy:.1e}")
        assert difference <= 1e-12 and discrepancy <= 1e-12


def _published(n, seed, center=False, **options):
    rng = np.random.default_rng(seed)
    X, fresh = rng.uniform(-1, 1, (n, 10)), rng.uniform(-1, 1, (2000, 10))
    values = [(points**2) @ np.arange(1, 11) / 10 for points in (X, fresh)]
    middle = values[0].mean() if center else 0.0
    model = SpectralAveraging(Torus(10, 2.0), sd.groups.sign_flips(10), **options).fit(X, values[0] - middle)
    assert (model.n_eigs_total_, model.n_eigs_invariant_) in ((1161, 176), (21, 11))
    return np.mean((model.predict(fresh) + middle - values[1]) ** 2)


PUBLISHED = {
    "mean, D = 176": ({"max_eigs_total": 1161}, {1000: 0.75, 3000: 0.27, 10_000: 0.098, 30_000: 0.052}),
    "mean, D = 11": ({"max_eigs_total": 21}, {1000: 0.070, 3000: 0.038, 10_000: 0.030, 30_000: 0.028}),
    "mean, D = 176, y centred": ({"max_eigs_total": 1161, "center": True}, {1000: 0.100, 3000: 0.050, 10_000: 0.033}),
    "lstsq, D = 176": (
        {"max_eigs_total": 1161, "estimator": "lstsq"},
        {300: 0.074, 1000: 0.034, 3000: 0.028, 10_000: 0.026},
    ),
    "lstsq, D = 11": ({"max_eigs_total": 21, "estimator": "lstsq"}, {30_000: 0.02603}),
}


def test_the_published_experiment():
    """Torus [−1, 1)^10, 1024 sign flips, sum_i i x_i^2 / 10, no noise; 2000 test points, seeds 1 to 10 (1 to 3)."""
    print("\nestimator, n: mean squared error +- standard error (earlier rerun)")
    for name, (options, wanted) in PUBLISHED.items():
        for n, error in wanted.items():
            found = [_published(n, seed, **options) for seed in range(1, 11 if n < 30_000 else 4)]
            mean, bar = np.mean(found), np.std(found, ddof=1) / np.sqrt(len(found))
            print(f"{name}, {n}: {mean:.4f} +- {bar:.4f} ({error})")
            # The rerun's own error is not known: its last digit and as much again as ours is granted.
            assert abs(mean - error) < 6 * bar + 0.06 * error


def test_kernel_ridge_with_the_von_mises_kernel_is_not_invariant_until_it_is_averaged():
    """n = 1000, seed 1, f as above: sup over 100 points of |f(x) − f(g x)|, g the sign of the first coordinate."""
    torus, rng = Torus(10, 2.0), np.random.default_rng(1)
    X, fresh = rng.uniform(-1, 1, (1000, 10)), rng.uniform(-1, 1, (100, 10))
    y, flipped = (X**2) @ np.arange(1, 11) / 10, fresh * np.where(np.arange(10) == 0, -1, 1)
    print("\nridge, invariance discrepancy of plain and averaged kernel ridge (group of 1024), test errors")
    truth = (fresh**2) @ np.arange(1, 11) / 10
    for alpha in (0.1, 1.0, 50.0):
        results = []
        for group in (None, sd.groups.sign_flips(10)):
            model = InvariantKernelRidge("von_mises", group, manifold=torus, alpha=alpha, gamma=0.5).fit(X, y)
            here = model.predict(fresh)
            results += [np.abs(here - model.predict(flipped)).max(), np.mean((here - truth) ** 2)]
        print(f"{alpha}: {results[0]:.1e} and {results[2]:.1e}; {results[1]:.4f} and {results[3]:.4f}")
        assert results[0] > 1e-3 and results[2] < 1e-12


def test_permutations_of_20_coordinates_and_cost_as_the_group_grows():
    """n = 5000 samples on the 20-torus, seed 0; CPU seconds of one fit each."""
    torus = Torus(20)
    X = torus.sample(5000, 0)
    y = np.cos(X).sum(axis=1) ** 2 / 20 + np.sin(X).sum(axis=1) / 5
    fresh = torus.sample(200, 1)
    order = np.random.default_rng(2).permutation(20)
    print("\nS_20 (2.4e18 elements): eigenfunctions, invariant, CPU s, invariance discrepancy, relative error")
    truth = np.cos(fresh).sum(axis=1) ** 2 / 20 + np.sin(fresh).sum(axis=1) / 5
    for most in (801, 9921, 87_481):
        start = time.process_time()
        options = {"estimator": "lstsq", "max_eigs_total": most}
        model = SpectralAveraging(torus, sd.groups.permutations(20), **options).fit(X, y)
        seconds = time.process_time() - start
        off = np.abs(model.predict(fresh[:, order]) - model.predict(fresh)).max()
        error = np.mean((model.predict(fresh) - truth) ** 2) / np.var(truth)
        print(f"{model.n_eigs_total_}, {model.n_eigs_invariant_}: {seconds:.2f} s, {off:.1e}, {error:.1e}")
        assert off <= 1e-12 and (seconds <= 10 or most > 10_000)
    print("sign flips 2^k: generators, invariant, CPU s of the whole fit, of the group's part (9921 eigenfunctions)")
    costs = {}
    for k in (1, 2, 5, 10, 15, 20):
        group = sd.groups.sign_flips(20).subset(range(k))
        start = time.process_time()
        model = SpectralAveraging(torus, group, max_eigs_total=9921).fit(X, y)
        whole = time.process_time() - start
        acting = as_isometries(torus, group)
        spaces = torus.spectrum(3.0)
        assert all(len(space.modes) for space in spaces)  # listing the modes is no part of the group's cost
        start = time.process_time()
        for _ in range(20):
            sizes = [space.invariants(acting).shape[1] for space in spaces]
        costs[k] = (time.process_time() - start) / 20
        assert sum(sizes) == model.n_eigs_invariant_
        print(f"2^{k}: {k}, {model.n_eigs_invariant_}, {whole:.2f}, {costs[k]:.4f}")
    assert costs[20] < 2 * (20 / 1) * costs[1]  # generators grew 20 times, the group half a million times


GAINS = [name for name in FAMILIES if not name.startswith("T10")]


@pytest.mark.parametrize("name", GAINS)
def test_gains_of_small_groups(name):
    """n = 2^9 ... 2^15, noise 1, s = 2, cutoff by theory; 64 seeds up to 4096 samples, then 40."""
    sizes = 2 ** np.arange(9, 16)
    seeds = {int(n): range(64 if n <= 4096 else 40) for n in sizes}
    curves = {}
    for group in FAMILIES[name].groups:
        points = [[learning_risk(family=name, group=group, n=int(n), seed=k) for k in seeds[int(n)]] for n in sizes]
        curves[group] = {
            kind: np.array([np.mean([point[kind] for point in row]) for row in points])
            for kind in ("risk", "expected", "theory")
        }
    first, last = curves["1"], list(curves.values())[-1]
    kinds = ("risk", "expected", "theory")
    slopes = [[np.polyfit(np.log(sizes), np.log(curve[kind]), 1)[0] for kind in kinds] for curve in (first, last)]
    gains = [gain_between(sizes, first[kind], last[kind]) for kind in kinds]
    print(
        f"\n{name}: slopes without {np.round(slopes[0], 3)}, with {np.round(slopes[1], 3)}, gain {np.round(gains, 2)}"
    )
    print("   (each measured, by counting at finite lambda, by Weyl's law)")
    for measured, finite, _ in [*slopes, gains]:
        assert abs(measured / finite - 1) < 0.1


def test_cost_of_invariant_kernel_ridge():
    """5000 samples in 3 dimensions, CPU seconds, median of 3: against scikit-learn on the same kernel matrix."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((5000, 3))
    y = np.sum(X**2, axis=1)
    rows = []
    for _ in range(3):
        clock = [time.process_time()]
        plain = InvariantKernelRidge(gamma=0.3).fit(X, y)
        clock.append(time.process_time())
        kernel = rbf_kernel(X, gamma=0.3)
        clock.append(time.process_time())
        KernelRidge(kernel="precomputed").fit(kernel, y)
        clock.append(time.process_time())
        averaged = InvariantKernelRidge(gamma=0.3, group=sd.groups.sign_flips(3)).fit(X, y)
        clock.append(time.process_time())
        kernel = averaged.kernel_matrix(X)
        clock.append(time.process_time())
        KernelRidge(kernel="precomputed").fit(kernel, y)
        clock.append(time.process_time())
        rows.append(np.diff(clock))
        del kernel, plain
    ours, evaluated, solved, grouped, evaluated_grouped, solved_grouped = np.median(rows, axis=0)
    ratios = ours / (evaluated + solved), grouped / (evaluated_grouped + solved_grouped)
    print(f"\nno group: {ours:.2f} s against {evaluated:.2f} + {solved:.2f}, ratio {ratios[0]:.2f} (target 1.3)")
    print(f"8 elements: {grouped:.2f} against {evaluated_grouped:.2f} + {solved_grouped:.2f}, ratio {ratios[1]:.2f}")
    assert max(ratios) <= 1.3
