"""What every manifold keeps: a new one is tested by being listed in MANIFOLDS."""

from copy import deepcopy
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from scipy.linalg import expm

import symdyn as sd
from symdyn.invariant.isometry_groups.point_groups import point_group
from symdyn.invariant.manifolds import Box, Manifold, Product, Sphere, Torus
from symdyn.invariant.manifolds.fixed import action_matrices
from symdyn.invariant.manifolds.isometries import as_isometries


@dataclass(frozen=True)
class Case:
    """A manifold, its eigenspaces up to `cutoff`, some isometries and, where it has any, Killing fields.

    `nodes` are points and weights that integrate products of these eigenfunctions exactly; the mean over random points
    stands in for them where they are left out. On `homogeneous` manifolds all points are alike.
    """

    manifold: Manifold
    cutoff: float
    elements: sd.groups.Elements
    fields: object = None
    nodes: tuple | None = None
    homogeneous: bool = True

    @property
    def spaces(self):
        return self.manifold.spectrum(self.cutoff)

    @property
    def points(self):
        return self.manifold.sample(8, 4)

    @property
    def isometries(self):
        return as_isometries(self.manifold, self.elements)


def grid(low, high, counts, middle=0.0):
    """Equally spaced points of a box, `middle` of a step from its lower corner, with equal weights."""
    axes = [(np.arange(count) + middle) / count for count in counts]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, len(axes))
    return np.array(low) + points * np.subtract(high, low), np.full(len(points), 1 / len(points))


def on_circle(count):
    angles, weights = grid([0], [2 * np.pi], [count])
    return np.hstack([np.cos(angles), np.sin(angles)]), weights


def on_sphere(count):
    """Gauss's points in height, equally spaced ones around."""
    heights, weights = np.polynomial.legendre.leggauss(count)
    ring, around = on_circle(2 * count)
    flat = np.sqrt(1 - heights**2)[:, None, None] * ring
    points = np.concatenate([flat, np.broadcast_to(heights[:, None, None], (*flat.shape[:2], 1))], axis=2)
    return points.reshape(-1, 3), np.outer(weights / 2, around).ravel()


def side_by_side(first, second):
    points = [np.repeat(first[0], len(second[0]), axis=0), np.tile(second[0], (len(first[0]), 1))]
    return np.hstack(points), np.outer(first[1], second[1]).ravel()


TURN = sd.groups.element([[0, -1], [1, 0]])
MANIFOLDS = {
    "circle": Case(
        Torus(1), 10, sd.groups.element([[-1.0]], [0.7]), sd.candidates.translations(1), grid([0], [2 * np.pi], [24])
    ),
    "torus of two periods": Case(
        Torus(2, (1.0, 2.0)),
        200,
        sd.groups.sign_flips(2),
        sd.candidates.translations(2),
        grid([0, 0], [1, 2], [24, 24]),
    ),
    "square torus": Case(Torus(2), 25, TURN, sd.candidates.translations(2), grid([0, 0], [2 * np.pi] * 2, [24, 24])),
    "torus in 10 dimensions": Case(Torus(10, 2.0), 20, sd.groups.permutations(10), sd.candidates.translations(10)),
    "circle in the plane": Case(Sphere(1), 30, TURN, sd.candidates.so(2), on_circle(60)),
    "sphere": Case(Sphere(2), 60, point_group("I"), sd.candidates.so(3), on_sphere(20)),
    "sphere of radius 2 in 4 coordinates": Case(Sphere(3, 2.0), 6, sd.groups.permutations(4), sd.candidates.so(4)),
    "interval": Case(
        Box((0,), (2,)), 30, sd.groups.element([[-1.0]], [2.0]), nodes=grid([0], [2], [40], 0.5), homogeneous=False
    ),
    "box": Case(
        Box((0, 1), (2, 3)),
        40,
        sd.groups.element([[0, -1], [1, 0]], [3, 1]),
        nodes=grid([0, 1], [2, 3], [40, 40], 0.5),
        homogeneous=False,
    ),
    "sphere times circle": Case(
        Product(Sphere(2), Torus(1)),
        8,
        sd.groups.element(np.diag([-1.0, -1, 1, -1]), [0, 0, 0, 0.3]),
        sd.candidates.from_matrices(sd.candidates.so(4).coefficients[[0, 1, 3], :, 1:]),
        side_by_side(on_sphere(20), grid([0], [2 * np.pi], [24])),
    ),
    "two spheres": Case(
        Product(Sphere(2), Sphere(2)), 5, sd.groups.permutation([3, 4, 5, 0, 1, 2]), sd.candidates.so(3, copies=2)
    ),
}


