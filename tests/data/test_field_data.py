import numpy as np
import pytest
import xarray as xr
from dask import config

import symdyn as sd
from symdyn.data.clocks import time_unit
from symdyn.data.grids import (
    WINDOW_POINTS,
    field_block,
    field_grid,
    is_field_data,
    noise_of_fields,
    validate_fields,
)
from symdyn.jets.field_terms import field_terms, weak_term
from symdyn.rows.field_derivatives import stencil
from symdyn.rows.field_rows import equation_rows, equation_sums
from symdyn.rows.field_windows import place_windows
from symdyn.sums.field_tasks import summed
from symdyn.systems import fields


@pytest.fixture(scope="module")
def clean():
    return fields.burgers(n_trajectories=4, n_times=80, n_points=96, rng=1)


def altered(data, **changes):
    return data.assign_coords(changes)


def test_a_checked_dataset_is_field_data_with_its_grid(clean):
    grid = field_grid(validate_fields(clean))
    assert is_field_data(clean) and grid.coordinates == ("t", "x") and grid.periodic == (True,)
    np.testing.assert_allclose(grid.steps, [4 / 79, 16 / 96])


def test_missing_spacing_is_named(clean):
    with pytest.raises(ValueError, match="coordinate 'x' is missing"):
        validate_fields(clean.drop_vars("x"))


def test_uneven_grids_are_refused_with_the_cure(clean):
    with pytest.raises(ValueError, match=r"'x' is not uniform.*interp"):
        validate_fields(altered(clean, x=clean.x.values**3))


def test_few_points_are_refused(clean):
    with pytest.raises(ValueError, match="'x' has 10 points, at least 16"):
        validate_fields(clean.isel(x=slice(10)), fewest=WINDOW_POINTS)
    with pytest.raises(ValueError, match="'time' has 2 points, at least 3"):
        validate_fields(clean.isel(time=slice(2)))


def test_fields_that_never_change_are_refused(clean):
    with pytest.raises(ValueError, match="never changes"):
        validate_fields(clean.assign(u=0 * clean.u + 1.0))


def test_data_that_do_not_close_are_not_periodic(clean):
    tilted = clean.assign(u=clean.u + clean.x)
    tilted.x.attrs["period"] = 16.0
    with pytest.raises(ValueError, match="not periodic; delete the attribute period"):
        validate_fields(tilted)


def test_a_period_that_is_not_that_of_the_grid_is_refused(clean):
    wrong = clean.copy()
    wrong["x"] = clean.x.assign_attrs(period=15.0)
    with pytest.raises(ValueError, match="says period 15"):
        validate_fields(wrong)


def test_axes_are_brought_to_one_unit_where_they_measure_the_same():
    values = np.random.default_rng(0).standard_normal((1, 16, 16, 16))
    grids = {name: np.arange(16.0) for name in ("time", "x", "y")}
    data = xr.Dataset({"u": (("trajectory", "time", "x", "y"), values)}, coords=grids)
    data["x"], data["y"] = data.x.assign_attrs(units="m"), data.y.assign_attrs(units="km", period=16.0)
    checked = validate_fields(data.drop_attrs(deep=False).assign_coords(y=data.y.drop_attrs().assign_attrs(units="km")))
    np.testing.assert_allclose(checked.y, 1000 * np.arange(16.0))
    assert checked.y.attrs["units"] == "m"
    data["y"] = data.y.drop_attrs().assign_attrs(units="rad")
    with pytest.raises(ValueError, match="units cannot fit one equation: x in 'm', y in 'rad'"):
        validate_fields(data)


def test_other_dims_and_complex_fields_are_refused(clean):
    with pytest.raises(ValueError, match=r"dims \('trajectory', 'time', 'z'\); rename or transpose them"):
        validate_fields(clean.rename(x="z").assign(w=clean.u), ["u"])
    with pytest.raises(ValueError, match="split complex fields"):
        validate_fields(clean.astype(complex))
    with pytest.raises(ValueError, match="no fields found"):
        validate_fields(xr.Dataset({"u": ("time", np.zeros(20))}))


def test_order_of_dims_and_points_and_type_of_numbers_do_not_matter(clean):
    whole = (1e6 * clean.u).round().astype(np.int32).to_dataset()
    wanted = validate_fields((1e6 * clean.u).round().to_dataset())
    for given in (
        whole,
        whole.isel(x=slice(None, None, -1)),
        whole.isel(time=slice(None, None, -1)),
        whole.roll(x=17, roll_coords=True),
        whole.transpose("x", "time", "trajectory"),
    ):
        xr.testing.assert_equal(validate_fields(given), wanted)


