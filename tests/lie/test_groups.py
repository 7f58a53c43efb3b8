import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import symdyn as sd
from symdyn.functions.features import Polynomial
from symdyn.lie import candidates, groups
from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.lie.constraints.equivariance import difference
from symdyn.lie.vectorfields import VectorField
from symdyn.testing import assert_symmetric

QUARTER = np.array([[0.0, -1.0], [1.0, 0.0]])


def turn(angle):
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def random_element(rng, n=3):
    matrix = np.linalg.qr(rng.standard_normal((n, n)))[0] * rng.uniform(0.5, 2)
    return groups.element(matrix, rng.standard_normal(n), reverses_time=bool(rng.integers(2)))


def test_elements_are_named_by_what_they_do():
    xyz = {"states": "xyz"}
    assert groups.sign_flip([-1, -1, 1], **xyz).texts() == ["x -> -x, y -> -y"]
    assert groups.permutation([1, 0, 2], **xyz).texts() == ["swap x, y"]
    assert groups.permutation([1, 2, 0], **xyz).texts() == ["cycle x -> y -> z"]
    assert groups.permutation([1, 0, 3, 2]).texts() == ["swap x0, x1; swap x2, x3"]
    assert groups.element(QUARTER, [1, 0], states="pq").texts() == ["p -> 1 - q, q -> p"]
    assert groups.element(turn(np.pi / 6), states="pq").texts() == ["p -> 0.866 p - 0.5 q, q -> 0.5 p + 0.866 q"]
    reversal = groups.sign_flip([1, -1], reverses_time=True, states="xv")
    assert reversal.texts() == ["v -> -v, t -> -t"]
    assert (reversal @ reversal).texts() == ["identity"]
    assert groups.element(np.eye(2), reverses_time=True).texts() == ["t -> -t"]


def test_a_permutation_puts_the_states_in_the_given_order():
    points = np.random.default_rng(0).standard_normal((5, 4))
    order = [2, 0, 3, 1]
    np.testing.assert_array_equal(groups.permutation(order).images(points)[:, :, 0], points[:, order])


def test_groups_have_as_many_elements_as_theory_says():
    assert [len(groups.sign_flips(n).generate()) for n in (1, 2, 4)] == [2, 4, 16]
    assert [len(groups.permutations(n).generate()) for n in (2, 3, 5)] == [2, 6, 120]
    assert [len(groups.cyclic(n).generate()) for n in (2, 3, 7)] == [2, 3, 7]
    signed = groups.sign_flips(3) + groups.permutations(3)
    assert len(signed.generate()) == 48  # the symmetries of the cube
    for m in (3, 5, 8):  # dihedral groups: products of rotations by irrational entries lose digits
        assert len(groups.elements([turn(2 * np.pi / m), np.diag([1.0, -1.0])]).generate()) == 2 * m


@pytest.mark.parametrize("group", [groups.permutations(4), groups.sign_flips(3) + groups.cyclic(3)])
def test_a_generated_group_is_closed_and_the_order_of_each_element_divides_its_size(group):
    whole = group.generate()
    assert whole.is_identity()[0] and np.all(whole.index(whole @ whole) >= 0)
    assert np.all(whole.index(whole.inverse()) >= 0)
    assert not np.any(len(whole) % whole.orders())


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**31))
def test_products_act_one_after_the_other_and_inverses_undo(seed):
    rng = np.random.default_rng(seed)
    g, h = random_element(rng), random_element(rng)
    points = rng.standard_normal((6, 3))
    after = g.images(h.images(points)[:, :, 0])
    np.testing.assert_allclose((g @ h).images(points), after, atol=1e-12)
    assert (g @ h).reverses_time[0] == (g.reverses_time[0] != h.reverses_time[0])
    assert (g @ g.inverse()).is_identity()[0] == (g.inverse() @ g).is_identity()[0] == True  # noqa: E712
    assert ((g @ h).inverse()).index(h.inverse() @ g.inverse())[0] == 0


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**31))
def test_prolonging_keeps_products(seed):
    rng = np.random.default_rng(seed)
    g, h = random_element(rng), random_element(rng)
    assert (g @ h).prolong().index(g.prolong() @ h.prolong())[0] == 0


def test_velocities_turn_around_with_time():
    both = groups.sign_flip([-1], states=["x"]) + groups.element([[1.0]], reverses_time=True)
    assert both.prolong().texts() == ["x -> -x, vx -> -vx", "vx -> -vx, t -> -t"]
    shift = groups.element([[1.0]], [2.0], states=["x"])
    assert shift.prolong().texts() == ["x -> 2 + x"]


def test_a_search_looks_at_every_element_of_each_group_once():
    flips, orders = groups.sign_flips(3, states="xyz"), groups.permutations(3, states="xyz")
    assert len(flips) == 3 and len(flips.searched()) == 7
    assert orders.searched().texts() == ["swap x, y", "cycle x -> y -> z", "swap x, z", "swap y, z"]
    assert len((flips + orders).searched()) == 11  # a symmetry and its inverse stand and fall together
    assert len((flips + flips).searched()) == 7
    quarter = groups.element(QUARTER)
    assert len(quarter.searched()) == 1 and len((quarter + groups.sign_flips(2)).searched()) == 4
    assert len(groups.element(np.eye(2)).searched()) == 0


