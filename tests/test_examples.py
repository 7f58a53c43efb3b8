"""Every public object has an example in its docstring, and every example prints what stands there."""

import doctest
import importlib
import inspect
import pkgutil
import re
from functools import cache

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest

import symdyn

# Where public names live. What two of them share belongs to the first.
NAMESPACES = (
    "symdyn.lie.candidates",
    "symdyn.lie.groups",
    "symdyn.functions.features",
    "symdyn.systems",
    "symdyn.datasets",
    "symdyn.testing",
    "symdyn.runs",
    "symdyn.invariant.manifolds",
    "symdyn.invariant",
    "symdyn.promotion",
    "symdyn.regression",
    "symdyn.neural",
    "symdyn",
)
# Classes whose objects are handed to users, though they are made by functions.
RESULTS = {
    "symdyn.discovery.function": ("FunctionSymmetry",),
    "symdyn.discovery.noether": ("NoetherPairing",),
    "symdyn.evidence.evidence": ("Evidence",),
    "symdyn.jets.evolution": ("Evolution",),
    "symdyn.laws.fields.field_law": ("FieldLaw",),
    "symdyn.laws.law_fit": ("LawFit",),
    "symdyn.laws.residual": ("Residual",),
    "symdyn.lie.algebras.conserved": ("Conserved",),
    "symdyn.lie.chart": ("Chart",),
    "symdyn.lie.vectorfields": ("Generators",),
}
# Classes whose methods are public objects, too.
CLASSES = {
    "symdyn.lie.groups": ("Elements",),
    "symdyn.lie.vectorfields": ("Generators",),
    "symdyn": ("LieAlgebra", "PointSymmetryDiscovery", "Subspace", "SymmetryDiscovery", "VectorField"),
    "symdyn.promotion": ("PromotedRegressor",),
    "symdyn.regression": ("FittedLaw", "PDERegression", "SymmetricFit", "SymmetricSINDy"),
}
TORCH = ("neural",)  # packages that cannot be imported without it
OLD_NAMES = {"LieAlgebra.latex", "LieAlgebra.sympy"}  # of public methods: they warn, and name the new ones

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
PACKAGES = sorted(found.name for found in pkgutil.iter_modules(symdyn.__path__) if found.name != "__main__")


@pytest.fixture(autouse=True)
def _as_a_user_sees_it(tmp_path, monkeypatch):
    """Run in an empty folder, with no window for figures and the print options that numpy starts with."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("matplotlib.rcParams", matplotlib.rcParams.copy())
    matplotlib.use("Agg")
    with np.printoptions(
        precision=8, threshold=1000, edgeitems=3, linewidth=75, suppress=False, sign="-", floatmode="maxprec"
    ):
        yield
    plt.close("all")


def modules_of(package):
    """A module or package below `symdyn`, with all modules inside."""
    if package in TORCH:
        pytest.importorskip("torch")
    first = importlib.import_module(f"symdyn.{package}")
    yield first
    for found in pkgutil.walk_packages(getattr(first, "__path__", ()), f"{first.__name__}."):
        yield importlib.import_module(found.name)


@pytest.mark.parametrize("package", ["__init__", *PACKAGES])
def test_every_example_prints_what_stands_there(package):
    finder, runner, said = doctest.DocTestFinder(), doctest.DocTestRunner(optionflags=FLAGS), []
    for module in modules_of(package):
        for example in finder.find(module, module.__name__, globs={"__name__": "__main__"}):
            runner.run(example, out=said.append)
    assert not said, "".join(said)


def examples_of(documented):
    """The examples in the docstring of an object."""
    return doctest.DocTestParser().get_examples(inspect.getdoc(documented) or "")


def methods_of(public):
    """Methods of a class that symdyn wrote, inherited ones among them, without properties."""
    named = {name: getattr(public, name) for name in dir(public) if not name.startswith("_")}
    return {name: one for name, one in named.items() if callable(one) and one.__module__.startswith("symdyn")}


def earlier_than(namespace):
    """Namespaces whose objects are not counted again; those of torch come after all that share with them."""
    before = NAMESPACES[: NAMESPACES.index(namespace)] if namespace in NAMESPACES else ()
    return [name for name in before if name.removeprefix("symdyn.") not in TORCH]


@cache
def objects_of(namespace):
    """Public functions, classes and methods by the name that an example must contain."""
    if namespace.removeprefix("symdyn.") in TORCH:
        pytest.importorskip("torch")
    module = importlib.import_module(namespace)
    public = {name: getattr(module, name) for name in RESULTS.get(namespace) or module.__all__}
    earlier = {id(one) for name in earlier_than(namespace) for one in objects_of(name).values()}
    found = {name: one for name, one in public.items() if callable(one) and id(one) not in earlier}
    for name in CLASSES.get(namespace, ()):
        found |= {f"{name}.{method}": one for method, one in methods_of(public[name]).items()}
    return found


def is_shown(name, documented):
    """Whether an example calls the object and shows a result; of a class, its name may stand in the output."""
    examples = examples_of(documented)
    sources, results = ("".join(getattr(one, part) for one in examples) for part in ("source", "want"))
    name = name.rpartition(".")[2]
    if inspect.isclass(documented):
        return bool(results) and re.search(rf"\b{name}\b", sources + results) is not None
    return bool(results) and re.search(rf"\b{name}\(", sources) is not None


@pytest.mark.parametrize("namespace", [*NAMESPACES, *RESULTS])
def test_every_public_object_has_an_example(namespace):
    lacking = {name for name, documented in objects_of(namespace).items() if not is_shown(name, documented)}
    assert lacking <= OLD_NAMES


def test_an_example_must_call_the_object_and_show_a_result():
    def half(x):
        """Halve.

        >>> half(2)
        1.0
        """

    def silent(x):
        """>>> y = silent(2)"""

    def other(x):
        """Show something else.

        >>> abs(-1)
        1
        """

    assert is_shown("half", half) and not is_shown("silent", silent) and not is_shown("other", other)
