"""What every public function that takes data, points, symmetries or functions owes to those who bring them."""

import warnings

import numpy as np
import pandas as pd
import pysindy as ps
import pytest
import torch
import xarray as xr

import symdyn as sd
from symdyn.neural import discover_network
from symdyn.regression import (
    EquivariantOptimizer,
    PDERegression,
    PromotedRegressor,
    SymmetricSINDy,
    discover_then_fit,
    fit_moments,
)

SO2 = sd.candidates.so(2)
LIBRARY = "polynomial:3"


@pytest.fixture(scope="module")
def runs():
    x, step = sd.systems.hopf(noise=0.01, rng=0)
    return np.stack([run[:150] for run in x[:6]]), step


def forms(runs, folder):
    x, step = runs
    times = step * np.arange(x.shape[1])
    frames = [pd.DataFrame({"t": times, "x0": run[:, 0], "x1": run[:, 1]}) for run in x]
    np.savez(folder / "a.npz", x=x, t=times)
    whole = sd.open_trajectories(x, t=times)
    whole.to_netcdf(folder / "a.nc", engine="h5netcdf")
    pd.concat([f.assign(trajectory=k) for k, f in enumerate(frames)]).to_csv(folder / "a.csv", index=False)
    return {
        "x and t": (x, times),
        "a list": (list(x), times),
        "turned": (x.transpose(0, 2, 1), times),
        "a tuple": ((x, times),),
        "a dict": ({"x": x, "t": times},),
        "frames": (frames,),
        "frames and times": ([frame[["x0", "x1"]] for frame in frames], times),
        "a Dataset": (whole,),
        "chunks": (whole.chunk(trajectory=2),),
        "an archive": (folder / "a.npz",),
        "a file": (str(folder / "a.nc"),),
        "a table": (folder / "a.csv",),
    }


def alone(given):
    """One argument, for functions that take no second one for the times."""
    return given[0] if len(given) == 1 else given


def searched(*given):
    return sd.SymmetryDiscovery("gl", LIBRARY, n_bootstrap=20).fit(*given).verdicts_.violation.values


def conserved(*given):
    return sd.conserved_quantities(alone(given), "polynomial:2", n_bootstrap=20).violation.values


def moments(*given):
    return fit_moments(alone(given), LIBRARY, symmetry="so(2)").coefficients


def sparse(*given):
    model = SymmetricSINDy(feature_library=LIBRARY, symmetry="so(2)").fit(*given)
    return np.append(model.coefficients(), model.score(*given))


def both(*given):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what so few runs make it say
        return discover_then_fit(alone(given), "gl", "polynomial:3", n_bootstrap=20).free.coefficients


@pytest.mark.parametrize("fit", [searched, conserved, moments, sparse, both])
def test_the_same_trajectories_in_any_form_give_the_same_answer(fit, runs, tmp_path):
    given = forms(runs, tmp_path)
    wanted = fit(*given.pop("x and t"))
    few = ("a tuple", "frames", "a table") if fit in (searched, both) else given  # these take a second each
    for form in few:
        np.testing.assert_allclose(fit(*given[form]), wanted, rtol=1e-12, atol=1e-12, err_msg=form)


POINTS = np.random.default_rng(0).standard_normal((200, 2))


def square(points):
    return (points**2).sum(axis=1)


NETWORK = torch.nn.Linear(2, 1)
AT_POINTS = {
    "function": lambda points: sd.discover_function(square, points, "gl").verdicts_.violation.values,
    "set": lambda points: sd.discover_manifold(points, "so", n_bootstrap=20).verdicts_.violation.values,
    "network": lambda points: discover_network(NETWORK, points, "gl").verdicts_.violation.values,
    "promoted": lambda points: PromotedRegressor("so", "polynomial:2", gamma=0.1).fit(points, square(POINTS)).coef_,
}


@pytest.mark.parametrize("door", AT_POINTS)
def test_points_in_any_form_give_the_same_answer(door):
    find = AT_POINTS[door]
    given = POINTS / np.linalg.norm(POINTS, axis=1)[:, None] if door == "set" else POINTS
    wanted = find(given)
    for same in (given.tolist(), pd.DataFrame(given), pd.DataFrame(given, columns=["a", "b"]), torch.tensor(given)):
        np.testing.assert_allclose(find(same), wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("door", AT_POINTS)
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x: x + 0j, "complex"),
        (lambda x: np.ma.masked_array(x, x > 1), "masked|not finite at"),
        (lambda x: np.where(x > 1, np.nan, x), "not finite|NaN"),
        (lambda x: x.T, "transpose|X must have shape"),
    ],
)
def test_points_that_are_none_are_refused_in_one_line(door, change, message):
    with pytest.raises((ValueError, TypeError), match=message) as raised:
        AT_POINTS[door](change(POINTS))
    assert "\n" not in str(raised.value)