def test_orders_of_elements_and_of_none():
    some = groups.elements([QUARTER, turn(2 * np.pi / 5), turn(1.0), np.eye(2)])
    np.testing.assert_array_equal(some.orders(cap=50), [4, 5, 0, 1])
    assert groups.element(np.eye(2), [1.0, 0.0]).orders(cap=50)[0] == 0
    assert groups.element(np.eye(2), reverses_time=True).orders()[0] == 2


def test_elements_join_generators_in_a_list():
    flips, turns = groups.sign_flips(2), candidates.so(2)
    assert flips + turns == [flips, turns] and [turns] + flips == [turns, flips]
    assert flips + [turns] == [flips, turns]


def test_one_element_is_taken_by_its_index():
    flips = groups.sign_flips(2, states="xy")
    assert [e.texts()[0] for e in flips] == ["x -> -x", "y -> -y"] and flips[-1].texts() == ["y -> -y"]
    with pytest.raises(IndexError, match="index 2"):
        _ = flips[2]
    assert flips.renamed("ab").texts() == ["a -> -a", "b -> -b"]


def test_representations_are_block_diagonal():
    matrices = groups.cyclic(3).representation(copies=2)
    assert matrices.shape == (1, 6, 6)
    np.testing.assert_array_equal(matrices[0], np.kron(np.eye(2), np.eye(3)[[1, 2, 0]]))
    with pytest.raises(ValueError, match="no linear representation"):
        groups.element(np.eye(2), [1, 0]).representation()


def test_bad_elements_are_named():
    with pytest.raises(ValueError, match=r"shape \(n, n\)"):
        groups.element(np.ones((2, 3)))
    with pytest.raises(ValueError, match="singular"):
        groups.element(np.ones((2, 2)))
    with pytest.raises(ValueError, match="finite"):
        groups.element([[np.nan]])
    with pytest.raises(ValueError, match=r"translation must have shape \(2,\)"):
        groups.element(np.eye(2), [1.0])
    with pytest.raises(ValueError, match="each of 0 "):
        groups.permutation([0, 0, 1])
    with pytest.raises(ValueError, match=r"\+1 or -1"):
        groups.sign_flip([1, 0.5])
    with pytest.raises(ValueError, match="names 3 states, the elements act on 2"):
        groups.sign_flips(2, states="xyz")
    with pytest.raises(ValueError, match="needs at least 2"):
        groups.cyclic(1)
    with pytest.raises(ValueError, match="at least one element"):
        groups.elements([])
    for join in (lambda a, b: a + b, lambda a, b: a @ b):
        with pytest.raises(ValueError, match="2 and on 3 states"):
            join(groups.sign_flips(2), groups.sign_flips(3))
    with pytest.raises(ValueError, match="different numbers of states"):
        groups.elements([np.eye(2), np.eye(3)])
    with pytest.raises(ValueError, match="more than 100 elements"):
        groups.element(turn(1.0)).generate(cap=100)
    with pytest.raises(ValueError, match=r"points must have shape \(sample, 2\)"):
        groups.sign_flips(2).images(np.ones((4, 3)))


# Degree 3 in the plane: z' = a z + b |z|^2 z + c conj(z)^3 keeps quarter turns, each coefficient complex.
@pytest.mark.parametrize(
    ("symmetry", "degree", "dim"),
    [
        (groups.element(QUARTER), 3, 6),
        (groups.elements([QUARTER, np.diag([1.0, -1.0])]), 3, 3),
        (groups.element(turn(2 * np.pi / 3)), 2, 4),  # z and conj(z)^2
        (groups.sign_flip([-1, -1]), 3, 12),  # odd terms only
        (groups.sign_flip([-1, -1, 1]), 2, 14),
        (groups.cyclic(3), 1, 4),  # the first row is free
        (groups.permutations(3), 1, 3),
    ],
)
def test_equivariant_fields_of_finite_groups_are_as_many_as_theory_says(symmetry, degree, dim):
    assert sd.equivariant_subspace(Polynomial(degree), symmetry).dim == dim


def test_symmetric_polynomials_are_counted_by_partitions():
    invariants = sd.equivariant_subspace(Polynomial(4), groups.permutations(4), output="invariant")
    assert invariants.dim == 1 + 1 + 2 + 3 + 5
    even = sd.equivariant_subspace(Polynomial(4), groups.sign_flips(2), output="invariant")
    assert even.dim == 6  # 1, x^2, y^2, x^4, x^2 y^2, y^4


@pytest.mark.parametrize(("powers", "degree", "dim"), [((1, 1), 8, 5), ((1, 3), 8, 3), ((3, 7), 10, 2)])
def test_features_that_are_invariant_by_themselves_stay(powers, degree, dim):
    """Under x -> e^(p s) x, y -> e^(-q s) y the monomials x^(m q) y^(m p) are invariant, each exactly."""
    field = np.diag([0.1 * powers[0], -0.1 * powers[1]])
    assert sd.equivariant_subspace(Polynomial(degree), field, output="invariant").dim == dim
    step = groups.element(np.diag(np.exp(np.diag(field))))
    assert sd.equivariant_subspace(Polynomial(degree), step, output="invariant").dim == dim


