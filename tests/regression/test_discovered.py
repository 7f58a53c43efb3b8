"""Discover, constrain, judge: on different trajectories; and the choice between sparsity and symmetry."""

import numpy as np
import pysindy as ps
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import Ridge

import symdyn as sd
from symdyn.regression import discover_then_fit, pareto, subalgebras
from symdyn.regression.discovered import split_trajectories
from symdyn.regression.enforcing.validation import rate_losses
from symdyn.regression.learning_curves import enough
from symdyn.regression.moments_fit import sums_of
from symdyn.sums.moments import accumulate
from symdyn.testing import assert_symmetric

CUBIC = sd.features.Polynomial(3)
HOPF = sd.systems.exact_law("hopf")
ROTATION = sd.LieAlgebra(sd.candidates.so(2))


@pytest.fixture(scope="module")
def sums():
    train, layout = sums_of(sd.systems.hopf(noise=0.05, rng=0), CUBIC)
    held_out, _ = sums_of(sd.systems.hopf(noise=0.05, rng=1), CUBIC)
    return train, held_out, layout


@pytest.fixture(scope="module")
def hopf():
    return discover_then_fit(sd.systems.hopf(noise=0.05, rng=0, n_trajectories=40), sd.candidates.gl(2), CUBIC)


def test_the_rotation_of_hopf_is_found_and_kept_and_pays(hopf):
    assert hopf.search.algebra_.name == "so(2)" and hopf.search.algebra_.exact.all()
    assert_symmetric(hopf.law, hopf.symmetry)  # a rotation, the ratio of whose axes was found
    allowed = np.any(sd.equivariant_subspace(CUBIC, ROTATION).basis, axis=1).reshape(2, -1)
    np.testing.assert_allclose(hopf.law.coefficients[~allowed], 0, atol=1e-12)
    table = hopf.table
    assert list(table.n_free.values) == [4, 20, 20] and list(table.n_trajectories.values) == [16, 16, 32]
    errors = [np.linalg.norm(law.coefficients - HOPF.coefficients) for law in (hopf.law, hopf.free)]
    assert errors[0] < errors[1]
    assert hopf.trajectories_needed < 16
    assert "20 free numbers, 4 with the symmetry" in hopf.summary()


def test_discovery_fit_and_judgement_see_different_trajectories(monkeypatch):
    seen = []

    def spied(dataset, *arguments, **options):
        seen.append(set(dataset.trajectory.values.tolist()))
        return accumulate(dataset, *arguments, **options)

    monkeypatch.setattr("symdyn.regression.discovered.accumulate", spied)
    discover_then_fit(sd.systems.hopf(noise=0.05, rng=2), sd.candidates.gl(2), CUBIC)
    assert len(seen) == 3 and sum(map(len, seen)) == len(set.union(*seen)) == 20


def test_where_nothing_is_found_the_law_is_the_free_one():
    found = discover_then_fit(
        sd.systems.hopf(breaking=1.0, noise=0.01, rng=0), sd.candidates.gl(2), CUBIC, n_bootstrap=50
    )
    assert found.symmetry is None and "No symmetry was found" in found.summary()
    np.testing.assert_array_equal(found.law.coefficients, found.free.coefficients)


def test_finite_symmetries_constrain_too():
    found = discover_then_fit(
        sd.systems.lorenz(n_trajectories=12), [sd.groups.sign_flips(3)], sd.features.Polynomial(2), n_bootstrap=50
    )
    assert found.search.elements_.dim
    flipped = found.law(np.array([[-1.0, -2, 3]])) * [-1, -1, 1]
    np.testing.assert_allclose(flipped, found.law(np.array([[1.0, 2, 3]])), atol=1e-10)


@given(n=st.integers(5, 60), seed=st.integers(0, 99), parts=st.lists(st.floats(0.01, 1.0), min_size=2, max_size=4))
def test_every_trajectory_is_in_one_part_and_no_part_is_empty(n, seed, parts):
    split = split_trajectories(n, parts, np.random.default_rng(seed))
    assert sorted(np.concatenate(split)) == list(range(n)) and all(len(part) for part in split)


def test_the_true_law_has_no_loss_beyond_noise_and_wrong_ones_have_theirs(sums):
    _, held_out, _ = sums
    wrong = HOPF.coefficients * 1.1
    judged = rate_losses(_charted(np.stack([HOPF.coefficients, wrong, 0 * wrong]), CUBIC, held_out), held_out)
    np.testing.assert_allclose(judged.loss, [0, 0.01, 1], atol=2e-3)
    assert judged.loss[2] == pytest.approx(1, abs=1e-12)
    excess, error = judged.excess(0)
    assert excess[1] > 5 * error[1]


