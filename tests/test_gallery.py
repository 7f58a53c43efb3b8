"""The pages of the gallery: each has a title, text, a figure and a seed. `make docs` runs them."""

import ast
import re
from itertools import pairwise
from pathlib import Path

import pytest

GALLERY = Path(__file__).parents[1] / "docs" / "gallery"
PAGES = sorted(GALLERY.glob("plot_*.py"))
CELL = re.compile(r"^# %%.*\n((?:#.*\n)*)", re.MULTILINE)
ABSOLUTE = re.compile(r"^(/(home|root|tmp|usr|var|work|mnt|opt|Users)\b|[A-Za-z]:[\\/]|~/)")
DRAWS = {"subplots", "figure", "plot"}


def read(page):
    return page.read_text(encoding="utf-8")


def strings_of(tree):
    return [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]


def calls_of(tree):
    functions = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return {function.attr for function in functions if isinstance(function, ast.Attribute)}


def test_there_are_as_many_pages_as_the_documentation_promises():
    assert len(PAGES) >= 14


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_begins_with_a_title_and_an_introduction(page):
    lines = (ast.get_docstring(ast.parse(read(page))) or "").splitlines()
    assert len(lines) > 3 and lines[0].strip()
    assert set(lines[1]) == {"="} and len(lines[1]) >= len(lines[0])
    assert any(line.strip() for line in lines[2:])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_draws_prints_and_explains(page):
    tree = ast.parse(read(page))
    assert calls_of(tree) & DRAWS or "imread" in calls_of(tree)
    texts = [cell.replace("#", "").strip() for cell in CELL.findall(read(page))]
    assert any(texts)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_runs_anywhere(page):
    """It compiles, and names no path of one machine nor `__file__`, which the gallery does not set."""
    tree = ast.parse(read(page))
    compile(tree, str(page), "exec")
    assert not [text for text in strings_of(tree) if ABSOLUTE.match(text)]
    assert "__file__" not in {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_random_numbers_have_a_seed(page):
    unseeded = re.findall(r"default_rng\(\)|np\.random\.(?:normal|uniform|rand\w*|seed)\(", read(page))
    assert not unseeded


def test_headings_are_underlined_in_full():
    for page in PAGES:
        lines = read(page).splitlines()
        for above, line in pairwise(lines):
            if re.fullmatch(r"# -{3,}", line):
                assert len(line) >= len(above), f"{page.name}: {above}"


def test_checked_in_results_are_small():
    results = [file for file in (GALLERY / "results").glob("*") if file.is_file()]
    assert not [file.name for file in results if file.stat().st_size > 200_000]
