"""What objects show of themselves is short, quick and true; what can be indexed behaves as a sequence."""

import re
import time
from dataclasses import fields, is_dataclass

import numpy as np
import pytest
from matplotlib.mathtext import MathTextParser
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

import symdyn as sd
from symdyn.data.trajectories import state_names
from symdyn.functions.display import html_table, joined_text, shortened, states_text
from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.lie.chart import Chart
from symdyn.lie.vectorfields import VectorField
from symdyn.regression import SymmetricSINDy, discover_then_fit, fit_moments
from symdyn.regression.fitted import FittedLaw
from symdyn.rows.dynamics import Layout
from symdyn.sums.moments import accumulate

HOPF = sd.systems.hopf(noise=0.05, rng=0)
NASTY = ("<b>", "x & y")


@pytest.fixture(scope="module")
def search():
    candidates = sd.candidates.affine(2) + sd.groups.sign_flips(2)
    return sd.SymmetryDiscovery(candidates, sd.features.Polynomial(3)).fit(HOPF)


@pytest.fixture(scope="module")
def interval():
    points = np.random.default_rng(0).standard_normal((300, 3))
    return sd.discover_function(lambda p: -(p[:, 0] ** 2) + (p[:, 1:] ** 2).sum(axis=1), points, sd.candidates.gl(3))


@pytest.fixture(scope="module")
def point_search():
    return sd.PointSymmetryDiscovery(1).fit(sd.systems.burgers(noise=0.05, n_trajectories=8))


@pytest.fixture(scope="module")
def fit():
    return discover_then_fit(HOPF, sd.candidates.gl(2), sd.features.Polynomial(3))


@pytest.fixture(scope="module")
def shown(search, interval, point_search, fit):
    """Objects by name, small ones and large ones."""
    library = sd.features.Polynomial(3)
    found = {
        "search": search,
        "interval": interval,
        "point search": point_search,
        "symmetric fit": fit,
        "law": fit.law,
        "field law": point_search.law_,
        "law fit": search.law_fit_,
        "evidence": search.evidence_,
        "point evidence": point_search.evidence_,
        "law of a search": search.law_,
        "chart": search.chart_,
        "chart of many": Chart(np.linspace(1, 2, 80) / 3, np.ones(80)),
        "elements": search.elements_,
        "many elements": sd.groups.sign_flips(9) + sd.groups.permutations(9),
        "moments": fit.train,
        "subspace": sd.Subspace.full((2, 10)),
        "subspace of nothing": sd.Subspace(np.zeros((4, 0)), (2, 2), np.zeros(0, dtype=int)),
        "so(3)": LieAlgebra(sd.candidates.so(3)),
        "found algebra": search.algebra_,
        "as it came out": search.found_,
        "point algebra": point_search.algebra_,
        "estimated": LieAlgebra.from_matrices(np.random.default_rng(0).standard_normal((7, 6, 6)), 0.1),
        "gl(8)": LieAlgebra(sd.candidates.gl(8)),
        "nothing": LieAlgebra(sd.candidates.so(3))[:0],
        "generators": sd.candidates.polynomial(4, 3),
        "long names": sd.candidates.gl(2, states=("a" * 80, "b" * 80)),
        "field": VectorField(
            library, np.random.default_rng(0).standard_normal((12, library.size(12))), tuple("abcdefghijkl")
        ),
        "scalar": VectorField(library, np.ones((1, 10)), ("x", "y")),
        "estimator": SymmetricSINDy(symmetry=search.algebra_),
    }
    return found


def test_what_is_shown_is_short_and_quick(shown):
    for name, given in shown.items():
        vars(given).pop("name", None)  # an algebra that has not been named
        start = time.process_time()
        text = repr(given)
        assert time.process_time() - start < 0.05, name
        assert "array(" not in text and "0x" not in text, name
        lines = text.splitlines()
        assert 1 <= len(lines) <= 12 and max(map(len, lines)) <= 120, text
        assert all(line.strip() for line in lines), name


def test_no_dataclass_prints_its_fields(shown):
    for given in shown.values():
        if is_dataclass(given):
            assert not repr(given).startswith(f"{type(given).__qualname__}({fields(given)[0].name}=")


