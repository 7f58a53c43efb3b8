"""Spectra of manifolds, groups acting on them, and what groups leave; what all manifolds keep is in the contract."""

from itertools import islice
from math import comb, factorial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import symdyn as sd
from symdyn.invariant.isometry_groups.group_order import enumerated, group_order
from symdyn.invariant.isometry_groups.manifold_generators import without_redundant
from symdyn.invariant.isometry_groups.point_groups import rotation
from symdyn.invariant.manifolds.fixed import fixed_coefficients
from symdyn.invariant.manifolds.isometries import as_isometries
from symdyn.regression import Box, Product, Sphere, Torus, point_group

TURN = sd.groups.element([[0, -1], [1, 0]])
SHIFT = sd.LieAlgebra(sd.candidates.from_matrices(np.zeros((1, 2, 2)), [[1.0, -2.0]]))
ABOUT_Z = sd.LieAlgebra(sd.candidates.from_matrices([[[0.0, -1, 0], [1, 0, 0], [0, 0, 0]]]))


def total(space, group, **options):
    return space.manifold.invariants(space, as_isometries(space.manifold, group), **options).shape[1]


def test_harmonics_stay_orthonormal_at_degree_60():
    space = next(islice(Sphere(2).eigenspaces(), 60, 61))
    np.testing.assert_allclose(np.sum(space(Sphere(2).sample(20)) ** 2, axis=1), 121, rtol=1e-11)


def test_volumes_are_those_of_the_books():
    assert Torus(3, (1, 2, 3)).volume == pytest.approx(6)
    assert Sphere(1).volume == pytest.approx(2 * np.pi) and Sphere(2, 3.0).volume == pytest.approx(36 * np.pi)
    assert Sphere(3).volume == pytest.approx(2 * np.pi**2)
    assert Product(Sphere(2), Box((0,), (2,))).volume == pytest.approx(8 * np.pi)


@given(st.lists(st.floats(0.5, 3.0), min_size=1, max_size=4))
@settings(max_examples=20, deadline=None)
def test_modes_of_a_torus_are_all_frequencies_of_the_eigenvalue(periods):
    torus = Torus(len(periods), tuple(periods))
    spaces = list(islice(torus.eigenspaces(), 12))
    rates = 2 * np.pi / torus.periods
    reach = int(np.ceil(np.sqrt(spaces[-1].eigenvalue) / rates.min()))
    grid = np.stack(np.meshgrid(*[np.arange(-reach, reach + 1)] * len(periods)), -1).reshape(-1, len(periods))
    lengths = np.sum((rates * grid) ** 2, axis=1)
    for space in spaces:
        assert np.sum(np.abs(lengths - space.eigenvalue) <= 1e-8 * max(space.eigenvalue, 1e-8)) == space.multiplicity
        assert len(space.modes) == (space.multiplicity + 1) // 2


def test_the_published_counts_on_the_torus_in_10_dimensions():
    spaces = list(islice(Torus(10, 2.0).eigenspaces(), 4))
    assert np.cumsum([space.multiplicity for space in spaces]).tolist() == [1, 21, 201, 1161]
    assert np.cumsum([total(space, sd.groups.sign_flips(10)) for space in spaces]).tolist() == [1, 11, 56, 176]


def test_counting_lists_no_modes_that_are_not_used():
    spaces = list(islice(Torus(40).eigenspaces(), 8))
    assert spaces[7].multiplicity > 10**9 and "modes" not in vars(spaces[7])
    assert spaces[3].multiplicity == 8 * comb(40, 3)


GROUPS = {
    "quarter turns": (Torus(2), TURN),
    "turns and a translation": (Torus(2), TURN + sd.groups.element(np.eye(2), [0.3, 0.7])),
    "glide reflection": (Torus(2), sd.groups.element([[1, 0], [0, -1]], [np.pi, 0])),
    "all signed permutations": (Torus(3), sd.groups.permutations(3) + sd.groups.sign_flips(3)),
    "one flow and a reflection": (Torus(2), [SHIFT, sd.groups.element(-np.eye(2))]),
    "two periods": (Torus(2, (1.0, 2.0)), sd.groups.sign_flips(2)),
    "flips of a box": (Box((-1, -1), (1, 1)), TURN + sd.groups.sign_flips(2)),
    "turned box off the origin": (Box((0, 0), (1, 1)), sd.groups.element([[0, -1], [1, 0]], [1, 0])),
}


