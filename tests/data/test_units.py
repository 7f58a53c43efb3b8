import numpy as np
import pytest
import xarray as xr

from symdyn.data.units import check_units, shared_scales, unit_groups, velocity_factors


def dataset(time="s", **units):
    """One variable a keyword, `name=unit` or `name=(unit, position)` for a velocity."""
    variables = {"t": (("trajectory", "time"), np.ones((1, 3)), {"units": time})}
    for name, entry in units.items():
        unit, position = entry if isinstance(entry, tuple) else (entry, None)
        attrs = {"units": unit} | ({"derivative_of": position} if position else {})
        variables[name] = (("trajectory", "time"), np.ones((1, 3)), attrs)
    return xr.Dataset(variables)


@pytest.mark.parametrize(
    ("position", "time", "velocity"),
    [
        ("m", "s", "m/s"),
        ("m", "seconds", "m s-1"),
        ("m", "s", "m s^-1"),
        ("km", "sec", "km * s**-1"),
        ("AU", "days since 2000-01-01 12:00", "au/d"),
        ("au", "yr", "au/years"),
        ("m", "", "km/h"),  # nothing is known about the times
        ("", "s", "m/s"),  # nor about the position
        ("m", "s", ""),
        ("au", "day", "km/s"),  # which are converted
        ("deg", "s", "1/s"),
    ],
)
def test_units_that_fit_pass(position, time, velocity):
    check_units(dataset(time, x=position, v=(velocity, "x")), ["x", "v"])


@pytest.mark.parametrize(
    ("position", "time", "velocity", "wanted"),
    [("au", "day", "K/s", "au/day"), ("m", "s", "m", "m/s"), ("count", "day", "m/day", "count/day")],
)
def test_units_that_do_not_fit_are_named_with_the_cure(position, time, velocity, wanted):
    with pytest.raises(
        ValueError, match=f"variable 'v' is in '{velocity}', but 'x' .* call for '{wanted}' or what converts"
    ):
        check_units(dataset(time, x=position, v=(velocity, "x")), ["x", "v"])


def test_a_velocity_of_something_that_is_no_state_is_named():
    with pytest.raises(ValueError, match="variable 'v' is the derivative of 'x', which is not a state"):
        check_units(dataset(x="m", v=("m/s", "x")), ["v"])


def test_states_of_one_dimension_are_a_group_whatever_their_units():
    data = dataset(x="mm", a="deg", y="m", b="rad", z="km", c="count", d="")
    groups, factors = unit_groups(data, ["x", "a", "y", "b", "z", "c", "d"])
    assert groups == [[0, 2, 4], [1, 3], [5], [6]]
    np.testing.assert_allclose(factors, [1, 1, 1e3, 180 / np.pi, 1e6, 1, 1])


def test_velocities_are_converted_to_rates_of_their_positions():
    data = dataset("days since 2000-01-01", x="km", v=("m/s", "x"), a="deg", w=("rad/s", "a"), q="", p=("m/s", "q"))
    factors = velocity_factors(data, ["x", "a", "q"], ["v", "w", "p"])
    np.testing.assert_allclose(factors, [86.4, 86400 * 180 / np.pi, 1])


def test_the_times_have_a_unit_of_their_own_whatever_they_are_called():
    shared = xr.Dataset({"x": ("time", np.ones(3), {"units": "s"})}, coords={"time": ("time", np.arange(3.0))})
    shared["time"].attrs["units"] = "ms"
    groups, factors = unit_groups(shared, ["x", "t"])
    assert groups == [[0, 1]]
    np.testing.assert_allclose(factors, [1, 1e-3])


def test_lengths_and_angles_may_stand_side_by_side():
    check_units(dataset(r="m", phi="rad", temperature="K"), ["r", "phi", "temperature"])


def test_times_may_be_a_coordinate():
    shared = xr.Dataset({"x": ("time", np.ones(3), {"units": "m"})}, coords={"time": ("time", np.arange(3.0))})
    check_units(shared, ["x"])


def test_states_of_one_unit_share_a_scale_and_states_without_units_do_not():
    states = dataset(x="au", u="", y="AU", w="", p="kg")
    assert shared_scales(states, ["x", "u", "y", "w", "p"]) == [[0, 2], [1], [3], [4]]
