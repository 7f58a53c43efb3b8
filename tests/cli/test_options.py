"""Subcommands have the options of the workflows, and ask for help at once."""

import json
import os
import subprocess
import sys
import tomllib

import click
import pytest
from options_of_workflows import LIST, ROOT, described, text, workflows

from symdyn import datasets
from symdyn.cli.job_commands import job_command
from symdyn.cli.main import JOBS, command

OWN = {"open_report", "as_json", "debug"}
MOST = 0.5  # CPU seconds of --help
NAMES = ["", *command.list_commands(click.Context(command))]


def test_the_list_of_options_is_that_of_the_workflows():
    assert LIST.read_text(encoding="utf-8") == text(), "run python tests/cli/options_of_workflows.py"


def test_every_workflow_is_a_subcommand():
    assert sorted(about.workflow for about in JOBS.values()) == [path.stem for path in workflows()]


@pytest.mark.parametrize("name", JOBS)
def test_a_subcommand_has_the_names_and_defaults_of_its_workflow(name):
    options = {one["name"]: one for one in json.loads(LIST.read_text())[JOBS[name].workflow]["options"]}
    parameters = {one.name: one for one in job_command(name, JOBS[name]).params if one.name not in OWN}
    assert parameters.keys() == options.keys()
    for key, one in options.items():
        parameter = parameters[key]
        if "option" in one:
            assert parameter.opts == [one["option"]]
        if not one.get("many") and "default" in one and (name, key) != ("planets", "data"):
            default = parameter.default
            assert (str(default) if one["type"] == "path" else default) == one["default"]
        assert parameter.required == one.get("required", False)
        assert "choices" not in one or list(parameter.type.choices) == one["choices"]


def test_options_are_described_by_what_they_take():
    of_fit = described(ROOT / "workflows" / "fit.py")
    again = {"names": ["resume", "force"], "required": False}
    assert of_fit["exclusive"] == [again, {"names": ["symmetry", "discover"], "required": True}]
    assert {"seed": 0, "threshold": 0.01}.items() <= {
        one["name"]: one.get("default") for one in of_fit["options"]
    }.items()


@pytest.mark.parametrize("name", NAMES)
def test_help_is_quick_and_loads_no_heavy_package(name):
    code = (
        "import sys, time\nfrom symdyn.cli.main import command\n"
        f"try: command([*{name.split()!r}, '--help'], prog_name='symdyn')\n"
        "except SystemExit as end: assert end.code == 0\n"
        "print(time.process_time(), *{'numpy', 'xarray', 'scipy', 'matplotlib', 'dask'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    *shown, last = done.stdout.splitlines()
    seconds, *heavy = last.split()
    assert not heavy and float(seconds) < 2 * MOST
    assert any("symdyn " in line for line in shown)
    assert not name or any("Example:" in line for line in shown)


def test_python_m_symdyn_is_the_command():
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "symdyn", "--version"], capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0 and done.stdout.startswith("symdyn, version")


def test_a_wheel_holds_the_data_sets():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["scripts"] == {"symdyn": "symdyn.cli.main:main"}
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["force-include"] == {f"datasets/{n}.nc": f"symdyn/datasets/{n}.nc" for n in datasets.NAMES}
    assert (ROOT / "symdyn" / "py.typed").exists()
    assert all(datasets.path(name) == ROOT / "datasets" / f"{name}.nc" for name in datasets.NAMES)


def test_the_page_of_the_command_names_every_subcommand():
    page = (ROOT / "docs" / "command.md").read_text(encoding="utf-8")
    assert all(f"symdyn {name}" in page for name in NAMES)
