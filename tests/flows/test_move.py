"""Data moved along a generator: laws of a group action, and symmetric laws that keep their solutions."""

import subprocess
import sys

import dask.array as da
import numpy as np
import pytest
import xarray as xr

import symdyn as sd
from symdyn.jets.pointfields import parse_generators
from symdyn.lie.algebras.algebra import LieAlgebra
from symdyn.lie.chart import Chart

TURN = LieAlgebra(sd.candidates.so(2, states="xy"))


def runs(names=("x", "y"), count=3, units="m"):
    values = np.random.default_rng(0).standard_normal((count, 20, len(names)))
    data = {name: (("trajectory", "time"), values[..., k], {"units": units}) for k, name in enumerate(names)}
    return xr.Dataset(data, {"time": np.linspace(0, 1, 20)}, {"states": " ".join(names)})


def algebras():
    """Generators of every kind: affine, of degree 2, with rates of time, with a shift of time."""
    return {
        "rotation": TURN,
        "scaling with time": LieAlgebra.from_matrices(np.eye(2)[None], time_scaling=[1.5], states=("x", "y")),
        "affine": LieAlgebra(sd.candidates.affine(2, states="xy")[[1]]),
        "quadratic": LieAlgebra(parse_generators(["0.2 x y ∂x + 0.1 x^2 ∂y"], ["x", "y"])),
        "drift": LieAlgebra(parse_generators(["t ∂x + ∂y"], ["x", "y", "t"])),
        "shift of time": LieAlgebra(parse_generators(["∂t + y ∂x"], ["x", "y", "t"])),
    }


@pytest.mark.parametrize("name", algebras())
def test_nothing_moves_by_0_and_amounts_add(name):
    algebra, data = algebras()[name], runs()
    still = algebra.move(data, 0.0)
    xr.testing.assert_allclose(still[["x", "y"]], sd.open_trajectories(data)[["x", "y"]], rtol=1e-13)
    twice = algebra.move(algebra.move(data, 0.3), 0.4)
    once = algebra.move(data, 0.7)
    assert float(abs(once.x - data.x).max() + abs(once.y - data.y).max()) > 0.1
    for variable in ("x", "y", *(["t"] if "t" in once else [])):
        np.testing.assert_allclose(twice[variable], once[variable], rtol=1e-9, atol=1e-9)


def test_a_full_turn_is_the_identity_and_a_quarter_turn_is_not():
    data = runs()
    np.testing.assert_allclose(TURN.move(data, 2 * np.pi).x, data.x, atol=1e-12)
    quarter = TURN.move(data, np.pi / 2)
    np.testing.assert_allclose(np.abs(quarter.x), np.abs(data.y), atol=1e-12)
    assert quarter.x.attrs == {"units": "m"} and list(quarter.data_vars) == ["x", "y"]


def test_solutions_of_a_symmetric_law_stay_solutions():
    """The flow of a Hopf field commutes with rotations, as they are found in its data."""
    x, step = sd.systems.hopf(rng=0)
    search = sd.SymmetryDiscovery(sd.candidates.gl(2), sd.features.Polynomial(3)).fit(x, step)
    law = sd.systems.exact_law("hopf")
    moved, t = search.algebra_.move((x[:2], step), 1.0)
    assert t == step and isinstance(moved, list)
    for run in moved:
        np.testing.assert_allclose(law.flow(run[0], step * np.arange(len(run))), run, atol=1e-6)
    assert np.abs(moved[0] - x[0]).max() > 0.1


def test_keplers_third_law_moves_planets_to_orbits_of_other_sizes():
    """q -> e^a q, t -> e^(3a/2) t, so velocities follow by e^(−a/2): positions and velocities stay a solution."""
    data = sd.systems.kepler(3, isotropic=False, rng=1)
    scaling = LieAlgebra.from_matrices(np.eye(3)[None], time_scaling=[1.5], states=("x", "y", "z"))
    moved = scaling.move(data, 0.4)
    np.testing.assert_allclose(moved.x, np.exp(0.4) * data.x, rtol=1e-12)
    np.testing.assert_allclose(moved.vx, np.exp(-0.2) * data.vx, rtol=1e-12)
    before, after = (np.asarray(d.t if "t" in d else d.time).ravel() for d in (data, moved))
    np.testing.assert_allclose(after, np.exp(0.6) * before, rtol=1e-12)
    rate = np.gradient(moved.x.values[0], after[: moved.sizes["time"]])
    assert np.abs(rate - moved.vx.values[0])[1:-1].max() < 0.02 * np.abs(rate).max()
    wide = scaling.prolong().move(data, 0.4)
    np.testing.assert_allclose(wide.vy, moved.vy, rtol=1e-12)


