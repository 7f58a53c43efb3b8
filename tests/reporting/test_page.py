import re

import numpy as np
import pytest
import xarray as xr

import symdyn as sd
from symdyn.reporting.style import ACCENT, new_figure, save_figures


@pytest.fixture
def verdicts():
    return xr.Dataset(
        {
            "violation": ("generator", [0.0, 0.5, np.nan]),
            "upper_bound": ("generator", [0.01, 0.6, np.nan]),
            "verdict": ("generator", np.array(["symmetric", "broken", "undetermined"], dtype=object)),
        },
        coords={"generator": np.array(["y ∂x − x ∂y", "x ∂x", "<script>"], dtype=object)},
        attrs={"delta": 0.1, "caption": "What was found."},
    )


def test_page_is_self_contained_and_escapes_names(tmp_path, verdicts):
    figure, _ = new_figure(2, 2)
    figure.savefig(tmp_path / "a.png")
    path = sd.report({"symmetry": verdicts}, tmp_path, title="T & T", figures=[(tmp_path / "a.png", "A figure")])
    page = path.read_text(encoding="utf-8")
    assert path == tmp_path / "report.html"
    assert "data:image/png;base64," in page
    assert not re.search(r'(src|href)="(?!data:)', page)
    assert "T &amp; T" in page and "&lt;script&gt;" in page and page.count("<script>") == 1  # our own


def test_every_generator_appears_with_its_verdict(tmp_path, verdicts):
    page = sd.report({"symmetry": verdicts}, tmp_path / "page.html").read_text(encoding="utf-8")
    rows = re.findall(r'<tr class="(\w+)">', page)
    assert rows == ["symmetric", "broken", "undetermined"]
    assert "What was found." in page and "0.6" in page and "–" in page
    assert ">upper_bound</th>" in page  # as in Python


def test_a_data_tree_reports_like_its_groups(tmp_path, verdicts):
    tree = xr.DataTree.from_dict({"/symmetry": verdicts})
    first = sd.report(tree, tmp_path / "a.html").read_text(encoding="utf-8")
    assert first == sd.report({"symmetry": verdicts}, tmp_path / "b.html").read_text(encoding="utf-8")


def test_figures_stand_above_the_table_of_their_name_in_the_colours_of_the_page(tmp_path, verdicts):
    figure, axes = new_figure(2, 2)
    axes[0, 0].plot([0, 1], [0, 1], color=ACCENT)
    pictures = save_figures(tmp_path, {"symmetry": (figure, "See the line.")})
    page = sd.report({"symmetry": verdicts}, tmp_path, figures=pictures).read_text(encoding="utf-8")
    assert page.count("<h2>") == 1 and page.index("See the line.") < page.index("What was found.")
    assert "stroke: var(--accent)" in page and ACCENT not in page.split("<svg")[1].split("</svg>")[0]


def test_warnings_are_shown_once_with_their_count(tmp_path, verdicts):
    warned = [("too few runs", 18), ("<b>", 1)]
    page = sd.report({"symmetry": verdicts}, tmp_path, warnings=warned).read_text(encoding="utf-8")
    assert page.count("too few runs") == 1 and "(18 times)" in page and "&lt;b&gt;" in page and "(1 times)" not in page
    assert 'class="warnings"' not in sd.report({"symmetry": verdicts}, tmp_path).read_text(encoding="utf-8")


def test_the_hash_is_called_what_it_is(tmp_path):
    stages = xr.Dataset({"seconds": ("stage", [1.25])}, {"stage": ["open"]}, {"data_sha256": "abc", "config": "{}"})
    page = sd.report({"provenance": stages}, tmp_path).read_text(encoding="utf-8")
    assert "SHA-256 of all values (not of the file)" in page and "1.2 s" in page


def test_nothing_to_report_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="nothing to report"):
        sd.report({}, tmp_path)