@pytest.mark.parametrize(
    "name", ["found algebra", "so(3)", "gl(8)", "law", "field", "scalar", "generators", "long names"]
)
def test_latex_is_read_by_mathtext(shown, name):
    text = shown[name]._repr_latex_()
    inside = re.fullmatch(r"\$\$\\begin\{aligned\}\n(.*)\n\\end\{aligned\}\$\$", text, flags=re.DOTALL)[1]
    for line in inside.split(" \\\\\n"):
        MathTextParser("path").parse(f"${line.replace('&', '')}$")


def test_nothing_has_no_latex(shown):
    assert shown["nothing"]._repr_latex_() is None
    assert shown["nothing"]._repr_html_().count("<td") == 0


def test_latex_agrees_with_text():
    law = FittedLaw(sd.features.Polynomial(2), np.array([[0, -1, 0.5, 0, 0, 0], [-2, 0, 0, 0, 0, 1e-7]]), ("x", "y"))
    assert repr(law) == "FittedLaw of a flow on (x, y)\n  x' = −x + 0.5 y\n  y' = −2 + 1e-07 y^2"
    lines = [r"\dot{x} &= -x + 0.5\,y", r"\dot{y} &= -2 + 1 \times 10^{-7}\,y^{2}"]
    assert [line.strip(" \\") for line in law._repr_latex_().splitlines()[1:-1]] == [
        line.strip(" \\") for line in lines
    ]
    step = FittedLaw(law.features, law.coefficients, law.states, kind="map")
    assert "Δx = " in repr(step) and r"\Delta x" in step._repr_latex_()


def test_time_that_is_a_state_is_written_once():
    algebra = LieAlgebra(sd.candidates.gl(2, time_scaling=True, time_translation=True))
    assert algebra.to_latex()[-2:] == [r"t\,\partial_t", r"\partial_t"] and algebra.texts()[-2:] == ["t ∂t", "∂t"]


@pytest.mark.parametrize(
    "name", ["search", "interval", "point search", "symmetric fit", "found algebra", "law", "field law"]
)
def test_html_is_a_plain_table(shown, name):
    page = shown[name]._repr_html_()
    assert page.count("<table>") == page.count("</table>") >= 1
    assert not re.search(r"color|background|<script|<style", page)


def test_html_escapes_names():
    algebra = LieAlgebra(sd.candidates.gl(2, states=NASTY))
    law = FittedLaw(sd.features.Polynomial(1), np.ones((2, 3)), NASTY)
    for page in (algebra._repr_html_(), law._repr_html_(), html_table("<i>", ("<u>",), [("a", "<b>")])):
        assert "<b>" not in page and "&lt;b&gt;" in page
        assert "<i>" not in page and "<u>" not in page


def test_a_notebook_sees_verdicts_once_there_are_any(search):
    page = search._repr_mimebundle_()["text/html"]
    assert page == search._repr_html_()
    for word in ("violation", "95 % bound", "symmetric", "broken", "x0 -&gt; -x0", "so(2)"):
        assert word in page, word
    assert "95 % bound" not in clone(search)._repr_mimebundle_()["text/html"]
    assert "95 % bound" not in clone(search)._repr_html_()
    check_is_fitted(search, "verdicts_")


def test_estimators_are_shown_as_scikit_learn_shows_them(search):
    assert repr(search).startswith("SymmetryDiscovery(candidates=[Generators(6) on (x0, x1): ")


def test_an_algebra_is_named_where_that_is_quick_or_known():
    known = LieAlgebra(sd.candidates.gl(4))
    assert repr(known).startswith("LieAlgebra of dimension 16 on (x0, x1, x2, x3)\n")
    assert known.name == "sl(4) + R"
    assert repr(known).startswith("LieAlgebra sl(4) + R on (x0, x1, x2, x3)\n")
    assert repr(known).endswith("  … and 10 more")
    turns = LieAlgebra(sd.candidates.so(3, states=("x", "y", "z")))
    assert repr(turns) == "LieAlgebra so(3) on (x, y, z)\n  y ∂x − x ∂y\n  z ∂x − x ∂z\n  z ∂y − y ∂z"


def test_estimated_generators_are_said_to_be(search):
    assert repr(search.found_).splitlines()[0].endswith("0 of 1 generators exact")
    assert "estimated" in search.found_._repr_html_() and "exact" in search.algebra_._repr_html_()


