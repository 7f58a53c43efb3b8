"""The pages in `docs`: samples run and print what stands there, the reference is complete, dead links are seen."""

import re
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
sys.path += [str(DOCS), str(DOCS / "_ext")]
# Pages whose blocks are pieces of modules, to be put where the text says.
TEMPLATES = {"extend"}
PAGES = sorted(page.stem for page in DOCS.glob("*.md") if "```python\n" in page.read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", [page for page in PAGES if page not in TEMPLATES])
def test_samples_print_what_stands_behind_them(page, tmp_path, monkeypatch):
    from samples import printed_by, samples_of

    monkeypatch.chdir(tmp_path)
    (tmp_path / "datasets").symlink_to(ROOT / "datasets")
    text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
    samples = samples_of(text)
    for (_, place), output in zip(samples, printed_by([code for code, _ in samples]), strict=True):
        assert place is None or output == text[slice(*place)]


def test_outputs_are_put_where_they_belong():
    from samples import refreshed

    page = "```python\nprint(1)\n```\n\n```text\n%s```\n\nWords.\n\n```text\nno output\n```\n"
    assert refreshed(page % "0\n") == page % "1\n"


def test_every_public_object_is_in_the_reference():
    pytest.importorskip("torch")  # of `symdyn.neural`
    from docstrings import MODULES

    shown = {}
    for page in (DOCS / "reference").glob("*.rst"):
        module = ""
        for line in page.read_text(encoding="utf-8").splitlines():
            if line.startswith(".. currentmodule:: "):
                module = line.split()[-1]
            elif re.fullmatch(r"   [\w.]+", line) and module:
                shown.setdefault(f"{module}.{line.strip()}", page.name)
    public = {
        f"{shown_as}.{name}": getattr(import_module(module), name)
        for shown_as, module in MODULES.items()
        for name in import_module(module).__all__
    }
    assert {name for name, thing in public.items() if not isinstance(thing, ModuleType)} == set(shown)


def test_the_picture_of_the_packages_has_all_of_them():
    import pictures

    packages = {path.parent.name for path in (ROOT / "symdyn").glob("*/__init__.py")}
    assert packages == set(pictures.places()) and pictures.imports()["lie"] == {"functions"}


def test_arrows_that_others_imply_are_left_out():
    from pictures import reduced

    assert reduced({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == {"a": {"b"}, "b": {"c"}, "c": set()}


@pytest.mark.parametrize(
    ("docstring", "rest"),
    [
        ("|q|^-k and x_i * y of `states`", r"\|q\|^-k and x\_i \* y of ``states``"),
        ("`LieAlgebra`s", r":py:obj:`LieAlgebra <symdyn.LieAlgebra>`\ s"),
        ("a span `(time,\nstate)` of two lines", "a span ``(time, state)`` of two lines"),
        (":ivar law_: W `(o, f)`, |W|", r":ivar law\_: W ``(o, f)``, \|W\|"),
        (">>> abs(x * y_)\n|1|", ">>> abs(x * y_)\n|1|"),
    ],
)
def test_docstrings_are_text_in_which_only_backticks_are_markup(docstring, rest):
    pytest.importorskip("torch")  # public names are links, those of `symdyn.neural`, too
    from docstrings import to_rest

    assert to_rest(docstring.split("\n")) == rest.split("\n")


def test_dead_links_are_seen(tmp_path):
    from check_links import dead_links, main

    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b.html").write_text('<h1 id="there"></h1><a href="../a.html#top">back</a>')
    fine = '<a href="sub/b.html#there"></a><a href="#own"></a><p id="own"></p><a href="https://example.org">out</a>'
    (tmp_path / "a.html").write_text(fine)
    assert list(dead_links(tmp_path)) == [] and main(tmp_path) == 0
    dead = (
        '<a href="sub/b.html#gone"></a><img src="no.png"><a href="#gone"></a><script src="https://x.org/y.js"></script>'
    )
    (tmp_path / "a.html").write_text(fine + dead)
    assert sorted(dead_links(tmp_path)) == [
        "a.html: from the network https://x.org/y.js",
        "a.html: no anchor #gone",
        "a.html: no anchor sub/b.html#gone",
        "a.html: no file no.png",
    ]
    assert main(tmp_path) == 1
