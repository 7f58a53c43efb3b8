"""The layout in numbers: `make house`, or `python benchmarks/house.py --against COMMIT`.

Modules of each package, circles, module names that occur twice, comparisons of words for a kind of system or of
values, private arguments with types, statements.
"""

import argparse
import ast
import io
import subprocess
import tarfile
from collections import Counter, defaultdict
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[1]
WORDS = ("kind", "output")  # attributes and names that hold words for people
# Loaded when called: `save` and `load` of an algebra, and the bridge to pysindy.
UP = {
    ("symdyn.lie.algebras.algebra", "symdyn.sums.store"),
    ("symdyn.functions.space", "symdyn.functions.pysindy_bridge"),
}


def sources(folder, commit=None):
    """Text of each module in a folder by its dotted name, as it is, or in a commit."""
    if commit is None:
        texts = {p.relative_to(ROOT).as_posix(): p.read_text(encoding="utf-8") for p in (ROOT / folder).rglob("*.py")}
    else:
        packed = subprocess.run(["git", "archive", commit, folder], cwd=ROOT, capture_output=True, check=True).stdout
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            members = [member for member in archive.getmembers() if member.name.endswith(".py")]
            texts = {member.name: archive.extractfile(member).read().decode() for member in members}
    return {name.removesuffix(".py").replace("/", "."): text for name, text in texts.items()}


def trees(texts):
    """Parsed modules; a package goes by its own name."""
    return {name.removesuffix(".__init__"): ast.parse(text) for name, text in texts.items()}


def imports(tree, known):
    """Modules of the package that one imports at any time, but for type checkers."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            inside = {f"{node.module}.{alias.name}" for alias in node.names} & known
            found |= inside or {node.module} & known
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names} & known
    return found


def has_circle(graph):
    """Whether modules or packages import each other in a circle."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError:
        return True
    return False


def compared_words(tree):
    """Comparisons of a word for a kind of system, or of values, with a text."""
    count = 0
    for node in ast.walk(tree):
        if not isinstance(node, ast.Compare):
            continue
        sides = [node.left, *node.comparators]
        names = {side.attr if isinstance(side, ast.Attribute) else getattr(side, "id", "") for side in sides}
        numpy = any(isinstance(s, ast.Attribute) and "dtype" in ast.dump(s.value) for s in sides)
        texts = [part for side in sides for part in ast.walk(side) if isinstance(part, ast.Constant)]
        count += (
            bool(names & {*WORDS, *(f"{word}_" for word in WORDS)})
            and not numpy
            and any(isinstance(text.value, str) for text in texts)
        )
    return count


def private_arguments(tree):
    """How many arguments of private functions have a type, and how many there are."""
    typed = total = 0
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("_") and not node.name.endswith("__"):
            given = node.args
            every = [*given.posonlyargs, *given.args, *given.kwonlyargs, *filter(None, (given.vararg, given.kwarg))]
            every = [argument for argument in every if argument.arg not in ("self", "cls")]
            total += len(every)
            typed += sum(a.annotation is not None and ast.unparse(a.annotation) != "Any" for a in every)
    return typed, total


def statements(tree):
    """Number of statements, docstrings left out."""
    return sum(
        isinstance(node, ast.stmt) and not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        for node in ast.walk(tree)
    )


def measured(texts, scripts):
    """Rows of the table."""
    parsed, known = trees(texts), None
    known = set(parsed)
    packages = {name for name in known if any(other.startswith(f"{name}.") for other in known)}
    modules = known - packages

    def package(name):
        return name if name in packages else name.rpartition(".")[0]

    graph = {m: {i for i in imports(parsed[m], known) if (m, i) not in UP} - {m} for m in known}
    between = defaultdict(set)
    for module in modules:
        between[package(module)] |= {package(name) for name in graph[module]} - {package(module)}
    sizes = Counter(package(module) for module in modules)
    families = Counter((m.split(".")[1], m.rpartition(".")[2]) for m in modules if "." in m)
    typed, total = (sum(column) for column in zip(*map(private_arguments, parsed.values()), strict=True))
    return {
        "packages": len(sizes),
        "modules": len(modules),
        "modules of the largest package": sizes.most_common(1)[0][1],
        "circle of modules": has_circle(graph),
        "circle of packages": has_circle(between),
        "module names twice in a family": sum(count > 1 for count in families.values()),
        "comparisons of words": sum(map(compared_words, parsed.values())),
        "private arguments with types": f"{typed} of {total} ({typed / max(total, 1):.0%})",
        "statements": sum(map(statements, parsed.values())),
        "statements of workflows": sum(statements(ast.parse(text)) for text in scripts.values()),
    }


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--against", metavar="COMMIT", help="the same for a commit, beside it")
    given = parser.parse_args()
    now = measured(sources("symdyn"), sources("workflows"))
    before = {}
    if given.against:
        before = measured(*(sources(folder, given.against) for folder in ("symdyn", "workflows")))
    for name, value in now.items():
        print(f"{name:<34}{before.get(name, '')!s:>22}{value!s:>22}")


if __name__ == "__main__":
    main()
