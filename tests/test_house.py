"""The layout of the house: floors, what importing costs, what is public."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import symdyn as sd

ROOT = Path(__file__).parents[1]
FLOORS = [{"lie"}, {"data", "systems"}, {"discovery", "testing"}, {"regression", "neural"}, {"reporting"}, {"runs"}]
FLOOR_OF = {room: level for level, rooms in enumerate(FLOORS) for room in rooms}
# `save` and `load` of an algebra call the store when called; the bridge to pysindy is loaded when it is asked for.
EXCEPTIONS = {("symdyn/lie/algebra.py", "symdyn.data.store")}
BRIDGE = "symdyn/lie/libraries.py"
OPTIONAL = {"symdyn/lie/symbolic.py": {"sympy"}}  # imported when called, in the extra `symbolic`
MODULES = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "symdyn").rglob("*.py"))


def imports_of(module):
    for node in ast.walk(ast.parse((ROOT / module).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: imports are absolute"
            yield node.module


def room_of(dotted):
    parts = dotted.split(".")
    return parts[1] if parts[0] == "symdyn" and len(parts) > 1 else None


@pytest.mark.parametrize("module", [m for m in MODULES if m != "symdyn/__init__.py"])
def test_no_import_points_up(module):
    room = module.split("/")[1].removesuffix(".py")
    for name in imports_of(module):
        target = room_of(name)
        if target is None or target == room or (module, name) in EXCEPTIONS:
            continue
        assert FLOOR_OF[target] < FLOOR_OF[room], f"{module} imports {name}, which is not on a lower floor"


@pytest.mark.parametrize("module", [m for m in MODULES if m.startswith("symdyn/lie/") and m != BRIDGE])
def test_the_mathematics_needs_numpy_and_scipy_only(module):
    third = {name.split(".")[0] for name in imports_of(module)} - set(sys.stdlib_module_names)
    assert third <= {"numpy", "scipy", "symdyn"} | OPTIONAL.get(module, set())


def test_only_the_bridge_and_regression_load_pysindy():
    users = {m for m in MODULES if any(name.split(".")[0] == "pysindy" for name in imports_of(m))}
    assert {m for m in users if not m.startswith("symdyn/regression/")} <= {BRIDGE}


def test_importing_symdyn_is_quick_and_loads_no_heavy_package():
    code = (
        "import sys, time; t = time.process_time(); import symdyn; used = time.process_time() - t;"
        "heavy = {'torch', 'pysindy', 'sklearn'} & set(sys.modules); print(used, *heavy)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    used, *heavy = done.stdout.split()
    assert heavy == [] and float(used) < 2


def test_every_public_name_is_there():
    assert all(getattr(sd, name) is not None for name in sd.__all__)
    assert set(sd.__all__) <= set(dir(sd))
    assert set(sd.__all__) == {*sd._HOMES, *sd._MODULES}
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = sd.nothing


def test_no_pickles():
    for module in MODULES:
        assert not {"pickle", "joblib", "cloudpickle", "dill"} & set(imports_of(module)), module


def test_datasets_is_no_package():
    assert not (ROOT / "datasets" / "__init__.py").exists()


def test_a_namesake_is_warned_of(monkeypatch):
    import importlib.metadata

    monkeypatch.setattr(importlib.metadata, "distribution", lambda name: object())
    with pytest.warns(UserWarning, match="symdyn-workbench"):
        sd._warn_of_namesake()
