"""Conserved quantities and their pairing: units, origin, order and names do not change the answer."""

from functools import lru_cache

import numpy as np
import pysindy as ps
import pytest
from scipy.integrate import solve_ivp

import symdyn as sd
from symdyn.discovery.noether import noether_pairing
from symdyn.lie.chart import Chart
from symdyn.testing import assert_equivariant, assert_symmetric

QUARTIC = sd.features.Polynomial(4)
CHANGES = {
    "units": ([1e9, 1e-9], [0, 0]),
    "origin": ([1, 1], [300, -1000]),
    "units and origin": ([1e-6, 1e4], [1e-3, -7e6]),
}
FEW = dict(n_bootstrap=40, rng=3)


@lru_cache
def duffing(noise, n=14):
    """Runs of x' = y, y' = x − x^3."""
    rng, times = np.random.default_rng(5), np.linspace(0, 15, 180)
    options = dict(t_eval=times, rtol=1e-9, atol=1e-11, method="DOP853")
    runs = [
        solve_ivp(lambda _, z: [z[1], z[0] - z[0] ** 3], (0, 15), start, **options).y.T
        for start in rng.uniform(-1.5, 1.5, (n, 2))
    ]
    spread = np.concatenate(runs).std(axis=0)
    return [x + noise * spread * rng.standard_normal(x.shape) for x in runs], times[1]


@lru_cache
def plain(noise):
    return sd.conserved_quantities(duffing(noise), QUARTIC, **FEW)


def found_functions(result, features, points):
    """What the conserved functions are at some points, about their means, in units of their spread."""
    rows = result.coefficients.values[result.verdict.values == "conserved"]
    values = features(points) @ rows.T
    values = values - values.mean(axis=0)
    return values / values.std(axis=0)


def check_same(first, second, tolerance):
    assert list(first.verdict.values) == list(second.verdict.values)
    for name in ("n_products", "gradient_rank", "n_unseen"):
        assert first.attrs[name] == second.attrs[name]
    for name in ("violation", "upper_bound"):
        np.testing.assert_allclose(first[name], second[name], rtol=tolerance, atol=max(tolerance, 1e-7))


@pytest.mark.parametrize("noise", [0.0, 0.02])
@pytest.mark.parametrize("change", CHANGES)
def test_the_energy_in_any_units_and_about_any_origin(change, noise):
    scale, shift = map(np.array, CHANGES[change])
    runs, step = duffing(noise)
    moved = sd.conserved_quantities(([x * scale + shift for x in runs], step), QUARTIC, **FEW)
    assert list(plain(noise).verdict.values).count("conserved") == 1
    check_same(plain(noise), moved, 1e-6 if change == "units" else 1e-4)
    x = np.concatenate(runs)[::17]
    here, there = found_functions(plain(noise), QUARTIC, x), found_functions(moved, QUARTIC, x * scale + shift)
    np.testing.assert_allclose(np.abs(np.sum(here * there)) / len(x), 1, atol=1e-6 if change == "units" else 1e-4)


def test_errors_of_coefficients_follow_the_units():
    runs, step = duffing(0.02)
    moved = sd.conserved_quantities(([x * [1e3, 1e-2] for x in runs], step), QUARTIC, **FEW)
    for name in ("coefficients", "errors"):
        units = QUARTIC(np.array([[1e3, 1e-2]]))[0]
        one, other = plain(0.02)[name].values[0], moved[name].values[0] * units
        k = np.argmax(np.abs(plain(0.02).coefficients.values[0]) * plain(0.02).spread.values)
        leading = moved.coefficients.values[0, k] * units[k]
        np.testing.assert_allclose(other / abs(leading), one * np.sign(leading) if name != "errors" else one, atol=1e-6)


def test_far_from_the_origin_errors_of_coefficients_belong_together():
    """The coefficient of x^3 is −4 c times that of x^4: its error is that of the ratio, not of what cancels."""
    runs, step = duffing(0.02)
    moved = sd.conserved_quantities(([x + [300.0, 0.0] for x in runs], step), QUARTIC, **FEW)
    here, there = (r.isel(quantity=0).sel(feature=["x0^3", "x0^4"]) for r in (plain(0.02), moved))
    assert abs(here.coefficients[0]) < 5 * here.errors[0]
    ratio = there.coefficients[0] / there.coefficients[1]
    assert float(ratio) == pytest.approx(-1200, rel=1e-2)
    assert float(there.errors.min()) >= 0 and float(there.errors[1]) < 0.1 * abs(float(there.coefficients[1]))