@pytest.fixture(params=MANIFOLDS)
def case(request):
    return MANIFOLDS[request.param]


def test_every_class_is_listed():
    known, found = [Manifold], set()
    while known:
        known += (kinds := known.pop().__subclasses__())
        found |= {kind for kind in kinds if kind.__module__.startswith("symdyn.")}
    assert found == {type(case.manifold) for case in MANIFOLDS.values()}


def test_eigenfunctions_are_orthonormal_and_as_many_as_the_multiplicity(case):
    spaces = case.spaces
    assert spaces[0].eigenvalue == 0 and spaces[0].multiplicity == 1 and len(spaces) > 1
    assert all(first.eigenvalue < second.eigenvalue for first, second in pairwise(spaces))
    points, weights = case.nodes or (case.manifold.sample(20_000, 1), np.full(20_000, 1 / 20_000))
    values = np.hstack([space(points) for space in spaces])
    assert values.shape[1] == sum(space.multiplicity for space in spaces)
    tolerance = 1e-12 if case.nodes else 0.15
    np.testing.assert_allclose((values * weights[:, None]).T @ values, np.eye(values.shape[1]), atol=tolerance)


def test_the_sum_of_squares_over_an_eigenspace_is_the_multiplicity_where_all_points_are_alike(case):
    for space in case.spaces if case.homogeneous else []:
        np.testing.assert_allclose(np.sum(space(case.points) ** 2, axis=1), space.multiplicity, rtol=1e-11)


def test_tangents_are_as_many_as_the_dimension(case):
    for point in case.points:
        frame = np.linalg.svd(projector(case.manifold, point))
        np.testing.assert_allclose(frame[1], np.arange(case.manifold.n_coordinates) < case.manifold.dim, atol=1e-12)


def projector(manifold, point):
    """The matrix whose rows are the tangential parts of unit vectors at a point."""
    n = manifold.n_coordinates
    return manifold.tangent(np.tile(point, (n, 1)), np.eye(n))


def test_the_laplacian_of_an_eigenfunction_is_minus_the_eigenvalue_times_it(case):
    """By second differences along an orthonormal frame; points are put back on the manifold."""
    h = 1e-4
    for point in case.points[:2]:
        frame = h * np.linalg.svd(projector(case.manifold, point))[2][: case.manifold.dim]
        ends = case.manifold.check(np.concatenate([point + frame, point - frame, point[None]]))
        for space in case.spaces[1:5]:
            values = space(ends)
            laplacian = (values[:-1].sum(axis=0) - 2 * len(frame) * values[-1]) / h**2
            size = space.eigenvalue * np.sqrt(space.multiplicity)
            np.testing.assert_allclose(laplacian, -space.eigenvalue * values[-1], atol=1e-4 * size)


def test_random_points_are_uniform_and_lie_on_the_manifold(case):
    points = case.manifold.sample(4000, 5)
    np.testing.assert_allclose(case.manifold.check(points), points, rtol=1e-12)
    assert points.shape == (4000, case.manifold.n_coordinates)
    np.testing.assert_array_equal(case.manifold.sample(4000, np.random.default_rng(5)), points)
    for space in case.spaces[1:4]:
        assert np.abs(space(points).mean(axis=0)).max() < 5 / np.sqrt(4000)