def test_losses_do_not_depend_on_units(sums):
    """Of x' = W theta with x in other units, theta and W change together."""
    x, step = sd.systems.hopf(noise=0.05, rng=1)
    scale, exponents = np.array([1e3, 1e-2]), np.array([[1, 0], [0, 1]])
    linear = sd.features.Monomials(tuple(map(tuple, exponents)))
    weights = np.array([[[0.4, -1.2], [1.0, 0.3]]])
    here, there = sums_of((x, step), linear)[0], sums_of(([run * scale for run in x], step), linear)[0]
    one = rate_losses(_charted(weights, linear, here), here)
    other = rate_losses(_charted(weights * scale[:, None] / scale, linear, there), there)
    np.testing.assert_allclose(one.losses, other.losses, rtol=1e-9)


def _charted(coefficients, features, moments):
    """Coefficients of flows of two states in the chart of the sums."""
    chart = moments.chart
    return chart.law_in(coefficients, features, np.array(chart.scale) / chart.time)


def test_the_table_holds_every_threshold_with_every_symmetry_and_laws_by_index(sums):
    found = pareto(*sums[:2], CUBIC, symmetries=subalgebras(ROTATION), layout=sums[2], thresholds=(0.05, 0.2, 0.5))
    table = found.table
    assert table.sizes["model"] == 6 and set(table.symmetry.values) == {"none", *ROTATION.texts()}
    assert np.all(np.diff(table.n_numbers) >= 0)
    for index, law in enumerate(found.laws):
        assert np.count_nonzero(law.matters()) == law.n_terms == table.isel(model=index).n_terms
        if table.symmetry.values[index] != "none":
            assert_symmetric(law, ROTATION)
    best = table.isel(model=found.chosen)
    assert best.symmetry != "none" and best.n_numbers == 3 and best.on_front
    np.testing.assert_array_equal(found.laws[found.chosen].matters(), HOPF.coefficients != 0)


def test_no_model_on_the_front_is_beaten_by_a_simpler_one(sums):
    found = pareto(*sums[:2], CUBIC, symmetries={"none": None, "so(2)": ROTATION}, layout=sums[2])
    loss = rate_losses(_charted(np.stack([law.coefficients for law in found.laws]), CUBIC, sums[1]), sums[1]).loss
    for index in np.flatnonzero(found.table.on_front):
        assert np.all(loss[:index] > loss[index])


def test_subalgebras_close_under_brackets():
    rotations = sd.LieAlgebra(sd.candidates.so(3))
    assert len(subalgebras(rotations)) == 1 + 3 + 1  # any two rotations make the third
    flat = subalgebras(sd.LieAlgebra(sd.candidates.se(2)))
    assert len(flat) == 1 + 3 + 1 + 1  # the translations close, a rotation with one of them does not
    assert list(subalgebras(sd.LieAlgebra(sd.candidates.translations(2)).subset([]))) == ["none"]


def test_enough_is_the_size_from_which_on_errors_stay_low():
    sizes, errors = np.array([1, 2, 4, 8]), np.array([0.1, 0.5, 0.2, 0.1])
    assert [enough(sizes, errors, level) for level in (0.5, 0.2, 0.1, 0.05)] == [1, 4, 8, None]


def test_bad_input_is_named(sums):
    x, step = sd.systems.hopf(n_trajectories=4)
    with pytest.raises(ValueError, match="takes at least 5"):
        discover_then_fit((x, step), sd.candidates.gl(2), CUBIC)
    with pytest.raises(ValueError, match="positive shares"):
        discover_then_fit(sd.systems.hopf(), sd.candidates.gl(2), CUBIC, parts=(0.5, 0.5, 0))
    with pytest.raises(TypeError, match="needs the rows"):
        discover_then_fit(sd.systems.hopf(), sd.candidates.gl(2), CUBIC, optimizer=ps.FROLS())
    with pytest.raises(TypeError, match="data must be a Dataset, a tuple"):
        discover_then_fit(x[0], sd.candidates.gl(2), CUBIC)
    with pytest.raises(TypeError, match="no threshold"):
        pareto(*sums[:2], CUBIC, symmetries={"none": None}, layout=sums[2], optimizer=Ridge(fit_intercept=False))
    with pytest.raises(ValueError, match="at least one entry"):
        pareto(*sums[:2], CUBIC, symmetries={}, layout=sums[2])