@pytest.mark.parametrize("vector", [False, True], ids=["numbers", "vectors"])
@pytest.mark.parametrize("name", GROUPS)
def test_sums_over_orbits_are_the_null_space_of_dense_matrices(name, vector):
    manifold, group = GROUPS[name]
    group = as_isometries(manifold, group)
    for space in islice(manifold.eigenspaces(), 7):
        basis = manifold.invariants(space, group, vector=vector).toarray()
        dense = fixed_coefficients(manifold, space, group, vector)
        assert basis.shape == dense.shape
        np.testing.assert_allclose(basis @ basis.T, dense @ dense.T, atol=1e-11)
        np.testing.assert_allclose(basis.T @ basis, np.eye(basis.shape[1]), atol=1e-13)


def test_invariant_harmonics_of_point_groups_are_as_many_as_molien_says():
    wanted = {"O": [1, 0, 0, 0, 1, 0, 1, 0, 1, 1, 1], "I": [1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1]}
    for name, numbers in wanted.items():
        spaces = islice(Sphere(2).eigenspaces(), 11)
        assert [total(space, point_group(name)) for space in spaces] == numbers
    assert [total(space, ABOUT_Z) for space in islice(Sphere(2).eigenspaces(), 6)] == [1] * 6
    assert [total(space, sd.candidates.so(3)) for space in islice(Sphere(2).eigenspaces(), 4)] == [1, 0, 0, 0]


def test_scalar_invariants_of_two_spheres_turned_together_are_one_a_degree():
    """Functions of x.y, by the Legendre polynomial of each degree."""
    both = Product(Sphere(2), Sphere(2))
    found = {space.eigenvalue: total(space, sd.candidates.so(3, copies=2)) for space in islice(both.eigenspaces(), 5)}
    assert found == {0.0: 1, 2.0: 0, 4.0: 1, 6.0: 0, 8.0: 0}


ORDERS = {
    "permutations": (Torus(20), sd.groups.permutations(20), factorial(20)),
    "signed permutations": (Torus(9), sd.groups.permutations(9) + sd.groups.sign_flips(9), factorial(9) * 2**9),
    "cyclic": (Torus(20), sd.groups.cyclic(20), 20),
    "a long cycle": (Sphere(2), rotation(3000), 3000),
    "translations": (Torus(2), sd.groups.element(np.eye(2), [np.pi / 10, 0]) + TURN, 1600),
    "octahedral with inversion": (Sphere(2), point_group("Oi"), 48),
    "icosahedral": (Sphere(2), point_group("I"), 60),
    "dihedral": (Sphere(2), point_group("D6"), 12),
    "a translation that is none": (Torus(2), sd.groups.element(np.eye(2), [2 * np.pi, 0]), 1),
}


@pytest.mark.parametrize("name", ORDERS)
def test_orders_of_groups_count_what_acts_differently(name):
    manifold, group, order = ORDERS[name]
    assert group_order(manifold, as_isometries(manifold, group)) == order


@pytest.mark.parametrize(
    ("manifold", "group", "most"),
    [
        (Torus(8), sd.groups.sign_flips(8).generate(), 8),
        (Torus(4), sd.groups.permutations(4).generate(), 4),
        (Sphere(2), point_group("O").generate(), 4),
        (Torus(2), sd.groups.element(np.eye(2), [np.pi, 0]) + TURN + TURN + (TURN @ TURN), 2),
    ],
    ids=["flips", "permutations", "rotations of a cube", "translations"],
)
def test_a_list_of_elements_is_generated_by_at_most_log2_of_them(manifold, group, most):
    whole = as_isometries(manifold, group)
    kept = without_redundant(manifold, whole)
    assert kept.rho <= most
    assert group_order(manifold, kept) == group_order(manifold, whole)


