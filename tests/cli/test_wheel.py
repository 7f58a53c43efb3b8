"""What a person gets from the wheel: installed in an empty environment outside the clone, and used there.

It takes minutes and the network, so `make test` leaves it out and `make test-wheel` runs it.
"""

import os
import re
import subprocess
import sys
import time
import zipfile

import pytest
from options_of_workflows import ROOT

pytestmark = pytest.mark.wheel
# CPU seconds, which do not depend on what else the machine does; on an idle one they are those of the clock.
MOST_DEMO, MOST_HELP = 30, 0.5


def used():
    """CPU seconds of all processes that this one has started and that have ended."""
    times = os.times()
    return times.children_user + times.children_system


def run(*command, cwd, **options):
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    return subprocess.run(
        list(map(str, command)), cwd=cwd, env=environment, capture_output=True, text=True, check=False, **options
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    built = run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", folder, ROOT, cwd=folder)
    assert built.returncode == 0, built.stderr
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def place(wheel, tmp_path_factory):
    """An empty folder, and the `symdyn` of an environment with the wheel and nothing else of this clone."""
    folder = tmp_path_factory.mktemp("elsewhere")
    assert run(sys.executable, "-m", "venv", folder / "env", cwd=folder).returncode == 0
    began = time.perf_counter()
    pip = (folder / "env" / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    installed = run(*pip, "-c", ROOT / "constraints.txt", wheel, cwd=folder)
    assert installed.returncode == 0, installed.stderr
    print(f"\ninstalled in {time.perf_counter() - began:.0f} s, wheel of {wheel.stat().st_size / 1e3:.0f} kB")
    (folder / "work").mkdir()
    return folder / "work", folder / "env" / "bin" / "symdyn"


def test_the_wheel_holds_types_data_templates_and_the_list_of_options(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"symdyn/py.typed", "symdyn/cli/options.json", "symdyn/reporting/page.html.jinja"} <= names
    assert any(name.endswith("planets.nc") for name in names)
    assert not any(name.startswith(("tests/", "workflows/", "benchmarks/")) for name in names)


def test_the_demo_runs_anywhere_and_in_time(place):
    folder, symdyn = place
    began, before = time.perf_counter(), used()
    done = run(symdyn, "demo", cwd=folder)
    cpu = used() - before
    print(f"\nsymdyn demo: {cpu:.1f} CPU s, {time.perf_counter() - began:.1f} s by the clock")
    assert done.returncode == 0, done.stderr
    page = (folder / "symdyn-demo" / "report.html").read_text(encoding="utf-8")
    assert "so(3) + R" in page and cpu < MOST_DEMO
    warned = [line for line in done.stderr.splitlines() if re.search(r"\bwarning\b", line, re.IGNORECASE)]
    assert len(warned) <= 2 and "Traceback" not in done.stderr, warned
    assert run(symdyn, "demo", cwd=folder).returncode == 1  # asks for --resume or --force
    shown = run(symdyn, "show", "symdyn-demo", cwd=folder)
    assert shown.returncode == 0 and "algebra so(3) + R" in shown.stdout


def test_help_is_there_at_once(place):
    folder, symdyn = place
    seconds = []
    for _ in range(5):
        before = used()
        assert "discover" in run(symdyn, "--help", cwd=folder).stdout
        seconds.append(used() - before)
    print(f"\nsymdyn --help: {min(seconds):.2f} CPU s")
    assert min(seconds) < MOST_HELP


def test_types_are_found_by_a_checker(place):
    folder, symdyn = place
    code = (
        "import symdyn; from pathlib import Path; p = Path(symdyn.__file__); print((p.parent / 'py.typed').exists(), p)"
    )
    done = run(symdyn.parent / "python", "-c", code, cwd=folder)
    assert done.stdout.startswith("True") and str(symdyn.parents[1]) in done.stdout, done.stderr


def test_bash_completes_subcommands_and_options(place):
    """The line of docs/command.md, in a shell, and what it then completes."""
    folder, symdyn = place
    script = (
        f'PATH="{symdyn.parent}:$PATH"\neval "$(_SYMDYN_COMPLETE=bash_source symdyn)"\n'
        'try() { COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()\n'
        '_symdyn_completion "$1"; echo "${COMPREPLY[@]}"; }\n'
        "try symdyn disc\ntry symdyn discover --cand\ntry symdyn discover --kind second\n"
    )
    done = run("bash", "--norc", "-c", script, cwd=folder)
    assert done.stdout.splitlines() == ["discover", "--candidates", "second_order"], done.stderr
