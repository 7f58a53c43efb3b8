"""The learning-curve job: a run directory, resumed where it stopped, and wrong options in one line."""

import runpy
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from symdyn.invariant.learning_experiment import FAMILIES

WORKFLOWS = Path(__file__).parents[2] / "workflows"


@pytest.fixture
def run(monkeypatch):
    """The command in this process: its imports take longer than its work."""

    def command(*options):
        script = str(WORKFLOWS / "learning_curves.py")
        monkeypatch.setattr("sys.argv", [script, *map(str, options)])
        monkeypatch.syspath_prepend(WORKFLOWS)
        runpy.run_path(script, run_name="__main__")

    return command


def test_the_command_leaves_curves_a_table_and_a_picture_and_resumes(tmp_path, run):
    options = ["--family", "T2, C4", "--family", "S2, SO(2)", "--first", 7, "--last", 9, "--seeds", 2]
    run(*options, "--out", tmp_path / "run")
    assert {p.name for p in (tmp_path / "run").iterdir()} >= {"report.html", "results.nc", "config.toml", "run.log"}
    assert (tmp_path / "run" / "figures" / "1-learning.png").stat().st_size > 5000
    with xr.open_datatree(tmp_path / "run" / "results.nc", engine="h5netcdf") as results:
        table, curves = results["learning"].to_dataset(), results["T2_C4"].to_dataset()
        assert list(table.curve.values) == ["T2, C4: 1", "T2, C4: C4", "S2, SO(2): 1", "S2, SO(2): SO(2)"]
        assert dict(curves.sizes) == {"group": 2, "n": 3, "seed": 2} and np.all(curves.risk > 0)
        np.testing.assert_allclose(table.slope_theory, [-2 / 3, -2 / 3, -2 / 3, -0.8], atol=1e-6)
        np.testing.assert_allclose(table.gain.values[::2], 1)
        assert table.gain_theory.values[1] == pytest.approx(4)
    assert "one sample is worth" in (tmp_path / "run" / "report.html").read_text()
    (tmp_path / "run" / "report.html").unlink()
    run(*options, "--out", tmp_path / "run", "--resume")
    assert (tmp_path / "run" / "run.log").read_text().count("resume: 12 of 12 points were finished before") == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--family", "T3"], "--family 'T3' is none of 'T2, swap'"),
        (["--first", 9, "--last", 9], "--first must be positive and below --last"),
        (["--seeds", 0], "--seeds and --noise positive"),
    ],
)
def test_wrong_options_end_in_one_line(tmp_path, run, capsys, options, message):
    with pytest.raises(SystemExit) as stopped:
        run(*options, "--out", tmp_path / "run")
    assert stopped.value.code == 1 and message in capsys.readouterr().err


def test_the_groups_of_a_family_are_a_chain_from_nothing_to_the_one_that_leaves_its_functions():
    assert list(FAMILIES["T10, flips"].groups) == [f"2^{k}" for k in range(11)]
    assert len(FAMILIES["T10, flips"].groups["2^10"]()) == 10 and len(FAMILIES["T10, flips"].groups["2^0"]()) == 0
