"""What can be discovered from besides flows: maps, inputs, the time, pairs; and with finite elements beside."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import symdyn as sd

CUBIC = sd.features.Polynomial(3)
TURN = np.array([[0.0, 1.0], [-1.0, 0.0]])
SHEAR = np.array([[1.0, 0.7], [0.0, 1.0]])


def search(data, candidates, law=CUBIC, **options):
    return sd.SymmetryDiscovery(candidates, law, **{"n_bootstrap": 60, **options}).fit(data)


def degrees(first, second):
    cosine = abs(np.sum(first * second)) / np.linalg.norm(first) / np.linalg.norm(second)
    return np.degrees(np.arccos(min(cosine, 1.0)))


def turning_map(x, rate=0.9):
    """x -> (rate − |x|^2 / 4) R x, R a turn by one radian, in sheared coordinates."""
    y = x @ np.linalg.inv(SHEAR).T
    turn = np.array([[np.cos(1.0), -np.sin(1.0)], [np.sin(1.0), np.cos(1.0)]])
    return ((rate - np.sum(y**2, axis=-1, keepdims=True) / 4) * (y @ turn.T)) @ SHEAR.T


def points(n=600, states=2, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (n, states))


@pytest.mark.parametrize("noise", [0.0, 0.02])
def test_a_map_commutes_with_the_rotation_of_its_normal_form(noise):
    rng = np.random.default_rng(0)
    x = points()
    y = turning_map(x) + noise * rng.standard_normal(x.shape)
    found = search((x, y), sd.candidates.gl(2), kind="map")
    assert found.algebra_.dim == 1 and found.kind_ == "map"
    assert degrees(found.algebra_.matrices[0], SHEAR @ TURN @ np.linalg.inv(SHEAR)) < 0.05 + 100 * noise


def test_trajectories_of_a_map_and_its_pairs_agree():
    runs = []
    for start in points(60):
        run = [start]
        for _ in range(8):
            run.append(turning_map(run[-1]))
        runs.append(np.array(run))
    for data in ((runs, 1.0), ([run[:-1] for run in runs], [run[1:] for run in runs])):
        found = search(data, sd.candidates.gl(2), kind="map")
        assert found.algebra_.dim == 1 and found.algebra_.name == "so(2)"


def test_pairs_of_points_and_rates_are_a_flow():
    x = points()
    growth = 0.5 - np.sum(x**2, axis=1, keepdims=True)
    found = search((x, growth * x + 1.3 * x @ TURN), sd.candidates.gl(2))
    assert found.algebra_.name == "so(2)" and found.algebra_.exact.all()


def test_what_noise_hides_on_circular_orbits_says_nothing_about_the_rotation():
    """The orbits lie on a two-dimensional sheet of the eight states; noise around it is no motion."""
    data = sd.systems.two_body(noise=0.1, circular=True, n_trajectories=200)
    law = sd.features.Polynomial(3, columns=range(4))
    with pytest.warns(UserWarning, match="or noise in the states bends the map"):
        found = search(data, sd.candidates.gl(4, copies=2), law, kind="map")
    assert found.algebra_.name == "so(2)"
    rotation, (seen,) = np.kron(np.eye(2), [[0, -1], [1, 0]]), found.algebra_.matrices[:, :4, :4]
    assert abs(np.sum(seen * rotation)) > np.cos(np.radians(1)) * np.linalg.norm(seen) * np.linalg.norm(rotation)
    assert set(found.verdicts_.verdict.values[1:]) == {"undetermined", "broken"}
    assert any("is also symmetric for a library of 35 terms" in note for note in found.notes_)


def forced_hopf(noise, coupling, seed=0, n=20):
    """x' = f(x) + (u_1, coupling u_2) with the Hopf normal form f and random harmonics u."""
    rng = np.random.default_rng(seed)
    times, runs = np.linspace(0, 8, 200), []
    for _ in range(n):
        rates, phases, sizes = rng.uniform(0.5, 3, 2), rng.uniform(0, 6.28, (2, 2)), rng.normal(size=(2, 2))

        def force(t, rates=rates, phases=phases, sizes=sizes):
            return np.einsum("oh,oh->o", sizes, np.cos(rates * t + phases))

        def field(t, x, force=force):
            growth = 0.5 - x @ x
            u = force(t)
            return [growth * x[0] - 1.3 * x[1] + u[0], 1.3 * x[0] + growth * x[1] + coupling * u[1]]

        x = solve_ivp(field, (0, 8), rng.uniform(-1, 1, 2), t_eval=times, rtol=1e-8, atol=1e-9).y.T
        run = np.hstack([x, [force(t) for t in times]])
        runs.append(run + noise * run.std(axis=0) * rng.standard_normal(run.shape))
    return runs, times[1]


def test_states_and_inputs_turn_together():
    candidates = sd.candidates.gl(2, copies=2)
    found = search(forced_hopf(0.02, 1.0), candidates, inputs=("x2", "x3"))
    assert found.algebra_.name == "so(2)"
    assert degrees(found.algebra_.matrices[0], np.kron(np.eye(2), TURN)) < 0.5
    broken = search(forced_hopf(0.02, 1.5), candidates, inputs=("x2", "x3"))
    assert broken.algebra_.dim == 0 and broken.verdicts_.verdict[0] == "broken"


def test_inputs_declared_in_the_data_are_found():
    runs, step = forced_hopf(0.0, 1.0)
    dataset = sd.open_trajectories(runs, t=step, states=["x", "y", "u", "v"]).assign_attrs(states="x y")
    for name in ("u", "v"):
        dataset[name].attrs["role"] = "input"
    found = search(dataset, sd.candidates.gl(2, copies=2))
    assert found.algebra_.name == "so(2)" and found.algebra_.states == ("x", "y", "u", "v")
    assert len(found.law_.equations()) == 2


