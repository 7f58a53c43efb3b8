"""The recovery workflow: from the command line to table and picture, and on again."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run_recovery(*options):
    command = [sys.executable, "workflows/recovery.py", *map(str, options)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def read(path):
    with path.open() as file:
        return list(csv.DictReader(file))


def test_the_command_leaves_table_picture_and_page_and_resumes(tmp_path):
    options = ("--m", "5,6", "--r", "1", "--degree", "2", "--seeds", "0-1", "--out", tmp_path / "table.csv")
    done = run_recovery(*options)
    assert done.returncode == 0, done.stderr
    rows = read(tmp_path / "table.csv")
    assert list(rows[0]) == ["m", "r", "d", "seed", "n_recover", "n_lib", "dt", "gap"]
    assert [(row["m"], row["seed"]) for row in rows] == [("5", "0"), ("5", "1"), ("6", "0"), ("6", "1")]
    assert [row["n_recover"] for row in rows[:2]] == ["13", "13"] and rows[2]["n_lib"] == "28"
    folder = tmp_path / "table"
    assert {p.name for p in folder.iterdir()} >= {"report.html", "results.nc", "config.toml", "run.log", "ortho_se.csv"}
    assert (folder / "figures" / "1-ortho_se.png").stat().st_size > 5000
    again = run_recovery(*options[:-4], "--seeds", "0-2", "--out", tmp_path / "table.csv", "--resume")
    assert "resume: 4 of 6 points were finished before" in again.stderr, again.stderr
    assert read(folder / "ortho_se.csv")[:2] == rows[:2]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--m", "x"), "is no list of numbers"),
        (("--r", "9", "--m", "5"), "r at most m"),
        (("--m", "5-4"), "no number"),
        (("--small", "--m", "6"), "--small says which rows: leave out --m"),
    ],
)
def test_wrong_options_end_in_one_line(tmp_path, options, message):
    done = run_recovery(*options, "--seeds", "0", "--out", tmp_path / "run")
    assert done.returncode != 0 and "Traceback" not in done.stderr
    assert message in done.stderr
