"""Numbers, names and sentences as pages write them."""

import pytest

from symdyn.reporting.texts import output_names, percent, sentence, shorten


@pytest.mark.parametrize(("error", "text"), [(0.0123, "1.2 %"), (0.0, "0 %"), (2.5, "250 %"), (40.0, "runs away")])
def test_errors_are_percents_until_they_run_away(error, text):
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


def test_a_note_becomes_a_sentence():
    assert sentence("ten runs are too few") == "Ten runs are too few."
