"""The README: every sample runs in a process of its own and prints what stands behind it; links lead somewhere."""

import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from symdyn.cli.main import command

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
FENCE = re.compile(r"```python\n(.*?)```\n\n```text\n(.*?)```", re.DOTALL)
SAMPLES = FENCE.findall(README)


def test_each_sample_has_its_output():
    assert len(SAMPLES) == README.count("```python") >= 2


@pytest.mark.parametrize("place", range(len(SAMPLES)))
def test_a_sample_prints_what_stands_behind_it(place, tmp_path):
    code, output = SAMPLES[place]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=tmp_path, env=environment, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.decode() == output and not done.stderr


def test_links_lead_to_files():
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", README)
    files = [link for link in links if not link.startswith("http")]
    assert len(files) > 5 and all((ROOT / link).exists() for link in files)


def test_commands_are_those_of_the_command():
    words = set(re.findall(r"^symdyn ([\w-]+)", README, flags=re.MULTILINE))
    assert words and words <= set(command.list_commands(click.Context(command)))


def test_public_names_exist():
    import symdyn as sd

    names = set(re.findall(r"`sd\.(\w+)", README))
    assert names and all(hasattr(sd, name) for name in names)


def test_it_is_short():
    assert 120 <= len(README.splitlines()) <= 150
