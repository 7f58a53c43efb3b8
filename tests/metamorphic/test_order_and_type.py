"""Order, type and form of data that do not matter: what is found stays the same."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import symdyn as sd

CUBIC = sd.features.Polynomial(3)


@pytest.fixture(scope="module")
def hopf():
    x, step = sd.systems.hopf(noise=0.02, rng=0)
    return [run[:150].astype("f4").astype(float) for run in x[:7]], step


def searched(data, candidates=None, law=CUBIC, **options):
    candidates = sd.candidates.gl(2) if candidates is None else candidates
    return sd.SymmetryDiscovery(candidates, law, n_bootstrap=40, **options).fit(data)


def findings(search):
    table = search.verdicts_
    return search.algebra_.name, search.algebra_.dim, [str(v) for v in table.verdict.values], table.violation.values


def check_same(one, other, rtol=1e-6):
    *first, violations = findings(one)
    *second, others = findings(other)
    assert first == second
    np.testing.assert_allclose(others, violations, rtol=rtol, atol=1e-12)


@pytest.fixture(scope="module")
def wanted(hopf):
    return searched(hopf)


def stacked(x, dtype=float):
    return np.stack(x).astype(dtype)


def frames(x, step):
    return [pd.DataFrame(run, columns=["a", "b"]).assign(t=step * np.arange(len(run))) for run in x]


def long_frame(x, step):
    return pd.concat(frames(x, step), keys=range(len(x)), names=["trajectory"])


def masked(x):
    """Runs with something else after their ends, which is masked."""
    longer = [np.vstack([run, np.full((5, 2), 7.0)]) for run in x]
    return [np.ma.masked_array(run, np.arange(len(run))[:, None].repeat(2, 1) >= len(run) - 5) for run in longer]


FORMS = {
    "three dimensions": lambda x, step: (stacked(x), step),
    "float32": lambda x, step: (stacked(x, "f4"), step),
    "times for each": lambda x, step: (x, [step * np.arange(len(run)) for run in x]),
    "on their sides": lambda x, step: ([run.T for run in x], step * np.arange(len(x[0]))),
    "masked ends": lambda x, step: (masked(x), step),
    "frames": lambda x, step: sd.open_trajectories(frames(x, step)),
    "other columns": lambda x, step: sd.open_trajectories([frame[["t", "a", "b"]] for frame in frames(x, step)]),
    "one long frame": lambda x, step: sd.open_trajectories(long_frame(x, step)),
    "integers": lambda x, step: sd.open_trajectories((stacked(x) * 2.0**40).round().astype("i8"), t=step),
    "chunks": lambda x, step: sd.open_trajectories(stacked(x), t=step).chunk({"trajectory": 3}),
    "dims turned": lambda x, step: sd.open_trajectories(stacked(x), t=step).transpose(),
    "labelled": lambda x, step: xr.Dataset(
        {n: (("trajectory", "time"), stacked(x)[:, :, k]) for k, n in enumerate("ab")},
        {"time": step * np.arange(len(x[0]))},
    ),
    "array with labels": lambda x, step: sd.open_trajectories(
        xr.DataArray(
            stacked(x),
            {"time": step * np.arange(len(x[0])), "state": ["a", "b"]},
            ("trajectory", "time", "state"),
        )
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_the_form_of_data_does_not_matter(hopf, wanted, form):
    found = searched(FORMS[form](*hopf))
    check_same(wanted, found)
    if form in ("frames", "one long frame", "other columns", "labelled", "array with labels"):
        assert found.law_.states == ("a", "b")


@pytest.mark.parametrize("suffix", ["nc", "zarr", "npz", "csv"])
def test_a_file_is_as_good_as_arrays(hopf, wanted, suffix, tmp_path):
    x, step = hopf
    data, path = sd.open_trajectories(x, t=step), tmp_path / f"a.{suffix}"
    if suffix == "nc":
        data.to_netcdf(path, engine="h5netcdf")
    elif suffix == "zarr":
        data.to_zarr(path, consolidated=False)
    elif suffix == "npz":
        np.savez(path, x=stacked(x), t=step * np.arange(len(x[0])))
    else:
        long_frame(x, step).reset_index("trajectory").to_csv(path, index=False)
    check_same(wanted, searched(sd.open_trajectories(path)))


REFUSED = {
    "complex": (lambda x: x + 0j, r"complex128, not real numbers; split them into real and imaginary parts"),
    "text": (lambda x: x.astype(str), "not numbers; convert or drop them"),
    "objects": (lambda x: x.astype(object), "not numbers; convert or drop them"),
    "truth values": (lambda x: x > 0, r"bool, not numbers; convert them by astype\(float\)"),
    "dates": (lambda x: (1e9 * x).astype("datetime64[s]"), "not numbers; give times as t"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_real_number_is_refused_by_name(hopf, kind):
    change, message = REFUSED[kind]
    x, step = hopf
    whole = sd.open_trajectories(x, t=step)
    for given in (
        lambda: sd.open_trajectories([change(run) for run in x], t=step),
        lambda: sd.open_trajectories(stacked([change(run) for run in x], change(x[0]).dtype), t=step),
        lambda: sd.open_trajectories(whole.assign(x1=(whole.x1.dims, change(whole.x1.values)))),
        lambda: searched(([change(run) for run in x], step)),
        lambda: searched((change(x[0]), x[0])),
        lambda: searched((x[0], change(x[0]))),
    ):
        with pytest.raises(ValueError, match=message):
            given()


def test_masked_values_inside_a_run_are_gaps_and_not_numbers(hopf):
    x, step = hopf
    holed = [np.ma.masked_array(run, np.arange(len(run))[:, None].repeat(2, 1) == 7) for run in x]
    with pytest.raises(ValueError, match="is not finite at sample 7"):
        searched((holed, step))
    marked = sd.open_trajectories(x, t=step)
    marked["x0"] = marked.x0.where(marked.time != 7, -999.0).assign_attrs(missing_value=-999.0)
    with pytest.raises(ValueError, match="'x0' of trajectory '0' is not finite at sample 7"):
        searched(sd.open_trajectories(marked))


def test_fill_values_of_files_are_gaps(hopf, tmp_path):
    x, step = hopf
    whole = sd.open_trajectories(x, t=step)
    holed = whole.where(np.arange(whole.sizes["time"]) != 7)
    for name, write in (
        ("a.nc", lambda path: holed.to_netcdf(path, engine="h5netcdf", encoding={"x0": {"_FillValue": -9e9}})),
        ("a.zarr", lambda path: holed.to_zarr(path, consolidated=False, encoding={"x0": {"_FillValue": -9e9}})),
    ):
        write(tmp_path / name)
        with pytest.raises(ValueError, match="is not finite at sample 7"):
            searched(sd.open_trajectories(tmp_path / name))


@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize("consolidated", [True, False])
@pytest.mark.filterwarnings("ignore:Consolidated metadata")
def test_a_store_has_one_order_of_states(tmp_path, zarr_format, consolidated):
    variables = {name: (("trajectory", "time"), np.zeros((2, 9))) for name in "zeta x q v y alpha".split()}
    data = xr.Dataset(variables, {"time": np.arange(9.0)})
    path = tmp_path / "a.zarr"
    data.to_zarr(path, zarr_format=zarr_format, consolidated=consolidated)
    orders = {sd.open_trajectories(path).attrs["states"] for _ in range(60)}
    assert len(orders) == 1
    if consolidated:
        assert orders == {" ".join(xr.open_zarr(path).data_vars)}
    sd.open_trajectories(data).to_zarr(tmp_path / "b.zarr", zarr_format=zarr_format, consolidated=consolidated)
    assert sd.open_trajectories(tmp_path / "b.zarr").attrs["states"] == "zeta x q v y alpha"


MESSAGES = {
    "on their sides": (lambda x: (x[0].T, 0.1), r"x has \d+ states of 2 samples: transpose it to \(time, state\)"),
    "unlike lengths in one list": (lambda x: ([[1.0, 2.0], [3.0]], 0.1), "arrays .time, state., one or a list"),
    "rows of unlike length": (lambda x: ([[[1.0, 2.0], [3.0]]], 0.1), "x has rows of unlike length"),
    "no times": (lambda x: x[0], "give the times or the step, too"),
    "a list of many": (lambda x: [run for run in x] * 2, r"got a list of \d+ alone: give the times"),
}


@pytest.mark.parametrize("kind", MESSAGES)
def test_what_cannot_be_read_is_named_with_the_cure(hopf, kind):
    given, message = MESSAGES[kind]
    with pytest.raises((ValueError, TypeError), match=message):
        searched(given(hopf[0]))


def test_a_ragged_archive_is_named_with_the_cure(hopf, tmp_path):
    runs = np.empty(2, dtype=object)
    runs[:] = [hopf[0][0], hopf[0][1][:50]]
    np.savez(tmp_path / "a.npz", x=runs, t=np.arange(3.0))
    with pytest.raises(ValueError, match=r"a\.npz: array 'x' holds objects, .* pad them with NaN"):
        sd.open_trajectories(tmp_path / "a.npz")
    padded = np.full((2, len(hopf[0][0]), 2), np.nan)
    padded[0], padded[1, :50] = runs[0], runs[1]
    np.savez(tmp_path / "b.npz", x=padded, t=np.tile(np.arange(padded.shape[1], dtype=float), (2, 1)))
    opened = sd.open_trajectories(tmp_path / "b.npz")
    assert int(np.isfinite(opened.x0.values[1]).sum()) == 50


def swinging(unit, low, noise=0.0):
    """A pendulum that turns over, and one that swings, in a unit of angle; wrapped to start at `low` unless None."""
    times, rng = np.linspace(0, 12, 500), np.random.default_rng(3)
    law = sd.VectorField(sd.features.Fourier(1) + sd.features.Polynomial(1), np.zeros((2, 7)), ("theta", "omega"))
    law.coefficients[0, 6], law.coefficients[1, 0] = 1.0, -4.0
    runs = np.stack([law.flow(np.array(start), times) for start in ([0.1, 4.5], [1.9, 0.0], [-0.3, -5.0], [0.4, 1.0])])
    runs += noise * rng.standard_normal(runs.shape)
    if low is not None:
        runs[:, :, 0] = (runs[:, :, 0] - low) % (2 * np.pi) + low
    theta, omega = unit * np.moveaxis(runs, 2, 0)
    dims = ("trajectory", "time")
    return xr.Dataset({"theta": (dims, theta), "omega": (dims, omega)}, {"time": times}, {"states": "theta omega"})


@pytest.mark.parametrize("low", [-np.pi, 0.0])
def test_an_angle_that_wraps_is_the_angle_that_does_not(low):
    law = sd.features.Fourier(1) + sd.features.Polynomial(1)
    given = [swinging(1.0, None, 0.005), swinging(1.0, low, 0.005)]
    for data in given:
        data["theta"].attrs["units"], data["omega"].attrs["units"] = "rad", "rad/s"
    first, second = (searched(data, sd.candidates.translations(2), law) for data in given)
    check_same(first, second, rtol=1e-4)
    assert abs(second.law_.coefficients[1, 0] + 4) < 0.05
