"""Is the evidence right as often as it says? `python -m pytest benchmarks -m accuracy -k calibration -s`.

The truth of each generator comes from the exact law, on the points of the data and with the normaliser of the search.
"""

import numpy as np
import pytest
from scipy import linalg, stats

import symdyn as sd
from symdyn.discovery.problem import set_up
from symdyn.evidence.forms import exact_forms
from symdyn.sums.moments import accumulate

CUBIC = sd.features.Polynomial(3)
SHEAR = np.array([[1.0, 0.8], [0.0, 1.0]])
# What is taken from x' for a smallest true eps (mean over data sets of 100 runs at 5 % noise), by quadrature.
BREAKING = {
    ("hopf", 0.1): 0.8037,
    ("hopf", 0.11): 0.8905,
    ("cubic_spiral", 0.1): 0.7918,
    ("cubic_spiral", 0.11): 0.8683,
}
SEEDS = range(2000, 2200)
PLANAR, SPATIAL = ("lotka_volterra", "van_der_pol", "selkov", "duffing"), ("lorenz", "rossler")
NOISES = (0.0, 0.01, 0.05, 0.1)


def at_most(count, total):
    """Upper 95 % binomial bound of a share (Clopper and Pearson)."""
    return 1.0 if count == total else float(stats.beta.ppf(0.95, count + 1, total - count))


def sheared(name, seed, noise, n, breaking=0.0):
    """Trajectories of 100 samples over 8 units of time in sheared coordinates, with isotropic noise there."""
    x, step = getattr(sd.systems, name)(rng=seed, n_trajectories=n, n_times=100, breaking=breaking)
    runs = [run @ SHEAR.T for run in x]
    size = noise * np.sqrt(np.mean(np.concatenate(runs).var(axis=0)))
    rng = np.random.default_rng([seed, 77])
    return [run + size * rng.standard_normal(run.shape) for run in runs], step


def sheared_law(name, breaking=0.0):
    law, points = sd.systems.exact_law(name, breaking=breaking), np.random.default_rng(0).uniform(-1, 1, (100, 2))
    values = law(points @ np.linalg.inv(SHEAR).T) @ SHEAR.T
    return np.linalg.lstsq(CUBIC(points), values, rcond=None)[0].T


def true_forms(data, candidates, coefficients):
    """|L|^2 and the size D of the exact law on the points that the search takes from these data."""
    dataset = sd.open_trajectories(data[0], t=data[1])
    given = set_up(dataset, candidates, CUBIC, "flow", "vector_field", None)
    moments = accumulate(dataset, given.features, given.layout)
    setting = given.in_chart(moments.chart)
    coefficients = moments.chart.law_in(coefficients, CUBIC, setting.layout.output_units)
    scales = setting.scales(dataset, moments)
    _, derivative = setting.derivative(moments.points)
    law = sd.VectorField(CUBIC, coefficients, setting.layout.arguments)
    weights = 1 / scales.outputs[moments.owner][:, :, None]
    parts = (derivative.transported(coefficients) * weights, [derivative.carried(coefficients) * weights])
    return exact_forms(*parts, setting.displacement(moments, scales, law, len(candidates)))


def spectrum(forms):
    """True violations, ascending."""
    scale = 1 / np.sqrt(np.diag(forms.size))
    units = scale[:, None] * scale
    return np.sqrt(linalg.eigh(forms.violation * units, forms.size * units, eigvals_only=True).clip(0))


def worst(forms, weights):
    """Largest true violation over the span of rows of weights."""
    if len(weights) == 0:
        return 0.0
    values = linalg.eigh(weights @ forms.violation @ weights.T, weights @ forms.size @ weights.T, eigvals_only=True)
    return float(np.sqrt(max(values[-1], 0.0)))


# The test of the library has a level of its own: it calls a true one too small in some of a hundred noisy data sets.
@pytest.mark.filterwarnings("ignore:the law leaves more than")
@pytest.mark.accuracy
@pytest.mark.parametrize(
    ("eps", "n", "noise", "n_seeds"),
    [(0.0, 100, 0.05, 200), (0.1, 100, 0.05, 200), (0.11, 100, 0.05, 200), (0.0, 400, 0.1, 100)],
)
def test_sheared_rotation(eps, n, noise, n_seeds):
    """Rank 1 accepted >= 85 % (95 % for 400 runs at 10 %), rank 2 never; broken by 0.1 accepted <= 5 %, size <= 5 %.

    Shares that must be small by their upper binomial bound, at most 9 % at 200 repetitions. The true eps of single data
    sets varies by .004: it is wrong to accept where that of the generator found is 0.1 or more. Bounds are 95 % bounds:
    of those of both systems together, no more may be too short by the same rule.
    """
    short = sum(sheared_rotation(name, eps, n, noise, n_seeds) for name in ("hopf", "cubic_spiral"))
    assert at_most(short, 2 * n_seeds) <= 0.09


