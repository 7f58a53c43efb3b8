"""Averaged kernels: invariant in each argument, equal to explicit means, plain ridge regression without a group."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm
from scipy.special import i0
from scipy.stats import special_ortho_group
from sklearn.kernel_ridge import KernelRidge
from sklearn.utils.estimator_checks import parametrize_with_checks

import symdyn as sd
from symdyn.invariant.averaged import averaged_gaussian
from symdyn.invariant.isometry_groups.group_order import enumerated
from symdyn.invariant.isometry_groups.haar import group_nodes, is_rotation_algebra, period_of
from symdyn.invariant.manifolds.isometries import as_isometries
from symdyn.regression import Box, InvariantKernelRidge, Product, Sphere, Torus, point_group

RNG = np.random.default_rng(0)
X = RNG.standard_normal((60, 3))
Y = np.sum(X**2, axis=1) + X[:, 0]
ABOUT_Z = sd.LieAlgebra(sd.candidates.from_matrices([[[0.0, -1, 0], [1, 0, 0], [0, 0, 0]]]))
SHIFT = sd.LieAlgebra(sd.candidates.from_matrices(np.zeros((1, 2, 2)), [[1.0, -2.0]]))


@parametrize_with_checks([InvariantKernelRidge()])
def test_scikit_learn_accepts_the_estimator(estimator, check):
    check(estimator)


@given(st.floats(1e-3, 10), st.floats(1e-2, 2), st.integers(0, 2**31))
@settings(max_examples=15, deadline=None)
def test_without_a_group_it_is_kernel_ridge_regression(alpha, gamma, seed):
    rng = np.random.default_rng(seed)
    points, values, fresh = rng.standard_normal((40, 2)), rng.standard_normal((40, 2)), rng.standard_normal((9, 2))
    ours = InvariantKernelRidge(alpha=alpha, gamma=gamma).fit(points, values).predict(fresh)
    theirs = KernelRidge(kernel="rbf", alpha=alpha, gamma=gamma).fit(points, values).predict(fresh)
    np.testing.assert_allclose(ours, theirs, rtol=1e-7, atol=1e-9)


def test_the_kernel_does_not_depend_on_how_many_images_are_held(monkeypatch):
    model = InvariantKernelRidge(group=point_group("O")).fit(X, Y)
    whole = model.kernel_matrix(X)
    monkeypatch.setattr("symdyn.invariant.averaged._HELD", 500)
    np.testing.assert_allclose(model.kernel_matrix(X), whole, atol=1e-15)


def test_blocks_below_the_diagonal_are_those_of_the_whole_kernel():
    points = RNG.standard_normal((1100, 2))
    images = [points, -points].__getitem__
    weights = np.full(2, 0.5)
    whole = averaged_gaussian(points, images, weights, 0.7)
    lower = averaged_gaussian(points, images, weights, 0.7, symmetric=True)
    np.testing.assert_allclose(np.tril(lower), np.tril(whole), atol=1e-15)
    squares = np.sum((points[:5, None] - points[None]) ** 2, axis=2)
    sums = np.sum((points[:5, None] + points[None]) ** 2, axis=2)
    np.testing.assert_allclose(whole[:5], (np.exp(-0.7 * squares) + np.exp(-0.7 * sums)) / 2, atol=1e-13)


KERNELS = {
    "Gaussian, octahedral": (InvariantKernelRidge(group=point_group("Oi")), None),
    "Gaussian on a sphere": (InvariantKernelRidge(group=point_group("T"), manifold=Sphere(2)), Sphere(2)),
    "Gaussian on a torus": (InvariantKernelRidge(group=sd.groups.permutations(3), manifold=Torus(3)), Torus(3)),
    "Gaussian in a box": (
        InvariantKernelRidge(group=sd.groups.element([[0, -1], [1, 0]], [1, 0]), manifold=Box((0, 0), (1, 1))),
        Box((0, 0), (1, 1)),
    ),
    "Gaussian on a product": (
        InvariantKernelRidge(group=sd.groups.permutation([1, 0, 2, 3, 4]), manifold=Product(Sphere(2), Torus(2, 3.0))),
        Product(Sphere(2), Torus(2, 3.0)),
    ),
    "von Mises, flips": (
        InvariantKernelRidge("von_mises", sd.groups.sign_flips(2), manifold=Torus(2, 2.0)),
        Torus(2, 2.0),
    ),
    "Sobolev, octahedral": (
        InvariantKernelRidge("sobolev", point_group("O"), manifold=Sphere(2), max_eigs_total=100),
        Sphere(2),
    ),
    "Gaussian, one rotation": (InvariantKernelRidge(group=ABOUT_Z), None),
    "von Mises, one flow": (InvariantKernelRidge("von_mises", SHIFT, manifold=Torus(2)), Torus(2)),
}


@pytest.mark.parametrize("name", KERNELS)
def test_the_kernel_is_symmetric_and_invariant_in_each_argument(name):
    model, manifold = KERNELS[name]
    points = X if manifold is None else manifold.sample(60, 1)
    model = model.fit(points, Y)
    kernel = model.kernel_matrix(points)
    np.testing.assert_allclose(kernel, kernel.T, atol=1e-12)
    assert np.linalg.eigvalsh(kernel).min() > -1e-10
    group = as_isometries(manifold or Sphere(2), model.group)
    images = list(group.images(points))
    for matrix, shift in zip(group.field_matrices, group.field_shifts, strict=True):
        images.append(points @ expm(0.3 * matrix).T + 0.3 * shift)
    for image in images:
        np.testing.assert_allclose(model.kernel_matrix(image), kernel, atol=1e-11)
        np.testing.assert_allclose(model.predict(image), model.predict(points), atol=1e-9)


def test_the_von_mises_kernel_is_the_published_one():
    torus = Torus(2, 2.0)
    points, others = torus.sample(20, 0), torus.sample(7, 1)
    model = InvariantKernelRidge("von_mises", manifold=torus, gamma=1.7).fit(points, np.ones(20))
    angles = np.pi * (others[:, None] - points[None])
    np.testing.assert_allclose(
        model.kernel_matrix(others), np.exp(1.7 * np.sum(np.cos(angles) - 1, axis=2)), atol=1e-14
    )


def test_the_average_over_a_circle_is_a_bessel_function():
    """mean over turns of exp(−gamma |x − R y|^2) in the plane: exp(−gamma (|x|^2 + |y|^2)) I_0(2 gamma |x| |y|)."""
    points = X[:, :2]
    model = InvariantKernelRidge(group=sd.LieAlgebra(sd.candidates.so(2)), gamma=0.8).fit(points, Y)
    lengths = np.linalg.norm(points, axis=1)
    exact = np.exp(-0.8 * np.add.outer(lengths**2, lengths**2)) * i0(1.6 * np.outer(lengths, lengths))
    np.testing.assert_allclose(model.kernel_matrix(points), exact, atol=1e-12)


def test_the_average_over_rotations_is_the_sine_over_its_argument():
    """mean over SO(3): exp(−gamma (|x|^2 + |y|^2)) sinh(z) / z, z = 2 gamma |x| |y|."""
    model = InvariantKernelRidge(group=sd.LieAlgebra(sd.candidates.so(3)), gamma=0.1).fit(X[:30], Y[:30])
    lengths = np.linalg.norm(X[:30], axis=1)
    z = 0.2 * np.outer(lengths, lengths)
    exact = np.exp(-0.1 * np.add.outer(lengths**2, lengths**2)) * np.sinh(z) / z
    np.testing.assert_allclose(model.kernel_matrix(X[:30]), exact, atol=1e-11)


def test_spinors_are_averaged_over_their_two_turns():
    """su(2) on R^4 by quaternions: averages of linear functions vanish, |x|^2 stays."""
    i = np.kron([[0, -1], [1, 0]], np.eye(2)) / 2
    j = np.kron([[0, 1], [1, 0]], [[0, -1], [1, 0]]) / 2
    algebra = as_isometries(Sphere(3), np.stack([i, j, i @ j - j @ i]))
    assert is_rotation_algebra(algebra)
    assert period_of(Sphere(3), i, np.zeros(4)) == pytest.approx(4 * np.pi)
    matrices, _, weights = group_nodes(Sphere(3), algebra, 8)
    np.testing.assert_allclose(np.einsum("g,gij->ij", weights, matrices), 0, atol=1e-13)
    squares = np.einsum("g,gij,gkl->ijkl", weights, matrices, matrices)
    np.testing.assert_allclose(np.einsum("ijil->jl", squares), np.eye(4), atol=1e-13)
    np.testing.assert_allclose(np.einsum("ijkj->ik", squares), np.eye(4), atol=1e-13)


def test_nodes_of_a_group_with_a_reflection_beside_its_rotations_are_the_whole_group():
    group = as_isometries(Sphere(2), [ABOUT_Z, sd.groups.sign_flip([1, 1, -1])])
    matrices, _, weights = group_nodes(Sphere(2), group, 6)
    np.testing.assert_allclose(np.einsum("g,gij->ij", weights, matrices), 0, atol=1e-13)
    assert len(weights) == 12 and weights.sum() == pytest.approx(1)


def test_group_nodes_agree_with_all_elements_of_a_finite_group():
    group = as_isometries(Sphere(2), point_group("I"))
    assert len(group_nodes(Sphere(2), group, 1)[0]) == len(enumerated(Sphere(2), group)[0]) == 60


def test_the_sobolev_kernel_keeps_groups_that_no_average_reaches():
    torus = Torus(20)
    points = torus.sample(50, 0)
    values = np.cos(points).sum(axis=1)
    model = InvariantKernelRidge("sobolev", sd.groups.permutations(20), manifold=torus, max_eigs_total=801, alpha=1e-6)
    model.fit(points, values)
    order = np.random.default_rng(0).permutation(20)
    np.testing.assert_allclose(model.predict(points[:, order]), model.predict(points), atol=1e-11)
    np.testing.assert_allclose(model.predict(points), values, atol=1e-3)


def test_a_kernel_that_would_diverge_at_fixed_points_is_refused():
    """S^2 modulo turns about z has dimension 1, but at the poles K(x, x) grows without bound for s <= 1."""
    pole = np.array([[0.0, 0.0, 1.0]])
    points = Sphere(2).sample(30, 0)
    with pytest.raises(ValueError, match=r"smoothness must be above 1, .* diverges"):
        InvariantKernelRidge("sobolev", ABOUT_Z, smoothness=1.0, manifold=Sphere(2)).fit(points, np.ones(30))
    heights = []
    for most in (256, 1024):
        model = InvariantKernelRidge("sobolev", ABOUT_Z, smoothness=1.5, manifold=Sphere(2), max_eigs_total=most)
        heights.append(model.fit(pole, np.ones(1)).kernel_matrix(pole)[0, 0])
    assert heights[1] - heights[0] < 0.08 * heights[0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kernel": "laplace"}, "kernel must be one of gaussian"),
        ({"alpha": -1.0}, "alpha must be"),
        ({"alpha": "small"}, "alpha must be"),
        ({"gamma": 0.0}, "gamma must be positive"),
        ({"kernel": "von_mises"}, "lives on a torus"),
        ({"kernel": "sobolev"}, "needs the eigenfunctions"),
        ({"group": sd.candidates.scalings(3)}, "not antisymmetric"),
        ({"group": sd.groups.sign_flips(2)}, "acts on 2 coordinates"),
        ({"group": sd.groups.sign_flips(3), "manifold": Sphere(2)}, "is not on Sphere"),
        ({"group": sd.candidates.so(3), "n_nodes": 64}, "131072 elements, more than 20000"),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        InvariantKernelRidge(**options).fit(X, Y)


def test_groups_that_cannot_be_averaged_over_point_to_what_can():
    points = Sphere(3).sample(40, 0)
    with pytest.raises(ValueError, match="kernel='sobolev'"):
        InvariantKernelRidge(group=sd.candidates.so(4)).fit(points, np.ones(40))
    with pytest.raises(ValueError, match="never closes"):
        skew = sd.candidates.from_matrices(np.zeros((1, 2, 2)), [[1.0, np.sqrt(2)]])
        InvariantKernelRidge("von_mises", skew, manifold=Torus(2)).fit(Torus(2).sample(10), np.ones(10))


def test_a_singular_kernel_matrix_is_an_error_with_a_cure():
    with pytest.raises(ValueError, match="raise alpha"):
        InvariantKernelRidge(alpha=0.0).fit(np.zeros((4, 2)), np.ones(4))


def test_an_average_with_too_few_nodes_says_how_exact_it_is():
    points = special_ortho_group(3, seed=0).rvs(2).reshape(-1, 3) * 6
    with pytest.warns(UserWarning, match="exact to"):
        InvariantKernelRidge(group=sd.LieAlgebra(sd.candidates.so(3)), gamma=1.0).fit(points, np.ones(6))
