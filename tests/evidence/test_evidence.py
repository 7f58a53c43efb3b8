import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import symdyn as sd
from symdyn.evidence.evidence import Evidence, QuadraticForms, holm

SHEAR = np.array([[1.0, 0.7], [0.0, 1.0]])


def random_evidence(seed, n=4, delta=0.1, noise=0.05, n_replicates=60):
    """Forms of a random linear map a -> L(a), with errors of relative size `noise` and one vanishing generator."""
    rng = np.random.default_rng(seed)
    bracket = rng.standard_normal((12, n)) * np.array([1e-3, *np.ones(n - 1)])
    parts = rng.standard_normal((24, n))
    errors = noise * rng.standard_normal((n_replicates, 12, n))
    jackknife = np.mean([e.T @ e for e in errors[:10]], axis=0)
    forms = QuadraticForms(
        violation=bracket.T @ bracket,
        size=parts.T @ parts,
        cross=np.stack([bracket.T @ e for e in errors]),
        error=np.stack([e.T @ e for e in errors]),
        jackknife=jackknife,
        stretch=rng.uniform(0.8, 1.4, n_replicates),
    )
    return Evidence(forms, delta)


def test_holm_agrees_with_a_hand_computed_example():
    """Sorted .005 .01 .03 .04 times 4 3 2 1 is .02 .03 .06 .04; never below an earlier one: .02 .03 .06 .06."""
    np.testing.assert_allclose(holm(np.array([0.01, 0.04, 0.03, 0.005])), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(holm(np.array([0.7, 0.9])), [1.0, 1.0])
    np.testing.assert_allclose(holm(np.array([0.2])), [0.2])
    assert holm(np.zeros(0)).shape == (0,)


@settings(max_examples=25, deadline=None)
@given(p_values=st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_keeps_the_order_and_lies_between_plain_and_bonferroni(p_values):
    plain = np.array(p_values)
    adjusted = holm(plain)
    assert np.all(adjusted >= plain) and np.all(adjusted <= np.minimum(len(plain) * plain, 1))
    assert np.all(np.diff(adjusted[np.argsort(plain, kind="stable")]) >= 0)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**31))
def test_bounds_lie_above_violations_and_p_values_are_probabilities(seed):
    evidence = random_evidence(seed)
    for rank, vector in enumerate(evidence.directions.T, start=1):
        assert evidence.upper_bound(vector, rank) >= evidence.violation(vector) >= 0
        assert 0 < evidence.p_value(vector) <= 1
    assert np.all(evidence.span_bounds >= 0) and np.all(np.diff(evidence.span_bounds) >= -1e-12)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**31))
def test_directions_are_orthonormal_in_size_and_in_order_of_evidence(seed):
    evidence = random_evidence(seed)
    gram = evidence.directions.T @ evidence.forms.size @ evidence.directions
    np.testing.assert_allclose(gram, np.eye(4), atol=1e-10)
    total = np.einsum(
        "id,ij,jd->d", evidence.directions, evidence.forms.violation + evidence.noise, evidence.directions
    )
    assert np.all(np.diff(total) >= -1e-10 * total[-1])
    for own in evidence.replicate_directions:
        np.testing.assert_allclose(own.T @ evidence.forms.size @ own, np.eye(4), atol=1e-10)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**31))
def test_evidence_does_not_depend_on_the_basis_or_length_of_the_candidates(seed):
    evidence = random_evidence(seed)
    forms, rng = evidence.forms, np.random.default_rng(seed)
    mixture = np.linalg.qr(rng.standard_normal((4, 4)))[0] * rng.uniform(0.2, 5, 4)

    def moved(form):
        return np.swapaxes(mixture, 0, 1) @ form @ mixture

    names = ("violation", "size", "cross", "error", "jackknife")
    other = Evidence(QuadraticForms(*[moved(getattr(forms, name)) for name in names], forms.stretch), evidence.delta)
    vector = rng.standard_normal(4)
    same = 3.0 * np.linalg.solve(mixture, vector)
    assert other.violation(same) == pytest.approx(evidence.violation(vector), rel=1e-8, abs=1e-10)
    assert other.upper_bound(same, 2) == pytest.approx(evidence.upper_bound(vector, 2), rel=1e-8)
    assert other.p_value(same) == pytest.approx(evidence.p_value(vector), rel=1e-6)
    np.testing.assert_allclose(other.span_bounds, evidence.span_bounds, rtol=1e-7)


def test_a_pair_of_small_violations_can_span_a_large_one():
    """Brackets e and −e + small: each direction alone is fine to within delta, their difference is not."""
    violation = np.array([[1.0, -0.9], [-0.9, 1.0]]) * 0.08**2
    nothing = np.zeros((20, 2, 2))
    evidence = Evidence(QuadraticForms(violation, np.eye(2), nothing, nothing, nothing[0], np.ones(20)), 0.1)
    assert all(evidence.violation(v) < 0.1 for v in np.eye(2))
    assert evidence.span_bounds[1] == pytest.approx(0.08 * np.sqrt(1.9), rel=1e-9)
    assert evidence.rank == 1


def test_nothing_is_accepted_when_the_first_bound_is_too_large():
    nothing = np.zeros((20, 2, 2))
    forms = QuadraticForms(np.diag([0.2, 0.3]), np.eye(2), nothing, nothing, nothing[0], np.ones(20))
    assert Evidence(forms, 0.1).rank == 0 and Evidence(forms, 0.5).rank == 1 and Evidence(forms, 0.6).rank == 2


