import re

import numpy as np
import pytest
import xarray as xr

import symdyn as sd
from symdyn.reporting.style import new_figure


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
    assert "T &amp; T" in page and "&lt;script&gt;" in page and "<script>" not in page


def test_every_generator_appears_with_its_verdict(tmp_path, verdicts):
    page = sd.report({"symmetry": verdicts}, tmp_path / "page.html").read_text(encoding="utf-8")
    rows = re.findall(r'<tr class="(\w+)">', page)
    assert rows == ["symmetric", "broken", "undetermined"]
    assert "What was found." in page and "0.6" in page and "–" in page


def test_a_data_tree_reports_like_its_groups(tmp_path, verdicts):
    tree = xr.DataTree.from_dict({"/symmetry": verdicts})
    first = sd.report(tree, tmp_path / "a.html").read_text(encoding="utf-8")
    assert first == sd.report({"symmetry": verdicts}, tmp_path / "b.html").read_text(encoding="utf-8")


def test_numbers_near_one_keep_their_decimals(tmp_path):
    law = xr.Dataset({"GM_relative": ((), 1.0006625)})
    assert "1.0006625" in sd.report({"law": law}, tmp_path / "a.html").read_text(encoding="utf-8")


def test_nothing_to_report_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="nothing to report"):
        sd.report({}, tmp_path)
