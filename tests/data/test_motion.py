"""Which state is the velocity of which."""

import numpy as np
import pytest
import xarray as xr

import symdyn as sd
from symdyn.data.motion import paired_states
from symdyn.data.trajectories import state_names


def opened(names, derivative_of=None, **options):
    variables = {name: ("time", np.arange(5.0)) for name in names.split()}
    data = xr.Dataset(variables, coords={"time": np.arange(5.0)})
    for velocity, position in (derivative_of or {}).items():
        data[velocity].attrs["derivative_of"] = position
    return sd.open_trajectories(data, **options)


def paired(data):
    return " ".join(paired_states(data, state_names(data)))


@pytest.mark.parametrize(
    ("stored", "wanted"),
    [
        ("vx vy x y", "x y vx vy"),
        ("x vx y vy", "x y vx vy"),
        ("x x_dot", "x x_dot"),
        ("omega theta", "theta omega"),
        ("omega1 omega2 theta1 theta2", "theta1 theta2 omega1 omega2"),
        ("dq_dt q", "q dq_dt"),
        ("q0 q1 v0 v1", "q0 q1 v0 v1"),
        ("x v", "x v"),
        ("height v_height", "height v_height"),
    ],
)
def test_names_that_say_it_pair_positions_with_velocities(stored, wanted):
    assert paired(opened(stored)) == wanted


@pytest.mark.parametrize("stored", ["q0 p0", "a b", "x y u v", "x v vx y"])
def test_the_order_of_a_file_pairs_nothing(stored):
    with pytest.raises(ValueError, match=r"which of the states .* are velocities.*derivative_of"):
        paired(opened(stored))


def test_an_order_that_was_given_is_positions_then_velocities():
    assert paired(opened("q0 p0", states=["q0", "p0"])) == "q0 p0"
    declared = xr.Dataset({n: ("time", np.arange(5.0)) for n in "ab"}, {"time": np.arange(5.0)}, {"states": "b a"})
    assert paired(sd.open_trajectories(declared)) == "b a"
    assert paired(sd.open_trajectories(sd.open_trajectories(declared))) == "b a"
    assert paired(sd.open_trajectories(np.ones((9, 4)), t=0.1)) == "x0 x1 x2 x3"


def test_an_order_nobody_gave_stays_so_however_often_data_are_opened():
    data = sd.open_trajectories(opened("a b"))
    with pytest.raises(ValueError, match="which of the states"):
        paired(data)
    assert paired(sd.open_trajectories(data, states=["b", "a"])) == "b a"


def test_what_is_declared_goes_before_names_and_order():
    assert paired(opened("a b c d", {"a": "d", "c": "b"}, states=["a", "b", "c", "d"])) == "b d c a"
    assert paired(opened("q w x vx", {"w": "q"})) == "q x w vx"
    with pytest.raises(ValueError, match="which of the states"):
        paired(opened("a b c d", {"a": "d"}))


def test_a_missing_velocity_is_asked_for():
    with pytest.raises(ValueError, match="a velocity for each position, the states are x, y, vx: add the rates"):
        paired(opened("x y vx"))
