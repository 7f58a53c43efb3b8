import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symdyn.lie import candidates
from symdyn.lie.algebra import LieAlgebra
from symdyn.lie.classify import abelian_name, algebra_name, is_rotation

NAMED = {
    "so(3)": candidates.so(3),
    "so(1,3)": candidates.lorentz(1, 3),
    "sl(2)": candidates.lorentz(1, 2),
    "sl(2) + R": candidates.gl(2),
    "so(2,2)": candidates.lorentz(2, 2),
    "so(2,3)": candidates.symplectic(4),
    "so(5)": candidates.so(5),
    "so(1,4)": candidates.lorentz(1, 4),
    "R^2": candidates.scalings(2),
}


@pytest.mark.parametrize("name", NAMED)
def test_name_does_not_depend_on_the_basis(name):
    basis = NAMED[name]
    mixture = np.linalg.qr(np.random.default_rng(5).standard_normal((len(basis),) * 2))[0]
    assert LieAlgebra(basis.combine(mixture)).name == name


@settings(max_examples=10, deadline=None)
@given(log_units=st.lists(st.floats(-1, 1), min_size=3, max_size=3))
def test_name_does_not_depend_on_units(log_units):
    units = 10.0 ** np.array(log_units)
    rescaled = [matrix * units[:, None] / units for matrix in LieAlgebra(candidates.so(3)).matrices]
    assert LieAlgebra.from_matrices(rescaled).name == "so(3)"


def test_nilpotent_and_solvable_algebras_stay_unnamed():
    heisenberg = np.zeros((3, 3, 3))
    heisenberg[0, 0, 1] = heisenberg[1, 1, 2] = heisenberg[2, 0, 2] = 1
    assert LieAlgebra.from_matrices(heisenberg).name == "unnamed, dimension 3"
    assert LieAlgebra(candidates.affine(1)).name == "unnamed, dimension 2"
    assert LieAlgebra(candidates.se(3)).name == "unnamed, dimension 6"


def test_an_algebra_without_brackets_is_abelian():
    assert algebra_name(np.zeros((2, 2, 2))) == "R^2"
    assert [abelian_name(n) for n in range(4)] == ["0", "R", "R^2", "R^3"]


@pytest.mark.parametrize(
    ("matrix", "turns"),
    [
        ([[0, 1], [-1, 0]], True),
        ([[0, 4], [-1, 0]], True),  # a rotation in other units
        ([[0, 1], [1, 0]], False),
        ([[1, 0], [0, -1]], False),
        ([[0, 1], [0, 0]], False),
        ([[-0.1, 1], [-1, -0.1]], False),
        (np.kron([[1, 1], [0, 1]], [[0, 1], [-1, 0]]), False),  # turning, but growing linearly
        (np.zeros((2, 2)), False),
    ],
)
def test_rotations_are_the_bounded_oscillations(matrix, turns):
    assert is_rotation(np.array(matrix, dtype=float)) is turns


@pytest.mark.parametrize(
    ("generators", "name"),
    [
        (candidates.so(2), "so(2)"),
        (candidates.from_matrices([[[0, 4], [-1, 0]]]), "so(2)"),
        (candidates.translations(1), "R"),
        (candidates.lorentz(1, 1), "R"),
        (candidates.from_matrices(np.eye(2)[None], time_scaling=[1.5]), "R"),
        (candidates.from_matrices([[[0, 1], [-1, 0]]], time_scaling=[1.0]), "R"),  # does not come round
        (candidates.polynomial(1, 2).combine([[0, 0, 1]]), "R"),
    ],
)
def test_one_generator_is_a_circle_or_a_line(generators, name):
    assert LieAlgebra(generators).name == name
