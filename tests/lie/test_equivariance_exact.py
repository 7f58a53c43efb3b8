"""Exact bases by terms, conserved quantities, stabilisers, libraries that are not closed."""

import numpy as np
import pytest

import symdyn as sd
from symdyn.functions.features import Fourier, Monomials, Polynomial
from symdyn.functions.space import Features
from symdyn.lie import groups
from symdyn.lie.constraints.equivariance import equivariant_subspace, generic_points
from symdyn.lie.constraints.monomial_action import polynomial_equations
from symdyn.lie.constraints.violation import explained_violations, terms_leaving
from symdyn.lie.vectorfields import VectorField
from symdyn.testing import assert_symmetric

FEATURES = Polynomial(3)
TURN = np.array([[0.0, 1.0], [-1.0, 0.0]])
SLANT = np.array([[1.0, np.sqrt(2)], [0.0, 1.0]])


class Opaque(Features):
    """The same polynomials, but not known to be such: what asks them is sampled."""

    def __init__(self, inner):
        self.inner = inner

    def __call__(self, points):
        return self.inner(points)

    def jacobian(self, points):
        return self.inner.jacobian(points)

    def names(self, states):
        return self.inner.names(states)

    def families(self, states):
        return self.inner.families(states)


SYMMETRIES = {
    "so(2)": sd.candidates.so(2),
    "se(2)": sd.candidates.se(2),
    "so(3)": sd.candidates.so(3),
    "lorentz": sd.candidates.lorentz(1, 2),
    "scaling, time": sd.candidates.from_matrices(np.diag([1.0, 2.0])[None], time_scaling=[-1.0]),
    "irrational": sd.candidates.from_matrices([SLANT @ TURN @ np.linalg.inv(SLANT)]),
    "cyclic": groups.cyclic(3),
    "sixth of a turn": groups.element([[0.5, -np.sqrt(0.75)], [np.sqrt(0.75), 0.5]]),
    "half step": groups.element(np.eye(2), [0.5, 0.0]),
    "reversal": groups.element(np.diag([1.0, -1.0]), reverses_time=True),
    "list": [sd.candidates.so(2), groups.sign_flip([1, -1])],
}


@pytest.mark.parametrize("name", SYMMETRIES)
@pytest.mark.parametrize("output", ["vector_field", "second_order", "invariant"])
def test_exact_and_sampled_equations_leave_the_same_space(name, output):
    symmetry = SYMMETRIES[name]
    exact = equivariant_subspace(Polynomial(2), symmetry, output=output)
    sampled = equivariant_subspace(Opaque(Polynomial(2)), symmetry, output=output)
    assert exact.dim == sampled.dim and exact.shape == sampled.shape
    inside = exact.basis @ np.linalg.lstsq(exact.basis, sampled.basis, rcond=None)[0]
    np.testing.assert_allclose(inside, sampled.basis, atol=1e-8)


@pytest.mark.parametrize(("copies", "degree", "dim"), [(1, 3, 2), (2, 2, 6), (3, 2, 18)])
def test_three_vectors_have_as_many_tuples_as_theory_says(copies, degree, dim):
    """Degree 2, m vectors: m linear maps and m (m − 1) / 2 cross products for each of m outputs."""
    subspace = equivariant_subspace(Polynomial(degree), sd.candidates.so(3, copies=copies))
    assert subspace.dim == dim
    assert np.all(subspace.basis == np.round(subspace.basis))  # exact: no rounding at all


def test_each_free_number_is_the_coefficient_of_the_first_term_of_its_tuple():
    subspace = equivariant_subspace(FEATURES, sd.candidates.so(2))
    for column, pivot in zip(subspace.basis.T, subspace.pivots, strict=True):
        assert not np.any(column[:pivot]) and column[pivot] == 1
    terms = subspace.describe(["x", "y"], FEATURES.names(["x", "y"]))
    assert terms == [
        "x in x', y in y'",
        "y in x', −x in y'",
        "x^3 + x y^2 in x', x^2 y + y^3 in y'",
        "x^2 y + y^3 in x', −x^3 − x y^2 in y'",
    ]


