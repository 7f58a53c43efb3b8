import numpy as np
import pytest

from symdyn.functions.features import CentralForce, Polynomial
from symdyn.lie import candidates
from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.lie.vectorfields import VectorField
from symdyn.testing import assert_equivariant, assert_symmetric

SPRING = VectorField(Polynomial(1), np.array([[0, -0.1, -1.0], [0, 1.0, -0.1]]), ("x", "y"))
KEPLER = LieAlgebra(candidates.so(3) + candidates.from_matrices(np.eye(3)[None], time_scaling=[1.5]))


def newton(strength=1.0):
    law = np.hstack([np.zeros((3, 3)), -np.diag([strength, 1, 1])])
    return VectorField(CentralForce((0, 3)), law, ("x", "y", "z", "vx", "vy", "vz"))


@pytest.mark.parametrize(
    "symmetry",
    [
        candidates.so(2),
        candidates.so(2) + candidates.scalings(2).combine([[1, 1]]),
        LieAlgebra(candidates.so(2)),
        [candidates.so(2), np.eye(2)[None]],
    ],
)
def test_a_spiral_is_symmetric_under_rotations_and_the_scaling(symmetry):
    assert_symmetric(SPRING, symmetry)


def test_a_broken_generator_is_named():
    with pytest.raises(AssertionError, match=r"violation .* under x0 ∂x0$"):
        assert_symmetric(SPRING, [candidates.so(2), candidates.scalings(2)])


def test_the_violation_is_relative():
    nearly = VectorField(SPRING.features, SPRING.coefficients + [[0, 1e-7, 0], [0, 0, 0]], SPRING.states)
    for factor in (1e-6, 1.0, 1e6):
        scaled = VectorField(nearly.features, factor * nearly.coefficients, nearly.states)
        assert_symmetric(scaled, candidates.so(2), tolerance=1e-6)
        with pytest.raises(AssertionError):
            assert_symmetric(scaled, candidates.so(2), tolerance=1e-9)


def test_newtons_law_is_symmetric_as_a_law_of_second_order_only():
    assert_symmetric(newton(), KEPLER, kind="second_order")
    with pytest.raises(AssertionError):
        assert_symmetric(newton(1.001), KEPLER, kind="second_order")
    slower = LieAlgebra(candidates.from_matrices(np.eye(3)[None], time_scaling=[1.0]))
    with pytest.raises(AssertionError, match="t ∂t"):
        assert_symmetric(newton(), slower, kind="second_order")


def test_invariants_are_told_from_other_scalars():
    radius = VectorField(Polynomial(2), np.array([[1.0, 0, 0, 2, 0, 2]]), ("x", "y"))
    assert_symmetric(radius, candidates.so(2), kind="invariant")
    squash = VectorField(Polynomial(2), np.array([[1.0, 0, 0, 2, 0, 1]]), ("x", "y"))
    with pytest.raises(AssertionError):
        assert_symmetric(squash, candidates.so(2), kind="invariant")


def test_a_law_that_is_no_number_is_not_symmetric():
    with pytest.raises(AssertionError, match="nan"):
        assert_symmetric(VectorField(SPRING.features, np.nan * SPRING.coefficients, SPRING.states), candidates.so(2))


def test_the_zero_law_has_every_symmetry():
    assert_symmetric(VectorField(SPRING.features, 0 * SPRING.coefficients, SPRING.states), candidates.affine(2))


def turn(angle):
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def test_equivariance_of_a_map_needs_both_representations():
    points = np.random.default_rng(0).standard_normal((50, 2))

    def squared(z):  # z -> z^2 in the complex plane turns by twice the angle
        return np.column_stack([z[:, 0] ** 2 - z[:, 1] ** 2, 2 * z[:, 0] * z[:, 1]])

    assert_equivariant(squared, turn(0.7), turn(1.4), points)
    with pytest.raises(AssertionError, match="equivariance error"):
        assert_equivariant(squared, turn(0.7), turn(0.7), points)


def test_equivariance_is_judged_relative_to_the_values():
    points = np.random.default_rng(1).standard_normal((50, 2))

    def slightly_off(z):
        return 1e6 * z + np.array([1.0, 0.0])

    assert_equivariant(slightly_off, turn(0.7), turn(0.7), points, tolerance=1e-5)
    with pytest.raises(AssertionError):
        assert_equivariant(slightly_off, turn(0.7), turn(0.7), points, tolerance=1e-8)


def test_a_map_to_nan_is_not_equivariant():
    with pytest.raises(AssertionError, match="nan"):
        assert_equivariant(lambda z: np.nan * z, turn(0.7), turn(0.7), np.ones((3, 2)))


@pytest.mark.parametrize("size", [1e-9, 1e-3, 1.0])
def test_a_term_that_breaks_an_invariant_is_measured_by_its_share(size):
    """Of x^2 + y^2 + c x y the rotation takes c (y^2 − x^2): a small term is a small violation, never none."""
    broken = VectorField(Polynomial(2), np.array([[0, 0, 0, 1, size, 1.0]]), ("x", "y"))
    with pytest.raises(AssertionError, match="violation"):
        assert_symmetric(broken, candidates.so(2), kind="invariant")
    assert_symmetric(broken, candidates.so(2), kind="invariant", tolerance=2 * size)
