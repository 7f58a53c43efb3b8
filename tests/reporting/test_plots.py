"""Drawings of results: axes in and out, one item for each thing that was found, names and units on the axes."""

import subprocess
import sys
from dataclasses import replace

import matplotlib
import numpy as np
import pytest
import xarray as xr

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.quiver import Quiver

import symdyn as sd
from symdyn.discovery.function_symmetry import FunctionSymmetry
from symdyn.jets.pointfields import parse_generators
from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.lie.vectorfields import VectorField
from symdyn.regression import FittedLaw, SymmetricFit, discover_then_fit, fit_moments
from symdyn.reporting.plots.canvas import formula
from symdyn.reporting.plots.law_plot import compared
from symdyn.reporting.style import VERDICT_COLOURS

HOPF = sd.systems.hopf(noise=0.05, rng=0)
CUBIC = sd.features.Polynomial(3)
DRAWN = {
    sd.SymmetryDiscovery: {"plot", "report"},
    sd.PointSymmetryDiscovery: {"plot", "report"},
    FunctionSymmetry: {"plot", "report"},
    SymmetricFit: {"plot", "report"},
    LieAlgebra: {"plot", "move"},
    VectorField: {"plot"},
    FittedLaw: {"plot"},
}


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def search():
    return sd.SymmetryDiscovery(sd.candidates.affine(2) + sd.groups.sign_flips(2), CUBIC).fit(HOPF)


@pytest.fixture(scope="module")
def hopf():
    """The same data with names and units."""
    data = sd.open_trajectories(HOPF[0], t=HOPF[1], states=["x", "y"])
    for name, unit in {"x": "m", "y": "m", "t": "s"}.items():
        data[name].attrs["units"] = unit
    return data


@pytest.fixture(scope="module")
def fit():
    return discover_then_fit(HOPF, sd.candidates.gl(2), CUBIC)


def interval():
    points = np.random.default_rng(0).standard_normal((200, 3))
    return sd.discover_function(lambda p: -(p[:, 0] ** 2) + (p[:, 1:] ** 2).sum(axis=1), points, sd.candidates.gl(3))


def verdicts(over, words, violations, delta=0.1):
    bounds = np.array(violations) * 1.2 + 0.001
    columns = {"violation": violations, "upper_bound": bounds, "verdict": np.array(words, dtype=object)}
    columns = {name: (over, values) for name, values in columns.items()}
    return xr.Dataset(columns, {over: [f"x{k}^2" for k in range(len(words))]}, {"delta": delta})


@pytest.mark.parametrize("kind", DRAWN, ids=lambda kind: kind.__name__)
def test_every_result_is_drawn(kind):
    for method in DRAWN[kind]:
        assert getattr(kind, method).__doc__.split()[0] in ("Draw", "Write", "Move")