def test_monomials_outside_the_library_must_not_be_needed():
    """Without x y the squares cannot turn: only the linear terms stay."""
    squares = Monomials(((1, 0), (0, 1), (2, 0), (0, 2)))
    assert equivariant_subspace(squares, sd.candidates.so(2)).dim == 2
    assert polynomial_equations(squares, sd.candidates.so(2), 2, "flow", 2) is not None
    points = generic_points(squares, 2, 30, 0)
    mask = terms_leaving(squares, sd.LieAlgebra(sd.candidates.so(2)), points)
    np.testing.assert_array_equal(mask, [False, False, True, True])


def test_closed_libraries_lose_no_term():
    waves = Fourier(2)
    points = generic_points(waves, 2, 60, 0)
    assert not terms_leaving(waves, sd.groups.sign_flips(2), points).any()
    assert terms_leaving(waves, sd.LieAlgebra(sd.candidates.so(2)), points).all()
    assert not terms_leaving(Polynomial(2), sd.LieAlgebra(sd.candidates.se(2)), points).any()


def test_repeated_monomials_are_sampled_not_solved():
    twice = Monomials(((1, 0), (1, 0), (0, 1)))
    assert polynomial_equations(twice, sd.candidates.so(2), 2, "flow", 2) is None


def test_vector_fields_are_generators():
    rotation = sd.LieAlgebra(sd.candidates.so(2)).generators
    assert equivariant_subspace(FEATURES, rotation).dim == equivariant_subspace(FEATURES, rotation[0]).dim == 4
    cubic = VectorField(FEATURES, np.vstack([np.eye(10)[6], np.zeros(10)]), ("x", "y"))
    assert equivariant_subspace(FEATURES, cubic).dim == 5  # x^3 ∂x commutes with itself and with {1 ... y^3} ∂y
    with pytest.raises(ValueError, match=r"2 states, this field has 1 outputs; .* symdyn.conserved"):
        equivariant_subspace(FEATURES, VectorField(FEATURES, np.ones((1, 10)), ("x", "y")))


def energy():
    return sd.conserved(Polynomial(2), [0, 0, 0, 0.5, 0, 0.5], ("x", "y"))


def test_a_conserved_quantity_leaves_the_fields_along_its_level_lines():
    """Fields with x f + y g = 0 are q(x, y) (y, −x): 1, x and y, and three squares for q up to degree 2."""
    subspace = equivariant_subspace(FEATURES, energy())
    assert subspace.dim == 6
    law = VectorField(FEATURES, subspace.expand(np.arange(1.0, 7.0)), ("x", "y"))
    assert_symmetric(law, energy())
    path = law.flow(np.array([0.1, 0.2]), np.linspace(0, 0.5, 5))
    np.testing.assert_allclose(np.sum(path**2, axis=1), 0.05, rtol=1e-8)
    assert equivariant_subspace(FEATURES, [energy(), sd.candidates.so(2)]).dim == 2
    with pytest.raises(AssertionError, match=r"under .* conserved"):
        assert_symmetric(VectorField(FEATURES, np.ones((2, 10)), ("x", "y")), energy())


def test_conserved_quantities_that_cannot_be_are_named():
    with pytest.raises(ValueError, match="quantity 0 is constant"):
        sd.conserved(Polynomial(2), [1.0, 0, 0, 0, 0, 0])
    with pytest.raises(ValueError, match="give states="):
        sd.conserved(Polynomial(2), np.ones(7))
    with pytest.raises(ValueError, match="constrain flows"):
        equivariant_subspace(FEATURES, energy(), output="map")
    assert energy().texts() == ["0.5 x^2 + 0.5 y^2 conserved"]


