import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symdyn.functions.features import Polynomial
from symdyn.jets.evolution import Evolution, determining_rows, exact_symmetries
from symdyn.jets.jetprolongation import prolong_to_jets
from symdyn.jets.jets import JetSpace, add, multiply
from symdyn.jets.pointfields import NAMED, named_generators, parse_generator, parse_generators, point_candidates
from symdyn.lie.vectorfields import Generators
from symdyn.systems.fieldlaws import FIELD_SYSTEMS, field_law, known_symmetries

SPACE = JetSpace(("t", "x"), ("u",))
WORDS = ["1", "t", "x u", "u^2", "u_x", "u u_xx", "u_t u_x", "x^2 u_xxx"]


@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=3), st.sampled_from(WORDS), st.integers(0, 1))
@settings(max_examples=30, deadline=None)
def test_total_derivative_obeys_the_product_rule(words, other, direction):
    p, q = {}, SPACE.term(other)
    for word in words:
        p = add(p, SPACE.term(word))
    left = SPACE.total(multiply(p, q), direction)
    right = add(multiply(SPACE.total(p, direction), q), multiply(p, SPACE.total(q, direction)))
    assert left == right


def test_total_derivatives_commute():
    p = SPACE.term("x u^2 u_xx")
    assert SPACE.total(SPACE.total(p, 0), 1) == SPACE.total(SPACE.total(p, 1), 0)


@pytest.mark.parametrize("name", ["t", "x", "u", "u_t", "u_xx", "u_txx"])
def test_names_of_variables_go_there_and_back(name):
    assert SPACE.name(SPACE.variable(name)) == name


def test_unknown_names_say_what_there_is():
    with pytest.raises(ValueError, match=r"'w_x' is neither a coordinate \(t, x\)"):
        SPACE.term("u w_x")


@pytest.mark.parametrize("name", FIELD_SYSTEMS)
def test_exact_symmetries_are_those_of_the_books(name):
    law = field_law(name)
    found = exact_symmetries(law, point_candidates(2, law.space.coordinates, law.space.fields)).vectors()
    known = parse_generators(known_symmetries(name), law.space.names, 2).vectors()
    assert len(found) == len(known)
    assert np.linalg.matrix_rank(np.vstack([found, known]), tol=1e-8) == len(known)


def test_damping_leaves_burgers_two_translations():
    law = field_law("burgers", damping=0.5)
    found = exact_symmetries(law, point_candidates(2, ("t", "x"), ("u",)))
    assert sorted(found.texts()) == ["∂t", "∂x"]


def test_a_generator_that_is_none_has_a_condition_that_is_not_zero():
    rows = determining_rows(field_law("kdv"), parse_generators(["x ∂x", "t ∂x + ∂u"], ("t", "x", "u")))
    assert np.abs(rows[:, 0]).max() > 0.5 and np.abs(rows[:, 1]).max() == 0


def test_laws_that_hold_their_left_side_are_refused():
    with pytest.raises(ValueError, match="holds u_t, which the left side is"):
        Evolution.of({"u": {"u_t": 1.0}}, ("t", "x"))


def test_prolongation_of_the_rotation_is_that_of_the_books():
    """−u ∂x + x ∂u moves u_x by 1 + u_x^2 and u_xx by 3 u_x u_xx (Olver 1993, example 2.29)."""
    rotation = parse_generators(["x ∂u − u ∂x"], ("x", "u"))
    lifted = prolong_to_jets(rotation, 1, 2)
    point = np.array([[0.3, 0.7, 1.1, -0.4]])
    assert lifted.states == ("x", "u", "u_x", "u_xx")
    np.testing.assert_allclose(lifted.values(point)[0, :, 0], [-0.7, 0.3, 1 + 1.1**2, 3 * 1.1 * -0.4], atol=1e-14)


def test_prolongation_keeps_brackets():
    pair = parse_generators(["t ∂x + ∂u", "t^2 ∂t + t x ∂x + x ∂u − t u ∂u", "x u ∂x"], ("t", "x", "u"))
    lifted = prolong_to_jets(pair, 2, 1)
    points = np.random.default_rng(0).standard_normal((20, len(lifted.states)))

    def bracket(g, p, i, j):
        values, slopes = g.values(p), g.jacobians(p)
        return np.einsum("soi,si->so", slopes[..., j], values[..., i]) - np.einsum(
            "soi,si->so", slopes[..., i], values[..., j]
        )

    for i, j in [(0, 1), (0, 2), (1, 2)]:
        below = bracket(pair, points[:, :3], i, j)
        np.testing.assert_allclose(bracket(lifted, points, i, j)[:, :3], below, atol=1e-12)
    for i, j in [(0, 2), (1, 2)]:  # on jets: the bracket of prolongations is the prolongation of the bracket
        exact = prolong_to_jets(_as_field(pair, i, j), 2, 1).values(points)[:, :, 0]
        assert np.abs(exact).max() > 1
        np.testing.assert_allclose(bracket(lifted, points, i, j), exact, atol=1e-8)


def _as_field(pair, i, j):
    """The bracket of two fields of degree 2 as a field of degree 4, by least squares at generic points."""
    points = np.random.default_rng(1).standard_normal((80, len(pair.states)))
    values, slopes = pair.values(points), pair.jacobians(points)
    bracket = np.einsum("soi,si->so", slopes[..., j], values[..., i])
    bracket = bracket - np.einsum("soi,si->so", slopes[..., i], values[..., j])
    features = Polynomial(4)
    weights = np.linalg.lstsq(features(points), bracket, rcond=None)[0].T
    weights[np.abs(weights) < 1e-10] = 0.0
    return Generators(features, weights[None], np.zeros(1), pair.states)


@pytest.mark.parametrize("name", [name for name in NAMED if name not in ("phase", "rotation")])
def test_named_candidates_are_generators(name):
    texts = named_generators(name, ("t", "x"), ("u",))
    assert len(parse_generators(texts, ("t", "x", "u"))) == len(texts)


@pytest.mark.parametrize(
    ("candidates", "match"),
    [("rotation", "needs two"), ("nothing", "names among"), (-1, "at least 0"), ([], "empty"), (["q ∂x"], "neither")],
)
def test_candidates_that_are_none_are_refused(candidates, match):
    with pytest.raises(ValueError, match=match):
        point_candidates(candidates, ("t", "x"), ("u",))


def test_generators_are_read_as_they_are_printed():
    text = "2 t ∂t + x ∂x − u ∂u"
    assert parse_generators([text], ("t", "x", "u")).texts() == [text]
    assert parse_generator("−0.5 x^2 u ∂x", ("t", "x", "u")) == {("x", (0, 2, 1)): -0.5}
