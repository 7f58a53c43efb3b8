"""What a symmetry is worth in samples: counts, quotients, refusals, and the experiment that measures it."""

from itertools import pairwise

import numpy as np
import pytest

import symdyn as sd
from symdyn.invariant.gain import counts, weyl_risk
from symdyn.invariant.isometry_groups.quotient import quotient_volume, weyl_count
from symdyn.invariant.learning_experiment import FAMILIES, gain_between, learning_risk, power_law
from symdyn.invariant.manifolds.isometries import as_isometries
from symdyn.regression import Box, Product, Sphere, Torus, orbit_dimension, point_group, sample_gain

ABOUT_Z = sd.LieAlgebra(sd.candidates.from_matrices([[[0.0, -1, 0], [1, 0, 0], [0, 0, 0]]]))
SWAP = sd.groups.permutations(2)
TOGETHER = sd.LieAlgebra(sd.candidates.so(3, copies=2))


def translations(dim, axes):
    return sd.LieAlgebra(sd.candidates.from_matrices(np.zeros((axes, dim, dim)), np.eye(dim)[:axes]))


def test_the_swap_of_a_torus_is_worth_less_than_two_at_finite_eigenvalues():
    """N / N_inv = 1.910, 1.955 at 100, 400 (limit 2)."""
    gains = [sample_gain(Torus(2), SWAP, 100, smoothness=2.0, cutoff=cutoff) for cutoff in (100, 400)]
    np.testing.assert_allclose([found.gain for found in gains], [1.910, 1.955], atol=5e-4)
    assert all(found.asymptotic_gain == pytest.approx(2) for found in gains)


def test_zonal_harmonics_are_counted_by_the_square_root():
    for cutoff, count in ((100, 10), (1600, 40)):
        assert counts(Sphere(2), as_isometries(Sphere(2), ABOUT_Z), cutoff)[1] == count
        assert weyl_count(1, np.pi, cutoff) == pytest.approx(count)


QUOTIENTS = {
    "sphere by turns about z": (Sphere(2), ABOUT_Z, 1, np.pi, 0.01),
    "the same with the reflection of z": (Sphere(2), [ABOUT_Z, sd.groups.sign_flip([1, 1, -1])], 1, np.pi / 2, 0.01),
    "the same with a reflection along the orbits": (
        Sphere(2),
        [ABOUT_Z, sd.groups.sign_flip([1, -1, 1])],
        1,
        np.pi,
        0.01,
    ),
    "sphere by all rotations": (Sphere(2), sd.candidates.so(3), 0, 1.0, 1e-12),
    "torus by one translation": (Torus(3, 2.0), translations(3, 1), 2, 4.0, 1e-9),
    "torus by two translations": (Torus(4), translations(4, 2), 2, 4 * np.pi**2, 0.05),
    "torus by permutations": (Torus(4), sd.groups.permutations(4), 4, (2 * np.pi) ** 4 / 24, 1e-12),
    "torus by flips": (Torus(3), sd.groups.sign_flips(3), 3, np.pi**3, 1e-12),
    "sphere by the cube": (Sphere(2), point_group("O"), 2, np.pi / 6, 1e-12),
    "two spheres turned together": (Product(Sphere(2), Sphere(2)), TOGETHER, 1, np.pi / np.sqrt(2), 0.02),
    "a group that does nothing": (Torus(2), sd.groups.element(np.eye(2), [2 * np.pi, 0]), 2, 4 * np.pi**2, 1e-12),
}


@pytest.mark.parametrize("name", QUOTIENTS)
def test_dimension_and_volume_of_the_quotient(name):
    manifold, group, dimension, volume, tolerance = QUOTIENTS[name]
    found = sample_gain(manifold, group, 100, smoothness=3.0, cutoff=2.0)
    assert found.dimension == dimension
    assert found.volume == pytest.approx(volume, rel=tolerance)
    assert quotient_volume(manifold, as_isometries(manifold, group))[1] in " ".join(found.hypotheses)


def test_the_exponent_improves_with_the_dimension_of_orbits_only():
    finite = sample_gain(Sphere(2), point_group("O"), 1000, smoothness=2.0)
    turned = sample_gain(Sphere(2), ABOUT_Z, 1000, smoothness=2.0)
    assert finite.exponent == pytest.approx(2 / 3) and turned.exponent == pytest.approx(0.8)
    assert turned.gain > 1 and turned.risk < turned.risk_without
    assert "dim(M/G) = 1" in str(turned) and "uniform" in str(turned)


