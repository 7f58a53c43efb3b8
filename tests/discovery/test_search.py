"""What discovery finds in systems with known symmetry, and what it must not find."""

import numpy as np
import pysindy as ps
import pytest
from scipy.integrate import solve_ivp
from sklearn.base import clone

import symdyn as sd
from symdyn.discovery.evidence import holm

TURN = np.array([[0.0, 1.0], [-1.0, 0.0]])
SHEAR = np.array([[1.0, 0.7], [0.0, 1.0]])
FEATURES = sd.features.CentralForce(range(6)) + sd.features.Polynomial(1, columns=(3, 4, 5))


def search(data, candidates, law=None, **options):
    law = sd.features.Polynomial(3) if law is None else law
    return sd.SymmetryDiscovery(candidates, law, n_bootstrap=100, **options).fit(data)


def simulate(field, n, length, noise, rng, n_times=300):
    rng = np.random.default_rng(rng)
    times = np.linspace(0, length, n_times)
    starts = rng.uniform(-1.5, 1.5, (n, 2))
    clean = [solve_ivp(lambda _, x: field(x), (0, length), x, t_eval=times, rtol=1e-10, atol=1e-12).y.T for x in starts]
    spread = np.concatenate(clean).std(axis=0)
    return [x + noise * spread * rng.standard_normal(x.shape) for x in clean], float(times[1])


def hopf(x, broken=0.0):
    radius = x[0] ** 2 + x[1] ** 2
    growth = np.array([(0.5 - radius) * x[0] - 1.3 * x[1], 1.3 * x[0] + (0.5 - radius) * x[1]])
    return growth + broken * np.array([x[0], -x[1]])


def sheared(x):
    return SHEAR @ hopf(np.linalg.solve(SHEAR, x))


def van_der_pol(x):
    return np.array([x[1], (1 - x[0] ** 2) * x[1] - x[0]])


def degrees_between(first, second):
    cosine = abs(np.sum(first * second)) / np.linalg.norm(first) / np.linalg.norm(second)
    return np.degrees(np.arccos(min(cosine, 1.0)))


@pytest.mark.parametrize("noise", [0.0, 0.05, 0.1])
def test_hopf_has_exactly_the_rotation(noise):
    found = search(sd.systems.hopf(noise=noise, rng=1), sd.candidates.gl(2))
    assert found.algebra_.name == "so(2)" and found.algebra_.exact.all()
    np.testing.assert_array_equal(np.abs(found.algebra_.matrices[0]), np.abs(TURN))
    assert list(found.verdicts_.verdict.values) == ["symmetric", "broken", "broken", "broken"]


@pytest.mark.parametrize("seed", range(4))
def test_a_sheared_rotation_is_found_and_nothing_besides(seed):
    found = search(simulate(sheared, 40, 6, 0.05, seed), sd.candidates.affine(2))
    assert found.algebra_.dim == 1 and found.trivial_.dim == 0
    assert degrees_between(found.algebra_.matrices[0], SHEAR @ TURN @ np.linalg.inv(SHEAR)) < 3


@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_a_broken_rotation_is_never_accepted(noise):
    found = search(simulate(lambda x: hopf(x, broken=0.6), 40, 6, noise, 0), sd.candidates.gl(2))
    assert found.algebra_.dim == 0
    assert "symmetric" not in found.verdicts_.verdict.values


def test_f_itself_is_named_trivial_and_never_constrains():
    found = search(simulate(van_der_pol, 30, 8, 0.0, 0), sd.candidates.polynomial(2, 3), delta=1e-3)
    assert found.algebra_.dim == 0 and found.trivial_.dim == 1
    points = np.random.default_rng(0).uniform(-2, 2, (20, 2))
    flow, found_field = found.law_(points), found.trivial_.generators[0](points)
    np.testing.assert_allclose(flow[:, 0] * found_field[:, 1], flow[:, 1] * found_field[:, 0], atol=1e-3)
    assert "trivial (parallel to the flow)" in found.summary()