@pytest.mark.parametrize("shift", [1e5, 1e6])
def test_far_from_the_origin_nothing_else_is_found(shift):
    runs, step = duffing(0.0)
    moved = sd.conserved_quantities(([x + shift for x in runs], step), QUARTIC, **FEW)
    assert list(moved.verdict.values) == list(plain(0.0).verdict.values)


def test_the_text_of_an_energy_holds_its_terms_and_no_others():
    assert plain(0.0).quantity.values[0] == "−2 x0^2 + 2 x1^2 + x0^4"
    runs, step = duffing(0.0)
    far = sd.conserved_quantities(([x + [300.0, 0.0] for x in runs], step), QUARTIC, **FEW)
    terms = {"x0", "x0^2", "x0^3", "x0^4", "x1^2"}
    shown = far.quantity.values[0].replace("− ", "").replace("+ ", "").split(" ")
    assert {word.lstrip("−") for word in shown if "x" in word} == terms
    small = sd.conserved_quantities(([x * [1e6, 1e-3] for x in runs], step), QUARTIC, **FEW)
    assert small.quantity.values[0] == "−2e+12 x0^2 + 2e+30 x1^2 + x0^4"


def test_time_order_names_and_chunks():
    runs, step = duffing(0.02)
    check_same(plain(0.02), sd.conserved_quantities((runs, 1e6 * step), QUARTIC, **FEW), 1e-6)
    swapped = sd.conserved_quantities(([x[:, ::-1] for x in runs], step), QUARTIC, **FEW)
    check_same(plain(0.02), swapped, 1e-6)
    data = sd.open_trajectories(runs, t=step)
    check_same(plain(0.02), sd.conserved_quantities(data.chunk(trajectory=4), QUARTIC, **FEW), 1e-6)
    named = data.rename(x0="alpha", x1="beta").assign_attrs(states="alpha beta")
    renamed = sd.conserved_quantities(named, QUARTIC, **FEW)
    check_same(plain(0.02), renamed, 1e-12)
    assert renamed.attrs["states"] == "alpha beta"
    backwards = sd.conserved_quantities((runs[::-1], step), QUARTIC, **FEW)
    assert list(backwards.verdict.values) == list(plain(0.02).verdict.values)
    np.testing.assert_allclose(backwards.violation, plain(0.02).violation, rtol=1e-6)
    single = sd.conserved_quantities(([x.astype("f4") for x in runs], step), QUARTIC, **FEW)
    assert list(single.verdict.values) == list(plain(0.02).verdict.values)


def test_functions_with_an_origin_of_their_own_follow_the_units():
    library = ps.CustomLibrary([lambda x: np.cos(x)], [lambda x: f"cos({x})"])
    features = sd.features.from_library(library.fit(np.ones((2, 2)))) + sd.features.Polynomial(2)
    rng, times = np.random.default_rng(6), np.linspace(0, 12, 150)
    runs = [
        solve_ivp(lambda _, z: [z[1], -np.sin(z[0])], (0, 12), start, t_eval=times, rtol=1e-9, atol=1e-11).y.T
        for start in rng.uniform(-1.5, 1.5, (12, 2))
    ]
    slow = [x * [1, 1e-7] for x in runs]
    for data in (runs, slow, [x + [2 * np.pi, 0] for x in runs]):
        result = sd.conserved_quantities((data, times), features, **FEW)
        assert list(result.verdict.values).count("conserved") == 1
        kept = np.abs(result.coefficients.values[0]) * result.spread.values
        assert {str(name) for name in result.feature.values[kept > 1e-4 * kept.max()]} == {"cos(x0)", "x1^2"}


FREE = sd.VectorField(
    sd.features.Polynomial(1), np.array([[0.0, 0, 0, 1, 0], [0, 0, 0, 0, 1], [0] * 5, [0] * 5]), tuple("xyuv")
)
DUFFING = sd.VectorField(
    sd.features.Polynomial(3), np.array([[0.0, 0, 1, 0, 0, 0, 0, 0, 0, 0], [0, 1, 0, 0, 0, 0, -1, 0, 0, 0]]), ("x", "y")
)


def moved_law(law, scale, shift):
    """The law of scale x + shift."""
    chart = Chart(tuple(shift), tuple(scale))
    return sd.VectorField(law.features, chart.law(law.coefficients, law.features, np.array(scale)), law.states)