def test_drawing_is_loaded_when_it_is_asked_for():
    code = (
        "import sys, symdyn as sd; a = sd.LieAlgebra(sd.candidates.so(2)); print('matplotlib' in sys.modules);"
        "a.plot(); print('matplotlib' in sys.modules, 'torch' in sys.modules)"
    )
    environment = {"MPLBACKEND": "Agg", "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.split() == ["False", "True", "False"]


def test_axes_that_are_given_are_drawn_into_and_returned(search, hopf, fit):
    draws = [
        lambda ax: search.plot(ax),
        lambda ax: search.algebra_.plot(hopf, ax),
        lambda ax: search.law_.plot(hopf, ax),
        lambda ax: search.law_.plot(ax=ax, over=hopf),
        lambda ax: fit.plot(ax),
        lambda ax: interval().plot(ax=ax),
        lambda ax: sd.plot(verdicts("quantity", ["conserved"], [0.01]), ax=ax),
    ]
    for draw in draws:
        figure, ax = plt.subplots()
        assert draw(ax) is ax and figure.axes == [ax]
        figure.canvas.draw()
    assert len(plt.get_fignums()) == len(draws)


def test_what_is_no_axes_is_refused(search):
    with pytest.raises(TypeError, match="ax must be matplotlib Axes, got str"):
        search.plot("a.png")
    with pytest.raises(TypeError, match="there is no drawing of a int"):
        sd.plot(3)
    with pytest.raises(TypeError, match="holds no verdicts"):
        sd.plot(xr.Dataset())


def test_a_search_is_drawn_once_it_is_fitted():
    with pytest.raises(ValueError, match="not fitted"):
        sd.SymmetryDiscovery(sd.candidates.gl(2), CUBIC).plot()


def test_evidence_has_a_row_for_each_generator_and_element(search):
    ax = search.plot()
    n = int(np.isfinite(search.verdicts_.violation).sum()) + search.element_verdicts_.sizes["element"]
    assert len(ax.get_yticks()) == n == 9
    dots = [line for line in ax.lines if line.get_marker() == "o"]
    expected = [*search.verdicts_.verdict.values, *sorted(search.element_verdicts_.verdict.values, reverse=True)]
    assert [line.get_color() for line in dots] == [VERDICT_COLOURS[word] for word in expected]
    heights = [line.get_ydata()[0] for line in dots]
    assert heights == sorted(heights) and heights[6] - heights[5] > 1  # elements stand apart
    assert "95 %" in ax.get_xlabel() and any("delta" in text.get_text() for text in ax.texts)


def test_evidence_shows_where_bounds_are_and_delta_is_in_sight():
    table = verdicts("generator", ["symmetric", "broken"], [1e-9, 0.5], delta=1e-6)
    ax = sd.plot(table)
    bars = sorted(line.get_xdata()[0] for line in ax.lines if line.get_marker() == "|")
    np.testing.assert_allclose(bars, table.upper_bound)
    low, high = ax.get_xlim()
    assert low < 1e-6 < high


def test_long_tables_are_cut_and_say_so():
    table = verdicts("quantity", ["conserved"] * 2 + ["broken"] * 38, np.linspace(0.01, 1, 40))
    labels = [label.get_text() for label in sd.plot(table).get_yticklabels()]
    assert len(labels) == 25 and labels[-1] == "… and 16 more"
    unseen = table.isel(quantity=[0, 20, 39])
    unseen = unseen.assign(violation=unseen.violation.where(unseen.violation < 0.9))
    labels = [label.get_text() for label in sd.plot(unseen).get_yticklabels()]
    assert labels == ["$x_{0}^{2}$", "$x_{20}^{2}$", "… and 1 more"]


def test_each_generator_has_a_panel_with_its_arrows():
    algebra = LieAlgebra(sd.candidates.so(3, states="xyz"))
    panels = algebra.plot()
    assert panels.shape == (3,) and all(isinstance(panel, Axes) for panel in panels)
    assert [panel.get_title() for panel in panels] == [formula(text) for text in algebra.texts()]
    planes = [(panel.get_xlabel(), panel.get_ylabel()) for panel in panels]
    assert planes == [("$x$", "$y$"), ("$x$", "$z$"), ("$y$", "$z$")]
    assert algebra.plot(generator=-1).get_title() == panels[-1].get_title()
    figure, given = plt.subplots(1, 3)
    assert list(algebra.plot(ax=given)) == list(given)
    with pytest.raises(ValueError, match=r"3 generators need 3 axes, got 1: choose one by generator="):
        algebra.plot(ax=figure.axes[0])
    with pytest.raises(ValueError, match="no generators"):
        algebra[:0].plot()


def test_arrows_point_along_the_field_in_the_units_of_the_axes(hopf):
    stretched = LieAlgebra.from_matrices([[[0.0, 10.0], [-0.1, 0.0]]], states=("x", "y"))
    ax = stretched.plot(hopf.assign(x=hopf.x * 10))
    (arrows,) = (part for part in ax.collections if isinstance(part, Quiver))
    middle = arrows.get_offsets() + np.column_stack([arrows.U, arrows.V]) / 2
    moved = stretched.generators[0](middle)
    np.testing.assert_allclose(arrows.U * moved[:, 1], arrows.V * moved[:, 0], atol=1e-12)
    assert np.all(arrows.U * moved[:, 0] >= 0)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("$x$ (m)", "$y$ (m)")
    assert len(ax.lines) == hopf.sizes["trajectory"]


def test_what_moves_time_says_so():
    scaling = LieAlgebra.from_matrices(np.eye(2)[None], time_scaling=[1.5], states=("x", "y"))
    assert r"1.5\,t\,\partial_{t}" in scaling.plot().get_title()
    shift = LieAlgebra(parse_generators(["∂t"], ["x", "y", "t"]))
    ax = shift.plot(HOPF)
    assert ax.get_ylabel() == "$t$" or any(text.get_text() == "moves time alone" for text in ax.texts)


def test_point_symmetries_are_drawn_over_the_field():
    data = sd.systems.burgers(n_trajectories=1)
    algebra = LieAlgebra(parse_generators(["∂t", "t ∂x + ∂u"], ["t", "x", "u"]))
    over_time, over_values = algebra.plot(data)
    assert (over_time.get_xlabel(), over_time.get_ylabel()) == ("$x$", "$t$")
    assert (over_values.get_xlabel(), over_values.get_ylabel()) == ("$x$", "$u$")
    assert len(over_values.lines) == 5
    with pytest.raises(ValueError, match="acts on x, y, the data hold t, x, u"):
        LieAlgebra(sd.candidates.so(2, states="xy")).plot(data)


def test_a_law_is_drawn_as_streamlines_and_a_function_as_levels(hopf):
    law = sd.systems.exact_law("hopf")
    assert any(isinstance(part, LineCollection) for part in law.plot(over=hopf).collections)
    energy = VectorField(sd.features.Polynomial(2), np.array([[0, 0, 0, 0.5, 0, 0.5]]), ("x", "y"))
    assert energy.plot().get_xlabel() == "$x$"
    line = VectorField(sd.features.Polynomial(1), np.array([[0.0, -1.0]]), ("x",)).plot().lines[-1]
    np.testing.assert_allclose(line.get_ydata(), -line.get_xdata())
    with pytest.raises(ValueError, match="over is for a field"):
        law.plot(hopf, over=hopf)


def test_measured_rates_are_those_of_the_law_and_what_is_missing_shows(hopf):
    clean = sd.systems.hopf(rng=0)
    law = sd.systems.exact_law("hopf")
    right = compared(law, clean, "flow")
    np.testing.assert_allclose(right.measured, right.predicted, atol=1e-6)
    assert np.all(right.unexplained < 1e-6)
    halved = VectorField(law.features, 0.5 * law.coefficients, law.states)
    np.testing.assert_allclose(compared(halved, clean, "flow").unexplained, 0.5, atol=1e-6)
    noisy = compared(fit_moments(hopf, CUBIC), hopf, "flow")
    assert np.all(noisy.unexplained < 0.05) and noisy.unit == "m/s"
    ax = law.plot(hopf)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("predicted rate (m/s)", "measured rate (m/s)")
    said = [text.get_text().split(":")[0] for text in ax.get_legend().get_texts()]
    assert said == ["$\\dot{x}$", "$\\dot{y}$"]


def test_laws_of_every_kind_are_compared():
    data = sd.systems.kepler(3, isotropic=False, rng=1)
    law = fit_moments(data, sd.features.CentralForce((3,)), layout="second_order")
    found = compared(law, data, "second_order")
    assert found.unit is None and found.measured.shape[1] == 3 and np.all(found.unexplained < 0.05)
    x = np.empty((200, 1))
    x[0] = 0.3
    for k in range(199):
        x[k + 1] = 3.7 * x[k] * (1 - x[k])
    step = VectorField(sd.features.Polynomial(2), np.array([[0.0, 2.7, -3.7]]), ("x0",))
    assert compared(step, (x, 1.0), "map").unexplained.max() < 1e-12
    assert step.plot((x, 1.0), kind="map").get_ylabel() == "measured step"
    with pytest.raises(ValueError, match="3 outputs, a flow of these data has 6"):
        compared(VectorField(law.features, law.coefficients, law.states), data, "flow")


def test_a_fit_shows_both_curves(fit):
    ax = fit.plot()
    symmetric, free = (line for line in ax.lines if line.get_linestyle() == "-")
    np.testing.assert_allclose(symmetric.get_ydata(), fit.curve.symmetric)
    np.testing.assert_allclose(free.get_xdata(), fit.curve.trajectories)
    said = [text.get_text() for text in ax.get_legend().get_texts()]
    assert said[:2] == ["inside the symmetry (4 free numbers)", "free (20 free numbers)"]
    assert ax.get_title(loc="left") == "Enforced: so(2)"


def test_errors_below_the_noise_leave_gaps(fit):
    curve = fit.curve.assign(symmetric=0 * fit.curve.symmetric)
    symmetric = replace(fit, curve=curve).plot().lines[0]
    assert np.all(np.isnan(symmetric.get_ydata()))
    ax = replace(fit, curve=0 * curve).plot()
    ax.figure.canvas.draw()
    assert [text.get_text() for text in ax.texts] == ["all errors are below the noise"]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("y ∂x − x ∂y", r"$y\,\partial_{x}-x\,\partial_{y}$"),
        ("−0.5 vx ∂x0 + 1.5 t ∂t", r"$-0.5\,v_{x}\,\partial_{x_{0}}+1.5\,t\,\partial_{t}$"),
        ("2 x^2 − 1.5e-05 x y", r"$2\,x^{2}-1.5\times{}10^{-5}\,x\,y$"),
        ("x -> -x, y -> y", r"$x\,\to{-}x,\;\,y\,\to{}y$"),
        ("swap x, y", "swap x, y"),
    ],
)
def test_texts_become_formulas(text, written):
    assert formula(text) == written