def test_columns_of_a_table_name_the_states_and_match_candidates():
    table = pd.DataFrame(POINTS * [1.0, 2.0], columns=["a", "b"])
    turn = sd.candidates.from_matrices([[[0.0, -0.5], [2.0, 0.0]]], states=("a", "b"))
    turned = sd.candidates.from_matrices([[[0.0, 2.0], [-0.5, 0.0]]], states=("b", "a"))

    def ellipse(points):
        return points[:, 0] ** 2 + points[:, 1] ** 2 / 4

    for given in (turn, turned):
        found = sd.discover_function(ellipse, table, given)
        assert found.verdicts_.verdict.item() == "symmetric" and found.algebra_.states == ("a", "b")
        assert sd.discover_function(ellipse, table[["b", "a"]], given).verdicts_.verdict.item() == "broken"
        regressor = PromotedRegressor(given, "polynomial:2").fit(table, ellipse(table.to_numpy()))
        assert regressor.symmetry_.states == ("a", "b") and regressor.symmetry_.dim == 1


SYMMETRIES = {
    "generators": SO2,
    "an algebra": sd.LieAlgebra(SO2),
    "a vector field": SO2[0],
    "words": "so(2)",
    "an array": np.array([[[0.0, -1.0], [1.0, 0.0]]]),
    "a matrix": [[0, -1], [1, 0]],
    "matrices": [[[0, -1], [1, 0]]],
    "a list": [SO2],
}


@pytest.mark.parametrize("form", SYMMETRIES)
def test_a_symmetry_in_any_form_is_the_same_symmetry(form, runs):
    symmetry, cubic = SYMMETRIES[form], sd.features.Polynomial(3)
    given = sd.open_trajectories(*runs[:1], t=runs[1])
    sums = fit_moments(given, LIBRARY, symmetry=SO2).coefficients
    np.testing.assert_allclose(fit_moments(given, LIBRARY, symmetry=symmetry).coefficients, sums, atol=1e-12)
    rows, targets = cubic(POINTS), POINTS**3
    wanted = EquivariantOptimizer(symmetry=SO2, library=cubic).fit(rows, targets).coef_
    np.testing.assert_allclose(EquivariantOptimizer(None, symmetry, cubic).fit(rows, targets).coef_, wanted, atol=1e-12)
    for features in (cubic, "polynomial:3", ps.PolynomialLibrary(3)):
        assert sd.equivariant_subspace(features, symmetry).dim == 4
    search = sd.discover_function(square, POINTS, symmetry)
    assert search.verdicts_.verdict.item() == "symmetric"
    assert PromotedRegressor(symmetry, "polynomial:2").fit(POINTS, square(POINTS)).symmetry_.dim == 1
    assert sd.samples_needed(2, 3, symmetry) == 10


def test_what_a_search_found_is_a_symmetry_and_candidates(runs):
    search = sd.SymmetryDiscovery("gl", LIBRARY, n_bootstrap=20).fit(*runs)
    assert search.algebra_.name == "so(2)"
    assert sd.equivariant_subspace(LIBRARY, search).dim == 4 and sd.intertwiners(search, search).dim == 2
    again = sd.SymmetryDiscovery(search, search.law_, n_bootstrap=20).fit(*runs)
    assert again.algebra_.name == "so(2)" and len(again.verdicts_.verdict) == 1


def test_words_stand_for_functions_and_groups_wherever_these_are_taken():
    assert sd.stabiliser("so", [0, 0, 1]).dim == 1
    assert sd.intertwiners("so(2)", "so(2)").dim == 2
    (text,) = sd.conserved("polynomial:2", [0, 0, 0, 1, 0, 1]).texts()
    assert text == "x0^2 + x1^2 conserved"
    oscillator = sd.VectorField(sd.features.Polynomial(1), np.array([[0, 0, 1.0], [0, -1.0, 0]]), ("q", "p"))
    quantities = sd.conserved_quantities(oscillator, "polynomial:2")
    assert len(sd.noether_pairing(quantities, "polynomial:2", law=oscillator).generators) == 1


def test_names_that_cannot_be_compared_are_said(runs):
    with pytest.warns(UserWarning, match="on the states p, q, the data have no names: matched by place, p as x0"):
        fit_moments(runs, LIBRARY, symmetry=sd.candidates.so(2, states=("p", "q")))
    with pytest.warns(UserWarning, match="name the states of the data"):
        SymmetricSINDy(symmetry=sd.candidates.so(2, states=("p", "q"))).fit(*runs)


def test_symmetries_of_fields_are_named_where_states_are_meant(runs):
    point = sd.candidates.from_matrices(np.zeros((1, 3, 3)), [[1.0, 0, 0]], states=("t", "x", "u"))
    for fit in (
        lambda: fit_moments(runs, LIBRARY, symmetry=point),
        lambda: SymmetricSINDy(symmetry=point).fit(*runs),
        lambda: sd.SymmetryDiscovery(point, LIBRARY).fit(*runs),
    ):
        with pytest.raises(ValueError, match="these generators move t, x, u, the coordinates and fields"):
            fit()


X = np.linspace(0, 2 * np.pi, 64, endpoint=False)
TIMES = np.arange(40) * 0.02
HEAT = sum(np.exp(-k * k * TIMES[:, None]) * np.cos(k * X + k * k) / k for k in (1, 2, 3))


