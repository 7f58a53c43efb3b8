"""Kernels and spectral averaging under changes that must not matter."""

import numpy as np
import pytest

import symdyn as sd
from symdyn.regression import Box, InvariantKernelRidge, SpectralAveraging, Sphere, Torus, point_group

CHANGES = {  # scales of the states, shifts in spreads
    "small and large": ((1e-9, 1e9, 1.0), (0, 0, 0)),
    "shifted": ((1, 1, 1), (10, -20, 3)),
    "far in other units": ((1e-3, 1e6, 7.0), (-1e3, 300, 1e3)),
    "very far": ((1, 1, 1), (1e6, -1e6, 1e6)),
}
TURN = [[0.0, -1, 0], [1, 0, 0], [0, 0, 0]]
GROUPS = {
    "nothing": None,
    "rotation about an axis": sd.LieAlgebra(sd.candidates.from_matrices([TURN])),
    "rotations": sd.LieAlgebra(sd.candidates.so(3)),
    "permutations": sd.groups.permutations(3),
    "signs": sd.groups.sign_flips(3),
    "octahedron": point_group("O"),
}


def samples(seed=0):
    rng = np.random.default_rng(seed)
    points = rng.standard_normal((60, 3))
    return points, np.sum(points**2, axis=1) + 0.05 * rng.standard_normal(60), rng.standard_normal((20, 3))


def moved(group, scale, shift):
    """The group that does to S x + b what the given one does to x."""
    if group is None:
        return None
    scale, shift = np.array(scale, dtype=float), np.array(shift, dtype=float)
    if isinstance(group, sd.LieAlgebra):
        matrices = group.matrices * scale[:, None] / scale
        return sd.LieAlgebra(sd.candidates.from_matrices(matrices, -matrices @ shift))
    found = [matrix * scale[:, None] / scale for matrix in group.matrices]
    return sd.groups.elements([sd.groups.element(matrix, shift - matrix @ shift) for matrix in found])


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", GROUPS)
def test_units_and_origin_do_not_change_an_invariant_kernel(name, change):
    scale, shift = (np.array(part, dtype=float) for part in CHANGES[change])
    points, values, fresh = samples()
    options = {"alpha": 1e-2, "n_nodes": 6 if name == "rotations" else None}
    here = InvariantKernelRidge(group=GROUPS[name], **options).fit(points, values)
    there = InvariantKernelRidge(group=moved(GROUPS[name], scale, shift * scale), **options)
    there.fit((points + shift) * scale, values)
    assert there.n_elements_ == here.n_elements_
    found = there.predict((fresh + shift) * scale)
    np.testing.assert_allclose(found, here.predict(fresh), atol=1e-6 if np.abs(shift).max() < 1e4 else 1e-4)


@pytest.mark.parametrize("name", ["rotation about an axis", "permutations"])
def test_the_prediction_is_invariant_in_unlike_units(name):
    scale, shift = np.array([1e-3, 1e4, 1.0]), np.array([5.0, -3e4, 7.0])
    points, values, fresh = samples()
    model = InvariantKernelRidge(group=moved(GROUPS[name], scale, shift)).fit(points * scale + shift, values)
    turned = fresh[:, [1, 0, 2]] * ([1, 1, 1] if name == "permutations" else [-1, 1, 1])
    images = [model.predict(one * scale + shift) for one in (fresh, turned)]
    np.testing.assert_allclose(images[1], images[0], atol=1e-9)


def test_order_of_states_and_samples_and_single_precision():
    points, values, fresh = samples()
    here = InvariantKernelRidge(group=GROUPS["permutations"]).fit(points, values).predict(fresh)
    order = np.random.default_rng(1).permutation(len(points))
    others = [
        (points[:, ::-1], values, fresh[:, ::-1]),
        (points[order], values[order], fresh),
        (points.astype("f4"), values, fresh.astype("f4")),
    ]
    for x, y, new in others:
        there = InvariantKernelRidge(group=GROUPS["permutations"]).fit(x, y).predict(new)
        np.testing.assert_allclose(there, here, atol=1e-5)


def test_a_length_that_is_given_is_meant_in_the_units_of_the_states():
    points, values, fresh = samples()
    one = InvariantKernelRidge(gamma=0.5).fit(points, values).predict(fresh)
    other = InvariantKernelRidge(gamma=0.5).fit(10 * points, values).predict(10 * fresh)
    same = InvariantKernelRidge(gamma=0.005).fit(10 * points + 3, values).predict(10 * fresh + 3)
    np.testing.assert_allclose(same, one, atol=1e-9)
    assert np.abs(other - one).max() > 0.1


def test_a_group_about_the_origin_keeps_its_origin():
    # Far from it the group is still about 0: predictions are even, and not about the mean of the data.
    points, values, fresh = samples()
    model = InvariantKernelRidge(group=sd.groups.sign_flip([-1, 1, 1])).fit(points + [4.0, 0, 0], values)
    np.testing.assert_allclose(model.predict(fresh * [-1, 1, 1]), model.predict(fresh), atol=1e-12)


@pytest.mark.parametrize("factor", [1e-9, 1e9])
def test_boxes_are_in_the_units_of_their_sides(factor):
    points, values, _ = samples()
    points = np.abs(np.tanh(points))[:, :2]
    scale = np.array([factor, 1.0])
    here = InvariantKernelRidge(manifold=Box((0, 0), (1, 1))).fit(points, values)
    there = InvariantKernelRidge(manifold=Box((0, 0), tuple(scale))).fit(points * scale, values)
    np.testing.assert_allclose(there.predict(points * scale), here.predict(points), atol=1e-9)


@pytest.mark.parametrize("change", CHANGES)
def test_spectral_averaging_without_a_manifold_follows_units_and_origin(change):
    scale, shift = (np.array(part, dtype=float) for part in CHANGES[change])
    points, values, fresh = samples()
    options = {"estimator": "lstsq", "max_eigs_total": 20}
    here = SpectralAveraging(**options).fit(points, values)
    there = SpectralAveraging(**options).fit((points + shift) * scale, values)
    assert there.n_eigs_total_ == here.n_eigs_total_
    np.testing.assert_allclose(there.predict((fresh + shift) * scale), here.predict(fresh), atol=1e-6)


def test_angles_and_points_of_a_sphere_have_no_units():
    torus, sphere = Torus(2), Sphere(2)
    for manifold in (torus, sphere):
        points = manifold.sample(40, 0)
        model = InvariantKernelRidge(manifold=manifold).fit(points, np.cos(points).sum(axis=1))
        assert model.chart_ is None
    points = torus.sample(40, 0)
    values = np.cos(points).sum(axis=1)
    wrapped = InvariantKernelRidge(manifold=torus).fit(points + 2 * np.pi, values).predict(points)
    np.testing.assert_allclose(
        wrapped, InvariantKernelRidge(manifold=torus).fit(points, values).predict(points), atol=1e-9
    )
    degrees = InvariantKernelRidge(manifold=Torus(2, 360.0), kernel="von_mises").fit(np.degrees(points), values)
    radians = InvariantKernelRidge(manifold=torus, kernel="von_mises").fit(points, values)
    np.testing.assert_allclose(degrees.predict(np.degrees(points)), radians.predict(points), atol=1e-9)
