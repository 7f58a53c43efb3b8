import numpy as np
import pytest

from symdyn.functions.features import CentralForce, Monomials, Polynomial, from_library
from symdyn.functions.printing import equation_lines, field_latex, field_text, state_latex
from symdyn.functions.symbolic import field_sympy


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ([0, 0, 0], "0"),
        ([1, 1, 1], "1 + x + y"),
        ([-1, -1, 0], "−1 − x"),
        ([0, 1.23456, -0.5], "1.23 x − 0.5 y"),
        ([2.5, 0, 0], "2.5"),
        ([0, 1e-7, 0], "1e-07 x"),
    ],
)
def test_equations_show_every_coefficient_with_its_sign(row, text):
    assert equation_lines(np.array([row]), ["1", "x", "y"]) == [text]


def test_precision_is_in_significant_digits():
    assert equation_lines(np.array([[1.23456, 123.456]]), ["x", "y"], precision=5) == ["1.2346 x + 123.46 y"]


def test_every_printed_coefficient_can_be_read_back():
    row = np.random.default_rng(0).standard_normal(4)
    (line,) = equation_lines(row[None], list("abcd"), precision=17)
    words = line.replace("− ", "-").replace("−", "-").replace("+ ", "").split()
    np.testing.assert_array_equal([float(word) for word in words[::2]], row)


def test_terms_of_a_generator_name_what_they_move():
    rows = np.array([[0.0, 0.0, 1.0], [0.5, -1.0, 0.0]])
    assert field_text(rows, ["1", "x", "y"], ["x", "y"]) == "y ∂x + 0.5 ∂y − x ∂y"
    assert field_text(0 * rows, ["1", "x", "y"], ["x", "y"], time_scaling=-2) == "−2 t ∂t"
    assert field_text(0 * rows, ["1", "x", "y"], ["x", "y"]) == "0"


def test_small_terms_are_left_out_whatever_the_units():
    rows = np.array([[1.0, 1e-5]])
    for scale in (1e-9, 1.0, 1e9):
        assert field_text(scale * rows, ["x", "y"], ["x"]).count("∂") == 1


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("x", "x"),
        ("x0", "x_{0}"),
        ("x12", "x_{12}"),
        ("vx", "v_{x}"),
        ("vx1", "v_{x1}"),
        ("theta", r"\theta"),
        ("theta2", r"\theta_{2}"),
        ("u_xx", "u_{xx}"),
        ("velocity", r"\mathrm{velocity}"),
        ("50%", r"\mathrm{50\%}"),
        ("_", r"\_"),
    ],
)
def test_names_of_states_are_valid_latex(name, written):
    assert state_latex(name) == written


def test_latex_of_monomials_puts_exponents_in_braces():
    rows = np.array([[0.0, 1.0, -2.5], [1e-7, 0.0, 0.0]])
    features = Monomials(((0, 0), (2, 1), (0, 12)))
    assert field_latex(rows, features, ["x", "theta"], tiny=0) == (
        r"x^{2} \theta\,\partial_x - 2.5\,\theta^{12}\,\partial_x + 1 \times 10^{-7}\,\partial_{\theta}"
    )
    assert field_latex(0 * rows, features, ["x", "theta"]) == "0"
    assert field_latex(0 * rows, features, ["x", "theta"], time_scaling=-1.0) == r"-t\,\partial_t"


def test_small_terms_of_an_exact_field_are_shown():
    rows = np.array([[1.0, 1e-4]])
    features = Monomials(((1,), (3,)))
    assert "x^{3}" not in field_latex(rows, features, ["x"]) and "x^{3}" in field_latex(
        rows, features, ["x"], exact=True
    )


def test_latex_of_other_features_is_made_from_their_names():
    features = CentralForce((3,), (0, 1))
    assert field_latex(np.eye(2), features, ["q", "p"]) == r"q |q|^{-3}\,\partial_q + p |q|^{-3}\,\partial_p"
    library = pytest.importorskip("pysindy").FourierLibrary(n_frequencies=2).fit(np.zeros((2, 1)))
    row = np.array([[1.0, 0.0, 0.5, 0.0]])
    assert field_latex(row, from_library(library), ["phi"]) == (
        r"\sin(\phi)\,\partial_{\phi} + 0.5\,\sin(2 \phi)\,\partial_{\phi}"
    )


def _values(components, states, points):
    sympy = pytest.importorskip("sympy")
    function = sympy.lambdify(sympy.symbols(states), list(components))
    return np.array([function(*point) for point in points])


def test_sympy_form_of_every_kind_of_feature_has_its_values():
    pysindy, rng = pytest.importorskip("pysindy"), np.random.default_rng(0)
    points = rng.standard_normal((6, 3)) + 2
    fourier = from_library(pysindy.FourierLibrary(n_frequencies=2).fit(np.zeros((2, 3))))
    features = Polynomial(3, columns=(2, 0)) + CentralForce((0, 1, 3), (0, 1)) + fourier
    rows = rng.standard_normal((3, features.size(3)))
    for states in (("x", "y", "z"), ("q", "S1", "sinus"), ("x", "x1", "x11")):
        components, _ = field_sympy(rows, features, states)
        np.testing.assert_allclose(_values(components, states, points), features(points) @ rows.T, rtol=1e-12)


def test_a_law_with_fewer_outputs_than_states_has_as_many_components():
    components, rate = field_sympy(np.ones((1, 3)), Polynomial(1), ("x", "v"), exact=True)
    assert components.shape == (1, 1) and str(components[0]) == "v + x + 1" and rate == 0


@pytest.mark.parametrize("formula", ["f0(x)", "__import__('os')", "x; y", "x.real", "x +", "unknown"])
def test_features_that_are_no_formula_are_refused(formula):
    pytest.importorskip("sympy")

    class Strange(Monomials):
        def names(self, states):
            return [formula]

    class Named(CentralForce):
        def names(self, states):
            return [formula]

    assert len(field_sympy(np.ones((1, 1)), Strange(((1,),)), ("x",))[0]) == 1  # monomials need no names
    with pytest.raises(ValueError, match="formula"):
        field_sympy(np.ones((1, 1)), Named((1,), (0,)), ("x",))