def test_directions_without_size_are_set_apart():
    size = np.diag([1.0, 0.0, 4.0])
    nothing = np.zeros((20, 3, 3))
    evidence = Evidence(QuadraticForms(0 * size, size, nothing, nothing, nothing[0], np.ones(20)), 0.1)
    assert evidence.directions.shape == (3, 2) and evidence.unseen.shape == (3, 1)
    assert not evidence.directions[1].any() and not evidence.unseen[[0, 2]].any()


def test_error_of_the_law_is_taken_off_the_violation_and_put_on_the_bound():
    quiet, loud = (random_evidence(3, noise=noise) for noise in (0.01, 1.0))
    vector = np.array([1.0, 0, 0, 0])  # its own bracket is 1e-3
    assert loud.upper_bound(vector, 4) > 5 * quiet.upper_bound(vector, 4)
    assert loud.p_value(vector) > 0.05 and loud.rank < quiet.rank == 1


def test_violation_of_a_scaling_is_that_of_the_definition():
    """eps^2 = |Df v − Dv f|^2 / (|Df v|^2 + |Dv f|^2 + sum (r_i v_i / s_i)^2) over all samples of a linear system."""
    x, step = sd.systems.damped_oscillator(rng=0, n_times=100)
    search = sd.SymmetryDiscovery(sd.candidates.scalings(2), sd.features.Polynomial(1)).fit((x, step))
    points, linear = np.concatenate(x), np.array([[-0.1, -1.0], [1.0, -0.1]])
    spread = points.std(axis=0)  # over all data
    flow = points @ linear.T
    rates = np.sqrt(np.mean((flow / spread) ** 2, axis=0))

    def square(values):
        return np.mean(np.sum((values / spread) ** 2, axis=1))

    for k, matrix in enumerate((np.diag([1.0, 0]), np.diag([0, 1.0]))):
        moved, carried = points @ (linear @ matrix).T, flow @ matrix.T
        size = square(moved) + square(carried) + np.mean(np.sum((rates * (points @ matrix.T) / spread) ** 2, axis=1))
        expected = np.sqrt(square(moved - carried) / size)
        row = search.judge(sd.candidates.scalings(2).combine(np.eye(2)[[k]]))
        assert row.violation.item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("factor", [1e3, 1e-3])
def test_units_do_not_change_the_answer(factor):
    x, step = sd.systems.hopf(noise=0.05, rng=3)
    runs, units = [run @ SHEAR.T for run in x], np.array([1.0, factor])
    plain, scaled = (
        sd.SymmetryDiscovery(sd.candidates.gl(2), sd.features.Polynomial(3)).fit((data, step))
        for data in (runs, [run * units for run in runs])
    )
    for name in ("violation", "upper_bound", "p_value"):
        np.testing.assert_allclose(scaled.verdicts_[name], plain.verdicts_[name], rtol=1e-6, atol=1e-300)
    for name in ("verdict", "exact_rejected", "trivial"):
        np.testing.assert_array_equal(scaled.verdicts_[name], plain.verdicts_[name])
    expected = units[:, None] * plain.algebra_.matrices[0] / units
    found = scaled.algebra_.matrices[0]
    largest = np.unravel_index(np.abs(expected).argmax(), expected.shape)
    np.testing.assert_allclose(found / found[largest], expected / expected[largest], rtol=1e-6)


def test_generators_that_vanish_on_the_data_are_undetermined(planar_orbits):
    search = sd.SymmetryDiscovery(sd.candidates.gl(3), sd.features.CentralForce(range(6))).fit(planar_orbits)
    table = search.verdicts_
    unseen = np.isnan(table.violation.values)
    assert unseen.sum() == 3
    assert set(table.verdict.values[unseen]) == {"undetermined"} and not table.exact_rejected.values[unseen].any()
    for name in ("upper_bound", "p_value"):
        np.testing.assert_array_equal(np.isnan(table[name]), unseen)
    # Exactly the fields z ∂x, z ∂y, z ∂z.
    points = np.random.default_rng(0).standard_normal((9, 3)) * [1, 1, 0]
    fields = search.generators_.values(points)
    np.testing.assert_allclose(fields[:, :, unseen], 0, atol=1e-9)


def test_motion_in_a_plane_shows_rotations_of_the_plane_only(planar_orbits):
    """Turning the plane is a symmetry that these data can neither show nor deny."""
    search = sd.SymmetryDiscovery(sd.candidates.gl(3), sd.features.CentralForce(range(6))).fit(planar_orbits)
    np.testing.assert_allclose(search.algebra_.matrices, [[[0, 1, 0], [-1, 0, 0], [0, 0, 0]]], atol=1e-12)
    judged = search.judge(sd.candidates.so(3))
    assert judged.verdict.values.tolist() == ["symmetric", "undetermined", "undetermined"]


@pytest.mark.parametrize("units", ["units kept", "units lost"])
def test_a_state_that_never_varies_is_no_evidence(units, planar_orbits):
    dataset = planar_orbits.copy()
    if units == "units lost":
        for name in dataset.data_vars:
            dataset[name].attrs = {}
    search = sd.SymmetryDiscovery(sd.candidates.gl(3), sd.features.CentralForce(range(6))).fit(dataset)
    assert search.algebra_.texts() == ["y ∂x − x ∂y"]
    assert np.nanmin(search.verdicts_.upper_bound) < 1e-2
