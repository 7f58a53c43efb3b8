"""Words, names, files and units at the entrances: whatever says the same is the same."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import symdyn as sd
from symdyn.regression import SymmetricSINDy, fit_moments

TIMES = np.linspace(0, 12, 400)


@pytest.fixture(scope="module")
def hopf():
    x, step = sd.systems.hopf(noise=0.01, rng=0)
    return [run[:250] for run in x[:8]], step


def searched(*data, candidates="gl", law="polynomial:3", **options):
    return sd.SymmetryDiscovery(candidates, law, n_bootstrap=40, **options).fit(*data)


def check_same(one, other, rtol=1e-6):
    assert list(one.verdicts_.verdict.values) == list(other.verdicts_.verdict.values)
    assert one.algebra_.name == other.algebra_.name
    np.testing.assert_allclose(other.verdicts_.violation.values, one.verdicts_.violation.values, rtol=rtol, atol=1e-9)


def test_words_and_objects_and_ways_to_hand_data_over_are_the_same(hopf, tmp_path):
    x, step = hopf
    wanted = searched(hopf, candidates=sd.candidates.gl(2), law=sd.features.Polynomial(3))
    sd.open_trajectories(x, t=step).to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    frame = pd.concat(
        [pd.DataFrame(r, columns=["x0", "x1"]).assign(t=step * np.arange(250), trajectory=k) for k, r in enumerate(x)]
    )
    for data in ((hopf,), (x, step), (str(tmp_path / "a.nc"),), (tmp_path / "a.nc",), (frame,), (np.stack(x), step)):
        check_same(wanted, searched(*data))
    assert searched(x, step, candidates="gl+sign_flips").elements_.dim == 1


def test_a_search_is_a_symmetry_and_so_are_its_words_and_matrices(hopf):
    found = searched(hopf)
    wanted = fit_moments(hopf, "polynomial:3", symmetry=sd.candidates.so(2)).coefficients
    for symmetry in ("so(2)", "so", [[0, 1], [-1, 0]], [[[0, -1], [1, 0]]]):
        law = fit_moments(hopf, "polynomial:3", symmetry=symmetry)
        np.testing.assert_allclose(law.coefficients, wanted, atol=1e-9)
    assert np.count_nonzero(fit_moments(hopf, "polynomial:3", symmetry=found).coefficients)


def labelled(x, step, names):
    dims = ("trajectory", "time")
    values = {name: (dims, np.stack(x)[:, :, k]) for k, name in enumerate(names)}
    return xr.Dataset(values, {"time": step * np.arange(len(x[0]))}, {"states": " ".join(names)})


def test_symmetries_and_states_are_matched_by_name(hopf):
    x, step = hopf
    stretched = [run * [1.0, 2.0] for run in x]
    turn = sd.candidates.from_matrices([[[0.0, -0.5], [2.0, 0.0]]], states=("a", "b"))
    one = searched(labelled(stretched, step, "ab"), candidates=turn)
    other = searched(labelled([run[:, ::-1] for run in stretched], step, "ba"), candidates=turn)
    assert one.verdicts_.verdict.values == ["symmetric"] and other.verdicts_.verdict.values == ["symmetric"]
    check_same(one, other, 1e-4)
    with pytest.raises(ValueError, match="on the states a, b, the data hold p, q: rename one"):
        searched(labelled(stretched, step, "pq"), candidates=turn)
    with pytest.warns(UserWarning, match="the data have no names: matched by place, a as x0, b as x1"):
        assert searched((stretched, step), candidates=turn).verdicts_.verdict.values == ["symmetric"]


def pendulum(noise=0.005):
    law = sd.VectorField(sd.features.Fourier(1) + sd.features.Polynomial(1), np.zeros((2, 7)), ("theta", "omega"))
    law.coefficients[0, 6], law.coefficients[1, 0] = 1.0, -4.0
    runs = np.stack([law.flow(np.array(s), TIMES) for s in ([0.1, 4.5], [1.9, 0.0], [-0.3, -5.0], [0.4, 1.0])])
    return runs + noise * np.random.default_rng(3).standard_normal(runs.shape)


def angles(unit, low):
    runs = pendulum()
    if low is not None:
        runs[:, :, 0] = (runs[:, :, 0] - low) % (2 * np.pi) + low
    factor = np.pi / 180 if unit == "degree" else 1.0
    data = labelled(runs / factor, TIMES[1], ("theta", "omega"))
    data["theta"].attrs["units"], data["omega"].attrs["units"] = unit, f"{unit}/s"
    return data


@pytest.mark.parametrize(("unit", "low"), [("degree", None), ("degree", 0.0), ("degree", -np.pi), ("radian", 0.0)])
def test_the_law_of_a_pendulum_does_not_depend_on_how_its_angle_is_written(unit, low):
    factor = np.pi / 180 if unit == "degree" else 1.0
    given = {"candidates": "translations", "law": "fourier:1+polynomial:1"}
    wanted, found = searched(angles("radian", None), **given), searched(angles(unit, low), **given)
    check_same(wanted, found, 1e-3)
    np.testing.assert_allclose(found.law_.coefficients[1, 0] * factor, wanted.law_.coefficients[1, 0], rtol=1e-3)
    assert abs(found.law_.coefficients[1, 0] * factor + 4) < 0.05
    law = fit_moments(angles(unit, low), "fourier:1+polynomial:1").coefficients
    assert abs(law[1, 0] * factor + 4) < 0.05


def orbits(**changes):
    data = sd.systems.kepler(6, n_times=120, rng=1)
    return data.assign_attrs(changes)


def test_velocities_in_other_units_are_those_velocities():
    wanted = searched(orbits(), candidates="so", law="central:0-3", kind="second_order")
    data = orbits()
    data["t"].attrs["units"] = "day"
    for name in ("x", "y", "z"):
        data[name].attrs["units"] = "au"
        data[f"v{name}"] = (data[f"v{name}"] * 149597870.7 / 86400).assign_attrs(units="km/s", derivative_of=name)
    check_same(wanted, searched(data, candidates="so", law="central:0-3", kind="second_order"))
    shuffled = data[["vz", "y", "x", "t", "vy", "z", "vx"]].drop_attrs(deep=False)
    found = searched(shuffled, candidates="so", law="central:0-3", kind="second_order")
    assert found.law_.states == ("y", "x", "z", "vy", "vx", "vz")
    assert found.algebra_.name == wanted.algebra_.name


def test_sparse_laws_take_words_names_and_real_numbers_only(hopf):
    x, step = hopf
    fit = lambda runs, symmetry="so(2)", **options: SymmetricSINDy(symmetry=symmetry).fit(runs, step, **options)  # noqa: E731
    wanted = fit(x, sd.candidates.so(2)).coefficients()
    np.testing.assert_allclose(fit(x).coefficients(), wanted, atol=1e-9)
    np.testing.assert_allclose(fit(x, searched(hopf)).coefficients(), wanted, atol=0.02)
    frames = [pd.DataFrame(run, columns=["a", "b"]) for run in x]
    model = fit(frames, sd.candidates.so(2, states=("b", "a")))
    assert model.feature_names == ["a", "b"]
    np.testing.assert_allclose(model.coefficients(), wanted, atol=1e-9)
    with pytest.raises(ValueError, match="on the states p, q, the data hold a, b"):
        fit(frames, sd.candidates.so(2, states=("p", "q")))
    for wrong in (x[0].astype(str), x[0] + 0j):
        with pytest.raises(ValueError, match=r"x holds .* numbers"):
            fit(wrong)


def test_positions_alone_are_no_second_order_system():
    with pytest.raises(ValueError, match="a velocity for each position, the states are x, y, z: add the rates"):
        searched(orbits()[["x", "y", "z", "t"]].assign_attrs(states="x y z"), candidates="so", kind="second_order")
    with pytest.raises(ValueError, match="velocities are missing: the candidates act on all of x, y,"):
        plane = orbits()[["x", "y", "t"]].assign_attrs(states="x y")
        searched(plane, candidates=sd.candidates.so(2), kind="second_order")
    nameless = orbits().rename(vx="p", vy="q", vz="r").drop_attrs()
    with pytest.raises(ValueError, match=r"which of the states .* are velocities"):
        searched(nameless, candidates=sd.candidates.so(3), law=sd.features.CentralForce([3]))


def test_generators_of_fields_are_named_for_what_they_are(hopf):
    point = sd.candidates.from_matrices(np.zeros((1, 2, 2)), [[1.0, 0.0]], states=("t", "u"))
    with pytest.raises(ValueError, match="these generators move t, u, the coordinates and fields"):
        fit_moments(hopf, "polynomial:3", symmetry=point)


def test_daily_data_have_rates_per_day(hopf):
    x = hopf[0]
    days = np.datetime64("2020-01-01", "ns") + np.arange(250) * np.timedelta64(1, "D")
    dated, numbered = searched(x, days), searched(x, 1.0)
    np.testing.assert_allclose(dated.law_.coefficients, numbered.law_.coefficients, rtol=1e-6, atol=1e-9)


def test_dates_are_counted_in_a_unit_that_is_said(hopf):
    x, _ = hopf
    days = np.datetime64("2020-01-01") + np.arange(len(x[0])) * np.timedelta64(1, "D")
    found, wanted = searched(x, [days] * len(x)), searched(x, 1.0)
    check_same(wanted, found)
    np.testing.assert_allclose(found.law_.coefficients, wanted.law_.coefficients, rtol=1e-9)
    assert "t is in days since 2020-01-01" in found.summary()


@pytest.mark.parametrize("unit", [1e-9, 1.0, 1e3, 1e9])
def test_latex_shows_what_the_text_shows(hopf, unit):
    x, step = hopf
    found = searched([run * [1.0, unit] for run in x], step)
    (text,), (latex,) = found.algebra_.texts(), found.algebra_.to_latex()
    assert text.count("∂") == latex.count("partial") == 2