def test_small_objects_say_what_they_are():
    assert repr(sd.groups.permutations(3)) == (
        "Elements(2) on (x0, x1, x2), generators of a group: swap x0, x1; cycle x0 -> x1 -> x2"
    )
    assert repr(sd.groups.permutations(3)[0]) == "Elements(1) on (x0, x1, x2): swap x0, x1"
    assert repr(sd.candidates.gl(1)) == "Generators(1) on (x0): x0 ∂x0"
    assert repr(Chart.identity(2)) == "Chart on 2 states: identity"
    assert repr(sd.Subspace.full((1, 2))).endswith("of dimension 2 in 2 coefficients 1 x 2, free at: (0, 0); (0, 1)")


def test_sums_say_what_was_summed():
    data = sd.systems.kepler(3, rng=0)
    states = tuple(state_names(data))
    text = repr(accumulate(data, sd.features.Polynomial(1), Layout("flow", states)))
    assert text.startswith("Moments of 3 trajectories, ") and "7 features, 6 outputs, 6 arguments" in text


def test_representations_say_what_they_move():
    pytest.importorskip("torch")
    from symdyn.neural.representations import as_representation

    turn = as_representation(sd.candidates.so(3))
    assert repr(turn) == "Representation of dimension 3: 3 generators, 0 elements"
    assert repr(turn.copies(2)).endswith(", 0 elements, blocks: 2 of size 3")


def test_equality_is_that_of_dataclasses():
    assert Chart((0,), (1,)) == Chart((0,), (1,)) != Chart((0,), (2,))
    field = VectorField(sd.features.Polynomial(1), np.ones((1, 2)), ("x",))
    assert field == field and field != "field"


@pytest.mark.parametrize("make", [sd.candidates.so, lambda n: LieAlgebra(sd.candidates.so(n)), sd.groups.sign_flips])
def test_sequences_are_sequences(make):
    given = make(4)
    texts = given.texts()
    assert len(given) == len(texts) == len(list(given))

    def told(part):
        return part.texts() if hasattr(part, "texts") else part.coefficients.tolist()

    for k in (0, 1, -1, -len(given), np.int64(2)):
        assert told(given[k]) == told(list(given)[k])
    for part in (slice(1, 3), slice(None, None, -1), slice(-2, None), slice(0, 0), [2, 0], np.array([1, 1])):
        assert type(given[part]) is type(given)
        assert given[part].texts() == np.array(texts, dtype=object)[part].tolist()
    assert given[np.arange(len(given)) == 1].texts() == texts[1:2]
    for outside in (len(given), -len(given) - 1):
        with pytest.raises(IndexError):
            given[outside]


def test_parts_of_an_algebra_keep_their_rates_errors_and_chart(search):
    candidates = sd.candidates.gl(2, time_scaling=True)
    assert candidates[-1:].time_scaling.tolist() == [1.0]
    algebra = LieAlgebra.from_matrices(np.eye(4).reshape(4, 2, 2), np.arange(1, 5)[:, None, None] * 0.1)
    assert np.allclose(algebra[1:3].errors, algebra.errors[1:3])
    assert search.found_[:1].chart == search.found_.chart
    assert [field.coefficients.tolist() for field in algebra] == [f.coefficients.tolist() for f in algebra.generators]


def test_texts_are_cut_after_a_term():
    assert shortened("a + b − c", 8) == "a + …"
    assert shortened("abcdefgh", 6) == "abcd…"
    assert states_text([f"x{k}" for k in range(64)]) == "(x0, x1, …, x63)"
    assert joined_text("some", ["a"] * 6, 9) == "some: a; a; a; a; a; a; …"
    assert max(len(joined_text("head" * 20, ["t" * 50] * 2, 2)), 0) <= 120


def test_a_law_from_sums_is_shown_as_equations(search):
    law = fit_moments(HOPF, sd.features.Polynomial(3), symmetry=search.algebra_)
    assert repr(law).splitlines()[1].startswith("  x0' = ")


def test_what_notebooks_show_of_large_objects_is_short():
    library = sd.features.Polynomial(4)
    law = VectorField(library, np.ones((8, library.size(8))), tuple("abcdefgh"))
    for given in (law, sd.candidates.gl(8), LieAlgebra(sd.candidates.gl(8))):
        text = given._repr_latex_()
        assert r"\ldots" in text and len(text.splitlines()) < 16 and len(text) < 4000
    assert "… and 2 more" in law._repr_html_() and len(law._repr_html_()) < 6000
