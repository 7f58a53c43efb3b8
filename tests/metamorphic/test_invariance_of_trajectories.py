"""No search depends on units, origin, unit of time, order and names of states, order of runs, or chunks."""

import warnings
from dataclasses import dataclass

import numpy as np
import pytest

import symdyn as sd

CUBIC, QUADRATIC = sd.features.Polynomial(3), sd.features.Polynomial(2)


@dataclass(frozen=True)
class Change:
    """x -> scale x[order] + shift times the spread, t -> clock t."""

    scale: tuple = (1.0, 1.0)
    shift: tuple = (0.0, 0.0)
    clock: float = 1.0
    order: tuple = (0, 1)

    def runs(self, x, spread):
        return [
            run[:, self.order] * self.scale + np.array(self.shift) * spread[list(self.order)] * self.scale for run in x
        ]

    def fields(self, values):
        """Vectors at points, carried along `(sample, state, ...)`."""
        return values[:, list(self.order)] * np.reshape(self.scale, (1, 2, *[1] * (values.ndim - 2)))

    def elements(self, spread):
        """The reflection at the centre of the plain data, carried along."""
        centre = np.array(self.shift) * spread[list(self.order)] * self.scale
        return sd.groups.element(-np.eye(2), 2 * centre)


UNITS = {
    "tiny and huge": Change(scale=(1e-9, 1e9)),
    "huge and small": Change(scale=(1e7, 3e-4)),
    "both tiny": Change(scale=(1e-9, 3e-9)),
}
ORIGINS = {"300": Change(shift=(300.0, -40.0)), "1000": Change(shift=(1e3, 1e3), scale=(1.0, 1e-6))}
FAR = {"1e6": Change(shift=(1e6, -1e6)), "1e5": Change(shift=(1e5, 3e4), scale=(1e4, 1.0))}
CLOCKS = {"microseconds": Change(clock=1e6), "years": Change(clock=3e-6)}
ORDER = {"swapped": Change(order=(1, 0)), "swapped, in other units": Change(order=(1, 0), scale=(1e5, 1e-3))}


def hopf(noise=0.05, seed=0):
    x, step = sd.systems.hopf(noise=noise, rng=seed, n_trajectories=8, n_times=200)
    return x, step


def spiral_map(seed=0):
    """A map with the symmetry of a rotation, 1 % noise."""
    rng = np.random.default_rng(seed)
    turn, runs = np.array([[0.8, -0.6], [0.6, 0.8]]), []
    for start in rng.standard_normal((20, 2)):
        run = [start]
        for _ in range(15):
            run.append((1.1 - 0.1 * run[-1] @ run[-1]) * turn @ run[-1])
        runs.append(np.array(run) + 0.01 * rng.standard_normal((16, 2)))
    return runs, 1.0


DATA = {"flow": hopf(), "map": spiral_map()}


def search(kind, data, elements=None, **options):
    candidates = sd.candidates.affine(2) if elements is None else sd.candidates.affine(2) + elements
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return sd.SymmetryDiscovery(candidates, CUBIC, kind=kind, n_bootstrap=60, **options).fit(data)


def spread_of(x):
    return np.concatenate(x).std(axis=0)


def searched(kind, change):
    x, step = DATA[kind]
    spread = spread_of(x)
    return search(kind, (change.runs(x, spread), step * change.clock), change.elements(spread))


@pytest.fixture(scope="module")
def plain():
    return {kind: searched(kind, Change()) for kind in DATA}