def sheared_rotation(name, eps, n, noise, n_seeds):
    """Checks one system; how many bounds are below the truth."""
    breaking, candidates = BREAKING.get((name, eps), 0.0), sd.candidates.affine(2)
    law, rows = sheared_law(name, breaking), []
    for seed in SEEDS[:n_seeds]:
        data = sheared(name, seed, noise, n, breaking)
        found = sd.SymmetryDiscovery(candidates, CUBIC, rng=seed).fit(data)
        evidence, forms = found.evidence_, true_forms(data, candidates, law)
        first = evidence.directions[:, :1].T
        rejected = bool(found.verdicts_.exact_rejected[0])
        rows.append([evidence.rank, rejected, evidence.span_bounds[0], worst(forms, first), spectrum(forms)[0]])
    rank, rejected, bound, true, smallest = np.transpose(rows)
    accepted, total = int((rank >= 1).sum()), len(rows)
    refused, short, wrong = (int(each.sum()) for each in (rejected, bound < true, (rank >= 1) & (true >= 0.1)))
    print(
        f"\n{name}, true eps {smallest.mean():.3f}, {n} runs, {noise:.0%} noise: rank 1 accepted {accepted}/{total}, "
        f"wrongly {wrong} (at most {at_most(wrong, total):.3f}), rank 2 {int((rank >= 2).sum())}; eps = 0 rejected "
        f"{refused} (at most {at_most(refused, total):.3f}); median bound {np.median(bound):.4f}, too short {short}"
    )
    assert np.all(rank < 2)
    if eps:
        assert abs(smallest.mean() - eps) < 0.004
        assert at_most(wrong, total) <= 0.09
        assert eps == 0.1 or at_most(accepted, total) <= 0.09
    else:
        assert accepted >= (0.85 if n == 100 else 0.95) * total
        assert at_most(refused, total) <= 0.09
    return short


@pytest.mark.filterwarnings("ignore:the law leaves more than")
@pytest.mark.accuracy
@pytest.mark.parametrize("name", [*PLANAR, *SPATIAL])
@pytest.mark.parametrize("kind", ["affine", "cubic"])
def test_nothing_is_made_up(name, kind):
    """Accepted generators have true eps below delta, in 19 of 20; exact ones are exact; f is named trivial.

    What is named trivial is the law that was found, whose error is no claim of a symmetry.

    40 trajectories of 400 samples; 20 seeds, 8 for three states.
    """
    law, n_seeds = sd.systems.exact_law(name), 20 if name in PLANAR else 8
    n = len(law.states)
    candidates = sd.candidates.affine(n) if kind == "affine" else sd.candidates.polynomial(n, 3)
    for noise in NOISES:
        delta = {"affine": 0.03 if name == "rossler" else 0.1, "cubic": 0.1 if noise else 0.001}[kind]
        rows = []
        for seed in SEEDS[:n_seeds]:
            data = getattr(sd.systems, name)(noise=noise, rng=seed, n_trajectories=40, n_times=400)
            found = sd.SymmetryDiscovery(candidates, CUBIC, delta=delta, rng=seed).fit(data)
            rows.append(_against_truth(found, true_forms(data, candidates, law.coefficients)))
        dims, trivial, nontrivial, exact, first, second, bound = np.transpose(rows)
        print(
            f"\n{name}, {kind}, {noise:.0%} noise, delta {delta}: accepted {np.bincount(dims.astype(int)).tolist()}, "
            f"trivial {int(trivial.sum())}, nontrivial up to true eps {nontrivial.max():.3f}; "
            f"smallest true eps {np.median(first):.1e} {np.median(second):.3f}, median bound of the first "
            f"{np.median(bound):.2g}, below the truth {int((bound < first).sum())}"
        )
        assert np.sum(nontrivial >= delta) <= 1
        assert np.all(exact < 1e-6)
        assert (bound < first).sum() <= 4  # 95 % bounds: five of twenty by chance once in 400 times
        if kind == "cubic" and noise == 0:
            assert np.all(trivial == dims) and np.mean(dims) >= 0.8


def _against_truth(found, forms):
    # Weights of the candidates that the search used, which are of size 1 in the chart of the data.
    inverse = np.linalg.pinv(found._candidates.vectors())
    parts = (found.algebra_, found.trivial_)
    accepted, trivial = (part.inside.basis.vectors() @ inverse for part in parts)
    both = np.concatenate([accepted, trivial])
    # Centres and ratios of scales that are free have errors; what has none is simple numbers.
    exact = both[np.concatenate([part.exact & (part.errors.max(axis=1, initial=0.0) == 0) for part in parts])]
    true = spectrum(forms)
    bound = found.evidence_.upper_bound(found.evidence_.directions[:, 0], 1)
    largest = max((worst(forms, row[None]) for row in exact), default=0.0)
    return len(both), len(trivial), worst(forms, accepted), largest, true[0], true[1], bound
