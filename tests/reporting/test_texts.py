"""Numbers, names and sentences as pages write them."""

import pytest

from symdyn.reporting.texts import (
    approximately,
    element_text,
    listing,
    number,
    output_names,
    percent,
    plural,
    sentence,
    shorten,
    unit_text,
    with_error,
)


@pytest.mark.parametrize(("error", "text"), [(0.0123, "1.2 %"), (0.0, "0 %"), (2.5, "250 %"), (40.0, "diverges")])
def test_errors_are_percents_until_they_diverge(error, text):
    assert percent(error) == text


def test_a_text_is_cut_between_words():
    assert shorten("x ∂x + y ∂y", 11) == "x ∂x + y ∂y"
    assert shorten("x ∂x + y ∂y", 10) == "x ∂x + …"
    assert shorten("0.5 x ∂x + 0.5 y ∂y", 18, 2) == "0.5 x ∂x + …"


@pytest.mark.parametrize(
    ("kind", "names"), [("flow", ["x'", "v'"]), ("second_order", ["x''"]), ("map", ["x step", "v step"])]
)
def test_outputs_are_named_after_states(kind, names):
    assert output_names(("x", "v"), len(names), kind) == names


def test_units_are_raised():
    assert [unit_text("au^3/day^2"), unit_text("m s^-1"), unit_text("1")] == ["au³/day²", "m s⁻¹", ""]


def test_a_note_becomes_a_sentence():
    assert sentence("x from -1.5 to -2, so(1,3)-like") == "X from −1.5 to −2, so(1,3)-like."
    assert sentence("ten runs are too few") == "Ten runs are too few."


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0020892675, "0.00209"),
        (1.01876, "1.02"),
        (-0.99951, "−1.00"),
        (0.1, "0.1"),  # as it was given
        (0.10003, "0.100"),
        (123456.7, "123000"),
        (6.5e17, "6.5×10¹⁷"),
        (1.234e-7, "1.23×10⁻⁷"),
        (1e-16, "10⁻¹⁶"),
        (7, "7"),
        (0.0, "0"),
        (float("nan"), "–"),
        (float("-inf"), "−∞"),
    ],
)
def test_numbers_have_three_digits(value, text):
    assert number(value) == text


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (1.50005, 0.0035, "1.500(4)"),
        (0.4986, 0.00149, "0.4986(15)"),  # two digits after a 1
        (-12345.0, 67.0, "−1.234(7)×10⁴"),
        (2.9618e-6, 3e-9, "2.962(3)×10⁻⁶"),
        (0.2, 5.0, "0(5)"),
        (3.0, 0.0, "3"),
        (0.7654, float("nan"), "0.765"),
    ],
)
def test_errors_stand_in_parentheses(value, error, text):
    assert with_error(value, error) == text


def test_leading_terms_are_marked_and_start_with_a_positive_sign():
    assert approximately("−∂x + …") == "≈ ∂x"
    assert approximately("−0.4 x ∂x + y ∂y + … about (-0.1, 2)") == "≈ 0.4 x ∂x − y ∂y"
    assert approximately("−x ∂y + y ∂x") == "−x ∂y + y ∂x"
    assert approximately("4.6e+03 ∂t − 3.5e-05 x ∂x") == "4600 ∂t − 3.5×10⁻⁵ x ∂x"


@pytest.mark.parametrize(
    ("element", "text"),
    [
        ("x -> -x, y -> -y", "(x, y, z) → (−x, −y, z)"),
        ("x -> y, y -> x, t -> -t", "(x, y, z, t) → (y, x, z, −t)"),
        ("swap x, y", "swap x, y"),
        ("cycle x -> y -> z", "cycle x → y → z"),
    ],
)
def test_an_element_is_one_map(element, text):
    assert element_text(element, ("x", "y", "z")) == text


def test_long_lists_say_how_much_is_left_out():
    assert listing(["a", "b"]) == "a; b"
    assert listing(list("abcd"), 2) == "a; b; and 2 more"
    assert [plural(1, "trajectory"), plural(2, "trajectory"), plural(0, "row")] == [
        "1 trajectory",
        "2 trajectories",
        "0 rows",
    ]
