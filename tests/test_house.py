"""The layout of the package: floors, circles, names, what importing costs, what is public."""

import ast
import subprocess
import sys
from collections import Counter
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import numpy as np
import pytest

import symdyn as sd

ROOT = Path(__file__).parents[1]
# From the ground up: a package imports from those below it and from its own family.
FLOORS = [
    ("functions",), ("lie",), ("jets",), ("data", "systems"), ("datasets", "flows", "rows"), ("sums",), ("laws",),
    ("evidence",), ("discovery",), ("invariant", "promotion", "neural"), ("regression",), ("reporting",), ("runs",),
    ("cli",),
]  # fmt: skip
FLOOR_OF = {package: level for level, packages in enumerate(FLOORS) for package in packages}
FLOOR_OF |= {"show": -1, "versions": 0, "testing": 8, "__main__": len(FLOORS)}
# The only ways up: `save`, `load` and `move` of an algebra, the bridge to pysindy, and `plot` and `report` of anything.
# They are loaded when they are called.
UP = {
    ("symdyn.lie.algebras.algebra", "symdyn.sums.store"),
    ("symdyn.lie.algebras.algebra", "symdyn.flows.moved"),
    ("symdyn.flows.moved", "symdyn.neural.augmentation"),  # fields are resampled by torch
    ("symdyn.show", "symdyn.reporting.pages.shown"),
    ("symdyn.functions.space", "symdyn.functions.pysindy_bridge"),
}
BRIDGE = "symdyn.functions.pysindy_bridge"
OPTIONAL = {"symdyn.functions.symbolic": {"sympy"}}  # imported when called, in the extra `symbolic`
MOST = 14  # modules of a package


def path_of(module):
    found = ROOT / f"{module.replace('.', '/')}.py"
    return found if found.exists() else ROOT / module.replace(".", "/") / "__init__.py"


def name_of(path):
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = sorted(name_of(path) for path in (ROOT / "symdyn").rglob("*.py"))
PACKAGES = {module for module in MODULES if path_of(module).name == "__init__.py"}


@cache
def imports_of(module):
    """All that a module imports, at any time but for type checkers."""
    tree, found = ast.parse(path_of(module).read_text(encoding="utf-8")), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: imports are absolute"
            inside = {f"{node.module}.{alias.name}" for alias in node.names} & set(MODULES)
            found |= inside or {node.module}
    return frozenset(found)


def within(module):
    """The modules of symdyn that it imports, but for the ways up."""
    return {name for name in imports_of(module) if name in MODULES and (module, name) not in UP} - {module}


def package_of(module):
    """The package of a module; a module that lies beside the packages is one of its own."""
    return module if module in PACKAGES or module.count(".") == 1 else module.rpartition(".")[0]


def family_of(module):
    return module.split(".")[1] if "." in module else None


def check_no_circle(graph):
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


@pytest.mark.parametrize("module", [m for m in MODULES if m != "symdyn"])
def test_no_import_points_up(module):
    for name in within(module):
        if name != "symdyn" and family_of(name) != family_of(module):
            assert FLOOR_OF[family_of(name)] < FLOOR_OF[family_of(module)], f"{name} is not on a lower floor"


def test_every_package_has_a_floor():
    assert {family_of(module) for module in MODULES} - {None} == set(FLOOR_OF)


def test_modules_import_each_other_in_no_circle():
    check_no_circle({module: within(module) for module in MODULES})


def test_packages_import_each_other_in_no_circle():
    """What an `__init__` gathers for its users is no import of the package."""
    graph = {}
    for module in set(MODULES) - PACKAGES:
        graph.setdefault(package_of(module), set()).update(package_of(name) for name in within(module))
    check_no_circle({package: others - {package} for package, others in graph.items()})


def test_packages_are_small_and_say_what_they_are_for():
    sizes = Counter(package_of(module) for module in set(MODULES) - PACKAGES)
    assert max(sizes.values()) <= MOST, sizes.most_common(3)
    for package in PACKAGES:
        assert ast.get_docstring(ast.parse(path_of(package).read_text(encoding="utf-8"))), package


def test_no_module_name_occurs_twice_in_a_family():
    for family in FLOOR_OF:
        names = Counter(m.rpartition(".")[2] for m in set(MODULES) - PACKAGES if family_of(m) == family)
        assert all(count == 1 for count in names.values()), (family, names.most_common(2))


@pytest.mark.parametrize("module", [m for m in MODULES if family_of(m) in ("functions", "lie") and m != BRIDGE])
def test_the_mathematics_needs_numpy_and_scipy_only(module):
    third = {name.split(".")[0] for name in imports_of(module)} - set(sys.stdlib_module_names)
    assert third <= {"numpy", "scipy", "symdyn"} | OPTIONAL.get(module, set())


def test_only_the_bridge_and_regression_load_pysindy():
    users = {m for m in MODULES if any(name.split(".")[0] == "pysindy" for name in imports_of(m))}
    assert {m for m in users if family_of(m) != "regression"} <= {BRIDGE}


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
        assert not {"pickle", "joblib", "cloudpickle", "dill"} & imports_of(module), module


def test_modules_of_the_package_are_lazy():
    """They are there by name without an import of their own, and `import symdyn` loads none of them."""
    code = (
        "import sys, symdyn as sd; print(*(name for name in sd._MODULES.values() if name in sys.modules));"
        "sd.regression.fit_moments, sd.datasets.planets, sd.promotion.promote, sd.invariant.Torus, sd.neural"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.split() == []


def test_networks_without_torch_name_the_extra():
    code = "import sys; sys.modules['torch'] = None; import symdyn as sd; sd.neural"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 1 and "ImportError: networks need torch" in done.stderr.splitlines()[-1]


def test_the_folder_of_data_files_is_no_package():
    assert not (ROOT / "datasets" / "__init__.py").exists()


def test_versions_are_shown_without_loading_what_is_listed():
    code = "import sys, symdyn; symdyn.show_versions(); assert not {'torch', 'pysindy', 'xarray'} & set(sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    shown = dict(line.split(None, 1) for line in done.stdout.splitlines())
    assert shown["numpy"] == np.__version__ and shown["symdyn"] == sd.__version__ and "threads" in shown["blas"]
    assert {"python", "torch", "pysindy", "zarr"} <= set(shown)


def test_a_namesake_is_warned_of(monkeypatch):
    import importlib.metadata

    monkeypatch.setattr(importlib.metadata, "distribution", lambda name: object())
    with pytest.warns(UserWarning, match="symdyn-workbench"):
        sd._warn_of_namesake()