def assert_same(found, expected, change, kind, tolerance):
    assert found.algebra_.name == expected.algebra_.name == "so(2)"
    assert found.algebra_.exact.tolist() == expected.algebra_.exact.tolist()
    assert found.verdicts_.verdict.values.tolist() == expected.verdicts_.verdict.values.tolist()
    assert found.element_verdicts_.verdict.values.tolist() == expected.element_verdicts_.verdict.values.tolist()
    for table, other in ((found.verdicts_, expected.verdicts_), (found.element_verdicts_, expected.element_verdicts_)):
        np.testing.assert_allclose(table.violation, other.violation, atol=tolerance)
    x, _ = DATA[kind]
    points = np.concatenate(x)[::37]
    moved = change.runs([points], spread_of(x))[0]
    rates = change.fields(expected.law_(points)) / (change.clock if kind == "flow" else 1.0)
    there = found.law_(moved)
    np.testing.assert_allclose((there - rates) / np.abs(rates).max(axis=0), 0, atol=tolerance)
    fields, carried = (
        found.algebra_.basis.values(moved)[:, :, 0],
        change.fields(expected.algebra_.basis.values(points))[:, :, 0],
    )
    units = np.abs(carried).max(axis=0)
    fields, carried = (fields / units).ravel(), (carried / units).ravel()
    along = fields @ carried / (carried @ carried)
    np.testing.assert_allclose(fields / along, carried, atol=tolerance * np.abs(carried).max())


def assert_same_bounds(found, expected, tolerance):
    for table, other in ((found.verdicts_, expected.verdicts_), (found.element_verdicts_, expected.element_verdicts_)):
        np.testing.assert_allclose(table.upper_bound, other.upper_bound, atol=tolerance)


@pytest.mark.parametrize("kind", DATA)
@pytest.mark.parametrize("name", UNITS)
def test_units_of_the_states_change_nothing(name, kind, plain):
    found = searched(kind, UNITS[name])
    assert_same(found, plain[kind], UNITS[name], kind, 1e-6)
    assert_same_bounds(found, plain[kind], 1e-6)


@pytest.mark.parametrize("kind", DATA)
@pytest.mark.parametrize("name", ORIGINS)
def test_the_origin_changes_nothing(name, kind, plain):
    found = searched(kind, ORIGINS[name])
    assert_same(found, plain[kind], ORIGINS[name], kind, 1e-4)
    assert_same_bounds(found, plain[kind], 1e-4)


@pytest.mark.parametrize("kind", DATA)
@pytest.mark.parametrize("name", FAR)
def test_far_from_the_origin_nothing_is_decided_otherwise(name, kind, plain):
    found = searched(kind, FAR[name])
    for one, other in zip(found.verdicts_.verdict.values, plain[kind].verdicts_.verdict.values, strict=True):
        assert one in (other, "undetermined")
    assert found.algebra_.name in ("so(2)", "0")


@pytest.mark.parametrize("name", CLOCKS)
def test_the_unit_of_time_changes_nothing(name, plain):
    found = searched("flow", CLOCKS[name])
    assert_same(found, plain["flow"], CLOCKS[name], "flow", 1e-6)
    assert_same_bounds(found, plain["flow"], 1e-6)


@pytest.mark.parametrize("kind", DATA)
@pytest.mark.parametrize("name", ORDER)
def test_the_order_of_the_states_changes_no_verdict(name, kind, plain):
    found = searched(kind, ORDER[name])
    assert_same(found, plain[kind], ORDER[name], kind, 1e-6)


def test_names_chunks_and_the_order_of_trajectories_change_no_verdict(plain):
    x, step = DATA["flow"]
    elements = Change().elements(spread_of(x))
    named = sd.open_trajectories(x, t=step, states=["height", "depth"])
    for data in (named, named.chunk(trajectory=3), (x[::-1], step)):
        found = search("flow", data, elements)
        assert_same(found, plain["flow"], Change(), "flow", 1e-6)
    chunked = search("flow", named.chunk(trajectory=3), elements)
    again = search("flow", named.chunk(trajectory=3), elements)
    assert chunked.verdicts_.identical(again.verdicts_)
    np.testing.assert_array_equal(chunked.law_.coefficients, again.law_.coefficients)


def test_float32_changes_no_verdict(plain):
    x, step = DATA["flow"]
    found = search("flow", ([run.astype("f4") for run in x], step), Change().elements(spread_of(x)))
    assert found.verdicts_.verdict.values.tolist() == plain["flow"].verdicts_.verdict.values.tolist()
    assert found.algebra_.name == "so(2)"