def test_dates_of_fields_become_numbers_of_a_unit(clean):
    dates = np.datetime64("2020-01-01", "ns") + np.arange(clean.sizes["time"]) * np.timedelta64(6, "h")
    checked = validate_fields(clean.assign_coords(time=dates))
    assert time_unit(checked) == "h"
    np.testing.assert_allclose(field_grid(checked).steps[0], 6.0)


def test_gaps_are_named(clean):
    broken = clean.copy(deep=True)
    broken.u.values[2, 5, 5] = np.nan
    with pytest.raises(ValueError, match="'u' of trajectory 2 is not finite"):
        field_block(validate_fields(broken), slice(None))


def test_noise_is_told_from_motion(clean):
    values = field_block(validate_fields(clean), slice(None))
    noisy = values + 0.05 * np.random.default_rng(0).standard_normal(values.shape)
    np.testing.assert_allclose(noise_of_fields(noisy), 0.05, rtol=0.05)
    assert noise_of_fields(values).max() < 1e-3


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_stencils_are_exact_for_polynomials(order):
    offsets = np.arange(-3, 4)
    weights = stencil(offsets, order)
    for power in range(7):
        exact = 0.0 if power != order else float(np.prod(np.arange(1, order + 1)))
        assert abs(weights @ offsets.astype(float) ** power - exact) < 1e-9


@pytest.mark.parametrize(
    ("name", "form"),
    [("u_xx", ((1, 0), (2,), 1.0)), ("u u_x", ((2, 0), (1,), 0.5)), ("u^2 v", ((2, 1), (0,), 1.0)), ("u_x^2", None)],
)
def test_terms_are_derivatives_of_products_where_they_can_be(name, form):
    found = weak_term(name, ("u", "v"), ("x",))
    assert (None if found is None else (found.exponents, found.order, found.factor)) == form


def test_terms_in_fields_that_are_not_there_are_refused():
    with pytest.raises(ValueError, match="holds 'w_x'"):
        weak_term("u w_x", ("u",), ("x",))


def _windows(grid):
    return place_windows(grid.grids, [0.8, 2.0], [5, 7])


def test_weak_rows_of_a_solution_balance(clean):
    data = validate_fields(clean)
    grid, values = field_grid(data), field_block(data, slice(None))
    terms = [weak_term(name, ("u",), ("x",)) for name in ("u u_x", "u_xx")]
    for rows in equation_rows(values, np.zeros((1, 4)), terms, _windows(grid)):
        left = rows[2] + rows[0] - 0.2 * rows[1]
        assert np.abs(left).max() < 2e-4 * np.abs(rows[2]).max()


def test_even_and_odd_rows_carry_no_bias_of_noise(clean):
    data = validate_fields(clean)
    grid, values = field_grid(data), field_block(data, slice(None))
    terms = [weak_term(name, ("u",), ("x",)) for name in ("u", "u u_x", "u^3")]
    exact = equation_sums(values, np.zeros((1, 4)), terms, _windows(grid)).cross.sum(0)
    rng, level = np.random.default_rng(0), 0.3
    found = [
        equation_sums(
            values + level * rng.standard_normal(values.shape), np.full((1, 4), level), terms, _windows(grid)
        ).cross.sum(0)
        for _ in range(40)
    ]
    error = np.std(found, axis=0) / np.sqrt(len(found))
    assert np.all(np.abs(np.mean(found, axis=0) - exact) < 4.5 * error + 1e-12)


def test_sums_do_not_depend_on_chunks(clean):
    from functools import partial

    data = validate_fields(clean)
    grid = field_grid(data)
    terms = [weak_term(name, ("u",), ("x",)) for name in field_terms(("u",), ("x",))]
    function = partial(equation_sums, terms=terms, windows=_windows(grid))
    whole = summed(data, function)
    with config.set(scheduler="synchronous"):
        parts = summed(data.chunk({"trajectory": 1}), function)
    np.testing.assert_allclose(parts.cross, whole.cross, rtol=1e-12, atol=1e-14)


def test_fields_are_opened_as_such_and_refused_where_states_are_meant(tmp_path):
    data = sd.systems.heat(n_trajectories=2)
    data.to_netcdf(tmp_path / "fields.nc", engine="h5netcdf")
    opened = sd.open_trajectories(tmp_path / "fields.nc")
    assert field_grid(opened).shape == field_grid(data).shape
    for use in (
        lambda: sd.SymmetryDiscovery(sd.candidates.affine(1), sd.features.Polynomial(2)).fit(opened),
        lambda: sd.conserved_quantities(opened, sd.features.Polynomial(2)),
    ):
        with pytest.raises(ValueError, match="fields over x: take PointSymmetryDiscovery"):
            use()
