import numpy as np
import pytest
from catalogue import DEFORMABLE, LARGE, NAMED, RIGID, WITHOUT_NAME, in_another_basis, with_noise
from hypothesis import given, settings
from hypothesis import strategies as st

from symdyn.lie import candidates
from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.lie.structure.classify import abelian_name, algebra_name, is_rotation


@pytest.mark.parametrize("name", NAMED)
def test_name_does_not_depend_on_the_basis(name):
    rng = np.random.default_rng(sum(map(ord, name)))
    for condition in (1, 20):
        assert algebra_name(in_another_basis(NAMED[name], rng, condition)) == name


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    condition=st.floats(1, 20),
    name=st.sampled_from([name for name in NAMED if name not in LARGE]),
)
def test_name_is_the_same_in_every_basis(seed, condition, name):
    assert algebra_name(in_another_basis(NAMED[name], np.random.default_rng(seed), condition)) == name


@pytest.mark.parametrize("number", range(len(WITHOUT_NAME)))
def test_solvable_algebras_without_a_name_get_none(number):
    c = in_another_basis(WITHOUT_NAME[number], np.random.default_rng(number), 10)
    assert algebra_name(c) == f"unnamed, dimension {len(c)}"


@pytest.mark.parametrize("name", [name for name in RIGID if len(RIGID[name]) <= 8])
def test_rigid_algebras_are_named_from_noisy_constants(name):
    rng = np.random.default_rng(sum(map(ord, name)))
    assert algebra_name(with_noise(in_another_basis(RIGID[name], rng), 0.02, rng)) == name


@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    condition=st.floats(1, 20),
    name=st.sampled_from(["so(3)", "sl(2)", "so(4)", "so(1,3)", "so(3) + R", "sl(2) ⋉ R^2", "se(2)", "heis(3) + R"]),
)
def test_noise_hides_a_name_but_makes_up_no_other(seed, condition, name):
    rng = np.random.default_rng(seed)
    c = with_noise(in_another_basis({**RIGID, **DEFORMABLE}[name], rng, condition), 0.02, rng)
    assert algebra_name(c) in (name, f"unnamed, dimension {len(c)}")


@pytest.mark.parametrize(
    "name", ["se(2)", "e(1,1)", "heis(3)", "heis(3) + R", "aff(1) + R", "se(2) + R", "so(3) + R^3"]
)
def test_within_a_tolerance_deformable_algebras_are_named_too(name):
    rng = np.random.default_rng(sum(map(ord, name)))
    c = with_noise(in_another_basis(DEFORMABLE[name], rng), 0.01, rng)
    assert algebra_name(c) == f"unnamed, dimension {len(c)}"
    assert algebra_name(c, tolerance=0.05) == name


def test_a_large_sphere_has_the_name_of_the_plane_only_within_a_tolerance():
    sphere = DEFORMABLE["se(2)"].copy()
    sphere[1, 2, 0], sphere[2, 1, 0] = -0.02, 0.02  # two translations turn a little
    assert algebra_name(sphere) == "so(3)"
    assert algebra_name(with_noise(sphere, 0.005, np.random.default_rng(0)), tolerance=0.05) == "se(2)"


def test_noise_that_is_known_is_taken_into_account():
    assert algebra_name(DEFORMABLE["se(2)"], noise=0.02) == "unnamed, dimension 3"
    assert algebra_name(RIGID["so(3)"], noise=0.02) == "so(3)"


def test_constants_of_no_algebra_stay_unnamed():
    rng = np.random.default_rng(0)
    assert algebra_name(with_noise(np.zeros((4, 4, 4)) + RIGID["so(3) + R"], 0.5, rng)) == "unnamed, dimension 4"
    assert algebra_name(np.ones((3, 3, 3))) == "unnamed, dimension 3"


@pytest.mark.parametrize(
    ("constants", "tolerance", "message"),
    [
        (np.zeros((2, 3, 2)), None, r"\(n, n, n\)"),
        (np.full((2, 2, 2), np.nan), None, "finite"),
        (np.zeros((2, 2, 2)), -1.0, "between 0 and 1"),
        (np.zeros((2, 2, 2)), 2.0, "between 0 and 1"),
    ],
)
def test_bad_constants_are_named(constants, tolerance, message):
    with pytest.raises(ValueError, match=message):
        algebra_name(constants, tolerance)


@settings(max_examples=10, deadline=None)
@given(log_units=st.lists(st.floats(-1, 1), min_size=3, max_size=3))
def test_name_does_not_depend_on_units(log_units):
    units = 10.0 ** np.array(log_units)
    rescaled = [matrix * units[:, None] / units for matrix in LieAlgebra(candidates.so(3)).matrices]
    assert LieAlgebra.from_matrices(rescaled).name == "so(3)"


@pytest.mark.parametrize(
    ("generators", "name"),
    [
        (candidates.affine(1), "aff(1)"),
        (candidates.affine(2), "aff(2)"),
        (candidates.se(3), "se(3)"),
        (candidates.symplectic(4), "so(2,3)"),
        (candidates.se(3) + candidates.from_matrices(np.eye(3)[None], time_scaling=[1.0]), "(so(3) + R) ⋉ R^3"),
        (candidates.polynomial(1, 2), "sl(2)"),  # projective maps of the line
        (candidates.lorentz(1, 3) + candidates.translations(4), "iso(1,3)"),
        (candidates.scalings(2) + candidates.translations(2), "aff(1) + aff(1)"),
    ],
)
def test_candidates_have_the_names_they_are_asked_for_by(generators, name):
    assert LieAlgebra(generators).name == name


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
