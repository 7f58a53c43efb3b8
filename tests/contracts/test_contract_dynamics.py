"""What every kind of dynamics keeps: a new one is tested by being listed in SYSTEMS."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
import xarray as xr
from scipy.linalg import expm

import symdyn as sd
from symdyn.data.pairs import from_pairs
from symdyn.functions.features import Features, Fourier, Polynomial
from symdyn.rows import dynamics
from symdyn.rows.dynamics import Dynamics, Layout, dynamics_of
from symdyn.sums.data_charts import chart_of_layout
from symdyn.sums.moments import accumulate, joined

STEPS = [np.arange(60.0)] * 4 + [np.arange(60.0) + 3, np.arange(45.0)]  # one starts later, one is shorter
STEADY = [np.arange(96.0) / 8] * 4 + [np.arange(96.0) / 8 + 3, np.arange(70.0) / 6]


@dataclass(frozen=True)
class System:
    """Runs of a system whose law is known, without noise.

    `law` `(output, feature)` in the units of the data, found to `tolerance` of its largest coefficient; `short` is the
    largest number of samples of which no row can be made, 0 where a single one will do.
    """

    layout: Layout
    data: xr.Dataset
    features: Features
    law: np.ndarray
    tolerance: float = 1e-10
    short: int = 0

    def sums(self, data=None, features=None, **options):
        data, features = self.data if data is None else data, self.features if features is None else features
        return accumulate(data, features, replace(self.layout, **options), n_points=60, method="gram")


def linear(times, matrix, n_states):
    """Runs of x' = M x, exactly, from starts that differ."""
    rng = np.random.default_rng(0)
    runs = []
    for clock in times:
        start = rng.uniform(0.5, 1.5, n_states)
        runs.append(np.array([expm(matrix * time) @ start for time in clock]))
    return runs


def steps(times, function, n_states):
    """Runs of x -> F(x)."""
    rng = np.random.default_rng(0)
    runs = []
    for clock in times:
        points = [rng.uniform(0.2, 0.8, n_states)]
        for _ in clock[1:]:
            points.append(function(points[-1]))
        runs.append(np.array(points))
    return runs


SPIRAL = np.array([[-0.1, -1.0], [1.0, -0.1]])
OSCILLATOR = np.array([[0, 0, 1, 0], [0, 0, 0, 1], [-1, 0.3, -0.1, 0], [0.3, -2, 0, -0.1]], dtype=float)
STEP = np.array([[0.99, -0.1], [0.1, 0.98]])  # ten steps in a characteristic time
VALUES = np.random.default_rng(1).standard_normal((3, 6))
XY = ("x", "y")


def affine(matrix):
    """The coefficients on (1, x ...) of a linear law."""
    return np.hstack([np.zeros((len(matrix), 1)), matrix])


def pairs():
    x = [np.random.default_rng(k).uniform(0.5, 1.5, (n, 2)) for k, n in enumerate([9, 9, 9, 9, 4, 1])]
    data = from_pairs(x, [Polynomial(2)(points) @ VALUES.T for points in x])
    data = data.assign_coords(trajectory=np.arange(len(x)))
    return System(Layout("pairs", ("x0", "x1"), (), ("y0", "y1", "y2")), data, Polynomial(2), VALUES)


SYSTEMS = {
    "flow": System(
        Layout("flow", XY),
        sd.open_trajectories(linear(STEADY, SPIRAL, 2), t=STEADY, states=XY),
        Polynomial(1),
        affine(SPIRAL),
        tolerance=1e-3,
        short=23,
    ),
    "second order": System(
        Layout("second_order", (*XY, "vx", "vy")),
        sd.open_trajectories(linear(STEADY, OSCILLATOR, 4), t=STEADY, states=(*XY, "vx", "vy")),
        Polynomial(1),
        affine(OSCILLATOR[2:]),
        tolerance=3e-3,
        short=23,
    ),
    "fine map": System(
        Layout("map", XY, fine=True),
        sd.open_trajectories(steps(STEPS, lambda x: STEP @ x, 2), t=STEPS, states=XY),
        Polynomial(1),
        affine(STEP - np.eye(2)),
        short=4,
    ),
    "coarse map": System(
        Layout("map", ("x",)),
        sd.open_trajectories(steps(STEPS, lambda x: 3.9 * x * (1 - x), 1), t=STEPS, states=("x",)),
        Polynomial(2),
        np.array([[0, 2.9, -3.9]]),
        short=4,
    ),
    "pairs": pairs(),
}


@pytest.fixture(params=SYSTEMS)
def system(request):
    return SYSTEMS[request.param]