def test_gravity_leaves_the_rotations_about_it():
    kept = sd.stabiliser(sd.candidates.so(3), [0, 0, -9.81])
    assert kept.dim == 1 and not np.any(kept.matrices[0] @ [0, 0, 1])
    aslant = sd.stabiliser(sd.candidates.so(3), [1, 1, 0])
    np.testing.assert_allclose(aslant.matrices @ [1, 1, 0], 0, atol=1e-12)
    # Functions of z and x^2 + y^2 times (x, y), (−y, x) and e_z: 2 + 1 terms, 2 more with z, z^2 and x^2 + y^2.
    assert equivariant_subspace(Polynomial(2), kept).dim == 2 * 2 + 4
    whole = [sd.candidates.so(3), groups.sign_flips(3)]
    assert [part.dim for part in map(lambda part: sd.stabiliser(part, [0, 0, 1]), whole)] == [1, 3]
    assert sd.stabiliser(sd.candidates.se(3), [0, 0, 1]).dim == 4  # translations move no direction
    with_bars = sd.LieAlgebra.from_matrices(sd.LieAlgebra(sd.candidates.so(3)).matrices, errors=0.1)
    assert not sd.stabiliser(with_bars, [0, 0, 1]).exact.any() and np.any(sd.stabiliser(with_bars, [0, 0, 1]).errors)


@pytest.mark.parametrize(
    ("direction", "error", "message"),
    [
        ([0, 0], ValueError, "shape"),
        ([0, 0, 0], ValueError, "different from 0"),
        ([0, 0, np.inf], ValueError, "finite"),
    ],
)
def test_a_direction_that_is_none_is_named(direction, error, message):
    with pytest.raises(error, match=message):
        sd.stabiliser(sd.candidates.so(3), direction)
    with pytest.raises(TypeError, match="a symmetry is a LieAlgebra"):
        sd.stabiliser(3, direction)
    with pytest.raises(ValueError, match=r"nothing in .* keeps"):
        sd.stabiliser(sd.candidates.so(2), [1, 0])


def test_error_bars_explain_the_violation_of_a_symmetric_model():
    inexact = sd.LieAlgebra.from_matrices([TURN + 0.01 * np.array([[1.0, 0.5], [0.3, -0.2]])], errors=0.01)
    coefficients = equivariant_subspace(FEATURES, sd.candidates.so(2)).expand([0.5, 1.3, -1.0, 0.2])
    points = generic_points(FEATURES, 2, 200, 0)
    (found,) = explained_violations(FEATURES, coefficients, inexact, points)
    assert 0 < found.violation < 3 * found.explained < 0.3


class Absolute(Opaque):
    """|x| and x, with derivatives."""

    def __call__(self, points):
        return np.log(points)

    def jacobian(self, points):
        return np.stack([np.diag(1 / row) for row in points])


def test_points_are_drawn_where_features_are_finite():
    """log x and log y under scalings: only x ∂x-equivariant combinations of logarithms, which there are none."""
    features = Absolute(Polynomial(1, constant=False))
    assert np.all(np.isfinite(features(generic_points(features, 2, 30, 0))))
    assert equivariant_subspace(features, groups.permutation([1, 0])).dim == 2


class Nowhere(Opaque):
    def __call__(self, points):
        return np.full((len(points), 2), np.nan)


def test_features_that_are_finite_nowhere_are_named():
    with pytest.raises(ValueError, match="finite hardly anywhere: x0, x1"):
        generic_points(Nowhere(Polynomial(1, constant=False)), 2, 10, 0)


@pytest.mark.parametrize("output", ["vector_field", "invariant"])
@pytest.mark.parametrize("features", [Polynomial(2), Opaque(Polynomial(2))], ids=["exact", "sampled"])
def test_rounding_in_given_matrices_takes_no_coefficient_away(features, output):
    """An entry of 1e-16, such as the sine of pi, is no equation for the coefficients that it alone acts on."""
    noise = 1e-16 * np.random.default_rng(0).standard_normal((3, 3))
    half, turn = np.diag([-1.0, -1.0, 1.0]), np.pad(TURN, (0, 1))
    options = {"output": output, "n_outputs": 1 if output == "invariant" else 3}
    for make, exact in ((groups.element, half), (lambda matrix: sd.LieAlgebra.from_matrices([matrix]), turn)):
        kept = equivariant_subspace(Polynomial(2), make(exact), **options)
        assert equivariant_subspace(features, make(exact + noise), **options).dim == kept.dim > 1


def test_entries_that_units_make_small_stay():
    """A swap of two states, the first of which is counted in a unit that is 1e20 times as large."""
    swap = groups.element([[0.0, 1e-20], [1e20, 0.0]])
    assert swap.matrices[0, 0, 1] == 1e-20
    assert equivariant_subspace(Polynomial(1, constant=False), swap).dim == 2