@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_a_linear_mixture_of_the_states_has_the_same_algebra(noise):
    """Condition 30, affine candidates, which it maps to themselves; the measure itself may differ."""
    rng = np.random.default_rng(3)
    left, right = (np.linalg.qr(rng.standard_normal((2, 2)))[0] for _ in range(2))
    mixture = left @ np.diag([30.0, 1.0]) @ right
    x, step = sd.systems.hopf(noise=noise, rng=1, n_trajectories=30, n_times=300)
    found = search("flow", ([run @ mixture.T for run in x], step))
    assert found.algebra_.name == "so(2)" and found.algebra_.dim == 1


def test_linear_candidates_are_about_zero_and_nothing_else():
    """gl(2) on shifted data means another question, and gets another answer."""
    x, step = DATA["flow"]
    linear = sd.SymmetryDiscovery(sd.candidates.gl(2), CUBIC, n_bootstrap=60)
    assert linear.fit((x, step)).algebra_.name == "so(2)"
    for change in (UNITS["tiny and huge"], ORIGINS["300"]):
        linear.fit((change.runs(x, spread_of(x)), step))
        assert linear.algebra_.dim == (0 if any(change.shift) else 1)


def test_a_rotation_is_printed_about_its_centre_in_its_units():
    x, step = DATA["flow"]
    found = search("flow", ([run * [1, 1000] + [300, 3e5] for run in x], step))
    (text,) = found.algebra_.texts()
    assert text.startswith("−1e-06 x1 ∂x0 + x0 ∂x1 about (3e+02, 3e+05)") or "about (300, 3e+05)" in text
    assert sd.equivariant_subspace(CUBIC, found.algebra_).dim == 4


# Second-order systems, inputs, pairs.


def oscillators(seed=0):
    rng = np.random.default_rng(seed)
    t = np.linspace(0, 8, 160)
    runs = []
    for q, v in rng.standard_normal((10, 2, 2)):
        position = np.cos(t)[:, None] * q + np.sin(t)[:, None] * v
        velocity = -np.sin(t)[:, None] * q + np.cos(t)[:, None] * v
        runs.append(np.hstack([position, velocity]) + 0.01 * rng.standard_normal((160, 4)))
    return runs, t


@pytest.mark.parametrize("clock", [1.0, 1e5])
@pytest.mark.parametrize("scale", [(1.0, 1.0), (1e-6, 1e3)])
@pytest.mark.parametrize("shift", [0.0, 200.0])
def test_second_order_systems_know_no_units(scale, shift, clock):
    x, t = oscillators()
    spread = spread_of(x)[:2]
    moved = [np.hstack([(run[:, :2] + shift * spread) * scale, run[:, 2:] * np.array(scale) / clock]) for run in x]
    law = sd.features.Polynomial(1)
    options = {"kind": "second_order", "n_bootstrap": 60}
    plain = sd.SymmetryDiscovery(sd.candidates.affine(2), law, **options).fit((x, t))
    found = sd.SymmetryDiscovery(sd.candidates.affine(2), law, **options).fit((moved, t * clock))
    assert found.algebra_.name == plain.algebra_.name and found.algebra_.dim == plain.algebra_.dim == 4
    assert found.verdicts_.verdict.values.tolist() == plain.verdicts_.verdict.values.tolist()
    np.testing.assert_allclose(found.verdicts_.violation, plain.verdicts_.violation, atol=1e-4 if shift else 1e-6)
    np.testing.assert_allclose(found.verdicts_.upper_bound, plain.verdicts_.upper_bound, atol=1e-4 if shift else 1e-6)


def pairs(seed=0):
    rng = np.random.default_rng(seed)
    points = rng.standard_normal((600, 2))
    return points, points * (1 + np.sum(points**2, axis=1, keepdims=True)) + 0.02 * rng.standard_normal((600, 2))


