"""`make help` names every target."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")
def test_help_lists_every_target_with_one_line():
    targets = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1].split()
    shown = subprocess.run(
        ["make", "--no-print-directory", "help"], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout
    lines = [line.split(maxsplit=2) for line in shown.splitlines()]
    assert sorted(name for _, name, _ in lines) == sorted(targets)
    assert all(len(line) <= 80 for line in shown.splitlines())
