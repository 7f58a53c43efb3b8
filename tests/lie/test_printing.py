import numpy as np
import pytest

from symdyn.lie.printing import equation_lines, field_text


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ([0, 0, 0], "0"),
        ([1, 1, 1], "1 + x + y"),
        ([-1, -1, 0], "−1 − x"),
        ([0, 1.23456, -0.5], "1.23 x − 0.5 y"),
        ([2.5, 0, 0], "2.5"),
        ([0, 1e-7, 0], "1e-07 x"),
    ],
)
def test_equations_show_every_coefficient_with_its_sign(row, text):
    assert equation_lines(np.array([row]), ["1", "x", "y"]) == [text]


def test_precision_is_in_significant_digits():
    assert equation_lines(np.array([[1.23456, 123.456]]), ["x", "y"], precision=5) == ["1.2346 x + 123.46 y"]


def test_every_printed_coefficient_can_be_read_back():
    row = np.random.default_rng(0).standard_normal(4)
    (line,) = equation_lines(row[None], list("abcd"), precision=17)
    words = line.replace("− ", "-").replace("−", "-").replace("+ ", "").split()
    np.testing.assert_array_equal([float(word) for word in words[::2]], row)


def test_terms_of_a_generator_name_what_they_move():
    rows = np.array([[0.0, 0.0, 1.0], [0.5, -1.0, 0.0]])
    assert field_text(rows, ["1", "x", "y"], ["x", "y"]) == "y ∂x + 0.5 ∂y − x ∂y"
    assert field_text(0 * rows, ["1", "x", "y"], ["x", "y"], time_scaling=-2) == "−2 t ∂t"
    assert field_text(0 * rows, ["1", "x", "y"], ["x", "y"]) == "0"


def test_small_terms_are_left_out_whatever_the_units():
    rows = np.array([[1.0, 1e-5]])
    for scale in (1e-9, 1.0, 1e9):
        assert field_text(scale * rows, ["x", "y"], ["x"]).count("∂") == 1