@pytest.mark.parametrize("scale, shift", [([1e9, 1e-9], [0, 0]), ([1, 1], [30, -10]), ([1e-3, 1e5], [1e-2, 2e6])])
def test_quantities_of_a_law(scale, shift):
    points = np.random.default_rng(0).uniform(-1, 1, (200, 2))
    plain = sd.conserved_quantities(DUFFING, QUARTIC, points=points)
    moved = sd.conserved_quantities(moved_law(DUFFING, scale, shift), QUARTIC, points=points * scale + shift)
    check_same(plain, moved, 1e-6)
    here, there = found_functions(plain, QUARTIC, points), found_functions(moved, QUARTIC, points * scale + shift)
    np.testing.assert_allclose(np.abs(np.mean(here * there)), 1, atol=1e-6)


def test_a_law_that_has_lost_its_digits_breaks_nothing():
    points = np.random.default_rng(0).uniform(-1, 1, (200, 2)) + 1e6
    with pytest.warns(UserWarning, match="the rates of the law are known to"):
        far = sd.conserved_quantities(moved_law(DUFFING, [1, 1], [1e6, 1e6]), QUARTIC, points=points)
    assert "broken" not in far.verdict.values and "conserved" not in far.verdict.values


def test_simple_quantities_before_complicated_ones_in_any_units():
    scale = np.array([1e5, 1e-4, 1e5, 1e-4])
    points = np.random.default_rng(1).uniform(-1, 1, (300, 4))
    features = sd.features.Polynomial(2)
    for shift in (np.zeros(4), np.array([1e7, 1e-3, 0, 0])):
        result = sd.conserved_quantities(moved_law(FREE, scale, shift), features, points=points * scale + shift)
        found = result.quantity.values[result.verdict.values == "conserved"]
        assert set(found[:2]) == {"u", "v"} and len(found) == 3 and result.attrs["n_products"] == 3
        if not shift.any():
            assert set(found[2].replace("−", "").split()) - {"+"} == set("xyuv")


@pytest.mark.parametrize("scale, shift", [([1, 1], [0, 0]), ([1e7, 1e-5], [0, 0]), ([1e3, 1e-3], [8e3, 2e-3])])
def test_symmetries_and_quantities_are_paired_in_any_units(scale, shift):
    scale, shift = np.repeat(scale, 2), np.repeat(shift, 2)
    features = sd.features.Polynomial(2)
    terms = {"x": "u", "y": "v", "u": "x", "v": "y"}
    spring = sd.VectorField(sd.features.Polynomial(1), np.zeros((4, 5)), tuple("xyuv"))
    for row, (_, source) in enumerate(terms.items()):
        spring.coefficients[row, 1 + "xyuv".index(source)] = 1.0 if row < 2 else -1.0
    points = np.random.default_rng(2).uniform(-1, 1, (300, 4))
    law = moved_law(spring, scale, shift)
    quantities = sd.conserved_quantities(law, features, points=points * scale + shift)
    assert list(quantities.verdict.values).count("conserved") == 4
    turn = np.kron(np.eye(2), [[0.0, -1], [1, 0]])
    matrices = np.stack([turn, np.diag([1.0, 1, 1, 1])]) * scale[:, None] / scale
    algebra = sd.LieAlgebra(sd.candidates.from_matrices(matrices, -(matrices @ shift)))
    pairing = noether_pairing(quantities, features, algebra, law=law)
    assert list(np.isnan(pairing.partners).any(axis=1)) == [False, True]


def test_assertions_about_symmetry_do_not_depend_on_units():
    hopf = sd.VectorField(sd.features.Polynomial(3), np.zeros((2, 10)), ("x", "y"))
    names = hopf.features.names(hopf.states)
    for output, name, value in [
        (0, "x", 1), (0, "y", -1), (0, "x^3", -1), (0, "x y^2", -1),
        (1, "x", 1), (1, "y", 1), (1, "x^2 y", -1), (1, "y^3", -1),
    ]:  # fmt: skip
        hopf.coefficients[output, names.index(name)] = value
    broken = sd.VectorField(hopf.features, hopf.coefficients.copy(), hopf.states)
    broken.coefficients[0, names.index("x y^2")] = -1.001
    for scale in ([1, 1], [1e9, 1e9], [1e-9, 1e5]):
        scale = np.array(scale, dtype=float)
        rotation = sd.candidates.from_matrices(np.array([[[0.0, -1], [1, 0]]]) * scale[:, None] / scale)
        assert_symmetric(moved_law(hopf, scale, [0, 0]), rotation)
        with pytest.raises(AssertionError, match=r"violation 0\.00099"):
            assert_symmetric(moved_law(broken, scale, [0, 0]), rotation)
    assert_equivariant(lambda x: x, np.eye(2), np.eye(2), np.ones((3, 2)))
