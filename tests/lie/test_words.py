"""What the command line writes for candidates, elements and features."""

import numpy as np
import pytest

import symdyn as sd
from symdyn.functions.features import as_features
from symdyn.functions.words import parse_features
from symdyn.lie.algebras.symmetries import as_group, as_symmetries
from symdyn.lie.words import as_candidates, parse_candidates, parse_elements


@pytest.mark.parametrize(
    ("text", "n", "expected"),
    [
        ("affine", 3, 12),
        ("translations+so", 3, 6),
        ("se + scalings", 2, 5),
        ("polynomial:2", 2, 12),
        ("lorentz:1", 4, 6),
        ("polynomial:2+so", 2, 13),
    ],
)
def test_candidates_have_the_dimension_of_their_sum(text, n, expected):
    found = parse_candidates(text, n)
    assert len(found) == expected and len(found.states) == n


def test_time_is_moved_and_rescaled_when_asked():
    found = parse_candidates("gl", 2, time_scaling=True, time_translation=True)
    assert found.states[-1] == "t" and len(found) == 6
    same = sd.candidates.gl(2, time_scaling=True, time_translation=True)
    np.testing.assert_array_equal(found.vectors(), same.vectors())


def test_elements_are_joined_and_may_be_none():
    assert parse_elements("none", 3) is None
    assert len(parse_elements("sign_flips+cyclic", 3).searched()) == 7 + 1


@pytest.mark.parametrize(("text", "n", "size"), [("polynomial:2", 2, 6), ("central:1-3", 4, 6), ("fourier:1", 2, 4)])
def test_features_have_the_size_of_their_space(text, n, size):
    assert parse_features(text, n).size(n) == size
    assert parse_features(f"{text}+polynomial:1", n).size(n) == size + n + 1


@pytest.mark.parametrize(
    ("parse", "text", "message"),
    [
        (parse_candidates, "everything", "'everything' in 'everything' is none of translations"),
        (parse_candidates, "afine", "did you mean 'affine'"),
        (parse_features, "polynomail:2", "did you mean 'polynomial'"),
        (parse_candidates, "so(2)", r"so\(2\) acts on 2 states, there are 3"),
        (parse_candidates, "lorentz(1,3)", "does not act on 3 states"),
        (parse_candidates, "time_scaling", "moves no state"),
        (parse_candidates, "so:3", "so takes no number"),
        (parse_elements, "flips", "is none of sign_flips"),
        (parse_features, "polynomial:many", "does not end in a whole number"),
    ],
)
def test_what_means_nothing_is_named_with_what_does(parse, text, message):
    with pytest.raises(ValueError, match=message):
        parse(text, 3)


SAME_CANDIDATES = [
    ("affine", lambda: sd.candidates.affine(3)),
    ("aff(3)", lambda: sd.candidates.affine(3)),
    ("SO(3)", lambda: sd.candidates.so(3)),
    ("se + scalings", lambda: sd.candidates.se(3) + sd.candidates.scalings(3)),
    ("polynomial(2)", lambda: sd.candidates.polynomial(3, 2)),
    ("lorentz:1", lambda: sd.candidates.lorentz(1, 2)),
    ("so(1,2)", lambda: sd.candidates.lorentz(1, 2)),
    ("gl+time_scaling", lambda: sd.candidates.gl(3, time_scaling=True)),
    ("gl+time_translation", lambda: sd.candidates.gl(3, time_translation=True)),
]


@pytest.mark.parametrize(("text", "made"), SAME_CANDIDATES)
def test_words_are_the_candidates_they_name(text, made):
    (found,) = as_candidates(text, 3, ("a", "b", "c"))
    np.testing.assert_array_equal(found.vectors(), made().vectors())
    assert found.states[:3] == ("a", "b", "c")


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("polynomial:3", lambda: sd.features.Polynomial(3)),
        ("fourier(2)", lambda: sd.features.Fourier(2)),
        ("central:1-3", lambda: sd.features.CentralForce(range(1, 4), columns=(0, 1))),
        ("polynomial:1 + fourier", lambda: sd.features.Polynomial(1) + sd.features.Fourier(1)),
    ],
)
def test_words_are_the_functions_they_name(text, made):
    assert as_features(text, 4) == made()


def test_candidates_are_a_list_of_generators_and_elements_however_they_are_given():
    for given in ("affine+sign_flips", ["affine", "sign_flips"], ["affine", sd.groups.sign_flips(2)]):
        moving, finite = as_candidates(given, 2)
        np.testing.assert_array_equal(moving.vectors(), sd.candidates.affine(2).vectors())
        np.testing.assert_array_equal(finite.matrices, sd.groups.sign_flips(2).matrices)
    turn = [[0, -1], [1, 0]]
    for given in (turn, [turn], np.array(turn), sd.LieAlgebra.from_matrices([turn]), [np.array(turn)]):
        (found,) = as_candidates(given, 2)
        np.testing.assert_array_equal(found.vectors(), sd.candidates.from_matrices([turn]).vectors())
    with pytest.raises(TypeError, match="candidates are words such as 'affine'"):
        as_candidates(3, 2)


class Found:
    """What a fitted search looks like."""

    def __init__(self, **found):
        vars(self).update(found)

    def fit(self):
        return self


def test_symmetries_are_taken_in_words_as_lists_and_from_searches():
    turn = sd.LieAlgebra(sd.candidates.so(2))
    flips = sd.groups.sign_flips(2)
    for given in (
        "so(2)",
        "SO",
        [[0, 1], [-1, 0]],
        [[[0, 1], [-1, 0]]],
        [np.array([[0, 1], [-1, 0]])],
        Found(algebra_=turn),
        Found(symmetry_=turn),
        Found(search=Found(algebra_=turn), fit=None),
        [sd.candidates.so(2)],
    ):
        (part,) = as_symmetries(given, 2)
        np.testing.assert_array_equal(part.matrices, turn.matrices)
    for given in ("so(2)+sign_flips", ["so(2)", "sign_flips(2)"], Found(algebra_=turn, elements_=flips)):
        algebra, elements = as_symmetries(given, 2)
        np.testing.assert_array_equal(algebra.matrices, turn.matrices)
        np.testing.assert_array_equal(elements.matrices, flips.matrices)
    assert len(as_symmetries("so(3)")[0].states) == 3


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ("so", ValueError, "'so' does not say on how many states: write the number, such as so\\(3\\)"),
        ("rotations(2)", ValueError, "is none of translations"),
        (Found(algebra_=sd.LieAlgebra(sd.candidates.so(2)).subset([])), ValueError, "this search found no symmetry"),
        (Found(), TypeError, "this Found has found no symmetry yet: call its fit first"),
        (np.ones((2, 3)), ValueError, r"matrices \(generator, n, n\), got shape \(2, 3\)"),
        (7, TypeError, "a symmetry is .* got int"),
        ([], TypeError, "a symmetry is"),
    ],
)
def test_what_is_no_symmetry_is_named(given, error, message):
    with pytest.raises(error, match=message):
        as_symmetries(given)


def test_conserved_quantities_are_no_group():
    energy = sd.conserved(sd.features.Polynomial(2), [0, 0, 0, 1, 0, 1])
    assert len(as_group(["so(2)", sd.groups.sign_flips(2)])) == 2
    with pytest.raises(TypeError, match="conserved quantities are no group"):
        as_group(["so(2)", energy], 2)
