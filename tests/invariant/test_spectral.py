"""Spectral averaging: exactly invariant, equal to the average over all elements, as accurate as published."""

import pickle

import numpy as np
import pytest
from scipy.linalg import expm
from scipy.stats import special_ortho_group
from sklearn.model_selection import GridSearchCV
from sklearn.utils.estimator_checks import parametrize_with_checks

import symdyn as sd
from symdyn.invariant.isometry_groups.group_order import enumerated
from symdyn.invariant.isometry_groups.point_groups import rotation
from symdyn.invariant.manifolds.isometries import as_isometries
from symdyn.regression import Box, Product, SpectralAveraging, Sphere, Torus, point_group

TURN = sd.groups.element([[0, -1], [1, 0]])
ABOUT_Z = sd.LieAlgebra(sd.candidates.from_matrices([[[0.0, -1, 0], [1, 0, 0], [0, 0, 0]]]))


@parametrize_with_checks(
    [SpectralAveraging(), SpectralAveraging(estimator="lstsq", max_eigs_total="cv", max_eigs_invariant=10)]
)
def test_scikit_learn_accepts_the_estimator(estimator, check):
    check(estimator)


GROUPS = {
    "quarter turns of a torus": (Torus(2), TURN, 60),
    "turns and translations, 400 elements": (Torus(2), TURN + sd.groups.element(np.eye(2), [np.pi / 5, 0]), 60),
    "signed permutations, 384 elements": (Torus(4), sd.groups.permutations(4) + sd.groups.sign_flips(4), 41),
    "octahedral": (Sphere(2), point_group("Oi"), 81),
    "a long cycle": (Sphere(2), rotation(240), 49),
    "permutations of four coordinates on a sphere": (Sphere(3), sd.groups.permutations(4), 55),
    "flips of a box": (Box((-1, -1), (1, 1)), TURN + sd.groups.sign_flips(2), 30),
    "exchange of two spheres": (Product(Sphere(2), Sphere(2)), sd.groups.permutation([3, 4, 5, 0, 1, 2]), 26),
}


def data(manifold, n=300, seed=0):
    points = manifold.sample(n, seed)
    return points, np.sin(points @ np.arange(1, points.shape[1] + 1)) + points[:, 0]


def fitted(manifold, group, most, **options):
    invariant = SpectralAveraging(manifold, group, **{"max_eigs_invariant": 10**6, "max_eigs_total": most, **options})
    return invariant


@pytest.mark.filterwarnings("ignore:max_eigs")
@pytest.mark.parametrize("name", GROUPS)
def test_it_is_the_average_over_all_elements_of_the_fit_without_a_group(name):
    manifold, group, most = GROUPS[name]
    X, y = data(manifold)
    averaged = fitted(manifold, group, most).fit(X, y)
    plain = fitted(manifold, None, most).fit(X, y)
    assert averaged.n_eigs_total_ == plain.n_eigs_total_ == plain.n_eigs_invariant_ > averaged.n_eigs_invariant_
    matrices, shifts = enumerated(manifold, as_isometries(manifold, group))
    points = manifold.sample(15, 5)
    explicit = np.mean([plain.predict(points @ a.T + b) for a, b in zip(matrices, shifts, strict=True)], axis=0)
    np.testing.assert_allclose(averaged.predict(points), explicit, atol=1e-12)


@pytest.mark.filterwarnings("ignore:max_eigs")
@pytest.mark.parametrize("estimator", ["mean", "lstsq"])
@pytest.mark.parametrize("name", GROUPS)
def test_predictions_do_not_change_under_the_group(name, estimator):
    manifold, group, most = GROUPS[name]
    X, y = data(manifold)
    model = fitted(manifold, group, most, estimator=estimator).fit(X, y)
    points = manifold.sample(50, 6)
    for images in as_isometries(manifold, group).images(points):
        np.testing.assert_allclose(model.predict(images), model.predict(points), atol=1e-12)


def test_a_connected_group_leaves_functions_of_the_height_only():
    X = Sphere(2).sample(2000, 0)
    model = SpectralAveraging(Sphere(2), ABOUT_Z, estimator="lstsq", max_eigs_total=49).fit(
        X, np.exp(X[:, 2]) + X[:, 0]
    )
    assert model.n_eigs_invariant_ == 7
    turned = X @ expm(0.7 * ABOUT_Z.matrices[0]).T
    np.testing.assert_allclose(model.predict(turned), model.predict(X), atol=1e-12)
    # With x_0 averaged away, exp(z) is left, up to degree 6 and the part of x_0 that looks like a function of z.
    assert np.sqrt(np.mean((model.predict(X) - np.exp(X[:, 2])) ** 2)) < 0.05


def test_permutations_of_20_coordinates_need_no_list_of_elements():
    torus = Torus(20)
    X = torus.sample(500, 0)
    y = np.cos(X).sum(axis=1) ** 2
    model = SpectralAveraging(torus, sd.groups.permutations(20), estimator="lstsq", max_eigs_total=801).fit(X, y)
    assert (model.n_eigs_total_, model.n_eigs_invariant_) == (801, 6)
    order = np.random.default_rng(1).permutation(20)
    np.testing.assert_allclose(model.predict(X[:, order]), model.predict(X), atol=1e-12)