def test_every_kind_of_result_has_a_page(search, fit, hopf, tmp_path):
    quantities = sd.conserved_quantities(sd.systems.duffing(rng=0), sd.features.Polynomial(4), n_bootstrap=20)
    function = interval()
    pages = {
        "so(2)": search.report(tmp_path / "a.html", title="A title", data=hopf),
        function.algebra_.name: function.report(tmp_path / "b.html"),
        "free numbers": fit.report(tmp_path / "c.html"),
        "Conserved: ": sd.report(quantities, tmp_path / "d.html"),
        "one symmetry": sd.report({"one symmetry": search.verdicts_}, tmp_path),
    }
    for said, path in pages.items():
        page = path.read_text(encoding="utf-8")
        assert said.lower() in page.lower() and '<img src="http' not in page
        assert ("numpy" in page) == (path.name != "report.html")
    assert "<title>A title</title>" in pages["so(2)"].read_text(encoding="utf-8")
    assert pages["one symmetry"] == tmp_path / "report.html"
    with pytest.raises(TypeError, match="there is no page of a list: give a fitted search"):
        sd.report([1], tmp_path)
    with pytest.raises(ValueError, match="not fitted"):
        sd.SymmetryDiscovery(sd.candidates.gl(2), CUBIC).report(tmp_path)