def test_velocities_follow_a_generator_that_is_not_affine():
    """x ∂x^2: q' = 2 q, and the moved curve has the moved velocities as its slope."""
    times = np.linspace(0, 1, 200)
    q = 0.4 + 0.2 * np.sin(3 * times)
    data = xr.Dataset(
        {"q": (("trajectory", "time"), q[None]), "v": (("trajectory", "time"), 0.6 * np.cos(3 * times)[None])},
        {"time": times}, {"states": "q v"},
    )  # fmt: skip
    moved = LieAlgebra(parse_generators(["q^2 ∂q"], ["q"])).move(data, 0.5)
    np.testing.assert_allclose(moved.q[0], q / (1 - 0.5 * q), rtol=1e-9)
    slope = np.gradient(moved.q.values[0], times, edge_order=2)
    np.testing.assert_allclose(moved.v.values[0], slope, atol=1e-3)


def test_a_boost_adds_its_velocity():
    """t ∂q: q -> q + a t, v -> v + a."""
    data = runs(("q", "v"))
    moved = LieAlgebra(parse_generators(["t ∂q"], ["q", "t"])).move(data, 0.5)
    np.testing.assert_allclose(moved.v, data.v + 0.5, rtol=1e-12)
    np.testing.assert_allclose(moved.q, data.q + 0.5 * data.time, atol=1e-12)


def test_units_do_not_change_where_data_go():
    """In kilometres the generator of a shear has another number, and the moved data are the same."""
    metres, shear = runs(), np.array([[[0.0, 2.0], [0.0, 0.0]]])
    factor = np.diag([1e-3, 1.0])
    kilometres = metres.assign(x=metres.x * 1e-3)
    there = LieAlgebra.from_matrices(shear, states=("x", "y")).move(metres, 0.3)
    inside = LieAlgebra.from_matrices(factor @ shear @ np.linalg.inv(factor), states=("x", "y")).move(kilometres, 0.3)
    np.testing.assert_allclose(inside.x * 1e3, there.x, rtol=1e-12)


def test_a_chart_far_from_the_origin_keeps_its_digits():
    chart = Chart((1e6, 1e6), (1.0, 1.0))
    inside = LieAlgebra(sd.candidates.so(2))
    about = LieAlgebra.from_chart(inside, chart, sd.features.Polynomial(1))
    points = 1e6 + np.random.default_rng(0).standard_normal((5, 2))
    np.testing.assert_allclose(about.move(points, np.pi), 2e6 - points, rtol=0, atol=1e-9)


def test_data_keep_their_form():
    x = np.random.default_rng(0).standard_normal((4, 30, 2))
    scaling = LieAlgebra.from_matrices(np.eye(2)[None], time_scaling=[1.0])
    grown = np.exp(0.5)
    assert scaling.move(x[0], 0.5).shape == (30, 2) and scaling.move(x, 0.5).shape == x.shape
    assert [part.shape for part in scaling.move(list(x), 0.5)] == [(30, 2)] * 4
    run, step = scaling.move((x[0], 0.1), 0.5)
    np.testing.assert_allclose(run, grown * x[0])
    assert step == pytest.approx(0.1 * grown)
    several, times = scaling.move((x, np.arange(30.0)), [0.5, 0.0, 0.5, 0.5])
    np.testing.assert_allclose(several[1], x[1])
    np.testing.assert_allclose(times[0], grown * times[1])
    lazy = TURN.move(runs().chunk(trajectory=1), 0.5)
    assert isinstance(lazy.x.data, da.Array)


def test_fields_move_as_flow_along_moves_them():
    pytest.importorskip("torch")
    from symdyn.neural import flow_along

    data = sd.systems.burgers(n_trajectories=2)
    galilean = LieAlgebra(parse_generators(["t ∂x + ∂u"], ["t", "x", "u"]))
    xr.testing.assert_identical(galilean.move(data, 0.3), flow_along(sd.open_trajectories(data), galilean, [0.3]))


@pytest.mark.parametrize(
    ("data", "amount", "generator", "message"),
    [
        (np.zeros((5, 3)), 1.0, 0, "moves 2 states; the points have 3"),
        (np.zeros((5, 2)), np.nan, 0, "amount must be finite"),
        (np.zeros((5, 2)), 1.0, 3, "generator 3 is none of the 1"),
        ((np.zeros((5, 2)), 0.1, 0.2), 1.0, 0, r"a tuple of data is \(x, t\)"),
        (np.zeros((5, 2)), [1.0, 2.0], 0, "amount must be a number for a single trajectory"),
    ],
)
def test_what_cannot_be_moved_is_refused(data, amount, generator, message):
    with pytest.raises((ValueError, TypeError, IndexError), match=message):
        TURN.move(data, amount, generator)


def test_other_refusals():
    with pytest.raises(ValueError, match="the generators act on x, y, the data hold a, b, c"):
        TURN.move(runs(("a", "b", "c")), 1.0)
    with pytest.raises(ValueError, match="the generator moves time"):
        algebras()["drift"].move(np.zeros((5, 2)), 1.0)
    with pytest.raises(ValueError, match="moved times do not increase"):
        LieAlgebra(parse_generators(["x ∂t"], ["x", "y", "t"])).move(runs(), 5.0)


def test_moving_trajectories_needs_no_torch():
    code = (
        "import sys, numpy as np, symdyn as sd; a = sd.LieAlgebra(sd.candidates.so(2));"
        "a.move((np.zeros((9, 2)), 0.1), 1.0); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"]
