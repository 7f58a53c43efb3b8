"""Jobs are functions with keywords; workflows are command lines for them, and nothing else."""

import inspect
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
import xarray as xr

import symdyn.runs
from symdyn.runs.jobs.learning_curves import learning_curves
from symdyn.runs.jobs.planets import planets
from symdyn.runs.jobs.recovery import recovery
from symdyn.runs.options import RunOptions, WrongOptions

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / "workflows").glob("*.py"))
JOBS = [path.stem for path in sorted((ROOT / "symdyn" / "runs" / "jobs").glob("[a-z]*.py"))]


@pytest.fixture
def command(monkeypatch):
    """What a workflow hands over: its parser and its job."""

    def of(path):
        kept = []
        monkeypatch.setattr(symdyn.runs, "run_command", lambda *given: kept.append(given))
        runpy.run_path(str(path), run_name="__main__")
        ((parser, job),) = kept
        return parser, job

    return of


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_the_options_of_a_workflow_are_the_keywords_of_its_job(path, command):
    parser, job = command(path)
    keywords = inspect.signature(job).parameters
    shared = inspect.signature(RunOptions).parameters
    for action in parser._actions:
        if action.dest == "help":
            continue
        default = {**shared, **keywords}[action.dest].default
        if action.dest == "out" or action.required or (path.stem, action.dest) == ("planets", "data"):
            continue
        same = list(default) == action.default if isinstance(default, range) else default == action.default
        assert same, f"--{action.dest} is {action.default!r}, {action.dest} is {default!r}"
    taken = {action.dest for action in parser._actions}
    assert {name for name, one in keywords.items() if one.kind is not one.VAR_KEYWORD} <= taken
    assert len(path.read_text().splitlines()) < 80


def test_every_workflow_has_a_job_of_its_own(command):
    assert sorted(command(path)[1].__module__.rpartition(".")[2] for path in WORKFLOWS) == JOBS


def test_a_job_called_from_python_leaves_its_run_directory(tmp_path):
    learning_curves(family=["T2, C4"], first=7, last=8, seeds=1, out=tmp_path / "run", quiet=True)
    assert {"report.html", "results.nc", "config.toml", "run.log"} <= {p.name for p in (tmp_path / "run").iterdir()}
    with xr.open_datatree(tmp_path / "run" / "results.nc", engine="h5netcdf") as tree:
        assert set(tree.children) == {"learning", "T2_C4", "provenance"}


@pytest.mark.parametrize(
    ("job", "options", "message"),
    [
        (learning_curves, {"family": ["T3"]}, "'T3' is none of"),
        (planets, {}, "give data, or a number of bodies"),
        (recovery, {"small": True, "m": [6]}, "leave out --m"),
        (recovery, {"published": True, "out": "table.csv"}, "give a folder"),
    ],
)
def test_what_a_job_refuses_leaves_nothing_behind(job, options, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=message):
        job(**options)
    assert not list(tmp_path.iterdir())


def test_options_that_exclude_one_another_are_told_apart():
    with pytest.raises(WrongOptions):
        recovery(small=True, family="quad")


def test_a_job_takes_no_option_that_there_is_not(tmp_path):
    with pytest.raises(TypeError, match="colour"):
        planets(simulate=3, colour="red")


def loaded(modules, heavy):
    """Which of the heavy packages are loaded once the modules are."""
    code = f"import sys, {', '.join(modules)}; print(*{heavy} & set(sys.modules))"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout


def test_no_job_loads_torch_before_it_runs():
    assert loaded(["symdyn.runs.jobs"], {"torch", "pysindy", "sklearn", "matplotlib"}).split() == []
    assert loaded([f"symdyn.runs.jobs.{name}" for name in JOBS], {"torch"}).split() == []