def fitted(system, sums):
    """The law `(output, feature)` that the sums tell, in the chart of their layout."""
    cross, n = sums.cross.sum(axis=0), system.law.shape[1]
    size = np.sqrt(np.diag(cross)[:n])
    return np.linalg.solve(cross[:n, :n] / size / size[:, None], cross[:n, n:] / size[:, None]).T / size


def noisy(system):
    shape = [system.data.sizes[dim] for dim in ("trajectory", "time")]
    noise = xr.DataArray(0.01 * np.random.default_rng(2).standard_normal(shape), dims=("trajectory", "time"))
    return system.data.assign({name: system.data[name] + noise for name in system.layout.variables})


def assert_same(found, wanted, rtol=0.0):
    for name, value in vars(wanted).items():
        if name == "labels":
            assert found.labels == value
        else:
            np.testing.assert_allclose(getattr(found, name), value, rtol=rtol, atol=1e-3 * rtol, err_msg=name)


def test_every_kind_of_dynamics_is_listed():
    known, found = [Dynamics], set()
    while known:
        known += (kinds := known.pop().__subclasses__())
        found |= {kind for kind in kinds if kind.__module__.startswith("symdyn.")}
    assert found == {type(system.layout.dynamics) for system in SYSTEMS.values()}
    assert set(dynamics.KINDS) == {system.layout.kind for system in SYSTEMS.values()}


def test_words_stand_for_it(system):
    found = dynamics_of(system.layout.kind)
    assert found is dynamics_of(found) is system.layout.dynamics and found.name == system.layout.kind
    assert system.layout.action is found.action


def test_the_law_is_that_of_the_data(system):
    error = np.abs(fitted(system, system.sums()) - system.law).max()
    assert error < system.tolerance * np.abs(system.law).max()


def test_the_law_is_the_same_in_the_chart_of_the_data(system):
    layout = system.layout.in_chart(chart_of_layout(system.data, system.layout))
    assert not layout.argument_chart.is_identity
    inside = fitted(system, system.sums(chart=layout.chart))
    found = layout.argument_chart.law(inside, system.features, layout.output_units)
    assert np.abs(found - system.law).max() < max(system.tolerance, 1e-8) * np.abs(system.law).max()


def test_targets_are_the_last_of_the_variables_or_of_the_states(system):
    columns = system.layout.output_columns
    assert columns.stop == len(system.layout.variables) or columns.stop == len(system.layout.states)
    assert columns.stop - columns.start == system.layout.n_outputs == len(system.law)
    assert system.layout.output_units.shape == (len(system.law),)


@pytest.mark.parametrize("chunks", [{"trajectory": 1}, {"trajectory": 2, "time": 30}, {"trajectory": -1}], ids=str)
def test_sums_do_not_depend_on_chunks(system, chunks):
    chunks = chunks if system.data.sizes["time"] > 30 else {"trajectory": chunks["trajectory"]}
    assert_same(system.sums(noisy(system).chunk(chunks)), system.sums(noisy(system)))


@pytest.mark.parametrize("waves", [False, True])
def test_runs_worked_on_together_give_what_they_give_alone(system, waves):
    features, data = system.features + Fourier(1) if waves else system.features, noisy(system)
    parts = [data.isel(trajectory=[k]) for k in range(6)]
    alone = [accumulate(part, features, system.layout, n_points=10, method="gram") for part in parts]
    assert_same(joined(alone), system.sums(data, features), rtol=1e-9)


def test_the_order_of_runs_does_not_matter(system):
    sums, turned = system.sums(), system.sums(system.data.isel(trajectory=[3, 0, 5, 1, 4, 2]))
    np.testing.assert_allclose(turned.cross.sum(axis=0), sums.cross.sum(axis=0), rtol=1e-10, atol=1e-12)
    for name in ("signal", "power", "mean", "spread", "noise", "samples"):
        np.testing.assert_allclose(getattr(turned, name), getattr(sums, name)[[3, 0, 5, 1, 4, 2]], rtol=1e-10)


def test_even_and_odd_rows_have_noise_of_their_own_where_the_layout_says_so(system):
    sums = system.sums(noisy(system))
    assert np.all(sums.instrumented == system.layout.instrumented)
    assert np.all(sums.noise > 0) == system.layout.instrumented


def shortened(system, n_samples):
    """The same runs, the third of them with so many samples."""
    sample = xr.DataArray(np.arange(system.data.sizes["time"]), dims="time")
    return system.data.where((system.data.trajectory != 2) | (sample < n_samples))


def test_a_run_of_which_no_row_can_be_made_is_refused_by_its_name(system):
    enough = system.sums(shortened(system, system.short + 1))
    assert enough.n_trajectories == 6
    if system.short:
        with pytest.raises(ValueError, match=f"trajectory '2' has {system.short} .* needs at least {system.short + 1}"):
            system.sums(shortened(system, system.short))
