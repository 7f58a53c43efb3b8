"""Docstrings are written for a terminal, with plain formulas and names in backticks; this makes reStructuredText of it.

Outside backticks nothing is markup: `|q|^-k`, `x_i` and `a * b` are formulas. Inside they are code, and a link where
they name something public.
"""

import re
from functools import cache
from importlib import import_module

MODULES = {
    "symdyn": "symdyn",
    "symdyn.candidates": "symdyn.lie.candidates",
    "symdyn.features": "symdyn.functions.features",
    "symdyn.groups": "symdyn.lie.groups",
    "symdyn.systems": "symdyn.systems",
    "symdyn.datasets": "symdyn.datasets",
    "symdyn.regression": "symdyn.regression",
    "symdyn.neural": "symdyn.neural",
    "symdyn.testing": "symdyn.testing",
    "symdyn.runs": "symdyn.runs",
}
# Of what a paragraph after Napoleon begins with, only the text is prose.
_FIELD = re.compile(r"(?P<head>\s*(?::\w+[^:`]*:|\.\. [\w-]+::.*)?)(?P<text>.*)", re.DOTALL)
_SPAN = re.compile(r"``.+?``|(?<!:)`[^`]+`|:[\w:]+:`[^`]+`", re.DOTALL)


@cache
def public_names() -> dict[str, str]:
    """Return under which full name each public object is documented, by its own name and by its full name."""
    names: dict[str, str] = {}
    for shown, module in MODULES.items():
        for name in import_module(module).__all__:
            names.setdefault(name, f"{shown}.{name}")
            names[f"{shown}.{name}"] = f"{shown}.{name}"
            names[f"{module}.{name}"] = names.get(f"{module}.{name}", f"{shown}.{name}")
    return names


def _code(text: str) -> str:
    """Return code in single backticks as a link to what it names, or as a literal."""
    inner = re.sub(r"\s+", " ", text.strip("`"))
    name = inner.removesuffix("()")
    if name in public_names() and (name[:1].isupper() or "_" in name or "." in name):
        return f":py:obj:`{inner} <{public_names()[name]}>`"
    return f"``{inner}``"


def _escaped(text: str) -> str:
    return re.sub(r"([\\*|_])", r"\\\1", text)


def _prose(text: str) -> str:
    """Return text in which only backticks are markup."""
    parts, start = [], 0
    for span in _SPAN.finditer(text):
        parts.append(_escaped(text[start : span.start()]))
        parts.append(span[0] if span[0].startswith(("``", ":")) else _code(span[0]))
        start = span.end()
        if text[start : start + 1].isalnum():
            parts.append("\\ ")  # markup must end at the end of a word
    return "".join(parts) + _escaped(text[start:])


def _blocks(lines: list[str]) -> list[list[str]]:
    """Return lines in blocks: one begins at each field or directive, after each empty line and at each example."""
    blocks: list[list[str]] = []
    for line in lines:
        example = bool(blocks) and blocks[-1][0].lstrip().startswith(">>>")
        starts = line.lstrip().startswith((":", ".. ", ">>>")) and not example
        if not blocks or starts or not (line.strip() and blocks[-1][-1].strip()):
            blocks.append([])
        blocks[-1].append(line)
    return blocks


def to_rest(lines: list[str]) -> list[str]:
    """Return the lines of a docstring, whose sections Napoleon has made fields of, as reStructuredText."""
    out: list[str] = []
    for block in _blocks(lines):
        text = "\n".join(block)
        if not text.lstrip().startswith(">>>"):
            found = _FIELD.fullmatch(text)
            assert found is not None
            text = re.sub(r"(?<!\\)_(?=:)", r"\\_", found["head"]) + _prose(found["text"])
        out += text.split("\n")
    return out


def _process(app, what, name, thing, options, lines) -> None:
    lines[:] = to_rest(lines)


def _resolve(app, env, node, contnode):
    """Link the types in signatures and docstrings, which go by their short names, to where they are documented."""
    full = public_names().get(node.get("reftarget", "").removeprefix("sd.").rpartition(".")[2])
    if node.get("refdomain") != "py" or full is None or not full.rpartition(".")[2][0].isupper():
        return None
    return env.domains["py"].resolve_xref(env, node["refdoc"], app.builder, "obj", full, node, contnode)


def _is_foreign(app, what, name, thing, skip, options):
    """Leave out what a class inherits from other packages; None lets Sphinx decide."""
    home = getattr(getattr(thing, "fget", thing), "__module__", None) or "symdyn"
    return None if home.startswith("symdyn") else True


def setup(app) -> dict:
    """Work after Napoleon, whose priority is 500."""
    from sphinx.domains.python import PyObject  # tests of the text do without Sphinx

    for field in PyObject.doc_field_types:
        if field.name == "variable":
            field.label = "Attributes"
    app.connect("autodoc-skip-member", _is_foreign)
    app.connect("autodoc-process-docstring", _process, priority=600)
    app.connect("missing-reference", _resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
