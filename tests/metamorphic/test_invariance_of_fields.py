"""Fields: units, origin, order, type and chunks do not change the answer."""

from functools import cache

import numpy as np
import pytest
from scipy.linalg import subspace_angles

import symdyn as sd
from symdyn.regression import PDERegression
from symdyn.systems import fields

# Scale and shift of t, x and u.
UNITS = {
    "unlike units": ((3600.0, 0.0), (1e-9, 0.0), (1e6, 0.0)),
    "large and small": ((1e-6, 0.0), (1e9, 0.0), (1e-9, 0.0)),
}
ORIGINS = {
    "of time and place": ((1.0, 1e3), (1.0, -5e3), (1.0, 0.0)),
    "of u, by a part of its spread": ((1.0, 0.0), (1.0, 0.0), (1.0, 0.5)),
    "of u, by three hundred spreads": ((1.0, 0.0), (1.0, 0.0), (1.0, 300.0)),
    "of all": ((60.0, 100.0), (1e3, -2e5), (1e-3, 0.7)),
}
SAME = ((1.0, 0.0),) * 3


@cache
def burgers(noise=0.0):
    return fields.burgers(n_trajectories=6, n_times=60, n_points=64, rng=2, noise=noise)


@cache
def searched(noise=0.0):
    return search(burgers(noise))


def search(data, candidates=1):
    return sd.PointSymmetryDiscovery(candidates, n_bootstrap=20, finite_flow=False).fit(data)


def carried(data, change):
    """The same fields in other units, about another origin."""
    (a, t), (b, x), (c, u) = change
    place = ("x", b * data.x.values + x, {"period": b * data.x.attrs["period"]} if "period" in data.x.attrs else {})
    moved = data.assign({name: (data[name].dims, c * data[name].values + u) for name in data.data_vars})
    return moved.assign_coords(time=("time", a * data.time.values + t), x=place)


def fields_at(algebra, change, points):
    """Values of generators in the first units, columns of `(sample * variable, generator)`."""
    n = len(algebra.states) - 2
    scale = np.array([change[0][0], change[1][0], *[change[2][0]] * n])
    shift = np.array([change[0][1], change[1][1], *[change[2][1]] * n])
    values = [generator(points * scale + shift) / scale for generator in algebra.generators]
    return np.stack([v.ravel() / np.linalg.norm(v) for v in values], axis=1)


def assert_same_answer(found, before, change=SAME, accuracy=1e-6):
    assert found.algebra_.name == before.algebra_.name
    assert found.algebra_.dim == before.algebra_.dim and found.trivial_.dim == before.trivial_.dim
    assert list(found.verdicts_.verdict.values) == list(before.verdicts_.verdict.values)
    violations = found.verdicts_.violation.values - before.verdicts_.violation.values
    assert np.nanmax(np.abs(violations)) < accuracy
    n = len(found.algebra_.states)
    points = np.random.default_rng(0).uniform(-2, 2, (40, n))
    spans = fields_at(found.algebra_, change, points), fields_at(before.algebra_, SAME, points)
    assert subspace_angles(*spans).max() < accuracy


def law_of(model, change=SAME):
    """Coefficients of the terms of Burgers' equation in the first units and about the first origin."""
    (a, _), (b, _), (c, u) = change
    law = dict(zip(model.equation_.term.values, map(float, model.equation_.values[0]), strict=True))
    factors = {"u_xx": a / b**2, "u u_x": a * c / b}
    found = {term: law[term] * factor for term, factor in factors.items()}
    found["u_x"] = (law["u_x"] + u * law["u u_x"]) * a / b  # -(v - u) v_x: what the shift made is gone
    others = {term for term, value in law.items() if value} - {"u_x", "u_xx", "u u_x"}
    return found, others


@pytest.mark.parametrize("noise", [0.0, 0.02])
@pytest.mark.parametrize("change", UNITS.values(), ids=UNITS)
def test_units_do_not_change_the_search(change, noise):
    found, before = search(carried(burgers(noise), change)), searched(noise)
    assert_same_answer(found, before, change)
    law, others = law_of(found, change)
    assert not others and law == pytest.approx(law_of(before)[0], rel=1e-6, abs=1e-6)
    bounds = found.verdicts_.upper_bound.values - before.verdicts_.upper_bound.values
    assert np.nanmax(np.abs(bounds)) < 1e-6


@pytest.mark.parametrize("change", ORIGINS.values(), ids=ORIGINS)
def test_the_origin_does_not_change_the_search(change):
    found = search(carried(burgers(), change))
    assert_same_answer(found, searched(), change, 1e-4)
    law, others = law_of(found, change)
    assert not others and law == pytest.approx(law_of(searched())[0], abs=1e-4)


def test_noise_does_not_make_terms_of_a_shift():
    """At 300 K u, u^2 and u^3 are nearly one and the same; so are u_x, u u_x and u^2 u_x."""
    change = ((1.0, 0.0), (1.0, 0.0), (1.0, 300.0))
    found = search(carried(burgers(0.02), change))
    law, others = law_of(found, change)
    assert not others and law == pytest.approx({"u_xx": 0.2, "u u_x": -1.0, "u_x": 0.0}, abs=0.02)
    assert found.algebra_.dim == searched(0.02).algebra_.dim


