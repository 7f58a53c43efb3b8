"""Options as they are written."""

import argparse

import pytest

from symdyn.runs.parsing import numbers


def test_lists_of_numbers():
    assert numbers("5-30:10,1") == [5, 15, 25, 1] and numbers("5,5") == [5]
    with pytest.raises(argparse.ArgumentTypeError):
        numbers("1-")