def test_rotation_of_a_damped_oscillator_is_not_trivial_though_close_to_the_flow():
    found = search(sd.systems.damped_oscillator(noise=0.05), sd.candidates.affine(2))
    assert found.algebra_.name == "R^2" and found.trivial_.dim == 0
    assert found.law_fit_.kept == ("degree 1",)


@pytest.mark.parametrize("seed", range(3))
def test_kepler_orbits_have_the_rotations_and_the_third_law(seed):
    found = search(sd.systems.kepler(30, noise=0.01, rng=seed), sd.candidates.gl(3, time_scaling=True), FEATURES)
    assert found.kind_ == "second_order" and found.law_fit_.kept == ("q |q|^-3",)
    assert found.algebra_.name == "so(3) + R"
    truth = sd.candidates.so(3) + sd.candidates.from_matrices(np.eye(3)[None], time_scaling=[1.5])
    basis = np.linalg.qr((found.evidence_.directions[:, :4].T @ found.candidates.vectors()).T)[0]
    for vector in truth.vectors():
        unit = vector / np.linalg.norm(vector)
        assert np.degrees(np.arcsin(np.linalg.norm(unit - basis @ (basis.T @ unit)))) < 0.1
    value, error = found.algebra_.time_per_scale()
    assert abs(value - 1.5) < 0.002 and 0 < error < 0.002


def test_what_the_data_cannot_see_is_undetermined():
    tilted = sd.systems.kepler(8, isotropic=False, rng=0)
    flat = tilted.assign({name: (0 * tilted[name]).assign_attrs(tilted[name].attrs) for name in ("z", "vz")})
    found = search(flat, sd.candidates.gl(3), FEATURES)
    verdicts = found.verdicts_.verdict.values
    unseen = ~np.isfinite(found.verdicts_.violation.values)
    assert unseen.any() and set(verdicts[unseen]) == {"undetermined"}
    assert found.algebra_.dim == 1  # the rotation in the plane
    np.testing.assert_allclose(np.abs(found.algebra_.matrices[0][:2, :2]), np.abs(TURN), atol=1e-6)


def test_units_do_not_change_the_answer():
    x, t = simulate(sheared, 30, 6, 0.05, 3)
    plain = search((x, t), sd.candidates.affine(2))
    for factor in (1e3, 1e-3):
        scaled = search(([run * [1, factor] for run in x], 60 * t), sd.candidates.affine(2))
        for name in ("violation", "upper_bound"):
            np.testing.assert_allclose(scaled.verdicts_[name], plain.verdicts_[name], rtol=1e-4, atol=1e-6)
        assert list(scaled.verdicts_.verdict.values) == list(plain.verdicts_.verdict.values)
        change = np.diag([1, factor])
        expected = change @ plain.algebra_.matrices[0] @ np.linalg.inv(change)
        assert degrees_between(scaled.algebra_.matrices[0], expected) < 0.01


def test_every_form_of_the_same_data_gives_the_same_answer():
    x, step = sd.systems.hopf(noise=0.05, n_trajectories=5, n_times=200)
    times = step * np.arange(200)
    forms = [(x, step), (x, times), (x, [times] * 5), (sd.open_trajectories(x, t=step).chunk({"trajectory": 2}),)]
    found = [search(form if len(form) == 2 else form[0], sd.candidates.gl(2)).verdicts_.upper_bound for form in forms]
    for other in found[1:]:
        np.testing.assert_allclose(other, found[0], rtol=1e-6)


def test_one_long_run_with_irregular_times_is_enough():
    rng = np.random.default_rng(0)
    times = np.cumsum(rng.uniform(0.5, 1.5, 1500)) * 0.02
    x = solve_ivp(lambda _, x: hopf(x), (0, times[-1]), [0.1, 0.0], t_eval=times, rtol=1e-10, atol=1e-12).y.T
    found = search((x + 0.005 * rng.standard_normal(x.shape), times), sd.candidates.gl(2))
    assert found.algebra_.name == "so(2)"


