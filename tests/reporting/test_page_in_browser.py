"""The page as a browser shows it, in a frame of 400 pixels: one start of headless Chromium, clicks by a script."""

import html
import json
import re
import shutil
import subprocess

import numpy as np
import pytest
import xarray as xr

import symdyn as sd
from symdyn.data.trajectories import Trajectory
from symdyn.reporting.moving import move_trajectory
from symdyn.reporting.page import report
from symdyn.reporting.style import INK, new_figure, save_figures

pytestmark = pytest.mark.xdist_group("browser")

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
ROWS = 40
# Runs in the page around the frame, when what is in the frame is ready; `page` is its document.
CLICKS = """
const numbers = () => [...page.querySelectorAll("tbody tr")].map((row) => row.cells[1].textContent);
const seen = () => [...page.querySelectorAll("tbody tr")].filter((row) => row.offsetParent !== null).length;
const heads = page.querySelectorAll("thead th");
const moved = () => page.querySelector(".motion:not([hidden]) .moved").getAttribute("d");
const paper = () => frame.contentWindow.getComputedStyle(page.body).backgroundColor;
const ink = () => frame.contentWindow.getComputedStyle(page.querySelector(".drawing path[style*='--ink']")).stroke;
const slide = (to) => {
  const range = page.querySelector("input[type=range]");
  range.value = to;
  range.dispatchEvent(new Event("input"));
};
found.width = page.documentElement.scrollWidth;
found.folded = seen();
page.querySelector("button.more").click();
found.unfolded = seen();
heads[1].click();
found.ascending = numbers();
heads[1].click();
found.descending = numbers();
heads[1].click();
found.restored = numbers();
heads[0].click();
found.words = [...page.querySelectorAll("td.key")].map((cell) => cell.textContent);
const section = page.querySelector("details.section");
found.open = section.open && section.querySelector("figure").offsetHeight > 0;
section.querySelector("summary").click();
found.closed = !section.open;
section.open = true;
found.start = page.querySelector(".motion .start").getAttribute("d");
slide(10); found.unmoved = moved();
slide(15); found.moved = moved();
found.amount = page.querySelector("output").textContent;
found.light = [paper(), ink()];
page.querySelector("[data-do=theme]").click();
found.dark = [paper(), ink()];
"""


def rotation():
    times = np.linspace(0, 6, 200)
    states = np.column_stack([np.cos(times), -np.sin(times)])
    algebra = sd.LieAlgebra(sd.candidates.so(2, states=("x", "y")))
    law = sd.VectorField(sd.features.Polynomial(1), np.array([[0.0, 0, 1], [0, -1, 0]]), ("x", "y"))
    return algebra, law, Trajectory("a", times, states)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A page with a figure, a slider and a long, wide table."""
    folder = tmp_path_factory.mktemp("page")
    values = np.random.default_rng(0).permutation(np.geomspace(1e-9, 1e9, ROWS))
    values[3] = np.nan
    columns = {f"a_rather_long_name_{k}": ("run", values * k) for k in range(2, 9)}
    table = xr.Dataset(
        {"size": ("run", values), "size_error": ("run", np.full(ROWS, 0.3)), **columns},
        coords={"run": np.array([f"run {k}" for k in range(ROWS)], dtype=object)},
    )
    figure, axes = new_figure(9, 3)
    axes[0, 0].plot([0, 1], [0, 1], color=INK)
    pictures = [*save_figures(folder, {"line": (figure, "A line.")}), move_trajectory(*rotation(), kind="flow")]
    warnings = [("a_warning_without_any_place_to_break_it_" * 8, 3)]
    path = report({"runs": table}, folder, figures=pictures, findings=["Found."], warnings=warnings)
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def found(page, tmp_path_factory):
    """What the script saw."""
    if BROWSER is None:
        pytest.skip("no Chromium: the page is not tried in a browser")
    folder = tmp_path_factory.mktemp("browser")
    around = (
        f'<!doctype html><body><pre id="found"></pre><iframe style="width:400px;height:900px;border:0" '
        f'srcdoc="{html.escape(page)}"></iframe><script>'
        'const frame = document.querySelector("iframe"), found = {};'
        'frame.addEventListener("load", () => { const page = frame.contentDocument; try {'
        f"{CLICKS}}} catch (error) {{ found.error = String(error); }}"
        'document.getElementById("found").textContent = JSON.stringify(found); });</script></body>'
    )
    (folder / "around.html").write_text(around, encoding="utf-8")
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=4000", "--dump-dom"]
    command += [f"--user-data-dir={folder / 'profile'}", "--window-size=1000,1000", f"file://{folder / 'around.html'}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    seen = re.search(r'<pre id="found">(.*?)</pre>', done.stdout, re.DOTALL)
    assert seen and seen.group(1), done.stderr
    return json.loads(html.unescape(seen.group(1)))


def value(text):
    """The number of a cell, its error left out."""
    text = re.sub(r"\(\d+\)", "", text).replace("−", "-").replace("×10", "e")
    text = text.translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789"))
    return float(text.replace("10-", "1e-") if text.startswith("10-") else text)


def test_no_script_of_the_page_fails(found):
    assert "error" not in found


def test_nothing_overflows_a_narrow_page(found):
    assert found["width"] <= 400


def test_numbers_sort_as_numbers_and_what_is_not_known_comes_last(found):
    for key, sign in (("ascending", 1), ("descending", -1)):
        assert found[key][-1] == "–" and len(found[key]) == ROWS
        numbers = [sign * value(text) for text in found[key][:-1]]
        # Rounding to the last digit of an error, 0.3, may make neighbours equal.
        assert numbers == sorted(numbers)
    assert found["restored"] != found["ascending"] and found["restored"][3] == "–"


def test_words_sort_with_their_numbers_in_order(found):
    assert found["words"] == [f"run {k}" for k in range(ROWS)]


def test_a_long_table_is_folded_until_a_click(found):
    assert (found["folded"], found["unfolded"]) == (30, ROWS)


def test_sections_fold(found):
    assert found["open"] and found["closed"]


def test_the_slider_moves_the_curve(found):
    assert found["unmoved"] == found["start"]
    assert found["moved"] != found["start"] and found["moved"].startswith("M")
    assert float(found["amount"]) == pytest.approx(np.pi / 2, abs=0.01)


def test_the_toggle_changes_paper_and_figures(found):
    assert found["light"][0] == "rgb(255, 255, 255)"
    assert all(light != dark for light, dark in zip(found["light"], found["dark"], strict=True))


def test_without_a_script_all_is_there(page):
    """What only a script can use is hidden, everything else is open."""
    assert page.count("<details") - page.count('<details class="columns"') == len(
        re.findall("<details[^>]* open>", page)
    )
    hidden = re.findall(r"<(\w+)[^>]* hidden>", page)
    assert hidden == ["p", "p"] and page.count('class="beyond"') == 0
    assert len(re.findall(r"<tr class", page)) == ROWS and 'class="ghost"' in page


def test_nothing_is_loaded_from_elsewhere(page):
    links = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert all(link.startswith(("#", "data:")) for link in links)
    assert not re.search(r"url\((?!#)|@import|fetch\(|XMLHttp", page)