def test_generators_ask_for_as_much_as_their_whole_group():
    group = groups.cyclic(3) + groups.sign_flip([-1, -1, -1])
    by_generators = sd.equivariant_subspace(Polynomial(3), group)
    by_all = sd.equivariant_subspace(Polynomial(3), group.generate())
    assert by_generators.dim == by_all.dim
    projections = [basis @ np.linalg.pinv(basis) for basis in (by_generators.basis, by_all.basis)]
    np.testing.assert_allclose(*projections, atol=1e-10)


def test_algebras_and_elements_mix():
    """Rotations leave (a + b r^2) z with a, b complex; a reflection makes them real."""
    mirror = groups.sign_flip([1, -1])
    assert sd.equivariant_subspace(Polynomial(3), candidates.so(2)).dim == 4
    for order in ([candidates.so(2), mirror], [mirror, candidates.so(2)], mirror + candidates.so(2)):
        assert sd.equivariant_subspace(Polynomial(3), order).dim == 2
    inexact = LieAlgebra.from_matrices(np.array([[[0.01, 1.008], [-0.992, -0.006]]]), errors=0.01)
    assert sd.equivariant_subspace(Polynomial(3), [inexact, mirror]).dim == 2


def test_every_member_keeps_the_elements():
    symmetry = groups.elements([groups.cyclic(3), groups.sign_flip([-1, -1, -1])])
    subspace = sd.equivariant_subspace(Polynomial(3), symmetry)
    member = subspace.expand(np.random.default_rng(0).standard_normal(subspace.dim))
    law = VectorField(Polynomial(3), member, ("x", "y", "z"))
    assert_symmetric(law, symmetry)
    with pytest.raises(AssertionError, match=r"violation .* under swap x0, x1"):
        assert_symmetric(law, groups.permutation([1, 0, 2]))


def test_identical_masses_on_springs_may_be_swapped():
    """q1'' = -q1 - c (q1 - q2) + d q1', and the same for the other; damping does not outlive time reversal."""
    law = np.array([[0, -1.5, 0.5, -0.1, 0], [0, 0.5, -1.5, 0, -0.1]])
    features = Polynomial(1)
    swap = groups.permutation([1, 0])
    damped = VectorField(features, law, ("q1", "q2", "v1", "v2"))
    assert_symmetric(damped, swap, kind="second_order")
    assert_symmetric(damped, swap + groups.sign_flip([-1, -1]), kind="second_order")
    reversal = groups.element(np.eye(2), reverses_time=True)
    with pytest.raises(AssertionError, match="t -> -t"):
        assert_symmetric(damped, reversal, kind="second_order")
    free = VectorField(features, law * [1, 1, 1, 0, 0], damped.states)
    assert_symmetric(free, reversal, kind="second_order")
    assert sd.equivariant_subspace(features, reversal, output="second_order").dim == 6


def test_sprotts_conservative_flow_is_reversible():
    """Case A of Sprott, Phys. Rev. E 50, R647 (1994): x' = y, y' = -x + y z, z' = 1 - y^2."""
    coefficients = np.zeros((3, 10))
    coefficients[0, 2], coefficients[1, [1, 8]], coefficients[2, [0, 7]] = 1, [-1, 1], [1, -1]
    law = VectorField(Polynomial(2), coefficients, ("x", "y", "z"))
    assert law.equations()[1:] == ["−x + y z", "1 − y^2"]
    assert_symmetric(law, groups.sign_flip([1, -1, -1], reverses_time=True))
    assert_symmetric(law, groups.sign_flip([-1, -1, 1]))
    with pytest.raises(AssertionError):
        assert_symmetric(law, groups.sign_flip([1, -1, -1]))


def test_translations_leave_constants():
    subspace = sd.equivariant_subspace(Polynomial(2), groups.element(np.eye(2), [0.7, 0.0]))
    assert subspace.dim == 6  # 1, y, y^2 for each of two outputs


def test_maps_have_no_reversal_and_inputs_are_not_mixed_into_states():
    points = np.ones((4, 2))
    reversal = groups.element(np.eye(2), reverses_time=True)
    with pytest.raises(ValueError, match="only flows"):
        difference(Polynomial(1), reversal, points, "map")
    with pytest.raises(ValueError, match="must not mix"):
        difference(Polynomial(1), groups.permutation([1, 0]), points, "flow", n_outputs=1)
    with pytest.raises(ValueError, match="kind must be"):
        difference(Polynomial(1), reversal, points, "tensor")


def test_symmetries_of_one_model_act_on_the_same_states():
    with pytest.raises(ValueError, match="different numbers of states"):
        sd.equivariant_subspace(Polynomial(2), [candidates.so(2), groups.sign_flips(3)])


def test_the_public_module_is_this_one():
    assert sd.groups is groups and "groups" in sd.__all__