def published(n, seed, center=False, **options):
    """Sign flips on the torus [−1, 1)^10 and f(x) = sum_i i x_i^2 / 10, no noise: mean squared error."""
    rng = np.random.default_rng(seed)
    X, fresh = rng.uniform(-1, 1, (n, 10)), rng.uniform(-1, 1, (2000, 10))
    values = [(points**2) @ np.arange(1, 11) / 10 for points in (X, fresh)]
    middle = values[0].mean() if center else 0.0
    model = SpectralAveraging(Torus(10, 2.0), sd.groups.sign_flips(10), **options).fit(X, values[0] - middle)
    return np.mean((model.predict(fresh) + middle - values[1]) ** 2)


@pytest.mark.parametrize(
    ("n", "options", "wanted", "width"),
    [
        (1000, {"max_eigs_invariant": 176}, 0.75, 0.12),
        (1000, {"max_eigs_invariant": 11}, 0.070, 0.012),
        (1000, {"max_eigs_invariant": 176, "center": True}, 0.100, 0.015),
        (300, {"max_eigs_invariant": 176, "estimator": "lstsq"}, 0.074, 0.012),
        (1000, {"max_eigs_invariant": 176, "estimator": "lstsq"}, 0.034, 0.004),
    ],
)
def test_errors_of_the_published_experiment(n, options, wanted, width):
    """Figures of a rerun of arXiv 2502.19758 (shared notes, C.5); the widths are three standard errors of 3 seeds."""
    assert abs(np.mean([published(n, seed, **options) for seed in (1, 2, 3)]) - wanted) < width


def test_the_rule_pays_for_what_the_samples_do():
    X, y = data(Torus(1), n=1000)
    model = SpectralAveraging(Torus(1), smoothness=1.0).fit(X, y)
    assert model.n_eigs_total_ == 9  # 1000^(1/3) = 10, whole eigenspaces 1, 3, 5, 7, 9


def test_weights_by_density_undo_samples_that_are_not_uniform():
    rng = np.random.default_rng(0)
    X = rng.uniform(0, 2 * np.pi, (200_000, 1))
    X = X[rng.random(len(X)) < (1 + 0.8 * np.cos(X[:, 0])) / 1.8]
    y = np.sin(X[:, 0]) + 1
    plain = SpectralAveraging(Torus(1), max_eigs_total=5).fit(X, y)
    weighted = SpectralAveraging(Torus(1), max_eigs_total=5, density=lambda x: 1 + 0.8 * np.cos(x[:, 0])).fit(X, y)
    points = Torus(1).sample(200, 1)
    truth = np.sin(points[:, 0]) + 1
    assert np.abs(weighted.predict(points) - truth).max() < 0.04 < 0.5 < np.abs(plain.predict(points) - truth).max()


def test_the_cut_found_by_cross_validation_is_the_degree_of_the_function():
    X = Sphere(2).sample(600, 0)
    y = X[:, 0] ** 4 + X[:, 1] ** 4 + X[:, 2] ** 4 + 0.05 * np.random.default_rng(1).standard_normal(600)
    options = {"estimator": "lstsq", "max_eigs_total": "cv", "max_eigs_invariant": 8}
    model = SpectralAveraging(Sphere(2), point_group("O"), **options).fit(X, y)
    assert 25 <= model.n_eigs_total_ <= 81 and 2 <= model.n_eigs_invariant_ <= 4
    errors = model.cut_errors_
    assert errors[model.n_eigs_total_] == min(errors.values()) < 0.004


def test_laws_on_a_torus_are_equivariant():
    torus, X = Torus(2), Torus(2).sample(500, 0)
    law = np.stack([np.sin(X[:, 1]) + np.cos(X[:, 0]) * np.sin(X[:, 1]), -np.sin(X[:, 0])], 1)
    flips = TURN
    model = SpectralAveraging(torus, flips, estimator="lstsq", max_eigs_total=21, output="vector").fit(X, law)
    turn = flips.matrices[0]
    np.testing.assert_allclose(model.predict(X @ turn.T), model.predict(X) @ turn.T, atol=1e-12)
    assert model.n_eigs_invariant_ < 2 * 21
    exact = np.stack([np.sin(X[:, 1]), -np.sin(X[:, 0])], 1)
    np.testing.assert_allclose(model.fit(X, exact).predict(X), exact, atol=1e-11)