def test_no_candidate_may_move_states_by_inputs():
    with pytest.raises(ValueError, match=r"move the states by the inputs .* mask"):
        search(forced_hopf(0.0, 1.0, n=4), sd.candidates.gl(4), inputs=("x2", "x3"))
    mask = np.kron(np.eye(2), np.ones((2, 2)))
    found = search(forced_hopf(0.0, 1.0), sd.candidates.gl(4, mask=mask), inputs=("x2", "x3"))
    assert found.algebra_.name == "so(2)"


@pytest.mark.parametrize(("drift", "verdict"), [(0.0, True), (0.5, False)])
def test_time_translation_is_a_symmetry_of_autonomous_laws_only(drift, verdict):
    rng, times = np.random.default_rng(0), np.linspace(0, 6, 200)

    def field(t, x):
        return [-x[0] + drift * t, x[0] - 2 * x[1]]

    runs = [
        solve_ivp(field, (0, 6), 2 * rng.normal(size=2), t_eval=times, rtol=1e-9, atol=1e-10).y.T for _ in range(20)
    ]
    runs = [run + 0.01 * rng.standard_normal(run.shape) for run in runs]
    candidates = sd.candidates.scalings(2, time_translation=True)
    found = search((runs, times), candidates, sd.features.Polynomial(1))
    clock = sd.candidates.translations(2, time_translation=True)
    shift = clock.combine(np.eye(3)[2:])
    assert (found.judge(shift).verdict.item() == "symmetric") is verdict
    assert ("∂t" in found.algebra_.texts()) is verdict


def test_minkowski_norm_is_invariant_under_the_lorentz_algebra_in_noisy_pairs():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2000, 4))
    norm = np.einsum("si,i,si->s", x, [-1, 1, 1, 1], x)
    y = 1000 + norm + 0.05 * norm.std() * rng.standard_normal(len(x))  # a large constant says nothing about symmetry
    found = search((x, y), sd.candidates.gl(4), sd.features.Polynomial(2), output="invariant")
    assert found.algebra_.name == "so(1,3)" and found.algebra_.exact.all()


def inertia(x):
    return np.sum(x**2, axis=1)[:, None, None] * np.eye(3) - x[:, :, None] * x[:, None, :]


@pytest.mark.parametrize(("output", "dim"), [(("vector", "vector"), 4), (("linear", "linear"), 5)])
def test_tensor_outputs_move_index_by_index(output, dim):
    """so(3) and the scaling; with unknown actions also the gauge that scales one index and unscales the other."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1000, 3))
    y = inertia(x) * (1 + 0.0 * x[:, :1, None]) + 0.02 * rng.standard_normal((1000, 3, 3))
    found = search((x, y), sd.candidates.gl(3), sd.features.Polynomial(2), output=output)
    assert found.algebra_.dim == dim


def test_outputs_may_move_by_an_unknown_matrix_of_a_given_class():
    x = points(800, 3)
    y = x * (1 + np.sum(x**2, axis=1, keepdims=True))
    found = search((x, y), sd.candidates.so(3), output=sd.candidates.so(3))
    assert found.algebra_.name == "so(3)"
    assert found.algebra_.states == ("x0", "x1", "x2", "out_0", "out_1", "out_2")
    with pytest.raises(ValueError, match="matrices on 2 values, the data have 3"):
        search((x, y), sd.candidates.so(3), output=sd.candidates.so(2))


def test_elements_are_judged_beside_generators_and_alone():
    data = sd.systems.hopf(noise=0.02)
    flips = sd.groups.sign_flips(2)
    both = search(data, [sd.candidates.gl(2), flips])
    assert both.algebra_.name == "so(2)" and both.elements_.texts() == ["x0 -> -x0, x1 -> -x1"]
    alone = search(data, flips)
    assert alone.algebra_.dim == 0 and len(alone.verdicts_.generator) == 0
    np.testing.assert_array_equal(alone.element_verdicts_.verdict, both.element_verdicts_.verdict)
    assert "swap" not in alone.summary() and "x0 -> -x0" in alone.summary()
    assert search(data, sd.candidates.gl(2) + flips).elements_.dim == 1


def test_nonlinear_candidates_and_rates_of_time_are_refused_for_maps():
    x = points(100)
    with pytest.raises(ValueError, match="among affine generators"):
        search((x, turning_map(x)), sd.candidates.polynomial(2, 2), kind="map")
    with pytest.raises(ValueError, match="cannot be rescaled"):
        search((x, turning_map(x)), sd.candidates.gl(2, time_scaling=True), kind="map")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "sideways"}, "kind must be"),
        ({"inputs": ("u",)}, "input 'u' is not in the data"),
        ({"candidates": sd.candidates.gl(3)}, "the candidates act on 3 states, the data have 2"),
        ({"candidates": []}, "candidates are empty"),
    ],
)
def test_settings_that_do_not_fit_the_data_are_named(options, message):
    data = sd.systems.hopf(n_trajectories=4, n_times=60)
    with pytest.raises(ValueError, match=message):
        search(data, **{"candidates": sd.candidates.gl(2), **options})


def test_actions_on_outputs_need_pairs():
    dataset = sd.open_trajectories(sd.systems.hopf()[0], t=0.02)
    with pytest.raises(ValueError, match="is for pairs"):
        search(dataset, sd.candidates.gl(2), output="invariant")
    with pytest.raises(TypeError, match=r"data must be a Dataset, a tuple \(x, t\)"):
        search(points(), sd.candidates.gl(2))