def test_isometries_keep_the_manifold_its_lengths_and_its_measure(case):
    for matrix, shift in zip(case.isometries.matrices, case.isometries.shifts, strict=True):
        assert case.manifold.isometry_flaw(matrix, shift) is None
        images = case.points @ matrix.T + shift
        np.testing.assert_allclose(case.manifold.check(images), images, rtol=1e-12)
        for point, image in zip(case.points, images, strict=True):
            moved = projector(case.manifold, point) @ matrix.T
            np.testing.assert_allclose(moved @ moved.T, projector(case.manifold, point), atol=1e-12)
            np.testing.assert_allclose(moved @ projector(case.manifold, image), moved, atol=1e-12)


def test_isometries_act_on_eigenspaces_by_orthogonal_matrices(case):
    for space in [space for space in case.spaces if space.multiplicity < 60]:
        matrices = action_matrices(case.manifold, space, case.isometries)
        for matrix, images in zip(matrices, case.isometries.images(case.points), strict=True):
            np.testing.assert_allclose(matrix.T @ matrix, np.eye(len(matrix)), atol=1e-12)
            np.testing.assert_allclose(space(case.manifold.check(images)), space(case.points) @ matrix, atol=1e-10)


def test_killing_fields_are_tangent_no_faster_than_their_bound_and_flow_by_isometries(case):
    if case.fields is None:
        return
    group = as_isometries(case.manifold, case.fields)
    for k, (matrix, shift) in enumerate(zip(group.field_matrices, group.field_shifts, strict=True)):
        assert case.manifold.field_flaw(matrix, shift) is None
        field = group.fields(case.points)[:, :, k]
        np.testing.assert_allclose(case.manifold.tangent(case.points, field), field, atol=1e-12)
        lengths = np.linalg.norm(group.fields(case.manifold.sample(500, 6))[:, :, k], axis=1)
        assert lengths.max() <= case.manifold.speed(matrix, shift) * (1 + 1e-12)
        n = len(shift)
        step = expm(0.3 * np.block([[matrix, shift[:, None]], [np.zeros((1, n + 1))]]))
        assert case.manifold.isometry_flaw(step[:n, :n], step[:n, n]) is None


def test_stretching_is_no_isometry(case):
    n = case.manifold.n_coordinates
    assert case.manifold.isometry_flaw(2 * np.eye(n), np.zeros(n)) and case.manifold.field_flaw(np.eye(n), np.zeros(n))


@pytest.mark.parametrize("vector", [False, True], ids=["numbers", "vectors"])
def test_what_a_group_fixes_is_orthonormal_and_fixed(case, vector):
    n_outputs = case.manifold.n_coordinates if vector else 1
    for space in [space for space in case.spaces if space.multiplicity * n_outputs < 80]:
        fixed = space.invariants(case.isometries, vector=vector)
        fixed = fixed.toarray() if hasattr(fixed, "toarray") else fixed
        np.testing.assert_allclose(fixed.T @ fixed, np.eye(fixed.shape[1]), atol=1e-12)
        blocks = fixed.reshape(space.multiplicity, n_outputs, -1)
        values = np.einsum("sm,mof->sof", space(case.points), blocks)
        for matrix, images in zip(case.isometries.matrices, case.isometries.images(case.points), strict=True):
            moved = np.einsum("sm,mof->sof", space(case.manifold.check(images)), blocks)
            carried = np.einsum("op,spf->sof", matrix, values) if vector else values
            np.testing.assert_allclose(moved, carried, atol=1e-10)


def test_points_that_are_none_are_refused(case):
    with pytest.raises(ValueError, match="X must have shape"):
        case.manifold.check(np.ones((3, case.manifold.n_coordinates + 1)))
    with pytest.raises(ValueError, match="NaN or infinite"):
        case.manifold.check(np.full((3, case.manifold.n_coordinates), np.nan))


def test_equal_manifolds_are_one(case):
    copy = deepcopy(case.manifold)
    assert copy == case.manifold and hash(copy) == hash(case.manifold) and copy != Torus(7)
