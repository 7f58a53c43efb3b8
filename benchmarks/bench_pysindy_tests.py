"""pysindy's own tests of its optimizers, with STLSQ, SR3, FROLS and SSR each wrapped in `EquivariantOptimizer`.

`python benchmarks/bench_pysindy_tests.py` fetches the source distribution of the installed version with pip and
runs its tests of optimizers twice, as they are and wrapped (no symmetry: Q = identity). Those that pass as they are
have to pass wrapped. Optimizers whose solvers are not installed (MIOSR, SBR) are left out of both runs.
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
from unittest.mock import MagicMock

import pysindy.optimizers

WRAPPED = ("STLSQ", "SR3", "FROLS", "SSR")
NEEDS_A_SOLVER = ("MIOSR", "SBR")


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


def pytest_load_initial_conftests():
    """This file is also the plugin of the runs: it puts the wrapped optimizers in place before tests are collected."""
    import pysindy

    # The tests' conftest sets an option of jax, which serves SBR alone.
    if importlib.util.find_spec("jax") is None:
        sys.modules["jax"] = MagicMock()
    for name in NEEDS_A_SOLVER:
        if not hasattr(pysindy.optimizers, name):
            setattr(pysindy.optimizers, name, type(name, (_Missing,), {}))
    if os.environ.get("SYMDYN_WRAP") == "1":
        for name in WRAPPED:
            front = _Front(getattr(pysindy.optimizers, name))
            setattr(pysindy.optimizers, name, front)
            setattr(pysindy, name, front)


def results(folder: Path, wrap: bool) -> list[tuple[str, str]]:
    """Name and outcome of each test, in the order of the file: wrapped classes change some of the names."""
    out = folder / f"results-{int(wrap)}.xml"
    here = Path(__file__)
    command = [sys.executable, "-m", "pytest", "-q", "-p", here.stem, f"--junitxml={out}", "-p", "no:cacheprovider"]
    left_out = " and ".join(f"not {name}" for name in NEEDS_A_SOLVER)
    env = {**os.environ, "SYMDYN_WRAP": str(int(wrap)), "PYTHONPATH": str(here.parent), "OMP_NUM_THREADS": "1"}
    log = subprocess.run(
        [*command, "-k", left_out, "test/test_optimizers/test_optimizers.py"],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
    )
    kinds = {"failure": "failed", "error": "failed", "skipped": "skipped"}
    outcome = lambda case: next((kinds[child.tag] for child in case if child.tag in kinds), "passed")  # noqa: E731
    found = [(str(case.get("name")), outcome(case)) for case in ET.parse(out).iter("testcase")] if out.exists() else []
    if not any(result == "passed" for _, result in found):
        raise SystemExit(f"no test passed (the extra `bench` is needed):\n{log.stdout[-2000:]}{log.stderr[-2000:]}")
    return found


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
        plain, wrapped = results(folder, False), results(folder, True)
    due = [both for both in zip(plain, wrapped, strict=True) if both[0][1] == "passed"]
    lost = [name for (name, _), (_, outcome) in due if outcome != "passed"]
    print(f"pysindy {number}: {len(due)} tests of optimizers pass as they are, {len(due) - len(lost)} of them wrapped")
    for name in lost:
        print(f"  lost: {name}")
    if lost:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