def test_laws_on_a_sphere_are_equivariant_and_tangent():
    """The angular momentum of a rigid body with two equal moments of inertia: equivariant under turns about z."""
    X = Sphere(2).sample(400, 0)
    law = np.cross(X, X * [1.0, 1.0, 2.5])
    model = SpectralAveraging(Sphere(2), ABOUT_Z, estimator="lstsq", max_eigs_total=16, output="vector").fit(X, law)
    np.testing.assert_allclose(model.predict(X), law, atol=1e-11)
    noisy = law + 0.1 * np.random.default_rng(0).standard_normal(law.shape)
    model.fit(X, noisy)
    turn = expm(0.9 * ABOUT_Z.matrices[0])
    np.testing.assert_allclose(model.predict(X @ turn.T), model.predict(X) @ turn.T, atol=1e-12)
    np.testing.assert_allclose(np.sum(model.predict(X) * X, axis=1), 0, atol=1e-13)


def test_vectors_that_all_rotations_keep_are_radial_and_hence_nothing_on_a_sphere():
    X = Sphere(2).sample(100, 0)
    model = SpectralAveraging(Sphere(2), sd.candidates.so(3), max_eigs_total=16, output="vector").fit(
        X, np.cross(X, [0, 0, 1])
    )
    assert model.n_eigs_invariant_ == 1
    np.testing.assert_allclose(model.predict(X), 0, atol=1e-14)


def test_two_spheres_turned_together_are_known_by_their_angle():
    both = Product(Sphere(2), Sphere(2))
    X = both.sample(400, 0)
    cosine = np.sum(X[:, :3] * X[:, 3:], axis=1)
    group = sd.LieAlgebra(sd.candidates.so(3, copies=2))
    model = SpectralAveraging(both, group, estimator="lstsq", max_eigs_total=95).fit(X, cosine**2)
    np.testing.assert_allclose(model.predict(X), cosine**2, atol=1e-12)
    turn = np.kron(np.eye(2), special_ortho_group(3, seed=1).rvs())
    np.testing.assert_allclose(model.predict(X @ turn.T), model.predict(X), atol=1e-12)


def test_several_targets_grid_search_and_copies_of_a_fit():
    X, y = data(Torus(2))
    model = SpectralAveraging(Torus(2), TURN, max_eigs_total=21).fit(X, np.stack([y, 2 * y], 1))
    np.testing.assert_allclose(model.predict(X)[:, 1], 2 * model.predict(X)[:, 0], atol=1e-13)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(X), model.predict(X))
    search = GridSearchCV(SpectralAveraging(Torus(2), TURN, estimator="lstsq"), {"max_eigs_total": [5, 21]}, cv=3)
    assert search.fit(X, y).best_params_["max_eigs_total"] in (5, 21)


def test_a_limit_inside_an_eigenspace_keeps_whole_ones_and_says_so():
    X, y = data(Torus(2))
    with pytest.warns(UserWarning, match="max_eigs_total=10 falls inside an eigenspace: 9 are kept"):
        assert SpectralAveraging(Torus(2), max_eigs_total=10).fit(X, y).n_eigs_total_ == 9
    with pytest.warns(UserWarning, match="max_eigs_invariant=2 falls inside"):
        SpectralAveraging(Torus(2), max_eigs_invariant=2).fit(X, y)


def test_too_few_samples_for_the_rule_are_said():
    X, y = data(Torus(10), n=50)
    with pytest.warns(UserWarning, match="50 samples are too few for the rule"):
        SpectralAveraging(Torus(10)).fit(X, y)


def test_a_transitive_group_ends_the_search_for_more_invariants(monkeypatch):
    monkeypatch.setattr("symdyn.invariant.spectral_cut._CEILING", 60)
    X, y = data(Sphere(2))
    with pytest.warns(UserWarning, match="1 invariant functions among the first 49"):
        SpectralAveraging(Sphere(2), sd.candidates.so(3), max_eigs_invariant=5).fit(X, y)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"estimator": "median"}, "estimator must be one of"),
        ({"output": "tensor"}, "output must be one of"),
        ({"group": TURN}, "need the manifold they live on"),
        ({"manifold": Torus(2), "smoothness": 1.0}, "smoothness must be above 1"),
        ({"manifold": Torus(2), "max_eigs_total": 0}, "max_eigs_total must be at least 1"),
        ({"manifold": Torus(2), "max_eigs_total": "all"}, "max_eigs_total must be at least 1"),
        ({"manifold": Torus(2), "max_eigs_total": 9 + 1j}, "max_eigs_total must be at least 1"),
        ({"manifold": Torus(2), "max_eigs_total": "cv", "n_folds": 1}, "n_folds must be between"),
        ({"manifold": Torus(2), "max_eigs_total": 700, "estimator": "lstsq"}, "functions, but 300 equations"),
        ({"manifold": Torus(2), "estimator": "lstsq", "density": np.sum}, "least squares needs none"),
        ({"manifold": Torus(2), "density": lambda x: -x[:, 0]}, "one positive number a sample"),
        ({"manifold": Torus(2), "output": "vector"}, "y must have 2 columns"),
        ({"manifold": Sphere(1)}, "is not on Sphere"),
    ],
)
@pytest.mark.filterwarnings("ignore:max_eigs")
def test_bad_options_are_refused(options, message):
    X, y = data(Torus(2))
    with pytest.raises(ValueError, match=message):
        SpectralAveraging(**options).fit(X, y)