@pytest.mark.parametrize("change", UNITS.values(), ids=UNITS)
def test_units_do_not_change_a_named_search(change):
    names = ["translations", "galilean", "scalings"]
    assert_same_answer(search(carried(burgers(), change), names), search(burgers(), names), change)


def test_given_equations_and_generators_are_carried_along():
    (a, _), (b, _), (c, u) = change = ((60.0, 0.0), (1e3, 0.0), (1e-3, 0.2))
    equation = {"u": {"u_xx": 0.2 * b**2 / a, "u u_x": -b / (a * c), "u_x": u * b / (a * c)}}
    words = ["∂t", "∂x", f"t ∂x + {a * c / b} ∂u", "x ∂x"]
    first = ["∂t", "∂x", "t ∂x + ∂u", "x ∂x"]
    options = {"n_bootstrap": 20, "finite_flow": False}
    moved = sd.PointSymmetryDiscovery(words, equation, **options).fit(carried(burgers(), change))
    before = sd.PointSymmetryDiscovery(first, {"u": {"u_xx": 0.2, "u u_x": -1.0}}, **options)
    assert_same_answer(moved, before.fit(burgers()), change)
    assert moved.algebra_.dim == 3
    assert float(moved.equation_.sel(field="u", term="u_xx")) == equation["u"]["u_xx"]


@pytest.mark.parametrize("symmetry", [None, "t ∂x + {} ∂u"], ids=["free", "with a boost"])
@pytest.mark.parametrize("change", [*UNITS.values(), *ORIGINS.values()], ids=[*UNITS, *ORIGINS])
def test_units_and_origin_do_not_change_a_regression(change, symmetry):
    (a, _), (b, _), (c, _) = change
    boost = None if symmetry is None else [symmetry.format(a * c / b)]
    model = PDERegression(symmetry=boost, n_bootstrap=20).fit(carried(burgers(), change))
    first = PDERegression(symmetry=boost and [symmetry.format(1)], n_bootstrap=20).fit(burgers())
    law, others = law_of(model, change)
    accuracy = 1e-6 if change in UNITS.values() else 1e-4
    assert not others and law == pytest.approx(law_of(first)[0], rel=1e-6, abs=accuracy)
    if boost:
        assert law["u u_x"] == pytest.approx(-1.0, abs=1e-12)


def test_order_chunks_and_names_do_not_change_the_search():
    data = burgers(0.02)
    for other in (data.isel(trajectory=[4, 2, 0, 5, 1, 3]), data.chunk(trajectory=2), data.chunk(trajectory=1)):
        assert_same_answer(search(other), searched(0.02))
    renamed = search(data.rename(u="sea_level").assign_attrs(states="sea_level"))
    assert renamed.algebra_.states == ("t", "x", "sea_level")
    assert_same_answer(renamed, searched(0.02))


def test_single_precision_does_not_change_the_search():
    assert_same_answer(search(burgers(0.02).astype("float32")), searched(0.02), accuracy=1e-4)


def test_dates_do_not_change_the_search():
    data = burgers(0.02)
    hours = np.arange(60) * np.timedelta64(1, "h")
    dated = search(data.assign_coords(time=np.datetime64("2020-01-01") + hours))
    counted = search(data.assign_coords(time=np.arange(60.0)))
    assert_same_answer(dated, counted)
    assert any("hours since 2020-01-01" in note for note in dated.notes_)
    step = float(data.time[1] - data.time[0])
    law = law_of(dated, ((1 / step, 0.0), *SAME[1:]))[0]
    assert law == pytest.approx(law_of(searched(0.02))[0], rel=1e-6, abs=1e-9)


def test_the_order_and_the_units_of_fields_do_not_change_a_system():
    data = fields.schroedinger(n_trajectories=8, n_times=40, n_points=32, rng=1, noise=0.01)
    candidates = ["translations", "phase", "scalings"]
    before, turned = search(data, candidates), search(data.assign_attrs(states="v u"), candidates)
    assert turned.algebra_.states == ("t", "x", "v", "u")
    assert turned.algebra_.name == before.algebra_.name and turned.algebra_.dim == before.algebra_.dim
    assert sorted(turned.verdicts_.verdict.values) == sorted(before.verdicts_.verdict.values)
    assert np.sort(turned.verdicts_.violation) == pytest.approx(np.sort(before.verdicts_.violation), abs=1e-6)
    unlike = search(data.assign(v=data.v * 1e6), candidates)
    assert unlike.algebra_.dim == before.algebra_.dim and unlike.algebra_.name == before.algebra_.name
    assert unlike.verdicts_.violation.values == pytest.approx(before.verdicts_.violation.values, abs=1e-6)
    for term in ("u^2 v", "v^3", "v_xx"):
        factor = 1e-6 if term != "v^3" else 1e-18
        value = float(before.equation_.sel(field="u", term=term)) * factor
        assert float(unlike.equation_.sel(field="u", term=term)) == pytest.approx(value, rel=1e-6)


def test_a_file_is_what_it_holds(tmp_path):
    burgers().to_netcdf(tmp_path / "fields.nc", engine="h5netcdf")
    found = search(str(tmp_path / "fields.nc"))
    assert found.verdicts_.identical(searched().verdicts_)
    laws = [PDERegression().fit(data).equations() for data in (tmp_path / "fields.nc", burgers())]
    assert laws[0] == laws[1]