def test_elements_of_a_group_without_end_are_all_kept():
    turns = as_isometries(Torus(1), sd.groups.element(np.eye(1), [1.0]) + sd.groups.element(np.eye(1), [2.0]))
    assert without_redundant(Torus(1), turns).rho == 2


def test_enumerated_elements_are_a_group():
    group = as_isometries(Sphere(2), point_group("T"))
    matrices, _ = enumerated(Sphere(2), group)
    products = np.einsum("gij,hjk->ghik", matrices, matrices).reshape(-1, 9)
    distances = np.abs(products[:, None] - matrices.reshape(1, -1, 9)).max(axis=2)
    assert len(matrices) == 12 and distances.min(axis=1).max() < 1e-12


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Torus(0), "dim must be a whole number"),
        (lambda: Torus(2, (1.0, -1.0)), "period must be positive"),
        (lambda: Sphere(2, 0.0), "radius must be positive"),
        (lambda: Box((0, 0), (1, 0)), "low must be below high"),
        (lambda: Product(), "Product takes manifolds"),
        (lambda: Sphere(2).check(np.ones((3, 3))), "sample 0 has length 1.73205"),
        (lambda: Box((0,), (1,)).check(np.array([[1.5]])), "leaves Box"),
        (lambda: Product(Sphere(2), Torus(1)).check(np.ones((2, 4))), "is not on Sphere"),
        (lambda: point_group("Q"), "name must be C or D"),
        (lambda: rotation(0), "fold must be a whole number"),
        (lambda: rotation(3, (0, 0, 0)), "axis must be three numbers"),
    ],
)
def test_what_is_no_manifold_and_no_point_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("manifold", "group", "message"),
    [
        (Sphere(2), sd.candidates.scalings(3), "not antisymmetric"),
        (Sphere(2), sd.candidates.translations(3), "moves the centre"),
        (Sphere(2), sd.groups.element(2 * np.eye(3)), "not orthogonal"),
        (Sphere(2), sd.groups.element(np.eye(3), [1, 0, 0]), "moves the centre"),
        (Sphere(2), sd.groups.sign_flips(2), "acts on 2 coordinates"),
        (Torus(2), sd.candidates.so(2), "only translations are"),
        (Torus(2), rotation(3).representation()[:, :2, :2], "only translations are"),
        (Torus(2), sd.groups.element([[0.6, 0.8], [-0.8, 0.6]]), "permute axes and flip signs"),
        (Torus(2, (1.0, 2.0)), sd.groups.permutations(2), "axes of different period"),
        (Box((0, 0), (1, 1)), sd.groups.sign_flips(2), "moves the centre"),
        (Box((0, 0), (1, 2)), sd.groups.permutations(2), "sides of different length"),
        (Box((0, 0), (1, 1)), sd.candidates.translations(2), "no continuous symmetry"),
        (Product(Sphere(2), Sphere(2)), sd.candidates.so(6), "mixes factors"),
        (Product(Sphere(1), Torus(2)), sd.groups.permutation([2, 3, 0, 1]), "exchanges factors that differ"),
        (Torus(1), sd.groups.element([[1]], reverses_time=True), "reverses time"),
        (Torus(1), sd.candidates.translations(1, time_scaling=True), "rescales time"),
    ],
)
def test_what_does_not_act_by_isometries_is_refused(manifold, group, message):
    with pytest.raises(ValueError, match=message):
        as_isometries(manifold, group)


def test_groups_without_end_are_refused_where_elements_are_listed():
    golden = sd.groups.element(np.eye(1), [1.0])
    with pytest.raises(ValueError, match="more than 100000 elements"):
        group_order(Torus(1), as_isometries(Torus(1), golden))
    with pytest.raises(ValueError, match="continuous"):
        group_order(Sphere(2), as_isometries(Sphere(2), ABOUT_Z))