def test_the_risk_by_weyls_law_is_the_minimum_over_cutoffs():
    for dimension, volume, smoothness in ((1, np.pi, 2.0), (2, 4.0, 1.5), (3, 10.0, 4.0)):
        cutoffs = np.geomspace(1e-2, 1e5, 200_001)
        risks = [weyl_count(dimension, volume, 1.0) * cutoffs ** (dimension / 2) * 1e-3 + cutoffs**-smoothness]
        assert weyl_risk(dimension, volume, 1e-3, smoothness) == pytest.approx(np.min(risks), rel=1e-6)


def test_the_best_cutoff_is_the_best_of_all():
    found = sample_gain(Torus(2), SWAP, 5000, smoothness=2.0, noise=0.5)
    group = as_isometries(Torus(2), SWAP)
    values = [space.eigenvalue for space in Torus(2).spectrum(60)]
    risks = [
        counts(Torus(2), group, here)[1] * 0.25 / 5000 + after**-2.0 for here, after in pairwise(values) if after >= 1
    ]
    assert found.risk == pytest.approx(min(risks)) and found.cutoff == values[int(np.argmin(risks))]


def test_a_box_has_walls_and_says_so():
    assert any("walls" in line for line in sample_gain(Box((0, 0), (1, 1)), None, 50, smoothness=2.0).hypotheses)


@pytest.mark.parametrize(
    ("manifold", "group", "options", "message"),
    [
        (Sphere(2), sd.candidates.gl(3), {}, "not antisymmetric"),
        (Sphere(2), sd.candidates.se(3), {}, "moves the centre"),
        (Torus(2), sd.candidates.scalings(2), {}, "only translations are"),
        (Sphere(2), sd.candidates.so(3).combine(np.eye(3)[:2]), {}, "brackets are missing"),
        (Sphere(2), [ABOUT_Z, point_group("O")], {}, "does not map its Lie algebra to itself"),
        (Sphere(2), ABOUT_Z, {"smoothness": 0.5}, "smoothness must be above 0.5"),
        (Sphere(2), ABOUT_Z, {"noise": 0.0}, "noise positive"),
        (Sphere(2), ABOUT_Z, {"n": 0}, "n must be at least 1"),
    ],
)
def test_what_the_theory_does_not_cover_is_refused(manifold, group, options, message):
    options = {"n": 100, "smoothness": 2.0, **options}
    with pytest.raises(ValueError, match=message):
        sample_gain(manifold, group, options.pop("n"), **options)


def test_orbits_of_a_discovered_algebra_have_the_dimension_of_the_true_ones():
    x, step = sd.systems.hopf(noise=0.02, rng=0)
    search = sd.SymmetryDiscovery(sd.candidates.gl(2), law=sd.features.Polynomial(3)).fit((x, step))
    assert orbit_dimension(search.algebra_, np.concatenate(x)[:500]) == 1
    points = np.random.default_rng(0).standard_normal((100, 3))
    assert orbit_dimension(sd.LieAlgebra(sd.candidates.so(3)), points) == 2
    assert orbit_dimension(sd.LieAlgebra(sd.candidates.se(3)), points) == 3
    with pytest.raises(ValueError, match="points must have shape"):
        orbit_dimension(sd.LieAlgebra(sd.candidates.so(3)), points[:, :2])


@pytest.mark.parametrize("name", ["T2, C4", "S2, SO(2)"])
def test_the_experiment_has_functions_whose_tails_are_powers(name):
    family = FAMILIES[name]
    levels = power_law(name, np.random.default_rng(0))
    energies = np.array([np.sum(coefficients**2) for _, coefficients in levels])
    values = np.array([space.eigenvalue for space, _ in levels])
    lively = np.flatnonzero(energies)
    for k in lively:
        assert energies[values >= values[k]].sum() == pytest.approx(values[k] ** -family.smoothness)


@pytest.mark.parametrize(("family", "group", "n"), [("T2, C4", "C4", 2000), ("S2, SO(2)", "1", 2000)])
def test_risks_of_the_experiment_are_those_expected(family, group, n):
    """8 seeds: the mean of chi-squares of 12 or more degrees is known to 15 % or better."""
    found = [learning_risk(family=family, group=group, n=n, seed=seed) for seed in range(8)]
    ratio = np.mean([point["risk"] for point in found]) / found[0]["expected"]
    assert 0.6 < ratio < 1.5 and found[0]["kept"] <= found[0]["total"]


def test_the_gain_between_two_lines_is_their_distance_in_samples():
    n = np.array([100, 1000, 10_000])
    assert gain_between(n, 3 / n, 1 / n) == pytest.approx(3)
    assert gain_between(n, 3 / n**0.5, 1 / n**0.5) == pytest.approx(9)