def test_a_pysindy_library_serves_as_a_law():
    found = search(sd.systems.hopf(noise=0.05), sd.candidates.gl(2), ps.PolynomialLibrary(3))
    assert found.algebra_.name == "so(2)"


def test_judging_a_generator_agrees_with_the_search():
    found = search(sd.systems.hopf(noise=0.05), sd.candidates.gl(2))
    table = found.judge(sd.candidates.from_matrices([TURN, np.eye(2)]))
    assert list(table.verdict.values) == ["symmetric", "broken"]
    assert float(table.upper_bound[0]) < 0.1 < 0.3 < float(table.violation[1])
    with pytest.raises(ValueError, match="outside the candidates"):
        found.judge(sd.candidates.translations(2))


def test_the_law_is_chosen_alike_in_any_coordinates():
    turn = np.linalg.qr(np.random.default_rng(0).standard_normal((2, 2)))[0]
    x, t = simulate(hopf, 20, 6, 0.05, 5)
    plain = search((x, t), sd.candidates.gl(2))
    turned = search(([run @ turn.T for run in x], t), sd.candidates.gl(2))
    assert turned.law_fit_.kept == plain.law_fit_.kept == ("degree 1", "degree 3")
    points = np.random.default_rng(1).standard_normal((10, 2))
    np.testing.assert_allclose(turned.law_(points @ turn.T), plain.law_(points) @ turn.T, atol=0.02)


def test_bounds_are_above_violations_and_p_values_are_probabilities():
    table = search(sd.systems.hopf(noise=0.1), sd.candidates.affine(2)).verdicts_
    assert np.all(table.upper_bound >= table.violation) and np.all((table.p_value > 0) & (table.p_value <= 1))


def test_directions_are_orthonormal_in_the_size():
    evidence = search(sd.systems.hopf(noise=0.05), sd.candidates.affine(2)).evidence_
    gram = evidence.directions.T @ evidence.forms.size @ evidence.directions
    np.testing.assert_allclose(gram, np.eye(6), atol=1e-9)


def test_fit_changes_no_parameter_and_repeats_itself():
    estimator = sd.SymmetryDiscovery(sd.candidates.gl(2), sd.features.Polynomial(3), n_bootstrap=30, rng=4)
    before = dict(estimator.get_params())
    first = clone(estimator).fit(sd.systems.hopf(noise=0.05)).verdicts_
    second = estimator.fit(sd.systems.hopf(noise=0.05)).verdicts_
    assert first.identical(second) and estimator.get_params() == before


def test_holm_adjusts_by_hand():
    np.testing.assert_allclose(holm(np.array([0.04, 0.01, 0.03, 0.005])), [0.06, 0.03, 0.06, 0.02])


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"candidates": "gl(2)"}, TypeError, "symdyn.candidates"),
        ({"candidates": sd.candidates.gl(3)}, ValueError, "act on 3 states, the data have 2: x0, x1"),
        ({"law": "polynomial"}, TypeError, "Features or a pysindy feature library"),
        ({"kind": "map"}, ValueError, "kind must be"),
        ({"delta": 0}, ValueError, "delta must lie"),
        ({"alpha": 1.5}, ValueError, "alpha must lie"),
        ({"n_bootstrap": 3}, ValueError, "n_bootstrap must be at least 20"),
        ({"output": "invariant"}, ValueError, "only output='vector_field'"),
    ],
)
def test_bad_options_are_named(options, error, message):
    good = {"candidates": sd.candidates.gl(2), "law": sd.features.Polynomial(3)}
    with pytest.raises(error, match=message):
        sd.SymmetryDiscovery(**{**good, **options}).fit(sd.systems.hopf(n_trajectories=3, n_times=100))
