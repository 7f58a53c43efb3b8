"""What the command line writes for candidates, elements and features."""

import numpy as np
import pytest

import symdyn as sd
from symdyn.lie.words import parse_candidates, parse_elements, parse_features


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
        (parse_candidates, "so:3", "so takes no number"),
        (parse_elements, "flips", "is none of sign_flips"),
        (parse_features, "polynomial:many", "does not end in a whole number"),
    ],
)
def test_what_means_nothing_is_named_with_what_does(parse, text, message):
    with pytest.raises(ValueError, match=message):
        parse(text, 3)
