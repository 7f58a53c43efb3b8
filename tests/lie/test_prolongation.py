import numpy as np
import pytest

import symdyn as sd
from symdyn.functions.features import CentralForce, Polynomial
from symdyn.lie import candidates
from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.lie.prolongation import affine_parts, first_order, prolong, velocity_names
from symdyn.lie.structure.brackets import structure_constants
from symdyn.lie.vectorfields import VectorField
from symdyn.testing import assert_symmetric

KEPLER = candidates.so(3) + candidates.from_matrices(np.eye(3)[None], time_scaling=[1.5])


def test_prolongation_keeps_brackets():
    for generators in (KEPLER, candidates.affine(2), candidates.lorentz(1, 2)):
        np.testing.assert_allclose(
            structure_constants(prolong(generators)), structure_constants(generators), atol=1e-10
        )


def test_prolongation_is_linear():
    generators = candidates.affine(2, time_scaling=True)
    weights = np.random.default_rng(0).standard_normal((3, 7))
    np.testing.assert_allclose(
        prolong(generators.combine(weights)).vectors(), weights @ prolong(generators).vectors(), atol=1e-14
    )


def test_velocities_do_not_notice_translations():
    constant, linear = affine_parts(prolong(candidates.translations(2)))
    np.testing.assert_array_equal(constant, [[1, 0, 0, 0], [0, 1, 0, 0]])
    assert not np.any(linear)


def test_velocities_are_named_after_positions():
    assert velocity_names(("x", "y")) == ("vx", "vy")
    assert prolong(candidates.so(2, states="xy")).states == ("x", "y", "vx", "vy")


def test_symmetry_of_a_second_order_law_is_the_prolonged_symmetry_of_its_flow():
    law = VectorField(CentralForce((3,)), -np.eye(3), tuple("x y z vx vy vz".split()))
    assert_symmetric(law, KEPLER, kind="second_order", tolerance=1e-11)
    flow = first_order(law)
    assert_symmetric(flow, prolong(KEPLER).renamed(flow.states), tolerance=1e-11)


def test_prolonged_error_bars_are_those_of_prolonged_draws():
    rng = np.random.default_rng(0)
    root = 0.1 * rng.standard_normal((14, 14))
    algebra = LieAlgebra(candidates.gl(2, time_scaling=True).combine(rng.standard_normal((2, 5))), root @ root.T)
    moves = rng.standard_normal((4000, 14)) @ root.T
    drawn = prolong(algebra.basis.with_vectors(moves.reshape(8000, 7))).vectors().reshape(4000, -1)
    expected = algebra.prolong().covariance
    np.testing.assert_allclose(np.cov(drawn.T), expected, atol=0.08 * np.abs(expected).max())


def test_prolonged_exact_generators_stay_exact():
    prolonged = LieAlgebra(KEPLER).prolong()
    assert prolonged.exact.all()
    assert sd.equivariant_subspace(Polynomial(1), prolonged).dim > 0
    assert prolonged.name == "so(3) + R"


def test_nonlinear_generators_are_refused():
    with pytest.raises(ValueError, match="not affine"):
        prolong(candidates.polynomial(2, 2))
