"""Options as they are written."""

import argparse

import pytest

from symdyn.runs.parsing import chunks, numbers


def test_lists_of_numbers():
    assert numbers("5-30:10,1") == [5, 15, 25, 1] and numbers("5,5") == [5]
    with pytest.raises(argparse.ArgumentTypeError):
        numbers("1-")


def test_chunks_are_a_number_a_size_or_auto():
    assert [chunks(text) for text in ("auto", "50", "16MB", "1.5GiB")] == ["auto", 50, "16MB", "1.5GiB"]
    for text in ("0", "0MB", "many", "-1", ""):
        with pytest.raises(argparse.ArgumentTypeError):
            chunks(text)