@pytest.mark.parametrize("scale", [(1e-8, 1e6), (1e9, 1e9)])
@pytest.mark.parametrize("output", ["vector", "vector_field"])
def test_pairs_know_no_units(output, scale):
    x, y = pairs()
    plain, found = (
        sd.SymmetryDiscovery(sd.candidates.gl(2), CUBIC, output=output, n_bootstrap=60).fit(data)
        for data in ((x, y), (x * scale, y * scale))
    )
    assert found.algebra_.name == plain.algebra_.name == "so(2)"
    for column in ("violation", "upper_bound"):
        np.testing.assert_allclose(found.verdicts_[column], plain.verdicts_[column], atol=1e-6)


def test_units_of_invariant_values_change_nothing():
    x, _ = pairs()
    y = np.sum(x**2, axis=1) + 0.02 * np.random.default_rng(1).standard_normal(len(x))
    plain, found = (
        sd.SymmetryDiscovery(sd.candidates.gl(2), QUADRATIC, output="invariant", n_bootstrap=60).fit(data)
        for data in ((x, y), (x * [1e-6, 1e3], 1e7 * y))
    )
    assert found.algebra_.name == plain.algebra_.name == "so(2)"
    np.testing.assert_allclose(found.verdicts_.upper_bound, plain.verdicts_.upper_bound, atol=1e-6)


def test_inputs_know_no_units():
    rng = np.random.default_rng(0)
    t, runs = np.linspace(0, 6, 200), []
    for start in rng.standard_normal((12, 2)):
        u = np.stack([np.sin(rng.uniform(0.5, 3) * t + rng.uniform(0, 6)) for _ in range(2)], axis=1)
        x = [start]
        for k in range(len(t) - 1):
            h = t[1] - t[0]
            slope = lambda z, u=u[k]: np.array([-0.3 * z[0] - z[1], z[0] - 0.3 * z[1]]) + u  # noqa: E731
            x.append(x[-1] + h * slope(x[-1] + h / 2 * slope(x[-1])))
        runs.append(np.hstack([np.array(x), u]))
    mask = np.kron(np.eye(2, dtype=int), np.ones((2, 2), dtype=int)).astype(bool)
    found = []
    for scale in ((1.0, 1.0, 1.0, 1.0), (1e-6, 1e4, 1e3, 1e-2)):
        data = sd.open_trajectories([run * scale for run in runs], t=t, states=["x", "y", "u", "v"])
        for name in ("u", "v"):
            data[name].attrs["role"] = "input"
        candidates = sd.candidates.gl(4, mask=mask)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found.append(sd.SymmetryDiscovery(candidates, sd.features.Polynomial(1), n_bootstrap=60).fit(data))
    one, other = found
    assert one.algebra_.dim == other.algebra_.dim and one.algebra_.name == other.algebra_.name
    assert one.verdicts_.verdict.values.tolist() == other.verdicts_.verdict.values.tolist()
    np.testing.assert_allclose(other.verdicts_.violation, one.verdicts_.violation, atol=1e-6)


def test_commensurate_units_are_converted():
    x, step = DATA["flow"]
    metres = sd.open_trajectories(x, t=step, states=["x", "y"])
    mixed = sd.open_trajectories([run * [1, 1000] for run in x], t=step, states=["x", "y"])
    for data, units in ((metres, ("m", "m")), (mixed, ("m", "mm"))):
        for name, unit in zip(("x", "y"), units, strict=True):
            data[name].attrs["units"] = unit
    one, other = (search("flow", data) for data in (metres, mixed))
    np.testing.assert_allclose(other.verdicts_.upper_bound, one.verdicts_.upper_bound, atol=1e-6)
    # Of one dimension, the ratio of scales is a pure number, which the error bars allow to be 1.
    turn = one.algebra_.matrices[0]
    np.testing.assert_allclose(turn, np.sign(turn[0, 1]) * np.array([[0, 1], [-1, 0]]), atol=1e-12)
    here = other.algebra_.matrices[0]
    assert here[1, 0] / here[0, 1] == pytest.approx(-1e6, rel=1e-9)
