"""pysindy's own tests of its optimizers and of its models, with ours in their place.

`python benchmarks/bench_pysindy_tests.py` fetches the source distribution of the installed version with pip and
runs its tests twice, as they are and without a symmetry in ours: STLSQ, SR3, FROLS and SSR each wrapped in
`EquivariantOptimizer`, `SymmetricSINDy` for `SINDy`. Those that pass as they are have to pass with ours. Optimizers
whose solvers are not installed (MIOSR, SBR) are left out of both runs.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tarfile
import tempfile
import xml.etree.ElementTree as ET
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple
from unittest.mock import MagicMock

import pysindy.optimizers

WRAPPED = ("STLSQ", "SR3", "FROLS", "SSR")
NEEDS_A_SOLVER = ("MIOSR", "SBR")
OPTIMIZERS = ("test/test_optimizers/test_optimizers.py",)
MODELS = ("test/test_pysindy.py", "test/test_sindyc.py")
# Without an optimizer ours is that of the chart of the data, chosen in `fit`, which has no parameters before.
NOT_OURS = ("test_cross_validation",)


class _Front(type):
    """Makes wrapped optimizers and counts them as instances, as the class it stands for does."""

    def __new__(mcs, plain):
        helpers = {name: value for name, value in vars(plain).items() if isinstance(value, staticmethod | classmethod)}
        return super().__new__(mcs, plain.__name__, (), {**helpers, "plain": plain})

    def __init__(cls, plain):
        super().__init__(plain.__name__, (), {})

    def __call__(cls, *args, **kwargs):
        from symdyn.regression import EquivariantOptimizer

        return EquivariantOptimizer(cls.plain(*args, **kwargs))

    def __instancecheck__(cls, instance):
        return isinstance(getattr(instance, "optimizer", instance), cls.plain)


class _Missing(pysindy.optimizers.STLSQ):
    """Stands for an optimizer whose solver is not installed, so that the tests can be collected."""

    def __init__(self, *args, **kwargs):
        super().__init__()


class _LazyFixture(NamedTuple):
    """Stands for `pytest.lazy_fixture`, of a plugin that newer versions of pytest do not load."""

    name: str


def pytest_fixture_setup(fixturedef, request):
    if isinstance(getattr(request, "param", None), _LazyFixture):
        request.param = request.getfixturevalue(request.param.name)


def pytest_load_initial_conftests():
    """This file is also the plugin of the runs: it puts ours in place before tests are collected."""
    import pysindy
    import pytest

    vars(pytest).setdefault("lazy_fixture", _LazyFixture)

    # The tests' conftest sets an option of jax, which serves SBR alone.
    if importlib.util.find_spec("jax") is None:
        sys.modules["jax"] = MagicMock()
    for name in NEEDS_A_SOLVER:
        if not hasattr(pysindy.optimizers, name):
            setattr(pysindy.optimizers, name, type(name, (_Missing,), {}))
    ours = os.environ.get("SYMDYN_WRAP")
    if ours == "models":
        import symdyn.regression.sindy as module

        # Its own `ps.SINDy` stays pysindy's.
        vars(module)["ps"] = SimpleNamespace(**{name: getattr(pysindy, name) for name in dir(pysindy)})
        vars(pysindy)["SINDy"] = module.SymmetricSINDy
    if ours == "optimizers":
        import symdyn.regression  # noqa: F401  (before the classes from which its own derive are replaced)

        for name in WRAPPED:
            front = _Front(getattr(pysindy.optimizers, name))
            setattr(pysindy.optimizers, name, front)
            setattr(pysindy, name, front)


def results(folder: Path, files: tuple[str, ...], ours: str) -> list[tuple[str, str]]:
    """Name and outcome of each test, in the order of the files: wrapped classes change some of the names."""
    out = folder / f"results-{ours}.xml"
    here = Path(__file__)
    command = [sys.executable, "-m", "pytest", "-q", "-p", here.stem, f"--junitxml={out}", "-p", "no:cacheprovider"]
    left_out = " and ".join(f"not {name}" for name in (*NEEDS_A_SOLVER, *NOT_OURS))
    paths = os.pathsep.join(filter(None, [str(here.parent), os.environ.get("PYTHONPATH")]))
    env = {**os.environ, "SYMDYN_WRAP": ours, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
    log = subprocess.run([*command, "-k", left_out, *files], cwd=folder, env=env, capture_output=True, text=True)
    kinds = {"failure": "failed", "error": "failed", "skipped": "skipped"}
    outcome = lambda case: next((kinds[child.tag] for child in case if child.tag in kinds), "passed")  # noqa: E731
    found = [(str(case.get("name")), outcome(case)) for case in ET.parse(out).iter("testcase")] if out.exists() else []
    if not any(result == "passed" for _, result in found):
        raise SystemExit(f"no test passed (the extra `bench` is needed):\n{log.stdout[-2000:]}{log.stderr[-2000:]}")
    return found


def lost(folder: Path, files: tuple[str, ...], what: str) -> list[str]:
    """Print how many tests pass as they are and with ours; return those that pass no longer."""
    plain, wrapped = results(folder, files, "nothing"), results(folder, files, what)
    due = [both for both in zip(plain, wrapped, strict=True) if both[0][1] == "passed"]
    missing = [name for (name, _), (_, outcome) in due if outcome != "passed"]
    number = version("pysindy")
    print(f"pysindy {number}: {len(due)} tests of {what} pass as they are, {len(due) - len(missing)} of them with ours")
    return missing


def main():
    number = version("pysindy")
    with tempfile.TemporaryDirectory() as scratch:
        fetch = ["download", f"pysindy=={number}", "--no-binary", "pysindy", "--no-deps", "-q", "-d", scratch]
        subprocess.run([sys.executable, "-m", "pip", *fetch], check=True)
        archive = next(Path(scratch).glob("*.tar.gz"))
        with tarfile.open(archive) as tar:
            tar.extractall(scratch, filter="data")
        folder = archive.with_name(archive.name.removesuffix(".tar.gz"))
        # The installed package is tested, not the sources beside the tests.
        (folder / "pysindy").rename(folder / "sources")
        missing = lost(folder, OPTIMIZERS, "optimizers") + lost(folder, MODELS, "models")
    for name in missing:
        print(f"  lost: {name}")
    if missing:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
