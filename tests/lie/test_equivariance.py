import numpy as np
import pytest

import symdyn as sd
from symdyn.functions.features import CentralForce, Polynomial
from symdyn.lie import candidates
from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.lie.constraints.subspace import null_space, pivoted_basis
from symdyn.lie.vectorfields import VectorField
from symdyn.testing import assert_equivariant, assert_symmetric


@pytest.mark.parametrize(
    ("n", "degree", "dim"), [(2, 1, 2), (2, 2, 2), (2, 3, 4), (2, 5, 6), (3, 1, 1), (3, 3, 2), (3, 5, 3)]
)
def test_equivariant_polynomial_fields_are_as_many_as_theory_says(n, degree, dim):
    assert sd.equivariant_subspace(Polynomial(degree), candidates.so(n)).dim == dim


def test_invariant_polynomials_of_rotations_are_powers_of_the_radius():
    subspace = sd.equivariant_subspace(Polynomial(4), candidates.so(3), output="invariant")
    assert subspace.dim == 3 and subspace.shape == (1, 35)


def test_keplers_symmetry_leaves_newtons_law():
    symmetry = candidates.so(3) + candidates.from_matrices(np.eye(3)[None], time_scaling=[1.5])
    library = CentralForce(range(6)) + Polynomial(1, columns=(3, 4, 5))
    subspace = sd.equivariant_subspace(library, symmetry, output="second_order")
    names = library.names("x y z vx vy vz".split())
    assert subspace.dim == 1
    np.testing.assert_allclose(subspace.expand([2.0])[:, names.index("x |q|^-3") :][:, :3], 2 * np.eye(3), atol=1e-10)


def test_every_member_keeps_the_symmetry_and_coordinates_are_coefficients():
    symmetry = candidates.so(2)
    subspace = sd.equivariant_subspace(Polynomial(5), symmetry)
    beta = np.random.default_rng(0).standard_normal(subspace.dim)
    member = subspace.expand(beta)
    assert_symmetric(VectorField(Polynomial(5), member, ("x", "y")), symmetry)
    np.testing.assert_allclose(subspace.coordinates(member), beta, atol=1e-12)
    np.testing.assert_array_equal(member.ravel()[subspace.pivots], beta)


def test_tuples_are_printed():
    subspace = sd.equivariant_subspace(Polynomial(3), candidates.so(2))
    names = Polynomial(3).names(["x", "y"])
    assert "x^3 + x y^2 in x', x^2 y + y^3 in y'" in subspace.describe(["x", "y"], names)


def test_error_bars_of_a_generator_set_the_rank_cut():
    """An inexact generator used as exact removes true terms; with its error bar they stay."""
    inexact = np.array([[0.01, 1.008], [-0.992, -0.006]])
    matrices = inexact[None]
    assert sd.equivariant_subspace(Polynomial(3), LieAlgebra.from_matrices(matrices)).dim < 4
    with_bars = LieAlgebra.from_matrices(matrices, errors=0.01)
    assert sd.equivariant_subspace(Polynomial(3), with_bars).dim == 4
    assert sd.equivariant_subspace(Polynomial(3), with_bars.canonical()).dim == 4


def test_several_symmetries_leave_what_each_leaves():
    rotation, scaling = candidates.so(2), candidates.from_matrices(np.eye(2)[None])
    both = sd.equivariant_subspace(Polynomial(3), [rotation, scaling])
    assert both.dim == sd.equivariant_subspace(Polynomial(3), rotation + scaling).dim == 2


def test_matrices_and_subspaces_are_taken_for_what_they_are():
    turn = np.array([[0.0, 1.0], [-1.0, 0.0]])
    subspace = sd.equivariant_subspace(Polynomial(3), turn)
    assert subspace.dim == sd.equivariant_subspace(Polynomial(3), turn[None]).dim == 4
    assert sd.equivariant_subspace(Polynomial(3), subspace) is subspace


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="output must be one of"):
        sd.equivariant_subspace(Polynomial(2), candidates.so(2), output="tensor")
    with pytest.raises(TypeError, match="a symmetry is"):
        sd.equivariant_subspace(Polynomial(2), {"so": 2})
    with pytest.raises(ValueError, match="different numbers of states"):
        sd.equivariant_subspace(Polynomial(2), [candidates.so(2), candidates.so(3)])


def test_null_space_is_orthonormal_and_complete():
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((30, 4)) @ rng.standard_normal((4, 9)) * np.logspace(-6, 6, 9)
    basis = null_space(rows)
    assert basis.shape == (9, 5)
    np.testing.assert_allclose(basis.T @ basis, np.eye(5), atol=1e-12)
    np.testing.assert_allclose(rows @ basis, 0, atol=1e-9 * np.abs(rows).max())


def test_pivoted_basis_spans_the_same_space():
    basis = np.linalg.qr(np.random.default_rng(0).standard_normal((9, 3)))[0]
    scaled, pivots = pivoted_basis(basis)
    np.testing.assert_array_equal(scaled[pivots], np.eye(3))
    assert np.linalg.matrix_rank(np.hstack([basis, scaled]), tol=1e-10) == 3
    assert pivoted_basis(np.zeros((4, 0)))[0].shape == (4, 0)


def test_assertions_fail_where_symmetry_does():
    law = VectorField(Polynomial(1), np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 2.0]]), ("x", "y"))
    with pytest.raises(AssertionError, match=r"violation .* under"):
        assert_symmetric(law, candidates.so(2))
    assert_symmetric(law, candidates.scalings(2))
    points = np.random.default_rng(0).standard_normal((5, 2))
    flip = np.diag([-1.0, 1.0])
    assert_equivariant(law, flip, flip, points)
    swap = np.array([[0.0, 1.0], [1.0, 0.0]])
    with pytest.raises(AssertionError, match="equivariance error"):
        assert_equivariant(law, swap, swap, points)