def test_fields_in_any_form_give_the_same_law(tmp_path):
    wanted = PDERegression(["u_x", "u_xx"], n_bootstrap=20).fit((HEAT, TIMES, X)).equation_.values
    data = xr.Dataset({"u": (("time", "x"), HEAT)}, {"time": TIMES, "x": X})
    data.to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    for given in (
        data,
        data.u,
        data.isel(x=slice(None, None, -1)),
        {"u": HEAT.T, "t": TIMES, "x": X},
        tmp_path / "a.nc",
    ):
        found = PDERegression(["u_x", "u_xx"], n_bootstrap=20).fit(given).equation_.values
        np.testing.assert_allclose(found, wanted, rtol=1e-10, atol=1e-12)


def test_sines_of_numbers_that_look_like_degrees_are_spoken_of(runs):
    x, step = runs
    degrees = sd.open_trajectories(x * [40.0, 1.0], t=step, states=["theta", "omega"])
    with pytest.warns(UserWarning, match=r"sines of 'theta', which has no unit and spans .* units='deg' on 'theta'"):
        fit_moments(degrees, "fourier:1+polynomial:1")
    degrees["theta"].attrs["units"] = "rad"
    fit_moments(degrees, "fourier:1+polynomial:1")


def test_a_library_that_the_data_say_nothing_about_is_named(runs):
    fast = sd.open_trajectories(runs[0] * [400.0, 1.0], t=runs[1])
    fast["x0"].attrs["units"] = "rad"
    with pytest.raises(ValueError, match="no function of the library is told from noise"):
        fit_moments(fast, "fourier:1+polynomial:1")


def test_units_of_velocities_that_could_not_be_checked_are_noted():
    data = sd.systems.kepler(6, n_times=120, rng=1)
    for name in "xyz":
        data[name].attrs["units"], data[f"v{name}"].attrs["units"] = "au", "au/day"
    data["t"].attrs.pop("units", None)
    found = sd.SymmetryDiscovery("so", "central:0-3", kind="second_order", n_bootstrap=20).fit(data)
    assert "times have no unit: whether 'vx' in 'au/day' is the rate of 'x' in 'au'" in found.summary()
    data["t"].attrs["units"] = "day"
    found = sd.SymmetryDiscovery("so", "central:0-3", kind="second_order", n_bootstrap=20).fit(data)
    assert "times have no unit" not in found.summary()


def test_one_generator_keeps_its_rate_of_time():
    kepler = sd.candidates.gl(2, time_scaling=True)
    last = kepler[len(kepler) - 1]
    assert last.time_scaling == 1.0 and "f_t = 1 t" in repr(last)
    algebra = sd.LieAlgebra(kepler)
    rates = [generator.time_scaling for generator in algebra.generators]
    np.testing.assert_array_equal(rates, algebra.time_scaling)
    features = sd.features.Polynomial(2)
    one, other = (sd.equivariant_subspace(features, given).dim for given in (last, kepler[[len(kepler) - 1]]))
    assert one == other == 0  # only f = 0 has no own time


def test_the_rate_of_time_counts_once_where_time_is_a_state():
    algebra = sd.LieAlgebra(sd.candidates.translations(1, time_translation=True, time_scaling=True))
    for (components, rate), text in zip(algebra.to_sympy(), algebra.texts(), strict=True):
        assert rate == 0
        if text == "t ∂t":
            assert str(components[algebra.states.index("t")]) == "t"
    with pytest.warns(DeprecationWarning, match="LieAlgebra.sympy is now LieAlgebra.to_sympy"):
        assert algebra.sympy() == algebra.to_sympy()
    with pytest.warns(DeprecationWarning, match="LieAlgebra.latex is now LieAlgebra.to_latex"):
        assert algebra.latex() == algebra.to_latex()


def test_conserved_quantities_of_an_angle_do_not_depend_on_its_unit():
    times = np.linspace(0, 6, 200)
    law = sd.VectorField(sd.features.Fourier(1) + sd.features.Polynomial(1), np.zeros((2, 7)), ("theta", "omega"))
    law.coefficients[0, 6], law.coefficients[1, 0] = 1.0, -4.0
    runs = np.stack([law.flow(np.array([start, 0.0]), times) for start in (0.3, 0.6, 0.9, 1.2, 1.5, 1.8)])
    library = "fourier:1+polynomial:2"
    spreads: dict[str, list[float]] = {"data": [], "search": []}
    for unit, size in (("rad", 1.0), ("deg", 180 / np.pi)):
        data = sd.open_trajectories(runs * size, t=times, states="theta omega")
        data["theta"].attrs["units"], data["omega"].attrs["units"] = unit, f"{unit}/s"
        search = sd.SymmetryDiscovery("translations", "fourier:1+polynomial:1", n_bootstrap=20).fit(data)
        for name, source in (("data", data), ("search", search)):
            found = sd.conserved_quantities(source, library, n_bootstrap=20)
            assert "conserved" in found.verdict.values, (unit, name)
            spreads[name].append(found.spread.values[0])  # of a sine or cosine, whatever the unit of the angle
    for in_radians, in_degrees in spreads.values():
        assert in_degrees == pytest.approx(in_radians, rel=1e-6)
